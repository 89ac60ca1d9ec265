"""The curriculum of a spec in a running environment: automatic domain randomization, stages, or none.

It works wherever the spec's events are. On a manager-based task the curriculum term plots what happens:
``cfg.curriculum.ranges = sim2real.lab.curriculum()``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.lab.adr import Adr, AdrParameter, CurriculumError
from sim2real.lab.metrics import Metric, metric_of
from sim2real.lab.stages import Opened, Stages
from sim2real.spec import Spec
from sim2real.spec.distributions import LogUniform

if TYPE_CHECKING:
    import torch

    from sim2real.engines.randomizer import Randomizer


class Curriculum:
    """Moves the ranges of a randomizer as the spec's curriculum says."""

    def __init__(
        self, spec: Spec, randomizer: Randomizer, env: Any, metric: Metric | None, steps_per_iteration: int
    ) -> None:
        """Set the ranges with which training starts.

        Args:
            spec: the spec whose curriculum is followed.
            randomizer: whose ranges move.
            env: the environment that tells how episodes went.
            metric: replaces the metric that the spec names.
            steps_per_iteration: what stages are counted in.

        Raises:
            Sim2RealError: the environment does not measure the metric.
        """
        self._spec, self._randomizer, self._env = spec, randomizer, env
        self.adr: Adr | None = None
        self.stages: Stages | Opened | None = None
        self._metric: Metric | None = None
        declared = spec.curriculum.adr
        if declared is not None:
            self._metric = metric or metric_of(declared.metric, env)
            self.adr = Adr(
                [_parameter(spec, name) for name in randomizer.adr_terms],
                grow=declared.grow,
                shrink=declared.shrink,
                step=declared.step,
                episodes=declared.episodes,
                device=str(env.device),
            )
        if spec.curriculum.stages:
            self.stages = Stages(spec.curriculum.stages, steps_per_iteration)
        self._set()

    def __bool__(self) -> bool:
        return self.adr is not None or self.stages is not None

    def _set(self) -> None:
        if self.adr is not None:
            for k, parameter in enumerate(self.adr.parameters):
                self._randomizer.set_bounds(parameter.name, *self.adr.bounds(k))
        if self.stages is not None:
            self._randomizer.set_range(self.stages.part)

    def open_to(self, part: float) -> None:
        """Open the ranges to a fraction of what is declared, for draws from now on.

        Raises:
            CurriculumError: the spec says itself how ranges open.
        """
        if self.adr is not None or isinstance(self.stages, Stages):
            raise CurriculumError(
                "the spec has a curriculum of its own, so ranges are not opened from outside; remove its 'curriculum'"
            )
        self.stages = Opened(part)
        self._set()

    def ending(self, rows: Any, world: torch.Tensor) -> None:
        """Note how the episodes of some worlds went and choose the edge of their next ones; nothing is waited for.

        Args:
            rows: the worlds, as an index or a slice.
            world: their global ids, int32 (n,).
        """
        if self.adr is None or self._metric is None:
            return
        import warp as wp

        env = self._env
        edge = wp.to_torch(self._randomizer.boundary)
        if hasattr(env, "reset_time_outs"):  # a managed environment has none before its first step
            ended = env.reset_buf[rows].bool() & (env.episode_length_buf[rows] > 0)
            self.adr.record(edge[rows], self._metric(env, rows), ended)
        edge[rows] = self.adr.choose(self._spec.seed, world, wp.to_torch(self._randomizer.resets)[rows])

    def step(self) -> None:
        """Count a step of the environment, and enter the next stage when its time has come."""
        if self.stages is not None:
            before = self.stages.current
            self.stages.steps += 1
            if self.stages.current != before:
                self._randomizer.set_range(self.stages.part)

    def judge(self) -> None:
        """Move the bounds that were tried often enough; waits for the device."""
        if self.adr is None:
            return
        for k in self.adr.judge():
            self._randomizer.set_bounds(self.adr.parameters[k].name, *self.adr.bounds(k))

    def log(self) -> dict[str, float]:
        """Return numbers to plot."""
        found: dict[str, float] = {}
        for part in (self.adr, self.stages):
            if part is not None:
                found.update(part.log())
        return found

    def said(self) -> str:
        """Return where it stands in a few words; nothing where nothing moves."""
        if self.adr is not None:
            return f"ranges open {self.adr.openness():.0%}"
        if isinstance(self.stages, Stages):
            stages = self.stages.stages
            return f"stage {stages[self.stages.current].name} ({self.stages.current + 1} of {len(stages)})"
        return ""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that is needed to go on."""
        return {
            "adr": None if self.adr is None else self.adr.state_dict(),
            "stages": None if self.stages is None else self.stages.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        if self.adr is not None and state["adr"] is not None:
            self.adr.load_state_dict(state["adr"])
        if self.stages is not None and state["stages"] is not None:
            self.stages.load_state_dict(state["stages"])
        self._set()


def _parameter(spec: Spec, name: str) -> AdrParameter:
    adr, dist = spec.curriculum.adr, spec.terms[name].dist
    assert adr is not None
    low, high = dist.bounds()
    start = adr.terms[name]
    return AdrParameter(
        name=name,
        low=low,
        high=high,
        start_low=start.start_low,
        start_high=start.start_high,
        log=isinstance(dist, LogUniform),
    )


def plotted(env: Any, env_ids: Any) -> dict[str, float]:
    """Return the ranges now, for Isaac Lab's curriculum manager to log: entropy, bounds and rates, or the stage."""
    from sim2real.lab.randomization import randomization_of

    return randomization_of(env).curriculum.log()


def curriculum() -> Any:
    """Return the curriculum term that logs the ranges: ``cfg.curriculum.ranges = sim2real.lab.curriculum()``."""
    from isaaclab.managers import CurriculumTermCfg

    return CurriculumTermCfg(func=plotted)
