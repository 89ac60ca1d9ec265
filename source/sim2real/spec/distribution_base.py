"""What all distributions share.

A distribution says what is possible, not how to draw it: :mod:`sim2real.draws` turns it into numbers. Every value is a
tuple with one entry per component (a single number for a scalar), in SI units. The constructors accept numbers too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

Vector = tuple[float, ...]
Numbers = float | Sequence[float]
"""What a constructor takes: one number, or one for each component."""
LARGEST = 1e30
"""Draws are float32; larger numbers are refused."""


def as_vector(value: Numbers) -> Vector:
    """Return a number or a sequence of numbers as a tuple of floats."""
    given: Any = value  # NumPy arrays and scalars too
    return tuple(float(v) for v in given) if hasattr(given, "__len__") else (float(given),)


def check_finite(name: str, value: float) -> None:
    """Raise ValueError for what is no number, infinite, or beyond float32."""
    if not abs(value) <= LARGEST:
        raise ValueError(f"{name} is {value:g}; give a finite number within +-{LARGEST:g}")


@dataclass(frozen=True)
class Distribution(ABC):
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

    def check(self) -> None:  # noqa: B027 - most need no more than one length and finite numbers
        """Raise ValueError, saying what came and what is allowed, when the numbers make no distribution."""

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(getattr(self, fields(self)[0].name))

    @abstractmethod
    def bounds(self) -> tuple[Vector, Vector]:
        """Return the smallest and the largest value of each component that can be drawn."""

    @property
    def whole(self) -> bool:
        """Whether only whole numbers can be drawn."""
        return False

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
