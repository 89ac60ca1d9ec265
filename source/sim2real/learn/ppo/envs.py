"""Isaac Lab's environment as rsl_rl sees it, with a world that diverged counted instead of fatal."""

from __future__ import annotations

from typing import Any

from isaaclab_rl.rsl_rl import RslRlVecEnvWrapper


class TrainingEnv(RslRlVecEnvWrapper):
    """rsl_rl's view of an environment.

    A world whose state became NaN ends its episode where the spec's events count divergence; the reward of that last
    step is no number either, and is taken as 0. Without such events rsl_rl stops with an error, as it should.
    """

    def step(self, actions: Any) -> tuple[Any, Any, Any, dict]:
        """Take a step of all environments."""
        import torch

        obs, reward, dones, extras = super().step(actions)
        lost = dones.bool() & ~torch.isfinite(reward)
        return obs, torch.where(lost, torch.zeros_like(reward), reward), dones, extras
