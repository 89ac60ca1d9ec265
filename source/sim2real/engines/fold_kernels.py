# mypy: ignore-errors
"""Kernels that turn draws into a world's row, always from nominal values: numbers, gravity, and a draw's place in its
range. Operations stand in lists: `start[k]` to `start[k + 1]` are those of the k-th number. `part` holds 1 and how far
a staged curriculum opens the ranges of terms that are drawn again; `staged` says which of the two an operation takes.
"""

from __future__ import annotations

import warp as wp

from sim2real.engines import ops

_SET = wp.constant(ops.SET)
_SCALE = wp.constant(ops.SCALE)
_ADD = wp.constant(ops.ADD)
_TILT = wp.constant(ops.TILT)
_TWO_PI = wp.constant(6.283185307179586)


@wp.func
def blended(draw: wp.float32, neutral: wp.float32, part: wp.float32) -> wp.float32:
    """Return the draw, moved towards what would change nothing while a curriculum uses only part of the range."""
    if part == wp.float32(1.0):
        return draw
    return neutral + part * (draw - neutral)


@wp.func
def folded(code: wp.int32, value: wp.float32, draw: wp.float32, part: wp.float32) -> wp.float32:
    """Return a value after one operation."""
    if code == _SET:
        return blended(draw, value, part)
    if code == _SCALE:
        return value * blended(draw, wp.float32(1.0), part)
    if code == _ADD:
        return value + blended(draw, wp.float32(0.0), part)
    return value


@wp.kernel(enable_backward=False)
def fold_rows(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    nominal: wp.array(dtype=wp.float32),
    part: wp.array(dtype=wp.float32),
    base: wp.array(dtype=wp.int32),
    stride: wp.array(dtype=wp.int32),
    factor: wp.array(dtype=wp.float32),
    offset: wp.array(dtype=wp.float32),
    start: wp.array(dtype=wp.int32),
    code: wp.array(dtype=wp.int32),
    column: wp.array(dtype=wp.int32),
    staged: wp.array(dtype=wp.int32),
    row: wp.array(dtype=wp.float32),
    block: wp.int32,
):
    """Compute a block of one world's folded numbers."""
    entry, first = wp.tid()
    world = index[entry]
    if world < 0:
        return
    for k in range(first * block, wp.min((first + 1) * block, base.shape[0])):
        at = base[k] + world * stride[k]
        value = nominal[at]
        for i in range(start[k], start[k + 1]):
            value = folded(code[i], value, values[world, column[i]], part[staged[i]])
        row[at] = value * factor[k] + offset[k]


@wp.kernel(enable_backward=False)
def fold_gravity(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    nominal: wp.array3d(dtype=wp.float32),
    part: wp.array(dtype=wp.float32),
    code: wp.array(dtype=wp.int32),
    column: wp.array(dtype=wp.int32),
    around: wp.array(dtype=wp.int32),
    staged: wp.array(dtype=wp.int32),
    gravity: wp.array3d(dtype=wp.float32),
):
    """Change gravity's magnitude, then tilt it about a horizontal axis."""
    world = index[wp.tid()]
    if world < 0:
        return
    vector = wp.vec3(nominal[world, 0, 0], nominal[world, 0, 1], nominal[world, 0, 2])
    before = wp.length(vector)
    magnitude = before
    for i in range(code.shape[0]):
        if code[i] != _TILT:
            magnitude = folded(code[i], magnitude, values[world, column[i]], part[staged[i]])
    if magnitude != before:
        if before > wp.float32(0.0):
            vector = vector * (magnitude / before)
        else:
            vector = wp.vec3(0.0, 0.0, -magnitude)
    for i in range(code.shape[0]):
        if code[i] == _TILT:
            heading = _TWO_PI * values[world, around[i]]
            angle = blended(values[world, column[i]], wp.float32(0.0), part[staged[i]])
            axis = wp.vec3(wp.cos(heading), wp.sin(heading), wp.float32(0.0))
            # Rodrigues' formula; the angle is small, so 1 - cos is taken from the half angle.
            half = wp.sin(wp.float32(0.5) * angle)
            vector = (
                vector
                + wp.cross(axis, vector) * wp.sin(angle)
                + wp.cross(axis, wp.cross(axis, vector)) * (wp.float32(2.0) * half * half)
            )
    for i in range(3):
        gravity[world, 0, i] = vector[i]


@wp.kernel(enable_backward=False)
def place_in_range(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    column: wp.array(dtype=wp.int32),
    middle: wp.array(dtype=wp.float32),
    per_half: wp.array(dtype=wp.float32),
    placed: wp.array2d(dtype=wp.float32),
):
    """Map each draw to [-1, 1] over its declared bounds."""
    world = index[wp.tid()]
    if world < 0:
        return
    for i in range(column.shape[0]):
        place = (values[world, column[i]] - middle[i]) * per_half[i]
        placed[world, i] = wp.clamp(place, wp.float32(-1.0), wp.float32(1.0))


@wp.kernel(enable_backward=False)
def begin_episodes(
    index: wp.array(dtype=wp.int32),
    resets: wp.array(dtype=wp.int32),
    episode: wp.array(dtype=wp.int32),
    occurrence: wp.array2d(dtype=wp.int32),
):
    """Count the episode, the first one as 0, and start counting its draws anew."""
    world = index[wp.tid()]
    if world < 0:
        return
    episode[world] = resets[world]
    resets[world] = resets[world] + 1
    for i in range(occurrence.shape[1]):
        occurrence[world, i] = 0
