"""Runs an exported policy that feels its own state and moves joints, after proving that it is what was exported.

Beside what holds for every bundle, a recorded stretch of the training engine is played: the assembly has to give the
recorded observations, the network the recorded outputs, both from the first decision of an episode on. The memory of a
recurrent network is kept here, a column for each robot, and begins at 0 with each episode. Needs NumPy and ONNX Runtime
alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim2real.contract import ActionMapper, Contract, ContractError, ObservationAssembler, RobotState, Rollout
from sim2real.deploy.loading import check_shapes, open_bundle
from sim2real.deploy.network import Network, run_rows

ARITHMETIC = 1e-5
"""Largest difference of assembled observations and targets from the recorded ones, relative to max(1, largest)."""


class JointPolicyRuntime:
    """An exported policy for n robots, ready to be asked ``rate_hz`` times a second.

    Example:
        >>> runtime = JointPolicyRuntime("runs/bundle")
        >>> runtime.reset()
        >>> targets = runtime.step(RobotState(...))  # columns as runtime.joint_names says

    Args:
        bundle: the folder that the export wrote, or one of its ``.onnx`` files (its name then says the precision).
        num_envs: number of robots that decide at the same time.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.
        precision: ``float``, ``fp16`` or ``int8``.
        network: what runs the network in place of ONNX Runtime; it has to prove the same golden vectors.

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
        precision: str = "float",
        network: Network | None = None,
    ) -> None:
        opened = open_bundle(bundle, precision, threads=threads, providers=providers, task=task, network=network)
        self.folder, self.precision = opened.folder, opened.precision
        self.contract: Contract = opened.contract
        """What the policy needs to run."""
        self.rate_hz = self.contract.rate_hz
        """How often it decides [Hz]."""
        self.network = opened.network
        self._mapper = ActionMapper(self.contract)
        self.joint_names = self._mapper.joint_names
        """Names of the joints that it moves, in the order of the targets."""
        self.action_kind = self._mapper.kind
        """What the targets are: ``position``, ``delta_position``, ``velocity`` or ``effort``."""
        self._assembler = ObservationAssembler(self.contract, num_envs)
        check_shapes(opened, [self._assembler.size], len(self.joint_names))
        self.last_action = np.zeros((num_envs, len(self.joint_names)), np.float32)
        """The previous outputs, float32 (num_envs, joints)."""
        self.observation = np.zeros((num_envs, self._assembler.size), np.float32)
        """The latest observations, float32 (num_envs, size)."""
        self.memory = self._blank(num_envs)
        """State of a recurrent network by the name of its input, float32 (layers, num_envs, size)."""
        self._output = self.last_action
        self._prove(Rollout.from_bytes(opened.golden, opened.golden_path))
        self.proven = True
        """What ``require_proven`` asks before a robot moves."""

    @property
    def num_envs(self) -> int:
        """Number of robots."""
        return self._assembler.num_envs

    def reset(self, rows: Any = None) -> None:
        """Begin an episode with these robots (indices, or a mask); None: with all."""
        chosen = slice(None) if rows is None else rows
        self._assembler.reset(rows)
        self.last_action[chosen] = 0.0
        for state in self.memory.values():
            state[:, chosen] = 0.0

    def step(self, state: RobotState) -> np.ndarray:
        """Decide once.

        Args:
            state: what the robots feel now. ``last_action`` is remembered here and need not be given.

        Returns:
            Joint targets until the next decision, float32 (num_envs, joints), in the order of ``joint_names``:
            positions [rad or m], velocities [rad/s or m/s] or efforts [N·m or N], as ``action_kind`` says.

        Raises:
            ContractError: the state lacks something or holds what is no number, or the network gave none. Nothing is
                remembered of the decision then, but of its observation for a network that gave none.
        """
        if state.last_action is None:
            state = replace(state, last_action=self.last_action)
        self._mapper_needs(state)
        self.observation = self._assembler(state)
        output, memory = self.decide(self.observation, self.memory)
        last_action = self._mapper.raw(output)
        targets = self._mapper.targets_in(state, output)
        self.last_action, self.memory, self._output = last_action, memory, output
        return targets

    def retarget(self, state: RobotState) -> np.ndarray:
        """The targets of the latest decision at new measured positions, for ``delta_position`` between two decisions.

        Where training added the step to the position in each physics step, drives have to be told so as often.

        Returns:
            float32 (num_envs, joints); of the other kinds what ``step`` gave.
        """
        return self._mapper.targets_in(state, self._output)

    def infer(self, observations: np.ndarray) -> np.ndarray:
        """The network's outputs for assembled observations, float32 (n, size) -> (n, joints).

        Raises:
            ContractError: the network is recurrent; its answer depends on what it remembers, see ``decide``.
        """
        if self.contract.memory:
            raise ContractError(f"{self.folder}: the network is recurrent; give its memory too, with decide().")
        return self.decide(observations, {})[0]

    def decide(
        self, observations: np.ndarray, memory: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The network's outputs, and what it remembers then.

        Args:
            observations: float32 (n, size).
            memory: float32 (layers, n, size) by the names of the inputs; empty for a network that remembers nothing.

        Returns:
            float32 (n, joints), and the memory for the next decision.
        """
        found = run_rows(self.network, {self.contract.observation.name: observations}, memory)
        return found[self.contract.action.output], {s.input: found[s.output] for s in self.contract.memory}

    def _blank(self, num_envs: int) -> dict[str, np.ndarray]:
        """The memory at the beginning of an episode."""
        return {state.input: np.zeros(state.shape(num_envs), np.float32) for state in self.contract.memory}

    def _mapper_needs(self, state: RobotState) -> None:
        """Refuse a state whose positions the action needs and cannot have, before anything is remembered of it."""
        if self._mapper.kind == "delta_position":
            self._mapper.targets_in(state, np.zeros_like(self.last_action))

    def _prove(self, golden: Rollout) -> None:
        """Play the golden vectors. Raises: ContractError."""
        joints = self.contract.joint_action.joints
        if golden.action_joints and golden.action_joints != joints:
            raise ContractError(
                f"{self.folder}: the contract's action moves {', '.join(joints)}, in this order, and the golden targets"
                f" are of {', '.join(golden.action_joints)}. Each joint would do what another should; export again."
            )
        assembler = ObservationAssembler(self.contract, golden.num_envs)
        memory = self._blank(golden.num_envs)
        found: dict[str, list[np.ndarray]] = {"observations": [], "actions": [], "targets": []}
        for step in range(golden.steps):
            fresh = golden.fresh[step]
            assembler.reset(fresh)
            for state in memory.values():
                state[:, fresh] = 0.0
            found["observations"].append(assembler(golden.state(step)))
            output, memory = self.decide(golden.observations[step], memory)
            found["actions"].append(output)
            found["targets"].append(self._mapper.targets_in(golden.state(step), golden.actions[step]))
        outputs = golden.actions if self.precision == "float" else golden.outputs.get(self.precision)
        if outputs is None:
            raise ContractError(f"{self.folder}: the golden vectors have no {self.precision} outputs. Export again.")
        another_version = "This version of sim2real differs from the one that exported; install that one"
        tolerance = self.contract.golden.tolerance(self.precision)
        parts = (
            ("observations", "the assembly", golden.observations, ARITHMETIC, another_version),
            ("actions", "the network", outputs, tolerance, "Try another execution provider"),
            ("targets", "the mapping of actions", golden.targets, ARITHMETIC, another_version),
        )
        for name, who, wanted, allowed, remedy in parts:
            limit = allowed * max(1.0, float(np.abs(wanted).max()))
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
