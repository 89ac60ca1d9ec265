"""Observation terms that Isaac Lab does not have: where an arm's end-effector is, for a critic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def body_pose_b(env: Any, asset_cfg: Any) -> torch.Tensor:
    """Position [m] and quaternion (x, y, z, w; w >= 0) of one body in the base's frame, (num_envs, 7)."""
    import torch
    from isaaclab.utils.math import quat_unique, subtract_frame_transforms

    data = env.scene[asset_cfg.name].data
    position, quaternion = subtract_frame_transforms(
        data.root_pos_w.torch,
        data.root_quat_w.torch,
        data.body_pos_w.torch[:, asset_cfg.body_ids][:, 0],
        data.body_quat_w.torch[:, asset_cfg.body_ids][:, 0],
    )
    return torch.cat([position, quat_unique(quaternion)], dim=1)


def body_velocity_b(env: Any, asset_cfg: Any) -> torch.Tensor:
    """Linear [m/s] and angular velocity [rad/s] of one body, in the axes of the base, (num_envs, 6)."""
    import torch
    from isaaclab.utils.math import quat_apply_inverse

    data = env.scene[asset_cfg.name].data
    base = data.root_quat_w.torch
    linear = data.body_lin_vel_w.torch[:, asset_cfg.body_ids][:, 0]
    angular = data.body_ang_vel_w.torch[:, asset_cfg.body_ids][:, 0]
    return torch.cat([quat_apply_inverse(base, linear), quat_apply_inverse(base, angular)], dim=1)
