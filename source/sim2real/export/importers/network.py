"""Someone else's network as a bundle takes it: one file, opset 17, any number of robots, our names, nothing outside.

rsl_rl, Isaac Lab and mjlab write ONNX with a batch of 1, opset 18, sometimes with the weights in a side file, or
TorchScript. The network is converted, and then held against the original, which stays at hand for that: what comes out
has to be what came in.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import FileRecord, RecurrentState, file_record
from sim2real.export.importers.reading import NETWORK_BYTES, ArtefactError, read_bytes
from sim2real.export.onnx_file import BATCH, OPSET, check, clean, export_onnx, open_session

INPUT, OUTPUT = "observation", "action"
"""Names of the bundle's input and output."""
_STATES = {"h_in": "h_out", "c_in": "c_out"}
"""How rsl_rl names the state of a recurrent network."""
_IR = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A network that can go into a bundle, and the one that it was made of."""

    proto: Any
    """``onnx.ModelProto``: ``observation`` (and states) -> ``action`` (and states), dynamic batch."""
    size: int
    """Numbers of an observation."""
    outputs: int
    """Numbers of an action."""
    memory: tuple[RecurrentState, ...] = ()
    """State of a recurrent network."""
    original: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    """The network as it came, for one robot: arrays by our names -> arrays by our names."""
    runner: str = "onnxruntime"
    """What runs the original: ``onnxruntime`` or ``torch``."""
    properties: Mapping[str, str]
    """What its ``metadata_props`` say."""

    def named(self, observation: str, action: str) -> Any:
        """A copy of the network with other names for its observation and action."""
        import onnx

        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        _rename(proto.graph, {INPUT: observation, OUTPUT: action})
        return proto


def read_model(path: Path) -> tuple[Any, dict[str, FileRecord]]:
    """Load an ONNX file with all its weights, wherever its folder keeps them.

    Returns:
        The ``onnx.ModelProto`` with its weights inside, and the files that were read.

    Raises:
        ArtefactError: no ONNX, truncated, too large, or weights outside of the file's own folder.
    """
    import onnx
    from google.protobuf.message import DecodeError

    content = read_bytes(path, NETWORK_BYTES)
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise ArtefactError(f"{path}: no ONNX file, or one that was cut off. Copy or export it again.") from None
    if not model.graph.node:
        raise ArtefactError(f"{path}: an ONNX file without a network. Copy or export it again.")
    files = {path.name: file_record(content)}
    room = NETWORK_BYTES - len(content)
    sides: dict[str, bytes] = {}
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        name = entries.get("location", "")
        if name not in sides:
            sides[name] = read_bytes(_beside(path, name), room)
            room -= len(sides[name])
            files[name] = file_record(sides[name])
        _take_in(tensor, entries, sides[name], path)
    return model, files


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a model, those in nodes and subgraphs too."""
    import onnx

    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for item in value if not hasattr(value, "ListFields") else [value]:
            if isinstance(item, onnx.TensorProto):
                yield item
            elif hasattr(item, "ListFields"):
                yield from _tensors(item)


def _beside(path: Path, name: str) -> Path:
    """A side file of weights: a plain name of a real file in the ONNX file's own folder."""
    side = path.parent / name
    plain = bool(name) and name not in (".", "..") and not set(name) & set('/\\:\0"')
    if not plain or side.is_symlink() or side.resolve().parent != path.parent.resolve():
        raise ArtefactError(
            f"{path}: keeps weights in {name!r}. Only a file of its own folder is read: no path, no link."
        )
    return side


def _take_in(tensor: Any, entries: Mapping[str, str], content: bytes, path: Path) -> None:
    """Put a tensor's weights into the model."""
    import onnx

    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", len(content)))
    except ValueError:
        offset = length = -1
    if offset < 0 or length < 0 or offset + length > len(content):
        raise ArtefactError(f"{path}: weights '{tensor.name}' lie outside of their file. Copy or export it again.")
    tensor.raw_data = content[offset : offset + length]
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]


def open_onnx(path: Path) -> tuple[Network, dict[str, FileRecord]]:
    """Load and convert an actor in ONNX: one observation in, one action out, and the states of a recurrent one.

    Raises:
        ArtefactError: it is no such network, or cannot be converted.
    """
    model, files = read_model(path)
    return from_model(model, str(path)), files


def from_model(model: Any, source: str) -> Network:
    """Convert a loaded actor; see ``open_onnx``."""
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: _shape(value, source) for value in model.graph.input if value.name not in given}
    outputs = {value.name: _shape(value, source) for value in model.graph.output}
    states = {name: out for name, out in _STATES.items() if name in inputs and out in outputs}
    plain = [name for name in inputs if name not in states]
    results = [name for name in outputs if name not in states.values()]
    if len(plain) != 1 or len(results) != 1 or len(inputs[plain[0]]) != 2 or len(outputs[results[0]]) != 2:
        raise ArtefactError(
            f"{source}: takes {_said(inputs)} and gives {_said(outputs)}; an actor takes one observation of (robots,"
            " numbers) and gives one action, beside h_in, c_in, h_out, c_out. No motion inside of a network is taken."
        )
    names = {plain[0]: INPUT, results[0]: OUTPUT, **{n: n for pair in states.items() for n in pair}}
    memory = tuple(_memory(name, out, inputs[name], source) for name, out in states.items())
    proto = _converted(model, names, memory, source)
    network = Network(
        proto=proto,
        size=_length(inputs[plain[0]], source),
        outputs=_length(outputs[results[0]], source),
        memory=memory,
        original=_runner(model, names, source),
        properties={entry.key: entry.value for entry in model.metadata_props},
    )
    _prove(network, source)
    return network


def open_torchscript(path: Path) -> tuple[Network, dict[str, FileRecord]]:
    """Load and convert an actor in TorchScript, e.g. rsl_rl's ``policy.pt``.

    Raises:
        ArtefactError: it is no such network, or a recurrent one.
    """
    import torch

    content = read_bytes(path, NETWORK_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch announces the end of TorchScript
            module = torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise ArtefactError(f"{path}: no TorchScript ({reason}). A checkpoint is exported with 'export'.") from None
    if any(name in ("hidden_state", "cell_state") for name, _ in module.named_buffers()):
        raise ArtefactError(f"{path}: a recurrent TorchScript hides its state; import the policy.onnx beside it.")
    widths = [value.shape[1] for value in module.parameters() if value.ndim == 2]
    try:
        with torch.inference_mode():
            outputs = module(torch.zeros(2, widths[0])).shape[1]
        proto = export_onnx(
            module,
            path.with_suffix(".unused"),
            shape=(widths[0],),
            input_name=INPUT,
            output_name=OUTPUT,
            graph_name=INPUT,
        )
    except (RuntimeError, IndexError, AttributeError, TypeError) as error:
        reason = (str(error).strip().splitlines() or ["no weights"])[0][:200]
        raise ArtefactError(f"{path}: not an actor that takes one vector for each robot ({reason}).") from None

    def original(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            return {OUTPUT: module(torch.from_numpy(arrays[INPUT])).numpy()}

    network = Network(
        proto=proto, size=widths[0], outputs=outputs, original=original, runner="torch", properties={}
    )  # fmt: skip
    _prove(network, str(path))
    return network, {path.name: file_record(content)}


def _converted(model: Any, names: Mapping[str, str], memory: tuple[RecurrentState, ...], source: str) -> Any:
    """The model at opset 17, renamed, with a dynamic batch, checked."""
    import onnx
    from onnx import inliner, version_converter

    work = onnx.ModelProto()
    work.CopyFrom(model)
    if work.functions:
        work = inliner.inline_local_functions(work)
    domains = sorted({entry.domain for entry in work.opset_import} - {"", "ai.onnx"})
    used = sorted({node.domain for node in work.graph.node} - {"", "ai.onnx"})
    if used:
        raise ArtefactError(f"{source}: uses operators of {', '.join(used)}; only those of ONNX itself run everywhere.")
    kept = [entry for entry in work.opset_import if entry.domain not in domains]
    del work.opset_import[:]
    work.opset_import.extend(kept)
    graphs = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    if any(part.type in graphs for node in work.graph.node for part in node.attribute):
        raise ArtefactError(f"{source}: has If, Loop or Scan inside, which an actor does not need; export it again.")
    version = work.opset_import[0].version if len(work.opset_import) == 1 else 0
    del work.graph.value_info[:]  # shapes of a batch of 1
    if version != OPSET:
        try:
            work = version_converter.convert_version(work, OPSET)
        except Exception as error:  # noqa: BLE001  the converter raises kinds of its own
            reason = (str(error).strip().splitlines() or ["unknown"])[-1][:200]
            raise ArtefactError(
                f"{source}: opset {version} cannot become {OPSET} ({reason}). Export the network with opset {OPSET}."
            ) from None
        del work.graph.value_info[:]
    work.ir_version = _IR
    _open_batch(work.graph)
    _rename(work.graph, names)
    axes = {INPUT: 0, OUTPUT: 0, **{name: 1 for state in memory for name in (state.input, state.output)}}
    for value in [*work.graph.input, *work.graph.output]:
        dims = value.type.tensor_type.shape.dim
        dims[axes.get(value.name, 0)].Clear()
        dims[axes.get(value.name, 0)].dim_param = BATCH
    clean(work, INPUT)
    try:
        check(work)
    except onnx.checker.ValidationError as error:
        raise ArtefactError(f"{source}: not a valid network: {str(error).splitlines()[0][:200]}") from None
    return work


def _open_batch(graph: Any) -> None:
    """Let shapes that were written for one robot take any number: ``[1, 8]`` becomes ``[-1, 8]``."""
    from onnx import numpy_helper

    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for i, node in enumerate(graph.node):
        shape = shapes.get(node.input[1]) if node.op_type == "Reshape" else None
        if shape is None or shape.ndim != 1 or (shape < 1).any() or not (shape[:-1] == 1).any():
            continue
        opened = shape.copy()
        opened[np.flatnonzero(shape[:-1] == 1)[-1]] = -1
        name = f"open_shape_{i}"
        graph.initializer.append(numpy_helper.from_array(opened, name))
        node.input[1] = name


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Give inputs and outputs our names; what had them gets others."""
    taken = set(names.values()) - set(names)
    inner = {name: f"{name}_inner" for name in taken}
    full = {**inner, **names}
    for node in graph.node:
        for field in (node.input, node.output):
            for i, name in enumerate(field):
                field[i] = full.get(name, name)
    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = full.get(value.name, value.name)


def _runner(model: Any, names: Mapping[str, str], source: str) -> Callable[[Mapping[str, np.ndarray]], dict[str, Any]]:
    """The network as it came, robot by robot."""
    try:
        session = open_session(model.SerializeToString(), threads=1)
    except Exception as error:  # noqa: BLE001  ONNX Runtime raises a kind of its own per cause
        reason = str(error).splitlines()[0][:200]
        raise ArtefactError(f"{source}: ONNX Runtime cannot load the network: {reason}") from None
    theirs = {ours: name for name, ours in names.items()}
    wanted = [value.name for value in session.get_outputs()]

    def original(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = []
        for robot in range(len(arrays[INPUT])):
            at = {n: slice(robot, robot + 1) if n == INPUT else (slice(None), slice(robot, robot + 1)) for n in arrays}
            feed = {theirs[name]: np.ascontiguousarray(array[at[name]]) for name, array in arrays.items()}
            rows.append(session.run(wanted, feed))
        joined = {names[name]: [row[i] for row in rows] for i, name in enumerate(wanted)}
        return {name: np.concatenate(parts, axis=0 if name == OUTPUT else 1) for name, parts in joined.items()}

    return original


def _prove(network: Network, source: str) -> None:
    """The converted network answers several robots at once as the original answers each. Raises: ArtefactError."""
    rng = np.random.default_rng(0)
    arrays = {INPUT: rng.normal(size=(5, network.size)).astype(np.float32)}
    arrays |= {s.input: rng.normal(size=s.shape(5)).astype(np.float32) * 0.5 for s in network.memory}
    wanted = network.original(arrays)
    try:
        session = open_session(network.proto.SerializeToString(), threads=1)
        found = dict(zip([v.name for v in session.get_outputs()], session.run(None, dict(arrays)), strict=True))
    except Exception as error:  # noqa: BLE001  ONNX Runtime raises a kind of its own per cause
        reason = str(error).splitlines()[0][:200]
        raise ArtefactError(f"{source}: made for one robot at a time ({reason}). Export a dynamic batch.") from None
    for name, array in wanted.items():
        limit = 1e-5 * max(1.0, float(np.abs(array).max()))
        if found[name].shape != array.shape or not float(np.abs(found[name] - array).max()) <= limit:
            raise ArtefactError(f"{source}: mixes the robots of a batch, or changes in conversion. It is not taken.")


def _memory(name: str, out: str, shape: tuple[int | None, ...], source: str) -> RecurrentState:
    """A state of a recurrent network."""
    if len(shape) != 3 or shape[0] is None or shape[2] is None:
        raise ArtefactError(f"{source}: {name} has shape {shape}; a state is (layers, robots, numbers).")
    return RecurrentState(input=name, output=out, layers=shape[0], size=shape[2])


def _shape(value: Any, source: str) -> tuple[int | None, ...]:
    """Shape of an input or output; None where it is dynamic. Raises: ArtefactError: no floats."""
    import onnx

    kind = value.type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT:
        name = onnx.TensorProto.DataType.Name(kind.elem_type) if kind.elem_type else "something else than a tensor"
        raise ArtefactError(f"{source}: '{value.name}' is {name}; a policy takes and gives 32-bit floats.")
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim)


def _length(shape: tuple[int | None, ...], source: str) -> int:
    if not shape[-1]:
        raise ArtefactError(f"{source}: the length of its observation or action is open; export it with a fixed one.")
    return shape[-1]


def _said(shapes: Mapping[str, tuple[int | None, ...]]) -> str:
    return ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
