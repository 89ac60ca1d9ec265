"""Draws are pure functions of their names and ids: free of num_envs, order, shards and history."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.draws import Draws
from sim2real.spec.distributions import (
    Choice,
    Constant,
    Distribution,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
)

DISTRIBUTIONS: list[Distribution] = [
    Constant(0.3),
    Uniform(-1.0, 3.0),
    UniformInt(8, 12),
    LogUniform(0.8, 1.25),
    Normal(1.0, 0.1),
    TruncatedNormal(1.0, 0.07, 0.8, 1.2),
    Choice([0.0, 1.0, 5.0], [3.0, 0.0, 1.0]),
    Uniform([-0.02, -0.01, 0.0], [0.02, 0.01, 0.0]),
    Choice([[0.0, 1.0], [2.0, 3.0]]),
]
GOLDEN_BITS = [
    [3092822475, 2438553481, 15182904, 2015390049, 3259192113],
    [2077183974, 2484509844, 904739221, 220532528, 2913891017],
]
GOLDEN_UNIFORM = "0919703b5f4fadbb1621d3ba"
SEED = st.integers(0, 2**64 - 1)
WORLDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20)
EACH = pytest.mark.parametrize("dist", DISTRIBUTIONS, ids=lambda d: f"{d.kind}{d.dim}")


def test_golden_draws() -> None:
    """A change of these numbers changes every dataset and every training run."""
    draws = Draws(7)
    assert draws.bits("push", [0, 17], episode=3, occurrence=1, count=5).tolist() == GOLDEN_BITS
    got = draws.sample("camera", Uniform([-0.01, -0.01, -0.01], [0.01, 0.01, 0.01]), 17, episode=3)
    assert got.tobytes().hex() == GOLDEN_UNIFORM


@EACH
def test_num_envs_free(dist: Distribution) -> None:
    """World 17 draws the same among 32, 1000 and 4096 worlds, and alone."""
    draws = Draws(7)
    alone = draws.sample("term", dist, [17], episode=3, occurrence=2, count=2)
    for worlds in (32, 1000, 4096):
        among = draws.sample("term", dist, np.arange(worlds), episode=3, occurrence=2, count=2)
        assert np.array_equal(among[17:18], alone)


@EACH
@settings(max_examples=25, deadline=None)
@given(seed=SEED, worlds=WORLDS, data=st.data())
def test_order_free_and_shard_free(dist: Distribution, seed: int, worlds: list[int], data: st.DataObject) -> None:
    """Any order of the worlds and any split into shards gives each world its own numbers."""
    ids = np.array(worlds, dtype=np.uint64)
    episode = np.array(data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=len(ids), max_size=len(ids))), np.uint64)
    whole = Draws(seed).sample("term", dist, ids, episode, count=2)
    order = np.array(data.draw(st.permutations(range(len(ids)))), dtype=int)
    assert np.array_equal(Draws(seed).sample("term", dist, ids[order], episode[order], count=2), whole[order])
    for shard in range(3):
        part = slice(shard, None, 3)
        assert np.array_equal(Draws(seed).sample("term", dist, ids[part], episode[part], count=2), whole[part])


@EACH
def test_no_state(dist: Distribution) -> None:
    """Asking for other things in between, or through a pickled copy, changes nothing."""
    draws = Draws(7)
    first = draws.sample("term", dist, np.arange(50), episode=1)
    draws.sample("other", Normal(0.0, 1.0), np.arange(9))
    draws.permutation("term", np.arange(4), 6)
    assert np.array_equal(draws.sample("term", dist, np.arange(50), episode=1), first)
    assert np.array_equal(pickle.loads(pickle.dumps(draws)).sample("term", dist, np.arange(50), episode=1), first)


def test_every_part_of_the_counter_matters() -> None:
    """Seed, name, world, episode, occurrence and element each give other bits."""
    base = Draws(7).bits("term", [5], 1, 1, count=8)[0].tolist()
    others = [
        Draws(8).bits("term", [5], 1, 1, count=8),
        Draws(7).bits("term2", [5], 1, 1, count=8),
        Draws(7).bits("term", [6], 1, 1, count=8),
        Draws(7).bits("term", [5], 2, 1, count=8),
        Draws(7).bits("term", [5], 1, 2, count=8),
    ]
    assert len({*base}.union(*(other[0].tolist() for other in others))) == 48


@given(st.integers(0, 13), st.integers(0, 13))
def test_count_is_a_prefix(small: int, large: int) -> None:
    """Asking for more elements leaves the first ones as they are."""
    small, large = sorted((small, large))
    draws = Draws(3)
    assert np.array_equal(draws.bits("t", [1, 2], count=small), draws.bits("t", [1, 2], count=large)[:, :small])


def test_shapes() -> None:
    """A scalar gives (n, count), a vector (n, count, dim); ids broadcast."""
    draws = Draws(1)
    assert draws.sample("a", Uniform(0, 1), np.arange(5), count=3).shape == (5, 3)
    assert draws.sample("a", Uniform([0, 0], [1, 1]), np.arange(5)).shape == (5, 1, 2)
    assert draws.sample("a", Uniform(0, 1), 4, episode=np.arange(6)).shape == (6, 1)
    assert draws.sample("a", Uniform(0, 1), np.zeros(0, int)).shape == (0, 1)
    assert draws.unit("a", [1], count=0).shape == (1, 0)
    for dist in DISTRIBUTIONS:
        assert draws.sample("a", dist, [1]).dtype == np.float32


def test_components_are_independent() -> None:
    """The components of a vector are different draws without correlation."""
    got = Draws(2).sample("a", Uniform([0, 0, 0], [1, 1, 1]), np.arange(20000))[:, 0]
    assert np.abs(np.corrcoef(got.T) - np.eye(3)).max() < 0.02


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_permutation(start: int, n: int) -> None:
    """Every row is an order of 0..n-1 that depends on its world alone."""
    worlds = (np.arange(4, dtype=np.uint64) + start) % 2**32
    rows = Draws(5).permutation("p", worlds, n)
    assert rows.shape == (4, n)
    assert (np.sort(rows, axis=1) == np.arange(n)).all()
    assert np.array_equal(Draws(5).permutation("p", worlds[2:3], n), rows[2:3])


def test_permutations_are_fair() -> None:
    """All six orders of three items come equally often."""
    rows = Draws(5).permutation("p", np.arange(60000), 3)
    _orders, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 10000) ** 2 / 10000).sum() < 20.5  # chi-squared, 5 degrees of freedom, p = 0.001


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([-1], ValueError, r"world: got -1 to -1; give 0 to 2\^32 - 1"),
        ([2**32], ValueError, r"world: got 4294967296"),
        ([0.5], TypeError, "world: got float64; give whole numbers"),
        ([True], TypeError, "world: got bool; give whole numbers"),
        ([[1, 2]], ValueError, r"world: got shape \(1, 2\)"),
    ],
)
def test_wrong_ids(ids: list[object], error: type[Exception], message: str) -> None:
    """Ids that are no 32-bit counters are refused instead of wrapped."""
    with pytest.raises(error, match=message):
        Draws(5).bits("a", ids)


def test_unknown_distribution() -> None:
    """Only the closed list can be drawn from."""

    class Other(Uniform):
        """A distribution that the tables do not know."""

    with pytest.raises(TypeError, match="cannot draw from Other; give one of Constant, Uniform"):
        Draws(5).sample("a", Other(), [1])
