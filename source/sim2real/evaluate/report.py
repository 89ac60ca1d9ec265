"""The transfer report: one HTML page for people and one JSON file for programs, from the same data.

``report.json`` has a fixed set of keys, null where something was not run. ``report.html`` needs no other file and no
network: pictures lie inside as data URIs. What was not run is written as "not run", never as 0.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.evaluate.episodes import EpisodeTable, EvaluationError
from sim2real.evaluate.verdict import Verdict, judge_transfer

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with its words."""

    image: Image.Image | bytes | str | os.PathLike[str]
    """A Pillow image, the bytes of a PNG or JPEG file, or its path."""
    title: str
    """Heading and alternative text."""
    caption: str = ""
    """A sentence below it."""


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """Everything a report can say; whatever stays None or empty is reported as not run."""

    engine_train: str
    """Engine the training data came from, such as ``newton_mjwarp``."""
    engine_test: str
    """Engine the policy was driven in, such as ``ovphysx``."""
    policy: EpisodeTable | None = None
    """Episodes of the float policy in the test engine."""
    policy_int8: EpisodeTable | None = None
    """Episodes of the INT8 policy on the same scenes."""
    baseline_forward: EpisodeTable | None = None
    """Episodes of driving straight on, always."""
    baseline_gap_follower: EpisodeTable | None = None
    """Episodes of the classical gap-follower on the clean depth: the ceiling."""
    in_training_engine: EpisodeTable | None = None
    """Episodes of the float policy in the engine it was trained in; with it the transfer gap is measured directly."""
    parity: Mapping[str, Any] = field(default_factory=dict)
    """``max_abs_error``, ``int8_top1_agreement`` and whatever else the export measured."""
    latency_ms: Mapping[str, Any] = field(default_factory=dict)
    """``p50``, ``p99`` of one inference [ms], and whatever else was measured (``int8_p50``, ``device``, ...)."""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    """``frames``, ``frames_per_second`` and other facts; ``classes`` maps a class to its number of frames."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """``images_per_second``, ``val_accuracy`` and other facts, as in ``metrics.json``; ``history`` is a list of dicts
    with any of ``epoch``, ``train_loss``, ``val_loss``, ``val_accuracy``; ``confusion`` is a square list of counts
    (rows: truth)."""
    classes: Sequence[str] = ("forward", "left", "right")
    """Names of the policy's classes, in order."""
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time of each stage [s], in order."""
    seconds_total: float | None = None
    """Wall time of everything [s]."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of what ran."""
    strips: Sequence[Picture] = ()
    """Filmstrips: a success and each kind of failure."""
    maps: Sequence[Picture] = ()
    """Top-down maps of many paths."""
    pictures: Sequence[Picture] = ()
    """Further pictures, such as dataset samples or a training figure."""
    command: str = ""
    """What to type to get this report again."""
    spec_digest: str = ""
    """Digest of the spec."""
    seed: int | None = None
    """Seed of the test scenes."""
    notes: Sequence[str] = ()
    """Further sentences for the box that says what this does and does not show."""

    def tables(self) -> dict[str, EpisodeTable]:
        """Return the tables that have episodes, by the name that the report gives them."""
        named = {
            "policy (float)": self.policy,
            "policy (INT8)": self.policy_int8,
            "gap-follower": self.baseline_gap_follower,
            "always forward": self.baseline_forward,
        }
        return {name: table for name, table in named.items() if table is not None and len(table)}

    def verdict(self) -> Verdict:
        """Return the judgement of the transfer."""
        return judge_transfer(
            engine_train=self.engine_train,
            engine_test=self.engine_test,
            policy=self.policy,
            in_training_engine=self.in_training_engine,
            gap_follower=self.baseline_gap_follower,
            always_forward=self.baseline_forward,
        )

    def to_json(self) -> dict[str, Any]:
        """Return ``report.json``'s content; every number that was not measured is None."""
        verdict = self.verdict()
        summaries = {name: table.summary().to_dict() for name, table in self.tables().items()}
        own = self.policy.summary() if self.policy is not None else None
        content = {
            "verdict": {"level": verdict.level, "sentence": verdict.sentence, "warnings": list(verdict.warnings)},
            "success_rate": own.success_rate if own else None,
            "episodes": own.episodes if own else 0,
            "ci95": list(own.ci95) if own and own.ci95 else None,
            "engine_train": self.engine_train,
            "engine_test": self.engine_test,
            "success_rate_int8": _rate(self.policy_int8),
            "baseline_forward": _rate(self.baseline_forward),
            "baseline_gap_follower": _rate(self.baseline_gap_follower),
            "success_rate_in_training_engine": _rate(self.in_training_engine),
            "transfer_gap": None if verdict.gap is None else verdict.gap.to_dict(),
            "int8_minus_float": paired_dict(self.policy_int8, self.policy),
            "parity": {"max_abs_error": None, "int8_top1_agreement": None, **self.parity},
            "latency_ms": {"p50": None, "p99": None, **self.latency_ms},
            "dataset": {"frames": None, "frames_per_second": None, **self.dataset},
            "training": {"images_per_second": None, "val_accuracy": None, **self.training},
            "seconds_total": self.seconds_total,
            "stage_seconds": dict(self.stage_seconds),
            "summaries": summaries,
            "versions": dict(self.versions),
            "spec_digest": self.spec_digest,
            "seed": self.seed,
            "command": self.command,
        }
        return plain(content)


def write_report(out_dir: str | os.PathLike[str], data: ReportData) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder and return the path of the page.

    Both appear whole or not at all; an earlier report in the folder is replaced.

    Raises:
        EvaluationError: the folder cannot be written.
    """
    from sim2real.evaluate.report_html import render_report

    folder = Path(out_dir)
    text = json.dumps(data.to_json(), indent=2, allow_nan=False) + "\n"
    page = render_report(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / "report.json", text)
        _replace(folder / "report.html", page)
    except OSError as error:
        raise EvaluationError(
            f"cannot write the report to {folder}: {error.strerror}; free some space or choose another folder"
        ) from error
    return folder / "report.html"


def paired_dict(first: EpisodeTable | None, second: EpisodeTable | None) -> dict[str, Any] | None:
    """Return the paired difference of two tables as JSON types; None where they share no scene."""
    if not first or not second:
        return None
    seen = first.compare(second)
    if seen is None:
        return None
    return {"value": seen.value, "ci95": [seen.low, seen.high], "scenes": seen.episodes, "p_value": seen.p_value}


def plain(value: Any) -> Any:
    """Return JSON types: NumPy scalars and arrays, tuples and paths converted, NaN and infinity to None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _rate(table: EpisodeTable | None) -> float | None:
    return None if table is None else table.summary().success_rate


def _replace(path: Path, text: str) -> None:
    """Write a file beside its place and move it there."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
