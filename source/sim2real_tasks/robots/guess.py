"""From a description to a card: what can be read is read, what cannot is guessed by a rule that the card states."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sim2real.errors import Sim2RealError

from .card import Card, Guess, JointCard, ReachTask, VelocityTask, sha256_of
from .kinematics import GRAVITY, joint_inertia, joint_load, link_frames, lowest_points, subtree, weight_of
from .limbs import (
    GRIPPER,
    STRETCH,
    bend_leg,
    chain,
    foot_link,
    guess_feet,
    independent,
    limbs,
    stretch_arm,
    within,
)
from .urdf import Description, Joint, UrdfError, UrdfFault

LEG_RATE, ARM_RATE = 20.0, 24.0
"""Natural frequency of a joint with its parent held [rad/s]; ARM_RATE is what the gains of Panda and UR5 amount to."""
LEG_DAMPING, ARM_DAMPING = 0.7, 1.0
"""Damping ratio [1]."""
SAG = {"turns": 0.15, "slides": 0.01}
"""How far a drive may give way under the robot's weight at rest [rad, m]."""
GIVE = {"turns": 0.05, "slides": 0.002}
"""No drive reaches its largest effort before this error [rad, m]."""
ARMATURE = 0.01
"""Rotor inertia of a robot of 12 kg and more [kg·m²], of a lighter one in proportion to its mass; an estimate."""
FRICTION = 0.8
"""Coefficient of all surfaces [1]; an estimate."""
CLEARANCE = 0.01
"""How far above the ground the feet start [m]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guessed:
    """A card, and what its reader ought to know."""

    card: Card
    notes: tuple[str, ...]


def guess_card(robot: Description, path: Path, kind: str | None, package_paths: Sequence[Path]) -> Guessed:
    """Return a card for a description.

    Args:
        robot: the description.
        path: where the card will lie.
        kind: of the task; None guesses.
        package_paths: where meshes were looked for.

    Raises:
        Sim2RealError: no joint moves, or the kind does not fit the robot.
    """
    guesses: dict[str, Guess] = {}

    def guessed(name: str, why: str) -> None:
        guesses[name] = Guess(confirm=True, why=why)

    mimics = frozenset(joint.name for joint in robot.joints.values() if joint.moves and joint.mimic)
    zero = {joint.name: within(joint, 0.0) for joint in robot.depth_first() if joint.moves}
    if not zero.keys() - mimics:
        raise Sim2RealError(f"{robot.path}: no joint moves; a task needs one at least")
    feet = guess_feet(robot, zero, mimics)
    mass, _, _ = weight_of(robot, link_frames(robot, {}), [n for n in robot.links if robot.body(n) == robot.root])
    if kind is None:
        legs = [end for end in feet if sum(j.moves and j.name not in mimics for j in chain(robot, end)) >= 2]
        legged = mass > 0 and len(legs) == len(feet) >= 2 and independent(robot, feet, mimics)  # a wheel has one joint
        kind = "velocity" if legged else "reach"
        limbs_are = "several separate limbs end lowest" if legged else "no two separate limbs end lowest"
        guessed("kind", f"the root '{robot.root}' weighs {mass:.3g} kg and {limbs_are}")
    if kind == "velocity" and mass <= 0:
        said = "no inertial, yet the base of a walking robot moves; give mass and inertia, or use --kind reach"
        root = robot.links[robot.root]
        raise UrdfError(robot.path, [UrdfFault(line=root.line, where=f"link '{root.name}'", message=said)])
    if kind == "velocity":
        frozen = mimics
        if not feet:
            raise Sim2RealError(f"{robot.path}: no link at the end of a limb has a collider to stand on; add colliders")
        pose = dict(zero)
        for end in feet:
            pose |= bend_leg(robot, foot_link(robot, end, zero, frozen), pose, frozen)
        links, tip, reach = [foot_link(robot, end, pose, frozen) for end in feet], "", 0.0
        guessed("feet", "the links at the ends of limbs that come lowest with the joints at 0")
        guessed("pose", f"feet below the hips, legs stretched to {STRETCH:.0%}; the other joints at 0 or inside limits")
        guessed("height", f"the lowest collider {CLEARANCE:g} m above the ground in the default pose, base upright")
    else:
        tip, frozen = _end_effector(robot, mimics)
        pose, reach = stretch_arm(robot, tip, frozen)
        links = []
        guessed("end_effector", "the last link of the longest chain of joints, before fingers")
        guessed("pose", "end-effector half of the reach forwards, 0.15 of it up, joints near the middle of their range")
    if frozen:
        guessed("frozen", "joints that mimic others" + (", that grasp, or that are not of the arm" if tip else ""))
    frames = link_frames(robot, pose)
    contacts = {name: point for name, point in lowest_points(robot, frames).items() if name in links}
    height = CLEARANCE - min(float(point[2]) for point in lowest_points(robot, frames).values()) if links else 0.0
    driven = [joint for joint in robot.depth_first() if joint.moves and joint.name not in frozen]
    total, _, _ = weight_of(robot, frames, robot.links)
    notes = list(robot.notes)
    joints = tuple(_joint(robot, frames, joint, pose, contacts, total, height, kind, notes) for joint in driven)
    rate, ratio = (LEG_RATE, LEG_DAMPING) if links else (ARM_RATE, ARM_DAMPING)
    holds = f", or where that is more (weight on a foot) x (half the height) / {SAG['turns']:g} rad" if links else ""
    guessed(
        "gains",
        f"kp = inertia x ({rate:g} rad/s)^2{holds}, at most effort / {GIVE['turns']:g} rad; kd = 2 x {ratio:g} x"
        " sqrt(kp x inertia); inertia: what the joint moves in the default pose, its parent held, and armature",
    )
    guessed("armature", f"default: {ARMATURE:g} kg m^2, of a robot below 12 kg in proportion to its mass")
    guessed("friction", "default: dry rubber or plastic on a hard floor")
    task = _walk(height) if links else _reach(frames[tip], reach)
    guessed("task", "speeds by the leg's length (Froude), at most 1 m/s" if links else "a box about the default pose")
    card = Card(
        path=path, kind=kind, urdf=robot.path, sha256=sha256_of(robot.path), package_paths=tuple(package_paths),
        base=robot.root, height=round(height, 3), joints=joints, frozen=tuple(sorted(frozen)), feet=tuple(links),
        end_effector=tip, friction=FRICTION, task=task, guesses=guesses,
    )  # fmt: skip
    return Guessed(card=card, notes=tuple(notes))


def _end_effector(robot: Description, mimics: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Return an arm's last link, and the joints that are no part of the arm."""

    driven = {j.name for j in robot.joints.values() if j.moves} - mimics
    # Where all joints are a finger's, the finger is the arm.
    own = {name for name in driven if not GRIPPER.fullmatch(name)} or driven

    def moving(link: str) -> list[Joint]:
        return [j for j in chain(robot, link) if j.name in own]

    ends = limbs(robot, mimics)
    longest = max(ends, key=lambda link: len(moving(link)))
    arm = moving(longest)
    kept = {joint.name for joint in arm}
    frozen = frozenset(j.name for j in robot.joints.values() if j.moves and j.name not in kept)
    return arm[-1].child, frozen


def _joint(
    robot: Description,
    frames: Mapping[str, np.ndarray],
    joint: Joint,
    pose: Mapping[str, float],
    contacts: Mapping[str, np.ndarray],
    total: float,
    height: float,
    kind: str,
    notes: list[str],
) -> JointCard:
    """Return a joint with gains by the rule that the card states."""
    how = "slides" if joint.type == "prismatic" else "turns"
    armature = ARMATURE * min(1.0, total / 12.0)
    inertia = joint_inertia(robot, frames, joint) + armature
    rate, ratio = (LEG_RATE, LEG_DAMPING) if kind == "velocity" else (ARM_RATE, ARM_DAMPING)
    load = joint_load(robot, frames, joint, contacts)
    kp = inertia * rate**2
    if kind == "velocity":
        # Under a bent leg the load grows as it gives way; at rest the thigh would ask for none.
        stands = how == "turns" and any(link in contacts for link in subtree(robot, joint.child))
        share = total * GRAVITY / len(contacts) * height / 2 if stands else 0.0
        kp = max(kp, max(load, share) / SAG[how])
    kp = min(kp, joint.effort / GIVE[how])
    if load > joint.effort:
        unit = "N" if how == "slides" else "N·m"
        held = "; the task compensates weight" if kind == "reach" else ": it cannot stand so"
        said = f"joint '{joint.name}' has to hold {load:.3g} {unit} at rest, its limit is {joint.effort:.3g}{held}"
        notes.append(f"line {joint.line}: {said}")
    return JointCard(
        name=joint.name,
        limits=(joint.lower, joint.upper) if math.isfinite(joint.upper - joint.lower) else None,
        effort=joint.effort,
        velocity=joint.velocity,
        kp=_short(kp),
        kd=_short(2 * ratio * math.sqrt(kp * inertia)),
        armature=_short(armature),
        pose=pose.get(joint.name, 0.0),
    )


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _walk(height: float) -> VelocityTask:
    speed = max(0.1, min(1.0, round(0.55 * math.sqrt(9.81 * height), 1)))
    return VelocityTask(action_scale=0.25, forward=(-speed, speed), left=(-speed, speed), turn=(-1.0, 1.0))


def _reach(tip: np.ndarray, reach: float) -> ReachTask:
    half = round(0.15 * reach, 3)
    box = [(round(float(c) - half, 3) + 0.0, round(float(c) + half, 3) + 0.0) for c in tip[:3, 3]]
    pitch = math.asin(float(np.clip(-tip[2, 0], -1.0, 1.0)))
    roll, yaw = math.atan2(tip[2, 1], tip[2, 2]), math.atan2(tip[1, 0], tip[0, 0])
    r, p, y = (round(angle, 3) + 0.0 for angle in (roll, pitch, yaw))
    return ReachTask(
        action_scale=0.5, x=box[0], y=box[1], z=(max(box[2][0], 0.05), max(box[2][1], 0.1)), roll=(r, r), pitch=(p, p),
        yaw=(round(y - 0.4, 3), round(y + 0.4, 3)),
    )  # fmt: skip
