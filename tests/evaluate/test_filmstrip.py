"""Pictures of episodes: what is drawn stands where the geometry says, in the colours that the key says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sim2real.evaluate.drawing import BOX, CYLINDER, FLOOR, NO_DATA, OUTCOME_COLOURS, colour_depth
from sim2real.evaluate.filmstrip import SceneGeometry, filmstrip, path_map


def rgb(colour):
    """``#rrggbb`` as a tuple."""
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def frame(x=1.0, y=0.0, yaw=0.0, depth=1.0, time_s=0.0, action="forward", colour=None):
    """One moment with a flat depth image."""
    return {
        "time_s": time_s,
        "pose": (x, y, yaw),
        "depth_m": np.full((24, 24), depth),
        "colour": colour,
        "action": action,
    }


EMPTY = SceneGeometry(length=9.0, width=4.0)


@given(hnp.arrays(np.float64, (6, 6), elements=st.floats(allow_nan=True, allow_infinity=True, width=32)))
def test_depth_colours_say_no_data_exactly_where_there_is_none(depth):
    """Grey means zero, negative, NaN or infinite, and nothing else is grey."""
    image = colour_depth(depth)
    valid = np.isfinite(depth) & (depth > 0)
    assert image.dtype == np.uint8 and image.shape == (6, 6, 3)
    assert np.array_equal((image == NO_DATA).all(-1), ~valid)


def test_nearer_is_brighter():
    """Brightness falls with depth, all the way from near to far."""
    brightness = colour_depth(np.linspace(0.1, 4.0, 200)[None])[0].astype(float).mean(axis=1)
    assert (np.diff(brightness) <= 0.5).all()
    assert brightness[0] > brightness[-1] + 50


def map_pixel(picture, scene, x, y):
    """The pixel of a path map at a place in metres."""
    scale = min(
        (1240 - 28) / (scene.length + 0.3),
        round((1240 - 28) * (scene.width + 0.3) / (scene.length + 0.3)) / (scene.width + 0.3),
    )
    return picture.getpixel((round(14 + (x + 0.15) * scale), round(44 + (scene.width / 2 + 0.15 - y) * scale)))


def test_map_draws_obstacles_where_they_stand():
    """A turned box and a cylinder cover their centres and leave their surroundings free: x right, y up."""
    scene = SceneGeometry(
        boxes=np.array([[3.0, 1.0, np.pi / 4, 0.2, 0.2]]), cylinders=np.array([[6.0, -1.0, 0.3]]), length=9.0, width=4.0
    )
    picture = path_map([[[0.5, 0, 0], [0.6, 0, 0]]], ["success"], scene, "one")
    assert map_pixel(picture, scene, 3.0, 1.0) == rgb(BOX)
    assert map_pixel(picture, scene, 3.0, 1.24) == rgb(BOX)  # a corner of the turned box
    assert map_pixel(picture, scene, 3.18, 1.18) == rgb(FLOOR)  # where the corner of an unturned box would be
    assert map_pixel(picture, scene, 3.0, -1.0) == rgb(FLOOR)
    assert map_pixel(picture, scene, 6.25, -1.0) == rgb(CYLINDER)
    assert map_pixel(picture, scene, 6.25, -1.25) == rgb(FLOOR)


def test_map_colours_paths_by_outcome_and_draws_failures_on_top():
    """A collision that crosses a hundred successes stays visible, with a mark at its end."""
    good = [[[0.5, 0.0], [8.0, 0.0]]] * 100
    bad = [[0.5, 0.0], [4.0, 0.0]]
    picture = path_map([bad, *good], ["collision"] + ["success"] * 100, EMPTY, "many")
    red, _, blue = map_pixel(picture, EMPTY, 2.0, 0.0)
    assert red > blue
    assert map_pixel(picture, EMPTY, 4.0, 0.0) == rgb(OUTCOME_COLOURS["collision"])
    red, _, blue = map_pixel(picture, EMPTY, 6.0, 0.0)
    assert blue > red


def test_map_of_many_arenas_draws_a_cloud():
    """An obstacle of one arena of many is faint, one of all arenas is not."""
    same, once = [2.0, 1.0, 0.0, 0.2, 0.2], [5.0, 1.0, 0.0, 0.2, 0.2]
    scenes = [
        SceneGeometry(boxes=np.array([same, once] if i == 0 else [same]), length=9.0, width=4.0) for i in range(50)
    ]
    picture = path_map([[[0.5, 0]]] * 50, ["success"] * 50, scenes, "cloud")
    shared, single, floor = (sum(map_pixel(picture, EMPTY, x, 1.0)) for x in (2.0, 5.0, 7.0))
    assert shared < single < floor


@pytest.mark.parametrize(("count", "columns"), [(1, 8), (3, 8), (8, 8), (40, 8), (40, 5)])
def test_strip_has_a_column_per_moment(count, columns):
    """The depth of the first and the last moment is always shown, whatever number came."""
    near, far = colour_depth(np.array([[0.3, 3.0]]))[0]
    frames = [frame(1 + i / 10, depth=1.0, time_s=i / 10) for i in range(count)]
    frames[-1] = frame(1 + count / 10, depth=0.3)
    if count > 1:
        frames[0] = frame(1.0, depth=3.0)
    picture = np.asarray(filmstrip(frames, EMPTY, "strip", columns=columns))
    shown = min(count, columns)
    row = picture[300 + 22 + 150 + 8 + 75]
    assert tuple(row[14 + (shown - 1) * 158 + 75]) == tuple(near)
    if count > 1:
        assert tuple(row[14 + 75]) == tuple(far)
    if shown < columns and 14 + shown * 158 + 75 < picture.shape[1]:
        assert tuple(row[14 + shown * 158 + 75]) == (0xF6, 0xF7, 0xF9)


def test_strip_shows_colour_where_it_came():
    """A colour image adds a row; without one there is none."""
    green = np.zeros((24, 24, 3), np.uint8)
    green[..., 1] = 200
    with_colour = filmstrip([frame(colour=green)], EMPTY, "colour")
    without = filmstrip([frame()], EMPTY, "no colour")
    assert with_colour.height == without.height + 158
    assert with_colour.getpixel((14 + 75, 300 + 22 + 2 * 158 + 75)) == (0, 200, 0)


def test_strip_draws_the_rover_on_its_heading():
    """The nose points along the yaw: turning by half a turn mirrors the rover's picture."""
    east = np.asarray(filmstrip([frame(4.0, 0.0, 0.0)], EMPTY, "east")).astype(int)
    west = np.asarray(filmstrip([frame(5.0, 0.0, np.pi)], EMPTY, "west")).astype(int)
    tile = slice(322, 472), slice(14, 164)
    assert np.abs(east[tile] - west[tile][:, ::-1]).mean() < 2.0
    assert np.abs(east[tile] - west[tile]).mean() > 2.0


def test_pictures_without_content_are_refused():
    """No frame, or outcomes that do not match the paths."""
    with pytest.raises(ValueError, match="at least one frame"):
        filmstrip([], EMPTY, "nothing")
    with pytest.raises(ValueError, match="2 paths, 1 outcomes"):
        path_map([[[0, 0]]] * 2, ["success"], EMPTY, "uneven")
