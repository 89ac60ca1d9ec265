"""Exact clearance between the rover's footprint and everything that stands in the arena.

The footprint is what physics collides: the base rectangle and the discs of the two wheel spheres. Obstacles and
walls are upright and taller than the rover, so contact in space is contact in the plane, and the clearance of two
convex outlines is found at a vertex of one of them. All arrays are torch tensors on any device.
"""

from __future__ import annotations

import torch

from ..robots.rover import BASE_HALF_LENGTH, BASE_HALF_WIDTH, TRACK, WHEEL_RADIUS
from . import arena

IS_BOX = tuple(o.kind == "box" for o in arena.OBSTACLES)
HALF_X = tuple(o.half_x for o in arena.OBSTACLES)
HALF_Y = tuple(o.half_y for o in arena.OBSTACLES)


def _to_local(points: torch.Tensor, center: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:
    """`points` (..., 2) in the frame at `center` (..., 2) turned by `yaw` (...)."""
    delta = points - center
    c, s = torch.cos(yaw), torch.sin(yaw)
    return torch.stack((c * delta[..., 0] + s * delta[..., 1], c * delta[..., 1] - s * delta[..., 0]), -1)


def _to_world(points: torch.Tensor, center: torch.Tensor, yaw: torch.Tensor) -> torch.Tensor:
    c, s = torch.cos(yaw), torch.sin(yaw)
    x, y = points[..., 0], points[..., 1]
    return torch.stack((c * x - s * y, s * x + c * y), -1) + center


def _rectangle_distance(points: torch.Tensor, half: torch.Tensor) -> torch.Tensor:
    """Signed distance of `points` (..., 2) to an axis-aligned rectangle of half sizes `half` (..., 2)."""
    outside = points.abs() - half
    return outside.clamp(min=0.0).norm(dim=-1) + outside.amax(-1).clamp(max=0.0)


def _corners(half: torch.Tensor) -> torch.Tensor:
    """Corners (..., 4, 2) of rectangles of half sizes `half` (..., 2)."""
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]], dtype=half.dtype, device=half.device)
    return half.unsqueeze(-2) * signs


def obstacle_clearance(pose: torch.Tensor, obstacles: torch.Tensor) -> torch.Tensor:
    """Distance from the footprint to each obstacle [m], negative when they overlap.

    Args:
        pose: Rover x, y, yaw in the arena frame [m, m, rad], shape (n, 3).
        obstacles: x, y, yaw of each obstacle in the order of `arena.OBSTACLES`, shape (n, k, 3).

    Returns:
        Shape (n, k).
    """
    kind = dict(dtype=pose.dtype, device=pose.device)
    half = torch.stack((torch.tensor(HALF_X, **kind), torch.tensor(HALF_Y, **kind)), -1)  # (k, 2)
    is_box = torch.tensor(IS_BOX, device=pose.device)
    base = torch.tensor([BASE_HALF_LENGTH, BASE_HALF_WIDTH], **kind)
    wheels = torch.tensor([[0.0, TRACK / 2], [0.0, -TRACK / 2]], **kind)
    center, yaw = obstacles[..., :2], obstacles[..., 2]  # (n, k, 2), (n, k)
    rover, rover_yaw = pose[:, None, :2], pose[:, None, 2]

    # Rover corners and wheel centres in each obstacle's frame; obstacle corners in the rover's.
    rover_corners = _to_world(_corners(base), pose[:, None, :2], pose[:, None, 2])  # (n, 4, 2)
    wheel_centers = _to_world(wheels, pose[:, None, :2], pose[:, None, 2])  # (n, 2, 2)

    def in_obstacle(points: torch.Tensor) -> torch.Tensor:  # (n, p, 2) -> (n, k, p, 2)
        return _to_local(points[:, None], center[:, :, None], yaw[:, :, None])

    box_half = half[:, None]  # (k, 1, 2)
    corners = _to_world(_corners(half), center[:, :, None], yaw[:, :, None])  # (n, k, 4, 2)
    from_corners = _rectangle_distance(_to_local(corners, rover[:, :, None], rover_yaw[:, :, None]), base).amin(-1)
    to_box = torch.minimum(_rectangle_distance(in_obstacle(rover_corners), box_half).amin(-1), from_corners)
    wheel_to_box = _rectangle_distance(in_obstacle(wheel_centers), box_half).amin(-1) - WHEEL_RADIUS

    radius = half[:, 0]
    to_cylinder = _rectangle_distance(_to_local(center, rover, rover_yaw), base) - radius
    wheel_to_cylinder = (wheel_centers[:, None] - center[:, :, None]).norm(dim=-1).amin(-1) - WHEEL_RADIUS - radius
    return torch.where(is_box, torch.minimum(to_box, wheel_to_box), torch.minimum(to_cylinder, wheel_to_cylinder))


def wall_clearance(pose: torch.Tensor) -> torch.Tensor:
    """Distance from the footprint to the nearest wall [m], negative when it overlaps. `pose` (n, 3) -> (n,)."""
    kind = dict(dtype=pose.dtype, device=pose.device)
    base = torch.tensor([BASE_HALF_LENGTH, BASE_HALF_WIDTH], **kind)
    corners = _to_world(_corners(base), pose[:, None, :2], pose[:, None, 2])
    wheels = _to_world(torch.tensor([[0.0, TRACK / 2], [0.0, -TRACK / 2]], **kind), pose[:, None, :2], pose[:, None, 2])

    def inside(points: torch.Tensor) -> torch.Tensor:
        sides = arena.WIDTH / 2 - points[..., 1].abs()
        return torch.minimum(sides, points[..., 0] - arena.ENTRANCE_X).amin(-1)

    return torch.minimum(inside(corners), inside(wheels) - WHEEL_RADIUS)


def clearance(pose: torch.Tensor, obstacles: torch.Tensor) -> torch.Tensor:
    """Distance from the footprint to the nearest thing in the arena [m]; shapes as `obstacle_clearance`, returns
    (n,).
    """
    return torch.minimum(obstacle_clearance(pose, obstacles).amin(-1), wall_clearance(pose))


def swept_clearance(
    before: torch.Tensor, after: torch.Tensor, obstacles: torch.Tensor, samples: int = 4
) -> torch.Tensor:
    """Least clearance [m] on the way from pose `before` to pose `after` (n, 3), `samples` poses apart, both ends'
    end included.
    """
    turn = torch.atan2(torch.sin(after[:, 2] - before[:, 2]), torch.cos(after[:, 2] - before[:, 2]))
    delta = torch.cat((after[:, :2] - before[:, :2], turn[:, None]), -1)
    least = clearance(after, obstacles)
    for i in range(1, samples):
        least = torch.minimum(least, clearance(before + delta * (i / samples), obstacles))
    return least
