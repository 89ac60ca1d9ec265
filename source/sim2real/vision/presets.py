"""Named cameras, each figure with where it comes from.

``SOURCES`` says for every field of a preset where its value was read, or that it is our estimate: published work gives
the noise of the D435 on a flat, textured, head-on wall, and says little about what it loses on edges, dark and
oblique surfaces. Those figures are the ones to identify from a few recordings of the robot's own camera.
"""

from __future__ import annotations

from collections.abc import Mapping

from sim2real.vision.depth_model import DepthCameraModel
from sim2real.vision.errors import VisionError

REALSENSE_D435 = DepthCameraModel(
    baseline_m=0.050,
    focal_px=424.0,
    disparity_std_px=0.08,
    quantization_px=1.0 / 32.0,
    edge_dropout=0.25,
    edge_bleed_px=4.0,
    hole_rate=0.005,
    hole_size_px=40.0,
    dark_loss=0.30,
    oblique_loss=0.15,
    range_min_m=0.20,
    range_max_m=10.0,
    scale=1.0,
    offset_m=0.0,
    temporal_std_m=0.001,
)
"""Intel RealSense D435 at its recommended 848 x 480, no post-processing, no disparity shift."""

IDEAL = DepthCameraModel(baseline_m=0.050, focal_px=424.0)
"""A camera without error: what the renderer gives, bit for bit."""

PRESETS: Mapping[str, DepthCameraModel] = {"realsense_d435": REALSENSE_D435, "ideal": IDEAL}
"""The cameras that a spec can name."""

_ESTIMATE = "estimate; identify it on your own camera: "

SOURCES: Mapping[str, Mapping[str, str]] = {
    "realsense_d435": {
        "baseline_m": "Intel RealSense D400 Series datasheet 337029, depth module D430: baseline 50 mm",
        "focal_px": (
            "0.5 * 848 / tan(HFOV / 2) at the 90 degrees of Intel's white paper 'Subpixel Linearity Improvement' "
            "(dev.intelrealsense.com); 848 x 480 is what 'Tuning depth cameras for best performance' recommends for "
            "the D435. Units differ within the datasheet's HFOV of 87 +- 3 degrees (424 to 472 px)"
        ),
        "disparity_std_px": (
            "A. Grunnet-Jepsen in librealsense issue 3904: 0.032 px at best, 'best to use about 0.08' in the depth RMS "
            "formula z^2 subpixel / (f b). The z^2 law: Keselman et al., 'Intel RealSense Stereoscopic Depth Cameras', "
            "CVPRW 2017 (arXiv 1705.05548), eq. 2. Gives 15 mm at 2 m; the datasheet promises under 2 % (40 mm)"
        ),
        "quantization_px": (
            "1/32 px: the same white paper; agrees with the depth steps of about 5 mm that librealsense issue 3583 "
            "shows for a D435"
        ),
        "edge_dropout": _ESTIMATE + "left-right check and second-peak test reject part of the pixels at a step",
        "edge_bleed_px": _ESTIMATE + "half a matching window of 7 to 9 px (7 x 7 in Keselman et al. 2017)",
        "hole_rate": _ESTIMATE + "fill rates of 99 % and more on a textured wall, well below that in clutter",
        "hole_size_px": _ESTIMATE + "several matching windows",
        "dark_loss": _ESTIMATE + "dark surfaces return little of the infrared pattern; strongly scene dependent",
        "oblique_loss": _ESTIMATE + "the window sees a disparity gradient on a slanted surface",
        "range_min_m": (
            "0.2 m as in Intel's product brief. Geometry: 126 disparities (librealsense issues 2367 and 3039) give "
            "f b / 126 = 0.168 m at 848 x 480; the brief's 0.28 m belongs to 1280 x 720"
        ),
        "range_max_m": "Intel RealSense D400 Series datasheet 337029: up to about 10 m, error growing from 3 m on",
        "scale": (
            "none assumed; put your calibration's uncertainty in the spec. Datasheet: within 2 % at 2 m; one unit out"
            " of the box read 980.7 mm at 1 m (M. Calvert, 'Improving the depth map accuracy of RealSense cameras')"
        ),
        "offset_m": "none assumed; put your calibration's uncertainty in the spec",
        "temporal_std_m": "one count of the 1 mm depth unit (default depth step, D400 advanced mode)",
    },
    "ideal": {"*": "no error at all; baseline and focal length of the D435 for comparison"},
}
"""Per preset and field: where the figure comes from."""


def find_preset(name: str) -> DepthCameraModel:
    """The camera of that name.

    Raises:
        VisionError: there is no such preset.
    """
    if name not in PRESETS:
        raise VisionError(f"unknown depth camera preset '{name}'. Presets: {', '.join(sorted(PRESETS))}.")
    return PRESETS[name]
