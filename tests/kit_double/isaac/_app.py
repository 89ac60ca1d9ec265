"""SimulationApp, the simulation manager, and the stage and extension functions of isaacsim."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics

from kit_double import Kit, nearest

from ._physics import physics_of
from ._table import Base, functions, make_class, names_in, parts_of

KEYS = frozenset(
    {"headless", "hide_ui", "active_gpu", "physics_gpu", "multi_gpu", "max_gpu_count", "sync_loads", "width", "height",
     "window_width", "window_height", "display_options", "subdiv_refinement_level", "renderer", "anti_aliasing",
     "samples_per_pixel_per_frame", "denoiser", "max_bounces", "max_specular_transmission_bounces",
     "max_volume_bounces", "open_usd", "fast_shutdown", "profiler_backend", "create_new_stage", "extra_args",
     "enable_crashreporter", "limit_cpu_threads", "disable_viewport_updates"}
)  # fmt: skip
KEYS_6 = frozenset({"minimal_shading_mode", "shutdown_watchdog_timeout"})
RENDERERS = {"5.1": ("RaytracedLighting", "PathTracing"),
             "6.0": ("RealTimePathTracing", "RaytracedLighting", "PathTracing", "MinimalRendering")}  # fmt: skip


def timeline() -> Any:
    return importlib.import_module("omni.timeline").get_timeline_interface()


def _context() -> Any:
    return importlib.import_module("omni.usd").get_context()


def simulation_app(kit: Kit) -> dict[str, Any]:
    """SimulationApp: made once, in a script, before anything of Kit is imported."""
    allowed = KEYS | (KEYS_6 if kit.is_6 else frozenset())

    def init(app: Any, launch_config: Any, experience: Any) -> None:
        if kit.gui:
            raise RuntimeError("SimulationApp starts Kit from a script; here Kit runs already (install(gui=False))")
        if kit.state.get("isaac.app") is not None:
            raise RuntimeError("there is a SimulationApp already")
        early = sorted(n for n in kit.modules if n.partition(".")[0] in ("carb", "omni", "usdrt") or ".core" in n)
        if early:
            raise RuntimeError(f"{early[:4]} was imported before SimulationApp was made; Kit's modules come after it")
        config = {"headless": True, "create_new_stage": True, **(launch_config or {})}
        for key in config:
            if key not in allowed:
                raise ValueError(f"SimulationApp takes no {key!r}{nearest(str(key), allowed)}")
        renderer = config.get("renderer")
        if renderer is not None and renderer not in RENDERERS[kit.version]:
            raise ValueError(f"renderer {renderer!r}: one of {', '.join(RENDERERS[kit.version])}")
        arguments = config.get("extra_args", [])
        if not isinstance(arguments, list) or not all(isinstance(one, str) for one in arguments):
            raise TypeError(f"extra_args is a list of strings, got {arguments!r}")
        app._config, app._open = config, True
        kit.state["isaac.app"] = app
        kit.resources.add("SimulationApp", "SimulationApp", app)
        if config.get("open_usd"):
            _context().open_stage(config["open_usd"])
        elif config["create_new_stage"]:
            _context().new_stage()

    def alive(app: Any, what: str) -> None:
        if not app._open:
            raise RuntimeError(f"SimulationApp.{what} after close()")

    def update(app: Any) -> None:
        alive(app, "update()")
        kit.tick()

    def run_coroutine(app: Any, coroutine: Any, run_until_complete: bool) -> Any:
        alive(app, "run_coroutine()")
        if not run_until_complete:
            return kit.loop.create_task(coroutine)
        return kit.run(coroutine)

    def close(app: Any, *_: Any) -> None:
        alive(app, "close()")
        app._open = False
        kit.resources.discard(app)

    def set_setting(app: Any, setting: str, value: Any) -> None:
        alive(app, "set_setting()")
        importlib.import_module("carb.settings").get_settings().set(setting, value)

    made = make_class(
        kit, "isaacsim.simulation_app", "SimulationApp", Base,
        {
            "__init__": init,
            "update": update,
            "run_coroutine": run_coroutine,
            "close": close,
            "set_setting": set_setting,
            "is_running": lambda app: app._open,
            "is_exiting": lambda app: not app._open,
            "app": lambda app: importlib.import_module("omni.kit.app").get_app(),
            "context": lambda app: _context(),
        },
    )  # fmt: skip
    return {"SimulationApp": made}


def simulation_manager(kit: Kit) -> dict[str, Any]:
    """SimulationManager with the methods of this version."""
    physics = physics_of(kit)
    module = "isaacsim.core.simulation_manager"

    def step(render: bool = False, *, steps: int = 1, callback: Any = None, update_fabric: bool = False) -> None:
        physics.need("SimulationManager.step()")
        for n in range(steps):
            physics.steps += 1
            if callback is not None and callback(n, steps) is False:
                break

    def register(callback: Any, event: Any, order: int = 0, name: Any = None, **_: Any) -> int:
        if not callable(callback):
            raise TypeError(f"register_callback takes a function, got {type(callback).__name__}")
        uid = len(physics.callbacks) + 1
        physics.callbacks[uid] = (event, callback)
        kit.resources.add("simulation callback", f"{event} {callback!r}", physics.callbacks[uid])
        return uid

    def deregister(uid: int) -> None:
        if uid not in physics.callbacks:
            raise KeyError(f"no callback {uid!r} is registered")
        kit.resources.discard(physics.callbacks.pop(uid))

    bodies: dict[str, Any] = {
        "initialize_physics": lambda: physics.start(by_hand=True),
        "is_simulating": lambda: physics.started,
        "is_paused": lambda: physics.started and not timeline().is_playing(),
        "get_num_physics_steps": lambda: physics.steps,
        "step": step,
        "register_callback": register,
        "deregister_callback": deregister,
    }
    if kit.is_6:
        bodies["setup_simulation"] = lambda dt, device: _check_setup(dt, device)
        bodies["invalidate_physics"] = physics.stop
    made = make_class(kit, module, "SimulationManager", Base, bodies)
    shifted = "set_physics_dt" in names_in(module, kit.version)["SimulationManager"] and not kit.is_6
    if shifted:

        def set_physics_dt(*_: Any, **__: Any) -> None:
            raise TypeError(
                "SimulationManager.set_physics_dt lacks @classmethod in Isaac Sim 5.1, so its arguments shift; use"
                " isaacsim.core.api.SimulationContext(physics_dt=...)"
            )

        made.set_physics_dt = staticmethod(set_physics_dt)  # type: ignore[attr-defined]
    contents: dict[str, Any] = {"SimulationManager": made}
    if kit.is_6:
        contents |= _physics_scenes(kit, module)
    return contents


def _check_setup(dt: Any, device: Any) -> None:
    if dt is not None and (type(dt) not in (int, float) or dt <= 0):
        raise ValueError(f"setup_simulation: dt must be above 0 s, got {dt!r}")
    if device is not None and not str(device).startswith(("cpu", "cuda")):
        raise ValueError(f"setup_simulation: device {device!r}: 'cpu' or 'cuda[:i]'")


def _physics_scenes(kit: Kit, module: str) -> dict[str, Any]:
    def init(scene: Any, prim: Any, *_: Any, **__: Any) -> None:
        found = prim if isinstance(prim, Usd.Prim) else physics_of(kit).stage().GetPrimAtPath(str(prim))
        scene._prim = found if found else UsdPhysics.Scene.Define(physics_of(kit).stage(), str(prim)).GetPrim()

    def set_gravity(scene: Any, gravity: Any) -> None:
        vector = np.asarray(gravity, float)
        size = float(np.linalg.norm(vector))
        api = UsdPhysics.Scene(scene._prim)
        api.CreateGravityMagnitudeAttr(size)
        api.CreateGravityDirectionAttr(Gf.Vec3f(*(vector / size if size else vector).tolist()))

    rows = names_in(module, kit.version)
    bodies = {"__init__": init, "set_gravity": set_gravity}
    return {"PhysicsScene": make_class(
        kit, module, "PhysicsScene", Base, {k: v for k, v in bodies.items() if k in rows["PhysicsScene"]}
    )}  # fmt: skip


def stage_functions(kit: Kit, module: str) -> dict[str, Any]:
    """The functions of isaacsim's stage utilities that are played, of either generation."""

    def reference(usd_path: str, path: str, *_: Any, **__: Any) -> Usd.Prim:
        if "://" not in usd_path and not Path(usd_path).is_file():
            raise FileNotFoundError(usd_path)
        prim = physics_of(kit).stage().DefinePrim(path, "Xform")
        prim.GetReferences().AddReference(usd_path)
        return prim

    def units(stage_units_in_meters: Any = None, *, meters_per_unit: Any = None, **_: Any) -> None:
        UsdGeom.SetStageMetersPerUnit(physics_of(kit).stage(), float(meters_per_unit or stage_units_in_meters))

    async def new_async(**_: Any) -> None:
        await _context().new_stage_async()

    return functions(
        kit,
        module,
        {
            "get_current_stage": lambda *a, **k: physics_of(kit).stage(),
            "create_new_stage": lambda *a, **k: _context().new_stage() and physics_of(kit).stage(),
            "create_new_stage_async": new_async,
            "open_stage": lambda usd_path: _context().open_stage(usd_path),
            "close_stage": lambda *a: _context().close_stage(),
            "is_stage_loading": lambda: _context().get_stage_loading_status()[2] > 0,
            "add_reference_to_stage": reference,
            "get_stage_units": lambda *a: UsdGeom.GetStageMetersPerUnit(physics_of(kit).stage()),
            "set_stage_units": units,
            "get_stage_up_axis": lambda: str(UsdGeom.GetStageUpAxis(physics_of(kit).stage())),
            "define_prim": lambda path, type_name: physics_of(kit).stage().DefinePrim(path, type_name),
            "delete_prim": lambda prim: (
                physics_of(kit).stage().RemovePrim(prim.GetPath() if isinstance(prim, Usd.Prim) else prim)
            ),
        },
    )


def extension_functions(kit: Kit, module: str) -> dict[str, Any]:
    """enable_extension and its kin, through Kit's manager."""

    def manager() -> Any:
        return importlib.import_module("omni.kit.app").get_app().get_extension_manager()

    def commanded(name: str) -> Callable[..., None]:
        def call(*, commit: bool = True) -> None:
            getattr(timeline(), name)()
            if commit:
                timeline().commit()

        return call

    bodies: dict[str, Any] = {
        "enable_extension": lambda name, *, enabled=True: manager().set_extension_enabled_immediate(name, enabled),
        "disable_extension": lambda name: manager().set_extension_enabled_immediate(name, False),
        "is_extension_enabled": lambda name: manager().is_extension_enabled(name),
        "update_app": lambda *, steps, callback: kit.tick(steps),
        "is_playing": lambda: timeline().is_playing(),
        "is_stopped": lambda: timeline().is_stopped(),
        **{name: commanded(name) for name in ("play", "pause", "stop")},
    }
    known = {name for name, row in names_in(module, kit.version).items() if isinstance(row, str) and parts_of(row)}
    return functions(kit, module, {k: v for k, v in bodies.items() if k in known})


def semantic_functions(kit: Kit, module: str) -> dict[str, Any]:
    """Labels on prims, of either generation: the old one names an instance, the new one a taxonomy by keyword."""
    from kit_double.replicator import _usd

    def prim_of(prim: Any) -> Usd.Prim:
        found = prim if isinstance(prim, Usd.Prim) else physics_of(kit).stage().GetPrimAtPath(str(prim))
        if not found:
            raise ValueError(f"there is no prim at {prim!r}")
        return found

    def add(prim: Any, labels: Any, taxonomy: str, overwrite: bool = False) -> None:
        values = [labels] if isinstance(labels, str) else list(labels)
        _usd.set_labels(prim_of(prim), {taxonomy: values}, "replace" if overwrite else "add")

    def add_classic(prim: Any, labels: list[str], instance_name: str, overwrite: bool) -> None:
        if not isinstance(labels, list):
            raise TypeError(f"add_labels takes a list of labels, got {type(labels).__name__}")
        add(prim, labels, instance_name, overwrite)

    def alone(include_descendants: bool) -> None:
        if include_descendants:
            raise NotImplementedError(f"{module}(include_descendants=True) exists, but the stand-in does not play it")

    def remove(prim: Any, *, remove_taxonomies: bool, include_descendants: bool) -> None:
        alone(include_descendants)
        _usd.set_labels(prim_of(prim), None, "clear")

    def get(prim: Any, *, include_descendants: bool = False) -> dict[str, list[str]]:
        alone(include_descendants)
        return _usd.labels_of(prim_of(prim))

    new = "experimental" in module
    bodies: dict[str, Any] = {
        "add_labels": (lambda prim, *, labels, taxonomy: add(prim, labels, taxonomy)) if new else add_classic,
        "get_labels": get,
    }
    if new:
        bodies["remove_all_labels"] = remove
    return functions(kit, module, bodies)
