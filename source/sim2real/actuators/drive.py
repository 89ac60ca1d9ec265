"""Newton's side of a motor: a drive with state, stepped wherever Newton's actuators are.

Newton steps an actuator as delay, drive, clamps. A clamp sees neither the time step nor a state of its own, and a
supply that sags couples joints, so a motor is a drive. It replaces the PD drive and its clamps for the joints it
moves; a delay before it works as before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import warp as wp
from newton.actuators import ComponentKind, Delay, DriveBase, register_actuator_component

from sim2real.actuators.kernels import MotorArrays, forget, step_motors
from sim2real.actuators.motor import DELAY_SCHEMA, MOTOR_SCHEMA, MotorError

ARRAYS = (
    "kp", "kd", "feedforward", "max_effort", "voltage", "constant", "resistance", "bus_resistance", "backlash",
    "thermal_resistance", "heat_capacity", "derate_from", "derate_to",
)  # fmt: skip
"""Numbers of each joint."""


class MotorDrive(DriveBase):
    """A DC motor behind a gear with free play, fed by a supply that it shares with the other joints of its group."""

    SHARED_PARAMS: ClassVar[set[str]] = {"bus", "bus_joints"}

    @dataclass
    class State(DriveBase.State):
        """What a motor remembers."""

        rotor: Any = None
        """Where the rotor stands, at the joint [rad or m], (N,)."""
        engaged: Any = None
        """0 until the rotor has been placed at the joint after a reset, (N,)."""
        rise: Any = None
        """Winding temperature above ambient [K], (N,)."""

        def reset(self, mask: wp.array | None = None) -> None:
            """Forget, where `mask` bool (N,) says so, or everywhere."""
            if mask is None:
                for array in (self.rotor, self.engaged, self.rise):
                    array.zero_()
                return
            wp.launch(forget, len(mask), [mask, self.rotor, self.engaged, self.rise], device=self.rise.device)

    @classmethod
    def resolve_arguments(cls, args: dict[str, Any]) -> dict[str, Any]:
        """Return the numbers of one joint, with Newton's own defaults for the gains and the limit, and all of what
        is fed forward.

        Raises:
            ValueError: a number of the motor is missing.
        """
        known: dict[str, Any] = {"kp": 0.0, "kd": 0.0, "feedforward": 1.0, "max_effort": math.inf}
        names = (*ARRAYS, "bus", "bus_joints")
        missing = [name for name in names if name not in args and name not in known]
        if missing:
            raise ValueError(f"a motor needs {', '.join(missing)}; write them with sim2real.lab.with_motors")
        return {name: args.get(name, known.get(name)) for name in names}

    def __init__(self, *, bus: str, bus_joints: int, **arrays: wp.array) -> None:
        """Take the numbers of all joints, `ARRAYS`, float32 (N,).

        Args:
            bus: Name of the supply; joints of one name are driven together.
            bus_joints: Joints of a supply, which follow one another in the arrays.
            arrays: The numbers.
        """
        self.bus, self.bus_joints = str(bus), int(bus_joints)
        count = len(arrays["kp"])
        if self.bus_joints < 1 or count % self.bus_joints:
            raise MotorError(
                f"supply '{self.bus}' of {self.bus_joints} joints cannot serve {count}; give motors to a whole group"
            )
        self._struct = MotorArrays()
        for name in ARRAYS:
            if arrays[name].shape != (count,):
                raise MotorError(f"{name} has shape {arrays[name].shape}, kp has {(count,)}")
            setattr(self, name, arrays[name])
            setattr(self._struct, name, arrays[name])

    def finalize(self, device: Any, num_actuators: int) -> None:
        """Make room for the results of a step."""
        self._next_rotor, self._next_rise, self.drop = (
            wp.zeros(num_actuators, dtype=wp.float32, device=device) for _ in range(3)
        )

    def is_stateful(self) -> bool:
        """A motor remembers heat and where its rotor stands."""
        return True

    def is_graphable(self) -> bool:
        """Kernels only."""
        return True

    def state(self, num_actuators: int, device: Any) -> MotorDrive.State:
        """Return the state after a reset."""
        return MotorDrive.State(
            **{name: wp.zeros(num_actuators, dtype=wp.float32, device=device) for name in ("rotor", "engaged", "rise")}
        )

    def compute(
        self,
        positions: wp.array,
        velocities: wp.array,
        target_pos: wp.array,
        target_vel: wp.array,
        feedforward: wp.array | None,
        pos_indices: wp.array,
        vel_indices: wp.array,
        target_pos_indices: wp.array,
        target_vel_indices: wp.array,
        forces: wp.array,
        state: MotorDrive.State,
        dt: float,
        device: Any = None,
    ) -> None:
        """Write each joint's torque [N·m or N] to `forces` (N,)."""
        wp.launch(
            step_motors,
            dim=len(forces) // self.bus_joints,
            inputs=[
                self.bus_joints,
                float(dt),
                self._struct,
                positions,
                velocities,
                target_pos,
                target_vel,
                feedforward,
                pos_indices,
                vel_indices,
                target_pos_indices,
                target_vel_indices,
                state.rotor,
                state.engaged,
                state.rise,
            ],
            outputs=[self._next_rotor, self._next_rise, self.drop, forces],
            device=device,
        )

    def update_state(self, current_state: MotorDrive.State, next_state: MotorDrive.State) -> None:
        """Keep the results of the step."""
        wp.copy(next_state.rotor, self._next_rotor)
        wp.copy(next_state.rise, self._next_rise)
        next_state.engaged.fill_(1.0)


def _choose(numbers: dict[str, Any]) -> type[MotorDrive]:
    """Leave only a motor's numbers: the stage's prim holds those of a delay or a clamp beside them."""
    for name in set(numbers) - {*ARRAYS, "bus", "bus_joints"}:
        del numbers[name]
    return MotorDrive


def _choose_delay(numbers: dict[str, Any]) -> type[Delay]:
    """Leave only a delay's number."""
    for name in set(numbers) - {"delay_steps"}:
        del numbers[name]
    return Delay


_REGISTERED: list[str] = []


def register() -> None:
    """Make motors known to Newton's reader of stages; calling it again does nothing."""
    if not _REGISTERED:
        register_actuator_component(MOTOR_SCHEMA, _choose, ComponentKind.DRIVE)
        register_actuator_component(DELAY_SCHEMA, _choose_delay, ComponentKind.DELAY)
        _REGISTERED.append(MOTOR_SCHEMA)
