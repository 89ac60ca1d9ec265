"""ONNX Runtime computes what an INT8 file says, whatever it would like to make of it."""

import onnx
import onnxruntime

from sim2real.contract import read_manifest
from sim2real.deploy.network import session_options

CPU = ["CPUExecutionProvider"]


def run_in(content, options, folder):
    """What ONNX Runtime makes of a network with these options: kinds of its nodes and of its constants."""
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(content, options, providers=CPU)
    graph = onnx.load(folder / "optimized.onnx").graph
    return {node.op_type for node in graph.node}, {tensor.data_type for tensor in graph.initializer}


def test_int8_is_computed_as_the_file_says(bundle, tmp_path):
    """Layers in float between their pairs, and no bias rounded to an integer; left alone, this release does both."""
    content = (bundle / read_manifest(bundle).contract.model_file("int8")).read_bytes()
    kinds, constants = run_in(content, session_options(1, CPU), tmp_path)
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert not [kind for kind in kinds if kind.startswith("QLinear")]
    assert onnx.TensorProto.INT32 not in constants

    kinds, constants = run_in(content, onnxruntime.SessionOptions(), tmp_path)
    assert "QLinearConv" in kinds and onnx.TensorProto.INT32 in constants
