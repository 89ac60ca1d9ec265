"""The engine players against physics that is known, and against each other."""

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from evaluate.robots import anymal, digest, go2, panda
from sim2real.contract import Joint, Robot
from sim2real.evaluate.engines.dart_player import DartPlayer, quat_of
from sim2real.evaluate.engines.drives import Drives
from sim2real.evaluate.engines.lab_player import LabPlayer
from sim2real.evaluate.engines.mujoco_player import MujocoPlayer
from sim2real.evaluate.engines.player import Conditions, EngineUnavailable, RobotMismatch, check_engine
from sim2real.evaluate.engines.urdf import plain_urdf
from sim2real_tasks.robots.vendor import vendor_urdf

PLAYERS = {"mujoco": MujocoPlayer, "dart": DartPlayer}
DT, DECIMATION = 0.005, 4
both = pytest.mark.parametrize("engine", list(PLAYERS))


def high(robot, height=50.0):
    """The robot so far up that it never lands: in free fall only the drives move the joints."""
    return dataclasses.replace(robot, start_pos=(0.0, 0.0, height))


def default_of(robot):
    return np.array([joint.default_pos for joint in robot.joints])


def nominal(robot, worlds=1, **changes):
    return dataclasses.replace(Conditions.nominal(worlds, len(robot.joints)), **changes)


def play(player, robot, steps, conditions=None, targets=None):
    """Snapshots of the reset and of each decision."""
    conditions = conditions or nominal(robot, player.num_worlds)
    targets = default_of(robot) if targets is None else targets
    seen = [player.reset(conditions)]
    for k in range(steps):
        wanted = targets(k) if callable(targets) else targets
        seen.append(player.step(np.tile(wanted, (player.num_worlds, 1))))
    return seen


@pytest.mark.parametrize("make", [go2, panda])
@both
def test_a_robot_weighs_what_its_urdf_says(engine, make):
    import xml.etree.ElementTree as ET

    robot = make()
    masses = ET.parse(vendor_urdf(robot.urdf)).getroot().findall("link/inertial/mass")
    player = PLAYERS[engine](robot, DT, DECIMATION, 2)
    player.reset(nominal(robot, 2, mass=np.array([1.0, 1.3])))
    total = sum(float(mass.get("value")) for mass in masses)
    assert player.mass == pytest.approx([total, 1.3 * total], rel=1e-5)


@both
def test_it_falls_by_g(engine):
    robot = high(go2())
    player = PLAYERS[engine](robot, DT, DECIMATION)
    seen = play(player, robot, 15)
    time = 15 * DECIMATION * DT
    fallen = 50.0 - seen[-1].base_pos[0, 2]
    assert fallen == pytest.approx(0.5 * 9.81 * time**2, abs=0.5 * 9.81 * time * DT * 1.1)  # half a step, semi-implicit
    assert seen[-1].base_lin_vel[0, 2] == pytest.approx(-9.81 * time, rel=1e-3)


@both
def test_it_stands_and_the_ground_carries_its_weight(engine):
    robot = go2()
    player = PLAYERS[engine](robot, DT, DECIMATION, 2)
    conditions = nominal(robot, 2, mass=np.array([1.0, 1.2]), yaw=np.array([0.0, 2.0]))
    last = play(player, robot, 150, conditions)[-1]
    assert (last.base_pos[:, 2] > 0.22).all()
    force = player.ground_force()
    assert force[:, 2] == pytest.approx(9.81 * player.mass, rel=0.02)
    assert np.abs(force[:, :2]).max() < 0.05 * 9.81 * player.mass.max()


def test_soft_legs_land_without_slipping():
    """An ANYmal C stands at the same height in both engines, its feet where they landed, at a friction of 0.8."""
    robot, feet, height = anymal(), [f"{leg}_FOOT" for leg in ("LF", "LH", "RF", "RH")], {}
    for engine, kind in PLAYERS.items():
        player = kind(robot, DT, DECIMATION)
        seen = play(player, robot, 75)
        columns = [player.link_names.index(name) for name in feet]
        moved = seen[-1].links[0, columns, :2] - seen[10].links[0, columns, :2]
        assert np.abs(moved).max() < 0.01
        height[engine] = seen[-1].base_pos[0, 2]
    assert height["mujoco"] > 0.44 and height["dart"] == pytest.approx(height["mujoco"], abs=0.01)


@pytest.mark.parametrize("make", [go2, panda])
def test_the_engines_place_links_alike(make):
    """Each joint by itself, by name: order, sign and axis of every one."""
    robot = make()
    count = len(robot.joints)
    offsets = np.vstack([np.zeros(count), 0.2 * np.eye(count) * [0.05 if j.unit == "m" else 1.0 for j in robot.joints]])
    conditions = nominal(robot, count + 1, joint_offset=offsets, yaw=np.linspace(0, 3, count + 1))
    seen = {}
    for engine, kind in PLAYERS.items():
        player = kind(robot, DT, DECIMATION, count + 1)
        seen[engine] = (player, player.reset(conditions))
    (one, first), (other, second) = seen["mujoco"], seen["dart"]
    columns = [other.link_names.index(name) for name in one.link_names]
    np.testing.assert_allclose(first.links, second.links[:, columns], atol=1e-6)
    np.testing.assert_allclose(first.joint_pos, second.joint_pos, atol=1e-12)
    turned = np.abs((first.tool_quat_xyzw * second.tool_quat_xyzw).sum(axis=1))
    np.testing.assert_allclose(turned, 1.0, atol=1e-9)
    moved = np.abs(first.links[1:] - first.links[:1]).max(axis=(1, 2))
    assert (moved > 1e-3).all()


def test_a_step_response_is_the_same_in_both_engines():
    """Gains, armature and limits: joints of a falling robot step by 0.3 rad; the traces lie on each other."""
    robot = high(go2())
    step = default_of(robot) + 0.3 * np.resize([1.0, -1.0, 1.0], 12)
    traces = {}
    for engine, kind in PLAYERS.items():
        seen = play(kind(robot, DT, DECIMATION), robot, 20, targets=step)
        traces[engine] = np.array([s.joint_pos[0] for s in seen]) - default_of(robot)
    assert np.abs(traces["mujoco"]).max() > 0.3  # it overshoots
    # Half of the 0.02 rad is the steps': with 0.25 ms and 0.1 ms they are within 0.011 rad of each other.
    assert np.abs(traces["mujoco"] - traces["dart"]).max() < 0.025
    without = dataclasses.replace(robot, joints=tuple(dataclasses.replace(j, armature=0.0) for j in robot.joints))
    light = play(DartPlayer(without, DT, DECIMATION), without, 20, targets=step)
    other = np.array([s.joint_pos[0] for s in light]) - default_of(robot)
    assert np.abs(other - traces["mujoco"]).max() > 0.06  # armature is seen by this test


@both
def test_an_arm_settles_at_its_target_less_gravity_over_stiffness(engine):
    robot = panda()
    player = PLAYERS[engine](robot, 1 / 120, 2, gravity=True)
    last = play(player, robot, 200)[-1]
    kp = np.array([joint.kp for joint in robot.joints])
    assert np.abs(last.joint_vel).max() < 1e-4
    np.testing.assert_allclose(last.joint_effort[0], kp * (default_of(robot) - last.joint_pos[0]), atol=2e-3)
    assert last.joint_effort[0, 3] == pytest.approx(21.09, rel=0.01)  # the elbow carries the forearm


@both
def test_an_arm_is_carried_and_what_the_contract_does_not_name_is_fixed(engine):
    """As our reach tasks have it: no sag, and a hand whose fingers are closed for good."""
    robot = panda()
    robot = dataclasses.replace(robot, joints=robot.joints[:7])
    player = PLAYERS[engine](robot, 1 / 120, 2)
    seen = play(player, robot, 30)
    np.testing.assert_allclose(seen[-1].joint_pos[0], default_of(robot), atol=1e-6)
    assert player.mass[0] == pytest.approx(17.4519, rel=1e-4)
    fingers = [player.link_names.index(f"panda_{side}finger") for side in ("left", "right")]
    one, other = seen[0].links[0, fingers]
    assert np.linalg.norm(one - other) < 1e-6


@both
def test_a_late_command_acts_as_late(engine):
    """With 40 ms of latency the joints do what they did without, two decisions later."""
    robot = high(go2())
    player = PLAYERS[engine](robot, DT, DECIMATION, 2)
    conditions = nominal(robot, 2, latency_s=np.array([0.0, 0.04]))
    pose = default_of(robot)
    seen = play(player, robot, 12, conditions, targets=lambda k: pose if k < 3 else pose + 0.2)
    prompt, late = (np.array([s.joint_pos[i] for s in seen]) for i in (0, 1))
    np.testing.assert_allclose(late[2:], prompt[:-2], atol=2e-6)
    assert np.abs(prompt[-1] - pose).max() > 0.1


SLED = """<robot name="sled"><link name="box"><inertial><mass value="4"/>
<inertia ixx="0.2" iyy="0.2" izz="0.4" ixy="0" ixz="0" iyz="0"/></inertial>
<collision><geometry><box size="0.8 0.8 0.01"/></geometry></collision></link>
<link name="arm"><inertial><mass value="0.01"/><inertia ixx="1e-4" iyy="1e-4" izz="1e-4" ixy="0" ixz="0" iyz="0"/>
</inertial></link><joint name="pivot" type="continuous"><parent link="box"/><child link="arm"/><axis xyz="0 0 1"/>
</joint></robot>"""


@both
def test_a_sled_is_braked_by_its_friction(engine, tmp_path):
    urdf = tmp_path / "sled.urdf"
    urdf.write_text(SLED)
    robot = Robot(
        name="sled", urdf="sled.urdf", urdf_sha256=digest(urdf), base_link="box", start_pos=(0.0, 0.0, 0.005),
        joints=(Joint(name="pivot", default_pos=0.0, kp=1.0, kd=0.1),),
    )  # fmt: skip
    friction = np.array([0.2, 0.5, 0.8])
    conditions = nominal(robot, 3, friction=friction, base_velocity=np.tile([3.0, 0.0, 0.0], (3, 1)))
    seen = play(PLAYERS[engine](robot, 0.00125, 16, 3, urdf=urdf), robot, 15, conditions)
    braked = (seen[5].base_lin_vel[:, 0] - seen[15].base_lin_vel[:, 0]) / (10 * 16 * 0.00125)
    np.testing.assert_allclose(braked, friction * 9.81, rtol=0.08)  # MuJoCo's soft contacts chatter: 6 %


@both
def test_strength_scales_gains_and_limits(engine):
    robot = panda()
    player = PLAYERS[engine](robot, 1 / 120, 2, 2, gravity=True)
    player.reset(nominal(robot, 2, strength=np.array([1.0, 0.25])))
    pose = default_of(robot)
    for _ in range(150):
        last = player.step(np.tile(pose, (2, 1)))
    sag = pose - last.joint_pos
    assert sag[1, 3] == pytest.approx(4 * sag[0, 3], rel=0.15)
    far = pose + np.tile([3.0] + [0.0] * 8, (2, 1))
    first = player.step(far)
    assert first.joint_effort[0, 0] > 80.0
    assert first.joint_effort[1, 0] <= 87.0 * 0.25 + 1e-6


def test_a_torque_speed_line_leaves_nothing_at_full_speed():
    drives = Drives.of(go2())
    low, high_ = drives.limits(np.full(12, 30.1), 1.0)
    assert high_[0] == pytest.approx(0.0, abs=1e-12) and low[0] == pytest.approx(-23.7)
    low, high_ = drives.limits(np.zeros(12), 0.5)
    assert (low[2], high_[2]) == pytest.approx((-22.715, 22.715))
    low, high_ = drives.limits(np.full(12, -60.0), 1.0)
    assert high_[0] == pytest.approx(23.7) and low[0] == 0.0


@both
def test_no_joint_passes_its_speed_limit(engine):
    """Two joints far from their targets, one with a limit; what does not pass it is as without."""
    robot = panda()
    bounded = dataclasses.replace(
        robot, joints=(dataclasses.replace(robot.joints[0], velocity_limit=1.0), *robot.joints[1:])
    )  # fmt: skip
    far = default_of(robot) + np.eye(9)[0] + 0.4 * np.eye(9)[5]
    speeds = {}
    for name, kind in (("free", robot), ("bounded", bounded)):
        seen = play(PLAYERS[engine](kind, 1 / 120, 2), kind, 120, targets=far)
        speeds[name] = np.array([s.joint_vel[0] for s in seen])
        np.testing.assert_allclose(seen[-1].joint_pos[0], far, atol=0.01)
    assert speeds["free"][:, 0].max() > 1.5
    assert speeds["bounded"][:, 0].max() == pytest.approx(1.0, abs=0.01)
    places = [(0.5 * (s[1:] + s[:-1]) / 60).sum(axis=0) for s in speeds.values()]
    np.testing.assert_allclose(places[0][0], places[1][0], atol=0.03)  # later, and as far


@both
def test_worlds_do_not_see_each_other(engine):
    """A world alone and among others under other conditions: the same numbers."""
    robot = go2()
    own = nominal(robot, 1, yaw=np.array([0.7]), base_velocity=np.array([[0.2, -0.1, 0.0]]))
    others = nominal(
        robot, 3, yaw=np.array([0.1, 0.7, 2.0]), friction=np.array([0.3, 0.8, 1.0]), mass=np.array([1.5, 1.0, 0.8]),
        base_velocity=np.array([[0.0, 0.0, 0.0], [0.2, -0.1, 0.0], [0.0, 0.3, 0.0]]),
    )  # fmt: skip
    alone = play(PLAYERS[engine](robot, DT, DECIMATION, 1), robot, 30, own)[-1]
    player = PLAYERS[engine](robot, DT, DECIMATION, 3)
    play(player, robot, 7, nominal(robot, 3))  # what was before leaves no trace
    among = play(player, robot, 30, others)[-1]
    # DART's contact solver stops at a tolerance, and Bullet may list contacts in another order after an episode.
    near = 1e-9 if engine == "mujoco" else 1e-6
    np.testing.assert_allclose(among.base_pos[1], alone.base_pos[0], atol=near)
    np.testing.assert_allclose(among.joint_vel[1], alone.joint_vel[0], atol=100 * near)


PENDULUM = """<robot name="pendulum"><link name="post"/>
<link name="bar"><inertial><origin xyz="0 0 -0.4" rpy="0 0 0"/><mass value="2"/>
<inertia ixx="0.03" iyy="0.03" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="pivot" type="continuous"><origin xyz="0 0 2" rpy="0 0 0"/><parent link="post"/><child link="bar"/>
<axis xyz="0 1 0"/><dynamics damping="7" friction="7"/></joint></robot>"""


@pytest.mark.parametrize("armature", [0.0, 0.2])
@both
def test_a_pendulum_swings_at_its_period(engine, armature, tmp_path):
    """T = 2 pi sqrt((I + m l^2 + armature) / (m g l)) at a small angle, and no damping of the URDF is left."""
    urdf = tmp_path / "pendulum.urdf"
    urdf.write_text(PENDULUM)
    joint = Joint(name="pivot", default_pos=0.05, kp=0.0, kd=0.0, armature=armature)
    robot = Robot(
        name="pendulum", urdf="pendulum.urdf", urdf_sha256=digest(urdf), base_link="post", floating_base=False,
        joints=(joint,),
    )  # fmt: skip
    player = PLAYERS[engine](robot, 0.001, 1, urdf=urdf, gravity=True)
    angle = np.array([s.joint_pos[0, 0] for s in play(player, robot, 6000)])
    period = 2 * math.pi * math.sqrt((0.03 + 2 * 0.16 + armature) / (2 * 9.81 * 0.4))
    downwards = np.flatnonzero((angle[:-1] > 0) & (angle[1:] <= 0))
    crossings = downwards + angle[downwards] / (angle[downwards] - angle[downwards + 1])
    assert np.diff(crossings).mean() * 0.001 == pytest.approx(period, rel=2e-3)
    assert angle[-int(period / 0.001) :].max() == pytest.approx(0.05, rel=0.02)


def test_rotation_matrices_become_quaternions():
    rng = np.random.default_rng(1)
    for quat in [*rng.normal(size=(50, 4)), *np.eye(4), np.array([1.0, 1e-9, 0, 0])]:
        x, y, z, w = quat / np.linalg.norm(quat)
        matrix = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        assert abs(np.dot(quat_of(matrix), (x, y, z, w))) == pytest.approx(1.0, abs=1e-12)


def test_an_unknown_engine_is_refused():
    with pytest.raises(EngineUnavailable, match="unknown engine 'gazebo'; allowed: newton, physx, mujoco, dart"):
        check_engine("gazebo")


def test_an_engine_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="'dartpy', which is not installed: run ./sim2real.sh setup"):
        check_engine("dart")


@both
def test_a_wrong_joint_map_is_named(engine):
    robot = go2()
    swapped = dataclasses.replace(
        robot, joints=(dataclasses.replace(robot.joints[0], name="FL_hip"), *robot.joints[1:])
    )  # fmt: skip
    with pytest.raises(RobotMismatch, match="only in the contract: FL_hip; only in the URDF: FL_hip_joint"):
        PLAYERS[engine](swapped, DT, DECIMATION)


def test_a_task_with_another_robot_is_named():
    """Isaac Lab's engines take the robot from the task: its joints and links have to be the contract's."""
    player = object.__new__(LabPlayer)  # without an engine: only what the task's robot is called
    bodies = ["base", "FL_hip"]
    player._asset = SimpleNamespace(joint_names=["FL_hip", *go2().joint_names[1:]], body_names=bodies)
    said = "the joints of task 'T' are not those .* only in the contract: FL_hip_joint; only in the task: FL_hip"
    with pytest.raises(RobotMismatch, match=said):
        player._find(go2(), "T")
    player._asset = SimpleNamespace(joint_names=list(go2().joint_names[::-1]), body_names=bodies[::-1])
    assert player._find(go2(), "T") == (list(range(11, -1, -1)), [1, 0], ("base", "FL_hip"))
    with pytest.raises(RobotMismatch, match="task 'T' has no link 'claw'; it has: FL_hip, base"):
        player._find(dataclasses.replace(go2(), end_effector="claw"), "T")


def test_another_urdf_is_refused():
    with pytest.raises(RobotMismatch, match="another description than the one that 'go2' was trained with"):
        MujocoPlayer(dataclasses.replace(go2(), urdf_sha256="0" * 64), DT, DECIMATION)
    with pytest.raises(RobotMismatch, match="has no description 'nobody/none.urdf'"):
        MujocoPlayer(dataclasses.replace(go2(), urdf="nobody/none.urdf"), DT, DECIMATION)


def test_a_missing_mesh_and_a_broken_file_are_named(tmp_path):
    urdf = tmp_path / "go2.urdf"
    urdf.write_text(vendor_urdf(go2().urdf).read_text().replace("base_convex.stl", "nowhere.stl"))
    with pytest.raises(RobotMismatch, match=r"meshes are missing: base: package://\S+/nowhere.stl"):
        plain_urdf(urdf, go2(), tmp_path / "out")
    urdf.write_text("<robot><link")
    with pytest.raises(RobotMismatch, match="not XML"):
        plain_urdf(urdf, go2(), tmp_path / "out")
    with pytest.raises(RobotMismatch, match="No such file"):
        plain_urdf(tmp_path / "none.urdf", go2(), tmp_path / "out")


@both
def test_an_impossible_inertia_is_refused_where_it_moves_and_fused_where_it_does_not(engine, tmp_path):
    urdf = tmp_path / "pendulum.urdf"
    camera = """<link name="camera"><inertial><mass value="0.1"/>
    <inertia ixx="3" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
    <joint name="mount" type="fixed"><parent link="bar"/><child link="camera"/></joint></robot>"""
    urdf.write_text(
        PENDULUM.replace("</robot>", camera).replace('izz="0.01"', 'izz="4"').replace('iyy="0.03"', 'iyy="4"')
    )
    joint = Joint(name="pivot", default_pos=0.05, kp=0.0, kd=0.0)
    robot = Robot(
        name="pendulum", urdf="pendulum.urdf", urdf_sha256=digest(urdf), base_link="post", floating_base=False,
        joints=(joint,),
    )  # fmt: skip
    player = PLAYERS[engine](robot, DT, DECIMATION, urdf=urdf)
    assert player.mass[0] == pytest.approx(2.1, rel=1e-5)
    urdf.write_text(PENDULUM.replace('izz="0.01"', 'izz="0.07"'))
    with pytest.raises(RobotMismatch, match="no body can have the moments of inertia of bar"):
        PLAYERS[engine](dataclasses.replace(robot, urdf_sha256=digest(urdf)), DT, DECIMATION, urdf=urdf)


def test_an_arm_without_its_end_effector_is_refused():
    with pytest.raises(RobotMismatch, match="end_effector 'claw' is none of its links"):
        MujocoPlayer(dataclasses.replace(panda(), end_effector="claw"), DT, DECIMATION)
