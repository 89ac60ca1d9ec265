"""Small networks as ONNX files, made without torch: an MLP, a GRU and a ResNet18, each in float, FP16 and INT8."""

from __future__ import annotations

from typing import Any

import numpy as np


class Graph:
    """Collects nodes and weights of an ONNX graph."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, shape: tuple[int, ...], gain: float = 1.0) -> str:
        """A random weight of about the size that keeps activations as large as they are."""
        fan = float(np.prod(shape[1:])) or 1.0
        values = self.rng.standard_normal(shape).astype(np.float32) * np.float32(gain / np.sqrt(fan))
        return self.constant(values)

    def constant(self, values: np.ndarray) -> str:
        """A constant of the graph."""
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, op: str, inputs: list[str], output: str | None = None, outputs: int = 1, **attributes: Any) -> str:
        """A node; returns the name of its last output."""
        from onnx import helper

        last = output or f"t{len(self.nodes)}"
        names = [""] * (outputs - 1) + [last]
        self.nodes.append(helper.make_node(op, inputs, names, f"{op}_{len(self.nodes)}", **attributes))
        return last

    def model(self, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]) -> Any:
        """The checked ``onnx.ModelProto``, opset 17."""
        import onnx
        from onnx import TensorProto, helper

        def values(tensors: dict[str, list[Any]]) -> list[Any]:
            return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in tensors.items()]

        graph = helper.make_graph(self.nodes, "net", values(inputs), values(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def mlp(size: int, joints: int) -> Any:
    """``observation`` (batch, size) -> ``actions`` (batch, joints)."""
    g = Graph(1)
    hidden = g.add("Elu", [g.add("Gemm", ["observation", g.weight((16, size)), g.weight((16,))], transB=1)])
    g.add("Gemm", [hidden, g.weight((joints, 16)), g.weight((joints,))], "actions", transB=1)
    return g.model({"observation": ["batch", size]}, {"actions": ["batch", joints]})


def gru(size: int, joints: int, hidden: int = 8) -> Any:
    """``observation``, ``h_in`` (1, batch, hidden) -> ``actions``, ``h_out``."""
    g = Graph(2)
    axis = g.constant(np.array([0], np.int64))
    sequence = g.add("Unsqueeze", ["observation", axis])
    weights = [g.weight((1, 3 * hidden, n)) for n in (size, hidden)]
    g.add("GRU", [sequence, *weights, "", "", "h_in"], "h_out", outputs=2, hidden_size=hidden)
    flat = g.add("Squeeze", ["h_out", axis])
    g.add("Gemm", [flat, g.weight((joints, hidden)), g.weight((joints,))], "actions", transB=1)
    state = [1, "batch", hidden]
    return g.model({"observation": ["batch", size], "h_in": state}, {"actions": ["batch", joints], "h_out": state})


def resnet18(size: int, classes: int, width: int = 4) -> Any:
    """``depth`` (batch, 1, size, size) -> ``logits`` (batch, classes): ResNet18's 8 blocks, narrow."""
    g = Graph(3)

    def conv(x: str, into: int, out: int, kernel: int, stride: int, gain: float = 1.4) -> str:
        pads = [kernel // 2] * 4
        weights = [g.weight((out, into, kernel, kernel), gain), g.weight((out,), 0.1)]
        return g.add("Conv", [x, *weights], kernel_shape=[kernel] * 2, pads=pads, strides=[stride] * 2)

    x = g.add("Relu", [conv("depth", 1, width, 3, 1)])
    channels = width
    for stage in range(4):
        for block in range(2):
            out, stride = width * 2**stage, 2 if stage and not block else 1
            inner = g.add("Relu", [conv(x, channels, out, 3, stride)])
            left = conv(inner, out, out, 3, 1, 0.5)
            right = x if (stride, channels) == (1, out) else conv(x, channels, out, 1, stride, 1.0)
            x, channels = g.add("Relu", [g.add("Add", [left, right])]), out
    pooled = g.add("Flatten", [g.add("GlobalAveragePool", [x])])
    g.add("Gemm", [pooled, g.weight((classes, channels), 3.0), g.weight((classes,))], "logits", transB=1)
    return g.model({"depth": ["batch", 1, size, size]}, {"logits": ["batch", classes]})


def with_pairs(model: Any, activation_scale: float = 0.04) -> Any:
    """The network with symmetric INT8 Q/DQ pairs before each Conv and Gemm, on activations and weights."""
    import onnx
    from onnx import helper, numpy_helper

    made = onnx.ModelProto()
    made.CopyFrom(model)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    zero = numpy_helper.from_array(np.int8(0), "zero")
    extra, nodes, scaled = [zero], [], {}

    def pair(name: str, scale: float) -> str:
        if name not in scaled:
            scaled[name] = f"{name}_dq"
            extra.append(numpy_helper.from_array(np.float32(scale), f"{name}_scale"))
            for op, into, out in (
                ("QuantizeLinear", name, f"{name}_q"),
                ("DequantizeLinear", f"{name}_q", f"{name}_dq"),
            ):
                nodes.append(helper.make_node(op, [into, f"{name}_scale", "zero"], [out], out))
        return scaled[name]

    for node in made.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            node.input[0] = pair(node.input[0], activation_scale)
            node.input[1] = pair(node.input[1], float(np.abs(weights[node.input[1]]).max() / 127))
        nodes.append(node)
    kept = list(nodes)
    del made.graph.node[:]
    made.graph.node.extend(kept)
    made.graph.initializer.extend(extra)
    onnx.checker.check_model(made, full_check=True)
    return made
