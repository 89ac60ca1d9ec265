"""The engines of the velocity tasks, and the ground that both read the same way."""

from __future__ import annotations

import isaaclab.sim as sim_utils
from isaaclab.assets import AssetBaseCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg, NewtonCollisionPipelineCfg, NewtonShapeCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

GROUND_FRICTION = 0.05
"""Coefficient of the ground [1]: below every range of a foot's, so that the maximum of the pair is the foot's."""


@configclass
class VelocityPhysicsCfg(PresetCfg):
    """The engines: `physics=newton_mjwarp | ovphysx | isaacsim_physx`."""

    newton_mjwarp = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=160,  # a Go2 that fell asks for 52 rows and 31 contacts at most, one that stands for 44 and 10
            nconmax=64,
            cone="pyramidal",
            impratio=1.0,
            integrator="implicitfast",
            use_mujoco_contacts=False,
        ),
        collision_cfg=NewtonCollisionPipelineCfg(),
        default_shape_cfg=NewtonShapeCfg(margin=0.0, ke=160000.0, kd=1100.0),
        num_substeps=2,
        debug_mode=False,
    )
    ovphysx = OvPhysxCfg(gpu_max_rigid_patch_count=10 * 2**15)
    isaacsim_physx = PhysxCfg(gpu_max_rigid_patch_count=10 * 2**15)
    default = newton_mjwarp


def ground_material():
    """A surface that leaves friction to the foot: hardly any of its own, and the maximum of a pair counts."""
    return sim_utils.RigidBodyMaterialCfg(
        static_friction=GROUND_FRICTION,
        dynamic_friction=GROUND_FRICTION,
        restitution=0.0,
        friction_combine_mode="max",
        restitution_combine_mode="max",
    )


def flat_ground():
    """A box of 400 m whose top is at height 0."""
    return AssetBaseCfg(
        prim_path="/World/ground",
        spawn=sim_utils.CuboidCfg(
            size=(400.0, 400.0, 1.0),
            collision_props=sim_utils.CollisionPropertiesCfg(),
            visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=(0.32, 0.33, 0.34)),
            physics_material=ground_material(),
        ),
        init_state=AssetBaseCfg.InitialStateCfg(pos=(0.0, 0.0, -0.5)),
    )
