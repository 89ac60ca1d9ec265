"""The inverse of the standard normal CDF, from rational functions that NumPy and Warp share.

Two rationals (degrees 4 over 3) were fitted by us, by reweighted least squares against a double-precision reference:
one in q^2 for the centre, one in sqrt(-ln p) for the tails down to p = 1e-15. Their relative error is below 1e-8,
a tenth of what float32 can hold. They are evaluated in double and rounded to float32 once, so that a fused
multiply-add, a different ``log`` or a different compiler changes the double's last bits and not the float32 result:
NumPy and Warp on CPU agree bit for bit on all 2^24 inputs (tests/draws/test_warp_twin.py runs through them all).
"""

from __future__ import annotations

import numpy as np

CENTRE = 0.425
"""Half width of the central region: |p - 0.5| <= CENTRE."""
CENTRE_P = (2.506628263373146, -17.8760945765012, 36.568493433181914, -16.92718310051714, -2.869801609647594)
CENTRE_Q = (1.0, -8.178729358226613, 20.85068898262549, -16.006933580216515)
TAIL_P = (-3.000490839630186, -6.722564060306776, 5.894222168119063, 7.0264855813024045, 0.9522380173471543)
TAIL_Q = (1.0, 5.638889702902832, 4.984417898692047, 0.6731047077647947)
SMALLEST_P = 1e-15
"""The tail fit ends here; smaller probabilities are answered as this one (7.94 standard deviations)."""


def _horner(x: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    value = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def normal_quantile(p: np.ndarray) -> np.ndarray:
    """Return the standard normal quantile of ``p`` (float64, any shape), before it is rounded to float32."""
    p = np.asarray(p, dtype=np.float64)
    q = p - 0.5
    r = q * q
    centre = q * (_horner(r, CENTRE_P) / _horner(r, CENTRE_Q))
    tail_p = np.maximum(np.where(q < 0.0, p, 1.0 - p), SMALLEST_P)
    t = np.sqrt(-np.log(tail_p))
    tail = _horner(t, TAIL_P) / _horner(t, TAIL_Q)
    return np.where(np.abs(q) <= CENTRE, centre, np.where(q < 0.0, -tail, tail))


def normal_from_probability(p: np.ndarray) -> np.ndarray:
    """Return the standard normal quantile of ``p`` (float64, any shape), as float32."""
    return normal_quantile(p).astype(np.float32)


def normal_from_unit(u: np.ndarray) -> np.ndarray:
    """Return a standard normal number, float32, for u = k 2^-24 in [0, 1).

    The quantile is taken in the middle of u's cell, (k + 1/2) 2^-24, so that it is finite for u = 0, symmetric, and
    within +-5.42 standard deviations.
    """
    return normal_from_probability(np.asarray(u, dtype=np.float64) + 2.0**-25)
