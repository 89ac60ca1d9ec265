"""Isaac Lab tasks of sim2real. Importing registers them; nothing heavy is imported before one is made."""

import gymnasium

from .avoidance import TASK as AVOIDANCE

gymnasium.register(
    id=AVOIDANCE,
    entry_point="sim2real_tasks.avoidance.env:AvoidanceEnv",
    disable_env_checker=True,
    kwargs={"env_cfg_entry_point": "sim2real_tasks.avoidance.env_cfg:AvoidanceEnvCfg"},
)
