"""The stand-in's modules by name, and the importer that gives them out.

A module is registered by a builder; it is built when it is first imported, once per installation. What no builder is
registered for does not exist: ``import omni.kit.nothing`` is a ``ModuleNotFoundError``, as in Kit.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ._kit import Kit
from ._strict import nearest

ROOTS = frozenset({"carb", "omni", "isaacsim", "usdrt"})
Builder = Callable[[Kit], dict[str, Any]]
_BUILDERS: dict[str, tuple[Builder, str | None]] = {}


def module(name: str, only: str | None = None) -> Callable[[Builder], Builder]:
    """Registers the function that builds a module: ``builder(kit) -> {name: value}``.

    Args:
        name: The dotted name. Its parents need no builder of their own.
        only: ``"5.1"`` or ``"6.0"`` where only that Isaac Sim has it. A module may have one builder for each.
    """

    def keep(builder: Builder) -> Builder:
        key = name if only is None else f"{name}@{only}"
        if name.partition(".")[0] not in ROOTS:
            raise ValueError(f"{name} is not below {sorted(ROOTS)}")
        if key in _BUILDERS and _BUILDERS[key][0].__code__ is not builder.__code__:
            raise ValueError(f"{key} is registered twice: {_BUILDERS[key][0]} and {builder}")
        _BUILDERS[key] = (builder, only)
        return builder

    return keep


def load_builders() -> None:
    """Imports every file of the stand-in, so that it registers its modules."""
    package = sys.modules[__package__]
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.rpartition(".")[2].startswith("_"):
            importlib.import_module(found.name)


def names_of(version: str) -> frozenset[str]:
    """The modules that this Isaac Sim has in the stand-in, parents included."""
    names = {key.partition("@")[0] for key, (_, only) in _BUILDERS.items() if only in (None, version)}
    return frozenset(
        ".".join(parts[: i + 1]) for name in names for parts in [name.split(".")] for i in range(len(parts))
    )


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives out the modules of one installation, and refuses every other name below Kit's roots."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._names = names_of(kit.version)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in ROOTS:
            return None
        for guard in self._kit.import_guards:
            guard(name)
        if name not in self._names:
            elsewhere = [v for v in ("5.1", "6.0") if v != self._kit.version and name in names_of(v)]
            why = f"; Isaac Sim {elsewhere[0]} has it" if elsewhere else nearest(name, self._names)
            raise ModuleNotFoundError(
                f"No module named {name!r} in the stand-in for Isaac Sim {self._kit.version}{why}", name=name
            )
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        builder = _BUILDERS.get(f"{spec.name}@{self._kit.version}") or _BUILDERS.get(spec.name)
        made = self._kit.module(spec.name, builder[0](self._kit) if builder else {})
        self._kit.modules[spec.name] = made
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: the builder gave the contents."""


def real_kit() -> str | None:
    """Where a real Kit can be imported from, or None. PyPI's omni.client is no Kit, so ``omni`` alone says nothing."""
    for name in ("carb", "isaacsim"):
        spec = importlib.util.find_spec(name)
        if spec is not None:
            return spec.origin or str(Path(next(iter(spec.submodule_search_locations or [""]))))
    return None
