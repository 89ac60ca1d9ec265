"""A spec as Isaac Lab events: what a task's configuration gets, and what the event manager calls.

The terms carry the whole spec as text, so that the configuration that a training writes down holds every range.
There is one term per mode. The interval term comes at every step of the environment; which worlds' time has come is
decided on the device, by timers of their own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from isaaclab.managers import EventTermCfg
from isaaclab.utils import configclass

from sim2real.errors import Sim2RealError
from sim2real.lab.randomization import ON_DIVERGENCE, randomization_of
from sim2real.lab.starts import JOINT_STATE, ROOT_POSE, ROOT_VELOCITY, STARTS
from sim2real.spec import Spec, load_spec

NAMES = {mode: f"sim2real_{mode}" for mode in ("startup", "reset", "interval")}
"""Names of our event terms by mode."""
BODY = ("body.mass", "body.com", "body.inertia", "body.payload", "geometry.scale")
ROOT = (*ROOT_POSE, *ROOT_VELOCITY)
WRITES: dict[str, tuple[str, ...]] = {
    "randomize_rigid_body_mass": BODY,
    "randomize_rigid_body_inertia": BODY,
    "randomize_rigid_body_com": BODY,
    "randomize_rigid_body_scale": BODY,
    "randomize_rigid_body_material": ("shape.friction", "shape.restitution"),
    "randomize_physics_scene_gravity": ("world.gravity", "world.gravity_tilt"),
    "randomize_actuator_gains": ("actuator.kp", "actuator.kd", "actuator.strength", "actuator.torque_constant"),
    # Both engines keep damping and viscous friction, which this event scales with the Coulomb friction, in one number.
    "randomize_joint_parameters": (
        "joint.friction",
        "joint.viscous_friction",
        "joint.damping",
        "joint.armature",
        "joint.limit",
    ),
    "apply_external_force_torque": ("body.force", "body.torque"),
    "reset_root_state_uniform": ROOT,
    "reset_root_state_with_random_orientation": ROOT,
    "reset_root_state_from_terrain": ROOT,
    "reset_joints_by_scale": JOINT_STATE,
    "reset_joints_by_offset": JOINT_STATE,
    "reset_joints_within_limits_range": JOINT_STATE,
    "reset_scene_to_default": STARTS,
}
"""Isaac Lab's own event functions and the targets whose storage they write."""


def startup(env: Any, env_ids: Any, settings: dict[str, Any]) -> None:
    """Draw what is drawn once."""
    randomization_of(env).startup()


def reset(env: Any, env_ids: Any) -> None:
    """Begin episodes."""
    randomization_of(env).reset(env_ids)


def interval(env: Any, env_ids: Any) -> None:
    """Take a step: timers, kicks, guards."""
    randomization_of(env).step()


@configclass
class SpecEventsCfg:
    """The events of a task whose randomization is a spec."""

    sim2real_startup: EventTermCfg | None = None
    """Draws terms at startup; its parameters hold the spec and the settings of all three."""
    sim2real_reset: EventTermCfg | None = None
    """Draws terms at reset and puts worlds at their start."""
    sim2real_interval: EventTermCfg | None = None
    """Comes at every step."""


def events(
    spec: Spec | str,
    *,
    keep: Any = None,
    first_world: int | None = None,
    first_episode: int = 0,
    on_divergence: str = "error",
    check_every: int = 50,
    metric: Any = None,
    steps_per_iteration: int = 24,
) -> Any:
    """Return the events of a task from a spec: ``cfg.events = sim2real.lab.events("spec.yaml")``.

    Works on the configuration of a manager-based task and of a direct environment. On a manager-based task the reset
    event puts every asset at its default state plus what the spec draws; a direct environment places its assets itself.

    Args:
        spec: a spec, a preset's name, or a file.
        keep: the task's own events (``cfg.events``) to keep beside the spec's; they run after ours.
        first_world: global id of environment 0; by default rank x num_envs of a distributed run.
        first_episode: number of the first episode; with `first_world` it plays a world's episode again.
        on_divergence: `error` stops with the draws of the world whose state became NaN; `count` counts such worlds,
            for tasks that end their episodes with `diverged`; `off` does not look.
        check_every: look for overflows and divergence, and judge the curriculum, every so many environment steps.
        metric: function (env, rows) -> tensor in [0, 1] that replaces the curriculum's metric.
        steps_per_iteration: environment steps per training iteration, which stages of a curriculum are counted in.

    Raises:
        SpecError: the spec is wrong.
        Sim2RealError: a kept event and the spec write the same thing.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    if on_divergence not in ON_DIVERGENCE:
        raise Sim2RealError(f"on_divergence: got '{on_divergence}'; give one of {', '.join(ON_DIVERGENCE)}")
    if check_every < 1:
        raise Sim2RealError(f"check_every: got {check_every}; give a number of environment steps, 1 or more")
    _check_kept(spec, kept_terms(keep))
    settings = {
        "spec": spec.to_yaml(),
        "first_world": first_world,
        "first_episode": first_episode,
        "on_divergence": on_divergence,
        "check_every": check_every,
        "metric": metric,
        "steps_per_iteration": steps_per_iteration,
    }
    ours = {
        NAMES["startup"]: EventTermCfg(func=startup, mode="startup", params={"settings": settings}),
        NAMES["reset"]: EventTermCfg(func=reset, mode="reset"),
        # An interval of nothing for all worlds at once: every step, without a look at the device.
        NAMES["interval"]: EventTermCfg(
            func=interval, mode="interval", interval_range_s=(0.0, 0.0), is_global_time=True
        ),
    }
    if keep is None:
        return SpecEventsCfg(**ours)
    if isinstance(keep, dict):
        return {**ours, **keep}
    kept = copy.deepcopy(keep)
    others = dict(kept.__dict__)
    kept.__dict__.clear()
    kept.__dict__.update({**ours, **others})
    return kept


def kept_terms(keep: Any) -> dict[str, EventTermCfg]:
    """Return a task's own event terms by name."""
    items: Iterable[tuple[str, Any]] = (
        () if keep is None else keep.items() if isinstance(keep, dict) else vars(keep).items()
    )
    return {name: term for name, term in items if isinstance(term, EventTermCfg) and name not in NAMES.values()}


def has_spec(configured: Any) -> bool:
    """Whether a task's events hold a spec's."""
    terms = configured if isinstance(configured, dict) else getattr(configured, "__dict__", {})
    return terms.get(NAMES["startup"]) is not None


def written_by(term: EventTermCfg) -> tuple[str, ...]:
    """Return the targets whose storage one of Isaac Lab's own events writes."""
    return WRITES.get(getattr(term.func, "__name__", str(term.func).rpartition(":")[2]), ())


def asset_of(term: EventTermCfg) -> str:
    """Return the asset that an event is about."""
    return getattr(term.params.get("asset_cfg"), "name", "robot")


def _check_kept(spec: Spec, kept: dict[str, EventTermCfg]) -> None:
    faults = []
    for name, event in kept.items():
        targets = written_by(event)
        for term_name, term in spec.terms.items():
            if term.target in targets and re.fullmatch(term.asset, asset_of(event)):
                faults.append(f"  events.{name} and terms.{term_name} both write {term.target}")
    if faults:
        names = sorted({fault.split()[0].partition(".")[2] for fault in faults})
        remedy = "; ".join(f"cfg.events.{name} = None" for name in names)
        raise Sim2RealError(
            "an event that is kept and the spec write the same thing:\n"
            + "\n".join(faults)
            + f"\nRemove the event ({remedy}) or the term"
        )
