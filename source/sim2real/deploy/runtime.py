"""Runs an exported policy, after proving that it is the policy that was exported.

Before the first inference: ``contract.json`` has its own hash, every file has the size and hash that were written, the
contract inside the ONNX file is the one beside it, the preprocessing gives the golden inputs and the network the golden
outputs. Whatever does not fit is refused with the reason. Needs NumPy and ONNX Runtime alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import Contract, ContractError, Golden, check_file, extract, read_manifest
from sim2real.contract.golden import GOLDEN_FILE

PRECISIONS = ("float", "int8")


class PolicyRuntime:
    """An exported policy, ready to answer depth frames.

    Args:
        bundle: the folder that the export wrote, or one of its ``.onnx`` files (its name then says the precision).
        precision: ``float`` or ``int8``.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.
        max_batch: most frames in one inference; larger batches are run in parts, which bounds the memory.

    Raises:
        ContractError: the bundle is not whole, not of one piece, or does not reproduce its golden vectors.
    """

    def __init__(
        self,
        bundle: str | os.PathLike[str],
        precision: str = "float",
        *,
        threads: int = 0,
        providers: Sequence[str] | None = None,
        task: str | None = None,
        max_batch: int = 64,
    ) -> None:
        path = Path(bundle)
        if path.suffix == ".onnx":
            precision = "int8" if path.name.endswith(".int8.onnx") else "float"
            path = path.parent
        if threads < 0 or max_batch < 1:
            raise ContractError(f"threads {threads}, max_batch {max_batch}; allowed: threads >= 0, max_batch >= 1.")
        self.folder = path
        self.precision = precision
        self.threads = threads
        manifest = read_manifest(path)
        self.contract: Contract = manifest.contract
        """What the policy needs to run."""
        if task is not None and self.contract.task != task:
            raise ContractError(f"{path}: the policy is for task '{self.contract.task}', wanted is '{task}'.")
        name = self.contract.model_file(precision)
        if Path(bundle).suffix == ".onnx" and Path(bundle).name != name:
            raise ContractError(f"{bundle}: not a file of this bundle, whose {precision} network is {name}.")
        if name not in manifest.files and precision == "int8":
            raise ContractError(
                f"{path}: this bundle has no INT8 network: the export refused it (see parity.json for the measured "
                "reason) or was told to skip it. Use precision 'float'."
            )
        golden_bytes = check_file(manifest, path, GOLDEN_FILE)
        if manifest.files[GOLDEN_FILE].sha256 != self.contract.golden.sha256:
            raise ContractError(f"{path / GOLDEN_FILE}: the golden vectors of another contract. Copy the bundle again.")
        self.session = _open_session(check_file(manifest, path, name), path / name, threads, providers)
        self._check_inside(path / name)
        self._max_batch = max_batch
        self.class_names: tuple[str, ...] = self.contract.classes.names
        """What each output stands for."""
        self.preprocess = self.contract.depth.preprocess
        self._prove(Golden.from_bytes(golden_bytes, str(path / GOLDEN_FILE)))

    def logits(self, depth: Any) -> np.ndarray:
        """The network's outputs for a batch of frames.

        Args:
            depth: (N, H, W) or (H, W); floating point [m] or uint16 [mm].

        Returns:
            float32 (N, classes).
        """
        return self.infer(self.preprocess.apply(depth))

    def act(self, depth: Any) -> np.ndarray:
        """The chosen action for each of a batch of frames: int64 (N,), an index into ``class_names``."""
        return self.logits(depth).argmax(axis=1)

    def infer(self, inputs: np.ndarray) -> np.ndarray:
        """The network's outputs for inputs that are preprocessed already, float32 (N, 1, height, width)."""
        name, output = self.contract.observation.name, self.contract.action.output
        parts = [
            self.session.run([output], {name: inputs[first : first + self._max_batch]})[0]
            for first in range(0, len(inputs), self._max_batch)
        ]
        if not parts:
            return np.empty((0, len(self.class_names)), np.float32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _check_inside(self, path: Path) -> None:
        """The contract inside the network is the one beside it, and its inputs and outputs are what that says."""
        inside, precision = extract(self.session.get_modelmeta().custom_metadata_map, str(path))
        if inside != self.contract:
            raise ContractError(
                f"{path}: the network belongs to another contract (inside: {inside.name} for task {inside.task}, "
                f"{inside.sha256[:12]}; beside: {self.contract.name} for task {self.contract.task}, "
                f"{self.contract.sha256[:12]}). Copy the whole bundle instead of single files."
            )
        if precision != self.precision:
            raise ContractError(f"{path}: the network is {precision}, its file name says {self.precision}.")
        size = self.contract.depth.preprocess
        (given,), (answer,) = self.session.get_inputs(), self.session.get_outputs()
        wanted = (self.contract.observation.name, [1, size.height, size.width], self.contract.action.output)
        found = (given.name, given.shape[1:], answer.name)
        if found != wanted:
            raise ContractError(f"{path}: the network takes and gives {found}; its contract says {wanted}.")

    def _prove(self, golden: Golden) -> None:
        """Run the golden vectors. Raises: ContractError."""
        spec = self.contract.golden
        inputs = self.preprocess.apply(golden.depth_mm)
        if inputs.shape != golden.inputs.shape or not np.allclose(inputs, golden.inputs, rtol=0.0, atol=1e-6):
            raise ContractError(
                f"{self.folder}: the preprocessing on this machine does not give the golden inputs. This version of "
                "sim2real differs from the one that exported; install that one, or export again."
            )
        wanted = golden.logits if self.precision == "float" else golden.logits_int8
        if wanted is None:
            raise ContractError(f"{self.folder}: the golden vectors have no INT8 outputs. Export again.")
        tolerance = spec.float_tolerance if self.precision == "float" else spec.int8_tolerance
        outputs = self.infer(inputs)
        limit = tolerance * max(1.0, float(np.abs(wanted).max()))
        error = float(np.abs(outputs - wanted).max()) if outputs.shape == wanted.shape else float("inf")
        same = outputs.shape == wanted.shape and bool((outputs.argmax(1) == wanted.argmax(1)).all())
        if not (error <= limit and same):
            raise ContractError(
                f"{self.folder}: the {self.precision} network does not reproduce its golden outputs on this machine: "
                f"largest difference {error:.3g}, allowed {limit:.3g}, same choices: {'yes' if same else 'no'}. "
                "It must not drive a robot. Try another execution provider, or export again."
            )


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
