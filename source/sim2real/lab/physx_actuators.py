"""Where actuators keep their gains and limits: in the solver's drives, in Newton's controllers, or in torch tensors.

An implicit actuator is the solver's drive, and Isaac Lab's copy of its gains only serves telemetry. Every other
actuator computes a torque itself, from arrays that have to be written in place of the drive's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.engines.engine import EngineError
from sim2real.engines.physx.storage import DeviceSlot
from sim2real.lab.physx_arrays import device_slot, flat_alias

_NATIVE = {
    "actuator_kp": ("kp",),
    "actuator_kd": ("kd",),
    "actuator_feedforward": ("feedforward",),
    "actuator_effort_limit": ("max_effort", "max_motor_effort"),
    "actuator_velocity_limit": ("velocity_limit",),
    "actuator_voltage": ("voltage",),
    "actuator_backlash": ("backlash",),
    "actuator_thermal_resistance": ("thermal_resistance",),
}
"""Names of a quantity in Newton's actuators: the gains in the drive, the limits in its clamps, or all in a motor."""
_CLAMPED = ("actuator_effort_limit", "actuator_velocity_limit")
"""Quantities that clamps may hold."""
_TORCH = {
    "actuator_kp": "stiffness",
    "actuator_kd": "damping",
    "actuator_effort_limit": "actuator_effort_limit",
}
"""Names of a quantity in Isaac Lab's own actuators."""


def explicit_slots(asset: Any, num_worlds: int, first: int, count: int) -> dict[str, list[DeviceSlot]]:
    """Return the slots of actuators that compute torques themselves.

    Args:
        asset: An articulation.
        num_worlds: Worlds.
        first: Number of its first joint among the elements.
        count: Joints of all assets.
    """
    from sim2real.actuators.feedforward import scale_feedforward

    slots: dict[str, list[DeviceSlot]] = {}
    seen: set[int] = set()
    for name in asset.actuators:
        group = asset.actuators[name]
        for actuator in group if isinstance(group, tuple) else (group,):
            if hasattr(actuator, "drive"):
                if id(actuator) not in seen:
                    seen.add(id(actuator))
                    scale_feedforward([actuator])
                    _native(asset, name, actuator, num_worlds, first, count, slots)
            elif not getattr(actuator, "is_implicit_model", False):
                _torch(asset, name, actuator, num_worlds, first, count, slots, owner=True)
    return slots


def implicit_copies(asset: Any, num_worlds: int, first: int, count: int) -> dict[str, list[DeviceSlot]]:
    """Return the slots of what Isaac Lab's implicit actuators remember of their gains."""
    slots: dict[str, list[DeviceSlot]] = {}
    for name in asset.actuators:
        group = asset.actuators[name]
        for actuator in group if isinstance(group, tuple) else (group,):
            if getattr(actuator, "is_implicit_model", False):
                _torch(asset, name, actuator, num_worlds, first, count, slots, owner=False)
    return slots


def _native(
    asset: Any, name: str, actuator: Any, num_worlds: int, first: int, count: int, slots: dict[str, list[DeviceSlot]]
) -> None:
    joints = len(asset.joint_names)
    flat = actuator.indices.numpy().astype(np.int64)
    for quantity, attributes in _NATIVE.items():
        owners = [actuator.drive, *(actuator.clamping if quantity in _CLAMPED else ())]
        for owner in owners:
            for attribute in attributes:
                array = getattr(owner, attribute, None)
                if array is None or not hasattr(array, "ptr"):
                    continue
                place = np.full((num_worlds, count, 1), -1, np.int32)
                place[flat // joints, first + flat % joints, 0] = np.arange(len(flat)) * (array.strides[0] // 4)
                alias = flat_alias(array, int(place.max()) + 1)
                label = f"{name}: {type(owner).__name__}.{attribute}"
                slots.setdefault(quantity, []).append(DeviceSlot(name=label, array=alias, place=place, owner=True))
                if attribute == "max_motor_effort":
                    slots[quantity].append(_stall(name, owner, place, array))


def _stall(name: str, clamp: Any, place: np.ndarray, limit: Any) -> DeviceSlot:
    """Return where a motor's stall torque lies, which keeps its ratio to the motor's largest torque."""
    array = clamp.saturation_effort
    entry = place // max(limit.strides[0] // 4, 1)
    stall, largest = array.numpy(), limit.numpy()
    bounded = np.isfinite(stall) & (largest > 0.0)
    ratio = np.divide(stall, largest, out=np.ones_like(stall), where=bounded)
    held = (place >= 0) & bounded[np.maximum(entry, 0)]
    gain = np.where(held, ratio[np.maximum(entry, 0)], 0.0).astype(np.float32)
    moved = np.where(held, entry * (array.strides[0] // 4), -1).astype(np.int32)
    label = f"{name}: {type(clamp).__name__}.saturation_effort"
    return DeviceSlot(name=label, array=flat_alias(array, int(moved.max()) + 1), place=moved, gain=gain)


def _torch(
    asset: Any,
    name: str,
    actuator: Any,
    num_worlds: int,
    first: int,
    count: int,
    slots: dict[str, list[DeviceSlot]],
    *,
    owner: bool,
) -> None:
    import warp as wp

    joints = actuator.joint_indices
    joints = np.arange(len(asset.joint_names)) if isinstance(joints, slice) else np.asarray(joints.cpu())
    for quantity, attribute in _TORCH.items():
        tensor = getattr(actuator, attribute, None)
        if tensor is None:
            continue
        if tuple(tensor.shape) != (num_worlds, len(joints)):
            raise EngineError(f"actuator '{name}': {attribute} has shape {tuple(tensor.shape)}, not one per joint")
        array = wp.from_torch(tensor)
        label = f"{name}: {type(actuator).__name__}.{attribute}"
        slots.setdefault(quantity, []).append(
            device_slot(label, array, num_worlds, count, 1, first + joints, owner=owner)
        )
