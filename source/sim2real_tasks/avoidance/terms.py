"""What of a spec this task reads itself, what it leaves to the engine, and the check that nothing is ignored.

Scenes, cameras and starts are terms of the task's own: such a term is found by its name, and its target and op must be
what the name means here. Properties of the engine (masses, friction, drives, pushes) keep their names free; they are
applied by the events of the spec. What neither would use is an error at start: a randomization that silently does
nothing is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.spec import Spec
    from sim2real.spec.signals import SignalSpec

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
OWN = tuple(target for target, _ in TERMS.values())
"""Targets that the task draws and applies itself."""
AT_REST = ("root.rotation", "root.velocity", "root.angular_velocity", "joint.position", "joint.velocity")
"""Targets that placing the rover would undo."""
FIXED = ("terrain.height", "geometry.scale", "link.length", "body.frame_offset")
"""Targets that would make the arena or the rover another one than the outcomes are computed with."""
MOTOR = ("actuator.voltage", "actuator.backlash", "actuator.thermal")
"""Targets that only a motor has."""
COMMANDS = ("command", "action")
"""Names of the signal that carries the body command to the motor drivers."""
PICTURE = "depth"
"""Name of the signal that carries the depth picture to the policy."""
PICTURE_PARTS = ("latency", "jitter", "dropout", "reading", "period", "phase", "unit", "bus", "provenance")
"""Parts of a signal that mean something for a picture."""


class TaskSpecError(Sim2RealError):
    """A spec that is valid, but asks for what this task does not do."""


def check_spec(spec: Spec) -> None:
    """Hold a spec against what the task and an engine can use; whether the engine can is asked when it stands.

    Args:
        spec: the task's spec.

    Raises:
        TaskSpecError: a term that would be ignored or misread, a missing one, no depth camera, a signal of something
            that is not there, or a section that has no effect here.
    """
    faults = []
    for name, term in spec.terms.items():
        if name in TERMS:
            target, op = TERMS[name]
            if (term.target, term.op) != TERMS[name] or term.when != "reset":
                faults.append(
                    f"terms.{name}: is {term.op} on {term.target} at {term.when}; has to be {op} on {target} at reset"
                )
        elif term.target in OWN:
            right = next(name for name, (target, _) in TERMS.items() if target == term.target)
            faults.append(
                f"terms.{name}: this task has no such term; it reads {', '.join(TERMS)}: call this one '{right}'"
            )
        elif term.target in AT_REST:
            faults.append(f"terms.{name}: {term.target}: the task places the rover level and at rest; remove the term")
        elif term.target in FIXED:
            faults.append(f"terms.{name}: {term.target}: arena and rover have fixed sizes here; remove the term")
    faults += [f"terms.{name}: is missing" for name in REQUIRED if name not in spec.terms]
    if "depth" not in spec.vision:
        faults.append("vision.depth: is missing; add, for example, 'vision: {depth: {preset: realsense_d435}}'")
    faults += _signal_faults(spec)
    if spec.curriculum.adr is not None or spec.curriculum.stages:
        faults.append("curriculum: this task reads none; remove the section")
    if faults:
        raise TaskSpecError("the avoidance task cannot use this spec:\n  " + "\n  ".join(faults))


def command_signal(spec: Spec) -> str | None:
    """Return the name of the signal that the body command goes through; None: it arrives at once."""
    return next((name for name in COMMANDS if name in spec.signals), None)


def _signal_faults(spec: Spec) -> list[str]:
    faults = [
        f"signals.{name}: this task has no such signal; it has {PICTURE} (the picture on its way to the policy) and"
        f" {' or '.join(COMMANDS)} (the body command on its way to the motors); remove it"
        for name in spec.signals
        if name not in (PICTURE, *COMMANDS)
    ]
    if all(name in spec.signals for name in COMMANDS):
        faults.append(f"signals: {' and '.join(COMMANDS)} are the same here; keep one of them")
    if PICTURE in spec.signals:
        faults += _picture_faults(spec.signals[PICTURE])
    return faults


def _picture_faults(signal: SignalSpec) -> list[str]:
    from dataclasses import fields

    faults = [
        f"signals.{PICTURE}.{part.name}: a picture only comes late or not at all; what the camera sees wrong stands in"
        " vision.depth; remove it"
        for part in fields(signal)
        if part.name not in (*PICTURE_PARTS, "on_dropout") and getattr(signal, part.name) != part.default
    ]
    if signal.on_dropout != "hold":
        faults.append(f"signals.{PICTURE}.on_dropout: the picture before stays in place of a lost one; write 'hold'")
    return faults
