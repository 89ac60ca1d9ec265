"""The camera's values: domain, shapes, presets with sources, drawing from a spec."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.spec.distributions import Uniform
from sim2real.vision import (
    FIELDS,
    IDEAL,
    PRESETS,
    REALSENSE_D435,
    SOURCES,
    DepthParams,
    VisionError,
    draw_depth_params,
    find_preset,
)
from sim2real.vision.depth_model import LIMITS


@dataclass
class Noise:
    """What the spec holds under ``vision.depth``."""

    preset: str = "realsense_d435"
    overrides: dict = field(default_factory=dict)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("disparity_std_px", -0.1),
        ("hole_rate", 0.5),
        ("edge_dropout", 1.01),
        ("baseline_m", 0.0),
        ("scale", float("nan")),
        ("range_max_m", 0.1),
    ],
)
def test_a_value_outside_the_model_is_refused_by_name(name, value):
    """A negative spread, a probability above one, a NaN or an empty range names the field and what is allowed."""
    with pytest.raises(VisionError, match=name):
        replace(REALSENSE_D435, **{name: value})
    values = np.full(3, getattr(REALSENSE_D435, name), np.float32)
    values[1] = value
    with pytest.raises(VisionError, match=name):
        DepthParams.constant(REALSENSE_D435, 3).replace(**{name: values})


def test_params_of_different_lengths_are_refused():
    """All fields hold one value per frame."""
    with pytest.raises(VisionError, match="scale"):
        DepthParams.constant(REALSENSE_D435, 3).replace(scale=np.ones(2, np.float32))


def test_every_figure_of_the_d435_has_a_source():
    """No field of a measured camera stands without saying where it comes from, and none is listed twice."""
    assert set(SOURCES["realsense_d435"]) == set(FIELDS)
    assert set(SOURCES) == set(PRESETS)
    assert all(len(text) > 20 for text in SOURCES["realsense_d435"].values())


def test_the_d435_agrees_with_its_own_geometry():
    """Range and noise follow from baseline, focal length and the 126 disparities that the matcher searches."""
    camera = REALSENSE_D435
    product = camera.baseline_m * camera.focal_px
    assert product / 126 < camera.range_min_m < 1.3 * product / 126
    assert 0.010 < 2.0**2 / product * camera.disparity_std_px < 0.02 * 2.0  # the datasheet's 2 % at 2 m


def test_an_unknown_preset_names_the_known_ones():
    """A misspelt camera is answered with the list."""
    with pytest.raises(VisionError, match="ideal, realsense_d435"):
        find_preset("kinect")


def test_drawn_cameras_depend_on_the_frame_alone():
    """Overridden fields are drawn inside their bounds per frame id, whatever the batch; the others are the preset's."""
    spec = Noise(overrides={"scale": Uniform((0.8,), (1.2,)), "disparity_std_px": Uniform((0.05,), (0.2,))})
    all_frames = draw_depth_params(spec, Draws(7), np.arange(64))
    some = draw_depth_params(spec, Draws(7), np.array([41, 3]))
    np.testing.assert_array_equal(some.packed(), all_frames.packed()[[41, 3]])
    assert 0.8 <= all_frames.scale.min() < 0.85 and 1.15 < all_frames.scale.max() <= 1.2
    assert len(np.unique(all_frames.disparity_std_px)) == 64
    assert (all_frames.edge_dropout == np.float32(REALSENSE_D435.edge_dropout)).all()


def test_a_field_that_the_camera_lacks_is_refused():
    """An override has to be one of the model's fields."""
    with pytest.raises(VisionError, match="vision.depth.gain"):
        draw_depth_params(Noise(overrides={"gain": Uniform((0.0,), (1.0,))}), Draws(7), np.arange(2))


def test_rows_can_be_taken_and_joined():
    """Taking rows and joining them again gives the same cameras; a row is plain floats in the model's units."""
    params = DepthParams.constant(REALSENSE_D435, 2)
    joined = DepthParams.concatenate([params, DepthParams.constant(IDEAL, 1)])
    assert len(joined) == 3
    np.testing.assert_array_equal(joined.take([2, 0]).disparity_std_px, np.float32([0.0, 0.08]))
    assert joined.row(2)["focal_px"] == 424.0 and set(joined.row(0)) == set(FIELDS)


def test_the_spec_knows_the_same_fields_limits_and_presets():
    """What a spec may write under vision.depth is what the camera model takes."""
    from sim2real.spec.vision import DEPTH_FIELDS, DEPTH_PRESETS

    assert {name: limits[1:] for name, limits in DEPTH_FIELDS.items()} == {n: li[:2] for n, li in LIMITS.items()}
    assert set(DEPTH_PRESETS) == set(PRESETS)
