"""The contract of a policy, read from the environment that it was trained in, and what its robots feel in there.

``policy_contract(env, ...)`` asks the managers: observation terms, action, actuators, rates. ``robot_state(env)`` gives
the same environment's state by names, as a real robot would give it, and ``record_rollout`` lets a policy act and keeps
what it felt and did. So the observations that are assembled on a robot can be held against the environment's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import Contract, GoldenReference, RobotState, Rollout, TrainingRun
from sim2real.lab.policy_robot import joint_action, trained_robot
from sim2real.lab.policy_terms import PolicyContractError, state_observation
from sim2real.lab.signals_cfg import ACTIONS
from sim2real.spec import Spec

UNPROVEN = GoldenReference(sha256="0" * 64, frames=1)
"""Stands in a contract until the export has made golden vectors."""
_STATES = ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel", "base_lin_vel", "height_scan")


def policy_contract(
    env: Any,
    *,
    name: str,
    task: str,
    urdf: Path,
    run: TrainingRun,
    groups: Sequence[str] = ("policy",),
    raw_clip: tuple[float, float] | None = None,
    spec: Spec | None = None,
    robot_name: str | None = None,
) -> Contract:
    """Return the contract of a policy of a manager-based environment; its golden vectors are the export's to make.

    Make the environment without the spec that the policy was trained with, and give the spec here: what a spec draws at
    the start stands in the engine then, and what it leaves alone could not be told from it.

    Args:
        env: the environment.
        name: name of the policy, lower-case.
        task: Gymnasium name of the task.
        urdf: description that the robot was converted from.
        run: where the policy comes from; its engine, physics step and decimation are taken from the environment.
        groups: observation groups that the actor gets, in its order.
        raw_clip: range to which the trainer clips the network's outputs, or None.
        spec: what was randomized in training, or None.
        robot_name: name of the robot; None: that of its description.

    Raises:
        PolicyContractError: an observation, action or actuator that a contract cannot describe.
    """
    import sim2real

    env = env.unwrapped
    if not hasattr(env, "observation_manager") or not hasattr(env, "action_manager"):
        raise PolicyContractError(f"a {type(env).__name__} has no managers to ask; only manager-based tasks have")
    observation = state_observation(env, groups)
    bodies = [command.body for command in observation.commands if command.body is not None]
    robot = trained_robot(env, urdf, name=robot_name, end_effector=bodies[0] if bodies else None)
    action = joint_action(env, raw_clip)
    return Contract(
        name=name,
        task=task,
        observation=observation,
        action=action,
        rate_hz=1.0 / env.step_dt,
        latency_s=None if spec is None else latency_of(spec, env, groups),
        spec_hash=None if spec is None else spec.digest,
        robot=robot,
        run=replace(run, physics_dt_s=float(env.cfg.sim.dt), decimation=int(env.cfg.decimation)),
        code_version=sim2real.__version__,
        golden=UNPROVEN,
    )


def latency_of(spec: Spec, env: Any, groups: Sequence[str] = ("policy",)) -> tuple[float, float] | None:
    """Return the range of latency from a sensor to the actuators that a spec's signals draw [s]; None: they draw none.

    The quickest observation and the quickest command make the least, the slowest of both the most.

    Args:
        spec: the spec.
        env: the environment whose terms its signals are named after.
        groups: observation groups that the actor gets.
    """
    seen = {name for group in groups for name in env.observation_manager.active_terms[group]}
    parts = []
    for names in (seen, set(ACTIONS)):
        drawn = [spec.signals[name].latency for name in sorted(names) if name in spec.signals]
        bounds = [dist.bounds() for dist in drawn if dist is not None]
        if bounds:
            parts.append((min(min(low) for low, _ in bounds), max(max(high) for _, high in bounds)))
    return (sum(low for low, _ in parts), sum(high for _, high in parts)) if parts else None


def robot_state(env: Any, asset: str = "robot") -> RobotState:
    """Return what the robots of a manager-based environment feel now, without noise and by names, a row for each.

    A height scan is given where the policy has exactly one scanner.
    """
    env = env.unwrapped
    data = env.scene[asset].data

    def rows(values: Any) -> np.ndarray:
        return values.detach().cpu().numpy().astype(np.float32)  # type: ignore[no-any-return]

    manager = env.command_manager
    return RobotState(
        joint_names=tuple(env.scene[asset].joint_names),
        joint_pos=rows(data.joint_pos.torch),
        joint_vel=rows(data.joint_vel.torch),
        base_quat_xyzw=rows(data.root_quat_w.torch),
        base_ang_vel=rows(data.root_ang_vel_b.torch),
        base_lin_vel=rows(data.root_lin_vel_b.torch),
        commands={name: rows(manager.get_command(name)) for name in manager.active_terms},
        height_scan=_heights(env),
        last_action=rows(env.action_manager.action),
    )


def _heights(env: Any) -> np.ndarray | None:
    """How far below the only height scanner each ray hits [m], (num_envs, rays); None without one."""
    from isaaclab.sensors import RayCasterCameraCfg, RayCasterCfg

    # Each engine has scanners of a class of its own; their configuration is the same.
    scanners = [
        sensor
        for sensor in env.scene.sensors.values()
        if isinstance(sensor.cfg, RayCasterCfg) and not isinstance(sensor.cfg, RayCasterCameraCfg)
    ]
    if len(scanners) != 1:
        return None
    data = scanners[0].data
    found = data.pos_w.torch[:, 2:3] - data.ray_hits_w.torch[..., 2]
    return found.detach().cpu().numpy().astype(np.float32)  # type: ignore[no-any-return]


def record_rollout(
    env: Any,
    act: Callable[[Any], Any],
    steps: int,
    *,
    groups: Sequence[str] = ("policy",),
    raw_clip: tuple[float, float] | None = None,
    forget: Callable[[Any], None] | None = None,
) -> Rollout:
    """Let a policy act from the start of an episode on, and keep what its robots felt and did.

    Args:
        env: the environment, without noise on what the policy observes.
        act: the policy: (num_envs, size) -> (num_envs, actions), torch tensors on the environment's device.
        steps: number of decisions.
        groups: observation groups that the actor gets, in its order.
        raw_clip: range to which the trainer clips the network's outputs, or None.
        forget: called before each decision with a mask of the robots that begin an episode, bool (num_envs,); clears
            the memory of a recurrent policy there.
    """
    import torch

    from sim2real.contract import JointDeltaPositionAction

    env = env.unwrapped
    action = joint_action(env, raw_clip)
    fresh = np.ones(env.num_envs, bool)
    kept: dict[str, list[np.ndarray]] = {}
    commands: dict[str, list[np.ndarray]] = {}
    with torch.inference_mode():
        observed, _ = env.reset()
        for _ in range(steps):
            state = robot_state(env)
            inputs = torch.cat([observed[group] for group in groups], dim=-1)
            if forget is not None:
                forget(torch.from_numpy(fresh))
            output = act(inputs)
            observed, _, terminated, truncated, _ = env.step(output if raw_clip is None else output.clamp(*raw_clip))
            terms = [env.action_manager.get_term(name) for name in env.action_manager.active_terms]
            row = {name: getattr(state, name) for name in _STATES if getattr(state, name) is not None}
            row |= {"fresh": fresh, "last_action": state.last_action, "observations": inputs.cpu().numpy()}
            row |= {"actions": output.cpu().numpy()}
            row["targets"] = torch.cat([term.processed_actions for term in terms], dim=-1).cpu().numpy()
            if isinstance(action, JointDeltaPositionAction):
                columns = [state.joint_names.index(name) for name in action.joints]
                row["targets"] = row["targets"] + state.joint_pos[:, columns]
            for name, value in row.items():
                kept.setdefault(name, []).append(np.array(value))
            for name, value in state.commands.items():
                commands.setdefault(name, []).append(value)
            fresh = (terminated | truncated).cpu().numpy()
    arrays: dict[str, Any] = {name: np.stack(values) for name, values in kept.items()}
    return Rollout(
        joint_names=state.joint_names,
        action_joints=action.joints,
        states={name: arrays.pop(name) for name in _STATES if name in arrays},
        commands={name: np.stack(values) for name, values in commands.items()},
        **arrays,
    )
