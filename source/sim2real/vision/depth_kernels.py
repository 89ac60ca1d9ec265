# ruff: noqa: UP018 - Warp needs float(0.0) and int(0) for variables that change inside a loop
"""Warp kernels of the stereo depth camera: everything that happens to a pixel, fused into one pass.

Two neighbouring pixels share one Philox call with the counter (frame, episode, occurrence, pixel // 2), so that the
random bits depend on nothing but the frame's name. Of a pixel's two words the first gives the noise (upper 24 bits) and
the raggedness of holes (lower 8), the second whether it is kept (upper 16) and how far a foreground bleeds (lower 16).
A thread walks a run of pixels along a row: the whole row on the CPU, where a frame's values, a hole's cell and the
neighbours' inverse depths are then worked out once and carried along; one pixel on CUDA, where neighbouring threads
read neighbouring pixels. The result is the same for every run length.

Geometry is judged in inverse depth, which is affine across the picture of any plane: a discontinuity is a jump that
the slope on the other side does not explain, however steeply a floor recedes, and the slope gives the incidence angle.
"""

from __future__ import annotations

import math

import warp as wp

from sim2real.draws.philox_warp import normal_from_unit, philox4x32, unit_from_bits
from sim2real.vision.depth_model import FIELDS

wp.set_module_options({"fuse_fp": False})  # no fused multiply-add: the same bits on every processor, NumPy included

_AT = {name: FIELDS.index(name) for name in FIELDS}
BASELINE = wp.constant(_AT["baseline_m"])
FOCAL = wp.constant(_AT["focal_px"])
DISPARITY_STD = wp.constant(_AT["disparity_std_px"])
QUANTIZATION = wp.constant(_AT["quantization_px"])
EDGE_DROPOUT = wp.constant(_AT["edge_dropout"])
EDGE_BLEED = wp.constant(_AT["edge_bleed_px"])
HOLE_RATE = wp.constant(_AT["hole_rate"])
HOLE_SIZE = wp.constant(_AT["hole_size_px"])
DARK_LOSS = wp.constant(_AT["dark_loss"])
OBLIQUE_LOSS = wp.constant(_AT["oblique_loss"])
RANGE_MIN = wp.constant(_AT["range_min_m"])
RANGE_MAX = wp.constant(_AT["range_max_m"])
SCALE = wp.constant(_AT["scale"])
OFFSET = wp.constant(_AT["offset_m"])
TEMPORAL_STD = wp.constant(_AT["temporal_std_m"])

DEPTH_LEAST = wp.constant(1.0e-6)
DEPTH_MOST = wp.constant(1.0e6)
"""Input depths outside (least, most) [m], and what is not a number, count as 'nothing seen'."""
EDGE_DISPARITY_PX = wp.constant(1.0)
"""A discontinuity is a disparity step of more than this [sensor px]: where a matcher begins to see an occlusion."""
BLEED_REACH_MAX = wp.constant(16)
"""Bleeding reaches at most so many pixels of the picture."""
DARK_LUMINANCE = wp.constant(0.25)
"""Luminance below which a surface counts as dark."""
OBLIQUE_COSINE = wp.constant(math.cos(math.radians(70.0)))
"""Cosine of the incidence beyond which a surface counts as oblique."""

HOLE_CELL = wp.constant(1.5)
"""Side of a hole's grid cell in mean hole diameters."""
HOLE_SMALLEST = wp.constant(0.6)
HOLE_SPREAD = wp.constant(0.65)
"""A hole's diameter is uniform in [smallest, smallest + spread] mean diameters."""
HOLE_MARGIN = wp.constant(math.sqrt(1.25))
"""Ragged rims: a hole's squared radius varies by +-25 % from pixel to pixel."""
HOLE_COVER = wp.constant(math.pi / 4.0 * ((0.6 + 0.65) ** 3 - 0.6**3) / (3.0 * 0.65) / 1.5**2)
"""Expected fraction of a cell that its hole covers."""
HOLE_CHANCES = wp.constant(wp.uint32(0x80000000))
HOLE_CELLS = wp.constant(wp.uint32(0xC0000000))
HOLE_GRID = wp.constant(wp.uint32(0xFFFFFFFF))
"""Counter elements of whether cells have a hole (four cells each, from the first), of where it is, and of the grid's
shift; pixels count from 0."""


@wp.func
def invert_depth(z: float) -> float:
    """Inverse depth [1/m]; 0, as at infinity, where nothing valid was seen."""
    q = float(0.0)
    if z > DEPTH_LEAST and z < DEPTH_MOST:
        q = 1.0 / z
    return q


@wp.func
def is_step(before: float, here: float, after: float, step: float) -> bool:
    """Whether the inverse depth jumps next to ``here`` in a way that no plane explains."""
    first = wp.max(wp.abs(here - before), wp.abs(after - here))
    return first > step and wp.abs(before - 2.0 * here + after) > step


@wp.func
def flatter_slope(before: float, here: float, after: float, has_before: bool, has_after: bool) -> float:
    """Slope per pixel on the side that does not cross a discontinuity."""
    left = here - before
    right = after - here
    if not has_before:
        left = right
    if not has_after:
        right = left
    slope = left
    if wp.abs(right) < wp.abs(left):
        slope = right
    if not has_before and not has_after:
        slope = float(0.0)
    return slope


@wp.func
def find_foreground(
    depth: wp.array3d(dtype=float), i: int, y: int, x: int, dy: int, dx: int, reach: int, step: float, best: float
) -> float:
    """The nearest depth within ``reach`` pixels that stands before the surface at (y, x), or ``best`` if nearer."""
    h = depth.shape[1]
    w = depth.shape[2]
    found = float(best)
    if y - dy >= 0 and y - dy < h and x - dx >= 0 and x - dx < w:
        here = invert_depth(depth[i, y, x])
        behind = invert_depth(depth[i, y - dy, x - dx])
        slope = here - behind
        for k in range(1, reach + 1):
            yk = y + k * dy
            xk = x + k * dx
            if yk >= 0 and yk < h and xk >= 0 and xk < w:
                z = depth[i, yk, xk]
                jump = invert_depth(z) - here
                if jump > step and jump - float(k) * slope > step and z < found:
                    found = z
    return found


@wp.func
def place_hole(cell: wp.vec4ui, size: float) -> wp.vec3:
    """The hole of a grid cell: its centre relative to the cell's corner, and its squared radius [px]."""
    radius = 0.5 * size * (HOLE_SMALLEST + HOLE_SPREAD * unit_from_bits(cell[0]))
    margin = HOLE_MARGIN * radius
    room = HOLE_CELL * size - 2.0 * margin
    return wp.vec3(margin + room * unit_from_bits(cell[1]), margin + room * unit_from_bits(cell[2]), radius * radius)


@wp.func
def match_depth(
    q: float, product: float, sigma: float, temporal: float, quantum: float, per_quantum: float, word: wp.uint32
) -> float:
    """Depth as the matcher reports it [m] for an inverse depth, through a disparity with noise and steps; 0 at none."""
    disparity = product * q
    spread = sigma
    if temporal > 0.0:
        shift = temporal * disparity * q
        spread = wp.sqrt(sigma * sigma + shift * shift)
    if spread > 0.0:
        disparity = disparity + spread * normal_from_unit(unit_from_bits(word))
    if quantum > 0.0:
        disparity = quantum * wp.floor(disparity * per_quantum + 0.5)
    measured = 0.0
    if disparity > 0.0:
        measured = product / disparity
    return measured


@wp.kernel(enable_backward=False)
def degrade_depth(
    depth: wp.array3d(dtype=float),
    luminance: wp.array3d(dtype=float),
    params: wp.array2d(dtype=float),
    counters: wp.array2d(dtype=wp.uint32),
    image_focal: wp.array(dtype=float),
    k0: wp.uint32,
    k1: wp.uint32,
    run: int,
    noisy: wp.array3d(dtype=float),
):
    """Write what the camera would report for a run of pixels of one row of one frame."""
    i, y, block = wp.tid()
    h = depth.shape[1]
    w = depth.shape[2]
    c0 = counters[i, 0]
    c1 = counters[i, 1]
    c2 = counters[i, 2]
    focal = image_focal[i]
    zoom = focal / params[i, FOCAL]
    product = params[i, FOCAL] * params[i, BASELINE]
    sigma = params[i, DISPARITY_STD]
    temporal = params[i, TEMPORAL_STD]
    quantum = params[i, QUANTIZATION]
    per_quantum = 0.0
    if quantum > 0.0:
        per_quantum = 1.0 / quantum
    is_matched = sigma > 0.0 or temporal > 0.0 or quantum > 0.0
    scale = params[i, SCALE]
    offset = params[i, OFFSET]
    range_min = params[i, RANGE_MIN]
    range_max = params[i, RANGE_MAX]
    step = EDGE_DISPARITY_PX / product
    edge_dropout = params[i, EDGE_DROPOUT]
    bleed = params[i, EDGE_BLEED] * zoom
    dark = params[i, DARK_LOSS]
    oblique = params[i, OBLIQUE_LOSS]
    has_luminance = luminance.shape[0] > 0
    centre_x = 0.5 * float(w) - 0.5
    per_focal = 1.0 / focal
    ray_y = (float(y) + 0.5 - 0.5 * float(h)) * per_focal
    has_up = y > 0
    has_down = y < h - 1

    chance = params[i, HOLE_RATE] / HOLE_COVER
    hole_size = wp.max(params[i, HOLE_SIZE] * zoom, 1.0)
    side = HOLE_CELL * hole_size
    shift_x = float(0.0)
    grid_y = float(0.0)
    cell_y = int(0)
    cell_x = int(0)
    cell_end = float(0.0)
    chances_at = int(-1)
    chances = wp.vec4ui()
    hole = wp.vec3()
    if chance > 0.0:
        grid = philox4x32(c0, c1, c2, HOLE_GRID, k0, k1)
        shift_x = side * unit_from_bits(grid[0])
        grid_y = float(y) + side * unit_from_bits(grid[1])
        cell_y = int(grid_y / side)

    first = block * run
    last = wp.min(first + run, w)
    block_of_bits = int(-1)
    bits = wp.vec4ui()
    q_left = float(0.0)
    if first > 0:
        q_left = invert_depth(depth[i, y, first - 1])
    q_here = invert_depth(depth[i, y, first])
    for x in range(first, last):
        q_right = float(0.0)
        if x < w - 1:
            q_right = invert_depth(depth[i, y, x + 1])
        reported = float(0.0)
        if q_here > 0.0:
            z = depth[i, y, x]
            pixel = y * w + x
            if pixel // 2 != block_of_bits:
                block_of_bits = pixel // 2
                bits = philox4x32(c0, c1, c2, wp.uint32(block_of_bits), k0, k1)
            noise_word = bits[0]
            choice_word = bits[1]
            if pixel % 2 == 1:
                noise_word = bits[2]
                choice_word = bits[3]
            q_up = float(0.0)
            if has_up:
                q_up = invert_depth(depth[i, y - 1, x])
            q_down = float(0.0)
            if has_down:
                q_down = invert_depth(depth[i, y + 1, x])
            at_edge = x > 0 and x < w - 1 and is_step(q_left, q_here, q_right, step)
            if has_up and has_down and is_step(q_up, q_here, q_down, step):
                at_edge = True

            survive = float(1.0)
            if at_edge:
                survive = 1.0 - edge_dropout
            if dark > 0.0 and has_luminance:
                light = luminance[i, y, x]
                if light < DARK_LUMINANCE:
                    survive = survive * (1.0 - dark * wp.min(1.0 - light / DARK_LUMINANCE, 1.0))
            if oblique > 0.0:
                ray_x = (float(x) - centre_x) * per_focal
                slope_x = focal * flatter_slope(q_left, q_here, q_right, x > 0, x < w - 1)
                slope_y = focal * flatter_slope(q_up, q_here, q_down, has_up, has_down)
                slope_z = q_here - ray_x * slope_x - ray_y * slope_y
                normal = slope_x * slope_x + slope_y * slope_y + slope_z * slope_z
                limit = OBLIQUE_COSINE * OBLIQUE_COSINE * normal * (1.0 + ray_x * ray_x + ray_y * ray_y)
                if q_here * q_here < limit:
                    survive = survive * (1.0 - oblique * (1.0 - q_here * q_here / limit))
            kept = float(wp.int32(choice_word >> wp.uint32(16))) < survive * 65536.0

            if chance > 0.0:
                grid_x = float(x) + shift_x
                if grid_x >= cell_end:
                    cell_x = int(grid_x / side)
                    cell_end = float(cell_x + 1) * side
                    if cell_x // 4 != chances_at:
                        chances_at = cell_x // 4
                        chances = philox4x32(c0, c1, c2, HOLE_CHANCES + wp.uint32(cell_y * 4096 + chances_at), k0, k1)
                    hole = wp.vec3(0.0, 0.0, 0.0)
                    if unit_from_bits(chances[cell_x % 4]) < chance:
                        cell = philox4x32(c0, c1, c2, HOLE_CELLS + wp.uint32(cell_y * 4096 + cell_x), k0, k1)
                        hole = place_hole(cell, hole_size)
                if hole[2] > 0.0:
                    dx = grid_x - float(cell_x) * side - hole[0]
                    dy = grid_y - float(cell_y) * side - hole[1]
                    rim = (float(wp.int32(noise_word & wp.uint32(255))) + 0.5) / 256.0
                    if dx * dx + dy * dy < hole[2] * (0.75 + 0.5 * rim):
                        kept = False

            if kept:
                q = q_here
                if bleed > 0.0:
                    u = float(wp.int32(choice_word & wp.uint32(65535))) / 65536.0
                    reach = wp.min(int(bleed + u), BLEED_REACH_MAX)
                    if reach > 1 or (reach == 1 and at_edge):
                        nearest = find_foreground(depth, i, y, x, 0, 1, reach, step, z)
                        nearest = find_foreground(depth, i, y, x, 0, -1, reach, step, nearest)
                        nearest = find_foreground(depth, i, y, x, 1, 0, reach, step, nearest)
                        z = find_foreground(depth, i, y, x, -1, 0, reach, step, nearest)
                        q = invert_depth(z)
                if is_matched:
                    z = match_depth(q, product, sigma, temporal, quantum, per_quantum, noise_word)
                measured = scale * z + offset
                if z > 0.0 and measured > 0.0 and measured >= range_min and measured <= range_max:
                    reported = measured
        noisy[i, y, x] = reported
        q_left = q_here
        q_here = q_right
