# mypy: ignore-errors
"""The kernels of signals: one thread for each world and signal takes a datum through error, line, reading and loss.

Samples of an episode are numbered from 0, and sample ``c`` lies in slot ``c % depth`` of a world's line. A reset sets
the number back to 0; since no sample below 0 is ever read, nothing of an earlier episode can be. What is drawn for a
datum is a function of (key, world, episode, its number, element), so that a datum that is given again is disturbed
alike. Without a clock a datum is what is read at a call; with one it is what the sensor took at a tick, and it is sent.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws.kernels import Counter, Tables, joint_value
from sim2real.draws.philox_warp import unit_from_bits
from sim2real.signals.error_kernels import Errors, ErrorState, disturb_block
from sim2real.signals.levels import Key, Level, level_of, words_of

LINEAR, HOLD = 0, 1
"""How a line is read."""
_LINEAR = wp.constant(LINEAR)
_ROUNDING = wp.constant(wp.float32(1.0e-4))
"""Part of a step by which a delay may miss a whole number of steps and still mean it."""


@wp.struct
class Signal:
    """What happens to a datum, as numbers."""

    size: wp.int32
    depth: wp.int32  # samples that the line holds
    reading: wp.int32
    zero_lost: wp.int32
    has_jitter: wp.int32
    first_world: wp.uint32
    step_dt: wp.float32  # time between two calls [s]
    samples: wp.int32  # samples of a call
    spacing: wp.float64  # time between two samples [s]
    clocked: wp.int32
    period: wp.float64  # time between two ticks [s]
    sent_depth: wp.int32  # data that are kept of what was sent
    latency: Level
    dropout: Level
    phase: Level
    exposure: Level
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


@wp.struct
class PathState:
    """A signal with its draws and the memory of its line; worlds first but for the lines."""

    signal: Signal
    tables: Tables
    values: wp.array2d(dtype=wp.float32)
    episodes: wp.array(dtype=wp.int32)
    resets: wp.array(dtype=wp.int32)
    x: wp.array3d(dtype=wp.float32)  # (samples of a call, worlds, elements)
    count: wp.array(dtype=wp.int32)
    line: wp.array3d(dtype=wp.float32)
    sent: wp.array3d(dtype=wp.float32)
    arrivals: wp.array2d(dtype=wp.float64)  # when what was sent arrives [s], (data, worlds)
    state: ErrorState
    held: wp.array2d(dtype=wp.float32)
    out: wp.array2d(dtype=wp.float32)


@wp.func
def exposure_of(path: PathState, world: wp.int32) -> wp.float32:
    """Return over how many samples a datum is averaged."""
    if path.signal.exposure.column < 0:
        return wp.float32(0.0)
    return level_of(path.signal.exposure, path.values, world, 0) / wp.float32(path.signal.spacing)


@wp.func
def put_errors(path: PathState, world: wp.int32, datum: wp.int32, new: wp.bool, row: wp.array(dtype=wp.float32)):
    """Disturb all elements of a datum, in place."""
    number = path.signal.first_world + wp.uint32(world)
    episode = wp.uint32(path.episodes[world])
    for block in range((path.signal.size + 3) // 4):
        disturb_block(path.signal.errors, path.values, path.state, world, number, episode, datum, block, new, row)


@wp.func
def read_now(path: PathState, world: wp.int32, newest: wp.int32, new: wp.bool):
    """Read what a sensor without a clock says: a datum of its own for every call."""
    signal = path.signal
    episode = wp.uint32(path.episodes[world])
    datum = (newest + signal.samples - 1) // signal.samples
    lag = delay_of(signal, path.tables, path.values, world, episode, datum) / wp.float32(signal.spacing)
    lag = wp.min(lag, wp.float32(wp.min(newest, signal.depth - 1)))
    width = exposure_of(path, world)
    for e in range(signal.size):
        if new:
            path.held[world, e] = path.out[world, e]
        path.out[world, e] = expose_line(signal.reading, signal.depth, path.line, world, e, newest, lag, width)
    put_errors(path, world, datum, new, path.out[world])
    if is_lost(signal, path.values, world, episode, datum):
        for e in range(signal.size):
            path.out[world, e] = wp.where(signal.zero_lost != 0, wp.float32(0.0), path.held[world, e])


@wp.func
def last_tick(path: PathState, first: wp.float64, time: wp.float64) -> wp.int32:
    """Return the number of a clock's last tick; tick 0 is the episode's start, tick 1 the clock's first."""
    ticks = wp.floor((time - first) / path.signal.period + wp.float64(_ROUNDING))
    return wp.max(wp.int32(ticks) + 1, 0)


@wp.func
def send(path: PathState, world: wp.int32, newest: wp.int32, datum: wp.int32, first: wp.float64, new: wp.bool):
    """Take a datum at a tick of the sensor's clock and send it; it arrives later."""
    signal = path.signal
    episode = wp.uint32(path.episodes[world])
    slot, before = datum % signal.sent_depth, (datum + signal.sent_depth - 1) % signal.sent_depth
    tick, arrival = wp.float64(0.0), wp.float64(0.0)
    if datum > 0:  # the first is there at once
        tick = first + wp.float64(datum - 1) * signal.period
        arrival = tick + wp.float64(delay_of(signal, path.tables, path.values, world, episode, datum))
    lag = wp.float32(wp.max(wp.float64(newest) - tick / signal.spacing, wp.float64(0.0)))
    if wp.abs(lag - wp.rint(lag)) < _ROUNDING:
        lag = wp.rint(lag)
    width = exposure_of(path, world)
    for e in range(signal.size):
        path.sent[slot, world, e] = expose_line(signal.reading, signal.depth, path.line, world, e, newest, lag, width)
    put_errors(path, world, datum, new, path.sent[slot, world])
    if is_lost(signal, path.values, world, episode, datum):
        for e in range(signal.size):
            path.sent[slot, world, e] = wp.where(signal.zero_lost != 0, wp.float32(0.0), path.sent[before, world, e])
        if signal.zero_lost == 0:
            arrival = path.arrivals[before, world]
    path.arrivals[slot, world] = arrival


@wp.func
def read_sent(path: PathState, world: wp.int32, newest: wp.int32, new: wp.bool):
    """Send what a sensor's own clock took since the last call, and read what of all has arrived and was sent last."""
    signal = path.signal
    now = wp.float64(newest) * signal.spacing
    first = signal.period
    if signal.phase.column >= 0:
        phase = wp.float64(level_of(signal.phase, path.values, world, 0))
        if phase > wp.float64(_ROUNDING) * signal.period:
            first = phase
    last = last_tick(path, first, now)
    start = last
    if newest > 0:
        since = signal.samples
        if not new:
            since = 1
        start = last_tick(path, first, wp.float64(newest - since) * signal.spacing) + 1
        if not new:  # its clock has taken the others already
            start = wp.max(start, last)
    for datum in range(start, last + 1):
        send(path, world, newest, datum, first, new)
    soon = now + wp.float64(_ROUNDING) * signal.spacing
    oldest = wp.max(last - signal.sent_depth + 1, 0)
    found = last
    while found > oldest and path.arrivals[found % signal.sent_depth, world] > soon:
        found = found - 1
    for e in range(signal.size):
        path.out[world, e] = path.sent[found % signal.sent_depth, world, e]


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
def begin_all(
    index: wp.array(dtype=wp.int32),
    use_given: wp.int32,
    given: wp.array(dtype=wp.int32),
    paths: wp.array(dtype=PathState),
):
    """Begin an episode in a world, for every signal."""
    entry, which = wp.tid()
    world = index[entry]
    if world < 0:
        return
    path = paths[which]
    number = path.resets[world]
    if use_given != 0:
        number = given[world]
    path.episodes[world] = number
    path.resets[world] = number + 1
    path.count[world] = 0


@wp.kernel(enable_backward=False)
def observe(paths: wp.array(dtype=PathState), advance: wp.int32):
    """Take the samples of a call through every signal; without ``advance`` the last stands in for the newest."""
    world, which = wp.tid()
    path = paths[which]
    samples, depth = path.signal.samples, path.signal.depth
    newest = path.count[world] - 1
    new = advance != 0 or newest < 0
    taken = wp.int32(1)  # an episode begins with one sample, whatever was before it
    if advance != 0 and newest >= 0:
        taken = samples
    if new:
        newest = newest + taken
    for i in range(taken):
        slot = (newest - taken + 1 + i) % depth
        for e in range(path.signal.size):
            path.line[slot, world, e] = path.x[samples - taken + i, world, e]
    path.count[world] = newest + 1
    if path.signal.clocked != 0:
        read_sent(path, world, newest, new)
    else:
        read_now(path, world, newest, new)


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
