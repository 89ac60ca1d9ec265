"""The stereo depth camera as a function: clean rendered depth in, what the camera would have reported out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.vision.arrays import counter_words, is_numpy, kernel_input, per_frame, run_length
from sim2real.vision.depth_model import DepthParams
from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    from sim2real.draws.sampler import Draws
    from sim2real.spec import DepthNoiseSpec

NOISE_STREAM = "vision.depth.noise"
"""Name of the stream that the pixels' random bits come from."""


def noise_key(seed: int) -> int:
    """The 64-bit Philox key of the pixel noise under a spec's seed."""
    from sim2real.draws.keys import hash64

    return hash64(seed, NOISE_STREAM)


def draw_depth_params(spec: DepthNoiseSpec, draws: Draws, frame_ids: Any, episodes: Any = 0) -> DepthParams:
    """The camera of each frame: the spec's preset, with the fields that it overrides drawn per frame.

    A field named ``scale`` draws from the stream ``vision.depth.scale``, and likewise for the others.

    Args:
        spec: ``spec.vision["depth"]``: the preset's name and the distributions of the overridden fields.
        draws: the spec's keyed random numbers.
        frame_ids: frame (or world) ids ``(n,)``.
        episodes: episode of each frame, a number or ``(n,)``.

    Raises:
        VisionError: an unknown preset or field, or a drawn value that the model does not allow.
    """
    from sim2real.vision.presets import find_preset

    ids = np.atleast_1d(np.asarray(frame_ids))
    base = DepthParams.constant(find_preset(spec.preset), len(ids))
    drawn: dict[str, Any] = {}
    for name, dist in spec.overrides.items():
        if not hasattr(base, name):
            raise VisionError(
                f"vision.depth.{name}: the depth camera has no such field. Fields: {', '.join(base.row(0))}."
            )
        drawn[name] = draws.sample(f"vision.depth.{name}", dist, ids, episodes).reshape(len(ids))
    return base.replace(**drawn)


def depth_noise(
    depth: Any,
    luminance: Any | None,
    params: DepthParams,
    key: int,
    frame_ids: Any,
    *,
    episodes: Any = 0,
    occurrences: Any = 0,
    image_focal_px: Any | None = None,
) -> Any:
    """What a stereo camera would report for rendered depth.

    Frame i depends on its own depth, luminance, parameters, focal length and counter (frame id, episode, occurrence),
    and on nothing else: not on the batch it stands in, nor on its place there.

    Args:
        depth: planar depth ``(n, h, w)`` [m]; what is not finite and positive counts as nothing seen.
        luminance: ``(n, h, w)`` in [0, 1] from :func:`luminance`, or None for a scene without dark surfaces.
        params: the camera of each frame.
        key: 64-bit key, :func:`noise_key` of the spec's seed.
        frame_ids: whole numbers ``(n,)`` in [0, 2^32): dataset frame or world.
        episodes: number or ``(n,)``: episode of a closed loop.
        occurrences: number or ``(n,)``: tick within the episode; each tick has its own noise.
        image_focal_px: focal length of *this* picture [px], number or ``(n,)``; None for a field of view of 90 degrees
            (half the width), as the D435 has.

    Returns:
        Float32 depth ``(n, h, w)`` [m], 0 where the camera reports nothing; NumPy for NumPy, Warp for Warp.

    Raises:
        VisionError: shapes that do not fit together.
    """
    import warp as wp

    from sim2real.vision.depth_kernels import degrade_depth

    device = None if is_numpy(depth) else getattr(depth, "device", None)
    clean = kernel_input(depth, "depth", np.float32, 3)
    device = clean.device if device is None else device
    n, h, w = clean.shape
    if len(params) != n:
        raise VisionError(f"depth has {n} frames and params {len(params)}; give one camera per frame.")
    if luminance is None:
        light = wp.empty((0, 0, 0), dtype=float, device=device)
    else:
        light = kernel_input(luminance, "luminance", np.float32, 3, device)
        if light.shape != clean.shape:
            raise VisionError(f"luminance has shape {light.shape}; it has to be the depth's, {clean.shape}.")
    focal = per_frame(0.5 * w if image_focal_px is None else image_focal_px, "image_focal_px", n)
    if n and not (np.isfinite(focal).all() and (focal > 0.0).all()):
        raise VisionError("image_focal_px has to be positive and finite [px].")
    counters = np.stack(
        [
            counter_words(frame_ids, "frame_ids", n),
            counter_words(episodes, "episodes", n),
            counter_words(occurrences, "occurrences", n),
        ],
        axis=1,
    )
    noisy = wp.empty(clean.shape, dtype=float, device=device)
    if n and h and w:
        run = run_length(device, w)
        wp.launch(
            degrade_depth,
            dim=(n, h, -(-w // run)),
            inputs=[
                clean,
                light,
                wp.array(params.packed(), dtype=float, device=device),
                wp.array(counters, dtype=wp.uint32, device=device),
                wp.array(focal, dtype=float, device=device),
                key & 0xFFFFFFFF,
                key >> 32,
                run,
            ],
            outputs=[noisy],
            device=device,
        )
    return noisy.numpy() if is_numpy(depth) else noisy
