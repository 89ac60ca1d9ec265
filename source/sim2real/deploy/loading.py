"""Opening a bundle: everything that is proven before a policy of any kind answers for the first time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.contract import PRECISIONS, Contract, ContractError, check_file, extract, read_manifest
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.deploy.network import Network, OnnxNetwork


@dataclass(frozen=True, kw_only=True)
class OpenBundle:
    """A bundle whose files are what was exported, with its network loaded."""

    folder: Path
    """The bundle."""
    precision: str
    """``float``, ``fp16`` or ``int8``."""
    contract: Contract
    """What the policy needs to run."""
    network: Network
    """What runs the network."""
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
    network: Network | None = None,
) -> OpenBundle:
    """Open a bundle; the golden vectors are the caller's to prove.

    Args:
        bundle: the folder that the export wrote, or one of its ``.onnx`` files (its name then says the precision).
        precision: ``float``, ``fp16`` or ``int8``.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.
        network: what runs the network in place of ONNX Runtime, e.g. an engine that was built of this bundle's file;
            None: ONNX Runtime.

    Raises:
        ContractError: the bundle is not whole, or not of one piece.
    """
    path = Path(bundle)
    if path.suffix == ".onnx":
        named = path.name.removesuffix(".onnx").rpartition(".")[2]
        precision = named if named in PRECISIONS[1:] else "float"
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
    if name not in manifest.files and precision != "float":
        raise ContractError(
            f"{path}: this bundle has no {precision.upper()} network: the export refused it (see parity.json for the "
            "measured reason) or was told to skip it. Use precision 'float'."
        )
    golden = check_file(manifest, path, GOLDEN_FILE)
    if manifest.files[GOLDEN_FILE].sha256 != contract.golden.sha256:
        raise ContractError(f"{path / GOLDEN_FILE}: the golden vectors of another contract. Copy the bundle again.")
    if network is None:
        content = check_file(manifest, path, name)
        loaded = OnnxNetwork(content, str(path / name), threads=threads, providers=providers)
        _check_inside(loaded.properties, contract, precision, path / name)
        network = loaded
    return OpenBundle(folder=path, precision=precision, contract=contract, network=network, golden=golden)


def check_shapes(opened: OpenBundle, shape: list[int], outputs: int) -> None:
    """Prove that the network takes and gives what its contract says.

    Args:
        opened: the bundle.
        shape: shape of the observation without the batch.
        outputs: length of the output.

    Raises:
        ContractError: it does not.
    """
    contract = opened.contract
    path = opened.folder / contract.model_file(opened.precision)
    takes: dict[str, Any] = {contract.observation.name: ("batch", *shape)}
    takes |= {state.input: (state.layers, "batch", state.size) for state in contract.memory}
    gives: dict[str, Any] = {contract.action.output: ("batch", outputs)}
    gives |= {state.output: (state.layers, "batch", state.size) for state in contract.memory}
    network = opened.network
    for said, found, verb in ((takes, network.inputs, "takes"), (gives, network.outputs, "gives")):
        fits = said.keys() == found.keys() and all(_fits(found[name], wanted) for name, wanted in said.items())
        if not fits:
            raise ContractError(f"{path}: the network {verb} {_said(found)}; its contract says {_said(said)}.")


def _fits(found: tuple[int | None, ...], wanted: tuple[Any, ...]) -> bool:
    """Whether a shape is as said; an open length may stand for any, and any for the batch."""
    pairs = zip(found, wanted, strict=True) if len(found) == len(wanted) else [(0, -1)]
    return all(a is None or b == "batch" or a == b for a, b in pairs)


def _said(shapes: Any) -> str:
    """Names and shapes in words."""
    return ", ".join(
        f"{name} [{', '.join('batch' if length is None else str(length) for length in shape)}]"
        for name, shape in shapes.items()
    )


def require_proven(policy: Any) -> None:
    """Let nothing through to a robot that has not proven its golden vectors.

    Whoever moves a robot by a policy calls this first.

    Args:
        policy: a runtime.

    Raises:
        ContractError: it is not one that has proven itself, such as a bare ONNX file.
    """
    if getattr(policy, "proven", False) is not True:
        raise ContractError(
            f"{getattr(policy, 'source', type(policy).__name__)}: a policy without proof must not move a robot. "
            "Open a bundle, which proves its golden vectors; 'sim2real export' writes one."
        )


def _check_inside(properties: dict[str, str], contract: Contract, precision: str, path: Path) -> None:
    """The contract inside the network is the one beside it."""
    inside, written = extract(properties, str(path))
    if inside != contract:
        raise ContractError(
            f"{path}: the network belongs to another contract (inside: {inside.name} for task {inside.task}, "
            f"{inside.sha256[:12]}; beside: {contract.name} for task {contract.task}, "
            f"{contract.sha256[:12]}). Copy the whole bundle instead of single files."
        )
    if written != precision:
        raise ContractError(f"{path}: the network is {written}, its file name says {precision}.")
