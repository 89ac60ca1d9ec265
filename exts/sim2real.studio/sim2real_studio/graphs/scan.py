"""Reads from an opened stage what a spec randomizes: lamps, surfaces, objects, the camera and their nominal values.

Read once, before anything is randomized; every plan starts from these values, so that nothing adds up. Of several prims
in one another only the outermost moves, since what is below it moves with it; materials go to what has a surface.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.vision.stage_plan_contents import Lamp, StageCamera, StageContents, Thing

from .places import HOME

if TYPE_CHECKING:
    from pxr import Gf, Usd

    from sim2real.spec import Spec

ALL = ".*"
"""Lights that are randomized where the spec does not select."""


class StageError(Sim2RealError):
    """A stage that cannot be randomized or captured as asked."""


def scan_stage(stage: Usd.Stage, spec: Spec, camera: str = "") -> StageContents:
    """Return what the stage holds of what the spec randomizes.

    Args:
        stage: The opened stage.
        spec: Its ``vision.stage`` selects.
        camera: Path of the camera; empty for the stage's only one.

    Raises:
        StageError: no such camera, several to choose from, or an up axis other than Y and Z.
    """
    from pxr import UsdGeom, UsdLux

    part = spec.vision.get("stage")

    def option(group: str, default: str) -> re.Pattern[str]:
        return re.compile(default if part is None else part.option(group, "select", default))

    axis = UsdGeom.GetStageUpAxis(stage)
    prims = [prim for prim in stage.Traverse() if not prim.GetPath().HasPrefix(HOME)]
    domes = [prim for prim in prims if prim.GetTypeName().startswith("DomeLight")]
    lights, surfaces = option("lights", ALL), option("materials", "")
    lamps = [p for p in prims if p.HasAPI(UsdLux.LightAPI) and p not in domes and lights.fullmatch(str(p.GetPath()))]
    found = [p for p in prims if p.IsA(UsdGeom.Gprim) and surfaces.fullmatch(str(p.GetPath()))]
    return StageContents(
        lamps=tuple(sorted((_lamp(prim) for prim in lamps), key=lambda lamp: lamp.path)),
        surfaces=tuple(sorted(str(prim.GetPath()) for prim in found)),
        objects=_things(prims, option("objects", "")),
        camera=_camera(stage, prims, camera),
        labels=_labels(prims, {} if part is None else part.semantics),
        dome=str(domes[0].GetPath()) if domes else "",
        dome_intensity=_intensity(domes[0]) if domes else 1000.0,
        metres_per_unit=float(UsdGeom.GetStageMetersPerUnit(stage)),
        up=(0.0, 1.0, 0.0) if axis == UsdGeom.Tokens.y else (0.0, 0.0, 1.0),
    )


def columns(matrix: Gf.Matrix4d) -> tuple[tuple[float, ...], ...]:
    """A USD matrix, which acts on rows, as nested tuples that act on columns."""
    return tuple(tuple(float(matrix[j][i]) for j in range(4)) for i in range(4))


def _local(prim: Usd.Prim) -> tuple[tuple[float, ...], ...]:
    from pxr import UsdGeom

    return columns(UsdGeom.Xformable(prim).GetLocalTransformation())


def _intensity(prim: Usd.Prim) -> float:
    from pxr import UsdLux

    return float(UsdLux.LightAPI(prim).GetIntensityAttr().Get())


def _lamp(prim: Usd.Prim) -> Lamp:
    from pxr import UsdLux

    placed = not prim.IsA(UsdLux.DistantLight)
    return Lamp(path=str(prim.GetPath()), intensity=_intensity(prim), local=_local(prim) if placed else None)


def _things(prims: list[Usd.Prim], select: re.Pattern[str]) -> tuple[Thing, ...]:
    from pxr import UsdGeom

    chosen: list[Any] = []
    for prim in prims:  # a traversal meets a parent before its children
        path = prim.GetPath()
        if prim.IsA(UsdGeom.Xformable) and select.fullmatch(str(path)):
            if not any(path.HasPrefix(other.GetPath()) for other in chosen):
                chosen.append(prim)
    return tuple(sorted((Thing(path=str(p.GetPath()), local=_local(p)) for p in chosen), key=lambda t: t.path))


def _labels(prims: list[Usd.Prim], semantics: Any) -> tuple[tuple[str, str], ...]:
    pairs = []
    for label, select in semantics.items():
        pattern = re.compile(select)
        matched = [(str(prim.GetPath()), label) for prim in prims if pattern.fullmatch(str(prim.GetPath()))]
        if not matched:
            raise StageError(f"vision.stage.semantics.{label}: '{select}' matches nothing on the stage.")
        pairs += matched
    return tuple(sorted(pairs))


def fingerprint(stage: Usd.Stage) -> str:
    """SHA-256 of what is seen of a stage: every shape, light and camera, and where it stands.

    Not of the file's text: an application writes its windows' settings, and Replicator its nodes, into that.
    """
    from pxr import Usd, UsdGeom, UsdLux

    digest, cache = hashlib.sha256(), UsdGeom.XformCache(Usd.TimeCode.Default())
    for prim in stage.Traverse(Usd.TraverseInstanceProxies()):
        path = str(prim.GetPath())
        seen = prim.IsA(UsdGeom.Gprim) or prim.IsA(UsdGeom.Camera) or prim.HasAPI(UsdLux.LightAPI)
        if seen and not path.startswith(_OTHERS):
            rows = [[round(v, 6) for v in row] for row in columns(cache.GetLocalToWorldTransform(prim))]
            digest.update(f"{path} {prim.GetTypeName()} {rows}\n".encode())
    return digest.hexdigest()


_OTHERS = (HOME, "/OmniverseKit_", "/Replicator", "/Render")
"""Prims of the application, of Replicator and of ours."""


def cameras(stage: Usd.Stage) -> Iterator[str]:
    """Paths of the stage's cameras, without the application's own (``/OmniverseKit_Persp`` and others)."""
    from pxr import UsdGeom

    for prim in stage.Traverse():
        path = str(prim.GetPath())
        if prim.IsA(UsdGeom.Camera) and not path.startswith("/OmniverseKit_"):
            yield path


def _camera(stage: Usd.Stage, prims: list[Usd.Prim], path: str) -> StageCamera | None:
    from pxr import Usd, UsdGeom

    there = list(cameras(stage))
    if not path and len(there) > 1:
        raise StageError(f"the stage has {len(there)} cameras; name one of {', '.join(there)}.")
    if not path and not there:
        return None
    prim = stage.GetPrimAtPath(path or there[0])
    if not prim or not prim.IsA(UsdGeom.Camera):
        raise StageError(f"'{path}' is no camera on the stage; there are: {', '.join(there) or 'none'}.")
    camera = UsdGeom.Camera(prim)
    aperture = float(camera.GetHorizontalApertureAttr().Get())
    if not aperture > 0.0:
        raise StageError(f"{prim.GetPath()} has a horizontal aperture of {aperture:g}; give a pinhole camera.")
    return StageCamera(
        path=str(prim.GetPath()),
        focal_length=float(camera.GetFocalLengthAttr().Get()),
        aperture=aperture,
        local=_local(prim),
        parent=columns(UsdGeom.XformCache(Usd.TimeCode.Default()).GetParentToWorldTransform(prim)),
    )
