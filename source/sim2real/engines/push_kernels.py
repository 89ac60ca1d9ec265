# mypy: ignore-errors
"""Kernels of what happens between resets: per-world timers, and wrenches that last for a while. No host looks on: a
world's index is written where something changed, and -1 where nothing did.
"""

from __future__ import annotations

import warp as wp

HOLDS = wp.constant(2147483647)
"""Steps left of a wrench that lasts until it is drawn again."""
DIRECTION_VECTOR = wp.constant(0)
DIRECTION_ANY = wp.constant(1)
DIRECTION_HORIZONTAL = wp.constant(2)
DIRECTION_X = wp.constant(3)
_TWO_PI = wp.constant(6.283185307179586)


@wp.func
def directed(
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    direction: wp.int32,
    column: wp.int32,
    around: wp.int32,
) -> wp.vec3:
    """Return a draw as a vector: three draws, or a length with a direction of its own."""
    length = values[world, column]
    if direction == DIRECTION_VECTOR:
        return wp.vec3(length, values[world, column + 1], values[world, column + 2])
    if direction == DIRECTION_ANY:
        # The height of a uniform point on the sphere is uniform (Archimedes).
        height = wp.float32(2.0) * values[world, around] - wp.float32(1.0)
        heading = _TWO_PI * values[world, around + 1]
        flat = wp.sqrt(wp.max(wp.float32(0.0), wp.float32(1.0) - height * height))
        return wp.vec3(flat * wp.cos(heading), flat * wp.sin(heading), height) * length
    if direction == DIRECTION_HORIZONTAL:
        heading = _TWO_PI * values[world, around]
        return wp.vec3(wp.cos(heading), wp.sin(heading), wp.float32(0.0)) * length
    vector = wp.vec3()
    vector[direction - DIRECTION_X] = length
    return vector


@wp.kernel(enable_backward=False)
def tick_timers(
    index: wp.array(dtype=wp.int32),
    every_step: wp.array(dtype=wp.int32),
    streams: wp.array2d(dtype=wp.int32),
    countdown: wp.array2d(dtype=wp.int32),
    occurrence: wp.array2d(dtype=wp.int32),
    fire: wp.array2d(dtype=wp.int32),
):
    """Count one step of a world; mark and number the streams whose time has come."""
    world = index[wp.tid()]
    if world < 0:
        return
    for k in range(every_step.shape[0]):
        due = every_step[k]
        if due == 0:
            countdown[world, k] = countdown[world, k] - 1
            if countdown[world, k] <= 0:
                due = 1
        for i in range(streams.shape[1]):
            s = streams[k, i]
            if s >= 0:
                fire[world, s] = due
                occurrence[world, s] = occurrence[world, s] + due


@wp.func
def steps_of(seconds: wp.float32, per_second: wp.float32) -> wp.int32:
    """Return the number of steps nearest to a time, at least one."""
    return wp.max(wp.int32(1), wp.int32(wp.round(seconds * per_second)))


@wp.kernel(enable_backward=False)
def settle_timers(
    index: wp.array(dtype=wp.int32),
    restart: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    per_second: wp.float32,
    fire: wp.array2d(dtype=wp.int32),
    stream: wp.array(dtype=wp.int32),
    pause: wp.array(dtype=wp.int32),
    rewrites: wp.array(dtype=wp.int32),
    countdown: wp.array2d(dtype=wp.int32),
    push_stream: wp.array(dtype=wp.int32),
    push_steps: wp.array(dtype=wp.int32),
    push_at_reset: wp.array(dtype=wp.int32),
    left: wp.array2d(dtype=wp.int32),
    pushed: wp.array(dtype=wp.int32),
    rewritten: wp.array(dtype=wp.int32),
):
    """Start the timers of what was drawn, let wrenches run out, and say which worlds changed.

    A restart happens before the step's own tick, so it gives one step more.
    """
    entry = wp.tid()
    world = index[entry]
    pushed[entry] = -1
    rewritten[entry] = -1
    if world < 0:
        return
    for k in range(stream.shape[0]):
        if restart != 0 or fire[world, stream[k]] != 0:
            if pause[k] >= 0:
                countdown[world, k] = steps_of(values[world, pause[k]], per_second) + restart
            if rewrites[k] != 0:
                rewritten[entry] = world
    for f in range(push_stream.shape[0]):
        if restart != 0:
            steps = push_steps[f] * push_at_reset[f]
            if steps > 0 and steps < HOLDS:
                steps = steps + 1
            left[world, f] = steps
            pushed[entry] = world
        elif fire[world, push_stream[f]] != 0 and push_at_reset[f] == 0:
            left[world, f] = push_steps[f]
            pushed[entry] = world
        elif left[world, f] > 0 and left[world, f] < HOLDS:
            left[world, f] = left[world, f] - 1
            if left[world, f] == 0:
                pushed[entry] = world


@wp.kernel(enable_backward=False)
def sum_wrenches(
    index: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
    part: wp.array(dtype=wp.float32),
    left: wp.array2d(dtype=wp.int32),
    body: wp.array(dtype=wp.int32),
    start: wp.array(dtype=wp.int32),
    push: wp.array(dtype=wp.int32),
    first: wp.array(dtype=wp.int32),
    direction: wp.array(dtype=wp.int32),
    column: wp.array(dtype=wp.int32),
    around: wp.array(dtype=wp.int32),
    wrench: wp.array3d(dtype=wp.float32),
):
    """Add up what acts on one body of one world."""
    entry, k = wp.tid()
    world = index[entry]
    if world < 0:
        return
    force = wp.vec3()
    torque = wp.vec3()
    for i in range(start[k], start[k + 1]):
        if left[world, push[i]] > 0:
            vector = directed(values, world, direction[i], column[i], around[i]) * part[1]
            if first[i] == 0:
                force += vector
            else:
                torque += vector
    for i in range(3):
        wrench[world, body[k], i] = force[i]
        wrench[world, body[k], i + 3] = torque[i]


@wp.kernel(enable_backward=False)
def direct_draws(
    values: wp.array2d(dtype=wp.float32),
    slot: wp.array(dtype=wp.int32),
    direction: wp.int32,
    column: wp.int32,
    dim: wp.int32,
    around: wp.int32,
    around_dim: wp.int32,
    vectors: wp.array3d(dtype=wp.float32),
):
    """Return one term's draws as vectors, for each selected body."""
    world, k = wp.tid()
    vector = directed(values, world, direction, column + slot[k] * dim, around + slot[k] * around_dim)
    for i in range(3):
        vectors[world, k, i] = vector[i]
