"""The export of a policy that moves joints: the actor as ONNX, its contract, a recorded rollout as golden vectors.

Three comparisons stand before the folder gets its name. The assembly of the observation, which a robot will use, gives
what the training environment gave; ONNX Runtime gives what torch gives; and both together, fed with nothing but the
recorded states, give the joint targets that the training environment set.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import (
    ActionMapper,
    Contract,
    GoldenReference,
    ObservationAssembler,
    Rollout,
    embed,
    file_record,
    write_manifest,
)
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.export.bundle import ExportResult
from sim2real.export.errors import ExportError, ParityError
from sim2real.export.folder import (
    LATENCY_FILE,
    PARITY_FILE,
    bundle_folder,
    check_target,
    json_bytes,
    runtime_name,
    time_inference,
)
from sim2real.export.onnx_file import OPSET, export_onnx, open_session, prove_parity, run, torch_logits


@dataclass(frozen=True, kw_only=True)
class JointExportCfg:
    """How to export a policy that moves joints."""

    parity_tolerance: float = 1e-4
    """Largest difference of torch and ONNX Runtime, relative to max(1, largest output)."""
    observation_tolerance: float = 1e-5
    """Largest difference of an assembled observation from the training environment's, relative to max(1, largest)."""
    golden_steps: int = 40
    """Decisions of a golden vector, from the start of an episode on."""
    golden_envs: int = 4
    """Robots of the golden vectors."""
    latency_runs: int = 500
    """Timed single inferences."""


def export_joint_policy(
    actor: Any, contract: Contract, rollout: Rollout, out_dir: str | Path, cfg: JointExportCfg | None = None
) -> ExportResult:
    """Export an actor as a bundle.

    Args:
        actor: the torch module: (N, size) -> (N, joints), its normalizer inside; it is left on the CPU.
        contract: what it was trained with, e.g. from ``sim2real.lab.policy_contract``; its golden reference is made
            here.
        rollout: recorded in the training environment, with that actor and without noise.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: how to export.

    Raises:
        ParityError: one of the three comparisons failed.
        ExportError: the rollout does not fit the contract, or the folder is something else. Nothing is written in
            either case.
    """
    cfg = cfg or JointExportCfg()
    out = Path(out_dir)
    check_target(out)
    _check_fit(contract, rollout)
    actor = actor.to("cpu").eval()
    observed = _assembled(contract, rollout)
    limit = cfg.observation_tolerance * max(1.0, float(np.abs(rollout.observations).max()))
    assembly = _largest(observed - rollout.observations)
    if not assembly <= limit:
        raise ParityError(_where(contract, np.abs(observed - rollout.observations), limit))
    with bundle_folder(out) as work:
        result = _make(actor, contract, rollout, observed, work, cfg, assembly)
        from sim2real.deploy.joint_runtime import JointPolicyRuntime

        JointPolicyRuntime(work, threads=1)
    return replace(result, folder=out)


def _make(
    actor: Any,
    contract: Contract,
    rollout: Rollout,
    observed: np.ndarray,
    work: Path,
    cfg: JointExportCfg,
    assembly: float,
) -> ExportResult:
    """Make every file of the bundle in ``work``."""
    size = contract.state.size
    proto = export_onnx(
        actor,
        work / "float.onnx",
        shape=(size,),
        input_name=contract.observation.name,
        output_name=contract.action.output,
        graph_name=contract.name,
    )
    session = open_session(proto.SerializeToString(), threads=1)
    inputs = rollout.observations.reshape(-1, size)
    wanted = torch_logits(actor, inputs)
    network = prove_parity(session, inputs, wanted, cfg.parity_tolerance)
    recorded = _largest(wanted.reshape(rollout.actions.shape) - rollout.actions)
    limit = cfg.parity_tolerance * max(1.0, float(np.abs(wanted).max()))
    if not recorded <= limit:
        raise ParityError(
            f"the actor gives other actions than those that were recorded with it: they differ by {recorded:.3g}, "
            f"allowed is {limit:.3g}. Nothing was written. Record the rollout with the deterministic actor itself."
        )
    mapper = ActionMapper(contract)
    joints = len(mapper.joint_names)
    targets = mapper.targets(run(session, observed.reshape(-1, size))).reshape(*rollout.fresh.shape, joints)
    chain = _largest(targets - rollout.targets)
    limit = 10.0 * cfg.parity_tolerance * max(1.0, float(np.abs(rollout.targets).max()))
    if not chain <= limit:
        raise ParityError(
            f"from recorded states to joint targets, the exported policy differs from the training environment by "
            f"{chain:.3g}; allowed is {limit:.3g}. Nothing was written."
        )
    golden = rollout.part(min(cfg.golden_steps, rollout.steps), min(cfg.golden_envs, rollout.num_envs))
    golden_bytes = golden.to_bytes()
    reference = GoldenReference(
        sha256=file_record(golden_bytes).sha256,
        frames=golden.steps * golden.num_envs,
        float_tolerance=contract.golden.float_tolerance,
    )
    contract = replace(contract, golden=reference)
    embed(proto, contract, "float")
    content = proto.SerializeToString()
    parity = {
        "steps": rollout.steps,
        "envs": rollout.num_envs,
        "episodes": int(rollout.fresh.sum()),
        "opset": OPSET,
        "assembly_max_abs_error": assembly,
        "max_abs_error": network,
        "targets_max_abs_error": chain,
        "tolerance": cfg.parity_tolerance,
        "int8": {"kept": False, "reason": "not made for policies that move joints"},
    }
    latency = {
        "batch": 1,
        "runs": cfg.latency_runs,
        "unit": "ms",
        "runtime": runtime_name(),
        "float": time_inference(content, inputs[:1], cfg.latency_runs),
    }
    contents = {
        GOLDEN_FILE: golden_bytes,
        contract.model_file("float"): content,
        PARITY_FILE: json_bytes(parity),
        LATENCY_FILE: json_bytes(latency),
    }
    for file, data in contents.items():
        (work / file).write_bytes(data)
    write_manifest(work, contract, {file: file_record(data) for file, data in contents.items()})
    return ExportResult(folder=work, contract=contract, parity=parity, latency=latency)


def _check_fit(contract: Contract, rollout: Rollout) -> None:
    """The rollout has the contract's sizes. Raises: ExportError."""
    wanted = (contract.state.size, len(contract.joint_positions.joints), len(contract.joint_positions.joints))
    found = (rollout.observations.shape[2], rollout.actions.shape[2], rollout.targets.shape[2])
    if found != wanted:
        raise ExportError(
            f"the rollout has observations, actions and targets of {found} numbers, the contract of {wanted}. "
            "Record it in the environment that the contract was read from."
        )


def _assembled(contract: Contract, rollout: Rollout) -> np.ndarray:
    """The observations that a robot would build of the recorded states."""
    assembler = ObservationAssembler(contract, rollout.num_envs)
    built = np.empty_like(rollout.observations)
    for step in range(rollout.steps):
        assembler.reset(rollout.fresh[step])
        built[step] = assembler(rollout.state(step))
    return built


def _largest(difference: np.ndarray) -> float:
    """Largest magnitude; infinite where something is no number."""
    largest = float(np.abs(difference).max())
    return largest if np.isfinite(largest) else float("inf")


def _where(contract: Contract, error: np.ndarray, limit: float) -> str:
    """Which terms of the observation differ."""
    state = contract.state
    columns = np.concatenate([np.full(term.size * term.history, i) for i, term in enumerate(state.terms)])
    if state.layout == "time_major":
        columns = np.tile(np.repeat(np.arange(len(state.terms)), [t.size for t in state.terms]), state.terms[0].history)
    worst = np.nan_to_num(error, nan=np.inf).max(axis=(0, 1))
    parts = [(term.name, float(worst[columns == i].max())) for i, term in enumerate(state.terms)]
    said = ", ".join(f"{name} by {amount:.3g}" for name, amount in parts if not amount <= limit)
    return (
        f"the assembled observation differs from the training environment's: {said}; allowed is {limit:.3g}. Nothing "
        "was written. Was the rollout recorded with noise, or behind a signal that delays?"
    )
