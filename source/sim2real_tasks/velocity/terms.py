"""Observation terms that Isaac Lab does not have: facts about feet, for a critic."""

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
