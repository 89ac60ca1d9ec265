"""What is wrong with a spec on this engine, found before anything runs: all of it at once.

Ranges are followed through the operations in interval arithmetic, from the nominal values of all worlds. What could
leave a quantity's domain, would change nothing, or meets another term on one number, is a fault.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.ops import (
    BODY_QUANTITIES,
    COM_ADD,
    INERTIA_AXES,
    INERTIA_CHOLESKY,
    MASS_ADD,
    PAYLOAD,
    SET,
    TILT,
    Op,
    Operations,
    reach,
)
from sim2real.engines.quantities import QUANTITIES

if TYPE_CHECKING:
    from sim2real.engines.engine import Elements
    from sim2real.engines.layout import Layout

_ANY = -np.inf
LEAST = {
    "body_com": _ANY,
    "body_position": _ANY,
    "joint_limit": _ANY,
    "joint_zero": _ANY,
}
"""Smallest value of a quantity; 0 where it is not named."""
ABOVE_ZERO = ("body_mass", "contact_stiffness", "actuator_velocity_limit")
"""Quantities that must not be 0 either."""
MOST = {"shape_restitution": 1.0}
"""Largest value of a quantity."""

Reach = dict[tuple[str, int, int], tuple[float, float]]


def check_operations(
    operations: Operations, layout: Layout, start: np.ndarray, elements: Elements
) -> tuple[list[str], Reach]:
    """Return what is wrong, and the range of every number that is folded.

    Args:
        operations: what the terms do.
        layout: where numbers lie.
        start: the row where operations begin, float32 (layout.size,).
        elements: names for messages.
    """
    faults: list[str] = []
    ranges: Reach = {}
    lows = {name: layout.host(start, name).min(axis=0) for name in layout.quantities}
    highs = {name: layout.host(start, name).max(axis=0) for name in layout.quantities}
    for (name, element, component), ops in operations.fold.items():
        label = elements.of(QUANTITIES[name].kind)[element].name
        low, high = float(lows[name][element, component]), float(highs[name][element, component])
        faults += _two_sets(ops, name, label)
        ranges[name, element, component] = reach(ops, low, high)
        faults += _domain(ops, name, label, ranges[name, element, component])
    for body, ops in operations.bodies.items():
        label = elements.body[body].name
        mass = [op for op in ops if op.code <= MASS_ADD]
        faults += _two_sets(mass, "body_mass", label)
        low, high = reach(mass, float(lows["body_mass"][body, 0]), float(highs["body_mass"][body, 0]))
        if mass:
            faults += _domain(mass, "body_mass", label, (low, high))
        loads = [op for op in ops if op.code == PAYLOAD]
        ranges["body_mass", body, 0] = (low + sum(op.low for op in loads), high + sum(op.high for op in loads))
        for i in range(3):
            span = float(lows["body_com"][body, i]), float(highs["body_com"][body, i])
            ranges["body_com", body, i] = _centre([op for op in ops if op.code == COM_ADD], i, span, bool(loads))
        faults += _rigid(ops, layout, start, body, label)
    faults += _gravity(operations.gravity, layout, start, ranges)
    faults += _crossing_limits(ranges, operations, elements)
    return list(dict.fromkeys(faults)), ranges


def _names(ops: Iterable[Op]) -> str:
    return " and ".join(f"terms.{name}" for name in sorted({op.name for op in ops}))


def _two_sets(ops: list[Op], quantity: str, label: str) -> list[str]:
    sets = [op for op in ops if op.code == SET]
    if len(sets) < 2:
        return []
    return [f"{_names(sets)}: both set {quantity} of {label}; only one 'op: set' may meet an element"]


def _domain(ops: list[Op], quantity: str, label: str, span: tuple[float, float]) -> list[str]:
    low, high = span
    least, most = LEAST.get(quantity, 0.0), MOST.get(quantity, np.inf)
    unit = QUANTITIES[quantity].meaning.rpartition("[")[2].rstrip("]")
    if low < least or (quantity in ABOVE_ZERO and low <= 0.0):
        allowed = "above 0" if quantity in ABOVE_ZERO else f"{least:g} or more"
        return [
            f"{_names(ops)}: {quantity} of {label} can reach {low:g} [{unit}]; it must stay {allowed}; narrow the range"
        ]
    if high > most:
        return [f"{_names(ops)}: {quantity} of {label} can reach {high:g} [{unit}]; it must stay {most:g} or less"]
    return []


def _centre(ops: list[Op], i: int, span: tuple[float, float], loaded: bool) -> tuple[float, float]:
    """Return the range of one coordinate of the centre of mass; a load pulls it towards the body's origin."""
    low, high = span[0] + sum(op.lows[i] for op in ops), span[1] + sum(op.highs[i] for op in ops)
    return (min(low, 0.0), max(high, 0.0)) if loaded else (low, high)


def _rigid(ops: list[Op], layout: Layout, start: np.ndarray, body: int, label: str) -> list[str]:
    """A body's mass and inertia must be those of a rigid body where the operations rely on it."""
    mass, _, inertia = (layout.host(start, name)[:, body] for name in BODY_QUANTITIES)
    faults = []
    coupled = [op for op in ops if op.keep]
    if coupled and not (mass > 0.0).all():
        faults.append(f"{_names(coupled)}: {label} has no mass, so its inertia cannot follow; remove 'keep'")
    shaped = [op for op in ops if op.code in (INERTIA_AXES, INERTIA_CHOLESKY)]
    if shaped:
        matrix = inertia.reshape(-1, 3, 3).astype(np.float64)
        moments = 0.5 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(3) - matrix
        smallest = np.linalg.eigvalsh(0.5 * (moments + moments.transpose(0, 2, 1)))[:, 0]
        scale = np.abs(np.trace(matrix, axis1=1, axis2=2))
        if (smallest < -1e-6 * scale).any() or not (scale > 0.0).all():
            faults.append(
                f"{_names(shaped)}: the nominal inertia of {label} is no rigid body's (a principal moment exceeds the"
                " sum of the others, or all are 0), so it cannot be reshaped; correct the asset, or draw one factor"
            )
    return faults


def _gravity(ops: list[Op], layout: Layout, start: np.ndarray, ranges: Reach) -> list[str]:
    if not ops:
        return []
    faults = _two_sets(ops, "gravity", "the world")
    tilts = [op for op in ops if op.code == TILT]
    if len(tilts) > 1:
        faults.append(f"{_names(tilts)}: both tilt gravity; only one may")
    size = np.linalg.norm(layout.host(start, "gravity")[:, 0], axis=-1)
    low, high = reach(ops, float(size.min()), float(size.max()))
    ranges["gravity", 0, 0] = (low, high)
    if low < 0.0:
        faults.append(f"{_names(ops)}: gravity can reach {low:g} m/s^2; it must stay 0 or more; narrow the range")
    return faults


def _crossing_limits(ranges: Reach, operations: Operations, elements: Elements) -> list[str]:
    faults = []
    for (name, element, component), (_, high) in ranges.items():
        if name == "joint_limit" and component == 0:
            upper = ranges[name, element, 1][0]
            if high > upper:
                ops = operations.fold[name, element, 0]
                faults.append(
                    f"{_names(ops)}: the limits of {elements.joint[element].name} can cross: lower up to {high:g}, "
                    f"upper down to {upper:g}; narrow the range"
                )
    return faults


def listed(faults: list[str]) -> str:
    """Return faults for one message, a line each."""
    count = len(faults)
    return f"{count} thing{'s' if count != 1 else ''} cannot be done:\n" + "\n".join(f"  {fault}" for fault in faults)
