"""Configuration of the avoidance environment."""

from __future__ import annotations

from isaaclab.envs import DirectRLEnvCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass

from .scene_cfg import AvoidancePhysicsCfg, AvoidanceSceneCfg


@configclass
class AvoidanceEnvCfg(DirectRLEnvCfg):
    """A rover with a depth camera crosses a walled arena full of obstacles."""

    sim: SimulationCfg = SimulationCfg(dt=1 / 120, render_interval=12, physics=AvoidancePhysicsCfg())
    scene: AvoidanceSceneCfg = AvoidanceSceneCfg(num_envs=64, env_spacing=0.0, replicate_physics=True)
    """Spacing 0: worlds do not touch each other, and a frame does not depend on where its environment stands."""
    decimation: int = 12
    """Physics steps per action: 10 Hz."""
    episode_length_s: float = 35.0
    """Time to reach the far side [s]."""
    action_space: int = 2
    """Forward speed [m/s] and turn rate [rad/s]."""
    observation_space: list[int] = [1, 96, 96]
    """Depth [m] as the camera sees it; 0 is invalid."""

    spec: str = "avoidance"
    """Randomization: a preset's name or a file; what it says of the engine, motors and signals is applied too."""
    spec_seed: int | None = None
    """Seed that replaces the spec's; None keeps it."""
    motors: str | None = None
    """Motors of the wheels: a preset's name or a file of `config/motors/`. None: the solver's own velocity drive, or
    `rover` where the spec draws what only a motor has (voltage, backlash, heat).
    """
    colour: bool = False
    """Render colour too."""
    noise: bool = True
    """Pass the depth through the camera model of the spec."""
    moving: int = 0
    """How many obstacles move (0 to 3): back and forth across the arena at `moving_speed`."""
    moving_speed: float = 0.25
    """Speed of a moving obstacle [m/s]."""
    moving_reach: float = 0.5
    """How far a moving obstacle strays from where the scene put it [m]."""
    contact_clearance: float = 0.002
    """The rover touches something when its footprint is closer than this [m]: contact shapes meet at 0 within a
    millimetre.
    """
    reward_progress: float = 1.0
    """Reward per metre along the arena."""
    reward_contact: float = -5.0
    """Reward for touching something."""
    reward_goal: float = 5.0
    """Reward for reaching the far side."""

    def set_image_size(self, size: int) -> None:
        """Render square images of `size` pixels."""
        self.scene.camera.width = self.scene.camera.height = size
        self.observation_space = [1, size, size]

    def play_mode(self) -> None:
        """Called by `isaaclab play`."""
        self.scene.num_envs = 16
