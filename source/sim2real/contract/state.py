"""The observation of a policy that feels instead of sees: terms of the robot's own state, in order.

A term says which quantity of which joints goes in, what is subtracted, where it is clipped, what it is multiplied by
and how many past samples come along. The kinds are a closed list, so that any robot or simulator that can give these
quantities can run the policy:

=================== ==== ============ ===================================================================
kind                size unit         the quantity
=================== ==== ============ ===================================================================
base_lin_vel           3 m/s          velocity of the base link's centre of mass, in the base's frame
base_ang_vel           3 rad/s        angular velocity of the base link, in its own frame
projected_gravity      3 1            the unit vector downwards, in the base's frame
velocity_command       3 m/s, rad/s   wanted forward and leftward velocity and turn rate, in the base's frame
pose_command           7 m, 1         wanted place of a body: x, y, z and a quaternion xyzw, in the base's frame
joint_pos              n rad (or m)   joint positions minus the term's offset
joint_vel              n rad/s (m/s)  joint velocities minus the term's offset
last_action            n 1            the network's previous output, after the action's raw clip; 0 at the start
height_scan            n m            how far below the sensor each ray hits, minus the term's offset
=================== ==== ============ ===================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sim2real.contract.errors import ContractError
from sim2real.contract.reading import (
    as_range,
    keys,
    labels,
    need,
    need_label,
    need_name,
    need_whole,
    numbers,
    objects,
    optional_range,
    plain,
)

KINDS: dict[str, tuple[int | None, tuple[str, ...]]] = {
    "base_lin_vel": (3, ("m/s",)),
    "base_ang_vel": (3, ("rad/s",)),
    "projected_gravity": (3, ("1",)),
    "velocity_command": (3, ("m/s, m/s, rad/s",)),
    "pose_command": (7, ("m, quaternion xyzw",)),
    "joint_pos": (None, ("rad", "m", "rad or m")),
    "joint_vel": (None, ("rad/s", "m/s", "rad/s or m/s")),
    "last_action": (None, ("1",)),
    "height_scan": (None, ("m",)),
}
"""Size (None: the term's own) and units of each kind of term."""
COMMANDS = ("velocity_command", "pose_command")
"""Kinds that come from whoever commands the robot."""
JOINTS = ("joint_pos", "joint_vel")
"""Kinds that are read of joints."""
LAYOUTS = ("term_major", "time_major")
ORDERS = ("oldest_first", "newest_first")


@dataclass(frozen=True, kw_only=True)
class ObservationTerm:
    """One part of the observation: quantity minus offset, clipped, scaled, with its history."""

    name: str
    """Name of the term."""
    kind: str
    """One of ``KINDS``."""
    size: int
    """Numbers of one sample."""
    unit: str
    """Unit of the quantity before the scale."""
    joints: tuple[str, ...] = ()
    """Names of the joints in order, for the kinds that read joints."""
    offset: tuple[float, ...] = (0.0,)
    """What is subtracted [unit]: one number, or one for each."""
    command: str | None = None
    """Name of the command, for the kinds that are commanded."""
    clip: tuple[float, float] | None = None
    """Range to which the difference is clipped [unit]; None: not clipped."""
    scale: tuple[float, ...] = (1.0,)
    """What the clipped difference is multiplied by: one number, or one for each."""
    history: int = 1
    """Samples in the observation, the newest among them; after a reset all are the first one."""
    sensor: Mapping[str, Any] = field(default_factory=dict)
    """For a height scan: where the rays start and in which order they come."""

    def __post_init__(self) -> None:
        """Check that the parts fit. Raises: ContractError."""
        need_name(self.name, "observation.terms: name")
        where = f"observation.terms: {self.name}."
        need(self.kind in KINDS, where + "kind", self.kind, f"one of {', '.join(KINDS)}")
        size, units = KINDS[self.kind]
        need_whole(self, "size", where, 1)
        need(size in (None, self.size), where + "size", self.size, f"{size} for {self.kind}")
        need(self.unit in units, where + "unit", self.unit, f"one of {', '.join(map(repr, units))}")
        labels(self, "joints", where)
        wanted = self.size if self.kind in JOINTS else 0
        need(len(self.joints) == wanted, where + "joints", self.joints, f"the names of {wanted} joints")
        numbers(self, "offset", where, (1, self.size))
        numbers(self, "scale", where, (1, self.size))
        optional_range(self, "clip", where)
        need_whole(self, "history", where, 1)
        if self.kind in COMMANDS:
            need_label(self.command, where + "command")
        else:
            need(self.command is None, where + "command", self.command, f"null for {self.kind}")
        object.__setattr__(self, "sensor", plain(self.sensor, where + "sensor"))


@dataclass(frozen=True, kw_only=True)
class Command:
    """What was asked of the policy in training."""

    name: str
    """Name of the command; terms refer to it."""
    kind: str
    """``velocity_command`` or ``pose_command``."""
    ranges: Mapping[str, tuple[float, float]]
    """Range of each component [SI units, rad], e.g. ``lin_vel_x``."""
    body: str | None = None
    """The body whose pose is commanded; None for a velocity."""
    heading_stiffness: float | None = None
    """Turn rate per radian of heading error [1/s], where the turn rate was made from a heading; None: it was drawn."""
    resample_s: tuple[float, float] | None = None
    """After how long a new command was drawn [s]."""
    side_xyzw: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)
    """Of a pose: a quaternion of training. Of two that mean one turn, the policy knows the one on this one's side."""

    def __post_init__(self) -> None:
        """Check names and ranges. Raises: ContractError."""
        need_label(self.name, "observation.commands: name")
        where = f"observation.commands: {self.name}."
        need(self.kind in COMMANDS, where + "kind", self.kind, f"one of {', '.join(COMMANDS)}")
        need(isinstance(self.ranges, Mapping) and bool(self.ranges), where + "ranges", self.ranges, "ranges by name")
        ranges = {str(name): as_range(pair, f"{where}ranges.{name}") for name, pair in self.ranges.items()}
        object.__setattr__(self, "ranges", ranges)
        if self.kind == "pose_command":
            need_label(self.body, where + "body")
        else:
            need(self.body is None, where + "body", self.body, "null for a velocity")
        if self.heading_stiffness is not None:
            numbers_of = (self.heading_stiffness,)
            good = isinstance(numbers_of[0], (int, float)) and not isinstance(numbers_of[0], bool)
            need(good and numbers_of[0] > 0, where + "heading_stiffness", self.heading_stiffness, "a number above 0")
            object.__setattr__(self, "heading_stiffness", float(self.heading_stiffness))
        optional_range(self, "resample_s", where)
        numbers(self, "side_xyzw", where, (4,))
        long = sum(value * value for value in self.side_xyzw)
        need(abs(long - 1.0) < 1e-3, where + "side_xyzw", self.side_xyzw, "a quaternion of length 1")


@dataclass(frozen=True, kw_only=True)
class StateObservation:
    """The robot's own state as the network's input, (batch, size)."""

    name: str = "observation"
    """Name of the network's input."""
    kind: str = "state"
    """``state``: terms of the robot's own state."""
    terms: tuple[ObservationTerm, ...]
    """The parts, in order."""
    layout: str = "term_major"
    """``term_major``: all samples of a term, then the next term. ``time_major``: all terms of a sample, then the next
    sample; every term then has the same history."""
    history_order: str = "oldest_first"
    """``oldest_first`` or ``newest_first``: order of the samples."""
    normalizer: str = "inside"
    """``inside``: the network takes the observation as assembled and normalizes it itself, if it was trained so."""
    commands: tuple[Command, ...] = ()
    """The commands that terms refer to, with the ranges of training."""

    def __post_init__(self) -> None:
        """Check that the parts fit. Raises: ContractError."""
        need_name(self.name, "observation.name")
        need(self.kind == "state", "observation.kind", self.kind, "'state'")
        need(self.layout in LAYOUTS, "observation.layout", self.layout, f"one of {', '.join(LAYOUTS)}")
        order = self.history_order
        need(order in ORDERS, "observation.history_order", order, f"one of {', '.join(ORDERS)}")
        need(self.normalizer == "inside", "observation.normalizer", self.normalizer, "'inside'")
        object.__setattr__(self, "terms", tuple(self.terms))
        object.__setattr__(self, "commands", tuple(self.commands))
        names = [term.name for term in self.terms]
        need(len(set(names)) == len(names) >= 1, "observation.terms", names, "one or more terms, each name once")
        known = {command.name: command for command in self.commands}
        need(len(known) == len(self.commands), "observation.commands", list(known), "each name once")
        for term in self.terms:
            if term.command is None:
                continue
            found = known.get(term.command)
            if found is None or found.kind != term.kind:
                raise ContractError(
                    f"observation.terms: {term.name} takes the {term.kind} '{term.command}'; the commands are: "
                    f"{', '.join(f'{c.name} ({c.kind})' for c in self.commands) or 'none'}."
                )
        if self.layout == "time_major":
            lengths = {term.name: term.history for term in self.terms}
            need(len(set(lengths.values())) == 1, "observation.terms: history", lengths, "equal under 'time_major'")

    @property
    def size(self) -> int:
        """Length of the observation."""
        return sum(term.size * term.history for term in self.terms)

    @classmethod
    def from_dict(cls, data: Any) -> StateObservation:
        """Read from plain JSON values. Raises: ContractError."""
        top = keys(cls, data, "observation")
        top["terms"] = objects(ObservationTerm, top["terms"], "observation.terms")
        top["commands"] = objects(Command, top["commands"], "observation.commands")
        return cls(**top)
