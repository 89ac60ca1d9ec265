"""Per-frame focal lengths cut out of one wider render, and luminance from colour."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.vision.arrays import is_numpy, kernel_input, per_frame, run_length
from sim2real.vision.errors import VisionError


def remap_intrinsics(
    depth: Any, colour: Any | None, focal_scale: Any, *, min_scale: float, out_hw: tuple[int, int] | None = None
) -> tuple[Any, Any | None]:
    """Give every frame its own focal length.

    The render has the focal length ``nominal * min_scale``, the widest that any frame needs; frame i comes out with
    ``nominal * focal_scale[i]``. A frame with ``focal_scale[i] == min_scale`` and the render's size is the render, bit
    for bit. Depth stays planar depth, so only the rays change.

    Args:
        depth: rendered planar depth ``(n, h_in, w_in)`` [m]; 0 or not finite where nothing was seen.
        colour: rendered colour, uint8 ``(n, h_in, w_in, 3)``, or None.
        focal_scale: number or ``(n,)``, at least ``min_scale`` [1].
        min_scale: focal length of the render over the nominal one [1].
        out_hw: height and width of the pictures; the render's by default. The aspect ratio has to be the render's.

    Returns:
        Depth ``(n, h, w)`` float32 [m] with 0 for nothing seen, and colour ``(n, h, w, 3)`` or None; NumPy for NumPy.

    Raises:
        VisionError: a focal scale below ``min_scale`` (the render would not reach the picture's border), or shapes that
            do not fit.
    """
    import warp as wp

    from sim2real.vision.image_kernels import mark_surfaces, remap_colour, remap_depth

    source = kernel_input(depth, "depth", np.float32, 3)
    device = source.device
    n, h_in, w_in = source.shape
    h, w = (h_in, w_in) if out_hw is None else out_hw
    if h < 1 or w < 1 or h * w_in != w * h_in:
        raise VisionError(f"out_hw is {(h, w)}; it needs the render's aspect ratio, {h_in} to {w_in}.")
    scale = per_frame(focal_scale, "focal_scale", n)
    smallest = np.float32(min_scale)
    if not smallest > 0.0 or (n and not (np.isfinite(scale).all() and (scale >= smallest).all())):
        shown = float(np.nanmin(scale)) if n else float("nan")
        raise VisionError(
            f"focal_scale goes down to {shown:g} and the render was made for {float(smallest):g} and more: its border "
            "would be empty. Render with a smaller min_scale (the lowest bound of the focal length's distribution)."
        )
    ratio = wp.array((smallest / scale) * np.float32(w_in / w), dtype=float, device=device)
    run = run_length(device, w)
    dim = (n, h, -(-w // run))
    new_depth = wp.empty((n, h, w), dtype=float, device=device)
    if n and h_in and w_in:
        inverse = wp.empty(source.shape, dtype=float, device=device)
        joins = wp.empty(source.shape, dtype=wp.uint8, device=device)
        run_in = run_length(device, w_in)
        dim_in = (n, h_in, -(-w_in // run_in))
        wp.launch(mark_surfaces, dim=dim_in, inputs=[source, run_in], outputs=[inverse, joins], device=device)
        inputs = [source, inverse, joins, ratio, run]
        wp.launch(remap_depth, dim=dim, inputs=inputs, outputs=[new_depth], device=device)
    new_colour = None
    if colour is not None:
        pixels = kernel_input(colour, "colour", np.uint8, 4, device)
        if pixels.shape != (n, h_in, w_in, 3):
            raise VisionError(f"colour has shape {pixels.shape}; beside this depth it is {(n, h_in, w_in, 3)}.")
        new_colour = wp.empty((n, h, w, 3), dtype=wp.uint8, device=device)
        if n:
            wp.launch(remap_colour, dim=dim, inputs=[pixels, ratio, run], outputs=[new_colour], device=device)
    if is_numpy(depth):
        return new_depth.numpy(), None if new_colour is None else new_colour.numpy()
    return new_depth, new_colour


def luminance(colour: Any) -> Any:
    """Luminance of 8-bit colour: the Rec. 709 weights applied to the values as they stand, without undoing the gamma.

    Args:
        colour: uint8 ``(n, h, w, 3)``.

    Returns:
        Float32 ``(n, h, w)`` in [0, 1]; NumPy for NumPy, Warp for Warp.
    """
    import warp as wp

    from sim2real.vision.image_kernels import weigh_colour

    pixels = kernel_input(colour, "colour", np.uint8, 4)
    n, h, w, channels = pixels.shape
    if channels != 3:
        raise VisionError(f"colour has {channels} channels; give RGB, (n, h, w, 3).")
    light = wp.empty((n, h, w), dtype=float, device=pixels.device)
    run = run_length(pixels.device, w)
    if n and h and w:
        wp.launch(weigh_colour, dim=(n, h, -(-w // run)), inputs=[pixels, run], outputs=[light], device=pixels.device)
    return light.numpy() if is_numpy(colour) else light
