"""Cutting the network out of a graph that assembles its own observation, and telling what stands before and behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.export.importers.reading import ArtefactError
from sim2real.export.onnx_file import open_session

TRIED = 64
"""States that a part is tried with."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A stretch of the observation and the input that it is made of."""

    input: str
    """The graph's input."""
    session: Any
    """Computes the stretch from the input."""

    def __call__(self, states: np.ndarray) -> np.ndarray:
        """float32 (n, size) -> (n, length)."""
        return np.concatenate([self.session.run(None, {self.input: states[i : i + 1]})[0] for i in range(len(states))])


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A graph in pieces."""

    network: Any
    """``onnx.ModelProto``: observation -> action."""
    parts: tuple[Part, ...]
    """The observation, in order."""
    behind: Any
    """Session: action -> targets."""
    width: int
    """Numbers of an action."""
    constants: Mapping[str, tuple[float, ...]]
    """Outputs that depend on nothing, by name."""

    def action(self, source: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Scale and offset of the joint targets. Raises: ArtefactError: they are made in another way."""
        tried = np.random.default_rng(3).normal(size=(TRIED, self.width)).astype(np.float32)
        name = self.behind.get_inputs()[0].name
        given = np.concatenate([self.behind.run(None, {name: tried[i : i + 1]})[0] for i in range(TRIED)])
        made = affine(tried, given)
        if made is None or list(made[0]) != list(range(self.width)):
            raise ArtefactError(f"{source}: joint targets are not output times scale plus offset (a clip?).")
        _, factor, offset = made
        return factor, tuple(-f * o for f, o in zip(factor, offset, strict=True))


def affine(
    states: np.ndarray, given: np.ndarray
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]] | None:
    """Tell what was made of states: given = (state[columns] - offset) * factor.

    Args:
        states: (n, size) what went in.
        given: (n, length) what came out.

    Returns:
        columns, factor and offset, one for each of ``length``; None where it was made in another way.
    """
    if given.ndim != 2 or len(given) != len(states) or not np.isfinite(given).all():
        return None
    centred = states - states.mean(axis=0)
    columns, factors, offsets = [], [], []
    for value in given.T.astype(np.float64):
        slopes = centred.T.astype(np.float64) @ (value - value.mean()) / (centred**2).sum(axis=0)
        rest = [float(np.abs(value - value.mean() - slope * centred[:, i]).max()) for i, slope in enumerate(slopes)]
        best = int(np.argmin(rest))
        if not rest[best] < 1e-5 * max(1.0, float(np.abs(value).max())) or abs(slopes[best]) < 1e-9:
            return None
        factor = _round(float(slopes[best]))
        columns.append(best)
        factors.append(factor)
        middle = float(states[:, best].astype(np.float64).mean())
        offsets.append(_round(middle - float(value.mean()) / factor))
    return tuple(columns), tuple(factors), tuple(offsets)


def _round(value: float) -> float:
    """A fitted number without the fit's rounding: six digits hold a 32-bit constant that people wrote."""
    return float(f"{value:.6g}") if abs(value) > 1e-6 else 0.0


def cut_out(model: Any, inputs: list[str], action: str, target: str, source: str) -> Cut:
    """Cut a graph at its observation and its action.

    Args:
        model: the graph, weights inside.
        inputs: names of its inputs.
        action: name of the output that is the next last action.
        target: name of the output with joint targets.
        source: the file, for errors.

    Raises:
        ArtefactError: it has no place where all its inputs meet, or is not cut there.
    """
    graph = model.graph
    outputs = {value.name for value in graph.output}
    present = {value.name for value in graph.input}
    absent = [name for name in [*inputs, action, target] if name not in outputs | present]
    if absent:
        raise ArtefactError(f"{source}: the network has no {', '.join(absent)}; the files are of two policies.")
    depends = _dependencies(graph, inputs)
    used = depends.get(action, frozenset())
    meeting = next(
        (
            node
            for node in graph.node
            if node.op_type == "Concat"
            and depends[node.output[0]] == used
            and all(len(depends[name]) == 1 for name in node.input)
        ),
        None,
    )
    if meeting is None or len(used) < 2:
        raise ArtefactError(
            f"{source}: there is no place in the graph where all its inputs are joined, each made of one alone. Give"
            " the policy's rsl_rl export with --task T instead."
        )
    batch, width = _width(model, action)
    sources = [next(iter(depends[name])) for name in meeting.input]
    parts = tuple(
        Part(input=state, session=_session(_extract(model, [state], [name], source)))
        for state, name in zip(sources, meeting.input, strict=True)
    )
    length = sum(part(np.ones((1, _width(model, part.input)[1]), np.float32)).shape[1] for part in parts)
    network = _extract(model, [meeting.output[0]], [action], source)
    _give_shape(network.graph.input[0], [batch, length])
    _give_shape(network.graph.output[0], [batch, width])
    behind = _extract(model, [action], [target], source)
    _give_shape(behind.graph.input[0], [batch, width])
    return Cut(
        network=network, parts=parts, behind=_session(behind), width=width, constants=_constants(model, depends)
    )  # fmt: skip


def _dependencies(graph: Any, inputs: list[str]) -> dict[str, frozenset[str]]:
    """On which inputs each tensor depends."""
    depends: dict[str, frozenset[str]] = {name: frozenset([name]) for name in inputs}
    depends |= {tensor.name: frozenset() for tensor in graph.initializer}
    for node in graph.node:
        joined = frozenset().union(*(depends.get(name, frozenset()) for name in node.input))
        depends |= {name: joined for name in node.output}
    return depends


def _extract(model: Any, inputs: list[str], outputs: list[str], source: str) -> Any:
    """The graph between two tensors. Raises: ArtefactError: it needs something else too."""
    from onnx import TensorProto, helper

    producers = {name: node for node in model.graph.node for name in node.output}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    wanted, nodes, kept = list(outputs), [], {}
    seen: set[str] = set(inputs)
    while wanted:
        name = wanted.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        if name in constants:
            kept[name] = constants[name]
        elif name in producers:
            nodes.append(producers[name])
            wanted += producers[name].input
        else:
            raise ArtefactError(f"{source}: from {inputs[0]} to {outputs[0]} it also needs '{name}'; it is not cut.")
    order = {id(node): i for i, node in enumerate(model.graph.node)}
    nodes = sorted({id(node): node for node in nodes}.values(), key=lambda node: order[id(node)])
    if inputs[0] == outputs[0]:  # an input that goes in as it is
        nodes = [helper.make_node("Identity", inputs, [f"{outputs[0]}_out"])]
        outputs = [f"{outputs[0]}_out"]
    shapes = {value.name: value for value in [*model.graph.input, *model.graph.output]}
    known = [_value(shapes.get(name), name) for name in inputs]
    graph = helper.make_graph(
        nodes, "part", known, [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        initializer=list(kept.values()),
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _value(known: Any, name: str) -> Any:
    from onnx import TensorProto, helper

    return known if known is not None else helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def _give_shape(value: Any, shape: list[int]) -> None:
    from onnx import TensorProto, helper

    value.CopyFrom(helper.make_tensor_value_info(value.name, TensorProto.FLOAT, shape))


def _width(model: Any, name: str) -> tuple[int, int]:
    """Batch and length of an input or output."""
    value = next(value for value in [*model.graph.input, *model.graph.output] if value.name == name)
    dims = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
    return (dims[0], dims[-1])


def _session(model: Any) -> Any:
    return open_session(model.SerializeToString(), threads=1)


def _constants(model: Any, depends: Mapping[str, frozenset[str]]) -> dict[str, tuple[float, ...]]:
    """Outputs that are weights themselves, as numbers."""
    from onnx import numpy_helper

    kept = {tensor.name: tensor for tensor in model.graph.initializer}
    return {
        value.name: tuple(float(number) for number in numpy_helper.to_array(kept[value.name]).reshape(-1))
        for value in model.graph.output
        if not depends.get(value.name) and value.name in kept
    }
