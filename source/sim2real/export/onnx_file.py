"""The ONNX file: one file, dynamic batch, an opset that every TensorRT from 8.6 to 11 reads, nothing of this machine.

Opset 17 is the highest that TensorRT 8.6's parser takes, and later ones take it too. torch's TorchScript-based exporter
speaks it natively (IR version 8, batch normalisation folded, one file); its successor exports a newer opset, converts
down where it can, and writes stack traces with this machine's paths into every node.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import RecurrentState
from sim2real.deploy.network import session_options
from sim2real.export.errors import ExportError, ParityError

OPSET = 17
"""Highest opset of TensorRT 8.6's parser."""
BATCH = "batch"
"""Name of the dynamic axis."""


def export_onnx(
    model: Any,
    path: Path,
    *,
    shape: tuple[int, ...],
    input_name: str,
    output_name: str,
    graph_name: str,
    memory: Sequence[RecurrentState] = (),
) -> Any:
    """Export a torch module and return the checked, cleaned ``onnx.ModelProto``; nothing stays on disk.

    Args:
        model: a ``torch.nn.Module``; (N, *shape) -> (N, outputs), and with a memory (observation, *states) ->
            (output, *states), each state (layers, N, size).
        path: a temporary file to export through.
        shape: of one input: (channels, height, width), or (size,).
        input_name: name of the input.
        output_name: name of the output.
        graph_name: name of the graph.
        memory: state tensors of a recurrent network, in the order of the module's arguments.

    Raises:
        ExportError: the file is not the single, clean, opset-17 file that was asked for.
    """
    import onnx
    import torch

    model = model.eval()
    if len(shape) == 3:
        model = model.to(memory_format=torch.contiguous_format)
    states = {state.input: state for state in memory} | {state.output: state for state in memory}
    axes = {input_name: {0: BATCH}, output_name: {0: BATCH}, **{name: {1: BATCH} for name in states}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its own end at every call
        torch.onnx.export(
            model,
            (torch.zeros(2, *shape), *(torch.zeros(state.shape(2)) for state in memory)),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[input_name, *(state.input for state in memory)],
            output_names=[output_name, *(state.output for state in memory)],
            dynamic_axes=axes,
        )
    proto = onnx.load(str(path), load_external_data=False)
    path.unlink()
    give_back_constants(proto)
    clean(proto, graph_name)
    check(proto)
    return proto


def give_back_constants(proto: Any) -> None:
    """Let every layer have its own weights again where the exporter shared equal ones behind an Identity.

    Quantisers and TensorRT look for weights and biases among the constants of a graph, and not behind a node.
    """
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in list(proto.graph.node):
        if node.op_type != "Identity" or node.input[0] not in constants:
            continue
        own = proto.graph.initializer.add()
        own.CopyFrom(constants[node.input[0]])
        own.name = node.output[0]
        constants[own.name] = own
        proto.graph.node.remove(node)
    used = {name for node in proto.graph.node for name in node.input} | {value.name for value in proto.graph.output}
    for tensor in [tensor for name, tensor in constants.items() if name not in used]:
        proto.graph.initializer.remove(tensor)


def clean(proto: Any, graph_name: str) -> None:
    """Remove doc strings and properties that tools leave behind, and name the graph and its producer."""
    import sim2real

    proto.doc_string = ""
    proto.graph.doc_string = ""
    proto.producer_name, proto.producer_version = "sim2real", sim2real.__version__
    proto.graph.name = graph_name
    del proto.metadata_props[:]
    holders = [proto.graph, *proto.graph.node, *proto.graph.initializer]
    holders += [*proto.graph.input, *proto.graph.output, *proto.graph.value_info]
    for holder in holders:
        holder.doc_string = ""
        del holder.metadata_props[:]


def check(proto: Any, opset: int = OPSET) -> None:
    """Prove what the file promises.

    Args:
        proto: the file.
        opset: the operator set that it has to use.

    Raises:
        ExportError: another opset or operator set, weights outside, a fixed batch, or a path of this machine inside.
    """
    import onnx

    onnx.checker.check_model(proto, full_check=True)
    opsets = {entry.domain or "ai.onnx": entry.version for entry in proto.opset_import}
    if opsets != {"ai.onnx": opset}:
        raise ExportError(f"the ONNX file uses the operator sets {opsets}; it must use ai.onnx {opset} alone.")
    outside = [t.name for t in proto.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    if outside:
        raise ExportError(f"the ONNX file keeps {len(outside)} weights in a side file; it must hold them itself.")
    for value in [*proto.graph.input, *proto.graph.output]:
        lengths = value.type.tensor_type.shape.dim
        rows = lengths[1] if len(lengths) == 3 else lengths[0]  # a state is (layers, batch, size)
        if rows.dim_param != BATCH:
            raise ExportError(f"the batch of '{value.name}' is fixed; it must be dynamic.")
    paths = sorted(text for text in strings_of(proto) if looks_like_a_path(text))
    if paths:
        raise ExportError(f"the ONNX file names paths of this machine: {', '.join(paths[:3])}.")


def strings_of(message: Any) -> set[str]:
    """Every text in a protobuf message, names included; raw weights excluded."""
    texts: set[str] = set()
    for descriptor, value in message.ListFields():
        if descriptor.name in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
            continue
        single = isinstance(value, (str, bytes, int, float)) or hasattr(value, "ListFields")
        for item in [value] if single else list(value):
            if hasattr(item, "ListFields"):
                texts |= strings_of(item)
            elif isinstance(item, str):
                texts.add(item)
            elif isinstance(item, bytes):
                texts.add(item.decode("utf-8", "replace"))
    return texts


def looks_like_a_path(text: str) -> bool:
    """Whether a text holds a path or a source file of the exporting machine.

    Node names look like ``/layer1/layer1.0/conv1/Conv``, so a leading slash alone says nothing.
    """
    marks = (str(Path.home()) + "/", str(Path.cwd()) + "/", "site-packages", ".py", ":\\", 'File "')
    return any(mark in text for mark in marks)


def run(session: Any, inputs: np.ndarray, batch: int = 64) -> np.ndarray:
    """Outputs of a one-input, one-output ONNX Runtime session, in parts of ``batch``."""
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: inputs[i : i + batch]})[0] for i in range(0, len(inputs), batch)]
    return np.concatenate(parts)


def open_session(content: bytes, threads: int) -> Any:
    """An ONNX Runtime session on the CPU that computes as the runtime's own does."""
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(content, session_options(threads, providers), providers=providers)


def torch_logits(model: Any, inputs: np.ndarray, batch: int = 64) -> np.ndarray:
    """Outputs of the torch module, on the CPU."""
    import torch

    with torch.inference_mode():
        parts = [model(torch.from_numpy(inputs[i : i + batch])) for i in range(0, len(inputs), batch)]
    return torch.cat(parts).numpy()


def prove_parity(session: Any, inputs: np.ndarray, found: np.ndarray, wanted: np.ndarray, tolerance: float) -> float:
    """Compare ONNX Runtime with torch at several batch sizes.

    Args:
        session: the exported network.
        inputs: (n, ...) inputs that it was not trained on.
        found: (n, outputs) its outputs for them, in batches of 64; others are run here on the first of them.
        wanted: (n, outputs) torch's outputs.
        tolerance: largest difference, relative to max(1, largest output).

    Returns:
        The largest absolute difference.

    Raises:
        ParityError: it is above the tolerance.
    """
    pairs = [(found, wanted)]
    for batch in (1, 7):
        few = inputs[: 2 * batch + 1]
        pairs.append((run(session, few, batch), wanted[: len(few)]))
    error = max(float(np.abs(given - truth).max()) for given, truth in pairs)
    limit = tolerance * max(1.0, float(np.abs(wanted).max()))
    if not error <= limit:
        raise ParityError(
            f"the exported network differs from the trained one by {error:.3g} on {len(inputs)} inputs; "
            f"allowed is {limit:.3g}. Nothing was written. Look for layers that behave otherwise while exporting."
        )
    return error
