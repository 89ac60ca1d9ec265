"""What a motor is: its torque-speed line, its supply, its gear's free play and its heat, as seen at the joint.

The line is the one on a data sheet: stall torque at zero speed, zero torque at the no-load speed, both at the nominal
voltage. It is the steady state of a DC motor without inductance, so two numbers follow from it, and with them the line
at every other voltage: the torque constant `voltage / no_load_speed`, which is the back-EMF constant too, and the
winding's resistance `constant * voltage / stall_torque`. For a geared motor all of them are the joint's: the gear is
in the line already.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from sim2real.errors import Sim2RealError

PerJoint = float | Mapping[str, float]
"""One number for all joints, or one for each pattern that matches a joint's whole name."""
MOTOR_SCHEMA = "Sim2RealMotorAPI"
"""Name under which a joint's motor is written on the stage."""
DELAY_SCHEMA = "Sim2RealMotorDelayAPI"
"""Name of Newton's own delay before a motor: USD hides schemas it does not know from a prim that has one it knows."""
ZERO_ALLOWED = ("bus_resistance", "backlash", "coulomb_friction", "viscous_friction")
"""Numbers that may be 0; the others are positive."""
SOLVERS = ("coulomb_friction", "viscous_friction")
"""Numbers that the solver holds, not the drive; None leaves them to the actuator."""
SIGNED = ("ambient", "derate_from", "derate_to")
"""Temperatures, which may be negative."""


class MotorError(Sim2RealError):
    """A motor that cannot be, or that an actuator cannot have."""


@dataclass(frozen=True, kw_only=True)
class Motor:
    """The motors of an actuator group. Gains and the largest torque (the current limit) stay the actuator's."""

    voltage: PerJoint
    """Nominal voltage of the supply, at which the line was measured [V]."""
    no_load_speed: PerJoint
    """Speed without load at that voltage [rad/s or m/s]."""
    stall_torque: PerJoint
    """Torque at zero speed at that voltage [N·m or N]."""
    bus_resistance: float = 0.0
    """Resistance of the battery and its leads [Ω]: the voltage sags with the current of all joints of the group."""
    backlash: PerJoint = 0.0
    """Free play of the gear, from contact to contact, at the joint [rad or m]."""
    coulomb_friction: PerJoint | None = None
    """Coulomb friction of the gear at the joint, static and sliding [N·m or N]; None: what the actuator says. The
    solver's: a torque that is held for a physics step cannot keep a joint at rest."""
    viscous_friction: PerJoint | None = None
    """Viscous friction of the gear at the joint [N·m·s/rad or N·s/m]; None: what the actuator says."""
    thermal_resistance: PerJoint = 1.0
    """From the winding to ambient [K/W]."""
    heat_capacity: PerJoint = math.inf
    """Of the winding [J/K]; infinite: it never warms up. Time constant: thermal_resistance * heat_capacity."""
    ambient: PerJoint = 25.0
    """Temperature at which a winding starts an episode, and to which it cools [°C]."""
    derate_from: PerJoint = 80.0
    """Winding temperature from which the largest torque falls [°C], in a straight line,"""
    derate_to: PerJoint = 120.0
    """to nothing at this one [°C]."""

    def __post_init__(self) -> None:
        """Check every number.

        Raises:
            MotorError: not a number, or one that no motor has.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name in SOLVERS:
                continue
            for number in value.values() if isinstance(value, Mapping) else (value,):
                if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
                    raise MotorError(f"{field.name}: {number!r} is no number")
                if math.isinf(number) and field.name != "heat_capacity":
                    raise MotorError(f"{field.name}: {number!r} is not finite; only heat_capacity may be infinite")
                if field.name in SIGNED:
                    continue
                least = "0 or more" if field.name in ZERO_ALLOWED else "more than 0"
                if number < 0 or (number == 0 and field.name not in ZERO_ALLOWED):
                    raise MotorError(f"{field.name}: got {number!r}; it has to be {least}")

    @classmethod
    def load(cls, path_or_preset_name: str | os.PathLike[str]) -> Motor:
        """Return the motor of a file, or of a preset such as ``go2``; see `sim2real.actuators.presets.load_motor`.

        Raises:
            SpecError: the file is missing or holds no motor.
        """
        from sim2real.actuators.presets import load_motor

        return load_motor(path_or_preset_name).motor

    def numbers(self, joint: str) -> dict[str, float]:
        """Return what the drive of one joint holds, by its own names.

        Raises:
            MotorError: a field has no number for this joint, or the torque would fall from a temperature that lies
                above the one where it ends.
        """
        names = [field.name for field in fields(self) if field.name not in SOLVERS]
        value = {name: _for_joint(name, getattr(self, name), joint) for name in names}
        if value["derate_to"] <= value["derate_from"]:
            raise MotorError(
                f"{joint}: derate_to {value['derate_to']} °C has to lie above derate_from {value['derate_from']} °C"
            )
        constant = value["voltage"] / value["no_load_speed"]
        return {
            "voltage": value["voltage"],
            "constant": constant,
            "resistance": constant * value["voltage"] / value["stall_torque"],
            "bus_resistance": value["bus_resistance"],
            "backlash": value["backlash"],
            "thermal_resistance": value["thermal_resistance"],
            "heat_capacity": value["heat_capacity"],
            "derate_from": value["derate_from"] - value["ambient"],
            "derate_to": value["derate_to"] - value["ambient"],
        }

    def friction(self, joint: str) -> dict[str, float]:
        """Return what the solver holds of one joint's friction, by field; what is None is the actuator's.

        Raises:
            MotorError: a field has no number for this joint.
        """
        given = {name: getattr(self, name) for name in SOLVERS}
        return {name: _for_joint(name, value, joint) for name, value in given.items() if value is not None}


def _for_joint(field: str, value: PerJoint, joint: str) -> float:
    if not isinstance(value, Mapping):
        return float(value)
    for pattern, number in value.items():
        if re.fullmatch(pattern, joint):
            return float(number)
    raise MotorError(f"{field}: no pattern of {sorted(value)} matches joint '{joint}'; add one, or give one number")
