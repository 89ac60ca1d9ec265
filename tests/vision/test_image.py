"""Per-frame focal lengths out of one render, against scenes whose picture is known at every focal length."""

from __future__ import annotations

import numpy as np
import pytest

from sim2real.vision import VisionError, luminance, remap_intrinsics
from sim2real.vision.analytic_scene import Box, Plane, Scene, Sphere, make_arena, render

FOCAL = 48.0
MIN_SCALE = 0.9
FLOOR = Plane(normal=(0.0, 0.0, 1.0), offset=0.0)
SLANTED = Plane(normal=(-0.8, 0.6, 0.0), offset=-2.0)
WALL = Plane(normal=(-1.0, 0.0, 0.0), offset=-4.0)


def pair(scene: Scene, scale: float, size: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """The remapped depth, and the picture rendered with the new focal length at once."""
    source, _ = render(scene, size, size, FOCAL * MIN_SCALE)
    got, _ = remap_intrinsics(source[None], None, scale, min_scale=MIN_SCALE)
    truth, _ = render(scene, size, size, FOCAL * scale)
    return got[0], truth


@pytest.mark.parametrize("scale", [0.9, 0.93, 1.0, 1.0731, 1.1])
@pytest.mark.parametrize("plane", [FLOOR, SLANTED, WALL], ids=["floor", "slanted", "wall"])
def test_a_plane_is_exact_at_every_focal_length(plane, scale):
    """Inverse depth is affine on a plane, so interpolation is exact however steep it is: 1e-5 relative."""
    got, truth = pair(Scene(shapes=(plane,)), scale)
    seen = (got > 0) & np.isfinite(truth)
    assert seen.sum() >= 0.95 * np.isfinite(truth).sum()
    far = truth > 20.0  # the last row below the horizon has no neighbour above to interpolate with
    np.testing.assert_allclose(got[seen & ~far], truth[seen & ~far], rtol=1e-5)


def test_a_sphere_is_right_away_from_its_rim():
    """On a curved surface the error is the curvature's: below 1 mm where it faces the camera."""
    scene = Scene(shapes=(WALL, Sphere(centre=(1.5, 0.1, 0.3), radius=0.4)))
    got, truth = pair(scene, 1.05)
    assert np.abs(got - truth)[(truth < 1.15)].max() < 1e-3
    assert (truth < 1.15).sum() > 200


def test_depths_are_never_mixed_across_an_edge():
    """Before a wall, every pixel is on the box or on the wall; the silhouette moves by half a source pixel at most."""
    box = Box(centre=(1.5, 0.0, 0.25), size=(0.4, 0.5, 0.4))
    scene = Scene(shapes=(WALL, box))
    for scale in np.linspace(MIN_SCALE, 1.2, 9):
        got, truth = pair(scene, float(scale))
        on_box, on_wall = np.abs(got - 1.3) < 1e-4, np.abs(got - 4.0) < 1e-4
        assert (on_box | on_wall).all()
        assert (on_box != (truth < 2.0)).mean() < 0.03


def test_the_render_comes_back_bit_for_bit_at_the_smallest_scale():
    """scale == min_scale and the same size is the identity for depth and colour, edges and holes included."""
    depth, colour = render(make_arena(3), 64, 64, 32.0)
    depth[10:13, 10:20] = 0.0
    got, picture = remap_intrinsics(depth[None], colour[None], MIN_SCALE, min_scale=MIN_SCALE)
    np.testing.assert_array_equal(got[0], depth)
    np.testing.assert_array_equal(picture[0], colour)


def test_an_arena_is_right_but_for_its_silhouettes():
    """Eight arenas against renders at the new focal length: 95 % of the pixels within 0.5 %, the median within 1e-5."""
    errors = []
    for seed in range(8):
        got, truth = pair(make_arena(seed), 0.95 + 0.02 * seed)
        errors.append(np.abs(got - truth) / truth)
    assert np.quantile(errors, 0.95) < 5e-3
    assert np.median(errors) < 1e-5


def test_a_smaller_picture_keeps_its_field_of_view():
    """Rendered at 96 and taken out at 48, the wall's far corner is where a 48-pixel camera sees it."""
    depth, _ = render(Scene(shapes=(SLANTED,)), 96, 96, FOCAL)
    got, _ = remap_intrinsics(depth[None], None, 1.0, min_scale=1.0, out_hw=(48, 48))
    truth, _ = render(Scene(shapes=(SLANTED,)), 48, 48, FOCAL / 2)
    np.testing.assert_allclose(got[0], truth, rtol=1e-5)


def test_every_frame_has_its_own_focal_length():
    """A batch equals its frames one by one."""
    depth = np.stack([render(make_arena(seed), 48, 48, 24.0)[0] for seed in range(4)])
    scales = np.float32([0.9, 1.0, 1.05, 1.1])
    together, _ = remap_intrinsics(depth, None, scales, min_scale=MIN_SCALE)
    for i in range(4):
        alone, _ = remap_intrinsics(depth[i : i + 1], None, scales[i : i + 1], min_scale=MIN_SCALE)
        np.testing.assert_array_equal(together[i], alone[0])


def test_what_was_not_seen_stays_unseen():
    """Zeros, NaN and infinities give 0 and spread to no neighbour's value."""
    depth = np.full((1, 32, 32), 2.0, np.float32)
    depth[0, 5:9, 5:9] = np.nan
    depth[0, 20:24, 20:24] = np.inf
    depth[0, 12:14, 2:30] = 0.0
    got, _ = remap_intrinsics(depth, None, 1.1, min_scale=1.0)
    assert set(np.unique(got)) == {np.float32(0.0), np.float32(2.0)}


def test_colour_is_bilinear():
    """A ramp of colour stays a ramp with the slope that the focal length gives it, within rounding."""
    ramp = np.broadcast_to(np.arange(0, 192, 2, dtype=np.uint8)[None, None, :, None], (1, 96, 96, 3)).copy()
    _, got = remap_intrinsics(np.ones((1, 96, 96), np.float32), ramp, 1.25, min_scale=1.0)
    x = (np.arange(96) + 0.5 - 48) / 1.25 + 47.5
    assert np.abs(got[0, 40, :, 1].astype(float) - 2 * x).max() <= 0.51


def test_a_focal_length_below_the_render_is_refused():
    """The border would be empty: the message says to render wider."""
    depth = np.ones((2, 8, 8), np.float32)
    with pytest.raises(VisionError, match="smaller min_scale"):
        remap_intrinsics(depth, None, [0.9, 0.8], min_scale=0.85)
    with pytest.raises(VisionError, match="aspect"):
        remap_intrinsics(depth, None, 1.0, min_scale=0.9, out_hw=(8, 4))
    with pytest.raises(VisionError, match="colour"):
        remap_intrinsics(depth, np.zeros((2, 8, 9, 3), np.uint8), 1.0, min_scale=0.9)


def test_luminance_weighs_the_channels():
    """White is 1, black 0, the primaries their Rec. 709 weights."""
    pixels = np.uint8([[[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]]])
    np.testing.assert_allclose(luminance(pixels)[0, 0], [1.0, 0.0, 0.2126, 0.7152, 0.0722], atol=1e-6)
    with pytest.raises(VisionError, match="channels"):
        luminance(np.zeros((1, 2, 2, 4), np.uint8))


def test_warp_arrays_in_warp_arrays_out():
    """The remap answers in kind."""
    import warp as wp

    depth, colour = render(make_arena(1), 32, 32, 16.0)
    depth, colour = depth[None], colour[None]
    z, picture = remap_intrinsics(
        wp.array(depth, dtype=float, device="cpu"), wp.array(colour, dtype=wp.uint8, device="cpu"), 1.0, min_scale=0.9
    )
    want_z, want_picture = remap_intrinsics(depth, colour, 1.0, min_scale=0.9)
    np.testing.assert_array_equal(z.numpy(), want_z)
    np.testing.assert_array_equal(picture.numpy(), want_picture)
    assert isinstance(luminance(picture), wp.array)
