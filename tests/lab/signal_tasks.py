"""Tasks of the signals' tests: Isaac Lab's velocity task with a spec's signals, on explicit and implicit actuators."""

import gymnasium
from isaaclab.actuators import ImplicitActuatorCfg
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
"""
"""A command and an observation that come late."""


@configclass
class ExplicitCfg(Go2FlatEnvCfg):
    """The robot's own explicit actuators."""

    def __post_init__(self):
        """Signals by name; the task's own noise on what they disturb is off."""
        super().__post_init__()
        spec = parse_spec(SIGNALS)
        self.observations.policy.joint_pos.noise = None
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


def register():
    """Make the tasks known to Gymnasium."""
    for cfg in (ExplicitCfg, ImplicitCfg):
        task = f"Test-Signals-{cfg.__name__.removesuffix('Cfg')}"
        if task not in gymnasium.registry:
            gymnasium.register(
                id=task,
                entry_point="isaaclab.envs:ManagerBasedRLEnv",
                disable_env_checker=True,
                kwargs={"env_cfg_entry_point": cfg},
            )
