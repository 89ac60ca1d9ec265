"""From the robot's state to the network's input, and from its output to joint targets, the same lines everywhere.

The state comes by names: whoever reads the robot, or another engine, says which number belongs to which joint, and the
order that the network wants is made here. One row per robot; all rows decide at the same time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim2real.contract.errors import ContractError
from sim2real.contract.joints import Joint
from sim2real.contract.schema import Contract
from sim2real.contract.state import ObservationTerm


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotState:
    """What a robot knows of itself at the time of a decision; n robots in n rows, or one robot without the row axis.

    Only what the policy's terms ask for has to be given.
    """

    joint_names: tuple[str, ...] = ()
    """Names of the columns of ``joint_pos`` and ``joint_vel``, in any order; more than are needed may be there."""
    joint_pos: Any = None
    """Joint positions [rad or m], (n, joints)."""
    joint_vel: Any = None
    """Joint velocities [rad/s or m/s], (n, joints)."""
    base_quat_xyzw: Any = None
    """Orientation of the base in the world, whose z axis points up, (n, 4)."""
    base_ang_vel: Any = None
    """Angular velocity of the base link in its own frame [rad/s], (n, 3)."""
    base_lin_vel: Any = None
    """Velocity of the base link's centre of mass in the base's frame [m/s], (n, 3)."""
    commands: Mapping[str, Any] = field(default_factory=dict)
    """Commands by name, (n, 3) for a velocity, (n, 7) for a pose."""
    height_scan: Any = None
    """How far below the sensor each ray hits [m], (n, rays)."""
    last_action: Any = None
    """The network's previous output after the raw clip, (n, actions); 0 in the first decision of an episode."""


class ObservationAssembler:
    """Builds the observations of n robots and remembers their history.

    Args:
        contract: the contract of a policy that feels its own state.
        num_envs: number of robots.

    Raises:
        ContractError: the policy takes something else.
    """

    def __init__(self, contract: Contract, num_envs: int = 1) -> None:
        observation = contract.state
        if num_envs < 1:
            raise ContractError(f"num_envs is {num_envs}; it must be at least 1.")
        self.num_envs = num_envs
        self.size = observation.size
        """Length of an observation."""
        self._observation = observation
        self._samples = [np.zeros((num_envs, term.history, term.size), np.float32) for term in observation.terms]
        self._fresh = np.ones(num_envs, bool)
        self._columns: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}

    def reset(self, rows: Any = None) -> None:
        """Begin an episode: the next sample of these robots becomes their whole history; None: of all robots."""
        self._fresh[slice(None) if rows is None else rows] = True

    def __call__(self, state: RobotState) -> np.ndarray:
        """The observations of a decision; to be called once for each.

        Args:
            state: of all robots.

        Returns:
            float32 (num_envs, size).

        Raises:
            ContractError: something that a term asks for is missing, of another shape, or not finite. Nothing is
                remembered then.
        """
        samples = [self._sample(term, state) for term in self._observation.terms]
        for kept, sample in zip(self._samples, samples, strict=True):
            kept[:, :-1] = kept[:, 1:]
            kept[:, -1] = sample
            kept[self._fresh] = sample[self._fresh, None]
        self._fresh[:] = False
        newest_first = self._observation.history_order == "newest_first"
        parts = [kept[:, ::-1] if newest_first else kept for kept in self._samples]
        if self._observation.layout == "time_major":
            return np.concatenate(parts, axis=2).reshape(self.num_envs, -1)
        return np.concatenate([part.reshape(self.num_envs, -1) for part in parts], axis=1)

    def _sample(self, term: ObservationTerm, state: RobotState) -> np.ndarray:
        """One sample of a term, float32 (num_envs, size)."""
        value = self._quantity(term, state) - np.asarray(term.offset, np.float32)
        if term.clip is not None:
            value = np.clip(value, np.float32(term.clip[0]), np.float32(term.clip[1]))
        return value * np.asarray(term.scale, np.float32)

    def _quantity(self, term: ObservationTerm, state: RobotState) -> np.ndarray:
        """The quantity of a term, float32 (num_envs, size)."""
        if term.kind == "projected_gravity":
            return downwards(self._rows(state.base_quat_xyzw, "base_quat_xyzw", 4, term))
        if term.kind in ("joint_pos", "joint_vel"):
            values = self._rows(getattr(state, term.kind), term.kind, len(state.joint_names), term)
            return values[:, self._joint_columns(term, state.joint_names)]
        if term.command is not None:
            if term.command not in state.commands:
                given = ", ".join(state.commands) or "none"
                raise ContractError(f"observation '{term.name}' needs the command '{term.command}'; given: {given}.")
            value = self._rows(state.commands[term.command], f"commands['{term.command}']", term.size, term)
            return value if term.kind != "pose_command" else self._on_known_side(value, term.command)
        return self._rows(getattr(state, term.kind), term.kind, term.size, term)

    def _on_known_side(self, poses: np.ndarray, command: str) -> np.ndarray:
        """Poses with the one of each two equal quaternions that the policy knows, float32 (num_envs, 7)."""
        (side,) = (known.side_xyzw for known in self._observation.commands if known.name == command)
        sign = np.where(poses[:, 3:] @ np.asarray(side, np.float32) < 0.0, np.float32(-1.0), np.float32(1.0))
        return np.concatenate([poses[:, :3], poses[:, 3:] * sign[:, None]], axis=1)

    def _joint_columns(self, term: ObservationTerm, names: tuple[str, ...]) -> np.ndarray:
        """Where the joints of a term stand in the state."""
        key = (term.name, tuple(names))
        if key not in self._columns:
            self._columns[key] = columns_of(term.joints, names, f"observation '{term.name}'")
        return self._columns[key]

    def _rows(self, value: Any, name: str, size: int, term: ObservationTerm) -> np.ndarray:
        """A checked quantity of the state, float32 (num_envs, size)."""
        if value is None:
            raise ContractError(f"observation '{term.name}' needs {name} [{term.unit}], which the state does not give.")
        return as_rows(value, name, self.num_envs, size)


class ActionMapper:
    """Makes joint targets of the network's outputs, of any kind that moves joints.

    Raises:
        ContractError: the policy moves no joints.
    """

    def __init__(self, contract: Contract) -> None:
        action = contract.joint_action
        self.kind: str = action.kind
        """``position``, ``delta_position``, ``velocity`` or ``effort``."""
        self.joint_names: tuple[str, ...] = action.joints
        """Names of the joints, in the order of outputs and targets."""
        self._raw_clip = action.raw_clip
        self._scale = np.asarray(action.scale, np.float32)
        self._offset = np.asarray(action.offset, np.float32)
        pairs = action.clip or (None,) * len(action.joints)
        self._low = np.asarray([-np.inf if pair is None else pair[0] for pair in pairs], np.float32)
        self._high = np.asarray([np.inf if pair is None else pair[1] for pair in pairs], np.float32)
        joints = [contract.robot.joint(name) for name in action.joints] if contract.robot is not None else []
        self.units: tuple[str, ...] = tuple(UNITS[self.kind][joint.unit] for joint in joints)
        """Unit of each target."""
        self.limits: np.ndarray = np.array([_limit_of(self.kind, joint) for joint in joints], np.float32)
        """What the robot's joints may do, float32 (joints, 2): of positions, velocities or efforts, as the kind says.
        Infinite where there is no limit. Targets are not clipped to it: a target beyond a joint's end is how a policy
        presses against it. A supervisor may."""

    def raw(self, output: Any) -> np.ndarray:
        """The output within its own range, float32 (n, joints): what the next decision sees as the last action."""
        array = np.asarray(output)
        rows = as_rows(array, "output", len(array) if array.ndim == 2 else 1, len(self.joint_names))
        return rows if self._raw_clip is None else np.clip(rows, *np.asarray(self._raw_clip, np.float32))

    def targets(self, output: Any, joint_pos: Any = None) -> np.ndarray:
        """What the drives get until the next decision.

        Args:
            output: (n, joints) the network's output.
            joint_pos: (n, joints) measured positions [rad or m] in the order of ``joint_names``; for
                ``delta_position``, which adds to them, and for it alone.

        Returns:
            float32 (n, joints), as ``joint_names`` says: positions [rad or m], velocities [rad/s or m/s] or efforts
            [N·m or N]. Of ``delta_position`` positions too; where training added in each physics step
            (``each_physics_step``), ask again with new positions and the same output as often as the drives are told.

        Raises:
            ContractError: an output that is none, or positions that are missing or not asked for.
        """
        scaled = np.clip(self.raw(output) * self._scale + self._offset, self._low, self._high)
        relative = self.kind == "delta_position"
        if relative != (joint_pos is not None):
            asked = "needs the measured joint_pos" if relative else "takes no joint_pos"
            raise ContractError(f"an action of kind '{self.kind}' {asked}.")
        return scaled + as_rows(joint_pos, "joint_pos", *scaled.shape) if relative else scaled

    def targets_in(self, state: RobotState, output: Any) -> np.ndarray:
        """The targets with the measured positions of a state, where the kind asks for them; see ``targets``."""
        if self.kind != "delta_position":
            return self.targets(output)
        if state.joint_pos is None:
            raise ContractError("an action of kind 'delta_position' needs joint_pos, which the state does not give.")
        rows = len(np.atleast_2d(np.asarray(output)))
        measured = as_rows(state.joint_pos, "joint_pos", rows, len(state.joint_names))
        return self.targets(output, measured[:, columns_of(self.joint_names, state.joint_names, "the action")])

    def by_name(self, output: Any, joint_pos: Any = None) -> dict[str, np.ndarray]:
        """The targets of each joint, (n,), by its name."""
        return dict(zip(self.joint_names, self.targets(output, joint_pos).T, strict=True))


UNITS: dict[str, dict[str, str]] = {
    "position": {"rad": "rad", "m": "m"},
    "delta_position": {"rad": "rad", "m": "m"},
    "velocity": {"rad": "rad/s", "m": "m/s"},
    "effort": {"rad": "N·m", "m": "N"},
}
"""Unit of a target, by the kind of action and the unit of the joint."""


def _limit_of(kind: str, joint: Joint) -> tuple[float, float]:
    """What a joint may do in the quantity of an action's kind."""
    if kind in ("position", "delta_position"):
        return joint.position_limit or (-np.inf, np.inf)
    most = joint.velocity_limit if kind == "velocity" else joint.effort_limit
    return (-np.inf, np.inf) if most is None else (-most, most)


def downwards(quat_xyzw: np.ndarray) -> np.ndarray:
    """The unit vector downwards in the frame that a quaternion turns into the world, float32 (n, 3)."""
    quat = quat_xyzw.astype(np.float64)
    norm = np.linalg.norm(quat, axis=1)
    if not (np.abs(norm - 1.0) < 0.01).all():
        worst = int(np.abs(norm - 1.0).argmax())
        raise ContractError(f"base_quat_xyzw of robot {worst} has length {norm[worst]:.3g}; it must be 1.")
    x, y, z, w = (quat / norm[:, None]).T
    down = np.stack((2.0 * (w * y - x * z), -2.0 * (w * x + y * z), 2.0 * (x * x + y * y) - 1.0), axis=1)
    return down.astype(np.float32)


def columns_of(wanted: tuple[str, ...], names: tuple[str, ...], who: str) -> np.ndarray:
    """Where each wanted joint stands among the names, int64 (len(wanted),). Raises: ContractError."""
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ContractError(f"joint_names has {', '.join(twice)} more than once; each joint has one name.")
    place = {name: i for i, name in enumerate(names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise ContractError(
            f"{who} needs the joints {', '.join(missing)}, which the state does not give; it has: "
            f"{', '.join(names) or 'none'}."
        )
    return np.array([place[name] for name in wanted], np.int64)


def as_rows(value: Any, name: str, rows: int, size: int) -> np.ndarray:
    """Finite numbers as float32 (rows, size); one row may come without its axis. Raises: ContractError."""
    array = np.asarray(value)
    if array.ndim == 1 and rows == 1:
        array = array[None]
    if array.shape != (rows, size) or array.dtype.kind not in "fiu":
        raise ContractError(f"{name} is {array.dtype} of shape {array.shape}; it must be numbers of ({rows}, {size}).")
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        raise ContractError(
            f"{name} of robot {', '.join(map(str, bad[:5]))} is not finite; the policy must not run on it."
        )
    return array
