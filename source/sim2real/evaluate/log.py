"""What a robot did, decision by decision: the format that `diagnose` reads, and a writer for robots and players.

A row is one decision of the policy: what the robot reported when it decided, what was asked, what the network answered
and which joint positions were sent. The same arrays stand in an ``.npz`` file or, by name, in the columns of a CSV
file. Units are SI, quaternions x, y, z, w; that a robot may have confused them is what the diagnosis looks for, so
values are checked for being numbers, of one length and in time, not for being plausible.

=================== ========= ======== ===================== ==============================================
array (.npz)        shape     unit     columns (.csv)        what
=================== ========= ======== ===================== ==============================================
time                (t,)      s        time                  when the policy decided, at its rate
joint_names         (j,)               (from the columns)    names of the joints, in the order of columns
joint_pos           (t, j)    rad, m   pos.<joint>           joint positions
joint_vel           (t, j)    rad/s    vel.<joint>           joint velocities
base_quat_xyzw      (t, 4)    1        quat.x ... quat.w     orientation of the base; not for a fixed base
base_ang_vel        (t, 3)    rad/s    gyro.x ... gyro.z     angular velocity in the base's frame; likewise
command.<name>      (t, n)    SI       command.<name>.<i>    what was asked, by the contract's name
action_names, action (t, a)   1        action.<joint>        the network's raw output, and the joints it is for
targets             (t, j)    rad, m   target.<joint>        joint positions as sent
effort              (t, j)    N·m      effort.<joint>        measured torque; may be left away
base_lin_vel        (t, 3)    m/s      lin_vel.x ...         in the base's frame; may be left away
base_pos            (t, 3)    m        base.x ... base.z     in the world, ground at z = 0; may be left away
=================== ========= ======== ===================== ==============================================

`action` or `targets` may be left away, not both.
"""

from __future__ import annotations

import csv
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import RobotState
from sim2real.errors import Sim2RealError
from sim2real.evaluate.engines.player import Conditions, Player, Snapshot

LEAST = 20
"""Fewest decisions of a log."""
_WIDTHS: dict[str, Any] = {
    "joint_pos": "j", "joint_vel": "j", "targets": "j", "effort": "j", "action": "a", "base_quat_xyzw": 4,
    "base_ang_vel": 3, "base_lin_vel": 3, "base_pos": 3,
}  # fmt: skip
_PREFIX = {
    "pos": "joint_pos", "vel": "joint_vel", "target": "targets", "effort": "effort", "action": "action",
    "quat": "base_quat_xyzw", "gyro": "base_ang_vel", "lin_vel": "base_lin_vel", "base": "base_pos",
}  # fmt: skip
_AXES = {"base_quat_xyzw": "xyzw", "base_ang_vel": "xyz", "base_lin_vel": "xyz", "base_pos": "xyz"}
_COMMAND = "command."


class LogError(Sim2RealError):
    """A log that cannot be read, or does not fit together or to its policy."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotLog:
    """Decisions of one robot; float64 arrays, see the module."""

    time: np.ndarray
    """(t,) [s]."""
    joint_names: tuple[str, ...]
    """Columns of everything that is of joints."""
    joint_pos: np.ndarray
    """(t, j) [rad or m]."""
    joint_vel: np.ndarray
    """(t, j) [rad/s or m/s]."""
    base_quat_xyzw: np.ndarray | None = None
    """(t, 4)."""
    base_ang_vel: np.ndarray | None = None
    """(t, 3) [rad/s]."""
    commands: Mapping[str, np.ndarray] = field(default_factory=dict)
    """By name, (t, n)."""
    action_names: tuple[str, ...] = ()
    """Joints that the outputs are for."""
    action: np.ndarray | None = None
    """The network's raw output, (t, a)."""
    targets: np.ndarray | None = None
    """Joint positions as sent, (t, j) [rad or m]."""
    effort: np.ndarray | None = None
    """Measured torque, (t, j) [N·m or N]."""
    base_lin_vel: np.ndarray | None = None
    """(t, 3) [m/s]."""
    base_pos: np.ndarray | None = None
    """(t, 3) [m]."""

    def __post_init__(self) -> None:
        """Check shapes, numbers and times. Raises: LogError."""
        for name in ("joint_names", "action_names"):
            names = tuple(str(value) for value in getattr(self, name))
            object.__setattr__(self, name, names)
            twice = sorted({value for value in names if names.count(value) > 1})
            if twice or "" in names or (name == "joint_names" and not names):
                raise LogError(f"{name} is {names}; give one or more names, each once")
        time = _numbers("time", self.time)
        if time.ndim != 1 or len(time) < LEAST:
            raise LogError(f"time has shape {time.shape}; give {LEAST} or more decisions, (t,)")
        late = np.flatnonzero(np.diff(time) <= 0.0)
        if late.size:
            raise LogError(f"time does not rise after row {late[0]} ({time[late[0]]:g} s, {time[late[0] + 1]:g} s)")
        object.__setattr__(self, "time", time)
        widths = {"j": len(self.joint_names), "a": len(self.action_names)}
        for name, width in _WIDTHS.items():
            if getattr(self, name) is not None:
                shape = (len(time), widths.get(width, width))
                object.__setattr__(self, name, _shaped(name, getattr(self, name), shape))
        given = {name: _numbers(_COMMAND + name, value) for name, value in self.commands.items()}
        for name, value in given.items():
            _shaped(_COMMAND + name, value, (len(time), value.shape[-1] if value.ndim == 2 else 3))
        object.__setattr__(self, "commands", given)
        if self.action is None and self.targets is None:
            raise LogError("the log has neither action nor targets; give what the network answered, or what was sent")
        if self.base_quat_xyzw is not None:
            length = np.linalg.norm(self.base_quat_xyzw, axis=1)
            row = int(np.abs(length - 1.0).argmax())
            if abs(length[row] - 1.0) > 0.01:
                raise LogError(f"base_quat_xyzw of row {row} has length {length[row]:.3g}; it must be 1")

    def __len__(self) -> int:
        return len(self.time)

    @property
    def step_s(self) -> float:
        """Median time between decisions [s]."""
        return float(np.median(np.diff(self.time)))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that is there, by the names of an ``.npz``."""
        found: dict[str, np.ndarray] = {"joint_names": np.array(self.joint_names, str)}
        if self.action is not None:
            found["action_names"] = np.array(self.action_names, str)
        for name in ("time", *_WIDTHS):
            if getattr(self, name) is not None:
                found[name] = getattr(self, name)
        return found | {_COMMAND + name: value for name, value in self.commands.items()}

    def save(self, path: Path) -> Path:
        """Write the log, as the ending says: ``.npz`` or ``.csv``. Raises: LogError: another ending."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npz":
            work = path.with_suffix(".part.npz")
            np.savez_compressed(work, **self.arrays())  # type: ignore[arg-type]
            os.replace(work, path)
        elif path.suffix == ".csv":
            columns = self._columns()
            with path.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(columns)
                writer.writerows(np.stack(list(columns.values()), axis=1).tolist())
        else:
            raise LogError(f"{path}: a log ends with .npz or .csv")
        return path

    def _columns(self) -> dict[str, np.ndarray]:
        found = {"time": self.time}
        for prefix, name in _PREFIX.items():
            value = getattr(self, name)
            if value is not None:
                labels = _AXES.get(name) or (self.action_names if name == "action" else self.joint_names)
                found |= {f"{prefix}.{label}": value[:, i] for i, label in enumerate(labels)}
        for name, value in self.commands.items():
            found |= {f"{_COMMAND}{name}.{i}": value[:, i] for i in range(value.shape[1])}
        return found


def read_log(path: Path) -> RobotLog:
    """Read an ``.npz`` or ``.csv`` file.

    Raises:
        LogError: no such file, not a log, something unknown in it, or numbers that do not fit together.
    """
    if path.suffix not in (".npz", ".csv"):
        raise LogError(f"{path}: a log ends with .npz or .csv")
    try:
        values = _read_npz(path) if path.suffix == ".npz" else _read_csv(path)
    except OSError as error:
        raise LogError(f"{path}: {error.strerror or 'not a log'}") from error
    except (ValueError, zipfile.BadZipFile, EOFError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: not a log: {error}") from error
    commands = {name.removeprefix(_COMMAND): values.pop(name) for name in list(values) if name.startswith(_COMMAND)}
    known = {f.name for f in fields(RobotLog)} - {"commands"}
    unknown = sorted(set(values) - known)
    missing = sorted({"time", "joint_names", "joint_pos", "joint_vel"} - set(values))
    if unknown or missing:
        raise LogError(
            f"{path}: missing: {', '.join(missing) or 'nothing'}; unknown: {', '.join(unknown) or 'nothing'}. A log has"
            f" {', '.join(sorted(known))} and command.<name>"
        )
    try:
        return RobotLog(**values, commands=commands)
    except LogError as error:
        raise LogError(f"{path}: {error}") from None


class LogWriter:
    """Takes in decisions one by one, on a robot or beside a player.

    Example:
        >>> writer = LogWriter(policy.joint_names, policy.joint_names)
        >>> targets = policy.step(state)
        >>> writer.add(time, state, action=policy.last_action, targets=targets)
        >>> writer.log().save(Path("walk.npz"))

    Args:
        joint_names: columns of joint positions, velocities, targets and efforts.
        action_names: joints that the network's outputs are for.
    """

    def __init__(self, joint_names: tuple[str, ...], action_names: tuple[str, ...] = ()) -> None:
        self._names, self._action_names = tuple(joint_names), tuple(action_names)
        self._rows: list[dict[str, np.ndarray]] = []

    def add(
        self,
        time: float,
        state: RobotState,
        *,
        action: Any = None,
        targets: Any = None,
        effort: Any = None,
        base_pos: Any = None,
    ) -> None:
        """Take in a decision: what one robot felt when it decided, and what came out.

        Args:
            time: of the decision [s].
            state: of one robot, its joints in the order of ``joint_names``.
            action: the network's raw output, (a,).
            targets: joint positions as sent [rad or m], (j,).
            effort: measured torque [N·m or N], (j,).
            base_pos: place of the base [m], (3,).
        """
        names = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel", "base_lin_vel")
        values = {name: getattr(state, name) for name in names}
        values |= {"time": time, "action": action, "targets": targets, "effort": effort, "base_pos": base_pos}
        values |= {_COMMAND + name: value for name, value in state.commands.items()}
        row = {name: np.array(value, np.float64).reshape(-1) for name, value in values.items() if value is not None}
        if self._rows and set(row) != set(self._rows[0]):
            strange = ", ".join(sorted(set(row) ^ set(self._rows[0])))
            raise LogError(f"decision {len(self._rows)} gives other quantities than the first: {strange}")
        self._rows.append(row)

    def log(self) -> RobotLog:
        """What was taken in. Raises: LogError: too little, or it does not fit together."""
        columns: dict[str, Any] = {name: np.stack([r[name] for r in self._rows]) for name in (self._rows or [{}])[0]}
        if not columns:
            raise LogError(f"no decision was written; a log has {LEAST} or more")
        commands = {name.removeprefix(_COMMAND): columns.pop(name) for name in list(columns) if _COMMAND in name}
        columns["time"] = columns["time"][:, 0]
        return RobotLog(
            joint_names=self._names, action_names=self._action_names if "action" in columns else (),
            commands=commands, **columns,
        )  # fmt: skip


def state_of(state: RobotState, row: int) -> RobotState:
    """What one of n robots felt, for `LogWriter.add`."""
    names = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel", "base_lin_vel")
    values = {name: getattr(state, name) for name in names}
    return RobotState(
        joint_names=state.joint_names,
        commands={name: value[row] for name, value in state.commands.items()},
        **{name: None if value is None else value[row] for name, value in values.items()},
    )


Asked = Callable[[int, Snapshot], Mapping[str, np.ndarray]]
"""The commands of all worlds at a decision, by name, (n, size)."""


def record(player: Player, policy: Any, asked: Asked, steps: int, step_s: float, conditions: Conditions) -> RobotLog:
    """Play a policy on a player and log its first world.

    Args:
        player: robots in an engine.
        policy: `sim2real.deploy.JointPolicyRuntime` or alike, for as many robots.
        asked: the commands at a decision.
        steps: decisions.
        step_s: time of a decision [s].
        conditions: of the episode.

    Returns:
        The log of the first world.
    """
    names = player.joint_names
    columns = [names.index(name) for name in policy.joint_names]
    seen = player.reset(conditions)
    policy.reset()
    default = np.array([joint.default_pos for joint in player.robot.joints])  # type: ignore[attr-defined]
    writer = LogWriter(names, tuple(policy.joint_names))
    for step in range(steps):
        commands = dict(asked(step, seen))
        state = RobotState(
            joint_names=names, joint_pos=seen.joint_pos, joint_vel=seen.joint_vel, base_quat_xyzw=seen.base_quat_xyzw,
            base_ang_vel=seen.base_ang_vel, base_lin_vel=seen.base_lin_vel, commands=commands,
        )  # fmt: skip
        targets = np.tile(default, (player.num_worlds, 1))
        targets[:, columns] = policy.step(state)
        first = state_of(state, 0)
        effort, place = seen.joint_effort[0], seen.base_pos[0]
        writer.add(
            step * step_s, first, action=policy.last_action[0], targets=targets[0], effort=effort, base_pos=place
        )
        seen = player.step(targets)
    return writer.log()


def _read_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as archive:
        values: dict[str, Any] = {name: archive[name] for name in archive.files}
    for name in ("joint_names", "action_names"):
        if name in values:
            values[name] = tuple(values[name].reshape(-1).tolist())
    return values


def _read_csv(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:
        raise ValueError("no rows below the header")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise ValueError(f"row {number} has {len(row)} columns, the header {len(rows[0])}")
    body = np.array(rows[1:], np.float64)
    groups: dict[str, dict[str, int]] = {}
    for column, label in enumerate(name.strip() for name in rows[0]):
        prefix, _, rest = label.partition(".")
        if label.startswith(_COMMAND):
            name, _, rest = label.rpartition(".")
        elif label != "time" and (prefix not in _PREFIX or not rest):
            raise ValueError(
                f"unknown column '{label}'; allowed: time, {', '.join(f'{p}.*' for p in _PREFIX)}, command.*"
            )
        else:
            name = _PREFIX.get(prefix, label)
        if rest in groups.setdefault(name, {}):
            raise ValueError(f"column '{label}' stands twice")
        groups[name][rest] = column
    joints = list(groups.get("joint_pos", {}))
    values: dict[str, Any] = {"joint_names": tuple(joints)}
    for name, columns in groups.items():
        if name == "time":
            values["time"] = body[:, columns[""]]
            continue
        order = list(_AXES[name]) if name in _AXES else list(columns) if name == "action" else joints
        if name.startswith(_COMMAND):
            order = [str(i) for i in range(len(columns))]
        if set(order) != set(columns):
            raise ValueError(f"{name}: missing or extra columns: {', '.join(sorted(set(order) ^ set(columns)))}")
        values[name] = body[:, [columns[label] for label in order]]
        if name == "action":
            values["action_names"] = tuple(columns)
    return values


def _numbers(name: str, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise LogError(f"{name} is {array.dtype}; give numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise LogError(f"{name} of row {np.argwhere(~np.isfinite(array))[0][0]} is not finite")
    return array


def _shaped(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = _numbers(name, value)
    if array.shape != shape:
        raise LogError(f"{name} has shape {array.shape}; with this time and these names it must be {shape}")
    return array
