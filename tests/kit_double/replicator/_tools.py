"""rep.settings, rep.utils and rep.rng."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from pxr import UsdGeom

from kit_double import StrictObject

from ._nodes import Distribution, Node, ReplicatorItem
from ._rep import Rep

_ANTIALIASING = ("off", "taa", "fxaa", "dlss", "dlaa")
MOST = 2**31 - 1


def open_stage(stage_path: str) -> None:
    """Opens a stage."""
    if not importlib.import_module("omni.usd").get_context().open_stage(stage_path):
        raise ValueError(f"open_stage({stage_path!r}) failed")


def check_seed(rep: Rep, what: str, seed: Any) -> int:
    """A whole number from 0 to 2**31 - 1; 0 is a fault, since Replicator drops it.

    Raises:
        TypeError: no Python int. ValueError: out of range.
    """
    if type(seed) is not int:
        raise TypeError(f"{what} takes a Python int, got {type(seed).__module__}.{type(seed).__name__}")
    if not 0 <= seed <= MOST:
        raise ValueError(f"{what}: {seed} is not within 1 .. {MOST}")
    if seed == 0:
        rep.warn(f"{what}: seed 0 leaves the generators random; use 1 or more", fault=True)
    return seed


def rng(rep: Rep) -> dict[str, Any]:
    """The names of rep.rng."""

    def set_global_seed(seed: Any) -> None:
        rep.stage()
        rep.seed = check_seed(rep, "set_global_seed", seed) or None
        rep.set_setting("/omni/replicator/globalSeed", int(seed))
        for distribution in rep.graph.distributions:
            distribution.restart()

    class ReplicatorRNG(StrictObject):
        """A NumPy generator that begins anew with the orchestrator and at a new global seed."""

        _kit_double = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            rep.stage()
            self._held = made(*args, **kwargs)

        @property
        def generator(self) -> np.random.Generator:
            """The generator of this run."""
            return self._held.sample(1)[0]

        @property
        def seed(self) -> int | None:
            """Its own seed, None where it follows the global one."""
            return self._held._seed

    def held(seed: Any, node: Any) -> Distribution:
        if node is not None:
            raise NotImplementedError("ReplicatorRNG(node=) exists, but the stand-in does not play it")
        if seed is not None:
            check_seed(rep, "ReplicatorRNG", seed)
        return Distribution(rep, "ReplicatorRNG", lambda generator, n: [generator] * n, seed, 0)

    made = rep.function("rng.ReplicatorRNG", held)
    functions = {
        "set_global_seed": rep.function("set_global_seed", set_global_seed),
        "get_global_seed": rep.function("get_global_seed", lambda: rep.graph.global_seed()),
    }
    return {**functions, "ReplicatorRNG": ReplicatorRNG}


def settings(rep: Rep) -> dict[str, Any]:
    """The functions of rep.settings."""

    def carb_settings(setting: str, value: Any) -> ReplicatorItem | None:
        if not isinstance(setting, str):
            raise TypeError(f"settings.carb_settings takes a path, got {type(setting).__name__}")
        if isinstance(value, Distribution):
            return ReplicatorItem(rep, Node(rep, "write_setting", lambda: rep.set_setting(setting, value.sample(1)[0])))
        rep.set_setting(setting, value)
        return None

    def set_render_rtx_realtime(antialiasing: str) -> None:
        if antialiasing.lower() not in _ANTIALIASING:
            raise ValueError(f"antialiasing {antialiasing!r}: one of {', '.join(_ANTIALIASING)}")
        rep.set_setting("/rtx/rendermode", "RaytracedLighting")
        rep.set_setting("/rtx/post/aa/op", _ANTIALIASING.index(antialiasing.lower()))

    def set_render_pathtraced(samples_per_pixel: Any) -> None:
        if type(samples_per_pixel) is not int or samples_per_pixel < 1:
            raise ValueError(f"samples_per_pixel must be 1 or more, got {samples_per_pixel!r}")
        rep.set_setting("/rtx/rendermode", "PathTracing")
        rep.set_setting("/rtx/pathtracing/totalSpp", samples_per_pixel)

    def set_stage_meters_per_unit(meters_per_unit: Any) -> None:
        UsdGeom.SetStageMetersPerUnit(rep.stage(), float(meters_per_unit))

    def set_stage_up_axis(up_axis: str) -> None:
        if up_axis.upper() not in ("Y", "Z"):
            raise ValueError(f"up_axis {up_axis!r}: Y or Z")
        UsdGeom.SetStageUpAxis(rep.stage(), up_axis.upper())

    return rep.functions(
        "settings",
        {
            "carb_settings": carb_settings,
            "set_render_rtx_realtime": set_render_rtx_realtime,
            "set_render_pathtraced": set_render_pathtraced,
            "set_stage_meters_per_unit": set_stage_meters_per_unit,
            "set_stage_up_axis": set_stage_up_axis,
        },
    )


def utils(rep: Rep) -> dict[str, Any]:
    """The names of rep.utils."""

    def send_og_event(event_name: Any) -> None:
        if not isinstance(event_name, str) or not event_name:
            raise TypeError(f"utils.send_og_event takes a name, got {event_name!r}")
        rep.graph.events.add(event_name)

    functions = rep.functions(
        "utils", {"send_og_event": send_og_event, **rep.unplayed("utils", "get_node_targets", "create_node")}
    )
    return {**functions, "ReplicatorItem": ReplicatorItem}
