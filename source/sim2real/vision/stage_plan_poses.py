"""Rotations of things on a stage, as a USD stage says them: degrees about x, then y, then z.

A camera of a spec looks along +x with z up; a USD camera looks along -z with y up. Only this file knows both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CAMERA_AXES = np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""A USD camera's right, up and back (columns), in a frame that looks along +x with y to the left and z up."""


def matrix_from_rpy(rpy: Any) -> np.ndarray:
    """Rotation matrices of roll, pitch, yaw [rad] about fixed axes, in this order; ``(..., 3)`` -> ``(..., 3, 3)``."""
    angles = np.asarray(rpy, np.float64)
    (cr, cp, cy), (sr, sp, sy) = np.moveaxis(np.cos(angles), -1, 0), np.moveaxis(np.sin(angles), -1, 0)
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def rpy_from_matrix(matrix: Any) -> np.ndarray:
    """Roll, pitch, yaw [rad] of rotation matrices; ``(..., 3, 3)`` -> ``(..., 3)``, pitch within a quarter turn."""
    m = np.asarray(matrix, np.float64)
    pitch = np.arcsin(np.clip(-m[..., 2, 0], -1.0, 1.0))
    locked = np.abs(m[..., 2, 0]) > 1.0 - 1e-12  # looking straight up or down: roll and yaw are one turn
    roll = np.where(locked, np.arctan2(-m[..., 1, 2], m[..., 1, 1]), np.arctan2(m[..., 2, 1], m[..., 2, 2]))
    yaw = np.where(locked, 0.0, np.arctan2(m[..., 1, 0], m[..., 0, 0]))
    return np.stack([roll, pitch, yaw], -1)


def look_at(eye: Any, target: Any, up: Any, roll: Any = 0.0) -> np.ndarray:
    """Rotation matrices of USD cameras at ``eye`` that look at ``target``, ``(n, 3)`` each -> ``(n, 3, 3)``.

    Args:
        eye: places.
        target: points looked at; one that coincides with the eye is looked at along +x.
        up: the stage's up axis ``(3,)``.
        roll: turn about the viewing axis [rad], ``(n,)``; positive tilts the camera to its right.
    """
    forward = np.asarray(target, np.float64) - np.asarray(eye, np.float64)
    length = np.linalg.norm(forward, axis=-1, keepdims=True)
    forward = np.where(length > 1e-9, forward / np.maximum(length, 1e-9), np.array([1.0, 0.0, 0.0]))
    up = np.broadcast_to(np.asarray(up, np.float64), forward.shape)
    left = np.cross(up, forward)
    size = np.linalg.norm(left, axis=-1, keepdims=True)
    # Straight up or down there is no horizon: any left that is square to the view will do.
    spare = np.cross(np.roll(up, 1, -1), forward)
    spare = spare / np.maximum(np.linalg.norm(spare, axis=-1, keepdims=True), 1e-12)
    left = np.where(size > 1e-9, left / np.maximum(size, 1e-12), spare)
    frame = np.stack([forward, left, np.cross(forward, left)], -1)
    turns = np.zeros((len(frame), 3))
    turns[:, 0] = roll
    return frame @ matrix_from_rpy(turns) @ CAMERA_AXES


def split_matrix(matrix: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place ``(3,)``, rotation ``(3, 3)`` and size ``(3,)`` of a transform ``(4, 4)`` that acts on columns."""
    m = np.asarray(matrix, np.float64)
    size = np.linalg.norm(m[:3, :3], axis=0)
    rotation = m[:3, :3] / np.where(size > 0.0, size, 1.0)
    if np.linalg.det(rotation) < 0.0:  # mirrored: the mirror belongs to the size
        rotation, size = rotation * np.array([-1.0, 1.0, 1.0]), size * np.array([-1.0, 1.0, 1.0])
    return m[:3, 3], rotation, size
