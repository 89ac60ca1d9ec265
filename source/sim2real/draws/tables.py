"""Distributions as flat numbers, so that NumPy and a Warp kernel draw from one table.

``compile_table`` turns a distribution into a kind and a row of doubles for each component, with thresholds, values or
further numbers for the kinds that need them. Factors that multiply u are rounded to float32 here: u has 25 bits at
most, so the double product is exact and a compiler that fuses multiply and add cannot change the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim2real.draws.beta import beta_from_normal, beta_knots
from sim2real.draws.normal import normal_from_probability, normal_from_unit, normal_quantile
from sim2real.draws.philox import unit_from_bits
from sim2real.spec.distributions import (
    Beta,
    Choice,
    Constant,
    Distribution,
    Empirical,
    LogUniform,
    Mixture,
    MultivariateNormal,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
    normal_cdf,
    truncated_mass,
)

CONSTANT, UNIFORM, UNIFORM_INT, LOG_UNIFORM, NORMAL, TRUNCATED_NORMAL, BETA = range(7)
"""Kinds whose components each follow their own word."""
CHOICE, EMPIRICAL, MULTIVARIATE_NORMAL, MIXTURE = range(7, 11)
"""Kinds whose components belong together."""
COLUMNS = 6  # offset, span, low clamp, high clamp, mean, signed std


@dataclass(frozen=True)
class Table:
    """A distribution ready to be drawn from."""

    kind: int
    """One of the kinds above."""
    rows: np.ndarray
    """Parameters of each component, shape (dim, 6), float64: offset, span, low, high, mean, signed std."""
    thresholds: np.ndarray
    """Choice and mixture: value (or part) i + 1 starts at this word, shape (values - 1,), uint32."""
    values: np.ndarray
    """Choice and empirical: the values, shape (values, dim), float32."""
    numbers: np.ndarray
    """Beta: knots of each component (dim x KNOTS x 2); multivariate normal: lower factor (dim x dim). Flat, float64."""
    parts: tuple[Table, ...] = ()
    """Mixture only: the tables of its parts."""

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


def range_row(kind: int, low: float, high: float) -> list[float]:
    """Return the row of a uniform (or log-uniform) component between two bounds."""
    if kind == LOG_UNIFORM:
        return [math.log(low), _span(math.log(high) - math.log(low)), low, high, 0.0, 0.0]
    return [low, _span(high - low), low, high, 0.0, 0.0]


def _row(kind: int, dist: Distribution, i: int) -> list[float]:
    if isinstance(dist, Constant):
        return [dist.value[i], 0.0, dist.value[i], dist.value[i], 0.0, 0.0]
    if isinstance(dist, Normal):
        return [0.0, 0.0, -math.inf, math.inf, dist.mean[i], _span(dist.std[i])]
    if isinstance(dist, MultivariateNormal):
        return [0.0, 0.0, -math.inf, math.inf, dist.mean[i], 0.0]
    low, high = (bound[i] for bound in dist.bounds())
    if isinstance(dist, UniformInt):
        return [low, high - low + 1.0, low, high, 0.0, 0.0]
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
    return range_row(kind, low, high)


_KIND_OF: dict[type[Distribution], int] = {
    Constant: CONSTANT,
    Uniform: UNIFORM,
    UniformInt: UNIFORM_INT,
    LogUniform: LOG_UNIFORM,
    Normal: NORMAL,
    TruncatedNormal: TRUNCATED_NORMAL,
    Beta: BETA,
    Choice: CHOICE,
    Empirical: EMPIRICAL,
    MultivariateNormal: MULTIVARIATE_NORMAL,
    Mixture: MIXTURE,
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
    rows = np.zeros((dist.dim, COLUMNS))
    thresholds, values, numbers = np.zeros(0, np.uint32), np.zeros((0, dist.dim), np.float32), np.zeros(0)
    parts: tuple[Table, ...] = ()
    if isinstance(dist, Choice | Mixture):
        kept, thresholds = choice_thresholds(dist.weights)
        if isinstance(dist, Choice):
            values = np.asarray(dist.values, dtype=np.float32)[kept]
        else:
            parts = tuple(compile_table(dist.parts[i]) for i in kept)
    elif isinstance(dist, Empirical):
        values = np.asarray(dist.values, dtype=np.float32)
    else:
        rows = np.array([_row(kind, dist, i) for i in range(dist.dim)], dtype=np.float64)
        if isinstance(dist, MultivariateNormal):
            numbers = np.array([[_span(v) for v in row] for row in dist.factor]).ravel()
        elif isinstance(dist, Beta):
            numbers = np.concatenate([beta_knots(a, b).ravel() for a, b in zip(dist.a, dist.b, strict=True)])
    return Table(kind=kind, rows=rows, thresholds=thresholds, values=values, numbers=numbers, parts=parts)


def values_from_bits(table: Table, bits: np.ndarray) -> np.ndarray:
    """Map random words to values.

    Args:
        table: the compiled distribution.
        bits: uint32, shape (..., dim).

    Returns:
        float32, same shape. With components of their own, non-decreasing in each word. A choice and an empirical
        distribution read the first component's word only; a mixture chooses its part by that word and hands the rest
        of it on to the part.
    """
    if table.kind == CHOICE:
        return table.values[np.searchsorted(table.thresholds, bits[..., 0], side="right")]
    if table.kind == EMPIRICAL:
        return table.values[(bits[..., 0].astype(np.uint64) * np.uint64(len(table.values))) >> np.uint64(32)]
    if table.kind == MULTIVARIATE_NORMAL:
        return _correlated_from_bits(table, bits)
    if table.kind == MIXTURE:
        return _mixed_from_bits(table, bits)
    offset, span, low, high, mean, std = (table.rows[:, i] for i in range(COLUMNS))
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
    elif table.kind == BETA:
        z = normal_quantile(unit_from_bits(bits).astype(np.float64) + 2.0**-25)
        knots = table.numbers.reshape(table.dim, -1, 2)
        value = offset + span * np.stack([beta_from_normal(knots[i], z[..., i]) for i in range(table.dim)], axis=-1)
    else:
        value = offset + span * unit_from_bits(bits).astype(np.float64)
        if table.kind == LOG_UNIFORM:
            value = np.exp(value)
    low32, high32 = low.astype(np.float32), high.astype(np.float32)
    return np.minimum(np.maximum(value.astype(np.float32), low32), high32)


def _correlated_from_bits(table: Table, bits: np.ndarray) -> np.ndarray:
    """Map words to mean + L z, summed from the first component on."""
    z = normal_from_unit(unit_from_bits(bits)).astype(np.float64)
    factor = table.numbers.reshape(table.dim, table.dim)
    value = np.broadcast_to(table.rows[:, 4], bits.shape).copy()
    for i in range(table.dim):
        for j in range(i + 1):
            value[..., i] += factor[i, j] * z[..., j]
    return value.astype(np.float32)


def _mixed_from_bits(table: Table, bits: np.ndarray) -> np.ndarray:
    """Map words to the part that the first word falls into; its place within the part's words is the part's word."""
    first = bits[..., 0].astype(np.uint64)
    edges = np.concatenate([[0], table.thresholds.astype(np.uint64), [2**32]]).astype(np.uint64)
    chosen = np.searchsorted(table.thresholds, bits[..., 0], side="right")
    words = bits.copy()
    begin, end = edges[chosen], edges[chosen + 1]
    words[..., 0] = (((first - begin) << np.uint64(32)) // (end - begin)).astype(np.uint32)
    values = np.empty(bits.shape, np.float32)
    for i, part in enumerate(table.parts):
        mask = chosen == i
        values[mask] = values_from_bits(part, words[mask])
    return values
