"""Runs an exported policy that feels its own state and moves joints, after proving that it is what was exported.

Beside what holds for every bundle, a recorded stretch of the training engine is played: the assembly has to give the
recorded observations, the network the recorded outputs, both from the first decision of an episode on. Needs NumPy and
ONNX Runtime alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim2real.contract import ActionMapper, Contract, ContractError, ObservationAssembler, RobotState, Rollout
from sim2real.deploy.loading import check_shapes, open_bundle

ARITHMETIC = 1e-5
"""Largest difference of assembled observations and targets from the recorded ones, relative to max(1, largest)."""


class JointPolicyRuntime:
    """An exported policy for n robots, ready to be asked ``rate_hz`` times a second.

    Example:
        >>> runtime = JointPolicyRuntime("runs/bundle")
        >>> runtime.reset()
        >>> targets = runtime.step(RobotState(...))  # [rad], columns as runtime.joint_names says

    Args:
        bundle: the folder that the export wrote, or its ``.onnx`` file.
        num_envs: number of robots that decide at the same time.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.

    Raises:
        ContractError: the bundle is not whole, not of one piece, does not reproduce its golden vectors, or its policy
            moves no joints.
    """

    def __init__(
        self,
        bundle: str | os.PathLike[str],
        num_envs: int = 1,
        *,
        threads: int = 1,
        providers: Sequence[str] | None = None,
        task: str | None = None,
    ) -> None:
        opened = open_bundle(bundle, "float", threads=threads, providers=providers, task=task)
        self.folder = opened.folder
        self.contract: Contract = opened.contract
        """What the policy needs to run."""
        self.rate_hz = self.contract.rate_hz
        """How often it decides [Hz]."""
        self.session = opened.session
        self._mapper = ActionMapper(self.contract)
        self.joint_names = self._mapper.joint_names
        """Names of the joints that it moves, in the order of the targets."""
        self._assembler = ObservationAssembler(self.contract, num_envs)
        check_shapes(opened, [self._assembler.size], len(self.joint_names))
        self.last_action = np.zeros((num_envs, len(self.joint_names)), np.float32)
        """The previous outputs, float32 (num_envs, joints)."""
        self.observation = np.zeros((num_envs, self._assembler.size), np.float32)
        """The latest observations, float32 (num_envs, size)."""
        self._prove(Rollout.from_bytes(opened.golden, opened.golden_path))

    @property
    def num_envs(self) -> int:
        """Number of robots."""
        return self._assembler.num_envs

    def reset(self, rows: Any = None) -> None:
        """Begin an episode with these robots (indices, or a mask); None: with all."""
        self._assembler.reset(rows)
        self.last_action[slice(None) if rows is None else rows] = 0.0

    def step(self, state: RobotState) -> np.ndarray:
        """Decide once.

        Args:
            state: what the robots feel now. ``last_action`` is remembered here and need not be given.

        Returns:
            Joint positions to hold until the next decision [rad or m], float32 (num_envs, joints), in the order of
            ``joint_names``.

        Raises:
            ContractError: the state lacks something or holds what is no number, or the network gave none. Nothing is
                remembered of the decision then, but for a network that gave none.
        """
        if state.last_action is None:
            state = replace(state, last_action=self.last_action)
        self.observation = self._assembler(state)
        output = self.infer(self.observation)
        self.last_action = self._mapper.raw(output)
        return self._mapper.targets(output)

    def infer(self, observations: np.ndarray) -> np.ndarray:
        """The network's outputs for assembled observations, float32 (n, size) -> (n, joints)."""
        inputs = {self.contract.observation.name: observations}
        output: np.ndarray = self.session.run([self.contract.action.output], inputs)[0]
        return output

    def _prove(self, golden: Rollout) -> None:
        """Play the golden vectors. Raises: ContractError."""
        assembler = ObservationAssembler(self.contract, golden.num_envs)
        found: dict[str, list[np.ndarray]] = {"observations": [], "actions": [], "targets": []}
        for step in range(golden.steps):
            assembler.reset(golden.fresh[step])
            found["observations"].append(assembler(golden.state(step)))
            found["actions"].append(self.infer(golden.observations[step]))
            found["targets"].append(self._mapper.targets(golden.actions[step]))
        another_version = "This version of sim2real differs from the one that exported; install that one"
        parts = (
            ("observations", "the assembly", ARITHMETIC, another_version),
            ("actions", "the network", self.contract.golden.float_tolerance, "Try another execution provider"),
            ("targets", "the mapping of actions", ARITHMETIC, another_version),
        )
        for name, who, tolerance, remedy in parts:
            wanted = getattr(golden, name)
            limit = tolerance * max(1.0, float(np.abs(wanted).max()))
            error = _difference(np.stack(found[name]), wanted)
            if not error <= limit:
                raise ContractError(
                    f"{self.folder}: {who} does not give the golden {name} on this machine: largest difference "
                    f"{error:.3g}, allowed {limit:.3g}. The policy must not drive a robot. {remedy}, or export again."
                )


def _difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """Largest absolute difference; infinite where the shapes differ or something is no number."""
    if found.shape != wanted.shape:
        return float("inf")
    error = float(np.abs(found - wanted).max())
    return error if np.isfinite(error) else float("inf")
