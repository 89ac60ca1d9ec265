# mypy: ignore-errors
"""Distributions as Warp functions and the two kernels that draw: the arithmetic of :mod:`sim2real.draws.tables`.

Everything but bits and u is computed in double, in the same order as in NumPy, and rounded to float32 once. Constant,
uniform, uniform_int, choice and empirical are bit-equal to NumPy by construction; normal and multivariate normal are
bit-equal on CPU. log_uniform, truncated_normal and beta, and on CUDA the normals, may differ where ``exp`` or ``log``
rounds a double's last bit differently; the tests hold them to 2 ulp.

Tables of many distributions lie in five flat arrays (:mod:`sim2real.draws.flat`); a ``Node`` says where one begins.
Functions on the hot path take numbers, not structs or arrays, which Warp hands over by value: that halves the time.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws import beta, tables
from sim2real.draws.philox_warp import normal_from_probability, normal_quantile, philox4x32, unit_from_bits

_HALF_CELL = wp.constant(wp.float64(2.0**-25))
_UNIFORM = wp.constant(tables.UNIFORM)
_CONSTANT = wp.constant(tables.CONSTANT)
_UNIFORM_INT = wp.constant(tables.UNIFORM_INT)
_LOG_UNIFORM = wp.constant(tables.LOG_UNIFORM)
_NORMAL = wp.constant(tables.NORMAL)
_TRUNCATED_NORMAL = wp.constant(tables.TRUNCATED_NORMAL)
_BETA = wp.constant(tables.BETA)
_CHOICE = wp.constant(tables.CHOICE)
_EMPIRICAL = wp.constant(tables.EMPIRICAL)
_MULTIVARIATE_NORMAL = wp.constant(tables.MULTIVARIATE_NORMAL)
_MIXTURE = wp.constant(tables.MIXTURE)
_REACH = wp.constant(wp.float64(beta.REACH))
_PER_STEP = wp.constant(wp.float64(1.0 / beta.STEP))
_LAST_CELL = wp.constant(beta.KNOTS - 2)
_KNOT_NUMBERS = wp.constant(2 * beta.KNOTS)


@wp.struct
class Node:
    """One distribution: its kind, its size, and where its tables begin."""

    kind: wp.int32
    dim: wp.int32
    count: wp.int32  # listed values, samples or parts
    row: wp.int32
    threshold: wp.int32
    value: wp.int32
    number: wp.int32
    part: wp.int32  # node of a mixture's first part; the others follow it


@wp.struct
class Tables:
    """The flat tables of all nodes."""

    rows: wp.array2d(dtype=wp.float64)
    thresholds: wp.array(dtype=wp.uint32)
    values: wp.array(dtype=wp.float32)
    numbers: wp.array(dtype=wp.float64)
    nodes: wp.array(dtype=Node)


@wp.struct
class Block:
    """Up to four neighbouring numbers of one stream: what one Philox call is good for."""

    k0: wp.uint32
    k1: wp.uint32
    number: wp.uint32  # of the block in its stream
    words: wp.int32  # how many of the four are wanted
    column: wp.int32
    component: wp.int32  # of the first word
    stream: wp.int32
    pin: wp.int32  # number among the streams that can be pinned to a bound, or -1
    node: Node


@wp.struct
class Counter:
    """Where in the random function a block lies."""

    k0: wp.uint32
    k1: wp.uint32
    world: wp.uint32
    episode: wp.uint32
    occurrence: wp.uint32
    number: wp.uint32


@wp.func
def beta_from_normal(numbers: wp.array(dtype=wp.float64), start: wp.int32, z: wp.float64) -> wp.float64:
    """Return the beta quantile in [0, 1] of a standard normal number."""
    s = (z + _REACH) * _PER_STEP
    i = wp.min(wp.max(wp.int32(s), 0), _LAST_CELL)
    t = s - wp.float64(i)
    k = start + 2 * i
    v0, m0, v1, m1 = numbers[k], numbers[k + 1], numbers[k + 2], numbers[k + 3]
    c2 = wp.float64(3.0) * (v1 - v0) - wp.float64(2.0) * m0 - m1
    c3 = wp.float64(2.0) * (v0 - v1) + m0 + m1
    return ((c3 * t + c2) * t + m0) * t + v0


@wp.func
def beta_value(
    numbers: wp.array(dtype=wp.float64),
    start: wp.int32,
    offset: wp.float64,
    span: wp.float64,
    low: wp.float64,
    high: wp.float64,
    x: wp.uint32,
) -> wp.float32:
    """Return a beta component, whose knots begin at ``start``."""
    z = normal_quantile(wp.float64(unit_from_bits(x)) + _HALF_CELL)
    value = wp.float32(offset + span * beta_from_normal(numbers, start, z))
    return wp.min(wp.max(value, wp.float32(low)), wp.float32(high))


@wp.func
def single_value(
    kind: wp.int32,
    offset: wp.float64,
    span: wp.float64,
    low: wp.float64,
    high: wp.float64,
    mean: wp.float64,
    std: wp.float64,
    x: wp.uint32,
) -> wp.float32:
    """Return a component that follows its own word; every such kind but beta."""
    value = offset
    if kind == _UNIFORM_INT:
        value = offset + wp.float64((wp.uint64(x) * wp.uint64(span)) >> wp.uint64(32))
    elif kind != _CONSTANT:
        u = wp.float64(unit_from_bits(x))
        if kind == _UNIFORM:
            value = offset + span * u
        elif kind == _LOG_UNIFORM:
            value = wp.exp(offset + span * u)
        elif kind == _NORMAL:
            value = mean + std * wp.float64(normal_from_probability(u + _HALF_CELL))
        else:
            cell = u + _HALF_CELL
            if std < wp.float64(0.0):
                cell = wp.float64(1.0) - cell
            value = mean + std * wp.float64(normal_from_probability(offset + span * cell))
    return wp.min(wp.max(wp.float32(value), wp.float32(low)), wp.float32(high))


@wp.func
def index_from_bits(tables: Tables, start: wp.int32, count: wp.int32, x: wp.uint32) -> wp.int32:
    """Return how many of the ``count - 1`` thresholds from ``start`` on lie at or below a word."""
    low, high = wp.int32(0), count - 1
    while low < high:
        middle = (low + high) // 2
        if x >= tables.thresholds[start + middle]:
            low = middle + 1
        else:
            high = middle
    return low


@wp.func
def word_of(counter: Counter, words: wp.vec4ui, element: wp.uint32) -> wp.uint32:
    """Return an element's word, from this block's four or from another block."""
    number = element >> wp.uint32(2)
    block = words
    if number != counter.number:
        block = philox4x32(counter.world, counter.episode, counter.occurrence, number, counter.k0, counter.k1)
    return block[wp.int32(element & wp.uint32(3))]


@wp.func
def correlated_value(
    node: Node,
    tables: Tables,
    component: wp.int32,
    counter: Counter,
    words: wp.vec4ui,
    first: wp.uint32,
    first_word: wp.uint32,
) -> wp.float32:
    """Return a component of mean + L z, with the word of component 0 given."""
    value = tables.rows[node.row + component, 4]
    for j in range(component + 1):
        x = first_word
        if j > 0:
            x = word_of(counter, words, first + wp.uint32(j))
        z = wp.float64(normal_from_probability(wp.float64(unit_from_bits(x)) + _HALF_CELL))
        value = value + tables.numbers[node.number + component * node.dim + j] * z
    return wp.float32(value)


@wp.func
def joint_value(
    node: Node, tables: Tables, component: wp.int32, counter: Counter, words: wp.vec4ui, element: wp.uint32
) -> wp.float32:
    """Return a component of any distribution, with the words of the other components at hand."""
    first = element - wp.uint32(component)
    x = word_of(counter, words, first)
    if node.kind == _CHOICE:
        return tables.values[node.value + index_from_bits(tables, node.threshold, node.count, x) * node.dim + component]
    if node.kind == _EMPIRICAL:
        sample = wp.int32((wp.uint64(x) * wp.uint64(node.count)) >> wp.uint64(32))
        return tables.values[node.value + sample * node.dim + component]
    part = node
    if node.kind == _MIXTURE:
        index = index_from_bits(tables, node.threshold, node.count, x)
        begin, end = wp.uint64(0), wp.uint64(4294967296)
        if index > 0:
            begin = wp.uint64(tables.thresholds[node.threshold + index - 1])
        if index < node.count - 1:
            end = wp.uint64(tables.thresholds[node.threshold + index])
        x = wp.uint32(((wp.uint64(x) - begin) << wp.uint64(32)) // (end - begin))
        part = tables.nodes[node.part + index]
    if part.kind == _MULTIVARIATE_NORMAL:
        return correlated_value(part, tables, component, counter, words, first, x)
    if component > 0:
        x = word_of(counter, words, element)
    i = part.row + component
    offset, span, low, high = tables.rows[i, 0], tables.rows[i, 1], tables.rows[i, 2], tables.rows[i, 3]
    if part.kind == _BETA:
        return beta_value(tables.numbers, part.number + component * _KNOT_NUMBERS, offset, span, low, high, x)
    return single_value(part.kind, offset, span, low, high, tables.rows[i, 4], tables.rows[i, 5], x)


@wp.kernel(enable_backward=False)
def draw_blocks(
    blocks: wp.array(dtype=Block),
    tables: Tables,
    index: wp.array(dtype=wp.int32),
    worlds: wp.array(dtype=wp.int32),
    episode: wp.array(dtype=wp.int32),
    occurrence: wp.array2d(dtype=wp.int32),
    use_fire: wp.int32,
    fire: wp.array2d(dtype=wp.int32),
    boundary: wp.array(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),
):
    """Draw one block of one world."""
    entry, b = wp.tid()
    world = index[entry]
    if world < 0:
        return
    stream = blocks[b].stream
    if use_fire != 0:
        if fire[world, stream] == 0:
            return
    counter = Counter()
    counter.k0 = blocks[b].k0
    counter.k1 = blocks[b].k1
    counter.world = wp.uint32(worlds[world])
    counter.episode = wp.uint32(episode[world])
    counter.occurrence = wp.uint32(occurrence[world, stream])
    counter.number = blocks[b].number
    node = blocks[b].node
    words = philox4x32(counter.world, counter.episode, counter.occurrence, counter.number, counter.k0, counter.k1)
    bound = wp.int32(-1)  # 0 low, 1 high
    if blocks[b].pin >= 0:
        if boundary[world] >= 0 and boundary[world] // 2 == blocks[b].pin:
            bound = boundary[world] % 2
    component = blocks[b].component
    count = blocks[b].words
    column = blocks[b].column
    for j in range(count):
        value = wp.float32(0.0)
        i = node.row + component
        if bound >= 0:
            value = wp.float32(tables.rows[i, 2 + bound])
        elif node.kind > _BETA:
            value = joint_value(node, tables, component, counter, words, counter.number * wp.uint32(4) + wp.uint32(j))
        else:
            offset, span, low, high = tables.rows[i, 0], tables.rows[i, 1], tables.rows[i, 2], tables.rows[i, 3]
            if node.kind == _BETA:
                start = node.number + component * _KNOT_NUMBERS
                value = beta_value(tables.numbers, start, offset, span, low, high, words[j])
            else:
                mean, std = tables.rows[i, 4], tables.rows[i, 5]
                value = single_value(node.kind, offset, span, low, high, mean, std, words[j])
        values[world, column + j] = value
        component = component + 1
        if component == node.dim:
            component = 0


@wp.kernel(enable_backward=False)
def draw_sample(
    tables: Tables,
    k0: wp.uint32,
    k1: wp.uint32,
    world: wp.array(dtype=wp.uint32),
    episode: wp.array(dtype=wp.uint32),
    occurrence: wp.array(dtype=wp.uint32),
    values: wp.array2d(dtype=wp.float32),
):
    """Draw one block of one world for a single stream, node 0."""
    n, b = wp.tid()
    counter = Counter()
    counter.k0 = k0
    counter.k1 = k1
    counter.world = world[n]
    counter.episode = episode[wp.min(n, episode.shape[0] - 1)]
    counter.occurrence = occurrence[wp.min(n, occurrence.shape[0] - 1)]
    counter.number = wp.uint32(b)
    words = philox4x32(counter.world, counter.episode, counter.occurrence, counter.number, counter.k0, counter.k1)
    node = tables.nodes[0]
    for j in range(wp.min(4, values.shape[1] - 4 * b)):
        element = 4 * b + j
        values[n, element] = joint_value(node, tables, element % node.dim, counter, words, wp.uint32(element))
