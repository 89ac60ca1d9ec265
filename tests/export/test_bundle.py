"""The export: clean files, proven numbers, nothing half-written."""

import io
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from policy_fixtures import CLASSES, SIZE, export, made_run
from sim2real.contract import Golden, extract, read_manifest
from sim2real.export import ExportError, Gate, ParityError
from sim2real.export import bundle as bundle_module
from sim2real.export.onnx_file import check, export_onnx, looks_like_a_path, open_session, run, strings_of, torch_logits
from sim2real.export.quantize import check_for_tensorrt, quantize
from sim2real.learn import Policy, load_policy

NETWORKS = {"avoidance.onnx", "avoidance.fp16.onnx", "avoidance.int8.onnx"}
FILES = NETWORKS | {"contract.json", "golden.npz", "parity.json", "latency.json", "build_on_device.py"}


def altered(model):
    """The trained policy with another network."""
    policy = load_policy(made_run())
    return Policy(**{**vars(policy), "model": model})


def session(content):
    """An ONNX Runtime session."""
    content = content if isinstance(content, bytes) else content.read_bytes()
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def test_a_bundle_has_its_files_and_their_hashes(bundle):
    """Exactly the promised files, each recorded, and nothing temporary beside."""
    assert {path.name for path in bundle.iterdir()} == FILES
    assert set(read_manifest(bundle).files) == FILES - {"contract.json"}
    assert not list(bundle.parent.glob(".*partial*"))


@pytest.mark.parametrize("file", sorted(NETWORKS))
def test_the_onnx_files_are_single_clean_and_of_opset_17(bundle, file):
    """Opset 17 alone, IR 8, weights inside, dynamic batch, no doc strings, no paths of this machine."""
    proto = onnx.load(str(bundle / file), load_external_data=False)
    check(proto)
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 17)]
    assert proto.ir_version == 8
    text = (bundle / file).read_bytes()
    assert b".py" not in b"".join(re.findall(rb"[\x20-\x7e]{6,}", text))
    assert not any(len(node.metadata_props) or node.doc_string for node in proto.graph.node)
    contract, _ = extract({p.key: p.value for p in proto.metadata_props}, file)
    assert contract == read_manifest(bundle).contract


def test_batch_normalisation_is_folded(bundle):
    """20 convolutions of a ResNet18 and none of its batch normalisations."""
    kinds = [node.op_type for node in onnx.load(str(bundle / "avoidance.onnx")).graph.node]
    assert kinds.count("Conv") == 20 and kinds.count("Add") == 8 and "BatchNormalization" not in kinds


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_onnx_runtime_answers_as_torch_at_any_batch(bundle, batch):
    """Random inputs, several batch sizes."""
    inputs = np.random.default_rng(batch).random((batch, 1, SIZE, SIZE), np.float32)
    with torch.inference_mode():
        wanted = load_policy(made_run()).model(torch.from_numpy(inputs)).numpy()
    assert np.abs(run(session(bundle / "avoidance.onnx"), inputs) - wanted).max() < 1e-4


def feeds_an_add(proto, quantize):
    """Whether a Q and its DQ stand before an Add; elsewhere they would stop a Conv from fusing with its Relu."""
    (dequantize,) = (node for node in proto.graph.node if quantize.output[0] in node.input)
    return [node.op_type for node in proto.graph.node if dequantize.output[0] in node.input] == ["Add"]


def test_the_int8_graph_is_what_tensorrt_takes(bundle):
    """INT8 with zero points 0, float biases, Q/DQ before and not after the operators, weights per channel."""
    proto = onnx.load(str(bundle / "avoidance.int8.onnx"))
    check_for_tensorrt(proto)
    constants = {t.name: t for t in proto.graph.initializer}
    producers = {name: node for node in proto.graph.node for name in node.output}
    convolutions = [node for node in proto.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 20
    for node in convolutions:
        assert [producers[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2
        assert constants[node.input[2]].data_type == onnx.TensorProto.FLOAT
        assert len(constants[producers[node.input[1]].input[1]].dims) == 1
    for node in proto.graph.node:
        if node.op_type == "Add":
            assert [producers[name].op_type for name in node.input] == ["DequantizeLinear"] * 2
        if node.op_type == "QuantizeLinear" and node.input[0] in producers:
            after = producers[node.input[0]].op_type
            assert after in ("Relu", "MaxPool", "GlobalAveragePool", "Flatten") or (
                after == "Conv" and feeds_an_add(proto, node)
            )


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda zero, scale: zero.CopyFrom(onnx.numpy_helper.from_array(np.int8(3), zero.name)), "zero point that is"),
        (lambda zero, scale: zero.CopyFrom(onnx.numpy_helper.from_array(np.uint8(0), zero.name)), "UINT8 instead"),
        (lambda zero, scale: zero.CopyFrom(onnx.numpy_helper.from_array(np.int32(0), zero.name)), "INT32 instead"),
        (lambda zero, scale: scale.CopyFrom(onnx.numpy_helper.from_array(np.float32(0), scale.name)), "not positive"),
        (
            lambda zero, scale: scale.CopyFrom(onnx.numpy_helper.from_array(np.ones(4, np.float32), scale.name)),
            "scale per channel on an activation",
        ),
    ],
)
def test_a_graph_that_tensorrt_would_refuse_is_noticed(bundle, spoil, message):
    """Each rule of the parser, broken on the first activation."""
    proto = onnx.load(str(bundle / "avoidance.int8.onnx"))
    constants = {t.name: t for t in proto.graph.initializer}
    first = next(n for n in proto.graph.node if n.op_type == "QuantizeLinear" and n.input[0] not in constants)
    spoil(constants[first.input[2]], constants[first.input[1]])
    with pytest.raises(ExportError, match=f"TensorRT would refuse.*{message}"):
        check_for_tensorrt(proto)


def test_layers_with_equal_biases_are_quantised_without_a_word(tmp_path, caplog):
    """The exporter shares equal constants behind an Identity; every layer gets its own back, and says the same."""
    torch.manual_seed(2)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU()]
    for layer in (layers[0], layers[2]):
        nn.init.constant_(layer.bias, 0.25)
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 8 * 8, 3)).eval()
    names = {"input_name": "depth", "output_name": "logits", "graph_name": "twins"}
    proto = export_onnx(model, tmp_path / "twins.onnx", shape=(1, 12, 12), **names)
    constants = {tensor.name for tensor in proto.graph.initializer}
    assert "Identity" not in {node.op_type for node in proto.graph.node}
    assert len(constants) == 6 == len({name for n in proto.graph.node for name in n.input if name in constants})
    frames = np.random.default_rng(1).random((16, 1, 12, 12), np.float32)
    found = run(open_session(proto.SerializeToString(), 1), frames)
    np.testing.assert_allclose(found, torch_logits(model, frames), atol=1e-5)
    quantize(proto, tmp_path, frames, "minmax")
    assert not caplog.records


def test_the_golden_vectors_hold_every_choice(bundle):
    """Raw frames, inputs and outputs fit together, and every action occurs."""
    golden = Golden.from_bytes((bundle / "golden.npz").read_bytes(), "golden.npz")
    count = json.loads((bundle / "contract.json").read_text())["contract"]["golden"]["frames"]
    assert len(golden.depth_mm) == count > 30 and golden.depth_mm.dtype == np.uint16
    assert set(golden.logits.argmax(1)) == {0, 1, 2}
    assert np.array_equal(load_policy(made_run()).preprocess.apply(golden.depth_mm), golden.inputs)
    for precision in ("fp16", "int8"):
        assert (
            golden.outputs(precision).shape == (count, 3)
            and np.abs(golden.outputs(precision) - golden.logits).max() > 0
        )


def test_parity_and_latency_say_what_was_measured(bundle):
    """The numbers of the report, every candidate, and the number of threads."""
    parity = json.loads((bundle / "parity.json").read_text())
    assert parity["max_abs_error"] < 1e-4 and parity["frames"] == 66 and parity["opset"] == 17
    entries = parity["precisions"]
    assert list(entries) == ["float", "fp16", "int8"] and parity["keep"] == "int8"
    assert all(entry["status"] == "pass" and entry["kept"] for entry in entries.values())
    assert {c["calibrator"] for c in entries["int8"]["candidates"]} == {"minmax", "percentile", "entropy"}
    best = entries["int8"]["candidates"][0]
    assert entries["int8"]["calibrator"] == best["calibrator"]
    assert parity["int8_top1_agreement"] == best["top1_agreement"] == entries["int8"]["top1_agreement"] >= 0.99
    assert entries["fp16"]["max_abs_error"] < 0.02 < 1.0 and entries["fp16"]["top1_agreement"] == 1.0
    assert parity["engines"] == {} and parity["not_run"].keys() == {"tensorrt", "modelopt"}
    latency = json.loads((bundle / "latency.json").read_text())
    for precision in ("float", "fp16", "int8"):
        assert 0 < latency[precision]["p50"] <= latency[precision]["p99"] and latency[precision]["threads"] == 1


def test_the_scores_of_int8_are_those_of_the_exported_file(bundle, dataset):
    """Agreement measured here on all held-out frames equals the one in parity.json."""
    from sim2real.datasets import DepthDataset

    data = DepthDataset(dataset, split="val")
    inputs = read_manifest(bundle).contract.observation.preprocess.apply(data.depth_mm())
    choices = [run(session(bundle / name), inputs).argmax(1) for name in ("avoidance.onnx", "avoidance.int8.onnx")]
    parity = json.loads((bundle / "parity.json").read_text())
    assert parity["int8_top1_agreement"] == (choices[0] == choices[1]).mean()
    assert parity["float_accuracy"] == (choices[0] == data.labels).mean()


def test_int8_below_the_gate_is_refused_and_said(tmp_path):
    """An impossible gate: float is exported, INT8 is not, and the reason has the numbers."""
    result = export(tmp_path / "b", gate=Gate(accuracy_drop=-1.0), calibrators=("minmax",), latency_runs=3)
    assert not result.has_int8 and not result.has("fp16") and result.parity["keep"] == "float"
    assert {path.name for path in (tmp_path / "b").iterdir()} == FILES - {"avoidance.int8.onnx", "avoidance.fp16.onnx"}
    assert result.parity["int8_top1_agreement"] is None
    assert re.search(
        r"refused: the best calibrator \(minmax\) agrees .*%.* wanted", result.parity["precisions"]["int8"]["reason"]
    )
    assert "logits_int8" not in np.load(io.BytesIO((tmp_path / "b" / "golden.npz").read_bytes())).files


class TwoFaced(nn.Module):
    """A network that answers otherwise while it is exported."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        out = self.inner(x)
        return out + 0.01 if torch.onnx.is_in_onnx_export() else out


def test_a_network_that_changes_in_the_export_is_refused(tmp_path):
    """Parity fails: the error has the difference, and nothing is written, not even a temporary folder."""
    policy = altered(TwoFaced(load_policy(made_run()).model))
    with pytest.raises(ParityError, match=r"differs from the trained one by 0.01 on 66 inputs; allowed is"):
        export(tmp_path / "b", policy)
    assert list(tmp_path.iterdir()) == []


def test_an_older_bundle_is_replaced_only_by_a_finished_one(tmp_path, monkeypatch):
    """A failing export leaves the older bundle as it was; a finished one takes its place."""
    fast = {"calibrators": ("minmax",), "latency_runs": 3}
    export(tmp_path / "b", **fast)
    old = read_manifest(tmp_path / "b").contract
    with monkeypatch.context() as patch:
        patch.setattr(bundle_module, "_prove", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ExportError, match="No space left on device.*Nothing was changed"):
            export(tmp_path / "b", rate_hz=20.0, **fast)
    assert read_manifest(tmp_path / "b").contract == old
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    export(tmp_path / "b", rate_hz=20.0, **fast)
    assert read_manifest(tmp_path / "b").contract.rate_hz == 20.0
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_folder_of_something_else_is_not_touched(tmp_path):
    """The export refuses to replace what it did not write."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="holds something else than a bundle"):
        export(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


class Few:
    """Too few held-out frames."""

    labels = np.zeros(3, np.int64)

    def __len__(self):
        return 3

    def depth_mm(self, positions):
        """Never asked for."""
        raise AssertionError


def test_too_few_held_out_frames_are_refused(tmp_path):
    """Parity on three frames would say nothing."""
    with pytest.raises(ExportError, match="3 held-out frames; the export needs at least 16"):
        bundle_module.export_bundle(load_policy(made_run()), Few(), None, tmp_path / "b")


def test_paths_of_this_machine_are_found_wherever_they_hide(bundle):
    """A stack trace in a node's properties or doc string is noticed; node names are not mistaken for it."""
    proto = onnx.load(str(bundle / "avoidance.onnx"))
    texts = strings_of(proto)
    assert {node.name for node in proto.graph.node} <= texts
    assert not any(looks_like_a_path(text) for text in texts)
    spoilt = onnx.ModelProto.FromString(proto.SerializeToString())
    spoilt.graph.node[3].metadata_props.add(key="trace", value='File "/build/train.py", line 3')
    with pytest.raises(ExportError, match="names paths of this machine: File"):
        check(spoilt)
    proto.graph.node[5].doc_string = f"{Path.home()}/project"
    with pytest.raises(ExportError, match="names paths of this machine"):
        check(proto)


def test_the_classes_of_the_contract_are_the_networks(bundle):
    """Order and names reach the contract."""
    assert read_manifest(bundle).contract.action.names == CLASSES
