"""The physics that views write to: arrays of bodies and joints, read from the stage when physics starts.

Nothing is simulated. Arrays exist while the timeline plays, or after ``initialize_physics``; a stop forgets them, so
that what a view wrote is gone and the stage says again what counts, as there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics

from kit_double import Kit

Arrays = dict[str, np.ndarray]


class Physics:
    """One installation's physics."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self.started = False
        self.starts = 0
        self.steps = 0
        self.callbacks: dict[int, tuple[Any, Callable[..., Any]]] = {}
        self._held: dict[str, Arrays] = {}
        self._by_hand = False
        kit.on_tick.append(self._follow)

    def stage(self) -> Usd.Stage:
        """The opened stage."""
        import importlib

        return importlib.import_module("omni.usd").get_context().get_stage()

    def _follow(self) -> None:
        """Starts and stops with the timeline."""
        if "omni.timeline" not in sys.modules:
            return
        timeline = sys.modules["omni.timeline"].get_timeline_interface()
        if timeline.is_playing() and not self.started:
            self.start()
        elif timeline.is_stopped() and self.started and not self._by_hand:
            self.stop()

    def start(self, by_hand: bool = False) -> None:
        """Begins; by hand it lasts until ``stop``."""
        self._by_hand = by_hand
        if not self.started:
            self.started = True
            self.starts += 1
            self._held.clear()

    def stop(self) -> None:
        """Ends, and forgets what was written."""
        self.started = self._by_hand = False
        self._held.clear()

    def need(self, what: str) -> None:
        """Raises where physics does not run.

        Raises:
            RuntimeError: it does not.
        """
        if not self.started:
            raise RuntimeError(f"{what}: physics is not initialized; play the timeline, or initialize_physics()")

    def body(self, prim: Usd.Prim) -> Arrays:
        """The arrays of a rigid body."""
        key = str(prim.GetPath())
        if key not in self._held:
            self._held[key] = {**_mass(prim), **_motion(prim)}
        return self._held[key]

    def articulation(self, root: Usd.Prim) -> Arrays:
        """The arrays of an articulation."""
        key = f"{root.GetPath()}//articulation"
        if key not in self._held:
            tree = Tree(root)
            links = [_mass(link) for link in tree.links]
            arrays = {name: np.stack([link[name] for link in links]) for name in links[0]}
            arrays |= _dofs(tree.dofs) | _motion(tree.links[0])
            self._held[key] = arrays
        return self._held[key]


class Tree:
    """Links and joints of an articulation, breadth first from the root."""

    def __init__(self, root: Usd.Prim) -> None:
        top = root if not root.IsA(UsdPhysics.Joint) and not root.HasAPI(UsdPhysics.RigidBodyAPI) else root.GetParent()
        inside = list(Usd.PrimRange(top))
        bodies = {p.GetPath(): p for p in inside if p.HasAPI(UsdPhysics.RigidBodyAPI)}
        joints = [UsdPhysics.Joint(p) for p in inside if p.IsA(UsdPhysics.Joint)]
        if not bodies:
            raise ValueError(f"{root.GetPath()} is an articulation root without rigid bodies below it")
        pairs = []
        for joint in joints:
            ends = [(rel.GetTargets() or [None])[0] for rel in (joint.GetBody0Rel(), joint.GetBody1Rel())]
            if all(end in bodies for end in ends):
                pairs.append((ends[0], ends[1], joint.GetPrim()))
        children = {child for _, child, _ in pairs}
        queue = [path for path in bodies if path not in children] or list(bodies)[:1]
        self.links: list[Usd.Prim] = []
        self.dofs: list[Usd.Prim] = []
        self.joints: list[Usd.Prim] = []
        seen = set()
        while queue:
            path = queue.pop(0)
            if path in seen:
                continue
            seen.add(path)
            self.links.append(bodies[path])
            for parent, child, joint in pairs:
                if parent == path and child not in seen:
                    queue.append(child)
                    self.joints.append(joint)
                    if joint.IsA(UsdPhysics.RevoluteJoint) or joint.IsA(UsdPhysics.PrismaticJoint):
                        self.dofs.append(joint)


def _mass(prim: Usd.Prim) -> Arrays:
    api = UsdPhysics.MassAPI(prim)
    get = lambda attribute, default: attribute.Get() if attribute and attribute.Get() is not None else default  # noqa: E731
    mass = float(get(api.GetMassAttr(), 0.0)) or 1.0
    diagonal = np.asarray(get(api.GetDiagonalInertiaAttr(), Gf.Vec3f(0.0)), np.float32)
    diagonal = diagonal if diagonal.any() else np.full(3, 0.1 * mass, np.float32)
    com = np.asarray(get(api.GetCenterOfMassAttr(), Gf.Vec3f(0.0)), np.float32)
    com = np.where(np.isfinite(com), com, 0.0).astype(np.float32)
    axes = get(api.GetPrincipalAxesAttr(), Gf.Quatf(1.0))
    quaternion = [axes.GetReal(), *axes.GetImaginary()]
    return {
        "mass": np.asarray(mass, np.float32),
        "com_position": com,
        "com_orientation": np.asarray(quaternion if any(quaternion) else [1.0, 0.0, 0.0, 0.0], np.float32),
        "inertia": np.diag(diagonal).reshape(9).astype(np.float32),
        "gravity": np.asarray(True),
        "density": np.asarray(float(get(api.GetDensityAttr(), 0.0)), np.float32),
    }


def _motion(prim: Usd.Prim) -> Arrays:
    matrix = UsdGeom.XformCache().GetLocalToWorldTransform(prim)
    turn = matrix.GetOrthonormalized().ExtractRotationQuat()
    return {
        "position": np.asarray(matrix.ExtractTranslation(), np.float32),
        "orientation": np.asarray([turn.GetReal(), *turn.GetImaginary()], np.float32),
        "linear_velocity": np.zeros(3, np.float32),
        "angular_velocity": np.zeros(3, np.float32),
        "force": np.zeros(3, np.float32),
    }


def _dofs(joints: list[Usd.Prim]) -> Arrays:
    """Drives and limits; USD says degrees, the tensors radians."""
    n = len(joints)
    zeros = ("static_friction", "dynamic_friction", "viscous_friction", "armature", "dof_position", "dof_velocity",
             "dof_position_target", "dof_velocity_target", "dof_effort")  # fmt: skip
    arrays = {name: np.zeros(n, np.float32) for name in zeros}
    arrays |= {name: np.zeros(n, np.float32) for name in ("stiffness", "damping")}
    arrays |= {"max_effort": np.full(n, np.inf, np.float32), "max_velocity": np.full(n, np.inf, np.float32)}
    arrays |= {"lower": np.full(n, -np.inf, np.float32), "upper": np.full(n, np.inf, np.float32)}
    for i, joint in enumerate(joints):
        turning = joint.IsA(UsdPhysics.RevoluteJoint)
        degrees = np.float32(180.0 / np.pi) if turning else np.float32(1.0)
        limits = UsdPhysics.RevoluteJoint(joint) if turning else UsdPhysics.PrismaticJoint(joint)
        for name, attribute in (("lower", limits.GetLowerLimitAttr()), ("upper", limits.GetUpperLimitAttr())):
            if attribute and attribute.Get() is not None:
                arrays[name][i] = attribute.Get() / degrees
        drive = UsdPhysics.DriveAPI(joint, "angular" if turning else "linear")
        if drive:
            arrays["stiffness"][i] = (drive.GetStiffnessAttr().Get() or 0.0) * degrees
            arrays["damping"][i] = (drive.GetDampingAttr().Get() or 0.0) * degrees
            force = drive.GetMaxForceAttr().Get()
            arrays["max_effort"][i] = np.inf if force is None else force
        for name in ("armature", "maxJointVelocity"):
            value = joint.GetAttribute(f"physxJoint:{name}")
            if value and value.Get() is not None:
                key = {"maxJointVelocity": "max_velocity"}.get(name, name)
                arrays[key][i] = value.Get() / (degrees if key == "max_velocity" else 1.0)
    return arrays


def physics_of(kit: Kit) -> Physics:
    """The installation's physics."""
    if "isaac.physics" not in kit.state:
        kit.state["isaac.physics"] = Physics(kit)
    return kit.state["isaac.physics"]
