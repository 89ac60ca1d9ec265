"""What the bodies of an environment look like: meshes from the USD stage that every engine's scene is made of.

Only environment 0 is read: the others hold the same bodies. A mesh is given in the frame of the body that carries it;
what no body carries, such as walls, stands in the environment's own frame. Shapes that only collide are left out where
there are others to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

GREY = (0.62, 0.64, 0.67)
"""Colour of what has none."""
FIRST_ENV = "/World/envs/env_0"
"""Where the stage holds environment 0."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Triangles of one body."""

    body: int
    """Row of the body in the frames; -1: it stands in the environment and does not move."""
    name: str
    """Name of its prim."""
    vertices: np.ndarray
    """float32 ``(v, 3)`` in the body's frame [m]."""
    faces: np.ndarray
    """int32 ``(f, 3)``, rows of ``vertices``."""
    colour: tuple[float, float, float]
    """sRGB, each from 0 to 1."""


def meshes_of(stage: Any, bodies: Mapping[str, int]) -> list[Mesh]:
    """Return what is to be seen of environment 0.

    Args:
        stage: the USD stage of the environment, an ``Usd.Stage``.
        bodies: row of each body in the frames, by the path of its prim.
    """
    from pxr import Usd, UsdGeom

    root = stage.GetPrimAtPath(FIRST_ENV)
    cache = UsdGeom.XformCache()
    seen: list[tuple[Mesh, bool]] = []
    for prim in Usd.PrimRange(root, Usd.TraverseInstanceProxies()) if root else ():
        shape = _triangles(prim)
        if shape is None or UsdGeom.Imageable(prim).ComputeVisibility() == UsdGeom.Tokens.invisible:
            continue
        carrier = _carrier(prim, bodies, root)
        to_body = cache.GetLocalToWorldTransform(prim) * cache.GetLocalToWorldTransform(carrier).GetInverse()
        matrix = np.array(to_body)
        vertices = shape[0] @ matrix[:3, :3] + matrix[3, :3]
        mesh = Mesh(
            body=bodies.get(str(carrier.GetPath()), -1),
            name=prim.GetName(),
            vertices=vertices.astype(np.float32),
            faces=shape[1],
            colour=_colour(prim),
        )
        seen.append((mesh, UsdGeom.Imageable(prim).ComputePurpose() == UsdGeom.Tokens.guide))
    dressed = {mesh.body for mesh, guide in seen if not guide}
    any_dressed = any(body >= 0 for body in dressed)
    return [mesh for mesh, guide in seen if not guide or not any_dressed]


def body_paths(scene: Any) -> dict[str, tuple[str, int]]:
    """Return asset and column of every body of an interactive scene, by the path of its prim in environment 0."""
    from pxr import Usd, UsdPhysics

    found: dict[str, tuple[str, int]] = {}
    prims = [
        prim
        for prim in Usd.PrimRange(scene.stage.GetPrimAtPath(FIRST_ENV), Usd.TraverseInstanceProxies())
        if prim.HasAPI(UsdPhysics.RigidBodyAPI)
    ]
    for name, asset in {**scene.articulations, **scene.rigid_objects}.items():
        base = _first(asset.cfg.prim_path)
        columns = {body: i for i, body in enumerate(asset.body_names)}
        for prim in prims:
            path = str(prim.GetPath())
            if (path == base or path.startswith(f"{base}/")) and prim.GetName() in columns:
                found[path] = (name, columns[prim.GetName()])
            elif path == base and len(columns) == 1:
                found[path] = (name, 0)
    for name, collection in scene.rigid_object_collections.items():
        for i, body in enumerate(collection.cfg.rigid_objects.values()):
            found[_first(body.prim_path)] = (name, i)
    return found


def _first(path: str) -> str:
    """The path of an asset in environment 0, from the pattern for all."""
    for pattern in ("env_[^/]+", "env_.*"):
        path = path.replace(f"/World/envs/{pattern}", FIRST_ENV)
    return path


def _carrier(prim: Any, bodies: Mapping[str, int], root: Any) -> Any:
    """The nearest prim above that is a body; else the environment."""
    while prim and prim != root:
        if str(prim.GetPath()) in bodies:
            return prim
        prim = prim.GetParent()
    return root


def _triangles(prim: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Vertices and faces of a shape in its own frame; None for what is none."""
    from pxr import UsdGeom

    if prim.IsA(UsdGeom.Mesh):
        mesh = UsdGeom.Mesh(prim)
        points, counts = mesh.GetPointsAttr().Get(), mesh.GetFaceVertexCountsAttr().Get()
        if not points or not counts:
            return None
        flipped = mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded
        faces = fan(np.array(counts), np.array(mesh.GetFaceVertexIndicesAttr().Get()))
        return np.array(points, np.float64), faces[:, ::-1].copy() if flipped else faces
    import trimesh

    if prim.IsA(UsdGeom.Cube):
        size = UsdGeom.Cube(prim).GetSizeAttr().Get()
        made, axis = trimesh.creation.box((size, size, size)), "Z"
    elif prim.IsA(UsdGeom.Sphere):
        made, axis = trimesh.creation.uv_sphere(UsdGeom.Sphere(prim).GetRadiusAttr().Get(), count=(16, 24)), "Z"
    elif prim.IsA(UsdGeom.Cylinder):
        shape = UsdGeom.Cylinder(prim)
        made = trimesh.creation.cylinder(shape.GetRadiusAttr().Get(), shape.GetHeightAttr().Get(), sections=24)
        axis = shape.GetAxisAttr().Get()
    elif prim.IsA(UsdGeom.Capsule):
        shape = UsdGeom.Capsule(prim)
        made = trimesh.creation.capsule(shape.GetHeightAttr().Get(), shape.GetRadiusAttr().Get(), count=(16, 24))
        made.apply_translation(-made.bounds.mean(axis=0))
        axis = shape.GetAxisAttr().Get()
    else:
        return None
    order = {"X": (2, 0, 1), "Y": (1, 2, 0), "Z": (0, 1, 2)}[str(axis)]  # turned, not mirrored
    return np.asarray(made.vertices)[:, order], np.asarray(made.faces, np.int32)


def fan(counts: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the triangles of polygons, each cut into a fan from its first corner.

    Args:
        counts: corners of each polygon, ``(p,)``.
        indices: the corners one after another, ``(sum(counts),)``.

    Returns:
        int32 ``(t, 3)``.
    """
    begins = np.cumsum(counts) - counts
    pieces = []
    for corners in np.unique(counts):
        if corners < 3:
            continue
        starts = begins[counts == corners]
        polygons = indices[starts[:, None] + np.arange(corners)]
        for k in range(1, corners - 1):
            pieces.append(polygons[:, (0, k, k + 1)])
    return np.concatenate(pieces).astype(np.int32) if pieces else np.zeros((0, 3), np.int32)


def _colour(prim: Any) -> tuple[float, float, float]:
    """The colour of a shape: of its material, or its own."""
    from pxr import UsdGeom, UsdShade

    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    linear = None
    if material:
        shader = material.ComputeSurfaceSource()[0]
        given = shader.GetInput("diffuseColor") if shader else None
        linear = given.Get() if given else None
    if linear is None:
        shown = UsdGeom.Gprim(prim).GetDisplayColorAttr().Get()
        linear = shown[0] if shown else None
    if linear is None:
        return GREY
    red, green, blue = (min(1.0, max(0.0, float(value))) ** (1 / 2.2) for value in linear)
    return red, green, blue
