"""The rover in DART, Gazebo's default engine: its URDF, wheels as DART's servos, pictures by `arena_rays`.

A servo brings a wheel to its speed within the motor's torque, as a constraint beside the contacts; the task's speed
loop (2 N·m per rad/s, limited to 2 N·m) is nearly that, and stepped explicitly needs steps of half a millisecond.
DART's own ray casts answer one ray at a time, and a picture has thousands; the arena's shapes are known.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.evaluate.engines.arena_rays import cast_arena, wall_boxes
from sim2real.evaluate.engines.rover import DECIMATION, FRICTION, PHYSICS_DT, ArenaRover

if TYPE_CHECKING:
    from sim2real.spec import Spec

SUBSTEPS = 4
"""Steps of DART in a physics step of the task."""
AROUND_FRICTION = 1e3
"""Of floor, walls and obstacles [1]: DART takes the smaller of a pair, so that the rover's part is what counts."""


class DartRover(ArenaRover):
    """Rovers in DART, each in a world of its own."""

    def __init__(self, spec: Spec, num_envs: int, image_size: int, noise: bool = True) -> None:
        super().__init__(spec, num_envs, image_size, noise)
        self._worlds = [_World() for _ in range(num_envs)]

    def _start(self, i: int, pose: np.ndarray, obstacles: np.ndarray) -> None:
        self._worlds[i].start(pose, obstacles)

    def _drive(self, i: int, speeds: tuple[float, float]) -> None:
        self._worlds[i].drive(speeds)

    def _base(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        place = self._worlds[i].base.getWorldTransform()
        return np.array(place.translation()), np.array(place.rotation())

    def _look(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from sim2real_tasks.avoidance import camera

        views = [self.view(int(i)) for i in rows]
        eye, turn, focal = (np.array(column) for column in zip(*views, strict=True))
        return cast_arena(eye, turn, focal, self.obstacles_of(rows), self.image_size, camera.NOTHING)

    def close(self) -> None:
        """Free the worlds."""
        self._worlds = []


class _World:
    """One rover in its arena."""

    def __init__(self) -> None:
        import dartpy as dart

        from sim2real_tasks.avoidance import arena
        from sim2real_tasks.robots import rover

        self._dart = dart
        self._world = dart.simulation.World()
        self._world.setTimeStep(PHYSICS_DT / SUBSTEPS)
        self._world.setGravity([0.0, 0.0, -9.81])
        self._world.getConstraintSolver().setCollisionDetector(dart.collision.BulletCollisionDetector())
        self._fixed("ground", dart.dynamics.PlaneShape([0.0, 0.0, 1.0], 0.0))
        for name, (centre, half) in wall_boxes().items():
            self._fixed(name, dart.dynamics.BoxShape([2.0 * value for value in half])).set(centre, 0.0)
        self._obstacles = []
        for i, obstacle in enumerate(arena.OBSTACLES):
            if obstacle.kind == "box":
                shape = dart.dynamics.BoxShape([2.0 * obstacle.half_x, 2.0 * obstacle.half_y, arena.HEIGHT])
            else:
                shape = dart.dynamics.CylinderShape(obstacle.half_x, arena.HEIGHT)
            self._obstacles.append(self._fixed(f"obstacle_{i:02d}", shape))
        loader = dart.utils.DartLoader()
        options = loader.getOptions()
        options.mDefaultRootJointType = dart.utils.DartLoaderRootJointType.FLOATING
        loader.setOptions(options)
        self._rover = loader.parseSkeleton(dart.common.Uri(f"file://{rover.URDF}"))
        for k in range(self._rover.getNumBodyNodes()):
            body = self._rover.getBodyNode(k)
            for node in body.getShapeNodes():
                if node.hasDynamicsAspect():
                    caster = node.getShape().getType() == "SphereShape"
                    part = "wheel" if "wheel" in body.getName() else "caster" if caster else "base"
                    node.getDynamicsAspect().setFrictionCoeff(FRICTION[part])
        self._wheels = [self._rover.getJoint(name) for name in rover.WHEEL_JOINTS]
        for wheel in self._wheels:
            wheel.setActuatorType(dart.dynamics.ActuatorType.SERVO)
            wheel.setForceLowerLimit(0, -rover.WHEEL_EFFORT_MAX)
            wheel.setForceUpperLimit(0, rover.WHEEL_EFFORT_MAX)
        self.base = self._rover.getBodyNode("base")
        self._world.addSkeleton(self._rover)

    def _fixed(self, name: str, shape: Any) -> _Fixed:
        """Something that stands."""
        fixed = _Fixed(self._dart, name, shape)
        self._world.addSkeleton(fixed.skeleton)
        return fixed

    def start(self, pose: np.ndarray, obstacles: np.ndarray) -> None:
        """Begin an episode."""
        from sim2real_tasks.robots.rover import WHEEL_RADIUS

        self._world.reset()
        self._world.getConstraintSolver().clearLastCollisionResult()
        for fixed, (x, y, z, yaw) in zip(self._obstacles, obstacles, strict=True):
            fixed.set((x, y, z), yaw)
        size = self._rover.getNumDofs()
        self._rover.setPositions(np.zeros(size))
        self._rover.setVelocities(np.zeros(size))
        self._rover.setAccelerations(np.zeros(size))
        self._rover.clearConstraintImpulses()
        self._rover.getRootJoint().setTransform(_pose(self._dart, (*pose[:2], WHEEL_RADIUS), pose[2]))

    def drive(self, speeds: tuple[float, float]) -> None:
        """Go on by one decision."""
        for _ in range(DECIMATION * SUBSTEPS):
            for wheel, speed in zip(self._wheels, speeds, strict=True):
                wheel.setCommand(0, float(speed))  # a step forgets it
            self._world.step()


class _Fixed:
    """A shape that stands where it is put."""

    def __init__(self, dart: Any, name: str, shape: Any) -> None:
        self._dart, self.skeleton = dart, dart.dynamics.Skeleton(name)
        self._joint, body = self.skeleton.createWeldJointAndBodyNodePair()
        node = body.createShapeNode(shape)
        node.createCollisionAspect()
        node.createDynamicsAspect()
        node.getDynamicsAspect().setFrictionCoeff(AROUND_FRICTION)

    def set(self, centre: tuple[float, float, float], yaw: float) -> None:
        """Put it somewhere [m], turned about the vertical [rad]."""
        self._joint.setTransformFromParentBodyNode(_pose(self._dart, centre, yaw))


def _pose(dart: Any, centre: tuple[float, float, float], yaw: float) -> Any:
    pose = dart.math.Isometry3()
    half = float(yaw) / 2
    pose.set_rotation(dart.math.Quaternion(math.cos(half), 0.0, 0.0, math.sin(half)).to_rotation_matrix())
    pose.set_translation(np.asarray(centre, float))
    return pose
