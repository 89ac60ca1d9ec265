"""The vision section: cameras and what is uncertain about their pictures.

``depth`` names a camera preset and overrides fields of the depth camera model, each with a number (a constant) or a
distribution. The preset's own figures live with the camera model; the spec holds the closed list of fields and limits.
``light``, ``colour``, ``occlusion`` and ``texture`` say what is uncertain about colour pictures; a field that is left
out changes nothing. ``stage`` stands in :mod:`sim2real.spec.vision_stage`. What a renderer cannot do of all this, the
vision package's support table says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sim2real.spec.distributions import Constant, Distribution
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, gather
from sim2real.spec.quantities import check_limits, parse_distribution, parse_provenance, parse_quantity
from sim2real.spec.vision_stage import parse_stage

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

IMAGE_FIELDS: Mapping[str, Mapping[str, tuple[str, float, float]]] = {
    "light": {
        "intensity": ("ratio", 0.0, 100.0),
        "illuminance_lx": ("illuminance", 0.0, 2e5),
        "nominal_lx": ("illuminance", 1e-3, 2e5),
        "temperature_K": ("temperature", 1667.0, 25000.0),
        "ambient": ("ratio", 0.0, 1.0),
    },
    "colour": {
        "brightness": ("ratio", 0.0, 10.0),
        "contrast": ("ratio", 0.0, 10.0),
        "saturation": ("ratio", 0.0, 10.0),
        "hue_turn": ("ratio", -0.5, 0.5),
        "blur_std_px": ("pixel", 0.01, 16.0),
        "blur_size_px": ("pixel", 1.0, 33.0),
        "noise_std": ("ratio", 0.0, 1.0),
        "noise_chance": ("ratio", 0.0, 1.0),
    },
    "occlusion": {
        "chance": ("ratio", 0.0, 1.0),
        "height": ("ratio", 0.0, 1.0),
        "width": ("ratio", 0.0, 1.0),
        "black": ("ratio", 0.0, 1.0),
    },
    "texture": {"colour": ("ratio", 0.0, 1.0), "background": ("ratio", 0.0, 1.0)},
}
"""Kinds of image randomization and their fields: dimension, smallest and largest value, SI."""

IMAGE_VECTORS = ("colour", "background")
"""Fields that hold red, green and blue; one number stands for a grey."""
IMAGE_WHENS = ("reset", "step")
"""When a kind is drawn anew: for every episode, or for every picture."""
IMAGE_DEFAULT_WHEN: Mapping[str, str] = {"light": "reset", "colour": "step", "occlusion": "step", "texture": "reset"}
"""When a kind is drawn if the spec does not say."""


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


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """What is uncertain about colour pictures, for one kind of :data:`IMAGE_FIELDS`."""

    when: str
    """One of :data:`IMAGE_WHENS`."""
    overrides: FrozenDict[str, Distribution] = field(default_factory=FrozenDict)
    """Field -> distribution, SI; what is left out changes nothing."""
    provenance: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Where a field's range comes from, by field; ``*`` for the whole kind."""


def parse_image(kind: str, node: Node) -> ImageSpec:
    """Return what is uncertain about pictures in one way, as it stands at ``node``, or raise SpecError."""
    limits = IMAGE_FIELDS[kind]
    found = node.fields(f"a mapping with some of {', '.join(limits)}")
    node.only(found, (*limits, "when", "provenance"))
    parts = {name: partial(_parse_field, name, found[name], limits[name]) for name in limits if name in found}
    results = gather(parts)
    if not results:
        raise node.fault(f"says nothing; give some of {', '.join(limits)}, or remove it")
    when = IMAGE_DEFAULT_WHEN[kind]
    if "when" in found:
        when = found["when"].choice("time", IMAGE_WHENS)
    for name, needed, why in (
        ("nominal_lx", "illuminance_lx", "says by what the picture was lit when it was rendered"),
        ("blur_size_px", "blur_std_px", "says how many pixels a blur reaches"),
        ("noise_chance", "noise_std", "says how often there is noise"),
        ("black", "chance", "says how often what occludes is black"),
        ("height", "chance", "says how high what occludes is"),
        ("width", "chance", "says how wide what occludes is"),
    ):
        if name in results and needed not in results:
            raise found[name].fault(f"{why}; give '{needed}' beside it")
    if "intensity" in results and "illuminance_lx" in results:
        raise found["intensity"].fault("scales the light that 'illuminance_lx' sets; give one of the two")
    if kind == "occlusion" and not {"height", "width"} <= set(results):
        raise node.fault("give 'height' and 'width' of what occludes, as fractions of the picture")
    if "blur_size_px" in results:
        _check_odd(found["blur_size_px"], results["blur_size_px"][0])
    said = {name: source for name, (_dist, source) in results.items() if source is not None}
    if "provenance" in found:
        said["*"] = parse_provenance(found["provenance"])
    overrides = FrozenDict({name: dist for name, (dist, _said) in results.items()})
    return ImageSpec(when=when, overrides=overrides, provenance=FrozenDict(said))


def _parse_field(name: str, node: Node, limits: tuple[str, float, float]) -> tuple[Distribution, str | None]:
    if name not in IMAGE_VECTORS:
        return parse_quantity(node, *limits)
    dist, provenance = parse_distribution(node, extra=("provenance",)), None
    if node.is_mapping:
        found = node.fields("a distribution")
        if "provenance" in found:
            provenance = parse_provenance(found["provenance"])
    if dist.dim not in (1, 3):
        raise node.fault(f"got {dist.dim} components; give red, green and blue, or one grey")
    check_limits(node, dist, *limits[1:])
    return dist, provenance


def _check_odd(node: Node, dist: Distribution) -> None:
    if not isinstance(dist, Constant) or dist.value[0] % 2.0 != 1.0:
        raise node.fault("has to be one odd number of pixels, such as 5")


def parse_vision(node: Node) -> FrozenDict[str, Any]:
    """Return the vision section, or raise SpecError."""
    kinds = ("depth", *IMAGE_FIELDS, "stage")
    found = node.fields(f"a mapping with some of {', '.join(kinds)}")
    node.only(found, kinds)
    others = {"depth": parse_depth, "stage": parse_stage}
    parts: dict[str, Any] = {
        name: partial(others[name], child) if name in others else partial(parse_image, name, child)
        for name, child in found.items()
    }
    return FrozenDict(gather(parts))
