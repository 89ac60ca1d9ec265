"""Golden vectors for a network that nobody saw at work: drawn states, and what the network makes of them.

States are drawn around the default pose, within limits, each anew, commands from the ranges of training. They prove the
chain from state to joint target on another machine as recorded ones do. They do not prove that the contract is that of
the training: only a rollout of the training environment could.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim2real.contract import ActionMapper, Contract, ObservationAssembler, RobotState, Rollout

_TILT = 0.5
_SPEED = 2.0


def drawn_rollout(contract: Contract, session: Any, steps: int, num_envs: int, seed: int) -> Rollout:
    """Let a network act on drawn states.

    Args:
        contract: of the network.
        session: its ONNX Runtime session.
        steps: decisions; half of the robots begin an episode in the middle.
        num_envs: robots.
        seed: of the states.
    """
    rng = np.random.default_rng(seed)
    states, commands = _states(contract, rng, steps, num_envs), _commands(contract, rng, steps, num_envs)
    assembler, mapper = ObservationAssembler(contract, num_envs), ActionMapper(contract)
    fresh = np.zeros((steps, num_envs), bool)
    fresh[0] = True
    fresh[steps // 2, : num_envs // 2] = True
    names = contract.robot.joint_names if contract.robot is not None else ()
    last = np.zeros((num_envs, len(mapper.joint_names)), np.float32)
    memory = {state.input: np.zeros(state.shape(num_envs), np.float32) for state in contract.memory}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("last_action", "observations", "actions", "targets")}
    outputs = [contract.action.output, *(state.output for state in contract.memory)]
    for step in range(steps):
        assembler.reset(fresh[step])
        last[fresh[step]] = 0.0
        for array in memory.values():
            array[:, fresh[step]] = 0.0
        state = RobotState(
            joint_names=names,
            commands={name: values[step] for name, values in commands.items()},
            last_action=last,
            **{name: values[step] for name, values in states.items()},
        )
        observed = assembler(state)
        action, *after = session.run(outputs, {contract.observation.name: observed, **memory})
        memory = {kept.input: array.copy() for kept, array in zip(contract.memory, after, strict=True)}
        for name, value in zip(rows, (last, observed, action, mapper.targets(action)), strict=True):
            rows[name].append(np.array(value))
        last = mapper.raw(action).copy()
    return Rollout(
        joint_names=names,
        action_joints=contract.joint_action.joints,
        states=states,
        commands=commands,
        fresh=fresh,
        last_action=np.stack(rows["last_action"]),
        observations=np.stack(rows["observations"]),
        actions=np.stack(rows["actions"]),
        targets=np.stack(rows["targets"]),
    )


def _states(contract: Contract, rng: np.random.Generator, steps: int, num_envs: int) -> dict[str, np.ndarray]:
    """The robot's states, float32 (steps, num_envs, ...)."""
    assert contract.robot is not None  # a policy that moves joints has one
    joints, shape = contract.robot.joints, (steps, num_envs)
    limits = np.array([joint.position_limit or (-np.inf, np.inf) for joint in joints])
    pose = np.array([joint.default_pos for joint in joints])
    wide = np.array([0.3 if joint.unit == "rad" else 0.02 for joint in joints])
    drawn: dict[str, np.ndarray] = {
        "joint_pos": np.clip(pose + rng.uniform(-1, 1, (*shape, len(joints))) * wide, limits[:, 0], limits[:, 1]),
        "joint_vel": rng.uniform(-_SPEED, _SPEED, (*shape, len(joints))) * wide / 0.3,
        "base_quat_xyzw": _quaternions(rng, shape),
        "base_ang_vel": rng.uniform(-1, 1, (*shape, 3)),
        "base_lin_vel": rng.uniform(-1, 1, (*shape, 3)),
    }
    kinds = {term.kind for term in contract.state.terms}
    wanted = {"joint_pos", "joint_vel"} | (kinds & set(drawn))
    wanted |= {"base_quat_xyzw"} if "projected_gravity" in kinds else set()
    return {name: values.astype(np.float32) for name, values in drawn.items() if name in wanted}


def _quaternions(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Turned anywhere about the vertical, tilted a little, float64 (steps, num_envs, 4) as x, y, z, w."""
    yaw, tilt = rng.uniform(-np.pi, np.pi, shape) / 2.0, rng.uniform(-_TILT, _TILT, (*shape, 2)) / 2.0
    made = np.stack([tilt[..., 0], tilt[..., 1], np.sin(yaw), np.cos(yaw)], axis=-1)
    return np.asarray(made / np.linalg.norm(made, axis=-1, keepdims=True))


def _commands(contract: Contract, rng: np.random.Generator, steps: int, num_envs: int) -> dict[str, np.ndarray]:
    """The commands, float32 (steps, num_envs, 3 or 7)."""
    made = {}
    for command in contract.state.commands:
        walks = command.kind == "velocity_command"
        parts = ("lin_vel_x", "lin_vel_y", "ang_vel_z") if walks else ("pos_x", "pos_y", "pos_z")
        drawn = np.stack([rng.uniform(*command.ranges[part], (steps, num_envs)) for part in parts], axis=-1)
        if not walks:
            drawn = np.concatenate([drawn, _quaternions(rng, (steps, num_envs))], axis=-1)
        made[command.name] = drawn.astype(np.float32)
    return made
