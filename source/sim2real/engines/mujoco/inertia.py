"""Inertia as MuJoCo keeps it: three moments along principal axes, and boxes for the collision search beside them.

MuJoCo hangs the bounding boxes of a body's shapes on its *inertial* frame and leaves them there when that frame is
moved: contacts are then missed without a word. Whoever moves the frame has to move the boxes back.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

SAME_AXES = 1e-6
"""Off-diagonal over largest moment below which axes count as principal; float32 rounding stays under it."""


def rotation(quat: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4): w, x, y, z."""
    w, x, y, z = np.moveaxis(quat, -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def full_inertia(moments: np.ndarray, quat: np.ndarray) -> np.ndarray:
    """Inertia (..., 3, 3) along the body's axes from principal moments (..., 3) and quaternions of their axes."""
    axes = rotation(quat)
    return (axes * moments[..., None, :]) @ np.swapaxes(axes, -1, -2)


def principal(inertia: np.ndarray, quat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal moments and axes of inertias along the body's axes.

    Args:
        inertia: (n, 3, 3), symmetric, about the centre of mass [kg·m²].
        quat: (n, 4), axes that are kept where they still hold, so that an inertia that is only scaled keeps them.

    Returns:
        the moments (n, 3), the axes (n, 3, 3), and whether they are others than those of `quat`, bool (n,).
    """
    axes = rotation(quat)
    inside = np.swapaxes(axes, -1, -2) @ inertia @ axes
    moments = np.diagonal(inside, axis1=-2, axis2=-1).copy()
    rest = np.abs(inside - moments[..., None] * np.eye(3)).max(axis=(-2, -1))
    turned = rest > SAME_AXES * np.abs(moments).max(axis=-1)
    for i in np.flatnonzero(turned):
        moments[i], found = _nearest_axes(inside[i])
        axes[i] = axes[i] @ found
    return moments, axes, turned


def _nearest_axes(inertia: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moments and right-handed principal axes, in the order nearest to the present ones: small changes stay small."""
    values, vectors = np.linalg.eigh(inertia)
    near = max(permutations(range(3)), key=lambda order: sum(vectors[i, k] ** 2 for i, k in enumerate(order)))
    order = list(near)
    found = vectors[:, order]
    found *= np.where(np.diagonal(found) < 0.0, -1.0, 1.0)
    if np.linalg.det(found) < 0.0:
        found[:, np.argmin(np.abs(np.diagonal(found)))] *= -1.0
    return values[order], found


def moved_boxes(
    boxes: np.ndarray, old_position: np.ndarray, old_quat: np.ndarray, position: np.ndarray, quat: np.ndarray
) -> np.ndarray:
    """Boxes that contain `boxes`, which were given in old frames, in the new ones.

    Args:
        boxes: centre and half size, (n, 6) [m].
        old_position: origins of the old frames (n, 3) [m]; with `old_quat`.
        old_quat: their axes (n, 4).
        position: origins of the new frames (n, 3) [m]; with `quat`.
        quat: their axes (n, 4).
    """
    back = np.swapaxes(rotation(quat), -1, -2)
    turn = back @ rotation(old_quat)
    centre = turn @ boxes[:, :3, None] + back @ (old_position - position)[:, :, None]
    return np.concatenate([centre[..., 0], (np.abs(turn) @ boxes[:, 3:, None])[..., 0]], axis=1)
