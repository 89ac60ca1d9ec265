"""A staged curriculum: for so many iterations each, all ranges are open to a fraction about their nominal value.

A stage's `range` is that fraction: 0.3 opens a mass scale of 0.8 to 1.2 to 0.94 to 1.06, whatever is nominal in each
world. What is drawn stays the same; what it does to the nominal value is taken in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sim2real.lab.adr import CurriculumError


class Stage(Protocol):
    """One stage, as a spec holds it."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def iterations(self) -> int:
        """How long it lasts [training iterations]; the last stage stays."""

    @property
    def range(self) -> float:
        """How far the ranges are open, from 0 (nominal) to 1 (as declared)."""


class Stages:
    """Which stage a training is in, by the environment steps it has taken."""

    def __init__(self, stages: Sequence[Stage], steps_per_iteration: int) -> None:
        """Take the stages.

        Args:
            stages: at least one, in order.
            steps_per_iteration: environment steps of one training iteration (`num_steps_per_env` of rsl_rl).

        Raises:
            CurriculumError: no steps per iteration.
        """
        if steps_per_iteration < 1:
            raise CurriculumError(
                f"curriculum.stages counts iterations of {steps_per_iteration} steps; give the number of steps per"
                " iteration, 1 or more (num_steps_per_env of rsl_rl)"
            )
        self.stages, self.steps_per_iteration = tuple(stages), steps_per_iteration
        self.steps = 0
        """Environment steps that the training has taken."""

    @property
    def current(self) -> int:
        """Number of the stage that the steps taken lead to."""
        iteration = self.steps // self.steps_per_iteration
        for k, stage in enumerate(self.stages[:-1]):
            if iteration < stage.iterations:
                return k
            iteration -= stage.iterations
        return len(self.stages) - 1

    @property
    def part(self) -> float:
        """How far ranges are open now."""
        return self.stages[self.current].range

    def log(self) -> dict[str, float]:
        """Return numbers to plot."""
        return {"stage": float(self.current), "range": self.part}

    def state_dict(self) -> dict[str, Any]:
        """Return how far the training came."""
        return {"steps": self.steps, "stages": [stage.name for stage in self.stages]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            CurriculumError: it was saved with other stages.
        """
        names = [stage.name for stage in self.stages]
        if list(state["stages"]) != names:
            raise CurriculumError(
                f"the saved curriculum has stages {list(state['stages'])}, this one has {names}; resume with the spec"
                " of that run"
            )
        self.steps = int(state["steps"])


class Opened:
    """One stage without an end, whose `part` is set from outside."""

    def __init__(self, part: float) -> None:
        """Open all ranges to a fraction, from 0 (nominal) to 1 (as declared)."""
        self.part = part
        self.steps = self.current = 0

    def log(self) -> dict[str, float]:
        """Return numbers to plot."""
        return {"range": self.part}

    def state_dict(self) -> dict[str, Any]:
        """Return how far ranges are open."""
        return {"part": self.part}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.part = float(state["part"])
