"""Driving in the real engines: commands become motion, episodes end as they should, obstacles move as they say."""

import numpy as np
import pytest
import torch

from engine_env import ENGINES, bodies, drive, empty, open_env, put
from sim2real_tasks.avoidance import arena, geometry, layout
from sim2real_tasks.avoidance.env import OUTCOMES
from sim2real_tasks.robots.rover import WHEEL_RADIUS


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """Eight environments of one engine."""
    with open_env(request.param) as env:
        env.observe = "nothing"
        yield env


@pytest.fixture
def env(engine):
    """The same, freshly reset, with nothing moving."""
    engine.cfg.moving, engine.cfg.moving_speed = 0, 0.25
    engine.play(range(8))
    return engine


def test_a_second_forward_is_half_a_metre(env):
    """0.6 m/s for 1 s from rest: 0.60 m less the start's slip, straight ahead (0.565 m on Newton, 0.560 on PhysX)."""
    put(env, [[0.5, 0.0, 0.0]] * 8)
    drive(env, 0.6, 0.0, 10)
    moved = env.pose.numpy() - [0.5, 0.0, 0.0]
    assert (np.abs(moved[:, 0] - 0.57) < 0.03).all(), moved
    assert (np.abs(moved[:, 1]) < 0.02).all() and (np.abs(moved[:, 2]) < 0.08).all(), moved


@pytest.mark.parametrize("sign", [1, -1])
def test_a_second_of_turning_is_the_commanded_angle(env, sign):
    """1.2 rad/s for 1 s on the spot: 1.2 rad within 0.1 (1.28 on Newton, which overshoots once; 1.18 on PhysX)."""
    put(env, [[0.5, 0.0, 0.0]] * 8)
    drive(env, 0.0, 1.2 * sign, 10)
    moved = env.pose.numpy() - [0.5, 0.0, 0.0]
    assert (np.abs(moved[:, 2] - 1.2 * sign) < 0.1).all(), moved
    assert (np.abs(moved[:, :2]) < 0.02).all(), moved


def test_no_command_is_no_motion(env):
    """The rover rests on its wheels, level, for a second."""
    put(env, [[0.5, 0.1 * i, 0.3 * i] for i in range(8)])
    before = env.pose.clone()
    drive(env, 0.0, 0.0, 10)
    torch.testing.assert_close(env.pose, before, atol=2e-3, rtol=0)
    rover, _, _ = bodies(env)
    np.testing.assert_allclose(rover[:, 2], WHEEL_RADIUS, atol=2e-3)
    assert (np.abs(rover[:, 3:5]) < 0.01).all()


def test_episodes_do_not_remember(env):
    """The same place and commands give the same motion, bit for bit, after a hard turn and after rest."""

    def go():
        put(env, [[0.5, 0.0, 0.0]] * 8)
        drive(env, 0.6, 0.3, 4)
        return env.pose.clone()

    first = go()
    drive(env, 0.03, -1.2, 5)
    assert torch.equal(go(), first)


def test_into_a_box_is_a_collision_and_the_engine_stops_it(env):
    """Contact shapes meet where the exact clearance is 0, within 4 mm, in every lane."""
    env.episode_length_buf[:] = 0
    put(env, [[1.2, 0.02 * i, 0.0] for i in range(8)], [[2.0, 0.0, 0.0]] * 8)
    for _ in range(20):
        drive(env, 0.6, 0.0)
        if len(env.finished.env_ids):
            break
    assert env.finished.outcome == ("collision",) * 8
    assert (np.abs(env.finished.clearance) < 4e-3).all(), env.finished.clearance
    assert not env.finished.at_wall.any()
    reach = 2.0 - arena.OBSTACLES[0].half_x - 0.16
    np.testing.assert_allclose(env.finished.pose[:, 0], reach, atol=6e-3)


def test_each_ending_is_told_from_the_others(env):
    """Success, wall, obstacle, timeout and none, side by side in one step; rewards say the same."""
    rover = [[1.5, 0.0, 0.0]] * 8
    rover[0] = [arena.GOAL_X - 0.01, 0.0, 0.0]
    rover[1] = [3.0, arena.WIDTH / 2 - 0.165, np.pi / 2]
    rover[2] = [3.68, -1.0, 0.0]
    put(env, rover, [[4.05, -1.0, 0.0]] * 8)
    env.episode_length_buf[3] = env.max_episode_length - 1
    rewards = env.step(torch.tensor([[0.6, 0.0]] * 8))[1]
    done = env.finished
    assert done.env_ids.tolist() == [0, 1, 2, 3]
    assert done.outcome == ("success", "collision", "collision", "timeout")
    assert done.at_wall[1] and not done.at_wall[2]
    assert done.time == pytest.approx([0.1, 0.1, 0.1, env.cfg.episode_length_s])
    assert done.scene.tolist() == [0, 1, 2, 3]
    assert done.pose[0, 0] > arena.GOAL_X and (done.clearance[1:3] < env.cfg.contact_clearance).all()
    assert [OUTCOMES[k] for k in env.outcome] == ["success", "collision", "collision", "timeout"] + ["running"] * 4
    assert rewards[0] > 4.9 and (rewards[1:3] < -4.9).all() and (rewards[3:].abs() < 0.1).all()


def test_the_way_between_two_ticks_counts(env):
    """Least clearance is that of the driven path, not of its ends."""
    put(env, [[2.0, 0.0, 0.0]] * 8, [[2.6, 0.7, 0.0]] * 8)
    env.min_clearance[:] = np.inf
    least = []
    for _ in range(14):
        drive(env, 0.6, 0.0)
        least.append(geometry.clearance(env.pose, env.obstacle_pose).min())
    assert env.min_clearance.min() <= min(least) + 1e-6
    assert env.min_clearance.min() == pytest.approx(0.7 - 0.22 - 0.2, abs=0.02)


def play_through(env, scenes):
    """Let every episode time out after one tick; the scenes in the order in which they finished."""
    env.play(scenes)
    seen = []
    for _ in range(2 * len(scenes) + 2):
        if not env.active.any():
            break
        env.episode_length_buf[:] = env.max_episode_length - 1
        active = env.active.copy()
        drive(env, 0.0, 0.0)
        assert active[env.finished.env_ids].all()
        seen += env.finished.scene.tolist()
    return seen


@pytest.mark.parametrize("count", [1, 5, 8, 21])
def test_each_scene_is_played_once(env, count):
    """Fewer, as many and more scenes than environments; idle environments finish nothing."""
    scenes = list(range(300, 300 + 3 * count, 3))
    assert sorted(play_through(env, scenes)) == scenes
    assert not env.active.any()
    drive(env, 0.0, 0.0)
    assert len(env.finished.env_ids) == 0


def test_the_engines_warn_of_nothing(env, capfd):
    """No contact is dropped for lack of room, no solver runs out of iterations: the engines print when they do."""
    drive(env, 0.6, 0.2, 6)
    out, err = capfd.readouterr()
    assert "exceeded" not in out + err and "limit reached" not in out + err, (out + err)[:300]


def test_moving_obstacles_go_back_and_forth(env):
    """The first two of each scene move at the given speed, from the first tick, stay in reach and in the arena, and are
    back after a period; the rest stand still; the engine's bodies are where the environment says.
    """
    env.cfg.moving, env.cfg.moving_speed = 2, 1.0
    env.play(range(500, 508))
    scenes = layout.draw_layouts(env.randomization, np.arange(500, 508))
    moves = scenes.used & (np.cumsum(scenes.used, 1) <= 2)
    period = round(4 * env.cfg.moving_reach / env.cfg.moving_speed / env.step_dt)
    pose = [env.obstacle_pose.clone().numpy()]
    env.active[:] = False  # nothing ends an episode, whatever drives into whom
    for _ in range(period):
        drive(env, 0.0, 0.0)
        pose.append(env.obstacle_pose.clone().numpy())
    path = np.stack(pose)
    np.testing.assert_array_equal(path[:, ~moves], np.broadcast_to(path[0, ~moves], path[:, ~moves].shape))
    np.testing.assert_array_equal(path[..., [0, 2]], np.broadcast_to(path[0][..., [0, 2]], path[..., [0, 2]].shape))
    y, home = path[:, moves, 1], scenes.pose[moves, 1]
    step, most = np.abs(np.diff(y, axis=0)), env.cfg.moving_speed * env.step_dt
    assert (step <= most + 1e-5).all()
    inside = (np.abs(y) < arena.WIDTH / 2 - 0.3 - 1e-3).all(0)  # these never wait at the arena's edge
    # Between the two turns of the wave every step is a full one.
    assert inside.any() and ((step[:, inside] > most - 1e-5).sum(0) >= period - 2).all()
    assert (np.abs(y - home)[:, inside] <= env.cfg.moving_reach + 1e-5).all()
    assert (np.abs(y) <= arena.WIDTH / 2 - 0.3 + 1e-5).all()
    np.testing.assert_allclose(np.ptp(y, axis=0)[inside], 2 * env.cfg.moving_reach, atol=2 * most)
    np.testing.assert_allclose(y[-1], y[0], atol=1e-4)
    _, obstacles, _ = bodies(env)
    where = obstacles[..., :2] - env.scene.env_origins[:, None, :2].numpy()
    np.testing.assert_allclose(where[scenes.used], path[-1][scenes.used][:, :2], atol=1e-3)


def test_moving_obstacles_are_the_same_in_any_company(env):
    """Scene 502 moves alike in another environment, beside others."""
    env.cfg.moving = 3
    env.play([502, *range(600, 607)])
    drive(env, 0.0, 0.0, 5)
    first = env.obstacle_pose[0].clone()
    env.play([*range(600, 605), 502, 605, 606])
    drive(env, 0.0, 0.0, 5)
    assert torch.equal(env.obstacle_pose[5], first)


def test_an_empty_arena_is_empty(env):
    """Parked obstacles touch nothing: straight through where they wait."""
    put(env, [[0.5, 0.0, 0.0]] * 8)
    drive(env, 0.6, 0.0, 12)
    assert (env.pose[:, 0] > 1.1).all() and (env.outcome == 0).all()
    assert not empty(8).used.any()
