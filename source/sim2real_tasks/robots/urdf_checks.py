"""What no robot can be: links that hang on nothing, mass below zero, inertia that no body has, drives without force.

Inertia: the moments about three axes are sums of squares over the body's mass, so each is positive and none is larger
than the other two together. Links on fixed joints are parts of one body, which is what moves: frames without mass are
let be, and a part that no body could be is told but let pass where the body as a whole is possible.
"""

from __future__ import annotations

import numpy as np

from .kinematics import link_frames, weight_of
from .urdf import Description, Joint, Link, Reader

SLACK = 1e-3
"""How far rounding in a file may break the triangle inequality, as a share of the largest moment."""


def check_tree(reader: Reader, robot: Description) -> str:
    """Check that links and joints make one tree; return its root, empty where they do not."""
    before, line = len(reader.faults), 1
    if not robot.links:
        reader.fault(line, "", "no links; a robot has at least one")
        return ""
    parents: dict[str, Joint] = {}
    for joint in robot.joints.values():
        for which, name in (("parent", joint.parent), ("child", joint.child)):
            if name not in robot.links:
                said = f"{which} link '{name}' is not in the file; add it, or mend the name"
                reader.fault(joint.line, f"joint '{joint.name}'", said)
        if joint.child in parents:
            other = parents[joint.child].name
            said = f"closes a loop: link '{joint.child}' hangs on joint '{other}' already; a URDF is a tree, cut one"
            reader.fault(joint.line, f"joint '{joint.name}'", said)
        parents.setdefault(joint.child, joint)
        if joint.mimic and joint.mimic not in robot.joints:
            said = f"mimics joint '{joint.mimic}', which is not in the file"
            reader.fault(joint.line, f"joint '{joint.name}'", said)
    roots = [name for name in robot.links if name not in parents]
    if len(roots) > 1:
        for name in roots[1:]:
            said = f"a second root beside '{roots[0]}': it hangs on no joint; tie it to the robot, or remove it"
            reader.fault(robot.links[name].line, f"link '{name}'", said)
    reached, left = set(roots), list(roots)
    while left:
        for joint in robot.below(left.pop()):
            if joint.child not in reached:
                reached.add(joint.child)
                left.append(joint.child)
    for name in robot.links:
        if name not in reached:
            joint = parents[name]
            said = f"is part of a loop of joints that no root leads to: {_loop(robot, parents, name)}; cut it"
            reader.fault(joint.line, f"joint '{joint.name}'", said)
            break
    return roots[0] if len(reader.faults) == before else ""


def _loop(robot: Description, parents: dict[str, Joint], name: str) -> str:
    seen: list[str] = []
    while name in parents and name not in seen:
        seen.append(name)
        name = parents[name].parent
    return " - ".join(reversed([*seen[seen.index(name) if name in seen else 0 :], name]))


def check_physics(reader: Reader, robot: Description) -> None:
    """Check masses, inertias, limits, axes; of what is no tree only what can be said without one."""
    for link in robot.links.values():
        if robot.root:
            _check_link(reader, robot, link)
        elif link.mass < 0:
            reader.fault(link.line, f"link '{link.name}'", f"mass {link.mass:g} kg; give one above 0")
    for joint in robot.joints.values():
        if joint.moves:
            _check_joint(reader, joint)


def _check_link(reader: Reader, robot: Description, link: Link) -> None:
    where, base = f"link '{link.name}'", robot.body(link.name)
    if link.mass < 0:
        reader.fault(link.line, where, f"mass {link.mass:g} kg; give one above 0")
        return
    parts = [name for name in robot.links if robot.body(name) == base]
    mass, _, whole = weight_of(robot, link_frames(robot, {}), parts)
    if base == link.name != robot.root and mass <= 0:
        what = "mass 0 kg" if link.weighed else "no inertial"
        reader.fault(link.line, where, f"{what}, yet it moves; give the mass and inertia that the real link has")
    wrong = "" if link.mass == 0 else _impossible(link.inertia)
    if not wrong:
        return
    if len(parts) > 1 and not _impossible(whole):
        # What is simulated is the body of which it is a part.
        reader.note(link.line, where, f"{wrong}; as a part of '{base}', which as a whole can be, it is let pass")
    else:
        reader.fault(link.line, where, f"{wrong}; measure or compute them anew")


def _impossible(inertia: np.ndarray) -> str:
    """Return what is wrong with an inertia; nothing where a body can have it."""
    moments = np.linalg.eigvalsh(inertia)
    shown = ", ".join(f"{value:.3g}" for value in moments)
    if moments[0] <= 1e-12 * moments[2]:
        return f"principal moments of inertia {shown} kg·m², and each has to be above 0"
    if moments[0] + moments[1] < moments[2] * (1 - SLACK):
        excess = moments[2] - moments[0] - moments[1]
        return (
            f"principal moments of inertia {shown} kg·m², the largest {excess:.3g} above the sum of the other two,"
            " which no body has"
        )
    return ""


def _check_joint(reader: Reader, joint: Joint) -> None:
    where, unit = f"joint '{joint.name}'", ("m", "N", "m/s") if joint.type == "prismatic" else ("rad", "N·m", "rad/s")
    if not joint.axis.any():
        reader.fault(joint.line, where, "axis 0 0 0; give a direction")
    if joint.lower > joint.upper:
        said = f"lower limit {joint.lower:g} is above the upper {joint.upper:g} {unit[0]}; exchange or mend them"
        reader.fault(joint.line, where, said)
    elif joint.lower == joint.upper and not joint.mimic:
        said = f"limits {joint.lower:g} to {joint.upper:g} {unit[0]} leave no way to go; give a range, or make it fixed"
        reader.fault(joint.line, where, said)
    if joint.mimic:
        return
    for name, value, of in (("effort", joint.effort, unit[1]), ("velocity", joint.velocity, unit[2])):
        if value <= 0:
            said = f'{name} limit {value:g} {of}; give what the drive has, <limit {name}="..."/>'
            reader.fault(joint.line, where, said)
