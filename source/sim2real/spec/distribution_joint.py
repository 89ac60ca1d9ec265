"""Distributions whose components belong together: a draw is one of listed values, or a correlated vector.

A term with one of them draws all its components at once, so they cannot be made from a scalar by repetition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sim2real.spec.distribution_base import Distribution, Numbers, Vector, as_vector, check_finite
from sim2real.spec.distribution_simple import NORMAL_REACH

MOST_SAMPLES = 10_000
"""Most numbers in an empirical distribution; they are part of the spec."""
MOST_COMPONENTS = 16
"""Most components of a multivariate normal."""


def _check_weights(weights: Vector, count: int, what: str) -> None:
    if len(weights) != count:
        raise ValueError(f"{len(weights)} weights for {count} {what}s; give one weight for each {what}")
    for weight in weights:
        if not 0.0 <= weight < math.inf:
            raise ValueError(f"weight {weight:g}; give weights of 0 or more")
    if not sum(weights) > 0.0 or not math.isfinite(sum(weights)):
        raise ValueError(f"the weights sum to 0 or overflow; give at least one {what} a weight above 0")


def _check_rows(rows: tuple[Vector, ...], name: str) -> None:
    if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
        raise ValueError(f"{name}: give at least one value, all with the same number of components")
    for row in rows:
        for v in row:
            check_finite("a value", v)


def _bounds_of(rows: Sequence[Vector]) -> tuple[Vector, Vector]:
    columns = list(zip(*rows, strict=True))
    return tuple(min(c) for c in columns), tuple(max(c) for c in columns)


def _scaled_rows(rows: tuple[Vector, ...], factor: float, divisor: float) -> tuple[Vector, ...]:
    return tuple(tuple(v * factor / divisor for v in row) for row in rows)


def _all_whole(rows: tuple[Vector, ...]) -> bool:
    return all(v == int(v) for row in rows for v in row)


@dataclass(frozen=True)
class Choice(Distribution):
    """One of the listed values; a weight says how likely each is, relative to the others."""

    kind: ClassVar[str] = "choice"
    values: tuple[Vector, ...]
    weights: Vector

    def __init__(self, values: Sequence[Numbers], weights: Sequence[float] = ()) -> None:
        """Store the values; without weights all are equally likely."""
        object.__setattr__(self, "values", tuple(as_vector(value) for value in values))
        object.__setattr__(self, "weights", as_vector(weights) if len(weights) else (1.0,) * len(self.values))
        _check_rows(self.values, "values")
        _check_weights(self.weights, len(self.values), "value")

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(self.values[0])

    @property
    def whole(self) -> bool:
        """Whether all values are whole."""
        return _all_whole(self.values)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and largest listed value of each component."""
        return _bounds_of(self.values)

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the choice among the scaled values."""
        return Choice(_scaled_rows(self.values, factor, divisor), self.weights)

    def broadcast(self, dim: int) -> Distribution:
        """Return itself; the components of a choice belong together and cannot be repeated."""
        if self.dim != dim:
            raise ValueError(f"values have {self.dim} component(s); give {dim} for each value")
        return self


@dataclass(frozen=True)
class Empirical(Distribution):
    """One of measured samples, all equally likely; a sample's components stay together."""

    kind: ClassVar[str] = "empirical"
    values: tuple[Vector, ...]

    def __init__(self, values: Sequence[Numbers]) -> None:
        """Store the samples."""
        object.__setattr__(self, "values", tuple(as_vector(value) for value in values))
        _check_rows(self.values, "values")
        if len(self.values) * self.dim > MOST_SAMPLES:
            raise ValueError(
                f"{len(self.values)} samples of {self.dim} component(s); give at most {MOST_SAMPLES} numbers in all"
            )

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(self.values[0])

    @property
    def whole(self) -> bool:
        """Whether all samples are whole."""
        return _all_whole(self.values)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and largest sample of each component."""
        return _bounds_of(self.values)

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the scaled samples."""
        return Empirical(_scaled_rows(self.values, factor, divisor))

    def broadcast(self, dim: int) -> Distribution:
        """Return itself; the components of a sample belong together and cannot be repeated."""
        if self.dim != dim:
            raise ValueError(f"samples have {self.dim} component(s); give {dim} column(s)")
        return self


@dataclass(frozen=True)
class MultivariateNormal(Distribution):
    """Normal vector with this mean and covariance, which may be singular."""

    kind: ClassVar[str] = "multivariate_normal"
    mean: Vector
    covariance: tuple[Vector, ...]

    def __init__(self, mean: Numbers, covariance: Sequence[Numbers]) -> None:
        """Store mean and covariance, one row for each component."""
        object.__setattr__(self, "mean", as_vector(mean))
        object.__setattr__(self, "covariance", tuple(as_vector(row) for row in covariance))
        self._check_shape()
        self.factor  # noqa: B018 - raises when there is none

    def _check_shape(self) -> None:
        n = len(self.mean)
        if not 1 <= n <= MOST_COMPONENTS:
            raise ValueError(f"mean has {n} components; give 1 to {MOST_COMPONENTS}")
        lengths = [len(row) for row in self.covariance]
        if lengths != [n] * n:
            raise ValueError(f"covariance has rows of {lengths}; give {n} rows of {n} numbers, as the mean has {n}")
        for v in (*self.mean, *(v for row in self.covariance for v in row)):
            check_finite("a value", v)
        for i in range(n):
            for j in range(i):
                a, b = self.covariance[i][j], self.covariance[j][i]
                if abs(a - b) > 1e-9 * max(abs(a), abs(b)):
                    raise ValueError(f"covariance[{i}][{j}] is {a:g} and [{j}][{i}] is {b:g}; give a symmetric matrix")

    @property
    def factor(self) -> tuple[Vector, ...]:
        """Return the lower triangular L with L L^T = covariance (Cholesky; zero columns where it is singular).

        Raises:
            ValueError: the covariance has a negative eigenvalue.
        """
        n = len(self.mean)
        lower = [[0.0] * n for _ in range(n)]
        for j in range(n):
            diagonal = self.covariance[j][j]
            pivot = diagonal - sum(v * v for v in lower[j][:j])
            slack = 1e-9 * abs(diagonal)
            for i in range(j, n):
                rest = self.covariance[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
                if pivot > slack:
                    lower[i][j] = rest / math.sqrt(pivot)
                elif pivot < -slack or abs(rest) > 1e-9 * math.sqrt(abs(self.covariance[i][i] * diagonal)):
                    raise ValueError("the covariance has a negative eigenvalue; give a matrix that has none")
        return tuple(tuple(row) for row in lower)

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(self.mean)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the farthest values that bounded normal numbers can sum up to."""
        reach = [NORMAL_REACH * sum(map(abs, row)) for row in self.factor]
        pairs = list(zip(self.mean, reach, strict=True))
        return tuple(m - r for m, r in pairs), tuple(m + r for m, r in pairs)

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the distribution of the scaled vector; the covariance scales twice."""
        covariance = _scaled_rows(_scaled_rows(self.covariance, factor, divisor), factor, divisor)
        return MultivariateNormal(tuple(v * factor / divisor for v in self.mean), covariance)

    def broadcast(self, dim: int) -> Distribution:
        """Return itself; its components belong together and cannot be repeated."""
        if self.dim != dim:
            raise ValueError(f"mean has {self.dim} component(s); give {dim}")
        return self


@dataclass(frozen=True)
class Mixture(Distribution):
    """One of several distributions, chosen by weight; all components of a draw come from the same one."""

    kind: ClassVar[str] = "mixture"
    parts: tuple[Distribution, ...]
    weights: Vector

    def __init__(self, parts: Sequence[Distribution], weights: Sequence[float] = ()) -> None:
        """Store the parts; without weights all are equally likely."""
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "weights", as_vector(weights) if len(weights) else (1.0,) * len(self.parts))
        if not self.parts or len({part.dim for part in self.parts}) != 1:
            raise ValueError("parts: give at least one distribution, all with the same number of components")
        for part in self.parts:
            if isinstance(part, Mixture | Choice | Empirical):
                raise ValueError(f"'{part.kind}' cannot be a part; list what it holds as parts of this mixture")
        _check_weights(self.weights, len(self.parts), "part")

    @property
    def dim(self) -> int:
        """Number of components."""
        return self.parts[0].dim

    @property
    def whole(self) -> bool:
        """Whether all parts give whole numbers."""
        return all(part.whole for part in self.parts)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and the largest value of any part."""
        bounds = [part.bounds() for part in self.parts]
        return _bounds_of([low for low, _ in bounds])[0], _bounds_of([high for _, high in bounds])[1]

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the mixture of the scaled parts."""
        return Mixture(tuple(part.scaled(factor, divisor) for part in self.parts), self.weights)

    def broadcast(self, dim: int) -> Distribution:
        """Return the mixture of the repeated parts; which part it is stays one choice for all components."""
        return Mixture(tuple(part.broadcast(dim) for part in self.parts), self.weights)
