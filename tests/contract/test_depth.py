"""Depth preprocessing: one meaning for every camera's way of saying things."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sim2real.contract import ContractError, DepthPreprocess


def make(width=8, height=8, near_m=0.1, far_m=4.0, **changes):
    """A preprocessing with test defaults."""
    return DepthPreprocess(width=width, height=height, near_m=near_m, far_m=far_m, **changes)


ANY_DEPTH = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    elements=st.floats(allow_nan=True, allow_infinity=True, width=32),
)


@given(depth=ANY_DEPTH, resize=st.sampled_from(["nearest", "area"]), fit=st.sampled_from(["crop", "stretch"]))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_in_the_network_gets_finite_numbers_from_0_to_1(depth, resize, fit):
    """Any frame of any size: finite, in [0, 1], and either 0 (no reading) or at least near / far."""
    with np.errstate(over="ignore"):
        out = make(resize=resize, fit=fit).apply(depth)
    assert out.shape == (len(depth), 1, 8, 8) and out.dtype == np.float32 and out.flags.c_contiguous
    assert np.isfinite(out).all() and out.min() >= 0.0 and out.max() <= 1.0
    assert ((out == 0.0) | (out >= np.float32(0.1) / np.float32(4.0))).all()


@given(mm=hnp.arrays(np.uint16, (2, 6, 6)))
@settings(max_examples=50, deadline=None)
def test_millimetres_and_metres_give_the_same_bits(mm):
    """A frame stored as uint16 mm and the same frame in float32 m are the same input."""
    pre = make(6, 6)
    assert np.array_equal(pre.apply(mm), pre.apply(mm.astype(np.float32) / np.float32(1000.0)))


def test_every_way_to_say_no_reading_becomes_zero():
    """0, NaN, infinities and negative readings are all no reading; they are not clipped to near or far."""
    depth = np.array([[0.0, np.nan, np.inf, -np.inf, -1.0, 0.05, 2.0, 9.0]], np.float32)
    out = make(8, 1, fit="stretch").apply(depth)[0, 0, 0]
    assert out.tolist() == pytest.approx([0, 0, 0, 0, 0, 0.1 / 4, 0.5, 1.0])


def test_a_frame_of_the_right_size_is_not_resampled():
    """Nothing but scaling happens at equal size, for either resizing."""
    depth = np.random.default_rng(1).uniform(0.2, 3.9, (3, 8, 8)).astype(np.float32)
    for resize in ("nearest", "area"):
        assert np.array_equal(make(resize=resize).apply(depth)[:, 0], depth / np.float32(4.0))


@pytest.mark.parametrize("shape", [(16, 16), (24, 40), (9, 7), (5, 5)])
def test_nearest_takes_the_reading_at_the_pixels_centre(shape):
    """Against the definition, pixel by pixel."""
    depth = np.random.default_rng(2).uniform(0.2, 3.9, (1, *shape)).astype(np.float32)
    out = make(fit="stretch").apply(depth)[0, 0]
    rows, columns = shape
    for y in range(8):
        for x in range(8):
            wanted = depth[0, int((y + 0.5) * rows / 8), int((x + 0.5) * columns / 8)]
            assert out[y, x] == wanted / np.float32(4.0)


def test_area_averages_valid_readings_only():
    """Invalid readings do not pull the mean down, and mostly invalid cells stay invalid."""
    depth = np.full((1, 4, 4), 2.0, np.float32)
    depth[0, 0, 0] = 0.0  # one of four: kept
    depth[0, :2, 2:] = np.nan
    depth[0, 0, 2] = 2.0  # three of four: no reading
    out = make(2, 2, resize="area").apply(depth)[0, 0]
    assert out.tolist() == [[pytest.approx(0.5), 0.0], [pytest.approx(0.5), pytest.approx(0.5)]]


def test_area_with_uneven_cells_keeps_a_constant():
    """5 -> 3 cells share pixels; a constant image stays constant."""
    out = make(3, 3, resize="area").apply(np.full((1, 5, 5), 1.3, np.float32))
    np.testing.assert_allclose(out, 1.3 / 4, rtol=1e-6)


def test_a_wide_frame_is_cropped_in_its_centre():
    """The default keeps the geometry: a 4:3 frame loses its sides, it is not squeezed."""
    depth = np.full((1, 12, 16), 3.0, np.float32)
    depth[:, :, :2] = depth[:, :, 14:] = 1.0
    assert np.all(make(12, 12).apply(depth) == np.float32(3.0) / np.float32(4.0))
    assert make(12, 12, fit="stretch").apply(depth).min() == 0.25


def test_frames_do_not_influence_each_other():
    """A batch gives what its frames give alone."""
    depth = np.random.default_rng(3).uniform(0, 5, (4, 20, 30))
    for resize in ("nearest", "area"):
        pre = make(resize=resize)
        assert np.array_equal(pre.apply(depth), np.concatenate([pre.apply(frame) for frame in depth]))


def test_the_callers_frame_is_not_changed():
    """Preprocessing works on a copy."""
    depth = np.array([[np.nan, 2.0], [9.0, -1.0]], np.float32)
    before = depth.copy()
    make(2, 2).apply(depth)
    assert np.array_equal(before, depth, equal_nan=True)


@pytest.mark.parametrize(
    "depth, message",
    [
        (np.zeros((2, 2), np.int32), r"type int32; it must be floating point \[m\] or uint16 \[mm\]"),
        (np.zeros((2, 2), np.uint8), "type uint8"),
        (np.zeros((1, 2, 2, 1), np.float32), r"shape \(1, 2, 2, 1\); it must be \(N, H, W\)"),
        (np.zeros((1, 0, 2), np.float32), "H and W at least 1"),
    ],
)
def test_other_frames_are_refused(depth, message):
    """A unit that would have to be guessed, and shapes that mean nothing."""
    with pytest.raises(ContractError, match=message):
        make().apply(depth)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"near_m": 0.0}, "0 < near_m < far_m"),
        ({"near_m": 5.0}, "0 < near_m < far_m"),
        ({"far_m": float("inf")}, "0 < near_m < far_m"),
        ({"far_m": "4"}, "must be a number"),
        ({"width": 0}, r"width is 0; it must be an integer in 1\.\.8192"),
        ({"height": 9.5}, "height is 9.5"),
        ({"resize": "bilinear"}, "resize is 'bilinear'; allowed: nearest, area"),
        ({"fit": "pad"}, "fit is 'pad'; allowed: crop, stretch"),
        ({"invalid": "far"}, "invalid is 'far'; allowed: zero"),
    ],
)
def test_values_out_of_range_are_refused(changes, message):
    """Each error names the field, what came and what is allowed."""
    with pytest.raises(ContractError, match=message):
        make(**changes)
