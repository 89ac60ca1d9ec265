"""Units: a closed table with dimensions, so that a length cannot land where an angle belongs.

Everything inside the library is SI: metres, radians, seconds, kilograms, newtons. A spec may say mm, deg or ms; the
loader converts once. Factors are a multiplier and a divisor, so that 2.3 mm is exactly the number 0.0023.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit that a spec may name."""

    name: str
    """As written in a spec."""
    dimension: str
    """What it measures; units of one dimension convert into each other."""
    factor: float = 1.0
    """SI value = value * factor / divisor."""
    divisor: float = 1.0
    """See ``factor``."""


_DEG = (math.pi, 180.0)

_TABLE = (
    Unit("1", "ratio"),
    Unit("%", "ratio", 1.0, 100.0),
    Unit("m", "length"),
    Unit("cm", "length", 1.0, 100.0),
    Unit("mm", "length", 1.0, 1000.0),
    Unit("um", "length", 1.0, 1e6),
    Unit("km", "length", 1000.0),
    Unit("in", "length", 254.0, 10000.0),
    Unit("rad", "angle"),
    Unit("deg", "angle", *_DEG),
    Unit("mrad", "angle", 1.0, 1000.0),
    Unit("s", "time"),
    Unit("ms", "time", 1.0, 1000.0),
    Unit("us", "time", 1.0, 1e6),
    Unit("min", "time", 60.0),
    Unit("Hz", "frequency"),
    Unit("kHz", "frequency", 1000.0),
    Unit("kg", "mass"),
    Unit("g", "mass", 1.0, 1000.0),
    Unit("N", "force"),
    Unit("kN", "force", 1000.0),
    Unit("N*m", "torque"),
    Unit("mN*m", "torque", 1.0, 1000.0),
    Unit("kg*m^2", "rotational inertia"),
    Unit("g*cm^2", "rotational inertia", 1.0, 1e7),
    Unit("m/s", "velocity"),
    Unit("cm/s", "velocity", 1.0, 100.0),
    Unit("mm/s", "velocity", 1.0, 1000.0),
    Unit("km/h", "velocity", 10.0, 36.0),
    Unit("rad/s", "angular velocity"),
    Unit("deg/s", "angular velocity", *_DEG),
    Unit("deg/h", "angular velocity", math.pi, 180.0 * 3600.0),
    Unit("rpm", "angular velocity", math.pi, 30.0),
    Unit("m/s^2", "acceleration"),
    Unit("mg0", "acceleration", 9.80665, 1000.0),
    Unit("ug0", "acceleration", 9.80665, 1e6),
    Unit("N/m", "stiffness"),
    Unit("N/mm", "stiffness", 1000.0),
    Unit("N*s/m", "damping"),
    Unit("N*m/rad", "rotational stiffness"),
    Unit("N*m/deg", "rotational stiffness", 180.0, math.pi),
    Unit("N*m*s/rad", "rotational damping"),
    Unit("N*m/A", "torque constant"),
    Unit("V", "voltage"),
    Unit("K/W", "thermal resistance"),
    Unit("px", "pixel"),
    Unit("lx", "illuminance"),
    Unit("K", "temperature"),
)

DENSITY, WALK, INVERSE = "{}/sqrt(Hz)", "{}/sqrt(s)", "1/{}"
"""Units made of others: a noise density, what a random walk comes to, one over a unit."""

_MADE = {
    (DENSITY, "angular velocity"): (
        Unit("deg/sqrt(h)", "", math.pi, 180.0 * 60.0),
        Unit("mdeg/s/sqrt(Hz)", "", math.pi, 180.0 * 1000.0),
    ),
    (DENSITY, "acceleration"): (Unit("m/s/sqrt(h)", "", 1.0, 60.0), Unit("ug/sqrt(Hz)", "", 9.80665, 1e6)),
    (WALK, "angular velocity"): (Unit("rad/s^2/sqrt(Hz)", ""), Unit("deg/h/sqrt(h)", "", math.pi, 180.0 * 60.0**3)),
    (WALK, "acceleration"): (Unit("m/s^3/sqrt(Hz)", ""),),
}
"""Names of their own that data sheets have for units made of others."""

UNITS: dict[str, Unit] = {unit.name: unit for unit in _TABLE}
"""The closed list of units by name."""

SPELLINGS: dict[str, str] = {
    "": "1",
    "ratio": "1",
    "percent": "%",
    "°": "deg",
    "degree": "deg",
    "degrees": "deg",
    "radian": "rad",
    "radians": "rad",
    "µm": "um",
    "µs": "us",
    "Nm": "N*m",
    "N·m": "N*m",
    "N m": "N*m",
    "N·m/rad": "N*m/rad",
    "Nm/rad": "N*m/rad",
    "N·m·s/rad": "N*m*s/rad",
    "Nms/rad": "N*m*s/rad",
    "N·s/m": "N*s/m",
    "Ns/m": "N*s/m",
    "N·m/A": "N*m/A",
    "Nm/A": "N*m/A",
    "kg·m^2": "kg*m^2",
    "kg*m²": "kg*m^2",
    "kg·m²": "kg*m^2",
    "kgm^2": "kg*m^2",
    "m/s²": "m/s^2",
    "m/s2": "m/s^2",
    "pixel": "px",
    "pixels": "px",
}
"""Other ways to write a unit."""


def find_unit(name: str) -> Unit | None:
    """Return the unit of that name or other spelling, or None."""
    return UNITS.get(SPELLINGS.get(name, name))


def made_units(shape: str, dimension: str) -> dict[str, Unit]:
    """Return by name the units that :data:`DENSITY`, :data:`WALK` or :data:`INVERSE` makes of a dimension, SI first."""
    found = {}
    for name in units_of((dimension,)):
        unit, made = UNITS[name], shape.format(f"({name})" if shape == INVERSE and not name.isalnum() else name)
        pair = (unit.divisor, unit.factor) if shape == INVERSE else (unit.factor, unit.divisor)
        found[made] = Unit(made, shape.format(dimension), *pair)
    return found | {unit.name: unit for unit in _MADE.get((shape, dimension), ())}


def si_unit(dimension: str) -> str:
    """Return the name of a dimension's SI unit."""
    return next(unit.name for unit in _TABLE if unit.dimension == dimension and unit.factor == unit.divisor == 1.0)


def units_of(dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of all units of these dimensions, SI units first."""
    found = [unit for dimension in dimensions for unit in _TABLE if unit.dimension == dimension]
    return tuple(unit.name for unit in found)
