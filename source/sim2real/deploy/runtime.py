"""Runs an exported policy, after proving that it is the policy that was exported.

Before the first inference: ``contract.json`` has its own hash, every file has the size and hash that were written, the
contract inside the ONNX file is the one beside it, the preprocessing gives the golden inputs and the network the golden
outputs. Whatever does not fit is refused with the reason. Needs NumPy and ONNX Runtime alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim2real.contract import Contract, ContractError, Golden
from sim2real.deploy.bare import BareNetwork
from sim2real.deploy.loading import check_shapes, open_bundle
from sim2real.deploy.network import Network, run_rows


class PolicyRuntime:
    """An exported policy, ready to answer depth frames.

    Args:
        bundle: the folder that the export wrote, or one of its ``.onnx`` files (its name then says the precision).
        precision: ``float``, ``fp16`` or ``int8``.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.
        task: refuse a policy that was trained for another task; None: any.
        max_batch: most frames in one inference; larger batches are run in parts, which bounds the memory.
        network: what runs the network in place of ONNX Runtime; it has to prove the same golden vectors.

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
        network: Network | None = None,
    ) -> None:
        if max_batch < 1:
            raise ContractError(f"max_batch is {max_batch}; allowed: max_batch >= 1.")
        opened = open_bundle(bundle, precision, threads=threads, providers=providers, task=task, network=network)
        self.folder, self.precision, self.threads = opened.folder, opened.precision, threads
        self.contract: Contract = opened.contract
        """What the policy needs to run."""
        self.class_names: tuple[str, ...] = self.contract.classes.names
        """What each output stands for."""
        self.preprocess = self.contract.depth.preprocess
        self.network = opened.network
        check_shapes(opened, [1, self.preprocess.height, self.preprocess.width], len(self.class_names))
        self._max_batch = max_batch
        self._prove(Golden.from_bytes(opened.golden, opened.golden_path))
        self.proven = True
        """What ``require_proven`` asks before a robot moves."""

    @staticmethod
    def from_onnx(path: str | os.PathLike[str], *, threads: int = 0) -> BareNetwork:
        """Open any ONNX file to look at it and to run it on arrays; it is not proven and moves no robot.

        Args:
            path: the file.
            threads: CPU threads of one inference; 0: as many as there are cores.

        Raises:
            ContractError: it cannot be read, is damaged, or uses what ONNX Runtime here does not know.
        """
        return BareNetwork(path, threads=threads)

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
        if not len(inputs):
            return np.empty((0, len(self.class_names)), np.float32)
        rows = {self.contract.observation.name: inputs}
        return run_rows(self.network, rows, {}, self._max_batch)[self.contract.action.output]

    def _prove(self, golden: Golden) -> None:
        """Run the golden vectors. Raises: ContractError."""
        spec = self.contract.golden
        inputs = self.preprocess.apply(golden.depth_mm)
        if inputs.shape != golden.inputs.shape or not np.allclose(inputs, golden.inputs, rtol=0.0, atol=1e-6):
            raise ContractError(
                f"{self.folder}: the preprocessing on this machine does not give the golden inputs. This version of "
                "sim2real differs from the one that exported; install that one, or export again."
            )
        wanted = golden.outputs(self.precision)
        if wanted is None:
            raise ContractError(
                f"{self.folder}: the golden vectors have no {self.precision.upper()} outputs. Export again."
            )
        tolerance = spec.tolerance(self.precision)
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
