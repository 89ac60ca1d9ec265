"""A robot card: what a URDF does not say and a task has to know, as a file that a person reads and mends.

`config/robots/<name>.yaml` makes the task `Sim2Real-Velocity-Flat-<Name>` or `Sim2Real-Reach-<Name>`. A card is read
strictly: an unknown key, a joint that the URDF does not have, a pose outside the limits are refused with file and line.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from functools import partial
from pathlib import Path
from typing import Any

from sim2real.spec.errors import listing
from sim2real.spec.nodes import Node, compose, gather

from .urdf import Description, read_urdf

SCHEMA = 1
KINDS = ("velocity", "reach")
"""What a robot is to learn: to follow a commanded velocity, or to bring its end-effector to a commanded pose."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names of cards."""
GUESSES = (
    "kind",
    "limits",
    "frozen",
    "feet",
    "end_effector",
    "height",
    "pose",
    "gains",
    "armature",
    "friction",
    "task",
)
"""What a card may hold as a guess to confirm."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class JointCard:
    """One driven joint; angles in rad and torques in N·m, of a slider in m and N."""

    name: str
    limits: tuple[float, float] | None
    """Range of positions; None where it turns without end."""
    effort: float
    """Largest torque or force."""
    velocity: float
    """Largest speed, per second."""
    kp: float
    """Position gain, torque for a radian."""
    kd: float
    """Speed gain, torque for a radian a second."""
    armature: float
    """Rotor inertia as the joint feels it [kg·m²], of a slider [kg]."""
    pose: float
    """Default position: where an episode starts, and an action of 0 leads."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guess:
    """Something that was not read but guessed."""

    confirm: bool
    """True until somebody has compared it with the robot."""
    why: str
    """How it was guessed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class VelocityTask:
    """Skeleton of a velocity task."""

    action_scale: float
    """Radians for an action of 1."""
    forward: tuple[float, float]
    """Commanded speeds [m/s]."""
    left: tuple[float, float]
    turn: tuple[float, float]
    """[rad/s]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReachTask:
    """Skeleton of a reach task: targets in the base's frame."""

    action_scale: float
    """Radians for an action of 1."""
    x: tuple[float, float]
    """Positions of targets [m]."""
    y: tuple[float, float]
    z: tuple[float, float]
    roll: tuple[float, float]
    """Angles of targets [rad]."""
    pitch: tuple[float, float]
    yaw: tuple[float, float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """A robot and its task."""

    path: Path
    """The card's file."""
    kind: str
    """One of `KINDS`."""
    urdf: Path
    sha256: str
    """Of the URDF, when the card was written."""
    package_paths: tuple[Path, ...]
    """Where meshes lie besides the folders above the URDF."""
    base: str
    """The root link; it floats in a velocity task and stays in a reach task."""
    height: float
    """Height at which the base starts [m]."""
    joints: tuple[JointCard, ...]
    """In the order of actions and observations."""
    frozen: tuple[str, ...]
    """Joints that are held at 0 and no part of the task."""
    feet: tuple[str, ...]
    """Links that stand on the ground; empty for an arm."""
    end_effector: str
    """Link that reaches; empty for a walking robot."""
    friction: float
    """Coefficient of all its surfaces [1]."""
    task: VelocityTask | ReachTask
    guesses: dict[str, Guess]
    """What is to be confirmed, by name."""

    @property
    def name(self) -> str:
        """The card's name: its file's."""
        return self.path.stem

    @property
    def open_guesses(self) -> tuple[str, ...]:
        """What nobody has confirmed yet."""
        return tuple(name for name, guess in self.guesses.items() if guess.confirm)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


KEYS = (
    "schema", "kind", "urdf", "sha256", "package_paths", "base", "height", "joints", "frozen", "feet", "end_effector",
    "friction", "task", "guesses",
)  # fmt: skip


def read_card(path: Path) -> Card:
    """Read a card, without its URDF.

    Raises:
        SpecError: naming every fault with file, line and key.
    """
    from sim2real.errors import Sim2RealError

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Sim2RealError(f"{path}: the robot card cannot be read: {error}") from None
    root = compose(text, str(path), path.parent)
    fields = root.fields(f"a mapping that starts with 'schema: {SCHEMA}'")
    missing = [key for key in ("schema", "kind", "urdf", "sha256", "base", "joints", "task") if key not in fields]
    if missing:
        raise root.fault(f"missing: {listing(missing)}; 'robot add' writes a whole card")
    if fields["schema"].number(f"the version, {SCHEMA}") != SCHEMA:
        raise fields["schema"].fault(f"got {fields['schema'].describe()}; this release reads schema {SCHEMA}")
    kind = fields["kind"].choice("kind of task", KINDS)
    needs = {"velocity": "feet", "reach": "end_effector"}[kind]
    other = {"velocity": "end_effector", "reach": "feet"}[kind]
    if needs not in fields:
        raise root.fault(f"'{needs}' is missing; kind: {kind} needs it")
    if other in fields:
        raise fields[other].fault(f"has no part in kind: {kind}; remove it")
    if kind == "velocity" and "height" not in fields:
        raise root.fault("'height' is missing: where the base starts above the ground [m]")
    parts: dict[str, Any] = {
        "keys": partial(root.only, fields, KEYS),
        "urdf": lambda: path.parent / fields["urdf"].text("the path of a URDF"),
        "sha256": lambda: _sha256(fields["sha256"]),
        "package_paths": lambda: tuple(path.parent / name for name in _names(fields.get("package_paths"))),
        "base": lambda: fields["base"].text("the name of the root link"),
        "height": lambda: fields["height"].number("a height in m") if "height" in fields else 0.0,
        "joints": lambda: _joints(fields["joints"]),
        "frozen": lambda: _names(fields.get("frozen")),
        "feet": lambda: _names(fields.get("feet"), least=1 if kind == "velocity" else 0),
        "end_effector": lambda: fields["end_effector"].text("the name of a link") if kind == "reach" else "",
        "friction": lambda: _positive(fields["friction"]) if "friction" in fields else 0.8,
        "task": lambda: _task(fields["task"], kind),
        "guesses": lambda: _guesses(fields.get("guesses")),
    }
    found = gather(parts)
    del found["keys"]
    card = Card(path=path, kind=kind, **found)
    twice = {joint.name for joint in card.joints} & set(card.frozen)
    if twice:
        raise fields["frozen"].fault(f"{listing(sorted(twice))} stand among the joints too; name each once")
    return card


def _sha256(node: Node) -> str:
    text = node.text("a SHA-256, 64 hexadecimal digits")
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise node.fault(f"got {node.describe()}; give the URDF's SHA-256, 64 hexadecimal digits")
    return text


def _names(node: Node | None, least: int = 0) -> tuple[str, ...]:
    if node is None:
        return ()
    names = tuple(entry.text("a name") for entry in node.items("a list of names, such as [a, b]"))
    if len(set(names)) < len(names):
        raise node.fault(f"got {listing(names)}; name each once")
    if len(names) < least:
        raise node.fault(f"got none; give {least} or more")
    return names


def _positive(node: Node, zero: bool = False) -> float:
    value = node.number()
    if value < 0 or (value == 0 and not zero):
        raise node.fault(f"got {node.describe()}; give a number {'of 0 or' if zero else ''} above 0".replace("  ", " "))
    return value


def _range(node: Node) -> tuple[float, float]:
    values = [entry.number() for entry in node.items("two numbers, [lower, upper]")]
    if len(values) != 2 or values[0] > values[1]:
        raise node.fault(f"got {values}; give [lower, upper]")
    return values[0], values[1]


def _joints(node: Node) -> tuple[JointCard, ...]:
    fields = node.fields("a mapping of joints, each {limits: [a, b], effort: ..., ...}")
    if not fields:
        raise node.fault("no joints; give one or more")
    return tuple(gather({name: partial(_joint, name, entry) for name, entry in fields.items()}).values())


def _joint(name: str, node: Node) -> JointCard:
    keys = [field.name for field in dataclasses.fields(JointCard) if field.name != "name"]
    fields = node.fields(f"{{{', '.join(key + ': ...' for key in keys)}}}")
    node.only(fields, keys)
    missing = [key for key in keys if key not in fields]
    if missing:
        raise node.fault(f"missing: {listing(missing)}")
    endless = fields["limits"].describe() in ("'none'", "nothing")
    joint = JointCard(
        name=name,
        limits=None if endless else _range(fields["limits"]),
        pose=fields["pose"].number(),
        **{key: _positive(fields[key], zero=key in ("kd", "armature")) for key in keys[1:-1]},
    )
    if joint.limits is not None and not joint.limits[0] <= joint.pose <= joint.limits[1]:
        raise fields["pose"].fault(f"got {joint.pose:g}, outside the limits {list(joint.limits)}")
    return joint


def _task(node: Node, kind: str) -> VelocityTask | ReachTask:
    made: type[VelocityTask] | type[ReachTask] = VelocityTask if kind == "velocity" else ReachTask
    keys = [field.name for field in dataclasses.fields(made)]
    fields = node.fields("the task's settings")
    node.only(fields, keys)
    missing = [key for key in keys if key not in fields]
    if missing:
        raise node.fault(f"missing: {listing(missing)}")
    ranges = gather({key: partial(_range, fields[key]) for key in keys[1:]})
    return made(action_scale=_positive(fields["action_scale"]), **ranges)


def _guesses(node: Node | None) -> dict[str, Guess]:
    if node is None:
        return {}
    fields = node.fields("a mapping of guesses, each {confirm: true, why: ...}")
    node.only(fields, GUESSES)
    return {name: _guess(entry) for name, entry in fields.items()}


def _guess(node: Node) -> Guess:
    fields = node.fields("{confirm: true, why: ...}")
    node.only(fields, ("confirm", "why"))
    if "confirm" not in fields:
        raise node.fault("'confirm' is missing; give true, or false once it was compared with the robot")
    return Guess(
        confirm=fields["confirm"].choice("answer", ("true", "false")) == "true",
        why=fields["why"].text("a reason") if "why" in fields else "",
    )


def description_of(card: Card) -> Description:
    """Read the URDF of a card, and check that they agree.

    Raises:
        Sim2RealError: the URDF is not there, cannot be used, or is another than the card was written for; or the card
            names what it does not have.
    """
    from sim2real.errors import Sim2RealError

    if not card.urdf.is_file():
        raise Sim2RealError(f"{card.path}: urdf: no file {card.urdf}; mend the path, or run 'robot add --force' again")
    if sha256_of(card.urdf) != card.sha256:
        raise Sim2RealError(
            f"{card.path}: sha256: {card.urdf.name} changed since the card was written; look at what changed, then run"
            f" 'robot add {card.urdf} --name {card.name} --force', or write sha256: {sha256_of(card.urdf)}"
        )
    robot = read_urdf(card.urdf, card.package_paths)
    faults = []
    if card.base != robot.root:
        faults.append(f"base: got '{card.base}'; the root link of {card.urdf.name} is '{robot.root}'")
    for key, names in (("feet", card.feet), ("end_effector", (card.end_effector,) if card.end_effector else ())):
        for name in names:
            if name not in robot.links:
                faults.append(f"{key}: {card.urdf.name} has no link '{name}'; it has {listing(robot.links)}")
    moving = {name: joint for name, joint in robot.joints.items() if joint.moves}
    given = [joint.name for joint in card.joints] + list(card.frozen)
    for name in given:
        if name not in moving:
            faults.append(f"joints: {card.urdf.name} has no moving joint '{name}'; it has {listing(moving)}")
    left = [name for name in moving if name not in given]
    if left:
        faults.append(f"joints: {listing(left)} of {card.urdf.name} are missing; add them, or list them under 'frozen'")
    for entry in card.joints:
        joint = moving.get(entry.name)
        if joint is not None and entry.limits is None and joint.type != "continuous":
            faults.append(f"joints.{entry.name}.limits: got none; this joint is {joint.type}: give [lower, upper]")
        if joint is not None and joint.mimic:
            faults.append(f"joints.{entry.name}: mimics '{joint.mimic}' and has no drive; list it under 'frozen'")
    if faults:
        raise Sim2RealError("\n".join(f"{card.path}: {fault}" for fault in faults))
    return robot
