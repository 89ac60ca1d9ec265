# mypy: ignore-errors
"""Reading a delay line, (samples, worlds, elements): between two samples, or over an exposure."""

from __future__ import annotations

import warp as wp

LINEAR, HOLD = 0, 1
"""How a line is read."""
_LINEAR = wp.constant(LINEAR)
ROUNDING = wp.float32(1.0e-4)
"""Part of a step by which a delay may miss a whole number of steps and still mean it."""
_ROUNDING = wp.constant(ROUNDING)


@wp.func
def read_line(
    reading: wp.int32,
    depth: wp.int32,
    line: wp.array3d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    newest: wp.int32,
    lag: wp.float32,
) -> wp.float32:
    """Return what lies ``lag`` samples before the newest; before the first sample lies the first sample."""
    if reading != _LINEAR:
        back = wp.int32(wp.ceil(lag - _ROUNDING))
        return line[wp.max(newest - back, 0) % depth, world, element]
    whole = wp.floor(lag)
    part = lag - whole
    newer = wp.max(newest - wp.int32(whole), 0)
    y = line[newer % depth, world, element]
    if part > wp.float32(0.0):
        older = wp.max(newer - 1, 0)
        y = (wp.float32(1.0) - part) * y + part * line[older % depth, world, element]
    return y


@wp.func
def expose_line(
    reading: wp.int32,
    depth: wp.int32,
    line: wp.array3d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    newest: wp.int32,
    lag: wp.float32,
    width: wp.float32,
) -> wp.float32:
    """Return the mean over ``width`` samples that end ``lag`` samples before the newest, or what is amid them."""
    if width <= wp.float32(0.0):
        return read_line(reading, depth, line, world, element, newest, lag)
    if reading != _LINEAR:
        return read_line(reading, depth, line, world, element, newest, lag + wp.float32(0.5) * width)
    total = wp.float32(0.0)
    start, until = lag, lag + width
    while start < until:  # the mean of a line between two samples is what it is at the middle
        end = wp.min(wp.floor(start) + wp.float32(1.0), until)
        middle = wp.float32(0.5) * (start + end)
        total = total + (end - start) * read_line(reading, depth, line, world, element, newest, middle)
        start = end
    return total / width
