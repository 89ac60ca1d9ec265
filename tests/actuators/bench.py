"""A bench for motors: Newton's own actuator around the drive, moved by hand; and the same motor in NumPy."""

import math

import newton
import numpy as np
import warp as wp
from newton.actuators import Actuator

from sim2real.actuators.drive import ARRAYS, MotorDrive
from sim2real.actuators.motor import Motor

VOLTS, FAST, STALL = 24.0, 30.0, 20.0
"""The line of the motor of these tests: at 24 V, 30 rad/s without load and 20 N·m at standstill."""


class Bench:
    """Motors on shafts that the test turns."""

    def __init__(self, count=1, per_bus=1, kp=0.0, kd=0.0, max_effort=math.inf, dt=1e-3, **motor):
        values = {"voltage": VOLTS, "no_load_speed": FAST, "stall_torque": STALL, **motor}
        numbers = {**Motor(**values).numbers("joint"), "kp": kp, "kd": kd, "feedforward": 1.0, "max_effort": max_effort}
        self.dt, self.count = dt, count
        arrays = {name: wp.array(np.full(count, numbers[name], np.float32), device="cpu") for name in ARRAYS}
        self.drive = MotorDrive(bus="bench", bus_joints=per_bus, **arrays)
        index = wp.array(np.arange(count, dtype=np.uint32), device="cpu")
        self.actuator = Actuator(indices=index, drive=self.drive)
        self.states = [self.actuator.state(), self.actuator.state()]
        self.state, self.control = newton.State(), newton.Control()
        for name in ("joint_q", "joint_qd"):
            setattr(self.state, name, wp.zeros(count, dtype=float, device="cpu"))
        for name in ("joint_target_q", "joint_target_qd", "joint_act", "joint_f"):
            setattr(self.control, name, wp.zeros(count, dtype=float, device="cpu"))

    def set(self, name, values):
        """Change a number of the motors."""
        getattr(self.drive, name).assign(np.broadcast_to(np.float32(values), (self.count,)).copy())

    def step(self, q=0.0, speed=0.0, target=0.0, target_speed=0.0, ahead=0.0):
        """One physics step; returns the torques (count,)."""
        inputs = ((self.state.joint_q, q), (self.state.joint_qd, speed), (self.control.joint_target_q, target))
        inputs += ((self.control.joint_target_qd, target_speed), (self.control.joint_act, ahead))
        for array, value in inputs:
            array.assign(np.broadcast_to(np.float32(value), (self.count,)).copy())
        self.control.joint_f.zero_()
        self.actuator.step(self.state, self.control, *self.states, dt=self.dt)
        self.states.reverse()
        return self.control.joint_f.numpy().copy()

    def memory(self, name):
        """What the motors remember: `rotor` or `rise`."""
        return getattr(self.states[0].drive_state, name).numpy().copy()

    def current(self, torque):
        """Of the windings [A]."""
        return torque / self.drive.constant.numpy()

    def heat(self, torque):
        """In the windings [W]."""
        return self.drive.resistance.numpy() * self.current(torque) ** 2


class Reference:
    """One supply's motors in float64, written from the equations; the sag by fixed-point search on a fine grid."""

    def __init__(self, bench, per_bus):
        self.m = {name: getattr(bench.drive, name).numpy().astype(np.float64) for name in ARRAYS}
        self.dt, self.per_bus = bench.dt, per_bus
        self.rotor, self.rise = None, np.zeros(bench.count)

    def step(self, q, speed, target, target_speed, ahead):
        """One physics step; returns the torques."""
        m, half = self.m, self.m["backlash"] / 2
        pd = ahead + m["kp"] * (target - q) + m["kd"] * (target_speed - speed)
        before = q if self.rotor is None else self.rotor
        pull = ahead + m["kp"] * (target - before) + m["kd"] * target_speed
        reach = self.dt * m["voltage"] / m["constant"]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.nan_to_num(self.dt * pull / (m["kd"] + m["kp"] * self.dt))
        free = before + np.clip(moved, -reach, reach)
        self.rotor = np.where(half > 0, np.clip(free, q - half, q + half), q)
        touching = ahead + m["kp"] * (target - self.rotor) + m["kd"] * (target_speed - speed)
        upper, lower = free >= q + half, free <= q - half
        geared = np.where(upper, np.maximum(touching, 0), np.where(lower, np.minimum(touching, 0), 0))
        demand = np.where(half > 0, geared, pd)
        share = np.clip((m["derate_to"] - self.rise) / (m["derate_to"] - m["derate_from"]), 0, 1)
        demand = np.clip(demand, -m["max_effort"] * share, m["max_effort"] * share)
        torque = np.concatenate(
            [self._supply(demand, speed, slice(k, k + self.per_bus)) for k in range(0, len(q), self.per_bus)]
        )
        final = m["thermal_resistance"] * m["resistance"] * (torque / m["constant"]) ** 2
        fade = np.exp(-self.dt / (m["thermal_resistance"] * m["heat_capacity"]))
        self.rise = final + (self.rise - final) * fade
        return torque

    def _supply(self, demand, speed, part):
        m = {name: values[part] for name, values in self.m.items()}
        demand, speed = demand[part], speed[part]

        def torques(sag):
            volts = np.maximum(m["voltage"] - sag, 0)
            back = m["constant"] * speed
            high, low = ((sign * volts - back) * m["constant"] / m["resistance"] for sign in (1, -1))
            return np.clip(np.clip(demand, low, high), -m["max_effort"], m["max_effort"])

        lead, supply = m["bus_resistance"][0], m["voltage"].mean()
        if lead == 0:
            return torques(0.0)

        sags = np.linspace(0.0, supply / 2, 20001)
        torque = torques(sags[:, None])
        power = (m["resistance"] * (torque / m["constant"]) ** 2 + torque * speed).sum(1)
        enough = np.flatnonzero(lead * np.maximum(power, 0.0) <= sags * (supply - sags))
        return torques(sags[enough[0]] if len(enough) else supply / 2)
