"""Isaac Lab's velocity tasks of the Unitree Go2, flat and rough, on assets that lie on this machine.

Actions, commands, terminations, reset ranges and the weights of rewards are Isaac Lab's. What differs: the observations,
which are those that the real robot has, with the truth for the critic alone (`observations.py`); the robot and its
actuators' armature (`robots/go2.py`); the height that it is asked to keep and the swing that a step is paid for; the ground, a box whose friction is far below any foot's, combined by the maximum on both
engines, so that a foot's coefficient is the effective one; a sky without a texture; solver room for a robot that has
fallen on all its colliders; and no event that draws friction, which a spec does better.
"""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_tasks.core.velocity.config.go2.flat_env_cfg import UnitreeGo2FlatEnvCfg
from isaaclab_tasks.core.velocity.config.go2.rough_env_cfg import UnitreeGo2RoughEnvCfg

from ..robots.go2 import FEET, JOINTS, go2_cfg
from .scene import localise, play
from .terms import feet_swing_time

STANDING_HEIGHT = 0.32
"""Height of the base above flat ground in the start pose [m], by the URDF's lengths. Isaac Lab's 0.4 is the height that
the robot is dropped from, and asks for legs that are nearly straight.
"""
SWING_S = (0.2, 0.4)
"""Swings that are worth something, and most [s]: what a Go2 trots with. Isaac Lab's 0.5 lets every such step cost."""


def _step(cfg: UnitreeGo2RoughEnvCfg) -> None:
    """Ask for the height at which this robot stands, and pay for the steps that it can make."""
    cfg.rewards.base_height_l2.params["target_height"] = STANDING_HEIGHT
    cfg.rewards.feet_air_time.func = feet_swing_time
    cfg.rewards.feet_air_time.params.update(threshold=SWING_S[0], longest=SWING_S[1])


@configclass
class Go2FlatEnvCfg(UnitreeGo2FlatEnvCfg):
    """A Go2 on flat ground follows commanded velocities."""

    def __post_init__(self):
        """Replace what Isaac Lab's task fetches from the network, and what the engines would read differently."""
        super().__post_init__()
        localise(self, go2_cfg(), JOINTS, FEET)
        _step(self)

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
        _step(self)

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)
