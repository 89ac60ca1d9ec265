"""The environment on both engines: everything stands where it was drawn, and a scene is its number's alone."""

import numpy as np
import pytest
import torch

from engine_env import ENGINES, HAS_PHYSX, SEED, bodies, drive, open_env
from sim2real.lab.launch import LaunchError, check_physics, make_env
from sim2real.spec import SpecError, load_spec
from sim2real_tasks.avoidance import TASK, camera, layout
from sim2real_tasks.robots.rover import WHEEL_RADIUS

SPEC = load_spec("avoidance").with_seed(SEED)


def snapshot(env):
    """What scene each environment shows now: poses, cameras, pictures."""
    return {
        "obstacles": env.obstacle_pose.clone().numpy(),
        "used": env.obstacle_used.clone().numpy(),
        "rover": env.pose.clone().numpy(),
        "focal": env._cameras.focal_scale.copy(),
        "clean": env.images.clean.copy(),
        "noisy": env.images.noisy.copy(),
        "colour": env.images.colour.copy(),
    }


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """Eight environments of one engine, and what four showed before them (``of_four``)."""
    with open_env(request.param, num_envs=4, colour=True) as env:
        env.play(range(4))
        of_four = snapshot(env)
    with open_env(request.param, colour=True) as env:
        env.of_four = of_four
        yield env


@pytest.fixture
def env(engine):
    """The same, freshly reset, looking through the camera model."""
    engine.observe = "noisy"
    engine.play(range(8))
    return engine


def assert_placed(env, scenes):
    """Obstacles, rover and camera stand as drawn for these scenes, in the engine's own books."""
    scenes = np.asarray(scenes)
    drawn, cameras = layout.draw_layouts(SPEC, scenes), camera.draw_cameras(SPEC, scenes)
    start = env.draw_start(scenes, np.zeros(len(scenes), int))
    rover, obstacles, joint_vel = bodies(env)
    origins = env.scene.env_origins.numpy()
    np.testing.assert_allclose(rover[:, :2] - origins[:, :2], start[:, :2], atol=1e-5)
    np.testing.assert_allclose(rover[:, 2], WHEEL_RADIUS, atol=1e-5)
    half = start[:, 2] / 2
    np.testing.assert_allclose(rover[:, 5:], np.stack((np.sin(half), np.cos(half)), -1), atol=1e-5)
    assert not joint_vel.any()
    np.testing.assert_allclose(obstacles[..., :2] - origins[:, None, :2], drawn.pose[..., :2], atol=1e-5)
    np.testing.assert_allclose(obstacles[..., 2], drawn.height, atol=1e-5)
    c, s = np.cos(drawn.pose[..., 2]), np.sin(drawn.pose[..., 2])
    x, y, z, w = np.moveaxis(obstacles[..., 3:], -1, 0)
    np.testing.assert_allclose(np.stack((1 - 2 * (y * y + z * z), 2 * (x * y + w * z))), np.stack((c, s)), atol=1e-4)
    base = np.concatenate((start[:, :2] + origins[:, :2], np.full((len(scenes), 1), WHEEL_RADIUS), start[:, 2:]), 1)
    position, quaternion = camera.camera_world_poses(base, cameras)
    env.render_raw()
    np.testing.assert_allclose(env.camera.data.pos_w.torch.numpy(), position, atol=1e-4)
    found = env.camera.data.quat_w_world.torch.numpy()
    np.testing.assert_allclose(np.abs((found * quaternion).sum(-1)), 1.0, atol=1e-6)


def test_a_reset_places_everything_as_drawn(env):
    """At the first reset and after driving: the engine's own state and the camera's pose are the draws'."""
    assert_placed(env, range(8))
    drive(env, 0.6, 0.7, 6)
    env.play(range(40, 48))
    assert_placed(env, range(40, 48))


def test_the_camera_keeps_its_drawn_offset_while_driving(env):
    """After driving, and after a reset that follows driving, camera and body are apart by exactly what was drawn."""
    from scipy.spatial.transform import Rotation

    for scenes in (range(8), range(60, 68)):
        env.play(scenes)
        drive(env, 0.5, 0.5, 5)
        cameras = camera.draw_cameras(SPEC, np.array(scenes))
        rover, _, _ = bodies(env)
        body, eye = Rotation.from_quat(rover[:, 3:]), env.camera.data.pos_w.torch.numpy()
        local = body.inv().apply(eye - rover[:, :3])
        np.testing.assert_allclose(local, cameras.position + np.float32(camera.CAMERA_POSITION), atol=2e-4)
        turned = body.inv() * Rotation.from_quat(env.camera.data.quat_w_world.torch.numpy())
        error = (turned.inv() * Rotation.from_euler("xyz", cameras.rotation)).magnitude()
        assert error.max() < 1e-3


def test_what_is_seen_after_driving_is_what_a_placed_rover_sees(env):
    """The picture at the end of a drive is that of a rover put there: the renderer follows the body."""
    drive(env, 0.5, 0.4, 6)
    seen = env.render_clean().clean
    drawn = layout.draw_layouts(SPEC, np.arange(8))
    env.place(np.arange(8), drawn, env.pose.numpy().copy(), env._cameras)
    placed = env.render_clean().clean
    # The driven body is some tenths of a degree off level, which moves far floor and edges.
    assert np.median(np.abs(seen - placed)) < 0.01
    alike = (np.abs(seen - placed) < 0.1).mean()
    assert alike > 0.88
    env.play(range(100, 108))
    assert (np.abs(env.images.clean - placed) < 0.1).mean() < alike - 0.1


def test_a_scene_looks_the_same_in_four_and_in_eight_environments(env):
    """Poses and pictures, noise included, are bit-equal."""
    of_eight = snapshot(env)
    for name, value in env.of_four.items():
        np.testing.assert_array_equal(of_eight[name][:4], value, err_msg=name)


def test_a_scene_looks_the_same_wherever_and_whenever_it_is_played(env):
    """Backwards, after driving: row 7 - i shows what row i showed."""
    first = snapshot(env)
    drive(env, 0.6, -0.9, 3)
    env.play(range(7, -1, -1))
    again = snapshot(env)
    for name, value in first.items():
        np.testing.assert_array_equal(again[name][::-1], value, err_msg=name)


def test_others_stay_where_they_are_when_some_reset(env):
    """Rows 1 and 5 begin anew; the others keep every bit: bodies, speeds, cameras, least clearance, picture."""
    drive(env, 0.6, 0.4, 4)
    kept = [0, 2, 3, 4, 6, 7]
    before, picture, clearance = bodies(env), env.render_images().noisy.copy(), env.min_clearance.clone()
    moving = env.robot.data.root_vel_w.torch.clone()
    env._queue.extend([70, 71])
    env._reset_idx(torch.tensor([1, 5]))
    after = bodies(env)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[kept], old[kept])
        assert (new[[1, 5]] != old[[1, 5]]).any()
    assert torch.equal(env.robot.data.root_vel_w.torch[kept], moving[kept])
    assert torch.equal(env.min_clearance[kept], clearance[kept]) and torch.isinf(env.min_clearance[[1, 5]]).all()
    now = env.render_images().noisy
    np.testing.assert_array_equal(now[kept], picture[kept])
    assert (now[[1, 5]] != picture[[1, 5]]).any((1, 2)).all()
    assert env.scene_ids.tolist() == [0, 70, 2, 3, 4, 71, 6, 7]


def test_an_idle_environment_waits(env):
    """With three scenes for eight environments, five stand at a start, are not active and finish nothing."""
    env.play([5, 6, 7])
    assert env.active.tolist() == [True] * 3 + [False] * 5
    drive(env, 0.0, 0.0, 2)
    assert len(env.finished.env_ids) == 0 and (env.outcome == 0).all()


def test_observations_are_depth_as_the_camera_sees_it(env):
    """One channel, metres, finite, 0 where there is none; the clean picture is whole, and nothing is zeros."""
    noisy = drive(env, 0.0, 0.0)["policy"]
    assert noisy.shape == (8, 1, 32, 32) and noisy.dtype == torch.float32
    assert torch.isfinite(noisy).all() and (noisy >= 0).all() and (noisy <= camera.RENDER_FAR * 1.1).all()
    np.testing.assert_array_equal(noisy[:, 0].numpy(), env.images.noisy)
    seen = env.images.clean > 0
    assert (env.images.noisy != env.images.clean)[seen].mean() > 0.9
    env.observe = "clean"
    clean = drive(env, 0.0, 0.0)["policy"]
    # Only the sky above the walls is out of sight.
    assert (clean[:, :, 20:] > 0.02).all() and (clean <= camera.RENDER_FAR).all()
    assert ((clean == 0) | (clean > 0.02)).all()
    env.observe = "nothing"
    assert not drive(env, 0.0, 0.0)["policy"].any()
    assert env.images.colour.shape == (8, 32, 32, 3) and env.images.colour.dtype == np.uint8


def test_noise_changes_from_tick_to_tick_but_not_from_run_to_run(env):
    """Standing still, two ticks differ; the same tick of the same scene does not."""
    first = [drive(env, 0.0, 0.0)["policy"].clone() for _ in range(2)]
    assert not torch.equal(*first)
    env.play(range(8))
    again = [drive(env, 0.0, 0.0)["policy"].clone() for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_both_engines_show_the_same_scene(env, request):
    """The renderer and the draws decide a picture, not the engine: clean depth agrees to a millimetre, but for
    edges.
    """
    seen = request.config.__dict__.setdefault("_clean_of_engines", [])
    seen.append(env.images.clean.copy())
    if len(seen) == 2:
        apart = np.abs(seen[0] - seen[1])
        assert (apart < 1e-3).mean() > 0.995


def test_the_task_is_registered_through_its_entry_point():
    """Isaac Lab finds it in its own group; Gymnasium has it with its configuration."""
    from importlib.metadata import entry_points

    import gymnasium

    found = {entry.name: entry for entry in entry_points(group="isaaclab.tasks")}
    assert found["sim2real_tasks"].value == "sim2real_tasks"
    found["sim2real_tasks"].load()
    spec = gymnasium.spec(TASK)
    assert spec.entry_point == "sim2real_tasks.avoidance.env:AvoidanceEnv"
    assert spec.kwargs["env_cfg_entry_point"].endswith("AvoidanceEnvCfg")


def test_play_mode_is_small():
    """What ``isaaclab play`` calls."""
    from sim2real_tasks.avoidance.env_cfg import AvoidanceEnvCfg

    cfg = AvoidanceEnvCfg()
    assert cfg.scene.num_envs == 64
    cfg.play_mode()
    assert cfg.scene.num_envs == 16
    cfg.set_image_size(224)
    assert cfg.observation_space == [1, cfg.scene.camera.height, cfg.scene.camera.width] == [1, 224, 224]


@pytest.mark.parametrize(
    ("task", "physics", "changes", "message"),
    [
        (TASK, "bullet", {}, "unknown physics 'bullet'; allowed: newton_mjwarp, ovphysx, isaacsim_physx"),
        ("Sim2Real-Nothing", "newton_mjwarp", {}, f"unknown task 'Sim2Real-Nothing'; ours: {TASK}, "),
        (TASK, "newton_mjwarp", {"scene.num_env": 4}, "the task's configuration has no 'scene.num_env'"),
        (TASK, "newton_mjwarp", {"scenes.num_envs": 4}, "the task's configuration has no 'scenes.num_envs'"),
    ],
)
def test_what_cannot_be_started_is_a_clear_error(task, physics, changes, message):
    """Unknown names are told with those that exist, before an engine starts."""
    with pytest.raises(LaunchError) as error, make_env(task, physics, **changes):
        pass
    assert message in str(error.value)


def test_isaac_sim_is_asked_for_by_name():
    """Without Isaac Sim, its preset is an error that says how to start it there."""
    import importlib.util

    if importlib.util.find_spec("isaacsim"):
        pytest.skip("Isaac Sim is installed")
    with pytest.raises(LaunchError, match="needs the Python module 'isaacsim'.*python.sh, or choose another engine"):
        check_physics("isaacsim_physx")


def test_an_unknown_spec_is_an_error_and_the_next_start_works(tmp_path):
    """The spec is read before the engine holds anything; another environment opens in the same process."""
    physics = "ovphysx" if HAS_PHYSX else "newton_mjwarp"
    with pytest.raises(SpecError, match="no_such_spec"), open_env(physics, spec="no_such_spec"):
        pass
    with open_env(physics, num_envs=1) as env:
        assert env.reset()[0]["policy"].shape == (1, 1, 32, 32)
