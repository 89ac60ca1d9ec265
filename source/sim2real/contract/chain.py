"""The kinematic chain of a robot: links, joints between them, their limits, as its URDF says.

It travels in the contract, so that a supervisor on the robot knows where a hand or a foot is and what a joint may do
without a description file beside it. Read with the standard library, computed with NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from sim2real.contract.errors import ContractError
from sim2real.contract.reading import at_least_zero, is_number, keys, need, need_label, numbers, objects, optional_range

MOVING = ("revolute", "continuous", "prismatic")
"""Kinds of joints that move."""


@dataclass(frozen=True, kw_only=True)
class ChainJoint:
    """A joint between two links."""

    name: str
    """Name of the joint."""
    kind: str
    """``revolute``, ``continuous`` (turns without end), ``prismatic`` (slides) or ``fixed``."""
    parent: str
    """Link that it stands on."""
    child: str
    """Link that it moves."""
    origin_xyz: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where it stands in the parent's frame [m]."""
    origin_rpy: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """How it is turned there: about the parent's x, then y, then z axis [rad]."""
    axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Axis in its own frame, of length 1."""
    position_limit: tuple[float, float] | None = None
    """Range [rad or m]; None: endless, or fixed."""
    velocity_limit: float | None = None
    """Largest speed [rad/s or m/s]; None: not given."""
    effort_limit: float | None = None
    """Largest torque or force [N·m or N]; None: not given."""
    mimics: str | None = None
    """Joint whose position it follows; None: it moves by itself."""
    multiplier: float = 1.0
    """Its position per position of the joint that it follows."""
    offset: float = 0.0
    """Its position where that joint is at 0 [rad or m]."""

    def __post_init__(self) -> None:
        """Check names and numbers. Raises: ContractError."""
        need_label(self.name, "robot.chain: name")
        where = f"robot.chain: {self.name}."
        need(self.kind in (*MOVING, "fixed"), where + "kind", self.kind, f"one of {', '.join(MOVING)}, fixed")
        for name in ("parent", "child"):
            need_label(getattr(self, name), where + name)
        for name in ("origin_xyz", "origin_rpy", "axis"):
            numbers(self, name, where, (3,))
        long = sum(value * value for value in self.axis)
        need(abs(long - 1.0) < 1e-6 or self.kind == "fixed", where + "axis", self.axis, "a vector of length 1")
        optional_range(self, "position_limit", where)
        for name in ("velocity_limit", "effort_limit"):
            at_least_zero(self, name, where, optional=True)
        if self.mimics is not None:
            need_label(self.mimics, where + "mimics")
        for name in ("multiplier", "offset"):
            value = getattr(self, name)
            need(is_number(value), where + name, value, "a number")
            object.__setattr__(self, name, float(value))


@dataclass(frozen=True, kw_only=True)
class Chain:
    """All links and joints of a robot, a tree."""

    root: str
    """The link that nothing moves."""
    joints: tuple[ChainJoint, ...] = ()
    """All joints, parents before children; every link but the root is the child of one."""

    def __post_init__(self) -> None:
        """Check that it is a tree whose joints come in order. Raises: ContractError."""
        need_label(self.root, "robot.chain: root")
        object.__setattr__(self, "joints", tuple(self.joints))
        known, names = {self.root}, set()
        for joint in self.joints:
            fresh = joint.name not in names and joint.child not in known
            need(fresh, f"robot.chain: {joint.name}", joint.child, "a joint and a child link that occur once")
            need(joint.parent in known, f"robot.chain: {joint.name}.parent", joint.parent, "a link from further up")
            known.add(joint.child)
            names.add(joint.name)
        for joint in self.joints:
            good = joint.mimics is None or (joint.mimics in names and self.joint(joint.mimics).mimics is None)
            need(good, f"robot.chain: {joint.name}.mimics", joint.mimics, "a joint that moves by itself")

    @property
    def links(self) -> tuple[str, ...]:
        """Names of all links, the root first."""
        return (self.root, *(joint.child for joint in self.joints))

    def joint(self, name: str) -> ChainJoint:
        """The joint of a name. Raises: ContractError."""
        for joint in self.joints:
            if joint.name == name:
                return joint
        raise ContractError(f"the chain has no joint {name!r}; it has: {', '.join(j.name for j in self.joints)}.")

    def link_poses(self, positions: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Where each link is, float64 (n, 4, 4) by name, in the root's frame [m].

        Args:
            positions: (n,) positions of the joints by name [rad or m]; joints that are not named stand at 0.

        Raises:
            ContractError: a joint that is not there, or does not move by itself.
        """
        values = {name: np.atleast_1d(np.asarray(value, np.float64)) for name, value in positions.items()}
        for name in values:
            joint = self.joint(name)
            good = joint.kind in MOVING and joint.mimics is None
            need(good, f"positions: {name}", joint.mimics or joint.kind, "a joint that moves by itself")
        rows = max([len(value) for value in values.values()], default=1)
        poses = {self.root: np.broadcast_to(np.eye(4), (rows, 4, 4))}
        for joint in self.joints:
            leader = joint.mimics or joint.name
            value = values.get(leader, np.zeros(1)) * joint.multiplier + joint.offset
            poses[joint.child] = poses[joint.parent] @ _origin(joint) @ _motion(joint, np.broadcast_to(value, rows))
        return poses

    @classmethod
    def from_dict(cls, data: Any) -> Chain:
        """Read from plain JSON values. Raises: ContractError."""
        top = keys(cls, data, "robot.chain")
        return cls(**{**top, "joints": objects(ChainJoint, top["joints"], "robot.chain.joints")})

    @classmethod
    def from_urdf(cls, content: bytes | str, source: str = "<urdf>") -> Chain:
        """Read a chain from the content of a URDF file.

        Raises:
            ContractError: no URDF, no tree, or a joint of a kind that a chain does not have.
        """
        try:
            robot = ElementTree.fromstring(content)
        except ElementTree.ParseError as error:
            raise ContractError(f"{source}: not XML ({error}).") from None
        links = [str(link.get("name")) for link in robot.findall("link")]
        found = {joint.name: joint for joint in (_read(element, source) for element in robot.findall("joint"))}
        roots = [link for link in links if link not in {joint.child for joint in found.values()}]
        if robot.tag != "robot" or len(roots) != 1:
            raise ContractError(
                f"{source}: a robot has one link that nothing moves; here: {', '.join(roots) or 'none'}."
            )
        ordered, reached = [], [roots[0]]
        while reached:
            link = reached.pop(0)
            joints = [joint for joint in found.values() if joint.parent == link]
            ordered += joints
            reached += [joint.child for joint in joints]
            if len(ordered) > len(found):
                break
        if len(ordered) != len(links) - 1 or len(ordered) != len(found):
            raise ContractError(f"{source}: its {len(links)} links and {len(found)} joints are no tree.")
        return cls(root=roots[0], joints=tuple(ordered))


def _read(element: Any, source: str) -> ChainJoint:
    """A joint of a URDF."""
    name, kind = element.get("name"), element.get("type")

    def vector(tag: str, key: str, otherwise: tuple[float, ...]) -> tuple[float, ...]:
        found = element.find(tag)
        text = None if found is None else found.get(key)
        return otherwise if text is None else tuple(float(part) for part in text.split())

    def value(tag: str, key: str) -> float | None:
        found = element.find(tag)
        text = None if found is None else found.get(key)
        return None if text is None else float(text)

    try:
        axis = np.asarray(vector("axis", "xyz", (1.0, 0.0, 0.0)))
        length = float(np.linalg.norm(axis))
        ends = (value("limit", "lower") or 0.0, value("limit", "upper") or 0.0)
        mimic = element.find("mimic")
        moving = kind in MOVING
        given: dict[str, Any] = {
            "origin_xyz": vector("origin", "xyz", (0.0, 0.0, 0.0)),
            "origin_rpy": vector("origin", "rpy", (0.0, 0.0, 0.0)),
            "axis": tuple(float(v) for v in axis / length) if moving and length > 0.0 else (1.0, 0.0, 0.0),
            "position_limit": ends if kind in ("revolute", "prismatic") else None,
            "velocity_limit": value("limit", "velocity") if moving else None,
            "effort_limit": value("limit", "effort") if moving else None,
        }
        if mimic is not None:
            given |= {"mimics": mimic.get("joint"), "multiplier": float(mimic.get("multiplier", 1.0))}
            given |= {"offset": float(mimic.get("offset", 0.0))}
        parent, child = (element.find(tag).get("link") for tag in ("parent", "child"))
    except (AttributeError, TypeError, ValueError) as error:
        raise ContractError(f"{source}: joint {name!r} cannot be read ({error}).") from None
    try:
        return ChainJoint(name=name, kind=kind, parent=parent, child=child, **given)
    except ContractError as error:
        raise ContractError(f"{source}: {error}") from None


def _origin(joint: ChainJoint) -> np.ndarray:
    """Where a joint stands in its parent's frame, float64 (4, 4)."""
    pose = np.eye(4)
    roll, pitch, yaw = joint.origin_rpy
    x, y, z = (_turn(np.eye(3)[i], np.array([angle])) for i, angle in enumerate((roll, pitch, yaw)))
    pose[:3, :3] = (z @ y @ x)[0]
    pose[:3, 3] = joint.origin_xyz
    return pose


def _motion(joint: ChainJoint, value: np.ndarray) -> np.ndarray:
    """What a joint does at its positions, float64 (n, 4, 4)."""
    pose = np.tile(np.eye(4), (len(value), 1, 1))
    axis = np.asarray(joint.axis)
    if joint.kind == "prismatic":
        pose[:, :3, 3] = value[:, None] * axis
    elif joint.kind != "fixed":
        pose[:, :3, :3] = _turn(axis, value)
    return pose


def _turn(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotations about an axis by angles (Rodrigues' formula), float64 (n, 3, 3)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1.0 - cos) * (cross @ cross)
