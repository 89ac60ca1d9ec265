"""Colour pictures as a careless world would show them: other light, other colours, blur, noise, something in the way.

``randomize_pictures`` takes clean 8-bit pictures and the values that were drawn for them; it draws nothing but the
pixels' noise, which is keyed as well. Light, noise and occlusion are Warp kernels; colour jitter and blur are Kornia's
functions on the same device and in the same memory, needed only where a spec asks for them. Everything happens to a
picture alone: none depends on the batch that it stands in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.vision.arrays import counter_words, is_numpy, kernel_input, run_length
from sim2real.vision.errors import VisionError
from sim2real.vision.light import linear_from_srgb
from sim2real.vision.picture_params import PictureParams, box_pixels

PICTURE_STREAM = "vision.colour.noise"
"""Name of the stream that the pixels' noise comes from."""


def picture_key(seed: int) -> int:
    """The 64-bit Philox key of the pixel noise under a spec's seed."""
    from sim2real.draws.keys import hash64

    return hash64(seed, PICTURE_STREAM)


def randomize_pictures(
    colour: Any,
    params: PictureParams,
    key: int,
    frame_ids: Any,
    *,
    episodes: Any = 0,
    occurrences: Any = 0,
    empty: Any | None = None,
) -> Any:
    """What a camera would show of clean pictures: background, light, colours, blur, noise, occlusion, in this order.

    Light acts on linear values: the picture counts as rendered under white light of 6500 K. Flat ambient light is the
    picture's mean luminance, mixed in. Colours change as torchvision's ColorJitter changes them.

    Args:
        colour: uint8 ``(n, h, w, 3)``, sRGB: NumPy, Warp, or a torch tensor.
        params: the values of each picture.
        key: 64-bit key, :func:`picture_key` of the spec's seed.
        frame_ids: whole numbers ``(n,)`` in [0, 2^32): dataset frame or world.
        episodes: number or ``(n,)``: episode of a closed loop.
        occurrences: number or ``(n,)``: which picture of the episode; each has its own noise.
        empty: uint8 ``(n, h, w)``, not 0 where nothing was seen; needed when a background was drawn.

    Returns:
        uint8 of the same shape and kind, on the same device.

    Raises:
        VisionError: shapes that do not fit together, or Kornia is needed and not there.
    """
    import warp as wp

    from sim2real.vision.picture_kernels import finish_pictures

    given_torch = hasattr(colour, "data_ptr")
    pixels = kernel_input(wp.from_torch(colour.contiguous()) if given_torch else colour, "colour", np.uint8, 4)
    n, h, w, channels = pixels.shape
    if channels != 3:
        raise VisionError(f"colour has {channels} channels; give RGB, (n, h, w, 3).")
    if len(params) != n:
        raise VisionError(f"colour has {n} pictures and params {len(params)}; give one row for each.")
    device = pixels.device
    words = [counter_words(v, name, n) for name, v in zip(_COUNTERS, (frame_ids, episodes, occurrences), strict=True)]
    finished = wp.empty(pixels.shape, dtype=wp.uint8, device=device)
    if n and h and w:
        lit = _light(_fill_background(pixels, params, empty), params)
        if _changes_colour(params) or (params.blur_std_px > 0.0).any():
            lit = _change_colour(lit, params)
        run = run_length(device, w)
        wp.launch(
            finish_pictures,
            dim=(n, h, -(-w // run)),
            inputs=[
                lit,
                wp.array(params.noise_std, dtype=float, device=device),
                wp.array(np.stack(words, axis=1), dtype=wp.uint32, device=device),
                key & 0xFFFFFFFF,
                key >> 32,
                wp.array(box_pixels(params, h, w), dtype=wp.int32, device=device),
                wp.array(params.box_colour, dtype=wp.uint8, device=device),
                run,
            ],
            outputs=[finished],
            device=device,
        )
    if given_torch:
        return wp.to_torch(finished)
    return finished.numpy() if is_numpy(colour) else finished


_COUNTERS = ("frame_ids", "episodes", "occurrences")


def _fill_background(pixels: Any, params: PictureParams, empty: Any | None) -> Any:
    """Pictures with the drawn colour where nothing was seen; the given ones if no background was drawn."""
    import warp as wp

    from sim2real.vision.picture_kernels import fill_empty

    if not params.has_background:
        return pixels
    if empty is None:
        raise VisionError("a background was drawn and 'empty' is missing; say where the pictures show nothing.")
    if hasattr(empty, "data_ptr"):
        empty = wp.from_torch(empty.contiguous())
    mask = kernel_input(empty, "empty", np.uint8, 3, pixels.device)
    if mask.shape != pixels.shape[:3]:
        raise VisionError(f"empty has shape {mask.shape}; beside these pictures it is {tuple(pixels.shape[:3])}.")
    filled = wp.clone(pixels)
    background = wp.array(params.background, dtype=wp.uint8, device=pixels.device)
    wp.launch(fill_empty, dim=mask.shape, inputs=[mask, background], outputs=[filled], device=pixels.device)
    return filled


def _light(pixels: Any, params: PictureParams) -> Any:
    """Pictures as floats (n, 3, h, w) in [0, 1], lit."""
    import warp as wp

    from sim2real.vision.picture_kernels import average_rows, light_pictures, sum_light

    n, h, w, _ = pixels.shape
    device = pixels.device
    table = wp.array(linear_from_srgb(), dtype=float, device=device)
    means = wp.zeros(n, dtype=float, device=device)
    if (params.ambient > 0.0).any():
        sums = wp.empty((n, h), dtype=wp.float64, device=device)
        wp.launch(sum_light, dim=(n, h), inputs=[pixels, table], outputs=[sums], device=device)
        wp.launch(average_rows, dim=n, inputs=[sums, w], outputs=[means], device=device)
    lit = wp.empty((n, 3, h, w), dtype=float, device=device)
    run = run_length(device, w)
    gain = wp.array(params.gain, dtype=wp.vec3, device=device)
    ambient = wp.array(params.ambient, dtype=float, device=device)
    inputs = [pixels, table, gain, ambient, means, run]
    wp.launch(light_pictures, dim=(n, h, -(-w // run)), inputs=inputs, outputs=[lit], device=device)
    return lit


def _changes_colour(params: PictureParams) -> bool:
    factors = (params.brightness, params.contrast, params.saturation)
    return bool(any((factor != 1.0).any() for factor in factors) or (params.hue_turn != 0.0).any())


def _change_colour(lit: Any, params: PictureParams) -> Any:
    """Colours and blur by Kornia, each picture's four changes in its own order."""
    import math

    import warp as wp

    try:
        import torch
        from kornia.enhance import adjust
        from kornia.filters import gaussian_blur2d
    except ImportError as error:
        raise VisionError(
            f"colour jitter and blur need {error.name}, which is not installed: pip install 'sim2real[lab]', or leave "
            "brightness, contrast, saturation, hue_turn and blur_std_px out of the spec."
        ) from error
    pictures = wp.to_torch(lit)
    changes = (
        (adjust.adjust_brightness_accumulative, params.brightness, 1.0),
        (adjust.adjust_contrast_with_mean_subtraction, params.contrast, 1.0),
        (adjust.adjust_saturation_with_gray_subtraction, params.saturation, 1.0),
        (adjust.adjust_hue, params.hue_turn * np.float32(2.0 * math.pi), 0.0),
    )

    def on_device(values: np.ndarray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(values)).to(pictures.device)

    for position in range(len(changes)):
        for number, (change, values, neutral) in enumerate(changes):
            rows = np.flatnonzero((params.order[:, position] == number) & (values != neutral))
            if len(rows):
                chosen = on_device(rows)
                changed = change(pictures[chosen], on_device(values[rows])).clamp(0.0, 1.0)
                pictures[chosen] = changed
    rows = np.flatnonzero(params.blur_std_px > 0.0)
    if len(rows):
        chosen, std = on_device(rows), on_device(np.repeat(params.blur_std_px[rows, None], 2, axis=1))
        size = (params.blur_size_px, params.blur_size_px)
        pictures[chosen] = gaussian_blur2d(pictures[chosen], size, std, border_type="reflect")
    return wp.from_torch(pictures.contiguous())
