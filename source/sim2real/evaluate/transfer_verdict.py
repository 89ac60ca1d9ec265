"""Does it transfer between engines? The seeds' rule in points of success, with the interval of each gap.

The gap of an engine is the success rate in the engine of training minus the rate there, over the same episodes. Under
10 points it is good, up to 30 moderate, above poor; and a policy that fails in the engine itself transfers poorly
whatever the gap (`verdict.py`: under 70 % moderate at best, under 50 % poor).

MuJoCo Warp, the solver in Newton, and MuJoCo's C library are one contact model written twice: that a policy passes from
one to the other says little. So the verdict rests on engines of another family than training's alone: PhysX against
MuJoCo and DART, Newton against PhysX and DART.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from sim2real.evaluate.engines.player import FAMILIES, LAB_PHYSICS
from sim2real.evaluate.intervals import PairedDifference, compare_paired, wilson_interval
from sim2real.evaluate.transfer_plan import DRAWN, FACTORS, NOMINAL
from sim2real.evaluate.transfer_rollout import PlayedEpisode
from sim2real.evaluate.verdict import GAP_GOOD, GAP_MODERATE, SUCCESS_GOOD, SUCCESS_MODERATE, percent, points

LEVELS = ("good", "moderate", "poor")
NAMES = {"newton": "Newton", "physx": "PhysX", "mujoco": "MuJoCo", "dart": "DART"}
"""How engines are called in sentences."""
RESAMPLES = 2000
"""Of a bootstrap."""

Played = Mapping[str, Sequence[PlayedEpisode]]
"""Episodes by engine."""


def engine_of_training(physics: str) -> str:
    """The player's name of the engine that a contract's run names."""
    found = {physics: engine for engine, physics in LAB_PHYSICS.items()} | {"isaacsim_physx": "physx"}
    return found.get(physics, physics)


@dataclass(frozen=True, kw_only=True)
class EngineResult:
    """A policy in one engine."""

    engine: str
    """Its name."""
    episodes: int
    """Played under drawn conditions."""
    success: float
    """Share of successes [1]."""
    success_ci: tuple[float, float]
    """Its Wilson interval [1]."""
    falls: int
    """Episodes that ended in a fall or flew apart."""
    means: dict[str, tuple[float, float, float] | None]
    """Mean and 95 % bootstrap interval of each of `MEANS`."""
    error_ratio: tuple[float, float, float] | None
    """Mean error over that in the engine of training, with its interval; None there, or without it."""
    gap: PairedDifference | None
    """Success in the engine of training minus success here; None there, or without it."""
    level: str
    """`good`, `moderate` or `poor`."""
    same_family: bool
    """Whether its contact model is that of the engine of training."""


@dataclass(frozen=True, kw_only=True)
class TransferVerdict:
    """The judgement over all engines."""

    level: str
    """`good`, `moderate`, `poor`, or `not run`."""
    sentence: str
    """With its numbers."""
    notes: tuple[str, ...]
    """What the reader must know beside it."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """How much a condition matters, one way."""

    factor: str
    """Name of the condition."""
    direction: str
    """`more` or `less`."""
    slope: float
    """Drop of the success rate [1] for one unit of change."""
    low: float
    """Lower end of its 95 % bootstrap interval."""
    high: float
    """Upper end."""
    unit: str
    """What one unit is."""


MEANS = ("score", "error", "turn_error", "time_s", "energy_j", "cost_of_transport", "action_rate", "at_speed_limit")
OFTEN_AT_LIMIT = 0.05
"""From this share of its time at a speed limit on the page says so [1]."""


def judge_engines(played: Played, trained_in: str) -> list[EngineResult]:
    """Results of each engine over its drawn episodes, the engine of training first."""
    drawn = {engine: [e for e in episodes if e.variant == DRAWN] for engine, episodes in played.items()}
    reference = {e.number: e for e in drawn.get(trained_in, [])}
    engines = sorted((engine for engine, episodes in drawn.items() if episodes), key=lambda e: e != trained_in)
    return [_judge(engine, drawn[engine], reference, trained_in) for engine in engines]


def _judge(
    engine: str, episodes: Sequence[PlayedEpisode], reference: Mapping[int, PlayedEpisode], trained_in: str
) -> EngineResult:
    successes = sum(e.success for e in episodes)
    rate = successes / len(episodes)
    shared = [e for e in episodes if e.number in reference] if engine != trained_in else []
    gap = ratio = None
    if shared:
        gap = compare_paired([reference[e.number].success for e in shared], [e.success for e in shared])
        ratio = bootstrap_ratio([e.error for e in shared], [reference[e.number].error for e in shared])
    by_rate = "good" if rate >= SUCCESS_GOOD else "moderate" if rate >= SUCCESS_MODERATE else "poor"
    by_gap = "good" if gap is None or gap.value < GAP_GOOD else "moderate" if gap.value <= GAP_MODERATE else "poor"
    return EngineResult(
        engine=engine,
        episodes=len(episodes),
        success=rate,
        success_ci=wilson_interval(successes, len(episodes)),
        falls=sum(e.outcome in ("fall", "diverged") for e in episodes),
        means={name: bootstrap_mean([getattr(e, name) for e in episodes]) for name in MEANS},
        error_ratio=ratio,
        gap=gap,
        level=max(by_rate, by_gap, key=LEVELS.index),
        same_family=FAMILIES.get(engine) == FAMILIES.get(trained_in),
    )


def judge(results: Sequence[EngineResult], trained_in: str) -> TransferVerdict:
    """One word over all engines of another family."""
    home = NAMES.get(trained_in, trained_in)
    others = [result for result in results if not result.same_family]
    notes = []
    if any(r.same_family and r.engine != trained_in for r in results):
        notes.append(
            "Newton's solver is MuJoCo Warp: with MuJoCo's C library it is one family. What passes between the two is"
            " shown, and the verdict does not rest on it."
        )
    if not others:
        return TransferVerdict(
            level="not run",
            sentence=f"The policy was played in no engine of another family than {home}'s: nothing is known about its"
            " transfer.",
            notes=tuple(notes),
        )
    if not any(r.engine == trained_in for r in results):
        notes.append(f"The policy was not played in {home}, where it was trained: success rates stand without a gap.")
    worst = max(others, key=lambda r: (LEVELS.index(r.level), r.gap.value if r.gap else -r.success))
    headline = {"good": "Transfers", "moderate": "Transfers in part", "poor": "Does not transfer"}[worst.level]
    said = [
        f"{percent(r.success)} in {NAMES.get(r.engine, r.engine)}"
        + (f" (gap {points(r.gap.value)} points, {points(r.gap.low)} to {points(r.gap.high)})" if r.gap else "")
        for r in others
    ]
    own = next((f"{percent(r.success)} in {home}" for r in results if r.engine == trained_in), f"trained in {home}")
    for r in others:
        if r.gap and any(r.gap.low < edge < r.gap.high for edge in (GAP_GOOD, GAP_MODERATE)):
            notes.append(
                f"The gap to {NAMES.get(r.engine, r.engine)} is between {points(r.gap.low)} and {points(r.gap.high)}"
                " points: too wide an interval to be sure of the word; play more episodes."
            )
    for r in results:
        often = r.means["at_speed_limit"]
        if often and often[0] >= OFTEN_AT_LIMIT:
            notes.append(
                f"In {NAMES.get(r.engine, r.engine)} a joint is at its speed limit {percent(often[0])} of the time:"
                " simulators hold it there, the controller of a real arm may stop with a fault."
            )
    return TransferVerdict(level=worst.level, sentence=f"{headline}: {own}; {'; '.join(said)}.", notes=tuple(notes))


def rank_sensitivity(episodes: Sequence[PlayedEpisode]) -> list[Sensitivity]:
    """What matters most first: the drop of success for one unit of change, through the nominal point.

    A slope is fitted to all points of a robustness curve on one side of nominal; episodes are resampled by number, the
    same ones at every point, since start and commands are the same.
    """
    by_variant: dict[str, dict[int, PlayedEpisode]] = {}
    for episode in episodes:
        by_variant.setdefault(episode.variant, {})[episode.number] = episode
    base = by_variant.get(NOMINAL, {})
    found = []
    for factor, (nominal, _, values, unit) in FACTORS.items():
        for direction, side in (("more", 1.0), ("less", -1.0)):
            steps = [(side * (v - nominal) / unit, by_variant.get(f"{factor}={v:g}", {})) for v in values]
            steps = [(size, played) for size, played in steps if size > 0.0 and played]
            numbers = sorted(set(base).intersection(*(played for _, played in steps))) if steps else []
            if not numbers:
                continue
            sizes = np.array([size for size, _ in steps])
            drops = np.array(
                [[float(base[n].success) - float(played[n].success) for n in numbers] for _, played in steps]
            )

            def slope(rows: np.ndarray, sizes: np.ndarray = sizes, drops: np.ndarray = drops) -> float:
                return float((sizes * drops[:, rows].mean(axis=1)).sum() / (sizes**2).sum())

            every = np.arange(len(numbers))
            low, high = _percentiles([slope(rows) for rows in _resampled(len(numbers))])
            text = f"{unit * 1e3:g} ms" if factor == "latency_s" else f"{unit:g}"
            found.append(
                Sensitivity(factor=factor, direction=direction, slope=slope(every), low=low, high=high, unit=text)
            )
    return sorted(found, key=lambda s: -s.slope)


def bootstrap_mean(values: Sequence[float | None]) -> tuple[float, float, float] | None:
    """Mean and 95 % percentile bootstrap interval of those that are numbers; None without any."""
    numbers = np.array([value for value in values if value is not None], float)
    if not len(numbers):
        return None
    low, high = _percentiles([numbers[rows].mean() for rows in _resampled(len(numbers))])
    return fmean(numbers), low, high


def bootstrap_ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, float, float] | None:
    """Ratio of two means over the same episodes, with its bootstrap interval; None where the lower one is 0."""
    one, other = np.array(above, float), np.array(below, float)
    if not other.mean() > 0.0:
        return None
    ratios = [one[rows].mean() / max(other[rows].mean(), 1e-12) for rows in _resampled(len(one))]
    low, high = _percentiles(ratios)
    return float(one.mean() / other.mean()), low, high


def _resampled(count: int) -> np.ndarray:
    """Rows of every bootstrap sample, always the same ones."""
    return np.random.default_rng(20261121).integers(0, count, (RESAMPLES, count))


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(np.array(values), [2.5, 97.5])
    return float(low), float(high)
