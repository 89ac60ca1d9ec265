"""A bare ONNX file can be looked at and asked offline; it moves no robot. And every way in which a file can be bad."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deploy.test_joint_runtime import network, write
from sim2real.contract import ContractError, read_manifest
from sim2real.deploy import JointPolicyRuntime, PolicyRuntime, require_proven


@pytest.fixture
def folder(tmp_path):
    """A bundle of the linear policy."""
    write(tmp_path / "walk")
    return tmp_path / "walk"


def test_a_file_says_what_it_is(folder, tmp_path):
    """Inputs, outputs and the contract inside; a file without one says nothing of it."""
    bare = PolicyRuntime.from_onnx(folder / "walk.onnx")
    assert bare.inputs == {"observation": (None, 51)} and bare.outputs == {"action": (None, 3)}
    assert bare.contract == read_manifest(folder).contract and bare.proven is False
    model, weights = network(5)
    onnx.save(model, str(tmp_path / "other.onnx"))
    other = PolicyRuntime.from_onnx(tmp_path / "other.onnx", threads=1)
    x = np.ones((4, 5), np.float32)
    assert other.contract is None
    np.testing.assert_allclose(other.run({"observation": x})["action"], np.tanh(x @ weights), atol=1e-6)


def test_it_answers_no_robot(folder):
    """Neither by its own door nor by the one that whoever moves a robot asks at; a proven policy passes there."""
    bare = PolicyRuntime.from_onnx(folder / "walk.onnx")
    for ask in (bare.step, bare.act, lambda state: require_proven(bare)):
        with pytest.raises(ContractError, match="walk.onnx: a policy without proof must not move a robot"):
            ask(None)
    with pytest.raises(ContractError, match="a policy without proof must not move a robot"):
        require_proven(object())
    require_proven(JointPolicyRuntime(folder))


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, "given none; it takes observation"),
        ({"x": np.ones((1, 51), np.float32)}, "given x; it takes observation"),
        ({"observation": np.ones((1, 50), np.float32)}, "(?i)dimension|shape"),
        ({"observation": np.ones((1, 51), np.float64)}, "(?i)type"),
    ],
)
def test_other_inputs_are_refused(folder, feeds, message):
    """By name, shape and type."""
    with pytest.raises(ContractError, match=message):
        PolicyRuntime.from_onnx(folder / "walk.onnx").run(feeds)


def unknown_opset(content):
    """The same network in an operator set that nobody has written yet."""
    model = onnx.ModelProto.FromString(content)
    model.opset_import[0].version = 9999
    return model.SerializeToString()


def unknown_operator(content):
    """A network of an operator that nobody knows."""
    model = onnx.ModelProto.FromString(content)
    model.graph.node[1].CopyFrom(helper.make_node("Teleport", ["x"], ["action"]))
    return model.SerializeToString()


def side_file(content):
    """Weights that stand in a file somewhere else."""
    model = onnx.ModelProto.FromString(content)
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../secret.bin")
    return model.SerializeToString()


@pytest.mark.parametrize(
    "spoil",
    [lambda content: content[: len(content) // 2], lambda content: b"", unknown_opset, unknown_operator, side_file],
    ids=["truncated", "empty", "unknown opset", "unknown operator", "weights elsewhere"],
)
def test_a_bad_file_is_one_clear_line(folder, spoil):
    """Opened bare: the name and the reason. In its bundle: refused by hash, before anything reads it."""
    path = folder / "walk.onnx"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ContractError, match="walk.onnx: ONNX Runtime cannot load the network: .+") as caught:
        PolicyRuntime.from_onnx(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ContractError, match="walk.onnx: (truncated|not the file that was exported)"):
        JointPolicyRuntime(folder)


def test_a_file_that_is_not_there(tmp_path):
    """Its name and why."""
    with pytest.raises(ContractError, match="none.onnx: cannot be read"):
        PolicyRuntime.from_onnx(tmp_path / "none.onnx")
