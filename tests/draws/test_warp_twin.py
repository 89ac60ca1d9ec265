# mypy: disable-error-code="valid-type"
"""The Warp functions give NumPy's numbers."""

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.draws.normal import normal_from_unit
from sim2real.draws.philox import philox4x32, unit_from_bits
from sim2real.spec.distributions import (
    Beta,
    Choice,
    Constant,
    Distribution,
    Empirical,
    LogUniform,
    Mixture,
    MultivariateNormal,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
)

wp = pytest.importorskip("warp")
wp.config.quiet = True

from sim2real.draws import philox_warp  # noqa: E402

EXACT: list[Distribution] = [
    Constant([0.1, 0.2]),
    Uniform(-1.0, 3.0),
    Uniform([-0.02, 1.0, 0.0], [0.02, 1.1, 0.0]),
    UniformInt(8, 12),
    UniformInt(-(2**24), 2**24),
    Choice([0.0, 1.0, 5.0], [3.0, 0.0, 1.0]),
    Choice([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),
    Empirical([float(i) for i in range(1001)]),
    Empirical([[float(i), float(-i)] for i in range(7)]),
    Mixture([Uniform(0.0, 1.0), Constant(7.0), UniformInt(10, 20)], [1.0, 2.0, 3.0]),
    Mixture([Uniform([0.0, 5.0], [1.0, 6.0]), Uniform([10.0, 15.0], [11.0, 16.0])], [1e-6, 1.0]),
]
CLOSE: list[Distribution] = [
    LogUniform(0.01, 100.0),
    Normal(1.0, 0.1),
    TruncatedNormal(1.0, 0.07, 0.8, 1.2),
    TruncatedNormal(0.0, 1.0, 3.0, 9.0),
    TruncatedNormal(0.0, 1.0, -9.0, 1.0),
    Beta(2.0, 5.0, 0.8, 1.2),
    Beta([0.1, 0.5, 1000.0], [0.1, 3.0, 500.0], [0.5, -1.0, 2.0], [1.0, 1.0, 3.0]),
    MultivariateNormal([1.0, 0.0, -3.0], [[0.04, 0.03, 0.0], [0.03, 0.09, -0.02], [0.0, -0.02, 0.01]]),
    Mixture([MultivariateNormal([1.0, 9.0], [[1.0, 0.5], [0.5, 1.0]]), Normal([5.0, 6.0], [0.1, 0.1])], [2.0, 1.0]),
]


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not wp.is_cuda_available():
        pytest.skip("no CUDA device")
    return str(request.param)


@wp.kernel
def _run_philox(
    counter: wp.array2d(dtype=wp.uint32), key: wp.array2d(dtype=wp.uint32), result: wp.array2d(dtype=wp.uint32)
):
    """Philox of each row."""
    i = wp.tid()
    words = philox_warp.philox4x32(counter[i, 0], counter[i, 1], counter[i, 2], counter[i, 3], key[i, 0], key[i, 1])
    for j in range(4):
        result[i, j] = words[j]


@wp.kernel
def _run_units(bits: wp.array(dtype=wp.uint32), u: wp.array(dtype=wp.float32), z: wp.array(dtype=wp.float32)):
    """Unit and normal number of each word."""
    i = wp.tid()
    u[i] = philox_warp.unit_from_bits(bits[i])
    z[i] = philox_warp.normal_from_unit(u[i])


def ulps(a: np.ndarray, b: np.ndarray) -> int:
    """Return the largest distance of two float32 arrays in units of the last place."""
    return int((np.abs(a.astype(np.float64) - b) / np.spacing(np.maximum(np.abs(a), np.abs(b)))).max(initial=0.0))


def test_bits_are_equal(device: str) -> None:
    """Philox gives NumPy's words, the published vectors among them."""
    rng = np.random.default_rng(0)
    counter = rng.integers(0, 2**32, (1000, 4), dtype=np.uint32)
    key = rng.integers(0, 2**32, (1000, 2), dtype=np.uint32)
    counter[:2], key[:2] = [[0] * 4, [2**32 - 1] * 4], [[0] * 2, [2**32 - 1] * 2]
    counter[2], key[2] = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]
    result = wp.zeros((1000, 4), dtype=wp.uint32, device=device)
    inputs = [wp.array(counter, dtype=wp.uint32, device=device), wp.array(key, dtype=wp.uint32, device=device)]
    wp.launch(_run_philox, dim=1000, inputs=inputs, outputs=[result], device=device)
    assert np.array_equal(result.numpy(), philox4x32(counter, key))
    assert result.numpy()[2].tolist() == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def test_all_units_and_normals(device: str) -> None:
    """All 2^24 units are bit-equal; all 2^24 normals too on CPU, and within 2 ulp on CUDA."""
    bits = np.arange(2**24, dtype=np.uint32) << np.uint32(8)
    u, z = (wp.zeros(len(bits), dtype=wp.float32, device=device) for _ in range(2))
    inputs = [wp.array(bits, dtype=wp.uint32, device=device)]
    wp.launch(_run_units, dim=len(bits), inputs=inputs, outputs=[u, z], device=device)
    assert np.array_equal(u.numpy(), unit_from_bits(bits))
    expected = normal_from_unit(unit_from_bits(bits))
    assert ulps(z.numpy(), expected) <= (0 if device == "cpu" else 2)


@pytest.mark.parametrize("dist", EXACT + CLOSE, ids=lambda d: f"{d.kind}{d.dim}")
def test_samples_agree(dist: Distribution, device: str) -> None:
    """Samples are bit-equal where the arithmetic is exact, within 2 ulp where exp or log takes part."""
    draws, worlds = Draws(7), np.arange(20_000, dtype=np.uint32) * 7919
    got = draws.sample_warp("t", dist, wp.array(worlds, dtype=wp.uint32, device=device), 3, 1, count=3).numpy()
    expected = draws.sample("t", dist, worlds, 3, 1, count=3).reshape(len(worlds), -1)
    assert got.dtype == np.float32 and got.shape == expected.shape
    assert ulps(got, expected) <= (0 if dist in EXACT else 2)


def test_episode_and_occurrence_arrays(device: str) -> None:
    """Counters may be arrays of int32, one entry for each world, as a simulator holds them."""
    draws, n = Draws(7), 100
    episode, occurrence = np.arange(n) % 5, np.arange(n) % 3
    arrays = [wp.array(a, dtype=wp.int32, device=device) for a in (np.arange(n), episode, occurrence)]
    got = draws.sample_warp("t", Uniform(0, 1), *arrays).numpy()
    assert np.array_equal(got, draws.sample("t", Uniform(0, 1), np.arange(n), episode, occurrence))


def test_wrong_arrays(device: str) -> None:
    """Counters of another length or type are refused."""
    world = wp.zeros(4, dtype=wp.int32, device=device)
    with pytest.raises(ValueError, match=r"episode: got int32 \(3,\); give int32 or uint32 of shape \(4,\)"):
        Draws(7).sample_warp("t", Uniform(0, 1), world, wp.zeros(3, dtype=wp.int32, device=device))
    with pytest.raises(ValueError, match="world: got float32"):
        Draws(7).sample_warp("t", Uniform(0, 1), wp.zeros(4, dtype=wp.float32, device=device))
