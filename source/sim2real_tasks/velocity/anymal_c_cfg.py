"""Isaac Lab's velocity tasks with an ANYmal C, flat and rough, on assets that lie on this machine.

Isaac Lab 3.0 keeps the tasks of the ANYmal D; their weights, and the names of the joints and feet, are those of the C.
What else differs stands in `go2_cfg.py`, and is the same here.
"""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_tasks.core.velocity.config.anymal_d.flat_env_cfg import AnymalDFlatEnvCfg
from isaaclab_tasks.core.velocity.config.anymal_d.rough_env_cfg import AnymalDRoughEnvCfg

from ..robots.anymal_c import FEET, JOINTS, anymal_c_cfg
from .scene import localise, play


@configclass
class AnymalCFlatEnvCfg(AnymalDFlatEnvCfg):
    """An ANYmal C on flat ground follows commanded velocities."""

    def __post_init__(self):
        """The robot, and what the engines would read differently."""
        super().__post_init__()
        localise(self, anymal_c_cfg(), JOINTS, FEET)

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)


@configclass
class AnymalCRoughEnvCfg(AnymalDRoughEnvCfg):
    """An ANYmal C on stairs, boxes, bumps and slopes, which it does not see."""

    def __post_init__(self):
        """As on flat ground; the terrain and its curriculum are Isaac Lab's."""
        super().__post_init__()
        localise(self, anymal_c_cfg(), JOINTS, FEET, base="base")

    def play_mode(self):
        """Called by `isaaclab play`."""
        play(self)
