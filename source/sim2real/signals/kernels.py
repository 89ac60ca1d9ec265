# mypy: ignore-errors
"""The kernels of signals: one thread for each world takes a datum through error, line, reading and loss.

Samples of an episode are numbered from 0, and sample ``c`` lies in slot ``c % depth`` of a world's line. A reset sets
the number back to 0; since no sample below 0 is ever read, nothing of an earlier episode can be. What is drawn for a
sample is a function of (key, world, episode, c, element), so that a sample that is given again is disturbed alike.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.kernels import Counter, Tables, joint_value
from sim2real.draws.philox_warp import normal_from_unit, philox4x32, unit_from_bits

NONE = -1
LINEAR, HOLD, COMMAND = 0, 1, 2
"""How a line is read."""
_LINEAR = wp.constant(LINEAR)
_ROUNDING = wp.constant(wp.float32(1.0e-4))
"""Part of a step by which a delay may miss a whole number of steps and still mean it."""


@wp.struct
class Level:
    """A number that a world drew for its episode."""

    column: wp.int32  # among the draws, -1 for none
    stride: wp.int32  # 1 with a number for each element, 0 with one for all


@wp.struct
class Key:
    """The random key of what is drawn for every sample."""

    k0: wp.uint32
    k1: wp.uint32


@wp.struct
class Signal:
    """What happens to a datum, as numbers."""

    size: wp.int32
    depth: wp.int32
    reading: wp.int32
    zero_lost: wp.int32
    has_jitter: wp.int32
    first_world: wp.uint32
    step_dt: wp.float32
    latency: Level
    dropout: Level
    bias: Level
    scale: Level
    white: Level
    walk: Level
    relative: Level
    quantum: Level
    saturation: Level
    jitter_key: Key
    dropout_key: Key
    white_key: Key
    walk_key: Key
    relative_key: Key


@wp.func
def level_of(level: Level, values: wp.array2d(dtype=wp.float32), world: wp.int32, element: wp.int32) -> wp.float32:
    """Return a world's number for an element."""
    return values[world, level.column + level.stride * element]


@wp.func
def words_of(key: Key, world: wp.uint32, episode: wp.uint32, sample: wp.int32, block: wp.int32) -> wp.vec4ui:
    """Return the random words of four neighbouring elements of a sample."""
    return philox4x32(world, episode, wp.uint32(sample), wp.uint32(block), key.k0, key.k1)


@wp.func
def delay_of(
    signal: Signal,
    tables: Tables,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    episode: wp.uint32,
    sample: wp.int32,
) -> wp.float32:
    """Return a sample's delay [s], at least 0."""
    delay = wp.float32(0.0)
    if signal.latency.column >= 0:
        delay = level_of(signal.latency, values, world, 0)
    if signal.has_jitter != 0:
        counter = Counter()
        counter.k0 = signal.jitter_key.k0
        counter.k1 = signal.jitter_key.k1
        counter.world = signal.first_world + wp.uint32(world)
        counter.episode = episode
        counter.occurrence = wp.uint32(sample)
        counter.number = wp.uint32(0)
        words = words_of(signal.jitter_key, counter.world, episode, sample, 0)
        delay = delay + joint_value(tables.nodes[0], tables, 0, counter, words, wp.uint32(0))
    return wp.max(delay, wp.float32(0.0))


@wp.func
def is_lost(
    signal: Signal, values: wp.array2d(dtype=wp.float32), world: wp.int32, episode: wp.uint32, sample: wp.int32
) -> wp.bool:
    """Return whether a sample gets lost; an episode's first never does."""
    if signal.dropout.column < 0 or sample == 0:
        return False
    words = words_of(signal.dropout_key, signal.first_world + wp.uint32(world), episode, sample, 0)
    return unit_from_bits(words[0]) < level_of(signal.dropout, values, world, 0)


@wp.func
def disturb(
    signal: Signal,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    x: wp.float32,
    white: wp.float32,
    relative: wp.float32,
    walked: wp.float32,
) -> wp.float32:
    """Return a datum with its errors: in proportion, added, cut off, rounded."""
    factor = wp.float32(1.0)
    if signal.scale.column >= 0:
        factor = factor + level_of(signal.scale, values, world, element)
    if signal.relative.column >= 0:
        factor = factor + level_of(signal.relative, values, world, element) * relative
    y = x * factor + walked
    if signal.bias.column >= 0:
        y = y + level_of(signal.bias, values, world, element)
    if signal.white.column >= 0:
        y = y + level_of(signal.white, values, world, element) * white
    if signal.saturation.column >= 0:
        limit = level_of(signal.saturation, values, world, element)
        y = wp.min(wp.max(y, -limit), limit)
    if signal.quantum.column >= 0:
        quantum = level_of(signal.quantum, values, world, element)
        if quantum > wp.float32(0.0):
            y = wp.rint(y / quantum) * quantum
    return y


@wp.func
def step_walk(
    signal: Signal,
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
    return before + level_of(signal.walk, values, world, element) * wp.sqrt(signal.step_dt) * normal


@wp.func
def read_line(
    signal: Signal,
    line: wp.array3d(dtype=wp.float32),
    world: wp.int32,
    element: wp.int32,
    sample: wp.int32,
    lag: wp.float32,
) -> wp.float32:
    """Return what lies ``lag`` steps before a sample; before the first sample lies the first sample."""
    if signal.reading != _LINEAR:
        back = wp.int32(wp.ceil(lag - _ROUNDING))
        return line[wp.max(sample - back, 0) % signal.depth, world, element]
    whole = wp.floor(lag)
    part = lag - whole
    newer = wp.max(sample - wp.int32(whole), 0)
    y = line[newer % signal.depth, world, element]
    if part > wp.float32(0.0):
        older = wp.max(newer - 1, 0)
        y = (wp.float32(1.0) - part) * y + part * line[older % signal.depth, world, element]
    return y


@wp.kernel(enable_backward=False)
def begin(
    index: wp.array(dtype=wp.int32),
    use_given: wp.int32,
    given: wp.array(dtype=wp.int32),
    resets: wp.array(dtype=wp.int32),
    episode: wp.array(dtype=wp.int32),
    count: wp.array(dtype=wp.int32),
):
    """Begin an episode in a world: its number, and no sample yet."""
    world = index[wp.tid()]
    if world < 0:
        return
    number = resets[world]
    if use_given != 0:
        number = given[world]
    episode[world] = number
    resets[world] = number + 1
    count[world] = 0


@wp.kernel(enable_backward=False)
def observe(
    signal: Signal,
    tables: Tables,
    values: wp.array2d(dtype=wp.float32),
    episodes: wp.array(dtype=wp.int32),
    advance: wp.int32,
    x: wp.array2d(dtype=wp.float32),
    count: wp.array(dtype=wp.int32),
    line: wp.array3d(dtype=wp.float32),
    walk: wp.array2d(dtype=wp.float32),
    walk_before: wp.array2d(dtype=wp.float32),
    held: wp.array2d(dtype=wp.float32),
    out: wp.array2d(dtype=wp.float32),
):
    """Take one sample of a world through the signal; without ``advance`` it stands in for the newest."""
    world = wp.tid()
    new = advance != 0 or count[world] == 0
    if new:
        count[world] = count[world] + 1
    sample = count[world] - 1
    episode = wp.uint32(episodes[world])
    number = signal.first_world + wp.uint32(world)
    lag = delay_of(signal, tables, values, world, episode, sample) / signal.step_dt
    lag = wp.min(lag, wp.float32(wp.min(sample, signal.depth - 1)))
    lost = is_lost(signal, values, world, episode, sample)
    for block in range((signal.size + 3) // 4):
        whites, relatives, walks = wp.vec4ui(), wp.vec4ui(), wp.vec4ui()
        if signal.white.column >= 0:
            whites = words_of(signal.white_key, number, episode, sample, block)
        if signal.relative.column >= 0:
            relatives = words_of(signal.relative_key, number, episode, sample, block)
        if signal.walk.column >= 0:
            walks = words_of(signal.walk_key, number, episode, sample, block)
        for j in range(wp.min(4, signal.size - 4 * block)):
            e = 4 * block + j
            white, relative, walked = wp.float32(0.0), wp.float32(0.0), wp.float32(0.0)
            if signal.white.column >= 0:
                white = normal_from_unit(unit_from_bits(whites[j]))
            if signal.relative.column >= 0:
                relative = normal_from_unit(unit_from_bits(relatives[j]))
            if signal.walk.column >= 0:
                if new:
                    walk_before[world, e] = walk[world, e]
                normal = normal_from_unit(unit_from_bits(walks[j]))
                walked = step_walk(signal, values, world, e, walk_before[world, e], normal, sample)
                walk[world, e] = walked
            if new:
                held[world, e] = out[world, e]
            sent = x[world, e]
            if signal.reading != _LINEAR:
                sent = disturb(signal, values, world, e, sent, white, relative, walked)
            line[sample % signal.depth, world, e] = sent
            y = read_line(signal, line, world, e, sample, lag)
            if signal.reading == _LINEAR:
                y = disturb(signal, values, world, e, y, white, relative, walked)
            if lost:
                y = held[world, e]
                if signal.zero_lost != 0:
                    y = wp.float32(0.0)
            out[world, e] = y


@wp.kernel(enable_backward=False)
def command(
    signal: Signal,
    tables: Tables,
    values: wp.array2d(dtype=wp.float32),
    episodes: wp.array(dtype=wp.int32),
    x: wp.array2d(dtype=wp.float32),
    count: wp.array(dtype=wp.int32),
    line: wp.array3d(dtype=wp.float32),
    delays: wp.array2d(dtype=wp.float32),
    walk: wp.array2d(dtype=wp.float32),
    out: wp.array3d(dtype=wp.float32),
):
    """Send a world's command, and average what has arrived over each physics step until the next is sent.

    A command acts from when it arrives until one that was sent later arrives. A command that is lost and held is the
    one before it, arriving when that one does.
    """
    world = wp.tid()
    sample = count[world]
    count[world] = sample + 1
    episode = wp.uint32(episodes[world])
    number = signal.first_world + wp.uint32(world)
    slot = sample % signal.depth
    before = (sample + signal.depth - 1) % signal.depth
    lost = is_lost(signal, values, world, episode, sample)
    delay = delay_of(signal, tables, values, world, episode, sample)
    if lost and signal.zero_lost == 0:
        delay = wp.max(delays[before, world] - signal.step_dt, wp.float32(0.0))
    delays[slot, world] = delay
    for block in range((signal.size + 3) // 4):
        whites, relatives, walks = wp.vec4ui(), wp.vec4ui(), wp.vec4ui()
        if signal.white.column >= 0:
            whites = words_of(signal.white_key, number, episode, sample, block)
        if signal.relative.column >= 0:
            relatives = words_of(signal.relative_key, number, episode, sample, block)
        if signal.walk.column >= 0:
            walks = words_of(signal.walk_key, number, episode, sample, block)
        for j in range(wp.min(4, signal.size - 4 * block)):
            e = 4 * block + j
            white, relative, walked = wp.float32(0.0), wp.float32(0.0), wp.float32(0.0)
            if signal.white.column >= 0:
                white = normal_from_unit(unit_from_bits(whites[j]))
            if signal.relative.column >= 0:
                relative = normal_from_unit(unit_from_bits(relatives[j]))
            if signal.walk.column >= 0:
                normal = normal_from_unit(unit_from_bits(walks[j]))
                walked = step_walk(signal, values, world, e, walk[world, e], normal, sample)
                walk[world, e] = walked
            sent = disturb(signal, values, world, e, x[world, e], white, relative, walked)
            if lost:
                sent = line[before, world, e]
                if signal.zero_lost != 0:
                    sent = wp.float32(0.0)
            line[slot, world, e] = sent
    oldest = wp.max(sample - signal.depth + 1, 0)
    steps = out.shape[0]
    width = signal.step_dt / wp.float32(steps)
    for i in range(steps):
        start, until = wp.float32(i) * width, wp.float32(i + 1) * width
        for e in range(signal.size):
            out[i, world, e] = wp.float32(0.0)
        k = sample
        going = wp.bool(True)
        while going:
            arrival = delays[k % signal.depth, world] - wp.float32(sample - k) * signal.step_dt
            going = arrival > start and k > oldest
            since = wp.max(arrival, start)
            if not going:
                since = start
            if since < until:
                weight = (until - since) / width
                if not going and until == wp.float32(i + 1) * width:
                    weight = wp.float32(1.0)
                for e in range(signal.size):
                    out[i, world, e] = out[i, world, e] + weight * line[k % signal.depth, world, e]
                until = since
            k = k - 1
