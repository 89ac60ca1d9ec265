"""How far a success rate, or the difference between two, can be trusted.

A rate from 200 episodes is an estimate. Two intervals say how good: Wilson's score interval for one rate, and
Newcombe's square-and-add interval for the difference of two policies driven on the *same* scenes, which uses that hard
scenes are hard for both. Both keep their coverage near 0 % and 100 %, where the textbook interval (Wald) collapses.

Sources:
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
    R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison of seven methods",
    Statistics in Medicine 17 (1998) 857-872; Wilson's interval is method 3.
    R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", Statistics in Medicine 17 (1998) 2635-2650; method 10.
    R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
    methods", Statistics in Medicine 17 (1998) 873-890; method 10.
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947)
    153-157; here the exact binomial form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb, hypot, sqrt
from statistics import NormalDist


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A success rate with its interval."""

    successes: int
    """Number of successful episodes."""
    episodes: int
    """Number of episodes."""
    low: float
    """Lower end of the interval [1]."""
    high: float
    """Upper end of the interval [1]."""

    @property
    def value(self) -> float:
        """Share of successful episodes [1]."""
        return self.successes / self.episodes


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Success rate of a first policy minus that of a second one on the same scenes."""

    both: int
    """Scenes on which both succeeded."""
    first_only: int
    """Scenes on which only the first succeeded."""
    second_only: int
    """Scenes on which only the second succeeded."""
    neither: int
    """Scenes on which both failed."""
    value: float
    """Difference of the rates, first minus second [1]."""
    low: float
    """Lower end of the interval [1]."""
    high: float
    """Upper end of the interval [1]."""
    p_value: float
    """Exact two-sided McNemar test of "there is no difference" [1]."""

    @property
    def episodes(self) -> int:
        """Number of scenes that both drove."""
        return self.both + self.first_only + self.second_only + self.neither


def wilson_interval(successes: int, episodes: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval (low, high) of a success rate [1].

    Raises:
        ValueError: without episodes there is no rate; more successes than episodes cannot be.
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise ValueError(
            f"{successes} successes in {episodes} episodes; allowed: 0 <= successes <= episodes, episodes >= 1"
        )
    z = _quantile(confidence)
    rate = successes / episodes
    scale = 1.0 + z * z / episodes
    middle = (rate + z * z / (2 * episodes)) / scale
    half = z * sqrt(rate * (1.0 - rate) / episodes + z * z / (4.0 * episodes * episodes)) / scale
    # At 0 and at n successes the formula gives 0 and 1 but for rounding.
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == episodes else middle + half
    return low, high


def wilson_rate(successes: int, episodes: int, confidence: float = 0.95) -> Rate:
    """Return a success rate together with its Wilson interval."""
    low, high = wilson_interval(successes, episodes, confidence)
    return Rate(successes=successes, episodes=episodes, low=low, high=high)


def paired_difference(
    both: int, first_only: int, second_only: int, neither: int, confidence: float = 0.95
) -> PairedDifference:
    """Compare two policies on the same scenes: Newcombe's method 10 and the exact McNemar test.

    Args:
        both: Scenes on which both succeeded.
        first_only: Scenes on which only the first succeeded.
        second_only: Scenes on which only the second succeeded.
        neither: Scenes on which both failed.
        confidence: Coverage of the interval [1].
    """
    counts = (both, first_only, second_only, neither)
    total = sum(counts)
    if total < 1 or min(counts) < 0:
        raise ValueError(f"the counts of scenes are {counts}; allowed: none negative, at least one scene")
    first, second = both + first_only, both + second_only
    rate1, rate2 = first / total, second / total
    low1, high1 = wilson_interval(first, total, confidence)
    low2, high2 = wilson_interval(second, total, confidence)
    phi = _correlation(*counts)
    difference = (first_only - second_only) / total
    down = (rate1 - low1) ** 2 - 2.0 * phi * (rate1 - low1) * (high2 - rate2) + (high2 - rate2) ** 2
    up = (rate2 - low2) ** 2 - 2.0 * phi * (rate2 - low2) * (high1 - rate1) + (high1 - rate1) ** 2
    return PairedDifference(
        both=both,
        first_only=first_only,
        second_only=second_only,
        neither=neither,
        value=difference,
        low=max(-1.0, difference - sqrt(max(down, 0.0))),
        high=min(1.0, difference + sqrt(max(up, 0.0))),
        p_value=mcnemar_p_value(first_only, second_only),
    )


def unpaired_difference(
    successes1: int, episodes1: int, successes2: int, episodes2: int, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the difference of two rates from different scenes, and its interval: Newcombe's unpaired method 10 [1]."""
    low1, high1 = wilson_interval(successes1, episodes1, confidence)
    low2, high2 = wilson_interval(successes2, episodes2, confidence)
    rate1, rate2 = successes1 / episodes1, successes2 / episodes2
    value = round(rate1 - rate2, 12)
    return value, value - hypot(rate1 - low1, high2 - rate2), value + hypot(high1 - rate1, rate2 - low2)


def compare_paired(first: Iterable[bool], second: Iterable[bool], confidence: float = 0.95) -> PairedDifference:
    """Compare two policies by their successes on the same scenes, given in the same order."""
    pairs = list(zip(map(bool, first), map(bool, second), strict=True))
    return paired_difference(
        pairs.count((True, True)),
        pairs.count((True, False)),
        pairs.count((False, True)),
        pairs.count((False, False)),
        confidence,
    )


def mcnemar_p_value(first_only: int, second_only: int) -> float:
    """Return the exact two-sided p-value of McNemar's test: a fair coin for every scene that tells the two apart."""
    discordant = first_only + second_only
    tail = sum(comb(discordant, k) for k in range(min(first_only, second_only) + 1))
    return min(1.0, 2 * tail / 2**discordant)


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Return the correlation of the two outcomes, with Newcombe's continuity correction where it is positive."""
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if margins == 0:
        return 0.0
    cross: float = both * neither - first_only * second_only
    if cross > 0:
        cross = max(cross - (both + first_only + second_only + neither) / 2.0, 0.0)
    return cross / sqrt(margins)


def _quantile(confidence: float) -> float:
    """Return the standard normal quantile of a two-sided interval."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"the confidence is {confidence}; allowed: between 0 and 1, such as 0.95")
    return NormalDist().inv_cdf(0.5 + confidence / 2.0)
