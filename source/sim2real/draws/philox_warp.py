# mypy: disable-error-code="valid-type, misc, index"
"""The draws as Warp functions: the same bits as NumPy, inside any kernel.

``draw_bits`` is :meth:`sim2real.draws.sampler.Draws.bits` for one element, and ``value_from_bits`` is the arithmetic of
:mod:`sim2real.draws.tables`. Integers and u are bit-equal to NumPy on every device. Everything else is computed in
double, in the same order, and rounded to float32 once. Constant, uniform, uniform_int and choice are bit-equal by
construction. Normal is bit-equal on CPU for all 2^24 inputs; log_uniform and truncated_normal, and on CUDA normal, may
differ where ``exp`` or ``log`` rounds a double's last bit differently, and the tests hold them to 2 ulp.
This is the only module of the package that imports Warp.
"""

from __future__ import annotations

from typing import Any

import warp as wp

from sim2real.draws import normal, tables
from sim2real.draws.keys import key_words
from sim2real.draws.philox import MULTIPLIER_0, MULTIPLIER_1, ROUNDS, WEYL_0, WEYL_1

_M0 = wp.constant(wp.uint64(MULTIPLIER_0))
_M1 = wp.constant(wp.uint64(MULTIPLIER_1))
_W0 = wp.constant(wp.uint32(WEYL_0))
_W1 = wp.constant(wp.uint32(WEYL_1))
_ROUNDS = wp.constant(ROUNDS)

_vec4d = wp.types.vector(4, wp.float64)
_vec5d = wp.types.vector(5, wp.float64)
_CENTRE_P = wp.constant(_vec5d(*normal.CENTRE_P))
_CENTRE_Q = wp.constant(_vec4d(*normal.CENTRE_Q))
_TAIL_P = wp.constant(_vec5d(*normal.TAIL_P))
_TAIL_Q = wp.constant(_vec4d(*normal.TAIL_Q))
_CENTRE = wp.constant(wp.float64(normal.CENTRE))
_SMALLEST_P = wp.constant(wp.float64(normal.SMALLEST_P))
_HALF_CELL = wp.constant(wp.float64(2.0**-25))

_CONSTANT = wp.constant(tables.CONSTANT)
_UNIFORM_INT = wp.constant(tables.UNIFORM_INT)
_LOG_UNIFORM = wp.constant(tables.LOG_UNIFORM)
_NORMAL = wp.constant(tables.NORMAL)
_TRUNCATED_NORMAL = wp.constant(tables.TRUNCATED_NORMAL)
_CHOICE = wp.constant(tables.CHOICE)


@wp.func
def philox4x32(c0: wp.uint32, c1: wp.uint32, c2: wp.uint32, c3: wp.uint32, k0: wp.uint32, k1: wp.uint32) -> wp.vec4ui:
    """Return the four random words of a counter under a key."""
    a0, a1, a2, a3 = c0, c1, c2, c3
    b0, b1 = k0, k1
    for _round in range(_ROUNDS):
        p0 = wp.uint64(a0) * _M0
        p1 = wp.uint64(a2) * _M1
        a0 = wp.uint32(p1 >> wp.uint64(32)) ^ a1 ^ b0
        a1 = wp.uint32(p1)
        a2 = wp.uint32(p0 >> wp.uint64(32)) ^ a3 ^ b1
        a3 = wp.uint32(p0)
        b0 = b0 + _W0
        b1 = b1 + _W1
    return wp.vec4ui(a0, a1, a2, a3)


@wp.func
def draw_bits(
    k0: wp.uint32, k1: wp.uint32, world: wp.uint32, episode: wp.uint32, occurrence: wp.uint32, element: wp.uint32
) -> wp.uint32:
    """Return the random word of one element."""
    block = philox4x32(world, episode, occurrence, element >> wp.uint32(2), k0, k1)
    return block[wp.int32(element & wp.uint32(3))]


@wp.func
def unit_from_bits(x: wp.uint32) -> wp.float32:
    """Map a random word to [0, 1): its upper 24 bits times 2^-24, exact."""
    return wp.float32(x >> wp.uint32(8)) * wp.float32(5.9604644775390625e-08)


@wp.func
def _rational(x: wp.float64, p: _vec5d, q: _vec4d) -> wp.float64:
    """Return the quotient of two polynomials by Horner's scheme."""
    top = (((p[4] * x + p[3]) * x + p[2]) * x + p[1]) * x + p[0]
    bottom = ((q[3] * x + q[2]) * x + q[1]) * x + q[0]
    return top / bottom


@wp.func
def normal_from_probability(p: wp.float64) -> wp.float32:
    """Return the standard normal quantile of a probability."""
    q = p - wp.float64(0.5)
    if wp.abs(q) <= _CENTRE:
        return wp.float32(q * _rational(q * q, _CENTRE_P, _CENTRE_Q))
    if q < wp.float64(0.0):
        return wp.float32(-_rational(wp.sqrt(-wp.log(wp.max(p, _SMALLEST_P))), _TAIL_P, _TAIL_Q))
    return wp.float32(_rational(wp.sqrt(-wp.log(wp.max(wp.float64(1.0) - p, _SMALLEST_P))), _TAIL_P, _TAIL_Q))


@wp.func
def normal_from_unit(u: wp.float32) -> wp.float32:
    """Return a standard normal number for u in [0, 1), taken in the middle of u's cell."""
    return normal_from_probability(wp.float64(u) + _HALF_CELL)


@wp.func
def value_from_bits(kind: wp.int32, rows: wp.array2d(dtype=wp.float64), i: wp.int32, x: wp.uint32) -> wp.float32:
    """Return the value of component i for a random word; every kind but choice."""
    offset, span, mean, std = rows[i, 0], rows[i, 1], rows[i, 4], rows[i, 5]
    u = wp.float64(unit_from_bits(x))
    value = offset
    if kind == _UNIFORM_INT:
        value = offset + wp.float64((wp.uint64(x) * wp.uint64(span)) >> wp.uint64(32))
    elif kind == _NORMAL:
        value = mean + std * wp.float64(normal_from_probability(u + _HALF_CELL))
    elif kind == _TRUNCATED_NORMAL:
        cell = u + _HALF_CELL
        if std < wp.float64(0.0):
            cell = wp.float64(1.0) - cell
        value = mean + std * wp.float64(normal_from_probability(offset + span * cell))
    elif kind != _CONSTANT:
        value = offset + span * u
        if kind == _LOG_UNIFORM:
            value = wp.exp(value)
    return wp.min(wp.max(wp.float32(value), wp.float32(rows[i, 2])), wp.float32(rows[i, 3]))


@wp.func
def choice_from_bits(thresholds: wp.array(dtype=wp.uint32), x: wp.uint32) -> wp.int32:
    """Return the index that a random word chooses."""
    index = wp.int32(0)
    for j in range(thresholds.shape[0]):
        if x >= thresholds[j]:
            index = j + 1
    return index


@wp.kernel(enable_backward=False, module="unique")
def _draw_values(
    kind: wp.int32,
    k0: wp.uint32,
    k1: wp.uint32,
    dim: wp.int32,
    rows: wp.array2d(dtype=wp.float64),
    thresholds: wp.array(dtype=wp.uint32),
    choices: wp.array2d(dtype=wp.float32),
    world: wp.array(dtype=wp.uint32),
    episode: wp.array(dtype=wp.uint32),
    occurrence: wp.array(dtype=wp.uint32),
    values: wp.array2d(dtype=wp.float32),
):
    """Draw one element of one world."""
    n, element = wp.tid()
    component = element % dim
    e, o = n, n
    if episode.shape[0] == 1:
        e = 0
    if occurrence.shape[0] == 1:
        o = 0
    if kind == _CHOICE:
        # A choice's components belong together: all of them follow the word of the first.
        x = draw_bits(k0, k1, world[n], episode[e], occurrence[o], wp.uint32(element - component))
        values[n, element] = choices[choice_from_bits(thresholds, x), component]
    else:
        x = draw_bits(k0, k1, world[n], episode[e], occurrence[o], wp.uint32(element))
        values[n, element] = value_from_bits(kind, rows, component, x)


def _as_words(what: str, ids: Any, n: int, device: Any) -> wp.array:
    if isinstance(ids, wp.array):
        if ids.ndim != 1 or ids.dtype not in (wp.int32, wp.uint32) or ids.shape[0] not in (1, n):
            raise ValueError(f"{what}: got {ids.dtype.__name__} {ids.shape}; give int32 or uint32 of shape ({n},)")
        return ids if ids.dtype is wp.uint32 else ids.view(wp.uint32)
    return wp.array([int(ids)], dtype=wp.uint32, device=device)


def sample_on_device(
    key: int, table: tables.Table, world: wp.array, episode: Any = 0, occurrence: Any = 0, count: int = 1
) -> wp.array:
    """Draw on the device of ``world``; the numbers of :meth:`sim2real.draws.sampler.Draws.sample`.

    Args:
        key: 64-bit key from :func:`sim2real.draws.keys.hash64`.
        table: the compiled distribution.
        world: int32 or uint32 array (n,) of global world ids.
        episode: number, or int32 or uint32 array (n,) on the same device.
        occurrence: number, or int32 or uint32 array (n,) on the same device.
        count: draws for each world.

    Returns:
        float32 array of shape (n, count x dim).
    """
    device, n = world.device, world.shape[0]
    values = wp.empty((n, count * table.dim), dtype=wp.float32, device=device)
    if n and count:
        k0, k1 = key_words(key)
        inputs = [
            table.kind,
            wp.uint32(k0),
            wp.uint32(k1),
            table.dim,
            wp.array(table.rows, dtype=wp.float64, device=device),
            wp.array(table.thresholds, dtype=wp.uint32, device=device),
            wp.array(table.values, dtype=wp.float32, device=device),
            _as_words("world", world, n, device),
            _as_words("episode", episode, n, device),
            _as_words("occurrence", occurrence, n, device),
        ]
        wp.launch(_draw_values, dim=values.shape, inputs=inputs, outputs=[values], device=device)
    return values
