# ruff: noqa: UP018 - Warp needs float(0.0) and int(0) for variables that change inside a loop
# mypy: ignore-errors
"""The kernel of `arena_rays`: a ray against a floor, upright boxes and upright cylinders, in closed form."""

from __future__ import annotations

import warp as wp

NEVER = wp.constant(1.0e9)
"""Where a ray that misses ends [m]."""
FLOOR = wp.constant(0)
"""What a ray hit: 0 the floor, k the shape k - 1, and -1 nothing."""


@wp.func
def cross_slab(start: float, way: float, half: float) -> wp.vec2:
    """Where a ray enters and leaves the points between -half and half along one axis."""
    span = wp.vec2(-NEVER, NEVER)
    if wp.abs(way) > 1.0e-9:
        one = (-half - start) / way
        other = (half - start) / way
        span = wp.vec2(wp.min(one, other), wp.max(one, other))
    elif wp.abs(start) > half:
        span = wp.vec2(NEVER, -NEVER)
    return span


@wp.func
def cross_disc(start: wp.vec2, way: wp.vec2, radius: float) -> wp.vec2:
    """Where a ray enters and leaves an endless upright cylinder about the origin."""
    span = wp.vec2(NEVER, -NEVER)
    a = wp.dot(way, way)
    b = wp.dot(way, start)
    under = b * b - a * (wp.dot(start, start) - radius * radius)
    if a > 1.0e-12 and under > 0.0:
        root = wp.sqrt(under)
        span = wp.vec2((-b - root) / a, (-b + root) / a)
    return span


@wp.kernel
def cast_rays(
    eye: wp.array(dtype=wp.vec3),
    turn: wp.array(dtype=wp.mat33),
    focal: wp.array(dtype=float),
    pose: wp.array2d(dtype=wp.vec4),
    half: wp.array(dtype=wp.vec3),
    is_round: wp.array(dtype=int),
    reach: float,
    depth: wp.array3d(dtype=float),
    hit: wp.array3d(dtype=int),
):
    """Depth along the camera's axis and shape of one pixel; x forward, y left, z up."""
    i, row, column = wp.tid()
    middle = float(depth.shape[1]) / 2.0
    across = (float(column) + 0.5 - middle) / focal[i]
    down = (float(row) + 0.5 - middle) / focal[i]
    ray = turn[i] * wp.vec3(1.0, -across, -down)
    start = eye[i]
    nearest = float(NEVER)
    what = int(-1)
    if ray[2] < -1.0e-9 and start[2] > 0.0:
        nearest = -start[2] / ray[2]
        what = int(FLOOR)
    for k in range(half.shape[0]):
        place = pose[i, k]
        c = wp.cos(place[3])
        s = wp.sin(place[3])
        x = start[0] - place[0]
        y = start[1] - place[1]
        local = wp.vec2(c * x + s * y, c * y - s * x)
        way = wp.vec2(c * ray[0] + s * ray[1], c * ray[1] - s * ray[0])
        span = cross_slab(start[2] - place[2], ray[2], half[k][2])
        if is_round[k] == 1:
            side = cross_disc(local, way, half[k][0])
            span = wp.vec2(wp.max(span[0], side[0]), wp.min(span[1], side[1]))
        else:
            along = cross_slab(local[0], way[0], half[k][0])
            side = cross_slab(local[1], way[1], half[k][1])
            span = wp.vec2(wp.max(wp.max(span[0], along[0]), side[0]), wp.min(wp.min(span[1], along[1]), side[1]))
        if span[0] < span[1] and span[0] > 0.0 and span[0] < nearest:
            nearest = span[0]
            what = k + 1
    if nearest > reach:
        nearest = float(0.0)
        what = int(-1)
    depth[i, row, column] = nearest
    hit[i, row, column] = what
