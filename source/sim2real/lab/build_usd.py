"""Robots of other sizes as USD layers: a small file of changed numbers over the robot's own, which stays as it is.

A layer holds only what differs (where bodies and joints sit, scales, masses), so a hundred robots share one set of
meshes and are written in moments. Both engines read it as a robot of its own, with the same bodies, joints and shapes.
A link has a frame; everything is scaled in that frame, about its origin: `stretch` moves what hangs on the link with
it, `size` is of its own geometry alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.errors import Sim2RealError
from sim2real.paths import cache_dir

RECIPE = 2
"""Raised when the edits below change, so that cached layers of the old recipe are not used."""
STANDARD_OPS = ("xformOp:translate", "xformOp:orient", "xformOp:scale")
ALIGNED = 1e-3
"""A shape lies along its link's axes if its rotation matrix is that close to zeros and ones."""
_AXES = {"X": 0, "Y": 1, "Z": 2}
_SIX = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Entries of an inertia in the order of `newton:inertia`."""


class BuildError(Sim2RealError):
    """A scene that cannot be built as the spec says."""


@dataclass(frozen=True, kw_only=True)
class LinkChange:
    """What is different about a link."""

    stretch: float = 1.0
    """Factor of its length, along its own axis."""
    size: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors of its geometry, in the link's frame."""
    density: bool = False
    """Whether mass and inertia follow `size`."""


class Robot:
    """A robot's USD, read once: its links, what hangs on them, and how long they are."""

    def __init__(self, path: str) -> None:
        """Read the file.

        Raises:
            BuildError: the file is missing, or holds no tree of bodies.
        """
        from pxr import Usd, UsdPhysics

        if not Path(path).is_file():
            raise BuildError(
                f"'{path}' is no file on this machine; links and geometry are built from a local USD, so give the robot"
                " a local spawn.usd_path"
            )
        self.path = str(Path(path).resolve())
        self.stage = Usd.Stage.Open(self.path)
        if not self.stage.GetDefaultPrim():
            raise BuildError(f"'{path}' has no default prim, so it cannot be spawned")
        prims = list(self.stage.Traverse())
        self.bodies = {str(p.GetPath()): p for p in prims if p.HasAPI(UsdPhysics.RigidBodyAPI)}
        self.links = {p.GetName(): p for p in self.bodies.values()}
        if not self.bodies or len(self.links) != len(self.bodies):
            raise BuildError(f"'{path}' needs bodies with a name of their own each; it has {len(self.bodies)}")
        self.joints = self._tree([p for p in prims if p.IsA(UsdPhysics.Joint)])

    def _tree(self, joints: list[Any]) -> dict[str, tuple[str, Any]]:
        """Return parent and joint of each body that has one, by path."""
        from pxr import UsdPhysics

        found: dict[str, tuple[str, Any]] = {}
        for prim in joints:
            joint = UsdPhysics.Joint(prim)
            ends = [[str(t) for t in end.GetTargets()] for end in (joint.GetBody0Rel(), joint.GetBody1Rel())]
            if not all(ends) or not all(end[0] in self.bodies for end in ends):
                continue  # to the world
            parent, child = ends[0][0], ends[1][0]
            if child in found:
                raise BuildError(f"'{self.path}': body '{child}' hangs on two joints; loops cannot be built")
            found[child] = (parent, joint)
        return found

    def offsets(self, link: str) -> list[np.ndarray]:
        """Return where the joints of a link's children sit in its frame [m]."""
        path = str(self.links[link].GetPath())
        return [
            np.array(joint.GetLocalPos0Attr().Get() or (0, 0, 0), float)
            for parent, joint in self.joints.values()
            if parent == path
        ]

    def axis(self, link: str) -> int | None:
        """Return which axis of its frame a link lies along: where its farthest child joint is most; None for none."""
        offsets = self.offsets(link)
        far = max(offsets, key=lambda at: float(np.linalg.norm(at)), default=np.zeros(3))
        return int(np.argmax(np.abs(far))) if np.linalg.norm(far) > 1e-6 else None

    def write(self, changes: Mapping[str, LinkChange]) -> str:
        """Write the robot with some links changed; return the file, which is cached by what it holds.

        Raises:
            BuildError: a link that cannot be changed so.
        """
        said = json.dumps(
            [RECIPE, self.path, {n: [c.stretch, list(c.size), c.density] for n, c in sorted(changes.items())}]
        )
        digest = hashlib.sha256(said.encode() + Path(self.path).read_bytes()).hexdigest()[:20]
        target = cache_dir("built") / f"{Path(self.path).stem}-{digest}.usda"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, work = tempfile.mkstemp(dir=target.parent, suffix=".usda")
            os.close(handle)
            Path(work).write_text(self.layer(changes))
            os.replace(work, target)
        return str(target)

    def layer(self, changes: Mapping[str, LinkChange]) -> str:
        """Return the text of a layer that changes some links."""
        from pxr import Sdf, Usd

        layer = Sdf.Layer.CreateAnonymous(".usda")
        layer.subLayerPaths.append(self.path)
        layer.defaultPrim = self.stage.GetRootLayer().defaultPrim
        stage = Usd.Stage.Open(layer)
        factors = {name: self._factors(name, change) for name, change in changes.items()}
        for name, change in changes.items():
            prim = stage.GetPrimAtPath(self.links[name].GetPath())
            for child in prim.GetChildren():
                self._scale_geometry(child, *factors[name])
            _scale_mass(prim, *factors[name], change.density)
        self._move_bodies(stage, {str(self.links[name].GetPath()): pair[0] for name, pair in factors.items()})
        return layer.ExportToString()

    def _factors(self, name: str, change: LinkChange) -> tuple[np.ndarray, np.ndarray]:
        stretch = np.ones(3)
        axis = self.axis(name)
        if axis is not None:
            stretch[axis] = change.stretch
        return stretch, np.array(change.size, float)

    def _scale_geometry(self, prim: Any, stretch: np.ndarray, size: np.ndarray) -> None:
        """Scale what is drawn or collides below a link, in the link's frame."""
        from pxr import UsdGeom, UsdPhysics

        if str(prim.GetPath()) in self.bodies:
            return
        if prim.IsA(UsdGeom.Scope):
            for child in prim.GetChildren():
                self._scale_geometry(child, stretch, size)
            return
        if not prim.IsA(UsdGeom.Xformable):
            return
        shape = prim.IsA(UsdGeom.Gprim)
        if not shape and prim.GetChildren():
            kinds = [p for p in _below(prim) if p.IsA(UsdGeom.Sphere) or p.IsA(UsdGeom.Capsule)]
            if kinds and np.ptp(stretch * size) > 1e-9:
                raise BuildError(
                    f"'{prim.GetPath()}' holds round shapes ({kinds[0].GetName()}), which cannot be stretched in one"
                    " direction; select other links, or scale all three directions alike"
                )
        translate, rotation, scale = _placed(prim)
        aligned = np.abs(np.abs(rotation) - np.round(np.abs(rotation))).max() < ALIGNED
        turned = np.round(np.abs(rotation)).T  # the link's axes as the shape's own
        if not aligned and np.ptp(size) > 1e-9:
            raise BuildError(
                f"'{prim.GetPath()}' does not lie along its link's axes, so three different factors would shear it;"
                " give one factor"
            )
        if not aligned and np.ptp(stretch) > 1e-9 and prim.HasAPI(UsdPhysics.CollisionAPI):
            raise BuildError(
                f"'{prim.GetPath()}' does not lie along its link's axes and collides, so it cannot be stretched with"
                " the link; select other links"
            )
        own_size = turned @ size if aligned else size
        own_stretch = turned @ stretch if aligned else np.ones(3)
        prim.GetAttribute(STANDARD_OPS[0]).Set(_like(prim, STANDARD_OPS[0], translate * stretch * size))
        if prim.IsA(UsdGeom.Camera):
            return
        if not _is_round(prim):
            prim.GetAttribute(STANDARD_OPS[2]).Set(_like(prim, STANDARD_OPS[2], scale * own_size * own_stretch))
        else:
            _scale_round(prim, own_size, own_stretch)

    def _move_bodies(self, stage: Any, stretched: Mapping[str, np.ndarray]) -> None:
        """Move joints with the links that they sit on, and bodies with their joints."""
        from pxr import Gf, UsdGeom

        cache = UsdGeom.XformCache()
        world = {path: np.array(cache.GetLocalToWorldTransform(prim)) for path, prim in self.bodies.items()}
        moved: dict[str, np.ndarray] = {}

        def place(path: str) -> np.ndarray:
            if path in moved:
                return moved[path]
            shift = np.zeros(3)
            if path in self.joints:
                parent, joint = self.joints[path]
                shift = place(parent)
                for end, attribute in ((parent, "physics:localPos0"), (path, "physics:localPos1")):
                    at = np.array(joint.GetPrim().GetAttribute(attribute).Get() or (0, 0, 0), float)
                    change = (stretched.get(end, np.ones(3)) - 1.0) * at
                    if np.any(change):
                        prim = stage.GetPrimAtPath(joint.GetPath())
                        prim.GetAttribute(attribute).Set(Gf.Vec3f(*map(float, at + change)))
                        shift = shift + (1.0 if end == parent else -1.0) * (change @ world[end][:3, :3])
            moved[path] = shift
            return shift

        for path, original in self.bodies.items():
            carrier = original.GetParent()
            while carrier and str(carrier.GetPath()) not in self.bodies:
                carrier = carrier.GetParent()
            carried = place(str(carrier.GetPath())) if carrier else np.zeros(3)
            own = place(path) - carried
            if np.any(own):
                prim = stage.GetPrimAtPath(path)
                translate = _placed(prim)[0]
                frame = np.array(cache.GetParentToWorldTransform(original))[:3, :3]
                prim.GetAttribute(STANDARD_OPS[0]).Set(
                    _like(prim, STANDARD_OPS[0], translate + own @ np.linalg.inv(frame))
                )


def second_moments(mass: float, inertia: np.ndarray) -> np.ndarray:
    """Return the mass's second moments about its centre, (3, 3), of an inertia (3, 3)."""
    return 0.5 * np.trace(inertia) * np.eye(3) - inertia


def scaled_inertia(mass: float, inertia: np.ndarray, factors: np.ndarray, mass_factor: float) -> np.ndarray:
    """Return the inertia (3, 3) about its centre of a body whose every point moved to `factors` times where it was."""
    moments = second_moments(mass, inertia) * np.outer(factors, factors) * mass_factor
    return np.trace(moments) * np.eye(3) - moments


def _scale_mass(prim: Any, stretch: np.ndarray, size: np.ndarray, density: bool) -> None:
    """Stretch a link's mass with it; with `density`, let it grow with the geometry."""
    from pxr import Gf, UsdPhysics

    factors = stretch * (size if density else 1.0)
    if np.all(factors == 1.0):
        return
    api = UsdPhysics.MassAPI(prim)
    mass = api.GetMassAttr().Get() or 0.0
    if mass <= 0.0:
        raise BuildError(f"link '{prim.GetName()}' has no mass of its own in the USD; give it one, so that it is known")
    mass_factor = float(np.prod(size)) if density else 1.0
    centre = api.GetCenterOfMassAttr().Get()
    if api.GetCenterOfMassAttr().HasAuthoredValue():
        api.GetCenterOfMassAttr().Set(Gf.Vec3f(*(float(c * f) for c, f in zip(centre, factors, strict=True))))
    if api.GetDiagonalInertiaAttr().HasAuthoredValue():
        frame = np.array(Gf.Matrix3d(Gf.Quatd(api.GetPrincipalAxesAttr().Get() or Gf.Quatf(1)))).T
        inertia = frame @ np.diag(np.array(api.GetDiagonalInertiaAttr().Get(), float)) @ frame.T
        new = scaled_inertia(mass, inertia, factors, mass_factor)
        values, axes = np.linalg.eigh(new)
        if np.linalg.det(axes) < 0.0:
            axes[:, 0] = -axes[:, 0]
        api.GetDiagonalInertiaAttr().Set(Gf.Vec3f(*map(float, values)))
        quaternion = Gf.Matrix3d(*map(float, axes.T.ravel())).ExtractRotation().GetQuat()
        api.GetPrincipalAxesAttr().Set(Gf.Quatf(quaternion))
        whole = prim.GetAttribute("newton:inertia")  # what Newton reads where it is written
        if whole and whole.HasAuthoredValue():
            whole.Set(type(whole.Get())([float(new[i, j]) for i, j in _SIX]))
    if mass_factor != 1.0:
        api.GetMassAttr().Set(float(mass * mass_factor))


def _below(prim: Any) -> Iterator[Any]:
    from pxr import Usd

    return iter(Usd.PrimRange(prim, Usd.TraverseInstanceProxies()))


def _placed(prim: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return translation, rotation (columns are its own axes) and scale of a prim below its parent."""
    from pxr import Gf, UsdGeom

    names = tuple(op.GetOpName() for op in UsdGeom.Xformable(prim).GetOrderedXformOps())
    if names != STANDARD_OPS:
        raise BuildError(
            f"'{prim.GetPath()}' is placed by {', '.join(names) or 'nothing'}; it can be built with"
            f" {', '.join(STANDARD_OPS)}, as urdf-usd-converter writes them"
        )
    translate, orient, scale = (prim.GetAttribute(name).Get() for name in STANDARD_OPS)
    rotation = np.array(Gf.Matrix3d(Gf.Quatd(orient))).T
    return np.array(translate, float), rotation, np.array(scale, float)


def _is_round(prim: Any) -> bool:
    from pxr import UsdGeom

    return any(prim.IsA(kind) for kind in (UsdGeom.Sphere, UsdGeom.Capsule, UsdGeom.Cylinder, UsdGeom.Cone))


def _scale_round(prim: Any, size: np.ndarray, stretch: np.ndarray) -> None:
    """A round shape stays round: its length follows the stretch, its radius the size alone."""
    from pxr import UsdGeom

    if prim.IsA(UsdGeom.Sphere):
        across, along = size, None
    else:
        along = _AXES[str(prim.GetAttribute("axis").Get())]
        across = np.delete(size, along)
    if np.ptp(across) > 1e-9:
        raise BuildError(f"'{prim.GetPath()}' is round and cannot have {size.tolist()} times its size; give one factor")
    prim.GetAttribute("radius").Set(float(prim.GetAttribute("radius").Get() * across[0]))
    if along is not None:
        height = prim.GetAttribute("height")
        height.Set(float(height.Get() * size[along] * stretch[along]))


def _like(prim: Any, name: str, value: np.ndarray) -> Any:
    """Return a vector in the type that an attribute has."""
    return type(prim.GetAttribute(name).Get())(*map(float, value))
