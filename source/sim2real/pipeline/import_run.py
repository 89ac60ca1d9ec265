"""Another tool's network with the contract of a registered task, and a rollout of that task as its golden vectors.

This is the import that proves most: the task is opened without a spec and without noise, the network acts in it, and
what a robot would assemble is held against what the environment gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sim2real.contract import Contract
    from sim2real.export.importers import ImportCfg, ImportResult


def import_for_task(
    artefact: str | Path,
    out_dir: str | Path,
    task: str,
    physics: str,
    cfg: ImportCfg | None = None,
    *,
    groups: Sequence[str] = ("policy",),
    steps: int = 80,
    num_envs: int = 8,
) -> ImportResult:
    """Import a network that was trained on a registered task.

    Args:
        artefact: the network, or the YAML that describes it.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        task: Gymnasium name of the task.
        physics: the engine that it was trained in, which is opened.
        cfg: name, format, and what the trainer clips; the rest comes from the task.
        groups: observation groups that the actor gets, in its order.
        steps: decisions of the recorded rollout.
        num_envs: robots of the recorded rollout.

    Raises:
        Sim2RealError: the artefact is not of this task, or a comparison failed. Nothing is written.
    """
    from sim2real.contract import TrainingRun
    from sim2real.export.folder import check_target
    from sim2real.export.importers.bundle import ImportCfg, of_artefact, policy_name, read_artefact, write_recorded
    from sim2real.lab.apply import apply_nothing
    from sim2real.lab.launch import make_env
    from sim2real.lab.policy_contract import policy_contract, record_rollout
    from sim2real.pipeline.export_run import urdf_of

    path, out, cfg = Path(artefact), Path(out_dir), cfg or ImportCfg()
    check_target(out)
    found = read_artefact(path, cfg)
    raw_clip = None if cfg.clip_actions is None else (-cfg.clip_actions, cfg.clip_actions)
    changes: dict[str, Any] = {"scene.num_envs": num_envs, "seed": cfg.seed}
    with make_env(task, physics, prepare=apply_nothing, **changes) as env:
        contract = policy_contract(
            env,
            name=cfg.name or policy_name(path),
            task=task,
            urdf=urdf_of(env),
            run=TrainingRun(physics=physics, physics_dt_s=1.0, decimation=1),  # the environment's own takes its place
            groups=groups,
            raw_clip=raw_clip,
        )
        contract = of_artefact(contract, found, contract.name, str(path))
        acting = _Acting(found.network, contract, num_envs)
        rollout = record_rollout(env, acting, steps, groups=groups, raw_clip=raw_clip, forget=acting.forget)
    return write_recorded(found, contract, rollout, out, replace(cfg, physics=physics), task)


class _Acting:
    """The artefact's own network, as something that acts in an environment."""

    def __init__(self, network: Any, contract: Contract, num_envs: int) -> None:
        self._network, self._states = network, contract.memory
        self._memory = {state.input: np.zeros(state.shape(num_envs), np.float32) for state in contract.memory}

    def forget(self, rows: Any) -> None:
        """Clear the memory of robots that begin an episode."""
        mask = rows.numpy()
        for array in self._memory.values():
            array[:, mask] = 0.0

    def __call__(self, observations: Any) -> Any:
        """(num_envs, size) -> (num_envs, joints), torch tensors."""
        import torch

        from sim2real.export.importers.network import INPUT, OUTPUT

        given = self._network.original({INPUT: observations.cpu().numpy(), **self._memory})
        self._memory = {state.input: given[state.output].copy() for state in self._states}
        return torch.from_numpy(given[OUTPUT]).to(observations.device)
