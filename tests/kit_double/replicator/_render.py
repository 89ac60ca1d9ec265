"""The renderer's stand-in: rays cast from a camera prim at the exact shapes of the stage, lit by its lights.

A pinhole camera and the nearest surface give depth, normals and who was hit; the colour is the albedo of the bound
material under a simple sum of lights, so that it answers to intensity, colour, temperature, position and exposure.
No shadow, no reflection, no texture beyond its mean colour: this is no rendering truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pxr import Usd, UsdGeom, UsdLux, UsdShade

from . import _surfaces, _usd
from ._randomizer import triangles
from ._shapes import SHAPE_KEY

_LAST = {"X": [1, 2, 0], "Y": [2, 0, 1], "Z": [0, 1, 2]}  # columns that make the axis the third
_BACK = {"X": [2, 0, 1], "Y": [1, 2, 0], "Z": [0, 1, 2]}


@dataclass(frozen=True, kw_only=True)
class Body:
    """A visible surface of the stage."""

    prim: Usd.Prim
    path: str
    matrix: np.ndarray
    inverse: np.ndarray
    kind: str
    axis: str
    sizes: tuple[float, ...]
    corners: np.ndarray | None
    colour: np.ndarray
    labels: dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a camera saw: arrays of ``(height, width, ...)``, lengths in stage units."""

    camera: Usd.Prim
    size: tuple[int, int]
    depth: np.ndarray
    ray: np.ndarray
    who: np.ndarray
    normals: np.ndarray
    rgb: np.ndarray
    bodies: list[Body]
    view: np.ndarray
    focal_px: float
    metres: float


def bodies_of(stage: Usd.Stage) -> list[Body]:
    """The visible surfaces."""
    found = []
    for prim in Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)):
        if not prim.IsA(UsdGeom.Gprim) or UsdGeom.Imageable(prim).ComputeVisibility() == "invisible":
            continue
        if UsdGeom.Imageable(prim).ComputePurpose() not in ("default", "render"):
            continue
        matrix = np.asarray(_usd.world(prim))
        if abs(np.linalg.det(matrix[:3, :3])) < 1e-15:
            if not (prim.GetCustomDataByKey(SHAPE_KEY) or "").startswith(("Plane", "Disk")):
                continue
            matrix = matrix + 1e-9 * np.diag([1.0, 1.0, 1.0, 0.0])
        kind, axis, sizes, corners = _form(prim)
        if kind is None:
            continue
        found.append(
            Body(
                prim=prim, path=str(prim.GetPath()), matrix=matrix, inverse=np.linalg.inv(matrix), kind=kind, axis=axis,
                sizes=sizes, corners=corners, colour=colour_of(prim), labels=_usd.labels_of(prim),
            )
        )  # fmt: skip
    return found


def _form(prim: Usd.Prim) -> tuple[str | None, str, tuple[float, ...], np.ndarray | None]:
    """The kind of surface, its axis, its sizes, and triangles in the world where it is a mesh."""
    known = prim.GetCustomDataByKey(SHAPE_KEY)
    if known and not known.startswith("Torus"):
        kind, axis = known.split(":")
        points = np.asarray(UsdGeom.Mesh(prim).GetPointsAttr().Get(), float)
        half = float(abs(points).max()) if len(points) else 0.0
        return (kind, axis, (half, half), None) if half else (None, axis, (), None)
    if prim.IsA(UsdGeom.Mesh):
        return "Mesh", "Z", (), triangles(prim)
    get = lambda name: float(prim.GetAttribute(name).Get())  # noqa: E731
    axis = str(prim.GetAttribute("axis").Get() or "Z") if prim.HasAttribute("axis") else "Z"
    if prim.IsA(UsdGeom.Cube):
        return "Cube", "Z", (get("size") / 2,) * 2, None
    if prim.IsA(UsdGeom.Sphere):
        return "Sphere", "Z", (get("radius"),) * 2, None
    if prim.IsA(UsdGeom.Plane):
        return "Rectangle", axis, (get("width") / 2, get("length") / 2), None
    for name, kind in (("Cylinder", "Cylinder"), ("Cone", "Cone"), ("Capsule", "Capsule")):
        if prim.GetTypeName() == name:
            return kind, axis, (get("radius"), get("height") / 2), None
    return None, axis, (), None


def _hit(body: Body, origin: np.ndarray, directions: np.ndarray, near: float) -> _surfaces.Hits:
    """Distances and world normals of one body."""
    if body.kind == "Mesh":
        assert body.corners is not None
        return _surfaces.triangles(origin, directions, near, body.corners)
    to = body.inverse[:3, :3]
    order = _LAST[body.axis]
    o = (origin @ to + body.inverse[3, :3])[order]
    d = (directions @ to)[:, order]
    a, b = body.sizes
    if body.kind == "Cube":
        hits = _surfaces.box(o, d, near, np.full(3, a))
    elif body.kind == "Sphere":
        hits = _surfaces.sphere(o, d, near, a)
    elif body.kind in ("Plane", "Rectangle"):
        hits = _surfaces.flat(o, d, near, lambda p: (abs(p[:, 0]) <= a) & (abs(p[:, 1]) <= b))
    elif body.kind == "Disk":
        hits = _surfaces.flat(o, d, near, lambda p: (p[:, :2] ** 2).sum(1) <= a * a)
    else:
        shape = {"Cylinder": _surfaces.cylinder, "Cone": _surfaces.cone, "Capsule": _surfaces.capsule}[body.kind]
        hits = shape(o, d, near, a, b)
    return hits[0], hits[1][:, _BACK[body.axis]] @ to.T


def render(stage: Usd.Stage, camera: Usd.Prim, size: tuple[int, int], bodies: list[Body]) -> Frame:
    """A frame of a pinhole camera.

    Args:
        stage: The stage.
        camera: A camera prim.
        size: Width and height [px].
        bodies: From ``bodies_of``.

    Raises:
        NotImplementedError: another projection than a pinhole.
    """
    lens = UsdGeom.Camera(camera)
    projection = camera.GetAttribute("cameraProjectionType")
    if projection and projection.Get() not in (None, "pinhole"):
        raise NotImplementedError(
            f"the stand-in renders pinhole cameras alone, {camera.GetPath()} is {projection.Get()}"
        )
    width, height = size
    aperture = float(lens.GetHorizontalApertureAttr().Get())
    focal = width * float(lens.GetFocalLengthAttr().Get()) / aperture
    shift = [float(lens.GetHorizontalApertureOffsetAttr().Get()), float(lens.GetVerticalApertureOffsetAttr().Get())]
    near, far = (float(x) for x in lens.GetClippingRangeAttr().Get())
    u = (np.arange(width) + 0.5 - width / 2) / focal + shift[0] / aperture * width / focal
    v = (np.arange(height) + 0.5 - height / 2) / focal - shift[1] / aperture * width / focal
    grid = np.stack([*np.meshgrid(u, -v), np.full((height, width), -1.0)], axis=-1).reshape(-1, 3)
    matrix = np.asarray(_usd.world(camera).GetOrthonormalized())
    origin, directions = matrix[3, :3], grid @ matrix[:3, :3]

    depth = np.full(len(grid), np.inf)
    who = np.full(len(grid), -1)
    normals = np.zeros((len(grid), 3))
    for i, body in enumerate(bodies):
        t, n = _hit(body, origin, directions, near)
        closer = (t < depth) & (t <= far)
        depth[closer], who[closer], normals[closer] = t[closer], i, n[closer]
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 0)
    away = (normals * directions).sum(1) > 0
    normals[away] *= -1.0
    ray = depth * np.linalg.norm(directions, axis=1)
    points = origin + np.where(np.isfinite(depth), depth, 0.0)[:, None] * directions
    colour = _shade(stage, bodies, who, normals, points)
    shape = (height, width)
    return Frame(
        camera=camera, size=size, depth=depth.reshape(shape), ray=ray.reshape(shape), who=who.reshape(shape),
        normals=normals.reshape(*shape, 3), rgb=colour.reshape(*shape, 3), bodies=bodies,
        view=np.linalg.inv(matrix), focal_px=focal, metres=float(UsdGeom.GetStageMetersPerUnit(stage)),
    )  # fmt: skip


# Colour ---------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def mean_colour(path: str) -> tuple[float, float, float]:
    """The mean colour of an image file, in [0, 1]."""
    from PIL import Image

    with Image.open(path) as image:
        return tuple((np.asarray(image.convert("RGB"), float).mean((0, 1)) / 255.0).tolist())


def _file(value: Any) -> str | None:
    from pathlib import Path

    path = str(getattr(value, "path", value) or "")
    return path if path and Path(path).is_file() else None


def colour_of(prim: Usd.Prim) -> np.ndarray:
    """The albedo: of the bound material, or the display colour, or grey."""
    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    if material:
        for child in material.GetPrim().GetChildren():
            shader = UsdShade.Shader(child)
            texture = shader.GetInput("diffuse_texture")
            if texture and (file := _file(texture.Get())):
                return np.asarray(mean_colour(file))
            for name in ("diffuse_color_constant", "diffuseColor"):
                value = shader.GetInput(name)
                if value and value.Get() is not None:
                    return np.asarray(value.Get(), float)
        return np.full(3, 0.2)
    shown = UsdGeom.Gprim(prim).GetDisplayColorAttr().Get()
    return np.asarray(shown[0], float) if shown else np.full(3, 0.5)


def _emission(prim: Usd.Prim) -> np.ndarray:
    light = UsdLux.LightAPI(prim)
    colour = np.asarray(light.GetColorAttr().Get(), float)
    if light.GetEnableColorTemperatureAttr().Get():
        colour = colour * np.asarray(UsdLux.BlackbodyTemperatureAsRgb(float(light.GetColorTemperatureAttr().Get())))
    return colour * float(light.GetIntensityAttr().Get()) * 2.0 ** float(light.GetExposureAttr().Get())


def _shade(
    stage: Usd.Stage, bodies: list[Body], who: np.ndarray, normals: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Colours in [0, 1]: albedo times the light that arrives, through ``1 - exp(-x)``."""
    arriving = np.zeros_like(normals)
    sky = np.zeros(3)
    for prim in stage.Traverse():
        if not prim.HasAPI(UsdLux.LightAPI) or UsdGeom.Imageable(prim).ComputeVisibility() == "invisible":
            continue
        power = _emission(prim) / 1000.0
        kind = str(prim.GetTypeName())
        matrix = np.asarray(_usd.world(prim))
        if kind == "DomeLight":
            file = _file(prim.GetAttribute("inputs:texture:file").Get())
            power = power * (np.asarray(mean_colour(file)) if file else 1.0)
            arriving += power
            sky = sky + power
        elif kind == "DistantLight":
            towards = matrix[2, :3] / np.linalg.norm(matrix[2, :3])
            arriving += np.clip(normals @ towards, 0.0, None)[:, None] * power
        else:
            to = matrix[3, :3] - points
            distance = np.maximum(np.linalg.norm(to, axis=1), 1e-3)
            area = _area(prim)
            cosine = np.clip((normals * to).sum(1) / distance, 0.0, None)
            arriving += (cosine * area / distance**2)[:, None] * power
    albedo = np.stack([*(body.colour for body in bodies), np.ones(3)])[who]
    arriving[who < 0] = sky
    return 1.0 - np.exp(-albedo * arriving)


def _area(prim: Usd.Prim) -> float:
    get = lambda name: float(prim.GetAttribute(f"inputs:{name}").Get())  # noqa: E731
    kind = str(prim.GetTypeName())
    if kind == "RectLight":
        return get("width") * get("height")
    if kind == "CylinderLight":
        return 2.0 * get("radius") * get("length")
    return float(np.pi) * get("radius") ** 2
