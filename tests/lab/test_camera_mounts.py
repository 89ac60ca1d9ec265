"""Mounting errors of cameras in a running scene, against the task that places its cameras itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine_env import ENGINES, open_env, put
from sim2real.spec import parse_spec
from sim2real.vision import VisionError

SPEC = parse_spec(
    """
schema: 1
seed: 7
terms:
  camera_position: {target: camera.position, op: add, unit: cm, dist: {uniform: [[-2, -2, -2], [2, 2, 2]]}}
  camera_rotation: {target: camera.rotation, op: add, unit: deg, dist: {uniform: [[-4, -4, -4], [4, 4, 4]]}}
"""
)
POSES = np.float32([[0.0, 0.0, 0.3], [0.5, 0.1, -0.2], [0.2, -0.3, 0.0], [1.0, 0.2, 0.5]])


@pytest.mark.parametrize("physics", ENGINES)
def test_cameras_see_from_where_they_were_drawn(physics):
    """As the task's own placing of the same draws, again and again; and envs that were not asked for stay."""
    from sim2real.lab.camera_mounts import CameraMounts
    from sim2real_tasks.avoidance import camera

    with open_env(physics, num_envs=4) as env:
        straight = camera.draw_cameras(parse_spec("schema: 1\nseed: 7\n"), np.arange(4))
        drawn = dataclasses.replace(camera.draw_cameras(SPEC, np.arange(4), 3), focal_scale=straight.focal_scale)
        env._cameras = drawn
        put(env, POSES)
        wanted = env.render_raw().depth
        env._cameras = straight
        put(env, POSES)
        nominal = env.render_raw().depth
        mounts = CameraMounts(env, SPEC)
        for episode in (1, 2, 3):
            mounts.apply([0, 2], episode)
        seen = env.render_raw().depth
        for world in (0, 2):
            near = np.abs(seen[world] - wanted[world]) < 1e-3
            assert near.mean() > 0.98  # silhouettes may fall to the other side by a rounding of the pose
            assert (np.abs(seen[world] - nominal[world]) < 1e-3).mean() < 0.7
        np.testing.assert_array_equal(seen[[1, 3]], nominal[[1, 3]])
        with pytest.raises(VisionError, match="no sensor 'eye'"):
            CameraMounts(env, SPEC, camera="eye")
        with pytest.raises(VisionError, match="no term on camera.position or camera.rotation"):
            CameraMounts(env, parse_spec("schema: 1\nseed: 7\n"))
