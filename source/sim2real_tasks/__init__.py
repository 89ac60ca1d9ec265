"""Isaac Lab tasks of sim2real. Importing registers them; nothing heavy is imported before one is made."""

import gymnasium

from . import own, reach, velocity
from .avoidance import TASK as AVOIDANCE

TASKS = {
    "avoidance": AVOIDANCE,
    "velocity": velocity.TASK,
    "go2": velocity.TASK,
    "go2_rough": velocity.GO2_ROUGH,
    "anymal_c": velocity.ANYMAL_C_FLAT,
    "anymal_c_rough": velocity.ANYMAL_C_ROUGH,
    "g1": velocity.G1_FLAT,
    "reach": reach.PANDA,
    "panda": reach.PANDA,
    "ur5": reach.UR5,
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
    (velocity.GO2_ROUGH, "velocity.go2_cfg:Go2RoughEnvCfg", "velocity.agents:Go2RoughAgentCfg"),
    (velocity.ANYMAL_C_FLAT, "velocity.anymal_c_cfg:AnymalCFlatEnvCfg", "velocity.agents:AnymalCFlatAgentCfg"),
    (velocity.ANYMAL_C_ROUGH, "velocity.anymal_c_cfg:AnymalCRoughEnvCfg", "velocity.agents:AnymalCRoughAgentCfg"),
    (velocity.G1_FLAT, "velocity.g1_cfg:G1FlatEnvCfg", "velocity.agents:G1FlatAgentCfg"),
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
own.register()
