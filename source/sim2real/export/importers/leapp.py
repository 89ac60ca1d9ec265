"""LEAPP, the export of Isaac Lab 3: a YAML of what goes in and out, and an ONNX that assembles its observation itself.

Format as LEAPP 0.7.2 writes it for ``isaaclab leapp export`` (config version 1.3). The graph takes raw states, so what
is an observation of ours is in the middle of it: the first joining of all inputs. It is found there, the network behind
it is cut out, and what stands before it is told by trying: each part has to be a state times a factor plus a number, or
the direction of gravity. What stands behind, from output to joint targets, is told in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import FileRecord, file_record
from sim2real.contract.assembly import downwards
from sim2real.export.importers.found import Found, FoundAction, FoundTerm
from sim2real.export.importers.leapp_graph import Cut, affine, cut_out
from sim2real.export.importers.network import from_model, read_model
from sim2real.export.importers.reading import (
    YAML_BYTES,
    ArtefactError,
    checked_names,
    mapping,
    number,
    parse_yaml,
    read_bytes,
    sequence,
    wrong,
)

STATES = {
    "state/body/angular_velocity": ("base_ang_vel", "root_ang_vel_b"),
    "state/body/linear_velocity": ("base_lin_vel", "root_lin_vel_b"),
    "state/body/rotation": ("projected_gravity", "root_quat_w"),
    "state/joint/position": ("joint_pos", "joint_pos"),
    "state/joint/velocity": ("joint_vel", "joint_vel"),
    "command/body/velocity": ("velocity_command", ""),
}
"""Kinds of inputs: the term that they become, and the property of Isaac Lab that they must be."""


@dataclass(frozen=True, kw_only=True)
class _Input:
    """An input of the graph."""

    name: str
    what: str
    size: int
    joints: tuple[str, ...] = ()
    command: str | None = None


def is_leapp(data: Mapping[str, Any]) -> bool:
    """Whether a YAML's top level is LEAPP's."""
    return "models" in data and "pipeline" in data


def read(path: Path) -> Found:
    """What LEAPP wrote.

    Args:
        path: the YAML file; the ONNX lies beside it.

    Raises:
        ArtefactError: several models, other hashes than written, or a graph that is no policy of a contract.
    """
    source = str(path)
    content = read_bytes(path, YAML_BYTES)
    data = parse_yaml(content, source)
    models = mapping(data, "models", source)
    if len(models) != 1:
        raise ArtefactError(f"{source}: has the models {', '.join(map(str, models)) or 'none'}; taken is one.")
    name = str(next(iter(models)))
    model = mapping(models, name, source, "models.")
    proto, files = _network_file(path, model, source)
    feedback = _feedback(data, name, source)
    inputs = [_input(item, feedback, source) for item in sequence(model, "inputs", source)]
    outputs = {str(item.get("name")): item for item in sequence(model, "outputs", source) if isinstance(item, Mapping)}
    targets = [key for key, item in outputs.items() if item.get("kind") == "target/joint/position"]
    if len(targets) != 1 or not feedback:
        raise ArtefactError(
            f"{source}: gives {', '.join(outputs)}; taken is one target/joint/position, made of a last action."
        )
    cut = cut_out(proto, [item.name for item in inputs], feedback["last_action"][0], targets[0], source)
    network = from_model(cut.network, source)
    joints = _elements(outputs[targets[0]], source)
    scale, offset = cut.action(source)
    if len(scale) != len(joints):
        raise ArtefactError(f"{source}: {targets[0]} has {len(scale)} numbers for {len(joints)} joints.")
    warnings = [
        "a term of LEAPP is an input of its graph; factors and offsets were read off the graph by trying",
        "limits of joints and efforts are not in LEAPP's file: the description's are taken",
    ]
    terms = _terms(cut, inputs, source)
    gains = {key: _gains(outputs, cut, key, source) for key in ("kp", "kd")}
    if not any(gains["kp"].values()) and not any(gains["kd"].values()):
        gains = {"kp": {}, "kd": {}}
        warnings.append("the gains that it gives are 0 or none: drives outside of the solver; not taken")
    pose = dict(zip(joints, offset, strict=True))
    for term in terms:
        if term.what == "joint_pos" and term.joints and term.offset:
            pose = {**dict(zip(term.joints, term.offset, strict=True)), **pose}
    every = next((item.joints for item in inputs if item.what in ("joint_pos", "joint_vel")), joints)
    warnings.append("the default pose is taken from the offsets of action and joint positions")
    return Found(
        kind="leapp",
        network=network,
        files={**files, path.name: file_record(content)},
        joints=every,
        default_pos=pose,
        kp=gains["kp"],
        kd=gains["kd"],
        terms=terms,
        action=FoundAction(joints=joints, scale=scale, offset=offset),
        commands={item.command: {} for item in inputs if item.command is not None},
        step_s=1.0 / number(mapping(mapping(data, "pipeline", source), "configs", source), "frequency", source),
        warnings=tuple(warnings),
    )


def _network_file(path: Path, model: Mapping[str, Any], source: str) -> tuple[Any, dict[str, FileRecord]]:
    """The graph, proven to be the one that the YAML was written with."""
    parameters = mapping(model, "parameters", source)
    if parameters.get("backend") != "onnx":
        raise wrong(source, "parameters.backend", parameters.get("backend"), "'onnx' (export with the onnx backend)")
    file = parameters.get("model_path")
    if not isinstance(file, str) or not file or set(file) & set('/\\:\0"') or file in (".", ".."):
        raise wrong(source, "parameters.model_path", file, "the plain name of a file beside it")
    proto, files = read_model(path.parent / file)
    if parameters.get("sha256sum") != files[file].sha256:
        raise ArtefactError(f"{path.parent / file}: not the file that {path.name} was written with (SHA-256 differs).")
    return proto, files


def _feedback(data: Mapping[str, Any], name: str, source: str) -> dict[str, tuple[str, str]]:
    """The last action's way back: its output and its input. Raises: ArtefactError: anything else comes back."""
    flow = mapping(mapping(data, "pipeline", source), "feedback_flow", source, "pipeline.")
    found = {}
    for output, taken in flow.items():
        model, _, tail = str(output).partition("/")
        ends = [str(item).partition("/") for item in taken] if isinstance(taken, list) else []
        if model != name or len(ends) != 1 or not tail.startswith("last_action"):
            raise ArtefactError(
                f"{source}: '{output}' comes back as an input; taken is the last action alone (no history inside the"
                " graph, no recurrent network). Give the policy's rsl_rl export with --task T instead."
            )
        found["last_action"] = (tail, ends[0][2])
    return found


def _input(item: Any, feedback: Mapping[str, tuple[str, str]], source: str) -> _Input:
    """An input of the graph as a term."""
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
        raise wrong(source, "inputs", item, "mappings with a name")
    name, shape = item["name"], item.get("shape")
    if not isinstance(shape, list) or len(shape) != 2 or item.get("dtype") != "float32":
        raise wrong(source, f"input {name}", (item.get("dtype"), shape), "float32 of [1, numbers]")
    size = int(shape[1])
    if feedback and name == feedback["last_action"][1]:
        return _Input(name=name, what="last_action", size=size)
    kind, connection = item.get("kind"), str(item.get("isaaclab_connection", ""))
    what, wanted = STATES.get(str(kind), ("", ""))
    tail = connection.rpartition(":")[2]
    if not what or (wanted and tail != wanted) or (what == "velocity_command" and size != 3):
        raise ArtefactError(
            f"{source}: nobody could give the input '{name}' ({kind}, {connection or 'no connection'}) on a robot from"
            f" a contract; known are: {', '.join(sorted(STATES))}."
        )
    joints = _elements(item, source) if what in ("joint_pos", "joint_vel") else ()
    if joints and len(joints) != size:
        raise ArtefactError(f"{source}: input '{name}' has {size} numbers and {len(joints)} element_names.")
    return _Input(name=name, what=what, size=size, joints=joints, command=tail if what == "velocity_command" else None)


def _elements(item: Mapping[str, Any], source: str) -> tuple[str, ...]:
    """Names of the numbers of an input or output."""
    value = item.get("element_names")
    flat = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) else value
    return checked_names(flat, source, f"{item.get('name')}.element_names")


def _terms(cut: Cut, inputs: list[_Input], source: str) -> tuple[FoundTerm, ...]:
    """The observation, told by trying."""
    known = {item.name: item for item in inputs}
    terms = []
    for part in cut.parts:
        item = known[part.input]
        rng = np.random.default_rng(7)
        tried = rng.normal(size=(64, item.size)).astype(np.float32)
        if item.what == "projected_gravity":
            tried /= np.linalg.norm(tried, axis=1, keepdims=True)
            given = part(tried)
            if given.shape[1] != 3 or not np.abs(given - downwards(tried)).max() < 1e-5:
                raise ArtefactError(f"{source}: what it makes of '{item.name}' is not the direction of gravity.")
            terms.append(FoundTerm(name="projected_gravity", what="projected_gravity"))
            continue
        made = affine(tried, part(tried))
        if made is None:
            raise ArtefactError(
                f"{source}: what it makes of '{item.name}' is no factor and offset (a clip, a history, a sum?)."
            )
        columns, factor, offset = made
        whole = list(columns) == list(range(item.size))
        if item.what not in ("joint_pos", "joint_vel") and (not whole or any(offset)):
            raise ArtefactError(
                f"{source}: it takes parts of '{item.name}', or adds to it; a contract cannot say that."
            )
        terms.append(
            FoundTerm(
                name=item.name,
                what=item.what,
                size=len(columns),
                joints=tuple(item.joints[i] for i in columns) if item.joints else None,
                offset=offset if item.joints else None,
                scale=factor,
                command=item.command,
            )
        )
    return tuple(terms)


def _gains(outputs: Mapping[str, Any], cut: Cut, kind: str, source: str) -> dict[str, float]:
    """Gains that the graph gives, by joint."""
    found: dict[str, float] = {}
    for name, item in outputs.items():
        if item.get("kind") == kind and (values := cut.constants.get(name)) is not None:
            joints = _elements(item, source)
            if len(joints) != len(values):
                raise ArtefactError(f"{source}: '{name}' has {len(values)} numbers for {len(joints)} joints.")
            found |= dict(zip(joints, values, strict=True))
    return found
