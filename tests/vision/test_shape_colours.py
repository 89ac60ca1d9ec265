"""Colours of shapes in a Newton model, and that its renderer shows them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.spec import parse_spec
from sim2real.vision import VisionError
from sim2real.vision.shape_colours import ShapeColours

newton = pytest.importorskip("newton")

SPEC = parse_spec("schema: 1\nseed: 7\nvision: {texture: {colour: {uniform: [[0, 0, 0], [1, 1, 1]]}}}\n")


def scene(worlds: int, flipped: bool = False):
    """Worlds with a ball above a box, labelled as Isaac Lab labels them, over a ground that they share."""
    builder = newton.ModelBuilder()
    for number in range(worlds):
        world = newton.ModelBuilder()
        path = f"/World/envs/env_{number}"

        def add_ball(world=world, path=path):
            body = world.add_body(xform=((0.0, 0.0, 1.5), (0.0, 0.0, 0.0, 1.0)))
            world.add_shape_sphere(body, radius=0.4, label=f"{path}/ball")

        def add_box(world=world, path=path):
            body = world.add_body(xform=((0.0, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0)))
            world.add_shape_box(body, hx=0.4, hy=0.4, hz=0.4, label=f"{path}/box")

        for add in (add_box, add_ball) if flipped else (add_ball, add_box):
            add()
        builder.add_world(world)
    builder.add_ground_plane()
    return builder.finalize(device="cpu")


def test_colours_are_the_draws_and_others_stay():
    """Sorted names take the stream's numbers; worlds that were not asked for, and the ground, keep their colour."""
    model = scene(4)
    before = model.shape_color.numpy().copy()
    colours = ShapeColours(model, SPEC)
    assert colours.names == ("/World/envs/env_0/ball", "/World/envs/env_0/box")
    colours.paint([2, 0], episodes=[5, 1])
    drawn = Draws(7).sample("vision.texture.colour", SPEC.vision["texture"].overrides["colour"], [2, 0], [5, 1], 0, 2)
    after = model.shape_color.numpy()
    np.testing.assert_array_equal(after[[4, 5]], drawn[0])
    np.testing.assert_array_equal(after[[0, 1]], drawn[1])
    np.testing.assert_array_equal(after[[2, 3, 6, 7, 8]], before[[2, 3, 6, 7, 8]])
    colours.restore([0, 2])
    np.testing.assert_array_equal(model.shape_color.numpy(), before)


def test_colours_depend_neither_on_the_order_nor_on_the_number_of_worlds():
    """Box first or ball first, 2 worlds or 6, from world 0 or as a shard from world 3."""
    wanted = ShapeColours(scene(6), SPEC).sample(np.arange(6), 3)
    np.testing.assert_array_equal(ShapeColours(scene(2, flipped=True), SPEC).sample([0, 1], 3), wanted[:2])
    np.testing.assert_array_equal(ShapeColours(scene(2), SPEC, first_world=3).sample([0, 1], 3), wanted[3:5])
    model = scene(2, flipped=True)
    ShapeColours(model, SPEC).paint([0, 1], 3)
    np.testing.assert_array_equal(model.shape_color.numpy()[:4], wanted[:2, ::-1].reshape(4, 3))


def test_one_number_is_a_grey_and_a_selection_is_kept():
    """A scalar colours all channels; only what `select` names is drawn."""
    model = scene(2)
    before = model.shape_color.numpy().copy()
    grey = parse_spec("schema: 1\nseed: 7\nvision: {texture: {colour: {uniform: [0, 1]}}}\n")
    ShapeColours(model, grey, select=".*/box").paint([0, 1])
    after = model.shape_color.numpy()
    assert (after[[1, 3]] == after[[1, 3], :1]).all() and after[1, 0] != after[3, 0]
    np.testing.assert_array_equal(after[[0, 2, 4]], before[[0, 2, 4]])


def test_the_renderer_shows_them():
    """Pixels of the ball have the drawn colour in each world, by Newton's own unshaded image."""
    import warp as wp

    model = scene(3)
    sensor = newton.sensors.SensorTiledCamera(model)
    state = model.state()
    across = (np.arange(32) + 0.5) / 16.0 - 1.0
    ways = np.stack([*np.meshgrid(across, -across), np.full((32, 32), -2.0)], axis=-1)
    rays = np.zeros((1, 32, 32, 2, 3), np.float32)  # where a ray starts and where it goes, in the camera's frame
    rays[..., 1, :] = ways / np.linalg.norm(ways, axis=-1, keepdims=True)
    rays = wp.array(rays, dtype=wp.vec3f)
    pose = wp.transformf(wp.vec3f(0.0, -4.0, 1.0), wp.quat_from_axis_angle(wp.vec3f(1.0, 0.0, 0.0), math.pi / 2))
    poses = wp.array([[pose] * 3], dtype=wp.transformf)
    image = wp.zeros((3, 1, 32, 32), dtype=wp.uint32)
    shape = wp.zeros((3, 1, 32, 32), dtype=wp.uint32)

    def seen() -> np.ndarray:
        sensor.update(state, poses, rays, albedo_image=image, shape_index_image=shape)
        return image.numpy()[:, 0, ..., None].view(np.uint8).reshape(3, 32, 32, 4)[..., :3]

    colours = ShapeColours(model, SPEC)
    clean = seen().copy()
    colours.paint([0, 2])
    painted, drawn = seen(), colours.sample([0, 1, 2])
    for world in (0, 2):
        ball = shape.numpy()[world, 0] == 2 * world
        assert ball.sum() > 20
        assert np.abs(painted[world][ball] / 255.0 - drawn[world, 0]).max() < 0.01
    np.testing.assert_array_equal(painted[1], clean[1])


def test_what_cannot_be_painted_is_refused():
    """No colours in the spec, nothing selected, a wrong pattern, worlds that are not there."""
    model = scene(2)
    with pytest.raises(VisionError, match="draws no colours"):
        ShapeColours(model, parse_spec("schema: 1\nseed: 7\n"))
    with pytest.raises(VisionError, match=r"matches no shape of a world; there are /World/envs/env_0/ball"):
        ShapeColours(model, SPEC, select="robot")
    with pytest.raises(VisionError, match="no regular expression"):
        ShapeColours(model, SPEC, select="(")
    with pytest.raises(VisionError, match="this model has 0 to 1"):
        ShapeColours(model, SPEC).paint([2])
