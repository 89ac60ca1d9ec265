"""From what was found and what was added to a contract; whatever is missing is asked for, all of it at once.

The description of the robot gives what no format carries: links, axes, and the limits of effort and speed. Where the
artefact and the description both say something, the artefact holds, since the policy was trained with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim2real.contract import (
    Chain,
    Command,
    Contract,
    ContractError,
    GoldenReference,
    Joint,
    JointPositionAction,
    ObservationTerm,
    Robot,
    StateObservation,
    TrainingRun,
)
from sim2real.contract.state import COMMANDS, JOINTS, KINDS
from sim2real.export.importers.found import TERMS, Found, FoundTerm, ImportCfg, by_pattern
from sim2real.export.importers.network import INPUT, OUTPUT
from sim2real.export.importers.reading import YAML_BYTES, ArtefactError, read_bytes

UNPROVEN = GoldenReference(sha256="0" * 64, frames=1)
"""Stands in a contract until golden vectors are made."""
_UNITS = {"base_lin_vel": "m/s", "base_ang_vel": "rad/s", "projected_gravity": "1", "last_action": "1"}


@dataclass
class _Asking:
    """What is missing, and which option supplies it; what was assumed."""

    source: str
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def ask(self, what: str, option: str) -> None:
        self.missing.append(f"{what}: give {option}")

    def check(self) -> None:
        if self.missing:
            raise ArtefactError(
                f"{self.source}: this is not in it:\n  "
                + "\n  ".join(self.missing)
                + "\nOr take the whole contract from"
                " a task with --task T, or from another bundle with --contract FILE."
            )


def assemble(found: Found, cfg: ImportCfg, name: str, source: str) -> tuple[Contract, tuple[str, ...]]:
    """Make the contract of an artefact.

    Args:
        found: what it says.
        cfg: what its owner adds.
        name: name of the policy.
        source: the artefact, for errors.

    Returns:
        The contract, whose golden vectors are still to be made, and warnings.

    Raises:
        ArtefactError: something is missing or does not fit; all of it is named, with the options that supply it.
    """
    import sim2real

    asking = _Asking(source)
    joints = _joint_names(found, cfg, asking)
    chain, urdf, digest = _description(cfg, asking)
    robot_joints = _joints(found, cfg, joints, chain, asking) if joints and chain else ()
    terms, commands = _observation(found, cfg, joints, robot_joints, asking)
    action = found.action
    if action is None:
        asking.ask("what the network's outputs do", "--task or --contract")
    step, physics_dt = _rates(found, cfg, asking)
    physics = cfg.physics or found.physics
    if physics is None:
        asking.ask("the engine of training", "--physics NAME, e.g. newton_mjwarp, ovphysx, isaacsim_physx")
    of_a_base = ("base_lin_vel", "base_ang_vel", "projected_gravity", "velocity_command")
    moves = any(cfg.terms.get(term.name, term.what) in of_a_base for term in found.terms)
    if moves and cfg.start_height_m is None:
        asking.ask("the height of the base at the start [m]", "--start-height M")
    asking.check()
    assert action is not None and chain is not None and physics is not None  # asking.check() raised otherwise
    try:
        robot = Robot(
            name=re.sub(r"[^A-Za-z0-9_.\-]", "_", Path(urdf).stem),
            urdf=urdf,
            urdf_sha256=digest,
            base_link=cfg.base_link or chain.root,
            end_effector=cfg.end_effector,
            floating_base=moves,
            start_pos=(0.0, 0.0, cfg.start_height_m or 0.0),
            joints=robot_joints,
            chain=chain,
        )
        contract = Contract(
            name=name,
            task=f"imported.{found.kind}",
            observation=StateObservation(name=INPUT, terms=terms, layout=found.layout, commands=commands),
            action=JointPositionAction(
                output=OUTPUT,
                joints=action.joints,
                raw_clip=None if cfg.clip_actions is None else (-cfg.clip_actions, cfg.clip_actions),
                scale=_short(action.scale),
                offset=action.offset,
                clip=action.clip,
            ),
            memory=found.network.memory,
            rate_hz=1.0 / (physics_dt * round(step / physics_dt)),
            robot=robot,
            run=TrainingRun(physics=physics, physics_dt_s=physics_dt, decimation=round(step / physics_dt)),
            code_version=sim2real.__version__,
            golden=UNPROVEN,
        )
    except ContractError as error:
        raise ArtefactError(f"{source}: {error}") from None
    if cfg.base_link is not None and cfg.base_link not in chain.links:
        raise ArtefactError(f"--base-link {cfg.base_link} is no link of {urdf}; it has: {', '.join(chain.links)}.")
    check_fit(found.network, contract, source)
    return contract, tuple(asking.warnings)


def check_fit(network: Any, contract: Contract, source: str) -> None:
    """The network has the contract's sizes. Raises: ArtefactError."""
    size, outputs = contract.state.size, len(contract.joint_action.joints)
    if network.size != size:
        parts = ", ".join(f"{t.name} {t.size}" + (f" x {t.history}" * (t.history > 1)) for t in contract.state.terms)
        raise ArtefactError(
            f"{source}: the network takes {network.size} numbers, its description makes {size}: {parts}. A term is "
            "missing, or the files are of two policies."
        )
    if network.outputs != outputs:
        raise ArtefactError(
            f"{source}: the network gives {network.outputs} numbers, its description moves {outputs} joints."
        )


def _joint_names(found: Found, cfg: ImportCfg, asking: _Asking) -> tuple[str, ...]:
    """All joints, in the order of training."""
    if found.joints and cfg.joints and found.joints != cfg.joints:
        raise ArtefactError(
            f"--joints names {', '.join(cfg.joints)}; {asking.source} itself names {', '.join(found.joints)}."
        )
    joints = found.joints or cfg.joints or ()
    if not joints:
        asking.ask("the joints' names in the order of training", "--joints NAME,NAME,...")
    return joints


def _description(cfg: ImportCfg, asking: _Asking) -> tuple[Chain | None, str, str]:
    """Chain, name and hash of the robot's description."""
    if cfg.urdf is None:
        asking.ask("the robot's links, and limits of effort and speed", "--urdf FILE")
        return None, "", ""
    content = read_bytes(cfg.urdf, 8 * YAML_BYTES)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ArtefactError(f"{cfg.urdf}: declares XML entities, which a description does not need; it is not read.")
    try:
        chain = Chain.from_urdf(content, str(cfg.urdf))
    except ContractError as error:
        raise ArtefactError(str(error)) from None
    parts = cfg.urdf.resolve().parts
    at = max((i for i, part in enumerate(parts[:-1]) if part == "robots"), default=None)
    name = cfg.urdf.name if at is None else "/".join(parts[at + 1 :])
    return chain, name, hashlib.sha256(content).hexdigest()


def _joints(found: Found, cfg: ImportCfg, names: tuple[str, ...], chain: Chain, asking: _Asking) -> tuple[Joint, ...]:
    """The joints and their drives."""
    described = {joint.name: joint for joint in chain.joints}
    unknown = [name for name in names if name not in described or described[name].kind == "fixed"]
    if unknown:
        moving = [joint.name for joint in chain.joints if joint.kind != "fixed"]
        raise ArtefactError(
            f"{cfg.urdf}: has no moving joints {', '.join(unknown)}, which {asking.source} names; it has: "
            f"{', '.join(moving)}. Give the description of the same robot."
        )
    values = {}
    for key, otherwise in (
        ("kp", found.kp),
        ("kd", found.kd),
        ("armature", found.armature),
        ("friction", found.friction),
    ):
        text = getattr(cfg, key)
        values[key] = dict(otherwise) if text is None else by_pattern(text, names, f"--{key}")
    effort = by_pattern(cfg.effort, names, "--effort") if cfg.effort else {}
    for key, word in (("kp", "stiffness"), ("kd", "damping")):
        if [name for name in names if name not in values[key]]:
            asking.ask(f"{word} of the drives", f"--{key} NUMBER, or --{key} PATTERN=NUMBER,...")
    for key, word in (("armature", "rotor inertia"), ("friction", "static friction")):
        if not values[key]:
            asking.warnings.append(
                f"{word} of the joints is in neither file: 0 is written, so another engine may differ. Give --{key}."
            )
    without = [name for name in names if name not in found.default_pos]
    if without:
        asking.ask(f"default positions of {', '.join(without)}", "--task or --contract")
    if asking.missing:
        return ()
    if cfg.drive is None:
        asking.warnings.append(
            f"the kind of drive is not said: '{found.drive}' is written, {found.kind}'s as a rule. Give --drive."
        )
    try:
        return tuple(
            Joint(
                name=name,
                unit="m" if described[name].kind == "prismatic" else "rad",
                default_pos=found.default_pos[name],
                default_vel=found.default_vel.get(name, 0.0),
                position_limit=found.position_limit.get(name, described[name].position_limit),
                drive=cfg.drive or found.drive,
                kp=values["kp"][name],
                kd=values["kd"][name],
                effort_limit=effort.get(name, described[name].effort_limit),
                velocity_limit=described[name].velocity_limit,
                armature=values["armature"].get(name, 0.0),
                friction=values["friction"].get(name, 0.0),
            )
            for name in names
        )
    except ContractError as error:
        raise ArtefactError(f"{asking.source}: {error}") from None


def _observation(
    found: Found, cfg: ImportCfg, joints: tuple[str, ...], robot: tuple[Joint, ...], asking: _Asking
) -> tuple[tuple[ObservationTerm, ...], tuple[Command, ...]]:
    """Terms and commands."""
    idle = sorted(set(cfg.terms) - {term.name for term in found.terms})
    if idle:
        raise ArtefactError(
            f"--term {', '.join(idle)}: not among the terms {', '.join(t.name for t in found.terms) or '(none)'}."
        )
    if not found.terms:
        asking.ask("what the network observes", "--task or --contract")
    kinds = {term.name: cfg.terms.get(term.name, term.what) for term in found.terms}
    unknown = [name for name, what in kinds.items() if what not in TERMS]
    for name in unknown:
        asking.ask(f"what the observation '{name}' is", f"--term {name}=KIND, one of {', '.join(TERMS)}")
    units = {joint.name: joint.unit for joint in robot}
    commands = _commands(found, cfg, kinds, asking)
    if unknown or not joints or not robot:
        return (), ()
    zeros = {"joint_pos": found.default_pos, "joint_vel": found.default_vel}
    made: list[dict[str, Any]] = []
    for term in found.terms:
        kind, relative = TERMS[str(kinds[term.name])]
        seen = (joints if term.joints is None else term.joints) if kind in JOINTS else ()
        size = len(seen) or KINDS[kind][0] or (len(found.action.joints) if found.action else term.size)
        offset = term.offset
        if offset is None:
            offset = tuple(zeros[kind].get(joint, 0.0) for joint in seen) if relative and kind in JOINTS else (0.0,)
        if term.size is not None and term.size != size:
            raise ArtefactError(f"{asking.source}: '{term.name}' has {term.size} numbers, as {kind} it has {size}.")
        strange = [joint for joint in seen if joint not in units]
        if strange:
            raise ArtefactError(
                f"{asking.source}: '{term.name}' reads the joints {', '.join(strange)}, which are not among the"
                f" robot's: {', '.join(joints)}."
            )
        if kind in JOINTS:
            unit = {units[joint] for joint in seen}
            text = unit.pop() if len(unit) == 1 else "rad or m"
            text = text if kind == "joint_pos" else " or ".join(f"{part}/s" for part in text.split(" or "))
        else:
            text = _UNITS.get(kind, KINDS[kind][1][0])
        if term.scale is not None and len(term.scale) not in (1, size):
            raise ArtefactError(f"{asking.source}: '{term.name}' has {len(term.scale)} scales for {size} numbers.")
        made.append(
            {
                "name": _own_name(term.name),
                "kind": kind,
                "size": size,
                "unit": text,
                "joints": seen,
                "offset": _short(offset),
                "scale": _short(term.scale or (1.0,)),
                "clip": term.clip,
                "history": term.history,
                "command": _command_of(term, found, cfg) if kind in COMMANDS else None,
            }
        )
    try:
        return tuple(ObservationTerm(**fields) for fields in made), commands
    except ContractError as error:
        raise ArtefactError(f"{asking.source}: {error}") from None


def _command_of(term: FoundTerm, found: Found, cfg: ImportCfg) -> str:
    """Name of the command that a term takes."""
    return term.command or cfg.command or next(iter(found.commands), "command")


def _commands(found: Found, cfg: ImportCfg, kinds: Mapping[str, str | None], asking: _Asking) -> tuple[Command, ...]:
    """The commands with their ranges."""
    taken = {}
    for term in found.terms:
        kind = TERMS.get(str(kinds[term.name]), ("", False))[0]
        if kind in COMMANDS:
            taken[_command_of(term, found, cfg)] = kind
    made = []
    for name, kind in taken.items():
        ranges = dict(cfg.ranges) or dict(found.commands.get(name, {}))
        parts = ("lin_vel_x", "lin_vel_y", "ang_vel_z") if kind == "velocity_command" else ("pos_x", "pos_y", "pos_z")
        lacking = [part for part in parts if part not in ranges]
        if lacking:
            asking.ask(f"ranges of the command '{name}' in training", f"--ranges {'=LOW:HIGH,'.join(lacking)}=LOW:HIGH")
            continue
        if kind == "pose_command" and cfg.end_effector is None:
            asking.ask(f"the body whose pose '{name}' wants", "--end-effector LINK")
            continue
        try:
            body = cfg.end_effector if kind == "pose_command" else None
            made.append(Command(name=name, kind=kind, ranges=ranges, body=body))
        except ContractError as error:
            raise ArtefactError(f"{asking.source}: {error}") from None
    return tuple(made)


def _rates(found: Found, cfg: ImportCfg, asking: _Asking) -> tuple[float, float]:
    """Time of a decision and of a physics step [s]."""
    step = found.step_s if cfg.rate_hz is None else 1.0 / cfg.rate_hz
    physics_dt = found.physics_dt_s if cfg.physics_dt_s is None else cfg.physics_dt_s
    if step is None:
        asking.ask("how often it decides [Hz]", "--rate HZ")
    if physics_dt is None:
        asking.ask("the physics step of training [s]", "--physics-dt S")
    if step is None or physics_dt is None:
        return 1.0, 1.0
    steps = step / physics_dt
    if not (step > 0.0 and physics_dt > 0.0 and steps > 0.5 and abs(steps - round(steps)) < 1e-3):
        raise ArtefactError(
            f"{asking.source}: a decision of {step:g} s is no whole number of physics steps of {physics_dt:g} s; see "
            "--rate and --physics-dt."
        )
    return step, physics_dt


def _own_name(name: str) -> str:
    """A term's name as a contract writes it."""
    made = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")[:60]
    return made if re.match(r"[a-z]", made) else f"term_{made}"


def _short(values: tuple[float, ...]) -> tuple[float, ...]:
    """One number where all are the same."""
    return (values[0],) if len(set(values)) == 1 else tuple(values)
