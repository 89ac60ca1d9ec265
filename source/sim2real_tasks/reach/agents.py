"""PPO of rsl_rl for the reach tasks: the actor sees `policy`, the critic sees `critic`, both normalised."""

from __future__ import annotations

from isaaclab.utils import configclass
from isaaclab_rl.rsl_rl import RslRlOnPolicyRunnerCfg

from ..velocity.agents import network, ppo


@configclass
class ReachAgentCfg(RslRlOnPolicyRunnerCfg):
    """For a few million steps: 512 to 1024 environments on a CPU."""

    num_steps_per_env = 24
    max_iterations = 300
    save_interval = 50
    experiment_name = "reach"
    obs_groups = {"actor": ["policy"], "critic": ["critic"]}
    clip_actions = 100.0
    actor = network(128, 128, 64, std=1.0)
    critic = network(128, 128, 64)
    algorithm = ppo(entropy=0.002)


@configclass
class PandaReachAgentCfg(ReachAgentCfg):
    """The Panda."""

    experiment_name = "panda_reach"


@configclass
class UR5ReachAgentCfg(ReachAgentCfg):
    """The UR5."""

    experiment_name = "ur5_reach"
