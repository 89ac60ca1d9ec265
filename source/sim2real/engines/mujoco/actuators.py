"""Gains and limits of a joint's actuators, seen from the joint and written back to where MuJoCo keeps them.

A *servo* computes its own feedback: MuJoCo's affine bias holds minus the position and velocity gain, in the
actuator's unit, which the gear takes to the joint's (once for a force, twice for a gain); its gain on the control
equals its first feedback gain and follows it. A *motor* turns its control into torque by its gain alone; what it gives
at full control is its effort limit, and a weaker motor has a smaller gain. Everything else (muscles, tendon drives,
mixed forms) is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim2real.engines.engine import EngineError
from sim2real.engines.quantities import SHARED_OUT

QUANTITIES = ("actuator_kp", "actuator_kd", "actuator_feedforward", "actuator_effort_limit")
"""What is held here."""
FIXED_GAIN, NO_BIAS, AFFINE_BIAS = 0, 0, 1
"""`mjGAIN_FIXED`, `mjBIAS_NONE`, `mjBIAS_AFFINE`."""
_GAIN = {"actuator_kp": 1, "actuator_kd": 2}
"""Column of the bias in which minus the gain stands."""


class JointActuators:
    """All actuators of a model that drive single joints."""

    def __init__(self, model: Any, drives: Sequence[tuple[int, ...]], names: Sequence[str]) -> None:
        """Keep the nominal values.

        Args:
            model: the `MjModel`.
            drives: for each joint, ids of its actuators.
            names: of the joints.
        """
        self.model = model
        self.drives = drives
        self.names = names
        self._gain = model.actuator_gainprm.copy()
        self._bias = model.actuator_biasprm.copy()
        self._limited = model.actuator_forcelimited.copy()
        self._range = model.actuator_forcerange.copy()
        known = [a for ids in drives for a in ids]
        self.motors = tuple(a for a in known if self._is_motor(a))
        self.servos = tuple(a for a in known if self._is_servo(a))
        self.others = tuple(a for a in range(model.nu) if a not in (*self.motors, *self.servos))
        """Muscles, tendon drives and the like, which are not touched."""

    def _is_motor(self, a: int) -> bool:
        return self.model.actuator_gaintype[a] == FIXED_GAIN and self.model.actuator_biastype[a] == NO_BIAS

    def _is_servo(self, a: int) -> bool:
        model = self.model
        if model.actuator_gaintype[a] != FIXED_GAIN or model.actuator_biastype[a] != AFFINE_BIAS:
            return False
        offset, kp, kd = -model.actuator_biasprm[a, :3]
        return offset == 0.0 and model.actuator_gainprm[a, 0] == (kp if kp != 0.0 else kd) != 0.0

    def values(self, quantity: str) -> np.ndarray:
        """What the model holds now, float64 (joints, 1)."""
        if quantity == SHARED_OUT:  # a control is all that an actuator is told
            return np.zeros((len(self.drives), 1))
        of = self._gain_at_joint if quantity in _GAIN else self._effort_at_joint
        return np.array([[of(quantity, ids)] for ids in self.drives], dtype=float).reshape(len(self.drives), 1)

    def _gain_at_joint(self, quantity: str, ids: tuple[int, ...]) -> float:
        bias, gear = self.model.actuator_biasprm[:, _GAIN[quantity]], self.model.actuator_gear[:, 0]
        return sum(float(-bias[a] * gear[a] ** 2) for a in ids if a in self.servos)

    def _effort_at_joint(self, _quantity: str, ids: tuple[int, ...]) -> float:
        held = [a for a in ids if a in self.motors or a in self.servos]
        limits = [self._effort(a) * abs(self.model.actuator_gear[a, 0]) for a in held]
        limited = [limit for limit in limits if np.isfinite(limit)]
        return float(sum(limited)) if limited else np.inf if held else 0.0

    def _effort(self, a: int) -> float:
        """Largest force of an actuator, before the gear."""
        limit = (
            float(np.abs(self.model.actuator_forcerange[a]).max()) if self.model.actuator_forcelimited[a] else np.inf
        )
        if a in self.motors:
            limit = min(limit, abs(self.model.actuator_gainprm[a, 0]) * self._largest_control(a))
        return limit

    def _largest_control(self, a: int) -> float:
        limits = self.model.actuator_ctrlrange[a]
        return float(np.abs(limits).max()) if self.model.actuator_ctrllimited[a] else 1.0

    def write(self, quantity: str, joint: int, value: float, nominal: float) -> None:
        """Store one joint's value; `nominal` gives back the nominal bits.

        Raises:
            EngineError: the joint has nothing that could hold it.
        """
        ids = self.drives[joint]
        if quantity == SHARED_OUT:
            if value != nominal:
                raise EngineError(
                    f"{quantity}: joint '{self.names[joint]}' gets {value:g}; MuJoCo feeds nothing forward"
                )
        elif quantity in _GAIN:
            self._write_gain(quantity, ids, self.names[joint], value, nominal)
        else:
            self._write_effort(ids, self.names[joint], value, nominal)

    def _write_gain(self, quantity: str, ids: tuple[int, ...], name: str, value: float, nominal: float) -> None:
        column, model = _GAIN[quantity], self.model
        servos = [a for a in ids if a in self.servos]
        if value != nominal and nominal == 0.0 and (len(servos) != 1 or column == 1):
            what = "no servo" if not servos else f"{len(servos)} servos without it"
            raise EngineError(
                f"{quantity}: joint '{name}' gets {value:g} but has {what}. Select joints whose actuator has this gain "
                "(<position>, <velocity>), or change actuator.strength."
            )
        for a in servos:
            at_joint = model.actuator_gear[a, 0] ** 2
            if value == nominal:
                new = self._bias[a, column]
            elif nominal != 0.0:
                new = self._bias[a, column] * (value / nominal)
            else:
                new = -value / at_joint
            leading = 1 if self._bias[a, 1] != 0.0 else 2
            model.actuator_biasprm[a, column] = new
            if column == leading:
                model.actuator_gainprm[a, 0] = -new

    def _write_effort(self, ids: tuple[int, ...], name: str, value: float, nominal: float) -> None:
        model = self.model
        held = [a for a in ids if a in self.motors or a in self.servos]
        unlimited = not np.isfinite(nominal)
        back = value == nominal or (unlimited and not np.isfinite(value))
        if not back and (not held or (unlimited and len(held) > 1)):
            what = "no actuator" if not held else "several actuators without limits"
            raise EngineError(f"actuator_effort_limit: joint '{name}' gets {value:g} but has {what}.")
        for a in held:
            if back:
                if a in self.motors:
                    model.actuator_gainprm[a, 0] = self._gain[a, 0]
                model.actuator_forcelimited[a] = self._limited[a]
                model.actuator_forcerange[a] = self._range[a]
            elif unlimited:
                limit = value / abs(model.actuator_gear[a, 0])
                model.actuator_forcelimited[a], model.actuator_forcerange[a] = True, (-limit, limit)
            else:
                ratio = value / nominal
                if a in self.motors:
                    model.actuator_gainprm[a, 0] = self._gain[a, 0] * ratio
                if self._limited[a]:
                    model.actuator_forcerange[a] = self._range[a] * ratio
