"""The names under which isaacsim and omni.isaac are imported, by version; what is heavy is imported at that moment."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from kit_double import Kit, module


@module("isaacsim")
def _isaacsim(kit: Kit) -> dict[str, Any]:
    from ._app import simulation_app

    return _once(kit, "isaacsim.simulation_app", simulation_app)


@module("isaacsim.simulation_app")
def _simulation_app(kit: Kit) -> dict[str, Any]:
    from ._app import simulation_app

    return _once(kit, "isaacsim.simulation_app", simulation_app)


@module("isaacsim.core.experimental.prims")
def _experimental_prims(kit: Kit) -> dict[str, Any]:
    from ._experimental import prims

    return prims(kit)


@module("isaacsim.core.experimental.materials")
def _experimental_materials(kit: Kit) -> dict[str, Any]:
    from ._experimental import materials

    return materials(kit)


@module("isaacsim.core.experimental.utils.stage")
def _experimental_stage(kit: Kit) -> dict[str, Any]:
    from ._app import stage_functions

    return stage_functions(kit, "isaacsim.core.experimental.utils.stage")


@module("isaacsim.core.experimental.utils.app", only="6.0")
def _experimental_app(kit: Kit) -> dict[str, Any]:
    from ._app import extension_functions

    return extension_functions(kit, "isaacsim.core.experimental.utils.app")


@module("isaacsim.core.experimental.utils.semantics", only="6.0")
def _experimental_semantics(kit: Kit) -> dict[str, Any]:
    from ._app import semantic_functions

    return semantic_functions(kit, "isaacsim.core.experimental.utils.semantics")


@module("isaacsim.core.utils.semantics")
def _utils_semantics(kit: Kit) -> dict[str, Any]:
    from ._app import semantic_functions

    return semantic_functions(kit, "isaacsim.core.utils.semantics")


@module("isaacsim.core.simulation_manager")
def _simulation_manager(kit: Kit) -> dict[str, Any]:
    from ._app import simulation_manager

    return simulation_manager(kit)


@module("isaacsim.core.prims")
def _classic_prims(kit: Kit) -> dict[str, Any]:
    from ._classic import prims

    return _once(kit, "isaacsim.core.prims", prims)


@module("isaacsim.core.api")
def _api(kit: Kit) -> dict[str, Any]:
    from ._api import api

    return _once(kit, "isaacsim.core.api", api)


@module("isaacsim.core.api.materials")
def _api_materials(kit: Kit) -> dict[str, Any]:
    from ._api import api_materials

    return _once(kit, "isaacsim.core.api.materials", api_materials)


@module("isaacsim.core.cloner")
def _cloner(kit: Kit) -> dict[str, Any]:
    from ._api import cloner

    return cloner(kit)


@module("isaacsim.core.utils.stage")
def _utils_stage(kit: Kit) -> dict[str, Any]:
    from ._app import stage_functions

    return stage_functions(kit, "isaacsim.core.utils.stage")


@module("isaacsim.core.utils.extensions")
def _utils_extensions(kit: Kit) -> dict[str, Any]:
    from ._app import extension_functions

    return extension_functions(kit, "isaacsim.core.utils.extensions")


@module("isaacsim.core.version")
def _version(kit: Kit) -> dict[str, Any]:
    numbers = kit.app_version.split(".")
    parts = (kit.app_version, "", *numbers, "", "", "")  # core, prerelease, major, minor, patch, tags of the build
    return {"get_version": kit.function("isaacsim.core.version.get_version", "()", lambda: parts)}


@module("isaacsim.storage.native")
def _storage(kit: Kit) -> dict[str, Any]:
    from ._table import functions

    def root(*_: Any, **__: Any) -> None:
        raise RuntimeError("Could not find assets root folder: the stand-in has no asset server")

    return functions(kit, "isaacsim.storage.native", {"get_assets_root_path": root})


def _once(kit: Kit, name: str, build: Callable[[Kit], dict[str, Any]]) -> dict[str, Any]:
    """The same classes under every name that gives them out."""
    held = kit.state.setdefault("isaac.contents", {})
    if name not in held:
        held[name] = build(kit)
    return held[name]


# Domain randomization: a package whose sub-modules are there after its import.


def _package(package: str) -> Callable[[Kit], dict[str, Any]]:
    def build(kit: Kit) -> dict[str, Any]:
        from ._randomization import contents

        made = {}
        for name, functions in contents(kit, package).items():
            made[name] = kit.module(f"{package}.{name}", functions)
            kit.modules[f"{package}.{name}"] = sys.modules[f"{package}.{name}"] = made[name]
        return made

    return build


module("isaacsim.replicator.domain_randomization")(_package("isaacsim.replicator.domain_randomization"))
module("isaacsim.replicator.experimental.domain_randomization", only="6.0")(
    _package("isaacsim.replicator.experimental.domain_randomization")
)


# The names of 4.x: shims in 5.1, gone in 6.0.


@module("omni.isaac.kit", only="5.1")
def _legacy_kit(kit: Kit) -> dict[str, Any]:
    from ._app import simulation_app

    return _once(kit, "isaacsim.simulation_app", simulation_app)


@module("omni.isaac.core", only="5.1")
def _legacy_core(kit: Kit) -> dict[str, Any]:
    return {name: cls for name, cls in _api(kit).items() if name != "PhysicsContext"}


@module("omni.isaac.core.articulations", only="5.1")
def _legacy_articulations(kit: Kit) -> dict[str, Any]:
    return {"ArticulationView": _classic_prims(kit)["Articulation"]}


@module("omni.isaac.core.prims", only="5.1")
def _legacy_prims(kit: Kit) -> dict[str, Any]:
    classes = _classic_prims(kit)
    return {
        "RigidPrimView": classes["RigidPrim"],
        "GeometryPrimView": classes["GeometryPrim"],
        "XFormPrimView": classes["XFormPrim"],
    }


@module("omni.isaac.core.materials", only="5.1")
def _legacy_materials(kit: Kit) -> dict[str, Any]:
    return _api_materials(kit)
