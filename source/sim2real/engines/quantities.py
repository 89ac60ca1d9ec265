"""The columns of a world's row: what an engine can be asked to hold, in one layout for all engines.

A quantity belongs to an element (a body, a joint, a shape, or the world) and has a width. Units are SI; bodies are
given in their own frame; an inertia is about the centre of mass, along the body frame's axes. A target of the spec
names what is uncertain, a quantity names what is stored: `actuator.strength` is no quantity, it scales four of them.
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("world", "body", "joint", "shape")
"""Kinds of elements."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One property that engines store."""

    name: str
    """Name in the layout."""
    kind: str
    """One of `KINDS`."""
    width: int
    """Numbers per element."""
    meaning: str
    """What it is, with its unit."""


_TABLE = (
    Quantity(name="body_mass", kind="body", width=1, meaning="mass [kg]"),
    Quantity(name="body_com", kind="body", width=3, meaning="centre of mass in the body frame [m]"),
    Quantity(name="body_inertia", kind="body", width=9, meaning="inertia about the CoM, row by row [kg·m²]"),
    Quantity(name="body_position", kind="body", width=3, meaning="joint frame in the parent's frame [m]"),
    Quantity(name="shape_friction", kind="shape", width=1, meaning="sliding friction coefficient of the shape [1]"),
    Quantity(name="shape_restitution", kind="shape", width=1, meaning="restitution of the shape [1]"),
    Quantity(name="contact_stiffness", kind="shape", width=1, meaning="contact stiffness [N/m]"),
    Quantity(name="contact_damping", kind="shape", width=1, meaning="contact damping [N·s/m]"),
    Quantity(name="joint_damping", kind="joint", width=1, meaning="passive damping [N·m·s/rad or N·s/m]"),
    Quantity(name="joint_friction", kind="joint", width=1, meaning="Coulomb friction [N·m or N]"),
    Quantity(name="joint_viscous_friction", kind="joint", width=1, meaning="viscous friction [N·m·s/rad or N·s/m]"),
    Quantity(name="joint_armature", kind="joint", width=1, meaning="armature [kg·m² or kg]"),
    Quantity(name="joint_stiffness", kind="joint", width=1, meaning="passive spring [N·m/rad or N/m]"),
    Quantity(name="joint_limit", kind="joint", width=2, meaning="lower and upper position limit [rad or m]"),
    Quantity(name="joint_zero", kind="joint", width=1, meaning="encoder's reading minus the joint's place [rad or m]"),
    Quantity(name="actuator_kp", kind="joint", width=1, meaning="position gain [N·m/rad or N/m]"),
    Quantity(name="actuator_kd", kind="joint", width=1, meaning="velocity gain [N·m·s/rad or N·s/m]"),
    Quantity(
        name="actuator_feedforward", kind="joint", width=1, meaning="share of the feed-forward torque that is given [1]"
    ),
    Quantity(name="actuator_effort_limit", kind="joint", width=1, meaning="largest torque or force [N·m or N]"),
    Quantity(name="actuator_velocity_limit", kind="joint", width=1, meaning="largest speed [rad/s or m/s]"),
    Quantity(name="actuator_voltage", kind="joint", width=1, meaning="supply voltage of a motor [V]"),
    Quantity(name="actuator_backlash", kind="joint", width=1, meaning="free play of a motor's gear [rad or m]"),
    Quantity(
        name="actuator_thermal_resistance", kind="joint", width=1, meaning="from a motor's winding to ambient [K/W]"
    ),
    Quantity(name="gravity", kind="world", width=3, meaning="gravity in the world frame [m/s²]"),
)

QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _TABLE}
"""All quantities by name, in the order of a world's row."""

STRENGTH = ("actuator_kp", "actuator_kd", "actuator_feedforward", "actuator_effort_limit")
"""What a motor gives more or less of, all together."""
SHARED_OUT = "actuator_feedforward"
"""A quantity that every engine holds: 0, and 0 under every factor, for a joint whose feed-forward passes no actuator
that could scale it."""

TARGET_QUANTITIES: dict[str, tuple[str, ...]] = {
    "body.mass": ("body_mass",),
    "body.com": ("body_com",),
    "body.inertia": ("body_inertia",),
    "body.payload": ("body_mass", "body_com", "body_inertia"),
    "body.frame_offset": ("body_position",),
    "shape.friction": ("shape_friction",),
    "shape.restitution": ("shape_restitution",),
    "contact.stiffness": ("contact_stiffness",),
    "contact.damping": ("contact_damping",),
    "joint.damping": ("joint_damping",),
    "joint.friction": ("joint_friction",),
    "joint.viscous_friction": ("joint_viscous_friction",),
    "joint.armature": ("joint_armature",),
    "joint.stiffness": ("joint_stiffness",),
    "joint.limit": ("joint_limit",),
    "joint.zero_offset": ("joint_zero",),
    "actuator.kp": ("actuator_kp",),
    "actuator.kd": ("actuator_kd",),
    "actuator.strength": STRENGTH,
    "actuator.torque_constant": STRENGTH,
    "actuator.effort_limit": ("actuator_effort_limit",),
    "actuator.velocity_limit": ("actuator_velocity_limit",),
    "actuator.voltage": ("actuator_voltage",),
    "actuator.backlash": ("actuator_backlash",),
    "actuator.thermal": ("actuator_thermal_resistance",),
    "world.gravity": ("gravity",),
    "world.gravity_tilt": ("gravity",),
}
"""The quantities that a target changes. Targets that are not here change state (starts, pushes), not properties."""
