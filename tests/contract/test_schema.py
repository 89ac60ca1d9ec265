"""The contract: exact through JSON, strict when read, embedded without the onnx package."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.contract import (
    ClassAction,
    Contract,
    ContractError,
    DepthObservation,
    DepthPreprocess,
    FileRecord,
    GoldenReference,
    embed,
    extract,
    read_manifest,
    write_manifest,
)


def make(**changes):
    """A contract with test defaults."""
    values = {
        "name": "avoidance",
        "task": "avoidance",
        "observation": DepthObservation(
            preprocess=DepthPreprocess(width=96, height=96, near_m=0.1, far_m=4.0), camera={"focal_px": 40.3}
        ),
        "action": ClassAction(names=("forward", "left", "right")),
        "controller": {"speed_m_s": 0.6, "latched": True},
        "rate_hz": 10,
        "spec_hash": "a" * 64,
        "dataset_hash": "b" * 64,
        "code_version": "0.1.0",
        "golden": GoldenReference(sha256="c" * 64, frames=16),
    }
    return Contract(**{**values, **changes})


POSITIVE = st.floats(min_value=1e-300, max_value=1e4, allow_nan=False)


@given(
    rate=POSITIVE, near=POSITIVE, gain=st.floats(allow_nan=False, allow_infinity=False), tolerance=st.floats(1e-12, 1)
)
@settings(max_examples=100, deadline=None)
def test_json_keeps_every_bit(rate, near, gain, tolerance):
    """Any floats come back equal, and the hash with them."""
    observation = DepthObservation(
        preprocess=DepthPreprocess(width=3, height=5, near_m=near, far_m=math.nextafter(near, math.inf))
    )
    golden = GoldenReference(sha256="c" * 64, frames=1, float_tolerance=tolerance)
    contract = make(rate_hz=rate, observation=observation, controller={"gain": gain}, golden=golden)
    again = Contract.from_json(contract.canonical())
    assert again == contract
    assert again.sha256 == contract.sha256
    assert again.controller["gain"].hex() == gain.hex()


def test_the_hash_depends_on_values_not_on_how_they_were_written():
    """10 and 10.0, tuples and lists, key order: one contract, one hash; another value, another hash."""
    contract = make()
    assert make(rate_hz=10.0).sha256 == contract.sha256
    shuffled = json.dumps(dict(reversed(contract.to_dict().items())), indent=3)
    assert Contract.from_json(shuffled).sha256 == contract.sha256
    assert make(rate_hz=math.nextafter(10.0, 11.0)).sha256 != contract.sha256


def edit(path, value):
    """A contract's JSON with one value changed, added or (None) removed."""
    data = make().to_dict()
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["rate_hz"], None, r"robot.json: contract: missing key 'rate_hz'"),
        (["speed"], 1, r"robot.json: contract: unknown key 'speed'; the keys are: name, task"),
        (["observation", "preprocess", "fov"], 1, r"observation.preprocess: unknown key 'fov'"),
        (["observation", "kind"], "colour", r"observation.kind is 'colour'; it must be one of depth, state"),
        (["observation", "preprocess", "far_m"], -1, r"0 < near_m < far_m"),
        (["action", "kind"], "torque", r"action.kind is 'torque'; it must be one of class, position"),
        (["action", "names"], ["left", "left"], r"action.names .* two or more names"),
        (["action"], 5, r"action is 'int'; it must be an object"),
        (["rate_hz"], 0, r"rate_hz is 0; it must be a number above 0"),
        (["rate_hz"], "10", r"rate_hz is '10'"),
        (["spec_hash"], "abc", r"spec_hash is 'abc'; it must be 64 hexadecimal digits"),
        (["golden", "frames"], 0, r"golden.frames is 0"),
        (["latency_s"], [0.2, 0.1], r"latency_s is \[0.2, 0.1\]"),
        (["schema"], 1, r"schema 1; this sim2real reads schema 3"),
        (["name"], "../x", r"name is '../x'; it must be a lower-case name"),
    ],
)
def test_reading_is_strict_and_says_where(path, value, message):
    """Each fault names the source, the key, what came and what is allowed."""
    with pytest.raises(ContractError, match=message):
        Contract.from_json(edit(path, value), "robot.json")


def test_text_that_is_not_json_is_refused_with_its_place():
    """A cut-off file and a NaN."""
    with pytest.raises(ContractError, match=r"x.json: not JSON: .* line 1, column"):
        Contract.from_json(make().canonical()[:100], "x.json")
    with pytest.raises(ContractError, match="NaN is not a number that a contract may hold"):
        Contract.from_json(make().canonical().replace("10.0", "NaN"), "x.json")


def test_a_controller_that_json_cannot_hold_is_refused():
    """A value that would not come back as it is must not go in."""
    with pytest.raises(ContractError, match="controller holds something that JSON cannot"):
        make(controller={"gain": float("nan")})


class FakeModel:
    """The one part of an ONNX model that embedding touches: a repeated field of key and value."""

    def __init__(self):
        self.metadata_props = _Repeated([SimpleNamespace(key="old", value="left by a tool")])


class _Repeated(list):
    def add(self, key, value):
        self.append(SimpleNamespace(key=key, value=value))


def embedded(**changes):
    """The properties of a model with a contract inside."""
    model = FakeModel()
    embed(model, make(**changes), "float")
    return {entry.key: entry.value for entry in model.metadata_props}


def test_a_contract_comes_back_out_of_a_model_as_it_went_in():
    """Embedding replaces foreign properties; extracting needs the mapping alone."""
    properties = embedded()
    assert "old" not in properties
    assert extract(properties, "a.onnx") == (make(), "float")


def test_a_model_without_or_with_a_changed_contract_is_refused():
    """No contract, and one that was edited inside the file."""
    with pytest.raises(ContractError, match="a.onnx: no contract inside"):
        extract({}, "a.onnx")
    properties = embedded()
    properties["sim2real.contract"] = properties["sim2real.contract"].replace("left", "lift")
    with pytest.raises(ContractError, match="a.onnx: the contract inside was changed after the export"):
        extract(properties, "a.onnx")


def test_the_manifest_comes_back_and_notices_an_edit(tmp_path):
    """contract.json round-trips; an edited value is refused."""
    files = {"avoidance.onnx": FileRecord(bytes=3, sha256="d" * 64)}
    write_manifest(tmp_path, make(), files)
    manifest = read_manifest(tmp_path)
    assert manifest.contract == make() and manifest.files == files
    path = tmp_path / "contract.json"
    path.write_text(path.read_text().replace('"far_m": 4.0', '"far_m": 8.0'))
    with pytest.raises(ContractError, match="the contract was changed after the export .*instead of editing it"):
        read_manifest(tmp_path)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    """No contract.json, and one with other keys."""
    with pytest.raises(ContractError, match="not a bundle: contract.json cannot be read"):
        read_manifest(tmp_path)
    (tmp_path / "contract.json").write_text("{}")
    with pytest.raises(ContractError, match="exactly the keys contract, contract_sha256, files"):
        read_manifest(tmp_path)


def test_precisions_are_a_closed_set():
    """File names by precision; another precision is refused."""
    assert make().model_file("float") == "avoidance.onnx"
    assert make().model_file("int8") == "avoidance.int8.onnx"
    assert make().model_file("fp16") == "avoidance.fp16.onnx"
    for ask in (make().model_file, make().golden.tolerance):
        with pytest.raises(ContractError, match="precision is 'int4'; allowed: float, fp16, int8"):
            ask("int4")
    assert [make().golden.tolerance(name) for name in ("float", "fp16", "int8")] == [1e-4, 0.01, 0.05]


def test_a_changed_contract_is_another_contract():
    """Every field counts for equality and hash."""
    one = make()
    for other in (replace(one, task="reach"), replace(one, latency_s=(0.0, 0.1)), replace(one, controller={})):
        assert other != one and other.sha256 != one.sha256
