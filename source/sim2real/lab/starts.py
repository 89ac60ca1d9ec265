"""Where worlds start and how they are kicked: the part of a spec that is state, not a property of the solver.

A start is written whole at every reset, from the asset's default state and the draws of this episode, so that nothing
of the last episode is left and nothing accumulates. A kick adds to the velocity that is there. Sines are taken in
double precision and rounded: a row must not depend on how many rows there are, and vectorised single precision differs
in the last bit between the body and the tail of an array.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.spec import Term
from sim2real.spec.targets import OPS

if TYPE_CHECKING:
    import torch

ROOT_POSE = ("root.position", "root.yaw", "root.rotation")
"""Targets of the root's start pose."""
ROOT_VELOCITY = ("root.velocity", "root.angular_velocity")
"""Targets of the root's start velocity."""
JOINT_STATE = ("joint.position", "joint.velocity")
"""Targets of the joints' start."""
STARTS = (*ROOT_POSE, *ROOT_VELOCITY, *JOINT_STATE)
"""Targets that say how a world starts."""
KICK = "body.velocity_kick"
"""The target that changes velocity during an episode."""


class StateError(Sim2RealError):
    """A start or a kick that this environment cannot take."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A term's current draws in every world, seen as a tensor."""

    name: str
    """The term's name."""
    term: Term
    """What is drawn."""
    asset: str
    """The asset that it is drawn for, as in the scene."""
    elements: tuple[str, ...] = ()
    """Names of the selected elements of this asset; empty for the root."""
    slots: tuple[int, ...] = (0,)
    """Which of the draws each of them takes."""
    values: torch.Tensor
    """Draws now, float32 (num_envs, count, dim), SI. A view, kept true."""

    def of(self, rows: Any) -> torch.Tensor:
        """Draws of some worlds, one for each element, (n, elements, dim)."""
        return self.values[rows][:, list(self.slots)]


def fold(nominal: torch.Tensor, drawn: Sequence[Drawn], rows: Any, part: float = 1.0) -> torch.Tensor:
    """Return nominal -> set -> scale -> add for some worlds.

    Args:
        nominal: values before randomization, (n, count, dim).
        drawn: terms on these values, in any order.
        rows: worlds, as an index or a slice; n of them.
        part: how much of the way from the nominal value is gone; a staged curriculum opens ranges with it.
    """
    value = nominal
    for op in OPS:
        for entry in drawn:
            if entry.term.op == op:
                draw = entry.of(rows).to(value.dtype)
                value = draw.expand_as(value) if op == "set" else value * draw if op == "scale" else value + draw
    return value if part == 1.0 else nominal + part * (value - nominal)


class AssetStart:
    """The start of one asset: root pose and velocity, and joints where it has some."""

    def __init__(self, name: str, asset: Any, origins: torch.Tensor, drawn: Sequence[Drawn]) -> None:
        """Take the asset of a scene and the terms that were drawn for it.

        Args:
            name: the asset's name in the scene.
            asset: an articulation or a rigid object.
            origins: where each environment stands, (num_envs, 3) [m].
            drawn: terms on `STARTS` of this asset.

        Raises:
            StateError: a joint that the asset does not have, or a joint's start on something without joints.
        """
        self.name, self.asset, self.origins = name, asset, origins
        self.by_target = {target: [entry for entry in drawn if entry.term.target == target] for target in STARTS}
        self.has_joints = hasattr(asset, "num_joints") and asset.num_joints > 0
        self.part = 1.0
        """How far ranges are open, in [0, 1]."""
        self._columns = {entry.name: self._joints(entry) for entry in drawn if entry.term.target in JOINT_STATE}

    def _joints(self, entry: Drawn) -> list[int]:
        names = list(self.asset.joint_names) if self.has_joints else []
        missing = [name for name in entry.elements if name not in names]
        if missing or not entry.elements:
            raise StateError(
                f"term '{entry.name}' ({entry.term.target}): asset '{self.name}' has no joint"
                f" {', '.join(missing) or 'that it selects'}; joints: {', '.join(names) or 'none'}"
            )
        return [names.index(name) for name in entry.elements]

    def pose(self, rows: Any) -> torch.Tensor:
        """Start poses of some worlds, (n, 7): position [m] in the world frame, quaternion x, y, z, w."""
        import torch
        from isaaclab.utils.math import normalize, quat_from_euler_xyz, quat_mul

        default = self.asset.data.default_root_pose.torch[rows].double()
        position = fold(default[:, None, :3], self.by_target["root.position"], rows, self.part)[:, 0]
        attitude, zero = default[:, 3:7], torch.zeros_like(default[:, 0])
        yaw = _yaw(attitude)
        turn = fold(yaw[:, None, None], self.by_target["root.yaw"], rows, self.part)[:, 0, 0] - yaw
        if self.by_target["root.yaw"]:
            attitude = quat_mul(quat_from_euler_xyz(zero, zero, turn), attitude)
        if self.by_target["root.rotation"]:
            tilt = fold(torch.zeros_like(default[:, None, :3]), self.by_target["root.rotation"], rows, self.part)[:, 0]
            attitude = quat_mul(attitude, quat_from_euler_xyz(tilt[:, 0], tilt[:, 1], tilt[:, 2]))
        pose = torch.cat((position, normalize(attitude)), -1).float()
        pose[:, :3] += self.origins[rows]
        return pose

    def velocity(self, rows: Any) -> torch.Tensor:
        """Start velocities of some worlds, (n, 6): of the centre of mass [m/s], angular [rad/s], world frame."""
        import torch

        default = self.asset.data.default_root_vel.torch[rows][:, None]
        linear = fold(default[..., :3], self.by_target["root.velocity"], rows, self.part)
        angular = fold(default[..., 3:6], self.by_target["root.angular_velocity"], rows, self.part)
        return torch.cat((linear, angular), -1)[:, 0]

    def joints(self, rows: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Start positions and velocities of the joints of some worlds, each (n, num_joints); positions end at the
        soft limits.
        """
        data = self.asset.data
        position = self._folded(data.default_joint_pos.torch[rows], "joint.position", rows)
        if self.by_target["joint.position"]:
            limits = data.soft_joint_pos_limits.torch[rows]
            position = position.clamp(limits[..., 0], limits[..., 1])
        return position, self._folded(data.default_joint_vel.torch[rows], "joint.velocity", rows)

    def _folded(self, nominal: torch.Tensor, target: str, rows: Any) -> torch.Tensor:
        value = nominal.clone()
        for op in OPS:
            for entry in self.by_target[target]:
                if entry.term.op == op:
                    columns = self._columns[entry.name]
                    value[:, columns] = fold(value[:, columns, None], [entry], rows)[..., 0]
        return nominal + self.part * (value - nominal) if self.part != 1.0 else value

    def write(self, rows: Any, what: Sequence[str] = STARTS) -> None:
        """Put some worlds at their start; `what` names the targets whose part of the state is written."""
        if any(target in ROOT_POSE for target in what):
            self.asset.write_root_pose_to_sim_index(root_pose=self.pose(rows), env_ids=_ids(rows))
        if any(target in ROOT_VELOCITY for target in what):
            self.asset.write_root_velocity_to_sim_index(root_velocity=self.velocity(rows), env_ids=_ids(rows))
        if self.has_joints and any(target in JOINT_STATE for target in what):
            command = self.asset.actuators.target_command
            position, velocity = self.joints(rows)
            self.asset.write_joint_position_to_sim_index(position=position, env_ids=_ids(rows))
            self.asset.write_joint_velocity_to_sim_index(velocity=velocity, env_ids=_ids(rows))
            command.set_position_index(value=position, env_ids=_ids(rows))
            command.set_velocity_index(value=velocity, env_ids=_ids(rows))


class OverrideCheck:
    """Finds out, once, whether a direct environment's own reset overrides the starts that were written before it.

    Events come first in a reset and the environment's own writes after them. Between a reset in the middle of a step
    and the interval events of that step there is no physics, so what was written is there, unless it was overridden.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.done = False
        self._seen: tuple[int, Any, list[tuple[AssetStart, tuple[str, ...]]]] | None = None

    def written(self, at: int, rows: Any, starts: Sequence[tuple[AssetStart, tuple[str, ...]]]) -> None:
        """Note that starts were written for some worlds, at this step of the environment."""
        if not self.done and starts:
            self._seen = (at, rows, list(starts))

    def check(self, at: int) -> None:
        """Raise StateError when what was written at this same step is not there any more."""
        import torch

        if self.done or self._seen is None or self._seen[0] != at:
            return
        _, rows, starts = self._seen
        self._seen, self.done = None, True
        lost = []
        for start, what in starts:
            data = start.asset.data
            parts: list[tuple[tuple[str, ...], torch.Tensor, torch.Tensor]] = [
                (ROOT_POSE, data.root_link_pose_w.torch[rows], start.pose(rows)),
                (ROOT_VELOCITY, data.root_com_vel_w.torch[rows], start.velocity(rows)),
            ]
            if start.has_joints:
                held = torch.stack((data.joint_pos.torch[rows], data.joint_vel.torch[rows]))
                parts.append((JOINT_STATE, held, torch.stack(start.joints(rows))))
            for targets, held, meant in parts:
                if any(target in targets for target in what) and not torch.allclose(held, meant, atol=1e-4):
                    lost += [entry.name for target in targets for entry in start.by_target[target]]
        if lost:
            raise StateError(
                f"{', '.join(f'terms.{name}' for name in lost)}: the environment's own reset places the asset after the"
                " events did, so these draws change nothing; remove them, or let _reset_idx keep what it finds after"
                " super()._reset_idx()"
            )


def _ids(rows: Any) -> Any:
    """Isaac Lab's writers take None for all worlds."""
    return None if isinstance(rows, slice) else rows


def _yaw(q: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.atan2(2 * (q[:, 3] * q[:, 2] + q[:, 0] * q[:, 1]), 1 - 2 * (q[:, 1] ** 2 + q[:, 2] ** 2))
