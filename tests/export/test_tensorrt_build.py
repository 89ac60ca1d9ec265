"""Building, proving and keeping engines: every version, every kind of network, every way to fail."""

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from sim2real.contract import ContractError, engine_devices, engine_record, read_manifest
from sim2real.deploy.tensorrt_device import EngineError
from sim2real.export.tensorrt import build_engines, engine_status, make_plan
from sim2real.export.tensorrt import on_device as work
from sim2real.export.tensorrt.builder import build_plan, network_flags, replace_file
from sim2real.export.tensorrt.on_device import build_all
from sim2real.export.tensorrt.plan import PRECISIONS, Choice
from tensorrt_double import bundles, machine
from tensorrt_double.cudart import Gpu
from tensorrt_double.strict import VERSIONS


def build(kind, out, **settings):
    """The record of a build, and what was said of its progress."""
    said = []
    source = bundles.made(kind)
    record = build_all(
        make_plan(source, latency_runs=10), source, out, say=lambda *words: said.append(words), **settings
    )
    return record, said


def stages(said, precision):
    return [stage for stage, name, _ in said if name == precision]


@pytest.mark.parametrize("kind", bundles.KINDS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_builds_proves_and_reloads_every_network(monkeypatch, tmp_path, version, kind):
    here = machine.put(monkeypatch, version)
    record, said = build(kind, tmp_path)
    assert {name: record["parity"][name]["status"] for name in PRECISIONS} == dict.fromkeys(PRECISIONS, "pass")
    assert record["chosen"] in PRECISIONS and set(record["engines"]) == set(PRECISIONS)
    for name in PRECISIONS:
        assert stages(said, name) == ["build", "prove", "done"]
        assert record["parity"][name]["vectors"] == record["parity"][name]["of"] > 0
        assert record["latency"][name]["runs"] == 10
        entry = record["engines"][name]
        assert entry["cuda_graph"] is True and entry["mapped_memory"] is True and entry["layers"] == 3
    assert here.cudart.is_clean
    again, said = build(kind, tmp_path)
    assert [stages(said, name) for name in PRECISIONS] == [["cached", "prove", "done"]] * 3
    assert again["engines"].keys() == record["engines"].keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_another_version_builds_anew(monkeypatch, tmp_path, version):
    other = VERSIONS[(VERSIONS.index(version) + 1) % len(VERSIONS)]
    machine.put(monkeypatch, other)
    build("mlp", tmp_path)
    machine.put(monkeypatch, version)
    _, said = build("mlp", tmp_path)
    assert [stages(said, name)[0] for name in PRECISIONS] == ["build"] * 3


@pytest.mark.parametrize(
    ("version", "precision", "typed", "bits"),
    [
        ("8.5.2", "fp16", False, 1),
        ("8.6.1", "fp16", False, 1),
        ("10.3.0", "fp16", True, 2),
        ("10.3.0", "int8", False, 0),
        ("10.13.3.9", "fp16", True, 2),
        ("11.4.0", "fp16", True, 1),
    ],
)
def test_flags_of_the_network_are_asked_by_name(monkeypatch, version, precision, typed, bits):
    trt = machine.put(monkeypatch, version).trt
    assert network_flags(trt, Choice(precision, "float", typed=typed)) == bits


def test_a_build_that_was_cut_off_goes_on(monkeypatch, tmp_path):
    machine.put(monkeypatch, "10.3.0")
    plan, source = make_plan(bundles.made("mlp"), latency_runs=10), bundles.made("mlp")

    def cut_off(stage, precision, message):
        if (stage, precision) == ("build", "int8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_all(plan, source, tmp_path, say=cut_off)
    assert not (tmp_path / "record.json").exists()  # nothing that could be taken for whole
    _, said = build("mlp", tmp_path)
    assert [stages(said, name)[0] for name in PRECISIONS] == ["cached", "cached", "build"]


@pytest.mark.parametrize("spoil", ["cut", "note", "other"])
def test_a_plan_that_is_not_whole_is_built_again(monkeypatch, tmp_path, spoil):
    machine.put(monkeypatch, "10.3.0")
    build("mlp", tmp_path)
    plan, note = tmp_path / "fp16.plan", tmp_path / "fp16.json"
    if spoil == "cut":
        plan.write_bytes(plan.read_bytes()[:-1])
    elif spoil == "note":
        note.write_text(note.read_text()[:20])
    else:
        shutil.copy(tmp_path / "fp32.plan", plan)
    record, said = build("mlp", tmp_path)
    assert stages(said, "fp16")[0] == "build" and stages(said, "fp32")[0] == "cached"
    assert record["parity"]["fp16"]["status"] == "pass"


def test_an_engine_that_answers_wrongly_is_not_kept(monkeypatch, tmp_path):
    machine.put(monkeypatch, "11.4.0")
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    model = onnx.load(bundle / "walk.fp16.onnx")
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT16:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float16(1.2), tensor.name))
    onnx.save(model, bundle / "walk.fp16.onnx")
    contract = json.loads((bundle / "contract.json").read_text())
    content = (bundle / "walk.fp16.onnx").read_bytes()
    import hashlib

    contract["files"]["walk.fp16.onnx"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (bundle / "contract.json").write_text(json.dumps(contract))
    record = build_all(make_plan(bundle, latency_runs=10), bundle, tmp_path / "out")
    parity = record["parity"]["fp16"]
    assert parity["status"] == "fail" and parity["max_abs_error"] > parity["allowed"]
    assert "fp16" not in record["engines"] and record["chosen"] in ("fp32", "int8")
    assert not list((tmp_path / "out").glob("fp16*"))


def test_a_choice_has_to_be_the_same(monkeypatch, tmp_path):
    machine.put(monkeypatch, "10.3.0")
    source = bundles.made("resnet18")
    plan = make_plan(source, latency_runs=10)
    golden = work._read_golden(plan, source)
    golden["logits"] = golden["logits"][:, [1, 2, 0]]
    monkeypatch.setattr(work, "_read_golden", lambda plan, source: golden)
    loose = {**plan.golden, "tolerances": dict.fromkeys(PRECISIONS, 3.0), "int8_outputs": None}
    import dataclasses

    record = build_all(dataclasses.replace(plan, golden=loose), source, tmp_path)
    assert record["parity"]["fp32"]["max_abs_error"] <= record["parity"]["fp32"]["allowed"]
    assert record["parity"]["fp32"]["status"] == "fail" and record["parity"]["fp32"]["same_choice"] < 1
    assert record["chosen"] is None


@pytest.mark.parametrize("version", VERSIONS)
def test_tensorrt_that_builds_nothing_is_quoted(monkeypatch, tmp_path, version):
    here = machine.put(monkeypatch, version, faults=["build"])
    record, _ = build("mlp", tmp_path)
    for name in PRECISIONS:
        assert record["parity"][name]["status"] == "fail"
        assert "insufficient workspace" in record["parity"][name]["reason"]
    assert record["chosen"] is None and record["engines"] == {} and here.cudart.is_clean


def test_a_builder_that_does_not_start_is_quoted(monkeypatch, tmp_path):
    machine.put(monkeypatch, "10.3.0", faults=["start"])
    record, _ = build("mlp", tmp_path, precisions=("fp32",))
    assert "builder does not start: CUDA initialization failure" in record["parity"]["fp32"]["reason"]


def parsed(monkeypatch, version, content, precision="fp32"):
    trt = machine.put(monkeypatch, version).trt
    plan = make_plan(bundles.made("mlp"))
    return build_plan(trt, plan, Choice(precision, "float", typed=version.startswith("11")), content)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_damaged_onnx_is_refused_by_the_parser(monkeypatch, version):
    content = (bundles.made("mlp") / "walk.onnx").read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no onnx"):
        with pytest.raises(EngineError, match=f"TensorRT {version[:3]}.*does not take walk.onnx"):
            parsed(monkeypatch, version, damaged)


@pytest.mark.parametrize(
    ("version", "opset", "good"), [("8.6.1", 17, True), ("8.6.1", 18, False), ("10.3.0", 18, True)]
)
def test_an_operator_set_that_is_too_new_is_refused(monkeypatch, version, opset, good):
    model = onnx.load(bundles.made("mlp") / "walk.onnx")
    model.opset_import[0].version = opset
    if good:
        assert parsed(monkeypatch, version, model.SerializeToString())
    else:
        with pytest.raises(EngineError, match=f"opset ai.onnx {opset}; this parser takes ai.onnx 17"):
            parsed(monkeypatch, version, model.SerializeToString())


def test_quantised_networks_need_their_flag(monkeypatch):
    content = (bundles.made("mlp") / "walk.int8.onnx").read_bytes()
    with pytest.raises(EngineError, match="Q/DQ layers need the INT8 flag"):
        parsed(monkeypatch, "10.3.0", content)
    assert parsed(monkeypatch, "11.4.0", content)


def test_a_batch_that_does_not_fit_is_refused(monkeypatch, tmp_path):
    trt = machine.put(monkeypatch, "10.3.0").trt
    source = bundles.made("mlp")
    plan = make_plan(source)
    object.__setattr__(plan, "shapes", {"observation": (-1, 999)})
    with pytest.raises(EngineError, match="the profile's shape .1, 999. of observation does not fit"):
        build_plan(trt, plan, Choice("fp32", "float"), (source / "walk.onnx").read_bytes())
    object.__setattr__(plan, "batch", (3, 2, 1))
    with pytest.raises(EngineError, match="does not take the shapes"):
        build_plan(trt, plan, Choice("fp32", "float"), (source / "walk.onnx").read_bytes())


def test_timings_are_kept_and_those_of_others_are_left_away(monkeypatch, tmp_path):
    machine.put(monkeypatch, "10.3.0")
    build("mlp", tmp_path)
    known = (tmp_path / "timing.cache").read_bytes()
    assert known.startswith(b"cache 10.3.0 8.7")
    for minor, content in enumerate((known, b"another tool's", b"cache 8.6.1 8.7\n{}")):
        (tmp_path / "timing.cache").write_bytes(content)
        machine.put(monkeypatch, "10.3.0", Gpu(sm=(12, minor)))
        build("mlp", tmp_path)
        assert (tmp_path / "timing.cache").read_bytes().startswith(f"cache 10.3.0 12.{minor}".encode())


@pytest.mark.parametrize("name", ["walk.onnx", "golden.npz"])
def test_files_that_are_not_the_plans_are_refused(monkeypatch, tmp_path, name):
    machine.put(monkeypatch, "10.3.0")
    bundle = bundles.copy_of("mlp", tmp_path / "bundle")
    plan = make_plan(bundle)
    (bundle / name).write_bytes(b"something else")
    with_golden = name == "golden.npz"
    if with_golden:
        with pytest.raises(EngineError, match="golden.npz: not the file that the plan was made of"):
            build_all(plan, bundle, tmp_path / "out")
    else:
        record = build_all(plan, bundle, tmp_path / "out", ("fp32",))
        assert "walk.onnx: not the file" in record["parity"]["fp32"]["reason"]


def test_a_full_disk_leaves_nothing_that_looks_whole(monkeypatch, tmp_path):
    machine.put(monkeypatch, "10.3.0")
    with monkeypatch.context() as patch:
        full_disk_file(patch)
        with pytest.raises(EngineError, match="No space left on device.*Make room"):
            build("mlp", tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".plan", ".part") or path.name == "record.json"]
    record, _ = build("mlp", tmp_path)
    assert record["chosen"]


def full_disk_file(patch):
    """Let every write of this package's files fail as a full disk does."""
    import os

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    patch.setattr(os, "fsync", refuse)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "file"
    replace_file(target, b"old")
    with monkeypatch.context() as patch:
        full_disk_file(patch)
        with pytest.raises(EngineError, match="No space left"):
            replace_file(target, b"new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_engines_join_their_bundle(monkeypatch, tmp_path):
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))
    machine.put(monkeypatch, "10.3.0")
    bundle = bundles.copy_of("gru", tmp_path / "bundle")
    assert engine_status(bundle).startswith("engine: pending")
    record = build_engines(bundle, ("fp32", "fp16"), latency_runs=10, batch=(1, 1, 4))
    device = engine_devices(bundle)[0]
    assert engine_record(bundle, device) == record
    assert engine_status(bundle) == f"engine: {device} {record['chosen']}"
    listed = [name.rpartition("/")[2] for name in read_manifest(bundle).files if name.startswith("engines/")]
    assert sorted(listed) == ["fp16.layers.json", "fp16.plan", "fp32.layers.json", "fp32.plan", "record.json"]
    assert record["parity"]["int8"] == {"status": "not_run", "reason": "not asked for"}
    assert record["engines"]["fp16"]["batch"] == [1, 1, 4]


def test_no_tensorrt_says_what_to_do(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setattr("sim2real.export.tensorrt.trtexec.PLACES", ())
    monkeypatch.setenv("PATH", "")
    for route, said in (
        ("auto", "python3-libnvinfer.*libnvinfer-bin"),
        ("python", "python3-libnvinfer"),
        ("trtexec", "bin"),
    ):
        with pytest.raises(EngineError, match=said):
            build_engines(bundles.made("mlp"), route=route)
    with pytest.raises(EngineError, match="route is 'magic'; allowed: auto, python, trtexec"):
        build_engines(bundles.made("mlp"), route="magic")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(ContractError, match="not a bundle"):
        make_plan(tmp_path)


@pytest.mark.parametrize("version", ["8.5.2", "10.3.0", "11.4.0"])
def test_a_bundle_without_fp16_gets_no_engine_of_it(monkeypatch, tmp_path, version):
    """A robot would refuse it, also where TensorRT itself could make FP16 of the float network."""
    machine.put(monkeypatch, version)
    source = bundles.made("mlp", ("float",))
    record = build_all(make_plan(source, latency_runs=10), source, tmp_path)
    assert record["parity"]["fp16"]["status"] == "not_run"
    assert "this bundle has no FP16 network" in record["parity"]["fp16"]["reason"]
    assert not list(tmp_path.glob("fp16*"))
    assert record["parity"]["int8"]["status"] == "not_run"
    assert record["chosen"] == "fp32"
