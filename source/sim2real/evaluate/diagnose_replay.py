"""Logged targets played in MuJoCo from logged states: many short starts instead of one long run.

A robot on its feet is chaotic: a replay of ten seconds says little. So the simulated robot is set to the logged state
at the start of each segment, gets the targets that were sent (those still on their way too), and is compared until the
segment's end. Where the log has no place of the base, the lowest point of the robot is put on the ground; where it has
no velocity, that point is taken to stand still.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.contract import Contract
from sim2real.evaluate.diagnose_evidence import Drive, Felt, world_of
from sim2real.evaluate.engines.drives import Drives
from sim2real.evaluate.engines.mujoco_player import compile_model, hold_speed
from sim2real.evaluate.engines.player import RobotMismatch, feels_gravity
from sim2real.evaluate.engines.urdf import find_urdf, plain_urdf

SINK = 0.002
"""How deep the lowest point stands in the ground where the log has no height [m]."""
FASTEST = 1e3
"""A robot with a larger velocity flew apart [rad/s, m/s]; the rest of its segment is not played."""
FAR = 3.0
"""Largest error of a joint that is counted, and that of a robot that flew apart [rad or m; or times the way]."""


class MujocoReplay:
    """The contract's robot in MuJoCo, set to logged states.

    Args:
        contract: of the policy.
        length: decisions of a segment.
        segments: which are replayed.
        urdf: description of a robot that is not among the vendors'.

    Raises:
        RobotMismatch: the description is not there, not whole, or not the contract's.
    """

    def __init__(self, contract: Contract, length: int, segments: np.ndarray, urdf: Path | None = None) -> None:
        import mujoco

        robot, run = contract.robot, contract.run
        assert robot is not None and run is not None  # a contract with joint actions has both
        self.segments, self._length = segments, length
        self._robot, self._dt, self._decimation = robot, run.physics_dt_s, run.decimation
        self._drives = Drives.of(robot)
        self._bounded = bool(np.isfinite(self._drives.speed).any())
        with tempfile.TemporaryDirectory(prefix="sim2real-replay-") as folder:
            plain = plain_urdf(find_urdf(robot, urdf), robot, Path(folder))
            model = compile_model(plain, robot, run.physics_dt_s, feels_gravity(robot))
        self._nominal, self._model, self._data = model, model.__copy__(), mujoco.MjData(model)
        joints = [model.joint(name) for name in robot.joint_names]
        self._q = np.array([joint.qposadr[0] for joint in joints])
        self._v = np.array([joint.dofadr[0] for joint in joints])
        self._ground = model.geom("ground").id
        self._base = model.body(robot.base_link).id
        if robot.floating_base and self._base != 1:
            raise RobotMismatch(f"base_link '{robot.base_link}' is not the root of the description; give no replay")

    def __call__(self, felt: Felt, targets: np.ndarray, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
        """Joints as replayed and as logged, (segments, decisions + 1, joints)."""
        import mujoco

        mujoco.set_mju_user_warning(lambda said: None)  # a wrong correction makes robots fly apart; that is counted
        try:
            return self._replay(felt, targets, drive)
        finally:
            mujoco.set_mju_user_warning(None)

    def _replay(self, felt: Felt, targets: np.ndarray, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
        import mujoco

        self._set(drive)
        strength = np.asarray(drive.strength, float)
        played = np.full((len(self.segments), self._length + 1, len(self._q)), np.nan)
        logged = np.empty_like(played)
        acting = _Acting(felt.time, targets, self._dt, drive.latency_s)
        for row, segment in enumerate(self.segments):
            start = segment * self._length
            self._place(felt, start)
            played[row, 0] = self._data.qpos[self._q]
            logged[row] = felt.pos[start : start + self._length + 1]
            planes = acting(felt.time[start], self._length * self._decimation)
            for step, plane in enumerate(planes):
                self._data.ctrl[:] = plane
                if self._drives.has_line:
                    self._limit(strength)
                mujoco.mj_step(self._model, self._data)
                if self._bounded:
                    hold_speed(self._model, self._data, self._v, self._drives.speed)
                if not np.abs(self._data.qvel).max() < FASTEST:
                    break
                if (step + 1) % self._decimation == 0:
                    played[row, (step + 1) // self._decimation] = self._data.qpos[self._q]
        far = FAR * np.maximum(1.0, np.abs(logged - logged[:, :1]))
        played = np.where(np.isfinite(played), played, logged + far)
        return logged + np.clip(played - logged, -far, far), logged

    def _set(self, drive: Drive) -> None:
        """Give the model the drives, the ground and the masses."""
        import mujoco

        model, own, strength = self._model, self._drives, np.asarray(drive.strength, float)
        kp, kd = own.kp * drive.kp * strength, own.kd * drive.kd * strength
        model.actuator_gainprm[:, 0], model.actuator_biasprm[:, 1], model.actuator_biasprm[:, 2] = kp, -kp, -kd
        model.dof_frictionloss[self._v] = np.maximum(own.friction + drive.friction, 0.0)
        body = np.arange(model.ngeom) != self._ground
        model.geom_friction[body, 0] = drive.ground
        model.body_mass[:] = self._nominal.body_mass * drive.mass
        model.body_inertia[:] = self._nominal.body_inertia * drive.mass
        mujoco.mj_setConst(model, self._data)

    def _place(self, felt: Felt, row: int) -> None:
        """Set the robot to a logged state."""
        import mujoco

        data, model = self._data, self._model
        mujoco.mj_resetData(model, data)
        data.qpos[self._q], data.qvel[self._v] = felt.pos[row], felt.vel[row]
        if self._robot.floating_base:
            quat = felt.quat[row : row + 1]
            data.qpos[3:7] = quat[0, [3, 0, 1, 2]]
            data.qvel[3:6] = felt.gyro[row]
            if felt.lin_vel is not None:
                origin = felt.lin_vel[row] - np.cross(felt.gyro[row], model.body_ipos[self._base])
                data.qvel[:3] = world_of(quat, origin[None])[0]
            if felt.place is not None:
                data.qpos[:3] = felt.place[row]
            if felt.place is None or felt.lin_vel is None:
                self._stand(felt.place is None, felt.lin_vel is None)
        self._limit(np.asarray(1.0))
        mujoco.mj_forward(model, data)

    def _stand(self, place: bool, speed: bool) -> None:
        """Put the lowest point on the ground, and let it stand still."""
        import mujoco

        data, model = self._data, self._model
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        ends, lowest = np.zeros(6), (np.inf, np.zeros(3), 0)
        for geom in range(model.ngeom):
            if geom != self._ground and model.geom_contype[geom]:
                apart = mujoco.mj_geomDistance(model, data, self._ground, geom, 100.0, ends)
                if apart < lowest[0]:
                    lowest = (apart, ends[3:].copy(), int(model.geom_bodyid[geom]))
        apart, point, body = lowest
        if not np.isfinite(apart):
            return
        if speed:
            jacobian = np.zeros((3, model.nv))
            mujoco.mj_jac(model, data, jacobian, None, point, body)
            data.qvel[:3] -= jacobian @ data.qvel
        if place:
            data.qpos[2] -= apart + SINK

    def _limit(self, strength: Any) -> None:
        low, high = self._drives.limits(self._data.qvel[self._v], strength)
        self._model.actuator_forcerange[:, 0] = np.maximum(low, -1e9)
        self._model.actuator_forcerange[:, 1] = np.minimum(high, 1e9)


class _Acting:
    """What acts at a time: targets held from their arrival on, averaged over each physics step."""

    def __init__(self, time: np.ndarray, targets: np.ndarray, dt: float, latency: float) -> None:
        step = float(np.median(np.diff(time)))
        self._edges = np.concatenate([[time[0] - 10.0], time[1:], [time[-1] + step + 10.0]]) + latency
        pieces = np.diff(self._edges)[:, None] * targets  # the first acts as if it had always been there
        self._sums = np.vstack([np.zeros_like(targets[:1]), np.cumsum(pieces, axis=0)])
        self._dt = dt

    def __call__(self, start: float, steps: int) -> np.ndarray:
        """(steps, joints)."""
        times = start + self._dt * np.arange(steps + 1)
        sums = np.stack([np.interp(times, self._edges, column) for column in self._sums.T], axis=1)
        return np.diff(sums, axis=0) / self._dt
