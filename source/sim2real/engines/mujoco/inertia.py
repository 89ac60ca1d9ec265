"""Inertia as MuJoCo keeps it: three moments along principal axes, and boxes for the collision search beside them.

MuJoCo hangs the bounding boxes of a body's shapes on its *inertial* frame and leaves them there when that frame is
moved: contacts are then missed without a word. Whoever moves the frame has to move the boxes back.
"""

from __future__ import annotations

import numpy as np

SAME_AXES = 1e-6
"""Off-diagonal over largest moment below which axes count as principal; float32 rounding stays under it."""


def rotation(quat: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a unit quaternion w, x, y, z."""
    w, x, y, z = quat
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def full_inertia(moments: np.ndarray, quat: np.ndarray) -> np.ndarray:
    """Inertia (3, 3) along the body's axes from principal moments (3,) and the quaternion of their axes."""
    axes = rotation(quat)
    return (axes * moments) @ axes.T


def principal(inertia: np.ndarray, quat: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Principal moments (3,) and axes (3, 3) of an inertia (3, 3) along the body's axes.

    Args:
        inertia: symmetric, about the centre of mass [kg·m²].
        quat: axes that are tried first.

    Returns:
        The moments, and their axes; None where those of `quat` still hold, so that an inertia that is only scaled
        keeps them.
    """
    axes = rotation(quat)
    turned = axes.T @ inertia @ axes
    moments = np.diagonal(turned).copy()
    if np.abs(turned - np.diag(moments)).max() <= SAME_AXES * np.abs(moments).max():
        return moments, None
    values, vectors = np.linalg.eigh(turned)
    order = _nearest(vectors)
    found = vectors[:, order]
    found *= np.where(np.diagonal(found) < 0.0, -1.0, 1.0)
    if np.linalg.det(found) < 0.0:
        found[:, np.argmin(np.abs(np.diagonal(found)))] *= -1.0
    return values[order], axes @ found


def _nearest(vectors: np.ndarray) -> list[int]:
    """The order of the columns that brings them nearest to the present axes, so that small changes stay small."""
    from itertools import permutations

    return list(max(permutations(range(3)), key=lambda order: sum(vectors[i, k] ** 2 for i, k in enumerate(order))))


def moved_boxes(
    boxes: np.ndarray, old_position: np.ndarray, old_quat: np.ndarray, position: np.ndarray, quat: np.ndarray
) -> np.ndarray:
    """Boxes that contain `boxes`, which were given in the old frame, in the new one.

    Args:
        boxes: centre and half size, (n, 6) [m].
        old_position: origin of the old frame (3,) [m]; with `old_quat`.
        old_quat: its axes.
        position: origin of the new frame; with `quat`.
        quat: its axes.
    """
    before, after = rotation(old_quat), rotation(quat)
    turn = after.T @ before
    centre = boxes[:, :3] @ turn.T + after.T @ (old_position - position)
    return np.concatenate([centre, boxes[:, 3:] @ np.abs(turn).T], axis=1)
