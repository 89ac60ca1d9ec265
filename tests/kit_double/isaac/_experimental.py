"""isaacsim.core.experimental.prims and .materials: views over paths; arrays come back as Warp's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Sdf, Usd, UsdGeom, UsdPhysics, UsdShade

from kit_double import Kit

from . import _arrays
from ._paths import find
from ._physics import Physics, Tree, physics_of
from ._table import Base, make_class

PRIMS = "isaacsim.core.experimental.prims"
MATERIALS = "isaacsim.core.experimental.materials"
MODES = ("average", "min", "multiply", "max")


def give(array: np.ndarray) -> Any:
    """A Warp array on the host."""
    import warp as wp

    return wp.array(np.ascontiguousarray(array), device="cpu")


class Play:
    """The bodies of one installation."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.physics: Physics = physics_of(kit)

    def init_prim(self, view: Any, paths: Any, resolve_paths: bool = True) -> None:
        """Finds the prims."""
        if type(resolve_paths) is not bool:
            raise TypeError(f"resolve_paths must be True or False, got {resolve_paths!r}")
        view._list = find(self.physics.stage(), type(view).__name__, paths, resolve_paths)
        view._view_starts = self.physics.starts

    def init_xform(
        self, view: Any, paths: Any, *, resolve_paths: bool, reset_xform_op_properties: bool, **v: Any
    ) -> None:
        """Finds the prims and places them."""
        self.init_prim(view, paths, resolve_paths)
        for prim in view._list:
            if not prim.IsA(UsdGeom.Xformable):
                raise ValueError(f"{prim.GetPath()} is a {prim.GetTypeName() or 'typeless prim'}: it has no pose")
        if v.get("positions") is not None and v.get("translations") is not None:
            raise AssertionError("positions and translations exclude each other")
        for name in ("positions", "orientations", "translations", "scales"):
            if v.get(name) is not None:
                raise NotImplementedError(f"{type(view).__name__}({name}=) exists, but the stand-in does not play it")

    def init_rigid(self, view: Any, paths: Any, **v: Any) -> None:
        """Rigid bodies; the API is applied where it lacks, as there."""
        masses, densities = v.pop("masses"), v.pop("densities")
        for name in ("contact_filter_paths", "max_contact_count"):
            v.pop(name, None)
        self.init_xform(view, paths, **v)
        for prim in view._list:
            UsdPhysics.RigidBodyAPI.Apply(prim)
            UsdPhysics.MassAPI.Apply(prim)
        if masses is not None:
            for prim, mass in zip(view._list, np.broadcast_to(masses, len(view._list)), strict=True):
                UsdPhysics.MassAPI(prim).CreateMassAttr(float(mass))
        if densities is not None:
            for prim, density in zip(view._list, np.broadcast_to(densities, len(view._list)), strict=True):
                UsdPhysics.MassAPI(prim).CreateDensityAttr(float(density))

    def init_articulation(self, view: Any, paths: Any, **v: Any) -> None:
        """Articulations; a path may stand above its root."""
        v.pop("enable_residual_reports", None)
        self.init_xform(view, paths, **v)
        roots = []
        for prim in view._list:
            below = [p for p in Usd.PrimRange(prim) if p.HasAPI(UsdPhysics.ArticulationRootAPI)]
            if len(below) != 1:
                raise ValueError(f"Articulation: {prim.GetPath()} has {len(below)} articulation roots at or below it")
            roots.append(below[0])
        view._roots = roots
        view._trees = [Tree(root) for root in roots]
        names = [[p.GetName() for p in tree.dofs] for tree in view._trees]
        if any(other != names[0] for other in names):
            raise ValueError("Articulation: the articulations of one view must have the same joints")

    # Arrays ---------------------------------------------------------------------------------------------------------

    def states(self, view: Any, what: str) -> list[dict[str, np.ndarray]]:
        """The physics arrays of a view."""
        gone = [p for p in view._list if not p.IsValid()]
        if gone:
            raise AssertionError(f"{what}: a prim of this view is gone")
        self.physics.need(what)
        if hasattr(type(view), "dof_names"):
            return [self.physics.articulation(root) for root in view._roots]
        return [self.physics.body(prim) for prim in view._list]

    def getter(self, what: str, *fields: str, per: str | None = None) -> Callable[..., Any]:
        """A getter of one field, or of several as a tuple; ``per`` is "dof" or "link" where there is a second axis."""

        def get(
            view: Any, *, indices: Any = None, dof_indices: Any = None, link_indices: Any = None, **more: Any
        ) -> Any:
            if more.get("inverse"):
                raise NotImplementedError(f"{what}(inverse=True) exists, but the stand-in does not play it")
            states = self.states(view, what)
            rows = _arrays.index(f"{what}(indices)", indices, len(states))
            columns = self._columns(view, what, per, dof_indices if per == "dof" else link_indices)
            found = [_arrays.read(states, field, rows, columns) for field in fields]
            if fields == ("mass",) and per is None:
                found = [found[0][:, None]]
            return give(found[0]) if len(found) == 1 else tuple(give(one) for one in found)

        return get

    def setter(self, what: str, *fields: str, per: str | None = None) -> Callable[..., None]:
        """A setter of the first arguments, None of which is left as it is."""

        def put(view: Any, *values: Any, **more: Any) -> None:
            given = values[: len(fields)]
            if all(value is None for value in given):
                raise AssertionError(f"{what}: all values are None")
            states = self.states(view, what)
            rows = _arrays.index(f"{what}(indices)", more.get("indices"), len(states))
            columns = self._columns(view, what, per, more.get("dof_indices" if per == "dof" else "link_indices"))
            for field, value in zip(fields, given, strict=False):
                if value is not None:
                    if field == "mass" and per is None:
                        value = _squeeze(_arrays.plain(what, value))
                    _arrays.write(what, states, field, value, rows, columns)

        return put

    def _columns(self, view: Any, what: str, per: str | None, indices: Any) -> np.ndarray | None:
        if per is None:
            return None
        count = len(view._trees[0].dofs if per == "dof" else view._trees[0].links)
        return _arrays.index(f"{what}({per}_indices)", indices, count)


def _squeeze(values: np.ndarray) -> np.ndarray:
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def prims(kit: Kit) -> dict[str, Any]:
    """The classes of isaacsim.core.experimental.prims."""
    p = Play(kit)
    prim = make_class(
        kit, PRIMS, "Prim", Base,
        {
            "__init__": p.init_prim,
            "paths": lambda view: [str(one.GetPath()) for one in view._list],
            "prims": lambda view: list(view._list),
            "valid": lambda view: all(one.IsValid() for one in view._list),
            "resolve_paths": lambda paths, raise_on_mixed_paths: (
                [str(one.GetPath()) for one in find(p.physics.stage(), "resolve_paths", paths)], []
            ),
        },
        {"__len__": lambda view: len(view._list)},
    )  # fmt: skip
    xform = make_class(
        kit, PRIMS, "XformPrim", prim,
        {
            "__init__": p.init_xform,
            "get_world_poses": lambda view, **k: _poses(view, k.get("indices")),
            "set_visibilities": lambda view, visibilities, *, indices: _visibilities(view, visibilities, indices),
        },
    )  # fmt: skip
    get, put = p.getter, p.setter
    rigid = make_class(
        kit, PRIMS, "RigidPrim", xform,
        {
            "__init__": p.init_rigid,
            "is_physics_tensor_entity_valid": lambda view: p.physics.started,
            "get_masses": get("get_masses", "mass"),
            "set_masses": put("set_masses", "mass"),
            "get_inertias": get("get_inertias", "inertia"),
            "set_inertias": put("set_inertias", "inertia"),
            "get_coms": get("get_coms", "com_position", "com_orientation"),
            "set_coms": put("set_coms", "com_position", "com_orientation"),
            "get_densities": get("get_densities", "density"),
            "set_densities": put("set_densities", "density"),
            "get_velocities": get("get_velocities", "linear_velocity", "angular_velocity"),
            "set_velocities": put("set_velocities", "linear_velocity", "angular_velocity"),
            "get_world_poses": get("get_world_poses", "position", "orientation"),
            "set_world_poses": put("set_world_poses", "position", "orientation"),
            "apply_forces": put("apply_forces", "force"),
            "get_enabled_gravities": get("get_enabled_gravities", "gravity"),
            "set_enabled_gravities": put("set_enabled_gravities", "gravity"),
        },
    )  # fmt: skip
    geom = make_class(
        kit, PRIMS, "GeomPrim", xform,
        {
            "__init__": lambda view, paths, *, apply_collision_apis, **k: (
                p.init_xform(view, paths, **k), _collide(view) if apply_collision_apis else None
            )[0],
            "apply_collision_apis": lambda view, *, indices: _collide(view),
            "apply_physics_materials": _apply_materials,
            "get_applied_physics_materials": lambda view, *, indices: [
                UsdShade.MaterialBindingAPI(one).ComputeBoundMaterial("physics")[0] for one in view._list
            ],
            "set_offsets": _set_offsets,
        },
    )  # fmt: skip
    links = {"mass": "link_masses", "inertia": "link_inertias", "gravity": "link_enabled_gravities"}
    bodies: dict[str, Any] = {
        "__init__": p.init_articulation,
        "is_physics_tensor_entity_valid": lambda view: p.physics.started,
        "is_physics_tensor_entity_initialized": lambda view: p.physics.started,
        "num_dofs": lambda view: len(view._trees[0].dofs),
        "dof_names": lambda view: [one.GetName() for one in view._trees[0].dofs],
        "dof_paths": lambda view: [[str(one.GetPath()) for one in tree.dofs] for tree in view._trees],
        "num_joints": lambda view: len(view._trees[0].joints),
        "joint_names": lambda view: [one.GetName() for one in view._trees[0].joints],
        "num_links": lambda view: len(view._trees[0].links),
        "link_names": lambda view: [one.GetName() for one in view._trees[0].links],
        "link_paths": lambda view: [[str(one.GetPath()) for one in tree.links] for tree in view._trees],
        "get_link_indices": lambda view, names: _indices(view.link_names, names),
        "get_dof_indices": lambda view, names: _indices(view.dof_names, names),
        "get_link_coms": get("get_link_coms", "com_position", "com_orientation", per="link"),
        "set_link_coms": put("set_link_coms", "com_position", "com_orientation", per="link"),
        "get_world_poses": get("get_world_poses", "position", "orientation"),
        "set_world_poses": put("set_world_poses", "position", "orientation"),
        "get_velocities": get("get_velocities", "linear_velocity", "angular_velocity"),
        "set_velocities": put("set_velocities", "linear_velocity", "angular_velocity"),
        "get_dof_gains": get("get_dof_gains", "stiffness", "damping", per="dof"),
        "set_dof_gains": put("set_dof_gains", "stiffness", "damping", per="dof"),
        "get_dof_limits": get("get_dof_limits", "lower", "upper", per="dof"),
        "set_dof_limits": put("set_dof_limits", "lower", "upper", per="dof"),
    }
    friction = ("static_friction", "dynamic_friction", "viscous_friction")
    for verb, made in (("get", get), ("set", put)):
        name = f"{verb}_dof_friction_properties"
        bodies[name] = made(name, *friction, per="dof")
        for field, word in links.items():
            bodies[f"{verb}_{word}"] = made(f"{verb}_{word}", field, per="link")
        for word, field in DOFS.items():
            bodies[f"{verb}_dof_{word}"] = made(f"{verb}_dof_{word}", field, per="dof")
    articulation = make_class(kit, PRIMS, "Articulation", xform, bodies)
    classes = (prim, xform, rigid, geom, articulation)
    return {one.__name__: one for one in classes}


DOFS = {
    "armatures": "armature", "max_efforts": "max_effort", "max_velocities": "max_velocity",
    "positions": "dof_position", "velocities": "dof_velocity", "efforts": "dof_effort",
    "position_targets": "dof_position_target", "velocity_targets": "dof_velocity_target",
}  # fmt: skip


def _indices(known: list[str], names: Any) -> Any:
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"{name!r} is not one of {known}")
    return give(np.asarray([known.index(name) for name in wanted], np.int32))


def _poses(view: Any, indices: Any) -> tuple[Any, Any]:
    rows = _arrays.index("get_world_poses(indices)", indices, len(view._list))
    cache = UsdGeom.XformCache()
    found = [cache.GetLocalToWorldTransform(view._list[i]).GetOrthonormalized() for i in rows]
    turns = [m.ExtractRotationQuat() for m in found]
    positions = np.asarray([m.ExtractTranslation() for m in found], np.float32)
    return give(positions), give(np.asarray([[q.GetReal(), *q.GetImaginary()] for q in turns], np.float32))


def _visibilities(view: Any, visibilities: Any, indices: Any) -> None:
    rows = _arrays.index("set_visibilities(indices)", indices, len(view._list))
    for i, shown in zip(
        rows, np.broadcast_to(_arrays.plain("set_visibilities", visibilities).ravel(), len(rows)), strict=True
    ):
        token = UsdGeom.Tokens.inherited if shown else UsdGeom.Tokens.invisible
        UsdGeom.Imageable(view._list[i]).CreateVisibilityAttr(token)


def _collide(view: Any) -> None:
    for prim in view._list:
        UsdPhysics.CollisionAPI.Apply(prim)


def _apply_materials(view: Any, materials: Any, *, weaker_than_descendants: Any, indices: Any) -> None:
    rows = _arrays.index("apply_physics_materials(indices)", indices, len(view._list))
    given = list(materials) if isinstance(materials, (list, tuple)) else [materials]
    if len(given) not in (1, len(rows)):
        raise ValueError(f"apply_physics_materials: {len(given)} materials for {len(rows)} prims")
    stage = view._list[0].GetStage()
    for n, i in enumerate(rows):
        one = given[n if len(given) > 1 else 0]
        path = one.paths[0] if hasattr(type(one), "paths") else str(one)
        material = UsdShade.Material(stage.GetPrimAtPath(path))
        if not material:
            raise ValueError(f"apply_physics_materials: there is no material at {path!r}")
        strength = (
            UsdShade.Tokens.weakerThanDescendants
            if weaker_than_descendants
            else UsdShade.Tokens.strongerThanDescendants
        )
        UsdShade.MaterialBindingAPI.Apply(view._list[i]).Bind(material, strength, "physics")


def _set_offsets(view: Any, contact_offsets: Any, rest_offsets: Any, *, indices: Any) -> None:
    rows = _arrays.index("set_offsets(indices)", indices, len(view._list))
    for name, values in (("contactOffset", contact_offsets), ("restOffset", rest_offsets)):
        if values is not None:
            flat = np.broadcast_to(_arrays.plain("set_offsets", values).ravel(), len(rows))
            for i, value in zip(rows, flat, strict=True):
                attribute = view._list[i].CreateAttribute(f"physxCollision:{name}", Sdf.ValueTypeNames.Float)
                attribute.Set(float(value))


def materials(kit: Kit) -> dict[str, Any]:
    """The classes of isaacsim.core.experimental.materials."""
    stage = physics_of(kit).stage
    p = Play(kit)

    def init(
        view: Any, paths: Any, *, static_frictions: Any, dynamic_frictions: Any, restitutions: Any, densities: Any
    ):
        texts = [paths] if isinstance(paths, str) else list(paths)
        view._list = []
        for path in texts:
            prim = UsdShade.Material.Define(stage(), path).GetPrim()
            UsdPhysics.MaterialAPI.Apply(prim)
            view._list.append(prim)
        if static_frictions is not None or dynamic_frictions is not None:
            _put(view, {"staticFriction": static_frictions, "dynamicFriction": dynamic_frictions}, None)
        _put(view, {"restitution": restitutions, "density": densities}, None)

    def _put(view: Any, values: dict[str, Any], indices: Any) -> None:
        rows = _arrays.index("indices", indices, len(view._list))
        for name, given in values.items():
            if given is None:
                continue
            flat = np.broadcast_to(_arrays.plain(name, given).astype(float).reshape(-1), len(rows))
            if (flat < 0).any():
                raise ValueError(f"{name} must not be negative, got {flat.min()}")
            for i, value in zip(rows, flat, strict=True):
                getattr(UsdPhysics.MaterialAPI(view._list[i]), f"Create{name[0].upper()}{name[1:]}Attr")(float(value))

    def _get(view: Any, names: tuple[str, ...], indices: Any) -> Any:
        rows = _arrays.index("indices", indices, len(view._list))
        found = [
            give(np.asarray([[view._list[i].GetAttribute(f"physics:{name}").Get()] for i in rows], np.float32))
            for name in names
        ]
        return found[0] if len(found) == 1 else tuple(found)

    def modes(view: Any, frictions: Any, restitutions: Any, dampings: Any, *, indices: Any) -> None:
        rows = _arrays.index("indices", indices, len(view._list))
        for name, given in (("friction", frictions), ("restitution", restitutions), ("damping", dampings)):
            for n, i in enumerate(rows if given is not None else ()):
                mode = given if isinstance(given, str) else given[n]
                if mode not in MODES:
                    raise ValueError(f"set_combine_modes: {mode!r}: one of {', '.join(MODES)}")
                attribute = view._list[i].CreateAttribute(f"physxMaterial:{name}CombineMode", Sdf.ValueTypeNames.Token)
                attribute.Set(mode)

    base = make_class(
        kit, MATERIALS, "PhysicsMaterial", Base,
        {"__init__": p.init_prim, "materials": lambda view: [UsdShade.Material(one) for one in view._list]},
        {
            "paths": property(lambda view: [str(one.GetPath()) for one in view._list]),
            "prims": property(lambda view: list(view._list)),
            "__len__": lambda view: len(view._list),
        },
    )  # fmt: skip
    friction = ("staticFriction", "dynamicFriction")
    rigid = make_class(
        kit, MATERIALS, "RigidBodyMaterial", base,
        {
            "__init__": init,
            "set_friction_coefficients": lambda view, static_frictions, dynamic_frictions, *, indices: _put(
                view, dict(zip(friction, (static_frictions, dynamic_frictions), strict=True)), indices
            ),
            "get_friction_coefficients": lambda view, *, indices: _get(view, friction, indices),
            "set_restitution_coefficients": lambda view, restitutions, *, indices: _put(
                view, {"restitution": restitutions}, indices
            ),
            "get_restitution_coefficients": lambda view, *, indices: _get(view, ("restitution",), indices),
            "set_densities": lambda view, densities, *, indices: _put(view, {"density": densities}, indices),
            "get_densities": lambda view, *, indices: _get(view, ("density",), indices),
            "set_combine_modes": modes,
        },
    )  # fmt: skip
    return {"PhysicsMaterial": base, "RigidBodyMaterial": rigid}
