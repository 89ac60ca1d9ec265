"""Small moves on an Isaac Lab environment on PhysX that the tests of its engine share."""

import numpy as np
import pytest
import torch
import warp as wp

from engine_env import HAS_PHYSX
from sim2real.engines.engine import Rows

needs_physx = pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")


def rows_of(*worlds, padded=0):
    """The named worlds, and so many entries that mean none."""
    index = np.array([*worlds, *[-1] * padded], np.int32)
    return Rows(index=wp.array(index, dtype=wp.int32, device="cpu"), n=len(index))


def everything(engine):
    """All worlds."""
    return rows_of(*range(engine.num_worlds))


def put(engine, rows, **values):
    """Write and finish."""
    for quantity, value in values.items():
        engine.write(quantity, wp.array(np.asarray(value, np.float32), dtype=wp.float32, device="cpu"), rows)
    engine.finish(tuple(values), rows)


def numbers(engine, kind, asset):
    """Numbers of an asset's elements."""
    return [i for i, element in enumerate(engine.elements.of(kind)) if element.asset == asset]


def physics_step(env, count=1):
    """Physics steps as the environment makes them, without an action."""
    for _ in range(count):
        env.scene.write_data_to_sim()
        env.sim.step(render=False)
        env.scene.update(env.sim.get_physics_dt())


def lift(env, height=5.0, quaternion=(0.0, 0.0, 0.0, 1.0)):
    """Put every robot at rest in the air, its joints too."""
    robot = env.scene["robot"]
    pose = robot.data.root_pose_w.torch.clone()
    pose[:, 2], pose[:, 3:] = height, torch.tensor(quaternion, dtype=torch.float32)
    robot.write_root_pose_to_sim_index(root_pose=pose)
    robot.write_root_velocity_to_sim_index(root_velocity=torch.zeros(env.num_envs, 6))
    robot.write_joint_velocity_to_sim_index(velocity=torch.zeros(env.num_envs, robot.num_joints))
    env.sim.forward()
