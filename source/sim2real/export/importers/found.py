"""What an artefact says, in one form whatever it came from, and what its owner has to add.

Every importer fills in a ``Found``. What its format does not carry stays None, and the assembly of the contract asks
for it by the name of the option that supplies it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.contract import FileRecord
from sim2real.export.importers.reading import ArtefactError

if TYPE_CHECKING:
    from sim2real.export.importers.network import Network

TERMS = {
    "base_lin_vel": ("base_lin_vel", False),
    "base_ang_vel": ("base_ang_vel", False),
    "projected_gravity": ("projected_gravity", False),
    "velocity_command": ("velocity_command", False),
    "pose_command": ("pose_command", False),
    "joint_pos": ("joint_pos", False),
    "joint_pos_rel": ("joint_pos", True),
    "joint_vel": ("joint_vel", False),
    "joint_vel_rel": ("joint_vel", True),
    "last_action": ("last_action", False),
}
"""What an observation term can be said to be: kind of the contract, and whether the default pose is subtracted."""


@dataclass(frozen=True, kw_only=True)
class FoundTerm:
    """A term of the observation."""

    name: str
    """What the artefact calls it."""
    what: str | None = None
    """A name of ``TERMS``; None: the importer does not know."""
    size: int | None = None
    """Numbers of one sample; None: as its kind has."""
    joints: tuple[str, ...] | None = None
    """Joints in order; None: all of the robot's."""
    offset: tuple[float, ...] | None = None
    """What is subtracted; None: what its kind says."""
    scale: tuple[float, ...] | None = None
    """Factors, one for each number; None: 1."""
    clip: tuple[float, float] | None = None
    """Range before the scale; None: not clipped."""
    history: int = 1
    """Samples."""
    command: str | None = None
    """Name of the command; None: the only one."""


@dataclass(frozen=True, kw_only=True)
class FoundAction:
    """Targets of joint positions."""

    joints: tuple[str, ...]
    """Joints in the order of the outputs."""
    scale: tuple[float, ...]
    """Position per output [rad or m]."""
    offset: tuple[float, ...]
    """Position at an output of 0 [rad or m]."""
    clip: tuple[tuple[float, float] | None, ...] | None = None
    """Range of each target; None: not clipped."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What an artefact says. Mappings go from a joint's name to its number."""

    kind: str
    """The format."""
    network: Network
    """Its network, as a bundle takes it."""
    files: Mapping[str, FileRecord]
    """What was read: name, size, hash."""
    joints: tuple[str, ...] = ()
    """All joints of the robot, in the artefact's order; empty: unknown."""
    default_pos: Mapping[str, float] = field(default_factory=dict)
    """Default pose [rad or m]."""
    default_vel: Mapping[str, float] = field(default_factory=dict)
    """Its velocities; 0 where none is given [rad/s or m/s]."""
    position_limit: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    """Ranges [rad or m]; without one, the description's hold."""
    kp: Mapping[str, float] = field(default_factory=dict)
    """Stiffness [N·m/rad or N/m]."""
    kd: Mapping[str, float] = field(default_factory=dict)
    """Damping [N·m·s/rad or N·s/m]."""
    armature: Mapping[str, float] = field(default_factory=dict)
    """Rotor inertia [kg·m² or kg]."""
    friction: Mapping[str, float] = field(default_factory=dict)
    """Static friction [N·m or N]."""
    terms: tuple[FoundTerm, ...] = ()
    """The observation; empty: unknown."""
    layout: str = "term_major"
    """As in the contract."""
    action: FoundAction | None = None
    """The action; None: unknown."""
    commands: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """Commands with their ranges; empty ranges: unknown."""
    physics: str | None = None
    """Engine of training."""
    physics_dt_s: float | None = None
    """Its step [s]."""
    step_s: float | None = None
    """Time of one decision [s]."""
    drive: str = "implicit_pd"
    """Kind of drive of the contract."""
    warnings: tuple[str, ...] = ()
    """What was lost on the way, or had to be assumed."""


@dataclass(frozen=True, kw_only=True)
class ImportCfg:
    """What an artefact's owner adds, and how golden vectors are made."""

    kind: str | None = None
    """The format; None: told from the files."""
    name: str | None = None
    """Name of the policy, lower-case; None: made from the file's."""
    urdf: Path | None = None
    """Description of the robot."""
    joints: tuple[str, ...] | None = None
    """Names of all joints in the order of training, where the artefact has none."""
    sdk_joints: tuple[str, ...] | None = None
    """Names of the joints by their number on the robot's bus, where the artefact has numbers; empty: unused."""
    kp: str | None = None
    """Stiffness: one number, or ``pattern=number,...``."""
    kd: str | None = None
    """Damping, likewise."""
    effort: str | None = None
    """Largest torque or force, likewise; without it the description's."""
    armature: str | None = None
    """Rotor inertia, likewise."""
    friction: str | None = None
    """Static friction, likewise."""
    drive: str | None = None
    """Kind of drive: ``implicit_pd`` or ``pd``; None: what the format's owner uses."""
    rate_hz: float | None = None
    """Decisions per second."""
    physics_dt_s: float | None = None
    """Physics step of training [s]."""
    physics: str | None = None
    """Engine of training."""
    clip_actions: float | None = None
    """Largest magnitude of the network's output, as the trainer clips it; None: not clipped."""
    command: str | None = None
    """Name of the command."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Range of each component of the command."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """What terms are, by name: a name of ``TERMS``."""
    start_height_m: float | None = None
    """Height of the base at the start, above flat ground [m]; for a robot that moves about."""
    base_link: str | None = None
    """Link whose motion is the base's; None: the root of the description."""
    end_effector: str | None = None
    """Body whose pose is commanded."""
    seed: int = 1
    """Seed of the drawn states."""
    steps: int = 40
    """Decisions of the golden vectors."""
    num_envs: int = 4
    """Robots of the golden vectors."""

    def given(self) -> dict[str, Any]:
        """What was added, by the name of its option, as plain values."""
        made = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("seed", "steps", "num_envs")}
        kept = {name: value for name, value in made.items() if value not in (None, {}, ())}
        return {name: value.name if isinstance(value, Path) else _plain(value) for name, value in kept.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def by_pattern(text: str, joints: Sequence[str], option: str) -> dict[str, float]:
    """The number of each joint: ``25``, or ``.*_calf_joint=40,.*=25``, the first pattern that fits.

    Args:
        text: what was given.
        joints: names of all joints.
        option: name of the option, for the error.

    Raises:
        ArtefactError: no number, a pattern that no joint fits, or a joint that fits no pattern.
    """
    pairs: list[tuple[str, float]] = []
    for part in text.split(","):
        pattern, found, value = part.rpartition("=")
        try:
            pairs.append((pattern.strip() if found else ".*", float(value)))
            re.compile(pairs[-1][0])
        except (ValueError, re.error):
            raise ArtefactError(
                f"{option} is {text!r}; it must be a number, or PATTERN=NUMBER separated by commas."
            ) from None
    found_for: dict[str, float] = {}
    used: set[int] = set()
    for joint in joints:
        at = next((i for i, (pattern, _) in enumerate(pairs) if re.fullmatch(pattern, joint)), None)
        if at is None:
            raise ArtefactError(f"{option} {text!r} says nothing for {joint}; add '.*=NUMBER' at its end.")
        used.add(at)
        found_for[joint] = pairs[at][1]
    idle = [pattern for i, (pattern, _) in enumerate(pairs) if i not in used]
    if idle:
        raise ArtefactError(f"{option}: no joint is left for {', '.join(idle)}; the joints are: {', '.join(joints)}.")
    return found_for
