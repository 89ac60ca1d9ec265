"""The distributions that a spec may name, as plain frozen data.

A distribution says what is possible, not how to draw it: :mod:`sim2real.draws` turns it into numbers. Every value is a
tuple with one entry per component (a single number for a scalar), in SI units. The constructors accept numbers too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

Vector = tuple[float, ...]
Numbers = float | Sequence[float]
"""What a constructor takes: one number, or one for each component."""
LARGEST = 1e30
"""Draws are float32; larger numbers are refused."""
LARGEST_INTEGER = 2**24
"""Draws are float32, which holds whole numbers exactly up to here."""
NORMAL_REACH = 5.42
"""A drawn normal number stays within so many standard deviations: u has 24 bits."""
SMALLEST_MASS = 1e-6
"""A truncated normal must keep at least this share of the normal's probability inside its bounds."""


def as_vector(value: Numbers) -> Vector:
    """Return a number or a sequence of numbers as a tuple of floats."""
    given: Any = value  # NumPy arrays and scalars too
    return tuple(float(v) for v in given) if hasattr(given, "__len__") else (float(given),)


def check_finite(name: str, value: float) -> None:
    """Raise ValueError for what is no number, infinite, or beyond float32."""
    if not abs(value) <= LARGEST:
        raise ValueError(f"{name} is {value:g}; give a finite number within +-{LARGEST:g}")


def normal_cdf(x: float) -> float:
    """Return the standard normal probability below ``x``, accurate in the lower tail."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@dataclass(frozen=True)
class Distribution:
    """What all distributions share; a subclass's fields are vectors of one length unless it says otherwise."""

    kind: ClassVar[str] = ""

    def __init__(self, *values: Numbers) -> None:
        """Store one vector for each field, then check them."""
        for field, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, field.name, as_vector(value))
        self._same_length()
        self.check()

    def _same_length(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) > 1 or 0 in lengths.values():
            said = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise ValueError(f"{said}; give the same number of components, at least one")
        for field in fields(self):
            for value in getattr(self, field.name):
                check_finite(field.name, value)

    def check(self) -> None:
        """Raise ValueError, saying what came and what is allowed, when the numbers make no distribution."""

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(getattr(self, fields(self)[0].name))

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and the largest value of each component that can be drawn."""
        raise NotImplementedError

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the distribution of value * factor / divisor, both above 0; a unit conversion is this."""
        return type(self)(*(tuple(v * factor / divisor for v in getattr(self, field.name)) for field in fields(self)))

    def broadcast(self, dim: int) -> Distribution:
        """Return ``dim`` independent components of a scalar distribution; one that has ``dim`` already is kept."""
        if self.dim == dim:
            return self
        if self.dim != 1:
            raise ValueError(f"got {self.dim} components; give {dim}, or a single one for all of them")
        return type(self)(*(getattr(self, field.name) * dim for field in fields(self)))


def _check_order(low: Vector, high: Vector) -> None:
    for a, b in zip(low, high, strict=True):
        if a > b:
            raise ValueError(f"low {a:g} is greater than high {b:g}; give [low, high] with low <= high")


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    kind: ClassVar[str] = "constant"
    value: Vector

    def __init__(self, value: Numbers = 0.0) -> None:
        super().__init__(value)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the value twice."""
        return self.value, self.value


@dataclass(frozen=True)
class Uniform(Distribution):
    """Any value in [low, high], all equally likely; components are independent."""

    kind: ClassVar[str] = "uniform"
    low: Vector
    high: Vector

    def __init__(self, low: Numbers = 0.0, high: Numbers = 1.0) -> None:
        super().__init__(low, high)

    def check(self) -> None:
        """Raise ValueError when low > high."""
        _check_order(self.low, self.high)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return low and high."""
        return self.low, self.high


@dataclass(frozen=True)
class UniformInt(Distribution):
    """A whole number from low to high, both included, all equally likely."""

    kind: ClassVar[str] = "uniform_int"
    low: Vector
    high: Vector

    def __init__(self, low: Numbers = 0, high: Numbers = 1) -> None:
        super().__init__(low, high)

    def check(self) -> None:
        """Raise ValueError when low > high or a bound is no whole number that float32 can hold."""
        for name, values in (("low", self.low), ("high", self.high)):
            for value in values:
                if value != int(value):
                    raise ValueError(f"{name} is {value:g}; give a whole number, or use uniform")
                if abs(value) > LARGEST_INTEGER:
                    raise ValueError(f"{name} is {value:g}; give a whole number within +-{LARGEST_INTEGER}")
        _check_order(self.low, self.high)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return low and high."""
        return self.low, self.high

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return itself: whole numbers carry no unit."""
        if factor != divisor:
            raise ValueError("uniform_int takes no unit; it counts things")
        return self


@dataclass(frozen=True)
class LogUniform(Distribution):
    """A value in [low, high] whose logarithm is uniform; both bounds above zero."""

    kind: ClassVar[str] = "log_uniform"
    low: Vector
    high: Vector

    def __init__(self, low: Numbers = 0.5, high: Numbers = 2.0) -> None:
        super().__init__(low, high)

    def check(self) -> None:
        """Raise ValueError when a bound is not above zero or low > high."""
        for name, values in (("low", self.low), ("high", self.high)):
            for value in values:
                if value < 1.0 / LARGEST:
                    raise ValueError(f"{name} is {value:g}; log_uniform needs both bounds above 0")
        _check_order(self.low, self.high)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return low and high."""
        return self.low, self.high


def _check_std(std: Vector) -> None:
    for value in std:
        if value < 0.0:
            raise ValueError(f"std is {value:g}; give a standard deviation of 0 or more")


@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with this mean and standard deviation; drawn values stay within 5.42 standard deviations."""

    kind: ClassVar[str] = "normal"
    mean: Vector
    std: Vector

    def __init__(self, mean: Numbers = 0.0, std: Numbers = 1.0) -> None:
        super().__init__(mean, std)

    def check(self) -> None:
        """Raise ValueError when a standard deviation is negative."""
        _check_std(self.std)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the mean less and plus 5.42 standard deviations."""
        pairs = list(zip(self.mean, self.std, strict=True))
        return tuple(m - NORMAL_REACH * s for m, s in pairs), tuple(m + NORMAL_REACH * s for m, s in pairs)


@dataclass(frozen=True)
class TruncatedNormal(Distribution):
    """Normal conditioned on [low, high]: the tails are cut and the rest rescaled, nothing piles up on the bounds."""

    kind: ClassVar[str] = "truncated_normal"
    mean: Vector
    std: Vector
    low: Vector
    high: Vector

    def __init__(self, mean: Numbers = 0.0, std: Numbers = 1.0, low: Numbers = -1.0, high: Numbers = 1.0) -> None:
        super().__init__(mean, std, low, high)

    def check(self) -> None:
        """Raise ValueError for a negative std, low > high, or bounds that hold nearly none of the normal."""
        _check_std(self.std)
        _check_order(self.low, self.high)
        for mean, std, low, high in zip(self.mean, self.std, self.low, self.high, strict=True):
            if std == 0.0:
                if not low <= mean <= high:
                    raise ValueError(f"std is 0 and mean {mean:g} is outside [{low:g}, {high:g}]; move the mean inside")
            elif low < high and truncated_mass(mean, std, low, high) < SMALLEST_MASS:
                raise ValueError(
                    f"[low, high] = [{low:g}, {high:g}] holds under {SMALLEST_MASS:g} of a normal with mean {mean:g} "
                    f"and std {std:g}; move the bounds towards the mean or raise std"
                )

    def bounds(self) -> tuple[Vector, Vector]:
        """Return low and high."""
        return self.low, self.high


def truncated_mass(mean: float, std: float, low: float, high: float) -> float:
    """Return the share of a normal's probability that lies in [low, high], accurate in both tails."""
    a, b = (low - mean) / std, (high - mean) / std
    if a + b > 0.0:
        a, b = -b, -a
    return normal_cdf(b) - normal_cdf(a)


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
        self._check_values(self.values, self.weights)

    @staticmethod
    def _check_values(values: tuple[Vector, ...], weights: Vector) -> None:
        if not values or len({len(value) for value in values}) != 1 or not values[0]:
            raise ValueError("values: give at least one value, all with the same number of components")
        for value in values:
            for v in value:
                check_finite("a value", v)
        if len(weights) != len(values):
            raise ValueError(f"{len(weights)} weights for {len(values)} values; give one weight for each value")
        for weight in weights:
            if not 0.0 <= weight < math.inf:
                raise ValueError(f"weight {weight:g}; give weights of 0 or more")
        if not sum(weights) > 0.0 or not math.isfinite(sum(weights)):
            raise ValueError("the weights sum to 0 or overflow; give at least one value a weight above 0")

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(self.values[0])

    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and largest listed value of each component."""
        columns = list(zip(*self.values, strict=True))
        return tuple(min(c) for c in columns), tuple(max(c) for c in columns)

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the choice among the scaled values."""
        return Choice(tuple(tuple(v * factor / divisor for v in value) for value in self.values), self.weights)

    def broadcast(self, dim: int) -> Distribution:
        """Return itself; the components of a choice belong together and cannot be repeated."""
        if self.dim != dim:
            raise ValueError(f"values have {self.dim} component(s); give {dim} for each value")
        return self


KINDS: dict[str, type[Distribution]] = {
    cls.kind: cls for cls in (Constant, Uniform, UniformInt, LogUniform, Normal, TruncatedNormal, Choice)
}
"""The closed list of distributions: name in YAML -> class."""
