"""From the run folder of a reinforcement learning to a bundle: the export's parts in one call.

The run's task is opened once more in the engine of its training, without its spec and without noise: so the contract
has the nominal robot, and the recorded rollout is what a robot without noise would feel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from sim2real.export import ExportResult, JointExportCfg


@dataclass(frozen=True, kw_only=True)
class RunExportCfg:
    """How to export a run."""

    name: str | None = None
    """Name of the policy, lower-case; None: made from the task's."""
    steps: int = 160
    """Decisions of the recorded rollout."""
    num_envs: int = 8
    """Robots of the recorded rollout."""
    seed: int = 1
    """Seed of its starts and commands."""


def export_run(
    run_dir: str | Path,
    out_dir: str | Path,
    cfg: RunExportCfg | None = None,
    export: JointExportCfg | None = None,
) -> ExportResult:
    """Export the last checkpoint of a run, or a certain one, as a bundle.

    Args:
        run_dir: run folder of ``train TASK``, or a checkpoint in it.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: name and rollout.
        export: what parity has to hold.

    Raises:
        Sim2RealError: the folder is no run, the policy cannot be described, or parity fails. Nothing is written then.
    """
    from sim2real.export import export_joint_policy
    from sim2real.export.folder import check_target
    from sim2real.lab.policy_contract import policy_contract, record_rollout
    from sim2real.learn.ppo.playing import NO_SPEC, Run, opened
    from sim2real.spec import load_spec

    cfg = cfg or RunExportCfg()
    check_target(Path(out_dir))
    run = Run.read(run_dir)
    spec = None if run.spec is None else load_spec(str(run.spec))
    clip = run.agent.get("clip_actions")
    raw_clip = None if clip is None else (-float(clip), float(clip))
    with opened(run, num_envs=cfg.num_envs, spec=NO_SPEC, seed=cfg.seed) as (venv, policy):
        if policy.is_recurrent:
            raise Sim2RealError(
                f"{run.checkpoint}: a recurrent network, whose state a bundle cannot carry yet; train a perceptron, "
                "with a history in its observation where it needs one"
            )
        groups = tuple(policy.obs_groups)
        actor = policy.as_onnx(verbose=False).to("cpu").eval()
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
        rollout = record_rollout(env, actor, cfg.steps, groups=groups, raw_clip=raw_clip)
    return export_joint_policy(actor, contract, rollout, out_dir, export)


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


def _provenance(run: Any) -> Any:
    """What the run folder says of itself."""
    from sim2real.contract import TrainingRun

    facts, session = run.facts, (run.facts.get("sessions") or [{}])[-1]
    machine = session.get("machine") or {}
    parts = [str(machine[key]) for key in ("gpu", "cpu") if machine.get(key)]
    parts += [f"{machine['cores']} cores"] if machine.get("cores") else []
    reached = facts.get("iterations_done") == run.iteration
    return TrainingRun(
        physics=run.physics,
        physics_dt_s=1.0,  # the environment's own takes its place
        decimation=1,
        seed=facts.get("seed"),
        command=session.get("command"),
        commit=session.get("commit"),
        num_envs=facts.get("num_envs"),
        iterations=run.iteration,
        env_steps=facts.get("env_steps") if reached else None,
        hours=facts.get("hours") if reached else None,
        machine=", ".join(parts) or None,
        checkpoint=run.checkpoint.name,
    )
