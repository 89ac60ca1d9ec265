"""FP16 as a graph: half floats inside, single floats at the door, and a clear word where that cannot be."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sim2real.export import ExportError
from sim2real.export.half import to_half
from sim2real.export.onnx_file import check, open_session


def network(nodes, weights, outputs=2):
    """A small network of a normalizer and what is given."""
    weights = {"mean": np.full(3, 1e5, np.float32), "std": np.full(3, 1e5, np.float32), **weights}
    first = [helper.make_node("Sub", ["x", "mean"], ["a"]), helper.make_node("Div", ["a", "std"], ["b"])]
    graph = helper.make_graph(
        [*first, *nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", outputs])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


GEMM = helper.make_node("Gemm", ["b", "w", "c"], ["y"])
WEIGHTS = {"w": np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2), "c": np.ones(2, np.float32)}


def test_a_normalizer_keeps_its_range():
    """Inputs and means of 1e5, which no half float holds, stay in single floats in front of the first layer."""
    proto = network([GEMM], WEIGHTS)
    before = proto.SerializeToString()
    half = to_half(proto)
    check(half)
    assert proto.SerializeToString() == before, "the float network was changed"
    kinds = {t.name: t.data_type for t in half.graph.initializer}
    assert kinds["mean"] == kinds["std"] == TensorProto.FLOAT
    assert {kinds[name] for name in kinds if name.endswith("_fp16")} == {TensorProto.FLOAT16} and len(kinds) == 4
    x = np.random.default_rng(0).normal(1e5, 1e5, (7, 3)).astype(np.float32)
    (wanted,), (found,) = (open_session(p.SerializeToString(), 1).run(None, {"x": x}) for p in (proto, half))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert np.abs(found - wanted).max() > 0.0


def test_a_weight_beyond_half_floats_is_refused():
    """65504 is the largest."""
    with pytest.raises(ExportError, match="'w' holds 1e.05; a half float holds at most 65504"):
        to_half(network([GEMM], {**WEIGHTS, "w": np.full((3, 2), 1e5, np.float32)}))


def test_an_unknown_operator_is_named():
    """Nobody guesses what its floats mean."""
    nodes = [helper.make_node("Gemm", ["b", "w", "c"], ["z"]), helper.make_node("Erf", ["z"], ["y"], "bell")]
    with pytest.raises(ExportError, match=r"FP16 has no rule for the operator Erf \(bell\)"):
        to_half(network(nodes, WEIGHTS))


def test_constants_and_shared_weights():
    """A Constant node becomes a weight; one that both sides use is there in both types."""
    fixed = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.full(2, 0.5, np.float32)))
    nodes = [
        helper.make_node("Mul", ["b", "std"], ["big"]),
        helper.make_node("Div", ["big", "std"], ["same"]),
        helper.make_node("Gemm", ["same", "w", "c"], ["z"]),
        fixed,
        helper.make_node("Add", ["z", "k"], ["y"]),
    ]
    proto = network(nodes, WEIGHTS)
    half = to_half(proto)
    onnx.checker.check_model(half, full_check=True)
    assert "Constant" not in [node.op_type for node in half.graph.node]
    x = np.random.default_rng(1).normal(1e5, 1e5, (4, 3)).astype(np.float32)
    (wanted,), (found,) = (open_session(p.SerializeToString(), 1).run(None, {"x": x}) for p in (proto, half))
    np.testing.assert_allclose(found, wanted, atol=5e-3)
