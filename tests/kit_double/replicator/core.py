"""omni.replicator.core: the package, with its sub-modules already there after the first import."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kit_double import Kit, module

_SUB = ("annotators", "backends", "create", "distribution", "functional", "functional.create",
        "functional.create_batch", "functional.modify", "functional.physics", "functional.randomizer",
        "functional.get", "get", "modify", "orchestrator", "randomizer", "rng", "settings", "trigger", "utils",
        "writers", "writers_default")  # fmt: skip


def _already(kit: Kit) -> dict[str, Any]:
    raise ModuleNotFoundError("a sub-module of omni.replicator.core that this Isaac Sim lacks")


for _name in _SUB:
    module(f"omni.replicator.core.{_name}", only="6.0" if _name == "functional.get" else None)(_already)


@module("omni.replicator.core")
def build(kit: Kit) -> dict[str, Any]:
    """The package's names; everything heavy is imported here."""
    from . import (
        _annotators,
        _backends,
        _basic_writer,
        _create,
        _distribution,
        _functional,
        _get,
        _modify,
        _nodes,
        _orchestrator,
        _randomizer,
        _tools,
        _trigger,
        _writers,
    )
    from ._rep import Rep

    rep = Rep(kit)
    kit.state["omni.replicator.core"] = rep
    rep.graph = _nodes.Graph(rep)
    rep.queue = _backends.Queue(rep)
    rep.annotators = _annotators.Annotators(rep)
    rep.writers = _writers.Writers(rep)
    rep.orchestrator = _orchestrator.Orchestrator(rep)

    parts: dict[str, dict[str, Any]] = {
        "create": _create.contents(rep),
        "modify": _modify.contents(rep),
        "get": _get.contents(rep),
        "distribution": _distribution.contents(rep),
        "randomizer": _randomizer.contents(rep),
        "trigger": _trigger.contents(rep),
        "orchestrator": _orchestrator.contents(rep),
        "settings": _tools.settings(rep),
        "utils": _tools.utils(rep),
        "rng": _tools.rng(rep),
    }
    for kind in ("create", "modify", "randomizer", "distribution", "trigger"):
        body = _randomizer.register_into(rep, kind, lambda kind=kind: sys.modules[f"omni.replicator.core.{kind}"])
        parts[kind]["register"] = rep.function(f"{kind}.register", body)
    parts["annotators"], annotator_registry = _annotators.contents(rep)
    parts["writers"], writer_registry = _writers.contents(rep)
    parts["backends"] = _backends.contents(rep)
    basic = _basic_writer.make(rep)
    parts["writers_default"] = {"BasicWriter": basic}
    rep.writers.known["BasicWriter"] = basic
    rep.writers.defaults += ["BasicWriter", "CocoWriter", "KittiWriter", "FPSWriter", "CosmosWriter"]
    made: dict[str, Any] = {name: rep.submodule(name, contents) for name, contents in parts.items()}
    made["functional"] = rep.submodule("functional", _functional.contents(rep, _backends.write_functions(rep)))

    @contextmanager
    def layer(name: str | None = None) -> Iterator[Any]:
        """A layer of its own for what is authored inside; what fails inside is only logged."""
        from pxr import Sdf

        stage = rep.stage()
        target = stage.GetEditTarget()
        made_layer = Sdf.Layer.CreateAnonymous(name or "Replicator")
        stage.GetRootLayer().subLayerPaths.append(made_layer.identifier)
        stage.SetEditTarget(made_layer)
        try:
            yield made_layer
        except Exception as error:
            rep.warn(f"new_layer swallowed {type(error).__name__}: {error}", fault=True)
        finally:
            stage.SetEditTarget(target)

    return {
        **made,
        "AnnotatorRegistry": annotator_registry,
        "WriterRegistry": writer_registry,
        "WriterRegistryError": _writers.WriterRegistryError,
        "Writer": rep.writers.base,
        "BasicWriter": basic,
        "BackendDispatch": parts["backends"]["BackendDispatch"],
        "new_layer": rep.function("new_layer", layer),
        "open_stage": rep.function("open_stage", lambda stage_path: _tools.open_stage(stage_path)),
        "set_global_seed": parts["rng"]["set_global_seed"],
        "get_global_seed": parts["rng"]["get_global_seed"],
    }
