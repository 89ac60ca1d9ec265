"""Isaac Lab's flat velocity task of the Unitree Go2, on assets that lie on this machine.

Observations, actions, rewards, commands, terminations and reset ranges are Isaac Lab's. What differs: the robot and its
actuators' armature (`robots/go2.py`); the ground, a box whose friction is far below any foot's, combined by the maximum
on both engines, so that a foot's coefficient is the effective one; a sky without a texture; solver room for a robot
that has fallen on all its colliders; and no event that draws friction, which a spec does better.
"""

from __future__ import annotations

import isaaclab.sim as sim_utils
from isaaclab.assets import AssetBaseCfg
from isaaclab.envs import ManagerBasedRLEnvCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg, NewtonCollisionPipelineCfg, NewtonShapeCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.core.velocity.config.go2.flat_env_cfg import UnitreeGo2FlatEnvCfg
from isaaclab_tasks.utils import PresetCfg

from ..robots.go2 import go2_cfg

GROUND_FRICTION = 0.05
"""Coefficient of the ground [1]: below every range of a foot's, so that the maximum of the pair is the foot's."""


@configclass
class VelocityPhysicsCfg(PresetCfg):
    """The engines: `physics=newton_mjwarp | ovphysx | isaacsim_physx`."""

    newton_mjwarp = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=160,  # a robot that fell asks for 52 rows and 31 contacts at most, one that stands for 44 and 10
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


@configclass
class Go2FlatEnvCfg(UnitreeGo2FlatEnvCfg):
    """A Go2 on flat ground follows commanded velocities."""

    def __post_init__(self):
        """Replace what Isaac Lab's task fetches from the network, and what the engines would read differently."""
        super().__post_init__()
        self.sim.physics = VelocityPhysicsCfg()
        surface = sim_utils.RigidBodyMaterialCfg(
            static_friction=GROUND_FRICTION,
            dynamic_friction=GROUND_FRICTION,
            restitution=0.0,
            friction_combine_mode="max",
            restitution_combine_mode="max",
        )
        self.sim.physics_material = surface
        self.scene.terrain = None
        self.scene.ground = AssetBaseCfg(
            prim_path="/World/ground",
            spawn=sim_utils.CuboidCfg(
                size=(400.0, 400.0, 1.0),
                collision_props=sim_utils.CollisionPropertiesCfg(),
                visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=(0.32, 0.33, 0.34)),
                physics_material=surface,
            ),
            init_state=AssetBaseCfg.InitialStateCfg(pos=(0.0, 0.0, -0.5)),
        )
        self.scene.sky_light.spawn = sim_utils.DomeLightCfg(intensity=750.0)
        self.scene.robot = go2_cfg()
        # The converter nests links; a sensor's path has to reach all of them.
        self.scene.contact_forces.prim_path = "{ENV_REGEX_NS}/Robot/Geometry/.*"
        self.commands.base_velocity.debug_vis = False  # its arrows would be fetched
        self.curriculum = None  # its only term is the terrain's
        self.events.physics_material = None

    def play_mode(self):
        """Called by `isaaclab play`: few robots, no noise, nobody pushes."""
        ManagerBasedRLEnvCfg.play_mode(self)  # the velocity task's own asks for a terrain
        self.events.base_external_force_torque = None
        self.events.push_robot = None
