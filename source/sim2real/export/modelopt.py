"""NVIDIA ModelOpt as one more calibrator, in an environment of its own.

ModelOpt pins an older onnx than ours, so it cannot live beside it. Where it is installed elsewhere, its interpreter is
asked: files go in, a file comes out, and that file is held to the same rules and the same gate as any other. It writes
opset 19 or later, which TensorRT 8 does not read; ``parity.json`` has the opset.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.onnx_file import check, clean

VARIABLE = "SIM2REAL_MODELOPT"
"""Names the Python interpreter of an environment with ModelOpt."""
ABSENT = f"no ModelOpt: set {VARIABLE} to the Python of an environment that has nvidia-modelopt and its ONNX parts"
_WORKER = """
import sys
import numpy
from modelopt.onnx.quantization import quantize

with numpy.load(sys.argv[2]) as archive:
    inputs = {name: archive[name] for name in archive.files}
quantize(
    sys.argv[1], quantize_mode="int8", calibration_data=inputs, calibration_method="max", calibration_eps=["cpu"],
    high_precision_dtype="fp32", output_path=sys.argv[3],
)
"""
_PATIENCE_S = 600.0


def modelopt_python() -> str | None:
    """The interpreter that has ModelOpt, as the environment variable says; None: there is none.

    Raises:
        ExportError: the variable names something that is not there.
    """
    given = os.environ.get(VARIABLE)
    if given and not Path(given).is_file():
        raise ExportError(f"{VARIABLE} is {given}, which is no file; name a Python interpreter, or unset it.")
    return given or None


def quantize_with_modelopt(python: str, proto: Any, work: Path, batches: Sequence[Mapping[str, np.ndarray]]) -> Any:
    """Quantise a float model with ModelOpt and return the cleaned, checked INT8 ``onnx.ModelProto``.

    Args:
        python: interpreter of its environment.
        proto: the float model; with one input, since ModelOpt knows no batches on another axis than the first.
        work: a folder for temporary files.
        batches: calibration inputs from the training split.

    Raises:
        ExportError: it does not run, with the end of what it said, or gives what cannot be used.
    """
    import onnx

    source, data, target = (work / f"modelopt_{name}" for name in ("in.onnx", "data.npz", "out.onnx"))
    onnx.save(proto, str(source))
    names = list(batches[0])
    if len(names) != 1:
        raise ExportError(f"ModelOpt calibrates networks with one input; this one has {', '.join(names)}.")
    inputs: dict[str, Any] = {names[0]: np.concatenate([batch[names[0]] for batch in batches])}
    np.savez(data, **inputs)
    try:
        done = subprocess.run(
            [python, "-c", _WORKER, str(source), str(data), str(target)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        if done.returncode or not target.is_file():
            said = " ".join((done.stderr or done.stdout).strip().splitlines()[-1:]) or "nothing"
            raise ExportError(f"ModelOpt in {python} ended with {done.returncode}; it said: {said[-300:]}")
        model = onnx.load(str(target))
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"ModelOpt in {python} does not run ({error}).") from None
    finally:
        for path in work.glob("modelopt_*"):
            path.unlink(missing_ok=True)
    clean(model, proto.graph.name)
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    check(model, opset=model.opset_import[0].version)
    return model
