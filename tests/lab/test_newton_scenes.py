"""The Newton engine of environments that come in another state or with other actuators than the Go2's."""

import numpy as np
import torch
import warp as wp

from sim2real.engines.engine import Rows
from sim2real.lab.launch import make_env
from sim2real.lab.newton_views import newton_engine


def test_pending_changes_of_isaac_lab_are_nominal():
    with make_env("Sim2Real-Velocity-Flat-Go2", "newton_mjwarp", **{"scene.num_envs": 2}) as env:
        robot, manager = env.scene["robot"], env.sim.physics_manager
        masses = robot.data.body_mass.torch.clone() * 1.5
        robot.set_masses_index(masses=masses, env_ids=torch.arange(2, dtype=torch.int32))
        inertias = robot.data.body_inertia.torch.clone() * 1.5
        robot.set_inertias_index(inertias=inertias, env_ids=torch.arange(2, dtype=torch.int32))
        assert manager._model_changes
        engine = newton_engine(env)
        np.testing.assert_array_equal(engine.nominal("body_mass")[..., 0], masses.numpy())
        np.testing.assert_array_equal(engine.nominal("body_inertia"), inertias.numpy())
        assert not manager._model_changes, "this Isaac Lab flushes by itself: sim2real.lab.bind.flush_newton_changes"


def test_kinematic_obstacles_and_implicit_drives():
    with make_env("Sim2Real-Avoidance-Rover", "newton_mjwarp", **{"scene.num_envs": 2, "set_image_size": 32}) as env:
        engine = newton_engine(env)
        obstacles = [body for body in engine.elements.body if body.asset == "obstacles"]
        assert len(obstacles) == 12 and all(body.fixed for body in obstacles)
        assert engine.friction_combine == "max"
        assert "mjw.actuator_gainprm" in engine.support("actuator.kd").where
        assert not engine.support("actuator.velocity_limit").able
        rows = Rows(index=wp.array(np.array([1], np.int32), dtype=wp.int32), n=1)
        engine.write("actuator_kd", wp.array(engine.nominal("actuator_kd") * np.float32(0.5)), rows)
        engine.finish(("actuator_kd",), rows)
        np.testing.assert_allclose(engine.read("actuator_kd")[:, :, 0], [[2, 2], [1, 1]])
        env.reset()
        env.step(torch.tensor([[0.4, 0.0], [0.4, 0.0]]))
        speed = env.robot.data.root_lin_vel_b.torch[:, 0]
        assert speed[0] > speed[1] > 0, "half the drive's gain, less acceleration"
