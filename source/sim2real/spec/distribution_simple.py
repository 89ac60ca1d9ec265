"""Distributions whose components are independent of each other; a scalar one stands for a vector by repetition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from sim2real.spec.distribution_base import LARGEST, Distribution, Numbers, Vector

LARGEST_INTEGER = 2**24
"""Draws are float32, which holds whole numbers exactly up to here."""
NORMAL_REACH = 5.42
"""A drawn normal number stays within so many standard deviations: u has 24 bits."""
SMALLEST_MASS = 1e-6
"""A truncated normal must keep at least this share of the normal's probability inside its bounds."""
BETA_LEAST, BETA_MOST = 0.1, 1e3
"""Shapes of a beta distribution; beyond them nearly all draws are the bounds, or nearly all are one value."""


def _check_order(low: Vector, high: Vector) -> None:
    for a, b in zip(low, high, strict=True):
        if a > b:
            raise ValueError(f"low {a:g} is greater than high {b:g}; give [low, high] with low <= high")


def normal_cdf(x: float) -> float:
    """Return the standard normal probability below ``x``, accurate in the lower tail."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


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

    @property
    def whole(self) -> bool:
        """Whether the value is whole."""
        return all(v == int(v) for v in self.value)


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

    @property
    def whole(self) -> bool:
        """Whole numbers only."""
        return True

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
class Beta(Distribution):
    """A beta distribution with shapes a and b, stretched from [0, 1] to [low, high].

    a = b = 1 is uniform, larger shapes gather in the middle, a > b leans towards high.
    """

    kind: ClassVar[str] = "beta"
    a: Vector
    b: Vector
    low: Vector
    high: Vector

    def __init__(self, a: Numbers = 2.0, b: Numbers = 2.0, low: Numbers = 0.0, high: Numbers = 1.0) -> None:
        super().__init__(a, b, low, high)

    def check(self) -> None:
        """Raise ValueError when low > high or a shape is too small or too large."""
        for name, values in (("a", self.a), ("b", self.b)):
            for value in values:
                if not BETA_LEAST <= value <= BETA_MOST:
                    raise ValueError(f"{name} is {value:g}; give a shape from {BETA_LEAST:g} to {BETA_MOST:g}")
        _check_order(self.low, self.high)

    def bounds(self) -> tuple[Vector, Vector]:
        """Return low and high."""
        return self.low, self.high

    def scaled(self, factor: float, divisor: float = 1.0) -> Distribution:
        """Return the beta between the scaled bounds; the shapes carry no unit."""
        low, high = (tuple(v * factor / divisor for v in bound) for bound in (self.low, self.high))
        return Beta(self.a, self.b, low, high)
