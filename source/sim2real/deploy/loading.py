"""Opening a bundle: everything that is proven before a policy of any kind answers for the first time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.contract import Contract, ContractError, check_file, extract, read_manifest
from sim2real.contract.golden import GOLDEN_FILE

PRECISIONS = ("float", "int8")


@dataclass(frozen=True, kw_only=True)
class OpenBundle:
    """A bundle whose files are what was exported, with its network loaded."""

    folder: Path
    """The bundle."""
    precision: str
    """``float`` or ``int8``."""
    contract: Contract
    """What the policy needs to run."""
    session: Any
    """ONNX Runtime's session of the network."""
    golden: bytes
    """Content of ``golden.npz``."""

    @property
    def golden_path(self) -> str:
        """Where the golden vectors stand, for errors."""
        return str(self.folder / GOLDEN_FILE)


def open_bundle(
    bundle: str | os.PathLike[str],
    precision: str,
    *,
    threads: int,
    providers: Sequence[str] | None,
    task: str | None,
) -> OpenBundle:
    """Open a bundle; the golden vectors are the caller's to prove.

    Args:
        bundle: the folder that the export wrote, or one of its ``.onnx`` files (its name then says the precision).
        precision: ``float`` or ``int8``.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.

    Raises:
        ContractError: the bundle is not whole, or not of one piece.
    """
    path = Path(bundle)
    if path.suffix == ".onnx":
        precision = "int8" if path.name.endswith(".int8.onnx") else "float"
        path = path.parent
    if threads < 0:
        raise ContractError(f"threads is {threads}; allowed: threads >= 0.")
    manifest = read_manifest(path)
    contract = manifest.contract
    if task is not None and contract.task != task:
        raise ContractError(f"{path}: the policy is for task '{contract.task}', wanted is '{task}'.")
    name = contract.model_file(precision)
    if Path(bundle).suffix == ".onnx" and Path(bundle).name != name:
        raise ContractError(f"{bundle}: not a file of this bundle, whose {precision} network is {name}.")
    if name not in manifest.files and precision == "int8":
        raise ContractError(
            f"{path}: this bundle has no INT8 network: the export refused it (see parity.json for the measured "
            "reason) or was told to skip it. Use precision 'float'."
        )
    golden = check_file(manifest, path, GOLDEN_FILE)
    if manifest.files[GOLDEN_FILE].sha256 != contract.golden.sha256:
        raise ContractError(f"{path / GOLDEN_FILE}: the golden vectors of another contract. Copy the bundle again.")
    session = _open_session(check_file(manifest, path, name), path / name, threads, providers)
    _check_inside(session, contract, precision, path / name)
    return OpenBundle(folder=path, precision=precision, contract=contract, session=session, golden=golden)


def check_shapes(opened: OpenBundle, shape: list[int], outputs: int | None = None) -> None:
    """Prove that the network takes and gives what its contract says.

    Args:
        opened: the bundle.
        shape: shape of the input without the batch.
        outputs: length of the output; None: not checked.

    Raises:
        ContractError: it does not.
    """
    contract = opened.contract
    path = opened.folder / contract.model_file(opened.precision)
    given, answers = opened.session.get_inputs(), opened.session.get_outputs()
    wanted: tuple[Any, ...] = (contract.observation.name, shape, contract.action.output)
    found: tuple[Any, ...] = tuple((g.name, g.shape[1:]) for g in given)
    found = (*(found[0] if len(found) == 1 else ("several inputs", found)), *(a.name for a in answers))
    if outputs is not None:
        wanted, found = (*wanted, outputs), (*found, answers[0].shape[-1])
    if found != wanted:
        raise ContractError(f"{path}: the network takes and gives {found}; its contract says {wanted}.")


def _check_inside(session: Any, contract: Contract, precision: str, path: Path) -> None:
    """The contract inside the network is the one beside it."""
    inside, written = extract(session.get_modelmeta().custom_metadata_map, str(path))
    if inside != contract:
        raise ContractError(
            f"{path}: the network belongs to another contract (inside: {inside.name} for task {inside.task}, "
            f"{inside.sha256[:12]}; beside: {contract.name} for task {contract.task}, "
            f"{contract.sha256[:12]}). Copy the whole bundle instead of single files."
        )
    if written != precision:
        raise ContractError(f"{path}: the network is {written}, its file name says {precision}.")


def _open_session(content: bytes, path: Path, threads: int, providers: Sequence[str] | None) -> Any:
    """An ONNX Runtime session of a file's content."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    chosen = list(providers) if providers is not None else ["CPUExecutionProvider"]
    missing = [name for name in chosen if name not in available]
    if missing:
        raise ContractError(f"ONNX Runtime here has no {', '.join(missing)}; it has: {', '.join(available)}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(content, options, providers=chosen)
    except Exception as error:  # noqa: BLE001  ONNX Runtime raises a kind of its own per cause
        reason = str(error).splitlines()[0]
        raise ContractError(f"{path}: ONNX Runtime cannot load the network: {reason}") from None
