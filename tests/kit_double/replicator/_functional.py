"""rep.functional: calls that act on the stage at once and give prims; stricter with lists than the real ones."""

from __future__ import annotations

from typing import Any

from pxr import Sdf, Usd, UsdGeom, UsdShade

from . import _shapes, _usd
from ._create import check_near, check_texture
from ._functional_physics import Physics
from ._functional_pose import as_prims, batched, set_pose
from ._nodes import new_path, plain
from ._rep import Rep

_POSE = ("position", "rotation", "scale", "look_at", "look_at_up_axis", "relative_to", "pivot")


OMNI_PBR = frozenset({"diffuse_color_constant", "diffuse_texture", "diffuse_tint", "albedo_brightness", "albedo_add",
                      "albedo_desaturation", "reflection_roughness_constant", "reflectionroughness_texture",
                      "reflection_roughness_texture_influence", "metallic_constant", "metallic_texture",
                      "metallic_texture_influence", "specular_level", "enable_emission", "emissive_color",
                      "emissive_color_texture", "emissive_intensity", "enable_opacity", "opacity_constant",
                      "bump_factor", "normalmap_texture", "project_uvw", "world_or_object", "texture_scale",
                      "texture_rotate", "texture_translate"})  # fmt: skip


class Functional:
    """The bodies of one installation."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep

    # Create ---------------------------------------------------------------------------------------------------------

    def _path(self, name: Any, parent: Any, kind: str) -> str:
        if parent is None:
            parent = "/"
        elif isinstance(parent, Usd.Prim) or self._rep.stage().GetPrimAtPath(str(parent)):
            prim = parent if isinstance(parent, Usd.Prim) else self._rep.stage().GetPrimAtPath(str(parent))
            if prim.IsA(UsdGeom.Boundable):
                raise ValueError(f"{prim.GetPath()} is a {prim.GetTypeName()}: nothing may stand below a gprim")
        return new_path(self._rep, parent, name or kind)

    def _finish(self, what: str, prims: list[Usd.Prim], a: dict[str, Any]) -> None:
        given = {k: a.get(k) for k in _POSE}
        if given["look_at"] is not None and given["look_at_up_axis"] is None:
            given["look_at_up_axis"] = self._rep.up_axis()
        set_pose(self._rep, what, prims, **given)
        for prim in prims:
            if a.get("semantics") is not None:
                _usd.set_labels(prim, a["semantics"])
            if type(a.get("visible", True)) is not bool:
                raise ValueError(f"{what}: visible must be True or False, got {a['visible']!r}")
            if not a.get("visible", True):
                _usd.set_visible(prim, False)
            if a.get("material") is not None:
                _usd.bind_material(prim, as_prims(f"{what}(material=)", a["material"])[0])

    def shape(self, kind: str, batch: bool) -> Any:
        """The body of ``create.<shape>`` or ``create_batch.<shape>``."""
        what = f"functional.create{'_batch' if batch else ''}.{kind.lower()}"

        def make(name: Any, parent: Any, count: int = 1, as_mesh: bool = True, **a: Any) -> Any:
            stage = self._rep.stage()
            prims = []
            for _ in range(count):
                path = self._path(name, parent, kind)
                if kind == "Xform":
                    prims.append(UsdGeom.Xform.Define(stage, path).GetPrim())
                else:
                    prims.append(_shapes.define_shape(stage, path, kind, as_mesh))
            self._finish(what, prims, a)
            return prims if batch else prims[0]

        return make

    def camera(self, batch: bool) -> Any:
        """The body of ``create.camera`` or ``create_batch.camera``."""
        what = f"functional.create{'_batch' if batch else ''}.camera"

        def make(name: Any, parent: Any, count: int = 1, **a: Any) -> Any:
            check_near(self._rep, what, a["clipping_range"])
            stage = self._rep.stage()
            prims = [_shapes.define_camera(stage, self._path(name, parent, "Camera"), a) for _ in range(count)]
            self._finish(what, prims, a)
            return prims if batch else prims[0]

        return make

    def light(self, kind: str) -> Any:
        """The body of ``create.<kind>_light``."""
        what = f"functional.create.{kind}_light"

        def make(name: Any, parent: Any, **a: Any) -> Usd.Prim:
            title = f"{kind.capitalize()}Light"
            prim = _shapes.define_light(self._rep.stage(), self._path(name, parent, title), kind)
            names = {"color_temperature": "inputs:colorTemperature", "texture": "inputs:texture:file",
                     "enable_color_temperature": "inputs:enableColorTemperature",
                     "texture_format": "inputs:texture:format"}  # fmt: skip
            plainly = ("color", "intensity", "exposure", "diffuse", "specular", "radius", "length", "width", "height")
            for key in (*plainly, "angle", *names):
                value = a.get(key)
                if value is None:
                    continue
                if key == "texture":
                    check_texture(self._rep, value)
                if key == "color":
                    value = _usd.vector(f"{what}(color=)", value)
                elif key not in ("texture", "texture_format") and not isinstance(value, bool):
                    if not _usd.is_number(value):
                        raise TypeError(f"{what}({key}=) must be a number, got {value!r}")
                _usd.set_attribute(prim, names.get(key, f"inputs:{key}"), value)
            if a["color_temperature"] != 6500 and not a["enable_color_temperature"]:
                self._rep.warn(
                    f"{what}: color_temperature without enable_color_temperature=True is ignored", fault=True
                )
            self._finish(what, [prim], a)
            return prim

        return make

    def scope(self, name: Any, parent: Any) -> Usd.Prim:
        """A scope."""
        return UsdGeom.Scope.Define(self._rep.stage(), self._path(name, parent, "Scope")).GetPrim()

    def reference(self, usd_path: Any, prim_path: Any, name: Any, parent: Any, **a: Any) -> Usd.Prim:
        """A prim that references a file or another prim."""
        from pathlib import Path

        if (usd_path is None) == (prim_path is None):
            raise ValueError("functional.create.reference takes usd_path or prim_path")
        if usd_path is not None and "://" not in str(usd_path) and not Path(str(usd_path)).is_file():
            raise ValueError(f"functional.create.reference: there is no file {str(usd_path)!r}")
        prim = self._rep.stage().DefinePrim(self._path(name, parent, "Reference"), "Xform")
        if usd_path is not None:
            prim.GetReferences().AddReference(str(usd_path))
        else:
            prim.GetReferences().AddInternalReference(str(prim_path))
        self._finish("functional.create.reference", [prim], a)
        return prim

    def clone(self, path: Any, name: Any, parent: Any, **a: Any) -> Usd.Prim:
        """A copy of a prim."""
        stage = self._rep.stage()
        source = path if isinstance(path, Usd.Prim) else stage.GetPrimAtPath(str(path))
        if not source:
            raise ValueError(f"functional.create.clone: there is no prim at {str(path)!r}")
        where = self._path(name, parent or source.GetParent(), source.GetName())
        layer = stage.GetEditTarget().GetLayer()
        Sdf.CreatePrimInLayer(layer, Sdf.Path(where))
        Sdf.CopySpec(stage.GetRootLayer(), source.GetPath(), layer, Sdf.Path(where))
        prim = stage.GetPrimAtPath(where)
        self._finish("functional.create.clone", [prim], a)
        return prim

    def material(self, mdl: Any, bind_prims: Any, name: Any, parent: Any, extra: dict[str, Any]) -> Usd.Prim:
        """An MDL material."""
        if not isinstance(mdl, str) or not mdl.endswith(".mdl"):
            raise ValueError(f"functional.create.material: mdl {mdl!r} is no .mdl")
        if isinstance(bind_prims, (list, tuple)) and not self._rep.kit.is_6:
            raise ValueError(
                f"Invalid bind prim {bind_prims} list: Isaac Sim 5.1 takes one prim; modify.material binds"
            )
        if mdl == "OmniPBR.mdl" and (unknown := sorted(set(extra) - OMNI_PBR)):
            raise ValueError(f"Invalid attribute name {unknown}: OmniPBR has {sorted(OMNI_PBR)}")
        if parent is None and not self._rep.stage().GetPrimAtPath("/Looks"):
            self._rep.stage().DefinePrim("/Looks", "Scope")
        path = self._path(name, parent if parent is not None else "/Looks", mdl.rsplit("/", 1)[-1].removesuffix(".mdl"))
        for key, value in extra.items():
            plain(f"functional.create.material({key}=)", value)
            if key.endswith("texture") and isinstance(value, str):
                check_texture(self._rep, value)
        made = _usd.make_material(self._rep.stage(), path, extra, mdl)
        for prim in [] if bind_prims is None else as_prims("functional.create.material(bind_prims=)", bind_prims):
            _usd.bind_material(prim, made)
        return made

    # Modify ---------------------------------------------------------------------------------------------------------

    def pose(self, prims: Any, **v: Any) -> None:
        """Writes poses."""
        found = as_prims("functional.modify.pose", prims)
        names = {"position": "position_value", "rotation": "rotation_value", "scale": "scale_value",
                 "look_at": "look_at_value"}  # fmt: skip
        if all(v[k] is None for k in (*names.values(), "pivot")):
            raise ValueError("functional.modify.pose without a value does nothing")
        if v.get("write_to_usd") not in (None, True, False):
            raise TypeError(f"functional.modify.pose: write_to_usd must be True or False, got {v['write_to_usd']!r}")
        rest = {k: v[k] for k in ("relative_to", "look_at_up_axis", "pivot", "rotation_order")}
        set_pose(self._rep, "functional.modify.pose", found, **{k: v[n] for k, n in names.items()}, **rest)

    def position(self, prims: Any, value: Any, relative_to: Any, pivot: Any) -> None:
        """Writes positions."""
        self._part("position", prims, value, relative_to=relative_to, pivot=pivot)

    def rotation(self, prims: Any, value: Any, value_rotation_order: str, relative_to: Any, pivot: Any) -> None:
        """Writes rotations."""
        more = {"relative_to": relative_to, "pivot": pivot, "rotation_order": value_rotation_order}
        self._part("rotation", prims, value, **more)

    def scale(self, prims: Any, value: Any, relative_to: Any) -> None:
        """Writes scales."""
        self._part("scale", prims, value, relative_to=relative_to)

    def look_at(self, prims: Any, value: Any, look_at_up_axis: Any) -> None:
        """Turns prims to a target."""
        self._part("look_at", prims, value, look_at_up_axis=look_at_up_axis)

    def _part(self, kind: str, prims: Any, value: Any, **more: Any) -> None:
        what = f"functional.modify.{kind}"
        set_pose(self._rep, what, as_prims(what, prims), **{kind: value}, **more)

    def attribute(self, prims: Any, attribute_name: str, value: Any) -> None:
        """Writes an attribute that exists."""
        found = as_prims("functional.modify.attribute", prims)
        for prim, v in zip(
            found, batched(f"functional.modify.attribute({attribute_name!r})", value, len(found)), strict=True
        ):
            if not prim.GetAttribute(attribute_name):
                raise ValueError(f"{prim.GetPath()} ({prim.GetTypeName()}) has no attribute {attribute_name!r}")
            _usd.set_attribute(prim, attribute_name, v)

    def semantics(self, prims: Any, value: Any, mode: str) -> None:
        """Writes labels."""
        for prim in as_prims("functional.modify.semantics", prims):
            _usd.set_labels(prim, value, mode)

    def visibility(self, prims: Any, value: Any) -> None:
        """Shows or hides."""
        found = as_prims("functional.modify.visibility", prims)
        for prim, v in zip(found, batched("functional.modify.visibility", value, len(found)), strict=True):
            if type(v) is not bool:
                raise ValueError(f"functional.modify.visibility takes True or False, got {v!r}")
            _usd.set_visible(prim, v)

    def bind(self, prims: Any, material_prim: Any) -> None:
        """Binds a material."""
        found = as_prims("functional.modify.material", prims)
        materials = as_prims("functional.modify.material", material_prim)
        for prim, material in zip(found, batched("material_prim", materials, len(found)), strict=True):
            if not material.IsA(UsdShade.Material):
                raise ValueError(f"{material.GetPath()} is a {material.GetTypeName()}, no material")
            _usd.bind_material(prim, material)


def contents(rep: Rep, writes: dict[str, Any]) -> dict[str, Any]:
    """The module's sub-modules and functions."""
    f, p = Functional(rep), Physics(rep)
    shapes = (*_shapes.SHAPES, "Xform")
    create = {
        **{kind.lower(): f.shape(kind, False) for kind in shapes},
        **{f"{kind}_light": f.light(kind) for kind in _shapes.LIGHTS},
        "camera": f.camera(False),
        "scope": f.scope,
        "reference": f.reference,
        "clone": f.clone,
        "material": f.material,
        **rep.unplayed("functional.create", "omni_lidar", "omni_radar"),
    }
    batch = {**{kind.lower(): f.shape(kind, True) for kind in shapes}, "camera": f.camera(True)}
    modify = {
        "pose": f.pose,
        "position": f.position,
        "rotation": f.rotation,
        "scale": f.scale,
        "look_at": f.look_at,
        "attribute": f.attribute,
        "semantics": f.semantics,
        "visibility": f.visibility,
        "material": f.bind,
    }
    physics = {
        "create_physics_scene": p.create_physics_scene,
        "apply_rigid_body": p.apply_rigid_body,
        "apply_collider": p.apply_collider,
        "remove_rigid_body": p.remove_rigid_body,
        "remove_collider": p.remove_collider,
        **rep.unplayed("functional.physics", "simulate"),
    }
    randomizer = {"scatter_2d": p.scatter_2d, "display_color": p.display_color}
    parts = {"create": create, "create_batch": batch, "modify": modify, "physics": physics, "randomizer": randomizer}
    parts["get"] = {"renderproduct": lambda: [product.path for product in rep.products]}
    made = {}
    for name, bodies in parts.items():
        functions = rep.functions(f"functional.{name}", bodies)
        if functions:
            made[name] = rep.submodule(f"functional.{name}", functions)
    return {**made, **writes}
