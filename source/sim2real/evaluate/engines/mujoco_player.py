"""MuJoCo's C library as a player, from the vendor's URDF.

The drives are actuators with gain and bias, so that `implicitfast` sees their damping; limits follow the torque-speed
line at every physics step. Contacts are elliptic with `impratio` 100, because pyramidal ones let a standing robot's
feet creep outwards: a Go2's hips open by 0.3 rad within 4 s. Collision meshes count by their convex hull, and the robot
does not collide with itself, as in our Isaac Lab tasks.
"""

from __future__ import annotations

import copy
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
    turn_back,
)
from sim2real.evaluate.engines.urdf import find_urdf, plain_urdf

GROUND_FRICTION = 1e-3
"""Coefficient of the ground [1]: MuJoCo takes the maximum of a pair, so that the robot's is the one that counts."""
IMPRATIO = 100.0
"""How much stiffer friction is than the normal force [1]."""


def compile_model(urdf: Path, robot: Robot, physics_dt: float, gravity: bool = True) -> Any:
    """MuJoCo's model of the robot on flat ground.

    Raises:
        RobotMismatch: MuJoCo refuses the description.
    """
    import mujoco

    text = urdf.read_text()
    compiler = '<compiler discardvisual="true" fusestatic="false" strippath="false" balanceinertia="false"/>'
    try:
        spec = mujoco.MjSpec.from_string(text.replace("</robot>", f"<mujoco>{compiler}</mujoco></robot>"))
    except ValueError as error:
        raise RobotMismatch(f"MuJoCo cannot read {urdf}: {error}") from error
    if robot.floating_base:
        spec.worldbody.first_body().add_freejoint()
    else:
        spec.worldbody.first_body().pos = robot.start_pos
        x, y, z, w = robot.start_quat_xyzw
        spec.worldbody.first_body().quat = (w, x, y, z)
    for geom in spec.geoms:
        geom.contype, geom.conaffinity = 1, 0
    spec.worldbody.add_geom(
        name="ground", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], pos=[0, 0, ground_height(robot)],
        contype=0, conaffinity=1, friction=[GROUND_FRICTION, 0.005, 0.0001],
    )  # fmt: skip
    for joint in spec.joints:
        joint.actfrclimited = False  # the contract's limits act, not the URDF's
    drives = Drives.of(robot)
    for i, joint in enumerate(robot.joints):
        spec.joint(joint.name).armature = drives.armature[i]
        spec.joint(joint.name).frictionloss = drives.friction[i]
        actuator = spec.add_actuator(name=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=joint.name)
        actuator.gaintype, actuator.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        actuator.gainprm[0], actuator.biasprm[1], actuator.biasprm[2] = drives.kp[i], -drives.kp[i], -drives.kd[i]
        actuator.forcelimited = True
        actuator.forcerange = (-1.0, 1.0)  # set for each world and step
    spec.option.timestep = physics_dt
    spec.option.gravity = (0.0, 0.0, -9.81 if gravity else 0.0)
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = IMPRATIO
    spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET  # a robot that flies apart is seen to
    try:
        return spec.compile()
    except ValueError as error:
        raise RobotMismatch(f"MuJoCo cannot build {urdf}: {error}") from error


def hold_speed(model: Any, data: Any, dofs: np.ndarray, limits: np.ndarray) -> None:
    """Bring joints that became too fast in the last step back to their limits, as PhysX's solver does.

    An impulse at these joints alone, which the others feel through the inertia; the step's way goes with it. MuJoCo
    itself has no limit of speed.

    Args:
        model: MuJoCo's model.
        data: its state after a step.
        dofs: degree of freedom of each joint, (joints,).
        limits: largest speed of each [rad/s or m/s], (joints,).
    """
    import mujoco

    before, held = data.qvel.copy(), np.zeros(len(dofs), bool)
    wanted = np.zeros(len(dofs))
    while True:
        speed = data.qvel[dofs]
        over = ~held & (np.abs(speed) > limits)
        if not over.any():
            break
        wanted[over] = np.sign(speed[over]) * limits[over]
        held |= over
        unit = np.zeros((int(held.sum()), model.nv))
        unit[np.arange(len(unit)), dofs[held]] = 1.0
        response = np.empty_like(unit)
        mujoco.mj_solveM(model, data, response, unit)
        data.qvel[:] += np.linalg.solve(response[:, dofs[held]], wanted[held] - speed[held]) @ response
    if held.any():
        mujoco.mj_integratePos(model, data.qpos, data.qvel - before, model.opt.timestep)


def move_centres(model: Any, nominal: Any, bodies: np.ndarray, shift: np.ndarray) -> None:
    """Put centres of mass beside where a model has them; shapes and the boxes that contacts are looked for in stay.

    Args:
        model: what is changed.
        nominal: what it was.
        bodies: ids, (n,).
        shift: in each body's frame [m], (n, 3).

    Raises:
        RobotMismatch: a body that MuJoCo compiled without room for it.
    """
    from sim2real.engines.mujoco.inertia import moved_boxes

    model.body_ipos[:], model.bvh_aabb[:] = nominal.body_ipos, nominal.bvh_aabb
    for body, by in zip(bodies, shift, strict=True):
        if not by.any():
            continue
        if model.body_simple[body]:
            raise RobotMismatch(f"MuJoCo cannot move the centre of mass of '{model.body(body).name}', a simple body")
        model.body_ipos[body] += by
        model.body_sameframe[body] = 0  # neither the inertia's frame nor a shape's is another's any longer
        first = model.body_geomadr[body]
        model.geom_sameframe[first : first + model.body_geomnum[body]] = 0
        nodes = slice(model.body_bvhadr[body], model.body_bvhadr[body] + model.body_bvhnum[body])
        count = model.body_bvhnum[body]
        if count:
            old, quat = (np.repeat(v[body][None], count, axis=0) for v in (nominal.body_ipos, nominal.body_iquat))
            model.bvh_aabb[nodes] = moved_boxes(nominal.bvh_aabb[nodes], old, quat, old + by, quat)


class MujocoPlayer:
    """Robots in MuJoCo, each in a model of its own; see :class:`~sim2real.evaluate.engines.player.Player`."""

    engine = "mujoco"

    def __init__(
        self,
        robot: Robot,
        physics_dt: float,
        decimation: int,
        num_worlds: int = 1,
        urdf: Path | None = None,
        gravity: bool | None = None,
    ) -> None:
        """Build the model.

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
        import mujoco

        self.robot, self.num_worlds, self.joint_names = robot, num_worlds, robot.joint_names
        self.drives = Drives.of(robot)
        self._dt = physics_dt
        with tempfile.TemporaryDirectory(prefix="sim2real-mujoco-") as folder:
            plain = plain_urdf(find_urdf(robot, urdf), robot, Path(folder))
            pulls = feels_gravity(robot) if gravity is None else gravity
            self.model = compile_model(plain, robot, physics_dt, pulls)
        self._models = [copy.copy(self.model) for _ in range(num_worlds)]
        self._data = [mujoco.MjData(model) for model in self._models]
        self._line = TargetLine(num_worlds, len(self.joint_names), physics_dt, decimation)
        joints = [self.model.joint(name) for name in self.joint_names]
        self._q = np.array([joint.qposadr[0] for joint in joints])
        self._v = np.array([joint.dofadr[0] for joint in joints])
        self._bodies = np.arange(1, self.model.nbody)
        self.link_names = tuple(self.model.body(i).name for i in self._bodies)
        self._own = np.arange(self.model.ngeom) != self.model.geom("ground").id
        self._base = self.model.body(robot.base_link).id
        self._tool = self.model.body(robot.end_effector or robot.base_link).id
        self._bounded = bool(np.isfinite(self.drives.speed).any())
        self._driven = [self.drives] * num_worlds
        self._energy = np.zeros(num_worlds)
        self.mass = np.full(num_worlds, self.model.body_mass.sum())

    def reset(self, conditions: Conditions) -> Snapshot:
        """Begin an episode in every world."""
        import mujoco

        factors, links = conditions.drive_factors(len(self.joint_names)), conditions.links_of(self.link_names, "mujoco")
        self._driven = [self.drives.scaled(*row.T) for row in factors]
        self._energy[:] = 0.0
        quats = quat_from_yaw(conditions.yaw, self.robot.start_quat_xyzw)
        nominal, bodies = self.model, self._bodies
        for i, (model, data) in enumerate(zip(self._models, self._data, strict=True)):
            drives = self._driven[i]
            model.body_mass[bodies] = nominal.body_mass[bodies] * links.mass[i] + links.load[i]
            model.body_inertia[bodies] = nominal.body_inertia[bodies] * links.mass[i][:, None]
            move_centres(model, nominal, bodies, links.com[i])
            model.geom_friction[self._own, 0] = conditions.friction[i]
            model.actuator_gainprm[:, 0] = drives.kp
            model.actuator_biasprm[:, 1] = -drives.kp
            model.actuator_biasprm[:, 2] = -drives.kd
            mujoco.mj_setConst(model, data)
            mujoco.mj_resetData(model, data)
            data.qpos[self._q] = drives.default_pos + conditions.joint_offset[i]
            if self.robot.floating_base:
                data.qpos[:3] = self.robot.start_pos
                data.qpos[3:7] = quats[i][[3, 0, 1, 2]]
                data.qvel[:3] = conditions.base_velocity[i]
            self._limit(i)
            mujoco.mj_forward(model, data)
        self.mass = np.array([model.body_mass.sum() for model in self._models])
        self._line.reset(conditions.latency_s)
        return self._snapshot()

    def step(self, targets: np.ndarray, active: np.ndarray | None = None) -> Snapshot:
        """Go on by one decision; worlds that are not active stay where they are."""
        import mujoco

        planes = self._line(targets)
        self._energy[:] = 0.0
        for i, (model, data) in enumerate(zip(self._models, self._data, strict=True)):
            if active is not None and not active[i]:
                continue
            for plane in planes:
                data.ctrl[:] = plane[i]
                if self.drives.has_line:
                    self._limit(i)
                mujoco.mj_step(model, data)
                if self._bounded:
                    hold_speed(model, data, self._v, self.drives.speed)
                self._energy[i] += np.abs(data.actuator_force * data.qvel[self._v]).sum() * self._dt
            mujoco.mj_kinematics(model, data)  # places of links after the step
        return self._snapshot()

    def ground_force(self) -> np.ndarray:
        """Force of the ground on each robot [N], (num_worlds, 3)."""
        import mujoco

        total = np.zeros((self.num_worlds, 3))
        wrench = np.zeros(6)
        for i, (model, data) in enumerate(zip(self._models, self._data, strict=True)):
            for k in range(data.ncon):
                mujoco.mj_contactForce(model, data, k, wrench)
                force = data.contact[k].frame.reshape(3, 3).T @ wrench[:3]
                total[i] += force if self._own[data.contact[k].geom2] else -force  # it is the one on the second
        return total

    def close(self) -> None:
        """Free models and data."""
        self._models, self._data = [], []

    def _limit(self, i: int) -> None:
        """Set what the drives of a world may do at their present speed."""
        low, high = self._driven[i].limits(self._data[i].qvel[self._v], 1.0)
        self._models[i].actuator_forcerange[:, 0] = np.maximum(low, -1e9)
        self._models[i].actuator_forcerange[:, 1] = np.minimum(high, 1e9)

    def _snapshot(self) -> Snapshot:
        def every(rows: list[Any]) -> np.ndarray:
            return np.array(rows, np.float64)

        quat = every([data.xquat[self._base][[1, 2, 3, 0]] for data in self._data])
        if self.robot.floating_base:
            spin = every([data.qvel[3:6] for data in self._data])  # MuJoCo's free joint turns in the body's frame
            speed = turn_back(quat, every([data.qvel[:3] for data in self._data]))
        else:
            spin = speed = np.zeros((self.num_worlds, 3))
        return Snapshot(
            base_pos=every([data.xpos[self._base] for data in self._data]),
            base_quat_xyzw=quat,
            base_lin_vel=speed + np.cross(spin, every([model.body_ipos[self._base] for model in self._models])),
            base_ang_vel=spin,
            joint_pos=every([data.qpos[self._q] for data in self._data]),
            joint_vel=every([data.qvel[self._v] for data in self._data]),
            joint_effort=every([data.actuator_force for data in self._data]),
            energy=self._energy.copy(),
            links=every([data.xpos[self._bodies] for data in self._data]),
            tool_quat_xyzw=every([data.xquat[self._tool][[1, 2, 3, 0]] for data in self._data]),
        )
