"""Isaac Lab's velocity tasks of the Unitree Go2, flat and rough, on assets that lie on this machine.

Actions, rewards, commands, terminations and reset ranges are Isaac Lab's. What differs: the observations, which are
those that the real robot has, with the truth for the critic alone (`observations.py`); the robot and its actuators'
armature (`robots/go2.py`); the ground, a box whose friction is far below any foot's, combined by the maximum on both
engines, so that a foot's coefficient is the effective one; a sky without a texture; solver room for a robot that has
fallen on all its colliders; and no event that draws friction, which a spec does better.
"""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_tasks.core.velocity.config.go2.flat_env_cfg import UnitreeGo2FlatEnvCfg
from isaaclab_tasks.core.velocity.config.go2.rough_env_cfg import UnitreeGo2RoughEnvCfg

from ..robots.go2 import FEET, JOINTS, go2_cfg
from .scene import localise, play


@configclass
class Go2FlatEnvCfg(UnitreeGo2FlatEnvCfg):
    """A Go2 on flat ground follows commanded velocities."""

    def __post_init__(self):
        """Replace what Isaac Lab's task fetches from the network, and what the engines would read differently."""
        super().__post_init__()
        localise(self, go2_cfg(), JOINTS, FEET)

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
