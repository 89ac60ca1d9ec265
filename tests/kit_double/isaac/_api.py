"""isaacsim.core.api and isaacsim.core.cloner: World, physics materials and clones, on the stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Gf, Sdf, UsdGeom, UsdPhysics, UsdShade

from kit_double import Kit, check_callable

from ._app import timeline
from ._physics import physics_of
from ._table import Base, make_class, names_in


def api(kit: Kit) -> dict[str, Any]:
    """World, SimulationContext and PhysicsContext of isaacsim.core.api."""
    physics = physics_of(kit)
    module = "isaacsim.core.api"
    held: dict[str, Any] = {}

    def init_physics(context: Any, physics_dt: Any, prim_path: str, *_: Any) -> None:
        stage = physics.stage()
        context._scene = UsdPhysics.Scene.Get(stage, prim_path) or UsdPhysics.Scene.Define(stage, prim_path)

    def set_gravity(context: Any, value: Any) -> None:
        context._scene.CreateGravityMagnitudeAttr(abs(float(value)))
        context._scene.CreateGravityDirectionAttr(Gf.Vec3f(0.0, 0.0, -1.0 if float(value) <= 0 else 1.0))

    def get_gravity(context: Any) -> tuple[Any, Any]:
        return context._scene.GetGravityDirectionAttr().Get(), context._scene.GetGravityMagnitudeAttr().Get()

    physics_context = make_class(
        kit, module, "PhysicsContext", Base,
        {"__init__": init_physics, "set_gravity": set_gravity, "get_gravity": get_gravity,
         "prim_path": lambda context: str(context._scene.GetPath())},
    )  # fmt: skip

    def init(context: Any, *arguments: Any) -> None:
        if held.get("one") is not None:
            raise RuntimeError("there is a SimulationContext already; use instance() or clear_instance()")
        held["one"] = context
        context._callbacks = {}
        context._dt = arguments[0] if arguments[0] is not None else 1.0 / 60.0
        context._physics = physics_context(arguments[0], arguments[3])

    def play(context: Any) -> None:
        timeline().play()
        timeline().commit()
        physics.start()

    def stop(context: Any) -> None:
        timeline().stop()
        timeline().commit()
        physics.stop()

    def reset(context: Any, soft: bool) -> None:
        if not soft:
            stop(context)
        play(context)

    async def reset_async(context: Any, soft: bool) -> None:
        reset(context, soft)
        await kit.next_update()

    def step(context: Any, render: bool, *_: Any) -> None:
        physics.need("step()")
        physics.steps += 1
        for callback in list(context._callbacks.values()):
            callback(context._dt)
        if render:
            kit.tick()

    def add_callback(context: Any, callback_name: str, callback_fn: Callable[..., Any]) -> None:
        check_callable("add_physics_callback(callback_fn)", callback_fn, 1, optional=False)
        context._callbacks[callback_name] = callback_fn

    bodies: dict[str, Any] = {
        "__init__": init,
        "instance": lambda: held.get("one"),
        "clear_instance": lambda: held.clear(),
        "stage": lambda context: physics.stage(),
        "get_physics_context": lambda context: context._physics,
        "get_physics_dt": lambda context: context._dt,
        "initialize_physics": lambda context: physics.start(),
        "reset": reset,
        "reset_async": reset_async,
        "step": step,
        "play": play,
        "stop": stop,
        "is_playing": lambda context: timeline().is_playing(),
        "is_stopped": lambda context: timeline().is_stopped(),
        "is_simulating": lambda context: physics.started,
        "add_physics_callback": add_callback,
        "remove_physics_callback": lambda context, callback_name: context._callbacks.pop(callback_name),
        "physics_callback_exists": lambda context, callback_name: callback_name in context._callbacks,
    }
    context = make_class(kit, module, "SimulationContext", Base, bodies)
    own = names_in(module, kit.version)["World"]
    world = make_class(kit, module, "World", context, {k: v for k, v in bodies.items() if k in own})
    return {"PhysicsContext": physics_context, "SimulationContext": context, "World": world}


def api_materials(kit: Kit) -> dict[str, Any]:
    """PhysicsMaterial of isaacsim.core.api.materials."""

    def init(material: Any, prim_path: str, name: str, *values: Any) -> None:
        material._prim = UsdShade.Material.Define(physics_of(kit).stage(), prim_path).GetPrim()
        UsdPhysics.MaterialAPI.Apply(material._prim)
        material._name = name
        for key, value in zip(("StaticFriction", "DynamicFriction", "Restitution"), values, strict=True):
            if value is not None:
                put(key)(material, value)

    def put(key: str) -> Callable[..., None]:
        def write(material: Any, value: Any) -> None:
            if not np.isfinite(value) or value < 0:
                raise ValueError(f"{key} must be 0 or more, got {value!r}")
            getattr(UsdPhysics.MaterialAPI(material._prim), f"Create{key}Attr")(float(value))

        return write

    def get(key: str) -> Callable[..., Any]:
        return lambda material: getattr(UsdPhysics.MaterialAPI(material._prim), f"Get{key}Attr")().Get()

    bodies: dict[str, Any] = {
        "__init__": init,
        "prim_path": lambda one: str(one._prim.GetPath()),
        "prim": lambda one: one._prim,
        "name": lambda one: one._name,
        "material": lambda one: UsdShade.Material(one._prim),
    }
    for word, key in (("static_friction", "StaticFriction"), ("dynamic_friction", "DynamicFriction"),
                      ("restitution", "Restitution")):  # fmt: skip
        bodies[f"set_{word}"], bodies[f"get_{word}"] = put(key), get(key)
    return {"PhysicsMaterial": make_class(kit, "isaacsim.core.api.materials", "PhysicsMaterial", Base, bodies)}


def cloner(kit: Kit) -> dict[str, Any]:
    """Cloner and GridCloner, on the stage."""
    module = "isaacsim.core.cloner"
    stage = physics_of(kit).stage

    def init(one: Any, given: Any) -> None:
        one._stage = given or stage()

    def init_grid(one: Any, spacing: Any, num_per_row: int, given: Any) -> None:
        init(one, given)
        one._spacing, one._per_row = float(spacing), num_per_row

    def generate(one: Any, root_path: str, num_paths: int) -> list[str]:
        return [f"{root_path}_{i}" for i in range(num_paths)]

    def copy(one: Any, source: str, prim_paths: list[str], positions: list[Any]) -> None:
        layer = one._stage.GetRootLayer()
        for path, position in zip(prim_paths, positions, strict=True):
            if path != source:
                Sdf.CreatePrimInLayer(layer, path)
                if not Sdf.CopySpec(layer, source, layer, path):
                    raise ValueError(f"clone: {source} could not be copied to {path}")
            UsdGeom.XformCommonAPI(one._stage.GetPrimAtPath(path)).SetTranslate(Gf.Vec3d(*position))

    def clone_grid(one: Any, source_prim_path: str, prim_paths: list[str], position_offsets: Any, *_: Any, **__: Any):
        count = len(prim_paths)
        per_row = one._per_row if one._per_row > 0 else int(np.ceil(np.sqrt(count)))
        rows = int(np.ceil(count / per_row))
        found = []
        for i in range(count):
            row, column = divmod(i, per_row)
            shift = position_offsets[i] if position_offsets is not None else (0.0, 0.0, 0.0)
            x = ((rows - 1) / 2 - row) * one._spacing + shift[0]
            y = (column - (per_row - 1) / 2) * one._spacing + shift[1]
            found.append((float(x), float(y), float(shift[2])))
        copy(one, source_prim_path, prim_paths, found)
        return found

    def filter_collisions(
        one: Any, physicsscene_path: str, collision_root_path: str, prim_paths: list[str], global_paths: Any
    ) -> None:
        if not global_paths:
            raise ValueError("filter_collisions: pass global_paths, or the clones fall through the ground")
        for path in [*prim_paths, *global_paths]:
            if not one._stage.GetPrimAtPath(path):
                raise ValueError(f"filter_collisions: there is no prim at {path!r}")

    base = make_class(
        kit, module, "Cloner", Base,
        {"__init__": init, "generate_paths": generate, "filter_collisions": filter_collisions,
         "define_base_env": lambda one, base_env_path: UsdGeom.Scope.Define(one._stage, base_env_path) and None},
    )  # fmt: skip
    grid = make_class(kit, module, "GridCloner", base, {"__init__": init_grid, "clone": clone_grid})
    return {"Cloner": base, "GridCloner": grid}
