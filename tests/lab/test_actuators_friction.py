"""A motor's friction is the solver's: it brakes as it says, and holds at rest as well as each engine can."""

import gymnasium
import numpy as np
import pytest
import torch
from isaaclab.utils import configclass, replace

import sim2real.lab
from engine_env import ENGINES
from sim2real.actuators.motor import Motor
from sim2real.lab.actuators import with_motors
from sim2real.lab.bind import newton_solver
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

JOINT = "FL_hip_joint"
COULOMB, VISCOUS, SPEED = 2.0, 0.05, 8.0
MOTOR = Motor(
    voltage=1e3, no_load_speed=1e3, stall_torque=1e5, viscous_friction={JOINT: VISCOUS, ".*": 0.0},
    coulomb_friction={JOINT: COULOMB, ".*": 0.0},
)  # fmt: skip
LOCKED = """
schema: 1
seed: 7
terms:
  locked: {target: joint.friction, select: ".*", op: set, unit: N*m, dist: {constant: 80.0}}
"""


@configclass
class FloatingCfg(Go2FlatEnvCfg):
    """A Go2 adrift without gravity, its joints without gains: torques are what a test feeds forward."""

    def __post_init__(self):
        """Nothing acts but the motor's friction and the feed-forward."""
        super().__post_init__()
        self.decimation = 1
        self.sim.gravity = (0.0, 0.0, 0.0)
        self.events = sim2real.lab.events(parse_spec("schema: 1\nseed: 7"))  # both robots weigh the same
        robot = self.scene.robot
        legs = replace(robot.actuators["base_legs"], stiffness=0.0, damping=0.0)
        self.scene.robot = with_motors(replace(robot, actuators={"base_legs": legs}), {"base_legs": MOTOR})


@configclass
class LockedCfg(Go2FlatEnvCfg):
    """The velocity task with more friction in every joint than its motors can overcome."""

    def __post_init__(self):
        """One physics step at a time."""
        super().__post_init__()
        self.decimation = 1
        self.events = sim2real.lab.events(parse_spec(LOCKED))


for name, cfg in (("Floating", FloatingCfg), ("Locked", LockedCfg)):
    gymnasium.register(
        id=f"Test-Friction-{name}",
        entry_point="isaaclab.envs:ManagerBasedRLEnv",
        disable_env_checker=True,
        kwargs={"env_cfg_entry_point": cfg},
    )


def step(env, effort):
    """One physics step with torques (2,) fed forward to the joint of each robot; returns its speeds (2,)."""
    robot = env.scene["robot"]
    joint = robot.joint_names.index(JOINT)
    efforts = torch.zeros(2, 12)
    efforts[:, joint] = torch.tensor(effort)
    robot.actuators.target_command.set_effort_index(value=efforts)
    env.step(torch.zeros(2, 12))
    return robot.data.joint_vel.torch[:, joint].clone().numpy()


def start(env, speed):
    """Put both robots adrift in the air at rest, the joint at a speed."""
    robot = env.scene["robot"]
    pose = robot.data.root_link_pose_w.torch.clone()
    pose[:, :3] = env.scene.env_origins + torch.tensor([0.0, 0.0, 2.0])
    pose[:, 3:] = torch.tensor([0.0, 0.0, 0.0, 1.0])
    speeds = torch.zeros(2, 12)
    speeds[:, robot.joint_names.index(JOINT)] = speed
    robot.write_root_pose_to_sim_index(root_pose=pose)
    robot.write_root_velocity_to_sim_index(root_velocity=torch.zeros(2, 6))
    robot.write_joint_position_to_sim_index(position=robot.data.default_joint_pos.torch.clone())
    robot.write_joint_velocity_to_sim_index(velocity=speeds)


def follow(env, effort, speed, goes_on):
    """Feed `effort` forward to both robots' joints, to that of robot 1 less what friction takes; speeds (steps, 2)."""
    found, last, rows = np.full(2, speed), speed, []
    while goes_on(found[1]):
        middle = float(found[1]) + 0.5 * (float(found[1]) - last)  # the torque is held, the friction is not
        last = float(found[1])
        found = step(env, [effort, effort - COULOMB - VISCOUS * middle])
        rows.append(found)
    return np.array(rows)


@pytest.mark.parametrize("physics", ENGINES)
def test_friction_brakes_as_the_same_torque_does_holds_and_lets_go(physics):
    """Robot 0 has the friction, robot 1 gets the torque -Fc - d v instead: the same motion until the first one rests.

    It then holds against less than Fc. Against more than Fc it starts from rest, and both move alike again.
    """
    with make_env("Test-Friction-Floating", physics, **{"scene.num_envs": 2}) as env:
        env.reset()
        robot = env.scene["robot"]
        own = [JOINT == name for name in robot.joint_names]  # the first pattern that matches a joint is its number
        assert torch.equal(robot.data.joint_friction_coeff.torch[0], COULOMB * torch.tensor(own))
        zero = torch.zeros(1, 12)
        robot.write_joint_friction_coefficient_to_sim_index(
            joint_friction_coeff=zero, joint_dynamic_friction_coeff=zero, joint_viscous_friction_coeff=zero, env_ids=[1]
        )
        start(env, SPEED)
        braking = follow(env, 0.0, SPEED, lambda speed: speed > 0.15 * SPEED)
        assert len(braking) >= 4
        np.testing.assert_allclose(braking[:, 0], braking[:, 1], atol=0.01 * SPEED)
        for _ in range(20):
            found = step(env, [0.5 * COULOMB, 0.0])
        assert abs(found[0]) < 0.05, found
        start(env, 0.0)
        slipping = follow(env, 1.5 * COULOMB, 0.0, lambda speed: speed < 0.5 * SPEED)
        print(physics, np.array2string(slipping, precision=4))
        assert len(slipping) >= 4 and (np.diff(slipping[:, 0]) > 0.0).all()
        np.testing.assert_allclose(slipping[:, 0], slipping[:, 1], atol=0.01 * SPEED)


def creep(physics, iterations=None, soft=False, steps=12):
    """How far joints locked by friction move under a held command, while the robot falls [rad]."""
    changes = {"scene.num_envs": 2}
    if iterations is not None:
        robot = LockedCfg().scene.robot
        robot.spawn.articulation_props[0].solver_position_iteration_count = iterations
        changes["scene.robot"] = robot
    with make_env("Test-Friction-Locked", physics, **changes) as env:
        env.reset()
        robot = env.scene["robot"]
        if soft:
            model = newton_solver(env).mjw_model
            values = model.dof_solimp.numpy()
            values[..., 0], values[..., 1] = 0.9, 0.95
            model.dof_solimp.assign(values)
        start = robot.data.joint_pos.torch.clone()
        action = 2.0 * torch.randn(2, 12, generator=torch.Generator().manual_seed(0))
        for _ in range(steps):
            env.step(action)
        assert robot.data.applied_torque.torch.abs().max() > 10.0
        return float((robot.data.joint_pos.torch - start).abs().max())


def test_locked_joints_rest_on_newton_once_the_row_is_hard():
    """MuJoCo's default softness lets a joint creep under load, however large its friction; ours holds it."""
    soft, hard = creep("newton_mjwarp", soft=True), creep("newton_mjwarp")
    print(f"12 steps of 5 ms, 80 N·m: soft {soft:.2e} rad, hard {hard:.2e} rad")
    assert soft > 0.01 and hard < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENGINES[1:])
def test_locked_joints_creep_on_physx_by_what_an_iteration_lets_through(physics):
    """PhysX applies a torque before it solves friction, iteration by iteration: eight times as many, an eighth."""
    few, many = creep(physics, 4), creep(physics, 32)
    print(f"12 steps of 5 ms, 80 N·m: 4 iterations {few:.2e} rad, 32 iterations {many:.2e} rad")
    assert few > 0.01
    assert 6.0 < few / many < 10.0
