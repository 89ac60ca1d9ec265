"""What PhysX can hold, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.engine import Support
from sim2real.engines.physx.materials import FRICTION_STEP, RESTITUTION_STEP
from sim2real.engines.quantities import SHARED_OUT, TARGET_QUANTITIES

if TYPE_CHECKING:
    from sim2real.engines.physx.storage import PhysxViews

_REFUSED = {
    "body.frame_offset": "PhysX fixes where a joint is when the scene is built",
    "contact.stiffness": "PhysX contacts are rigid; it has shape.restitution",
    "contact.damping": "PhysX contacts are rigid; it has shape.restitution",
    "joint.zero_offset": "PhysX fixes a joint's frames when the scene is built",
    "joint.stiffness": "PhysX has no spring at a joint beside the actuator's; actuator.kp is that one",
}
_VISCOUS = "PhysX has one viscous coefficient per joint"
_NOTES = {
    "body.com": "the principal axes are kept: the inertia is written again after the centre of mass",
    "body.inertia": "kept as principal moments and axes: each entry is right to 5e-7 of the largest one",
    "joint.damping": f"{_VISCOUS}, written for both joint.damping and joint.viscous_friction",
    "joint.viscous_friction": f"{_VISCOUS}, written for both joint.damping and joint.viscous_friction",
    "joint.friction": "static and dynamic friction keep their nominal ratio, 1 where both were 0; a joint at rest"
    " creeps by what its torque accelerates it to in one solver iteration: raise solver_position_iteration_count where"
    " that matters",
    "shape.friction": f"rounded to the nearest multiple of {FRICTION_STEP} (off by at most {FRICTION_STEP / 2:.1e});"
    " static and dynamic friction keep their nominal ratio",
    "shape.restitution": f"rounded to the nearest multiple of {RESTITUTION_STEP} (off by at most"
    f" {RESTITUTION_STEP / 2:.1e})",
    "world.gravity": "the scene's gravity stays; each world gets the difference as forces m·Δg at its moving bodies'"
    " centres of mass, and gravity_compensation_forces does not know",
}
_NOTES["world.gravity_tilt"] = _NOTES["world.gravity"]
_EXCLUDES = {"joint.damping": ("joint.viscous_friction",), "joint.viscous_friction": ("joint.damping",)}
_PAST = "feed-forward torque goes past implicit actuators and is not scaled there"
_FORCES = ("body.force", "body.torque")


def support_of(target: str, views: PhysxViews) -> Support:
    """Return whether PhysX can hold a target, given where this scene keeps things."""
    reason = _REFUSED.get(target) or views.refused.get(target)
    if reason:
        return Support(able=False, note=reason)
    if target in _FORCES:
        return Support(
            able=True, where="external wrench, each physics step", device=views.device, note=views.notes.get(target, "")
        )
    quantities = TARGET_QUANTITIES.get(target)
    if quantities is None:
        return Support(able=False, note=f"{target} is no property that PhysX keeps")
    missing = [name for name in quantities if name not in ("gravity", SHARED_OUT) and not _slots(name, views)]
    if missing:
        return Support(able=False, note=f"nothing in this scene has {missing[0].replace('_', ' ')}")
    if any(slot.gain is not None for name in quantities for slot in views.on_device.get(name, ())):
        motor = "a DC motor's stall torque follows its largest torque"
    else:
        motor = ""
    past = _PAST if SHARED_OUT in quantities and not _all_given(views) else ""
    notes = [note for note in (_NOTES.get(target, ""), views.notes.get(target, ""), motor, past) if note]
    if quantities == ("gravity",):
        where, device = "external wrench, each physics step", views.device
    else:
        where = ", ".join(dict.fromkeys(place for name in quantities for place in _places(name, views)))
        device = ", ".join(dict.fromkeys(d for name in quantities for d in _devices(name, views)))
    return Support(able=True, where=where, device=device, note="; ".join(notes), excludes=_EXCLUDES.get(target, ()))


def _all_given(views: PhysxViews) -> bool:
    """Whether every joint's feed-forward passes an actuator that scales it."""
    held = [slot.place[0, :, 0] >= 0 for slot in views.on_device.get(SHARED_OUT, ())]
    return bool(held) and bool(np.logical_or.reduce(held).all())


def _slots(quantity: str, views: PhysxViews) -> bool:
    return bool(views.host.get(quantity)) or any(slot.owner for slot in views.on_device.get(quantity, ()))


def _places(quantity: str, views: PhysxViews) -> list[str]:
    places = [slot.tensor.name for slot in views.host.get(quantity, ())]
    return places + [slot.name for slot in views.on_device.get(quantity, ()) if slot.owner]


def _devices(quantity: str, views: PhysxViews) -> list[str]:
    on_host = ["cpu"] if views.host.get(quantity) else []
    return on_host + [views.device for slot in views.on_device.get(quantity, ()) if slot.owner]
