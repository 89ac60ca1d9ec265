"""The vendor's URDF as an engine outside Isaac Lab can load it: found, checked against the contract, made plain.

Engines differ in what of a URDF they cannot read: where meshes lie, pictures, links without mass. A copy in a folder
of its own has collision meshes by their full path, no pictures, a milligram for every link without mass, and neither
mimic joints nor joint damping and friction: the contract names a drive for every joint, and what Isaac Lab was given.
Joints that the contract does not name are fixed at their zero, as our tasks fix a hand that holds still. A link with
moments of inertia that no body can have becomes part of its parent where a fixed joint ties it, else it is refused.
Masses, inertias, frames and shapes are untouched.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sim2real.contract import Robot
from sim2real.evaluate.engines.player import RobotMismatch

LEAST_MASS = 1e-6
"""Mass of a link that has none in the URDF [kg]."""
LEAST_INERTIA = 1e-9
"""Its moments [kg·m²]."""
GEAR = 10.0
"""Reduction between a joint and the rotor that stands for its armature in an engine that knows no armature."""
ROTOR = "rotor_of_"
"""What the name of such a rotor, link and joint, begins with."""


def find_urdf(robot: Robot, urdf: Path | None = None) -> Path:
    """Path of the robot's description.

    Args:
        robot: the contract's robot.
        urdf: where it lies; None looks among the vendors' descriptions, or at the card of an own robot.

    Raises:
        RobotMismatch: it is not installed, or another one than the contract's.
    """
    from sim2real.errors import Sim2RealError
    from sim2real_tasks import own
    from sim2real_tasks.robots.vendor import vendor_urdf

    has_card = robot.urdf.startswith("own/")
    remedy = "leave --urdf away: its card has it" if has_card else "install that version of the package"
    try:
        path = urdf or (own.described if has_card else vendor_urdf)(robot.urdf)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except Sim2RealError as error:
        raise RobotMismatch(f"robot '{robot.name}': {error}; or give its file with --urdf") from error
    except OSError as error:
        raise RobotMismatch(f"robot '{robot.name}': {urdf}: {error.strerror}") from error
    if found != robot.urdf_sha256:
        raise RobotMismatch(
            f"{path} is another description than the one that '{robot.name}' was trained with (SHA-256 {found[:12]},"
            f" the contract says {robot.urdf_sha256[:12]}); {remedy}, or export again"
        )
    return path


def plain_urdf(urdf: Path, robot: Robot, folder: Path, rotors: Mapping[str, float] | None = None) -> Path:
    """Write the plain copy of a URDF.

    Args:
        urdf: the description.
        robot: the contract's robot.
        folder: where the copy goes.
        rotors: armature [kg·m²] by joint: for each a spinning body on the parent, geared to the joint, is added.

    Raises:
        RobotMismatch: no URDF, a mesh that is not there, or joints and links that the contract does not know so.
    """
    try:
        root = ET.fromstring(urdf.read_text())
    except (ET.ParseError, UnicodeDecodeError) as error:
        raise RobotMismatch(f"{urdf}: not XML: {error}") from error
    except OSError as error:
        raise RobotMismatch(f"{urdf}: {error.strerror}") from error
    _check_names(urdf, root, robot)
    _fuse_impossible(urdf, root)
    missing = []
    for link in root.findall("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
        for mesh in link.findall("collision/geometry/mesh"):
            path = find_mesh(urdf, mesh.get("filename", ""))
            if path is None:
                missing.append(f"{link.get('name')}: {mesh.get('filename')}")
            mesh.set("filename", str(path))
        _give_mass(link)
    if missing:
        raise RobotMismatch(
            f"{urdf}: collision meshes are missing: {'; '.join(missing)}. Install the package that brings them, or"
            " mend the paths"
        )
    for joint in root.findall("joint"):
        for element in [*joint.findall("mimic"), *joint.findall("dynamics")]:
            joint.remove(element)
        if joint.get("name") not in robot.joint_names:
            joint.set("type", "fixed")
    for element in [e for e in root if e.tag not in ("link", "joint")]:
        root.remove(element)
    for name, armature in (rotors or {}).items():
        _add_rotor(root, name, armature)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "robot.urdf"
    ET.ElementTree(root).write(path)
    return path


def check_urdf(robot: Robot, urdf: Path | None = None) -> None:
    """Hold a robot's description against its contract, before any engine starts.

    Raises:
        RobotMismatch: as `find_urdf` and `plain_urdf`.
    """
    with tempfile.TemporaryDirectory(prefix="sim2real-urdf-") as folder:
        plain_urdf(find_urdf(robot, urdf), robot, Path(folder))


def find_mesh(urdf: Path, name: str) -> Path | None:
    """Path of a mesh that a URDF names; None where there is none.

    `package://name/rest` is `name/rest`, else `rest`, below a folder above the URDF; a bare path likewise.
    """
    parts = Path(re.sub(r"^(package|file)://", "", name))
    tails = [parts, Path(*parts.parts[1:])] if name.startswith("package://") else [parts]
    places = (folder / tail for folder in urdf.resolve().parents for tail in tails)
    return next((place for place in places if place.is_file()), None)


def _check_names(urdf: Path, root: ET.Element, robot: Robot) -> None:
    """The joints of the contract move, and its base and end effector are links."""
    moving = {
        j.get("name", "") for j in root.findall("joint") if j.get("type") in ("revolute", "continuous", "prismatic")
    }
    wanted = set(robot.joint_names)
    if not wanted <= moving:
        raise RobotMismatch(
            f"{urdf}: it has not the joints of the contract's robot '{robot.name}':"
            f" only in the contract: {', '.join(sorted(wanted - moving)) or 'none'};"
            f" only in the URDF: {', '.join(sorted(moving - wanted)) or 'none'}"
        )
    links = {link.get("name", "") for link in root.findall("link")}
    for what, name in (("base_link", robot.base_link), ("end_effector", robot.end_effector)):
        if name is not None and name not in links:
            raise RobotMismatch(f"{urdf}: {what} '{name}' is none of its links: {', '.join(sorted(links))}")


def _fuse_impossible(urdf: Path, root: ET.Element) -> None:
    """Make links whose moments no body can have part of their parents, where a fixed joint ties them; refuse others."""
    from sim2real_tasks.robots.fuse import fuse_links

    bad = [link.get("name", "") for link in root.findall("link") if not _possible(link)]
    if bad:
        fuse_links(root, "|".join(map(re.escape, bad)))
        bad = [link.get("name", "") for link in root.findall("link") if not _possible(link)]
    if bad:
        raise RobotMismatch(
            f"{urdf}: no body can have the moments of inertia of {', '.join(bad)}: each principal moment is at most the"
            " sum of the other two. Mend the URDF"
        )


def _possible(link: ET.Element) -> bool:
    """Whether a link's moments are none, or those of a body: the triangle inequality."""
    inertia = link.find("inertial/inertia")
    mass = link.find("inertial/mass")
    if inertia is None or mass is None or float(mass.get("value", 0)) <= 0.0:
        return True
    xx, yy, zz, xy, xz, yz = (float(inertia.get(f"i{name}", 0)) for name in ("xx", "yy", "zz", "xy", "xz", "yz"))
    moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return bool(moments[0] >= 0.0 and moments[2] <= (moments[0] + moments[1]) * (1.0 + 1e-9))


def _give_mass(link: ET.Element) -> None:
    inertial = link.find("inertial")
    mass = None if inertial is None else inertial.find("mass")
    if mass is not None and float(mass.get("value", 0)) > 0.0:
        return
    if inertial is not None:
        link.remove(inertial)
    link.append(_inertial(LEAST_MASS, np.full(3, LEAST_INERTIA)))


def _inertial(mass: float, moments: np.ndarray) -> ET.Element:
    inertial = ET.Element("inertial")
    ET.SubElement(inertial, "origin", xyz="0 0 0", rpy="0 0 0")
    ET.SubElement(inertial, "mass", value=repr(mass))
    numbers = {"ixy": "0", "ixz": "0", "iyz": "0"}
    numbers.update(zip(("ixx", "iyy", "izz"), (repr(float(value)) for value in moments), strict=True))
    ET.SubElement(inertial, "inertia", numbers)
    return inertial


def _add_rotor(root: ET.Element, name: str, armature: float) -> None:
    """A body on the joint's parent that turns `GEAR` times as fast: through the gear it weighs `armature`."""
    joint = next(j for j in root.findall("joint") if j.get("name") == name)
    axis = joint.find("axis")
    direction = np.array([float(v) for v in ("1 0 0" if axis is None else axis.get("xyz", "1 0 0")).split()])
    if np.count_nonzero(direction) != 1:
        raise RobotMismatch(f"joint '{name}' turns about {direction}; armature needs an axis along x, y or z")
    link = ET.SubElement(root, "link", name=ROTOR + name)
    moments = np.abs(direction) / np.abs(direction).max() * armature / GEAR**2
    link.append(_inertial(LEAST_MASS, np.maximum(moments, LEAST_INERTIA)))
    turning = ET.SubElement(root, "joint", name=ROTOR + name, type="continuous")
    turning.extend(e for e in (joint.find("origin"), axis, joint.find("parent")) if e is not None)
    ET.SubElement(turning, "child", link=ROTOR + name)
    ET.SubElement(turning, "mimic", joint=name, multiplier=repr(GEAR), offset="0")
