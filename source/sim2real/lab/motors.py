"""What the motors of a running environment remember, taken out and put back: heat and where rotors stand.

A run that goes on from a checkpoint otherwise begins with cold windings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.actuators.motor import MotorError
from sim2real.lab.bind import actuator_states

if TYPE_CHECKING:
    import torch

MEMORY = ("rotor", "engaged", "rise")
"""What a motor remembers: its rotor's place [rad or m], whether it has one (1 or 0), and its winding's rise [K]."""


def motor_state(env: Any) -> dict[str, torch.Tensor]:
    """Return what the motors of an environment remember, as copies.

    Args:
        env: The environment, started.

    Returns:
        For each group of motors, in the engine's order, and each of `MEMORY`: `<number>/<name>`, float32
        (num_envs, joints). Empty where no joint has a motor.
    """
    import warp as wp

    env = env.unwrapped
    found = {}
    for number, (now, _) in enumerate(_drives(env)):
        for name in MEMORY:
            found[f"{number}/{name}"] = wp.to_torch(getattr(now, name)).clone().reshape(env.num_envs, -1)
    return found


def restore_motors(env: Any, state: dict[str, torch.Tensor]) -> None:
    """Put back what `motor_state` returned, after the reset that a resumed run begins with.

    Args:
        env: An environment with the same motors and as many worlds.
        state: What was taken.

    Raises:
        MotorError: other motors, or another number of worlds; nothing is written then.
    """
    import torch
    import warp as wp

    env = env.unwrapped
    held = motor_state(env)
    shapes = {name: tuple(values.shape) for name, values in held.items()}
    given = {name: tuple(values.shape) for name, values in state.items()}
    if shapes != given:
        raise MotorError(
            f"these motors hold {shapes}, the state {given}; restore it in an environment with the same robot, motors,"
            " engine and num_envs"
        )
    for number, pair in enumerate(_drives(env)):
        for name in MEMORY:
            values = state[f"{number}/{name}"].to(dtype=torch.float32).reshape(-1)
            for memory in pair:
                wp.to_torch(getattr(memory, name)).copy_(values)


def _drives(env: Any) -> list[tuple[Any, ...]]:
    """Return the memory of each group of motors, and the copy that follows it in a step."""
    found: dict[int, tuple[Any, ...]] = {}
    for asset in env.scene.articulations.values():
        for _, pair in actuator_states(asset):
            memories = tuple(getattr(state, "drive_state", None) for state in pair)
            if all(hasattr(memory, "rise") for memory in memories):
                found.setdefault(min(id(memory) for memory in memories), memories)
    return list(found.values())
