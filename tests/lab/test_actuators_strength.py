"""Strength is one factor on all that an actuator gives: gains, feed-forward and limit; seen in the torque."""

import gymnasium
import numpy as np
import pytest
import torch
from isaaclab.utils import configclass

import sim2real.lab
from engine_env import ENGINES, open_env
from sim2real.actuators.motor import Motor
from sim2real.lab import randomization_of
from sim2real.lab.actuators import with_motors
from sim2real.lab.engine import engine_of
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

SPEC = """
schema: 1
seed: 4
terms:
  strength: {target: actuator.strength, select: ".*", op: scale, dist: {uniform: [0.5, 1.5]}, each: joint}
"""
KP, KD = 25.0, 0.5


@configclass
class StrengthCfg(Go2FlatEnvCfg):
    """The velocity task with drawn strengths, a physics step at a time."""

    def __post_init__(self):
        """The task's own actuators: a PD drive and a DC motor's clamp."""
        super().__post_init__()
        self.decimation = 1
        self.events = sim2real.lab.events(parse_spec(SPEC))


@configclass
class MotorStrengthCfg(StrengthCfg):
    """The same on motors that no voltage limits."""

    def __post_init__(self):
        """A motor of ample voltage."""
        super().__post_init__()
        motor = Motor(voltage=1e3, no_load_speed=1e3, stall_torque=1e5)
        self.scene.robot = with_motors(self.scene.robot, {"base_legs": motor})


for name, cfg in (("Plain", StrengthCfg), ("Motors", MotorStrengthCfg)):
    gymnasium.register(
        id=f"Test-Strength-{name}",
        entry_point="isaaclab.envs:ManagerBasedRLEnv",
        disable_env_checker=True,
        kwargs={"env_cfg_entry_point": cfg},
    )


@pytest.mark.parametrize("actuators", ["Plain", "Motors"])
@pytest.mark.parametrize("physics", ENGINES)
def test_gains_feed_forward_and_limit_are_scaled_together(physics, actuators):
    """Torque = s (kp e - kd v + ff) within s times the limit, for each joint's own s."""
    with make_env(f"Test-Strength-{actuators}", physics, **{"scene.num_envs": 4}) as env:
        env.reset()
        robot, found = env.scene["robot"], randomization_of(env)
        factor = found.randomizer.values("strength").numpy()
        labels = [label.rpartition("/")[2] for label in found.randomizer.terms["strength"].labels]
        factor = factor[:, [labels.index(name) for name in robot.joint_names]]
        elements = [joint.name for joint in found.engine.elements.joint]
        order = [elements.index(name) for name in robot.joint_names]
        limit = found.engine.nominal("actuator_effort_limit")[:, order, 0]
        ahead = torch.linspace(-3.0, 3.0, 12).repeat(4, 1)
        ahead[2:] = 200.0
        for _ in range(3):
            robot.actuators.target_command.set_effort_index(value=ahead)
            q, speed = robot.data.joint_pos.torch.clone().numpy(), robot.data.joint_vel.torch.clone().numpy()
            env.step(torch.zeros(4, 12))
            target = robot.data.joint_pos_target.torch.numpy()
            asked = factor * (KP * (target - q) - KD * speed + ahead.numpy())
            torque = robot.data.applied_torque.torch.numpy()
            free = np.abs(asked[:2]) < 0.4 * factor[:2] * limit[:2]
            assert free.sum() > 12
            np.testing.assert_allclose(torque[:2][free], asked[:2][free], rtol=2e-3, atol=5e-3)
            assert (torque[2:] <= factor[2:] * limit[2:] * (1 + 1e-5)).all()
        assert np.ptp(factor) > 0.5
        if actuators == "Motors":
            np.testing.assert_allclose(torque[2:], factor[2:] * limit[2:], rtol=1e-5)
        assert "goes past" not in found.engine.support("actuator.strength").note


@pytest.mark.parametrize("physics", ENGINES)
def test_implicit_actuators_say_what_they_cannot_scale(physics):
    """A solver's own drive gets scaled gains and a scaled limit; feed-forward goes past it, which the plan says."""
    with open_env(physics, num_envs=2) as env:
        support = engine_of(env).support("actuator.strength")
        assert support.able and "feed-forward torque goes past implicit actuators" in support.note
