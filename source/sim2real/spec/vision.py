"""The vision section: cameras and what is uncertain about their pictures.

``depth`` names a camera preset and overrides fields of the depth camera model, each with a number (a constant) or a
distribution. The preset's own figures live with the camera model; the spec holds the closed list of fields and limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from sim2real.spec.distributions import Distribution
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, gather
from sim2real.spec.quantities import parse_provenance, parse_quantity

DEPTH_PRESETS = ("realsense_d435", "ideal")
"""Depth cameras that a spec may name."""

DEPTH_FIELDS: Mapping[str, tuple[str, float, float]] = {
    "baseline_m": ("length", 1e-4, 10.0),
    "focal_px": ("pixel", 1.0, 1e5),
    "disparity_std_px": ("pixel", 0.0, 16.0),
    "quantization_px": ("pixel", 0.0, 4.0),
    "edge_dropout": ("ratio", 0.0, 1.0),
    "edge_bleed_px": ("pixel", 0.0, 64.0),
    "hole_rate": ("ratio", 0.0, 0.3),
    "hole_size_px": ("pixel", 0.1, 2000.0),
    "dark_loss": ("ratio", 0.0, 1.0),
    "oblique_loss": ("ratio", 0.0, 1.0),
    "range_min_m": ("length", 0.0, 100.0),
    "range_max_m": ("length", 0.0, 1000.0),
    "scale": ("ratio", 0.1, 10.0),
    "offset_m": ("length", -10.0, 10.0),
    "temporal_std_m": ("length", 0.0, 10.0),
}
"""Fields of the depth camera model: dimension, smallest and largest value, SI."""


@dataclass(frozen=True, kw_only=True)
class DepthNoiseSpec:
    """A depth camera: a preset and what differs from it."""

    preset: str = "ideal"
    """A name of :data:`DEPTH_PRESETS`."""
    overrides: FrozenDict[str, Distribution] = field(default_factory=FrozenDict)
    """Field of the camera model -> distribution, SI, one draw for each frame."""
    provenance: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Where a field's range comes from, by field; ``*`` for the whole camera."""


def parse_depth(node: Node) -> DepthNoiseSpec:
    """Return the depth camera that stands at ``node``, or raise SpecError."""
    found = node.fields("a mapping such as {preset: realsense_d435, scale: {uniform: [0.98, 1.02]}}")
    node.only(found, ("preset", *DEPTH_FIELDS, "provenance"))
    if "preset" not in found:
        raise node.fault(f"'preset' is missing; give one of {', '.join(DEPTH_PRESETS)}")
    preset = found["preset"].choice("preset", DEPTH_PRESETS)
    results = gather(
        {name: partial(parse_quantity, found[name], *limits) for name, limits in DEPTH_FIELDS.items() if name in found}
    )
    overrides = {name: dist for name, (dist, _said) in results.items()}
    provenance = {name: said for name, (_dist, said) in results.items() if said is not None}
    if "provenance" in found:
        provenance["*"] = parse_provenance(found["provenance"])
    if "range_min_m" in overrides and "range_max_m" in overrides:
        near, far = overrides["range_min_m"].bounds()[1][0], overrides["range_max_m"].bounds()[0][0]
        if near >= far:
            raise found["range_min_m"].fault(f"reaches {near:g} m, which is not below range_max_m (from {far:g} m)")
    return DepthNoiseSpec(preset=preset, overrides=FrozenDict(overrides), provenance=FrozenDict(provenance))


def parse_vision(node: Node) -> FrozenDict[str, DepthNoiseSpec]:
    """Return the vision section, or raise SpecError."""
    found = node.fields("a mapping with 'depth'")
    node.only(found, ("depth",))
    return FrozenDict({name: parse_depth(child) for name, child in found.items()})
