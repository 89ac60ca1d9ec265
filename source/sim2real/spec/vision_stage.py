"""The stage part of the vision section: what is uncertain about a scene that a renderer of USD stages draws.

``light`` and ``texture`` of the vision section say how light and colours vary wherever they are put on; ``stage`` adds
what only a stage has: where lamps stand, which texture surrounds the scene, what things are made of, where they and the
camera are, what else lies about, and what is called what. Each group selects prims by a regular expression on their
paths. Every frame draws anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sim2real.spec.distributions import Distribution
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, gather
from sim2real.spec.quantities import parse_provenance, parse_quantity

SHAPES = ("cube", "sphere", "cylinder", "cone")
"""Shapes of distractors."""
MOST_DISTRACTORS = 256
"""Most distractors of a scene."""
PROCEDURAL = ("procedural:surface", "procedural:sky")
"""Textures that are made here; any other text is a folder of pictures."""

_EIGHT_TURNS = 50.3
"""Largest angle [rad]."""

STAGE_FIELDS: Mapping[str, Mapping[str, tuple[str, float, float, tuple[int, ...]]]] = {
    "lights": {"position": ("length", -1e3, 1e3, (3,))},
    "dome": {"turn": ("angle", -_EIGHT_TURNS, _EIGHT_TURNS, (1,))},
    "materials": {
        "textured": ("ratio", 0.0, 1.0, (1,)),
        "tiling": ("ratio", 0.01, 1e3, (1,)),
        "roughness": ("ratio", 0.0, 1.0, (1,)),
        "metallic": ("ratio", 0.0, 1.0, (1,)),
    },
    "camera": {
        "position": ("length", -1e4, 1e4, (3,)),
        "look_at": ("length", -1e4, 1e4, (3,)),
        "roll": ("angle", -_EIGHT_TURNS, _EIGHT_TURNS, (1,)),
    },
    "objects": {
        "position": ("length", -1e3, 1e3, (3,)),
        "rotation": ("angle", -_EIGHT_TURNS, _EIGHT_TURNS, (3,)),
        "scale": ("ratio", 0.01, 100.0, (1, 3)),
        "visible": ("ratio", 0.0, 1.0, (1,)),
    },
    "distractors": {
        "count": ("ratio", 0.0, MOST_DISTRACTORS, (1,)),
        "size": ("length", 1e-3, 100.0, (1, 3)),
        "position": ("length", -1e3, 1e3, (3,)),
        "rotation": ("angle", -_EIGHT_TURNS, _EIGHT_TURNS, (3,)),
    },
}
"""Groups and their fields: dimension, smallest and largest value in SI, allowed numbers of components."""

STAGE_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "lights": ("select",),
    "dome": ("textures",),
    "materials": ("select", "textures"),
    "camera": (),
    "objects": ("select",),
    "distractors": ("shapes",),
}
"""What else a group may say: ``select`` (a regular expression on whole prim paths), ``textures``, ``shapes``."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "materials": ("select",),
    "objects": ("select",),
    "distractors": ("count", "size", "position"),
}


@dataclass(frozen=True, kw_only=True)
class VisionStageGroup:
    """What is uncertain about one kind of thing on a stage."""

    overrides: FrozenDict[str, Distribution] = field(default_factory=FrozenDict)
    """Field of :data:`STAGE_FIELDS` -> distribution, SI."""
    options: FrozenDict[str, Any] = field(default_factory=FrozenDict)
    """What :data:`STAGE_OPTIONS` allows: texts; ``shapes`` a tuple of them."""
    provenance: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Where a field's range comes from, by field; ``*`` for the whole group."""


@dataclass(frozen=True, kw_only=True)
class VisionStageSpec:
    """What is uncertain about a stage."""

    groups: FrozenDict[str, VisionStageGroup] = field(default_factory=FrozenDict)
    """The groups of :data:`STAGE_FIELDS` that the spec names."""
    semantics: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Label -> regular expression on whole prim paths."""

    @property
    def overrides(self) -> FrozenDict[str, Distribution]:
        """Every field with its distribution, named ``lights.position`` and so on."""
        return FrozenDict({f"{g}.{name}": d for g, group in self.groups.items() for name, d in group.overrides.items()})

    @property
    def provenance(self) -> FrozenDict[str, str]:
        """Where ranges come from, named as in :attr:`overrides`; ``lights.*`` for a whole group."""
        return FrozenDict(
            {f"{g}.{name}": p for g, group in self.groups.items() for name, p in group.provenance.items()}
        )

    def option(self, group: str, name: str, default: Any = None) -> Any:
        """An option of a group; ``default`` where the spec does not say."""
        return self.groups[group].options.get(name, default) if group in self.groups else default


def parse_stage(node: Node) -> VisionStageSpec:
    """Return what is uncertain about a stage, as it stands at ``node``, or raise SpecError."""
    names = (*STAGE_FIELDS, "semantics")
    found = node.fields(f"a mapping with some of {', '.join(names)}")
    node.only(found, names)
    if not found:
        raise node.fault(f"says nothing; give some of {', '.join(names)}, or remove it")
    parts: dict[str, Any] = {name: partial(_parse_group, name, found[name]) for name in STAGE_FIELDS if name in found}
    if "semantics" in found:
        parts["semantics"] = partial(_parse_semantics, found["semantics"])
    results = gather(parts)
    semantics = results.pop("semantics", FrozenDict())
    return VisionStageSpec(groups=FrozenDict(results), semantics=semantics)


def _parse_group(name: str, node: Node) -> VisionStageGroup:
    limits, allowed = STAGE_FIELDS[name], STAGE_OPTIONS[name]
    found = node.fields(f"a mapping with some of {', '.join((*limits, *allowed))}")
    node.only(found, (*limits, *allowed, "provenance"))
    for needed in _NEEDS.get(name, ()):
        if needed not in found:
            raise node.fault(f"'{needed}' is missing; {_WHY[needed]}")
    if not set(found) - {"provenance", "select"}:
        raise node.fault(f"says nothing; give some of {', '.join((*limits, *allowed))}, or remove it")
    results = gather({key: partial(_parse_field, found[key], limits[key]) for key in limits if key in found})
    options = gather({key: partial(_OPTIONS[key], found[key]) for key in allowed if key in found})
    if "count" in results and not results["count"][0].whole:
        raise found["count"].fault("counts things; use uniform_int, a choice of whole numbers, or a whole number")
    for key in ("textured", "tiling"):
        if key in results and "textures" not in options:
            raise found[key].fault("belongs to 'textures'; give a folder of pictures or procedural:surface beside it")
    said = {key: source for key, (_dist, source) in results.items() if source is not None}
    if "provenance" in found:
        said["*"] = parse_provenance(found["provenance"])
    return VisionStageGroup(
        overrides=FrozenDict({key: dist for key, (dist, _said) in results.items()}),
        options=FrozenDict(options),
        provenance=FrozenDict(said),
    )


_WHY = {
    "select": "give a regular expression on prim paths, such as '/World/obstacles/.*'",
    "count": "say how many there are, such as {uniform_int: [0, 6]}",
    "size": "say how large they are [m]",
    "position": "say where they lie [m]",
}


def _parse_field(node: Node, limits: tuple[str, float, float, tuple[int, ...]]) -> tuple[Distribution, str | None]:
    dimension, least, most, dims = limits
    return parse_quantity(node, dimension, least, most, dims=dims)


def _parse_select(node: Node) -> str:
    text = node.text("a regular expression on prim paths, such as '/World/.*'")
    try:
        re.compile(text)
    except re.error as error:
        raise node.fault(f"'{text}' is no regular expression: {error}") from None
    return text


def _parse_textures(node: Node) -> str:
    text = node.text(f"a folder of pictures, or one of {', '.join(PROCEDURAL)}")
    if text.startswith("procedural") and text not in PROCEDURAL:
        raise node.fault(f"unknown texture '{text}'; made here are {', '.join(PROCEDURAL)}, all else is a folder")
    return text


def _parse_shapes(node: Node) -> tuple[str, ...]:
    shapes = tuple(entry.choice("shape", SHAPES) for entry in node.items(f"a list with some of {', '.join(SHAPES)}"))
    if not shapes:
        raise node.fault(f"got an empty list; give some of {', '.join(SHAPES)}")
    return shapes


_OPTIONS = {"select": _parse_select, "textures": _parse_textures, "shapes": _parse_shapes}


def _parse_semantics(node: Node) -> FrozenDict[str, str]:
    found = node.fields("a mapping of labels, each with a regular expression on prim paths")
    if not found:
        raise node.fault("says nothing; give labels such as {obstacle: '/World/obstacles/.*'}, or remove it")
    return FrozenDict(gather({label: partial(_parse_select, child) for label, child in found.items()}))
