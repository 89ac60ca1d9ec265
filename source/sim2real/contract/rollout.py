"""A recorded stretch of decisions: what robots felt, what the network got, and what came out.

The export takes one from the training engine. A part of it becomes the golden vectors of a policy that moves joints:
whole episodes from their first decision on, so that the history of the observation is proven too.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sim2real.contract.assembly import RobotState
from sim2real.contract.errors import ContractError

_GIVEN = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel", "base_lin_vel", "height_scan")
"""Quantities of a state that a recording may hold."""
_ALWAYS = ("fresh", "last_action", "observations", "actions", "targets")
_NAMES = ("joint_names", "action_joints")
_COMMAND = "command."
_OUTPUT = "actions."


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """Decisions of n robots over some steps; the arrays are (steps, n, ...)."""

    joint_names: tuple[str, ...]
    """Columns of joint positions and velocities."""
    states: Mapping[str, np.ndarray]
    """float32: the quantities of ``RobotState`` that were recorded, by name."""
    commands: Mapping[str, np.ndarray] = field(default_factory=dict)
    """float32: commands by name."""
    fresh: np.ndarray
    """bool (steps, n): the first decision of an episode."""
    last_action: np.ndarray
    """float32 (steps, n, actions): the action of the decision before, 0 in the first."""
    observations: np.ndarray
    """float32 (steps, n, size): what the network was given."""
    actions: np.ndarray
    """float32 (steps, n, actions): its output."""
    targets: np.ndarray
    """float32 (steps, n, actions): the joint targets that were made of it, at the decision."""
    action_joints: tuple[str, ...] = ()
    """Columns of the targets; empty where they were recorded without names, as bundles once were."""
    outputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    """float32 (steps, n, actions): outputs of other precisions (``fp16``, ``int8``) on the same observations."""

    def __post_init__(self) -> None:
        """Check that the arrays fit. Raises: ContractError."""
        shape = self.fresh.shape
        unknown = sorted(set(self.states) - set(_GIVEN))
        arrays = {**self.states, **self.commands, **self.outputs, **{name: getattr(self, name) for name in _ALWAYS[1:]}}
        wrong = [name for name, array in arrays.items() if array.shape[:2] != shape or array.ndim != 3]
        if self.action_joints and len(self.action_joints) != self.targets.shape[-1]:
            wrong.append("action_joints")
        if unknown or wrong or len(shape) != 2 or not all(shape) or not self.fresh[0].all():
            raise ContractError(
                f"a recording of {shape} decisions does not fit together (unknown: {', '.join(unknown) or 'none'}; of "
                f"another shape: {', '.join(wrong) or 'none'}); it has to begin with the first decision of each robot."
            )

    @property
    def steps(self) -> int:
        """Number of decisions of each robot."""
        return len(self.fresh)

    @property
    def num_envs(self) -> int:
        """Number of robots."""
        return int(self.fresh.shape[1])

    def state(self, step: int) -> RobotState:
        """The state at a decision."""
        return RobotState(
            joint_names=self.joint_names,
            commands={name: values[step] for name, values in self.commands.items()},
            last_action=self.last_action[step],
            **{name: values[step] for name, values in self.states.items()},
        )

    def part(self, steps: int, num_envs: int) -> Rollout:
        """The first decisions of the first robots."""

        def cut(array: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(array[:steps, :num_envs])

        return Rollout(
            joint_names=self.joint_names,
            action_joints=self.action_joints,
            states={name: cut(values) for name, values in self.states.items()},
            commands={name: cut(values) for name, values in self.commands.items()},
            outputs={name: cut(values) for name, values in self.outputs.items()},
            **{name: cut(getattr(self, name)) for name in _ALWAYS},
        )

    def to_bytes(self) -> bytes:
        """The content of ``golden.npz``; the same arrays give the same bytes."""
        arrays = {name: getattr(self, name) for name in _ALWAYS}
        for name in _NAMES:
            arrays[name] = np.frombuffer(json.dumps(getattr(self, name)).encode(), np.uint8)
        arrays |= self.states
        arrays |= {_COMMAND + name: values for name, values in self.commands.items()}
        arrays |= {_OUTPUT + name: values for name, values in self.outputs.items()}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, source: str) -> Rollout:
        """Read what ``to_bytes`` wrote. Raises: ContractError."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            if _NAMES[1] not in arrays:  # a bundle of before there were names
                arrays[_NAMES[1]] = np.frombuffer(b"[]", np.uint8)
            joints, moved = (tuple(json.loads(arrays.pop(name).tobytes())) for name in _NAMES)
            always = {name: arrays.pop(name) for name in _ALWAYS}
            commands = {name[len(_COMMAND) :]: arrays.pop(name) for name in list(arrays) if name.startswith(_COMMAND)}
            outputs = {name[len(_OUTPUT) :]: arrays.pop(name) for name in list(arrays) if name.startswith(_OUTPUT)}
            given = {"states": arrays, "commands": commands, "outputs": outputs, **always}
            return cls(joint_names=joints, action_joints=moved, **given)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ContractError(
                f"{source}: the golden vectors cannot be read ({error}). Copy the bundle again."
            ) from None
