# mypy: ignore-errors
"""The errors of a datum: ``disturb_block`` puts them on four neighbouring elements, in place.

Random numbers of a sample are functions of (key, world, episode, sample, element). What goes on from sample to sample
stands in ``ErrorState``; sample 0 begins it anew, so that nothing of an earlier episode is left.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.philox_warp import normal_from_unit, unit_from_bits
from sim2real.signals.levels import Key, Level, level_of, words_of

HOLD, ZERO, LIMIT = 0, 1, 2
"""What stands in for a lost element."""
_ZERO, _LIMIT = wp.constant(ZERO), wp.constant(LIMIT)
_TINY = wp.constant(wp.float32(1.0e-12))


@wp.struct
class Errors:
    """What is wrong with a datum, as numbers."""

    size: wp.int32
    any: wp.int32  # 0: nothing is wrong
    step_dt: wp.float32  # time between two samples [s]
    misalignment: Level
    cross_axis: Level
    eccentricity: Level
    eccentricity_phase: Level
    scale: Level
    bias: Level
    white: Level
    noise_density: Level
    quadratic: Level
    relative: Level
    walk: Level
    bias_instability: Level
    saturation: Level
    saturation_low: Level
    quantum: Level
    dropout_each: Level
    on_dropout_each: wp.int32
    white_key: Key
    relative_key: Key
    walk_key: Key
    bias_instability_key: Key
    dropout_each_key: Key
    walk_slot: wp.int32  # slots in the state
    drift_slot: wp.int32
    told_slot: wp.int32
    drifts: wp.int32  # Gauss-Markov processes
    drift_gain: wp.float32  # standard deviation of each for a flat of 1
    drift_kept: wp.vec4f  # what remains of each from one sample to the next
    drift_added: wp.vec4f  # how much is added


@wp.struct
class ErrorState:
    """What errors go on from, float32 (worlds, elements, slots)."""

    now: wp.array3d(dtype=wp.float32)
    before: wp.array3d(dtype=wp.float32)  # one sample earlier, for a sample that is given again


@wp.func
def turn_axes(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    row: wp.array(dtype=wp.float32),
):
    """Turn a datum of three axes by a rotation vector, then let each axis read a part of the others."""
    v = wp.vec3f(row[0], row[1], row[2])
    if errors[which].misalignment.column >= 0:
        turn = wp.vec3f(
            level_of(errors[which].misalignment, values, world, 0),
            level_of(errors[which].misalignment, values, world, 1),
            level_of(errors[which].misalignment, values, world, 2),
        )
        angle = wp.length(turn)
        if angle > _TINY:
            v = wp.quat_rotate(wp.quat_from_axis_angle(turn / angle, angle), v)
    if errors[which].cross_axis.column >= 0:
        x, y, z = v[0], v[1], v[2]
        v[0] = (
            x
            + level_of(errors[which].cross_axis, values, world, 0) * y
            + level_of(errors[which].cross_axis, values, world, 1) * z
        )
        v[1] = (
            y
            + level_of(errors[which].cross_axis, values, world, 2) * x
            + level_of(errors[which].cross_axis, values, world, 3) * z
        )
        v[2] = (
            z
            + level_of(errors[which].cross_axis, values, world, 4) * x
            + level_of(errors[which].cross_axis, values, world, 5) * y
        )
    for axis in range(3):
        row[axis] = v[axis]


@wp.func
def normal_of(words: wp.vec4ui, j: wp.int32) -> wp.float32:
    """Return a standard normal number of one of four random words."""
    return normal_from_unit(unit_from_bits(words[j]))


@wp.func
def spread_of(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    x: wp.float32,
) -> wp.float32:
    """Return the standard deviation of an element's white error, whose parts are independent of each other."""
    std = wp.float32(0.0)
    if errors[which].white.column >= 0:
        std = level_of(errors[which].white, values, world, element)
    if errors[which].quadratic.column >= 0:
        std = std + level_of(errors[which].quadratic, values, world, element) * x * x
    if errors[which].noise_density.column >= 0:
        density = level_of(errors[which].noise_density, values, world, element)
        std = wp.sqrt(std * std + density * density / errors[which].step_dt)
    return std


@wp.func
def step_walk(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
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
    return before + level_of(errors[which].walk, values, world, element) * wp.sqrt(errors[which].step_dt) * normal


@wp.func
def step_drifts(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    state: ErrorState,
    world: wp.int32,
    element: wp.int32,
    words: wp.vec4ui,
    sample: wp.int32,
) -> wp.float32:
    """Return the sum of an element's Gauss-Markov processes after their step; they begin as they go on for ever."""
    total = wp.float32(0.0)
    for k in range(errors[which].drifts):
        slot = errors[which].drift_slot + k
        normal = normal_of(words, k)
        here = normal
        if sample > 0:
            here = (
                errors[which].drift_kept[k] * state.before[world, element, slot] + errors[which].drift_added[k] * normal
            )
        state.now[world, element, slot] = here
        total = total + here
    return total * errors[which].drift_gain * level_of(errors[which].bias_instability, values, world, element)


@wp.func
def tell(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    x: wp.float32,
) -> wp.float32:
    """Return what a sensor can tell of a number: cut off, rounded."""
    y = x
    if errors[which].saturation.column >= 0:
        limit = level_of(errors[which].saturation, values, world, element)
        y = wp.min(y, limit)
        if errors[which].saturation_low.column < 0:
            y = wp.max(y, -limit)
    if errors[which].saturation_low.column >= 0:
        y = wp.max(y, level_of(errors[which].saturation_low, values, world, element))
    if errors[which].quantum.column >= 0:
        quantum = level_of(errors[which].quantum, values, world, element)
        if quantum > wp.float32(0.0):
            y = wp.rint(y / quantum) * quantum
    return y


@wp.func
def lose_element(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    state: ErrorState,
    world: wp.int32,
    element: wp.int32,
    word: wp.uint32,
    sample: wp.int32,
    y: wp.float32,
) -> wp.float32:
    """Return what an element tells, or what stands in for it when it is lost; an episode's first never is."""
    told = y
    if sample > 0 and unit_from_bits(word) < level_of(errors[which].dropout_each, values, world, element):
        told = state.before[world, element, errors[which].told_slot]
        if errors[which].on_dropout_each == _ZERO:
            told = wp.float32(0.0)
        if errors[which].on_dropout_each == _LIMIT:
            told = level_of(errors[which].saturation, values, world, element)
    state.now[world, element, errors[which].told_slot] = told
    return told


@wp.func
def disturb_block(
    errors: wp.array(dtype=Errors),
    which: wp.int32,
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
    if errors[which].any == 0:
        return
    if errors[which].misalignment.column >= 0 or errors[which].cross_axis.column >= 0:
        turn_axes(errors, which, values, world, row)
    whites, relatives, walks, losses = wp.vec4ui(), wp.vec4ui(), wp.vec4ui(), wp.vec4ui()
    is_noisy = (
        errors[which].white.column >= 0
        or errors[which].noise_density.column >= 0
        or errors[which].quadratic.column >= 0
    )
    if is_noisy:
        whites = words_of(errors[which].white_key, number, episode, sample, block)
    if errors[which].relative.column >= 0:
        relatives = words_of(errors[which].relative_key, number, episode, sample, block)
    if errors[which].walk.column >= 0:
        walks = words_of(errors[which].walk_key, number, episode, sample, block)
    if errors[which].dropout_each.column >= 0:
        losses = words_of(errors[which].dropout_each_key, number, episode, sample, block)
    for j in range(wp.min(4, errors[which].size - 4 * block)):
        e = 4 * block + j
        if new:
            for slot in range(state.now.shape[2]):
                state.before[world, e, slot] = state.now[world, e, slot]
        x = row[e]
        if errors[which].eccentricity.column >= 0:
            phase = level_of(errors[which].eccentricity_phase, values, world, e)
            x = x + level_of(errors[which].eccentricity, values, world, e) * wp.sin(x + phase)
        factor = wp.float32(1.0)
        if errors[which].scale.column >= 0:
            factor = factor + level_of(errors[which].scale, values, world, e)
        if errors[which].relative.column >= 0:
            factor = factor + level_of(errors[which].relative, values, world, e) * normal_of(relatives, j)
        y = x * factor
        if errors[which].walk.column >= 0:
            slot = errors[which].walk_slot
            walked = step_walk(
                errors, which, values, world, e, state.before[world, e, slot], normal_of(walks, j), sample
            )
            state.now[world, e, slot] = walked
            y = y + walked
        if errors[which].bias_instability.column >= 0:
            words = words_of(errors[which].bias_instability_key, number, episode, sample, e)
            y = y + step_drifts(errors, which, values, state, world, e, words, sample)
        if errors[which].bias.column >= 0:
            y = y + level_of(errors[which].bias, values, world, e)
        if is_noisy:
            y = y + spread_of(errors, which, values, world, e, x) * normal_of(whites, j)
        y = tell(errors, which, values, world, e, y)
        if errors[which].dropout_each.column >= 0:
            y = lose_element(errors, which, values, state, world, e, losses[j], sample, y)
        row[e] = y
