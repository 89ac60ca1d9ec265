"""The export of a policy that moves joints: the actor as ONNX, its contract, a recorded rollout as golden vectors.

The actor may be recurrent: its memory is named in the contract, goes in and comes out, and is played over whole
episodes in every comparison. Three of them stand before the folder gets its name. The assembly of the observation,
which a robot will use, gives what the training environment gave; ONNX Runtime gives what torch gives; and both
together, fed with nothing but the recorded states, give the joint targets that the training environment set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import (
    Contract,
    GoldenReference,
    ObservationAssembler,
    Rollout,
    embed,
    file_record,
)
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.deploy.network import OnnxNetwork
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
    write_bundle,
)
from sim2real.export.gates import TargetGate
from sim2real.export.onnx_file import OPSET, export_onnx
from sim2real.export.playing import TorchNetwork, memory_of, play, targets_of, without_empty
from sim2real.export.precisions import make_precisions
from sim2real.export.progress import Say, quiet
from sim2real.export.quantize import CALIBRATORS, in_batches


@dataclass(frozen=True, kw_only=True)
class JointExportCfg:
    """How to export a policy that moves joints."""

    parity_tolerance: float = 1e-4
    """Largest difference of torch and ONNX Runtime, relative to max(1, largest output)."""
    observation_tolerance: float = 1e-5
    """Largest difference of an assembled observation from the training environment's, relative to max(1, largest)."""
    least_frames: int = 1024
    """Fewest decisions of all robots that parity is proven on."""
    golden_frames: int = 1024
    """Decisions of the golden vectors, at least, where there are as many: all recorded steps of so many robots."""
    gate_fp16: TargetGate = TargetGate(relative_rmse=0.01, relative_max=0.1)
    """What FP16 must hold."""
    gate_int8: TargetGate = TargetGate()
    """What INT8 must hold."""
    int8: bool = True
    """Whether to try INT8."""
    calibrators: tuple[str, ...] = CALIBRATORS
    """Names of the calibrators to try."""
    calibration_frames: int = 256
    """Most decisions for the calibration; a quarter of the robots is set aside for it."""
    latency_runs: int = 500
    """Timed single inferences."""


def export_joint_policy(
    actor: Any,
    contract: Contract,
    rollout: Rollout,
    out_dir: str | Path,
    cfg: JointExportCfg | None = None,
    *,
    say: Say = quiet,
) -> ExportResult:
    """Export an actor as a bundle.

    Args:
        actor: the torch module: (N, size) -> (N, joints), its normalizer inside; it is left on the CPU. With a memory
            in the contract: (observation, *states) -> (output, *states), each state (layers, N, size).
        contract: what it was trained with, e.g. from ``sim2real.lab.policy_contract``; its golden reference is made
            here.
        rollout: recorded in the training environment, with that actor and without noise; whole episodes of a recurrent
            one.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: how to export.
        say: told of the progress: stage, precision, message.

    Raises:
        ParityError: one of the three comparisons failed.
        ExportError: the rollout does not fit the contract or is too short, or the folder is something else. Nothing is
            written in either case.
    """
    cfg = cfg or JointExportCfg()
    out = Path(out_dir)
    check_target(out)
    if memory_of(actor) not in ((), contract.memory):
        raise ExportError(
            f"the actor remembers {', '.join(state.input for state in memory_of(actor))}, which the contract does not "
            "say; give it memory=memory_of(actor)."
        )
    _check_fit(contract, rollout, cfg.least_frames)
    actor = actor.to("cpu").eval()
    observed = _assembled(contract, rollout)
    limit = cfg.observation_tolerance * max(1.0, float(np.abs(rollout.observations).max()))
    assembly = _largest(observed - rollout.observations)
    if not assembly <= limit:
        raise ParityError(_where(contract, np.abs(observed - rollout.observations), limit))
    with bundle_folder(out) as work:
        result = _make(actor, contract, rollout, observed, work, cfg, assembly, say)
        say("write", "", str(out))
        from sim2real.deploy.joint_runtime import JointPolicyRuntime

        for precision in result.precisions:
            JointPolicyRuntime(work, threads=1, precision=precision)
    return replace(result, folder=out)


def _make(
    actor: Any,
    contract: Contract,
    rollout: Rollout,
    observed: np.ndarray,
    work: Path,
    cfg: JointExportCfg,
    assembly: float,
    say: Say,
) -> ExportResult:
    """Make every file of the bundle in ``work``."""
    say("export", "float", f"ONNX of opset {OPSET}")
    module = without_empty(actor) if contract.memory else actor
    proto = export_onnx(
        module,
        work / "float.onnx",
        shape=(contract.state.size,),
        input_name=contract.observation.name,
        output_name=contract.action.output,
        graph_name=contract.name,
        memory=contract.memory,
    )
    say("prove", "float", f"ONNX Runtime against torch on {rollout.fresh.size} decisions")
    float_network = _network(proto.SerializeToString())
    wanted, _ = play(TorchNetwork(module, contract), contract, rollout.observations, rollout.fresh)
    actions, states = play(float_network, contract, rollout.observations, rollout.fresh)
    network = _prove_network(float_network, contract, rollout, wanted, actions, cfg.parity_tolerance)
    _prove_recording(wanted, rollout, cfg.parity_tolerance)
    chain = _prove_chain(float_network, contract, rollout, observed, cfg.parity_tolerance)

    calibrating = _calibrating(rollout)
    judged = ~calibrating
    float_targets = targets_of(contract, rollout, actions)[judged]
    outputs: dict[bytes, np.ndarray] = {}

    def score(gate: TargetGate, content: bytes) -> dict[str, Any]:
        outputs[content], _ = play(_network(content), contract, rollout.observations, rollout.fresh)
        targets = targets_of(contract, rollout, outputs[content])[judged]
        return gate.measure(targets, float_targets, contract.joint_action.joints)

    made = make_precisions(
        proto,
        work,
        partial(score, cfg.gate_fp16),
        partial(score, cfg.gate_int8),
        {"fp16": cfg.gate_fp16, "int8": cfg.gate_int8},
        int(judged.sum()),
        {"max_abs_error": network, "tolerance": cfg.parity_tolerance, "frames": int(rollout.fresh.size)},
        batches=_batches(contract, rollout, states, calibrating, cfg.calibration_frames) if cfg.int8 else None,
        calibrators=cfg.calibrators,
        say=say,
    )
    played = {p: outputs[m.SerializeToString()] for p, m in made.models.items() if p != "float"}
    robots = min(rollout.num_envs, -(-cfg.golden_frames // rollout.steps))
    say("golden", "", f"{rollout.steps} decisions of {robots} robots")
    named = replace(rollout, outputs=played, action_joints=contract.joint_action.joints)
    golden = named.part(rollout.steps, robots)
    golden_bytes = golden.to_bytes()
    reference = GoldenReference(
        sha256=file_record(golden_bytes).sha256,
        frames=golden.steps * golden.num_envs,
        float_tolerance=contract.golden.float_tolerance,
        fp16_tolerance=contract.golden.fp16_tolerance,
        int8_tolerance=contract.golden.int8_tolerance,
    )
    contract = replace(contract, golden=reference)
    parity = {
        "steps": rollout.steps,
        "envs": rollout.num_envs,
        "frames": int(rollout.fresh.size),
        "episodes": int(rollout.fresh.sum()),
        "whole_episodes": int(rollout.fresh[1:].sum()),
        "opset": OPSET,
        "assembly_max_abs_error": assembly,
        "max_abs_error": network,
        "targets_max_abs_error": chain,
        "tolerance": cfg.parity_tolerance,
        "precisions": made.table,
        "keep": made.keep,
        "engines": {},
        "not_run": made.not_run,
    }
    one = {contract.observation.name: rollout.observations[0, :1]}
    one |= {state.input: np.zeros(state.shape(1), np.float32) for state in contract.memory}
    latency: dict[str, Any] = {"batch": 1, "runs": cfg.latency_runs, "unit": "ms", "runtime": runtime_name()}
    contents = {GOLDEN_FILE: golden_bytes}
    for precision, model in made.models.items():
        embed(model, contract, precision)
        content = model.SerializeToString()
        contents[contract.model_file(precision)] = content
        say("time", precision, f"{cfg.latency_runs} inferences")
        latency[precision] = time_inference(content, one, cfg.latency_runs)
    contents |= {PARITY_FILE: json_bytes(parity), LATENCY_FILE: json_bytes(latency)}
    write_bundle(work, contract, contents)
    return ExportResult(folder=work, contract=contract, parity=parity, latency=latency)


def _network(content: bytes) -> OnnxNetwork:
    """An ONNX file in ONNX Runtime on one thread."""
    return OnnxNetwork(content, "the exported network", threads=1)


def _prove_network(
    network: OnnxNetwork, contract: Contract, rollout: Rollout, wanted: np.ndarray, found: np.ndarray, tolerance: float
) -> float:
    """ONNX Runtime answers as torch, all robots at once and one alone. Returns the largest difference."""
    alone, _ = play(network, contract, rollout.observations[:, :1], rollout.fresh[:, :1])
    error = max(_largest(found - wanted), _largest(alone - wanted[:, :1]))
    limit = tolerance * max(1.0, float(np.abs(wanted).max()))
    if not error <= limit:
        raise ParityError(
            f"the exported network differs from the trained one by {error:.3g} on {rollout.fresh.size} decisions; "
            f"allowed is {limit:.3g}. Nothing was written. Look for layers that behave otherwise while exporting."
        )
    return error


def _prove_recording(wanted: np.ndarray, rollout: Rollout, tolerance: float) -> None:
    """The rollout was recorded with this actor."""
    recorded = _largest(wanted - rollout.actions)
    limit = tolerance * max(1.0, float(np.abs(wanted).max()))
    if not recorded <= limit:
        raise ParityError(
            f"the actor gives other actions than those that were recorded with it: they differ by {recorded:.3g}, "
            f"allowed is {limit:.3g}. Nothing was written. Record the rollout with the deterministic actor itself."
        )


def _prove_chain(
    network: OnnxNetwork, contract: Contract, rollout: Rollout, observed: np.ndarray, tolerance: float
) -> float:
    """From recorded states to joint targets as in the training environment. Returns the largest difference."""
    actions, _ = play(network, contract, observed, rollout.fresh)
    chain = _largest(targets_of(contract, rollout, actions) - rollout.targets)
    limit = 10.0 * tolerance * max(1.0, float(np.abs(rollout.targets).max()))
    if not chain <= limit:
        raise ParityError(
            f"from recorded states to joint targets, the exported policy differs from the training environment by "
            f"{chain:.3g}; allowed is {limit:.3g}. Nothing was written."
        )
    return chain


def _calibrating(rollout: Rollout) -> np.ndarray:
    """Which decisions INT8 is calibrated on and not judged by, bool (steps, n): a quarter of the robots."""
    chosen = np.zeros(rollout.fresh.shape, bool)
    if rollout.num_envs > 1:
        chosen[:, -max(1, rollout.num_envs // 4) :] = True
    else:  # one robot: the end of what it did
        chosen[-max(1, rollout.steps // 4) :] = True
    return chosen


def _batches(
    contract: Contract, rollout: Rollout, states: Mapping[str, np.ndarray], chosen: np.ndarray, most: int
) -> list[dict[str, np.ndarray]]:
    """Calibration inputs, spread evenly over what is chosen."""
    steps, robots = np.nonzero(chosen)
    picked = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))
    steps, robots = steps[picked], robots[picked]
    feeds = {contract.observation.name: rollout.observations[steps, robots]}
    feeds |= {name: values[steps, :, robots].swapaxes(0, 1) for name, values in states.items()}
    return in_batches(feeds, states=list(states))


def _check_fit(contract: Contract, rollout: Rollout, least: int) -> None:
    """The rollout has the contract's sizes and is long enough. Raises: ExportError."""
    joints = len(contract.joint_action.joints)
    wanted = (contract.state.size, joints, joints)
    found = (rollout.observations.shape[2], rollout.actions.shape[2], rollout.targets.shape[2])
    if found != wanted:
        raise ExportError(
            f"the rollout has observations, actions and targets of {found} numbers, the contract of {wanted}. "
            "Record it in the environment that the contract was read from."
        )
    if rollout.action_joints and rollout.action_joints != contract.joint_action.joints:
        raise ExportError(
            f"the rollout's targets are of {', '.join(rollout.action_joints)}, the contract's action moves "
            f"{', '.join(contract.joint_action.joints)}. Record it in the environment that the contract was read from."
        )
    if rollout.fresh.size < least:
        raise ExportError(
            f"the rollout has {rollout.fresh.size} decisions ({rollout.steps} steps of {rollout.num_envs} robots); "
            f"parity is proven on at least {least}. Record more steps, or more robots."
        )
    if contract.memory and not rollout.fresh[1:].any():
        raise ExportError(
            f"no robot ended an episode in {rollout.steps} recorded steps; a recurrent network is proven on whole "
            "ones. Record more steps."
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
