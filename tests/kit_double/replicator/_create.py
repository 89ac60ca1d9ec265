"""rep.create: prims under /Replicator, whose values may be distributions, and render products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pxr import Sdf, Usd, UsdGeom

from . import _modify, _shapes, _usd
from ._nodes import Distribution, Node, ReplicatorItem, new_path, per_prim, plain
from ._products import make_product
from ._rep import Rep

NEAR_LIMIT_M = 0.1


def check_near(rep: Rep, what: str, clipping_range: Any) -> None:
    """A near plane above ten centimetres hides what is close: the default of 1 m is a fault in a metric stage."""
    near = float(clipping_range[0]) * rep.metres()
    if near > NEAR_LIMIT_M:
        rep.warn(f"{what}: the near plane lies at {near:g} m; pass clipping_range=(0.01, 100.0)", fault=True)


def check_texture(rep: Rep, texture: str) -> None:
    """A texture that is not there is drawn in an error colour and only logged; here it is a fault."""
    if "://" not in texture and not Path(texture).is_file():
        rep.warn(f"the texture {texture!r} does not exist", fault=True)


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def pose_now(prims: list[Usd.Prim], what: str, values: dict[str, Any]) -> None:
        """Writes constants at once and leaves distributions to the graph."""
        later = {k: v for k, v in values.items() if isinstance(v, Distribution)}
        now = {k: v for k, v in values.items() if v is not None and k not in later}
        for i, prim in enumerate(prims):
            for name, one in (("position", _modify.one_vector), ("rotation", _modify.one_vector)):
                if name in now:
                    found = per_prim(f"{what}({name}=)", plain(what, now[name]), len(prims), one)
                    _usd.write_pose(prim, **{name: found[i]})
            if "scale" in now:
                found = per_prim(f"{what}(scale=)", plain(what, now["scale"]), len(prims), _modify.one_scale)
                _usd.write_pose(prim, scale=found[i])
        if "look_at" in now or "look_at" in later:
            if "rotation" in now or "rotation" in later:
                raise ValueError(f"{what}: rotation and look_at exclude each other")
            _modify.add_pose(
                rep, lambda: prims, what, look_at=values["look_at"], look_at_up_axis=now.get("look_at_up_axis")
            )
            if "look_at" in now and "position" not in later:
                up = _modify.up_of(rep, now.get("look_at_up_axis"))
                targets = now["look_at"] if isinstance(now["look_at"], list) else [now["look_at"]] * len(prims)
                for prim, target in zip(prims, targets, strict=True):
                    _modify.turn_to(rep, prim, target, up)
        rest = {k: v for k, v in later.items() if k in ("position", "rotation", "scale")}
        if rest:
            _modify.add_pose(rep, lambda: prims, what, **rest)

    def check_count(what: str, count: Any) -> int:
        if type(count) is not int or count < 1:
            raise ValueError(f"{what}: count must be 1 or more, got {count!r}")
        return count

    def xforms(what: str, kind: str, count: int, name: str | None, parent: Any) -> list[str]:
        found = []
        for _ in range(check_count(what, count)):
            path = new_path(rep, parent, f"{name or kind}_Xform")
            made = UsdGeom.Xform.Define(rep.stage(), path).GetPrim()
            made.CreateAttribute("replicatorXform", Sdf.ValueTypeNames.Bool).Set(True)
            found.append(path)
        return found

    def item_of(kind: str, prims: list[Usd.Prim]) -> ReplicatorItem:
        return ReplicatorItem(rep, Node(rep, kind), lambda: [p for p in prims if p.IsValid()])

    def finish(what: str, prims: list[Usd.Prim], a: dict[str, Any]) -> ReplicatorItem:
        for prim in prims:
            if a.get("semantics") is not None:
                _usd.set_labels(prim, a["semantics"])
            if a.get("visible", True) is not True and not isinstance(a["visible"], Distribution):
                _usd.set_visible(prim, bool(a["visible"]))
        item = item_of(what.rpartition(".")[2], prims)
        if isinstance(a.get("visible"), Distribution):
            _modify.add_write(
                rep, "set_visibility", lambda: prims, f"{what}(visible=)", a["visible"], lambda _, v: v,
                lambda p, v: _usd.set_visible(p, bool(v)),
            )  # fmt: skip
        if a.get("pivot") is not None:
            raise NotImplementedError(f"{what}(pivot=) exists, but the stand-in does not play it")
        pose_now(prims, what, {k: a.get(k) for k in ("position", "rotation", "scale", "look_at", "look_at_up_axis")})
        if a.get("material") is not None:
            given = a["material"]
            given = [str(given)] if isinstance(given, (str, Sdf.Path)) else given
            found = _modify.materials_of(rep, f"{what}(material=)", given)
            mats = (
                found.prims_now()
                if isinstance(found, ReplicatorItem)
                else [rep.stage().GetPrimAtPath(m) for m in found]
            )
            for i, prim in enumerate(prims):
                _usd.bind_material(prim, mats[i % len(mats)])
        return item

    def shape_maker(kind: str) -> Any:
        def make(count: int, name: str | None, parent: Any, as_mesh: bool = True, **a: Any) -> ReplicatorItem:
            what = f"create.{kind.lower()}"
            prims = []
            for path in xforms(what, kind, count, name, parent):
                _shapes.define_shape(rep.stage(), f"{path}/{name or kind}", kind, as_mesh)
                prims.append(rep.stage().GetPrimAtPath(path))
            return finish(what, prims, a)

        return make

    def xform(count: int, name: str | None, parent: Any, **a: Any) -> ReplicatorItem:
        paths = xforms("create.xform", "Xform", count, name, parent)
        return finish("create.xform", [rep.stage().GetPrimAtPath(p) for p in paths], a)

    def camera(count: int, name: str | None, parent: Any, **a: Any) -> ReplicatorItem:
        if not isinstance(a["clipping_range"], Distribution):
            check_near(rep, "create.camera", a["clipping_range"])
        sampled = {k: v for k, v in a.items() if isinstance(v, Distribution)}
        lens = {k: v for k, v in sampled.items() if k not in ("position", "rotation", "look_at")}
        attributes = {"focal_length": "focalLength", "focus_distance": "focusDistance", "f_stop": "fStop",
                      "horizontal_aperture": "horizontalAperture"}  # fmt: skip
        if unknown := sorted(set(lens) - set(attributes)):
            raise NotImplementedError(f"create.camera: the stand-in does not sample {unknown}")
        plainly = {**a, **{k: {"f_stop": 0.0}.get(k, 24.0) for k in lens}}
        prims, cameras = [], []
        for path in xforms("create.camera", "Camera", count, name, parent):
            child = _shapes.define_camera(rep.stage(), f"{path}/{name or 'Camera'}", plainly)
            prim = rep.stage().GetPrimAtPath(path)
            prim.CreateAttribute("replicatorCameraXform", Sdf.ValueTypeNames.Bool).Set(True)
            if rep.up_axis() == "Z":
                _usd.write_pose(child, rotation=(90.0, 0.0, 90.0))
            prims.append(prim)
            cameras.append(child)
        item = finish("create.camera", prims, a)
        for key, value in lens.items():
            _modify.add_write(
                rep, "write_attribute", lambda: cameras, f"create.camera({key}=)", value, _modify.one_number,
                lambda p, v, key=key: _usd.set_attribute(p, attributes[key], v),
            )  # fmt: skip
        return item

    def light(
        light_type: str, color: Any, intensity: Any, exposure: Any, temperature: Any, texture: Any, count: int,
        name: str | None, parent: Any, **a: Any,
    ) -> ReplicatorItem:  # fmt: skip
        what = "create.light"
        kind = f"{light_type.lower().capitalize()}Light"
        prims, lights = [], []
        for path in xforms(what, kind, count, name, parent):
            lights.append(_shapes.define_light(rep.stage(), f"{path}/{name or kind}", light_type))
            prims.append(rep.stage().GetPrimAtPath(path))
        for one in lights:
            _usd.set_attribute(one, "inputs:enableColorTemperature", True)
        item = finish(what, prims, a)
        if texture is not None:
            if light_type.lower() not in ("dome", "rect"):
                raise ValueError(f"{what}(texture=): a {light_type} light takes none")
            rep.set_setting("/omni/replicator/RTSubframes", max(3, rep.setting("/omni/replicator/RTSubframes") or 1))
        numbers = {"intensity": intensity, "exposure": exposure, "colorTemperature": temperature}
        values = [(f"inputs:{k}", v, _modify.one_number) for k, v in numbers.items() if v is not None]
        values.append(("inputs:color", color, _modify.one_vector))
        if texture is not None:
            values.append(("inputs:texture:file", texture, _one_texture(rep)))
        for key, value, check in values:
            if isinstance(value, Distribution):
                _modify.add_write(
                    rep, "write_attribute", lambda: lights, f"{what}({key})", value, check,
                    lambda p, v, key=key: _usd.set_attribute(p, key, v),
                )  # fmt: skip
            else:
                for one, v in zip(
                    lights, per_prim(f"{what}({key})", plain(what, value), len(lights), check), strict=True
                ):
                    _usd.set_attribute(one, key, v)
        return item

    def group(items: Any, semantics: Any, name: str | None) -> ReplicatorItem:
        if not isinstance(items, (list, tuple)):
            raise TypeError(f"create.group takes a list, got {type(items).__name__}")
        get = rep.graph.as_prims("create.group", list(items))
        if semantics is not None:
            for prim in get():
                _usd.set_labels(prim, semantics)
        return ReplicatorItem(rep, Node(rep, "group"), get)

    def from_usd(usd: str, count: int, name: str | None, parent: Any, **a: Any) -> ReplicatorItem:
        if not isinstance(usd, str):
            raise TypeError(f"create.from_usd takes a path, got {type(usd).__name__}")
        if "://" not in usd and not Path(usd).is_file():
            raise ValueError(f"create.from_usd: there is no file {usd!r}")
        prims = []
        for path in xforms("create.from_usd", "Ref", count, name, parent):
            child = rep.stage().DefinePrim(f"{path}/{name or 'Ref'}", "Xform")
            child.GetReferences().AddReference(usd)
            prims.append(rep.stage().GetPrimAtPath(path))
        return finish("create.from_usd", prims, a)

    def from_dir(dir_path: str, recursive: bool, path_filter: str | None, semantics: Any) -> ReplicatorItem:
        import re

        found = sorted(Path(dir_path).rglob("*") if recursive else Path(dir_path).glob("*"))
        usds = [str(p) for p in found if p.suffix in (".usd", ".usda", ".usdc", ".usdz")]
        usds = [p for p in usds if path_filter is None or re.search(path_filter, p)]
        if not usds:
            raise ValueError(f"create.from_dir: no USD file in {dir_path!r}")
        items = [create["from_usd"](usd, semantics=semantics) for usd in usds]
        return group(items, None, None)

    def material_omnipbr(semantics: Any, count: int, project_uvw: bool, **a: Any) -> ReplicatorItem:
        inputs = {"diffuse": "diffuse_color_constant", "diffuse_texture": "diffuse_texture",
                  "roughness": "reflection_roughness_constant", "roughness_texture": "reflectionroughness_texture",
                  "metallic": "metallic_constant", "metallic_texture": "metallic_texture",
                  "specular": "specular_level", "emissive_color": "emissive_color",
                  "emissive_texture": "emissive_color_texture", "emissive_intensity": "emissive_intensity"}  # fmt: skip
        check_count("create.material_omnipbr", count)
        prims = []
        for _ in range(count):
            prims.append(_usd.make_material(rep.stage(), new_path(rep, _looks(rep), "OmniPBR"), {}))
        item = item_of("material_omnipbr", prims)
        for key, value in a.items():
            if value is None:
                continue
            check = _one_texture(rep) if key.endswith("texture") else _vector_or_number
            to = _shader_writer(inputs[key])
            what = f"create.material_omnipbr({key}=)"
            if isinstance(value, Distribution):
                _modify.add_write(rep, "write_material", lambda: prims, what, value, check, to)
            else:
                for prim, v in zip(prims, per_prim(what, plain(what, value), count, check), strict=True):
                    to(prim, v)
        for prim in prims if semantics is not None else ():
            _usd.set_labels(prim, semantics)
        return item

    def render_product(camera: Any, resolution: Any, force_new: bool, name: Any, render_vars: Any) -> Any:
        return make_product(rep, "create.render_product", camera, resolution, force_new, name, render_vars)

    def render_product_tiled(cameras: Any, tile_resolution: Any, force_new: bool, name: Any) -> Any:
        raise NotImplementedError("create.render_product_tiled exists, but the stand-in does not play it")

    create = rep.functions(
        "create",
        {
            **{kind.lower(): shape_maker(kind) for kind in _shapes.SHAPES},
            "xform": xform,
            "camera": camera,
            "light": light,
            "group": group,
            "from_usd": from_usd,
            "from_dir": from_dir,
            "material_omnipbr": material_omnipbr,
            "render_product": render_product,
            "render_product_tiled": render_product_tiled,
            **rep.unplayed(
                "create", "stereo_camera", "tiled_sensor", "mdl_from_json", "projection_material", "mesh_decal",
                "omni_lidar", "omni_radar",
            ),
        },
    )  # fmt: skip
    return create


def _looks(rep: Rep) -> str:
    if not rep.stage().GetPrimAtPath("/Replicator/Looks"):
        rep.stage().DefinePrim("/Replicator", "Scope")
        rep.stage().DefinePrim("/Replicator/Looks", "Scope")
    return "/Replicator/Looks"


def _one_texture(rep: Rep) -> Any:
    def one(what: str, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{what} must be a path, got {value!r}")
        check_texture(rep, value)
        return value

    return one


def _vector_or_number(what: str, value: Any) -> Any:
    return float(value) if _usd.is_number(value) else _usd.vector(what, value)


def _shader_writer(name: str) -> Any:
    def write(prim: Usd.Prim, value: Any) -> None:
        _usd.set_shader_input(_usd.shader_of(prim), name, value)

    return write
