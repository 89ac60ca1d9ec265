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


def with_eye(cfg):
    """Put a camera on the Go2's base."""
    import isaaclab.sim as sim_utils
    from isaaclab.sensors import CameraCfg
    from isaaclab_newton.renderers import NewtonWarpRendererCfg

    cfg.scene.eye = CameraCfg(
        prim_path="{ENV_REGEX_NS}/Robot/Geometry/base/eye",
        offset=CameraCfg.OffsetCfg(pos=(0.3, 0.0, 0.05), convention="world"),
        data_types=["depth"],
        width=16,
        height=16,
        spawn=sim_utils.PinholeCameraCfg(),
        renderer_cfg=NewtonWarpRendererCfg(),
    )


@pytest.mark.parametrize("physics", ENGINES)
def test_events_mount_cameras(physics):
    """On a task that has a camera, a spec's mounting errors act at every reset, and for the envs that begin alone."""
    import torch
    from isaaclab.utils.math import quat_apply, quat_apply_inverse

    import sim2real.lab
    from sim2real.draws import Draws
    from sim2real.lab.launch import make_env
    from sim2real_tasks.velocity import TASK

    changes = {"scene.num_envs": 3, "events": sim2real.lab.events(SPEC)}
    with make_env(TASK, physics, prepare=with_eye, **changes) as env:
        env.reset()
        found = sim2real.lab.randomization_of(env)
        found.reset(torch.tensor([1]))
        robot, eye = env.scene["robot"], env.scene["eye"]
        eye.update(env.step_dt, force_recompute=True)
        base = robot.data.root_link_pose_w.torch
        seat = quat_apply_inverse(base[:, 3:7], eye.data.pos_w.torch - base[:, :3]).cpu().numpy()
        episodes = found.episodes.numpy()
        assert episodes.tolist() == [0, 1, 0]
        drawn = Draws(7).sample("camera_position", SPEC.terms["camera_position"].dist, np.arange(3), episodes)[:, 0]
        np.testing.assert_allclose(seat, [0.3, 0.0, 0.05] + drawn, atol=2e-5)
        ahead = quat_apply(eye.data.quat_w_world.torch, torch.tensor([[1.0, 0.0, 0.0]]).expand(3, 3))
        turned = Draws(7).sample("camera_rotation", SPEC.terms["camera_rotation"].dist, np.arange(3), episodes)[:, 0]
        local = quat_apply_inverse(base[:, 3:7], ahead).cpu().numpy()
        np.testing.assert_allclose(np.arctan2(local[:, 1], local[:, 0]), turned[:, 2], atol=1e-4)
        entry = {entry.term: entry for entry in found.randomizer.plan.entries}["camera_position"]
        assert entry.applied == "caller" and entry.where == "eye.set_world_poses"


def test_a_term_that_selects_no_camera_is_an_error():
    """Nothing silent: the task has no camera."""
    import sim2real.lab
    from sim2real.engines.engine import EngineError
    from sim2real.lab.launch import make_env
    from sim2real_tasks.velocity import TASK

    changes = {"scene.num_envs": 2, "events": sim2real.lab.events(SPEC)}
    with pytest.raises(EngineError, match="camera.position"), make_env(TASK, "newton_mjwarp", **changes) as env:
        env.reset()
