"""The Newton engine of real Isaac Lab environments: names, Newton's own actuators, pending changes, caches, pushes."""

import numpy as np
import pytest
import torch
import warp as wp

from sim2real.engines.engine import EngineError, Rows
from sim2real.lab.launch import make_env
from sim2real.lab.newton_views import first_path, newton_engine

WORLDS = 4
LEGS = ("FL", "FR", "RL", "RR")


def rows_of(*worlds):
    return Rows(index=wp.array(np.array(worlds, np.int32), dtype=wp.int32), n=len(worlds))


def put(engine, quantity, values, *worlds):
    engine.write(quantity, wp.array(np.asarray(values, np.float32)), rows_of(*worlds))
    engine.finish((quantity,), rows_of(*worlds))


@pytest.fixture(scope="module")
def go2():
    with make_env("Sim2Real-Velocity-Flat-Go2", "newton_mjwarp", **{"scene.num_envs": WORLDS}) as env:
        yield env, newton_engine(env)


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/World/envs/env_[^/]+/Robot", "/World/envs/env_0/Robot"),
        ("/World/envs/env_.*/obstacle_00", "/World/envs/env_0/obstacle_00"),
        ("/World/envs/env_.*", "/World/envs/env_0"),
        ("/World/ground", "/World/ground"),
    ],
)
def test_paths_in_the_first_environment(path, first):
    assert first_path(path) == first


def test_names_are_those_of_isaac_lab(go2):
    env, engine = go2
    robot = env.scene["robot"]
    assert [body.name for body in engine.elements.body] == robot.body_names
    assert [joint.name for joint in engine.elements.joint] == robot.joint_names
    assert {body.asset for body in engine.elements.body} == {"robot"}
    shapes = {(shape.asset, shape.name) for shape in engine.elements.shape}
    assert {("robot", f"{leg}_foot/0") for leg in LEGS} | {("ground", "ground/0")} <= shapes


def test_nominal_values_are_the_assets(go2):
    env, engine = go2
    data = env.scene["robot"].data
    np.testing.assert_array_equal(engine.nominal("body_mass")[..., 0], data.body_mass.torch.numpy())
    np.testing.assert_array_equal(engine.nominal("body_com"), data.body_com_pos_b.torch.numpy())
    np.testing.assert_allclose(engine.nominal("joint_limit"), data.joint_pos_limits.torch.numpy())
    assert (engine.nominal("gravity")[:, 0] == np.array([0, 0, -9.81], np.float32)).all()


def test_isaac_lab_sees_what_is_written(go2):
    env, engine = go2
    data = env.scene["robot"].data
    for quantity, seen in (("body_mass", data.body_mass), ("joint_armature", data.joint_armature)):
        values = engine.nominal(quantity) * np.float32(1.25)
        put(engine, quantity, values, 1, 2)
        np.testing.assert_array_equal(seen.torch.numpy()[[1, 2]], values[[1, 2], :, 0])
        np.testing.assert_array_equal(seen.torch.numpy()[[0, 3]], engine.nominal(quantity)[[0, 3], :, 0])
        put(engine, quantity, engine.nominal(quantity), 1, 2)


def test_a_moved_centre_moves_the_pose_that_isaac_lab_derives(go2):
    env, engine = go2
    data = env.scene["robot"].data
    before = data.root_com_pose_w.torch.clone()
    values = engine.nominal("body_com")
    values[:, 0, 2] += 0.1
    put(engine, "body_com", values, 2)
    moved = (data.root_com_pose_w.torch - before)[:, :3].norm(dim=1)
    np.testing.assert_allclose(moved.numpy(), [0, 0, 0.1, 0], atol=1e-6)
    put(engine, "body_com", engine.nominal("body_com"), 2)


def test_gains_reach_newtons_own_actuators(go2):
    env, engine = go2
    robot = env.scene["robot"]
    assert "DrivePD.kp" in engine.support("actuator.strength").where
    drive = robot.actuators["base_legs"].drive
    limits = robot.actuators["base_legs"].clamping[0]
    stall = limits.saturation_effort.numpy().reshape(WORLDS, -1).copy()
    weaker = np.linspace(0.8, 1.2, 12, dtype=np.float32)[None, :, None]
    for quantity, array in (
        ("actuator_kp", drive.kp),
        ("actuator_kd", drive.kd),
        ("actuator_effort_limit", limits.max_motor_effort),
        ("actuator_velocity_limit", limits.velocity_limit),
    ):
        values = engine.nominal(quantity) * weaker
        put(engine, quantity, values, 3)
        held = array.numpy().reshape(WORLDS, -1)
        np.testing.assert_array_equal(held[3], values[3, :, 0])
        np.testing.assert_array_equal(held[:3], engine.nominal(quantity)[:3, :, 0])
        np.testing.assert_allclose(engine.read(quantity)[3], values[3])
    np.testing.assert_allclose(limits.saturation_effort.numpy().reshape(WORLDS, -1)[3], stall[3] * weaker[0, :, 0])
    for quantity in ("actuator_kp", "actuator_kd", "actuator_effort_limit", "actuator_velocity_limit"):
        put(engine, quantity, engine.nominal(quantity), 3)
    np.testing.assert_array_equal(limits.saturation_effort.numpy().reshape(WORLDS, -1), stall)


def test_a_stronger_gain_makes_more_torque(go2):
    env, engine = go2
    env.reset()
    put(engine, "actuator_kp", engine.nominal("actuator_kp") * 1.5, 1)
    put(engine, "actuator_kd", engine.nominal("actuator_kd") * 0, 0, 1)
    model, control = env.sim.physics_manager.get_model(), env.sim.physics_manager.get_control()
    state = env.sim.physics_manager.get_state_0()
    target = state.joint_q.numpy().reshape(WORLDS, -1).copy()
    target[:, 7:] += 0.1
    actuator = model.actuators[0]
    wanted = getattr(control, actuator.control_target_pos_attr).numpy().reshape(WORLDS, -1).copy()
    wanted[:, -12:] = target[:, -12:]
    getattr(control, actuator.control_target_pos_attr).assign(wanted.reshape(-1))
    control.joint_f.zero_()
    actuator.step(state, control, None, None, 0.005)
    torque = control.joint_f.numpy().reshape(WORLDS, -1)[:, 6:]
    np.testing.assert_allclose(torque[0], 2.5, rtol=1e-3)
    np.testing.assert_allclose(torque[1], 3.75, rtol=1e-3)
    for quantity in ("actuator_kp", "actuator_kd"):
        put(engine, quantity, engine.nominal(quantity), 0, 1)


def test_a_push_lifts_one_robot_and_ends(go2):
    env, engine = go2
    env.reset()
    wrench = np.zeros((WORLDS, len(engine.elements.body), 6), np.float32)
    wrench[1, 0, 2] = 2000.0  # on 15 kg for 0.02 s: 2.5 m/s, on top of what the reset drew
    engine.push(wp.array(wrench), rows_of(*range(WORLDS)))
    env.step(torch.zeros(WORLDS, 12))
    rising = env.scene["robot"].data.root_com_vel_w.torch[:, 2].numpy()
    assert rising[1] > 1.5 and (np.delete(rising, 1) < 0.7).all(), rising
    engine.push(wp.zeros(wrench.shape), rows_of(*range(WORLDS)))
    speed = rising[1]
    env.step(torch.zeros(WORLDS, 12))
    assert env.scene["robot"].data.root_com_vel_w.torch[1, 2] < speed


def test_another_engine_is_refused():
    class Elsewhere:
        class sim:  # noqa: N801 - the attribute of an environment
            physics_manager = object()

    with pytest.raises(EngineError, match="holds no MuJoCo Warp solver; .*physics=newton_mjwarp"):
        newton_engine(Elsewhere())
