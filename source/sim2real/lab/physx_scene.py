"""What a scene on PhysX consists of, read from its first environment's USD: bodies, their colliders, their materials.

The other environments are clones and need not be in the stage at all, so everything is named by its path below the
environment, and PhysX is asked for the same path in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim2real.engines.engine import EngineError

GROUND = ("ground", "terrain")
"""Names in a scene that the randomizer calls the ground."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The material of a collider."""

    static_friction: float
    """Coefficient [1]."""
    dynamic_friction: float
    """Coefficient [1]."""
    restitution: float
    """Coefficient [1]."""
    combine: str
    """How its friction meets another's: `average`, `min`, `multiply` or `max`."""
    bounce_combine: str
    """The same for its restitution."""


@dataclass(frozen=True, kw_only=True)
class Collider:
    """A collision shape as authored."""

    path: str
    """Path of its prim; shapes of a body are numbered in the order of these, on every engine."""
    surface: Surface
    """Its material, or the scene's default."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """A rigid body."""

    asset: str
    """Name of its asset in the scene."""
    name: str
    """Its own name."""
    path: str
    """Its path below the environment, with a leading slash."""
    kinematic: bool
    """True for one that is moved, not simulated."""
    colliders: tuple[Collider, ...]
    """Its collision shapes, in the order of the stage."""


def find_bodies(env: Any) -> list[Body]:
    """Return all bodies, asset by asset in the scene's order, within an asset in its own order."""
    bodies = []
    for asset, prim, name in _body_prims(env):
        path = prim.GetPath().pathString
        origin = env.scene.env_prim_paths[0]
        if not path.startswith(origin + "/"):
            raise EngineError(f"body '{path}' lies outside the environment {origin}; randomization is per environment")
        colliders = [_collider(p, env) for p in _own_prims(prim) if _collides(p)]
        bodies.append(
            Body(
                asset=asset,
                name=name,
                path=path.removeprefix(origin),
                kinematic=_kinematic(prim),
                colliders=tuple(colliders),
            )
        )
    return bodies


def find_static(env: Any) -> list[tuple[str, Collider]]:
    """Return the collision shapes that belong to no body, with the name of their asset."""
    from isaaclab.sim import find_first_matching_prim

    dynamic = {*env.scene.articulations, *env.scene.rigid_objects, *env.scene.rigid_object_collections}
    found = []
    for key in env.scene.keys():
        path = getattr(getattr(env.scene.cfg, key, None), "prim_path", None)
        if key in dynamic or key in env.scene.sensors or not path:
            continue
        prim = find_first_matching_prim(path)
        if prim is not None:
            asset = "ground" if key in GROUND else key
            found += [(asset, _collider(p, env)) for p in _own_prims(prim) if _collides(p)]
    return found


def prismatic_joints(env: Any, asset: Any) -> frozenset[str]:
    """Return the names of an articulation's sliding joints."""
    from isaaclab.sim import find_first_matching_prim
    from pxr import Usd, UsdPhysics

    prim = find_first_matching_prim(asset.cfg.prim_path)
    prims = Usd.PrimRange(prim, Usd.TraverseInstanceProxies()) if prim is not None else ()
    return frozenset(p.GetName() for p in prims if p.IsA(UsdPhysics.PrismaticJoint))


def _body_prims(env: Any) -> Iterator[tuple[str, Any, str]]:
    """Yield asset, prim and name of every body."""
    from isaaclab.sim import find_first_matching_prim
    from pxr import Usd, UsdPhysics

    def rigid(path: str, asset: str) -> dict[str, Any]:
        root = find_first_matching_prim(path)
        if root is None:
            raise EngineError(f"asset '{asset}': nothing at '{path}' in the stage")
        prims = Usd.PrimRange(root, Usd.TraverseInstanceProxies())
        return {p.GetName(): p for p in prims if p.HasAPI(UsdPhysics.RigidBodyAPI)}

    for asset, articulation in env.scene.articulations.items():
        prims = rigid(articulation.cfg.prim_path, asset)
        for name in articulation.body_names:
            if name not in prims:
                raise EngineError(f"asset '{asset}': body '{name}' of PhysX is not in the stage")
            yield asset, prims[name], name
    for asset, single in env.scene.rigid_objects.items():
        prims = rigid(single.cfg.prim_path, asset)
        for name, prim in prims.items():
            yield asset, prim, name
    for asset, collection in env.scene.rigid_object_collections.items():
        for name in collection.body_names:
            prims = rigid(collection.cfg.rigid_objects[name].prim_path, asset)
            yield asset, next(iter(prims.values())), name


def _own_prims(prim: Any) -> Iterator[Any]:
    """Yield a prim and what hangs on it, without the bodies below."""
    from pxr import Usd, UsdPhysics

    walk = iter(Usd.PrimRange(prim, Usd.TraverseInstanceProxies()))
    for p in walk:
        if p != prim and p.HasAPI(UsdPhysics.RigidBodyAPI):
            walk.PruneChildren()
        else:
            yield p


def _collides(prim: Any) -> bool:
    from pxr import UsdPhysics

    if not prim.HasAPI(UsdPhysics.CollisionAPI):
        return False
    enabled = UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr().Get()
    return enabled is not False


def _kinematic(prim: Any) -> bool:
    from pxr import UsdPhysics

    return bool(UsdPhysics.RigidBodyAPI(prim).GetKinematicEnabledAttr().Get())


def _collider(prim: Any, env: Any) -> Collider:
    return Collider(path=prim.GetPath().pathString, surface=_surface(prim, env))


def _surface(prim: Any, env: Any) -> Surface:
    from pxr import UsdPhysics, UsdShade

    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")[0]
    if material and material.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
        api = UsdPhysics.MaterialAPI(material.GetPrim())
        combine, bounce = (
            material.GetPrim().GetAttribute(f"physxMaterial:{what}CombineMode") for what in ("friction", "restitution")
        )
        return Surface(
            static_friction=api.GetStaticFrictionAttr().Get() or 0.0,
            dynamic_friction=api.GetDynamicFrictionAttr().Get() or 0.0,
            restitution=api.GetRestitutionAttr().Get() or 0.0,
            combine=str((combine.Get() if combine else None) or "average"),
            bounce_combine=str((bounce.Get() if bounce else None) or "average"),
        )
    default = env.sim.cfg.physics_material
    return Surface(
        static_friction=default.static_friction,
        dynamic_friction=default.dynamic_friction,
        restitution=default.restitution,
        combine=getattr(default, "friction_combine_mode", None) or "average",
        bounce_combine=getattr(default, "restitution_combine_mode", None) or "average",
    )
