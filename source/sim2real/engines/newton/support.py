"""Which targets Newton's MuJoCo solver can hold, where they are written, and why the others cannot be had."""

from __future__ import annotations

from sim2real.engines.engine import Support

WHERE = {
    "body.mass": "Model.body_mass, body_inv_mass; mjw.body_mass",
    "body.com": "Model.body_com; mjw.body_ipos",
    "body.inertia": "Model.body_inertia, body_inv_inertia; mjw.body_inertia, body_iquat",
    "body.payload": "Model.body_mass, body_com, body_inertia and inverses; mjw.body_mass, body_ipos, body_inertia, body_iquat",  # noqa: E501
    "body.frame_offset": "Model.joint_X_p; mjw.body_pos",
    "body.force": "State.body_f, before every substep",
    "body.torque": "State.body_f, before every substep",
    "shape.friction": "Model.shape_material_mu; mjw.geom_friction[:, 0]",
    "contact.stiffness": "Model.shape_material_ke; mjw.geom_solref",
    "contact.damping": "Model.shape_material_kd; mjw.geom_solref",
    "joint.damping": "Model.joint_damping; mjw.dof_damping",
    "joint.viscous_friction": "Model.joint_damping; mjw.dof_damping",
    "joint.friction": "Model.joint_friction; mjw.dof_frictionloss, dof_solimp",
    "joint.armature": "Model.joint_armature; mjw.dof_armature",
    "joint.stiffness": "Model.mujoco.dof_passive_stiffness; mjw.jnt_stiffness",
    "joint.zero_offset": "Model.joint_X_p; mjw.body_pos, body_quat",
    "joint.limit": "Model.joint_limit_lower, _upper; mjw.jnt_range",
    "world.gravity": "Model.gravity; mjw.opt.gravity",
    "world.gravity_tilt": "Model.gravity; mjw.opt.gravity",
}
"""Storage of each target that needs no look at the model."""
DERIVED = "inverse weights, subtree masses, mean inertia and limit constants follow for the touched worlds"
NOTES = {
    "body.mass": DERIVED,
    "body.com": DERIVED,
    "body.inertia": DERIVED,
    "body.payload": DERIVED,
    "joint.armature": DERIVED,
    "body.frame_offset": f"{DERIVED}; not for what floats or stands in the world",
    "joint.zero_offset": f"{DERIVED}; the child's frame is turned back by it, limits and springs stay at their"
    " readings; not for joints with several axes or on the world",
    "shape.friction": "torsional and rolling friction stay; a shape that all worlds share is set in mjw only,"
    " where Newton's full notification (Isaac Lab's own material terms) undoes it",
    "contact.stiffness": "N/m for shapes in Newton's force-space mode, else for each kg of effective mass",
    "contact.damping": "N·s/m for shapes in Newton's force-space mode, else for each kg of effective mass",
    "joint.friction": "where a joint gets friction, MuJoCo's default softness of it (solimp 0.9) is made hard (0.9999),"
    " or the joint would creep under load; one that the model names stays",
    "joint.damping": "one field for passive damping and viscous friction",
    "joint.viscous_friction": "one field for passive damping and viscous friction",
}
"""What a person should know."""
EXCLUDES = {
    "joint.damping": ("joint.viscous_friction",),
    "joint.viscous_friction": ("joint.damping",),
}
"""Targets that share a storage."""
REFUSED = {
    "shape.restitution": "MuJoCo has no coefficient of restitution, and its solver ignores Newton's; use"
    " physics=ovphysx, or soften contacts with contact.stiffness and contact.damping",
}
"""Targets that the solver cannot hold at all."""
ACTUATOR_QUANTITY = {
    "actuator.kp": "actuator_kp",
    "actuator.kd": "actuator_kd",
    "actuator.strength": "actuator_kp",
    "actuator.torque_constant": "actuator_kp",
    "actuator.effort_limit": "actuator_effort_limit",
    "actuator.velocity_limit": "actuator_velocity_limit",
    "actuator.voltage": "actuator_voltage",
    "actuator.backlash": "actuator_backlash",
    "actuator.thermal": "actuator_thermal_resistance",
}
"""The quantity whose storage decides about a target."""


def plain_support(target: str, device: str) -> Support:
    """Support of a target that depends on the solver alone."""
    if target in REFUSED:
        return Support(able=False, note=REFUSED[target])
    if target not in WHERE:
        return Support(able=False, note=f"'{target}' is no property of this engine")
    return Support(
        able=True, where=WHERE[target], device=device, note=NOTES.get(target, ""), excludes=EXCLUDES.get(target, ())
    )
