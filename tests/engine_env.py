"""What the engine tests share: which engines run here, and small moves in an environment."""

import importlib.util

import numpy as np
import pytest
import torch

from sim2real_tasks.avoidance import layout

SEED = 99
"""Seed of the scenes of these tests."""
HAS_PHYSX = importlib.util.find_spec("ovphysx") is not None
ENGINES = [
    "newton_mjwarp",
    pytest.param("ovphysx", marks=pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")),
]
"""Physics presets, as parameters of a test."""


def open_env(physics, num_envs=8, **changes):
    """An environment of 32 px images."""
    from sim2real.lab.launch import make_env
    from sim2real_tasks.avoidance import TASK

    settings = {"scene.num_envs": num_envs, "set_image_size": 32, "spec_seed": SEED, **changes}
    return make_env(TASK, physics, **settings)


def empty(count):
    """Layouts without an obstacle."""
    pose = np.zeros((count, layout.COUNT, 3), np.float32)
    pose[..., 0] = 1 + 0.6 * np.arange(layout.COUNT)
    return layout.Layout(pose=pose, used=np.zeros((count, layout.COUNT), bool))


def put(env, rover, obstacles=None, index=0):
    """Place every rover (n, 3) in an empty arena, or before one obstacle of kind `index` at `obstacles` (n, 3)."""
    scene = empty(env.num_envs)
    if obstacles is not None:
        scene.pose[:, index], scene.used[:, index] = obstacles, True
    env.place(np.arange(env.num_envs), scene, np.asarray(rover, np.float32), env._cameras)


def drive(env, linear, angular, ticks=1):
    """Command every rover for some ticks."""
    command = torch.zeros(env.num_envs, 2)
    command[:, 0], command[:, 1] = torch.as_tensor(linear), torch.as_tensor(angular)
    for _ in range(ticks):
        observation = env.step(command)[0]
    return observation


def bodies(env):
    """What the engine says: rover poses (n, 7), obstacle poses (n, 12, 7), joint speeds; as arrays of their own."""
    rover = env.robot.data.root_pose_w.torch.clone()
    obstacles = env.obstacles.data.body_link_pose_w.torch.clone()
    return rover.numpy(), obstacles.numpy(), env.robot.data.joint_vel.torch.clone().numpy()
