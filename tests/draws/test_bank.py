"""The bank draws what ``Draws.sample`` draws: for every distribution, any worlds and streams, any bounds."""

from dataclasses import dataclass

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.draws.bank import DrawBank, Stream
from sim2real.spec.distributions import (
    Beta,
    Choice,
    Constant,
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

STREAMS = [
    Stream("constant", Constant([0.1, -2.0]), 2),
    Stream("uniform", Uniform([-0.02, 1.0, 0.0], [0.02, 1.1, 0.0])),
    Stream("uniform_many", Uniform(-1.0, 3.0), 13),
    Stream("uniform_int", UniformInt(8, 12), 3),
    Stream("choice", Choice([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]], [3.0, 0.0, 1.0]), 3),
    Stream("empirical", Empirical([[float(i), float(i * i)] for i in range(77)]), 3),
    Stream("normal", Normal(1.0, 0.1), 5),
    Stream("gaussian", MultivariateNormal([1.0, 0.0, -1.0], [[0.2, 0.1, 0.0], [0.1, 0.3, 0.1], [0.0, 0.1, 0.1]]), 3),
    Stream("two_gaussians", Mixture([MultivariateNormal([9.0, 9.0], np.eye(2)), Uniform([0.0] * 2, [1.0] * 2)]), 3),
    Stream("log_uniform", LogUniform(0.01, 100.0), 2),
    Stream("truncated", TruncatedNormal(1.0, 0.07, 0.8, 1.2)),
    Stream("beta", Beta([2.0, 0.5], [5.0, 0.5], [0.8, -1.0], [1.2, 3.0]), 3),
    Stream("mixture", Mixture([Uniform(0.4, 0.6), Normal(1.0, 0.05), Beta(2.0, 3.0)], [3.0, 1.0, 0.5]), 6),
]
CLOSE = {"log_uniform": 2, "truncated": 2, "beta": 2, "mixture": 2}
"""Streams with exp or log in them: how many ulp they may differ."""


@dataclass
class Rows:
    index: object
    n: int


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param == "cuda" and not wp.is_cuda_available():
        pytest.skip("no CUDA device")
    return str(request.param)


def ints(values: object, device: str) -> object:
    return wp.array(np.asarray(values), dtype=wp.int32, device=device)


def ulps(a: np.ndarray, b: np.ndarray) -> int:
    return int((np.abs(a.astype(np.float64) - b) / np.spacing(np.maximum(np.abs(a), np.abs(b)))).max(initial=0.0))


def assert_drawn(bank: DrawBank, worlds: np.ndarray, episode: np.ndarray, occurrence: np.ndarray, names: set) -> None:
    """The named streams of these worlds hold Draws.sample's numbers, within what is said for their distribution."""
    values, draws = bank.values.numpy(), Draws(bank.seed)
    for i, stream in enumerate(bank.streams):
        if stream.name in names:
            expected = draws.sample(
                stream.name,
                stream.dist,
                worlds + bank.first_world,
                episode[worlds],
                occurrence[worlds, i],
                stream.count,
            ).reshape(len(worlds), -1)
            allowed = CLOSE.get(stream.name, 0 if bank.device.is_cpu else 2)
            assert ulps(values[worlds, bank.columns[stream.name]], expected) <= allowed, stream.name


def test_every_distribution(device: str) -> None:
    """All rows and all streams, each world in its own episode, each stream in its own occurrence."""
    n, rng = 3000, np.random.default_rng(1)
    bank = DrawBank(7, STREAMS, n, device, first_world=10**6)
    episode, occurrence = rng.integers(0, 9, n), rng.integers(0, 9, (n, len(STREAMS)))
    bank.draw(Rows(ints(np.arange(n), device), n), ints(episode, device), ints(occurrence, device))
    assert_drawn(bank, np.arange(n), episode, occurrence, set(bank.numbers))
    assert bank.values.shape == (n, sum(s.count * s.dist.dim for s in STREAMS))


def test_only_what_is_asked_for(device: str) -> None:
    """Entries of -1, worlds that are not named, other streams and streams that do not fire keep their numbers."""
    n, rng = 200, np.random.default_rng(2)
    bank = DrawBank(7, STREAMS, n, device)
    before = rng.normal(size=bank.values.shape).astype(np.float32)
    bank.values.assign(before)
    worlds = rng.permutation(n)[:60]
    index = np.where(np.arange(60) % 3 == 0, -1, worlds)
    worlds = index[index >= 0]
    names = ["gaussian", "beta", "uniform_many"]
    fire = rng.integers(0, 2, (n, len(STREAMS)))
    episode, occurrence = np.full(n, 3), np.full((n, len(STREAMS)), 5)
    bank.draw(
        Rows(ints(index, device), 60),
        ints(episode, device),
        ints(occurrence, device),
        streams=bank.choose(names),
        fire=ints(fire, device),
    )
    touched = np.zeros(before.shape, bool)
    for name in names:
        fired = worlds[fire[worlds, bank.numbers[name]] == 1]
        assert_drawn(bank, fired, episode, occurrence, {name})
        touched[fired, bank.columns[name]] = True
    after = bank.values.numpy()
    assert np.array_equal(after[~touched], before[~touched]) and not np.array_equal(after[touched], before[touched])


def test_worlds_and_order_do_not_matter(device: str) -> None:
    """A world's numbers are the same among 16, 1000 or 4096, on another shard, and with the streams turned around."""
    whole = None
    for n, first, streams in ((4096, 0, STREAMS), (1000, 0, STREAMS[::-1]), (16, 0, STREAMS[3:]), (96, 4000, STREAMS)):
        bank = DrawBank(7, streams, n, device, first_world=first)
        zeros = (ints(np.zeros(n), device), ints(np.zeros((n, len(streams))), device))
        bank.draw(Rows(ints(np.arange(n), device), n), *zeros)
        drawn = {name: bank.values.numpy()[:, columns] for name, columns in bank.columns.items()}
        whole = whole or drawn
        for name, values in drawn.items():
            assert np.array_equal(values, whole[name][first : first + n]), name


def test_a_row_can_play_any_world(device: str) -> None:
    """With another id in a row, it draws what that world draws anywhere; the other rows stay as they are."""
    many, few = (DrawBank(7, STREAMS, n, device) for n in (600, 3))
    few.worlds.assign(np.array([5, 599, 5], np.int32))
    for bank in (many, few):
        n = bank.num_worlds
        zeros = (ints(np.zeros(n), device), ints(np.zeros((n, len(STREAMS))), device))
        bank.draw(Rows(ints(np.arange(n), device), n), *zeros)
    np.testing.assert_array_equal(few.values.numpy(), many.values.numpy()[[5, 599, 5]])


def test_moved_bounds_and_pins(device: str) -> None:
    """Bounds move without touching other streams; a pinned world has the bound itself, the others draw as ever."""
    n = 64
    streams = [Stream("a", Uniform([0.0, 5.0], [1.0, 6.0]), 3), Stream("b", LogUniform(0.5, 2.0)), *STREAMS]
    bank = DrawBank(7, streams, n, device, pinned=["b", "a"])
    assert bank.bounds("a") == ((0.0, 5.0), (1.0, 6.0))
    bank.set_bounds("a", [0.2, 5.5], [0.3, 5.6])
    bank.set_bounds("b", 0.9, 1.3)
    boundary = np.arange(n) % 5 - 1  # none, b low, b high, a low, a high
    bank.boundary.assign(boundary.astype(np.int32))
    episode, occurrence = np.zeros(n, int), np.zeros((n, len(streams)), int)
    bank.draw(Rows(ints(np.arange(n), device), n), ints(episode, device), ints(occurrence, device))
    assert_drawn(bank, np.arange(n), episode, occurrence, set(bank.numbers) - {"a", "b"})
    values, worlds = bank.values.numpy(), np.arange(n)
    expected_a = Draws(7).sample("a", Uniform([0.2, 5.5], [0.3, 5.6]), worlds, count=3)
    expected_b = Draws(7).sample("b", LogUniform(0.9, 1.3), worlds)
    expected_b[boundary == 0], expected_b[boundary == 1] = 0.9, 1.3
    expected_a[boundary == 2], expected_a[boundary == 3] = [0.2, 5.5], [0.3, 5.6]
    assert np.array_equal(values[:, bank.columns["a"]], expected_a.reshape(n, -1))
    assert ulps(values[:, bank.columns["b"]], expected_b) <= 2
    assert bank.bounds("b") == ((0.9,), (1.3,))


def test_drawing_is_captured(device: str) -> None:
    """A captured draw follows counters and bounds that change later, with no synchronisation inside."""
    if device == "cpu":
        pytest.skip("graphs need CUDA")
    n = 128
    bank = DrawBank(7, STREAMS, n, device)
    rows = Rows(ints(np.arange(n), device), n)
    episode, occurrence = ints(np.zeros(n), device), ints(np.zeros((n, len(STREAMS))), device)
    bank.draw(rows, episode, occurrence)
    with wp.ScopedCapture(device) as capture:
        bank.draw(rows, episode, occurrence)
    episode.fill_(4)
    wp.capture_launch(capture.graph)
    assert_drawn(bank, np.arange(n), np.full(n, 4), np.zeros((n, len(STREAMS)), int), set(bank.numbers))


def test_wrong_banks(device: str) -> None:
    """What makes no bank is refused when it is made."""
    with pytest.raises(ValueError, match="streams: a given twice"):
        DrawBank(7, [Stream("a", Uniform()), Stream("a", Normal())], 4, device)
    with pytest.raises(ValueError, match="stream a: count is 0; give at least 1"):
        DrawBank(7, [Stream("a", Uniform(), 0)], 4, device)
    with pytest.raises(ValueError, match="no stream 'b'; there are a"):
        DrawBank(7, [Stream("a", Uniform())], 4, device, pinned=["b"])
    with pytest.raises(ValueError, match="stream a: normal has no bounds to move"):
        DrawBank(7, [Stream("a", Normal())], 4, device, pinned=["a"])
    bank = DrawBank(7, [Stream("a", Uniform())], 4, device)
    for low, high, message in ((2, 1, "low 2 is greater"), ([1, 1], [2, 2], "got 2 components; give 1")):
        with pytest.raises(ValueError, match=message):
            bank.set_bounds("a", low, high)  # type: ignore[arg-type]
