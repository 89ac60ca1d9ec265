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
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from sim2real.errors import Sim2RealError
from sim2real.paths import cache_dir

from .fuse import freeze_joints, fuse_links

RECIPE = 7
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
    fuse: str = ""
    """Regex of links on a fixed joint that become part of their parent (`fuse.py`); those with a collider but without
    a mass do in any case.
    """
    freeze: str = ""
    """Regex of joints that become fixed at their zero, such as those of a hand that holds still."""

    def digest(self) -> str:
        """Hash of everything that decides the result."""
        parts = [
            str(RECIPE),
            version("urdf-usd-converter"),
            str(self.floating_base),
            json.dumps(dict(self.drives)),
            json.dumps(dict(self.friction)),
            self.fuse,
            self.freeze,
        ]
        digest = hashlib.sha256("\n".join(parts).encode() + self.urdf.read_bytes())
        for mesh in mesh_files(self.urdf):
            digest.update(mesh.read_bytes())
        return digest.hexdigest()[:16]


def mesh_files(urdf: Path) -> list[Path]:
    """The meshes that a URDF names, in its order and each once; those that are not there are the converter's to report.

    `package://name/rest` is looked for as the converter does: `name/rest`, else `rest`, below a folder above the URDF.
    """
    names = re.findall(r'<mesh[^>]*filename="([^"]+)"', urdf.read_text())
    return list(dict.fromkeys(path for name in names if (path := _mesh_file(urdf, name))))


def _mesh_file(urdf: Path, name: str) -> Path | None:
    parts = Path(name.removeprefix("package://").removeprefix("file://"))
    tails = [parts, Path(*parts.parts[1:])] if name.startswith("package://") else [parts]
    places = (folder / tail for folder in urdf.resolve().parents for tail in tails)
    return next((place for place in places if place.is_file()), None)


_SOURCES: dict[str, Path] = {}


def source_of(usd: str | Path) -> Path:
    """Return the URDF that a USD of this process's robots was converted from.

    Raises:
        RobotAssetError: it was not made by `convert_urdf`.
    """
    if str(usd) not in _SOURCES:
        raise RobotAssetError(f"{usd} was not converted from a URDF by convert_urdf in this process")
    return _SOURCES[str(usd)]


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
    _SOURCES[str(target)] = cfg.urdf
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".converting-"))
    try:
        out = (work / "robot").with_suffix(suffix)
        _convert(cfg, work, out) if _schemas_are_known() else _convert_elsewhere(cfg, work, out)
        os.replace(out, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _schemas_are_known() -> bool:
    """USD reads its list of schemas once: the converter's are missing where a stage was opened before its import."""
    import urdf_usd_converter  # noqa: F401
    from pxr import Usd

    return Usd.SchemaRegistry().FindAppliedAPIPrimDefinition("NewtonArticulationRootAPI") is not None


def _convert_elsewhere(cfg: UrdfCfg, work: Path, out: Path) -> None:
    """Convert in a process of its own, whose USD has read nothing yet."""
    given = pickle.dumps((dataclasses.replace(cfg, drives=dict(cfg.drives), friction=dict(cfg.friction)), work, out))
    code = (
        "import pickle, sys, urdf_usd_converter; from sim2real_tasks.robots import convert;"
        " convert._convert(*pickle.load(sys.stdin.buffer))"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, env={**os.environ, "PYTHONPATH": paths}
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise RobotAssetError(said[-1].removeprefix(f"{RobotAssetError.__module__}.RobotAssetError: "))


def _convert(cfg: UrdfCfg, work: Path, out: Path) -> None:
    import urdf_usd_converter
    from pxr import Usd

    try:
        with _only_errors_are_said():
            asset = urdf_usd_converter.Converter(scene=False).convert(str(_fused(cfg, work)), str(work / "converted"))
    except Exception as error:
        raise RobotAssetError(f"{cfg.urdf} cannot be converted: {error}") from error
    converted = Usd.Stage.Open(asset.path)
    for prim in [prim for prim in converted.Traverse() if prim.IsInstance()]:
        # Flattening moves what instances share out of the robot, out of a reference's sight.
        prim.SetInstanceable(False)
    converted.Flatten().Export(str(out))
    stage = Usd.Stage.Open(str(out))
    if cfg.floating_base and not _free_base(stage):
        raise RobotAssetError(
            f"{cfg.urdf}: the converter wrote no joint 'root_joint' between world and base to remove; its release is"
            " another one than this was written for"
        )
    if not cfg.floating_base:
        _root_above_base(stage)
    _add_drives(stage, cfg)
    _bind_materials(stage, cfg)
    stage.GetRootLayer().Save()


def _fused(cfg: UrdfCfg, work: Path) -> Path:
    """Return the description to convert: the vendor's own, or one in `work` whose fixed links are parts of others."""
    tree = ElementTree.parse(cfg.urdf)
    frozen = freeze_joints(tree.getroot(), cfg.freeze) if cfg.freeze else []
    if cfg.freeze and not frozen:
        raise RobotAssetError(f"{cfg.urdf}: freeze '{cfg.freeze}' matches no joint")
    fused = fuse_links(tree.getroot(), cfg.fuse)
    if cfg.fuse and not any(re.fullmatch(cfg.fuse, name) for name in fused):
        raise RobotAssetError(f"{cfg.urdf}: fuse '{cfg.fuse}' matches no link on a fixed joint")
    if not fused and not frozen:
        return cfg.urdf
    for mesh in tree.iter("mesh"):
        path = _mesh_file(cfg.urdf, mesh.get("filename", ""))
        if path:
            mesh.set("filename", str(path))
    out = work / cfg.urdf.name
    tree.write(out)
    return out


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


def _root_above_base(stage) -> None:
    """Move the articulation's root from the base to the robot: with it on the base, PhysX lets the base float on a
    constraint, which a heavy arm tears.
    """
    from pxr import UsdPhysics

    for prim in [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.ArticulationRootAPI)]:
        prim.RemoveAPI(UsdPhysics.ArticulationRootAPI)
        prim.RemoveAppliedSchema("NewtonArticulationRootAPI")  # brings PhysX's along
    UsdPhysics.ArticulationRootAPI.Apply(stage.GetDefaultPrim())
    stage.GetDefaultPrim().AddAppliedSchema("NewtonArticulationRootAPI")


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
