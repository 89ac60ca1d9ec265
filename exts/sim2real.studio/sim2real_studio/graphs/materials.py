"""Materials of what is painted: one OmniPBR for each thing, so that a frame sets inputs and compiles nothing.

OmniPBR projects a texture along the axes of the object, so that shapes without texture coordinates wear one too. The
colour is written as ``displayColor`` beside it, which renderers without MDL show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .places import material_path, shader_path

if TYPE_CHECKING:
    from pxr import Usd

MDL = "OmniPBR.mdl"
INPUTS = {
    "diffuse_color_constant": "Color3f",
    "diffuse_texture": "Asset",
    "reflection_roughness_constant": "Float",
    "metallic_constant": "Float",
    "texture_scale": "Float2",
    "project_uvw": "Bool",
    "world_or_object": "Bool",
}
"""Inputs of OmniPBR that are set, with their USD types."""


def linear(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    """Linear red, green and blue of an sRGB colour, which is what shaders compute with."""
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour)
    return r, g, b


def bind(stage: Usd.Stage, path: str) -> None:
    """Give a thing a material of its own, over what it or anything below it is bound to."""
    from pxr import Sdf, UsdShade

    material = UsdShade.Material.Define(stage, material_path(path))
    shader = UsdShade.Shader.Define(stage, shader_path(path))
    shader.SetSourceAsset(Sdf.AssetPath(MDL), "mdl")
    shader.SetSourceAssetSubIdentifier("OmniPBR", "mdl")
    for name, kind in INPUTS.items():
        shader.CreateInput(name, getattr(Sdf.ValueTypeNames, kind))
    shader.GetInput("project_uvw").Set(True)
    shader.GetInput("world_or_object").Set(False)  # the object's axes: a texture stays on what moves
    out = shader.CreateOutput("out", Sdf.ValueTypeNames.Token)
    for output in (
        material.CreateSurfaceOutput("mdl"),
        material.CreateDisplacementOutput("mdl"),
        material.CreateVolumeOutput("mdl"),
    ):
        output.ConnectToSource(out)
    binding = UsdShade.MaterialBindingAPI.Apply(stage.GetPrimAtPath(path))
    binding.Bind(material, UsdShade.Tokens.strongerThanDescendants)


def paint(
    stage: Usd.Stage,
    path: str,
    *,
    colour: tuple[float, float, float] | None,
    texture: str = "",
    tiling: float = 1.0,
    roughness: float = 0.5,
    metallic: float = 0.0,
) -> None:
    """Set what a bound material shows.

    Args:
        stage: The stage, its edit target being our layer.
        path: The thing.
        colour: sRGB; None leaves OmniPBR's grey.
        texture: Picture file; empty for a plain colour.
        tiling: Repeats of the texture in a unit of the stage.
        roughness: In [0, 1].
        metallic: In [0, 1].
    """
    from pxr import Gf, Sdf, UsdGeom, UsdShade

    shader = UsdShade.Shader(stage.GetPrimAtPath(shader_path(path)))

    def put(name: str, value: Any) -> None:
        shader.GetInput(name).Set(value)

    put("diffuse_texture", Sdf.AssetPath(texture))
    put("texture_scale", Gf.Vec2f(tiling, tiling))
    put("reflection_roughness_constant", roughness)
    put("metallic_constant", metallic)
    if colour is not None:
        put("diffuse_color_constant", Gf.Vec3f(*linear(colour)))
        shown = UsdGeom.PrimvarsAPI(stage.GetPrimAtPath(path)).CreatePrimvar(
            "displayColor", Sdf.ValueTypeNames.Color3fArray, UsdGeom.Tokens.constant
        )
        shown.Set([Gf.Vec3f(*linear(colour))])
