"""PolicyRuntime: answers as the trained network, and refuses every bundle that is not of one piece."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest

from policy_fixtures import SIZE, draw_frames, export, made_run
from sim2real.contract import Golden, embed, file_record, read_manifest, write_manifest
from sim2real.contract.errors import ContractError
from sim2real.deploy import PolicyRuntime


@pytest.fixture
def copy(bundle, tmp_path):
    """A copy of the bundle to spoil."""
    return shutil.copytree(bundle, tmp_path / "copy")


def rewrite(folder, **contents):
    """Put other contents into a bundle and record them, as a tool would that knows the format."""
    manifest = read_manifest(folder)
    files = dict(manifest.files)
    contract = contents.pop("contract", manifest.contract)
    for name, content in contents.items():
        name = {"onnx": "avoidance.onnx", "golden": "golden.npz"}[name]
        (folder / name).write_bytes(content)
        files[name] = file_record(content)
    write_manifest(folder, contract, files)


@pytest.mark.parametrize("precision", ["float", "int8"])
def test_it_answers_as_the_trained_network(bundle, precision):
    """Logits of fresh frames equal torch's (INT8: nearly), whatever the batch is cut into."""
    import torch

    from sim2real.learn import load_policy

    depth, labels = draw_frames(150, seed=99)
    runtime = PolicyRuntime(bundle, precision, threads=1, max_batch=64)
    logits = runtime.logits(depth)
    policy = load_policy(made_run())
    with torch.inference_mode():
        wanted = policy.model(torch.from_numpy(policy.preprocess.apply(depth))).numpy()
    assert logits.shape == (150, 3) and logits.dtype == np.float32
    if precision == "float":
        np.testing.assert_allclose(logits, wanted, atol=1e-4)
    assert (logits.argmax(1) == wanted.argmax(1)).mean() > 0.98
    assert (runtime.act(depth) == labels).mean() > 0.9
    alone = np.concatenate([runtime.logits(frame) for frame in depth[:5]])
    np.testing.assert_allclose(alone, logits[:5], atol=1e-4 if precision == "float" else 0.2)


def test_metres_and_millimetres_are_one(bundle):
    """float32 metres with NaN for no reading and uint16 millimetres with 0 give the same answers."""
    depth, _ = draw_frames(6, seed=5)
    metres = depth.astype(np.float32) / np.float32(1000)
    metres[depth == 0] = np.nan
    runtime = PolicyRuntime(bundle, threads=1)
    assert np.array_equal(runtime.logits(depth), runtime.logits(metres))


def test_no_frames_give_no_answers(bundle):
    """An empty batch is not an error."""
    runtime = PolicyRuntime(bundle, threads=1)
    assert runtime.logits(np.empty((0, SIZE, SIZE), np.float32)).shape == (0, 3)
    assert runtime.act(np.empty((0, SIZE, SIZE), np.float32)).shape == (0,)


def test_it_tells_what_it_is(bundle):
    """Contract, names and controller are there; a path to one of the files works too."""
    runtime = PolicyRuntime(bundle / "avoidance.int8.onnx", threads=1, task="avoidance")
    assert runtime.precision == "int8"
    assert runtime.class_names == ("forward", "left", "right")
    assert runtime.contract.controller == {"forward_speed": 0.1}


def test_a_truncated_network_is_refused(copy):
    """A copy that stopped half-way."""
    path = copy / "avoidance.onnx"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ContractError, match=r"avoidance.onnx: truncated: 100000 of \d+ bytes. Copy the bundle again"):
        PolicyRuntime(copy)


def test_a_network_that_onnx_runtime_cannot_load_is_refused(copy):
    """Rubbish of the right hash."""
    rewrite(copy, onnx=(copy / "avoidance.onnx").read_bytes()[:100_000])
    with pytest.raises(ContractError, match="avoidance.onnx: ONNX Runtime cannot load the network"):
        PolicyRuntime(copy)


def test_a_changed_network_is_refused(copy):
    """One byte of the weights."""
    content = bytearray((copy / "avoidance.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "avoidance.onnx").write_bytes(content)
    with pytest.raises(ContractError, match="avoidance.onnx: not the file that was exported with this contract"):
        PolicyRuntime(copy)


def test_a_network_of_another_contract_is_refused(copy, bundle):
    """A network of another task under the right name and hash: both contracts are named."""
    from dataclasses import replace

    proto = onnx.load(str(bundle / "avoidance.onnx"))
    embed(proto, replace(read_manifest(bundle).contract, task="docking"), "float")
    rewrite(copy, onnx=proto.SerializeToString())
    with pytest.raises(ContractError, match="belongs to another contract .inside: avoidance for task docking"):
        PolicyRuntime(copy)


def test_a_network_without_a_contract_is_refused(copy, bundle):
    """A tool that drops the properties."""
    proto = onnx.load(str(bundle / "avoidance.onnx"))
    del proto.metadata_props[:]
    rewrite(copy, onnx=proto.SerializeToString())
    with pytest.raises(ContractError, match="avoidance.onnx: no contract inside"):
        PolicyRuntime(copy)


def test_the_int8_network_under_the_floats_name_is_refused(copy):
    """Files that were swapped."""
    rewrite(copy, onnx=(copy / "avoidance.int8.onnx").read_bytes())
    with pytest.raises(ContractError, match="the network is int8, its file name says float"):
        PolicyRuntime(copy)


def test_an_edited_contract_is_refused(copy):
    """Someone changes the far limit by hand."""
    path = copy / "contract.json"
    path.write_text(path.read_text().replace('"far_m": 4.0', '"far_m": 5.0'))
    with pytest.raises(ContractError, match="the contract was changed after the export"):
        PolicyRuntime(copy)


def test_a_contract_edited_with_its_hash_is_refused(copy):
    """Someone changes the far limit and the hash too: the network still knows its own contract."""
    from dataclasses import replace

    contract = read_manifest(copy).contract
    preprocess = replace(contract.observation.preprocess, far_m=5.0)
    rewrite(copy, contract=replace(contract, observation=replace(contract.observation, preprocess=preprocess)))
    with pytest.raises(ContractError, match="belongs to another contract"):
        PolicyRuntime(copy)


def test_other_golden_vectors_are_refused(copy):
    """Golden vectors of another export, recorded properly."""
    golden = Golden.from_bytes((copy / "golden.npz").read_bytes(), "golden.npz")
    rewrite(copy, golden=Golden(**{**vars(golden), "logits": golden.logits + 1}).to_bytes())
    with pytest.raises(ContractError, match="the golden vectors of another contract"):
        PolicyRuntime(copy)


@pytest.mark.parametrize("precision, change", [("float", 0.01), ("int8", 2.0)])
def test_a_network_that_does_not_reproduce_its_golden_outputs_is_refused(bundle, monkeypatch, precision, change):
    """A runtime that computes something else: the error has the difference and the limit."""
    real = Golden.from_bytes.__func__

    def shifted(cls, content, source):
        golden = real(cls, content, source)
        return Golden(
            **{**vars(golden), "logits": golden.logits + change, "logits_int8": golden.logits_int8 + change * 3}
        )

    monkeypatch.setattr(Golden, "from_bytes", classmethod(shifted))
    with pytest.raises(ContractError, match=f"the {precision} network does not reproduce its golden outputs.*allowed"):
        PolicyRuntime(bundle, precision)


def test_another_preprocessing_is_refused(bundle, monkeypatch):
    """A sim2real that resizes or scales otherwise is noticed by the golden inputs."""
    from sim2real.contract import DepthPreprocess

    real = DepthPreprocess.apply
    monkeypatch.setattr(DepthPreprocess, "apply", lambda self, depth: real(self, depth)[:, :, ::-1])
    with pytest.raises(ContractError, match="preprocessing on this machine does not give the golden inputs"):
        PolicyRuntime(bundle)


def test_missing_files_and_folders_are_named(copy, tmp_path):
    """No folder, no network."""
    with pytest.raises(ContractError, match="nowhere: not a bundle"):
        PolicyRuntime(tmp_path / "nowhere")
    (copy / "avoidance.onnx").unlink()
    with pytest.raises(ContractError, match="avoidance.onnx: cannot be read .No such file"):
        PolicyRuntime(copy)


def test_a_bundle_without_int8_says_why(tmp_path):
    """INT8 asked of a bundle whose export refused it."""
    from sim2real.export import Gate

    export(tmp_path / "b", gate=Gate(accuracy_drop=-1.0), calibrators=("minmax",), latency_runs=3)
    PolicyRuntime(tmp_path / "b", threads=1)
    with pytest.raises(ContractError, match="no INT8 network: the export refused it .see parity.json"):
        PolicyRuntime(tmp_path / "b", "int8")


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"task": "docking"}, "the policy is for task 'avoidance', wanted is 'docking'"),
        ({"precision": "int4"}, "precision is 'int4'; allowed: float, fp16, int8"),
        ({"threads": -1}, "allowed: threads >= 0"),
        ({"providers": ["MoonExecutionProvider"]}, "no MoonExecutionProvider; it has: .*CPUExecutionProvider"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(bundle, arguments, message):
    """What came and what is allowed."""
    with pytest.raises(ContractError, match=message):
        PolicyRuntime(bundle, **arguments)


def test_a_robot_needs_numpy_and_onnx_runtime_alone(bundle):
    """In a process where torch, onnx and yaml cannot be imported, the policy still runs."""
    code = f"""
import sys
for name in ("torch", "onnx", "onnxscript", "yaml", "warp", "PIL", "matplotlib"):
    sys.modules[name] = None
import numpy as np
from sim2real.deploy import PolicyRuntime
print(PolicyRuntime({str(bundle)!r}, "int8", threads=1).act(np.ones((2, {SIZE}, {SIZE}), np.float32)).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "(2,)", done.stderr


def test_the_record_of_a_bundle_is_plain_json(bundle):
    """Any tool can read the contract without this package."""
    data = json.loads((bundle / "contract.json").read_text())
    assert data["contract"]["observation"]["preprocess"]["far_m"] == 4.0
