"""The inverse of the beta CDF as a table, so that NumPy and a kernel read the same numbers.

The quantile is tabulated over z, the standard normal number of the same probability: a power law in the probability,
which is what a beta has at its ends, is smooth in z. Knots lie evenly in z and carry value and slope; between them runs
a cubic. The knots come from the continued fraction of the incomplete beta function (Lentz) and bisection. Against an
exact quantile the error stays below 1e-6 of [low, high] (tests/draws/test_distributions.py).
"""

from __future__ import annotations

import functools
import math

import numpy as np

REACH = 5.5
"""The table ends at this many standard deviations; a drawn z stays within 5.42."""
KNOTS = 551
STEP = 2.0 * REACH / (KNOTS - 1)
_TERMS = 1000
_BISECTIONS = 120


def incomplete_beta(a: float, b: float, x: np.ndarray) -> np.ndarray:
    """Return the beta CDF at ``x`` in [0, 1], float64."""
    x = np.asarray(x, dtype=np.float64)
    turned = x > (a + 1.0) / (a + b + 2.0)  # where the fraction for 1 - x converges faster
    result = np.empty_like(x)
    for mask, p, q, y in ((~turned, a, b, x), (turned, b, a, 1.0 - x)):
        result[mask] = _lower(p, q, y[mask])
    return np.where(turned, 1.0 - result, result)


def _lower(a: float, b: float, x: np.ndarray) -> np.ndarray:
    """Return the CDF by the continued fraction, which converges for x up to (a + 1) / (a + b + 2)."""
    tiny = 1e-300
    c, d = np.ones_like(x), 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / np.where(np.abs(d) < tiny, tiny, d)
    fraction = d.copy()
    for m in range(1, _TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0)),
        ):
            d = 1.0 + term * d
            d = 1.0 / np.where(np.abs(d) < tiny, tiny, d)
            c = 1.0 + term / c
            c = np.where(np.abs(c) < tiny, tiny, c)
            fraction = fraction * c * d
        if x.size == 0 or np.abs(c * d - 1.0).max() < 1e-15:
            break
    log_scale = a * np.log(np.maximum(x, tiny)) + b * np.log1p(-x) - log_beta(a, b)
    return np.exp(log_scale) / a * fraction


def log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _lower_quantile(a: float, b: float, p: np.ndarray) -> np.ndarray:
    """Return the quantile of probabilities up to a half, by bisection of the logarithm of x."""
    low, high = np.full_like(p, -690.0), np.zeros_like(p)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = incomplete_beta(a, b, np.exp(middle)) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
        if (high - low).max() < 1e-15:
            break
    return np.exp(0.5 * (low + high))


@functools.lru_cache(maxsize=64)
def beta_knots(a: float, b: float) -> np.ndarray:
    """Return value and slope (times the knots' distance) of the quantile at each knot, float64 (KNOTS, 2)."""
    half = KNOTS // 2
    z = (np.arange(half + 1) - half) * STEP
    p = np.array([0.5 * math.erfc(-v / math.sqrt(2.0)) for v in z])
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    ends = []
    for first, second in ((a, b), (b, a)):
        x = _lower_quantile(first, second, p)
        log_density = (first - 1.0) * np.log(x) + (second - 1.0) * np.log1p(-np.minimum(x, 1.0 - 1e-16))
        ends.append((x, density * np.exp(log_beta(first, second) - log_density) * STEP))
    (lower, slope), (upper, mirrored) = ends
    values = np.concatenate([lower, 1.0 - upper[-2::-1]])
    knots = np.stack([values, np.concatenate([slope, mirrored[-2::-1]])], axis=1)
    knots.setflags(write=False)
    return knots


def beta_from_normal(knots: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the quantile in [0, 1], float64, of standard normal numbers."""
    s = (np.asarray(z, dtype=np.float64) + REACH) * (1.0 / STEP)
    i = np.clip(s.astype(np.int64), 0, KNOTS - 2)
    t = s - i
    v0, m0, v1, m1 = knots[i, 0], knots[i, 1], knots[i + 1, 0], knots[i + 1, 1]
    c2 = 3.0 * (v1 - v0) - 2.0 * m0 - m1
    c3 = 2.0 * (v0 - v1) + m0 + m1
    return ((c3 * t + c2) * t + m0) * t + v0
