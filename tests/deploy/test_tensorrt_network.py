"""A bundle's engine behind the runtimes: it answers as the bundle, or says why it must not."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from sim2real.contract import ContractError, RobotState, Rollout, add_engine, engine_devices, engine_record
from sim2real.deploy import JointPolicyRuntime, PolicyRuntime, require_proven
from sim2real.deploy.tensorrt_device import EngineError, l4t_release, parse_version, same_version
from sim2real.deploy.tensorrt_network import open_engine, open_policy
from sim2real.deploy.tensorrt_record import seal
from sim2real.export.tensorrt import build_engines
from tensorrt_double import bundles, machine
from tensorrt_double.cudart import Gpu
from tensorrt_double.strict import VERSIONS


@pytest.fixture
def built(monkeypatch, tmp_path):
    """Builds engines of a kind of policy on a machine, and returns the bundle."""
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path / "cache"))

    def build(kind="mlp", version="10.3.0", gpu=None, **settings):
        here = machine.put(monkeypatch, version, gpu, **settings)
        bundle = bundles.copy_of(kind, tmp_path / kind)
        build_engines(bundle, latency_runs=10)
        return bundle, here

    return build


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", bundles.KINDS)
def test_an_engine_answers_in_the_runtimes_place(built, kind, version, precision):
    bundle, here = built(kind, version)
    policy = open_policy(bundle, precision, num_envs=2) if kind != "resnet18" else open_policy(bundle, precision)
    require_proven(policy)
    name = policy.precision
    if kind == "resnet18":
        frames = np.full((1, 16, 16), 1500, np.uint16)
        wanted = PolicyRuntime(bundle, name, threads=1).logits(frames)
        np.testing.assert_allclose(policy.logits(frames), wanted, atol=0.15)
    else:
        golden = Rollout.from_bytes((bundle / "golden.npz").read_bytes(), "golden")
        wanted = JointPolicyRuntime(bundle, 2, precision=name)
        for step in range(golden.steps):
            for runtime in (policy, wanted):
                runtime.reset(golden.fresh[step])
            state = dataclasses.replace(golden.state(step), last_action=None)
            assert isinstance(state, RobotState)
            within = {"float": 1e-6, "fp16": 2e-3, "int8": 0.03}[name]  # FP16 between Q/DQ pairs can turn a step
            np.testing.assert_allclose(policy.step(state), wanted.step(state), rtol=0, atol=within)
    policy.network.close()
    assert here.cudart.is_clean


def test_the_chosen_precision_is_the_default(built):
    bundle, _ = built()
    chosen = engine_record(bundle, engine_devices(bundle)[0])["chosen"]
    network = open_engine(bundle)
    assert {"float": "fp32"}.get(network.precision, network.precision) == chosen
    assert network.max_batch == 1
    network.close()


@pytest.mark.parametrize(
    ("elsewhere", "said"),
    [
        ({"version": "10.13.3.9"}, "TensorRT 10.3.0, here is 10.13.3.9"),
        ({"version": "8.6.1"}, "TensorRT 10.3.0, here is 8.6.1"),
        (
            {"gpu": Gpu(name="NVIDIA Thor", sm=(11, 0))},
            "here is 11.0; GPU Orin, here is NVIDIA",
        ),
        ({"gpu": Gpu(name="NVIDIA GeForce RTX 3080", sm=(8, 6))}, "compute capability 8.7, here is 8.6"),
        ({"l4t": "36.5"}, "L4T 36.4.3, here is 36.5"),
        ({"l4t": None}, "L4T 36.4.3, here is None"),
    ],
)
def test_another_machine_is_refused_before_the_plan_is_loaded(built, monkeypatch, elsewhere, said):
    bundle, _ = built()
    here = machine.put(monkeypatch, **{"version": "10.3.0", **elsewhere})
    with pytest.raises(EngineError, match=f"{said}.*[Bb]uild the engines on this machine"):
        open_engine(bundle)
    assert here.cudart.is_clean and "cudaStreamCreateWithFlags" not in here.cudart.calls


def test_two_machines_share_a_bundle(built, monkeypatch, tmp_path):
    bundle, _ = built()
    machine.put(monkeypatch, "11.4.0", Gpu(name="NVIDIA Thor", sm=(11, 0)), l4t="39.2.0")
    with pytest.raises(EngineError, match="here is 11.4.0"):
        open_engine(bundle)
    build_engines(bundle, latency_runs=10)
    open_engine(bundle).close()
    assert engine_devices(bundle) == ("nvidia-thor-sm11.0-trt11.4.0-l4t39.2.0", "orin-sm8.7-trt10.3.0-l4t36.4.3")
    machine.put(monkeypatch, "10.3.0")
    open_engine(bundle).close()


def folder_of(bundle):
    return bundle / "engines" / engine_devices(bundle)[0]


def change(bundle, edit, sealed=True):
    """Another record, in the bundle's list of files with its new hash; sealed as a build would, or not."""
    device = engine_devices(bundle)[0]
    record = engine_record(bundle, device)
    edit(record)
    files = {path.name: path.read_bytes() for path in folder_of(bundle).iterdir() if path.name != "record.json"}
    add_engine(bundle, device, files, seal(record) if sealed else record)


def truncate(bundle):
    plan = folder_of(bundle) / "fp16.plan"
    plan.write_bytes(plan.read_bytes()[:-7])


def other_plan(bundle):
    plan = folder_of(bundle) / "fp16.plan"
    plan.write_bytes(bytes(reversed(plan.read_bytes())))


def edit_record(bundle):
    path = folder_of(bundle) / "record.json"
    path.write_text(path.read_text().replace("36.4.3", "36.4.4"))


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (truncate, "truncated"),
        (other_plan, "SHA-256 differs"),
        (lambda b: (folder_of(b) / "fp16.plan").unlink(), "cannot be read"),
        (edit_record, "SHA-256 differs"),
        (lambda b: change(b, lambda r: r["device"].update(l4t="36.4.4"), sealed=False), "changed after the build"),
        (lambda b: change(b, lambda r: r.update(contract_sha256="0" * 64)), "another contract"),
        (lambda b: change(b, lambda r: r["engines"]["fp16"]["onnx"].update(sha256="0" * 64)), "another walk.fp16.onnx"),
        (lambda b: change(b, lambda r: r["engines"]["fp16"]["plan"].update(sha256="0" * 64)), "not the plan"),
        (lambda b: change(b, lambda r: r.update(schema=2)), "not a record"),
        (lambda b: change(b, lambda r: r.pop("parity")), "not a record"),
        (lambda b: change(b, lambda r: r["engines"].pop("fp16")), "there is no fp16 engine"),
        (lambda b: change(b, lambda r: r["parity"]["fp16"].update(status="fail")), "did not reproduce"),
        (lambda b: shutil.rmtree(b / "engines"), "cannot be read"),
    ],
)
def test_what_was_changed_since_is_refused(built, tamper, said):
    bundle, here = built()
    tamper(bundle)
    with pytest.raises((EngineError, ContractError), match=said):
        open_engine(bundle, "fp16")
    assert here.cudart.is_clean


def test_a_bundle_without_engines_says_what_to_run(monkeypatch):
    machine.put(monkeypatch, "10.3.0")
    with pytest.raises(EngineError, match="no engines.*build_on_device.py"):
        open_engine(bundles.made("mlp"))


def test_unknown_precisions_are_refused(built):
    with pytest.raises(EngineError, match="precision is 'bf16'; allowed: fp32, fp16, int8"):
        open_engine(built()[0], "bf16")


def test_none_is_run_where_none_passed(built):
    bundle, _ = built()
    change(bundle, lambda record: record.update(chosen=None))
    with pytest.raises(EngineError, match="Use ONNX Runtime"):
        open_engine(bundle)


def test_an_engine_that_answers_wrongly_does_not_start(built):
    bundle, here = built()
    golden = bundle / "golden.npz"
    assert golden.is_file()
    from sim2real.deploy.tensorrt_engine import Engine

    honest = Engine.infer
    here.cudart.calls.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "infer", lambda self, feeds: {k: v + 0.5 for k, v in honest(self, feeds).items()})
        with pytest.raises(ContractError, match="does not give the golden actions"):
            open_policy(bundle, "fp16")
    assert here.cudart.is_clean


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ModuleNotFoundError("No module named 'tensorrt'", name="tensorrt"), "python3-libnvinfer"),
        (ImportError("libnvinfer.so.10: cannot open shared object file"), "libnvinfer.so.10"),
        (OSError("libnvdla_compiler.so: cannot open shared object file"), "libnvdla_compiler.so"),
    ],
)
def test_a_missing_library_is_named(built, monkeypatch, error, said):
    bundle, _ = built()
    import builtins
    import sys

    monkeypatch.delitem(sys.modules, "tensorrt")
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "tensorrt":
            raise error
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EngineError, match=said):
        open_engine(bundle)


@pytest.mark.parametrize("version", ["8.4.1", "7.1.3", "12.0.0", "new"])
def test_other_versions_are_refused(version):
    with pytest.raises(EngineError, match="8.5 up to 11.x|expected is one like 10.3.0"):
        parse_version(version)


def test_versions_are_compared_as_far_as_both_go():
    assert same_version("8.5.2", "8.5.2.2") and same_version("10.3.0", "10.3.0")
    assert not same_version("10.3.0", "10.3.1") and not same_version("8.5.2", "8.5.1.7")
    assert not same_version("10.3", "10.3.0")


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: x", "36.4.3"),
        ("# R35 (release), REVISION: 2.1, GCID: 1", "35.2.1"),
        ("something else", None),
        (None, None),
    ],
)
def test_the_release_is_read_off_the_machine(tmp_path, text, release):
    if text is not None:
        (tmp_path / "nv").write_text(text)
    assert l4t_release(tmp_path / "nv") == release


def test_the_record_is_plain_json(built):
    bundle, _ = built()
    record = json.loads((folder_of(bundle) / "record.json").read_text())
    assert record == seal(record)
    assert set(record["engines"]) == {"fp32", "fp16", "int8"}
