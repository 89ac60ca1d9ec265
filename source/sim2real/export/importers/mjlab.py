"""mjlab: everything stands in the ONNX file's ``metadata_props``, as comma-separated text.

Format as mjlab 1.6 writes it (``mjlab/rl/exporter_utils.py``): lists joined by ``,``, lists in lists by ``;``, every
number rounded to three decimals. It says names of joints and terms, gains, default pose, scales, clips, histories and
the scale of the action. It does not say time steps, the action's offset, clip and joints, limits, rotor inertia, ranges
of commands, or what a term computes: mjlab's own names are taken for what mjlab's own tasks mean by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sim2real.contract import FileRecord
from sim2real.export.importers.found import Found, FoundAction, FoundTerm
from sim2real.export.importers.network import Network
from sim2real.export.importers.reading import ArtefactError, checked_names, checked_numbers, pair

KEYS = ("joint_names", "joint_stiffness", "joint_damping", "default_joint_pos", "observation_names", "action_scale")
"""Keys without which a file is not mjlab's."""
NAMES = {
    "base_lin_vel": "base_lin_vel",
    "base_ang_vel": "base_ang_vel",
    "projected_gravity": "projected_gravity",
    "joint_pos": "joint_pos_rel",
    "joint_pos_rel": "joint_pos_rel",
    "joint_vel": "joint_vel_rel",
    "joint_vel_rel": "joint_vel_rel",
    "actions": "last_action",
    "last_action": "last_action",
    "command": "velocity_command",
}
"""What mjlab's own tasks mean by a term's name."""
ROUNDED = "all numbers are rounded to 3 decimals in mjlab's metadata: gains, default pose, scales"


def is_mjlab(properties: Mapping[str, str]) -> bool:
    """Whether an ONNX file's properties are mjlab's."""
    return all(key in properties for key in KEYS)


def read(path: Path, network: Network, files: Mapping[str, FileRecord]) -> Found:
    """What mjlab wrote into an ONNX file.

    Args:
        path: the file.
        network: its network.
        files: what was read of it.

    Raises:
        ArtefactError: keys are missing, lengths do not fit, or it follows a motion.
    """
    text, source = network.properties, str(path)
    missing = [key for key in KEYS if key not in text]
    if missing:
        raise ArtefactError(f"{source}: mjlab's metadata lacks {', '.join(missing)}; save the policy with mjlab again.")
    if "anchor_body_name" in text:
        raise ArtefactError(f"{source}: follows a motion ('{text['anchor_body_name']}'); no contract has that.")
    joints = checked_names(_list(text, "joint_names"), source, "joint_names")
    kp = _numbers(text, "joint_stiffness", source, len(joints))
    kd = _numbers(text, "joint_damping", source, len(joints))
    pose = _numbers(text, "default_joint_pos", source, len(joints))
    scale = _numbers(text, "action_scale", source, None)
    if len(scale) == 1:
        scale *= len(joints)
    if len(scale) != len(joints):
        raise ArtefactError(
            f"{source}: action_scale has {len(scale)} numbers for {len(joints)} joints; which of them move is not said."
        )
    warnings = [
        ROUNDED,
        "the action's offset is not in mjlab's metadata: the default pose is taken (use_default_offset)",
        "the action's joints are not in mjlab's metadata: all joints are taken, in the order of joint_names",
        "a clip of the action is not in mjlab's metadata: none is taken",
    ]
    lost = [joint for joint, value in zip(joints, kd, strict=True) if value == 0.0]
    if lost:
        warnings.append(f"damping of {', '.join(lost)} is 0 in the metadata: below 0.0005, rounded away, or none")
    names = checked_names(_list(text, "observation_names"), source, "observation_names")
    commands = _list(text, "command_names")
    terms = _terms(text, names, commands, source, warnings)
    return Found(
        kind="mjlab",
        network=network,
        files=files,
        joints=joints,
        default_pos=dict(zip(joints, pose, strict=True)),
        kp=dict(zip(joints, kp, strict=True)),
        kd=dict(zip(joints, kd, strict=True)),
        terms=terms,
        action=FoundAction(joints=joints, scale=tuple(scale), offset=tuple(pose)),
        commands={name: {} for name in commands},
        physics="mujoco_warp",
        warnings=tuple(warnings),
    )


def _terms(
    text: Mapping[str, str], names: tuple[str, ...], commands: list[str], source: str, warnings: list[str]
) -> tuple[FoundTerm, ...]:
    """The observation."""

    def column(key: str, otherwise: str) -> list[str]:
        values = _list(text, key) if key in text else [otherwise] * len(names)
        if len(values) != len(names):
            raise ArtefactError(f"{source}: {key} has {len(values)} entries for {len(names)} observation_names.")
        return values

    scales, clips = column("observation_terms_scale", "1.0"), column("observation_terms_clip", "-inf;inf")
    histories = column("observation_terms_history_length", "0")
    flat = column("observation_terms_flatten_history_dim", "1.000")
    terms = []
    for name, scale, clip, history, flattened in zip(names, scales, clips, histories, flat, strict=True):
        where = f"observation '{name}'"
        samples = int(_parts(history, source, where)[0])
        if flattened not in ("True", "1.000") and samples > 0:
            raise ArtefactError(f"{source}: {where} keeps its history apart (flatten_history_dim = {flattened}).")
        what = NAMES.get(name)
        if what == "velocity_command" and len(commands) != 1:
            what = None
        factors = checked_numbers(_parts(scale, source, where), source, f"{where}: scale")
        terms.append(
            FoundTerm(
                name=name,
                what=what,
                scale=tuple(factors),
                clip=pair(_parts(clip, source, where), source, f"{where}: clip"),
                history=max(1, samples),
            )
        )
        if any(0.0 < abs(factor) < 0.1 for factor in factors) or 0.0 in factors:
            warnings.append(f"{where}: scale {scale} has few digits left; the exact one is lost")
    said = ", ".join(f"{term.name} = {term.what}" for term in terms if term.what)
    warnings.append(f"mjlab writes names of terms, not what they compute; taken for: {said}")
    if "base_lin_vel" in names:
        warnings.append("base_lin_vel: mjlab's tasks measure it at the IMU; a contract means the base's centre of mass")
    return tuple(terms)


def _list(text: Mapping[str, str], key: str) -> list[str]:
    value = text.get(key, "")
    return value.split(",") if value else []


def _parts(value: str, source: str, where: str) -> list[float]:
    try:
        return [float(part) for part in value.split(";")]
    except ValueError:
        raise ArtefactError(f"{source}: {where} is {value[:80]!r}; it must be numbers separated by ';'.") from None


def _numbers(text: Mapping[str, str], key: str, source: str, count: int | None) -> list[float]:
    values = [number for part in _list(text, key) for number in _parts(part, source, key)]
    return checked_numbers(values, source, key, count)
