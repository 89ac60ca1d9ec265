"""rep.modify: nodes that write on prims whenever their trigger fires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade

from . import _usd
from ._nodes import Distribution, Node, ReplicatorItem, per_prim, plain
from ._rep import Rep


def add_node(rep: Rep, kind: str, prims: Callable[[], list[Usd.Prim]], act: Callable[[list[Usd.Prim]], None]) -> Node:
    """A node that acts on prims when it runs."""
    return Node(rep, kind, lambda: act(prims()))


def add_write(rep: Rep, kind: str, prims: Any, what: str, value: Any, one: Any, write: Any) -> Node:
    """A node that writes a value, sampled or constant, on each prim."""
    plain(what, value)
    if not isinstance(value, Distribution):
        per_prim(what, value, len(value) if isinstance(value, list) and len(value) > 1 else 1, one)  # checks it now

    def act(targets: list[Usd.Prim]) -> None:
        for prim, v in zip(targets, per_prim(what, value, len(targets), one), strict=True):
            write(prim, v)

    return add_node(rep, kind, prims, act)


def one_vector(what: str, value: Any) -> tuple[float, ...]:
    """Three numbers."""
    return _usd.vector(what, value)


def one_scale(what: str, value: Any) -> tuple[float, ...]:
    """Three factors, or one for all axes."""
    return (float(value),) * 3 if _usd.is_number(value) else _usd.vector(what, value)


def one_number(what: str, value: Any) -> float:
    """A number."""
    if not _usd.is_number(value):
        raise TypeError(f"{what} must be a number, got {value!r}")
    return float(value)


def up_of(rep: Rep, value: Any) -> tuple[float, ...]:
    """The up axis of ``look_at``: a letter, a vector, or the stage's."""
    if value is None:
        value = rep.up_axis()
    if isinstance(value, str):
        axes = {"X": (1.0, 0.0, 0.0), "Y": (0.0, 1.0, 0.0), "Z": (0.0, 0.0, 1.0)}
        if value.upper() not in axes:
            raise ValueError(f"look_at_up_axis {value!r}: X, Y, Z or a vector")
        return axes[value.upper()]
    return _usd.vector("look_at_up_axis", value)


def turn_to(rep: Rep, prim: Usd.Prim, target: Any, up: tuple[float, ...]) -> None:
    """Turns a prim's -z to a target; a Replicator camera's Xform so that the camera below it looks there."""
    if isinstance(target, ReplicatorItem):
        target = (target.prims_now() or [None])[0]
    rotation = _usd.look_at(prim, _usd.point_of(rep.stage(), target), up)
    if prim.HasAttribute("replicatorCameraXform") and rep.up_axis() == "Z":
        back = Gf.Rotation(Gf.Vec3d.ZAxis(), -90) * Gf.Rotation(Gf.Vec3d.XAxis(), -90)
        parent = _usd.world(prim.GetParent()).GetOrthonormalized().ExtractRotation()
        rotation = back * (rotation * parent) * parent.GetInverse()
    _usd.write_pose(prim, rotation=rotation)


def add_pose(rep: Rep, prims: Callable[[], list[Usd.Prim]], prefix: str, **v: Any) -> None:
    """The nodes of a pose; refuses what excludes each other."""
    for whole, parts in (
        ("position", ("position_x", "position_y", "position_z")),
        ("rotation", ("rotation_x", "rotation_y", "rotation_z")),
        ("rotation", ("look_at",)),
        ("scale", ("size",)),
        ("look_at", ("rotation_x", "rotation_y", "rotation_z")),
    ):
        both = [part for part in parts if v.get(part) is not None]
        if v.get(whole) is not None and both:
            raise ValueError(f"{prefix}: {whole} and {', '.join(both)} exclude each other")
    order = v.get("rotation_order", "XYZ")
    if order not in _usd.ORDERS:
        raise ValueError(f"{prefix}: rotation_order {order!r}: one of {', '.join(_usd.ORDERS)}")
    if v.get("pivot") is not None:
        raise NotImplementedError(f"{prefix}(pivot=) exists, but the stand-in does not play it")

    def write(name: str, value: Any, one: Any, to: Any) -> None:
        if value is not None:
            add_write(rep, f"write_{name}", prims, f"{prefix}({name}=)", value, one, to)

    write("position", v.get("position"), one_vector, lambda p, x: _usd.write_pose(p, position=x))
    write("rotation", v.get("rotation"), one_vector, lambda p, x: _usd.write_pose(p, rotation=x, order=order))
    write("scale", v.get("scale"), one_scale, lambda p, x: _usd.write_pose(p, scale=x))
    write("size", v.get("size"), one_scale, _set_size)
    for kind in ("position", "rotation"):
        for i, axis in enumerate("xyz"):
            write(f"{kind}_{axis}", v.get(f"{kind}_{axis}"), one_number, _axis_writer(kind, i))
    target = v.get("look_at")
    if target is not None:
        up = up_of(rep, v.get("look_at_up_axis"))
        if not isinstance(target, (Distribution, list)):
            _check_target(rep, target)

        def one(_: str, value: Any) -> Any:
            return value

        write("look_at", target, one, lambda p, x: turn_to(rep, p, x, up))


def _check_target(rep: Rep, target: Any) -> None:
    if not isinstance(target, ReplicatorItem):
        _usd.point_of(rep.stage(), target)


def _axis_writer(kind: str, axis: int) -> Callable[[Usd.Prim, float], None]:
    def write(prim: Usd.Prim, value: float) -> None:
        position, rotation, _ = _usd.parts_of(prim)
        if kind == "position":
            moved = list(position)
            moved[axis] = value
            _usd.write_pose(prim, position=moved)
        else:
            z, y, x = rotation.Decompose(Gf.Vec3d.ZAxis(), Gf.Vec3d.YAxis(), Gf.Vec3d.XAxis())
            angles = [x, y, z]
            angles[axis] = value
            _usd.write_pose(prim, rotation=tuple(angles))

    return write


def _set_size(prim: Usd.Prim, size: tuple[float, ...]) -> None:
    cache = UsdGeom.BBoxCache(Usd.TimeCode.Default(), [UsdGeom.Tokens.default_])
    extent = cache.ComputeUntransformedBound(prim).ComputeAlignedRange().GetSize()
    _usd.write_pose(prim, scale=[s / e if e > 1e-9 else 1.0 for s, e in zip(size, extent, strict=True)])


def _write_sample(prim: Usd.Prim, name: str, value: Any, type_name: str | None) -> None:
    """Writes a sample as Replicator's node does, which makes a tuple of what is no float, vector, asset, token or bool.

    Raises:
        ValueError: an attribute of another type, such as int64 or string; the tuple would not go into it.
    """
    at = _usd.shader_of(prim).GetPrim() if prim.IsA(UsdShade.Material) else prim
    attribute = at.GetAttribute(name) or at.GetAttribute(f"inputs:{name}")
    kind = str(attribute.GetTypeName()) if attribute else str(type_name)
    plainly = kind in ("float", "double", "asset", "token") or kind.startswith("matrix") or isinstance(value, bool)
    if attribute and not plainly and not any(part in kind for part in _VECTORS):
        raise ValueError(
            f"{at.GetPath()}.{name} is {kind}: modify.attribute writes floats, vectors, assets, tokens, bools"
        )
    _usd.set_attribute(prim, name, value, type_name)


_VECTORS = ("2d", "2f", "3d", "3f", "4d", "4f", "double2", "double3", "double4", "float2", "float3", "float4")


def materials_of(rep: Rep, what: str, value: Any) -> Any:
    """A list of material paths, an item of materials, or a distribution of paths; a bare string is refused.

    Raises:
        ValueError: a string, which Replicator only logs, or a path without a material.
    """
    if isinstance(value, (str, Sdf.Path)):
        raise ValueError(f"{what}({str(value)!r}): Replicator cannot connect a bare string; give a list of paths")
    if isinstance(value, ReplicatorItem):
        return value
    if not isinstance(value, list) or not value:
        raise ValueError(f"{what} takes a list of material paths or an item, got {value!r}")
    paths = [str(v.GetPath()) if isinstance(v, Usd.Prim) else str(v) for v in value]
    for path in paths:
        if not rep.stage().GetPrimAtPath(path):
            raise ValueError(f"{what}: there is no material at {path!r}")
    return paths


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def pose(input_prims: Any, name: str | None, **values: Any) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.pose", input_prims)
        if all(v is None for k, v in values.items() if k != "rotation_order"):
            raise ValueError("modify.pose without a value does nothing")
        add_pose(rep, prims, "modify.pose", **values)
        return ReplicatorItem(rep, None, prims)

    def attribute(name: str, value: Any, attribute_type: str | None, input_prims: Any) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.attribute", input_prims)
        if not isinstance(name, str) or not name:
            raise TypeError(f"modify.attribute takes the attribute's name, got {name!r}")
        if isinstance(value, list) and len({type(v) for v in value}) > 1:
            raise ValueError(f"modify.attribute({name!r}): a list of mixed types {value!r}")
        node = add_write(
            rep, "write_attribute", lambda: _usd.leaves(prims(), name), f"modify.attribute({name!r})", value,
            lambda _, v: v,
            lambda p, v: _write_sample(p, name, v, attribute_type),
        )  # fmt: skip
        return ReplicatorItem(rep, node, prims)

    def visibility(value: Any, input_prims: Any, name: str | None) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.visibility", input_prims)

        def one(what: str, v: Any) -> bool:
            if type(v) is not bool:
                raise ValueError(f"{what} must be True or False, got {v!r}")
            return v

        if isinstance(value, list):
            flags = [one("modify.visibility", v) for v in value]

            def act(targets: list[Usd.Prim]) -> None:
                if len(flags) != len(targets):
                    raise ValueError(f"modify.visibility: {len(flags)} values for {len(targets)} prims")
                for prim, flag in zip(targets, flags, strict=True):
                    _usd.set_visible(prim, flag)

            return ReplicatorItem(rep, add_node(rep, "set_visibility", prims, act), prims)
        node = add_write(rep, "set_visibility", prims, "modify.visibility", value, one, _usd.set_visible)
        return ReplicatorItem(rep, node, prims)

    def semantics(semantics: Any, input_prims: Any, mode: str) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.semantics", input_prims)
        if mode not in ("add", "replace", "clear"):
            raise ValueError(f"modify.semantics: mode {mode!r}: one of 'add', 'replace', 'clear'")
        node = add_node(
            rep, "write_semantics", prims, lambda ps: [_usd.set_labels(p, semantics, mode) for p in ps] and None
        )
        return ReplicatorItem(rep, node, prims)

    def material(value: Any, input_prims: Any, name: str | None) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.material", input_prims)
        given = materials_of(rep, "modify.material", value)

        def act(targets: list[Usd.Prim]) -> None:
            if isinstance(given, Distribution):
                found = [rep.stage().GetPrimAtPath(path) for path in given.sample(len(targets))]
            elif isinstance(given, ReplicatorItem):
                found = given.prims_now() or []
            else:
                found = [rep.stage().GetPrimAtPath(path) for path in given]
            for i, prim in enumerate(targets):
                _usd.bind_material(prim, found[i % len(found)])

        return ReplicatorItem(rep, add_node(rep, "bind_material", prims, act), prims)

    def variant(name: str, value: Any, input_prims: Any) -> ReplicatorItem:
        prims = rep.graph.prims_in("modify.variant", input_prims)

        def write(prim: Usd.Prim, v: str) -> None:
            if name not in prim.GetVariantSets().GetNames():
                raise ValueError(f"{prim.GetPath()} has no variant set {name!r}")
            prim.GetVariantSet(name).SetVariantSelection(v)

        node = add_write(rep, "set_variant", prims, "modify.variant", value, lambda _, v: v, write)
        return ReplicatorItem(rep, node, prims)

    bodies: dict[str, Callable[..., Any]] = {
        "pose": pose,
        "attribute": attribute,
        "visibility": visibility,
        "semantics": semantics,
        "material": material,
        "variant": variant,
    }
    others = ("pose_camera_relative", "pose_orbit", "timeline", "time", "frame", "animation", "projection_material")
    return rep.functions("modify", {**bodies, **rep.unplayed("modify", *others)})
