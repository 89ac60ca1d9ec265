"""Terms that Isaac Lab does not have: facts about feet, for a critic, and what a step is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def feet_height(env: Any, asset_cfg: Any) -> torch.Tensor:
    """Height of each foot's frame above its environment's origin [m], (num_envs, num_feet)."""
    height = env.scene[asset_cfg.name].data.body_pos_w.torch[:, asset_cfg.body_ids, 2]
    return height - env.scene.env_origins[:, 2:]


def feet_contact(env: Any, sensor_cfg: Any, threshold: float) -> torch.Tensor:
    """1 where a foot's contact force is above `threshold` [N], else 0; (num_envs, num_feet)."""
    force = env.scene.sensors[sensor_cfg.name].data.net_forces_w.torch[:, sensor_cfg.body_ids]
    return (force.norm(dim=-1) > threshold).float()


def feet_swing_time(
    env: Any, sensor_cfg: Any, command_name: str, threshold: float, longest: float, least: float = 0.1
) -> torch.Tensor:
    """How much longer than `threshold` [s] each swing was that ends now, summed over the feet; (num_envs,).

    Isaac Lab's `feet_air_time`, but that a swing counts for `longest` [s] at most: there, a leg that is held up and set
    down now and then earns as much as one that walks. Nothing for a command below `least` [m/s].
    """
    sensor = env.scene.sensors[sensor_cfg.name]
    ended = sensor.compute_first_contact(env.step_dt).torch[:, sensor_cfg.body_ids]
    swing = sensor.data.last_air_time.torch[:, sensor_cfg.body_ids].clamp(max=longest)
    walks = env.command_manager.get_command(command_name)[:, :2].norm(dim=1) > least
    return ((swing - threshold) * ended).sum(dim=1) * walks
