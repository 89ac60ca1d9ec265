"""What a policy's outputs mean: a choice among classes, or a target for each of some joints.

Joint targets come in four kinds, and all of them are made alike: the output is clipped, multiplied by a scale, an
offset is added, the sum is clipped. What differs is what the number is then: a position to hold, a step to add to the
measured position, a velocity, or an effort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim2real.contract.reading import NAME, as_range, keys, labels, need, need_name, numbers, optional_range


@dataclass(frozen=True, kw_only=True)
class ClassAction:
    """A choice among named actions: the index of the largest output."""

    names: tuple[str, ...]
    """What each output stands for, in order."""
    kind: str = "class"
    """``class``: arg max over the outputs."""
    output: str = "logits"
    """Name of the network's output."""

    def __post_init__(self) -> None:
        """Check the names. Raises: ContractError."""
        need(self.kind == "class", "action.kind", self.kind, "'class'")
        need(isinstance(self.names, (list, tuple)), "action.names", self.names, "a list of names")
        object.__setattr__(self, "names", tuple(self.names))
        good = all(isinstance(n, str) and NAME.fullmatch(n) for n in self.names)
        need(good and len(set(self.names)) == len(self.names) >= 2, "action.names", self.names, "two or more names")
        need_name(self.output, "action.output")

    @classmethod
    def from_dict(cls, data: Any) -> ClassAction:
        """Read from plain JSON values. Raises: ContractError."""
        return cls(**keys(cls, data, "action"))


@dataclass(frozen=True, kw_only=True)
class JointAction:
    """A target for each of some joints: output, clipped, times scale, plus offset, clipped.

    The unit of a target is that of its kind; scale, offset and clip are in it.
    """

    kind: str = ""
    """Set by the subclass."""
    output: str = "action"
    """Name of the network's output."""
    joints: tuple[str, ...]
    """Names of the joints, in the order of the outputs."""
    raw_clip: tuple[float, float] | None = None
    """Range to which the output itself is clipped, before it is scaled and before it is the last action [1]."""
    scale: tuple[float, ...] = (1.0,)
    """Target per output: one number, or one for each."""
    offset: tuple[float, ...]
    """Target at an output of 0: one number for each."""
    clip: tuple[tuple[float, float] | None, ...] | None = None
    """Range of each target; None: not clipped."""

    def __post_init__(self) -> None:
        """Check names and lengths. Raises: ContractError."""
        wanted = type(self).kind
        need(self.kind == wanted and bool(wanted), "action.kind", self.kind, repr(wanted or "that of a subclass"))
        need_name(self.output, "action.output")
        labels(self, "joints", "action.")
        count = len(self.joints)
        need(count >= 1, "action.joints", self.joints, "one or more names")
        numbers(self, "scale", "action.", (1, count))
        numbers(self, "offset", "action.", (count,))
        optional_range(self, "raw_clip", "action.")
        if self.clip is not None:
            pairs = self.clip
            good = isinstance(pairs, (list, tuple)) and len(pairs) == count
            need(good, "action.clip", pairs, f"a list of {count} ranges or nulls, or null")
            ranges = tuple(None if pair is None else as_range(pair, "action.clip") for pair in pairs)
            object.__setattr__(self, "clip", ranges)

    @classmethod
    def from_dict(cls, data: Any) -> JointAction:
        """Read from plain JSON values. Raises: ContractError."""
        return cls(**keys(cls, data, "action"))


@dataclass(frozen=True, kw_only=True)
class JointPositionAction(JointAction):
    """Positions that the drives hold [rad or m]; the offset is the default pose as a rule."""

    kind: str = "position"
    """``position``: the drives hold these positions."""


@dataclass(frozen=True, kw_only=True)
class JointDeltaPositionAction(JointAction):
    """Steps that are added to the measured positions, which the drives then hold [rad or m]."""

    kind: str = "delta_position"
    """``delta_position``: the drives hold the measured position plus this."""
    each_physics_step: bool = True
    """Whether training added the step to the position measured in each physics step, as Isaac Lab does: the target then
    moves between two decisions. False: to the position at the decision."""

    def __post_init__(self) -> None:
        """Check what is added. Raises: ContractError."""
        super().__post_init__()
        flag = self.each_physics_step
        need(isinstance(flag, bool), "action.each_physics_step", flag, "true or false")


@dataclass(frozen=True, kw_only=True)
class JointVelocityAction(JointAction):
    """Velocities that the drives hold [rad/s or m/s]."""

    kind: str = "velocity"
    """``velocity``: the drives hold these velocities."""


@dataclass(frozen=True, kw_only=True)
class JointEffortAction(JointAction):
    """Torques or forces that the drives give [N·m or N]."""

    kind: str = "effort"
    """``effort``: the drives give these torques or forces."""


JOINT_ACTIONS: dict[str, type[JointAction]] = {
    "position": JointPositionAction,
    "delta_position": JointDeltaPositionAction,
    "velocity": JointVelocityAction,
    "effort": JointEffortAction,
}
"""The kinds of joint targets."""
Action = ClassAction | JointPositionAction | JointDeltaPositionAction | JointVelocityAction | JointEffortAction
"""What may come out."""
ACTIONS: dict[str, Any] = {"class": ClassAction, **JOINT_ACTIONS}
