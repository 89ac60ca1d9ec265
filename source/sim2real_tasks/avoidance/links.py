"""What stands between the camera, the policy and the motors: a picture that comes late, a command that arrives late.

Both are signals of the spec in seconds, keyed by the scene's number and episode, so that a scene has the same delays
wherever and whenever it is played. A command acts with the resolution of a fraction of a physics step, in both engines.

A late picture is rendered from where the camera was: the pose of the rover's body, not the picture, goes through the
line and is read between its values at two decisions. A decision renders once, and a delay of 30 ms is one of 30 ms and
not of a whole decision. What moves beside the rover (obstacles, with `moving`) is seen where it is now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sim2real.lab.signals_terms import keep_path
from sim2real.signals import CommandPath, SignalPath

from ..robots.rover import WHEEL_JOINTS, wheel_speeds
from .camera import CameraDraw, Images, camera_offsets
from .terms import PICTURE, command_signal

if TYPE_CHECKING:
    from .env import AvoidanceEnv


class CommandLink:
    """The body command on its way to the motor drivers."""

    def __init__(self, env: AvoidanceEnv, first_world: int) -> None:
        """Lay the line, where the spec has one; and find where wheel speeds are set.

        Raises:
            SignalError: the signal does not fit a command.
        """
        self._robot = env.scene["robot"]
        self._wheels = self._robot.find_joints(list(WHEEL_JOINTS), preserve_order=True)[0]
        self.path: CommandPath | None = None
        """The line and what it draws; None: commands arrive at once."""
        self._planes = torch.zeros(1, env.num_envs, 2, device=env.device)
        self._next = 0
        self._targets: Any = None
        name = command_signal(env.randomization)
        if name is None:
            return
        self.path = CommandPath(
            env.randomization, name, 2, env.step_dt, env.num_envs, env.device,
            substeps=env.cfg.decimation, first_world=first_world,
        )  # fmt: skip
        keep_path(env, f"actions.{name}", self.path)
        if env.sim.physics_manager.handles_decimation():
            from sim2real.lab.signals_newton import NewtonTargets

            self._targets = NewtonTargets(env, self._robot, self._wheels, "joint_target_qd")

    def send(self, command: torch.Tensor) -> None:
        """Send a body command (num_envs, 2): forward speed [m/s], turn rate [rad/s]."""
        arrived = command.unsqueeze(0) if self.path is None else self.path(command)
        self._planes, self._next = torch.stack(wheel_speeds(arrived[..., 0], arrived[..., 1]), -1), 0
        if self._targets is not None:
            for i in range(1, len(self._planes)):
                self._targets.store(i, self._planes[i])

    def apply(self) -> None:
        """Set the wheel speeds of the next physics step."""
        target = self._planes[self._next]
        self._next = min(self._next + 1, len(self._planes) - 1)
        if self._targets is not None:
            self._targets.begin(target)
        self._robot.set_joint_velocity_target_index(target=target, joint_ids=self._wheels)


class PictureLink:
    """The depth picture on its way to the policy."""

    def __init__(self, env: AvoidanceEnv, first_world: int) -> None:
        """Lay the line.

        Raises:
            SignalError: the signal does not fit.
        """
        self._env = env
        self.path = SignalPath(
            env.randomization, PICTURE, 8, env.step_dt, env.num_envs, env.device, first_world=first_world
        )
        """The line and what it draws; a datum is the body's place [m], its quaternion, and the number of the tick."""
        keep_path(env, f"observations.{PICTURE}", self.path)
        self._turned = torch.zeros(env.num_envs, 4, device=env.device)
        self._seen = torch.full((env.num_envs,), -1.0, device=env.device)
        self._at = -1
        self.lost = np.zeros(env.num_envs, bool)
        """Whose picture of this tick is the one before, (num_envs,)."""

    @property
    def age(self) -> torch.Tensor:
        """How old what is seen now is [s], (num_envs,)."""
        return (self._env.episode_length_buf - self._seen) * self._env.step_dt

    def begin(self, rows: torch.Tensor) -> None:
        """Forget what was seen in worlds whose episode begins."""
        self._seen[rows] = -1.0

    def look(self, cameras: CameraDraw) -> None:
        """Take in where the bodies are now and put the cameras where what is seen now was seen from."""
        from isaaclab.utils.math import combine_frame_transforms

        env, data = self._env, self._env.robot.data
        turned = data.root_link_quat_w.torch
        # A quaternion and its negative are one attitude, and what lies between the two is none.
        turned = torch.where((turned * self._turned).sum(-1, keepdim=True) < 0.0, -turned, turned)
        self._turned = turned.clone()
        place = data.root_link_pos_w.torch - env.scene.env_origins
        again, self._at = self._at == env.common_step_counter, env.common_step_counter
        read = self.path(torch.cat((place, turned, env.episode_length_buf[:, None].float()), -1), again=again)
        tick = read[:, 7]
        lost = (tick <= self._seen) & (self._seen >= 0.0)  # lost, or nothing newer has arrived
        self.lost = lost.cpu().numpy()
        self._seen = torch.where(lost, self._seen, tick)
        offset, tilt = (torch.from_numpy(part).to(env.device) for part in camera_offsets(cameras))
        place = read[:, :3] + env.scene.env_origins
        pose = combine_frame_transforms(place, torch.nn.functional.normalize(read[:, 3:7], dim=-1), offset, tilt)
        env.sim.forward()
        env.camera.set_world_poses(*pose, convention="world")


def hold(now: Images, before: Images | None, lost: np.ndarray) -> None:
    """Put the pictures before in place of those that were lost, (num_envs,)."""
    if before is None or not lost.any():
        return
    for new, old in ((now.clean, before.clean), (now.noisy, before.noisy), (now.colour, before.colour)):
        if new is not None and old is not None:
            new[lost] = old[lost]
