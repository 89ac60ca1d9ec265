# mypy: disable-error-code="valid-type, misc, index"
"""Philox and the standard normal as Warp functions: the same bits as NumPy, inside any kernel.

``draw_bits`` is :meth:`sim2real.draws.sampler.Draws.bits` for one element. Integers and u are bit-equal to NumPy on
every device; the normal is bit-equal on CPU for all 2^24 inputs and within 2 ulp on CUDA, whose ``log`` may round a
double's last bit differently. What distributions make of the bits stands in :mod:`sim2real.draws.kernels`.
"""

from __future__ import annotations

import warp as wp

from sim2real.draws import normal
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
def normal_quantile(p: wp.float64) -> wp.float64:
    """Return the standard normal quantile of a probability, before it is rounded to float32."""
    q = p - wp.float64(0.5)
    if wp.abs(q) <= _CENTRE:
        return q * _rational(q * q, _CENTRE_P, _CENTRE_Q)
    if q < wp.float64(0.0):
        return -_rational(wp.sqrt(-wp.log(wp.max(p, _SMALLEST_P))), _TAIL_P, _TAIL_Q)
    return _rational(wp.sqrt(-wp.log(wp.max(wp.float64(1.0) - p, _SMALLEST_P))), _TAIL_P, _TAIL_Q)


@wp.func
def normal_from_probability(p: wp.float64) -> wp.float32:
    """Return the standard normal quantile of a probability."""
    return wp.float32(normal_quantile(p))


@wp.func
def normal_from_unit(u: wp.float32) -> wp.float32:
    """Return a standard normal number for u in [0, 1), taken in the middle of u's cell."""
    return normal_from_probability(wp.float64(u) + _HALF_CELL)
