"""The terms of a spec that this task reads, and the check that nothing in a spec is ignored.

A term is found by its name; its target and op must be what the name means here. What the task would not use is an
error at start: a randomization that silently does nothing is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.spec import Spec

TERMS: dict[str, tuple[str, str]] = {
    "start_position": ("root.position", "add"),
    "start_yaw": ("root.yaw", "set"),
    "camera_position": ("camera.position", "add"),
    "camera_rotation": ("camera.rotation", "add"),
    "focal_length": ("camera.focal_length", "scale"),
    "obstacle_count": ("obstacle.count", "set"),
    "obstacle_position": ("obstacle.position", "set"),
    "obstacle_yaw": ("obstacle.yaw", "set"),
    "frame_position": ("dataset.position", "set"),
    "frame_yaw": ("dataset.yaw", "set"),
    "split": ("dataset.split", "set"),
}
"""Target and op of each term that the task reads."""
REQUIRED = ("obstacle_count", "obstacle_position", "obstacle_yaw", "frame_position", "frame_yaw", "split")
"""Terms without which there is no scene or no frame; the others are nominal where they are missing."""


class TaskSpecError(Sim2RealError):
    """A spec that is valid, but asks for what this task does not do."""


def check_spec(spec: Spec, events: bool = False) -> None:
    """Hold a spec against what the task reads.

    Args:
        spec: the task's spec.
        events: whether events apply what the task does not read, so that only the task's own targets are held to names.

    Raises:
        TaskSpecError: a term that would be ignored or misread, a missing one, no depth camera, or a section that has no
            effect here.
    """
    faults = []
    own = {target for target, _ in TERMS.values()}
    for name, term in spec.terms.items():
        if events and name not in TERMS and term.target not in own:
            continue
        if name not in TERMS:
            faults.append(f"terms.{name}: this task has no such term; it reads {', '.join(TERMS)}")
        elif (term.target, term.op) != TERMS[name] or term.when != "reset":
            target, op = TERMS[name]
            faults.append(
                f"terms.{name}: is {term.op} on {term.target} at {term.when}; has to be {op} on {target} at reset"
            )
    faults += [f"terms.{name}: is missing" for name in REQUIRED if name not in spec.terms]
    if "depth" not in spec.vision:
        faults.append("vision.depth: is missing; add, for example, 'vision: {depth: {preset: realsense_d435}}'")
    if spec.signals and not events:
        faults.append("signals: this task reads none; remove the section")
    if spec.curriculum.adr is not None or spec.curriculum.stages:
        faults.append("curriculum: this task reads none; remove the section")
    if faults:
        raise TaskSpecError("the avoidance task cannot use this spec:\n  " + "\n  ".join(faults))
