"""TensorRT engines: what to build, building and proving it on the machine that runs it, the script for a Jetson."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.export.tensorrt.build import add_build_script, build_engines, engine_status, make_plan
    from sim2real.export.tensorrt.plan import BuildPlan
    from sim2real.export.tensorrt.script import build_script

__all__ = ["BuildPlan", "add_build_script", "build_engines", "build_script", "engine_status", "make_plan"]

_LAZY = {
    "BuildPlan": "plan",
    "add_build_script": "build",
    "build_engines": "build",
    "build_script": "script",
    "engine_status": "build",
    "make_plan": "build",
}


def __getattr__(name: str) -> Any:
    """Load a part only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
