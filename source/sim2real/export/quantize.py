"""INT8 in the form that TensorRT takes (Q/DQ pairs), with the calibrator chosen by measuring.

Which calibrator serves a network cannot be known beforehand: one that is another tool's default was seen to cost 27
points of accuracy. So each is tried, each result is scored against the float network on held-out frames, the best is
kept, and none is kept when the best fails the gate.

What TensorRT asks of the graph: symmetric INT8 everywhere (every zero point 0), activations per tensor, weights per
output channel, biases left in float, Q/DQ before Conv, Gemm and both inputs of Add and not after them. Weights keep a
Q/DQ pair of their own on float values, the one form that TensorRT 8 reads as well as 10 and 11.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.onnx_file import check, clean, open_session, run

CALIBRATORS = ("minmax", "percentile", "entropy")
_OPERATORS = ["Conv", "Gemm", "MatMul", "Add", "MaxPool", "ReduceMean", "GlobalAveragePool"]
_BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What INT8 must hold on held-out frames to be kept."""

    agreement: float = 0.99
    """Smallest share of frames with the float network's choice."""
    accuracy_drop: float = 0.01
    """Largest loss of accuracy against the float network, as a share of the frames."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One calibrator's result."""

    calibrator: str
    """Name of the calibrator."""
    top1_agreement: float
    """Share of held-out frames with the float network's choice."""
    accuracy: float
    """Share of held-out frames with the label's choice."""
    accuracy_drop: float
    """The float network's accuracy minus this one's."""
    max_abs_error: float
    """Largest difference of an output from the float network's."""
    rmse: float
    """Root mean square difference of the outputs."""
    passes: bool
    """Whether it holds the gate."""
    seconds: float
    """Time that calibration and quantisation took [s]."""


class _Reader:
    """Hands calibration inputs to ONNX Runtime in equal parts, so that memory does not grow with their number."""

    def __init__(self, name: str, inputs: np.ndarray) -> None:
        self.name, self.batches = name, [inputs[i : i + _BATCH] for i in range(0, len(inputs), _BATCH)]
        self.set_range(0, len(self.batches))

    def __len__(self) -> int:
        return len(self.batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Hand out this part next."""
        self.queue = iter(self.batches[start_index:end_index])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next inputs, or None at the end."""
        batch = next(self.queue, None)
        return None if batch is None else {self.name: batch}


def quantize(proto: Any, work: Path, inputs: np.ndarray, calibrator: str) -> Any:
    """Quantise a float model and return the cleaned, checked INT8 ``onnx.ModelProto``.

    Args:
        proto: the float model.
        work: a folder for temporary files.
        inputs: (n, 1, height, width) calibration inputs from the training split.
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
    source, target = work / "float.onnx", work / f"{calibrator}.onnx"
    marked = onnx.ModelProto()
    marked.CopyFrom(proto)
    # Shapes are inferred and constants folded already; without the mark ONNX Runtime advises to do it.
    marked.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    onnx.save(marked, str(source))
    with contextlib.redirect_stdout(io.StringIO()):  # the calibrators print a line per batch
        _quantize_static(source, target, _Reader(proto.graph.input[0].name, inputs), methods[calibrator])
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
    calibration: np.ndarray,
    inputs: np.ndarray,
    labels: np.ndarray,
    float_logits: np.ndarray,
    gate: Gate,
    calibrators: Sequence[str],
    threads: int,
) -> tuple[Any | None, list[Candidate]]:
    """Try every calibrator and keep the best that holds the gate.

    Args:
        proto: the float model.
        work: a folder for temporary files.
        calibration: (m, 1, height, width) inputs from the training split.
        inputs: (n, 1, height, width) held-out inputs.
        labels: (n,) their labels.
        float_logits: (n, classes) the float network's outputs.
        gate: what to hold.
        calibrators: names to try.
        threads: CPU threads.

    Returns:
        The best model that holds the gate, or None; and what every candidate measured, best first.
    """
    choice = float_logits.argmax(1)
    float_accuracy = float((choice == labels).mean())
    tried: list[tuple[Candidate, Any]] = []
    for calibrator in calibrators:
        began = time.perf_counter()
        model = quantize(proto, work, calibration, calibrator)
        seconds = time.perf_counter() - began
        logits = run(open_session(model.SerializeToString(), threads), inputs)
        agreement = float((logits.argmax(1) == choice).mean())
        accuracy = float((logits.argmax(1) == labels).mean())
        drop = float_accuracy - accuracy
        candidate = Candidate(
            calibrator=calibrator,
            top1_agreement=agreement,
            accuracy=accuracy,
            accuracy_drop=drop,
            max_abs_error=float(np.abs(logits - float_logits).max()),
            rmse=float(np.sqrt(np.mean((logits - float_logits) ** 2))),
            passes=agreement >= gate.agreement and drop <= gate.accuracy_drop,
            seconds=seconds,
        )
        tried.append((candidate, model))
    tried.sort(key=lambda pair: (not pair[0].passes, -pair[0].top1_agreement, pair[0].rmse))
    best = tried[0][1] if tried and tried[0][0].passes else None
    return best, [candidate for candidate, _ in tried]
