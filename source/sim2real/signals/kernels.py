# mypy: ignore-errors
"""The kernels of signals: one thread for each world takes a datum through error, line, reading and loss.

Samples of an episode are numbered from 0, and sample ``c`` lies in slot ``c % depth`` of a world's line. A reset sets
the number back to 0; since no sample below 0 is ever read, nothing of an earlier episode can be. What is drawn for a
sample is a function of (key, world, episode, c, element), so that a sample that is given again is disturbed alike.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.kernels import Counter, Tables, joint_value
from sim2real.draws.philox_warp import unit_from_bits
from sim2real.signals.error_kernels import Errors, ErrorState, disturb_block
from sim2real.signals.levels import Key, Level, level_of, words_of

NONE = -1
LINEAR, HOLD, COMMAND = 0, 1, 2
"""How a line is read."""
_LINEAR = wp.constant(LINEAR)
_ROUNDING = wp.constant(wp.float32(1.0e-4))
"""Part of a step by which a delay may miss a whole number of steps and still mean it."""


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
    jitter_key: Key
    dropout_key: Key
    errors: Errors


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
    state: ErrorState,
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
    slot = sample % signal.depth
    for e in range(signal.size):
        if new:
            held[world, e] = out[world, e]
        line[slot, world, e] = x[world, e]
    if signal.reading != _LINEAR:
        for block in range((signal.size + 3) // 4):
            disturb_block(signal.errors, values, state, world, number, episode, sample, block, new, line[slot, world])
    for e in range(signal.size):
        out[world, e] = read_line(signal, line, world, e, sample, lag)
    if signal.reading == _LINEAR:
        for block in range((signal.size + 3) // 4):
            disturb_block(signal.errors, values, state, world, number, episode, sample, block, new, out[world])
    if lost:
        for e in range(signal.size):
            out[world, e] = wp.where(signal.zero_lost != 0, wp.float32(0.0), held[world, e])


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
    state: ErrorState,
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
    for e in range(signal.size):
        line[slot, world, e] = x[world, e]
    for block in range((signal.size + 3) // 4):
        disturb_block(signal.errors, values, state, world, number, episode, sample, block, True, line[slot, world])
    if lost:
        for e in range(signal.size):
            line[slot, world, e] = wp.where(signal.zero_lost != 0, wp.float32(0.0), line[before, world, e])
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
