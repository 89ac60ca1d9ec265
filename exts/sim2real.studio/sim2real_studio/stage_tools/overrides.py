"""What the tools write into USD: friction of colliders and gravity, in the session layer and nowhere else.

The session layer is the stage's scratch paper: it is stronger than the file, it is never saved with it, and an opinion
that is removed gives back what the file says. PhysX follows USD in every version of Isaac Sim, so this file has no
versions. A collider gets a physics material of its own, since one material may serve many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pxr import Sdf, Usd, UsdPhysics

HOME = "/Sim2RealStudio"
"""Where our materials stand, in the session layer."""
DEFAULT_FRICTION = 0.5
"""Friction of a collider without a material: what PhysX takes [1]."""
COMBINE = ("average", "min", "multiply", "max")
"""How PhysX makes a pair's friction of its shapes', weakest rule first: of two materials the stronger rule acts."""
_PURPOSE = "physics"
_COMBINE = "physxMaterial:frictionCombineMode"


@contextmanager
def session(stage: Usd.Stage) -> Iterator[None]:
    """Write into the session layer for the length of a block."""
    from pxr import Usd

    with Usd.EditContext(stage, stage.GetSessionLayer()):
        yield


def friction_of(stage: Usd.Stage, path: str) -> tuple[float, float]:
    """Return static and dynamic friction of a collider [1]."""
    from pxr import UsdPhysics, UsdShade

    material, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath(path)).ComputeBoundMaterial(_PURPOSE)
    if not material or not material.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
        return DEFAULT_FRICTION, DEFAULT_FRICTION
    api = UsdPhysics.MaterialAPI(material.GetPrim())
    return float(api.GetStaticFrictionAttr().Get()), float(api.GetDynamicFrictionAttr().Get())


def combine_of(stage: Usd.Stage, path: str) -> str:
    """Return the rule of a collider's material; PhysX's own, `average`, where none is said."""
    from pxr import UsdShade

    material, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath(path)).ComputeBoundMaterial(_PURPOSE)
    said = material.GetPrim().GetAttribute(_COMBINE).Get() if material else None
    return str(said) if said in COMBINE else COMBINE[0]


def set_friction(stage: Usd.Stage, path: str, static: float, dynamic: float, combine: str) -> None:
    """Give a collider a material of its own with this friction [1] and rule; restitution stays."""
    from pxr import Sdf, UsdPhysics, UsdShade

    prim = stage.GetPrimAtPath(path)
    own = _material_path(path)
    with session(stage):
        if not stage.GetPrimAtPath(own):
            bound, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial(_PURPOSE)
            restitution = 0.0
            if bound and bound.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
                restitution = float(UsdPhysics.MaterialAPI(bound.GetPrim()).GetRestitutionAttr().Get())
            material = UsdShade.Material.Define(stage, own)
            UsdPhysics.MaterialAPI.Apply(material.GetPrim()).CreateRestitutionAttr(restitution)
            if combine != COMBINE[0]:
                material.GetPrim().AddAppliedSchema("PhysxMaterialAPI")
                material.GetPrim().CreateAttribute(_COMBINE, Sdf.ValueTypeNames.Token, False).Set(combine)
            if not prim.HasAPI(UsdShade.MaterialBindingAPI):
                UsdShade.MaterialBindingAPI.Apply(prim)
            relation = prim.CreateRelationship(f"material:binding:{_PURPOSE}", False)
            relation.SetTargets([Sdf.Path(own)])
            UsdShade.MaterialBindingAPI.SetMaterialBindingStrength(relation, UsdShade.Tokens.strongerThanDescendants)
        api = UsdPhysics.MaterialAPI(stage.GetPrimAtPath(own))
        api.CreateStaticFrictionAttr(float(static))
        api.CreateDynamicFrictionAttr(float(dynamic))


def clear_friction(stage: Usd.Stage, path: str) -> None:
    """Give a collider back what the file says."""
    prim = stage.GetPrimAtPath(path)
    own = _material_path(path)
    if not stage.GetPrimAtPath(own):
        return
    layer = stage.GetSessionLayer()
    with session(stage):
        prim.RemoveProperty(f"material:binding:{_PURPOSE}")
        _take_back_schema(layer, path)
        stage.RemovePrim(own)
        home = layer.GetPrimAtPath(HOME)
        if home is not None and not home.nameChildren:
            stage.RemovePrim(HOME)
    layer.RemoveInertSceneDescription()


def _take_back_schema(layer: Sdf.Layer, path: str) -> None:
    """Remove the mark that a prim has bindings, where the session layer set it."""
    spec = layer.GetPrimAtPath(path)
    marks = spec.GetInfo("apiSchemas") if spec is not None and spec.HasInfo("apiSchemas") else None
    if marks is not None and "MaterialBindingAPI" in marks.prependedItems:
        marks.prependedItems = [name for name in marks.prependedItems if name != "MaterialBindingAPI"]
        if marks.prependedItems or marks.appendedItems or marks.explicitItems or marks.deletedItems:
            spec.SetInfo("apiSchemas", marks)
        else:
            spec.ClearInfo("apiSchemas")


def _material_path(path: str) -> str:
    return f"{HOME}/{re.sub('[^A-Za-z0-9_]', '_', path.strip('/'))}_{_short_hash(path)}"


def _short_hash(text: str) -> str:
    """Two paths may become the same name, `/a/b` and `/a_b`."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:8]


def scene_of(stage: Usd.Stage) -> UsdPhysics.Scene | None:
    """Return the stage's physics scene; None where there is none."""
    from pxr import UsdPhysics

    for prim in stage.Traverse():
        if prim.IsA(UsdPhysics.Scene):
            return UsdPhysics.Scene(prim)
    return None


def gravity_of(stage: Usd.Stage) -> np.ndarray:
    """Return gravity [m/s²] in the world frame, float32 (3,); what is not authored is earth's, down the up axis."""
    from pxr import UsdGeom

    scene = scene_of(stage)
    up = 2 if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else 1
    direction = np.zeros(3)
    direction[up] = -1.0
    metres = UsdGeom.GetStageMetersPerUnit(stage)
    magnitude = 9.81
    if scene is not None:
        given = np.asarray(scene.GetGravityDirectionAttr().Get(), float)
        direction = given / np.linalg.norm(given) if given.any() else direction
        size = float(scene.GetGravityMagnitudeAttr().Get())
        magnitude = size * metres if np.isfinite(size) and size >= 0.0 else magnitude
    return (direction * magnitude).astype(np.float32)


def set_gravity(stage: Usd.Stage, gravity: np.ndarray) -> None:
    """Set gravity [m/s²] (3,) in the session layer."""
    from pxr import Gf, UsdGeom

    scene = scene_of(stage)
    assert scene is not None, "the engine refuses gravity where there is no physics scene"
    size = float(np.linalg.norm(gravity))
    with session(stage):
        scene.CreateGravityMagnitudeAttr(size / UsdGeom.GetStageMetersPerUnit(stage))
        if size > 0.0:
            scene.CreateGravityDirectionAttr(Gf.Vec3f(*(float(v) / size for v in gravity)))


def clear_gravity(stage: Usd.Stage) -> None:
    """Give back the gravity that the file says."""
    scene = scene_of(stage)
    if scene is None:
        return
    with session(stage):
        for attribute in (scene.GetGravityMagnitudeAttr(), scene.GetGravityDirectionAttr()):
            scene.GetPrim().RemoveProperty(attribute.GetName())
    stage.GetSessionLayer().RemoveInertSceneDescription()
