"""Faults that were planted are found, first and with the right number; a log without one is consistent."""

import json
import math

import numpy as np
import pytest

from evaluate.logs import answered, arm_bundle, arm_robot, arm_urdf, go2_bundle, go2_log, misread, play_arm
from sim2real.evaluate.diagnose import CONSISTENT, EXPLAINED, UNEXPLAINED, DiagnoseCfg, diagnose
from sim2real.evaluate.diagnose_evidence import turns, world_of
from sim2real.evaluate.diagnose_picture import draw_diagnosis
from sim2real.evaluate.diagnose_search import assign, search_number, usual_orders
from sim2real.evaluate.log import LogError

SWAP = [0, 4, 2, 3, 1, 5, 6, 7, 8, 9, 10, 11]
FLIP = np.where(np.arange(12) == 3, -1.0, 1.0)
WXYZ = [3, 0, 1, 2]
SHORT = DiagnoseCfg(segments=6)
QUICK = DiagnoseCfg(replay=False)


def best(bundle, log, cfg=SHORT, urdf=None):
    """The first cause, which has to explain the log, be sure, and be far from the second."""
    found = diagnose(bundle, log, cfg, urdf=urdf)
    assert found.verdict == EXPLAINED, found.lines()
    first = found.findings[0]
    assert first.share > 0.9 and first.low > 0.85 and first.first > 0.9, found.lines()
    return first.cause


def given(name, fault, cfg=QUICK):
    cause = best(go2_bundle(), answered(go2_bundle(), go2_log(), fault), cfg)
    assert (cause.name, cause.side) == (name, "network input")
    return cause.value


def test_a_log_without_a_fault_is_consistent():
    for bundle, log, urdf in ((go2_bundle(), go2_log(), None), (arm_bundle(), play_arm(), arm_urdf())):
        found = diagnose(bundle, log, SHORT, urdf=urdf)
        assert found.verdict == CONSISTENT and found.findings == ()
        assert found.channels["network"] < 1e-5 and found.channels["motion"] < 1e-3
        assert draw_diagnosis(found, arm_urdf().parent / "none.png") is None


def test_joints_that_the_network_was_given_in_another_order():
    value = given("joint order", lambda log, k: {"joint_pos": log.joint_pos[k, SWAP]})
    assert value == {"FL_thigh_joint": "FR_thigh_joint", "FR_thigh_joint": "FL_thigh_joint"}


def test_a_sign_that_the_network_was_given():
    assert given("joint sign", lambda log, k: {"joint_pos": log.joint_pos[k] * FLIP}) == ["FR_hip_joint"]


def test_degrees_that_the_network_was_given():
    value = given("angular velocity scale", lambda log, k: {"base_ang_vel": log.base_ang_vel[k] * 180 / math.pi})
    assert value == pytest.approx(180 / math.pi, rel=0.01)


def test_a_scale_of_one_joint():
    scale = np.where(np.arange(12) == 7, 2.0, 1.0)
    value = given("joint position scale of one joint", lambda log, k: {"joint_pos": log.joint_pos[k] * scale})
    assert value == {"RL_thigh_joint": pytest.approx(2.0, rel=0.02)}


def test_a_quaternion_in_another_order_that_the_network_was_given():
    assert "w, x, y, z" in given("quaternion order", lambda log, k: {"base_quat_xyzw": log.base_quat_xyzw[k, WXYZ]})


def test_a_gyro_of_the_world_that_the_network_was_given():
    turn = lambda log, k: {"base_ang_vel": world_of(log.base_quat_xyzw, log.base_ang_vel)[k]}  # noqa: E731
    assert given("angular velocity frame", turn) == "world"


def test_a_default_pose_that_was_not_subtracted():
    value = given("joint position offset", lambda log, k: {"joint_pos": log.joint_pos[k] + 0.1 * (np.arange(12) == 5)})
    assert value["FR_calf_joint"] == pytest.approx(0.1, abs=0.01)


def test_an_old_state_that_the_network_was_given():
    def old(log, k):
        names = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel")
        return {name: getattr(log, name)[max(k - 2, 0)] for name in names}

    assert given("observation latency", old) == pytest.approx(0.04, abs=0.002)


def test_a_scale_of_the_observation_that_was_left_out():
    """The arm's network takes 0.1 x velocity, with a history of two."""
    log = play_arm()
    late = answered(arm_bundle(), log, lambda log, k: {"joint_vel": 10.0 * log.joint_vel[k]})
    cause = best(arm_bundle(), late, QUICK)
    assert cause.name == "joint velocity scale" and cause.value == pytest.approx(10.0, rel=0.01)


@pytest.mark.parametrize(
    ("name", "change", "value"),
    [
        ("joint order", lambda log: {"joint_pos": log.joint_pos[:, SWAP], "joint_vel": log.joint_vel[:, SWAP]}, None),
        ("joint sign", lambda log: {"joint_pos": log.joint_pos * FLIP, "joint_vel": log.joint_vel * FLIP}, None),
        ("quaternion order", lambda log: {"base_quat_xyzw": log.base_quat_xyzw[:, WXYZ]}, None),
        ("angular velocity frame", lambda log: {"base_ang_vel": world_of(log.base_quat_xyzw, log.base_ang_vel)}, None),
        ("joint velocity scale", lambda log: {"joint_vel": log.joint_vel * 180 / math.pi}, math.pi / 180),
        ("joint velocity sign", lambda log: {"joint_vel": log.joint_vel * FLIP}, None),
    ],
)  # fmt: skip
def test_what_was_misread_is_found_though_the_network_got_it_too(name, change, value):
    cause = best(go2_bundle(), misread(go2_bundle(), go2_log(), **change(go2_log())))
    assert (cause.name, cause.side) == (name, "reading")
    if name == "joint order":
        assert set(cause.value) == {"FL_thigh_joint", "FR_thigh_joint"}
    if "sign" in name:
        assert cause.value == ["FR_hip_joint"]
    if value is not None:
        assert cause.value == pytest.approx(value, rel=0.05)


@pytest.mark.parametrize(
    ("name", "robot", "conditions", "value", "within"),
    [
        ("stiffness kp", {"kp": 15.0}, {}, 0.5, 0.01),
        ("damping kd", {"kd": 2.5}, {}, 2.5, 0.1),
        ("joint friction", {"friction": 0.9}, {}, 0.9, 0.05),
        ("command latency", {}, {"latency_s": 0.04}, 0.04, 0.001),
        ("command latency", {}, {"latency_s": 0.013}, 0.013, 0.001),
    ],
)  # fmt: skip
def test_drives_that_are_not_the_contracts(name, robot, conditions, value, within):
    cause = best(arm_bundle(), play_arm(arm_robot(**robot), **conditions), DiagnoseCfg(segments=10), arm_urdf())
    assert (cause.name, cause.side) == (name, "drives")
    assert cause.value == pytest.approx(value, abs=within)


@pytest.mark.parametrize(
    ("name", "to_motors"),
    [
        ("joint order", lambda t: t[:, [1, 0, 2]]),
        ("joint sign", lambda t: t * [1.0, 1.0, -1.0]),
        ("action scale", lambda t: (t - [0.2, 0.4, -0.6]) * 2.0 + [0.2, 0.4, -0.6]),
        ("zero of the joints", lambda t: t + [0.0, 0.15, 0.0]),
    ],
)
def test_targets_that_the_motors_got_otherwise(name, to_motors, monkeypatch):
    """The program on the robot sends something else than it logs."""
    from sim2real.evaluate.engines.mujoco_player import MujocoPlayer

    step = MujocoPlayer.step
    monkeypatch.setattr(MujocoPlayer, "step", lambda self, targets, active=None: step(self, to_motors(targets), active))
    cause = best(arm_bundle(), play_arm(), DiagnoseCfg(segments=10), arm_urdf())
    assert (cause.name, cause.side) == (name, "sending")
    if name == "action scale":
        assert cause.value == pytest.approx(2.0, rel=0.02)
    if name == "zero of the joints":
        assert cause.value["j1"] == pytest.approx(0.15, abs=0.01)


def test_a_log_that_nothing_explains_says_so():
    rng = np.random.default_rng(5)
    log = go2_log()
    noise = answered(go2_bundle(), log, lambda log, k: {"joint_pos": log.joint_pos[k] + rng.normal(0, 0.5, 12)})
    found = diagnose(go2_bundle(), noise, QUICK)
    assert found.verdict == UNEXPLAINED
    assert "No single cause" in "\n".join(found.lines())


def test_without_places_and_velocities_of_the_base(tmp_path):
    """A robot does not know them: the replay puts it on its feet, and still finds a misread joint."""
    from dataclasses import replace

    log = misread(go2_bundle(), go2_log(), joint_pos=go2_log().joint_pos * FLIP, joint_vel=go2_log().joint_vel * FLIP)
    bare = replace(log, base_pos=None, base_lin_vel=None)
    found = diagnose(go2_bundle(), bare, SHORT)
    first = found.findings[0]
    assert (first.cause.name, first.cause.value) == ("joint sign", ["FR_hip_joint"]) and first.share > 0.7
    picture = draw_diagnosis(found, tmp_path / "deep" / "why.png")
    assert picture.stat().st_size > 10_000
    data = json.loads(found.save(tmp_path / "why.json").read_text())
    assert data["verdict"] == EXPLAINED and data["causes"][0]["cause"] == "joint sign"
    assert data["causes"][0]["after"]["motion"] < data["causes"][0]["before"]["motion"]


def test_a_log_that_does_not_fit_its_policy_is_refused():
    from dataclasses import replace

    log = go2_log()
    for changed, said in (
        ({"time": log.time * 2}, "a row every 40 ms, the policy decides every 20 ms"),
        ({"time": log.time + 0.1 * (np.arange(len(log)) > 70)}, "120 ms without a decision after row 70"),
        ({"joint_names": ("FL_hip", *log.joint_names[1:])}, "needs the joints FL_hip_joint; the log has FL_hip,"),
        ({"action_names": ("FL_hip", *log.joint_names[1:])}, "differ in FL_hip, FL_hip_joint"),
        ({"base_quat_xyzw": None}, "the log has no base_quat_xyzw"),
        ({"commands": {}}, "needs command.base_velocity of 3 numbers; it has no command"),
    ):
        with pytest.raises(LogError, match=said):
            diagnose(go2_bundle(), replace(log, **changed), SHORT)
    with pytest.raises(LogError, match="segments is 0; give a number above 0"):
        DiagnoseCfg(segments=0)


def test_the_search_finds_minima_and_orders():
    class Loss:
        def __call__(self, value):
            return (math.log(value) - math.log(3.3)) ** 2

    value, left = search_number(Loss(), lambda v: v, (0.1, 1.0, 2.0, 10.0), log=True)
    assert value == pytest.approx(3.3, rel=0.02) and left < 1e-3
    rng = np.random.default_rng(0)
    for _ in range(20):
        order = rng.permutation(7)
        assert (assign(np.eye(7)[order] + 0.3 * rng.random((7, 7))) == order).all()
    names = ("FL_hip", "FL_calf", "FR_hip", "FR_calf")
    orders = {tuple(order) for order in usual_orders(names)}
    assert {(0, 2, 1, 3), (2, 3, 0, 1)} <= orders  # by kind of joint; left and right


def test_turns_are_those_of_a_known_spin():
    angle = 0.3 * np.arange(5)
    quat = np.stack((np.zeros(5), np.sin(angle / 2), np.zeros(5), np.cos(angle / 2)), axis=1)
    quat[3] *= -1.0  # the same rotation
    np.testing.assert_allclose(turns(quat), np.tile([0.0, 0.3, 0.0], (4, 1)), atol=1e-12)
    np.testing.assert_allclose(world_of(quat[1:2], np.array([[1.0, 0.0, 0.0]]))[0], [math.cos(0.3), 0, -math.sin(0.3)])
