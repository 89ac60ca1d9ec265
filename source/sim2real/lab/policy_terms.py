"""A task's observation terms and commands as a contract says them.

Each term is recognised by the function that computes it. What is put around it in training (noise, lag, a spec's
signals) is looked through: it stands for what a robot does by itself. What changes the numbers for good (a modifier,
an unknown function) is an error, since nobody could assemble it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sim2real.contract import Command, ContractError, ObservationTerm, StateObservation
from sim2real.errors import Sim2RealError


class PolicyContractError(Sim2RealError):
    """A policy that a contract cannot describe."""


def state_observation(env: Any, groups: Sequence[str] = ("policy",)) -> StateObservation:
    """Return what the policy of a manager-based environment observes.

    Args:
        env: the environment, unwrapped.
        groups: observation groups that the actor gets, in its order.

    Raises:
        PolicyContractError: with all terms that a contract cannot describe.
    """
    manager = env.observation_manager
    unknown = [group for group in groups if group not in manager.active_terms]
    if unknown or not groups:
        raise PolicyContractError(
            f"the task has no observation group {', '.join(unknown) or '(none was named)'}; it has:"
            f" {', '.join(manager.active_terms)}"
        )
    faults: list[str] = []
    terms: list[ObservationTerm] = []
    layouts: set[str] = set()
    for group in groups:
        cfg = getattr(manager.cfg, group)
        if not manager.group_obs_concatenate[group] or cfg.concatenate_dim != -1:
            faults.append(f"{group}: its terms are not one vector; set concatenate_terms = True, concatenate_dim = -1")
            continue
        layouts.add("time_major" if cfg.history_order == "time" and (cfg.history_length or 0) > 0 else "term_major")
        shapes = manager.group_obs_term_dim[group]
        for name, shape in zip(manager.active_terms[group], shapes, strict=True):
            try:
                full = name if len(groups) == 1 else f"{group}_{name}"
                terms.append(_term(env, full, getattr(cfg, name), tuple(shape)))
            except (PolicyContractError, ContractError) as error:
                faults.append(f"{group}.{name}: {error}")
    if len(layouts) > 1 or ("time_major" in layouts and len(groups) > 1):
        faults.append(f"{', '.join(groups)}: several groups of which one is time-major have no common order")
    commands = dict.fromkeys(term.command for term in terms if term.command is not None)
    described = []
    for command in commands:
        try:
            described.append(_command(env, command))
        except (PolicyContractError, ContractError) as error:
            faults.append(f"commands.{command}: {error}")
    if faults:
        raise PolicyContractError("the policy's observation cannot be described:\n  " + "\n  ".join(faults))
    return StateObservation(terms=tuple(terms), layout=layouts.pop(), commands=tuple(described))


def seen_function(cfg: Any) -> tuple[Any, dict[str, Any]]:
    """Return function and parameters of an observation term, seen through a signal of a spec."""
    from sim2real.lab.signals_terms import SignalObservation

    if isinstance(cfg.func, SignalObservation) or cfg.func is SignalObservation:
        cfg = cfg.params["term"]
    return cfg.func, cfg.params


def _term(env: Any, name: str, cfg: Any, shape: tuple[int, ...]) -> ObservationTerm:
    """Describe one term."""
    from isaaclab.envs import mdp

    if cfg.modifiers:
        raise PolicyContractError("it has modifiers, which a contract cannot say; use clip and scale")
    history = max(int(cfg.history_length), 1)
    if len(shape) != 1:
        raise PolicyContractError(f"its samples have shape {shape}; set flatten_history_dim = True, or give vectors")
    size = shape[0] // history
    clip = None if cfg.clip is None else (float(cfg.clip[0]), float(cfg.clip[1]))
    shared: dict[str, Any] = {"name": name, "size": size, "clip": clip, "history": history, "scale": _scale(cfg.scale)}
    func, params = seen_function(cfg)
    plain = {mdp.base_lin_vel: ("base_lin_vel", "m/s"), mdp.base_ang_vel: ("base_ang_vel", "rad/s")}
    plain |= {mdp.projected_gravity: ("projected_gravity", "1"), mdp.last_action: ("last_action", "1")}
    joints = {mdp.joint_pos: ("joint_pos", False), mdp.joint_pos_rel: ("joint_pos", True)}
    joints |= {mdp.joint_vel: ("joint_vel", False), mdp.joint_vel_rel: ("joint_vel", True)}
    if func is mdp.last_action and params.get("action_name") is not None and len(env.action_manager.active_terms) > 1:
        raise PolicyContractError("it is the last action of one action term among several; leave action_name away")
    if func in plain:
        kind, unit = plain[func]
        return ObservationTerm(kind=kind, unit=unit, **shared)
    if func in joints:
        kind, relative = joints[func]
        return _joints(env, kind, relative, params, shared)
    if func is mdp.generated_commands:
        kind, unit = _command_kind(env, params["command_name"])
        return ObservationTerm(kind=kind, unit=unit, command=params["command_name"], **shared)
    if func is mdp.height_scan:
        return _scan(env, params, shared)
    name = getattr(func, "__name__", type(func).__name__)
    known = ", ".join(sorted(f.__name__ for f in (*plain, *joints, mdp.generated_commands, mdp.height_scan)))
    raise PolicyContractError(f"nobody could compute '{name}' on a robot from a contract; known are: {known}")


def _joints(env: Any, kind: str, relative: bool, params: Any, shared: dict[str, Any]) -> ObservationTerm:
    """A term of joint positions or velocities."""
    from isaaclab.managers import SceneEntityCfg

    entity = params.get("asset_cfg", SceneEntityCfg("robot"))
    asset = env.scene[entity.name]
    ids = range(asset.num_joints)[entity.joint_ids] if isinstance(entity.joint_ids, slice) else entity.joint_ids
    ids = [int(i) for i in ids]
    zeros = getattr(asset.data, f"default_{kind}").torch[0].tolist()
    kinds = {unit_of(asset, asset.joint_names[i]) for i in ids}
    unit = "rad or m" if len(kinds) > 1 else kinds.pop()
    if kind == "joint_vel":
        unit = {"rad": "rad/s", "m": "m/s"}.get(unit, "rad/s or m/s")
    return ObservationTerm(
        kind=kind,
        unit=unit,
        joints=tuple(asset.joint_names[i] for i in ids),
        offset=tuple(zeros[i] for i in ids) if relative else (0.0,),
        **shared,
    )


def unit_of(asset: Any, joint: str) -> str:
    """Return `m` for a sliding joint and `rad` for a turning one, as the stage says."""
    from isaaclab.sim import get_current_stage
    from isaaclab.sim.utils.queries import find_matching_prims
    from pxr import Usd, UsdPhysics

    stage = get_current_stage()
    for root in find_matching_prims(asset.cfg.prim_path, stage)[:1]:
        for prim in Usd.PrimRange(root, Usd.TraverseInstanceProxies()):
            if prim.GetName() == joint:
                return "m" if prim.IsA(UsdPhysics.PrismaticJoint) else "rad"
    raise PolicyContractError(f"the stage has no joint '{joint}' below {asset.cfg.prim_path}")


def _scan(env: Any, params: Any, shared: dict[str, Any]) -> ObservationTerm:
    """A term of a height scanner."""
    sensor = env.scene.sensors[params["sensor_cfg"].name]
    pattern = sensor.cfg.pattern_cfg
    if not hasattr(pattern, "resolution") or not hasattr(pattern, "size"):
        raise PolicyContractError(f"its rays form a {type(pattern).__name__}; a contract can say grids")
    grid = {
        "link": sensor.cfg.prim_path.rpartition("/")[2],
        "alignment": sensor.cfg.ray_alignment,
        "resolution_m": float(pattern.resolution),
        "size_m": [float(length) for length in pattern.size],
        "ordering": pattern.ordering,
        "center_m": [float(part) for part in sensor.cfg.offset.pos[:2]],
    }
    return ObservationTerm(
        kind="height_scan", unit="m", offset=(float(params.get("offset", 0.5)),), sensor=grid, **shared
    )


def _scale(scale: Any) -> tuple[float, ...]:
    """Return a term's scale, which the manager keeps as a tensor."""
    if scale is None:
        return (1.0,)
    values = scale.reshape(-1).tolist() if hasattr(scale, "reshape") else scale
    return tuple(float(v) for v in values) if isinstance(values, Sequence) else (float(values),)


def _command_kind(env: Any, name: str) -> tuple[str, str]:
    """Return kind and unit of a command."""
    from isaaclab.envs import mdp

    cfg = env.command_manager.get_term(name).cfg
    if isinstance(cfg, mdp.UniformVelocityCommandCfg):
        return "velocity_command", "m/s, m/s, rad/s"
    if isinstance(cfg, mdp.UniformPoseCommandCfg):
        return "pose_command", "m, quaternion xyzw"
    raise PolicyContractError(
        f"the command '{name}' is a {type(cfg).__name__}; a contract can say uniform velocities and poses"
    )


def _command(env: Any, name: str) -> Command:
    """Describe a command with the ranges that it is drawn from now."""
    kind, _ = _command_kind(env, name)
    cfg = env.command_manager.get_term(name).cfg
    ranges = {key: (float(pair[0]), float(pair[1])) for key, pair in vars(cfg.ranges).items() if pair is not None}
    heading = kind == "velocity_command" and cfg.heading_command
    if not heading:
        ranges.pop("heading", None)
    return Command(
        name=name,
        kind=kind,
        ranges=ranges,
        body=cfg.body_name if kind == "pose_command" else None,
        heading_stiffness=float(cfg.heading_control_stiffness) if heading else None,
        resample_s=(float(cfg.resampling_time_range[0]), float(cfg.resampling_time_range[1])),
        **({"side_xyzw": side_of(env, name)} if kind == "pose_command" else {}),
    )


def side_of(env: Any, name: str) -> tuple[float, ...]:
    """Return a quaternion on whose side all commands of the environment are; it must have been reset.

    Isaac Lab makes the real part positive. Where that part is nothing but rounding (a hand that points down), the
    other parts decide, always alike within ranges that do not go around.

    Raises:
        PolicyContractError: the commands stand on both sides, so that no one can tell what the policy knows.
    """
    import torch

    quats = env.command_manager.get_command(name)[:, 3:7]
    real = quats.new_tensor([0.0, 0.0, 0.0, 1.0])
    mean = torch.nn.functional.normalize(quats.mean(dim=0), dim=0)
    for side in (real, mean):
        if bool((quats @ side > 0.01).all()):
            return tuple(float(value) for value in side.double() / side.double().norm())
    raise PolicyContractError(
        f"the command '{name}': its quaternions have both signs, and a policy cannot know that two of them are one"
        " turn; set make_quat_unique=True in its configuration, or narrow its ranges of angles, and train again"
    )
