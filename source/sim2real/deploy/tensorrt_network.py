"""Opens an engine of a bundle for a runtime, once everything that can be known beforehand fits.

The bundle lists the engine's files with their hashes, the record names contract, ONNX file, TensorRT, GPU and system,
and was sealed when it was written. Only then is the plan loaded, and the runtime proves the golden vectors on it before
it answers, as on any other network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import ContractError, Manifest, check_file, engine_devices, engine_record, read_manifest
from sim2real.deploy.joint_runtime import JointPolicyRuntime
from sim2real.deploy.runtime import PolicyRuntime
from sim2real.deploy.tensorrt_cuda import Cuda
from sim2real.deploy.tensorrt_device import Device, EngineError, import_tensorrt, read_device
from sim2real.deploy.tensorrt_engine import Engine
from sim2real.deploy.tensorrt_record import AGAIN, check_device, check_engine, check_seal

_NETWORKS = {"fp32": "float", "fp16": "fp16", "int8": "int8"}


class EngineNetwork:
    """An engine behind the door that runtimes know; see ``sim2real.deploy.network.Network``.

    Args:
        engine: the engine.
        precision: ``fp32``, ``fp16`` or ``int8``.
        record: its record.
    """

    def __init__(self, engine: Engine, precision: str, record: Mapping[str, Any]) -> None:
        self.engine, self.record = engine, record
        self.precision = _NETWORKS[precision]
        """Which network of the bundle it was built of: ``float``, ``fp16`` or ``int8``."""
        self.inputs = {name: _open(engine.shapes[name]) for name in engine.inputs}
        self.outputs = {name: _open(engine.shapes[name]) for name in engine.outputs}
        self.max_batch: int | None = engine.batches[1]

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for all inputs by name. Raises: EngineError."""
        return self.engine.infer(feeds)

    def close(self) -> None:
        """Give the GPU's memory back."""
        self.engine.close()


def _open(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    return tuple(None if size == -1 else size for size in shape)


def open_engine(
    bundle: str | os.PathLike[str],
    precision: str | None = None,
    *,
    graph: bool = True,
    trt: Any = None,
    cuda: Cuda | None = None,
) -> EngineNetwork:
    """Open an engine that was built for this machine.

    Args:
        bundle: the folder that the export wrote, with ``engines/<device>/`` in it.
        precision: ``fp32``, ``fp16`` or ``int8``; None: the one that was chosen when they were built.
        graph: use a CUDA graph where that is allowed.
        trt: TensorRT's package; None: import it.
        cuda: the CUDA runtime; None: of GPU 0.

    Raises:
        ContractError: the bundle is not whole.
        EngineError: no TensorRT, no engine for this machine, or one that must not run.
    """
    folder = Path(bundle)
    manifest = read_manifest(folder)
    trt = import_tensorrt() if trt is None else trt
    cuda = Cuda() if cuda is None else cuda
    here = read_device(trt.__version__, cuda.sm, cuda.gpu)
    device, record = _built_for(folder, here)
    where = f"{folder}/engines/{device}"
    if record["contract_sha256"] != manifest.contract.sha256:
        raise EngineError(f"{where}: built of another contract than this bundle's. {AGAIN}")
    chosen = record["chosen"] if precision is None else precision
    if chosen is None:
        raise EngineError(f"{where}: no engine reproduced the golden vectors; the record says why. Use ONNX Runtime.")
    if chosen not in _NETWORKS:
        raise EngineError(f"precision is {chosen!r}; allowed: {', '.join(_NETWORKS)}.")
    plan = _plan_of(manifest, folder, device, chosen, record)
    _check_onnx(manifest, record["engines"][chosen], where)
    return EngineNetwork(Engine(plan, f"{where}/{chosen}.plan", cuda=cuda, trt=trt, graph=graph), chosen, record)


def _built_for(folder: Path, here: Device) -> tuple[str, dict[str, Any]]:
    """The device of a bundle that is this machine, and its record. Raises: EngineError, which says what differs."""
    reasons = []
    for device in engine_devices(folder):
        where = f"{folder}/engines/{device}"
        try:
            record = check_seal(engine_record(folder, device), f"{where}/record.json")
            check_device(record, here, where)
        except EngineError as error:
            reasons.append(str(error))
        else:
            return device, record
    raise EngineError(" ".join(reasons) or f"{folder}: no engines, for no device. {AGAIN}")


def _plan_of(manifest: Manifest, folder: Path, device: str, precision: str, record: Mapping[str, Any]) -> bytes:
    """Content of a plan that the bundle lists and the record names."""
    name = f"engines/{device}/{precision}.plan"
    source = str(folder / name)
    if precision not in record["engines"]:
        check_engine(record, precision, b"", source)
    try:
        plan = check_file(manifest, folder, name)
    except ContractError as error:
        raise EngineError(f"{error} {AGAIN}") from None
    check_engine(record, precision, plan, source)
    return plan


def _check_onnx(manifest: Manifest, entry: Mapping[str, Any], where: str) -> None:
    """The ONNX file that the plan was built of is the bundle's."""
    name, sha256 = entry["onnx"]["file"], entry["onnx"]["sha256"]
    listed = manifest.files.get(name)
    if listed is None or listed.sha256 != sha256:
        raise EngineError(f"{where}: built of another {name} than this bundle's. {AGAIN}")


def open_policy(
    bundle: str | os.PathLike[str], precision: str | None = None, *, num_envs: int = 1, **settings: Any
) -> PolicyRuntime | JointPolicyRuntime:
    """Open a bundle's policy on its engine; the golden vectors are proven before it answers.

    Example:
        >>> policy = open_policy("bundle")
        >>> targets = policy.step(state)

    Args:
        bundle: the folder that the export wrote, with ``engines/<device>/`` in it.
        precision: see ``open_engine``.
        num_envs: robots that decide at the same time, of a policy that moves joints.
        settings: see ``open_engine``.

    Raises:
        ContractError: the bundle is not whole, or the engine does not reproduce its golden vectors.
        EngineError: see ``open_engine``.
    """
    network = open_engine(bundle, precision, **settings)
    try:
        if read_manifest(Path(bundle)).contract.action.kind == "class":
            return PolicyRuntime(bundle, network.precision, network=network)
        return JointPolicyRuntime(bundle, num_envs, precision=network.precision, network=network)
    except BaseException:
        network.close()
        raise
