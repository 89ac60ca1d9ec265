"""Engines of a bundle: built here where TensorRT is, or left to ``build_on_device.py`` where it is not.

``build_engines`` builds, proves and times them on this machine and adds them to the bundle. ``add_build_script`` puts
the script into the bundle, so that a device with nothing but JetPack can do the same.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.contract import Contract, Manifest, add_engine, check_file, file_record, read_manifest, write_manifest
from sim2real.contract.engines import engine_devices, engine_record, locked, write_whole
from sim2real.contract.golden import GOLDEN_FILE
from sim2real.export.errors import ExportError
from sim2real.export.tensorrt.on_device import Workshop, build_all, engine_files, quiet
from sim2real.export.tensorrt.plan import PRECISIONS, BuildPlan
from sim2real.export.tensorrt.script import SCRIPT_FILE, build_script
from sim2real.paths import cache_dir

if TYPE_CHECKING:
    from sim2real.export.tensorrt.on_device import Say


def make_plan(bundle: str | Path, **settings: Any) -> BuildPlan:
    """The build plan of a bundle.

    Args:
        bundle: the folder that the export wrote.
        settings: fields of ``BuildPlan`` to set: ``batch``, ``workspace_mib``, ``optimization_level``,
            ``latency_runs``.

    Raises:
        ContractError: the bundle is not whole.
        EngineError: a setting is out of its range.
    """
    folder = Path(bundle)
    manifest = read_manifest(folder)
    contract = manifest.contract
    files = {kind: contract.model_file(kind) for kind in ("float", "fp16", "int8")}
    networks = {
        kind: {"file": name, "sha256": manifest.files[name].sha256}
        for kind, name in files.items()
        if name in manifest.files
    }
    return BuildPlan(
        name=contract.name,
        contract_sha256=contract.sha256,
        networks=networks,
        shapes=_shapes_of_inputs(manifest, folder),
        golden=_golden_spec(manifest, folder),
        **settings,
    )


def _shapes_of_inputs(manifest: Manifest, folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the inputs, -1 for the batch."""
    from sim2real.export.onnx_file import open_session

    name = manifest.contract.model_file("float")
    session = open_session(check_file(manifest, folder, name), threads=1)
    return {i.name: tuple(size if isinstance(size, int) else -1 for size in i.shape) for i in session.get_inputs()}


def _golden_spec(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Which array of the golden vectors is which tensor."""
    contract: Contract = manifest.contract
    content = check_file(manifest, folder, GOLDEN_FILE)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = set(archive.files)
    chooses = contract.action.kind == "class"
    given, wanted = ("inputs", "logits") if chooses else ("observations", "actions")
    int8 = f"{wanted}_int8" if chooses else f"{wanted}.int8"
    return {
        "sha256": manifest.files[GOLDEN_FILE].sha256,
        "inputs": {contract.observation.name: given},
        "outputs": {contract.action.output: wanted},
        "int8_outputs": {contract.action.output: int8} if int8 in arrays else None,
        "fresh": None if chooses else "fresh",
        "states": {state.input: state.output for state in contract.memory},
        "shapes": {state.input: [state.layers, -1, state.size] for state in contract.memory},
        "tolerances": {
            "fp32": contract.golden.tolerance("float"),
            "fp16": contract.golden.tolerance("fp16"),
            "int8": contract.golden.tolerance("int8"),
        },
        "choice": chooses,
    }


def add_build_script(bundle: str | Path, **settings: Any) -> Path:
    """Put ``build_on_device.py`` into a bundle, covered by its hashes, and return its path.

    Args:
        bundle: the folder that the export wrote.
        settings: see ``make_plan``.

    Raises:
        ContractError: the bundle is not whole.
        ExportError: the disk does not take it.
    """
    folder = Path(bundle)
    content = build_script(make_plan(folder, **settings)).encode()
    with locked(folder):
        manifest = read_manifest(folder)
        try:
            others = {name: record for name, record in manifest.files.items() if name != SCRIPT_FILE}
            if SCRIPT_FILE in manifest.files:
                write_manifest(folder, manifest.contract, others)
            write_whole(folder / SCRIPT_FILE, content)
            write_manifest(folder, manifest.contract, {**others, SCRIPT_FILE: file_record(content)})
        except OSError as error:
            raise ExportError(f"{folder}: {SCRIPT_FILE} cannot be written ({error}).") from None
    return folder / SCRIPT_FILE


def build_engines(
    bundle: str | Path,
    precisions: tuple[str, ...] = PRECISIONS,
    *,
    route: str = "auto",
    say: Say = quiet,
    **settings: Any,
) -> dict[str, Any]:
    """Build, prove and time the engines of a bundle on this machine, and add them to it.

    What was built before of the same file, with the same settings, on the same machine is taken from the cache.

    Example:
        >>> record = build_engines("runs/bundle")
        >>> record["chosen"], record["latency"]["fp16"]["p99"]

    Args:
        bundle: the folder that the export wrote.
        precisions: which to build.
        route: ``python``, ``trtexec``, or ``auto``: TensorRT's Python package if it is there, else trtexec.
        say: told of the progress: stage, precision, message.
        settings: see ``make_plan``.

    Returns:
        The record of ``engines/<device>/record.json``.

    Raises:
        EngineError: no TensorRT, or no GPU; ``add_build_script`` is for another machine then.
        ContractError: the bundle is not whole.
    """
    folder = Path(bundle)
    plan = make_plan(folder, **settings)
    shop = Workshop(route)
    work = cache_dir("tensorrt") / plan.contract_sha256[:16] / shop.device.folder
    record = build_all(plan, folder, work, precisions, shop, say)
    files: dict[str, Any] = {name: work / name for name in engine_files(work, record)}
    add_engine(folder, shop.device.folder, files, record)
    return record


def engine_status(bundle: str | Path) -> str:
    """One line: ``pending``, or what was built for which device. Raises: ContractError."""
    devices = engine_devices(bundle)
    if not devices:
        return f"engine: pending; on the device, in the bundle's folder: python3 {SCRIPT_FILE}"
    chosen = (f"{name} {engine_record(bundle, name).get('chosen') or 'none passed'}" for name in devices)
    return f"engine: {', '.join(chosen)}"
