"""What one installation of Replicator shares: its tables, the stage, the global seed, the log, and its parts."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kit_double import Kit, StrictModule, nearest, signature_of

NAME = "omni.replicator.core"
_TABLE = Path(__file__).parents[1] / "data" / "replicator.json"


@cache
def table() -> dict[str, Any]:
    """Signatures by name; where versions differ, a dict by version."""
    return json.loads(_TABLE.read_text(encoding="utf-8"))["signatures"]


def entry_of(name: str, version: str) -> str | None:
    """The signature of a name in this Isaac Sim, or None where it has no such name."""
    entry = table().get(name)
    return entry.get(version) if isinstance(entry, Mapping) else entry


class Rep:
    """Replicator of one installation; its parts register themselves as attributes."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.seed: int | None = None
        self.background = "inf"  # what depth annotators say where nothing is hit: "inf" or "zero"
        self.graph: Any = None
        self.orchestrator: Any = None
        self.products: list[Any] = []
        self.writers: Any = None
        self.annotators: Any = None
        self.queue: Any = None
        self._opened: str | None = None

    # Names ----------------------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether this Isaac Sim has the name."""
        return entry_of(name, self.kit.version) is not None

    def function(self, name: str, body: Callable[..., Any], entry: str | None = None) -> Callable[..., Any]:
        """A tabled function: ``body`` gets every argument by name, defaults included, and ``**extra`` beside them."""
        text = entry or entry_of(name, self.kit.version)
        if text is None:
            raise KeyError(f"{name} is not in the table of Isaac Sim {self.kit.version}{nearest(name, table())}")
        signature = signature_of(text)

        def play(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return body(**_named(signature, bound.arguments))

        play.__doc__ = body.__doc__
        return self.kit.function(f"{NAME}.{name}", signature, play)

    def functions(self, prefix: str, bodies: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
        """Tabled functions below ``prefix``, those that this Isaac Sim lacks left out."""
        return {k: self.function(f"{prefix}.{k}", v) for k, v in bodies.items() if self.has(f"{prefix}.{k}")}

    def unplayed(self, prefix: str, *names: str) -> dict[str, Callable[..., Any]]:
        """Bodies of functions that exist and that the stand-in does not play: a call binds, then raises."""

        def refuse(name: str) -> Callable[..., Any]:
            def body(**_: Any) -> None:
                raise NotImplementedError(f"{NAME}.{prefix}.{name} exists, but the stand-in does not play it")

            return body

        return {name: refuse(name) for name in names}

    def submodule(self, name: str, contents: dict[str, Any]) -> StrictModule:
        """A module below omni.replicator.core, known to the importer."""
        made = self.kit.module(f"{NAME}.{name}", contents)
        self.kit.modules[made.__name__] = sys.modules[made.__name__] = made
        return made

    # The rest of Kit ------------------------------------------------------------------------------------------------

    def stage(self) -> Any:
        """The opened stage.

        Raises:
            RuntimeError: there is none.
        """
        stage = importlib.import_module("omni.usd").get_context().get_stage()
        if stage is None:
            raise RuntimeError("Replicator needs an opened stage; open one with omni.usd.get_context().new_stage()")
        opened = stage.GetRootLayer().identifier
        if opened != self._opened:
            if self._opened is not None:  # the graph lived on the stage that was closed
                self.graph.clear()
                self.seed = None
            self._opened = opened
        return stage

    def setting(self, path: str) -> Any:
        """A carb setting."""
        return importlib.import_module("carb.settings").get_settings().get(path)

    def set_setting(self, path: str, value: Any) -> None:
        """Writes a carb setting."""
        importlib.import_module("carb.settings").get_settings().set(path, value)

    def warn(self, text: str, fault: bool = False) -> None:
        """What Replicator logs as a warning; with ``fault`` the test fails unless it expects it."""
        importlib.import_module("carb").log_warn(text)
        if fault:
            self.kit.fault(text)

    def error(self, text: str) -> None:
        """What OmniGraph logs as an error while the caller goes on: a fault of the test that did not expect it."""
        importlib.import_module("carb").log_error(text)

    def timeline(self) -> Any:
        """The timeline."""
        return importlib.import_module("omni.timeline").get_timeline_interface()

    def up_axis(self) -> str:
        """``"Y"`` or ``"Z"`` of the stage."""
        from pxr import UsdGeom

        return str(UsdGeom.GetStageUpAxis(self.stage()))

    def metres(self) -> float:
        """Metres per unit of the stage."""
        from pxr import UsdGeom

        return float(UsdGeom.GetStageMetersPerUnit(self.stage()))


def _named(signature: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Bound arguments as keywords; what ``**kwargs`` took comes flat, what ``*args`` took as ``args``."""
    flat: dict[str, Any] = {}
    for name, value in arguments.items():
        if signature.parameters[name].kind is signature.parameters[name].VAR_KEYWORD:
            flat["extra"] = dict(value)
        else:
            flat[name] = value
    return flat
