"""rep.get: prims that are found when the graph runs."""

from __future__ import annotations

import re
from typing import Any

from pxr import Sdf, Usd

from . import _usd
from ._nodes import Node, ReplicatorItem
from ._rep import Rep

_TYPES = {"camera": ["Camera"], "material": ["Material"], "mesh": ["Mesh"], "xform": ["Xform"]}
_LIGHTS = ["CylinderLight", "DiskLight", "DistantLight", "DomeLight", "RectLight", "SphereLight"]


def _texts(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _has(prim: Usd.Prim, semantics: Any) -> bool:
    labels = _usd.labels_of(prim)
    return any(label in labels.get(taxonomy, []) for taxonomy, label in semantics)


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def prims(
        path_pattern: str | None = None, path_match: str | None = None, path_pattern_exclusion: str | None = None,
        prim_types: Any = None, prim_types_exclusion: Any = None, semantics: Any = None,
        semantics_exclusion: Any = None, cache_result: bool = True, ignore_case: bool = True, name: str | None = None,
    ) -> ReplicatorItem:  # fmt: skip
        flags = re.IGNORECASE if ignore_case else 0
        patterns = [re.compile(p, flags) for p in (path_pattern, path_pattern_exclusion) if p is not None]
        held: list[list[Usd.Prim]] = []

        def wanted(prim: Usd.Prim) -> bool:
            path, kind = str(prim.GetPath()), str(prim.GetTypeName()).lower()
            return (
                (path_pattern is None or patterns[0].search(path) is not None)
                and (path_match is None or path_match.lower() in path.lower())
                and (path_pattern_exclusion is None or patterns[-1].search(path) is None)
                and (not prim_types or kind in [t.lower() for t in _texts(prim_types)])
                and kind not in [t.lower() for t in _texts(prim_types_exclusion)]
                and (not semantics or _has(prim, semantics))
                and (not semantics_exclusion or not _has(prim, semantics_exclusion))
            )

        def find() -> list[Usd.Prim]:
            if cache_result and held:
                return [p for p in held[0] if p.IsValid()]
            found = [p for p in rep.stage().Traverse() if wanted(p) and not p.GetTypeName().startswith("OmniGraph")]
            if not found:
                rep.warn(f"get.prims found nothing ({path_pattern=}, {prim_types=}, {semantics=})", fault=True)
            held[:] = [found]
            return found

        item = ReplicatorItem(rep, Node(rep, "get_prims"), find)
        item._at_execution = True
        return item

    def typed(kind: str) -> Any:
        types = _LIGHTS if kind == "light" else _TYPES[kind]
        return lambda **a: prims(prim_types=types, **a)

    def prim_at_path(path: Any, name: str | None) -> ReplicatorItem:
        paths = list(path) if isinstance(path, (list, tuple)) else [path]
        for one in paths:
            if not isinstance(one, (str, Sdf.Path)):
                raise TypeError(f"get.prim_at_path takes paths, got {type(one).__name__}")
        get = rep.graph.as_prims("get.prim_at_path", [str(p) for p in paths])
        return ReplicatorItem(rep, Node(rep, "get_prim_at_path"), get)

    bodies = {kind: typed(kind) for kind in (*_TYPES, "light")}
    return rep.functions("get", {**bodies, "prims": prims, "prim_at_path": prim_at_path})
