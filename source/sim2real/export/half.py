"""FP16 as a strongly typed graph: half floats inside, single floats at the door.

TensorRT 11 takes no precision flags any more; it builds what the graph says. So the graph says it: weights are half
floats, a Cast stands behind each input and before each output, and whoever runs the network notices nothing of it. What
is done to an input before the first layer (a normalizer, whose input may have any size) stays in single floats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.onnx_file import check, clean

LARGEST = 65504.0
"""Largest half float."""
_ELEMENTWISE = ("Sub", "Div", "Mul", "Add", "Clip")
"""What may stand between an input and the first layer in single floats."""
_SAME_TYPE = (
    "Conv Gemm MatMul GRU LSTM Relu LeakyRelu Elu Selu Tanh Sigmoid Softplus Clip Add Sub Mul Div Neg MaxPool"
    " AveragePool GlobalAveragePool ReduceMean Flatten Reshape Squeeze Unsqueeze Transpose Slice Concat Identity"
    " Split Expand BatchNormalization Softmax"
).split()
"""Operators whose floats all have one type, so that half floats in give half floats out."""
_WHOLE_NUMBERS = ("Shape", "Gather", "ConstantOfShape")
"""Operators that only reckon with shapes here."""


def to_half(proto: Any) -> Any:
    """Make the FP16 twin of a float network.

    Args:
        proto: the float ``onnx.ModelProto``, checked; it stays as it is.

    Returns:
        An ``onnx.ModelProto`` with the same inputs and outputs, float32.

    Raises:
        ExportError: a weight that no half float can hold, or an operator that there is no rule for.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    half = onnx.ModelProto()
    half.CopyFrom(proto)
    graph = half.graph
    _constants_to_initializers(graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    floats = {name for name, tensor in weights.items() if tensor.data_type == TensorProto.FLOAT}
    inputs = {value.name for value in graph.input}
    wide = set(inputs)  # single floats
    narrow: dict[str, str] = {}  # single float -> its half twin
    nodes: list[Any] = []

    def narrowed(name: str) -> str:
        """The half twin of a single float; made where it is first asked for."""
        if name not in narrow and name in floats:
            values = numpy_helper.to_array(weights[name])
            if not np.all(np.abs(values) <= LARGEST):
                raise ExportError(f"'{name}' holds {np.abs(values).max():.3g}; a half float holds at most {LARGEST:g}.")
            narrow[name] = f"{name}_fp16"
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), narrow[name]))
        elif name not in narrow and name in wide:
            narrow[name] = f"{name}_fp16"
            nodes.append(helper.make_node("Cast", [name], [narrow[name]], f"{name}_to_fp16", to=TensorProto.FLOAT16))
        return narrow.get(name, name)

    for node in list(graph.node):
        live = [name for name in node.input if name and name not in weights]
        if node.op_type in _ELEMENTWISE and live and all(name in wide for name in live):
            wide.update(node.output)
        elif node.op_type in _SAME_TYPE:
            _rename(node.input, narrowed)
        elif node.op_type not in _WHOLE_NUMBERS:
            raise ExportError(f"FP16 has no rule for the operator {node.op_type} ({node.name}).")
        nodes.append(node)
    for value in graph.output:
        if value.name in wide:
            continue
        inner = f"{value.name}_fp16"
        for node in nodes:
            _rename(node.input, lambda name, old=value.name, new=inner: new if name == old else name)  # type: ignore[misc]
            _rename(node.output, lambda name, old=value.name, new=inner: new if name == old else name)  # type: ignore[misc]
        nodes.append(helper.make_node("Cast", [inner], [value.name], f"{value.name}_to_float", to=TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    half = onnx.shape_inference.infer_shapes(half, strict_mode=True)
    clean(half, proto.graph.name)
    check(half)
    return half


def _rename(names: Any, rule: Callable[[str], str]) -> None:
    """Give each name of a node a new one; an empty name is an input that is left away."""
    for i, name in enumerate(names):
        if name:
            names[i] = rule(name)


def _constants_to_initializers(graph: Any) -> None:
    """Make weights of all Constant nodes, so that there is one kind of constant."""
    from onnx import numpy_helper

    kept = []
    for node in graph.node:
        values = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type != "Constant":
            kept.append(node)
        elif set(values) == {"value"}:
            tensor = numpy_helper.from_array(numpy_helper.to_array(values["value"].t), node.output[0])
            graph.initializer.append(tensor)
        else:
            raise ExportError(f"FP16 has no rule for the constant {node.name} ({', '.join(values)}).")
    del graph.node[:]
    graph.node.extend(kept)
