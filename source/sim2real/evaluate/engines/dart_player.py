"""DART (Gazebo's default engine) as a player, from the vendor's URDF.

Contacts are DART's impulses on Bullet's collision; the robot does not collide with itself. They are solved with round
friction cones (nonsmooth Gauss-Seidel): with DART's usual solver, Dantzig's boxed LCP, friction is bounded by an older
normal force, and an ANYmal C whose soft legs land slips to the ground at a friction of 0.8. DART
knows no armature. For a robot that walks each rotor is a body of its own, geared to its joint by a constraint, which is
exact in contact too. For a robot with a fixed base, where hardly anything touches, armature and gains are solved with
the step: DART adds dt x damping to the joint's inertia, so damping of armature / dt, taken back from the effort, is
armature; gains enter likewise. (With contacts that would be wrong: DART's impulses do not feel that inertia, and a
standing Go2 sinks to the ground.) The physics step is divided so that explicit gains are those of a motor controller.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import Robot
from sim2real.evaluate.engines.drives import Drives
from sim2real.evaluate.engines.latency import TargetLine
from sim2real.evaluate.engines.player import (
    Conditions,
    RobotMismatch,
    Snapshot,
    feels_gravity,
    ground_height,
    quat_from_yaw,
)
from sim2real.evaluate.engines.urdf import GEAR, ROTOR, find_urdf, plain_urdf

LONGEST_STEP = 0.00125
"""Longest step of DART [s]; a quarter of the legged tasks' physics step."""
GROUND_FRICTION = 1e3
"""Coefficient of the ground [1]: DART takes the minimum of a pair, so that the robot's is the one that counts."""


class DartPlayer:
    """Robots in DART, each in a world of its own; see :class:`~sim2real.evaluate.engines.player.Player`."""

    engine = "dart"

    def __init__(
        self,
        robot: Robot,
        physics_dt: float,
        decimation: int,
        num_worlds: int = 1,
        urdf: Path | None = None,
        gravity: bool | None = None,
    ) -> None:
        """Build the worlds.

        Args:
            robot: the contract's robot.
            physics_dt: physics step [s].
            decimation: physics steps of one decision.
            num_worlds: robots.
            urdf: description of a robot that is not among the vendors'.
            gravity: whether it pulls; None: at a robot that moves.

        Raises:
            RobotMismatch: the description is not there, not whole, or not the contract's.
        """
        self.robot, self.num_worlds, self.joint_names = robot, num_worlds, robot.joint_names
        self.drives = Drives.of(robot)
        self._substeps = math.ceil(physics_dt / LONGEST_STEP - 1e-9)
        self._dt = physics_dt / self._substeps
        rotors = dict(zip(self.joint_names, self.drives.armature, strict=True)) if robot.floating_base else {}
        with tempfile.TemporaryDirectory(prefix="sim2real-dart-") as folder:
            path = plain_urdf(
                find_urdf(robot, urdf),
                robot,
                Path(folder),
                {name: value for name, value in rotors.items() if value > 0.0},
            )
            pulls = feels_gravity(robot) if gravity is None else gravity
            self._worlds = [_World(path, robot, self._dt, pulls) for _ in range(num_worlds)]
        self._line = TargetLine(num_worlds, len(self.joint_names), physics_dt, decimation)
        first = self._worlds[0]
        self.link_names = first.link_names
        self._tool = self.link_names.index(robot.end_effector or robot.base_link)
        self._driven = [self.drives] * num_worlds
        self._energy = np.zeros(num_worlds)
        self.mass = np.array([world.mass() for world in self._worlds])

    def reset(self, conditions: Conditions) -> Snapshot:
        """Begin an episode in every world."""
        factors, links = conditions.drive_factors(len(self.joint_names)), conditions.links_of(self.link_names, "dart")
        self._driven = [self.drives.scaled(*row.T) for row in factors]
        self._energy[:] = 0.0
        quats = quat_from_yaw(conditions.yaw, self.robot.start_quat_xyzw)
        for i, world in enumerate(self._worlds):
            world.set_up(links.mass[i], links.load[i], links.com[i], conditions.friction[i])
            pos = self.drives.default_pos + conditions.joint_offset[i]
            world.place(pos, self.robot.start_pos, quats[i], conditions.base_velocity[i])
        self.mass = np.array([world.mass() for world in self._worlds])
        self._line.reset(conditions.latency_s)
        return self._snapshot()

    def step(self, targets: np.ndarray, active: np.ndarray | None = None) -> Snapshot:
        """Go on by one decision; worlds that are not active stay where they are."""
        planes = self._line(targets)
        self._energy[:] = 0.0
        for i, world in enumerate(self._worlds):
            if active is None or active[i]:
                for plane in planes:
                    for _ in range(self._substeps):
                        self._energy[i] += world.step(plane[i], self._driven[i])
        return self._snapshot()

    def ground_force(self) -> np.ndarray:
        """Force of the ground on each robot [N], (num_worlds, 3)."""
        return np.array([world.ground_force() for world in self._worlds])

    def close(self) -> None:
        """Free the worlds."""
        self._worlds = []

    def _snapshot(self) -> Snapshot:
        rows = [world.observe() for world in self._worlds]
        columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
        quats = columns.pop("link_quats")
        return Snapshot(**columns, energy=self._energy.copy(), tool_quat_xyzw=quats[:, self._tool])


class _World:
    """One robot on flat ground."""

    def __init__(self, urdf: Path, robot: Robot, dt: float, gravity: bool) -> None:
        import dartpy as dart

        loader = dart.utils.DartLoader()
        options = loader.getOptions()
        kind = dart.utils.DartLoaderRootJointType
        options.mDefaultRootJointType = kind.FLOATING if robot.floating_base else kind.FIXED
        loader.setOptions(options)
        self._robot, self._dt = robot, dt
        self._skeleton = loader.parseSkeleton(dart.common.Uri(f"file://{urdf}"))
        if self._skeleton is None:
            raise RobotMismatch(f"DART cannot read {urdf}")
        self._world = dart.simulation.World()
        self._world.setTimeStep(dt)
        self._world.setGravity([0.0, 0.0, -9.81 if gravity else 0.0])
        solver = self._world.getConstraintSolver()
        solver.setCollisionDetector(dart.collision.BulletCollisionDetector())
        solver.setBoxedLcpSolver(dart.constraint.NsgsFrictionSolver())
        self._world.addSkeleton(_ground(dart, ground_height(robot)))
        self._world.addSkeleton(self._skeleton)
        dofs = [self._skeleton.getDof(i) for i in range(self._skeleton.getNumDofs())]
        names = [dof.getName() for dof in dofs]
        self._ids = np.array([names.index(name) for name in robot.joint_names])
        self._dofs = [dofs[i] for i in self._ids]
        geared = [(i, name) for i, name in enumerate(robot.joint_names) if ROTOR + name in names]
        self._geared = np.array([i for i, _ in geared], int)
        self._rotors = np.array([names.index(ROTOR + name) for _, name in geared], int)
        for _, name in geared:
            self._skeleton.getJoint(ROTOR + name).setUseCouplerConstraint(True)
        drives = Drives.of(robot)
        rows = zip(robot.joint_names, drives.friction, drives.speed, self._dofs, strict=True)
        for name, friction, speed, dof in rows:
            self._skeleton.getJoint(name).setLimitEnforcement(True)
            dof.setForceLimits(-np.inf, np.inf)  # the contract's limits act, not the URDF's
            dof.setVelocityLimits(-speed, speed)
            dof.setCoulombFriction(friction)
        bodies = [self._skeleton.getBodyNode(i) for i in range(self._skeleton.getNumBodyNodes())]
        self._links = [body for body in bodies if not body.getName().startswith(ROTOR)]
        self.link_names = tuple(body.getName() for body in self._links)
        self._base = self._skeleton.getBodyNode(robot.base_link)
        self._inertias = [
            (body.getMass(), body.getLocalCOM(), body.getInertia().getMoment()) for body in self._links
        ]  # fmt: skip
        self._root = bodies[0]
        self._effort = np.zeros(len(self._ids))
        self._forces = np.zeros(len(names))
        self._dart = dart
        if not robot.floating_base:
            joint = self._root.getParentJoint()
            joint.setTransformFromParentBodyNode(_pose(dart, robot.start_pos, robot.start_quat_xyzw))

    def mass(self) -> float:
        """Of the robot, without what stands for armature [kg]."""
        return sum(body.getMass() for body in self._links)

    def set_up(self, mass: np.ndarray, load: np.ndarray, shift: np.ndarray, friction: float) -> None:
        """Scale masses and inertias of the links, (links,), add loads, move centres of mass; set friction."""
        for i, (body, (own, com, moment)) in enumerate(zip(self._links, self._inertias, strict=True)):
            inertia = self._dart.dynamics.Inertia(own * mass[i] + load[i], com + shift[i], np.asarray(moment) * mass[i])
            body.setInertia(inertia)
            for node in body.getShapeNodes():
                node.getDynamicsAspect().setFrictionCoeff(friction)

    def place(self, joint_pos: np.ndarray, pos: Any, quat_xyzw: np.ndarray, velocity: np.ndarray) -> None:
        """Put the robot where an episode starts."""
        skeleton = self._skeleton
        self._world.reset()
        self._world.getConstraintSolver().clearLastCollisionResult()
        positions = np.zeros(skeleton.getNumDofs())
        positions[self._ids] = joint_pos
        positions[self._rotors] = GEAR * joint_pos[self._geared]
        skeleton.setPositions(positions)
        skeleton.setVelocities(np.zeros(len(positions)))
        skeleton.setAccelerations(np.zeros(len(positions)))
        skeleton.clearConstraintImpulses()
        if self._robot.floating_base:
            root = skeleton.getRootJoint()
            root.setTransform(_pose(self._dart, pos, quat_xyzw))
            root.setLinearVelocity(velocity)
        self._effort[:] = 0.0

    def step(self, target: np.ndarray, drives: Drives) -> float:
        """Go on by one step of DART; return the work of the drives without its sign [J]."""
        pos, vel = self._skeleton.getPositions()[self._ids], self._skeleton.getVelocities()[self._ids]
        if self._robot.floating_base:
            effort = drives.effort_at(target, pos, vel, 1.0)
            self._forces[self._ids] = effort
        else:
            dt = self._dt
            kp, kd = drives.kp, drives.kd
            wanted = kp * (target - pos - dt * vel) - kd * vel
            low, high = drives.limits(vel, 1.0)
            effort = np.clip(wanted, low, high)
            free = effort == wanted  # a drive at its limit is a constant: nothing to solve
            damping = (drives.armature + np.where(free, dt * kd + dt * dt * kp, 0.0)) / dt
            for dof, value in zip(self._dofs, damping, strict=True):
                dof.setDampingCoefficient(value)
            self._forces[self._ids] = effort + damping * vel
        self._skeleton.setForces(self._forces)
        self._world.step()
        after = self._skeleton.getVelocities()[self._ids]
        if not self._robot.floating_base:  # what the solved gains did over the step
            effort = np.where(free, effort - (dt * kd + dt * dt * kp) * (after - vel) / dt, effort)
        self._effort = effort
        return float(np.abs(effort * vel).sum() * self._dt)

    def ground_force(self) -> np.ndarray:
        total = np.zeros(3)
        for contact in self._world.getLastCollisionResult().getContacts():
            first = contact.collisionObject1.getShapeFrame().getName()  # the force is the one on this
            total += -contact.force if first == "ground" else contact.force
        return total

    def observe(self) -> dict[str, Any]:
        base = self._base
        turn = base.getWorldTransform().rotation()
        vel = np.asarray(base.getCOMLinearVelocity()) if self._robot.floating_base else np.zeros(3)
        spin = np.asarray(base.getAngularVelocity()) if self._robot.floating_base else np.zeros(3)
        places = [body.getWorldTransform() for body in self._links]
        return {
            "base_pos": base.getWorldTransform().translation(),
            "base_quat_xyzw": quat_of(turn),
            "base_lin_vel": turn.T @ vel,
            "base_ang_vel": turn.T @ spin,
            "joint_pos": self._skeleton.getPositions()[self._ids],
            "joint_vel": self._skeleton.getVelocities()[self._ids],
            "joint_effort": self._effort.copy(),
            "links": [place.translation() for place in places],
            "link_quats": [quat_of(place.rotation()) for place in places],
        }


def _ground(dart: Any, height: float) -> Any:
    """Flat ground at a height [m]."""
    ground = dart.dynamics.Skeleton("ground")
    _, body = ground.createWeldJointAndBodyNodePair()
    node = body.createShapeNode(dart.dynamics.PlaneShape([0.0, 0.0, 1.0], height))
    node.setName("ground")
    node.createCollisionAspect()
    node.createDynamicsAspect()
    node.getDynamicsAspect().setFrictionCoeff(GROUND_FRICTION)
    return ground


def _pose(dart: Any, pos: Any, quat_xyzw: Any) -> Any:
    x, y, z, w = (float(value) for value in quat_xyzw)
    pose = dart.math.Isometry3()
    pose.set_rotation(dart.math.Quaternion(w, x, y, z).to_rotation_matrix())
    pose.set_translation(np.asarray(pos, float))
    return pose


def quat_of(matrix: np.ndarray) -> np.ndarray:
    """The quaternion x, y, z, w of a rotation matrix, w not negative."""
    m = np.asarray(matrix)
    squares = np.array([m[0, 0], m[1, 1], m[2, 2]])
    lengths = np.append(1.0 + 2.0 * squares - squares.sum(), 1.0 + squares.sum())  # 4 x², 4 y², 4 z², 4 w²
    k = int(lengths.argmax())
    root = math.sqrt(max(float(lengths[k]), 0.0)) or math.nan
    skew = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    quat = np.empty(4)
    if k == 3:
        quat[:3], quat[3] = skew / (2.0 * root), root / 2.0
    else:
        quat[:3] = (m[k] + m[:, k]) / (2.0 * root)
        quat[k], quat[3] = root / 2.0, skew[k] / (2.0 * root)
    return quat if quat[3] >= 0.0 else -quat
