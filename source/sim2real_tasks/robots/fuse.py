"""Links that a fixed joint ties to their parent become part of it, in the URDF, before it is converted.

A simulator pays for every body. Some descriptions make one of every bracket (ANYmal C: 60 links for twelve joints), and
some give a collider to a link without a mass, which PhysX and MuJoCo then weigh each in its own way. A fused link hands
its geometry to its parent, and its mass and inertia by the parallel-axis theorem; it stays as an empty frame, so that
joints and sensors which refer to it need not change. What MuJoCo makes of such links by itself is the tests' reference.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import numpy as np


def fuse_links(root: ElementTree.Element, pattern: str = "") -> list[str]:
    """Fuse links into their parents; return their names, a child before its parent.

    Args:
        root: the URDF's `robot` element, which is changed.
        pattern: regex of the names of links to fuse, of those on a fixed joint. A link on a fixed joint that has a
            collider but no mass is fused in any case.
    """
    links = {link.get("name"): link for link in root.iter("link")}
    fused = []
    for joint in _leaves_first(root):
        child = links[_end(joint, "child")]
        name = child.get("name", "")
        massless = child.find("collision") is not None and _mass(child) == 0.0
        if joint.get("type") == "fixed" and (massless or re.fullmatch(pattern, name)):
            _hand_over(child, links[_end(joint, "parent")], _pose(joint))
            fused.append(name)
    return fused


def freeze_joints(root: ElementTree.Element, pattern: str) -> list[str]:
    """Make joints fixed, at their zero; return their names.

    Args:
        root: the URDF's `robot` element, which is changed.
        pattern: regex of the joints' names.
    """
    frozen = [
        joint for joint in root.iter("joint") if joint.get("type") and re.fullmatch(pattern, joint.get("name", ""))
    ]
    for joint in frozen:
        joint.set("type", "fixed")
        for tag in ("axis", "limit", "dynamics", "mimic", "safety_controller"):
            for element in joint.findall(tag):
                joint.remove(element)
    return [joint.get("name", "") for joint in frozen]


def _end(joint: ElementTree.Element, which: str) -> str:
    element = joint.find(which)
    return "" if element is None else element.get("link", "")


def _leaves_first(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    joints = [joint for joint in root.iter("joint") if joint.find("child") is not None]
    below: dict[str, list[ElementTree.Element]] = {}
    for joint in joints:
        below.setdefault(_end(joint, "parent"), []).append(joint)

    def walk(link: str) -> Iterator[ElementTree.Element]:
        for joint in below.get(link, []):
            yield from walk(_end(joint, "child"))
            yield joint

    children = {_end(joint, "child") for joint in joints}
    for link in root.iter("link"):
        if link.get("name") not in children:
            yield from walk(link.get("name", ""))


def _mass(link: ElementTree.Element) -> float:
    element = link.find("inertial/mass")
    return 0.0 if element is None else float(element.get("value", "0"))


def _numbers(text: str | None) -> np.ndarray:
    return np.array([float(part) for part in (text or "0 0 0").split()])


def _pose(element: ElementTree.Element) -> np.ndarray:
    """Return the 4x4 transform of an element's `origin`; URDF turns about fixed x, y, z."""
    origin = element.find("origin")
    pose = np.eye(4)
    if origin is not None:
        (sr, sp, sy), (cr, cp, cy) = (f(_numbers(origin.get("rpy"))) for f in (np.sin, np.cos))
        pose[:3, :3] = [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
        pose[:3, 3] = _numbers(origin.get("xyz"))
    return pose


def _write_pose(element: ElementTree.Element, pose: np.ndarray) -> None:
    for origin in element.findall("origin"):
        element.remove(origin)
    turn = pose[:3, :3]
    pitch = np.arctan2(-turn[2, 0], np.hypot(turn[0, 0], turn[1, 0]))
    if np.cos(pitch) > 1e-9:
        angles = (np.arctan2(turn[2, 1], turn[2, 2]), pitch, np.arctan2(turn[1, 0], turn[0, 0]))
    else:  # straight up or down, roll and yaw are one turn; it is all given to roll
        angles = (np.arctan2(-turn[1, 2], turn[1, 1]), pitch, 0.0)
    texts = (" ".join(repr(float(number)) for number in numbers) for numbers in (pose[:3, 3], angles))
    element.insert(0, ElementTree.Element("origin", dict(zip(("xyz", "rpy"), texts, strict=True))))


def _inertial(link: ElementTree.Element) -> tuple[float, np.ndarray, np.ndarray]:
    """Return a link's mass, centre of mass and inertia about it, in the link's axes."""
    inertial = link.find("inertial")
    if inertial is None:
        return 0.0, np.zeros(3), np.zeros((3, 3))
    pose, element = _pose(inertial), inertial.find("inertia")
    xx, xy, xz, yy, yz, zz = (
        float(element.get(key, "0")) if element is not None else 0.0
        for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
    )
    inertia = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return _mass(link), pose[:3, 3], pose[:3, :3] @ inertia @ pose[:3, :3].T


def _about(mass: float, arm: np.ndarray) -> np.ndarray:
    """Return what a mass at `arm` adds to an inertia (Steiner)."""
    return mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))


def _hand_over(child: ElementTree.Element, parent: ElementTree.Element, pose: np.ndarray) -> None:
    for kind in ("visual", "collision"):
        for element in child.findall(kind):
            child.remove(element)
            _write_pose(element, pose @ _pose(element))
            parent.append(element)
    mass, com, inertia = _inertial(child)
    for element in child.findall("inertial"):
        child.remove(element)
    if mass == 0.0:
        return
    com, inertia = pose[:3, :3] @ com + pose[:3, 3], pose[:3, :3] @ inertia @ pose[:3, :3].T
    own_mass, own_com, own_inertia = _inertial(parent)
    total = own_mass + mass
    centre = (own_mass * own_com + mass * com) / total
    whole = own_inertia + _about(own_mass, own_com - centre) + inertia + _about(mass, com - centre)
    for element in parent.findall("inertial"):
        parent.remove(element)
    inertial = ElementTree.SubElement(parent, "inertial")
    at = np.eye(4)
    at[:3, 3] = centre
    _write_pose(inertial, at)
    ElementTree.SubElement(inertial, "mass", {"value": repr(float(total))})
    keys = {"ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2), "izz": (2, 2)}
    ElementTree.SubElement(inertial, "inertia", {key: repr(float(whole[at])) for key, at in keys.items()})
