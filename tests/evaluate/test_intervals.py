"""Intervals against published values, against their definitions, and by the coverage that they promise."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.evaluate.intervals import (
    compare_paired,
    mcnemar_p_value,
    paired_difference,
    unpaired_difference,
    wilson_interval,
    wilson_rate,
)

COUNTS = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda counts: sum(counts) > 0)


@pytest.mark.parametrize(
    ("successes", "episodes", "low", "high"),
    # Newcombe 1998 (single proportion), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_the_published_values(successes, episodes, low, high):
    """The four examples of Newcombe's paper, to the digits printed there."""
    assert wilson_interval(successes, episodes) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_ends_are_the_rates_that_the_score_test_just_accepts(case):
    """Its definition: at either end, observed and assumed rate lie exactly z standard errors apart."""
    successes, episodes = case
    low, high = wilson_interval(successes, episodes)
    assert 0.0 <= low <= successes / episodes <= high <= 1.0
    for end in (low, high):
        if 0.0 < end < 1.0:
            score = abs(successes / episodes - end) / sqrt(end * (1 - end) / episodes)
            assert score == pytest.approx(1.959964, rel=1e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_treats_success_and_failure_alike(case):
    """The interval of the failures is the mirrored interval of the successes."""
    successes, episodes = case
    low, high = wilson_interval(successes, episodes)
    assert wilson_interval(episodes - successes, episodes) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_covers_what_it_promises():
    """Simulated: over rates from 0.5 to 0.99 the interval of 200 episodes holds the truth 95 times in 100."""
    rng = np.random.default_rng(11)
    truth = np.linspace(0.5, 0.99, 50)
    successes = rng.binomial(200, truth, (400, 50))
    intervals = np.array([wilson_interval(k, 200) for k in range(201)])[successes]
    covered = (intervals[..., 0] <= truth) & (truth <= intervals[..., 1])
    assert 0.94 <= covered.mean() <= 0.965
    assert covered.mean(axis=0).min() > 0.9


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Cavo et al. 2012 and Bentur et al. 2009, as worked out in Fagerland, Lydersen and Laake,
        # "Statistical Analysis of Contingency Tables" (2017), chapter 8, Newcombe's square-and-add interval.
        ((59, 6, 16, 80), -0.1186, -0.0046),
        ((1, 1, 7, 12), -0.507, -0.026),
        # Newcombe 1998 (paired data), table II, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
    ],
)
def test_paired_interval_equals_the_published_values(counts, low, high):
    """Method 10 to the digits printed in the literature."""
    seen = paired_difference(*counts)
    digits = 5e-4 if low == -0.507 else 5e-5
    assert (seen.low, seen.high) == pytest.approx((low, high), abs=digits)


def test_unpaired_interval_equals_the_published_values():
    """Newcombe 1998 (independent proportions), table II, method 10: 56/70 against 48/80, 9/10 against 3/10."""
    assert unpaired_difference(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert unpaired_difference(9, 10, 3, 10) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)


def test_mcnemar_equals_the_published_value():
    """Armitage and Berry's culture media: 12 against 2 discordant pairs, exact P = 0.0129."""
    assert mcnemar_p_value(12, 2) == pytest.approx(0.0129, abs=5e-5)
    assert mcnemar_p_value(2, 12) == mcnemar_p_value(12, 2)
    assert mcnemar_p_value(0, 0) == 1.0
    assert mcnemar_p_value(0, 5) == 2 / 32


@given(COUNTS)
def test_swapping_the_policies_mirrors_the_difference(counts):
    """First minus second is the negative of second minus first, ends included."""
    both, first, second, neither = counts
    one, other = paired_difference(both, first, second, neither), paired_difference(both, second, first, neither)
    assert one.low <= one.value <= one.high
    assert (other.value, other.low, other.high) == pytest.approx((-one.value, -one.high, -one.low), abs=1e-12)
    assert one.episodes == sum(counts)


def test_paired_interval_covers_what_it_promises():
    """Simulated: two policies at 98 % and 95 % that fail on correlated scenes, 100 scenes each."""
    rng = np.random.default_rng(5)
    cells = [0.94, 0.04, 0.01, 0.01]
    truth = cells[1] - cells[2]
    hits = 0
    for counts in rng.multinomial(100, cells, 1500):
        seen = paired_difference(*(int(c) for c in counts))
        hits += seen.low <= truth <= seen.high
    assert 0.93 <= hits / 1500 <= 0.995


def test_comparing_scene_by_scene_counts_the_four_kinds():
    """Sequences of outcomes on the same scenes give the table that the interval needs."""
    seen = compare_paired([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert (seen.both, seen.first_only, seen.second_only, seen.neither) == (2, 1, 1, 1)
    assert seen.value == 0.0
    with pytest.raises(ValueError, match="shorter|longer"):
        compare_paired([1, 1], [1])


def test_impossible_counts_are_refused():
    """No episodes, too many successes, and a confidence of 95 instead of 0.95."""
    for successes, episodes in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match=f"{successes} successes in {episodes} episodes"):
            wilson_interval(successes, episodes)
    with pytest.raises(ValueError, match="allowed: between 0 and 1"):
        wilson_interval(1, 2, confidence=95)
    with pytest.raises(ValueError, match="counts of scenes"):
        paired_difference(0, 0, 0, 0)
    assert wilson_rate(3, 4).value == 0.75
