"""What answers for a network: ONNX Runtime here, an engine of TensorRT elsewhere, the same door for both.

A runtime needs four things of whatever runs its network: which inputs and outputs it has, how many rows it takes at
once, and answers. Whatever gives these can be handed to ``PolicyRuntime`` and ``JointPolicyRuntime``, which prove the
golden vectors on it as they do on their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sim2real.contract import ContractError


class Network(Protocol):
    """Runs one network."""

    @property
    def inputs(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shape of each input by name; None where the length is open, as the batch's."""

    @property
    def outputs(self) -> Mapping[str, tuple[int | None, ...]]:
        """Shape of each output by name."""

    @property
    def max_batch(self) -> int | None:
        """Most rows in one call; None: as many as fit into memory."""

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for all inputs by name, float32."""


def session_options(threads: int, providers: Sequence[str]) -> Any:
    """Options of an ONNX Runtime session that computes what the file says, in every release.

    Left alone, ONNX Runtime fuses the layers of an INT8 network, and from 1.21 on rounds its float biases to integers,
    each release to its own rule: a ResNet18 was seen to answer 12 % of the largest output away from what its file says.
    Here the file is computed as written, with floats between the Q/DQ pairs; TensorRT keeps the biases in float, too.

    Args:
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: execution providers. Those beside the CPU look for the pairs themselves, which then stay untouched.

    Returns:
        ``onnxruntime.SessionOptions``.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if list(providers) == ["CPUExecutionProvider"]:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


class OnnxNetwork:
    """A network in ONNX Runtime.

    Args:
        content: the ONNX file.
        source: its name, for errors.
        threads: CPU threads of one inference; 0: as many as there are cores.
        providers: ONNX Runtime's execution providers, best first; None: the CPU.

    Raises:
        ContractError: ONNX Runtime cannot load it, or has no such provider.
    """

    max_batch: int | None = None

    def __init__(
        self, content: bytes, source: str, *, threads: int = 0, providers: Sequence[str] | None = None
    ) -> None:
        import onnxruntime

        available = onnxruntime.get_available_providers()
        chosen = list(providers) if providers is not None else ["CPUExecutionProvider"]
        missing = [name for name in chosen if name not in available]
        if missing:
            raise ContractError(f"ONNX Runtime here has no {', '.join(missing)}; it has: {', '.join(available)}.")
        options = session_options(threads, chosen)
        try:
            self.session = onnxruntime.InferenceSession(content, options, providers=chosen)
        except Exception as error:  # noqa: BLE001  ONNX Runtime raises a kind of its own per cause
            reason = str(error).splitlines()[0]
            raise ContractError(f"{source}: ONNX Runtime cannot load the network: {reason}") from None
        self.inputs = {value.name: _shape(value) for value in self.session.get_inputs()}
        self.outputs = {value.name: _shape(value) for value in self.session.get_outputs()}

    @property
    def properties(self) -> dict[str, str]:
        """The texts that the file carries by name."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """All outputs by name for all inputs by name."""
        names = list(self.outputs)
        return dict(zip(names, self.session.run(names, dict(feeds)), strict=True))


def _shape(value: Any) -> tuple[int | None, ...]:
    """Shape of an input or output of ONNX Runtime; None for a length that is open."""
    return tuple(length if isinstance(length, int) else None for length in value.shape)


def run_rows(
    network: Network, rows: Mapping[str, np.ndarray], memory: Mapping[str, np.ndarray], most: int | None = None
) -> dict[str, np.ndarray]:
    """Run a network on any number of rows, in as many calls as it needs.

    Args:
        network: the network.
        rows: inputs (n, ...), by name.
        memory: state inputs (layers, n, size), by name.
        most: most rows in one call; None: as many as the network takes.

    Returns:
        Outputs by name; those with the rows in the middle are recognised by their three axes.
    """
    count = len(next(iter(rows.values())))
    limits = [limit for limit in (most, network.max_batch) if limit is not None]
    step = min([count, *limits]) or 1
    parts = []
    for first in range(0, count, step):
        feeds = {name: values[first : first + step] for name, values in rows.items()}
        feeds |= {name: np.ascontiguousarray(values[:, first : first + step]) for name, values in memory.items()}
        parts.append(network.run(feeds))
    if len(parts) == 1:
        return parts[0]
    axis = {name: 1 if len(shape) == 3 else 0 for name, shape in network.outputs.items()}
    return {name: np.concatenate([part[name] for part in parts], axis=axis[name]) for name in network.outputs}
