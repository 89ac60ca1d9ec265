"""Motors of known robots, from files that say where each number comes from.

A file of `config/motors/` holds one motor, with a pattern of joint names where joints differ. Each number stands with
its unit and its provenance: `default` is our estimate, everything else names its source. A user's own file is read
the same way.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from sim2real.actuators.motor import Motor, MotorError, PerJoint
from sim2real.paths import presets_dir
from sim2real.spec.errors import Fault, SpecError, did_you_mean, listing
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, compose, gather

SCHEMA = 1
"""Version of the file format."""
UNITS: dict[str, dict[str, float]] = {
    "voltage": {"V": 1.0},
    "no_load_speed": {"rad/s": 1.0, "m/s": 1.0, "rpm": math.tau / 60.0},
    "stall_torque": {"N*m": 1.0, "N": 1.0},
    "bus_resistance": {"ohm": 1.0},
    "backlash": {"rad": 1.0, "m": 1.0, "deg": math.tau / 360.0},
    "coulomb_friction": {"N*m": 1.0, "N": 1.0},
    "viscous_friction": {"N*m*s/rad": 1.0, "N*s/m": 1.0},
    "thermal_resistance": {"K/W": 1.0},
    "heat_capacity": {"J/K": 1.0},
    "ambient": {"degC": 1.0},
    "derate_from": {"degC": 1.0},
    "derate_to": {"degC": 1.0},
}
"""Units of each field, with their size in SI (temperatures: °C)."""
REQUIRED = ("voltage", "no_load_speed", "stall_torque")
"""Fields without a default."""
ONE_NUMBER = ("bus_resistance",)
"""Fields that do not differ between joints."""
SOURCES = ("datasheet", "paper", "urdf", "config", "identified")
"""Kinds of provenance beside `default`; each is followed by a colon and what it is."""


@dataclass(frozen=True, kw_only=True)
class MotorPreset:
    """A motor and where its numbers come from."""

    robot: str
    """Whose motors these are."""
    motor: Motor
    """The motor."""
    provenance: FrozenDict[str, str]
    """Source of each field that the file gives."""


def motor_names() -> list[str]:
    """Return the names that `load_motor` knows, such as ``go2``."""
    return sorted(path.stem for path in (presets_dir() / "motors").glob("*.yaml"))


def load_motor(path_or_preset_name: str | os.PathLike[str]) -> MotorPreset:
    """Read a motor from a YAML file, or by the name of a preset that comes with the package.

    Args:
        path_or_preset_name: A file; or a name of `motor_names`, when there is no such file.

    Raises:
        SpecError: The file is missing or holds no motor; it names every fault with file, line and key.
    """
    source = os.fspath(path_or_preset_name)
    path, names = Path(source), motor_names()
    if not path.is_file():
        if source not in names:
            hint = did_you_mean(source, names)
            said = f"no such file, and no motor of that name{hint}; motors: {listing(names)}"
            raise SpecError(Fault(source, None, "", said))
        path = presets_dir() / "motors" / f"{source}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(Fault(source, None, "", f"cannot be read as UTF-8 text: {error}")) from None
    return parse_motor(text, path.name)


def parse_motor(text: str, source: str = "<string>") -> MotorPreset:
    """Read a motor from YAML text; `source` is what messages call it.

    Raises:
        SpecError: Naming every fault with line and key.
    """
    if not text.strip():
        raise SpecError(Fault(source, None, "", "is empty; start with 'schema: 1', 'robot: ...' and 'motor:'"))
    root = compose(text, source)
    entries = root.fields("a mapping with 'schema: 1', 'robot: ...' and 'motor: {...}'")
    root.only(entries, ("schema", "robot", "motor"))
    for key in ("schema", "robot", "motor"):
        if key not in entries:
            raise root.fault(f"'{key}' is missing; a motor's file has schema, robot and motor")
    if entries["schema"].number("the version of the file format, 1") != SCHEMA:
        raise entries["schema"].fault(f"unknown schema version; this release reads {SCHEMA}")
    robot = entries["robot"].text("the robot's name")
    node = entries["motor"]
    given = node.fields("a mapping of fields, each {value: ..., unit: ..., provenance: ...}")
    node.only(given, [field.name for field in fields(Motor)])
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise node.fault(f"{listing(missing)} missing; a motor needs {listing(REQUIRED)}")
    parts: dict[str, Callable[[], tuple[PerJoint, str]]] = {
        name: partial(_entry, child, name) for name, child in given.items()
    }
    found = gather(parts)
    try:
        motor = Motor(**{name: value for name, (value, _) in found.items()})  # type: ignore[arg-type]
    except MotorError as error:
        name = str(error).partition(":")[0]
        raise given.get(name, node).fault(str(error)) from None
    return MotorPreset(
        robot=robot, motor=motor, provenance=FrozenDict({name: said for name, (_, said) in found.items()})
    )


def _entry(node: Node, name: str) -> tuple[PerJoint, str]:
    """Return a field's value in SI and its provenance."""
    entries = node.fields("a mapping {value: ..., unit: ..., provenance: ...}")
    node.only(entries, ("value", "unit", "provenance"))
    for key in ("value", "unit", "provenance"):
        if key not in entries:
            raise node.fault(f"'{key}' is missing; give value, unit and provenance")
    factor = UNITS[name][entries["unit"].choice("unit", UNITS[name])]
    said = entries["provenance"].text("a provenance")
    kind, _, what = said.partition(":")
    if said != "default" and (kind not in SOURCES or not what.strip()):
        allowed = listing(f"'{kind}: ...'" for kind in SOURCES)
        raise entries["provenance"].fault(f"unknown provenance '{said}'; allowed: 'default', {allowed}")
    value = entries["value"]
    if not value.is_mapping:
        return value.number() * factor, said
    if name in ONE_NUMBER:
        raise value.fault(f"{name} belongs to the supply of all joints; give one number")
    numbers = {}
    for pattern, child in value.fields("a number, or a mapping of joint patterns to numbers").items():
        try:
            re.compile(pattern)
        except re.error as error:
            raise child.fault(f"'{pattern}' is no regular expression: {error}") from None
        numbers[pattern] = child.number() * factor
    if not numbers:
        raise value.fault("no joint is named; give a number, or a pattern for each kind of joint")
    return FrozenDict(numbers), said
