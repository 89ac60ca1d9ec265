"""Isaac Lab on Newton as an engine: where the model, the solver and the scene's names are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sim2real.engines.engine import EngineError
from sim2real.lab.bind import flush_newton_changes, forget_centres, newton_solver, recapture_newton_graph
from sim2real.lab.physx_scene import GROUND

if TYPE_CHECKING:
    from sim2real.engines.newton.engine import NewtonEngine
    from sim2real.engines.newton.parts import Asset

MOVES_CENTRES = frozenset({"body_com", "body_position", "joint_zero"})
"""Quantities from which Isaac Lab derives poses that it keeps."""


def newton_engine(env: Any) -> NewtonEngine:
    """Return the engine of an Isaac Lab environment on `physics=newton_mjwarp`; nominal values are those of now.

    Args:
        env: The unwrapped environment, started.

    Raises:
        EngineError: The environment runs on something else, or its model cannot be randomized; the message says what.
    """
    from sim2real.actuators.feedforward import scale_feedforward
    from sim2real.engines.newton.engine import NewtonEngine, NewtonViews

    try:
        solver = newton_solver(env)
    except RuntimeError as error:
        raise EngineError(str(error)) from error
    flush_newton_changes(env)
    manager = env.sim.physics_manager
    if scale_feedforward(getattr(manager.get_model(), "actuators", None) or ()):
        recapture_newton_graph(manager)
    scene = env.scene
    moving = [*scene.articulations.values(), *scene.rigid_objects.values(), *scene.rigid_object_collections.values()]
    _refuse_reordering(scene)

    def add_force(callback: Any) -> None:
        manager.register_state_force_callback(callback)
        recapture_newton_graph(manager)

    def written(quantities: tuple[str, ...]) -> None:
        if MOVES_CENTRES.intersection(quantities):
            forget_centres(moving)

    views = NewtonViews(
        model=manager.get_model(),
        solver=solver,
        assets=scene_assets(scene),
        add_force=add_force,
        written=written,
    )
    return NewtonEngine(views)


def scene_assets(scene: Any) -> list[Asset]:
    """Return the assets of an Isaac Lab scene with their paths in the first environment; the bodies of a collection
    are one asset, and sensors are none.
    """
    from sim2real.engines.newton.parts import Asset

    found = []
    sensors = set(scene.sensors)
    for name in scene.keys():
        cfg = getattr(scene[name], "cfg", None)
        if name in sensors or cfg is None:
            continue
        members = getattr(cfg, "rigid_objects", None)
        paths = [member.prim_path for member in members.values()] if members else [cfg.prim_path]
        said = "ground" if name in GROUND else name
        found += [Asset(name=said, path=first_path(path)) for path in paths]
    return found


def first_path(path: str) -> str:
    """Return a prim path in the first environment: `/World/envs/env_[^/]+/Robot` becomes `/World/envs/env_0/Robot`."""
    return re.sub(r"/env_(?:\[\^/\]|[^/])*(?=/|$)", "/env_0", path)


def _refuse_reordering(scene: Any) -> None:
    ordered = [
        name
        for name, asset in scene.articulations.items()
        if asset.data.has_body_ordering or asset.data.has_joint_ordering
    ]
    if ordered:
        raise EngineError(
            f"{', '.join(ordered)}: joint_ordering or body_ordering makes Isaac Lab keep a second copy of masses and"
            " gains, which would not follow the draws; leave both unset on Newton, and on PhysX set"
            " joint_ordering='mjwarp' to get the same order"
        )
