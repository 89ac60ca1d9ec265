"""The stereo camera's kernel against its NumPy twin, and what it promises about frames, statistics and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.vision import IDEAL, REALSENSE_D435, DepthParams, VisionError, depth_noise, noise_key
from vision.reference import degrade_batch, find_edges, invert

KEY = noise_key(7)
PRODUCT = REALSENSE_D435.baseline_m * REALSENSE_D435.focal_px
HARSH = replace(
    REALSENSE_D435,
    edge_dropout=0.5,
    edge_bleed_px=20.0,
    hole_rate=0.1,
    hole_size_px=60.0,
    dark_loss=0.8,
    oblique_loss=0.9,
    scale=1.02,
    offset_m=-0.01,
    temporal_std_m=0.01,
)


def wall(z: float, n: int = 4, size: int = 96) -> np.ndarray:
    """Head-on walls at z metres."""
    return np.full((n, size, size), z, np.float32)


def run(depth, model, frame_ids=None, luminance=None, **more):
    """The frames through one camera model."""
    ids = np.arange(len(depth)) if frame_ids is None else frame_ids
    return depth_noise(depth, luminance, DepthParams.constant(model, len(depth)), KEY, ids, **more)


@pytest.mark.parametrize("model", [REALSENSE_D435, HARSH], ids=["d435", "harsh"])
def test_the_kernel_equals_the_reference(arenas, model):
    """Every pixel of eight arenas agrees to 1e-6 relative; a decision may differ on 1 pixel in 5000, at a threshold."""
    depth, luminance = arenas
    params = DepthParams.constant(model, 8).replace(scale=np.linspace(0.97, 1.03, 8))
    focal = np.linspace(30.0, 36.0, 8)
    got = depth_noise(depth, luminance, params, KEY, np.arange(8) * 977, image_focal_px=focal)
    want = degrade_batch(depth, luminance, params, KEY, np.arange(8) * 977, focal)
    assert 0.02 < (want == 0).mean() < 0.9
    different = ~np.isclose(got, want, rtol=1e-6, atol=0.0)
    assert different.mean() <= 1 / 5000
    np.testing.assert_allclose(got[~different], want[~different], rtol=1e-6)


@pytest.mark.parametrize(
    "part",
    ["disparity_std_px", "quantization_px", "edge_dropout", "edge_bleed_px", "hole_rate", "dark_loss", "oblique_loss"],
)
def test_each_part_alone_equals_the_reference(arenas, part):
    """Each effect alone, so that none hides behind another; decisions of one pixel in 5000 may differ."""
    depth, luminance = arenas
    model = replace(IDEAL, **{part: getattr(HARSH, part)}, hole_size_px=60.0)
    params = DepthParams.constant(model, 8)
    got = depth_noise(depth, luminance, params, KEY, np.arange(8), image_focal_px=32.0)
    want = degrade_batch(depth, luminance, params, KEY, np.arange(8), 32.0)
    assert (want != depth).any(), "the part did nothing"
    assert (~np.isclose(got, want, rtol=1e-6, atol=0.0)).mean() <= 1 / 5000


def test_a_frame_does_not_depend_on_its_batch(arenas):
    """32 and 64 frames, any order, alone: the same bits for the same frame id."""
    depth, luminance = np.concatenate([arenas[0]] * 8), np.concatenate([arenas[1]] * 8)
    everything = run(depth, HARSH, np.arange(64), luminance)
    np.testing.assert_array_equal(run(depth[:32], HARSH, np.arange(32), luminance[:32]), everything[:32])
    order = np.random.default_rng(0).permutation(64)
    np.testing.assert_array_equal(run(depth[order], HARSH, order, luminance[order]), everything[order])
    np.testing.assert_array_equal(run(depth[17:18], HARSH, [17], luminance[17:18]), everything[17:18])


def test_a_pixel_does_not_depend_on_how_threads_share_a_row(arenas, monkeypatch):
    """A thread per pixel (as on CUDA), per 7 pixels and per row give the same bits."""
    depth, luminance = arenas
    whole = run(depth, HARSH, None, luminance)
    for length in (1, 7):
        monkeypatch.setattr("sim2real.vision.depth_camera.run_length", lambda device, width, length=length: length)
        np.testing.assert_array_equal(run(depth, HARSH, None, luminance), whole)


def test_noise_follows_the_counter():
    """The same frame, episode and occurrence give the same noise; changing any one of them gives other noise."""
    depth = wall(2.0)
    first = run(depth, REALSENSE_D435)
    np.testing.assert_array_equal(run(depth, REALSENSE_D435), first)
    assert len({frame.tobytes() for frame in first}) == 4
    for other in (
        run(depth, REALSENSE_D435, np.arange(4) + 4),
        run(depth, REALSENSE_D435, episodes=1),
        run(depth, REALSENSE_D435, occurrences=1),
        depth_noise(depth, None, DepthParams.constant(REALSENSE_D435, 4), noise_key(8), np.arange(4)),
    ):
        assert (other != first).mean() > 0.8


def test_the_ideal_camera_changes_nothing(arenas):
    """Depth in range comes out bit for bit, whatever the focal length."""
    depth, luminance = arenas
    np.testing.assert_array_equal(run(depth, IDEAL, None, luminance, image_focal_px=11.0), depth)


@pytest.mark.parametrize("z", [1.0, 2.0, 4.0])
def test_the_error_grows_with_the_square_of_distance(z):
    """Its standard deviation is z^2 sigma / (f b) within 5 % at 1, 2 and 4 m, and its mean is nearly zero."""
    model = replace(IDEAL, disparity_std_px=0.08, quantization_px=1 / 32)
    error = run(wall(z, 16), model) - np.float32(z)
    expected = z**2 / PRODUCT * np.hypot(0.08, 1 / 32 / np.sqrt(12))
    assert error.std() == pytest.approx(expected, rel=0.05)
    assert abs(error.mean()) < 0.1 * expected


def test_temporal_noise_does_not_grow_with_distance():
    """Without disparity noise the temporal term alone has its own standard deviation at 0.5 and at 3 m."""
    model = replace(IDEAL, temporal_std_m=0.004)
    for z in (0.5, 3.0):
        assert (run(wall(z), model) - np.float32(z)).std() == pytest.approx(0.004, rel=0.03)


def test_depth_comes_in_disparity_steps():
    """Reported disparities are whole multiples of the step, before the calibration error."""
    depth = np.random.default_rng(1).uniform(0.5, 5.0, (2, 64, 64)).astype(np.float32)
    steps = PRODUCT / run(depth, replace(IDEAL, disparity_std_px=0.08, quantization_px=1 / 32)).astype(float) * 32
    assert np.abs(steps - np.round(steps)).max() < 2e-3
    assert len(np.unique(np.round(steps))) > 500


def test_scale_and_offset_are_applied_per_frame():
    """Each frame has its own calibration error."""
    params = DepthParams.constant(IDEAL, 3).replace(scale=[1.0, 1.1, 0.9], offset_m=[0.0, 0.02, -0.1])
    got = depth_noise(wall(2.0, 3), None, params, KEY, np.arange(3))
    np.testing.assert_allclose(got[:, 0, 0], [2.0, 2.22, 1.7], rtol=1e-6)


@pytest.mark.parametrize(("rate", "size"), [(0.01, 40.0), (0.1, 40.0), (0.3, 90.0), (0.05, 5.0)])
def test_holes_cover_their_share(rate, size):
    """Over many frames the invalid fraction is the hole rate, within five standard errors of the frames' mean."""
    invalid = (run(wall(2.0, 600), replace(IDEAL, hole_rate=rate, hole_size_px=size)) == 0).mean(axis=(1, 2))
    assert invalid.mean() == pytest.approx(rate, abs=5 * invalid.std() / np.sqrt(600))


def test_holes_are_blobs_of_the_given_size():
    """A hole's pixels have neighbours in the hole, and its area is that of a disc of the mean diameter."""
    from scipy import ndimage

    size_px = 12.0
    model = replace(IDEAL, hole_rate=0.02, hole_size_px=size_px * 424.0 / 48.0)
    holes = run(wall(2.0, 200), model) == 0
    areas = []
    for frame in holes:
        labels, count = ndimage.label(np.pad(frame, 1))
        border = set(np.unique(np.concatenate([labels[1], labels[-2], labels[:, 1], labels[:, -2]])))
        areas += [int((labels == k).sum()) for k in range(1, count + 1) if k not in border]
    whole = np.array([area for area in areas if area > 3])
    diameter = np.sqrt(4.0 / np.pi * whole)
    assert len(whole) > 50
    assert diameter.mean() == pytest.approx(0.925 * size_px, rel=0.08)


def test_only_discontinuities_lose_or_gain_edges(arenas):
    """Edge dropout and bleeding touch pixels near a jump in depth and no others; a receding floor has no jump."""
    depth, _ = arenas
    near = np.stack([find_edges(invert(frame), np.float32(1 / PRODUCT)) for frame in depth])
    dropped = run(depth, replace(IDEAL, edge_dropout=1.0), image_focal_px=32.0) == 0
    np.testing.assert_array_equal(dropped, near)
    bled = run(depth, replace(IDEAL, edge_bleed_px=13.0), image_focal_px=32.0)
    changed = bled != depth
    assert changed.any() and not (changed & ~near).any()
    assert (bled[changed] < depth[changed]).all(), "only the foreground spreads"
    ramp = np.float32(0.2) * 48 / (np.arange(1, 49, dtype=np.float32) - 0.5)
    floor = np.broadcast_to(ramp[None, :, None], (1, 48, 64))[:, 4:].copy()
    np.testing.assert_array_equal(run(floor, replace(IDEAL, edge_dropout=1.0, edge_bleed_px=13.0)), floor)


@pytest.mark.parametrize("bleed", [0.45, 1.0, 2.5])
def test_the_foreground_spreads_by_its_width(bleed):
    """On a straight step the foreground gains ``bleed`` pixels on average, fractions included."""
    depth = wall(3.0, 8)
    depth[:, :, 40:56] = 1.0
    model = replace(IDEAL, edge_bleed_px=bleed * 424.0 / 48.0)
    gained = (run(depth, model) == 1.0).sum(axis=2).mean() - 16
    assert gained == pytest.approx(2 * bleed, abs=0.05)


def test_dark_and_oblique_surfaces_are_lost_in_proportion():
    """Black loses ``dark_loss``, mid-dark half of it, bright nothing; an oblique plane loses by its squared cosine."""
    depth = wall(2.0, 4)
    shade = np.zeros_like(depth)
    shade[1], shade[2], shade[3] = 0.125, 0.25, 1.0
    lost = (run(depth, replace(IDEAL, dark_loss=0.6), None, shade) == 0).mean(axis=(1, 2))
    np.testing.assert_allclose(lost, [0.6, 0.3, 0.0, 0.0], atol=0.02)
    assert (run(depth, replace(IDEAL, dark_loss=0.6)) != 0).all(), "without luminance nothing is dark"

    u = (np.arange(96) + 0.5 - 48.0) / 480.0  # a long lens: the ray's own angle hardly matters
    for degrees, expected in ((0.0, 0.0), (60.0, 0.0), (80.0, 0.5 * (1.0 - (np.cos(1.39626) / np.cos(1.22173)) ** 2))):
        slope = np.tan(np.radians(degrees))
        plane = np.broadcast_to((1.0 / (1.0 - slope * u)).astype(np.float32), (1, 96, 96)).copy()
        lost = (run(plane, replace(IDEAL, oblique_loss=0.5), image_focal_px=480.0) == 0).mean()
        assert lost == pytest.approx(expected, abs=0.03)


def test_nothing_is_reported_outside_the_range():
    """Depth comes out as 0 or inside [range_min, range_max], noise and calibration error included."""
    depth = np.random.default_rng(2).uniform(0.05, 14.0, (4, 64, 64)).astype(np.float32)
    got = run(depth, replace(HARSH, disparity_std_px=0.5))
    seen = got[got > 0]
    assert seen.min() >= np.float32(0.2) and seen.max() <= np.float32(10.0)
    assert ((depth < 0.15) & (got > 0)).sum() == 0


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.one_of(st.floats(width=32), st.sampled_from([0.0, -1.0, np.inf, np.nan, 1e-38, 3e38, 0.5, 2.0])),
        min_size=12,
        max_size=12,
    ),
    light=st.floats(width=32),
    hard=st.booleans(),
)
def test_no_input_makes_a_number_that_is_not_one(values, light, hard):
    """NaN, infinities, zeros, denormals and negatives come out as 0; everything else finite and in range."""
    depth = np.array(values, np.float32).reshape(1, 3, 4)
    got = run(depth, HARSH if hard else REALSENSE_D435, None, np.full_like(depth, light))
    assert np.isfinite(got).all()
    assert ((got == 0) | ((got >= np.float32(0.2)) & (got <= np.float32(10.0)))).all()
    assert (got[~(depth > 0) | ~np.isfinite(depth)] == 0).all(), "what was not seen stays unseen"


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 1, 1), (1, 1, 9), (1, 9, 1)])
def test_small_pictures_work(shape):
    """No frames, single pixels, rows and columns."""
    assert run(np.full(shape, 2.0, np.float32), HARSH).shape == shape


def test_warp_arrays_in_warp_arrays_out(arenas):
    """A Warp array gives a Warp array with the same numbers, and the input stays untouched."""
    import warp as wp

    depth, luminance = arenas
    before = depth.copy()
    params = DepthParams.constant(HARSH, 8)
    got = depth_noise(
        wp.array(depth, dtype=float, device="cpu"),
        wp.array(luminance, dtype=float, device="cpu"),
        params,
        KEY,
        range(8),
    )
    assert isinstance(got, wp.array)
    np.testing.assert_array_equal(got.numpy(), depth_noise(depth, luminance, params, KEY, range(8)))
    np.testing.assert_array_equal(depth, before)


def test_wrong_shapes_and_ids_are_refused():
    """Each says what does not fit."""
    params = DepthParams.constant(REALSENSE_D435, 2)
    depth = wall(1.0, 2, 8)
    with pytest.raises(VisionError, match="one camera per frame"):
        depth_noise(wall(1.0, 3, 8), None, params, KEY, np.arange(3))
    with pytest.raises(VisionError, match="frame_ids"):
        depth_noise(depth, None, params, KEY, np.arange(3))
    for ids in ([0.5, 1.5], [-1, 0], [0, 2**32]):
        with pytest.raises(VisionError, match="whole numbers"):
            depth_noise(depth, None, params, KEY, ids)
    with pytest.raises(VisionError, match="luminance"):
        depth_noise(depth, wall(1.0, 2, 9), params, KEY, np.arange(2))
    with pytest.raises(VisionError, match="dimensions"):
        depth_noise(depth[0], None, params, KEY, np.arange(2))
    with pytest.raises(VisionError, match="image_focal_px"):
        depth_noise(depth, None, params, KEY, np.arange(2), image_focal_px=0.0)
