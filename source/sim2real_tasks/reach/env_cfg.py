"""An arm's end-effector goes to a commanded pose and stays there, as in Isaac Lab's reach tasks, on both engines.

The policy sees what the arm's own encoders and the person who commands it know: joint positions and speeds, the target
in the base's frame, its last action. It commands joint positions about the default pose. The critic also knows where
the end-effector is, and how fast. Success does not end an episode, since holding still is half of the task.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import isaaclab.sim as sim_utils
from isaaclab.assets import ArticulationCfg, AssetBaseCfg
from isaaclab.envs import ManagerBasedRLEnvCfg, mdp
from isaaclab.managers import (
    EventTermCfg,
    ObservationGroupCfg,
    ObservationTermCfg,
    RewardTermCfg,
    SceneEntityCfg,
    TerminationTermCfg,
)
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.utils import configclass
from isaaclab.utils.noise import UniformNoiseCfg
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg, NewtonCollisionPipelineCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

from .terms import body_pose_b, body_velocity_b

COMMAND = "ee_pose"
"""The command's name."""


@configclass
class ReachPhysicsCfg(PresetCfg):
    """The engines: `physics=newton_mjwarp | ovphysx | isaacsim_physx`."""

    newton_mjwarp = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=100,
            nconmax=40,
            cone="pyramidal",
            impratio=1.0,
            integrator="implicitfast",
            use_mujoco_contacts=False,
        ),
        collision_cfg=NewtonCollisionPipelineCfg(),
        num_substeps=2,
        debug_mode=False,
    )
    ovphysx = OvPhysxCfg()
    isaacsim_physx = PhysxCfg(bounce_threshold_velocity=0.2)
    default = newton_mjwarp


@configclass
class ReachSceneCfg(InteractiveSceneCfg):
    """A floor a hand's breadth below the base, so that the base does not rub on it."""

    ground = AssetBaseCfg(
        prim_path="/World/ground",
        spawn=sim_utils.CuboidCfg(
            size=(400.0, 400.0, 1.0),
            collision_props=sim_utils.UsdPhysicsCollisionCfg(),
            visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=(0.32, 0.33, 0.34)),
        ),
        init_state=AssetBaseCfg.InitialStateCfg(pos=(0.0, 0.0, -0.6)),
    )
    robot: ArticulationCfg | None = None
    sky_light = AssetBaseCfg(prim_path="/World/skyLight", spawn=sim_utils.DomeLightCfg(intensity=2500.0))


@configclass
class CommandsCfg:
    """A target in the base's frame, another one every four seconds."""

    ee_pose = mdp.UniformPoseCommandCfg(
        asset_name="robot",
        body_name="",
        resampling_time_range=(4.0, 4.0),
        debug_vis=False,  # its arrows would be fetched
        position_success_threshold=0.02,
        make_quat_unique=True,
        ranges=mdp.UniformPoseCommandCfg.Ranges(
            pos_x=(0.35, 0.65),
            pos_y=(-0.2, 0.2),
            pos_z=(0.15, 0.5),
            roll=(0.0, 0.0),
            pitch=(math.pi, math.pi),
            yaw=(-0.8, 0.8),
        ),
    )


@configclass
class ActionsCfg:
    """Joint positions about the default pose."""

    joint_pos = mdp.JointPositionActionCfg(
        asset_name="robot", joint_names=[], scale=0.5, use_default_offset=True, preserve_order=True
    )


@configclass
class PolicyCfg(ObservationGroupCfg):
    """What the arm measures, with the noise of Isaac Lab's reach task."""

    joint_pos = ObservationTermCfg(func=mdp.joint_pos_rel, noise=UniformNoiseCfg(n_min=-0.01, n_max=0.01))
    joint_vel = ObservationTermCfg(func=mdp.joint_vel_rel, noise=UniformNoiseCfg(n_min=-0.01, n_max=0.01))
    pose_command = ObservationTermCfg(func=mdp.generated_commands, params={"command_name": COMMAND})
    actions = ObservationTermCfg(func=mdp.last_action)

    def __post_init__(self):
        """Noise is on; one vector."""
        self.enable_corruption = True
        self.concatenate_terms = True


@configclass
class CriticCfg(ObservationGroupCfg):
    """The truth, for the critic alone."""

    joint_pos = ObservationTermCfg(func=mdp.joint_pos_rel)
    joint_vel = ObservationTermCfg(func=mdp.joint_vel_rel)
    pose_command = ObservationTermCfg(func=mdp.generated_commands, params={"command_name": COMMAND})
    actions = ObservationTermCfg(func=mdp.last_action)
    ee_pose = ObservationTermCfg(func=body_pose_b)
    ee_velocity = ObservationTermCfg(func=body_velocity_b)

    def __post_init__(self):
        """No noise; one vector."""
        self.enable_corruption = False
        self.concatenate_terms = True


@configclass
class ObservationsCfg:
    """Actor and critic."""

    policy: PolicyCfg = PolicyCfg()
    critic: CriticCfg = CriticCfg()


@configclass
class EventsCfg:
    """How an episode starts."""

    reset_robot_joints = EventTermCfg(
        func=mdp.reset_joints_by_offset,
        mode="reset",
        params={"position_range": (-0.25, 0.25), "velocity_range": (0.0, 0.0)},
    )


@configclass
class RewardsCfg:
    """Near the target, at its angle, without haste."""

    position = RewardTermCfg(func=mdp.position_command_error, weight=-1.0, params={"command_name": COMMAND})
    position_fine = RewardTermCfg(
        func=mdp.position_command_error_tanh, weight=0.5, params={"command_name": COMMAND, "std": 0.1}
    )
    position_exact = RewardTermCfg(
        func=mdp.position_command_error_tanh, weight=0.5, params={"command_name": COMMAND, "std": 0.02}
    )
    orientation = RewardTermCfg(func=mdp.orientation_command_error, weight=-0.2, params={"command_name": COMMAND})
    action_rate = RewardTermCfg(func=mdp.action_rate_l2, weight=-0.005)
    joint_vel = RewardTermCfg(func=mdp.joint_vel_l2, weight=-0.001)


@configclass
class TerminationsCfg:
    """Time alone."""

    time_out = TerminationTermCfg(func=mdp.time_out, time_out=True)


@configclass
class ReachEnvCfg(ManagerBasedRLEnvCfg):
    """What the arms share; `arm` puts one in."""

    scene: ReachSceneCfg = ReachSceneCfg(num_envs=4096, env_spacing=2.5)
    observations: ObservationsCfg = ObservationsCfg()
    actions: ActionsCfg = ActionsCfg()
    commands: CommandsCfg = CommandsCfg()
    rewards: RewardsCfg = RewardsCfg()
    terminations: TerminationsCfg = TerminationsCfg()
    events: EventsCfg = EventsCfg()

    def __post_init__(self):
        """30 decisions a second."""
        self.decimation = 4
        self.episode_length_s = 8.0
        self.sim.dt = 1 / 120
        self.sim.render_interval = self.decimation
        self.sim.physics = ReachPhysicsCfg()

    def arm(self, robot: Any, joints: Sequence[str], end_effector: str) -> None:
        """Put an arm in.

        Args:
            robot: its `ArticulationCfg`.
            joints: its joints, in the policy's order.
            end_effector: the body that reaches.
        """
        self.scene.robot = robot
        self.commands.ee_pose.body_name = end_effector
        self.actions.joint_pos.joint_names = list(joints)
        arm = SceneEntityCfg("robot", joint_names=list(joints), preserve_order=True)
        for group in (self.observations.policy, self.observations.critic):
            group.joint_pos.params["asset_cfg"] = group.joint_vel.params["asset_cfg"] = arm
        tip = SceneEntityCfg("robot", body_names=[end_effector])
        for term in (self.observations.critic.ee_pose, self.observations.critic.ee_velocity):
            term.params["asset_cfg"] = tip
        rewards = self.rewards
        for reward in (rewards.position, rewards.position_fine, rewards.position_exact, rewards.orientation):
            reward.params["asset_cfg"] = tip
        rewards.joint_vel.params["asset_cfg"] = arm
        self.events.reset_robot_joints.params["asset_cfg"] = arm
