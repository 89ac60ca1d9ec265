"""The reach tasks of the Panda and the UR5."""

from __future__ import annotations

import math

from isaaclab.utils import configclass

from ..robots import panda, ur5
from .env_cfg import ReachEnvCfg


@configclass
class PandaReachEnvCfg(ReachEnvCfg):
    """A Panda's hand, which looks downwards."""

    def __post_init__(self):
        """The arm."""
        super().__post_init__()
        self.arm(panda.panda_cfg(), panda.JOINTS, panda.END_EFFECTOR)


@configclass
class UR5ReachEnvCfg(ReachEnvCfg):
    """A UR5's flange, whose y axis looks downwards."""

    def __post_init__(self):
        """The arm, and how its last link's frame lies."""
        super().__post_init__()
        self.arm(ur5.ur5_cfg(), ur5.JOINTS, ur5.END_EFFECTOR)
        ranges = self.commands.ee_pose.ranges
        ranges.roll, ranges.pitch = (-math.pi / 2, -math.pi / 2), (0.0, 0.0)
