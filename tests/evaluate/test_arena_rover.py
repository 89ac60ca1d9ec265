"""The rover in MuJoCo and DART: pictures against geometry, scenes against the task's, drives to the end."""

import numpy as np
import pytest
import torch

from sim2real.evaluate.engines.dart_rover import DartRover
from sim2real.evaluate.engines.mujoco_rover import MujocoRover
from sim2real.evaluate.engines.rover import ENGINES, check_rover, draw_start
from sim2real.evaluate.episodes import EpisodeTable, EvaluationError
from sim2real.evaluate.policies import AlwaysForwardPolicy, GapFollowerPolicy
from sim2real.evaluate.rollout import rollout
from sim2real.spec import load_spec, parse_spec
from sim2real_tasks.avoidance import arena, camera, layout
from sim2real_tasks.robots.rover import CAMERA_HEIGHT, CAMERA_POSITION

SPEC = load_spec("avoidance").with_seed(20261)
both = pytest.mark.parametrize("Rover", [MujocoRover, DartRover])


@both
def test_a_picture_is_what_stands_there(Rover):
    """Against rays cast by hand: floor, walls and obstacles, for scenes with a camera that is turned and moved."""
    env = Rover(SPEC, 3, 48, noise=False)
    env.play([4, 9, 2])
    focal = camera.nominal_focal_px(48) * env._cameras.focal_scale
    where = (np.arange(48) + 0.5 - 24) / focal[:, None]
    known = 0
    for i in range(3):
        yaw = env._pose[i, 2]
        body = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        roll, pitch, turn = env._cameras.rotation[i]
        cx, sx, cy, sy, cz, sz = (f(a) for a in (roll, pitch, turn) for f in (np.cos, np.sin))
        about = [[[1, 0, 0], [0, cx, -sx], [0, sx, cx]], [[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]]
        mount = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array(about[1]) @ np.array(about[0])
        offset = env._cameras.position[i] + np.array(CAMERA_POSITION)
        eye = np.array([*env._pose[i, :2], CAMERA_HEIGHT - CAMERA_POSITION[2]]) + body @ offset
        for row, column in [(44, 5), (44, 24), (46, 40), (24, 1), (24, 46), (24, 24), (30, 12)]:
            ray = body @ mount @ [1.0, -where[i, column], -where[i, row]]
            expected = _nearest(eye, ray, env._obstacles[i])
            seen = env.images.clean[i, row, column]
            if expected is None or expected > camera.NOTHING:
                assert seen == 0.0
            else:
                known += 1
                assert seen == pytest.approx(expected, abs=1e-4)
    assert known >= 15
    assert env.images.colour[0, 46, 24].tolist() == [81, 84, 86]  # the floor


def _nearest(eye, ray, obstacles):
    """Least t > 0 at which eye + t ray meets floor, walls or obstacles; None: nowhere."""
    found = []

    def keep(t, low=0.0, high=arena.HEIGHT):
        if t > 0 and low - 1e-9 <= eye[2] + t * ray[2] <= high:
            found.append(t)

    if ray[2] < 0:
        found.append(-eye[2] / ray[2])
    for side in (-1, 1):
        t = (side * arena.WIDTH / 2 - eye[1]) / ray[1]
        if arena.ENTRANCE_X <= eye[0] + t * ray[0] <= arena.LENGTH:
            keep(t)
    for (x, y, yaw), shape in zip(obstacles, arena.OBSTACLES, strict=True):
        if shape.kind == "cylinder":
            relative = eye[:2] - (x, y)
            a, b, c = ray[:2] @ ray[:2], relative @ ray[:2], relative @ relative - shape.half_x**2
            if b * b > a * c:
                keep((-b - np.sqrt(b * b - a * c)) / a)
        else:
            turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
            start, way = turn @ (eye[:2] - (x, y)), turn @ ray[:2]
            half = np.array([[-shape.half_x, shape.half_x], [-shape.half_y, shape.half_y]])
            times = np.sort((half - start[:, None]) / way[:, None], axis=1)
            enter, leave = times[:, 0].max(), times[:, 1].min()
            if enter < leave:
                keep(enter)
    return min(found) if found else None


def test_both_take_the_same_picture():
    """MuJoCo's ray casts against our own: depth and colour of all but a few pixels on edges."""
    seen = []
    for Rover in (MujocoRover, DartRover):
        env = Rover(SPEC, 4, 96, noise=False)
        env.play([4, 9, 2, 17])
        seen.append(env.images)
    one, other = seen
    assert (np.abs(one.clean - other.clean) < 1e-3).mean() > 0.999
    assert (one.colour == other.colour).all(-1).mean() > 0.99
    assert len(np.unique(other.colour.reshape(-1, 3), axis=0)) > 8


@both
def test_scenes_are_the_tasks(Rover):
    env = Rover(SPEC, 2, 16, noise=True)
    env.play([7, 3])
    drawn = layout.draw_layouts(SPEC, np.array([7, 3]))
    np.testing.assert_array_equal(env.obstacle_used.numpy(), drawn.used)
    np.testing.assert_allclose(env.obstacle_pose.numpy()[drawn.used], drawn.pose[drawn.used], atol=1e-6)
    np.testing.assert_allclose(env.pose.numpy(), draw_start(SPEC, np.array([7, 3])), atol=1e-6)
    assert np.abs(env.images.noisy - env.images.clean).max() > 0.01
    other = Rover(SPEC, 1, 16, noise=True)
    other.play([3])
    np.testing.assert_array_equal(other.images.clean[0], env.images.clean[1])
    np.testing.assert_array_equal(other.images.noisy[0], env.images.noisy[1])


@both
def test_a_drive_is_what_the_wheels_say(Rover):
    """Half a metre a second forwards, then half a turn on the spot: where a rover without slip would be."""
    env = Rover(SPEC, 1, 16, noise=False)
    env.observe = "nothing"
    env.play([6])  # a scene with a free way straight on
    start = env._pose[0].copy()
    for speeds, steps in (((0.5, 0.0), 20), ((0.0, 0.0), 3), ((0.0, 1.0), 15), ((0.0, 0.0), 3)):
        for _ in range(steps):
            env.step(torch.tensor([speeds]))
    moved, turned = env._pose[0, :2] - start[:2], env._pose[0, 2] - start[2]
    along = moved @ [np.cos(start[2]), np.sin(start[2])]
    assert along == pytest.approx(1.0, abs=0.04)
    assert np.linalg.norm(moved) == pytest.approx(along, abs=0.01)
    assert turned == pytest.approx(1.5, abs=0.08)
    assert env.active.all()


@both
def test_driving_ends_as_it_must(Rover):
    """Straight on meets an obstacle; the gap-follower gets through; more scenes than rovers, each once."""
    tables = {}
    for policy in (AlwaysForwardPolicy(), GapFollowerPolicy()):
        env, table = Rover(SPEC, 1, 96, noise=False), EpisodeTable()
        rollout(env, policy, range(2), table, "here")
        tables[policy.name] = list(table)
    assert [e.scene for e in tables["gap_follower"]] == [0, 1]
    assert {e.outcome for e in tables["always_forward"]} == {"collision"}
    assert {e.outcome for e in tables["gap_follower"]} == {"success"}
    assert all(e.min_clearance_m < 0.002 for e in tables["always_forward"])
    for e in tables["gap_follower"]:
        assert 7.0 < e.distance_m < 12.0 and 0.4 < e.distance_m / e.time_s < 0.7


@pytest.mark.parametrize("engine", ENGINES)
def test_what_only_isaac_lab_plays_is_refused(engine):
    text = SPEC.to_yaml().replace(
        "\nterms:\n", "\nterms:\n  heavy: {target: body.mass, op: scale, dist: {constant: 2}}\n"
    )
    with pytest.raises(EvaluationError, match=f"terms.heavy: in {engine} the rover knows scenes"):
        check_rover(engine, parse_spec(text, "heavy.yaml"))
    with pytest.raises(EvaluationError, match="signals.depth, signals.command: in"):
        check_rover(engine, parse_spec(text_with_delays(), "late.yaml"))
    with pytest.raises(EvaluationError, match=f"obstacles stand still in {engine}"):
        check_rover(engine, SPEC, moving=2)


def text_with_delays():
    """The scenes of `avoidance`, with the delays of `rover`."""
    rover = load_spec("rover").to_yaml()
    return SPEC.to_yaml().replace(
        "\nvision:", "\n" + rover[rover.index("signals:") : rover.index("vision:")] + "vision:"
    )
