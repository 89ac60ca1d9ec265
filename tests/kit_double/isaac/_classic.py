"""isaacsim.core.prims of 4.5 to 5.x, and omni.isaac.core of 4.x under its old names: views to be initialized."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import UsdPhysics

from kit_double import Kit

from . import _arrays
from ._paths import find
from ._physics import Physics, Tree, physics_of
from ._table import Base, make_class

PRIMS = "isaacsim.core.prims"


class Play:
    """The bodies of one installation."""

    def __init__(self, kit: Kit) -> None:
        self.physics: Physics = physics_of(kit)

    def init(self, view: Any, prim_paths_expr: Any, name: str, *more: Any) -> None:
        """Finds the prims; poses among the arguments are not played."""
        view._list = find(self.physics.stage(), type(view).__name__, prim_paths_expr)
        view._name = name
        view._ready = -1
        poses = ("positions", "translations", "orientations", "scales", "visibilities")
        for key, value in zip(poses, more, strict=False):
            if value is not None:
                raise NotImplementedError(f"{type(view).__name__}({key}=) exists, but the stand-in does not play it")
        if hasattr(type(view), "dof_names"):
            for prim in view._list:
                if not prim.HasAPI(UsdPhysics.ArticulationRootAPI):
                    raise ValueError(f"{prim.GetPath()} is no articulation root")
            view._trees = [Tree(prim) for prim in view._list]

    def initialize(self, view: Any, physics_sim_view: Any) -> None:
        """Takes hold of the running physics."""
        self.physics.need(f"{type(view).__name__}.initialize()")
        view._ready = self.physics.starts

    def valid(self, view: Any) -> bool:
        """Whether it holds the physics that runs."""
        return self.physics.started and view._ready == self.physics.starts

    def states(self, view: Any, what: str) -> list[dict[str, np.ndarray]]:
        """The arrays of a view.

        Raises:
            RuntimeError: it was not initialized; the real one logs that and gives None.
        """
        if not self.valid(view):
            raise RuntimeError(f"{what}: the view is not initialized, or physics was restarted; call initialize()")
        if hasattr(type(view), "dof_names"):
            return [self.physics.articulation(prim) for prim in view._list]
        return [self.physics.body(prim) for prim in view._list]

    def _columns(self, view: Any, what: str, per: str | None, more: dict[str, Any]) -> np.ndarray | None:
        if per is None:
            return None
        names = [p.GetName() for p in (view._trees[0].dofs if per == "joint" else view._trees[0].links)]
        wanted = more.get("joint_names")
        if wanted is not None and more.get(f"{per}_indices") is not None:
            raise ValueError(f"{what}: joint_indices and joint_names exclude each other")
        if wanted is not None:
            return np.asarray([names.index(name) for name in wanted])
        return _arrays.index(f"{what}({per}_indices)", more.get(f"{per}_indices"), len(names))

    def getter(self, what: str, *fields: str, per: str | None = None, middle: bool = False) -> Callable[..., Any]:
        """A getter; ``middle`` puts an axis of one body into the shape, as these classes have it."""

        def get(view: Any, indices: Any = None, *columns: Any, **more: Any) -> Any:
            states = self.states(view, what)
            if columns:
                more.setdefault(f"{per}_indices", columns[0] if per else None)
                if per == "joint" and len(columns) > 1:
                    more.setdefault("joint_names", columns[1])
            rows = _arrays.index(f"{what}(indices)", indices, len(states))
            found = [_arrays.read(states, field, rows, self._columns(view, what, per, more)) for field in fields]
            found = [one[:, None] for one in found] if middle else found
            return found[0] if len(found) == 1 else tuple(found)

        return get

    def setter(self, what: str, *fields: str, per: str | None = None, middle: bool = False) -> Callable[..., None]:
        """A setter; its values come first, then indices, then columns by index or name."""

        def put(view: Any, *arguments: Any) -> None:
            given, rest = arguments[: len(fields)], arguments[len(fields) :]
            if all(value is None for value in given):
                raise ValueError(f"{what}: all values are None")
            states = self.states(view, what)
            rows = _arrays.index(f"{what}(indices)", rest[0] if rest else None, len(states))
            more = {}
            if per is not None:
                more[f"{per}_indices"] = rest[1]
                more["joint_names"] = rest[2] if per == "joint" and len(rest) > 2 else None
            columns = self._columns(view, what, per, more)
            for field, value in zip(fields, given, strict=True):
                if value is not None:
                    array = _arrays.plain(what, value)
                    array = array[:, 0] if middle and array.ndim == 3 else array
                    _arrays.write(what, states, field, array, rows, columns)

        return put


def prims(kit: Kit) -> dict[str, Any]:
    """The classes of isaacsim.core.prims that are played."""
    p = Play(kit)
    get, put = p.getter, p.setter
    prim = make_class(
        kit, PRIMS, "Prim", Base,
        {
            "__init__": p.init,
            "count": lambda view: len(view._list),
            "name": lambda view: view._name,
            "prims": lambda view: list(view._list),
            "prim_paths": lambda view: [str(one.GetPath()) for one in view._list],
            "is_valid": lambda view, indices: all(one.IsValid() for one in view._list),
            "initialize": lambda view, physics_sim_view: None,
        },
    )  # fmt: skip
    xform = make_class(kit, PRIMS, "XFormPrim", prim, {"__init__": p.init})
    motion = {
        "get_world_poses": get("get_world_poses", "position", "orientation"),
        "set_world_poses": put("set_world_poses", "position", "orientation"),
    }
    rigid = make_class(
        kit, PRIMS, "RigidPrim", xform,
        {
            **motion,
            "__init__": p.init,
            "initialize": p.initialize,
            "is_physics_handle_valid": p.valid,
            "get_masses": get("get_masses", "mass"),
            "set_masses": put("set_masses", "mass"),
            "get_inertias": get("get_inertias", "inertia"),
            "set_inertias": put("set_inertias", "inertia"),
            "get_coms": get("get_coms", "com_position", "com_orientation", middle=True),
            "set_coms": put("set_coms", "com_position", "com_orientation", middle=True),
            "get_linear_velocities": get("get_linear_velocities", "linear_velocity"),
            "set_linear_velocities": put("set_linear_velocities", "linear_velocity"),
        },
    )  # fmt: skip
    bodies: dict[str, Any] = {
        **motion,
        "__init__": p.init,
        "initialize": p.initialize,
        "is_physics_handle_valid": p.valid,
        "num_dof": lambda view: len(view._trees[0].dofs),
        "num_bodies": lambda view: len(view._trees[0].links),
        "body_names": lambda view: [one.GetName() for one in view._trees[0].links],
        "dof_names": lambda view: [one.GetName() for one in view._trees[0].dofs],
        "joint_names": lambda view: [one.GetName() for one in view._trees[0].joints],
        "get_body_index": lambda view, body_name: [one.GetName() for one in view._trees[0].links].index(body_name),
        "get_dof_index": lambda view, dof_name: [one.GetName() for one in view._trees[0].dofs].index(dof_name),
        "get_dof_limits": lambda view: np.stack(
            [np.stack([s["lower"], s["upper"]], axis=-1) for s in p.states(view, "get_dof_limits")]
        ),
        "get_body_coms": get("get_body_coms", "com_position", "com_orientation", per="body"),
        "set_body_coms": put("set_body_coms", "com_position", "com_orientation", per="body"),
        "get_gains": get("get_gains", "stiffness", "damping", per="joint"),
        "set_gains": put("set_gains", "stiffness", "damping", per="joint"),
        "get_joint_max_velocities": get("get_joint_max_velocities", "max_velocity", per="joint"),
        "set_max_joint_velocities": put("set_max_joint_velocities", "max_velocity", per="joint"),
    }
    for word, field in (("body_masses", "mass"), ("body_inertias", "inertia")):
        bodies[f"get_{word}"] = get(f"get_{word}", field, per="body")
        bodies[f"set_{word}"] = put(f"set_{word}", field, per="body")
    for word, field in (
        ("friction_coefficients", "static_friction"),
        ("armatures", "armature"),
        ("max_efforts", "max_effort"),
        ("joint_positions", "dof_position"),
        ("joint_velocities", "dof_velocity"),
    ):
        bodies[f"get_{word}"] = get(f"get_{word}", field, per="joint")
        bodies[f"set_{word}"] = put(f"set_{word}", field, per="joint")
    articulation = make_class(kit, PRIMS, "Articulation", xform, bodies)
    geometry = make_class(kit, PRIMS, "GeometryPrim", xform, {"__init__": p.init})
    return {one.__name__: one for one in (prim, xform, rigid, articulation, geometry)}
