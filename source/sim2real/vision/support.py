"""Where each kind of image randomization happens, by renderer: in the scene, in the picture, or not at all.

Light is one for all worlds on every renderer that Isaac Lab 3.0 has, so light that differs between worlds is put on in
image space. What an object looks like is the renderer's: a picture alone does not say which pixel belongs to what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    from sim2real.spec.distributions import Distribution
    from sim2real.spec.spec import Spec

RENDERERS: Mapping[str, str] = {
    "image": "a picture from anywhere: a Gymnasium env, a data set, a recording",
    "newton_warp": "Isaac Lab's Newton renderer, without Isaac Sim",
    "isaac_rtx": "Isaac Sim's RTX renderer, in Isaac Lab",
    "replicator": "Isaac Sim's RTX renderer, through the extension's graphs",
}
"""Renderers that the table knows."""

IMAGE_SPACE = "image space"
SCENE = "scene"
"""Where something can be done."""


@dataclass(frozen=True, kw_only=True)
class VisionEntry:
    """What happens to one field of a spec's vision section."""

    field: str
    """Kind and field, such as `light.intensity`."""
    dist: Distribution | None
    """What is drawn; None for a camera's preset, a set of textures and labels."""
    when: str
    """`reset` for every episode, `step` for every picture."""
    able: bool
    """Whether it can be done."""
    where: str
    """`image space`, `scene`, or nothing."""
    note: str
    """How; an approximation and what it leaves out; or why not."""


_LIT = "factor on linear light over the whole picture; shadows and highlights keep their shape"
_NOTES: Mapping[str, str] = {
    "light.intensity": _LIT,
    "light.illuminance_lx": _LIT + "; the picture counts as rendered under nominal_lx (500 lx if not said), without "
    "automatic exposure",
    "light.nominal_lx": "what illuminance_lx is compared with",
    "light.temperature_K": "black body's colour over that of 6500 K, luminance kept",
    "light.ambient": "the picture's mean luminance mixed into linear light; which surfaces face the light is not known",
    "colour.brightness": "as torchvision's ColorJitter",
    "colour.contrast": "as torchvision's ColorJitter",
    "colour.saturation": "as torchvision's ColorJitter",
    "colour.hue_turn": "as torchvision's ColorJitter",
    "colour.blur_std_px": "Gaussian, mirrored at the border",
    "colour.blur_size_px": "side of the blur's kernel",
    "colour.noise_std": "normal, each pixel and channel on its own",
    "colour.noise_chance": "for the whole picture",
    "occlusion.chance": "one rectangle before the camera",
    "occlusion.height": "of the picture's height",
    "occlusion.width": "of the picture's width",
    "occlusion.black": "else a colour, uniform over all 8-bit ones",
}
_DEPTH = "the stereo depth camera of docs/depth_camera.md"
_NOT_RENDERED = "no depth is rendered here"
_SHAPES = "the colour of a world's shapes; `sim2real.vision.shape_colours` writes it"
_UNKNOWN = "a picture alone does not say which pixel belongs to what; colour the scene where it is rendered"
_BACKGROUND = "pixels that show nothing, told by the rendered depth; lit as all others"
_NO_DEPTH = "a picture alone does not say where it shows nothing; randomize it where depth is rendered with it"
_STAGE_NOTES: Mapping[str, str] = {
    "light.intensity": "factor on the intensity of each lamp, drawn for each",
    "light.illuminance_lx": "as light.intensity, over nominal_lx",
    "light.nominal_lx": _NOTES["light.nominal_lx"],
    "light.temperature_K": "colour temperature of each lamp",
    "light.ambient": "share of the dome light; lamps keep the rest",
    "texture.colour": "plain colour of each selected thing and each distractor",
    "stage.lights.position": "moves each lamp that has a place",
    "stage.dome.turn": "turns the dome light about the vertical",
    "stage.dome.textures": "surrounds the scene; one picture for each frame",
    "stage.materials.textures": "what the things wear; one picture for each thing and frame",
    "stage.semantics": "labels that segmentation reads; the same in every frame",
    "stage.materials.textured": "chance that a thing wears a texture",
    "stage.materials.tiling": "repeats of the texture in a metre",
    "stage.materials.roughness": "of each selected thing",
    "stage.materials.metallic": "of each selected thing",
    "stage.camera.position": "place of the camera",
    "stage.camera.look_at": "point that the camera looks at",
    "stage.camera.roll": "turn about the viewing axis",
    "stage.objects.position": "moves each selected thing",
    "stage.objects.rotation": "turns each selected thing: roll, pitch, yaw",
    "stage.objects.scale": "factor on the size of each selected thing",
    "stage.objects.visible": "chance that a thing is there",
    "stage.distractors.count": "shapes that lie about",
    "stage.distractors.size": "size of each",
    "stage.distractors.position": "place of each",
    "stage.distractors.rotation": "turn of each: roll, pitch, yaw",
}
_NO_STAGE = "there is no USD stage to write to; the extension's graphs do this in Isaac Sim"
_UNWRITTEN = "nothing here writes Isaac Sim's materials; Isaac Lab's own randomize_visual_material does"


def vision_support(field: str, renderer: str) -> tuple[str, str]:
    """Where a field acts with a renderer, and how; nowhere, and why not.

    Raises:
        VisionError: an unknown renderer or field.
    """
    if renderer not in RENDERERS:
        raise VisionError(f"unknown renderer '{renderer}'. Renderers: {', '.join(RENDERERS)}.")
    if renderer == "replicator" and field in _STAGE_NOTES:
        return SCENE, _STAGE_NOTES[field]
    if field in _STAGE_NOTES and field.startswith("stage."):
        return "", _NO_STAGE
    if field.partition(".")[0] == "depth":
        return ("", _NOT_RENDERED) if renderer == "image" else (IMAGE_SPACE, _DEPTH)
    if field in _NOTES:
        return IMAGE_SPACE, _NOTES[field]
    if field == "texture.background":
        return ("", _NO_DEPTH) if renderer == "image" else (IMAGE_SPACE, _BACKGROUND)
    if field == "texture.colour":
        return {"image": ("", _UNKNOWN), "newton_warp": (SCENE, _SHAPES), "isaac_rtx": ("", _UNWRITTEN)}[renderer]
    known = sorted({*_NOTES, *_STAGE_NOTES, "texture.background"})
    raise VisionError(f"unknown field 'vision.{field}'. Fields: {', '.join(known)}.")


def vision_plan(spec: Spec, renderer: str) -> tuple[VisionEntry, ...]:
    """Every field of a spec's vision section with what happens to it, in the spec's order.

    Raises:
        VisionError: an unknown renderer.
    """
    entries = []
    for kind, part in spec.vision.items():
        fields: dict[str, Distribution | None] = {f"{kind}.{name}": dist for name, dist in part.overrides.items()}
        if kind == "depth":
            fields = {"depth.preset": None, **fields}
        if kind == "stage":
            said = [f"{group}.textures" for group in part.groups if part.option(group, "textures")]
            fields |= {f"stage.{name}": None for name in (*said, *(["semantics"] if part.semantics else []))}
        for field, dist in fields.items():
            where, note = vision_support(field, renderer)
            when = getattr(part, "when", "reset")
            entries.append(VisionEntry(field=field, dist=dist, when=when, able=bool(where), where=where, note=note))
    return tuple(entries)
