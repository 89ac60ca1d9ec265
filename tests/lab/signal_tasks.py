"""Tasks of the signals' tests: Isaac Lab's velocity task with a spec's signals, on explicit and implicit actuators."""

import gymnasium
from isaaclab.actuators import ImplicitActuatorCfg
from isaaclab.envs import mdp
from isaaclab.managers import ObservationTermCfg
from isaaclab.sensors import ImuCfg as SensorCfg
from isaaclab.utils import configclass

import sim2real.lab
from sim2real.spec import parse_spec
from sim2real_tasks.robots.go2 import ARMATURE
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

SIGNALS = """
schema: 1
seed: 21
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {uniform: [0.9, 1.1]}, keep: density}
signals:
  action: {latency: {uniform: [0, 0.06]}}
  joint_pos: {latency: {uniform: [0, 0.06]}, bias: {uniform: [-0.02, 0.02]}}
  joint_vel: {latency: {uniform: [0, 0.06]}, reading: hold}
  base_lin_vel: {latency: {uniform: [0, 0.06]}, bus: imu}
  base_ang_vel: {latency: {uniform: [0, 0.06]}, bus: imu}
  projected_gravity: {period: 0.0125, phase: {uniform: [0, 0.0125]}}
"""
"""A command and observations that come late."""
OBSERVED = ("joint_pos", "joint_vel", "base_lin_vel", "base_ang_vel", "projected_gravity")
"""Observations among them."""


@configclass
class ExplicitCfg(Go2FlatEnvCfg):
    """The robot's own explicit actuators."""

    def __post_init__(self):
        """Signals by name; the task's own noise on what they disturb is off."""
        super().__post_init__()
        spec = parse_spec(SIGNALS)
        self.observations.policy.base_lin_vel = ObservationTermCfg(func=mdp.base_lin_vel)
        for term in OBSERVED:
            getattr(self.observations.policy, term).noise = None
        self.observations.policy.concatenate_terms = False
        self.terminations.base_contact = None
        sim2real.lab.apply_signals(self, spec)
        self.events = sim2real.lab.events(spec)


@configclass
class ImplicitCfg(ExplicitCfg):
    """The solver's own drives."""

    def __post_init__(self):
        """Gains as before."""
        super().__post_init__()
        self.scene.robot.actuators = {
            "legs": ImplicitActuatorCfg(joint_names_expr=[".*"], stiffness=25.0, damping=0.5, armature=dict(ARMATURE))
        }


@configclass
class SpeedsCfg(ImplicitCfg):
    """Speeds as commands."""

    def __post_init__(self):
        """Under the name of the action that they replace."""
        super().__post_init__()
        late = self.actions.joint_pos
        late.term = mdp.JointVelocityActionCfg(asset_name="robot", joint_names=[".*"], scale=1.0)


@configclass
class ToldCfg(ExplicitCfg):
    """A critic that is told what signals drew; episodes are counted by resets."""

    def __post_init__(self):
        """The task's own events."""
        super().__post_init__()
        self.events = Go2FlatEnvCfg().events
        self.observations.critic.signals = sim2real.lab.privileged_signals()


@configclass
class ImuCfg(ExplicitCfg):
    """An inertial sensor on the trunk."""

    def __post_init__(self):
        """What it says comes late."""
        super().__post_init__()
        self.scene.imu = SensorCfg(prim_path="{ENV_REGEX_NS}/Robot/Geometry/base")
        self.observations.policy.gyro = ObservationTermCfg(func=mdp.imu_ang_vel)
        self.observations.policy.accelerometer = ObservationTermCfg(func=mdp.imu_lin_acc)
        late = "{latency: {uniform: [0, 0.01]}, bus: spi}"
        text = f"schema: 1\nseed: 3\nsignals:\n  gyro: {late}\n  accelerometer: {late}\n"
        sim2real.lab.apply_signals(self, parse_spec(text))


def register():
    """Make the tasks known to Gymnasium."""
    for cfg in (ExplicitCfg, ImplicitCfg, SpeedsCfg, ToldCfg, ImuCfg):
        task = f"Test-Signals-{cfg.__name__.removesuffix('Cfg')}"
        if task not in gymnasium.registry:
            gymnasium.register(
                id=task,
                entry_point="isaaclab.envs:ManagerBasedRLEnv",
                disable_env_checker=True,
                kwargs={"env_cfg_entry_point": cfg},
            )
