"""What the solver holds, brought to the host in the randomizer's layout: nominal values, tests and `verify`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.engines.newton.actuators import Drives
from sim2real.engines.newton.frames import BodyFrames
from sim2real.engines.newton.parts import Parts


class Reader:
    """Reads MuJoCo Warp's arrays; where an element is not in them, Newton's."""

    def __init__(self, model: Any, solver: Any, parts: Parts, drives: Drives) -> None:
        self._model, self._mjw, self._parts, self._drives = model, solver.mjw_model, parts, drives
        self.frames = BodyFrames(model, solver, parts)

    def read(self, quantity: str) -> np.ndarray:
        """Return a quantity, float32 (num_worlds, count, width)."""
        values = np.array(getattr(self, f"_{quantity}")(), dtype=np.float32)  # a copy: on a CPU numpy() is the memory
        return values if values.ndim == 3 else values[..., None]

    def _body_mass(self) -> np.ndarray:
        return self._mjw.body_mass.numpy()[:, self._parts.body_mjw]

    def _body_com(self) -> np.ndarray:
        return self._mjw.body_ipos.numpy()[:, self._parts.body_mjw]

    def _body_inertia(self) -> np.ndarray:
        moments, axes = self.principal()
        rotation = _rotation(axes.astype(np.float64))
        tensor = np.einsum("...ij,...j,...kj->...ik", rotation, moments.astype(np.float64), rotation)
        model = self._model.body_inertia.numpy()[self._parts.body]
        # The solver's numbers are Newton's own, turned to principal axes: where they are, hand over the unturned ones.
        same = np.abs(tensor - model).max((-1, -2)) <= 1e-5 * np.trace(model, axis1=-2, axis2=-1)
        return np.where(same[..., None, None], model, tensor).reshape(*model.shape[:2], 9)

    def principal(self) -> tuple[np.ndarray, np.ndarray]:
        """Principal moments (num_worlds, bodies, 3) and axes (num_worlds, bodies, 4), w first."""
        return (
            self._mjw.body_inertia.numpy()[:, self._parts.body_mjw],
            self._mjw.body_iquat.numpy()[:, self._parts.body_mjw],
        )

    def _body_position(self) -> np.ndarray:
        return self.frames.positions()

    def _joint_zero(self) -> np.ndarray:
        return self.frames.zeros()

    def _shape_friction(self) -> np.ndarray:
        return self._mjw.geom_friction.numpy()[:, self._parts.geom_mjw, 0]

    def _contact_stiffness(self) -> np.ndarray:
        solref = self._mjw.geom_solref.numpy()[:, self._parts.geom_mjw].astype(np.float64)
        return 1.0 / (solref[..., 0] * solref[..., 1]) ** 2

    def _contact_damping(self) -> np.ndarray:
        return 2.0 / self._mjw.geom_solref.numpy()[:, self._parts.geom_mjw, 0].astype(np.float64)

    def _joint_damping(self) -> np.ndarray:
        return self._mjw.dof_damping.numpy()[:, self._parts.dof_mjw]

    _joint_viscous_friction = _joint_damping

    def _joint_friction(self) -> np.ndarray:
        return self._mjw.dof_frictionloss.numpy()[:, self._parts.dof_mjw]

    def _joint_armature(self) -> np.ndarray:
        held = self._mjw.dof_armature.numpy()[:, self._parts.dof_mjw]
        return np.where(self._parts.locked, self._model.joint_armature.numpy()[self._parts.dof], held)

    def _joint_stiffness(self) -> np.ndarray:
        return self._mjw.jnt_stiffness.numpy()[:, self._parts.joint_mjw]

    def _joint_limit(self) -> np.ndarray:
        return self._mjw.jnt_range.numpy()[:, self._parts.joint_mjw]

    def _actuator_kp(self) -> np.ndarray:
        held = self._model.joint_target_ke.numpy()[self._parts.dof]
        for k, actuator in enumerate(self._drives.position):
            if actuator >= 0:
                held[:, k] = self._mjw.actuator_gainprm.numpy()[:, actuator, 0]
        return self._motor("actuator_kp", held)

    def _actuator_kd(self) -> np.ndarray:
        held = self._model.joint_target_kd.numpy()[self._parts.dof]
        for k, (position, velocity) in enumerate(zip(self._drives.position, self._drives.velocity, strict=True)):
            actuator = velocity if velocity >= 0 else position if self._drives.damps[k] else -1
            if actuator >= 0:
                held[:, k] = -self._mjw.actuator_biasprm.numpy()[:, actuator, 2]
        return self._motor("actuator_kd", held)

    def _actuator_effort_limit(self) -> np.ndarray:
        return self._motor("actuator_effort_limit", self._mjw.jnt_actfrcrange.numpy()[:, self._parts.joint_mjw, 1])

    def _actuator_feedforward(self) -> np.ndarray:
        return self._motor("actuator_feedforward", np.zeros(self._parts.dof.shape, np.float32))

    def _actuator_velocity_limit(self) -> np.ndarray:
        return self._motor("actuator_velocity_limit", self._model.joint_velocity_limit.numpy()[self._parts.dof])

    def _actuator_voltage(self) -> np.ndarray:
        return self._motor("actuator_voltage", np.zeros(self._parts.dof.shape, np.float32))

    def _actuator_backlash(self) -> np.ndarray:
        return self._motor("actuator_backlash", np.zeros(self._parts.dof.shape, np.float32))

    def _actuator_thermal_resistance(self) -> np.ndarray:
        return self._motor("actuator_thermal_resistance", np.zeros(self._parts.dof.shape, np.float32))

    def _motor(self, quantity: str, held: np.ndarray) -> np.ndarray:
        for motor in self._drives.motors.get(quantity, ()):
            there = motor.number >= 0
            values = motor.values()[np.maximum(motor.number, 0)] / motor.ratio[np.maximum(motor.number, 0)]
            held = np.where(there, values, held)
        return held

    def _gravity(self) -> np.ndarray:
        return self._mjw.opt.gravity.numpy()[:, None, :]


def _rotation(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices of quaternions (..., 4), w first."""
    w, x, y, z = np.moveaxis(quaternion, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
