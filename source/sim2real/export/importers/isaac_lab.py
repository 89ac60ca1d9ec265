"""Isaac Lab's ``IO_descriptors.yaml`` (``env.export_IO_descriptors``), beside the network that rsl_rl exported.

Format as Isaac Lab 3.0.0 writes it. It has full precision, both time steps, the joints' order, limits, rotor inertia
and friction. It does not have the commands' names and ranges, limits of effort, the layout of histories, and the clip
that the trainer puts on actions. Gains are 0 for drives that are computed outside of the solver. A term whose function
has no descriptor is silently left away: then the sizes do not fit, and that is an error here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim2real.contract import FileRecord, file_record
from sim2real.export.importers.found import Found, FoundAction, FoundTerm
from sim2real.export.importers.network import Network
from sim2real.export.importers.reading import (
    YAML_BYTES,
    ArtefactError,
    mapping,
    names,
    number,
    numbers,
    pair,
    parse_yaml,
    per_output,
    read_bytes,
    sequence,
    wrong,
)

FILE = "IO_descriptors.yaml"
_MDP = "isaaclab.envs.mdp.observations."
NAMES = {
    "base_lin_vel": "base_lin_vel",
    "base_ang_vel": "base_ang_vel",
    "projected_gravity": "projected_gravity",
    "generated_commands": "velocity_command",
    "joint_pos": "joint_pos",
    "joint_pos_rel": "joint_pos_rel",
    "joint_vel": "joint_vel",
    "joint_vel_rel": "joint_vel_rel",
    "last_action": "last_action",
}
"""Functions of Isaac Lab that a contract can say."""
_POSITIONS = "isaaclab.envs.mdp.actions.joint_actions.JointPositionAction"


def find(path: Path) -> Path | None:
    """The descriptors that belong to a policy: beside it, or in a folder ``io_descriptors`` near it."""
    places = [folder / sub / FILE for folder in (path.parent, path.parent.parent) for sub in (".", "io_descriptors")]
    return next((place for place in places if place.is_file()), None)


def read(path: Path, network: Network, files: Mapping[str, FileRecord], group: str = "policy") -> Found:
    """What IO descriptors say.

    Args:
        path: the file.
        network: the network that they belong to.
        files: what was read of the network.
        group: the observation group of the actor.

    Raises:
        ArtefactError: keys are missing, lengths do not fit, or a term is one that a contract cannot say.
    """
    source = str(path)
    content = read_bytes(path, YAML_BYTES)
    data = parse_yaml(content, source)
    warnings: list[str] = []
    robots = mapping(data, "articulations", source)
    if len(robots) != 1:
        raise ArtefactError(f"{source}: articulations are {', '.join(map(str, robots)) or 'none'}; taken is one robot.")
    asset = next(iter(robots))
    where = f"articulations.{asset}."
    robot = mapping(robots, asset, source, "articulations.")
    joints = names(robot, "joint_names", source, where)

    def by_name(key: str) -> dict[str, float]:
        return dict(zip(joints, numbers(robot, key, source, len(joints), where), strict=True))

    limits = sequence(robot, "default_joint_pos_limits", source, where)
    if len(limits) != len(joints):
        raise ArtefactError(
            f"{source}: {where}default_joint_pos_limits has {len(limits)} ranges for {len(joints)} joints."
        )
    kp, kd = by_name("default_joint_stiffness"), by_name("default_joint_damping")
    if not any(kp.values()) and not any(kd.values()):
        kp, kd = {}, {}
        warnings.append("stiffness and damping are 0, as Isaac Lab writes for drives outside of the solver; not taken")
    armature, friction = by_name("default_joint_armature"), by_name("default_joint_friction")
    scene = mapping(data, "scene", source)
    terms = _terms(data, group, source, warnings)
    warnings.append("a clip of the trainer on the network's output is not in IO descriptors: none is taken")
    return Found(
        kind="isaac_lab",
        network=network,
        files={**files, path.name: file_record(content)},
        joints=joints,
        default_pos=by_name("default_joint_pos"),
        default_vel=by_name("default_joint_vel"),
        position_limit={
            joint: _limit(pair(limit, source, where + "default_joint_pos_limits"))
            for joint, limit in zip(joints, limits, strict=True)
        },
        kp=kp,
        kd=kd,
        armature=armature,
        friction=friction,
        terms=terms,
        action=_action(data, source),
        commands={},
        physics_dt_s=number(scene, "physics_dt", source, "scene."),
        step_s=number(scene, "dt", source, "scene."),
        warnings=tuple(warnings),
    )


def _limit(limits: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if limits is None or max(abs(limits[0]), abs(limits[1])) > 1e8 else limits


def _action(data: Mapping[str, Any], source: str) -> FoundAction:
    """The action."""
    actions = sequence(data, "actions", source)
    if len(actions) != 1 or not isinstance(actions[0], Mapping) or actions[0].get("full_path") != _POSITIONS:
        said = [item.get("full_path") if isinstance(item, Mapping) else item for item in actions]
        raise wrong(source, "actions", said, f"one {_POSITIONS}")
    action = actions[0]
    joints = names(action, "joint_names", source, "actions[0].")
    count = len(joints)
    clip = action.get("clip")
    if clip is not None and (not isinstance(clip, list) or len(clip) != count):
        raise wrong(source, "actions[0].clip", clip, f"a range for each of {count} joints, or null")
    offset = action.get("offset")
    return FoundAction(
        joints=joints,
        scale=per_output(action.get("scale"), source, "actions[0].scale", count),
        offset=(0.0,) * count if offset is None else per_output(offset, source, "actions[0].offset", count),
        clip=None if clip is None else tuple(pair(item, source, "actions[0].clip") for item in clip),
    )


def _terms(data: Mapping[str, Any], group: str, source: str, warnings: list[str]) -> tuple[FoundTerm, ...]:
    """The observation."""
    groups = mapping(data, "observations", source)
    terms: list[FoundTerm] = []
    used: dict[str, int] = {}
    for i, term in enumerate(sequence(groups, group, source, "observations.")):
        where = f"observations.{group}[{i}]"
        if not isinstance(term, Mapping):
            raise wrong(source, where, term, "a mapping")
        name = str(term.get("name"))
        overloads = mapping(term, "overloads", source, where + ".")
        extras = term.get("extras") or {}
        if isinstance(extras, Mapping) and extras.get("modifiers"):
            raise ArtefactError(f"{source}: {where} ({name}) has modifiers, which a contract cannot say.")
        shape = numbers(term, "shape", source, 1, where + ".")
        size = int(shape[0])
        history = overloads.get("history_length") or 0
        if not isinstance(history, int) or not 0 <= history <= 1000:
            raise wrong(source, f"{where}.overloads.history_length", history, "a whole number")
        if history and overloads.get("flatten_history_dim") is False:
            raise ArtefactError(f"{source}: {where} ({name}) keeps its history apart (flatten_history_dim is false).")
        if history:
            warnings.append(f"'{name}' has a history; its layout is not in IO descriptors: term by term is taken")
        if overloads.get("delay_max_lag"):
            warnings.append(f"'{name}' came up to {overloads['delay_max_lag']} decisions late in training")
        what = NAMES.get(name) if term.get("full_path") == _MDP + name else None
        if what == "velocity_command" and size != 3:
            what = None
        if what == "velocity_command":
            warnings.append(f"'{name}' of 3 numbers is taken for a velocity: forward, left, turn")
        seen = names(term, "joint_names", source, where + ".") if "joint_names" in term else None
        offset = None
        if what in ("joint_pos_rel", "joint_vel_rel"):
            key = "joint_pos_offsets" if what == "joint_pos_rel" else "joint_vel_offsets"
            offset = tuple(numbers(term, key, source, size, where + "."))
        used[name] = used.get(name, 0) + 1
        scale = overloads.get("scale")
        terms.append(
            FoundTerm(
                name=name if used[name] == 1 else f"{name}_{used[name]}",
                what=what,
                size=size,
                joints=seen,
                offset=offset,
                scale=None if scale is None else per_output(scale, source, f"{where}.overloads.scale", size),
                clip=pair(overloads.get("clip"), source, f"{where}.overloads.clip"),
                history=max(1, history),
            )
        )
    return tuple(terms)
