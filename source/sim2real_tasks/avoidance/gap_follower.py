"""The classical answer to the avoidance task: drive if the corridor ahead is free, else turn to the more open side.

The rule reads a *clean* depth image with a known camera, so it is two things at once: the labelling rule of the
synthetic dataset (the teacher), and the baseline that says how well the task can be done at all (the ceiling).
Each pixel becomes a point in the robot's frame; points between the ground and the robot's height are obstacles; the
nearest one inside the corridor that the robot is about to sweep decides between driving and turning, and the mean
clipped clearance of the image columns on either side decides where to turn.

Frames. The robot's frame has its origin on the ground below the nominal camera mount: x forward, y left, z up. An
unrotated camera looks along x. Pixel (u, v) counts right and down, its centre lies at (u + 0.5, v + 0.5), so the
principal point of a centred camera is (width / 2, height / 2). Depth is planar: the distance along the optical axis.
Rotations are roll, pitch, yaw about x, y, z, applied in this order about fixed axes: positive pitch looks down,
positive yaw looks left. NumPy only, so that it runs on the robot too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FORWARD, LEFT, RIGHT = 0, 1, 2
"""The classes of the avoidance task, in the order of the policy's outputs."""


@dataclass(frozen=True, kw_only=True)
class GapFollowerParams:
    """Geometry of the rule; the defaults fit the rover (0.43 m across its corners) with 0.1 m to spare on each side."""

    half_width_m: float = 0.32
    """Half the width of the corridor that must be free [m]."""
    lookahead_m: float = 0.75
    """Length of the corridor, from the camera mount forwards [m]."""
    height_low_m: float = 0.04
    """Points up to this height above the ground are floor [m]."""
    height_high_m: float = 0.59
    """Points from this height on pass over the robot [m]."""
    range_max_m: float = 1.8
    """Clearances are clipped here, so that one far gap does not outweigh a wide near one [m]."""

    def __post_init__(self) -> None:
        if not 0.0 < self.lookahead_m < self.range_max_m:
            raise ValueError(
                f"lookahead_m is {self.lookahead_m} and range_max_m {self.range_max_m};"
                " allowed: 0 < lookahead_m < range_max_m"
            )
        if not 0.0 <= self.height_low_m < self.height_high_m:
            raise ValueError(
                f"height_low_m is {self.height_low_m} and height_high_m {self.height_high_m};"
                " allowed: 0 <= height_low_m < height_high_m"
            )
        if self.half_width_m <= 0.0:
            raise ValueError(f"half_width_m is {self.half_width_m}; allowed: more than 0")


@dataclass(frozen=True, kw_only=True)
class Clearance:
    """What the rule measures in each frame; every array has shape (N,) [m]."""

    corridor: np.ndarray
    """Forward distance of the nearest obstacle point inside the corridor, at most ``range_max_m``."""
    left: np.ndarray
    """Mean clipped clearance of the columns that look left of straight ahead."""
    right: np.ndarray
    """Mean clipped clearance of the columns that look right of straight ahead."""


def measure_clearance(
    depth: np.ndarray,
    fx: float | np.ndarray,
    fy: float | np.ndarray,
    cx: float | np.ndarray,
    cy: float | np.ndarray,
    camera_position: np.ndarray,
    camera_rotation: np.ndarray | None = None,
    params: GapFollowerParams | None = None,
) -> Clearance:
    """Measure the free corridor and the opening on either side.

    Args:
        depth: Planar depth [m], shape (N, H, W). Zero, negative, NaN and infinite pixels count as free.
        fx: Focal length along u [px], a number or shape (N,).
        fy: Focal length along v [px], a number or shape (N,).
        cx: Principal point along u [px], a number or shape (N,).
        cy: Principal point along v [px], a number or shape (N,).
        camera_position: Camera in the robot's frame [m], shape (3,) or (N, 3); z is its height above the ground.
        camera_rotation: Roll, pitch, yaw of the camera [rad], shape (3,) or (N, 3). None: straight ahead.
        params: The rule's geometry. None: the defaults.

    Both openings average over the same range of bearings, the widest that the camera sees on both sides, so that a
    camera that is turned by a few degrees does not prefer the side it sees more of.
    """
    params = params or GapFollowerParams()
    depth = np.asarray(depth)
    if depth.ndim != 3 or not np.issubdtype(depth.dtype, np.floating):
        raise ValueError(
            f"depth has shape {depth.shape} and type {depth.dtype}; allowed: float metres of shape (N, H, W)"
        )
    depth = depth.astype(np.float32, copy=False)
    count, height, width = depth.shape
    position = _rows(camera_position, 3, count, "camera_position")
    rotation = _rotation(
        _rows(np.zeros(3) if camera_rotation is None else camera_rotation, 3, count, "camera_rotation")
    )
    # A pixel's ray R @ (1, across[u], up[v]) is a term in u plus a term in v: no (N, H, W, 3) array of rays is needed.
    across = (_rows(cx, 1, count, "cx") - (np.arange(width) + 0.5)) / _rows(fx, 1, count, "fx")
    up = (_rows(cy, 1, count, "cy") - (np.arange(height) + 0.5)) / _rows(fy, 1, count, "fy")
    by_column = (rotation[:, :, :1] + rotation[:, :, 1:2] * across[:, None, :]).astype(np.float32)  # (n, 3, W)
    by_row = (rotation[:, :, 2:] * up[:, None, :]).astype(np.float32)  # (n, 3, H)
    offset = position.astype(np.float32)

    def coordinate(axis: int) -> np.ndarray:
        ray = by_column[:, axis, None, :] + by_row[:, axis, :, None]
        point = depth * ray
        point += offset[:, axis, None, None]
        return point

    limit = np.float32(params.range_max_m)
    with np.errstate(invalid="ignore", over="ignore"):
        z = coordinate(2)
        obstacle = (z > np.float32(params.height_low_m)) & (z < np.float32(params.height_high_m)) & (depth > 0.0)
        ahead = np.where(obstacle, coordinate(0), limit)
        np.minimum(ahead, limit, out=ahead)
        by_image_column = ahead.min(axis=1)  # (N, W)
        swept = np.where(np.abs(coordinate(1)) < np.float32(params.half_width_m), ahead, limit)
        corridor = swept.reshape(count, -1).min(axis=1)

    slope = by_column[:, 1] / by_column[:, 0]  # y per metre of x along each column's horizontal ray
    common = np.minimum(slope.max(axis=1), -slope.min(axis=1))[:, None] * np.float32(1.0 + 1e-5)
    left = _mean_where(by_image_column, (slope > 0.0) & (slope <= common), limit)
    right = _mean_where(by_image_column, (slope < 0.0) & (slope >= -common), limit)
    return Clearance(corridor=corridor, left=left, right=right)


def label(
    depth: np.ndarray,
    fx: float | np.ndarray,
    fy: float | np.ndarray,
    cx: float | np.ndarray,
    cy: float | np.ndarray,
    camera_position: np.ndarray,
    camera_rotation: np.ndarray | None = None,
    params: GapFollowerParams | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Label depth images: 0 forward, 1 left, 2 right; arguments as in ``measure_clearance``.

    Returns:
        The labels, int64 of shape (N,), and their margins [m], float32 of shape (N,). A positive margin is the free
        length of the corridor beyond the look-ahead. A negative one belongs to a turn; its size is the smaller of
        two distances: of the obstacle inside the look-ahead, and between the left and the right opening. So
        ``abs(margin)`` says how far the frame is from another label. On an exact tie the label is left.
    """
    params = params or GapFollowerParams()
    seen = measure_clearance(depth, fx, fy, cx, cy, camera_position, camera_rotation, params)
    beyond = seen.corridor - np.float32(params.lookahead_m)
    difference = seen.left - seen.right
    labels = np.where(beyond > 0.0, FORWARD, np.where(difference >= 0.0, LEFT, RIGHT)).astype(np.int64)
    margin = np.where(beyond > 0.0, beyond, -np.minimum(-beyond, np.abs(difference))).astype(np.float32)
    return labels, margin


def _rows(value: float | np.ndarray, dim: int, count: int, name: str) -> np.ndarray:
    """Bring a shared or a per-row value to shape (1, dim) or (count, dim)."""
    array = np.asarray(value, dtype=np.float64)
    if array.ndim == (0 if dim == 1 else 1) and array.size == dim:
        return array.reshape(1, dim)
    if array.size == count * dim and array.shape[0] == count:
        return array.reshape(count, dim)
    shared = "a number" if dim == 1 else f"({dim},)"
    per_row = f"({count},)" if dim == 1 else f"({count}, {dim})"
    raise ValueError(f"{name} has shape {array.shape}; allowed: {shared} for all rows, or {per_row}, one per image")


def _rotation(rpy: np.ndarray) -> np.ndarray:
    """Return the matrices of roll, pitch, yaw about fixed axes, shape (n, 3, 3)."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy).T, np.sin(rpy).T
    rows = (
        (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
        (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
        (-sp, cp * sr, cp * cr),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _mean_where(values: np.ndarray, mask: np.ndarray, empty: np.float32) -> np.ndarray:
    """Average (N, W) values over a (1 or N, W) mask in float64; rows without a column give ``empty``."""
    number = mask.sum(axis=1)
    total = np.where(mask, values, np.float32(0.0)).sum(axis=1, dtype=np.float64)
    return np.where(number > 0, total / np.maximum(number, 1), empty).astype(np.float32)
