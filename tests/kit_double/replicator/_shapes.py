"""Prims of the eight shapes, cameras and lights: one metre across, standing along the stage's up axis.

A mesh keeps the name of its shape, so that the ray-caster meets the exact surface and not its facets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdLux

SHAPE_KEY = "kitDouble:shape"
SHAPES = ("Sphere", "Cube", "Cone", "Cylinder", "Torus", "Disk", "Plane")
AS_MESH = ("Sphere", "Cube", "Cone", "Cylinder")
LIGHTS = ("cylinder", "disk", "distant", "dome", "rect", "sphere")
PROJECTIONS = (
    "pinhole", "pinholeOpenCV", "fisheye_polynomial", "fisheyeSpherical", "fisheyeKannalaBrandtK3",
    "fisheyeRadTanThinPrism", "fisheyeOpenCV", "omniDirectionalStereo", "generalizedProjection",
)  # fmt: skip
_SIDES = 32


def define_shape(stage: Usd.Stage, path: str, shape: str, as_mesh: bool = True) -> Usd.Prim:
    """A shape one metre across, as a mesh or as USD's own prim where there is one."""
    unit = 1.0 / UsdGeom.GetStageMetersPerUnit(stage)
    up = str(UsdGeom.GetStageUpAxis(stage))
    if not as_mesh and shape in AS_MESH:
        prim = stage.DefinePrim(path, shape)
        if shape == "Cube":
            UsdGeom.Cube(prim).CreateSizeAttr(unit)
        else:
            prim.GetAttribute("radius").Set(0.5 * unit)
        if shape in ("Cone", "Cylinder"):
            prim.GetAttribute("height").Set(unit)
            prim.GetAttribute("axis").Set(up)
        return prim
    points, faces = _geometry(shape)
    if up == "Y":
        points = points[:, [1, 2, 0]]
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr([Gf.Vec3f(*(float(c) * unit for c in p)) for p in points])
    mesh.CreateFaceVertexCountsAttr([len(face) for face in faces])
    mesh.CreateFaceVertexIndicesAttr([int(i) for face in faces for i in face])
    mesh.CreateSubdivisionSchemeAttr("none")
    mesh.CreateExtentAttr(UsdGeom.Boundable.ComputeExtentFromPlugins(mesh, Usd.TimeCode.Default()))
    mesh.GetPrim().SetCustomDataByKey(SHAPE_KEY, f"{shape}:{up}")
    return mesh.GetPrim()


def _ring(radius: float, height: float) -> np.ndarray:
    turn = np.arange(_SIDES) * (2.0 * math.pi / _SIDES)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), np.full(_SIDES, height)], axis=1)


def _band(low: int, high: int) -> list[tuple[int, ...]]:
    """Quads between two rings that begin at these indices."""
    return [(low + i, low + (i + 1) % _SIDES, high + (i + 1) % _SIDES, high + i) for i in range(_SIDES)]


def _geometry(shape: str) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Points with z up and faces seen from outside; one metre across."""
    if shape == "Cube":
        points = np.array([(x, y, z) for z in (-0.5, 0.5) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
        return points, [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    if shape == "Plane":
        return np.array([(-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0)]), [(0, 1, 2, 3)]
    n = _SIDES
    if shape == "Disk":
        return np.concatenate([_ring(0.5, 0.0), [[0.0, 0.0, 0.0]]]), [(i, (i + 1) % n, n) for i in range(n)]
    if shape == "Cylinder":
        points = np.concatenate([_ring(0.5, -0.5), _ring(0.5, 0.5)])
        return points, [*_band(0, n), tuple(range(n))[::-1], tuple(range(n, 2 * n))]
    if shape == "Cone":
        points = np.concatenate([_ring(0.5, -0.5), [[0.0, 0.0, 0.5]]])
        return points, [*((i, (i + 1) % n, n) for i in range(n)), tuple(range(n))[::-1]]
    if shape == "Sphere":
        rows = [-math.pi / 2 + math.pi * i / 16 for i in range(1, 16)]
        rings = [_ring(0.5 * math.cos(a), 0.5 * math.sin(a)) for a in rows]
        points = np.concatenate([*rings, [[0.0, 0.0, -0.5]], [[0.0, 0.0, 0.5]]])
        south, north, last = 15 * n, 15 * n + 1, 14 * n
        faces = [quad for i in range(14) for quad in _band(i * n, (i + 1) * n)]
        faces += [((i + 1) % n, i, south) for i in range(n)]
        return points, faces + [(last + i, last + (i + 1) % n, north) for i in range(n)]
    if shape == "Torus":
        tube = [2.0 * math.pi * i / 16 for i in range(16)]
        points = np.concatenate([_ring(0.375 + 0.125 * math.cos(a), 0.125 * math.sin(a)) for a in tube])
        return points, [quad for i in range(16) for quad in _band(i * n, (i + 1) % 16 * n)]
    raise KeyError(shape)


def define_camera(stage: Usd.Stage, path: str, values: Mapping[str, Any]) -> Usd.Prim:
    """A camera; lengths of its lens are tenths of a stage unit, as in USD.

    Args:
        stage: The stage.
        path: Where.
        values: The keywords of ``create.camera``.
    """
    projection = values["projection_type"]
    if projection not in PROJECTIONS:
        raise ValueError(f"projection_type {projection!r}: one of {', '.join(PROJECTIONS)}")
    near, far = values["clipping_range"]
    if not 0.0 < near < far:
        raise ValueError(f"clipping_range {values['clipping_range']!r}: 0 < near < far")
    camera = UsdGeom.Camera.Define(stage, path)
    camera.CreateFocalLengthAttr(float(values["focal_length"]))
    camera.CreateFocusDistanceAttr(float(values["focus_distance"]))
    camera.CreateFStopAttr(float(values["f_stop"]))
    camera.CreateHorizontalApertureAttr(float(values["horizontal_aperture"]))
    camera.CreateHorizontalApertureOffsetAttr(float(values["horizontal_aperture_offset"]))
    camera.CreateVerticalApertureOffsetAttr(float(values["vertical_aperture_offset"]))
    camera.CreateClippingRangeAttr(Gf.Vec2f(float(near), float(far)))
    attribute = camera.GetPrim().CreateAttribute("cameraProjectionType", Sdf.ValueTypeNames.Token)
    attribute.Set(projection)
    return camera.GetPrim()


def define_light(stage: Usd.Stage, path: str, kind: str) -> Usd.Prim:
    """A light with the colour temperature and the shaping of a Kit light.

    Raises:
        AssertionError: an unknown kind, as Replicator does.
    """
    assert kind.lower() in LIGHTS, f"light_type {kind!r}: one of {', '.join(LIGHTS)}"
    prim = stage.DefinePrim(path, f"{kind.lower().capitalize()}Light")
    light = UsdLux.LightAPI(prim)
    light.CreateIntensityAttr()
    light.CreateExposureAttr()
    light.CreateColorAttr()
    light.CreateColorTemperatureAttr()
    light.CreateEnableColorTemperatureAttr()
    return prim
