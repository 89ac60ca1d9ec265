"""INT8 in the form that TensorRT takes (Q/DQ pairs), with the calibrator chosen by measuring.

Which calibrator serves a network cannot be known beforehand: one that is another tool's default was seen to cost 27
points of accuracy. So each is tried, each result is scored against the float network on held-out data, the best is
kept, and none is kept when the best fails the gate. ModelOpt of NVIDIA is tried too, where it is installed.

What TensorRT asks of the graph: symmetric INT8 everywhere (every zero point 0), activations per tensor, weights per
output channel, biases left in float, Q/DQ before Conv, Gemm and both inputs of Add and not after them. Weights keep a
Q/DQ pair of their own on float values, the one form that TensorRT 8 reads as well as 10 and 11.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.modelopt import quantize_with_modelopt
from sim2real.export.onnx_file import check, clean
from sim2real.export.progress import Say, quiet

CALIBRATORS = ("minmax", "percentile", "entropy")
_OPERATORS = ["Conv", "Gemm", "MatMul", "Add", "MaxPool", "ReduceMean", "GlobalAveragePool"]
_BATCH = 16


Feeds = Mapping[str, np.ndarray]
"""Inputs of one call by name."""
Score = Callable[[bytes], dict[str, Any]]
"""Measures the content of an ONNX file; ``passes`` says whether it holds the gate, ``order`` sorts, the best first."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of one calibrator."""

    calibrator: str
    """Name of the calibrator."""
    seconds: float
    """Time that calibration and quantisation took [s]."""
    measured: dict[str, Any]
    """What the score says, without its order."""
    model: Any
    """The ``onnx.ModelProto``."""

    @property
    def passes(self) -> bool:
        """Whether it holds the gate."""
        return bool(self.measured["passes"])

    def row(self) -> dict[str, Any]:
        """A row of the table in ``parity.json``."""
        return {"calibrator": self.calibrator, "seconds": self.seconds, **self.measured}


class _Reader:
    """Hands calibration inputs to ONNX Runtime in parts, so that memory does not grow with their number."""

    def __init__(self, batches: Sequence[Feeds]) -> None:
        self.batches = list(batches)
        self.set_range(0, len(self.batches))

    def __len__(self) -> int:
        return len(self.batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Hand out this part next."""
        self.queue = iter(self.batches[start_index:end_index])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next inputs, or None at the end."""
        batch = next(self.queue, None)
        return None if batch is None else dict(batch)


def in_batches(feeds: Feeds, states: Collection[str] = ()) -> list[dict[str, np.ndarray]]:
    """Cut calibration inputs into parts.

    Args:
        feeds: inputs by name, the rows first; in states (layers, rows, size) second.
        states: names of the states.
    """
    rows = max(array.shape[1] if name in states else len(array) for name, array in feeds.items())
    return [
        {
            name: np.ascontiguousarray(array[:, i : i + _BATCH] if name in states else array[i : i + _BATCH])
            for name, array in feeds.items()
        }
        for i in range(0, rows, _BATCH)
    ]


def quantize(proto: Any, work: Path, batches: np.ndarray | Sequence[Feeds], calibrator: str) -> Any:
    """Quantise a float model and return the cleaned, checked INT8 ``onnx.ModelProto``.

    Layers of memory (GRU, LSTM) stay in float: neither ONNX Runtime nor TensorRT has them in INT8 from Q/DQ pairs.

    Args:
        proto: the float model.
        work: a folder for temporary files.
        batches: calibration inputs from the training split; or the rows of the only input.
        calibrator: a name of ``CALIBRATORS``.

    Raises:
        ExportError: unknown calibrator, or a graph that TensorRT would not take.
    """
    import onnx
    from onnxruntime import quantization as ort_quantization

    methods = {
        "minmax": ort_quantization.CalibrationMethod.MinMax,
        "percentile": ort_quantization.CalibrationMethod.Percentile,
        "entropy": ort_quantization.CalibrationMethod.Entropy,
    }
    if calibrator not in methods:
        raise ExportError(f"unknown calibrator {calibrator!r}; allowed: {', '.join(CALIBRATORS)}.")
    if isinstance(batches, np.ndarray):
        batches = in_batches({proto.graph.input[0].name: batches})
    source, target = work / "float.onnx", work / f"{calibrator}.onnx"
    marked = onnx.ModelProto()
    marked.CopyFrom(proto)
    # Shapes are inferred and constants folded already; without the mark ONNX Runtime advises to do it.
    marked.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    onnx.save(marked, str(source))
    with contextlib.redirect_stdout(io.StringIO()):  # the calibrators print a line per batch
        _quantize_static(source, target, _Reader(batches), methods[calibrator])
    quantized = onnx.load(str(target))
    source.unlink()
    target.unlink()
    clean(quantized, proto.graph.name)
    check(quantized)
    check_for_tensorrt(quantized)
    return quantized


def _quantize_static(source: Path, target: Path, reader: _Reader, method: Any) -> None:
    """ONNX Runtime's quantiser with the settings that TensorRT needs."""
    from onnxruntime import quantization as ort_quantization

    ort_quantization.quantize_static(
        str(source),
        str(target),
        reader,
        quant_format=ort_quantization.QuantFormat.QDQ,
        activation_type=ort_quantization.QuantType.QInt8,
        weight_type=ort_quantization.QuantType.QInt8,
        per_channel=True,
        calibrate_method=method,
        op_types_to_quantize=_OPERATORS,
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": ["Conv", "Gemm", "MatMul", "Add"],
            "DedicatedQDQPair": True,
            "AddQDQPairToWeight": True,
            "CalibPercentile": 99.99,
            "CalibStridedMinMax": 1,
        },
    )


def check_for_tensorrt(proto: Any) -> None:
    """Prove that TensorRT's parser would take the Q/DQ graph.

    Raises:
        ExportError: it names the first nodes that it would not take, and why.
    """
    from onnx import TensorProto, numpy_helper

    constants = {t.name: t for t in proto.graph.initializer}
    producers = {name: node for node in proto.graph.node for name in node.output}
    faults = []
    pairs = [node for node in proto.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]
    if not pairs:
        raise ExportError("the INT8 graph quantises nothing; was the network exported with other operators?")
    for node in pairs:
        if len(node.input) != 3 or not all(name in constants for name in node.input[1:]):
            faults.append(f"{node.name}: scale and zero point must be constants, both given")
            continue
        scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
        if constants[node.input[2]].data_type != TensorProto.INT8:
            kind = TensorProto.DataType.Name(constants[node.input[2]].data_type)
            faults.append(f"{node.name}: {kind} instead of INT8")
        if np.any(zero != 0):
            faults.append(f"{node.name}: a zero point that is not 0")
        if not np.all(scale > 0):
            faults.append(f"{node.name}: a scale that is not positive")
        data = node.input[0]
        made_by = producers.get(data)
        if node.op_type == "DequantizeLinear" and made_by is not None and made_by.op_type == "QuantizeLinear":
            data = made_by.input[0]
        if scale.ndim and data not in constants:
            faults.append(f"{node.name}: a scale per channel on an activation")
    if faults:
        raise ExportError(f"TensorRT would refuse the INT8 graph ({len(faults)} faults): {'; '.join(faults[:3])}.")


def sweep(
    proto: Any,
    work: Path,
    batches: Sequence[Feeds],
    score: Score,
    calibrators: Sequence[str] = CALIBRATORS,
    modelopt: str | None = None,
    say: Say = quiet,
) -> list[Attempt]:
    """Try every calibrator.

    Args:
        proto: the float model.
        work: a folder for temporary files.
        batches: calibration inputs from the training split.
        score: measures an INT8 file on held-out data.
        calibrators: names to try.
        modelopt: Python interpreter of an environment with ModelOpt, or None.
        say: told of the progress: stage, precision, message.

    Returns:
        What came of each, best first: those that hold the gate, then by the score's order.

    Raises:
        ExportError: a graph that TensorRT would not take, or a ModelOpt that does not run.
    """
    tried: list[tuple[tuple[float, ...], Attempt]] = []
    for calibrator in (*calibrators, *(("modelopt_max",) if modelopt else ())):
        say("make", "int8", f"calibrator {calibrator}")
        began = time.perf_counter()
        if modelopt and calibrator == "modelopt_max":
            model = quantize_with_modelopt(modelopt, proto, work, batches)
            check_for_tensorrt(model)
        else:
            model = quantize(proto, work, batches, calibrator)
        seconds = time.perf_counter() - began
        measured = score(model.SerializeToString())
        order = tuple(measured.pop("order"))
        measured["opset"] = model.opset_import[0].version
        attempt = Attempt(calibrator=calibrator, seconds=seconds, measured=measured, model=model)
        tried.append(((float(not attempt.passes), *order), attempt))
    tried.sort(key=lambda pair: pair[0])
    return [attempt for _, attempt in tried]
