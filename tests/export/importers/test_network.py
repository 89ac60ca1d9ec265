"""Networks of rsl_rl's own exporters, converted; and what is no actor, refused."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from export.importers.artefacts import SIZE, actor, plain_onnx, runner
from sim2real.export.importers.network import INPUT, OUTPUT, open_onnx, open_torchscript, read_model
from sim2real.export.importers.reading import ArtefactError
from sim2real.export.onnx_file import open_session


def run(network, **arrays):
    session = open_session(network.proto.SerializeToString(), threads=1)
    return dict(zip([v.name for v in session.get_outputs()], session.run(None, arrays), strict=True))


def test_an_onnx_of_rsl_rl_answers_as_the_actor(rsl_onnx):
    """Its batch of 1 and its side file are gone, its normalizer and its answers are not."""
    path, model = rsl_onnx
    assert (path.parent / "policy.onnx.data").exists()  # as torch's exporter leaves it
    network, files = open_onnx(path)
    assert sorted(files) == ["policy.onnx", "policy.onnx.data"]
    assert (network.size, network.outputs, network.memory, network.runner) == (SIZE, 3, (), "onnxruntime")
    seen = np.random.default_rng(1).normal(size=(7, SIZE)).astype(np.float32)
    wanted = model.as_jit()(torch.from_numpy(seen)).detach().numpy()
    np.testing.assert_allclose(run(network, **{INPUT: seen})[OUTPUT], wanted, atol=2e-6)
    np.testing.assert_allclose(network.original({INPUT: seen})[OUTPUT], wanted, atol=2e-6)


def test_a_torchscript_of_rsl_rl_answers_as_the_actor(rsl_jit):
    """The module itself stays at hand for the comparison."""
    path, model = rsl_jit
    network, _ = open_torchscript(path)
    seen = np.random.default_rng(2).normal(size=(5, SIZE)).astype(np.float32)
    wanted = model.as_jit()(torch.from_numpy(seen)).detach().numpy()
    assert network.runner == "torch"
    np.testing.assert_allclose(run(network, **{INPUT: seen})[OUTPUT], wanted, atol=2e-6)


def test_a_recurrent_onnx_of_rsl_rl_keeps_its_memory_apart(gru_onnx):
    """Several robots at once, each with a state of its own, as one at a time in the original."""
    path, _ = gru_onnx
    network, _ = open_onnx(path)
    assert [(s.input, s.output, s.layers, s.size) for s in network.memory] == [("h_in", "h_out", 1, 8)]
    rng = np.random.default_rng(3)
    arrays = {INPUT: rng.normal(size=(4, SIZE)), "h_in": rng.normal(size=(1, 4, 8))}
    arrays = {name: value.astype(np.float32) for name, value in arrays.items()}
    found, wanted = run(network, **arrays), network.original(arrays)
    for name in (OUTPUT, "h_out"):
        np.testing.assert_allclose(found[name], wanted[name], atol=2e-6)
    assert np.abs(np.diff(found["h_out"], axis=1)).max() > 1e-3


def test_a_recurrent_torchscript_is_refused(tmp_path):
    """Its state is inside, where nobody can set it back."""
    runner(actor(rnn="lstm")).export_policy_to_jit(str(tmp_path))
    with pytest.raises(ArtefactError, match=r"import the policy\.onnx beside it"):
        open_torchscript(tmp_path / "policy.pt")


def outside(tmp_path, location, **entries):
    """An ONNX whose weights claim to lie somewhere else."""
    path = plain_onnx(tmp_path / "in" / "policy.onnx")
    model = onnx.load(str(path))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/w.bin", "..", "", "a\\b", "link"])
def test_weights_outside_of_the_folder_are_not_opened(tmp_path, location):
    """No path, no link, whatever it is called."""
    (tmp_path / "secret").write_bytes(b"0" * 4 * SIZE * 3)
    path = outside(tmp_path, location)
    (path.parent / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtefactError, match="Only a file of its own folder is read"):
        read_model(path)


@pytest.mark.parametrize("entries", [{"offset": "8"}, {"length": "99999"}, {"offset": "-4"}, {"length": "x"}])
def test_weights_beyond_their_file_are_refused(tmp_path, entries):
    """Offsets and lengths are checked against what is there."""
    path = outside(tmp_path, "w.bin", **entries)
    (path.parent / "w.bin").write_bytes(b"0" * 4 * SIZE * 3)
    with pytest.raises(ArtefactError, match="lie outside of their file"):
        read_model(path)


def test_a_truncated_file_is_refused(tmp_path):
    """At any length."""
    path = plain_onnx(tmp_path / "policy.onnx")
    content = path.read_bytes()
    for length in (0, 1, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ArtefactError):
            open_onnx(path)
    path.with_suffix(".pt").write_bytes(content)
    with pytest.raises(ArtefactError, match="no TorchScript"):
        open_torchscript(path.with_suffix(".pt"))


def changed(tmp_path, change):
    path = plain_onnx(tmp_path / "policy.onnx")
    model = onnx.load(str(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def _second_input(model):
    model.graph.input.append(helper.make_tensor_value_info("time_step", TensorProto.FLOAT, [1, 1]))
    model.graph.node.append(helper.make_node("Identity", ["time_step"], ["t"]))


def _doubles(model):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _foreign(model):
    model.opset_import.add(domain="com.evil", version=1)
    model.graph.node[1].domain = "com.evil"


def _unknown_opset(model):
    model.opset_import[0].version = 99


def _mixes_robots(model):
    model.graph.node[1].output[0] = "t"
    model.graph.node.append(helper.make_node("CumSum", ["t", "zero"], ["actions"]))
    model.graph.initializer.append(helper.make_tensor("zero", TensorProto.INT64, [], [0]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_second_input, "an actor takes one observation"),
        (_doubles, "takes and gives 32-bit floats"),
        (_foreign, r"operators of com\.evil|cannot load"),
        (_unknown_opset, "opset 99|cannot load"),
        (_mixes_robots, "mixes the robots"),
    ],
)
def test_what_is_no_actor_is_refused(tmp_path, change, said):
    """With a word on what it is instead."""
    with pytest.raises(ArtefactError, match=said):
        open_onnx(changed(tmp_path, change))
