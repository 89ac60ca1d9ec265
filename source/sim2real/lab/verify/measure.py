"""The motions of the probes and what they tell: bodies are placed, let go, and their velocities read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.quantities import QUANTITIES

if TYPE_CHECKING:
    from sim2real.engines.engine import Engine

Values = dict[str, np.ndarray]
SLIDE, SLIDE_SPEED = 24, 3.0
"""Steps of the slide, and the speed at its begin [m/s]: it must still slide at its end, whatever the friction."""
FALL = 96
"""Steps of the fall."""
SPIN, TORQUE, SPEED = 48, 0.5, 10.0
"""Steps in which the bar turns, torque on it [N·m], and its speed when it is let go [rad/s]."""
BOUNCE = 130
"""Steps in which the ball has fallen and bounced."""


class Bench:
    """The probes' scene and its engine."""

    def __init__(self, env: Any) -> None:
        """Take an environment of :mod:`sim2real.lab.verify.scene` that was reset."""
        import warp as wp

        from sim2real.engines.engine import Rows
        from sim2real.lab.engine import engine_of

        self.env = env
        self.engine: Engine = engine_of(env)
        self.num_worlds, self.dt = env.num_envs, float(env.sim.get_physics_dt())
        index = wp.array(np.arange(self.num_worlds), dtype=wp.int32, device=self.engine.device)
        self.everything = Rows(index=index, n=self.num_worlds)

    def number(self, quantity: str, name: str) -> int:
        """Return the number of the element `asset/name` of a quantity."""
        elements = self.engine.elements.of(QUANTITIES[quantity].kind)
        return [f"{element.asset}/{element.name}" for element in elements].index(name)

    def restore(self, quantities: tuple[str, ...]) -> None:
        """Write the nominal values of some quantities."""
        import warp as wp

        for name in quantities:
            values = wp.array(self.engine.nominal(name), dtype=wp.float32, device=self.engine.device)
            self.engine.write(name, values, self.everything)
        self.engine.finish(quantities, self.everything)

    def place(
        self,
        name: str,
        position: tuple[float, float, float],
        quaternion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0),
        velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Put a body at a pose (quaternion x, y, z, w) with a velocity, not turning, in every world."""
        import torch

        asset, device = self.env.scene[name], self.env.device
        pose = torch.tensor([*position, *quaternion], device=device).repeat(self.num_worlds, 1)
        pose[:, :3] += self.env.scene.env_origins
        speed = torch.tensor([*velocity, 0.0, 0.0, 0.0], device=device).repeat(self.num_worlds, 1)
        asset.write_root_pose_to_sim_index(root_pose=pose)
        asset.write_root_velocity_to_sim_index(root_velocity=speed)

    def velocity(self, name: str) -> np.ndarray:
        """Return a body's velocity, float64 (num_worlds, 3)."""
        data = self.env.scene[name].data
        return data.root_com_vel_w.torch[:, :3].cpu().numpy().astype(np.float64)

    def turn(self, speed: float, torque: float) -> None:
        """Give the bar a speed, and a torque that stays."""
        import torch

        hinge, shape = self.env.scene["hinge"], (self.num_worlds, 1)
        hinge.write_joint_position_to_sim_index(position=torch.zeros(shape, device=self.env.device))
        hinge.write_joint_velocity_to_sim_index(velocity=torch.full(shape, speed, device=self.env.device))
        hinge.actuators.target_command.set_effort_index(value=torch.full(shape, torque, device=self.env.device))

    def spin(self) -> np.ndarray:
        """Return the bar's speed, float64 (num_worlds,)."""
        return self.env.scene["hinge"].data.joint_vel.torch[:, 0].cpu().numpy().astype(np.float64)

    def step(self, count: int = 1) -> None:
        """Take physics steps."""
        for _ in range(count):
            self.env.scene.write_data_to_sim()
            self.env.sim.step(render=False)
            self.env.scene.update(self.dt)


def measure_gravity(bench: Bench) -> Values:
    """Free fall from rest: velocity by time."""
    from sim2real.lab.verify.scene import FALL_FROM

    bench.place("faller", (-30.0, 0.0, FALL_FROM))
    bench.step(FALL)
    gravity = bench.velocity("faller") / (FALL * bench.dt)
    tilt = np.arctan2(np.linalg.norm(gravity[:, :2], axis=-1), -gravity[:, 2])
    return {"gravity": np.linalg.norm(gravity, axis=-1), "tilt": tilt}


def measure_friction(bench: Bench) -> Values:
    """A box slides down a ramp: friction is the tangential impulse of the contact by its normal one.

    Both follow from the change of momentum less that of gravity. On a rigid ramp this is a = g (sin s - mu cos s). In
    MuJoCo's contact model a box that slides fast is lifted a little (its friction cone couples the two directions), so
    the normal impulse is not that of the weight; the ratio holds all the same.
    """
    from sim2real.lab.verify.scene import SLOPE, down_the_ramp, slider_start

    down = np.array(down_the_ramp())
    normal = np.array([math.sin(SLOPE), 0.0, math.cos(SLOPE)])
    position, quaternion = slider_start()
    x, y, z = (float(part) for part in SLIDE_SPEED * down)
    bench.place("slider", position, quaternion, (x, y, z))
    bench.step(SLIDE)
    change = bench.velocity("slider") - SLIDE_SPEED * down
    fall = float(np.linalg.norm(bench.engine.nominal("gravity")[0])) * SLIDE * bench.dt
    return {"friction": (fall * math.sin(SLOPE) - change @ down) / (fall * math.cos(SLOPE) + change @ normal)}


def hinge_inertia(moment: Any, armature: Any) -> Any:
    """Return what turns about the hinge [kg·m²]: the bar's moment about its centre, its mass at its arm, the rotor."""
    from sim2real.lab.verify.scene import BAR_ARM, BAR_MASS

    return moment + BAR_MASS * BAR_ARM**2 + armature


def measure_inertia(bench: Bench) -> Values:
    """A torque step on a bar at rest: I = torque time / speed."""
    bench.turn(0.0, TORQUE)
    bench.step(SPIN)
    inertia = TORQUE * SPIN * bench.dt / bench.spin()
    bench.turn(0.0, 0.0)
    return {"inertia": inertia}


def measure_damping(bench: Bench) -> Values:
    """A turning bar is let go: its speed decays as exp(-d t / I)."""
    from sim2real.lab.verify.scene import BAR_MOMENT

    bench.turn(SPEED, 0.0)
    bench.step(1)
    start = bench.spin()
    bench.step(SPIN)
    decay = np.log(start / bench.spin()) / (SPIN * bench.dt)
    bench.turn(0.0, 0.0)
    return {"damping": decay * hinge_inertia(BAR_MOMENT, 0.0)}


def measure_joint_friction(bench: Bench) -> Values:
    """A turning bar is let go: its speed falls by the same amount in every step, friction x time / I."""
    from sim2real.lab.verify.scene import BAR_MOMENT

    bench.turn(SPEED, 0.0)
    bench.step(1)
    start = bench.spin()
    bench.step(SPIN)
    slowed = (start - bench.spin()) / (SPIN * bench.dt)
    bench.turn(0.0, 0.0)
    return {"joint_friction": slowed * hinge_inertia(BAR_MOMENT, 0.0)}


def measure_restitution(bench: Bench) -> Values:
    """A ball is dropped: the speed at which it leaves the floor by that at which it came."""
    from sim2real.lab.verify.scene import BALL_RADIUS, DROP

    bench.place("ball", (0.0, 0.0, BALL_RADIUS + DROP))
    came = left = np.zeros(bench.num_worlds)
    for _ in range(BOUNCE):
        bench.step()
        vertical = bench.velocity("ball")[:, 2]
        came, left = np.minimum(came, vertical), np.maximum(left, vertical)
    return {"restitution": left / -came}
