"""Where the gains and limits of a joint's actuator stand: in the solver's own drives, or in Newton's actuators.

Isaac Lab turns an implicit actuator into MuJoCo actuators, whose gains follow Newton's `joint_target_ke` and `_kd`, and
an explicit one into a Newton actuator: a PD drive and clamps, with a flat array for each of their numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import warp as wp

from sim2real.engines.newton.parts import Parts

POSITION_MODE = 1
"""Newton's JointTargetMode.POSITION: the position actuator damps as well."""


MOTOR = {
    "actuator_voltage": "voltage",
    "actuator_backlash": "backlash",
    "actuator_thermal_resistance": "thermal_resistance",
}
"""What only a motor (`sim2real.actuators.drive`) has, by its own names."""


@dataclass(frozen=True, kw_only=True)
class MotorArray:
    """An array of Newton's actuators that a quantity is written to."""

    holder: Any
    """The drive or clamp that owns it."""
    name: str
    """Its attribute there."""
    number: np.ndarray
    """Index into the array of each joint of each world, -1 for joints that it does not drive."""
    ratio: np.ndarray
    """What the quantity is multiplied by, for each entry of the array."""

    def values(self) -> np.ndarray:
        """The array on the host."""
        return getattr(self.holder, self.name).numpy()


@dataclass(kw_only=True)
class Drives:
    """How every joint is driven."""

    position: np.ndarray
    """MuJoCo's position actuator of each joint, -1 for none."""
    velocity: np.ndarray
    """MuJoCo's velocity actuator of each joint, -1 for none."""
    damps: np.ndarray
    """Whether the position actuator holds the velocity gain too."""
    motors: dict[str, list[MotorArray]] = field(default_factory=dict)
    """Newton's actuators, by quantity."""
    foreign: list[str] = field(default_factory=list)
    """Actuators whose gains are not numbers that could be scaled, such as networks."""

    @property
    def solver(self) -> np.ndarray:
        """Which joints the solver drives."""
        return (self.position >= 0) | (self.velocity >= 0)

    def driven(self, quantity: str) -> np.ndarray:
        """Which joints hold a quantity of their actuator, bool (joints,)."""
        found = np.zeros(len(self.position), bool)
        if quantity != "actuator_velocity_limit" and quantity not in MOTOR:
            found |= self.solver
        for motor in self.motors.get(quantity, ()):
            found |= (motor.number >= 0).all(axis=0)
        return found


def find_drives(model: Any, solver: Any, parts: Parts) -> Drives:
    """Return how the joints of a model are driven."""
    joints = parts.dof.shape[1]
    drives = Drives(position=np.full(joints, -1), velocity=np.full(joints, -1), damps=np.zeros(joints, np.int64))
    per_world = int(model.joint_dof_count) // max(parts.dof.shape[0], 1)
    place = {int(dof) % per_world: k for k, dof in enumerate(parts.dof[0])} if joints else {}
    if solver.mjc_actuator_ctrl_source is not None and int(solver.mjw_model.nu):
        source = solver.mjc_actuator_ctrl_source.numpy()
        modes = model.joint_target_mode.numpy()
        for actuator, number in enumerate(solver.mjc_actuator_to_newton_idx.numpy()):
            if source[actuator] != 0 or number == -1:
                continue
            dof = int(number) if number >= 0 else -(int(number) + 2)
            if dof in place:
                (drives.position if number >= 0 else drives.velocity)[place[dof]] = actuator
                drives.damps[place[dof]] |= int(number >= 0 and modes[dof] == POSITION_MODE)
    for actuator in getattr(model, "actuators", None) or ():
        _add_actuator(drives, actuator, parts.dof)
    return drives


def _add_actuator(drives: Drives, actuator: Any, dofs: np.ndarray) -> None:
    """Add the arrays of one Newton actuator."""
    place = {int(dof): number for number, dof in enumerate(actuator.indices.numpy())}
    number = np.array([[place.get(int(dof), -1) for dof in row] for row in dofs], np.int64).reshape(dofs.shape)
    if (number < 0).all():
        return

    def add(quantity: str, holder: Any, name: str, reference: np.ndarray | None = None) -> None:
        values = getattr(holder, name).numpy()
        ratio = np.ones_like(values)
        if reference is not None:
            ratio = np.divide(values, reference, out=ratio, where=np.isfinite(values) & (reference > 0))
        drives.motors.setdefault(quantity, []).append(
            MotorArray(holder=holder, name=name, number=number, ratio=ratio.astype(np.float32))
        )

    if hasattr(actuator.drive, "kp") and hasattr(actuator.drive, "kd"):
        add("actuator_kp", actuator.drive, "kp")
        add("actuator_kd", actuator.drive, "kd")
    else:
        drives.foreign.append(type(actuator.drive).__name__)
    if hasattr(actuator.drive, "feedforward"):
        add("actuator_feedforward", actuator.drive, "feedforward")
    if hasattr(actuator.drive, "max_effort"):
        add("actuator_effort_limit", actuator.drive, "max_effort")
    for quantity, attribute in MOTOR.items():
        if hasattr(actuator.drive, attribute):
            add(quantity, actuator.drive, attribute)
    for clamp in actuator.clamping:
        if hasattr(clamp, "max_effort"):
            add("actuator_effort_limit", clamp, "max_effort")
        elif hasattr(clamp, "max_motor_effort") and hasattr(clamp, "saturation_effort"):
            limit = clamp.max_motor_effort.numpy()
            add("actuator_effort_limit", clamp, "max_motor_effort")
            # A weaker motor is weaker at every speed: the curve keeps its shape.
            add("actuator_effort_limit", clamp, "saturation_effort", reference=limit)
            add("actuator_velocity_limit", clamp, "velocity_limit")
        else:
            drives.foreign.append(type(clamp).__name__)


def as_floats(array: Any) -> Any:
    """The same memory as floats with one more axis: kernels cannot name vector types that other modules made."""
    width = int(array.dtype._length_)
    floats = wp.array(ptr=array.ptr, dtype=wp.float32, shape=(*array.shape, width), device=array.device, copy=False)
    floats._kept = array  # the memory belongs to it
    return floats
