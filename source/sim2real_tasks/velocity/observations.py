"""What a legged robot's policy sees, and what its critic may know besides.

The actor gets what a real robot has: gyroscope, gravity's direction, the command, joint positions and speeds, its own
last action. It never gets the base's linear velocity. The critic, which stays in the simulator, gets the same without
noise, plus velocity, height and contacts. `sim2real.lab.privileged()` adds a spec's draws:
``cfg.observations.critic.draws = sim2real.lab.privileged()``.

Joints are named, in the robot's order, so that an engine's own order can never reach a policy.
"""

from __future__ import annotations

from collections.abc import Sequence

from isaaclab.envs import mdp
from isaaclab.managers import ObservationGroupCfg, ObservationTermCfg, SceneEntityCfg
from isaaclab.utils import configclass
from isaaclab.utils.noise import UniformNoiseCfg

from .terms import feet_contact, feet_height


def _noise(half: float) -> UniformNoiseCfg:
    return UniformNoiseCfg(n_min=-half, n_max=half)


@configclass
class PolicyCfg(ObservationGroupCfg):
    """What the robot measures, with the noise of Isaac Lab's velocity task."""

    base_ang_vel = ObservationTermCfg(func=mdp.base_ang_vel, noise=_noise(0.2))
    projected_gravity = ObservationTermCfg(func=mdp.projected_gravity, noise=_noise(0.05))
    velocity_commands = ObservationTermCfg(func=mdp.generated_commands, params={"command_name": "base_velocity"})
    joint_pos = ObservationTermCfg(func=mdp.joint_pos_rel, noise=_noise(0.01))
    joint_vel = ObservationTermCfg(func=mdp.joint_vel_rel, noise=_noise(1.5))
    actions = ObservationTermCfg(func=mdp.last_action)

    def __post_init__(self):
        """Noise is on; one vector."""
        self.enable_corruption = True
        self.concatenate_terms = True


@configclass
class CriticCfg(ObservationGroupCfg):
    """The truth, for the critic alone."""

    base_lin_vel = ObservationTermCfg(func=mdp.base_lin_vel)
    base_ang_vel = ObservationTermCfg(func=mdp.base_ang_vel)
    projected_gravity = ObservationTermCfg(func=mdp.projected_gravity)
    velocity_commands = ObservationTermCfg(func=mdp.generated_commands, params={"command_name": "base_velocity"})
    joint_pos = ObservationTermCfg(func=mdp.joint_pos_rel)
    joint_vel = ObservationTermCfg(func=mdp.joint_vel_rel)
    actions = ObservationTermCfg(func=mdp.last_action)
    feet_height = ObservationTermCfg(func=feet_height)
    feet_contact = ObservationTermCfg(func=feet_contact)

    def __post_init__(self):
        """No noise; one vector."""
        self.enable_corruption = False
        self.concatenate_terms = True


@configclass
class VelocityObservationsCfg:
    """Actor and critic."""

    policy: PolicyCfg = PolicyCfg()
    critic: CriticCfg = CriticCfg()


def observations(joints: Sequence[str], feet: Sequence[str]) -> VelocityObservationsCfg:
    """Return the groups `policy` and `critic` of a robot.

    Args:
        joints: names of the joints in the policy's order.
        feet: names of the bodies that stand on the ground.
    """
    cfg = VelocityObservationsCfg()
    for group in (cfg.policy, cfg.critic):
        for term in (group.joint_pos, group.joint_vel):
            term.params = {"asset_cfg": SceneEntityCfg("robot", joint_names=list(joints), preserve_order=True)}
    cfg.critic.feet_height.params = {
        "asset_cfg": SceneEntityCfg("robot", body_names=list(feet), preserve_order=True),
    }
    cfg.critic.feet_contact.params = {
        "sensor_cfg": SceneEntityCfg("contact_forces", body_names=list(feet), preserve_order=True),
        "threshold": 1.0,
    }
    return cfg
