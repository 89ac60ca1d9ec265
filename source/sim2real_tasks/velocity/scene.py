"""What Isaac Lab's velocity tasks take from the network, and what the engines would read differently, replaced.

One function for all robots: each robot's file says its names, weights and ranges, and calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import isaaclab.sim as sim_utils
from isaaclab.envs import ManagerBasedRLEnvCfg, mdp

from .observations import observations
from .physics import VelocityPhysicsCfg, flat_ground, ground_material


def localise(cfg: Any, robot: Any, joints: Sequence[str], feet: Sequence[str]) -> None:
    """Put a robot of ours on a ground of ours, with observations and actions by name.

    Args:
        cfg: a configuration derived from Isaac Lab's velocity task, which is changed.
        robot: the robot's `ArticulationCfg`.
        joints: its joints, in the policy's order.
        feet: its feet's bodies.
    """
    cfg.sim.physics = VelocityPhysicsCfg()
    cfg.sim.physics_material = ground_material()
    cfg.scene.terrain = None
    cfg.scene.ground = flat_ground()
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
    cfg.curriculum = None  # its only term is the terrain's
    cfg.events.physics_material = None  # a spec does it better


def play(cfg: Any) -> None:
    """Change a configuration for looking: few robots, no noise, nobody pushes."""
    ManagerBasedRLEnvCfg.play_mode(cfg)  # the velocity task's own asks for a terrain
    cfg.events.base_external_force_torque = None
    cfg.events.push_robot = None
