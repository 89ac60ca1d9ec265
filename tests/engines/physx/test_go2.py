"""A spec on the Go2 on ovphysx: motors that compute their own torque, 17 bodies, every kind of property at once."""

import numpy as np
import pytest
import torch

from engines.specs import spec_of
from lab.physx_env import everything, needs_physx, put, rows_of
from sim2real.engines.randomizer import Randomizer

pytestmark = needs_physx
N = 8
TERMS = {
    "base_mass": "{target: body.mass, select: base, op: scale, dist: {log_uniform: [0.8, 1.25]}, keep: density}",
    "legs": "{target: body.mass, select: '.*_thigh', op: scale, each: body, dist: {uniform: [0.9, 1.1]}}",
    "base_com": "{target: body.com, select: base, op: add, unit: cm, dist: {uniform: [[-2, -2, -2], [2, 2, 2]]}}",
    "payload": "{target: body.payload, select: base, op: add, unit: kg, dist: {uniform: [0, 3]}}",
    "foot_friction": "{target: shape.friction, select: '.*_foot', against: ground, op: set, each: shape,"
    " dist: {uniform: [0.4, 1.25]}}",
    "strength": "{target: actuator.strength, op: scale, each: joint, dist: {uniform: [0.8, 1.2]}}",
    "armature": "{target: joint.armature, op: scale, each: joint, dist: {uniform: [0.5, 1.5]}}",
    "limits": "{target: joint.limit, op: add, unit: deg, dist: {uniform: [[-2, -2], [2, 2]]}}",
    "gravity": "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.5, 0.5]}}",
    "tilt": "{target: world.gravity_tilt, unit: deg, dist: {uniform: [0, 5]}}",
}
WRITTEN = (
    "body_mass", "body_com", "body_inertia", "shape_friction", "joint_armature", "joint_limit", "actuator_kp",
    "actuator_kd", "actuator_effort_limit", "gravity",
)  # fmt: skip
"""Quantities that the spec changes."""


@pytest.fixture(scope="module")
def env():
    """Eight robots."""
    from sim2real.lab.launch import make_env

    with make_env("Sim2Real-Velocity-Flat-Go2", "ovphysx", **{"scene.num_envs": N}) as env:
        env.reset()
        yield env


@pytest.fixture(scope="module")
def engine(env):
    """The engine."""
    from sim2real.lab.engine import engine_of

    return engine_of(env)


@pytest.fixture
def randomizer(engine):
    """A spec that has started; afterwards the robots are nominal again."""
    made = Randomizer(spec_of(TERMS), engine)
    made.startup()
    yield made
    put(engine, everything(engine), **{name: engine.nominal(name) for name in WRITTEN})


def state(engine):
    """All that the solver holds."""
    return {name: engine.read(name) for name in WRITTEN}


def test_the_solver_holds_the_folded_row(engine, randomizer):
    """Every quantity of every world, within an ulp of PhysX's own storage or the friction's grid."""
    for name in WRITTEN:
        row, held, nominal = randomizer.row(name).numpy(), engine.read(name), engine.nominal(name)
        rounding = 1.3e-4 if name == "shape_friction" else 1e-8
        if name == "body_inertia":  # kept as principal moments and axes, in float32
            rounding = 5e-7 * np.abs(row).max(-1, keepdims=True).repeat(9, -1)
            np.testing.assert_array_less(np.abs(held - row), rounding + 1e-12)
            continue
        np.testing.assert_allclose(held, row, rtol=1e-6, atol=rounding, err_msg=name)
        assert np.abs(held - nominal).max() > 1e-3, name


def test_a_reset_leaves_the_other_worlds_alone(engine, randomizer):
    """Not a bit of them changes; the worlds of the reset do."""
    randomizer.reset(everything(engine))  # episode 0: what startup drew
    before = state(engine)
    randomizer.reset(rows_of(2, 5, padded=2))
    after = state(engine)
    others = [0, 1, 3, 4, 6, 7]
    for name in WRITTEN:
        np.testing.assert_array_equal(after[name][others], before[name][others], name)
        assert (after[name][[2, 5]] != before[name][[2, 5]]).any((1, 2)).all(), name


def test_the_same_episode_is_the_same_robot(engine, randomizer):
    """A second randomizer goes through other worlds first and ends where the first one did, to the bit."""
    for _ in range(3):
        randomizer.reset(rows_of(3))
    first = state(engine)
    again = Randomizer(spec_of(TERMS), engine)
    again.startup()
    for world in (3, 0, 3, 6, 6, 3):
        again.reset(rows_of(world))
    second = state(engine)
    for name in WRITTEN:
        np.testing.assert_array_equal(second[name][3], first[name][3], name)


def test_motors_are_written_where_torque_is_computed(engine, env, randomizer):
    """Newton's controllers hold the gains and limits, the stall torque follows; the solver's own drives stay empty."""
    motor = env.scene["robot"].actuators["base_legs"]
    motor = motor[0] if isinstance(motor, tuple) else motor
    clamp = motor.clamping[0]
    world, joint = np.divmod(motor.indices.numpy().astype(int), 12)
    strength = engine.read("actuator_kp") / engine.nominal("actuator_kp")
    assert strength.min() < 0.9 and strength.max() > 1.1
    np.testing.assert_array_equal(motor.controller.kp.numpy(), randomizer.row("actuator_kp").numpy()[world, joint, 0])
    np.testing.assert_array_equal(motor.controller.kd.numpy(), randomizer.row("actuator_kd").numpy()[world, joint, 0])
    largest = randomizer.row("actuator_effort_limit").numpy()[world, joint, 0]
    np.testing.assert_array_equal(clamp.max_motor_effort.numpy(), largest)
    weakened = clamp.saturation_effort.numpy() / largest
    put(engine, everything(engine), actuator_effort_limit=engine.nominal("actuator_effort_limit"))
    np.testing.assert_allclose(weakened, clamp.saturation_effort.numpy() / clamp.max_motor_effort.numpy(), rtol=1e-6)
    assert not env.scene["robot"].data.joint_stiffness.torch.any()


def test_soft_limits_follow_the_hard_ones(engine, env, randomizer):
    """As far from the middle as the task's factor says."""
    data = env.scene["robot"].data
    hard = randomizer.row("joint_limit").numpy()
    np.testing.assert_array_equal(data.joint_pos_limits.torch.numpy(), hard)
    middle, half = hard.mean(-1), (hard[..., 1] - hard[..., 0]) / 2 * env.cfg.scene.robot.soft_joint_pos_limit_factor
    soft = data.soft_joint_pos_limits.torch.numpy()
    np.testing.assert_allclose(soft, np.stack((middle - half, middle + half), -1), rtol=1e-5, atol=1e-6)


def test_the_robot_walks_on(engine, env, randomizer):
    """Fifty steps with resets in between: every state is finite, and the feet carry the robots."""
    for k in range(50):
        randomizer.reset(rows_of(k % N))
        env.step(torch.zeros(N, 12))
    robot = env.scene["robot"].data
    assert torch.isfinite(robot.root_pose_w.torch).all() and torch.isfinite(robot.joint_vel.torch).all()
    assert (robot.root_pos_w.torch[:, 2] > 0.1).all()
