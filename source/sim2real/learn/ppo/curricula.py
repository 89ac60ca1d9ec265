"""A training in stages, each with a gate: perfect, then noise, then delay, then physics, as a file says.

A file of `config/curricula/` lists the stages. Each sets how much of the spec acts (see :mod:`sim2real.lab.levels`) and
says when the next one begins: after so many iterations at least, once what is measured is good enough, and at the
latest after so many.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.learn.errors import LearnError

SCHEMA = 1
LEVELS = ("physics", "noise", "delay")
"""What a stage sets, from 0 to 1."""
METRICS = ("progress", "reward")
"""What a gate may ask for, besides any `Metrics/...` that the task logs: progress is the mean length of episodes as a
share of the longest."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What has to be reached."""

    metric: str
    """One of `METRICS`, or the name of a logged metric without `Metrics/`."""
    above: float | None = None
    """At least this."""
    below: float | None = None
    """At most this."""

    def open(self, value: float | None) -> bool:
        """Whether a value is good enough; nothing measured is not."""
        if value is None:
            return False
        return (self.above is None or value >= self.above) and (self.below is None or value <= self.below)


@dataclass(frozen=True, kw_only=True)
class CurriculumStage:
    """One stage."""

    name: str
    """For people, and in logs."""
    physics: float
    """How far the ranges of terms are open."""
    noise: float
    """How much of the errors of signals acts."""
    delay: float
    """How much of latency and loss acts."""
    iterations: int = 0
    """Iterations at least."""
    at_most: int | None = None
    """Iterations at the most, gate or not; None: the gate alone decides."""
    gate: Gate | None = None
    """What has to be reached; None: nothing."""


def load_curriculum(source: str) -> tuple[CurriculumStage, ...]:
    """Return the stages of a file, or of a preset by its name.

    Raises:
        LearnError: there is no such file, or what is wrong in it.
    """
    import yaml

    from sim2real.paths import presets_dir

    folder = presets_dir() / "curricula"
    path = Path(source) if Path(source).is_file() else folder / f"{source}.yaml"
    if not path.is_file():
        raise LearnError(
            f"there is no curriculum '{source}': no such file, and presets are"
            f" {', '.join(sorted(entry.stem for entry in folder.glob('*.yaml')))}"
        )
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise LearnError(f"{path} is no YAML: {error}") from error
    keys = ("schema", "stages")
    if not isinstance(data, dict) or set(data) != set(keys) or data["schema"] != SCHEMA or not data["stages"]:
        raise LearnError(f"{path}: give a mapping with schema: {SCHEMA} and a list of stages")
    stages = tuple(_stage(f"{path}, stage {number + 1}", entry) for number, entry in enumerate(data["stages"]))
    if len({stage.name for stage in stages}) < len(stages):
        raise LearnError(f"{path}: two stages have one name; give each its own")
    return stages


def _stage(where: str, entry: Any) -> CurriculumStage:
    allowed = ("name", *LEVELS, "iterations", "at_most", "gate")
    if not isinstance(entry, dict):
        raise LearnError(f"{where}: got {entry!r}; give a mapping such as {{name: noise, noise: 1.0, iterations: 100}}")
    unknown = [key for key in entry if key not in allowed]
    if unknown or not isinstance(entry.get("name"), str):
        what = f"unknown {', '.join(map(str, unknown))}" if unknown else "no name"
        raise LearnError(f"{where}: {what}; keys are {', '.join(allowed)}")
    levels = {name: entry.get(name, 0.0) for name in LEVELS}
    for name, value in levels.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
            raise LearnError(f"{where}: {name} is {value!r}; give a number from 0 to 1")
    for name in ("iterations", "at_most"):
        value = entry.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise LearnError(f"{where}: {name} is {value!r}; give a number of iterations, 1 or more")
    if entry.get("at_most", 10**9) < entry.get("iterations", 0):
        raise LearnError(f"{where}: at_most {entry['at_most']} is less than iterations {entry['iterations']}")
    return CurriculumStage(
        name=entry["name"],
        **{name: float(value) for name, value in levels.items()},
        iterations=entry.get("iterations", 0),
        at_most=entry.get("at_most"),
        gate=_gate(where, entry["gate"]) if "gate" in entry else None,
    )


def _gate(where: str, entry: Any) -> Gate:
    expected = "{metric: progress, above: 0.8}"
    if not isinstance(entry, dict) or not isinstance(entry.get("metric"), str) or len(entry) < 2:
        raise LearnError(f"{where}: gate is {entry!r}; give {expected}")
    unknown = [key for key in entry if key not in ("metric", "above", "below")]
    numbers = [value for key, value in entry.items() if key != "metric"]
    if unknown or any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        raise LearnError(f"{where}: gate is {entry!r}; give {expected}, with a number above or below")
    return Gate(**entry)


class Progression:
    """Which stage a training is in."""

    def __init__(self, stages: tuple[CurriculumStage, ...]) -> None:
        """Begin with the first stage."""
        self.stages = stages
        self.number = 0
        """Number of the stage, from 0."""
        self.spent = 0
        """Iterations spent in it."""

    @property
    def stage(self) -> CurriculumStage:
        """The stage now."""
        return self.stages[self.number]

    def measure(self, row: dict[str, Any], longest: float) -> float | None:
        """Return what the stage's gate asks for, from the numbers of an iteration; None where it is not measured."""
        gate = self.stage.gate
        if gate is None:
            return None
        if gate.metric == "progress":
            return None if row["episode_length"] is None else row["episode_length"] / longest
        if gate.metric == "reward":
            return row["reward"]
        return row["log"].get(f"Metrics/{gate.metric}")

    def end_iteration(self, row: dict[str, Any], longest: float) -> bool:
        """Count an iteration and return whether the next stage begins.

        Args:
            row: its numbers.
            longest: steps of the longest episode.
        """
        self.spent += 1
        stage = self.stage
        if self.number == len(self.stages) - 1:
            return False
        late = stage.at_most is not None and self.spent >= stage.at_most
        reached = stage.gate is None or stage.gate.open(self.measure(row, longest))
        if not late and (self.spent < stage.iterations or not reached):
            return False
        self.number, self.spent = self.number + 1, 0
        return True

    def said(self) -> str:
        """Return where it stands in a few words."""
        return f"stage {self.stage.name} ({self.number + 1} of {len(self.stages)})"

    def state_dict(self) -> dict[str, Any]:
        """Return where it stands."""
        return {"stages": [stage.name for stage in self.stages], "number": self.number, "spent": self.spent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there.

        Raises:
            LearnError: it was saved with other stages.
        """
        names = [stage.name for stage in self.stages]
        if state["stages"] != names:
            raise LearnError(
                f"the checkpoint was saved in the stages {', '.join(state['stages'])} and these are {', '.join(names)};"
                " resume with the curriculum of that run"
            )
        self.number, self.spent = state["number"], state["spent"]
