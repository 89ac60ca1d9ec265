"""Rendered pictures through a spec's camera, as rows of the preview page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim2real.vision.depth_camera import depth_noise, draw_depth_params, noise_key
from sim2real.vision.errors import VisionError
from sim2real.vision.image import luminance, remap_intrinsics
from sim2real.vision.preview import PreviewRow

if TYPE_CHECKING:
    from sim2real.spec import DepthNoiseSpec, Spec

FOCAL_TERM = "focal_length"
"""Name of the spec's term that scales the focal length."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What a renderer hands over: clean pictures and what is needed to degrade them."""

    depth: np.ndarray
    """Planar depth [m], float32 ``(n, h, w)``."""
    colour: np.ndarray | None
    """uint8 ``(n, h, w, 3)``, or None."""
    focal_px: np.ndarray
    """Focal length of each picture [px], ``(n,)``."""
    frame_ids: np.ndarray
    """The frames' numbers, ``(n,)``."""
    drawn: tuple[dict[str, float], ...] = ()
    """What else was drawn for each frame, shown beside the camera's values; or empty."""


def depth_spec(spec: Spec) -> DepthNoiseSpec:
    """The spec's depth camera.

    Raises:
        VisionError: the spec has none.
    """
    camera = spec.vision.get("depth")
    if camera is None:
        raise VisionError(
            "this spec has no depth camera; add, for example, 'vision: {depth: {preset: realsense_d435}}'."
        )
    return camera


def analytic_pictures(spec: Spec, frames: int, size: int) -> Pictures:
    """Ray-cast one small arena per frame, each at the focal length that the spec draws for it."""
    from sim2real.draws import Draws
    from sim2real.vision.analytic_scene import make_arena, render

    ids = np.arange(frames)
    scale, smallest = np.ones(frames, np.float32), 1.0
    drawn: tuple[dict[str, float], ...] = ()
    if FOCAL_TERM in spec.terms:
        dist = spec.terms[FOCAL_TERM].dist
        scale = Draws(spec.seed).sample(FOCAL_TERM, dist, ids).reshape(frames)
        smallest = float(min(np.min(dist.bounds()[0]), scale.min()))
        drawn = tuple({FOCAL_TERM: float(value)} for value in scale)
    nominal = 0.5 * size  # 90 degrees, as the D435
    rendered = [render(make_arena(seed), size, size, nominal * smallest) for seed in range(frames)]
    depth, colour = remap_intrinsics(
        np.stack([d for d, _ in rendered]), np.stack([c for _, c in rendered]), scale, min_scale=smallest
    )
    return Pictures(depth=depth, colour=colour, focal_px=nominal * scale, frame_ids=ids, drawn=drawn)


def noisy_rows(spec: Spec, pictures: Pictures) -> list[PreviewRow]:
    """Each picture through the camera that the spec draws for its frame, with the drawn values."""
    from sim2real.draws import Draws

    camera = depth_spec(spec)
    params = draw_depth_params(camera, Draws(spec.seed), pictures.frame_ids)
    light = None if pictures.colour is None else luminance(pictures.colour)
    noisy = depth_noise(
        pictures.depth,
        light,
        params,
        noise_key(spec.seed),
        pictures.frame_ids,
        image_focal_px=pictures.focal_px,
    )
    return [
        PreviewRow(
            title=f"Frame {int(frame)}",
            noisy=noisy[i],
            clean=pictures.depth[i],
            colour=None if pictures.colour is None else pictures.colour[i],
            drawn={
                **(pictures.drawn[i] if pictures.drawn else {}),
                **{name: value for name, value in params.row(i).items() if name in camera.overrides},
            },
        )
        for i, frame in enumerate(pictures.frame_ids)
    ]


def noise_law(spec: Spec) -> tuple[float, float] | None:
    """Smallest and largest sigma / (f b) that the spec can draw [1/m], steps included; None for a noiseless camera."""
    from sim2real.vision.presets import find_preset

    camera = depth_spec(spec)
    preset = find_preset(camera.preset)

    def bounds(name: str) -> tuple[float, float]:
        if name not in camera.overrides:
            return getattr(preset, name), getattr(preset, name)
        low, high = camera.overrides[name].bounds()
        return float(np.min(low)), float(np.max(high))

    noise, step = bounds("disparity_std_px"), bounds("quantization_px")
    focal, baseline = bounds("focal_px"), bounds("baseline_m")
    least = float(np.hypot(noise[0], step[0] / np.sqrt(12.0)) / (focal[1] * baseline[1]))
    most = float(np.hypot(noise[1], step[1] / np.sqrt(12.0)) / (focal[0] * baseline[0]))
    return (least, most) if most > 0.0 else None
