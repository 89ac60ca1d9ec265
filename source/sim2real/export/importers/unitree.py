"""unitree_rl_lab: ``params/deploy.yaml`` beside ``exported/policy.onnx``.

Format as its ``export_deploy_cfg.py`` writes it and its C++ controller reads it: numbers rounded to three significant
digits; stiffness and damping by the number of the motor on the bus, default pose, scales and offsets in the order of
training; ``joint_ids_map`` leads from the one to the other. Names of joints are not in it. Terms go by the names that
the controller has functions for; each is clipped, then scaled; a history is term by term, oldest first, unless
``use_gym_history`` asks for sample by sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.contract import FileRecord, file_record
from sim2real.export.importers.found import Found, FoundAction, FoundTerm
from sim2real.export.importers.network import Network
from sim2real.export.importers.reading import (
    YAML_BYTES,
    ArtefactError,
    mapping,
    number,
    numbers,
    pair,
    parse_yaml,
    per_output,
    read_bytes,
    sequence,
    wrong,
)

FILE = "deploy.yaml"
NAMES = {
    "base_ang_vel": "base_ang_vel",
    "projected_gravity": "projected_gravity",
    "velocity_commands": "velocity_command",
    "joint_pos_rel": "joint_pos_rel",
    "joint_vel_rel": "joint_vel_rel",
    "last_action": "last_action",
}
"""Terms that unitree's controller computes and a contract can say."""
ROUNDED = "all numbers are rounded to 3 significant digits in deploy.yaml: gains, default pose, scales, offsets"
_SWITCHES = ("use_gym_history", "scale_first")


def find(path: Path) -> Path | None:
    """The deploy.yaml that belongs to a policy: beside it, or in the run's ``params``."""
    places = (path.parent / FILE, path.parent.parent / "params" / FILE)
    return next((place for place in places if place.is_file()), None)


def read(path: Path, network: Network, files: Mapping[str, FileRecord], sdk_joints: tuple[str, ...] | None) -> Found:
    """What a deploy.yaml says.

    Args:
        path: the file.
        network: the network beside it.
        files: what was read of the network.
        sdk_joints: names of the joints by their number on the bus; None: not known here.

    Raises:
        ArtefactError: keys are missing, lengths do not fit, or it asks for what a contract cannot say.
    """
    source = str(path)
    content = read_bytes(path, YAML_BYTES)
    data = parse_yaml(content, source, slices=True)
    ids = sequence(data, "joint_ids_map", source)
    if not ids or not all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < 1000 for i in ids):
        raise wrong(source, "joint_ids_map", ids, "numbers of motors, 0 or more")
    if len(set(ids)) != len(ids):
        raise wrong(source, "joint_ids_map", ids, "numbers of motors, each once")
    joints = _named(ids, sdk_joints, source)
    warnings = [ROUNDED]
    bus = _Bus(ids=ids, joints=joints, source=source, warnings=warnings)
    pose = numbers(data, "default_joint_pos", source, len(ids))
    action = _action(data, joints, source)
    terms, layout = _terms(data, joints, source, warnings)
    return Found(
        kind="unitree",
        network=network,
        files={**files, path.name: file_record(content)},
        joints=joints,
        default_pos=dict(zip(joints, pose, strict=True)),
        kp=bus.by_name(data, "stiffness"),
        kd=bus.by_name(data, "damping"),
        terms=terms,
        layout=layout,
        action=action,
        commands=_commands(data, source),
        step_s=number(data, "step_dt", source),
        warnings=tuple(warnings),
    )


def _named(ids: list[int], sdk_joints: tuple[str, ...] | None, source: str) -> tuple[str, ...]:
    """Names of the joints in the order of training."""
    if sdk_joints is None:
        raise ArtefactError(
            f"{source}: has numbers of motors and no names. Give --sdk-joints with the names in the order of the"
            " robot's bus, e.g. FR_hip_joint,FR_thigh_joint,... for a Go2; leave a number that is not used empty."
        )
    wrong_ids = [i for i in ids if i >= len(sdk_joints) or not sdk_joints[i]]
    if wrong_ids:
        raise ArtefactError(
            f"{source}: joint_ids_map names the motors {', '.join(map(str, wrong_ids))}, for which --sdk-joints has no"
            f" name; it has {len(sdk_joints)} places."
        )
    return tuple(sdk_joints[i] for i in ids)


@dataclass(frozen=True, kw_only=True)
class _Bus:
    """Numbers that stand in the order of the bus."""

    ids: list[int]
    joints: tuple[str, ...]
    source: str
    warnings: list[str]

    def by_name(self, data: Mapping[str, Any], key: str) -> dict[str, float]:
        """A list in the order of the bus, by joint."""
        values = numbers(data, key, self.source)
        if len(values) > max(self.ids):
            return {joint: values[i] for joint, i in zip(self.joints, self.ids, strict=True)}
        if len(values) != len(self.ids):
            raise ArtefactError(
                f"{self.source}: {key} has {len(values)} numbers; it must have {max(self.ids) + 1}, one for each motor"
                f" up to the last, or {len(self.ids)}, one for each that is used."
            )
        rank = {i: place for place, i in enumerate(sorted(self.ids))}
        self.warnings.append(f"{key} has a number only for motors that are used: taken in the order of their numbers")
        return {joint: values[rank[i]] for joint, i in zip(self.joints, self.ids, strict=True)}


def _action(data: Mapping[str, Any], joints: tuple[str, ...], source: str) -> FoundAction:
    """The action."""
    actions = mapping(data, "actions", source)
    if list(actions) != ["JointPositionAction"]:
        raise ArtefactError(
            f"{source}: actions are {', '.join(map(str, actions)) or 'none'}; taken is one JointPositionAction."
        )
    action = mapping(actions, "JointPositionAction", source, "actions.")
    where = "actions.JointPositionAction."
    moved = _chosen(action.get("joint_ids"), joints, source, where + "joint_ids")
    count = len(moved)
    clip = action.get("clip")
    if clip is not None:
        if not isinstance(clip, list) or len(clip) != count:
            raise wrong(source, where + "clip", clip, f"a range for each of {count} joints")
        clip = tuple(pair(item, source, where + "clip") for item in clip)
    return FoundAction(
        joints=moved,
        scale=per_output(action.get("scale"), source, where + "scale", count),
        offset=tuple(numbers(action, "offset", source, count, where)),
        clip=clip,
    )


def _chosen(ids: Any, joints: tuple[str, ...], source: str, where: str) -> tuple[str, ...]:
    """Joints by their place in the order of training; None: all."""
    if ids is None:
        return joints
    good = isinstance(ids, list) and all(isinstance(i, int) and 0 <= i < len(joints) for i in ids)
    if not good or len(set(ids)) != len(ids) or not ids:
        raise wrong(source, where, ids, f"places of joints, 0 to {len(joints) - 1}, each once, or null")
    return tuple(joints[i] for i in ids)


def _terms(
    data: Mapping[str, Any], joints: tuple[str, ...], source: str, warnings: list[str]
) -> tuple[tuple[FoundTerm, ...], str]:
    """The observation and its layout."""
    given = mapping(data, "observations", source)
    switches = {name: given.get(name, False) for name in _SWITCHES}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise wrong(source, f"observations.{name}", value, "true or false")
    terms = []
    for name in given:
        if name in _SWITCHES:
            continue
        where = f"observations.{name}."
        term = mapping(given, name, source, "observations.")
        if any(isinstance(value, Mapping) and "params" in value for value in term.values()):
            raise ArtefactError(
                f"{source}: observations.{name} is a group of its own; networks of several inputs are not taken."
            )
        history = term.get("history_length", 1)
        if not isinstance(history, int) or isinstance(history, bool) or not 0 <= history <= 1000:
            raise wrong(source, where + "history_length", history, "a whole number")
        params = term.get("params") or {}
        chosen = params.get("asset_cfg", {}) if isinstance(params, Mapping) else {}
        chosen = chosen.get("joint_ids") if isinstance(chosen, Mapping) else None
        clip, scale = pair(term.get("clip"), source, where + "clip"), term.get("scale")
        factors = None if scale is None else _factors(scale, source, where + "scale")
        first = switches["scale_first"] or term.get("scale_first", False)
        if first and clip is not None:
            clip = _before(clip, factors, source, where)
        what = NAMES.get(str(name))
        of_joints = what in ("joint_pos_rel", "joint_vel_rel")
        seen = _chosen(chosen, joints, source, where + "joint_ids") if of_joints else None
        terms.append(
            FoundTerm(
                name=str(name),
                what=what,
                size=len(factors) if factors is not None and len(factors) > 1 else None,
                joints=seen,
                scale=factors,
                clip=clip,
                history=max(1, history),
                command=params.get("command_name") if isinstance(params, Mapping) else None,
            )
        )
    said = ", ".join(f"{term.name} = {term.what}" for term in terms if term.what)
    warnings.append(f"deploy.yaml has names of terms, not what they compute; taken for: {said}")
    return tuple(terms), "time_major" if switches["use_gym_history"] else "term_major"


def _factors(scale: Any, source: str, where: str) -> tuple[float, ...]:
    return per_output(scale, source, where, len(scale) if isinstance(scale, list) else 1)


def _before(
    clip: tuple[float, float], factors: tuple[float, ...] | None, source: str, where: str
) -> tuple[float, float]:
    """A clip that comes after the scale, as one that comes before it."""
    if factors is None:
        return clip
    if len(set(factors)) != 1 or factors[0] <= 0.0:
        raise ArtefactError(f"{source}: {where}clip comes after several scales (scale_first); a contract clips before.")
    return (clip[0] / factors[0], clip[1] / factors[0])


def _commands(data: Mapping[str, Any], source: str) -> dict[str, dict[str, tuple[float, float]]]:
    """The commands with their ranges."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for name, command in (data.get("commands") or {}).items():
        ranges = mapping(command, "ranges", source, f"commands.{name}.") if isinstance(command, Mapping) else {}
        found[str(name)] = {}
        for part, value in ranges.items():
            limits = pair(value, source, f"commands.{name}.ranges.{part}")
            if limits is not None and part != "heading":
                found[str(name)][str(part)] = limits
    return found
