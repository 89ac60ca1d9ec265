"""Scenes: as many obstacles as drawn, a way that another planner finds too, and no way straight ahead."""

import re

import numpy as np
import pytest
from scipy import ndimage

from sim2real.draws import Draws
from sim2real.spec import load_spec
from sim2real_tasks.avoidance import arena, layout
from sim2real_tasks.robots.rover import BASE_HALF_LENGTH, BASE_HALF_WIDTH, TRACK, WHEEL_RADIUS

SCENES = np.arange(1000, 1400)
ROVER_RADIUS = max(np.hypot(BASE_HALF_LENGTH, BASE_HALF_WIDTH), TRACK / 2 + WHEEL_RADIUS)
HALF_WIDTH = TRACK / 2 + WHEEL_RADIUS
CELL = 0.05
X, Y = np.meshgrid(
    np.arange(arena.ENTRANCE_X + CELL / 2, arena.LENGTH, CELL),
    np.arange(-arena.WIDTH / 2 + CELL / 2, arena.WIDTH / 2, CELL),
    indexing="ij",
)


@pytest.fixture(scope="module")
def spec():
    """The preset on a seed of its own."""
    return load_spec("avoidance").with_seed(4711)


@pytest.fixture(scope="module")
def scenes(spec):
    """Four hundred scenes."""
    return layout.draw_layouts(spec, SCENES)


def distance(x, y, pose, used):
    """Distance of points to the true shapes of one scene [m]: boxes with corners, round cylinders."""
    least = np.full(np.shape(x), np.inf)
    for obstacle, (ox, oy, yaw) in zip(np.array(arena.OBSTACLES)[used], pose[used], strict=True):
        dx, dy = x - ox, y - oy
        if obstacle.kind == "cylinder":
            apart = np.hypot(dx, dy) - obstacle.half_x
        else:
            along = np.abs(np.cos(yaw) * dx + np.sin(yaw) * dy) - obstacle.half_x
            across = np.abs(np.cos(yaw) * dy - np.sin(yaw) * dx) - obstacle.half_y
            apart = np.hypot(along.clip(0), across.clip(0)) + np.maximum(along, across).clip(max=0)
        least = np.minimum(least, apart)
    return least


def test_counts_are_the_specs(scenes):
    """Eight to twelve, each about as often as the others: drawing a bad scene again does not thin out full ones."""
    counts = scenes.used.sum(1)
    found = np.bincount(counts, minlength=13)
    assert found[8:13].sum() == len(SCENES)
    assert (found[8:13] > 0.12 * len(SCENES)).all(), found


@pytest.mark.parametrize("count", [8, 12])
def test_the_drawn_count_is_the_count(tmp_path, count):
    """A spec that asks for one number gets it in every scene."""
    asked = edited_spec(tmp_path, r"uniform_int: \[8, 12\]", f"uniform_int: [{count}, {count}]")
    assert (layout.draw_layouts(asked, SCENES[:60]).used.sum(1) == count).all()


def test_another_planner_finds_a_way_through_every_scene(scenes):
    """On cells of 5 cm and with true shapes, the rover's circumscribed disc gets from any start to the far side.

    Neighbouring free cells are half a cell from their common edge, and a distance changes by at most that on the way
    there, so a chain of free cells is a continuous way.
    """
    walls = np.minimum(arena.WIDTH / 2 - np.abs(Y), X - arena.ENTRANCE_X)
    starts = (np.abs(X - arena.START_X) <= CELL / 2 + 1e-9) & (np.abs(Y) <= 0.6)
    for pose, used in zip(scenes.pose, scenes.used, strict=True):
        room = np.minimum(distance(X, Y, pose, used), walls)
        regions, _ = ndimage.label(room > ROVER_RADIUS + CELL / 2)
        assert (regions[starts] > 0).all()
        assert set(np.unique(regions[starts])) <= set(np.unique(regions[arena.GOAL_X <= X]))


def test_the_planner_of_this_test_can_say_no():
    """A closed row of boxes has no way through, for either planner."""
    pose, used = np.zeros((1, layout.COUNT, 3), np.float32), np.ones((1, layout.COUNT), bool)
    pose[0, :, 0], pose[0, :, 1] = 4.0, np.linspace(-1.9, 1.9, layout.COUNT)
    regions, _ = ndimage.label(distance(X, Y, pose[0], used[0]) > ROVER_RADIUS)
    assert not set(np.unique(regions[X < 1])) & set(np.unique(regions[X > 8]))
    assert not layout.passable(pose, used)[0]
    assert layout.passable(pose, ~used)[0]


def test_nothing_stands_near_a_start(spec, scenes):
    """From any drawn start the rover can turn on the spot with 20 cm to spare."""
    y = np.linspace(-0.6, 0.6, 25)
    for pose, used in zip(scenes.pose, scenes.used, strict=True):
        assert distance(np.full(25, arena.START_X), y, pose, used).min() > ROVER_RADIUS + 0.2
    low, high = spec.terms["start_position"].dist.bounds()
    assert np.min(low) >= -0.6 and np.max(high) <= 0.6


def test_gaps_are_wide_or_closed(scenes):
    """Between two obstacles, and to the side walls: room to drive, or none that anyone would try."""

    def fine(gap):
        return (gap >= layout.GAP - 1e-5) | (np.abs(gap) <= layout.CLOSED + 1e-5)

    radius = np.array([o.radius for o in arena.OBSTACLES])
    for pose, used in zip(scenes.pose, scenes.used, strict=True):
        place, r = pose[used, :2].astype(float), radius[used]
        pairs = np.linalg.norm(place[:, None] - place[None], axis=-1) - r[:, None] - r
        assert fine(pairs[np.triu_indices(len(r), 1)]).all()
        assert fine(arena.WIDTH / 2 - np.abs(place[:, 1]) - r).all()


def test_the_straight_way_is_blocked(scenes):
    """Along the middle, the rover's width meets something in every scene."""
    x = np.arange(arena.START_X, arena.GOAL_X, 0.02)
    for pose, used in zip(scenes.pose, scenes.used, strict=True):
        assert distance(x, np.zeros_like(x), pose, used).min() < HALF_WIDTH


def test_obstacles_stand_inside_and_others_are_parked_below(scenes):
    """What is used stands on the floor between the walls; the rest waits under it."""
    assert (np.abs(scenes.pose[scenes.used][:, 1]) < arena.WIDTH / 2).all()
    assert (scenes.height[scenes.used] == np.float32(arena.HEIGHT / 2)).all()
    assert (scenes.height[~scenes.used] + arena.HEIGHT < -1).all()


def test_a_scene_depends_on_its_number_alone(spec, scenes):
    """One at a time, backwards, in another company: bit for bit the same."""
    backwards = layout.draw_layouts(spec, SCENES[63::-1])
    np.testing.assert_array_equal(backwards.pose[::-1], scenes.pose[:64])
    np.testing.assert_array_equal(backwards.used[::-1], scenes.used[:64])
    for row in range(0, 64, 9):
        alone = layout.draw_layouts(spec, SCENES[row : row + 1])
        np.testing.assert_array_equal(alone.pose[0], scenes.pose[row])
        np.testing.assert_array_equal(alone.used[0], scenes.used[row])


def test_scenes_episodes_and_seeds_are_different(spec, scenes):
    """No two scenes are alike, and another episode or seed is another scene."""
    assert len({pose.tobytes() for pose in scenes.pose}) == len(SCENES)
    episodes = np.arange(8) % 2
    mixed = layout.draw_layouts(spec, SCENES[:8], episodes)
    same = (mixed.pose == scenes.pose[:8]).all((1, 2))
    np.testing.assert_array_equal(same, episodes == 0)
    assert (layout.draw_layouts(spec.with_seed(5), SCENES[:8]).pose != scenes.pose[:8]).any((1, 2)).all()


def test_the_drawn_yaw_is_the_obstacles_yaw(spec, scenes):
    """The layout keeps the first good draw: its yaws are those of one occurrence of the spec's term."""
    draws, dist = Draws(spec.seed), spec.terms["obstacle_yaw"].dist
    tries = [
        draws.sample("obstacle_yaw", dist, SCENES, 0, count=layout.COUNT, occurrence=k)
        for k in range(layout.MAX_ATTEMPTS)
    ]
    matches = np.array([(yaw.astype(np.float32) == scenes.pose[..., 2]).all(1) for yaw in tries])
    assert (matches.sum(0) == 1).all()
    assert matches[0].mean() > 0.3


def edited_spec(folder, pattern, replacement):
    """The preset with one text replaced."""
    text = re.sub(pattern, replacement, load_spec("avoidance").to_yaml(), count=1)
    assert text != load_spec("avoidance").to_yaml(), f"{pattern} is not in the preset"
    (folder / "edited.yaml").write_text(text)
    return load_spec(folder / "edited.yaml").with_seed(4711)


def test_an_impossible_spec_is_an_error(tmp_path):
    """Twelve obstacles in a square of 40 cm: the scene is named, and what to change."""
    text = load_spec("avoidance").to_yaml()
    crowded = re.sub(r"\[\[1\.6, -1\.95, 0(?:\.0)?\], \[7\.4, 1\.95, 0(?:\.0)?\]\]", "[[3, 0, 0], [3.4, 0.4, 0]]", text)
    assert crowded != text, text
    (tmp_path / "crowded.yaml").write_text(crowded)
    with pytest.raises(layout.LayoutError, match=r"scene 5 has no good layout after 20 draws; lower obstacle_count"):
        layout.draw_layouts(load_spec(tmp_path / "crowded.yaml"), np.array([5]))
