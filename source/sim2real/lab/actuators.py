"""Give the actuators of an Isaac Lab robot real motors: a thin configuration over Newton's own actuators.

Isaac Lab writes each explicit actuator as a `NewtonActuator` prim on the stage, which Newton reads into its model and
PhysX's host adapter reads for itself. After it has written them, the PD drive and its torque limit of the chosen
groups are replaced there by a motor (`sim2real.actuators.drive`), so both engines step the same kernel inside the
physics step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from isaaclab.assets import ArticulationCfg
from isaaclab.utils import configclass, replace

from sim2real.actuators.motor import DELAY_SCHEMA, MOTOR_SCHEMA, Motor, MotorError
from sim2real.lab.bind import after_spawn, check_spawn_hook

DELAY = "NewtonActuatorDelayAPI"
"""What Isaac Lab writes where an actuator has a delay."""
LIMITS = ("newton:maxEffort", "newton:maxMotorEffort")
"""Where the stage keeps the largest torque."""
SOFTNESS = "mjc:solimpfriction"
"""Where the stage keeps MuJoCo's softness of a joint's friction."""
FRICTION = {"coulomb_friction": ("friction", "dynamic_friction"), "viscous_friction": ("viscous_friction",)}
"""Where an actuator's configuration holds the friction of a motor."""
HARD = (0.9999, 0.9999, 0.001, 0.5, 2.0)
"""The hardest that MuJoCo takes."""


@configclass
class MotorArticulationCfg(ArticulationCfg):
    """An articulation some of whose actuator groups have motors; made by `with_motors`."""

    motors: dict[str, dict[str, Any]] = {}
    """The motor of each group, as the arguments of `Motor`: Isaac Lab writes to the objects in its configurations."""


def _write_motors(cfg: MotorArticulationCfg, stage: Any) -> None:
    """Write the motors after Isaac Lab has written its actuators."""
    from isaaclab.sim import SimulationContext
    from isaaclab.sim.utils.queries import find_matching_prims

    from sim2real.actuators.drive import register

    context = SimulationContext.instance()
    if context is None or not context.cfg.use_newton_actuators:
        raise MotorError(
            "motors are Newton actuators, and sim.use_newton_actuators is off: the simulation would run plain PD"
            " drives; turn it on"
        )
    register()
    path = cfg.spawn.spawn_path if cfg.spawn is not None and cfg.spawn.spawn_path is not None else cfg.prim_path
    for robot in find_matching_prims(path, stage):
        for group, motor in cfg.motors.items():
            joints = _write_group(stage, robot, group, Motor(**motor))
            cfg.actuators[group] = replace(cfg.actuators[group], **_friction(Motor(**motor), joints))


after_spawn(MotorArticulationCfg, _write_motors)


def with_motors(robot: ArticulationCfg, motors: str | Mapping[str, Motor]) -> ArticulationCfg:
    """Return a robot's configuration with motors in some of its actuator groups.

    A group's stiffness, damping, largest torque (`actuator_effort_limit`), delay and armature stay what its actuator
    says, and so does joint friction where the motor has none; a DC motor's own torque-speed line is replaced by the
    motor's.

    Args:
        robot: The robot.
        motors: The motor of each group; or a preset's name (or a file, see `load_motor`), for all groups.

    Raises:
        MotorError: a group that is not there, an implicit one, or one that is not a PD drive.
        SpecError: there is no such preset, or its file is wrong.
        RuntimeError: motors do not work with this Isaac Lab.
    """
    from isaaclab.actuators import IdealPDActuatorCfg, RemotizedPDActuatorCfg

    check_spawn_hook()
    if isinstance(motors, str):
        motors = dict.fromkeys(robot.actuators, Motor.load(motors))
    for group, motor in motors.items():
        if not isinstance(motor, Motor):
            raise MotorError(f"motors['{group}'] is a {type(motor).__name__}; give a sim2real.actuators.motor.Motor")
        if group not in robot.actuators:
            raise MotorError(f"motors['{group}']: the robot's actuator groups are {', '.join(sorted(robot.actuators))}")
        actuator = robot.actuators[group]
        if not isinstance(actuator, IdealPDActuatorCfg) or isinstance(actuator, RemotizedPDActuatorCfg):
            raise MotorError(
                f"motors['{group}']: {type(actuator).__name__} cannot have a motor. An implicit actuator's torque is"
                " made inside the solver, where no voltage, heat or play can reach it, and a network or a linkage has"
                " laws of its own; use IdealPDActuatorCfg, DCMotorCfg or DelayedPDActuatorCfg"
            )
    values = {field.name: getattr(robot, field.name) for field in fields(robot) if field.name != "motors"}
    added = {
        group: {field.name: _plain(getattr(motor, field.name)) for field in fields(motor)}
        for group, motor in motors.items()
    }
    return MotorArticulationCfg(**values, motors={**getattr(robot, "motors", {}), **added})


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _friction(motor: Motor, joints: Iterable[str]) -> dict[str, dict[str, float]]:
    """Return what an actuator's configuration says of a motor's friction, joint by joint: the solver holds it."""
    found: dict[str, dict[str, float]] = {}
    for joint in joints:
        for name, value in motor.friction(joint).items():
            for attribute in FRICTION[name]:
                found.setdefault(attribute, {})[re.escape(joint)] = value
    return found


def _write_group(stage: Any, robot: Any, group: str, motor: Motor) -> list[str]:
    """Replace the drives of a group's joints on the stage; return the joints."""
    from pxr import Sdf, Usd

    start, end = f"{group}_", "_actuator"
    prims = {}
    for prim in Usd.PrimRange(robot):
        if prim.GetTypeName() == "NewtonActuator" and prim.GetParent() == robot:
            joint = prim.GetRelationship("newton:targets").GetTargets()[0].name
            if prim.GetName() == f"{start}{joint}{end}":
                prims[joint] = prim
    if not prims:
        raise MotorError(f"motors['{group}']: the stage has no actuator of this group at {robot.GetPath()}")
    kinds = Sdf.ValueTypeNames
    for joint, prim in prims.items():
        applied = prim.GetMetadata("apiSchemas").GetAddedOrExplicitItems()
        operation = Sdf.TokenListOp()
        operation.explicitItems = [MOTOR_SCHEMA, DELAY_SCHEMA] if DELAY in applied else [MOTOR_SCHEMA]
        prim.SetMetadata("apiSchemas", operation)
        numbers = motor.numbers(joint)
        limits = [prim.GetAttribute(name).Get() for name in LIMITS if prim.GetAttribute(name)]
        if limits:
            numbers["max_effort"] = min(limits)
        for name, value in numbers.items():
            prim.CreateAttribute(f"newton:{_camel(name)}", kinds.Float).Set(float(value))
        if motor.coulomb_friction is not None:
            _harden_friction(stage.GetPrimAtPath(prim.GetRelationship("newton:targets").GetTargets()[0]))
        prim.CreateAttribute("newton:bus", kinds.String).Set(group)
        prim.CreateAttribute("newton:busJoints", kinds.Int).Set(len(prims))
    return list(prims)


def _harden_friction(joint: Any) -> None:
    """Let a joint rest under its friction: MuJoCo's own softness lets it creep; one that the robot names stays."""
    from pxr import Sdf

    if not joint.GetAttribute(SOFTNESS):
        joint.CreateAttribute(SOFTNESS, Sdf.ValueTypeNames.FloatArray).Set(HARD)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
