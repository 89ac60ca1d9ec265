"""A spec's signals and a policy's contract: looked through where terms are described, counted where latency is."""

from types import SimpleNamespace

import pytest

from engine_env import HAS_PHYSX
from sim2real.lab.apply import apply_nothing
from sim2real.lab.launch import make_env
from sim2real.lab.policy_contract import latency_of
from sim2real.lab.policy_robot import joint_action
from sim2real.lab.policy_terms import state_observation
from sim2real.spec import parse_spec
from sim2real_tasks.robots.go2 import JOINTS
from sim2real_tasks.velocity import TASK

SPEC = """
schema: 1
seed: 1
signals:
  command: {latency: {uniform: [0.005, 0.02]}}
  joint_pos: {latency: {uniform: [0.002, 0.004]}}
  base_ang_vel: {latency: {constant: 0.001}}
"""
ELSEWHERE = "  left_out: {latency: {constant: 1.0}}\n"


def named(*terms):
    """An environment as far as its terms have names."""
    observations = SimpleNamespace(active_terms={"policy": ["base_ang_vel", "joint_pos"], "other": list(terms)})
    return SimpleNamespace(observation_manager=observations)


def test_the_latency_of_training_is_that_of_sensor_and_command_together():
    """The least of each, the most of each; signals of other terms do not count; noise alone is no latency."""
    spec = parse_spec(SPEC + ELSEWHERE)
    assert latency_of(spec, named()) == pytest.approx((0.006, 0.024))
    assert latency_of(spec, named("height"), ("other",)) == pytest.approx((0.005, 0.02))
    noisy = parse_spec("schema: 1\nseed: 1\nsignals:\n  joint_pos: {unit: rad, white: 0.1}\n")
    assert latency_of(noisy, named()) is None


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_signals_are_looked_through():
    """A spec's lags around terms and action change nothing of what a robot has to assemble."""
    from sim2real.lab import apply_signals

    def late(cfg):
        apply_nothing(cfg)
        apply_signals(cfg, parse_spec(SPEC))

    with make_env(TASK, "ovphysx", prepare=late, **{"scene.num_envs": 2, "seed": 3}) as env:
        observation, action = state_observation(env), joint_action(env)
    assert [term.kind for term in observation.terms][3:5] == ["joint_pos", "joint_vel"]
    assert observation.terms[3].joints == action.joints == JOINTS
