"""Warp kernels that resample a picture for another focal length, and that take luminance from colour.

No renderer gives every environment its own focal length, so one is rendered that is wide enough for all and each frame
is cut out of it. Depth is interpolated in inverse depth, which is exact on planes, and only where the four pixels lie
on one surface: they agree, or the surface goes on with the same slope on at least one side. Elsewhere the nearest pixel
is taken, so that no depth appears that no surface has.
"""

from __future__ import annotations

import warp as wp

from sim2real.vision.depth_kernels import invert_depth

wp.set_module_options({"fuse_fp": False})  # no fused multiply-add: the same bits on every processor, NumPy included

AGREE = wp.constant(0.02)
"""Inverse depths that differ by less than this fraction lie on one surface [1]."""
SLOPE_AGREE = wp.constant(0.25)
"""A larger step is a slope if the next step on one side equals it within this fraction [1]."""


JOINS_RIGHT = wp.constant(1)
JOINS_DOWN = wp.constant(2)
"""Bits of a pixel that lies on one surface with its right neighbour, with the one below."""


@wp.func
def read_inverse(depth: wp.array3d(dtype=float), i: int, y: int, x: int) -> float:
    """Inverse depth of a pixel [1/m]; 0 outside the picture or where nothing was seen."""
    q = 0.0
    if y >= 0 and y < depth.shape[1] and x >= 0 and x < depth.shape[2]:
        q = invert_depth(depth[i, y, x])
    return q


@wp.func
def is_one_surface(behind: float, here: float, after: float, beyond: float) -> bool:
    """Whether the middle two of four inverse depths in a line lie on one surface."""
    jump = after - here
    size = wp.abs(jump)
    one = size <= AGREE * wp.max(here, after)
    if behind > 0.0 and wp.abs(jump - (here - behind)) <= SLOPE_AGREE * size:
        one = True
    if beyond > 0.0 and wp.abs(jump - (beyond - after)) <= SLOPE_AGREE * size:
        one = True
    return one and here > 0.0 and after > 0.0


@wp.kernel(enable_backward=False)
def mark_surfaces(
    depth: wp.array3d(dtype=float), run: int, inverse: wp.array3d(dtype=float), joins: wp.array3d(dtype=wp.uint8)
):
    """Write inverse depth, and with which neighbours a pixel lies on one surface, for a run of pixels of one row."""
    i, y, block = wp.tid()
    first = block * run
    behind = read_inverse(depth, i, y, first - 1)
    here = read_inverse(depth, i, y, first)
    after = read_inverse(depth, i, y, first + 1)
    for x in range(first, wp.min(first + run, depth.shape[2])):
        beyond = read_inverse(depth, i, y, x + 2)
        below = read_inverse(depth, i, y + 1, x)
        above = read_inverse(depth, i, y - 1, x)
        bottom = read_inverse(depth, i, y + 2, x)
        bits = 0
        if is_one_surface(behind, here, after, beyond):
            bits = JOINS_RIGHT
        if is_one_surface(above, here, below, bottom):
            bits = bits + JOINS_DOWN
        inverse[i, y, x] = here
        joins[i, y, x] = wp.uint8(bits)
        behind = here
        here = after
        after = beyond


@wp.kernel(enable_backward=False)
def remap_depth(
    depth: wp.array3d(dtype=float),
    inverse: wp.array3d(dtype=float),
    joins: wp.array3d(dtype=wp.uint8),
    ratio: wp.array(dtype=float),
    run: int,
    remapped: wp.array3d(dtype=float),
):
    """Resample a run of depth pixels of one row; ``ratio`` is source pixels per picture pixel."""
    i, y, block = wp.tid()
    h_in = depth.shape[1]
    w_in = depth.shape[2]
    h = remapped.shape[1]
    w = remapped.shape[2]
    v = (float(y) + 0.5 - 0.5 * float(h)) * ratio[i] + 0.5 * float(h_in) - 0.5
    y0 = int(wp.floor(v))
    fy = v - float(y0)
    yn = y0
    if fy >= 0.5:
        yn = y0 + 1
    for x in range(block * run, wp.min(block * run + run, w)):
        u = (float(x) + 0.5 - 0.5 * float(w)) * ratio[i] + 0.5 * float(w_in) - 0.5
        x0 = int(wp.floor(u))
        fx = u - float(x0)
        xn = x0
        if fx >= 0.5:
            xn = x0 + 1
        z = 0.0
        if yn >= 0 and yn < h_in and xn >= 0 and xn < w_in and inverse[i, yn, xn] > 0.0:
            z = depth[i, yn, xn]
            if x0 >= 0 and x0 < w_in - 1 and y0 >= 0 and y0 < h_in - 1 and (fx > 0.0 or fy > 0.0):
                both = JOINS_RIGHT + JOINS_DOWN
                corner = int(joins[i, y0, x0])
                below = int(joins[i, y0 + 1, x0]) & JOINS_RIGHT
                right = int(joins[i, y0, x0 + 1]) & JOINS_DOWN
                if corner == both and below + right == both:
                    q00 = inverse[i, y0, x0]
                    q10 = inverse[i, y0 + 1, x0]
                    top = q00 + fx * (inverse[i, y0, x0 + 1] - q00)
                    bottom = q10 + fx * (inverse[i, y0 + 1, x0 + 1] - q10)
                    z = 1.0 / (top + fy * (bottom - top))
        remapped[i, y, x] = z


@wp.kernel(enable_backward=False)
def remap_colour(
    colour: wp.array4d(dtype=wp.uint8), ratio: wp.array(dtype=float), run: int, remapped: wp.array4d(dtype=wp.uint8)
):
    """Resample a run of colour pixels of one row, bilinearly; the border pixel goes on outside."""
    i, y, block = wp.tid()
    h_in = colour.shape[1]
    w_in = colour.shape[2]
    h = remapped.shape[1]
    w = remapped.shape[2]
    v = wp.clamp((float(y) + 0.5 - 0.5 * float(h)) * ratio[i] + 0.5 * float(h_in) - 0.5, 0.0, float(h_in - 1))
    y0 = int(v)
    y1 = wp.min(y0 + 1, h_in - 1)
    fy = v - float(y0)
    for x in range(block * run, wp.min(block * run + run, w)):
        u = wp.clamp((float(x) + 0.5 - 0.5 * float(w)) * ratio[i] + 0.5 * float(w_in) - 0.5, 0.0, float(w_in - 1))
        x0 = int(u)
        x1 = wp.min(x0 + 1, w_in - 1)
        fx = u - float(x0)
        for c in range(3):
            c00 = float(colour[i, y0, x0, c])
            c10 = float(colour[i, y1, x0, c])
            top = c00 + fx * (float(colour[i, y0, x1, c]) - c00)
            bottom = c10 + fx * (float(colour[i, y1, x1, c]) - c10)
            remapped[i, y, x, c] = wp.uint8(top + fy * (bottom - top) + 0.5)


@wp.kernel(enable_backward=False)
def weigh_colour(colour: wp.array4d(dtype=wp.uint8), run: int, luminance: wp.array3d(dtype=float)):
    """Write the luminance of a run of pixels of one row."""
    i, y, block = wp.tid()
    for x in range(block * run, wp.min(block * run + run, colour.shape[2])):
        r = float(colour[i, y, x, 0])
        g = float(colour[i, y, x, 1])
        b = float(colour[i, y, x, 2])
        luminance[i, y, x] = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255.0
