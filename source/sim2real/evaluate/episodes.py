"""Finished episodes, kept on disk the moment they finish.

An ``EpisodeTable`` is a JSON-lines file: one line per episode, only ever appended to. A run that is killed keeps every
episode it reported; a last line that was cut in half is dropped at the next start and that scene is driven again. All
lines of a table belong to one policy in one engine on the scenes of one seed and spec, so a table that was made by
another policy file, spec or seed is refused instead of continued.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.evaluate.intervals import PairedDifference, compare_paired, wilson_interval

OUTCOMES = ("success", "collision", "timeout")
"""How an episode can end."""


class EvaluationError(Sim2RealError):
    """An evaluation cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """One finished episode."""

    scene: int
    """Index of the scene among those of the seed."""
    outcome: str
    """``success`` (reached the far side), ``collision`` (touched something) or ``timeout`` (neither, in time)."""
    time_s: float
    """Simulated time until the end [s]."""
    distance_m: float
    """Length of the driven path [m]."""
    min_clearance_m: float
    """Smallest distance between the rover's hull and anything solid [m]; contact ends an episode at 2 mm."""
    path: tuple[tuple[float, float, float], ...]
    """Pose x, y, yaw at every control step [m, m, rad], kept to millimetres and milliradians."""
    wall_contact: bool = False
    """Whether what was touched is the wall of the arena."""
    engine: str
    """Physics engine, such as ``newton_mjwarp`` or ``ovphysx``."""
    policy: str
    """Name of the policy, such as ``float``, ``int8``, ``gap_follower``, ``always_forward``."""
    spec_digest: str
    """Digest of the spec that the scenes and the sensors were drawn from."""
    seed: int
    """Seed of the scenes."""
    policy_digest: str = ""
    """SHA-256 of the policy's file; empty for policies without one."""

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"the outcome of scene {self.scene} is {self.outcome!r}; allowed: {', '.join(OUTCOMES)}")
        for name in ("time_s", "distance_m", "min_clearance_m"):
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"{name} of scene {self.scene} is {value}; allowed: a finite number")
            object.__setattr__(self, name, round(value, 4))
        object.__setattr__(self, "scene", int(self.scene))
        object.__setattr__(self, "wall_contact", bool(self.wall_contact))
        path = tuple((round(float(x), 3), round(float(y), 3), round(float(yaw), 3)) for x, y, yaw in self.path)
        object.__setattr__(self, "path", path)

    @property
    def success(self) -> bool:
        """Whether the rover reached the far side."""
        return self.outcome == "success"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {**dataclasses.asdict(self), "path": [list(pose) for pose in self.path]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EpisodeResult:
        """Make a result from ``to_dict``'s answer.

        Raises:
            ValueError, KeyError, TypeError: the data do not describe an episode.
        """
        return cls(**{**data, "path": tuple(tuple(pose) for pose in data["path"])})


IDENTITY = ("engine", "policy", "policy_digest", "spec_digest", "seed")
"""The fields that every episode of one table shares."""


@dataclass(frozen=True, kw_only=True)
class EpisodeSummary:
    """What the episodes of a table say together; None stands for what no episode can say."""

    episodes: int
    """Number of finished episodes."""
    counts: dict[str, int]
    """Number of episodes per outcome, every outcome listed."""
    success_rate: float | None
    """Share of successes [1]."""
    ci95: tuple[float, float] | None
    """95 % Wilson interval of the success rate [1]."""
    mean_time_s: float | None
    """Mean time of the successful episodes [s]."""
    median_min_clearance_m: float | None
    """Median over all episodes of the smallest clearance [m]."""
    wall_contacts: int
    """Number of episodes that ended at a wall."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {**dataclasses.asdict(self), "ci95": None if self.ci95 is None else list(self.ci95)}


@dataclass
class EpisodeTable:
    """The episodes of one policy in one engine, on disk; make one with ``open``, or without a path for tests."""

    path: Path | None = None
    """The JSON-lines file; None keeps the table in memory."""
    identity: dict[str, Any] = field(default_factory=dict)
    """The shared fields; empty until the first episode says what they are."""
    _results: dict[int, EpisodeResult] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | os.PathLike[str], **identity: Any) -> EpisodeTable:
        """Open or begin a table.

        Args:
            path: The file; folders are made when the first episode is written.
            identity: Any of ``engine``, ``policy``, ``policy_digest``, ``spec_digest``, ``seed``: what is about to run.

        Raises:
            EvaluationError: the file belongs to another run, or a line other than the last is damaged.
        """
        unknown = set(identity) - set(IDENTITY)
        if unknown:
            raise TypeError(f"unknown fields {sorted(unknown)}; allowed: {', '.join(IDENTITY)}")
        table = cls(path=Path(path), identity=dict(identity))
        table._load()
        return table

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[EpisodeResult]:
        return iter(sorted(self._results.values(), key=lambda result: result.scene))

    def __contains__(self, scene: int) -> bool:
        return scene in self._results

    def __getitem__(self, scene: int) -> EpisodeResult:
        return self._results[scene]

    def missing(self, scenes: Iterable[int]) -> list[int]:
        """Return those of the scenes that have no episode yet, in the order given."""
        return [int(scene) for scene in scenes if int(scene) not in self._results]

    def append(self, results: EpisodeResult | Sequence[EpisodeResult]) -> None:
        """Add finished episodes; when this returns they are on disk.

        Raises:
            EvaluationError: the disk is full or not writable (the table keeps what it had), or an episode belongs to
                another run or scene than this table can take.
        """
        fresh = [results] if isinstance(results, EpisodeResult) else list(results)
        seen = set(self._results)
        for result in fresh:
            self._adopt(result, "the episode of")
            if result.scene in seen:
                raise EvaluationError(
                    f"scene {result.scene} has an episode already in {self._name}; ask missing() first"
                )
            seen.add(result.scene)
        if self.path is not None and fresh:
            lines = "".join(json.dumps(result.to_dict(), separators=(",", ":")) + "\n" for result in fresh)
            self._write(self.path, lines.encode())
        self._results.update((result.scene, result) for result in fresh)

    def summary(self, scenes: Iterable[int] | None = None) -> EpisodeSummary:
        """Summarize all episodes, or those of the given scenes."""
        chosen = None if scenes is None else set(scenes)
        results = [result for result in self if chosen is None or result.scene in chosen]
        counts = {outcome: sum(result.outcome == outcome for result in results) for outcome in OUTCOMES}
        total, successes = len(results), counts["success"]
        return EpisodeSummary(
            episodes=total,
            counts=counts,
            success_rate=successes / total if total else None,
            ci95=wilson_interval(successes, total) if total else None,
            mean_time_s=fmean(r.time_s for r in results if r.success) if successes else None,
            median_min_clearance_m=median(r.min_clearance_m for r in results) if total else None,
            wall_contacts=sum(r.wall_contact for r in results),
        )

    def compare(self, other: EpisodeTable) -> PairedDifference | None:
        """Compare this table's policy with another's on the scenes that both drove; None where there is none.

        Raises:
            EvaluationError: the two drove the scenes of different seeds or specs.
        """
        for name in ("seed", "spec_digest"):
            if self.identity and other.identity and self.identity.get(name) != other.identity.get(name):
                raise EvaluationError(
                    f"{self._name} and {other._name} cannot be compared scene by scene:"
                    f" their {name} is {self.identity.get(name)!r} and {other.identity.get(name)!r}"
                )
        shared = [result.scene for result in self if result.scene in other]
        if not shared:
            return None
        return compare_paired([self[scene].success for scene in shared], [other[scene].success for scene in shared])

    @property
    def _name(self) -> str:
        return "the table in memory" if self.path is None else str(self.path)

    def _adopt(self, result: EpisodeResult, what: str) -> None:
        """Learn the identity from the first episode, hold every other one to it."""
        for name in IDENTITY:
            came = getattr(result, name)
            wanted = self.identity.setdefault(name, came)
            if came != wanted:
                raise EvaluationError(
                    f"{what} scene {result.scene} has {name} {came!r}, but {self._name} is for {wanted!r};"
                    " choose another output folder, or delete this file to start over"
                )

    def _load(self) -> None:
        if self.path is None or not self.path.exists():
            return
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].split(b"\n")[:-1]
        kept = 0
        for number, line in enumerate(lines, start=1):
            try:
                result = EpisodeResult.from_dict(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):  # written in the moment of the crash
                    break
                raise EvaluationError(
                    f"{self.path}, line {number} is damaged ({error});"
                    " delete this line to drive its scene again, or the file to start over"
                ) from error
            self._adopt(result, f"{self.path}, line {number}:")
            self._results.setdefault(result.scene, result)  # a scene that was driven twice counts once: the first time
            kept += len(line) + 1
        if kept < len(data):
            with self.path.open("r+b") as file:
                file.truncate(kept)

    def _write(self, path: Path, data: bytes) -> None:
        """Append and sync; on failure cut the file back to what it was."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                size = file.seek(0, os.SEEK_END)
                try:
                    written = 0
                    while written < len(data):
                        written += file.write(data[written:])
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(size)
                    raise
        except OSError as error:
            raise EvaluationError(
                f"cannot write to {path}: {error.strerror}; the {len(self)} episodes written so far are kept,"
                " free some space or mend the permissions and run the same command again"
            ) from error
