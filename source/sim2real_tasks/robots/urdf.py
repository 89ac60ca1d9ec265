"""A URDF as plain data, read strictly: every fault of its text is told at once, with the line.

Physics engines repair silently what they cannot simulate, each in its own way; a policy then trains on a robot that
nobody built. `read_urdf` therefore refuses what is physically impossible or cannot be found (`urdf_checks.py`), and
keeps the rest as it is. Nothing heavier than NumPy is imported.
"""

from __future__ import annotations

import dataclasses
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np

from sim2real.errors import Sim2RealError

TURNS = ("revolute", "continuous")
"""Types of joints whose position is an angle."""
MOVES = (*TURNS, "prismatic")
"""Types of joints that have one position."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UrdfFault:
    """One thing that is wrong with a description."""

    line: int
    """Line in the file, from 1."""
    where: str
    """Link or joint; empty for the file."""
    message: str
    """What came, what is allowed, what to do."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.where}: {self.message}" if self.where else f"line {self.line}: {self.message}"


class UrdfError(Sim2RealError):
    """A description that no robot can have; its text has one line for each fault, in the order of the file."""

    def __init__(self, path: Path, faults: Sequence[UrdfFault]) -> None:
        """Take at least one fault."""
        self.path = path
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        super().__init__(path, *self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        head = f"{self.path} cannot be used, {count} fault{'s' if count > 1 else ''}:"
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """One geometry of a link."""

    kind: str
    """box, cylinder, sphere, capsule or mesh."""
    size: tuple[float, ...]
    """Of a box its edges; of a cylinder or capsule radius and length; of a sphere its radius [m]; of a mesh its
    scale [1].
    """
    mesh: Path | None
    """The file of a mesh; None where it is none, or is not there."""
    pose: np.ndarray
    """In the link's frame, (4, 4)."""
    collides: bool
    """True for a collider, False for what is only seen."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
    """One link."""

    name: str
    line: int
    mass: float
    """[kg]; 0 where the file gives none."""
    com: np.ndarray
    """Centre of mass in the link's frame [m], (3,)."""
    inertia: np.ndarray
    """About the centre of mass, in the link's axes [kg·m²], (3, 3)."""
    weighed: bool
    """Whether the file has an `inertial`."""
    shapes: tuple[Shape, ...]

    @property
    def colliders(self) -> tuple[Shape, ...]:
        """The geometry that touches things."""
        return tuple(shape for shape in self.shapes if shape.collides)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Joint:
    """One joint."""

    name: str
    line: int
    type: str
    parent: str
    child: str
    pose: np.ndarray
    """The child's frame in the parent's at position 0, (4, 4)."""
    axis: np.ndarray
    """In the child's frame, of length 1 (0 where the file says so), (3,)."""
    lower: float
    upper: float
    """Range [rad or m]; -inf and inf for a continuous joint."""
    effort: float
    """Largest torque or force [N·m or N]; 0 where the file gives none."""
    velocity: float
    """Largest speed [rad/s or m/s]; 0 where the file gives none."""
    mimic: str = ""
    """The joint that this one follows."""

    @property
    def moves(self) -> bool:
        """Whether it has a position of its own or follows another's."""
        return self.type in MOVES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """A robot, as its file has it."""

    path: Path
    name: str
    links: dict[str, Link]
    joints: dict[str, Joint]
    """In the order of the file."""
    root: str
    """The link that hangs on no joint; empty where the file is no tree."""
    notes: tuple[str, ...] = ()
    """What is odd about it, and let pass."""

    def below(self, link: str) -> list[Joint]:
        """Return the joints that hang on a link, in the file's order."""
        return [joint for joint in self.joints.values() if joint.parent == link]

    def depth_first(self) -> list[Joint]:
        """Return all joints, leg by leg: each followed by those below it, in the file's order."""
        found: list[Joint] = []

        def walk(link: str) -> None:
            for joint in self.below(link):
                found.append(joint)
                walk(joint.child)

        walk(self.root)
        return found

    def above(self, link: str) -> Joint | None:
        """Return the joint that a link hangs on; None for the root."""
        return next((joint for joint in self.joints.values() if joint.child == link), None)

    def body(self, link: str, frozen: frozenset[str] = frozenset()) -> str:
        """Return the topmost link that is rigidly tied to this one.

        Args:
            link: its name.
            frozen: joints that are held, besides the fixed ones.
        """
        joint = self.above(link)
        while joint is not None and (not joint.moves or joint.name in frozen):
            link, joint = joint.parent, self.above(joint.parent)
        return link


def find_mesh(urdf: Path, name: str, package_paths: Sequence[Path] = ()) -> Path | None:
    """Return the file that a URDF names as a mesh; None where there is none.

    `package://name/rest` is `name/rest`, else `rest`, below one of `package_paths`, else below a folder above the
    URDF; a path without a package likewise.
    """
    parts = Path(re.sub(r"^(package|file)://", "", name))
    tails = [parts, Path(*parts.parts[1:])] if name.startswith("package://") and len(parts.parts) > 1 else [parts]
    folders = [*package_paths, *urdf.resolve().parents]
    return next((place for folder in folders for tail in tails if (place := folder / tail).is_file()), None)


class Reader:
    """Reads elements, and keeps what is wrong with them."""

    def __init__(self, path: Path, package_paths: Sequence[Path]) -> None:
        """Take the file, and where packages lie besides."""
        self.path, self.package_paths = path, tuple(package_paths)
        self.faults: list[UrdfFault] = []
        self.notes: list[UrdfFault] = []
        self.lines: dict[int, int] = {}
        self._kept: list[ElementTree.Element] = []  # an element that is alive keeps its id

    def fault(self, line: int, where: str, message: str) -> None:
        """Keep a fault."""
        self.faults.append(UrdfFault(line=line, where=where, message=message))

    def note(self, line: int, where: str, message: str) -> None:
        """Keep what is odd, and let pass."""
        self.notes.append(UrdfFault(line=line, where=where, message=message))

    def parse(self, content: bytes) -> ElementTree.Element:
        """Return the root element. Raises UrdfError where the text is no XML."""
        builder, parser = ElementTree.TreeBuilder(), expat.ParserCreate()

        def start(tag: str, attributes: dict[str, str]) -> None:
            element = builder.start(tag, attributes)
            self._kept.append(element)
            self.lines[id(element)] = parser.CurrentLineNumber

        parser.StartElementHandler = start
        parser.EndElementHandler = builder.end
        parser.CharacterDataHandler = builder.data
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            said = f"no XML: {expat.ErrorString(error.code)}, at column {error.offset + 1}; mend the tags there"
            raise UrdfError(self.path, [UrdfFault(line=error.lineno, where="", message=said)]) from None
        return builder.close()

    def line(self, element: ElementTree.Element) -> int:
        """Return the line that an element begins in."""
        return self.lines[id(element)]

    def numbers(self, element: ElementTree.Element | None, key: str, default: str, count: int, where: str):
        """Return `count` numbers of an attribute, (count,)."""
        text = default if element is None else element.get(key, default)
        try:
            values = np.array([float(word) for word in text.split()])
        except ValueError:
            values = np.array([])
        if len(values) != count or not np.isfinite(values).all():
            line = 1 if element is None else self.line(element)
            self.fault(line, where, f'{key}="{text}"; give {count} finite number{"s" if count > 1 else ""}')
            return np.array([float(word) for word in default.split()])
        return values

    def pose(self, element: ElementTree.Element, where: str) -> np.ndarray:
        """Return what an element's `origin` says, (4, 4)."""
        origin = element.find("origin")
        pose = np.eye(4)
        pose[:3, 3] = self.numbers(origin, "xyz", "0 0 0", 3, where)
        pose[:3, :3] = rotation(*self.numbers(origin, "rpy", "0 0 0", 3, where))
        return pose

    def link(self, element: ElementTree.Element, name: str) -> Link:
        """Return a link."""
        where, inertial = f"link '{name}'", element.find("inertial")
        mass, com, inertia = 0.0, np.zeros(3), np.zeros((3, 3))
        if inertial is not None:
            pose = self.pose(inertial, where)
            mass = float(self.numbers(inertial.find("mass"), "value", "0", 1, where)[0])
            keys = ("ixx", "ixy", "ixz", "iyy", "iyz", "izz")
            got = [float(self.numbers(inertial.find("inertia"), key, "0", 1, where)[0]) for key in keys]
            xx, xy, xz, yy, yz, zz = got
            own = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            com, inertia = pose[:3, 3], pose[:3, :3] @ own @ pose[:3, :3].T
        shapes = [
            shape
            for kind in ("visual", "collision")
            for part in element.findall(kind)
            if (shape := self.shape(part, kind == "collision", where)) is not None
        ]
        return Link(
            name=name, line=self.line(element if inertial is None else inertial), mass=mass, com=com, inertia=inertia,
            weighed=inertial is not None, shapes=tuple(shapes),
        )  # fmt: skip

    def shape(self, element: ElementTree.Element, collides: bool, where: str) -> Shape | None:
        """Return a geometry; None where there is none to read."""
        geometry = element.find("geometry")
        one = None if geometry is None else next(iter(geometry), None)
        if one is None:
            self.fault(self.line(element), where, f"a {element.tag} without geometry; give one, or remove the element")
            return None
        pose, kind, mesh = self.pose(element, where), one.tag, None
        if kind == "mesh":
            name = one.get("filename", "")
            mesh = find_mesh(self.path, name, self.package_paths)
            if mesh is None:
                self.fault(self.line(one), where, _no_mesh(name, self.path, self.package_paths))
            size = self.numbers(one, "scale", "1 1 1", 3, where)
        elif kind == "box":
            size = self.numbers(one, "size", "1 1 1", 3, where)
        elif kind in ("cylinder", "capsule"):
            size = np.array([self.numbers(one, key, "1", 1, where)[0] for key in ("radius", "length")])
        elif kind == "sphere":
            size = self.numbers(one, "radius", "1", 1, where)
        else:
            allowed = "box, cylinder, capsule, sphere, mesh"
            self.fault(self.line(one), where, f"unknown geometry '{kind}'; allowed: {allowed}")
            return None
        if collides and kind != "mesh" and (size <= 0).any():
            self.fault(self.line(one), where, f"a collider {kind} of size {size.tolist()} m; give sizes above 0")
        return Shape(kind=kind, size=tuple(size.tolist()), mesh=mesh, pose=pose, collides=collides)

    def joint(self, element: ElementTree.Element, name: str) -> Joint:
        """Return a joint."""
        where, kind = f"joint '{name}'", element.get("type", "")
        if kind not in (*MOVES, "fixed"):
            hint = " (leave it out: 'robot add' lets the base of a walking robot float by itself)"
            said = f"type '{kind}'; allowed: fixed, {', '.join(MOVES)}{hint if kind == 'floating' else ''}"
            self.fault(self.line(element), where, said)
        limit, mimic = element.find("limit"), element.find("mimic")
        lower, upper = (float(self.numbers(limit, key, "0", 1, where)[0]) for key in ("lower", "upper"))
        if kind == "continuous":
            lower, upper = -math.inf, math.inf
        axis = self.numbers(element.find("axis"), "xyz", "1 0 0", 3, where)
        length = float(np.linalg.norm(axis))
        ends = [element.find(which) for which in ("parent", "child")]
        parent, child = ("" if end is None else end.get("link", "") for end in ends)
        return Joint(
            name=name,
            line=self.line(element),
            type=kind,
            parent=parent,
            child=child,
            pose=self.pose(element, where),
            axis=axis / length if length > 0 else axis,
            lower=lower,
            upper=upper,
            effort=float(self.numbers(limit, "effort", "0", 1, where)[0]),
            velocity=float(self.numbers(limit, "velocity", "0", 1, where)[0]),
            mimic="" if mimic is None else mimic.get("joint", ""),
        )


def _no_mesh(name: str, urdf: Path, package_paths: Sequence[Path]) -> str:
    looked = [*map(str, package_paths), f"the folders above {urdf.name}"]
    rule = "package://NAME/REST is looked for as NAME/REST, else REST" if name.startswith("package://") else "as it is"
    return (
        f"mesh {name} is not there; looked below {', '.join(looked)} ({rule}). Give the folder that holds it with"
        " --package-path DIR, or mend the name"
    )


def rotation(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """Return the rotation of a URDF's `rpy` [rad], (3, 3): about the fixed axes x, y, z, one after the other."""
    (sr, sp, sy), (cr, cp, cy) = np.sin([roll, pitch, yaw]), np.cos([roll, pitch, yaw])
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def read_urdf(path: Path, package_paths: Sequence[Path] = ()) -> Description:
    """Read a description.

    Args:
        path: the URDF.
        package_paths: folders that hold packages or meshes, besides those above the URDF.

    Raises:
        UrdfError: naming every fault with its line.
    """
    from .urdf_checks import check_physics, check_tree

    reader = Reader(path, package_paths)
    if not path.is_file():
        raise Sim2RealError(f"no URDF at {path}; give the path of a .urdf file")
    root = reader.parse(path.read_bytes())
    if root.tag != "robot":
        raise UrdfError(path, [UrdfFault(line=1, where="", message=f"the root element is <{root.tag}>, not <robot>")])
    macros = next((one for one in root.iter() if one.tag.startswith("xacro:")), None)
    if macros is not None:
        said = f"<{macros.tag}> is a macro; expand them first: xacro {path.name} > robot.urdf"
        raise UrdfError(path, [UrdfFault(line=reader.line(macros), where="", message=said)])
    links: dict[str, Link] = {}
    joints: dict[str, Joint] = {}
    kinds: tuple[tuple[str, dict[str, Any], Callable[..., Any]], ...]
    kinds = (("link", links, reader.link), ("joint", joints, reader.joint))
    for tag, known, read in kinds:
        for element in root.findall(tag):
            name = element.get("name", "")
            if not re.fullmatch(r"[^\s/'\"]+", name):
                said = f"a {tag} named '{name}'; give a name without blanks, quotes and slashes"
                reader.fault(reader.line(element), "", said)
            elif name in known:
                reader.fault(reader.line(element), f"{tag} '{name}'", "this name is given twice; rename one")
            else:
                known[name] = read(element, name)
    found = Description(path=path, name=root.get("name", path.stem), links=links, joints=joints, root="")
    found = dataclasses.replace(found, root=check_tree(reader, found))
    check_physics(reader, found)
    if reader.faults:
        raise UrdfError(path, reader.faults)
    return dataclasses.replace(found, notes=tuple(map(str, reader.notes)))
