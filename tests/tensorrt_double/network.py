"""What a version's ONNX parser takes and what it refuses, as its documentation says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

HIGHEST_OPSET = {(8,): 17, (10, 3): 20, (10, 13): 24, (11,): 24}
"""By the beginning of the version."""
NEVER = frozenset({"DynamicQuantizeLinear"})


class Refusal(Exception):
    """The real one would log this and return None or False."""


@dataclass(frozen=True)
class Graph:
    """A network that was parsed."""

    name: str
    inputs: dict[str, tuple[int, ...]]
    quantized: bool


def parse_network(content: bytes, version: tuple[int, ...], typed: bool) -> Graph:
    """Read an ONNX file. Raises: Refusal."""
    import onnx
    from onnx import TensorProto, numpy_helper

    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except Exception as error:  # noqa: BLE001  protobuf and the checker raise kinds of their own
        raise Refusal(f"ModelProto does not parse: {type(error).__name__}") from None
    highest = next(opset for start, opset in HIGHEST_OPSET.items() if version[: len(start)] == start)
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx") or entry.version > highest:
            raise Refusal(f"opset {entry.domain or 'ai.onnx'} {entry.version}; this parser takes ai.onnx {highest}")
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    quantized = False
    for node in model.graph.node:
        if node.op_type in NEVER or (version < (8, 6) and node.op_type == "LayerNormalization"):
            raise Refusal(f"No importer registered for op: {node.op_type}")
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            quantized = True
            zero = constants.get(node.input[2]) if len(node.input) > 2 else None
            if zero is None and version < (8, 6):
                raise Refusal(f"{node.op_type} needs a zero point")
            if zero is not None and zero.data_type != TensorProto.INT8 and version[0] < 10:
                raise Refusal(f"{node.op_type}: only INT8")
            if zero is not None and np.any(numpy_helper.to_array(zero)):
                raise Refusal(f"{node.op_type}: the zero point must be 0")
    inputs = {}
    for value in model.graph.input:
        sizes = value.type.tensor_type.shape.dim
        inputs[value.name] = tuple(size.dim_value if size.HasField("dim_value") else -1 for size in sizes)
    return Graph(model.graph.name, inputs, quantized)


def round_weights(content: bytes) -> bytes:
    """The network with its weights rounded to half floats, as the FP16 flag allows."""
    import onnx
    from onnx import TensorProto, numpy_helper

    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            rounded = numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
    return bytes(model.SerializeToString())


def open_session(content: bytes) -> Any:
    """ONNX Runtime's session of a network."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.disable_quant_qdq", "1")  # TensorRT leaves biases in float
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
