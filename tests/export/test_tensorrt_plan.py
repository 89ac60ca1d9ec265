"""What is built for which version, and what an engine depends on."""

import dataclasses

import pytest

from sim2real.deploy.tensorrt_device import Device, EngineError, parse_version
from sim2real.export.tensorrt import BuildPlan, make_plan
from sim2real.export.tensorrt.plan import PRECISIONS, cache_key, check_precisions, choose
from tensorrt_double import bundles
from tensorrt_double.strict import VERSIONS, read_table

WHOLE = ("float", "fp16", "int8")


def plan_with(*networks, **changes):
    files = {name: {"file": f"p.{name}.onnx", "sha256": name * 8} for name in networks}
    shapes = {"obs": (-1, 4), "h_in": (1, -1, 8)}
    return BuildPlan(
        **{"name": "p", "contract_sha256": "c" * 64, "networks": files, "shapes": shapes, "golden": {}, **changes}
    )


@pytest.mark.parametrize(
    ("version", "precision", "networks", "network", "typed", "flags"),
    [
        ((8, 5, 2), "fp32", WHOLE, "float", False, ()),
        ((8, 5, 2), "fp16", WHOLE, "float", False, ("FP16",)),
        ((8, 6, 1), "int8", WHOLE, "int8", False, ("FP16", "INT8")),
        ((10, 3, 0), "fp32", WHOLE, "float", False, ()),
        ((10, 3, 0), "fp16", WHOLE, "fp16", True, ()),
        ((10, 16, 2, 10), "int8", WHOLE, "int8", False, ("FP16", "INT8")),
        ((11, 4, 0), "fp32", WHOLE, "float", True, ()),
        ((11, 4, 0), "fp16", WHOLE, "fp16", True, ()),
        ((11, 4, 0), "int8", WHOLE, "int8", True, ()),
    ],
)
def test_each_version_gets_its_file_and_flags(version, precision, networks, network, typed, flags):
    choice = choose(plan_with(*networks), precision, version)
    assert (choice.network, choice.typed, choice.flags) == (network, typed, flags)
    assert choice.tf32 is (precision != "fp32")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_version_has_every_flag_that_is_chosen_for_it(version, precision):
    table = read_table(version)["enums"]
    choice = choose(plan_with(*WHOLE), precision, parse_version(version))
    assert set(choice.flags) <= set(table["BuilderFlag"])
    assert not choice.typed or "STRONGLY_TYPED" in table["NetworkDefinitionCreationFlag"]


def test_what_cannot_be_built_says_why():
    for version in ((8, 5, 2), (10, 3, 0), (11, 4, 0)):
        with pytest.raises(EngineError, match="no FP16 network, so no robot would take its engine; see parity.json"):
            choose(plan_with("float", "int8"), "fp16", version)
    with pytest.raises(EngineError, match="no INT8 network; parity.json"):
        choose(plan_with("float"), "int8", (10, 3, 0))
    with pytest.raises(EngineError, match="precision is 'bf16'"):
        choose(plan_with("float"), "bf16", (10, 3, 0))


@pytest.mark.parametrize("names", [(), ("fp32", "fp32"), ("fp32", "int4")])
def test_precisions_are_checked(names):
    with pytest.raises(EngineError, match="allowed: fp32, fp16, int8"):
        check_precisions(names)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a b"}, "name is 'a b'"),
        ({"name": "../p"}, "name is"),
        ({"networks": {"int8": {"file": "p.onnx", "sha256": ""}}}, "networks is"),
        ({"networks": {"float": {"file": "../p.onnx", "sha256": ""}}}, "networks.float"),
        ({"shapes": {"a,b": (-1, 2)}}, "name of an input"),
        ({"shapes": {"a:1x2": (-1, 2)}}, "name of an input"),
        ({"shapes": {"a": (3, 2)}}, "shape of a"),
        ({"shapes": {"a": (-1, -1)}}, "shape of a"),
        ({"batch": (2, 1, 4)}, "batch is"),
        ({"batch": (0, 1, 1)}, "batch is"),
        ({"workspace_mib": 1}, "workspace_mib"),
        ({"optimization_level": 6}, "optimization_level"),
        ({"latency_runs": 1}, "latency_runs"),
        ({"schema": 9}, "schema"),
    ],
)
def test_a_plan_checks_its_fields(changes, said):
    with pytest.raises(EngineError, match=said):
        plan_with("float", **changes)


def test_a_plan_survives_json():
    plan = make_plan(bundles.made("gru"), batch=(1, 2, 4), optimization_level=5)
    assert BuildPlan.from_json(plan.to_json()) == plan
    for text in ("{", "[]", plan.to_json().replace('"batch"', '"bunch"')):
        with pytest.raises(EngineError, match="cannot be read"):
            BuildPlan.from_json(text)


def test_a_recurrent_policys_plan_knows_its_state():
    plan = make_plan(bundles.made("gru"))
    assert plan.shapes["h_in"] == (1, -1, 8)
    assert plan.golden["states"] == {"h_in": "h_out"}
    assert plan.golden["fresh"] == "fresh"


def test_an_engines_key_changes_with_all_it_depends_on():
    plan = plan_with(*WHOLE)
    device = Device(tensorrt="10.3.0", sm="8.7", gpu="Orin", l4t="36.4.3", machine="aarch64")
    choice = choose(plan, "fp16", (10, 3, 0))
    keys = {cache_key(plan, choice, device, "python"), cache_key(plan, choice, device, "trtexec")}
    for name, value in {"tensorrt": "10.3.1", "sm": "8.6", "gpu": "Other", "l4t": None, "machine": "x86_64"}.items():
        keys.add(cache_key(plan, choice, dataclasses.replace(device, **{name: value}), "python"))
    for changes in ({"batch": (1, 1, 2)}, {"workspace_mib": 512}, {"optimization_level": 1}):
        keys.add(cache_key(dataclasses.replace(plan, **changes), choice, device, "python"))
    other = {**plan.networks, "fp16": {"file": "p.fp16.onnx", "sha256": "other"}}
    keys.add(cache_key(dataclasses.replace(plan, networks=other), choice, device, "python"))
    keys.add(cache_key(plan, dataclasses.replace(choice, tf32=False), device, "python"))
    assert len(keys) == 12
    assert cache_key(plan, choice, device, "python") in keys


def test_a_devices_folder_is_a_plain_name():
    device = Device(tensorrt="10.3.0", sm="8.7", gpu="Orin (nvgpu)/x", l4t="36.4.3", machine="aarch64")
    assert device.folder == "orin-nvgpu-x-sm8.7-trt10.3.0-l4t36.4.3"
