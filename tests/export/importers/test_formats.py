"""Each format to a bundle, and back: the runtime gives what the artefact alone gives on the same raw states."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml

from export.importers.artefacts import FIXTURES, LAB, RANGES, plain_onnx, vendor
from export.importers.raw_states import drawn_states, gravity, played
from sim2real.deploy import JointPolicyRuntime
from sim2real.export.importers import ArtefactError, ImportCfg, import_policy
from sim2real.export.importers.bundle import tell_kind
from sim2real.export.onnx_file import open_session

SDK = tuple(f"{leg}_{part}_joint" for leg in ("FR", "FL", "RR", "RL") for part in ("hip", "thigh", "calf"))
"""Motors of a Go2 by number."""


def answers(path, observations):
    """Actions of an ONNX file with a batch of 1, as it came."""
    session = open_session(Path(path).read_bytes(), threads=1)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in observations.astype(np.float32)])


# mjlab


MJLAB = {"rate_hz": 50.0, "physics_dt_s": 0.005, "ranges": RANGES, "start_height_m": 0.3, "base_link": "trunk"}


def test_mjlab(tmp_path):
    """A file of mjlab's own runner: its term order, its default pose, its joints."""
    source = FIXTURES / "mjlab_go1.onnx"
    result = import_policy(source, tmp_path / "b", ImportCfg(urdf=vendor("go1"), **MJLAB))
    assert result.report["from"] == "mjlab" and result.parity["not_run"].keys() >= {"torch", "assembly", "tensorrt"}
    said = " ".join(result.warnings)
    assert all(word in said for word in ("3 decimals", "offset", "rotor inertia", "IMU", "drawn states"))
    contract = result.contract
    joint = contract.robot.joint("FR_calf_joint")
    assert (joint.kp, joint.kd, joint.default_pos) == (35.764, 2.277, -1.8)
    assert joint.effort_limit > 20.0 and joint.position_limit[1] < 0.0  # the description's
    assert contract.rate_hz == pytest.approx(50.0) and contract.run.decimation == 4
    pose = np.array([0.1, 0.9, -1.8, -0.1, 0.9, -1.8] * 2, np.float32)
    scale = np.array([0.373, 0.373, 0.249] * 4, np.float32)
    names = tuple(f"{leg}_{part}_joint" for leg in ("FR", "FL", "RR", "RL") for part in ("hip", "thigh", "calf"))
    states = drawn_states(names)
    found = played(JointPolicyRuntime(tmp_path / "b", num_envs=4), states, names, "twist")
    last = np.zeros((4, 12), np.float32)
    for raw, targets in zip(states, found, strict=True):
        parts = [
            raw["speed"],
            raw["gyro"],
            gravity(raw),
            raw["joint_pos"] - pose,
            raw["joint_vel"],
            last,
            raw["command"],
        ]
        last = answers(source, np.concatenate(parts, axis=1))
        np.testing.assert_allclose(targets, last * scale + pose, atol=1e-5)


def mjlab(tmp_path, **changes):
    """The same file with other properties; None removes one."""
    model = onnx.load(str(FIXTURES / "mjlab_go1.onnx"))
    kept = {entry.key: entry.value for entry in model.metadata_props} | changes
    del model.metadata_props[:]
    for key, value in kept.items():
        if value is not None:
            model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(tmp_path / "changed.onnx"))
    return tmp_path / "changed.onnx"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"joint_stiffness": "1.0,2.0"}, "joint_stiffness has 2 numbers; it must have 12"),
        ({"joint_stiffness": "1.0,nan" + ",1" * 10}, "a list of finite numbers"),
        ({"joint_names": "a;b,../c"}, "joint_names"),
        ({"joint_names": "FR_hip_joint," * 11 + "FR_hip_joint"}, "each once"),
        ({"action_scale": None}, "lacks action_scale"),
        ({"observation_terms_clip": "-inf;inf"}, "observation_terms_clip has 1 entries for 7"),
        ({"observation_terms_scale": "1,1,1,1,1,1,x"}, "must be numbers separated by ';'"),
        (
            {"observation_terms_history_length": "3,0,0,0,0,0,0"},
            "the network takes 48 numbers, its description makes 54",
        ),
        (
            {"observation_names": "a,base_ang_vel,projected_gravity,joint_pos,joint_vel,actions,command"},
            "--term a=KIND",
        ),
        ({"observation_names": "base_ang_vel"}, "observation_terms_scale has 7 entries for 1"),
        ({"anchor_body_name": "torso"}, "follows a motion"),
        ({"command_names": "twist,pose"}, "--term command=KIND"),
    ],
)
def test_wrong_metadata_of_mjlab_is_named(tmp_path, changes, said):
    """And nothing is written."""
    cfg = ImportCfg(kind="mjlab", urdf=vendor("go1"), **MJLAB)
    with pytest.raises(ArtefactError, match=said.replace("(", r"\(")):
        import_policy(mjlab(tmp_path, **changes), tmp_path / "b", cfg)
    assert not (tmp_path / "b").exists()


def test_shuffled_joints_are_not_taken_for_those_of_another_order(tmp_path):
    """Joints by other names than the description's, and an order that is given twice, are errors."""
    other = mjlab(tmp_path, joint_names=",".join(f"j{i}" for i in range(12)))
    with pytest.raises(ArtefactError, match=r"has no moving joints j0, .*Give the description of the same robot"):
        import_policy(other, tmp_path / "b", ImportCfg(urdf=vendor("go1"), **MJLAB))
    shuffled = tuple(reversed(SDK))
    with pytest.raises(ArtefactError, match=r"--joints names RL_calf_joint.*itself names FR_hip_joint"):
        cfg = ImportCfg(urdf=vendor("go1"), joints=shuffled, **MJLAB)
        import_policy(FIXTURES / "mjlab_go1.onnx", tmp_path / "b", cfg)


def test_everything_that_is_missing_is_asked_for_at_once(tmp_path):
    """With the option that supplies it."""
    with pytest.raises(ArtefactError) as caught:
        import_policy(FIXTURES / "mjlab_go1.onnx", tmp_path / "b")
    for option in ("--urdf", "--rate", "--physics-dt", "--ranges", "--start-height"):
        assert option in str(caught.value)


# unitree


UNITREE = {"physics_dt_s": 0.005, "physics": "isaacsim_physx", "start_height_m": 0.4, "sdk_joints": SDK}


@pytest.fixture
def unitree(tmp_path):
    """A run's folder with exported/policy.onnx and params/deploy.yaml; a function that changes the YAML."""
    plain_onnx(tmp_path / "run/exported/policy.onnx", sizes=(90, 12))
    (tmp_path / "run/params").mkdir()
    path = tmp_path / "run/params/deploy.yaml"
    shutil.copy(FIXTURES / "deploy.yaml", path)

    def change(old="", new=""):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return tmp_path / "run/exported/policy.onnx"

    return change


def test_unitree(tmp_path, unitree):
    """Gains by motor, the rest in the order of training; a history term by term, oldest first."""
    source = unitree()
    assert tell_kind(source) == "unitree" == tell_kind(tmp_path / "run/params/deploy.yaml")
    result = import_policy(source, tmp_path / "b", ImportCfg(urdf=vendor("go2"), **UNITREE))
    assert sorted(result.report["files"]) == ["deploy.yaml", "policy.onnx"]
    assert "3 significant digits" in result.warnings[0]
    robot = result.contract.robot
    names = tuple(f"{leg}_{part}_joint" for part in ("hip", "thigh", "calf") for leg in ("FL", "FR", "RL", "RR"))
    assert robot.joint_names == names
    gains = {name: (joint.kp, joint.kd) for name, joint in zip(names, robot.joints, strict=True)}
    assert gains["FR_hip_joint"] == (25.0, 0.5) and gains["RL_calf_joint"] == (26.1, 0.61)
    pose = np.array([0.1, -0.1, 0.1, -0.1, 0.8, 0.8, 1.0, 1.0] + [-1.5] * 4, np.float32)
    states = drawn_states(names)
    found = played(JointPolicyRuntime(tmp_path / "b", num_envs=4), states, names, "base_velocity")
    last, kept = np.zeros((4, 12), np.float32), None
    for raw, targets in zip(states, found, strict=True):
        now = [raw["gyro"] * 0.2, gravity(raw), raw["command"], raw["joint_pos"] - pose, raw["joint_vel"] * 0.05, last]
        before = now if kept is None else kept
        kept = now
        pairs = [part for old, new in zip(before, now, strict=True) for part in (old, new)]
        last = answers(source, np.concatenate(pairs, axis=1))
        np.testing.assert_allclose(targets, last * 0.25 + pose, atol=1e-5)


def test_unitree_sample_by_sample(tmp_path, unitree):
    """use_gym_history interleaves the terms."""
    source = unitree("observations:\n", "observations:\n  use_gym_history: true\n")
    result = import_policy(source, tmp_path / "b", ImportCfg(urdf=vendor("go2"), **UNITREE))
    assert result.contract.state.layout == "time_major"


def test_unitree_clips_after_the_scale(tmp_path, unitree):
    """scale_first moves the clip behind the scale."""
    source = unitree("observations:\n", "observations:\n  scale_first: true\n")
    result = import_policy(source, tmp_path / "b", ImportCfg(urdf=vendor("go2"), **UNITREE))
    assert result.contract.state.terms[0].clip == pytest.approx((-500.0, 500.0))


def test_unitree_with_gains_for_used_motors_only(tmp_path, unitree):
    """Numbers with gaps: the k-th gain is the k-th used motor's, and a warning says so."""
    source = unitree("[3, 0, 9, 6, 4, 1, 10, 7, 5, 2, 11, 8]", "[3, 0, 9, 6, 4, 1, 10, 7, 5, 2, 12, 8]")
    sdk = (*SDK[:11], "", SDK[11])
    cfg = ImportCfg(urdf=vendor("go2"), **{**UNITREE, "sdk_joints": sdk})
    result = import_policy(source, tmp_path / "b", cfg)
    assert result.contract.robot.joint("RL_calf_joint").kp == 26.1
    assert any("only for motors that are used" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("joint_ids_map: [3, 0,", "joint_ids_map: [3, 3,", "numbers of motors, each once"),
        ("joint_ids_map: [3,", "joint_ids_map: [99,", "for which --sdk-joints has no name"),
        ("stiffness: [25.0,", "stiffness: [", "stiffness has 11 numbers"),
        ("damping: [0.5, 0.51,", "damping: [", "damping has 10 numbers"),
        ("default_joint_pos: [0.1,", "default_joint_pos: [", "default_joint_pos has 11 numbers"),
        ("step_dt: 0.02", "step_d: 0.02", "step_dt is missing"),
        ("step_dt: 0.02", "step_dt: .nan", "a finite number"),
        ("JointPositionAction:", "JointVelocityAction:", "taken is one JointPositionAction"),
        ("offset: [0.1,", "offset: [", "offset has 11 numbers"),
        ("scale: [0.2, 0.2, 0.2]", "scale: [0.2, 0.2]", "has 2 numbers, as base_ang_vel it has 3"),
        ("  base_ang_vel:", "  gait_phase:", "--term gait_phase=KIND"),
        ("  projected_gravity:", "  base_ang_vel:", "comes twice"),
        ("history_length: 2", "history_length: 3", "the network takes 90 numbers, its description makes 93"),
        ("history_length: 2", "history_length: -2", "history_length"),
        ("builtins.slice [null, null, null]", "builtins.slice [0, 3, null]", "only one over everything is known"),
        ("builtins.slice [null, null, null]", "os.system ['true']", "nothing in it is ever run"),
        ("ranges:", "range:", "ranges is missing"),
        ("    params: {}\n", "    inner: {params: {}}\n", "a group of its own"),
    ],
)
def test_a_wrong_deploy_yaml_is_named(tmp_path, unitree, old, new, said):
    """And nothing is written."""
    with pytest.raises(ArtefactError, match=said):
        import_policy(unitree(old, new), tmp_path / "b", ImportCfg(urdf=vendor("go2"), **UNITREE))
    assert not (tmp_path / "b").exists()


def test_unitree_needs_names(tmp_path, unitree):
    """Numbers of motors alone are no joints."""
    with pytest.raises(ArtefactError, match="--sdk-joints"):
        import_policy(unitree(), tmp_path / "b", ImportCfg(urdf=vendor("go2")))


# Isaac Lab's IO descriptors


@pytest.fixture
def isaac_lab(tmp_path):
    """policy.onnx with descriptors beside it; a function that changes them."""
    source = plain_onnx(tmp_path / "run/policy.onnx", sizes=(45, 12))
    path = tmp_path / "run/io_descriptors/IO_descriptors.yaml"
    path.parent.mkdir()
    shutil.copy(FIXTURES / "IO_descriptors.yaml", path)

    def change(edit=lambda data: None):
        data = yaml.safe_load(path.read_text())
        edit(data)
        path.write_text(yaml.safe_dump(data))
        return source

    return change


def test_isaac_lab(tmp_path, isaac_lab):
    """Descriptors of Isaac Lab itself, in full precision; gains come from the options, since it writes 0."""
    source = isaac_lab()
    assert tell_kind(source) == "isaac_lab"
    result = import_policy(source, tmp_path / "b", ImportCfg(urdf=vendor("go2"), **LAB))
    joint = result.contract.robot.joint("FL_calf_joint")
    assert joint.armature == 0.016466492787003517 and joint.kp == 25.0 and joint.drive == "pd"
    assert any("0, as Isaac Lab writes" in warning for warning in result.warnings)
    assert result.contract.run.physics_dt_s == 0.005 and result.contract.run.decimation == 4
    names = result.contract.robot.joint_names
    pose = np.array([0.1, 0.8, -1.5, -0.1, 0.8, -1.5, 0.1, 1.0, -1.5, -0.1, 1.0, -1.5], np.float32)
    states = drawn_states(names)
    found = played(JointPolicyRuntime(tmp_path / "b", num_envs=4), states, names, "command")
    last = np.zeros((4, 12), np.float32)
    for raw, targets in zip(states, found, strict=True):
        parts = [raw["gyro"], gravity(raw), raw["command"], raw["joint_pos"] - pose, raw["joint_vel"], last]
        last = answers(source, np.concatenate(parts, axis=1))
        np.testing.assert_allclose(targets, last * 0.25 + pose, atol=1e-5)


def _drop(*keys):
    def edit(data):
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return edit


def _set(value, *keys):
    def edit(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return edit


POLICY = ("observations", "policy")
ROBOT = ("articulations", "robot")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_drop(*POLICY, 3), "the network takes 45 numbers, its description makes 33"),
        (_drop("scene", "dt"), "scene.dt is missing"),
        (_drop(*ROBOT, "default_joint_pos"), "default_joint_pos is missing"),
        (_set([0.0], *ROBOT, "default_joint_pos"), "default_joint_pos has 1 numbers; it must have 12"),
        (_set([[1.0, 0.0]] * 12, *ROBOT, "default_joint_pos_limits"), "low, high"),
        (_set("mine.actions.Odd", "actions", 0, "full_path"), "actions is"),
        (_set(["x"] * 12, "actions", 0, "joint_names"), "each once"),
        (_set("mine.obs.base_ang_vel", *POLICY, 0, "full_path"), "--term base_ang_vel=KIND"),
        (_set(["noise"], *POLICY, 0, "extras", "modifiers"), "has modifiers"),
        (_set([1.0, 2.0], *POLICY, 0, "overloads", "scale"), "scale has 2 numbers; it must have 3"),
        (_set([0.0], *POLICY, 3, "joint_pos_offsets"), "joint_pos_offsets has 1 numbers"),
        (_set([], "observations", "policy"), "what the network observes"),
    ],
)
def test_wrong_descriptors_are_named(tmp_path, isaac_lab, edit, said):
    """And nothing is written."""
    with pytest.raises(ArtefactError, match=said):
        import_policy(isaac_lab(edit), tmp_path / "b", ImportCfg(urdf=vendor("go2"), **LAB))
    assert not (tmp_path / "b").exists()


def test_gains_of_0_are_asked_for(tmp_path, isaac_lab):
    """Isaac Lab writes 0 for drives outside of the solver."""
    cfg = ImportCfg(urdf=vendor("go2"), **{**LAB, "kp": None, "kd": None})
    with pytest.raises(ArtefactError, match=r"stiffness of the drives: give --kp"):
        import_policy(isaac_lab(), tmp_path / "b", cfg)
