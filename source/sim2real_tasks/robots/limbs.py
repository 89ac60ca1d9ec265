"""Which limbs a robot has, and a pose in which it can begin: legs bent under the hips, an arm half stretched.

All of it is guessed from the description's geometry, by rules that the functions state; a card says so and asks to be
confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .kinematics import link_frames, lowest_points, motion
from .urdf import Description, Joint

GRIPPER = re.compile(r"(?i).*(gripper|finger|jaw|knuckle).*")
"""Names of joints that grasp."""
LOW = 0.15
"""A limb ends on the ground if it comes so near to the robot's lowest point, as a share of its height."""
STRETCH = 0.85
"""How far a leg is stretched in the default pose, as a share of its length."""
BEND = 0.8
"""How far a knee is bent at first [rad], before the search."""


def chain(robot: Description, link: str) -> list[Joint]:
    """Return all joints from the root to a link, the root's first."""
    found: list[Joint] = []
    while (joint := robot.above(link)) is not None:
        found.insert(0, joint)
        link = joint.parent
    return found


def at(joints: Sequence[Joint], positions: Mapping[str, float]) -> np.ndarray:
    """Return the pose of the last joint's child in the root's frame, (4, 4)."""
    pose = np.eye(4)
    for joint in joints:
        pose = pose @ joint.pose @ motion(joint, positions.get(joint.name, 0.0))
    return pose


def within(joint: Joint, value: float) -> float:
    """Return a position moved into a joint's limits, a twentieth of the range away from them."""
    if not np.isfinite(joint.upper - joint.lower):
        return value
    margin = 0.05 * (joint.upper - joint.lower)
    if joint.lower < 0 < joint.upper and value == 0:
        return 0.0
    return float(np.clip(value, joint.lower + margin, joint.upper - margin))


def limbs(robot: Description, frozen: frozenset[str]) -> list[str]:
    """Return the last bodies of all limbs, in the order of the tree."""
    moving = [joint for joint in robot.depth_first() if joint.moves and joint.name not in frozen]
    parents = {robot.body(joint.parent, frozen) for joint in moving}
    return [joint.child for joint in moving if robot.body(joint.child, frozen) not in parents]


def guess_feet(robot: Description, pose: Mapping[str, float], frozen: frozenset[str]) -> list[str]:
    """Return the last bodies of the limbs that come lowest, those with a joint at least above them."""
    low = lowest_points(robot, link_frames(robot, pose))
    ends = {}
    for end in limbs(robot, frozen):
        parts = [name for name in low if robot.body(name, frozen) == end]
        if parts:
            ends[end] = min(float(low[name][2]) for name in parts)
    if not ends:
        return []
    floor = min(float(point[2]) for point in low.values())
    height = max(float(point[2]) for point in low.values()) - floor
    height = max(height, -floor)
    return [end for end, z in ends.items() if z - floor <= LOW * height]


def independent(robot: Description, links: Sequence[str], frozen: frozenset[str]) -> bool:
    """Whether links hang on limbs that share no joint."""
    seen: set[str] = set()
    for link in links:
        own = {joint.name for joint in chain(robot, link) if joint.moves and joint.name not in frozen}
        if own & seen:
            return False
        seen |= own
    return True


def foot_link(robot: Description, end: str, pose: Mapping[str, float], frozen: frozenset[str]) -> str:
    """Return the link of a limb's last body that is the foot: the one that reaches lowest, if it can be a body."""
    low = lowest_points(robot, link_frames(robot, pose))
    parts = [name for name in low if robot.body(name, frozen) == end]
    lowest = min(parts, key=lambda name: float(low[name][2]))
    link, joint = robot.links[lowest], robot.above(lowest)
    moments = np.linalg.eigvalsh(link.inertia)
    tied = joint is not None and joint.type == "fixed"
    own = link.mass > 0 and moments[0] > 1e-12 * moments[2] and moments[0] + moments[1] >= moments[2] * 0.999
    return lowest if tied and own else end


def search(residual: Callable[[np.ndarray], np.ndarray], start: np.ndarray, joints: Sequence[Joint]) -> np.ndarray:
    """Return positions within limits at which the squares of `residual` are least: damped Gauss-Newton, 60 steps."""
    lower = np.array([within(joint, -np.inf) if np.isfinite(joint.lower) else -np.pi for joint in joints])
    upper = np.array([within(joint, np.inf) if np.isfinite(joint.upper) else np.pi for joint in joints])
    best = np.clip(start, lower, upper)
    value, damping = residual(best), 1e-2
    for _ in range(60):
        step = 1e-5
        jacobian = np.stack([(residual(best + step * unit) - value) / step for unit in np.eye(len(best))], axis=1)
        normal = jacobian.T @ jacobian + damping * np.eye(len(best))
        there = np.clip(best - np.linalg.solve(normal, jacobian.T @ value), lower, upper)
        trial = residual(there)
        if trial @ trial < value @ value:
            done = np.abs(there - best).max() < 1e-6
            best, value, damping = there, trial, max(damping / 3, 1e-6)
            if done:
                break
        else:
            damping *= 4
    return best


def bend_leg(robot: Description, foot: str, pose: Mapping[str, float], frozen: frozenset[str]) -> dict[str, float]:
    """Return a leg's positions with the foot below the hip, the leg stretched by `STRETCH`.

    The hip is the first joint about the sideways axis; a leg with fewer than two of those stays as it is. A leg of
    five joints and more keeps its sole level.
    """
    joints = chain(robot, foot)
    free = [joint for joint in joints if joint.moves and joint.name not in frozen]
    frames = {joint.name: at(joints[: index + 1], pose) for index, joint in enumerate(joints)}
    sideways = {joint.name: float((frames[joint.name][:3, :3] @ joint.axis)[1]) for joint in free}
    pitches = [joint for joint in free if abs(sideways[joint.name]) > 0.7 and joint.type != "prismatic"]
    if len(pitches) < 2:
        return {joint.name: pose[joint.name] for joint in free}
    start = {joint.name: pose[joint.name] for joint in free}
    # A straight knee cannot tell which way to bend.
    knee = pitches[1]
    sign = np.sign(sideways[knee.name])
    bends = [bend for bend in (-BEND * sign, BEND * sign) if knee.lower <= bend <= knee.upper]
    if bends:
        start[knee.name] = bends[0]
        start[pitches[0].name] = within(pitches[0], -0.5 * bends[0] * sign * np.sign(sideways[pitches[0].name]))
    colliders = lowest_points(robot, link_frames(robot, pose))
    sole = at(joints, pose)
    tip = np.linalg.inv(sole) @ np.append(colliders[foot], 1.0) if foot in colliders else np.array([0, 0, 0, 1.0])
    places = [frames[joint.name][:3, 3] for joint in pitches] + [(sole @ tip)[:3]]
    length = sum(float(np.hypot(*(b - a)[[0, 2]])) for a, b in zip(places, places[1:], strict=False))
    upto = joints.index(pitches[0]) + 1
    first = np.array([start[joint.name] for joint in free])
    stay = np.array([0.02 if joint in pitches else 1.0 for joint in free])

    def residual(values: np.ndarray) -> np.ndarray:
        positions = {joint.name: float(value) for joint, value in zip(free, values, strict=True)}
        end, hip = at(joints, positions), at(joints[:upto], positions)[:3, 3]
        there = (end @ tip)[:3]
        off = (there - hip)[[0, 2]] / length + np.array([0.0, STRETCH])
        level = end[:3, :3] @ sole[:3, :3].T @ np.array([0.0, 0.0, 1.0]) if len(free) >= 5 else np.zeros(3)
        return np.concatenate([off, level[:2], stay * (values - first)])

    found = search(residual, first, free)
    return {joint.name: round(float(value), 3) + 0.0 for joint, value in zip(free, found, strict=True)}


def stretch_arm(robot: Description, tip: str, frozen: frozenset[str]) -> tuple[dict[str, float], float]:
    """Return an arm's positions with the end-effector before and above its shoulder, and its reach [m].

    Half of the reach forwards (x), 0.15 of it up, joints near the middle of their ranges, no link below the base.
    """
    joints = chain(robot, tip)
    free = [joint for joint in joints if joint.moves and joint.name not in frozen]
    middle = np.array(
        [0.5 * (j.lower + j.upper) if np.isfinite(j.upper - j.lower) and j.upper - j.lower < 6.0 else 0.0 for j in free]
    )
    half = np.array([min(0.5 * (j.upper - j.lower), np.pi) if j.type != "prismatic" else 0.1 for j in free])
    places = [at(joints[: index + 1], {})[:3, 3] for index in range(len(joints))]
    begin = joints.index(free[0])
    reach = sum(float(np.linalg.norm(b - a)) for a, b in zip(places[begin:], places[begin + 1 :], strict=False))
    reach = max(reach, 1e-3)
    goal = places[begin] + reach * np.array([0.5, 0.0, 0.15])

    def residual(values: np.ndarray) -> np.ndarray:
        positions = {joint.name: float(value) for joint, value in zip(free, values, strict=True)}
        pose, sunk = np.eye(4), []
        for joint in joints:
            pose = pose @ joint.pose @ motion(joint, positions.get(joint.name, 0.0))
            sunk.append(min(0.0, pose[2, 3] - 0.02 * reach) / reach)
        return np.concatenate([(pose[:3, 3] - goal) / reach, sunk, 0.05 * (values - middle) / half])

    generator = np.random.default_rng(0)
    starts = [middle, *(middle + half * generator.uniform(-0.6, 0.6, len(free)) for _ in range(7))]
    found = min((search(residual, start, free) for start in starts), key=lambda q: float(residual(q) @ residual(q)))
    values = {joint.name: round(float(value), 3) + 0.0 for joint, value in zip(free, found, strict=True)}
    return values, reach
