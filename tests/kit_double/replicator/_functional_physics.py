"""rep.functional.physics and rep.functional.randomizer: bodies, colliders and scattering, at once."""

from __future__ import annotations

from typing import Any

from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from . import _usd
from ._functional_pose import as_prims
from ._randomizer import spread, surface_points
from ._rep import Rep

APPROXIMATIONS = ("none", "convexDecomposition", "convexHull", "boundingSphere", "boundingCube", "meshSimplification",
                  "sdf", "sphereFill")  # fmt: skip
PHYSX_SCENE = frozenset({"enableCCD", "enableGPUDynamics", "broadphaseType", "timeStepsPerSecond", "solverType",
                         "collisionSystem", "maxPositionIterationCount", "minPositionIterationCount",
                         "maxVelocityIterationCount", "minVelocityIterationCount"})  # fmt: skip
PHYSX_BODY = frozenset({"disableGravity", "angularDamping", "linearDamping", "enableCCD", "maxLinearVelocity",
                        "maxAngularVelocity", "maxDepenetrationVelocity", "solverPositionIterationCount",
                        "solverVelocityIterationCount", "sleepThreshold", "enableGyroscopicForces"})  # fmt: skip
PHYSX_COLLISION = frozenset({"contactOffset", "restOffset", "torsionalPatchRadius", "minTorsionalPatchRadius"})


class Physics:
    """The bodies of one installation."""

    def __init__(self, rep: Rep) -> None:
        self._rep = rep

    def create_physics_scene(self, path: Any, extra: dict[str, Any]) -> None:
        """A physics scene."""
        where = path or "/PhysicsScene"
        if not Sdf.Path.IsValidPathString(str(where)):
            raise ValueError(f"functional.physics.create_physics_scene: path {path!r}")
        UsdPhysics.Scene.Define(self._rep.stage(), where)
        self._physics(self._rep.stage().GetPrimAtPath(where), extra, PHYSX_SCENE, "physxScene")

    def apply_rigid_body(
        self, prims: Any, physics_scene: Any, overwrite_rigid_body: bool, with_collider: bool, approximation: Any,
        extra: dict[str, Any],
    ) -> None:  # fmt: skip
        """A rigid body, with a collider."""
        for prim in as_prims("functional.physics.apply_rigid_body", prims):
            api = UsdPhysics.RigidBodyAPI.Apply(prim)
            if physics_scene is not None:
                api.CreateSimulationOwnerRel().SetTargets(_scenes(self._rep, physics_scene))
            self._physics(prim, extra, PHYSX_BODY, "physxRigidBody")
            if with_collider:
                self.apply_collider(prim, physics_scene, {"approximation": approximation or "convexHull"})

    def apply_collider(self, prims: Any, physics_scene: Any, extra: dict[str, Any]) -> None:
        """A collider."""
        for prim in as_prims("functional.physics.apply_collider", prims):
            api = UsdPhysics.CollisionAPI.Apply(prim)
            if physics_scene is not None:
                api.CreateSimulationOwnerRel().SetTargets(_scenes(self._rep, physics_scene))
            UsdPhysics.MeshCollisionAPI.Apply(prim)
            if extra.get("approximation") not in (None, *APPROXIMATIONS):
                raise ValueError(f"approximation {extra['approximation']!r}: one of {', '.join(APPROXIMATIONS)}")
            self._physics(prim, extra, PHYSX_COLLISION, "physxCollision")

    def _physics(self, prim: Usd.Prim, extra: dict[str, Any], others: frozenset[str], prefix: str) -> None:
        for key, value in extra.items():
            if value is None:
                continue
            name = key if ":" in key else f"physics:{key}"
            if prim.GetAttribute(name):
                _usd.set_attribute(prim, name, value)
            elif key in others:
                kind = "bool" if isinstance(value, bool) else "token" if isinstance(value, str) else "float"
                _usd.set_attribute(prim, f"{prefix}:{key}", value, kind)
            else:
                raise ValueError(f"Attribute {key} could not be found in the schemas of {prim.GetPath()}")

    def remove_rigid_body(self, prims: Any) -> None:
        """Takes the rigid body away."""
        for prim in as_prims("functional.physics.remove_rigid_body", prims):
            prim.RemoveAPI(UsdPhysics.RigidBodyAPI)

    def remove_collider(self, prims: Any) -> None:
        """Takes the collider away."""
        for prim in as_prims("functional.physics.remove_collider", prims):
            prim.RemoveAPI(UsdPhysics.CollisionAPI)
            prim.RemoveAPI(UsdPhysics.MeshCollisionAPI)

    def generator(self, rng: Any) -> Any:
        """A NumPy generator from what ``rng=`` takes."""
        import numpy as np

        if rng is None:
            return np.random.default_rng()
        if isinstance(rng, np.random.Generator):
            return rng
        if hasattr(type(rng), "generator"):
            return rng.generator
        raise NotImplementedError(f"rng takes a ReplicatorRNG or a numpy Generator, got {type(rng).__name__}")

    def scatter_2d(
        self, prims: Any, surface_prims: Any, no_collision_prims: Any, extents: Any, offset: float,
        check_for_collisions: bool, rng: Any,
    ) -> None:  # fmt: skip
        """Places prims on meshes."""
        found = as_prims("functional.randomizer.scatter_2d(prims=)", prims)
        surfaces = as_prims("functional.randomizer.scatter_2d(surface_prims=)", surface_prims)
        others = as_prims("no_collision_prims", no_collision_prims) if no_collision_prims else []
        low, high = extents or ((None,) * 3, (None,) * 3)
        generator = self.generator(rng)
        spread(lambda: surface_points(generator, surfaces, 1, float(offset), low, high)[0], found, others,
               check_for_collisions)  # fmt: skip

    def display_color(self, prims: Any, rng: Any) -> None:
        """A random display colour for each prim."""
        generator = self.generator(rng)
        for prim in as_prims("functional.randomizer.display_color", prims):
            colour = Gf.Vec3f(*(float(c) for c in generator.random(3)))
            UsdGeom.Gprim(prim).CreateDisplayColorAttr([colour])


def _scenes(rep: Rep, paths: Any) -> list[Sdf.Path]:
    """Paths of physics scenes that exist."""
    found = [Sdf.Path(path) for path in ([paths] if isinstance(paths, str) else paths)]
    for path in found:
        if not UsdPhysics.Scene(rep.stage().GetPrimAtPath(path)):
            raise ValueError(f"there is no physics scene at {path}")
    return found
