"""An artefact of another tool as a bundle: told what it is, completed, converted, held against the original, proven.

Without the training environment golden vectors are drawn and say so, and what could not be compared says ``not_run``.
What was lost or assumed on the way stands in ``import.json``, which is a file of the bundle like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import (
    ActionMapper,
    Contract,
    FileRecord,
    GoldenReference,
    ObservationAssembler,
    Rollout,
    embed,
    file_record,
)
from sim2real.contract.errors import ContractError
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.contract.reading import parse_json
from sim2real.export.errors import ParityError
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
from sim2real.export.importers import isaac_lab, leapp, mjlab, unitree
from sim2real.export.importers.agreement import check_agreement
from sim2real.export.importers.assemble import UNPROVEN, assemble, check_fit
from sim2real.export.importers.found import Found, ImportCfg
from sim2real.export.importers.golden import drawn_rollout
from sim2real.export.importers.network import INPUT, OUTPUT, Network, open_onnx, open_torchscript, read_model
from sim2real.export.importers.reading import YAML_BYTES, ArtefactError, read_bytes, read_yaml
from sim2real.export.onnx_file import OPSET, open_session

IMPORT_FILE = "import.json"
KINDS = ("rsl_rl", "isaac_lab", "leapp", "mjlab", "unitree")
"""Formats that can be imported. ``rsl_rl``: a bare network, whose contract comes from a task or another bundle."""
TOLERANCE = 1e-4
"""Largest difference of a joint target's output from the original network's, relative to max(1, largest)."""
ASSEMBLY = 1e-5
"""Largest difference of an assembled observation or target from the environment's, relative to max(1, largest)."""
_LATENCY_RUNS = 200


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import made."""

    folder: Path
    """The bundle."""
    contract: Contract
    """The contract in it."""
    report: dict[str, Any]
    """The content of ``import.json``."""
    parity: dict[str, Any]
    """The content of ``parity.json``."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was lost or assumed."""
        return tuple(self.report["warnings"])


def tell_kind(path: Path) -> str:
    """Tell an artefact's format from its files.

    Args:
        path: ``.onnx``, ``.pt``, or the ``.yaml`` that describes a network.

    Raises:
        ArtefactError: none of ``KINDS``.
    """
    if path.suffix in (".yaml", ".yml"):
        data = read_yaml(path, slices=True)
        if leapp.is_leapp(data):
            return "leapp"
        if "joint_ids_map" in data:
            return "unitree"
        if "articulations" in data and "observations" in data:
            return "isaac_lab"
        raise ArtefactError(
            f"{path}: none of LEAPP's YAML, deploy.yaml, IO_descriptors.yaml; its keys: {', '.join(map(str, data))}."
        )
    if path.suffix == ".onnx":
        if mjlab.is_mjlab(open_properties(path)):
            return "mjlab"
    elif path.suffix != ".pt":
        raise ArtefactError(f"{path}: a policy is a .onnx, a .pt (TorchScript), or the .yaml that describes one.")
    if unitree.find(path) is not None:
        return "unitree"
    return "isaac_lab" if isaac_lab.find(path) is not None else "rsl_rl"


def open_properties(path: Path) -> dict[str, str]:
    """The ``metadata_props`` of an ONNX file. Raises: ArtefactError."""
    model, _ = read_model(path)
    return {entry.key: entry.value for entry in model.metadata_props}


def read_artefact(path: Path, cfg: ImportCfg) -> Found:
    """Read an artefact with what describes it. Raises: ArtefactError."""
    kind = cfg.kind or tell_kind(path)
    if kind not in KINDS:
        raise ArtefactError(f"--from is {kind!r}; allowed: {', '.join(KINDS)}.")
    if kind == "leapp":
        return leapp.read(path if path.suffix != ".onnx" else path.with_suffix(".yaml"))
    described = path.suffix in (".yaml", ".yml")
    network, files = _open(_network_beside(path) if described else path)
    if kind == "mjlab":
        return mjlab.read(path, network, files)
    if kind == "rsl_rl":
        return Found(kind="rsl_rl", network=network, files=files)
    finder = unitree.find if kind == "unitree" else isaac_lab.find
    description = path if described else finder(path)
    if description is None:
        raise ArtefactError(f"{path}: there is no {unitree.FILE if kind == 'unitree' else isaac_lab.FILE} near it.")
    if kind == "unitree":
        return unitree.read(description, network, files, cfg.sdk_joints)
    return isaac_lab.read(description, network, files)


def _open(path: Path) -> tuple[Network, dict[str, FileRecord]]:
    return open_torchscript(path) if path.suffix == ".pt" else open_onnx(path)


def _network_beside(path: Path) -> Path:
    """The network that a description belongs to."""
    near = (path.parent, path.parent.parent, path.parent.parent / "exported", path.parent / "exported")
    found = [folder / name for folder in near for name in ("policy.onnx", "policy.pt") if (folder / name).is_file()]
    if not found:
        raise ArtefactError(f"{path}: there is no policy.onnx or policy.pt near it; give the network itself.")
    return found[0]


def read_contract(path: Path) -> Contract:
    """A contract to go by: another bundle's folder or its ``contract.json``, or YAML or JSON of a contract alone.

    Raises:
        ArtefactError: no contract.
    """
    path = path / "contract.json" if path.is_dir() else path
    if path.suffix in (".yaml", ".yml"):
        data: Any = dict(read_yaml(path))
    else:
        text = read_bytes(path, 4 * YAML_BYTES).decode("utf-8", "replace")
        try:
            data = parse_json(text, str(path))
        except ContractError as error:
            raise ArtefactError(str(error)) from None
    if isinstance(data, Mapping) and "contract" in data:
        data = data["contract"]
    try:
        return Contract.from_dict(data, str(path))
    except ContractError as error:
        raise ArtefactError(str(error)) from None


def import_policy(
    artefact: str | Path, out_dir: str | Path, cfg: ImportCfg | None = None, contract: Contract | None = None
) -> ImportResult:
    """Import a policy of rsl_rl, Isaac Lab, LEAPP, mjlab or unitree_rl_lab as a bundle.

    Args:
        artefact: the network, or the YAML that describes it.
        out_dir: the bundle's folder; an older bundle there is replaced, anything else is refused.
        cfg: what the artefact does not say.
        contract: a contract to go by, e.g. from ``read_contract``; what the artefact says has to agree with it.

    Raises:
        ArtefactError: something is missing, does not fit, or cannot be said by a contract. Nothing is written.
        ParityError: the bundle's network answers otherwise than the artefact's.
    """
    path, out, cfg = Path(artefact), Path(out_dir), cfg or ImportCfg()
    check_target(out)
    found = read_artefact(path, cfg)
    name = cfg.name or policy_name(path)
    warnings: tuple[str, ...] = ()
    if contract is None:
        if found.kind == "rsl_rl":
            raise ArtefactError(
                f"{path}: a bare network. What goes in and out is in no file near it: give --task T for the Isaac Lab"
                " task that it was trained on, --contract FILE for the contract of another bundle, or put"
                f" {isaac_lab.FILE} or {unitree.FILE} beside it."
            )
        contract, warnings = assemble(found, cfg, name, str(path))
    else:
        contract = of_artefact(contract, found, name, str(path))
    proto = found.network.named(contract.observation.name, contract.action.output)
    session = open_session(proto.SerializeToString(), threads=1)
    rollout = drawn_rollout(contract, session, cfg.steps, cfg.num_envs, cfg.seed)
    return write_import(found, contract, proto, rollout, out, cfg, warnings, golden="drawn")


def of_artefact(contract: Contract, found: Found, name: str, source: str) -> Contract:
    """A contract from elsewhere, as that of an artefact. Raises: ArtefactError: it is another policy's."""
    contract = replace(contract, name=name, memory=found.network.memory, golden=UNPROVEN)
    check_fit(found.network, contract, source)
    check_agreement(found, contract, source)
    return contract


def write_recorded(
    found: Found, contract: Contract, rollout: Rollout, out: Path, cfg: ImportCfg, task: str
) -> ImportResult:
    """Write a bundle whose rollout was recorded in the environment of training with the artefact's network.

    Raises:
        ParityError: what a robot would assemble, or the targets that it would set, are not the environment's.
    """
    assembler, mapper = ObservationAssembler(contract, rollout.num_envs), ActionMapper(contract)
    observed, targets = np.empty_like(rollout.observations), np.empty_like(rollout.targets)
    for step in range(rollout.steps):
        assembler.reset(rollout.fresh[step])
        state = rollout.state(step)
        observed[step], targets[step] = assembler(state), mapper.targets_in(state, rollout.actions[step])
    pairs = (("observation", observed, rollout.observations), ("joint targets", targets, rollout.targets))
    for word, ours, theirs in pairs:
        error, limit = float(np.abs(ours - theirs).max()), ASSEMBLY * max(1.0, float(np.abs(theirs).max()))
        if not error <= limit:
            raise ParityError(
                f"the {word} that a robot would make differ by {error:.3g} from {task}'s; allowed {limit:.3g}."
                " Nothing was written. Is there noise or a lag in the task, or a clip of the trainer (--clip-actions)?"
            )
    proto = found.network.named(contract.observation.name, contract.action.output)
    session = open_session(proto.SerializeToString(), threads=1)
    rollout = replace(rollout, actions=_played(session, contract, rollout))
    assembly = float(np.abs(observed - rollout.observations).max())
    golden = f"recorded in {task}"
    return write_import(found, contract, proto, rollout, out, cfg, golden=golden, assembly=assembly)


def _played(session: Any, contract: Contract, rollout: Rollout) -> np.ndarray:
    """The bundle's actions on recorded observations, float32 (steps, n, joints)."""
    memory = {state.input: np.zeros(state.shape(rollout.num_envs), np.float32) for state in contract.memory}
    outputs = [contract.action.output, *(state.output for state in contract.memory)]
    actions = np.empty_like(rollout.actions)
    for step in range(rollout.steps):
        for array in memory.values():
            array[:, rollout.fresh[step]] = 0.0
        actions[step], *after = session.run(outputs, {contract.observation.name: rollout.observations[step], **memory})
        memory = {kept.input: array.copy() for kept, array in zip(contract.memory, after, strict=True)}
    return actions


def write_import(
    found: Found,
    contract: Contract,
    proto: Any,
    rollout: Rollout,
    out: Path,
    cfg: ImportCfg,
    warnings: tuple[str, ...] = (),
    *,
    golden: str,
    assembly: float | None = None,
) -> ImportResult:
    """Write and prove the bundle.

    Args:
        found: the artefact.
        contract: the contract, its golden vectors still to be made.
        proto: the network, as the contract names its input and output.
        rollout: golden vectors.
        out: the bundle's folder.
        cfg: what was added.
        warnings: beside those of the artefact.
        golden: what the golden vectors are: ``drawn``, or ``recorded in <engine>``.
        assembly: largest difference of assembled from recorded observations; None: nothing was recorded.

    Raises:
        ParityError: the bundle's network answers otherwise than the artefact's.
    """
    error = _compare(found.network, contract, rollout)
    limit = TOLERANCE * max(1.0, float(np.abs(rollout.actions).max()))
    if not error <= limit:
        raise ParityError(
            f"the converted network differs from the artefact's by {error:.3g}; allowed is {limit:.3g}. Nothing was"
            " written."
        )
    golden_bytes = rollout.to_bytes()
    reference = GoldenReference(sha256=file_record(golden_bytes).sha256, frames=rollout.steps * rollout.num_envs)
    contract = replace(contract, golden=reference)
    embed(proto, contract, "float")
    content = proto.SerializeToString()
    said = (*found.warnings, *warnings)
    if golden == "drawn":
        said += (
            "golden vectors are drawn states, not a rollout: that the observation is that of training is not proven",
        )
    report = {
        "from": found.kind,
        "files": {name: {"bytes": r.bytes, "sha256": r.sha256} for name, r in sorted(found.files.items())},
        "supplied": cfg.given(),
        "golden": golden,
        "warnings": list(said),
    }
    torch = found.network.runner == "torch"
    left = {"torch": "the artefact has no torch module", "assembly": "nobody saw the training environment"}
    left = {name: reason for name, reason in left.items() if not (torch if name == "torch" else assembly is not None)}
    absent = {"status": "not_run", "kept": False, "reason": "not made for imported policies"}
    whole = {"status": "pass", "kept": True, "reason": None, "opset": OPSET, "max_abs_error": error}
    parity = {
        "steps": rollout.steps,
        "envs": rollout.num_envs,
        "frames": int(rollout.fresh.size),
        "episodes": int(rollout.fresh.sum()),
        "opset": OPSET,
        "against": f"the artefact's network in {found.network.runner}",
        "max_abs_error": error,
        "assembly_max_abs_error": assembly,
        "tolerance": TOLERANCE,
        "precisions": {"float": {**whole, "tolerance": TOLERANCE}, "fp16": absent, "int8": absent},
        "keep": "float",
        "engines": {},
        "not_run": {**left, "tensorrt": "no engine was built"},
    }
    one = {contract.observation.name: rollout.observations[0, :1]}
    one |= {state.input: np.zeros(state.shape(1), np.float32) for state in contract.memory}
    latency: dict[str, Any] = {"batch": 1, "runs": _LATENCY_RUNS, "unit": "ms", "runtime": runtime_name()}
    latency["float"] = time_inference(content, one, _LATENCY_RUNS)
    contents = {
        GOLDEN_FILE: golden_bytes,
        contract.model_file("float"): content,
        PARITY_FILE: json_bytes(parity),
        IMPORT_FILE: json_bytes(report),
        LATENCY_FILE: json_bytes(latency),
    }
    with bundle_folder(out) as work:
        write_bundle(work, contract, contents)
        from sim2real.deploy.joint_runtime import JointPolicyRuntime

        JointPolicyRuntime(work, threads=1)
    return ImportResult(folder=out, contract=contract, report=report, parity=parity)


def _compare(network: Network, contract: Contract, rollout: Rollout) -> float:
    """Largest difference of the bundle's actions from the artefact's, over whole episodes."""
    memory = {state.input: np.zeros(state.shape(rollout.num_envs), np.float32) for state in contract.memory}
    worst = 0.0
    for step in range(rollout.steps):
        for array in memory.values():
            array[:, rollout.fresh[step]] = 0.0
        given = network.original({INPUT: rollout.observations[step], **memory})
        memory = {state.input: given[state.output].copy() for state in contract.memory}
        worst = max(worst, float(np.abs(given[OUTPUT] - rollout.actions[step]).max()))
    return worst if np.isfinite(worst) else float("inf")


def policy_name(path: Path) -> str:
    """A policy's name, made of its file's: ``Go2-Flat.onnx`` -> ``go2_flat``."""
    name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")[:60]
    return name if re.match(r"[a-z]", name) else f"policy_{name}".rstrip("_")
