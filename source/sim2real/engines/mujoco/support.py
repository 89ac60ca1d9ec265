"""Which targets a MuJoCo model can hold, where they are written, and why the others cannot be had."""

from __future__ import annotations

from typing import Any

from sim2real.engines.engine import Support
from sim2real.engines.mujoco.actuators import JointActuators

DEVICE = "cpu"
_DERIVED = "inverse weights, subtree masses, mean inertia and the like follow through mj_setConst"
_WHERE = {
    "body.mass": "MjModel.body_mass",
    "body.com": "MjModel.body_ipos",
    "body.inertia": "MjModel.body_inertia, body_iquat",
    "body.payload": "MjModel.body_mass, body_ipos, body_inertia, body_iquat",
    "body.frame_offset": "MjModel.body_pos",
    "body.force": "MjData.xfrc_applied",
    "body.torque": "MjData.xfrc_applied",
    "shape.friction": "MjModel.geom_friction[:, 0]",
    "joint.damping": "MjModel.dof_damping",
    "joint.viscous_friction": "MjModel.dof_damping",
    "joint.friction": "MjModel.dof_frictionloss",
    "joint.armature": "MjModel.dof_armature",
    "joint.stiffness": "MjModel.jnt_stiffness",
    "joint.limit": "MjModel.jnt_range",
    "joint.zero_offset": "MjModel.qpos0",
    "actuator.kp": "MjModel.actuator_gainprm, actuator_biasprm",
    "actuator.kd": "MjModel.actuator_gainprm, actuator_biasprm",
    "actuator.strength": "MjModel.actuator_gainprm, actuator_biasprm, actuator_forcerange",
    "actuator.torque_constant": "MjModel.actuator_gainprm, actuator_biasprm, actuator_forcerange",
    "actuator.effort_limit": "MjModel.actuator_forcerange",
    "world.gravity": "MjModel.opt.gravity",
    "world.gravity_tilt": "MjModel.opt.gravity",
}
_NOTES = {
    "joint.friction": "MuJoCo's friction is soft (solimpfriction 0.9 by default): a loaded joint creeps; make it hard"
    " in the model where that matters",
    "body.mass": _DERIVED,
    "body.com": f"{_DERIVED}; the collision boxes, which hang on the inertial frame, are moved back",
    "body.inertia": _DERIVED,
    "body.payload": _DERIVED,
    "body.frame_offset": f"{_DERIVED}; not for what is fixed to the world or floats",
    "joint.armature": _DERIVED,
    "joint.damping": "one field for passive damping and viscous friction",
    "joint.viscous_friction": "one field for passive damping and viscous friction",
    "joint.zero_offset": "the reading at which the body stands in its nominal place moves, which mj_resetData starts"
    " from; limits and springs stay at their readings",
}
_EXCLUDES = {
    "joint.damping": ("joint.viscous_friction",),
    "joint.viscous_friction": ("joint.damping",),
}
_REFUSED = {
    "shape.restitution": "MuJoCo has no coefficient of restitution; its contacts are soft (solref, solimp)",
    "contact.stiffness": "MuJoCo's solref is a stiffness for each unit of effective mass, not N/m",
    "contact.damping": "MuJoCo's solref is a damping for each unit of effective mass, not N·s/m",
    "actuator.velocity_limit": "MuJoCo's actuators have no speed limit",
}


def support_of(target: str, model: Any, actuators: JointActuators) -> Support:
    """What `model` can do about `target`."""
    reason = _REFUSED.get(target) or _missing(target, model, actuators)
    if reason is None and target not in _WHERE:
        reason = "not a property of a compiled MuJoCo model"
    if reason is not None:
        return Support(able=False, note=reason)
    notes = [_NOTES.get(target, ""), _caution(target, model, actuators)]
    note = "; ".join(part for part in notes if part)
    return Support(able=True, where=_WHERE[target], device=DEVICE, note=note, excludes=_EXCLUDES.get(target, ()))


def _missing(target: str, model: Any, actuators: JointActuators) -> str | None:
    """Why this very model cannot hold a target that others can; None: it can."""
    if target == "shape.friction":
        if model.npair:
            return f"the model names {model.npair} contact pairs with friction of their own, which ignore the shapes'"
        if not model.ngeom or model.geom_condim.max() < 3:
            return "all contacts of the model are frictionless (condim below 3)"
    if target in ("actuator.kp", "actuator.kd") and not actuators.servos:
        return "no joint has a servo (<position>, <velocity>); a motor has no gains of its own"
    if target in ("actuator.strength", "actuator.torque_constant") and not (actuators.servos or actuators.motors):
        return "no joint is driven by a motor or a servo"
    if target == "actuator.effort_limit":
        if actuators.motors:
            return "a motor's controls are fractions of its largest torque; change actuator.strength"
        if not actuators.servos:
            return "no joint is driven by a servo"
    return None


def _caution(target: str, model: Any, actuators: JointActuators) -> str:
    """What a person should know about this very model."""
    if target == "shape.friction":
        if len(set(model.geom_priority.tolist())) > 1:
            return "geoms differ in priority: where they touch, the higher one's friction acts alone"
        return "sliding friction; MuJoCo takes 1e-5 for less"
    if target.startswith("actuator.") and actuators.others:
        return f"{len(actuators.others)} actuators that are neither motor nor servo of one joint are left alone"
    return ""
