"""URDF to a USD that both engines read the same way, cached by content.

`urdf-usd-converter` keeps geometry, masses and joints, but fixes the base to the world, authors no joint drives (PhysX
then ignores actuator gains silently) and no physics materials (MuJoCo combines friction by the maximum, PhysX by the
average). `convert_urdf` mends the three, flattens the result into one file, and keys it by the URDF's text, the meshes
that it names, the recipe below and the converter's version. A file that is there is whole: it is renamed into place
last. A vendor's robot is read where its package lies; only the cache holds what was made of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from sim2real.errors import Sim2RealError
from sim2real.paths import cache_dir

RECIPE = 4
"""Raised when the post step below changes, so that cached files of the old recipe are not used."""


class RobotAssetError(Sim2RealError):
    """A robot description that cannot be turned into a simulation asset."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class UrdfCfg:
    """What the URDF does not say, and both engines must know."""

    urdf: Path
    """The robot description."""
    floating_base: bool = True
    """True for a robot that moves: the converter's joint between world and base is removed."""
    drives: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Maximum effort [N·m or N] by joint-name regex. A joint that matches none gets no drive. Gains come from the
    actuators.
    """
    friction: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Coefficient of friction by link/collider regex, first match wins; both engines combine a pair by the maximum."""

    def digest(self) -> str:
        """Hash of everything that decides the result."""
        parts = [
            str(RECIPE),
            version("urdf-usd-converter"),
            str(self.floating_base),
            json.dumps(dict(self.drives)),
            json.dumps(dict(self.friction)),
        ]
        digest = hashlib.sha256("\n".join(parts).encode() + self.urdf.read_bytes())
        for mesh in mesh_files(self.urdf):
            digest.update(mesh.read_bytes())
        return digest.hexdigest()[:16]


def mesh_files(urdf: Path) -> list[Path]:
    """The meshes that a URDF names, in its order and each once; those that are not there are the converter's to report.

    `package://name/rest` is looked for as the converter does: `name/rest`, else `rest`, below a folder above the URDF.
    """
    found: dict[Path, None] = {}
    for name in re.findall(r'<mesh[^>]*filename="([^"]+)"', urdf.read_text()):
        parts = Path(name.removeprefix("package://").removeprefix("file://"))
        tails = [parts, Path(*parts.parts[1:])] if name.startswith("package://") else [parts]
        places = (folder / tail for folder in urdf.resolve().parents for tail in tails)
        path = next((place for place in places if place.is_file()), None)
        if path:
            found[path] = None
    return list(found)


def convert_urdf(cfg: UrdfCfg) -> Path:
    """Convert `cfg.urdf` unless that was done before; return the path of the one USD file.

    Raises:
        RobotAssetError: the URDF is missing or the converter refuses it, or a regex matches nothing.
    """
    if not cfg.urdf.is_file():
        raise RobotAssetError(f"no URDF at {cfg.urdf}")
    # Text where a person may want to read it, binary where it is vertices.
    suffix = ".usdc" if mesh_files(cfg.urdf) else ".usda"
    target = cache_dir("robots") / f"{cfg.urdf.stem}-{cfg.digest()}{suffix}"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".converting-"))
    try:
        out = (work / "robot").with_suffix(suffix)
        _convert(cfg, work, out)
        os.replace(out, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _convert(cfg: UrdfCfg, work: Path, out: Path) -> None:
    import urdf_usd_converter
    from pxr import Usd

    try:
        with _only_errors_are_said():
            asset = urdf_usd_converter.Converter(scene=False).convert(str(cfg.urdf), str(work / "converted"))
    except Exception as error:
        raise RobotAssetError(f"{cfg.urdf} cannot be converted: {error}") from error
    converted = Usd.Stage.Open(asset.path)
    for prim in [prim for prim in converted.Traverse() if prim.IsInstance()]:
        prim.SetInstanceable(
            False
        )  # flattening moves what instances share out of the robot, out of a reference's sight
    converted.Flatten().Export(str(out))
    stage = Usd.Stage.Open(str(out))
    if cfg.floating_base and not _free_base(stage):
        raise RobotAssetError(
            f"{cfg.urdf}: the converter wrote no joint 'root_joint' between world and base to remove; its release is"
            " another one than this was written for"
        )
    _add_drives(stage, cfg)
    _bind_materials(stage, cfg)
    stage.GetRootLayer().Save()


@contextlib.contextmanager
def _only_errors_are_said() -> Iterator[None]:
    """The converter tells of every file that it opens."""
    import usdex.core

    active, level = usdex.core.isDiagnosticsDelegateActive(), usdex.core.getDiagnosticsLevel()
    usdex.core.activateDiagnosticsDelegate()
    usdex.core.setDiagnosticsLevel(usdex.core.DiagnosticsLevel.eError)
    try:
        yield
    finally:
        usdex.core.setDiagnosticsLevel(level)
        if not active:
            usdex.core.deactivateDiagnosticsDelegate()


def _free_base(stage) -> bool:
    """Remove the joint that pins the base; whether there was one."""
    from pxr import UsdPhysics

    joints = [p for p in stage.Traverse() if p.IsA(UsdPhysics.FixedJoint) and p.GetName() == "root_joint"]
    for prim in joints:
        stage.RemovePrim(prim.GetPath())
    return bool(joints)


def _add_drives(stage, cfg: UrdfCfg) -> None:
    from pxr import UsdPhysics

    unused = set(cfg.drives)
    for prim in stage.Traverse():
        kind = {True: "angular", False: "linear"}.get(prim.IsA(UsdPhysics.RevoluteJoint))
        if not (prim.IsA(UsdPhysics.RevoluteJoint) or prim.IsA(UsdPhysics.PrismaticJoint)):
            continue
        for pattern, effort in cfg.drives.items():
            if re.fullmatch(pattern, prim.GetName()):
                unused.discard(pattern)
                drive = UsdPhysics.DriveAPI.Apply(prim, kind)
                drive.CreateTypeAttr("force")
                drive.CreateStiffnessAttr(0.0)
                drive.CreateDampingAttr(0.0)
                drive.CreateMaxForceAttr(effort)
                break
    if unused:
        raise RobotAssetError(f"{cfg.urdf}: drives {sorted(unused)} match no joint")


def _bind_materials(stage, cfg: UrdfCfg) -> None:
    from pxr import Sdf, UsdPhysics, UsdShade

    root = stage.GetDefaultPrim().GetPath()
    materials = {}
    for index, (pattern, mu) in enumerate(cfg.friction.items()):
        material = UsdShade.Material.Define(stage, root.AppendPath(f"PhysicsMaterial_{index}"))
        api = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
        api.CreateStaticFrictionAttr(mu)
        api.CreateDynamicFrictionAttr(mu)
        api.CreateRestitutionAttr(0.0)
        material.GetPrim().AddAppliedSchema("PhysxMaterialAPI")
        attribute = material.GetPrim().CreateAttribute("physxMaterial:frictionCombineMode", Sdf.ValueTypeNames.Token)
        attribute.Set("max")
        materials[pattern] = material
    unused = set(cfg.friction)
    for prim in stage.Traverse():
        if not prim.HasAPI(UsdPhysics.CollisionAPI):
            continue
        name = f"{prim.GetParent().GetName()}/{prim.GetName()}"
        for pattern, material in materials.items():
            if re.fullmatch(pattern, name):
                unused.discard(pattern)
                binding = UsdShade.MaterialBindingAPI.Apply(prim)
                binding.Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")
                break
        else:
            raise RobotAssetError(f"{cfg.urdf}: no friction pattern matches the collider '{name}'; add one")
    if unused:
        raise RobotAssetError(f"{cfg.urdf}: friction patterns {sorted(unused)} match no collider")
