"""From the run folder of a reinforcement learning to a bundle: the export's parts in one call.

The run's task is opened once more in the engine of its training, without its spec and without noise: so the contract
has the nominal robot, and the recorded rollout is what a robot without noise would feel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.contract import RecurrentState
    from sim2real.export import ExportResult, JointExportCfg
    from sim2real.export.progress import Say

STEPS = 160
"""Decisions of a recorded rollout, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class RunExportCfg:
    """How to export a run."""

    name: str | None = None
    """Name of the policy, lower-case; None: made from the task's."""
    steps: int | None = None
    """Decisions of the recorded rollout; None: 160, and a whole episode of a recurrent policy."""
    num_envs: int = 16
    """Robots of the recorded rollout."""
    seed: int = 1
    """Seed of its starts and commands."""


def export_run(
    run_dir: str | Path,
    out_dir: str | Path,
    cfg: RunExportCfg | None = None,
    export: JointExportCfg | None = None,
    *,
    say: Say | None = None,
) -> ExportResult:
    """Export the last checkpoint of a run, or a certain one, as a bundle.

    Args:
        run_dir: run folder of ``train TASK``, or a checkpoint in it.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: name and rollout.
        export: what parity has to hold.
        say: told of the progress: stage, precision, message; None: nobody is.

    Raises:
        Sim2RealError: the folder is no run, the policy cannot be described, or parity fails. Nothing is written then.
    """
    from sim2real.export import export_joint_policy, memory_of
    from sim2real.export.folder import check_target
    from sim2real.export.progress import quiet
    from sim2real.lab.policy_contract import policy_contract, record_rollout
    from sim2real.learn.ppo.playing import NO_SPEC, Run, opened
    from sim2real.spec import load_spec

    cfg, say = cfg or RunExportCfg(), say or quiet
    check_target(Path(out_dir))
    run = Run.read(run_dir)
    spec = None if run.spec is None else load_spec(str(run.spec))
    say("open", "", f"{run.task} in {run.physics}, {run.checkpoint.name}")
    clip = run.agent.get("clip_actions")
    raw_clip = None if clip is None else (-float(clip), float(clip))
    with opened(run, num_envs=cfg.num_envs, spec=NO_SPEC, seed=cfg.seed) as (venv, policy):
        groups = tuple(policy.obs_groups)
        actor = policy.as_onnx(verbose=False).to("cpu").eval()
        memory = memory_of(actor)
        env = venv.unwrapped
        contract = policy_contract(
            env,
            name=cfg.name or policy_name(run.task),
            task=run.task,
            urdf=urdf_of(env),
            run=_provenance(run),
            groups=groups,
            raw_clip=raw_clip,
            spec=spec,
        )
        contract = replace(contract, memory=memory)
        steps = cfg.steps or (_whole_episode(env) if memory else STEPS)
        remembering = Remembering(actor, memory, env.num_envs)
        say("record", "", f"{steps} decisions of {env.num_envs} robots")
        rollout = record_rollout(env, remembering, steps, groups=groups, raw_clip=raw_clip, forget=remembering.forget)
    return export_joint_policy(actor, contract, rollout, out_dir, export, say=say)


class Remembering:
    """An actor that is made for export and remembers by itself, so that it can act in an environment.

    Args:
        actor: (observation, *states) -> (output, *states), or (observation) -> output.
        memory: its states; empty for an actor that remembers nothing.
        num_envs: number of robots.
    """

    def __init__(self, actor: Any, memory: Sequence[RecurrentState], num_envs: int) -> None:
        import torch

        self._actor = actor
        self._states = [torch.zeros(state.shape(num_envs)) for state in memory]

    def forget(self, rows: Any) -> None:
        """Begin an episode with these robots, bool (num_envs,)."""
        for state in self._states:
            state[:, rows] = 0.0

    def __call__(self, observations: Any) -> Any:
        """(num_envs, size) -> (num_envs, actions)."""
        if not self._states:
            return self._actor(observations)
        output, *after = self._actor(observations, *self._states)
        self._states = [state for state in after if state is not None]
        return output


def _whole_episode(env: Any) -> int:
    """Decisions after which every robot has ended an episode."""
    return int(env.max_episode_length) + 1


def policy_name(task: str) -> str:
    """Make a policy's name of a task's: ``Sim2Real-Velocity-Flat-Go2`` -> ``velocity_flat_go2``."""
    name = re.sub(r"[^a-z0-9]+", "_", task.removeprefix("Sim2Real-").lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"policy_{name}"


def urdf_of(env: Any, asset: str = "robot") -> Path:
    """Return the description that an environment's robot was converted from.

    Raises:
        Sim2RealError: its asset does not come from one.
    """
    from sim2real_tasks.robots.convert import source_of

    return source_of(env.scene[asset].cfg.spawn.usd_path)


def _lineage(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """What is known of a run and of those whose networks it began with, the first one first."""
    before = facts.get("started")
    return [*(_lineage(before) if before else []), facts]


def _total(lineage: list[dict[str, Any]], key: str) -> Any:
    """The sum over runs; None where one of them does not say."""
    values = [one.get(key) for one in lineage]
    return None if None in values else sum(value for value in values if value is not None)


def _provenance(run: Any) -> Any:
    """What the run folder says of itself; commands, steps and hours with those of the runs that it began with."""
    from sim2real.contract import TrainingRun

    facts, session = run.facts, (run.facts.get("sessions") or [{}])[-1]
    lineage = _lineage(facts)
    commands = [session.get("command") for one in lineage for session in one.get("sessions") or ()]
    machine = session.get("machine") or {}
    parts = [str(machine[key]) for key in ("gpu", "cpu") if machine.get(key)]
    parts += [f"{machine['cores']} cores"] if machine.get("cores") else []
    reached = facts.get("iterations_done") == run.iteration
    return TrainingRun(
        physics=run.physics,
        physics_dt_s=1.0,  # the environment's own takes its place
        decimation=1,
        seed=facts.get("seed"),
        command=" && ".join(dict.fromkeys(one for one in commands if one)) or None,
        commit=session.get("commit"),
        num_envs=facts.get("num_envs"),
        iterations=run.iteration,
        env_steps=_total(lineage, "env_steps") if reached else None,
        hours=_total(lineage, "hours") if reached else None,
        machine=", ".join(parts) or None,
        checkpoint=run.checkpoint.name,
    )
