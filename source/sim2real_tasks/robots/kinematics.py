"""Where the links of a description are, how low they reach, what a joint has to move and to hold: NumPy, by hand.

A card is written before any engine has seen the robot, so the few facts that guesses rest on are computed here from
the description alone; the tests compare them with MuJoCo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from .urdf import Description, Joint, Shape

GRAVITY = 9.81
"""[m/s²]."""


def motion(joint: Joint, position: float) -> np.ndarray:
    """Return what a joint at a position does to its child's frame, (4, 4)."""
    out = np.eye(4)
    if joint.type == "prismatic":
        out[:3, 3] = joint.axis * position
    elif joint.moves:
        x, y, z = joint.axis
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        out[:3, :3] = np.eye(3) + np.sin(position) * cross + (1 - np.cos(position)) * cross @ cross
    return out


def link_frames(robot: Description, positions: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the pose of every link in the root's frame, (4, 4) each.

    Args:
        robot: the description.
        positions: of joints, by name [rad or m]; the others are at 0.
    """
    frames = {robot.root: np.eye(4)}
    for joint in robot.depth_first():
        frames[joint.child] = frames[joint.parent] @ joint.pose @ motion(joint, positions.get(joint.name, 0.0))
    return frames


def weight_of(
    robot: Description, frames: Mapping[str, np.ndarray], links: Iterable[str]
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return mass [kg], centre of mass [m] and inertia about it [kg·m²] of some links together, in the root's frame."""
    masses, coms, inertias = [], [], []
    for name in links:
        link, frame = robot.links[name], frames[name]
        masses.append(link.mass)
        coms.append(frame[:3, :3] @ link.com + frame[:3, 3])
        inertias.append(frame[:3, :3] @ link.inertia @ frame[:3, :3].T)
    total = float(sum(masses))
    if total == 0.0:
        return 0.0, np.zeros(3), np.zeros((3, 3))
    centre = sum(mass * com for mass, com in zip(masses, coms, strict=True)) / total
    whole = np.zeros((3, 3))
    for mass, com, inertia in zip(masses, coms, inertias, strict=True):
        arm = com - centre
        whole += inertia + mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    return total, centre, whole


def subtree(robot: Description, link: str) -> list[str]:
    """Return a link and all below it."""
    found, left = [], [link]
    while left:
        found.append(left.pop())
        left += [joint.child for joint in robot.below(found[-1])]
    return found


def joint_inertia(robot: Description, frames: Mapping[str, np.ndarray], joint: Joint) -> float:
    """Return what a joint moves with its parent held: inertia about its axis [kg·m²], or mass [kg] of a slider."""
    mass, com, inertia = weight_of(robot, frames, subtree(robot, joint.child))
    if joint.type == "prismatic":
        return mass
    frame = frames[joint.child]
    axis = frame[:3, :3] @ joint.axis
    arm = com - frame[:3, 3]
    arm = arm - axis * (arm @ axis)
    return float(axis @ inertia @ axis + mass * arm @ arm)


def joint_load(
    robot: Description, frames: Mapping[str, np.ndarray], joint: Joint, feet: Mapping[str, np.ndarray]
) -> float:
    """Return what gravity asks of a joint at rest [N·m or N], without sign.

    Args:
        robot: the description.
        frames: of its links; the root is upright.
        joint: the joint.
        feet: points of contact in the root's frame [m] by link; the ground carries the whole weight there, in equal
            parts. None: the root is held.
    """
    below = set(subtree(robot, joint.child))
    frame = frames[joint.child]
    axis = frame[:3, :3] @ joint.axis
    total, _, _ = weight_of(robot, frames, robot.links)
    mass, com, _ = weight_of(robot, frames, below)
    forces = [(com, -mass * GRAVITY)] + [
        (point, total * GRAVITY / len(feet)) for link, point in feet.items() if link in below
    ]
    load = 0.0
    for point, force in forces:
        up = np.array([0.0, 0.0, force])
        load += float(axis @ (up if joint.type == "prismatic" else np.cross(point - frame[:3, 3], up)))
    return abs(load)


def shape_points(shape: Shape) -> np.ndarray:
    """Return points in the link's frame whose lowest is the shape's lowest, for round shapes nearly, (n, 3) [m]."""
    if shape.kind == "mesh":
        points = _vertices(str(shape.mesh)) * np.array(shape.size)
    elif shape.kind == "box":
        half = np.array(shape.size) / 2
        points = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    else:
        points = _round(shape)
    return points @ shape.pose[:3, :3].T + shape.pose[:3, 3]


def _round(shape: Shape) -> np.ndarray:
    radius = shape.size[0]
    angle = np.linspace(0.0, 2 * np.pi, 64, endpoint=False)
    ring = radius * np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    if shape.kind == "cylinder":
        end = np.array([0.0, 0.0, shape.size[1] / 2])
        return np.concatenate([ring + end, ring - end])
    index = np.arange(1024) + 0.5
    polar, turn = np.arccos(1 - 2 * index / 1024), np.pi * (1 + 5**0.5) * index
    ball = radius * np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    ball = np.concatenate([ball, radius * np.eye(3), -radius * np.eye(3)])
    if shape.kind == "sphere":
        return ball
    end = np.array([0.0, 0.0, shape.size[1] / 2])
    return np.concatenate([ball + end, ball - end])


@lru_cache(maxsize=128)
def _vertices(mesh: str) -> np.ndarray:
    """Return the corners of a mesh file, (n, 3)."""
    import trimesh

    from .convert import RobotAssetError

    try:
        loaded = trimesh.load_scene(Path(mesh))
        return np.asarray(loaded.to_mesh().vertices, dtype=float)
    except Exception as error:
        raise RobotAssetError(f"{mesh}: the mesh cannot be read: {error}") from error


def lowest_points(robot: Description, frames: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return each link's lowest collider point in the root's frame [m], (3,); links without colliders are left out."""
    found = {}
    for name, link in robot.links.items():
        points = [shape_points(shape) for shape in link.colliders]
        if points:
            placed = np.concatenate(points) @ frames[name][:3, :3].T + frames[name][:3, 3]
            found[name] = placed[np.argmin(placed[:, 2])]
    return found
