"""Distributions as flat numbers, so that NumPy and a Warp kernel draw from one table.

``compile_table`` turns a distribution into a kind, a row of doubles for each component and, for a choice, thresholds
and values. Factors that multiply u are rounded to float32 here: u has 25 bits at most, so the double product is exact
and a compiler that fuses multiply and add cannot change the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim2real.draws.normal import normal_from_probability, normal_from_unit
from sim2real.draws.philox import unit_from_bits
from sim2real.spec.distributions import (
    Choice,
    Constant,
    Distribution,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
    normal_cdf,
    truncated_mass,
)

CONSTANT, UNIFORM, UNIFORM_INT, LOG_UNIFORM, NORMAL, TRUNCATED_NORMAL, CHOICE = range(7)
COLUMNS = 6  # offset, span, low clamp, high clamp, mean, signed std


@dataclass(frozen=True)
class Table:
    """A distribution ready to be drawn from."""

    kind: int
    """One of the kinds above."""
    rows: np.ndarray
    """Parameters of each component, shape (dim, 6), float64: offset, span, low, high, mean, signed std."""
    thresholds: np.ndarray
    """Choice only: value i + 1 starts at this word, shape (values - 1,), uint32."""
    values: np.ndarray
    """Choice only: the values, shape (values, dim), float32."""

    @property
    def dim(self) -> int:
        """Number of components."""
        return self.rows.shape[0]


def choice_thresholds(weights: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices with a weight above zero and the 32-bit words at which each but the first begins.

    Every probability is right to 2^-32.
    """
    weight = np.asarray(weights, dtype=np.float64)
    kept = np.flatnonzero(weight > 0.0)
    share = weight[kept] / weight[kept].max()
    words = np.floor(np.cumsum(share)[:-1] / share.sum() * 2.0**32)
    return kept, np.clip(words, 0, 2**32 - 1).astype(np.uint32)


def _span(value: float) -> float:
    return float(np.float32(value))


def _row(kind: int, dist: Distribution, i: int) -> list[float]:
    if isinstance(dist, Constant):
        return [dist.value[i], 0.0, dist.value[i], dist.value[i], 0.0, 0.0]
    if isinstance(dist, Normal):
        return [0.0, 0.0, -math.inf, math.inf, dist.mean[i], _span(dist.std[i])]
    low, high = (bound[i] for bound in dist.bounds())
    if isinstance(dist, UniformInt):
        return [low, high - low + 1.0, low, high, 0.0, 0.0]
    if isinstance(dist, LogUniform):
        return [math.log(low), _span(math.log(high) - math.log(low)), low, high, 0.0, 0.0]
    if isinstance(dist, TruncatedNormal):
        mean, std = dist.mean[i], dist.std[i]
        if std == 0.0 or low == high:
            value = mean if std == 0.0 else low
            return [0.5, 0.0, value, value, value, 0.0]
        a, b = (low - mean) / std, (high - mean) / std
        mirrored = a + b > 0.0  # draw in the lower tail, where probabilities are exact
        offset = normal_cdf(-b if mirrored else a)
        sign = -1.0 if mirrored else 1.0
        return [offset, _span(truncated_mass(mean, std, low, high)), low, high, mean, sign * _span(std)]
    return [low, _span(high - low), low, high, 0.0, 0.0]


_KIND_OF: dict[type[Distribution], int] = {
    Constant: CONSTANT,
    Uniform: UNIFORM,
    UniformInt: UNIFORM_INT,
    LogUniform: LOG_UNIFORM,
    Normal: NORMAL,
    TruncatedNormal: TRUNCATED_NORMAL,
    Choice: CHOICE,
}


def compile_table(dist: Distribution) -> Table:
    """Return the table of ``dist``.

    Raises:
        TypeError: when ``dist`` is not one of the distributions that can be drawn.
    """
    kind = _KIND_OF.get(type(dist))
    if kind is None:
        allowed = ", ".join(cls.__name__ for cls in _KIND_OF)
        raise TypeError(f"cannot draw from {type(dist).__name__}; give one of {allowed}")
    thresholds, values = np.zeros(0, np.uint32), np.zeros((0, dist.dim), np.float32)
    if isinstance(dist, Choice):
        rows = np.zeros((dist.dim, COLUMNS))
        kept, thresholds = choice_thresholds(dist.weights)
        values = np.asarray(dist.values, dtype=np.float32)[kept]
    else:
        rows = np.array([_row(kind, dist, i) for i in range(dist.dim)], dtype=np.float64)
    return Table(kind=kind, rows=rows, thresholds=thresholds, values=values)


def values_from_bits(table: Table, bits: np.ndarray) -> np.ndarray:
    """Map random words to values.

    Args:
        table: the compiled distribution.
        bits: uint32, shape (..., dim).

    Returns:
        float32, same shape. Non-decreasing in each word, except that a choice reads the first component's word only.
    """
    offset, span, low, high, mean, std = (table.rows[:, i] for i in range(COLUMNS))
    if table.kind == CHOICE:
        return table.values[np.searchsorted(table.thresholds, bits[..., 0], side="right")]
    if table.kind == CONSTANT:
        value = np.broadcast_to(offset, bits.shape)
    elif table.kind == UNIFORM_INT:
        # The high word of bits x count: each value's probability is right to 2^-32, without a modulo.
        value = offset + ((bits.astype(np.uint64) * span.astype(np.uint64)) >> np.uint64(32)).astype(np.float64)
    elif table.kind == NORMAL:
        value = mean + std * normal_from_unit(unit_from_bits(bits)).astype(np.float64)
    elif table.kind == TRUNCATED_NORMAL:
        u = unit_from_bits(bits).astype(np.float64) + 2.0**-25
        u = np.where(std < 0.0, 1.0 - u, u)
        value = mean + std * normal_from_probability(offset + span * u).astype(np.float64)
    else:
        value = offset + span * unit_from_bits(bits).astype(np.float64)
        if table.kind == LOG_UNIFORM:
            value = np.exp(value)
    low32, high32 = low.astype(np.float32), high.astype(np.float32)
    return np.minimum(np.maximum(value.astype(np.float32), low32), high32)
