"""The gap-follower on analytic scenes: boxes on a floor, seen by an ideal camera traced ray by ray."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_tasks.avoidance.gap_follower import (
    FORWARD,
    LEFT,
    RIGHT,
    GapFollowerParams,
    _rotation,
    label,
    measure_clearance,
)

SIZE = 64
FOCAL = SIZE / (2 * np.tan(np.deg2rad(50.0)))  # 100 degrees of view
CENTRE = SIZE / 2
HEIGHT = 0.2
MOUNT = np.array([0.0, 0.0, HEIGHT])
EVERYTHING_FREE = 1.8 - 0.75


def trace(boxes, position=MOUNT, rotation=(0.0, 0.0, 0.0), focal=FOCAL, size=SIZE, far=8.0):
    """Planar depth (size, size) of axis-aligned boxes ((x0, y0, z0), (x1, y1, z1)) on an infinite floor [m]."""
    pixel = np.arange(size) + 0.5
    across, up = np.meshgrid((size / 2 - pixel) / focal, (size / 2 - pixel) / focal, indexing="xy")
    rays = np.stack([np.ones_like(across), across, up], axis=-1) @ _rotation(np.array([rotation]))[0].T
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(rays[..., 2] < 0, -position[2] / rays[..., 2], far)
        for low, high in boxes:
            t0, t1 = (np.array(low) - position) / rays, (np.array(high) - position) / rays
            enter, leave = np.minimum(t0, t1).max(-1), np.maximum(t0, t1).min(-1)
            hit = np.where((enter <= leave) & (enter > 0), np.minimum(hit, enter), hit)
    return np.minimum(hit, far).astype(np.float32)


def ask(depth, **kwargs):
    """Label one depth image."""
    kwargs = {"camera_position": MOUNT, **kwargs}
    labels, margins = label(depth[None], FOCAL, FOCAL, CENTRE, CENTRE, **kwargs)
    return labels[0], margins[0]


def box(x, y, z=0.25, half=0.2, half_z=0.25):
    """A box by its centre and half extents."""
    return (x - half, y - half, z - half_z), (x + half, y + half, z + half_z)


def test_empty_floor_is_free():
    """A bare floor has no obstacle: forward, with all the margin there is."""
    answer, margin = ask(trace([]))
    assert answer == FORWARD
    assert margin == pytest.approx(EVERYTHING_FREE, abs=1e-6)


@pytest.mark.parametrize("x", [0.3, 0.5, 0.74])
def test_wall_inside_the_lookahead_turns_left_by_convention(x):
    """A wall across the view blocks the way and opens neither side: a turn, without margin."""
    answer, margin = ask(trace([((x, -9.0, 0.0), (x + 0.1, 9.0, 1.0))]))
    assert answer == LEFT
    assert margin == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("x", [0.76, 1.0, 1.5])
def test_wall_beyond_the_lookahead_leaves_its_distance_as_margin(x):
    """The margin of forward is the free length beyond the look-ahead, in metres."""
    answer, margin = ask(trace([((x, -9.0, 0.0), (x + 0.1, 9.0, 1.0))]))
    assert answer == FORWARD
    assert margin == pytest.approx(x - 0.75, abs=1e-5)


@pytest.mark.parametrize(("y", "expected"), [(0.15, RIGHT), (-0.15, LEFT)])
def test_box_in_the_way_is_passed_on_the_open_side(y, expected):
    """A box in the corridor, off the centre line, sends the robot to the other side."""
    answer, margin = ask(trace([box(0.7, y)]))
    assert answer == expected
    assert -0.25 <= margin < 0


@pytest.mark.parametrize("y", [0.6, -0.6])
def test_box_beside_the_corridor_does_not_matter(y):
    """The near face of the box lies 8 cm outside the corridor."""
    assert ask(trace([box(0.7, y)]))[0] == FORWARD


@pytest.mark.parametrize(("y", "blocked"), [(0.47, True), (0.57, False)])
def test_corridor_has_the_given_half_width(y, blocked):
    """A box of half width 0.2 whose inner side stands at 0.27 m is in the way, at 0.37 m it is not."""
    assert (ask(trace([box(0.7, y)]))[0] != FORWARD) == blocked


@pytest.mark.parametrize(
    ("low", "high", "blocked"),
    [(0.0, 0.03, False), (0.0, 0.10, True), (0.60, 0.90, False), (0.40, 0.90, True)],
)
def test_only_the_height_band_counts(low, high, blocked):
    """A doormat and a bridge are no obstacles, a kerb and a table edge are."""
    scene = [((0.5, -9.0, low), (0.9, 9.0, high))]
    assert (ask(trace(scene))[0] != FORWARD) == blocked


def test_no_data_is_no_obstacle():
    """Zero, negative, NaN and infinite depth are free, beside a real box that is not."""
    depth = trace([box(0.7, 0.15)])
    depth[:, 50] = 0.0
    depth[:, 52] = np.nan
    depth[:, 54] = np.inf
    depth[:, 56] = -1.0
    assert ask(depth)[0] == RIGHT
    for nothing in (0.0, np.nan, np.inf, -1.0):
        assert ask(np.full((SIZE, SIZE), nothing, np.float32)) == (FORWARD, pytest.approx(EVERYTHING_FREE))


SCENES = st.lists(
    st.tuples(st.floats(0.4, 1.6), st.floats(-0.9, 0.9), st.floats(0.05, 0.3)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=40, deadline=None)
@given(SCENES)
def test_mirrored_images_have_mirrored_labels(scene):
    """Flipping an image left to right swaps the turns and keeps forward and every margin."""
    depth = trace([box(x, y, half=half) for x, y, half in scene])
    answer, margin = ask(depth)
    mirrored, mirrored_margin = ask(depth[:, ::-1])
    assert mirrored_margin == pytest.approx(margin, abs=1e-5)
    if answer == FORWARD or abs(margin) > 1e-5:
        assert mirrored == {FORWARD: FORWARD, LEFT: RIGHT, RIGHT: LEFT}[answer]


@settings(max_examples=40, deadline=None)
@given(
    SCENES,
    st.tuples(*[st.floats(-0.03, 0.03)] * 3),
    st.tuples(*[st.floats(-0.06, 0.06)] * 3),
    st.floats(0.9, 1.1),
)
def test_a_known_camera_pose_and_focal_length_do_not_change_the_corridor(scene, shift, turn, scale):
    """What is measured belongs to the scene: a moved, turned, zoomed camera finds the same wall and the same floor."""
    wall = 0.4 + scene[0][0] / 2
    depth = trace([((wall, -9.0, 0.0), (wall + 0.1, 9.0, 1.0))], MOUNT + shift, turn, FOCAL * scale)
    seen = measure_clearance(depth[None], FOCAL * scale, FOCAL * scale, CENTRE, CENTRE, MOUNT + shift, np.array(turn))
    assert seen.corridor[0] == pytest.approx(wall, abs=1e-4)
    assert seen.left[0] == pytest.approx(wall, abs=1e-4)
    assert seen.right[0] == pytest.approx(wall, abs=1e-4)
    floor = trace([], MOUNT + shift, turn, FOCAL * scale)
    assert measure_clearance(
        floor[None], FOCAL * scale, FOCAL * scale, CENTRE, CENTRE, MOUNT + shift, np.array(turn)
    ).corridor[0] == pytest.approx(1.8)


def test_ignoring_a_camera_that_looks_down_takes_the_floor_for_an_obstacle():
    """The pose matters: the image of a bare floor is misread when the pitch is not known."""
    depth = trace([], rotation=(0.0, 0.35, 0.0))
    assert ask(depth, camera_rotation=np.array([0.0, 0.35, 0.0]))[0] == FORWARD
    assert ask(depth)[0] != FORWARD


def test_rows_do_not_influence_each_other():
    """A batch with per-row poses and focal lengths equals its rows asked one by one."""
    rng = np.random.default_rng(3)
    shift, turn, scale = rng.uniform(-0.03, 0.03, (8, 3)), rng.uniform(-0.06, 0.06, (8, 3)), rng.uniform(0.9, 1.1, 8)
    depth = np.stack(
        [trace([box(0.8, y)], MOUNT + shift[i], turn[i], FOCAL * scale[i]) for i, y in enumerate(np.linspace(-1, 1, 8))]
    )
    together = label(depth, FOCAL * scale, FOCAL * scale, CENTRE, CENTRE, MOUNT + shift, turn)
    for i in range(8):
        alone = label(depth[i : i + 1], FOCAL * scale[i], FOCAL * scale[i], CENTRE, CENTRE, MOUNT + shift[i], turn[i])
        assert alone[0][0] == together[0][i]
        assert alone[1][0] == together[1][i]
    assert set(together[0]) == {FORWARD, LEFT, RIGHT}


def test_wrong_arguments_are_named():
    """Errors say what came and what is allowed."""
    depth = np.ones((2, 4, 4), np.float32)
    with pytest.raises(ValueError, match=r"depth has shape \(4, 4\)"):
        label(depth[0], 1, 1, 2, 2, MOUNT)
    with pytest.raises(ValueError, match="uint16"):
        label(depth.astype(np.uint16), 1, 1, 2, 2, MOUNT)
    with pytest.raises(ValueError, match=r"camera_position has shape \(3, 3\); allowed: \(3,\).*\(2, 3\)"):
        label(depth, 1, 1, 2, 2, np.ones((3, 3)))
    with pytest.raises(ValueError, match="lookahead_m is 2.0"):
        GapFollowerParams(lookahead_m=2.0)
