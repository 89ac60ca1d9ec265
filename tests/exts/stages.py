"""Small USD stages with robots on them, and a physics handle without Kit, for the tests of the stage tools."""

from __future__ import annotations

from typing import Any

import numpy as np

BODIES, JOINTS = ("base", "thigh", "foot"), ("hip", "slide")


def robots(count: int = 1, *, friction: float | None = 0.8, scene: bool = True) -> Any:
    """Return a stage with robots of three links and two joints on a ground, Z up, in metres.

    Args:
        count: Number of robots, at `/World/robot_0` and so on.
        friction: Static and dynamic friction of the ground; None: no material.
        scene: Whether there is a physics scene.
    """
    from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade

    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    if scene:
        UsdPhysics.Scene.Define(stage, "/physicsScene")
    ground = UsdGeom.Cube.Define(stage, "/World/ground")
    ground.AddTranslateOp().Set(Gf.Vec3d(0.0, 0.0, -1.0))
    UsdPhysics.CollisionAPI.Apply(ground.GetPrim())
    if friction is not None:
        material = UsdShade.Material.Define(stage, "/World/Looks/ground")
        api = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
        api.CreateStaticFrictionAttr(friction)
        api.CreateDynamicFrictionAttr(friction)
        binding = UsdShade.MaterialBindingAPI.Apply(ground.GetPrim())
        binding.Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")
    for number in range(count):
        root = f"/World/robot_{number}"
        UsdPhysics.ArticulationRootAPI.Apply(UsdGeom.Xform.Define(stage, root).GetPrim())
        for name in BODIES:
            link = UsdGeom.Xform.Define(stage, f"{root}/{name}")
            UsdPhysics.RigidBodyAPI.Apply(link.GetPrim())
            UsdPhysics.MassAPI.Apply(link.GetPrim()).CreateMassAttr(2.0)
            UsdPhysics.CollisionAPI.Apply(UsdGeom.Cube.Define(stage, f"{root}/{name}/collision").GetPrim())
        hip = UsdPhysics.RevoluteJoint.Define(stage, f"{root}/hip")
        slide = UsdPhysics.PrismaticJoint.Define(stage, f"{root}/slide")
        for joint, parent, child in ((hip, "base", "thigh"), (slide, "thigh", "foot")):
            joint.CreateBody0Rel().SetTargets([f"{root}/{parent}"])
            joint.CreateBody1Rel().SetTargets([f"{root}/{child}"])
    return stage


class Numbers:
    """Tensors of a selection that live in NumPy: what the classes of Isaac would hold."""

    def __init__(self, worlds: int, bodies: tuple[str, ...] = BODIES, joints: tuple[str, ...] = JOINTS) -> None:
        self.bodies, self.joints, self.worlds = bodies, joints, worlds
        b, j = (worlds, len(bodies)), (worlds, len(joints))
        self.held: dict[str, np.ndarray] = {
            "body_mass": np.full(b, 2.0, np.float32),
            "body_com": np.zeros((*b, 3), np.float32),
            "body_inertia": np.tile(np.float32([0.02, 0, 0, 0, 0.03, 0, 0, 0, 0.04]), (*b, 1)),
            "actuator_kp": np.full(j, 20.0, np.float32),
            "actuator_kd": np.full(j, 0.5, np.float32),
            "actuator_effort_limit": np.full(j, 30.0, np.float32),
            "joint_armature": np.full(j, 0.01, np.float32),
        }
        self.order: list[str] = []
        """Quantities in the order in which they were written."""

    def handle(self) -> Any:
        """Return the adapter over these numbers."""
        from sim2real_studio.stage_tools.handles import Handle, Tensor

        def tensor(name: str) -> Any:
            width = {"body_com": 3, "body_inertia": 9}.get(name, 1)

            def write(values: np.ndarray) -> None:
                assert values.shape == self.held[name].shape and values.dtype == np.float32
                self.order.append(name)
                self.held[name] = values.copy()

            return Tensor(read=lambda: self.held[name].copy(), write=write, width=width)

        return Handle(
            api="numbers",
            bodies=self.bodies,
            joints=self.joints,
            num_worlds=self.worlds,
            tensors={name: tensor(name) for name in self.held},
        )
