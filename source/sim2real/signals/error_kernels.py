# mypy: ignore-errors
"""The errors of a datum: ``disturb_block`` puts them on four neighbouring elements, in place.

Random numbers of a sample are functions of (key, world, episode, sample, element). What goes on from sample to sample
stands in ``ErrorState``; sample 0 begins it anew, so that nothing of an earlier episode is left.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.philox_warp import normal_from_unit, unit_from_bits
from sim2real.signals.levels import Key, Level, level_of, words_of

WALK = 0
"""Slot of the random walk in the state."""
_WALK = wp.constant(WALK)


@wp.struct
class Errors:
    """What is wrong with a datum, as numbers."""

    size: wp.int32
    step_dt: wp.float32  # time between two samples [s]
    bias: Level
    scale: Level
    white: Level
    walk: Level
    relative: Level
    quantum: Level
    saturation: Level
    white_key: Key
    walk_key: Key
    relative_key: Key


@wp.struct
class ErrorState:
    """What errors go on from, float32 (worlds, elements, slots)."""

    now: wp.array3d(dtype=wp.float32)
    before: wp.array3d(dtype=wp.float32)  # one sample earlier, for a sample that is given again


@wp.func
def disturb(
    errors: Errors,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    x: wp.float32,
    white: wp.float32,
    relative: wp.float32,
    walked: wp.float32,
) -> wp.float32:
    """Return an element with its errors: in proportion, added, cut off, rounded."""
    factor = wp.float32(1.0)
    if errors.scale.column >= 0:
        factor = factor + level_of(errors.scale, values, world, element)
    if errors.relative.column >= 0:
        factor = factor + level_of(errors.relative, values, world, element) * relative
    y = x * factor + walked
    if errors.bias.column >= 0:
        y = y + level_of(errors.bias, values, world, element)
    if errors.white.column >= 0:
        y = y + level_of(errors.white, values, world, element) * white
    if errors.saturation.column >= 0:
        limit = level_of(errors.saturation, values, world, element)
        y = wp.min(wp.max(y, -limit), limit)
    if errors.quantum.column >= 0:
        quantum = level_of(errors.quantum, values, world, element)
        if quantum > wp.float32(0.0):
            y = wp.rint(y / quantum) * quantum
    return y


@wp.func
def step_walk(
    errors: Errors,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    before: wp.float32,
    normal: wp.float32,
    sample: wp.int32,
) -> wp.float32:
    """Return where a random walk has come to; it begins at 0."""
    if sample == 0:
        return wp.float32(0.0)
    return before + level_of(errors.walk, values, world, element) * wp.sqrt(errors.step_dt) * normal


@wp.func
def disturb_block(
    errors: Errors,
    values: wp.array2d(dtype=wp.float32),
    state: ErrorState,
    world: wp.int32,
    number: wp.uint32,
    episode: wp.uint32,
    sample: wp.int32,
    block: wp.int32,
    new: wp.bool,
    row: wp.array(dtype=wp.float32),
):
    """Put the errors of a sample on elements ``4 * block`` to ``4 * block + 3`` of a datum, in place.

    Args:
        errors: what is wrong with the signal.
        values: the draws of the worlds' episodes.
        state: what errors go on from; written for this world and block.
        world: number of the world in this process.
        number: global number of the world.
        episode: number of its episode.
        sample: number of the sample in the episode; 0 begins anew.
        block: which four elements.
        new: whether the sample is a new one, or the newest given again.
        row: all elements of the datum.
    """
    whites, relatives, walks = wp.vec4ui(), wp.vec4ui(), wp.vec4ui()
    if errors.white.column >= 0:
        whites = words_of(errors.white_key, number, episode, sample, block)
    if errors.relative.column >= 0:
        relatives = words_of(errors.relative_key, number, episode, sample, block)
    if errors.walk.column >= 0:
        walks = words_of(errors.walk_key, number, episode, sample, block)
    for j in range(wp.min(4, errors.size - 4 * block)):
        e = 4 * block + j
        white, relative, walked = wp.float32(0.0), wp.float32(0.0), wp.float32(0.0)
        if errors.white.column >= 0:
            white = normal_from_unit(unit_from_bits(whites[j]))
        if errors.relative.column >= 0:
            relative = normal_from_unit(unit_from_bits(relatives[j]))
        if errors.walk.column >= 0:
            if new:
                state.before[world, e, _WALK] = state.now[world, e, _WALK]
            normal = normal_from_unit(unit_from_bits(walks[j]))
            walked = step_walk(errors, values, world, e, state.before[world, e, _WALK], normal, sample)
            state.now[world, e, _WALK] = walked
        row[e] = disturb(errors, values, world, e, row[e], white, relative, walked)
