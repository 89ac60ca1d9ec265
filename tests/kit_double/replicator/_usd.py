"""Writing on prims of the real stage: poses, attributes, visibility, labels, materials; and reading them back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pxr import Gf, Sdf, Usd, UsdGeom, UsdSemantics, UsdShade, Vt

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
_EULER = {order: getattr(UsdGeom.XformOp, f"TypeRotate{order}") for order in ORDERS}


def free_path(stage: Usd.Stage, path: str) -> str:
    """``path``, or ``path_01``, ``path_02``, ...: the first that no prim has."""
    found, count = path, 0
    while stage.GetPrimAtPath(found):
        count += 1
        found = f"{path}_{count:02}"
    return found


def world(prim: Usd.Prim) -> Gf.Matrix4d:
    """Local to world, row vectors."""
    return UsdGeom.XformCache().GetLocalToWorldTransform(prim)


def parts_of(prim: Usd.Prim) -> tuple[Gf.Vec3d, Gf.Rotation, Gf.Vec3d]:
    """Translation, rotation and scale of the local transform."""
    transform = Gf.Transform(UsdGeom.Xformable(prim).GetLocalTransformation())
    return transform.GetTranslation(), transform.GetRotation(), transform.GetScale()


def write_pose(
    prim: Usd.Prim,
    position: Sequence[float] | None = None,
    rotation: Any = None,
    scale: Sequence[float] | None = None,
    order: str = "XYZ",
) -> None:
    """Writes parts of the local pose, the others kept.

    Args:
        prim: An xformable prim.
        position: Translation in the parent's frame [stage units].
        rotation: Three Euler angles [deg] in ``order``, or a ``Gf.Rotation``.
        scale: Factors.
        order: The order of the Euler angles.
    """
    if not prim.IsA(UsdGeom.Xformable):
        raise ValueError(f"{prim.GetPath()} is a {prim.GetTypeName() or 'typeless prim'}: it has no pose")
    old_position, old_rotation, old_scale = parts_of(prim)
    xform = UsdGeom.Xformable(prim)
    ops = xform.GetOrderedXformOps()
    if rotation is None:
        euler = next((op for op in ops if op.GetOpType() in _EULER.values()), None)
        order = "XYZ" if euler is None else next(o for o, t in _EULER.items() if t == euler.GetOpType())
        rotation = old_rotation if euler is None else tuple(euler.Get())
    turn = UsdGeom.XformOp.TypeOrient if isinstance(rotation, Gf.Rotation) else _EULER[order]
    wanted = [UsdGeom.XformOp.TypeTranslate, turn, UsdGeom.XformOp.TypeScale]
    if [op.GetOpType() for op in ops] != wanted:
        xform.ClearXformOpOrder()
        ops = [xform.AddXformOp(kind, _precision(prim, kind)) for kind in wanted]
    _set_op(ops[0], old_position if position is None else position)
    _set_op(ops[1], rotation)
    _set_op(ops[2], old_scale if scale is None else scale)


def _precision(prim: Usd.Prim, kind: UsdGeom.XformOp.Type) -> UsdGeom.XformOp.Precision:
    """That of the attribute which is there, or double."""
    attribute = prim.GetAttribute(f"xformOp:{UsdGeom.XformOp.GetOpTypeToken(kind)}")
    return UsdGeom.XformOp(attribute).GetPrecision() if attribute else UsdGeom.XformOp.PrecisionDouble


def _set_op(op: UsdGeom.XformOp, value: Any) -> None:
    """Writes in the precision that the attribute has."""
    short = op.GetPrecision() != UsdGeom.XformOp.PrecisionDouble
    if isinstance(value, Gf.Rotation):
        op.Set(Gf.Quatf(value.GetQuat()) if short else Gf.Quatd(value.GetQuat()))
    else:
        op.Set(Gf.Vec3f(*value) if short else Gf.Vec3d(*value))


def look_at(prim: Usd.Prim, target: Sequence[float], up: Sequence[float]) -> Gf.Rotation:
    """The local rotation that turns the prim's -z to a point of the world, its y towards ``up``.

    Raises:
        ValueError: the prim stands on the point, or looks along ``up``.
    """
    eye = world(prim).ExtractTranslation()
    ahead = Gf.Vec3d(*target) - eye
    if ahead.GetLength() < 1e-9:
        raise ValueError(f"{prim.GetPath()} stands at {tuple(eye)} and cannot look at {tuple(target)}")
    ahead.Normalize()
    right = Gf.Cross(ahead, Gf.Vec3d(*up))
    if right.GetLength() < 1e-6:
        raise ValueError(f"{prim.GetPath()} would look along its up axis {tuple(up)}")
    right.Normalize()
    above = Gf.Cross(right, ahead)
    rows = Gf.Matrix4d(1.0)
    for row, axis in enumerate((right, above, -ahead)):
        rows.SetRow(row, Gf.Vec4d(*axis, 0.0))
    parent = world(prim.GetParent()).GetOrthonormalized() if prim.GetParent() else Gf.Matrix4d(1.0)
    return rows.ExtractRotation() * parent.ExtractRotation().GetInverse()


def point_of(stage: Usd.Stage, target: Any) -> tuple[float, float, float]:
    """A target of ``look_at`` as a point of the world: a path, a prim or three numbers."""
    if isinstance(target, (str, Sdf.Path)):
        prim = stage.GetPrimAtPath(str(target))
        if not prim:
            raise ValueError(f"look_at: there is no prim at {str(target)!r}")
        target = prim
    if isinstance(target, Usd.Prim):
        return tuple(world(target).ExtractTranslation())
    return vector("look_at", target)


def vector(what: str, value: Any, size: int = 3) -> tuple[float, ...]:
    """A tuple or list of ``size`` plain numbers.

    Raises:
        TypeError: another type. ValueError: another length, or not finite.
    """
    if not isinstance(value, (tuple, list, Gf.Vec3d, Gf.Vec3f)) or not all(is_number(v) for v in value):
        raise TypeError(f"{what} must be {size} plain numbers in a tuple, got {type(value).__name__} {value!r}")
    if len(value) != size:
        raise ValueError(f"{what} must have {size} numbers, got {len(value)}: {value!r}")
    if not all(math.isfinite(v) for v in value):
        raise ValueError(f"{what} must be finite, got {value!r}")
    return tuple(float(v) for v in value)


def is_number(value: Any) -> bool:
    """A Python int or float; a bool or a NumPy scalar is none, since bindings reject it."""
    return type(value) in (int, float)


def leaves(prims: list[Usd.Prim], name: str) -> list[Usd.Prim]:
    """The prims that an attribute is written on: what stands below Replicator's own Xforms, where they lack it."""
    if not prims or "xformOp" in name or prims[0].HasAttribute(name):
        return prims
    found: list[Usd.Prim] = []
    for prim in prims:
        found += leaves(list(prim.GetChildren()), name) if prim.HasAttribute("replicatorXform") else [prim]
    return found


def set_attribute(prim: Usd.Prim, name: str, value: Any, type_name: str | None = None) -> None:
    """Sets an attribute, also without its ``inputs:``; of a material that of its shader.

    Raises:
        ValueError: the prim has no such attribute and no type was given to make it.
    """
    if prim.IsA(UsdShade.Material):
        prim = shader_of(prim).GetPrim()
    attribute = prim.GetAttribute(name) or prim.GetAttribute(f"inputs:{name}")
    if not attribute:
        if type_name is None:
            near = [a.GetName() for a in prim.GetAttributes()]
            raise ValueError(f"{prim.GetPath()} ({prim.GetTypeName()}) has no attribute {name!r}; it has {near}")
        attribute = prim.CreateAttribute(name, Sdf.ValueTypeNames.Find(type_name))
    wanted = attribute.GetTypeName()
    if not attribute.Set(_as_type(value, wanted)):
        raise ValueError(f"{prim.GetPath()}.{attribute.GetName()} is a {wanted} and refused {value!r}")


def _as_type(value: Any, wanted: Sdf.ValueTypeName) -> Any:
    scalar = wanted.scalarType.type.pythonClass
    if wanted.isArray:
        return value
    if scalar in (int, float, bool, str) and not isinstance(value, (tuple, list)):
        return scalar(value)
    if scalar is Sdf.AssetPath:
        return value if isinstance(value, Sdf.AssetPath) else Sdf.AssetPath(str(value))
    if isinstance(value, (tuple, list)) and scalar is not None and hasattr(scalar, "dimension"):
        return scalar(*value)
    return value


def set_visible(prim: Usd.Prim, visible: bool) -> None:
    """Makes a prim ``inherited`` or ``invisible``."""
    if not prim.IsA(UsdGeom.Imageable):
        raise ValueError(f"{prim.GetPath()} is a {prim.GetTypeName() or 'typeless prim'}: it cannot be hidden")
    token = UsdGeom.Tokens.inherited if visible else UsdGeom.Tokens.invisible
    UsdGeom.Imageable(prim).CreateVisibilityAttr().Set(token)


def set_labels(prim: Usd.Prim, semantics: Any, mode: str = "add") -> None:
    """Labels by taxonomy, as UsdSemantics stores them.

    Args:
        prim: The prim.
        semantics: ``{"class": "cube"}``, ``{"class": ["a", "b"]}``, or pairs.
        mode: ``"add"``, ``"replace"`` (of the taxonomies given) or ``"clear"`` (all first).
    """
    if mode not in ("add", "replace", "clear"):
        raise ValueError(f"mode {mode!r} of semantics: one of 'add', 'replace', 'clear'")
    if mode == "clear":
        for name in UsdSemantics.LabelsAPI.GetDirectTaxonomies(prim):
            prim.RemoveAPI(UsdSemantics.LabelsAPI, name)
            prim.RemoveProperty(f"semantics:labels:{name}")
    pairs = list(semantics.items()) if isinstance(semantics, dict) else [tuple(pair) for pair in semantics or ()]
    for taxonomy, value in pairs:
        labels = [value] if isinstance(value, str) else list(value)
        if not isinstance(taxonomy, str) or not all(isinstance(label, str) for label in labels):
            raise TypeError(f"semantics must name strings, got {taxonomy!r}: {value!r}")
        attribute = UsdSemantics.LabelsAPI.Apply(prim, taxonomy).CreateLabelsAttr()
        kept = [] if mode != "add" else list(attribute.Get() or [])
        attribute.Set(Vt.TokenArray([*kept, *(label for label in labels if label not in kept)]))


def labels_of(prim: Usd.Prim) -> dict[str, list[str]]:
    """Labels by taxonomy, those of ancestors included."""
    found: dict[str, list[str]] = {}
    while prim and not prim.IsPseudoRoot():
        for name in UsdSemantics.LabelsAPI.GetDirectTaxonomies(prim):
            for label in UsdSemantics.LabelsAPI(prim, name).GetLabelsAttr().Get() or []:
                found.setdefault(str(name), [])
                if str(label) not in found[str(name)]:
                    found[str(name)].append(str(label))
        prim = prim.GetParent()
    return found


def make_material(stage: Usd.Stage, path: str, inputs: dict[str, Any], mdl: str = "OmniPBR.mdl") -> Usd.Prim:
    """A material with one MDL shader below it."""
    material = UsdShade.Material.Define(stage, path)
    shader = UsdShade.Shader.Define(stage, f"{path}/Shader")
    shader.CreateImplementationSourceAttr().Set(UsdShade.Tokens.sourceAsset)
    shader.SetSourceAsset(Sdf.AssetPath(mdl), "mdl")
    shader.SetSourceAssetSubIdentifier(mdl.rsplit("/", 1)[-1].split(".mdl")[0], "mdl")
    material.CreateSurfaceOutput("mdl").ConnectToSource(shader.ConnectableAPI(), "out")
    for name, value in inputs.items():
        set_shader_input(shader, name, value)
    return material.GetPrim()


def set_shader_input(shader: UsdShade.Shader, name: str, value: Any) -> None:
    """Sets an input of an MDL shader, typed by its value."""
    kinds = Sdf.ValueTypeNames
    if isinstance(value, bool):
        kind = kinds.Bool
    elif isinstance(value, (str, Sdf.AssetPath)):
        kind, value = kinds.Asset, Sdf.AssetPath(str(getattr(value, "path", value)))
    elif isinstance(value, (tuple, list)):
        kind, value = (kinds.Color3f, Gf.Vec3f(*value)) if len(value) == 3 else (kinds.Float2, Gf.Vec2f(*value))
    else:
        kind, value = kinds.Float, float(value)
    shader.CreateInput(name, kind).Set(value)


def shader_of(material: Usd.Prim) -> UsdShade.Shader:
    """The one shader below a material."""
    return UsdShade.Shader(next(child for child in material.GetChildren() if child.IsA(UsdShade.Shader)))


def bind_material(prim: Usd.Prim, material: Usd.Prim) -> None:
    """Binds a material to a prim, stronger than what its children bind."""
    if not material or not material.IsA(UsdShade.Material):
        raise ValueError(f"{material.GetPath() if material else material!r} is no material prim")
    api = UsdShade.MaterialBindingAPI.Apply(prim)
    api.Bind(UsdShade.Material(material), UsdShade.Tokens.strongerThanDescendants)
