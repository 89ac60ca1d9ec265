"""The drives of the contract's robot as arrays, and the torque that they allow at a speed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim2real.contract import Robot


@dataclass(frozen=True, kw_only=True, eq=False)
class Drives:
    """One number for each joint, in the robot's order."""

    kp: np.ndarray
    """Stiffness [N·m/rad or N/m]."""
    kd: np.ndarray
    """Damping [N·m·s/rad or N·s/m]."""
    effort: np.ndarray
    """Largest effort [N·m or N]; infinite where there is no limit."""
    stall: np.ndarray
    """Effort at rest of the torque-speed line [N·m]; infinite where there is no line."""
    free: np.ndarray
    """Speed at which no torque is left [rad/s]; infinite where there is no line."""
    armature: np.ndarray
    """Rotor inertia as the joint feels it [kg·m² or kg]."""
    friction: np.ndarray
    """Static friction of the joint [N·m or N]."""
    speed: np.ndarray
    """Speed that a joint does not pass, whatever pushes it [rad/s or m/s]; infinite where there is no such limit."""
    default_pos: np.ndarray
    """Default pose [rad or m]."""

    @classmethod
    def of(cls, robot: Robot) -> Drives:
        """The drives of a contract's robot; a `motor` counts by its gains and its effort limit."""

        def column(values: list[float | None]) -> np.ndarray:
            return np.array([np.inf if value is None else value for value in values], np.float64)

        joints = robot.joints
        line = [joint.drive == "dc_motor" for joint in joints]
        return cls(
            kp=column([joint.kp for joint in joints]),
            kd=column([joint.kd for joint in joints]),
            effort=column([joint.effort_limit for joint in joints]),
            stall=column([j.saturation_effort if on else None for j, on in zip(joints, line, strict=True)]),
            free=column([j.velocity_limit if on else None for j, on in zip(joints, line, strict=True)]),
            armature=column([joint.armature for joint in joints]),
            friction=column([joint.friction for joint in joints]),
            speed=column([None if on else j.velocity_limit for j, on in zip(joints, line, strict=True)]),
            default_pos=column([joint.default_pos for joint in joints]),
        )

    def scaled(self, kp: np.ndarray, kd: np.ndarray, effort: np.ndarray) -> Drives:
        """The drives with gains and efforts multiplied, joint by joint."""
        return replace(self, kp=self.kp * kp, kd=self.kd * kd, effort=self.effort * effort, stall=self.stall * effort)

    @property
    def has_line(self) -> bool:
        """Whether any joint's torque depends on its speed."""
        return bool(np.isfinite(self.stall).any())

    def limits(self, velocity: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest effort at a speed: the torque-speed line within the effort limit [N·m or N]."""
        top = self.effort * strength
        with np.errstate(invalid="ignore"):
            share = np.where(np.isfinite(self.free), velocity / self.free, 0.0)
            high = np.where(np.isfinite(self.stall), self.stall * strength * (1.0 - share), np.inf)
            low = np.where(np.isfinite(self.stall), self.stall * strength * (-1.0 - share), -np.inf)
        return np.clip(low, -top, 0.0), np.clip(high, 0.0, top)

    def effort_at(self, target: np.ndarray, pos: np.ndarray, vel: np.ndarray, strength: float) -> np.ndarray:
        """What the drives do [N·m or N]: gains, then limits."""
        low, high = self.limits(vel, strength)
        return np.clip(strength * (self.kp * (target - pos) - self.kd * vel), low, high)
