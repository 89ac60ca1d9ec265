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
from sim2real.signals.line_kernels import ROUNDING, expose_line

_ROUNDING = wp.constant(ROUNDING)


@wp.struct
class Signal:
    """What happens to a datum, as numbers."""

    size: wp.int32
    depth: wp.int32  # samples that the line holds
    reading: wp.int32
    zero_lost: wp.int32
    has_jitter: wp.int32
    worlds: wp.array(dtype=wp.int32)  # global id of each row's world
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


@wp.func
def delay_of(
    signals: wp.array(dtype=Signal),
    which: wp.int32,
    tables: Tables,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    episode: wp.uint32,
    sample: wp.int32,
) -> wp.float32:
    """Return a sample's delay [s], at least 0."""
    delay = wp.float32(0.0)
    if signals[which].latency.column >= 0:
        delay = level_of(signals[which].latency, values, world, 0)
    if signals[which].has_jitter != 0:
        counter = Counter()
        counter.k0 = signals[which].jitter_key.k0
        counter.k1 = signals[which].jitter_key.k1
        counter.world = wp.uint32(signals[which].worlds[world])
        counter.episode = episode
        counter.occurrence = wp.uint32(sample)
        counter.number = wp.uint32(0)
        words = words_of(signals[which].jitter_key, counter.world, episode, sample, 0)
        delay = delay + joint_value(tables.nodes[0], tables, 0, counter, words, wp.uint32(0))
    return wp.max(delay, wp.float32(0.0))


@wp.func
def is_lost(
    signals: wp.array(dtype=Signal),
    which: wp.int32,
    values: wp.array2d(dtype=wp.float32),
    world: wp.int32,
    episode: wp.uint32,
    sample: wp.int32,
) -> wp.bool:
    """Return whether a sample gets lost; an episode's first never does."""
    if signals[which].dropout.column < 0 or sample == 0:
        return False
    words = words_of(signals[which].dropout_key, wp.uint32(signals[which].worlds[world]), episode, sample, 0)
    return unit_from_bits(words[0]) < level_of(signals[which].dropout, values, world, 0)


@wp.struct
class PathState:
    """The draws of a signal's worlds and the memory of its line; worlds first but for the lines."""

    tables: Tables
    values: wp.array2d(dtype=wp.float32)
    episodes: wp.array(dtype=wp.int32)
    resets: wp.array(dtype=wp.int32)
    x: wp.array3d(dtype=wp.float32)  # (samples of a call, worlds, elements)
    in_line: wp.int32  # all samples of a call but the last are in the line already
    count: wp.array(dtype=wp.int32)
    line: wp.array3d(dtype=wp.float32)
    sent: wp.array3d(dtype=wp.float32)
    arrivals: wp.array2d(dtype=wp.float64)  # when what was sent arrives [s], (data, worlds)
    state: ErrorState
    held: wp.array2d(dtype=wp.float32)
    out: wp.array2d(dtype=wp.float32)


@wp.func
def exposure_of(
    signals: wp.array(dtype=Signal), which: wp.int32, values: wp.array2d(dtype=wp.float32), world: wp.int32
) -> wp.float32:
    """Return over how many samples a datum is averaged."""
    if signals[which].exposure.column < 0:
        return wp.float32(0.0)
    return level_of(signals[which].exposure, values, world, 0) / wp.float32(signals[which].spacing)


@wp.func
def put_errors(
    signals: wp.array(dtype=Signal),
    errors: wp.array(dtype=Errors),
    paths: wp.array(dtype=PathState),
    which: wp.int32,
    world: wp.int32,
    datum: wp.int32,
    new: wp.bool,
    row: wp.array(dtype=wp.float32),
):
    """Disturb all elements of a datum, in place."""
    if errors[which].any == 0:
        return
    number = wp.uint32(signals[which].worlds[world])
    episode = wp.uint32(paths[which].episodes[world])
    for block in range((signals[which].size + 3) // 4):
        disturb_block(
            errors, which, paths[which].values, paths[which].state, world, number, episode, datum, block, new, row
        )


@wp.func
def read_now(
    signals: wp.array(dtype=Signal),
    errors: wp.array(dtype=Errors),
    paths: wp.array(dtype=PathState),
    which: wp.int32,
    world: wp.int32,
    newest: wp.int32,
    new: wp.bool,
):
    """Read what a sensor without a clock says: a datum of its own for every call."""
    size, samples = signals[which].size, signals[which].samples
    reading, depth = signals[which].reading, signals[which].depth
    values, line = paths[which].values, paths[which].line
    held, out = paths[which].held, paths[which].out
    episode = wp.uint32(paths[which].episodes[world])
    datum = (newest + samples - 1) // samples
    lag = delay_of(signals, which, paths[which].tables, values, world, episode, datum)
    lag = wp.min(lag / wp.float32(signals[which].spacing), wp.float32(wp.min(newest, depth - 1)))
    width = exposure_of(signals, which, values, world)
    if new:
        for e in range(size):
            held[world, e] = out[world, e]
    for e in range(size):
        out[world, e] = expose_line(reading, depth, line, world, e, newest, lag, width)
    put_errors(signals, errors, paths, which, world, datum, new, out[world])
    if is_lost(signals, which, values, world, episode, datum):
        for e in range(size):
            out[world, e] = wp.where(signals[which].zero_lost != 0, wp.float32(0.0), held[world, e])


@wp.func
def last_tick(period: wp.float64, first: wp.float64, time: wp.float64) -> wp.int32:
    """Return the number of a clock's last tick; tick 0 is the episode's start, tick 1 the clock's first."""
    ticks = wp.floor((time - first) / period + wp.float64(_ROUNDING))
    return wp.max(wp.int32(ticks) + 1, 0)


@wp.func
def send(
    signals: wp.array(dtype=Signal),
    errors: wp.array(dtype=Errors),
    paths: wp.array(dtype=PathState),
    which: wp.int32,
    world: wp.int32,
    newest: wp.int32,
    datum: wp.int32,
    first: wp.float64,
    new: wp.bool,
):
    """Take a datum at a tick of the sensor's clock and send it; it arrives later."""
    size, sent_depth, spacing = signals[which].size, signals[which].sent_depth, signals[which].spacing
    reading, depth = signals[which].reading, signals[which].depth
    values, line, sent, arrivals = paths[which].values, paths[which].line, paths[which].sent, paths[which].arrivals
    episode = wp.uint32(paths[which].episodes[world])
    slot, before = datum % sent_depth, (datum + sent_depth - 1) % sent_depth
    tick, arrival = wp.float64(0.0), wp.float64(0.0)
    if datum > 0:  # the first is there at once
        tick = first + wp.float64(datum - 1) * signals[which].period
        arrival = tick + wp.float64(delay_of(signals, which, paths[which].tables, values, world, episode, datum))
    lag = wp.float32(wp.max(wp.float64(newest) - tick / spacing, wp.float64(0.0)))
    if wp.abs(lag - wp.rint(lag)) < _ROUNDING:
        lag = wp.rint(lag)
    width = exposure_of(signals, which, values, world)
    for e in range(size):
        sent[slot, world, e] = expose_line(reading, depth, line, world, e, newest, lag, width)
    put_errors(signals, errors, paths, which, world, datum, new, sent[slot, world])
    if is_lost(signals, which, values, world, episode, datum):
        for e in range(size):
            sent[slot, world, e] = wp.where(signals[which].zero_lost != 0, wp.float32(0.0), sent[before, world, e])
        if signals[which].zero_lost == 0:
            arrival = arrivals[before, world]
    arrivals[slot, world] = arrival


@wp.func
def read_sent(
    signals: wp.array(dtype=Signal),
    errors: wp.array(dtype=Errors),
    paths: wp.array(dtype=PathState),
    which: wp.int32,
    world: wp.int32,
    newest: wp.int32,
    new: wp.bool,
):
    """Send what a sensor's own clock took since the last call, and read what of all has arrived and was sent last."""
    spacing, period, sent_depth = signals[which].spacing, signals[which].period, signals[which].sent_depth
    now = wp.float64(newest) * spacing
    first = wp.float64(period)
    if signals[which].phase.column >= 0:
        phase = wp.float64(level_of(signals[which].phase, paths[which].values, world, 0))
        if phase > wp.float64(_ROUNDING) * period:
            first = phase
    last = last_tick(period, first, now)
    start = wp.int32(last)
    if newest > 0:
        since = wp.int32(1)
        if new:
            since = signals[which].samples
        start = last_tick(period, first, wp.float64(newest - since) * spacing) + 1
        if not new:  # its clock has taken the others already
            start = wp.max(start, last)
    for datum in range(start, last + 1):
        send(signals, errors, paths, which, world, newest, datum, first, new)
    soon = now + wp.float64(_ROUNDING) * spacing
    oldest = wp.max(last - sent_depth + 1, 0)
    found = wp.int32(last)
    while found > oldest and paths[which].arrivals[found % sent_depth, world] > soon:
        found = found - 1
    for e in range(signals[which].size):
        paths[which].out[world, e] = paths[which].sent[found % sent_depth, world, e]


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
    number = paths[which].resets[world]
    if use_given != 0:
        number = given[world]
    paths[which].episodes[world] = number
    paths[which].resets[world] = number + 1
    paths[which].count[world] = 0


@wp.kernel(enable_backward=False)
def observe(
    signals: wp.array(dtype=Signal), errors: wp.array(dtype=Errors), paths: wp.array(dtype=PathState), advance: wp.int32
):
    """Take the samples of a call through every signal; without ``advance`` the last stands in for the newest.

    Structures are read where they lie: a copy of one for each thread would take longer than all that follows.
    """
    world, which = wp.tid()
    samples, depth, size = signals[which].samples, signals[which].depth, signals[which].size
    x, line = paths[which].x, paths[which].line
    newest = paths[which].count[world] - 1
    new = advance != 0 or newest < 0
    taken = wp.int32(1)  # an episode begins with one sample, whatever was before it
    if advance != 0 and newest >= 0:
        taken = samples
    if new:
        newest = newest + taken
    given = wp.where(paths[which].in_line != 0, wp.int32(1), taken)
    slot = (newest - given + 1) % depth
    for i in range(samples - given, samples):
        for e in range(size):
            line[slot, world, e] = x[i, world, e]
        slot = slot + 1
        if slot == depth:
            slot = 0
    paths[which].count[world] = newest + 1
    if signals[which].clocked != 0:
        read_sent(signals, errors, paths, which, world, newest, new)
    else:
        read_now(signals, errors, paths, which, world, newest, new)


@wp.kernel(enable_backward=False)
def command(
    signals: wp.array(dtype=Signal),
    errors: wp.array(dtype=Errors),
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
    number = wp.uint32(signals[0].worlds[world])
    slot = sample % signals[0].depth
    before = (sample + signals[0].depth - 1) % signals[0].depth
    lost = is_lost(signals, 0, values, world, episode, sample)
    delay = delay_of(signals, 0, tables, values, world, episode, sample)
    if lost and signals[0].zero_lost == 0:
        delay = wp.max(delays[before, world] - signals[0].step_dt, wp.float32(0.0))
    delays[slot, world] = delay
    for e in range(signals[0].size):
        line[slot, world, e] = x[world, e]
    for block in range((signals[0].size + 3) // 4):
        disturb_block(errors, 0, values, state, world, number, episode, sample, block, True, line[slot, world])
    if lost:
        for e in range(signals[0].size):
            line[slot, world, e] = wp.where(signals[0].zero_lost != 0, wp.float32(0.0), line[before, world, e])
    oldest = wp.max(sample - signals[0].depth + 1, 0)
    steps = out.shape[0]
    width = signals[0].step_dt / wp.float32(steps)
    for i in range(steps):
        start, until = wp.float32(i) * width, wp.float32(i + 1) * width
        for e in range(signals[0].size):
            out[i, world, e] = wp.float32(0.0)
        k = sample
        going = wp.bool(True)
        while going:
            arrival = delays[k % signals[0].depth, world] - wp.float32(sample - k) * signals[0].step_dt
            going = arrival > start and k > oldest
            since = wp.max(arrival, start)
            if not going:
                since = start
            if since < until:
                weight = (until - since) / width
                if not going and until == wp.float32(i + 1) * width:
                    weight = wp.float32(1.0)
                for e in range(signals[0].size):
                    out[i, world, e] = out[i, world, e] + weight * line[k % signals[0].depth, world, e]
                until = since
            k = k - 1
