"""A small stage to begin with: a floor between walls, a few obstacles, two lamps, a dome light and a camera.

It fits the preset ``stage``. Everything is made of USD's own shapes, so that it needs no assets and no network.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pxr import Usd

Triple = tuple[float, float, float]
CAMERA = "/World/camera"
OBSTACLES = (
    ("box_0", "cube", (1.2, 0.35, 0.25), (0.4, 0.4, 0.5)),
    ("box_1", "cube", (2.2, -0.6, 0.35), (0.5, 0.3, 0.7)),
    ("barrel_0", "cylinder", (1.8, 0.9, 0.4), (0.35, 0.35, 0.8)),
    ("barrel_1", "cylinder", (3.0, 0.2, 0.3), (0.3, 0.3, 0.6)),
    ("ball_0", "sphere", (1.5, -0.9, 0.2), (0.4, 0.4, 0.4)),
)
"""Name, shape, centre [m] and size [m]."""
PANELS = (
    ("floor", (1.5, 0.0, -0.05), (9.0, 4.2, 0.1)),
    ("wall_far", (5.0, 0.0, 0.6), (0.1, 4.2, 1.3)),
    ("wall_left", (1.5, 2.05, 0.6), (9.0, 0.1, 1.3)),
    ("wall_right", (1.5, -2.05, 0.6), (9.0, 0.1, 1.3)),
)
"""Name, centre [m] and size [m] of boxes."""


def build_stage(stage: Usd.Stage) -> str:
    """Fill an empty stage, Z up and in metres.

    Returns:
        Path of the camera.
    """
    from pxr import Gf, UsdGeom, UsdLux

    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    world = UsdGeom.Xform.Define(stage, "/World")
    stage.SetDefaultPrim(world.GetPrim())
    for group in ("arena", "obstacles", "lamps"):
        UsdGeom.Xform.Define(stage, f"/World/{group}")
    for name, place, size in PANELS:
        _shape(stage, f"/World/arena/{name}", "cube", place, size)
    for name, shape, place, size in OBSTACLES:
        _shape(stage, f"/World/obstacles/{name}", shape, place, size)
    for name, place in (("left", (0.5, 1.2, 2.6)), ("right", (2.8, -1.0, 2.6))):
        lamp = UsdLux.SphereLight.Define(stage, f"/World/lamps/{name}")
        lamp.CreateIntensityAttr(30000.0)
        lamp.CreateRadiusAttr(0.15)
        _place(lamp, place)
    UsdLux.DomeLight.Define(stage, "/World/lamps/dome").CreateIntensityAttr(800.0)
    camera = UsdGeom.Camera.Define(stage, CAMERA)
    camera.CreateHorizontalApertureAttr(20.955)
    camera.CreateFocalLengthAttr(20.955 / (2.0 * math.tan(math.radians(43.5))))  # 87 degrees, as a D435 sees
    camera.CreateClippingRangeAttr(Gf.Vec2f(0.01, 100.0))
    _place(camera, (-1.2, 0.0, 0.4), rotation=(90.0, 0.0, -90.0))  # looks along +x, up is up
    return CAMERA


def _shape(stage: Usd.Stage, path: str, shape: str, place: Triple, size: Triple) -> None:
    """Define a shape of one unit, stretched to its size."""
    from pxr import UsdGeom

    if shape == "cube":
        form = UsdGeom.Cube.Define(stage, path)
        form.CreateSizeAttr(1.0)
    elif shape == "sphere":
        form = UsdGeom.Sphere.Define(stage, path)
        form.CreateRadiusAttr(0.5)
    else:
        form = UsdGeom.Cylinder.Define(stage, path)
        form.CreateRadiusAttr(0.5)
        form.CreateHeightAttr(1.0)
        form.CreateAxisAttr(UsdGeom.Tokens.z)
    _place(form, place, scale=size)


def _place(form: Any, place: Triple, rotation: Triple = (0.0, 0.0, 0.0), scale: Triple = (1.0, 1.0, 1.0)) -> None:
    """Give a prim the three operations that Kit gives its own, in double precision."""
    from pxr import Gf, UsdGeom

    double = UsdGeom.XformOp.PrecisionDouble
    form.AddTranslateOp(double).Set(Gf.Vec3d(*place))
    form.AddRotateXYZOp(double).Set(Gf.Vec3d(*rotation))
    form.AddScaleOp(double).Set(Gf.Vec3d(*scale))
