"""A staged curriculum: for so many iterations each, all ranges are open to a fraction about their nominal value.

A stage's `range` is that fraction: 0.3 opens a mass scale of 0.8 to 1.2 to 0.94 to 1.06. The nominal value is 1 for a
scale and 0 for an added value, and the middle of the range for a set one. A nominal value outside of its range is
moved to the nearest bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim2real.lab.adr import CurriculumError
from sim2real.spec.distributions import LogUniform, Uniform
from sim2real.spec.terms import Term

SCALABLE = (Uniform, LogUniform)
"""Distributions whose bounds can be moved."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage."""

    name: str
    """For people."""
    iterations: int
    """How long it lasts [training iterations]; the last stage stays."""
    range: float
    """How far the ranges are open, from 0 (nominal) to 1 (as declared)."""


def narrowed(term: Term, share: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the bounds of a term whose range is open to a share about its nominal value, SI."""
    lows, highs = term.dist.bounds()
    nominal = {"scale": 1.0, "add": 0.0}.get(term.op)
    pairs = []
    for low, high in zip(lows, highs, strict=True):
        centre = 0.5 * (low + high) if nominal is None else min(max(nominal, low), high)
        pairs.append((centre + share * (low - centre), centre + share * (high - centre)))
    return tuple(low for low, _ in pairs), tuple(high for _, high in pairs)


class Stages:
    """Which stage a training is in, by the environment steps it has taken."""

    def __init__(self, stages: Sequence[Stage], terms: dict[str, Term], steps_per_iteration: int) -> None:
        """Take the stages and the terms whose ranges they open.

        Args:
            stages: at least one, in order.
            terms: terms drawn at reset, by name.
            steps_per_iteration: environment steps of one training iteration (`num_steps_per_env` of rsl_rl).

        Raises:
            CurriculumError: a term whose range cannot be narrowed, or no steps per iteration.
        """
        fixed = [name for name, term in terms.items() if not isinstance(term.dist, SCALABLE)]
        if fixed:
            raise CurriculumError(
                f"curriculum.stages opens the ranges of all terms drawn at reset, but {', '.join(sorted(fixed))} has no"
                " range; stages know uniform and log_uniform. Use one of them, or draw that term at startup"
            )
        if steps_per_iteration < 1:
            raise CurriculumError(
                f"curriculum.stages counts iterations of {steps_per_iteration} steps; give the number of steps per"
                " iteration, 1 or more (num_steps_per_env of rsl_rl)"
            )
        self.stages, self.terms, self.steps_per_iteration = tuple(stages), dict(terms), steps_per_iteration
        self.steps = 0
        self._entered = -1

    @property
    def current(self) -> int:
        """Number of the stage that the steps taken lead to."""
        iteration = self.steps // self.steps_per_iteration
        for k, stage in enumerate(self.stages[:-1]):
            if iteration < stage.iterations:
                return k
            iteration -= stage.iterations
        return len(self.stages) - 1

    def enter(self) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
        """Return the bounds to set, by term, when a stage was entered since the last call; else nothing."""
        k = self.current
        if k == self._entered:
            return {}
        self._entered = k
        return {name: narrowed(term, self.stages[k].range) for name, term in self.terms.items()}

    def log(self) -> dict[str, float]:
        """Return numbers to plot."""
        return {"stage": float(self.current), "range": self.stages[self.current].range}

    def state_dict(self) -> dict[str, Any]:
        """Return how far the training came."""
        return {"steps": self.steps, "stages": [stage.name for stage in self.stages]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            CurriculumError: it was saved with other stages.
        """
        names = [stage.name for stage in self.stages]
        if state["stages"] != names:
            raise CurriculumError(f"the saved curriculum has stages {state['stages']}, this one has {names}")
        self.steps, self._entered = int(state["steps"]), -1
