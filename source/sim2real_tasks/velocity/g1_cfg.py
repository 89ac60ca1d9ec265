"""Isaac Lab's flat velocity task of the Unitree G1, with 29 joints, on assets that lie on this machine.

Isaac Lab's robot has 23 joints in legs, waist and arms, and fingers; this one has three joints in the waist, three in
each wrist, and hands that do not move. The weights are Isaac Lab's; the penalties that name joints name these.
What else differs stands in `go2_cfg.py`, and is the same here.
"""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_tasks.core.velocity.config.g1.flat_env_cfg import G1FlatEnvCfg as Stock

from ..robots.g1 import ARMS_ARE, FEET, JOINTS, WAIST_IS, g1_cfg
from .scene import localise, play


@configclass
class G1FlatEnvCfg(Stock):
    """A G1 on flat ground follows commanded velocities."""

    def __post_init__(self):
        """The robot, its joints' names, and what the engines would read differently."""
        super().__post_init__()
        localise(self, g1_cfg(), JOINTS, FEET)
        rewards = self.rewards
        rewards.joint_deviation_arms.params["asset_cfg"].joint_names = list(ARMS_ARE)
        rewards.joint_deviation_torso.params["asset_cfg"].joint_names = list(WAIST_IS)
        rewards.joint_deviation_fingers = None
        solver = self.sim.physics.newton_mjwarp.solver_cfg
        solver.njmax, solver.nconmax = 240, 80

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)
