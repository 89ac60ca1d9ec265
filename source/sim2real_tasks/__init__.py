"""Isaac Lab tasks of sim2real. Importing registers them; nothing heavy is imported before one is made."""

import gymnasium

from . import reach, velocity
from .avoidance import TASK as AVOIDANCE

TASKS = {
    "avoidance": AVOIDANCE,
    "velocity": velocity.TASK,
    "reach": reach.PANDA,
}
"""Registered names by the short names that verbs take."""

gymnasium.register(
    id=AVOIDANCE,
    entry_point="sim2real_tasks.avoidance.env:AvoidanceEnv",
    disable_env_checker=True,
    kwargs={"env_cfg_entry_point": "sim2real_tasks.avoidance.env_cfg:AvoidanceEnvCfg"},
)
for _name, _cfg, _agent in (
    (velocity.TASK, "velocity.go2_cfg:Go2FlatEnvCfg", "velocity.agents:Go2FlatAgentCfg"),
    (reach.PANDA, "reach.arm_cfgs:PandaReachEnvCfg", "reach.agents:PandaReachAgentCfg"),
    (reach.UR5, "reach.arm_cfgs:UR5ReachEnvCfg", "reach.agents:UR5ReachAgentCfg"),
):
    gymnasium.register(
        id=_name,
        entry_point="isaaclab.envs:ManagerBasedRLEnv",
        disable_env_checker=True,
        kwargs={
            "env_cfg_entry_point": f"sim2real_tasks.{_cfg}",
            "rsl_rl_cfg_entry_point": f"sim2real_tasks.{_agent}",
            "default_agent": "rsl_rl",
        },
    )
