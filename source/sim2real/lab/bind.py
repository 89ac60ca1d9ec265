"""Everything that touches a private name of Isaac Lab, Newton or Warp. Each function is guarded by version and
needed for a reason said here.
"""

from __future__ import annotations

from typing import Any

CHECKED_WARP = "1.17"
"""The Warp release whose private constructor `allow_unpinned_arrays` was written against."""


CHECKED_ISAACLAB = "3.0.0"
"""The Isaac Lab release whose solver `newton_solver` was found in."""
SPAWN_HOOK = "_post_spawn"
"""What an articulation's configuration does on the stage after it was spawned: it writes its actuators."""


def allow_unpinned_arrays() -> bool:
    """Let Isaac Lab's PhysX assets start on a machine without CUDA; return whether anything was changed.

    `isaaclab_ov` allocates page-locked staging arrays (`pinned=True`) whatever the device, and Warp refuses those
    when there is no CUDA driver. Without a GPU there is nothing to stage for, so ordinary memory is the same thing.
    On a CUDA machine nothing is touched. Calling it twice is the same as calling it once.

    Raises:
        RuntimeError: Warp is another release than the one this was checked against, and has no CUDA device.
    """
    import warp as wp

    wp.init()
    if wp.is_cuda_available():
        return False
    array = wp.types.array if hasattr(wp.types, "array") else wp.array
    if getattr(array, "_sim2real_unpinned", False):
        return True
    if not wp.__version__.startswith(CHECKED_WARP + ".") or not hasattr(array, "_init_new"):
        raise RuntimeError(
            f"Warp {wp.__version__} without CUDA: page-locked arrays are known to fail with {CHECKED_WARP}, and this"
            " release was not checked; install warp-lang as pinned by Isaac Lab"
        )
    original = array._init_new

    def unpinned(self, dtype, shape, strides, device, pinned):
        return original(self, dtype, shape, strides, device, False)

    array._init_new = unpinned
    array._sim2real_unpinned = True
    return True


def newton_solver(env: Any) -> Any:
    """Return Newton's solver of a running environment.

    Isaac Lab 3.0 hands out Newton's model, state, control and contacts, but not the solver, in which MuJoCo Warp keeps
    its own copy of the model and its overflow counters.

    Raises:
        RuntimeError: the environment does not run on Newton, or this Isaac Lab keeps its solver elsewhere.
    """
    manager = env.sim.physics_manager
    solver = getattr(manager, "_solver", None)
    if solver is None or not hasattr(solver, "mjw_data"):
        raise RuntimeError(
            f"{getattr(manager, '__name__', manager)} holds no MuJoCo Warp solver; give an environment with"
            f" physics=newton_mjwarp, started, on Isaac Lab {CHECKED_ISAACLAB}"
        )
    return solver


def episode_sums(env: Any) -> dict[str, Any]:
    """Return each reward term's weighted sum over the running episodes, (num_envs,) each.

    Isaac Lab 3.0 logs these sums, averaged over the worlds that were reset, and has no public name for them.

    Raises:
        RuntimeError: this Isaac Lab keeps them elsewhere.
    """
    sums = getattr(env.reward_manager, "_episode_sums", None)
    if not isinstance(sums, dict):
        raise RuntimeError(f"the reward manager keeps no episode sums; Isaac Lab {CHECKED_ISAACLAB} does")
    return sums


def applies_processed(term: Any) -> bool:
    """Return whether an action term is known to apply what `set_processed` gives it: Isaac Lab's own joint actions.

    They make a new tensor of every action and apply the last; there is no public way to make it beforehand. A subclass
    may do more.
    """
    from isaaclab.envs import mdp

    kinds = (mdp.JointPositionAction, mdp.JointVelocityAction, mdp.JointEffortAction)
    return type(term) in kinds and getattr(term, "_processed_actions", None) is term.processed_actions


def set_processed(term: Any, actions: Any) -> None:
    """Let an action term apply what it made of an action before; see `applies_processed`."""
    term._processed_actions = actions


def drop_physx_caches(data: Any, quantities: frozenset[str]) -> None:
    """Make Isaac Lab read again what it keeps of a PhysX asset and a raw write of `quantities` has changed.

    Isaac Lab's own setters drop these caches; there is no public call that does only that. A cache that a release
    does not have is not missed: then it reads every time.
    """
    stale = []
    if quantities & {"body_com", "body_inertia"}:  # an inertia's principal axes are the centre of mass's orientation
        stale += ["_body_com_pose_b", "_body_com_pose_b_backend"]
    if "gravity" in quantities:
        stale += ["_projected_gravity_b"]
    for name in stale:
        buffer: Any = getattr(data, name, None)
        if hasattr(buffer, "timestamp"):
            buffer.timestamp = -1.0
    if quantities & {"body_com", "body_inertia"} and hasattr(data, "_reset_body_com_pose_b_dependents"):
        data._reset_body_com_pose_b_dependents()
    if quantities & {"body_mass", "body_inertia"} and hasattr(data, "_reset_dynamics"):
        data._reset_dynamics(mass_matrix=True, gravity_compensation=True)


def flush_newton_changes(env: Any) -> None:
    """Bring Newton's solver up to what Isaac Lab has written so far, in one notification.

    Isaac Lab 3.0 keeps the flags of changed properties until the next step, and then notifies for each flag by itself.
    Nominal values are read from the solver, so what is pending has to be there first.

    Raises:
        RuntimeError: this Isaac Lab keeps the flags elsewhere.
    """
    manager = env.sim.physics_manager
    pending = getattr(manager, "_model_changes", None)
    if pending is None:
        raise RuntimeError(f"{manager} keeps no flags of changed properties; install Isaac Lab {CHECKED_ISAACLAB}")
    if pending:
        flags = 0
        for flag in pending:
            flags |= int(flag)
        newton_solver(env).notify_model_changed(flags)
        pending.clear()


def recapture_newton_graph(manager: Any) -> None:
    """Let Isaac Lab capture its CUDA graph of a step anew, so that a force registered late is in it.

    Forces registered before the first step are captured without help; Isaac Lab 3.0 has no public way for later ones.

    Raises:
        RuntimeError: this Isaac Lab keeps its graph elsewhere.
    """
    if not hasattr(manager, "_graph") or not hasattr(manager, "_invalidate_graph"):
        raise RuntimeError(f"{manager} keeps no graph of a step; pushes need Isaac Lab {CHECKED_ISAACLAB}")
    if manager._graph is not None:
        manager._invalidate_graph()


def forget_centres(assets: list[Any]) -> None:
    """Let Isaac Lab's assets on Newton derive poses and velocities of centres of mass anew.

    Their data keeps what was derived within a step, and forgets it only when its own setters move a centre.

    Raises:
        RuntimeError: this Isaac Lab forgets another way.
    """
    for asset in assets:
        forget = getattr(asset.data, "_reset_body_com_pose_b_dependents", None)
        if forget is None:
            raise RuntimeError(
                f"{type(asset).__name__} has no cache of centres of mass; moving them needs Isaac Lab"
                f" {CHECKED_ISAACLAB}"
            )
        forget()


def check_spawn_hook() -> None:
    """Refuse an Isaac Lab that has no place after its actuators are written.

    Raises:
        RuntimeError: this Isaac Lab writes them elsewhere.
    """
    from isaaclab.assets import ArticulationCfg

    if not callable(getattr(ArticulationCfg, SPAWN_HOOK, None)):
        raise RuntimeError(
            f"ArticulationCfg has no {SPAWN_HOOK}, where Isaac Lab {CHECKED_ISAACLAB} writes its actuators"
        )


def after_spawn(cls: type, function: Any) -> None:
    """Let `function(cfg, stage)` follow when a configuration of class `cls` has written its actuators on the stage.

    Isaac Lab 3.0 has no public place between writing them and reading them.
    """
    before = getattr(cls, SPAWN_HOOK, None)

    def spawned(self: Any, stage: Any) -> None:
        if before is not None:
            before(self, stage)
        function(self, stage)

    setattr(cls, SPAWN_HOOK, spawned)


def actuator_states(asset: Any) -> list[tuple[Any, tuple[Any, ...]]]:
    """Return the Newton actuators of an articulation's simulation, each with its state and the one that follows it.

    Isaac Lab 3.0 steps them between two copies of their states and has a public way to reset those, none to read them.
    On Newton they are those of the whole scene.

    Raises:
        RuntimeError: this Isaac Lab keeps the states elsewhere.
    """
    adapter = getattr(asset, "newton_actuator_adapter", None)
    if adapter is None:
        return []
    now, after = getattr(adapter, "_states_a", None), getattr(adapter, "_states_b", None)
    if now is None or after is None:
        raise RuntimeError(f"{type(adapter).__name__} keeps no states of actuators; Isaac Lab {CHECKED_ISAACLAB} does")
    return [(actuator, (one, other)) for actuator, one, other in zip(adapter.actuators, now, after, strict=True)]


def newton_imu(sensor: Any) -> Any:
    """Return Newton's own sensor behind an IMU of Isaac Lab's.

    Isaac Lab 3.0 brings it up to date once for each `sim.step`, after the last physics step, and hands it out nowhere.

    Raises:
        RuntimeError: this Isaac Lab keeps it elsewhere.
    """
    found = getattr(sensor, "_newton_sensor", None)
    if not (hasattr(found, "accelerometer") and hasattr(found, "gyroscope")):
        raise RuntimeError(f"{type(sensor).__name__} holds no IMU of Newton's; Isaac Lab {CHECKED_ISAACLAB} does")
    return found
