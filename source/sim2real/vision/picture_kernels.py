# mypy: ignore-errors
"""Warp kernels around the change of colour: light on the way in, noise and occlusion on the way out; colours of shapes.

Light multiplies linear values, so 8-bit sRGB is decoded by a table, lit and encoded again. Noise takes its bits from
the counter (frame, episode, occurrence, number / 4), where number = (row * width + column) * 3 + channel.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.philox_warp import normal_from_unit, philox4x32, unit_from_bits

wp.set_module_options({"fuse_fp": False})  # no fused multiply-add: the same bits on every processor, NumPy included

_NONE = wp.constant(wp.uint32(0xFFFFFFFF))
_GREY = wp.constant(wp.vec3(0.2126, 0.7152, 0.0722))


@wp.func
def encode_srgb(linear: float) -> float:
    """sRGB value in [0, 1] of linear light, cut off at full scale."""
    v = wp.clamp(linear, 0.0, 1.0)
    if v <= 0.0031308:
        return 12.92 * v
    return 1.055 * wp.pow(v, 1.0 / 2.4) - 0.055


@wp.kernel(enable_backward=False)
def fill_empty(
    empty: wp.array3d(dtype=wp.uint8), background: wp.array2d(dtype=wp.uint8), colour: wp.array4d(dtype=wp.uint8)
):
    """Colour a pixel that shows nothing."""
    i, y, x = wp.tid()
    if empty[i, y, x] != wp.uint8(0):
        for c in range(3):
            colour[i, y, x, c] = background[i, c]


@wp.kernel(enable_backward=False)
def sum_light(colour: wp.array4d(dtype=wp.uint8), table: wp.array(dtype=float), sums: wp.array2d(dtype=wp.float64)):
    """Add up the linear luminance of one row of one picture."""
    i, y = wp.tid()
    total = wp.float64(0.0)
    for x in range(colour.shape[2]):
        for c in range(3):
            total = total + wp.float64(_GREY[c] * table[int(colour[i, y, x, c])])
    sums[i, y] = total


@wp.kernel(enable_backward=False)
def average_rows(sums: wp.array2d(dtype=wp.float64), width: int, means: wp.array(dtype=float)):
    """Make the picture's mean of its rows' sums."""
    i = wp.tid()
    total = wp.float64(0.0)
    for y in range(sums.shape[1]):
        total = total + sums[i, y]
    means[i] = float(total / wp.float64(sums.shape[1] * width))


@wp.kernel(enable_backward=False)
def light_pictures(
    colour: wp.array4d(dtype=wp.uint8),
    table: wp.array(dtype=float),
    gain: wp.array(dtype=wp.vec3),
    ambient: wp.array(dtype=float),
    means: wp.array(dtype=float),
    run: int,
    lit: wp.array4d(dtype=float),
):
    """Light a run of pixels of one row; pictures come as (n, h, w, 3) and leave as (n, 3, h, w) in [0, 1]."""
    i, y, block = wp.tid()
    bare = gain[i] == wp.vec3(1.0, 1.0, 1.0) and ambient[i] == 0.0
    for x in range(block * run, wp.min(block * run + run, colour.shape[2])):
        for c in range(3):
            code = int(colour[i, y, x, c])
            if bare:
                lit[i, c, y, x] = float(code) / 255.0
            else:
                shaped = (1.0 - ambient[i]) * table[code] + ambient[i] * means[i]
                lit[i, c, y, x] = encode_srgb(gain[i][c] * shaped)


@wp.kernel(enable_backward=False)
def finish_pictures(
    lit: wp.array4d(dtype=float),
    noise_std: wp.array(dtype=float),
    counters: wp.array2d(dtype=wp.uint32),
    k0: wp.uint32,
    k1: wp.uint32,
    box: wp.array2d(dtype=wp.int32),
    box_colour: wp.array2d(dtype=wp.uint8),
    run: int,
    finished: wp.array4d(dtype=wp.uint8),
):
    """Add noise to a run of pixels of one row, put what occludes before them, and round to 8 bits."""
    i, y, block = wp.tid()
    width = lit.shape[3]
    words = wp.vec4ui()
    held = _NONE
    for x in range(block * run, wp.min(block * run + run, width)):
        hidden = y >= box[i, 0] and y < box[i, 2] and x >= box[i, 1] and x < box[i, 3]
        for c in range(3):
            if hidden:
                finished[i, y, x, c] = box_colour[i, c]
            else:
                v = lit[i, c, y, x]
                if noise_std[i] > 0.0:
                    number = wp.uint32((y * width + x) * 3 + c)
                    if number >> wp.uint32(2) != held:
                        held = number >> wp.uint32(2)
                        words = philox4x32(counters[i, 0], counters[i, 1], counters[i, 2], held, k0, k1)
                    u = unit_from_bits(words[wp.int32(number & wp.uint32(3))])
                    v = v + noise_std[i] * normal_from_unit(u)
                finished[i, y, x, c] = wp.uint8(wp.clamp(v, 0.0, 1.0) * 255.0 + 0.5)


@wp.kernel(enable_backward=False)
def write_colours(
    worlds: wp.array(dtype=wp.int32),
    index: wp.array2d(dtype=wp.int32),
    given: wp.array2d(dtype=wp.vec3),
    shape_color: wp.array(dtype=wp.vec3),
):
    """Write the colour of one shape of one world."""
    row, k = wp.tid()
    shape_color[index[worlds[row], k]] = given[row, k]
