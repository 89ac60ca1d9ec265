"""Isaac Lab's engines as players: the task's own robot on the task's own ground, on Newton or PhysX.

The environment is made with one physics step for each call, and nothing of the task but the scene is used: no events,
no rewards, no terminations. Targets, start and conditions are those of the other engines. One environment may be open
in a process, so a transfer test gives these engines processes of their own.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from sim2real.contract import Robot
from sim2real.evaluate.engines.drives import Drives
from sim2real.evaluate.engines.latency import TargetLine
from sim2real.evaluate.engines.player import LAB_PHYSICS, Conditions, RobotMismatch, Snapshot, quat_from_yaw

SCALED = ("body_mass", "body_inertia", "actuator_kp", "actuator_kd", "actuator_effort_limit")
"""Quantities that conditions change from nominal; friction is set."""


class LabPlayer:
    """Robots in Isaac Lab; see :class:`~sim2real.evaluate.engines.player.Player`."""

    def __init__(
        self, engine: str, robot: Robot, task: str, physics_dt: float, decimation: int, num_worlds: int = 1
    ) -> None:
        """Make the task's environment.

        Args:
            engine: `newton` or `physx`.
            robot: the contract's robot.
            task: Gymnasium name of the task, for its scene.
            physics_dt: physics step [s].
            decimation: physics steps of one decision.
            num_worlds: robots.

        Raises:
            LaunchError: no such task or engine here.
            RobotMismatch: the task's robot has other joints than the contract's.
        """
        from sim2real.lab.engine import engine_of
        from sim2real.lab.launch import make_env

        self.engine, self.robot, self.num_worlds, self.joint_names = engine, robot, num_worlds, robot.joint_names
        self.drives = Drives.of(robot)
        self._dt, self._stack = physics_dt, contextlib.ExitStack()
        changes: dict[str, Any] = {
            "scene.num_envs": num_worlds,
            "decimation": 1,
            "sim.dt": physics_dt,
            "sim.render_interval": 1,
        }
        make = make_env(task, LAB_PHYSICS[engine], prepare=_only_the_scene, **changes)
        self._env = self._stack.enter_context(make)
        try:
            self._env.reset()
            self._asset = self._env.scene["robot"]
            self._joints, self._links, self.link_names = self._find(robot, task)
            self._held = engine_of(self._env)
        except BaseException:
            self._stack.close()
            raise
        self._nominal = {name: self._held.nominal(name) for name in (*SCALED, "body_com", "shape_friction")}
        self._moved = False
        self._base, self._tool = 0, self.link_names.index(robot.end_effector or robot.base_link)
        self._own_bodies = np.array([body.asset == "robot" for body in self._held.elements.body])
        self._own_shapes = np.array([shape.asset == "robot" for shape in self._held.elements.shape])
        self._line = TargetLine(num_worlds, len(self.joint_names), physics_dt, decimation)
        self._energy = np.zeros(num_worlds)
        self.mass = self._mass()

    def reset(self, conditions: Conditions) -> Snapshot:
        """Begin an episode in every world."""
        import torch

        self._write(conditions)
        start = np.zeros((self.num_worlds, 7))
        start[:, :3] = self.robot.start_pos
        start[:, 3:] = quat_from_yaw(conditions.yaw, self.robot.start_quat_xyzw)
        start[:, :3] += self._env.scene.env_origins.cpu().numpy()
        joints = self._whole(self.drives.default_pos + conditions.joint_offset)
        self._env.scene.reset()
        self._asset.write_joint_position_to_sim_index(position=joints)
        self._asset.write_joint_velocity_to_sim_index(velocity=torch.zeros_like(joints))
        if self.robot.floating_base:
            self._asset.write_root_pose_to_sim_index(root_pose=_tensor(start, self._env.device))
            velocity = np.concatenate([conditions.base_velocity, np.zeros_like(conditions.base_velocity)], axis=1)
            self._asset.write_root_velocity_to_sim_index(root_velocity=_tensor(velocity, self._env.device))
        self._asset.set_joint_position_target_index(target=joints)
        self._env.scene.write_data_to_sim()
        self._env.sim.forward()
        self._env.scene.update(0.0)
        self._line.reset(conditions.latency_s)
        self._energy[:] = 0.0
        self.mass = self._mass()
        return self._snapshot()

    def step(self, targets: np.ndarray, active: np.ndarray | None = None) -> Snapshot:
        """Go on by one decision, in all worlds."""
        self._energy[:] = 0.0
        for plane in self._line(targets):
            self._asset.set_joint_position_target_index(target=self._whole(plane))
            self._env.scene.write_data_to_sim()
            speed = self._joint(self._asset.data.joint_vel)
            self._env.sim.step(render=False)
            self._env.scene.update(dt=self._dt)
            self._energy += np.abs(self._effort() * speed).sum(axis=1) * self._dt
        return self._snapshot()

    def ground_force(self) -> np.ndarray:
        """Force of the ground on each robot [N], (num_worlds, 3); from the task's sensor `contact_forces`.

        Raises:
            RobotMismatch: the task has no such sensor.
        """
        if "contact_forces" not in self._env.scene.sensors:
            raise RobotMismatch("the task has no sensor 'contact_forces', so the ground's force is not known")
        forces = self._env.scene.sensors["contact_forces"].data.net_forces_w
        return _numpy(forces).sum(axis=1)

    def close(self) -> None:
        """Close the environment."""
        self._stack.close()

    def _find(self, robot: Robot, task: str) -> tuple[list[int], list[int], tuple[str, ...]]:
        """Columns of the contract's joints, and the links with the base first."""
        names, bodies = list(self._asset.joint_names), list(self._asset.body_names)
        missing = sorted(set(robot.joint_names) - set(names))
        extra = sorted(set(names) - set(robot.joint_names))
        if missing or extra:
            raise RobotMismatch(
                f"the joints of task '{task}' are not those of the contract's robot '{robot.name}':"
                f" only in the contract: {', '.join(missing) or 'none'}; only in the task: {', '.join(extra) or 'none'}"
            )
        for link in (robot.base_link, robot.end_effector):
            if link is not None and link not in bodies:
                raise RobotMismatch(f"task '{task}' has no link '{link}'; it has: {', '.join(bodies)}")
        order = sorted(range(len(bodies)), key=lambda i: bodies[i] != robot.base_link)
        return [names.index(name) for name in robot.joint_names], order, tuple(bodies[i] for i in order)

    def _write(self, conditions: Conditions) -> None:
        """Put masses, gains and friction into the engine."""
        import warp as wp

        from sim2real.engines.engine import Rows

        device = self._held.device
        rows = Rows(index=wp.array(np.arange(self.num_worlds), dtype=wp.int32, device=device), n=self.num_worlds)
        values = {name: self._nominal[name].copy() for name in SCALED}
        names = [body.name for body in self._held.elements.body if body.asset == "robot"]
        links = conditions.links_of(names, self.engine)
        factors = conditions.drive_factors(len(self.joint_names))[:, self._rank()].astype(np.float32)
        for k, name in enumerate(("actuator_kp", "actuator_kd", "actuator_effort_limit")):
            values[name] *= factors[:, :, k : k + 1]
        for name in ("body_mass", "body_inertia"):
            values[name][:, self._own_bodies] *= links.mass[:, :, None].astype(np.float32)
        values["body_mass"][:, self._own_bodies] += links.load[:, :, None].astype(np.float32)
        if links.com.any() or self._moved:
            values["body_com"] = self._nominal["body_com"].copy()
            values["body_com"][:, self._own_bodies] += links.com.astype(np.float32)
            self._moved = bool(links.com.any())
        friction = self._nominal["shape_friction"].copy()
        friction[:, self._own_shapes] = np.asarray(conditions.friction, np.float32)[:, None, None]
        values["shape_friction"] = friction
        for name, value in values.items():
            self._held.write(name, wp.array(value, dtype=wp.float32, device=device), rows)
        self._held.finish(tuple(values), rows)

    def _rank(self) -> list[int]:
        """Place in the contract's order of each joint of the engine."""
        return [self.joint_names.index(joint.name) for joint in self._held.elements.joint]

    def _mass(self) -> np.ndarray:
        return self._held.read("body_mass")[:, self._own_bodies].sum(axis=(1, 2)).astype(np.float64)

    def _whole(self, values: np.ndarray) -> Any:
        """Values in the contract's order as a tensor in the asset's."""
        columns = np.empty_like(values)
        columns[:, self._joints] = values
        return _tensor(columns, self._env.device)

    def _joint(self, values: Any) -> np.ndarray:
        return _numpy(values)[:, self._joints]

    def _effort(self) -> np.ndarray:
        return self._joint(self._asset.data.applied_torque)

    def _snapshot(self) -> Snapshot:
        data = self._asset.data
        origin = self._env.scene.env_origins.cpu().numpy().astype(np.float64)
        links = _numpy(data.body_link_pose_w)[:, self._links]
        return Snapshot(
            base_pos=links[:, 0, :3] - origin,
            base_quat_xyzw=links[:, 0, 3:],
            base_lin_vel=_numpy(data.root_com_lin_vel_b),
            base_ang_vel=_numpy(data.root_com_ang_vel_b),
            joint_pos=self._joint(data.joint_pos),
            joint_vel=self._joint(data.joint_vel),
            joint_effort=self._effort(),
            energy=self._energy.copy(),
            links=links[:, :, :3] - origin[:, None],
            tool_quat_xyzw=links[:, self._tool, 3:],
        )


def _only_the_scene(cfg: Any) -> None:
    """No event touches the scene, and no sensor looks at pictures."""
    for name in [name for name, term in vars(cfg.events).items() if term is not None]:
        setattr(cfg.events, name, None)
    if getattr(cfg, "curriculum", None) is not None:
        cfg.curriculum = None


def _tensor(values: np.ndarray, device: Any) -> Any:
    import torch

    return torch.as_tensor(np.ascontiguousarray(values, np.float32), device=device)


def _numpy(values: Any) -> np.ndarray:
    return values.torch.detach().cpu().numpy().astype(np.float64)
