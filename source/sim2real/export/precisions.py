"""FP16 and INT8 of a float network, and the table that says what became of each precision.

Each is made, measured on held-out data, and kept if it holds its gate. The best of those that do is named: INT8, else
FP16, else float. What was not run says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sim2real.export.errors import ExportError
from sim2real.export.half import to_half
from sim2real.export.modelopt import ABSENT, modelopt_python
from sim2real.export.onnx_file import OPSET
from sim2real.export.progress import Say, quiet
from sim2real.export.quantize import CALIBRATORS, Attempt, Feeds, Score, sweep

NO_ENGINE = "no engine was built; engines that a device adds report under engines/<device>/record.json"


class AnyGate(Protocol):
    """A gate of either kind."""

    def said(self, measured: dict[str, Any], frames: int) -> str:
        """What was measured beside what was wanted, in words."""


@dataclass(frozen=True, kw_only=True)
class Precisions:
    """What became of each precision."""

    models: Mapping[str, Any]
    """The ``onnx.ModelProto`` of each that is kept, by precision; ``float`` among them."""
    table: Mapping[str, Any]
    """``precisions`` of ``parity.json``."""
    keep: str
    """The best that is kept."""
    not_run: Mapping[str, str]
    """What was not run, and why."""


def make_precisions(
    proto: Any,
    work: Path,
    score_fp16: Score,
    score_int8: Score,
    gates: Mapping[str, Any],
    frames: int,
    float_entry: Mapping[str, Any],
    *,
    batches: Sequence[Feeds] | None,
    calibrators: Sequence[str] = CALIBRATORS,
    say: Say = quiet,
) -> Precisions:
    """Make FP16 and INT8, and keep what holds its gate.

    Args:
        proto: the float model.
        work: a folder for temporary files.
        score_fp16: measures an FP16 file on held-out data.
        score_int8: measures an INT8 file on held-out data.
        gates: ``fp16`` and ``int8``: a ``Gate`` or a ``TargetGate`` each, for the words.
        frames: held-out data that the scores are of.
        float_entry: what is to be said of float.
        batches: calibration inputs; None: no INT8.
        calibrators: names to try.
        say: told of the progress: stage, precision, message.

    Raises:
        ExportError: an INT8 graph that TensorRT would not take, or a ModelOpt that does not run.
    """
    models: dict[str, Any] = {"float": proto}
    table: dict[str, Any] = {"float": {"status": "pass", "kept": True, "reason": None, "opset": OPSET, **float_entry}}
    say("make", "fp16", "weights as half floats")
    table["fp16"] = _half(proto, score_fp16, gates["fp16"], frames, models)
    not_run = {"tensorrt": NO_ENGINE}
    if batches is None:
        table["int8"] = {"status": "not_run", "kept": False, "reason": "not asked for", "calibrator": None}
        table["int8"]["candidates"] = []
    else:
        modelopt: str | None = modelopt_python()
        if len(batches[0]) != 1:
            modelopt = None
            not_run["modelopt"] = "it calibrates networks with one input; this one has a memory"
        elif modelopt is None:
            not_run["modelopt"] = ABSENT
        attempts = sweep(proto, work, batches, score_int8, calibrators, modelopt, say)
        table["int8"] = _quantized(attempts, gates["int8"], frames, models)
    keep = next(name for name in ("int8", "fp16", "float") if name in models)
    return Precisions(models=models, table=table, keep=keep, not_run=not_run)


def _half(proto: Any, score: Score, gate: Any, frames: int, models: dict[str, Any]) -> dict[str, Any]:
    """Make and measure FP16."""
    entry: dict[str, Any] = {"gate": asdict(gate), "frames": frames, "opset": OPSET}
    try:
        model = to_half(proto)
    except ExportError as error:
        return {"status": "fail", "kept": False, "reason": str(error), **entry}
    measured = score(model.SerializeToString())
    measured.pop("order")
    passes = measured.pop("passes")
    if passes:
        models["fp16"] = model
    reason = None if passes else f"refused: it {gate.said(measured, frames)}"
    return {"status": "pass" if passes else "fail", "kept": passes, "reason": reason, **entry, **measured}


def _quantized(attempts: Sequence[Attempt], gate: Any, frames: int, models: dict[str, Any]) -> dict[str, Any]:
    """What became of INT8."""
    entry: dict[str, Any] = {"gate": asdict(gate), "frames": frames}
    rows = [attempt.row() for attempt in attempts]
    if not attempts:
        none: dict[str, Any] = {"status": "not_run", "kept": False, "reason": "no calibrator was given"}
        return {**none, "calibrator": None, **entry, "candidates": rows}
    best = attempts[0]
    measured = {name: value for name, value in best.measured.items() if name != "passes"}
    reason = None
    if best.passes:
        models["int8"] = best.model
    else:
        reason = f"refused: the best calibrator ({best.calibrator}) {gate.said(measured, frames)}"
    return {
        "status": "pass" if best.passes else "fail",
        "kept": best.passes,
        "reason": reason,
        "calibrator": best.calibrator if best.passes else None,
        **entry,
        **measured,
        "candidates": rows,
    }
