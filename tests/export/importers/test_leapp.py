"""LEAPP's own files to a bundle, and back: the bundle assembles what the graph assembled itself."""

import shutil

import numpy as np
import pytest

from export.importers.artefacts import FIXTURES, LAB, vendor
from export.importers.raw_states import drawn_states, played
from sim2real.deploy import JointPolicyRuntime
from sim2real.export.importers import ArtefactError, ImportCfg, import_policy
from sim2real.export.importers.bundle import tell_kind
from sim2real.export.onnx_file import open_session


@pytest.fixture
def leapp(tmp_path):
    """The YAML and the ONNX; a function that changes the YAML."""
    for file in ("leapp_go2.yaml", "leapp_go2.onnx"):
        shutil.copy(FIXTURES / file, tmp_path / file)

    def change(old="", new=""):
        path = tmp_path / "leapp_go2.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return path

    return change


def test_leapp(tmp_path, leapp):
    """The graph assembles its observation itself; the bundle assembles it as the contract says, to the same targets."""
    source = leapp()
    assert tell_kind(source) == "leapp"
    cfg = ImportCfg(urdf=vendor("go2"), **LAB, physics_dt_s=0.005)
    result = import_policy(source, tmp_path / "b", cfg)
    kinds = [term.kind for term in result.contract.state.terms]
    wanted = ["base_ang_vel", "projected_gravity", "velocity_command", "joint_pos", "joint_vel", "last_action"]
    assert kinds == wanted and result.contract.rate_hz == pytest.approx(50.0)
    names = result.contract.robot.joint_names
    states = drawn_states(names)
    found = played(JointPolicyRuntime(tmp_path / "b", num_envs=4), states, names, "base_velocity")
    session = open_session((FIXTURES / "leapp_go2.onnx").read_bytes(), threads=1)
    last = np.zeros((4, 12), np.float32)
    for raw, targets in zip(states, found, strict=True):
        given = {"robot_root_ang_vel_b": "gyro", "robot_root_quat_w": "quat", "base_velocity": "command"}
        given |= {"robot_joint_pos": "joint_pos", "robot_joint_vel": "joint_vel"}
        for robot in range(4):
            feed = {name: raw[key][robot : robot + 1] for name, key in given.items()}
            feed["last_action_in"] = last[robot : robot + 1]
            theirs, last[robot] = session.run(["joint_pos", "last_action_out"], feed)
            np.testing.assert_allclose(targets[robot : robot + 1], theirs, atol=2e-5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sha256sum: ", "sha256sum: f", "not the file that leapp_go2.yaml was written with"),
        ("model_path: ", "model_path: ../", "the plain name of a file beside it"),
        ("model_path: ", "model_path: x", "cannot be read"),
        ("backend: onnx", "backend: jit", "'onnx'"),
        ("state:robot:root_quat_w", "state:robot:root_quat", "nobody could give the input 'robot_root_quat_w'"),
        ("kind: state/joint/velocity", "kind: state/joint/effort", "nobody could give the input 'robot_joint_vel'"),
        ("last_action_out:", "actor_state_out:", "comes back as an input"),
        ("kind: target/joint/position", "kind: target/joint/effort", "taken is one target/joint/position"),
        ("element_names: [[FL_hip_joint, ", "element_names: [[", "12 numbers and 11 element_names"),
        ("name: base_velocity", "name: base_speed", "the network has no base_speed"),
        ("frequency: 50.0", "frequency: fast", "a finite number"),
        ("frequency: 50.0", "rate: 50.0", "frequency is missing"),
    ],
)
def test_a_wrong_leapp_is_named(tmp_path, leapp, old, new, said):
    """And nothing is written."""
    with pytest.raises(ArtefactError, match=said):
        import_policy(leapp(old, new), tmp_path / "b", ImportCfg(urdf=vendor("go2"), **LAB, physics_dt_s=0.005))
    assert not (tmp_path / "b").exists()
