"""A task's action and its robot as a contract says them.

Gains, limits and inertias are the nominal ones of the configuration, so what a spec draws does not reach the contract.
Only what the configuration leaves to the asset is read from the simulation.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sim2real.actuators.motor import Motor
from sim2real.contract import (
    Chain,
    ContractError,
    Joint,
    JointDeltaPositionAction,
    JointEffortAction,
    JointPositionAction,
    JointVelocityAction,
    Robot,
)
from sim2real.lab.policy_terms import PolicyContractError, unit_of

AnyJointAction = JointPositionAction | JointDeltaPositionAction | JointVelocityAction | JointEffortAction
ENDLESS = 1e8
"""What is larger than this is no limit."""


def joint_action(env: Any, raw_clip: tuple[float, float] | None = None) -> AnyJointAction:
    """Return where the outputs of a policy go: positions, steps of positions, velocities or efforts of joints.

    Args:
        env: the environment, unwrapped.
        raw_clip: range to which the trainer clips the network's outputs, or None.

    Raises:
        PolicyContractError: the task's actions are no targets of one kind for joints.
    """
    from sim2real.lab.signals_action import SignalActionCfg

    manager = env.action_manager
    kinds: dict[str, type[AnyJointAction]] = {}
    joints: list[str] = []
    scale: list[float] = []
    offset: list[float] = []
    clips: list[tuple[float, float] | None] = []
    for name in manager.active_terms:
        cfg: Any = manager.get_term(name).cfg
        if isinstance(cfg, SignalActionCfg):
            cfg = cfg.term
        kinds[name] = _kind_of(name, cfg)
        asset = env.scene[cfg.asset_name]
        ids, names = asset.find_joints(cfg.joint_names, preserve_order=cfg.preserve_order)
        joints += names
        scale += [_or(_for_joint(cfg.scale, joint), 1.0) for joint in names]
        offset += _offsets(asset, cfg, kinds[name], [int(i) for i in ids], names)
        clips += [_pair(cfg.clip, joint) for joint in names]
    if len(joints) != manager.total_action_dim:
        raise PolicyContractError(f"{manager.total_action_dim} outputs move {len(joints)} joints; they must be as many")
    if len(set(kinds.values())) != 1:
        said = ", ".join(f"{name} gives {kind.kind}" for name, kind in kinds.items())
        raise PolicyContractError(f"a contract can say one kind of joint targets; here {said or 'is no action'}")
    return kinds[manager.active_terms[0]](
        joints=tuple(joints),
        raw_clip=raw_clip,
        scale=(scale[0],) if len(set(scale)) == 1 else tuple(scale),
        offset=tuple(offset),
        clip=tuple(clips) if any(pair is not None for pair in clips) else None,
    )


def _kind_of(name: str, cfg: Any) -> type[AnyJointAction]:
    """Return what an action term sets; refuse one that does something else than setting targets of joints."""
    from isaaclab.envs import mdp
    from isaaclab.utils.string import string_to_callable

    made = string_to_callable(cfg.class_type) if isinstance(cfg.class_type, str) else cfg.class_type
    known: dict[Any, type[AnyJointAction]] = {
        mdp.JointPositionAction: JointPositionAction,
        mdp.RelativeJointPositionAction: JointDeltaPositionAction,
        mdp.JointVelocityAction: JointVelocityAction,
        mdp.JointEffortAction: JointEffortAction,
    }
    if made not in known:
        names = ", ".join(term.__name__ for term in known)
        raise PolicyContractError(f"actions.{name} is a {made.__name__}; a contract can say {names}")
    return known[made]


def _offsets(asset: Any, cfg: Any, kind: type[AnyJointAction], ids: list[int], names: list[str]) -> list[float]:
    """Return the target of each joint at an output of 0."""
    default = {JointPositionAction: "default_joint_pos", JointVelocityAction: "default_joint_vel"}.get(kind)
    if default is not None and cfg.use_default_offset:
        zeros = getattr(asset.data, default).torch[0].tolist()
        return [zeros[i] for i in ids]
    if kind is JointDeltaPositionAction and cfg.use_zero_offset:
        return [0.0] * len(names)
    return [_or(_for_joint(cfg.offset, joint), 0.0) for joint in names]


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _pair(clips: Mapping[str, Any] | None, joint: str) -> tuple[float, float] | None:
    """Return the range of a joint's target, or None where it has no end on either side."""
    found = next((pair for pattern, pair in (clips or {}).items() if re.fullmatch(pattern, joint)), None)
    if found is None or all(math.isinf(bound) for bound in found):
        return None
    return (max(float(found[0]), -3.0e38), min(float(found[1]), 3.0e38))


def trained_robot(
    env: Any, urdf: Path, *, name: str | None = None, asset: str = "robot", end_effector: str | None = None
) -> Robot:
    """Return what the robot of a manager-based environment is.

    Args:
        env: the environment, unwrapped, without a spec's events.
        urdf: description that the robot was converted from.
        name: name of the robot; None: that of the description.
        asset: the robot in the scene.
        end_effector: the link that reaches, or None.

    Raises:
        PolicyContractError: the description cannot be read, or an actuator has a law that a contract cannot say.
    """
    robot = env.scene[asset]
    try:
        content = urdf.read_bytes()
    except OSError as error:
        raise PolicyContractError(f"{urdf}: the robot's description cannot be read ({error.strerror})") from error
    try:
        chain = Chain.from_urdf(content, str(urdf))
    except ContractError as error:
        raise PolicyContractError(f"the robot's description: {error}") from error
    cfg = robot.cfg
    return Robot(
        name=name or urdf.stem,
        urdf=described_as(urdf),
        urdf_sha256=hashlib.sha256(content).hexdigest(),
        base_link=robot.body_names[0],
        end_effector=end_effector,
        floating_base=not robot.is_fixed_base,
        start_pos=tuple(float(v) for v in cfg.init_state.pos),  # type: ignore[arg-type]
        start_quat_xyzw=tuple(float(v) for v in cfg.init_state.rot),  # type: ignore[arg-type]
        joints=tuple(_joint(env, robot, joint) for joint in robot.joint_names),
        chain=chain,
    )


def described_as(urdf: Path) -> str:
    """Return the name of a description: below the last folder `robots` on its path, or the file's own."""
    parts = urdf.resolve().parts
    if "robots" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("robots")
        return "/".join(parts[last + 1 :])
    return urdf.name


def _joint(env: Any, robot: Any, joint: str) -> Joint:
    """Describe a joint and its drive."""
    found = [
        (group, cfg)
        for group, cfg in robot.cfg.actuators.items()
        if any(re.fullmatch(pattern, joint) for pattern in _patterns(cfg.joint_names_expr))
    ]
    index = robot.joint_names.index(joint)
    data = robot.data

    def live(values: Any) -> float:
        return float(values.torch[0, index])

    shared: dict[str, Any] = {
        "name": joint,
        "unit": unit_of(robot, joint),
        "default_pos": live(data.default_joint_pos),
        "default_vel": live(data.default_joint_vel),
        "position_limit": _limits(data.joint_pos_limits.torch[0, index].tolist()),
    }
    if not found:
        armature, friction = live(data.joint_armature), live(data.joint_friction_coeff)
        return Joint(drive="pd", kp=0.0, kd=0.0, effort_limit=0.0, armature=armature, friction=friction, **shared)
    group, cfg = found[0]

    def value(field: str, otherwise: Any = None) -> float | None:
        given = _for_joint(getattr(cfg, field, None), joint)
        return given if given is not None or otherwise is None else live(otherwise)

    drive, explicit = _drive(robot.cfg, group, cfg)
    effort = value("actuator_effort_limit") if explicit else value("joint_effort_limit")
    effort = effort if effort is not None else value("effort_limit" if explicit else "effort_limit_sim")
    speed = value("actuator_velocity_limit")
    speed = speed if speed is not None else value("velocity_limit")
    step = float(env.cfg.sim.dt)
    delays = (getattr(cfg, "min_delay", 0) * step, getattr(cfg, "max_delay", 0) * step)
    return Joint(
        drive=drive,
        kp=value("stiffness", data.joint_stiffness) or 0.0,
        kd=value("damping", data.joint_damping) or 0.0,
        effort_limit=_finite(effort if effort is not None else live(data.joint_effort_limits)),
        velocity_limit=_finite(speed if speed is not None else live(data.joint_vel_limits)),
        saturation_effort=value("saturation_effort") if drive == "dc_motor" else None,
        armature=value("armature", data.joint_armature) or 0.0,
        friction=value("friction", data.joint_friction_coeff) or 0.0,
        delay_s=delays,
        motor=_motor(robot.cfg, group, joint) if drive == "motor" else None,
        **shared,
    )


def _patterns(expression: Any) -> list[str]:
    return [expression] if isinstance(expression, str) else list(expression)


def _for_joint(value: Any, joint: str) -> float | None:
    """Return a joint's number of a setting: one number, or one for each pattern."""
    if not isinstance(value, Mapping):
        return None if value is None else float(value)
    return next((float(number) for pattern, number in value.items() if re.fullmatch(pattern, joint)), None)


def _drive(robot: Any, group: str, cfg: Any) -> tuple[str, bool]:
    """Return the kind of a group's drives, and whether their torque is computed outside of the solver."""
    from isaaclab.actuators import (
        ActuatorNetLSTMCfg,
        ActuatorNetMLPCfg,
        DCMotorCfg,
        IdealPDActuatorCfg,
        ImplicitActuatorCfg,
        RemotizedPDActuatorCfg,
    )

    if group in getattr(robot, "motors", {}):
        return "motor", True
    refused = (ActuatorNetLSTMCfg, ActuatorNetMLPCfg, RemotizedPDActuatorCfg)
    if not isinstance(cfg, refused):
        if isinstance(cfg, ImplicitActuatorCfg):
            return "implicit_pd", False
        if isinstance(cfg, IdealPDActuatorCfg):
            return ("dc_motor" if isinstance(cfg, DCMotorCfg) else "pd"), True
    raise PolicyContractError(
        f"actuators.{group} is a {type(cfg).__name__}; a contract can say ImplicitActuatorCfg, IdealPDActuatorCfg,"
        " DelayedPDActuatorCfg, DCMotorCfg, and motors of sim2real"
    )


def _motor(robot: Any, group: str, joint: str) -> dict[str, float | None]:
    """Return a motor's numbers; None for what is infinite."""
    motor = Motor(**robot.motors[group])
    numbers = {**{f.name: getattr(motor, f.name) for f in fields(motor)}, **motor.numbers(joint)}
    plain = {name: _for_joint(value, joint) for name, value in numbers.items()}
    return {name: None if value is None or math.isinf(value) else value for name, value in plain.items()}


def _limits(pair: list[float]) -> tuple[float, float] | None:
    return None if max(abs(bound) for bound in pair) > ENDLESS else (float(pair[0]), float(pair[1]))


def _finite(limit: float) -> float | None:
    return None if not math.isfinite(limit) or limit > ENDLESS else limit
