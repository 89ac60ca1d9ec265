"""Isaac Lab's velocity tasks of the Unitree Go2, flat and rough, on assets that lie on this machine.

Actions, commands, terminations, reset ranges and the weights of rewards are Isaac Lab's. What differs: the
observations, which are those that the real robot has, with the truth for the critic alone (`observations.py`); the
robot and its actuators' armature (`robots/go2.py`); on flat ground the height that it is asked to keep, and its gait;
the ground, a box whose friction is far below any foot's, combined by the maximum on both engines, so that a foot's
coefficient is the effective one; a sky without a texture; solver room for a robot that has fallen on all its
colliders; and no event that draws friction, which a spec does better.
"""

from __future__ import annotations

from isaaclab.managers import RewardTermCfg, SceneEntityCfg
from isaaclab.utils import configclass
from isaaclab_tasks.contrib.velocity.config.spot.mdp.rewards import GaitReward, air_time_reward
from isaaclab_tasks.core.velocity.config.go2.flat_env_cfg import UnitreeGo2FlatEnvCfg
from isaaclab_tasks.core.velocity.config.go2.rough_env_cfg import UnitreeGo2RoughEnvCfg

from ..robots.go2 import FEET, JOINTS, go2_cfg
from .scene import localise, play

STANDING_HEIGHT = 0.32
"""Height of the base above flat ground in the start pose [m], by the URDF's lengths. Isaac Lab's 0.4 is the height that
the robot is dropped from, and asks for legs that are nearly straight.
"""
TROT = (("FL_foot", "RR_foot"), ("FR_foot", "RL_foot"))
"""Feet that swing together."""
SWING_S = 0.3
"""Longest swing and longest stance that are paid for [s]."""


def _trot(cfg: UnitreeGo2FlatEnvCfg) -> None:
    """Ask for the height at which this robot stands, and for a trot, as Isaac Lab's task of the Spot does.

    Isaac Lab's own reward for a Go2's steps is negative below half a second of swing, which no trot reaches: within the
    samples that a CPU affords, what was learned from it was to stand.
    """
    cfg.rewards.base_height_l2.params["target_height"] = STANDING_HEIGHT
    feet = SceneEntityCfg("contact_forces", body_names=list(FEET), preserve_order=True)
    cfg.rewards.feet_air_time = RewardTermCfg(
        func=air_time_reward,
        weight=1.0,
        params={
            "asset_cfg": SceneEntityCfg("robot"),
            "sensor_cfg": feet,
            "mode_time": SWING_S,
            "velocity_threshold": 0.5,
        },
    )
    cfg.rewards.gait = RewardTermCfg(
        func=GaitReward,
        weight=1.0,
        params={
            "asset_cfg": SceneEntityCfg("robot"),
            "sensor_cfg": SceneEntityCfg("contact_forces"),
            "synced_feet_pair_names": TROT,
            "std": 0.1,
            "max_err": 0.2,
            "velocity_threshold": 0.5,
        },
    )


@configclass
class Go2FlatEnvCfg(UnitreeGo2FlatEnvCfg):
    """A Go2 on flat ground follows commanded velocities."""

    def __post_init__(self):
        """Replace what Isaac Lab's task fetches from the network, and what the engines would read differently."""
        super().__post_init__()
        localise(self, go2_cfg(), JOINTS, FEET)
        _trot(self)

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)


@configclass
class Go2RoughEnvCfg(UnitreeGo2RoughEnvCfg):
    """A Go2 on stairs, boxes, bumps and slopes, which it does not see."""

    def __post_init__(self):
        """As on flat ground; the terrain and its curriculum are Isaac Lab's."""
        super().__post_init__()
        localise(self, go2_cfg(), JOINTS, FEET, base="base")

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)
