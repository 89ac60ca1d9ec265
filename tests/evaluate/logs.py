"""Logs with a fault that is known: a Go2 that fidgets and an arm of three joints, both played in MuJoCo."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from evaluate.policies import go2_contract, write_bundle
from evaluate.robots import digest
from sim2real.contract import (
    Command,
    Contract,
    GoldenReference,
    Joint,
    JointPositionAction,
    ObservationTerm,
    Robot,
    RobotState,
    StateObservation,
    TrainingRun,
)
from sim2real.deploy import JointPolicyRuntime
from sim2real.evaluate.engines.mujoco_player import MujocoPlayer
from sim2real.evaluate.engines.player import Conditions
from sim2real.evaluate.log import record

ARM = """<robot name="arm"><link name="base"/>
{links}</robot>"""
LINK = """<link name="l{i}"><inertial><origin xyz="0.1 0 0" rpy="0 0 0"/><mass value="{m}"/>
<inertia ixx="0.002" iyy="0.004" izz="0.004" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="j{i}" type="revolute"><parent link="{parent}"/><child link="l{i}"/><origin xyz="{x} 0 0"/>
<axis xyz="{axis}"/><limit lower="-3" upper="3" effort="50" velocity="20"/></joint>
"""
ARM_STEPS, GO2_STEPS = 120, 150


@functools.cache
def folder():
    return tempfile.TemporaryDirectory(prefix="sim2real-logs-")


def place(name):
    return Path(folder().name) / name


@functools.cache
def arm_urdf():
    axes, masses, parents = ("0 0 1", "0 1 0", "0 1 0"), (1.5, 1.0, 0.6), ("base", "l0", "l1")
    links = "".join(
        LINK.format(i=i, m=masses[i], parent=parents[i], x=0.2 if i else 0.0, axis=axes[i]) for i in range(3)
    )
    path = place("arm.urdf")
    path.write_text(ARM.format(links=links))
    return path


def arm_robot(**changes):
    pose = (0.2, 0.4, -0.6)
    joint = {"kp": 30.0, "kd": 1.0, "friction": 0.3, "armature": 0.01, "effort_limit": 20.0, **changes}
    return Robot(
        name="arm", urdf="arm.urdf", urdf_sha256=digest(arm_urdf()), base_link="base", end_effector="l2",
        floating_base=False, joints=tuple(Joint(name=f"j{i}", default_pos=p, **joint) for i, p in enumerate(pose)),
    )  # fmt: skip


def arm_contract():
    robot = arm_robot()
    names, default = robot.joint_names, (0.2, 0.4, -0.6)
    command = Command(name="goal", kind="pose_command", ranges={"pos_x": (0.0, 1.0)}, body="l2")
    terms = (
        ObservationTerm(name="pos", kind="joint_pos", size=3, unit="rad", joints=names, offset=default, history=2),
        ObservationTerm(name="vel", kind="joint_vel", size=3, unit="rad/s", joints=names, scale=(0.1,), history=2),
        ObservationTerm(name="goal", kind="pose_command", size=7, unit="m, quaternion xyzw", command="goal"),
        ObservationTerm(name="last", kind="last_action", size=3, unit="1"),
    )
    return Contract(
        name="arm", task="Arm", rate_hz=50, robot=robot, code_version="0.1.0",
        observation=StateObservation(terms=terms, commands=(command,)),
        action=JointPositionAction(joints=names, scale=(0.5,), offset=default),
        run=TrainingRun(physics="newton_mjwarp", physics_dt_s=0.005, decimation=4),
        golden=GoldenReference(sha256="0" * 64, frames=1),
    )  # fmt: skip


@functools.cache
def arm_bundle():
    contract, rng = arm_contract(), np.random.default_rng(3)
    weights = 0.1 * rng.normal(size=(contract.state.size, 3))
    weights[12:19] = 0.0
    weights[12:15] = np.eye(3)[[1, 2, 0]] + 0.1 * rng.normal(size=(3, 3))
    return write_bundle(place("arm_bundle"), contract, weights)


@functools.cache
def go2_bundle():
    contract, rng = go2_contract(), np.random.default_rng(0)
    weights = 0.15 * rng.normal(size=(contract.state.size, 12))
    weights[6:9] = 0.8 * rng.normal(size=(3, 12))
    weights[21:] *= 0.3
    return write_bundle(place("go2_bundle"), contract, weights)


def waves(time, size):
    """Something that never repeats, (1, size)."""
    return np.sin(np.array([5.0, 7.3, 3.1, 9.7, 6.1, 4.3, 8.9])[:size] * time + np.arange(size))[None]


def play_arm(robot=None, bundle=None, **changes):
    """A log of an arm whose drives may differ from the contract's."""
    robot = robot or arm_robot()
    player = MujocoPlayer(robot, 0.005, 4, urdf=arm_urdf())
    conditions = replace(Conditions.nominal(1, 3), **{name: np.array([value]) for name, value in changes.items()})
    policy = JointPolicyRuntime(bundle or arm_bundle())
    return record(player, policy, lambda k, seen: {"goal": waves(0.02 * k, 7)}, ARM_STEPS, 0.02, conditions)


@functools.cache
def go2_log():
    """A Go2 without a fault, headed elsewhere than along x."""
    player = MujocoPlayer(go2_contract().robot, 0.005, 4)
    conditions = replace(Conditions.nominal(1, 12), yaw=np.array([2.0]))
    policy = JointPolicyRuntime(go2_bundle())
    asked = lambda k, seen: {"base_velocity": waves(0.02 * k, 3)}  # noqa: E731
    return record(player, policy, asked, GO2_STEPS, 0.02, conditions)


def answered(bundle, log, fault):
    """The same log with the answers of a network that was given something else.

    Args:
        bundle: the policy.
        log: what happened.
        fault: from (log, row) to changed fields of the state.
    """
    policy, rows = JointPolicyRuntime(bundle), []
    policy.reset()
    for k in range(len(log)):
        state = RobotState(
            joint_names=log.joint_names, joint_pos=log.joint_pos[k], joint_vel=log.joint_vel[k],
            base_quat_xyzw=log.base_quat_xyzw[k], base_ang_vel=log.base_ang_vel[k], base_lin_vel=log.base_lin_vel[k],
            commands={name: value[k] for name, value in log.commands.items()},
        )  # fmt: skip
        policy.step(replace(state, **fault(log, k)))
        rows.append(policy.last_action[0].copy())
    return replace(log, action=np.array(rows))


def misread(bundle, log, **changes):
    """A log whose state was read wrongly, and given to the network like that; targets are what was sent."""
    return answered(bundle, replace(log, **changes), lambda log, k: {})
