"""What Isaac Lab's velocity tasks take from the network, and what the engines would read differently, replaced.

One function for all robots: each robot's file says its names, weights and ranges, and calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import isaaclab.sim as sim_utils
from isaaclab.envs import ManagerBasedRLEnvCfg, mdp
from isaaclab.managers import ObservationTermCfg, SceneEntityCfg

from .observations import observations
from .physics import VelocityPhysicsCfg, flat_ground, ground_material


def localise(cfg: Any, robot: Any, joints: Sequence[str], feet: Sequence[str], base: str = "") -> None:
    """Put a robot of ours on a ground of ours, with observations and actions by name.

    Args:
        cfg: a configuration derived from Isaac Lab's velocity task, which is changed.
        robot: the robot's `ArticulationCfg`.
        joints: its joints, in the policy's order.
        feet: its feet's bodies.
        base: on rough ground, the body above which the critic's height scan is taken; without it the ground is flat.
    """
    cfg.sim.physics = VelocityPhysicsCfg()
    cfg.sim.physics_material = ground_material()
    cfg.scene.sky_light.spawn = sim_utils.DomeLightCfg(intensity=750.0)
    cfg.scene.robot = robot
    # The converter nests links; a sensor's path has to reach all of them.
    cfg.scene.contact_forces.prim_path = "{ENV_REGEX_NS}/Robot/Geometry/.*"
    cfg.observations = observations(joints, feet)
    cfg.actions.joint_pos = mdp.JointPositionActionCfg(
        asset_name="robot",
        joint_names=list(joints),
        scale=cfg.actions.joint_pos.scale,
        use_default_offset=True,
        preserve_order=True,
    )
    cfg.commands.base_velocity.debug_vis = False  # its arrows would be fetched
    if base:
        _roughen(cfg, base)
    else:
        cfg.scene.terrain = None
        cfg.scene.ground = flat_ground()
        cfg.curriculum = None  # its only term is the terrain's
    cfg.events.physics_material = None  # a spec does it better


def _roughen(cfg: Any, base: str) -> None:
    """Keep Isaac Lab's generated terrain, with a surface of ours; let the critic see the ground."""
    cfg.scene.terrain.visual_material = sim_utils.PreviewSurfaceCfg(diffuse_color=(0.32, 0.33, 0.34))
    cfg.scene.terrain.physics_material = ground_material()
    cfg.scene.height_scanner.prim_path = "{ENV_REGEX_NS}/Robot/Geometry/" + base
    cfg.observations.critic.height_scan = ObservationTermCfg(
        func=mdp.height_scan, params={"sensor_cfg": SceneEntityCfg("height_scanner")}, clip=(-1.0, 1.0)
    )
    solver = cfg.sim.physics.newton_mjwarp.solver_cfg
    solver.njmax, solver.nconmax = 400, 150  # a step's edge touches a foot in many points
    cfg.sim.physics.newton_mjwarp.collision_cfg.max_triangle_pairs = 2_500_000


def play(cfg: Any) -> None:
    """Change a configuration for looking: few robots, no noise, nobody pushes."""
    ManagerBasedRLEnvCfg.play_mode(cfg)  # the velocity task's own asks for a terrain
    if cfg.scene.terrain is not None:
        cfg.scene.terrain.max_init_terrain_level = None
        generator = cfg.scene.terrain.terrain_generator
        generator.num_rows = generator.num_cols = 5
        generator.curriculum = False
        cfg.curriculum = None
    cfg.events.base_external_force_torque = None
    cfg.events.push_robot = None
