"""Isaac Lab tasks of sim2real. Importing registers them; nothing heavy is imported before one is made."""

import gymnasium

from .avoidance import TASK as AVOIDANCE
from .velocity import TASK as VELOCITY_GO2

gymnasium.register(
    id=AVOIDANCE,
    entry_point="sim2real_tasks.avoidance.env:AvoidanceEnv",
    disable_env_checker=True,
    kwargs={"env_cfg_entry_point": "sim2real_tasks.avoidance.env_cfg:AvoidanceEnvCfg"},
)
gymnasium.register(
    id=VELOCITY_GO2,
    entry_point="isaaclab.envs:ManagerBasedRLEnv",
    disable_env_checker=True,
    kwargs={
        "env_cfg_entry_point": "sim2real_tasks.velocity.go2_cfg:Go2FlatEnvCfg",
        "rsl_rl_cfg_entry_point": "sim2real_tasks.velocity.agents:Go2FlatAgentCfg",
        "default_agent": "rsl_rl",
    },
)
