"""Does it transfer? One word and one sentence, by rules that are written down here.

The transfer gap is a reference's success rate minus the policy's in the test engine, in points. The reference is the
same policy in the engine it was trained in, where that was driven; otherwise the classical gap-follower in the test
engine, which shows what the scenes allow.

- under 10 points the policy **transfers**; from 10 to 30 it transfers **in part**; over 30 it does **not**;
- whatever the gap, under 70 % success it transfers in part at best, and under 50 % not at all: two failures that agree
  are no transfer;
- where the gap's interval crosses a threshold, the sentence says that more episodes are needed to be sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim2real.evaluate.episodes import EpisodeTable
from sim2real.evaluate.intervals import unpaired_difference

GAP_GOOD, GAP_MODERATE = 0.10, 0.30
"""Largest gap [1] of a good and of a moderate transfer."""
SUCCESS_GOOD, SUCCESS_MODERATE = 0.70, 0.50
"""Smallest success rate [1] of a good and of a moderate transfer."""
FORWARD_EASY = 0.20
"""Success rate [1] of driving straight on from which the arena counts as too easy."""

ENGINE_NAMES = {
    "newton_mjwarp": "Newton",
    "ovphysx": "PhysX",
    "isaacsim_physx": "PhysX in Isaac Sim",
    "mujoco": "MuJoCo",
    "dart": "DART",
    "unknown": "an engine that is not known",
}
"""How engines are called in sentences."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A reference's success rate minus the policy's."""

    value: float
    """Difference [1]; positive where the reference does better."""
    low: float
    """Lower end of its 95 % interval [1]."""
    high: float
    """Upper end of its 95 % interval [1]."""
    reference: str
    """What the policy was held against."""
    paired: bool
    """Whether both drove the same scenes, so that the interval is the paired one."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "value": self.value,
            "ci95": [self.low, self.high],
            "reference": self.reference,
            "paired": self.paired,
        }


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement of a transfer."""

    level: str
    """``good``, ``moderate``, ``poor``, or ``not run``."""
    headline: str
    """The judgement in a few words."""
    sentence: str
    """The judgement with its numbers."""
    gap: Gap | None = None
    """The transfer gap; None without a reference."""
    warnings: tuple[str, ...] = ()
    """What the reader must know beside it."""


def engine_name(engine: str) -> str:
    """Return how an engine is called in a sentence."""
    return ENGINE_NAMES.get(engine, engine)


def judge_transfer(
    *,
    engine_train: str,
    engine_test: str,
    policy: EpisodeTable | None,
    in_training_engine: EpisodeTable | None = None,
    gap_follower: EpisodeTable | None = None,
    always_forward: EpisodeTable | None = None,
) -> Verdict:
    """Judge how well a policy transfers, by the rules of this module."""
    train, test = engine_name(engine_train), engine_name(engine_test)
    if not policy:
        return Verdict(
            level="not run",
            headline="Not run",
            sentence=f"The policy trained on {train} was not driven in {test}, so nothing is known about its transfer.",
        )
    summary = policy.summary()
    rate, (low, high) = summary.success_rate or 0.0, summary.ci95 or (0.0, 1.0)
    gap = None
    if in_training_engine:
        gap = _gap(in_training_engine, policy, f"the same policy in {train}")
    elif gap_follower:
        gap = _gap(gap_follower, policy, f"the gap-follower in {test}")
    by_rate = "good" if rate >= SUCCESS_GOOD else "moderate" if rate >= SUCCESS_MODERATE else "poor"
    by_gap = "good" if not gap or gap.value < GAP_GOOD else "moderate" if gap.value <= GAP_MODERATE else "poor"
    level = max(by_rate, by_gap, key=("good", "moderate", "poor").index)
    headline = {"good": "Transfers", "moderate": "Transfers in part", "poor": "Does not transfer"}[level]
    sentence = (
        f"{headline}: {percent(rate)} of {summary.episodes} episodes succeeded in {test} after training on {train}"
        f" (95 % interval {percent_range(low, high)})."
    )
    warnings = []
    if gap:
        if any(gap.low < edge < gap.high for edge in (GAP_GOOD, GAP_MODERATE)):
            warnings.append(
                f"The gap to {gap.reference} is between {points(gap.low)} and {points(gap.high)} points:"
                " too wide an interval to be sure of the verdict; drive more episodes."
            )
    else:
        warnings.append("No reference was driven, so the verdict rests on the success rate alone.")
    if always_forward:
        easy = always_forward.summary().success_rate or 0.0
        if easy >= FORWARD_EASY:
            warnings.append(f"Driving straight on succeeds in {percent(easy)} of the episodes: the arena is too easy.")
    if engine_train == engine_test:
        warnings.append(f"Training and test ran in the same engine ({test}): this is no transfer test.")
    return Verdict(level=level, headline=headline, sentence=sentence, gap=gap, warnings=tuple(warnings))


def percent(value: float | None) -> str:
    """Write a share as a percentage, "not run" for None."""
    return "not run" if value is None else f"{100 * value:.1f} %"


def percent_range(low: float, high: float) -> str:
    """Write an interval of shares as percentages."""
    return f"{100 * low:.1f}\u2013{100 * high:.1f} %"


def points(value: float) -> str:
    """Write a difference of shares in points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "\u2212")


def _gap(reference: EpisodeTable, policy: EpisodeTable, name: str) -> Gap:
    """Return the gap: paired over shared scenes of one seed and spec, otherwise Newcombe's unpaired interval."""
    same = all(reference.identity.get(key) == policy.identity.get(key) for key in ("seed", "spec_digest"))
    paired = reference.compare(policy) if same else None
    if paired is not None:
        return Gap(value=paired.value, low=paired.low, high=paired.high, reference=name, paired=True)
    one, other = reference.summary(), policy.summary()
    value, low, high = unpaired_difference(one.counts["success"], one.episodes, other.counts["success"], other.episodes)
    return Gap(value=value, low=low, high=high, reference=name, paired=False)
