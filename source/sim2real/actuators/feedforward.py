"""A PD drive whose feed-forward torque can be scaled, in place of Newton's own.

A motor that gives less than it is told gives less of all it is told: of the position loop, of the damping, of the
feed-forward and of its limit. Newton's PD drive has numbers for all of them but the feed-forward.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import warp as wp
from newton.actuators import DrivePD

from sim2real.actuators.kernels import drive_pd


class ScaledDrivePD(DrivePD):
    """Newton's PD drive with a factor on the feed-forward of each joint; at 1 it gives the same torque.

    Newton's implicit effort mode, which Isaac Lab 3.0 does not use, takes the law of the parent class and with it the
    feed-forward as it comes.
    """

    def __init__(self, kp: wp.array, kd: wp.array, const_effort: wp.array | None = None) -> None:
        """Take the arrays of another drive, float32 (N,), and share them."""
        super().__init__(kp, kd, const_effort)
        self.feedforward = wp.ones(len(kp), dtype=wp.float32, device=kp.device)

    def compute(
        self,
        positions: wp.array,
        velocities: wp.array,
        target_pos: wp.array,
        target_vel: wp.array,
        feedforward: wp.array | None,
        pos_indices: wp.array,
        vel_indices: wp.array,
        target_pos_indices: wp.array,
        target_vel_indices: wp.array,
        forces: wp.array,
        state: Any,
        dt: float,
        device: Any = None,
    ) -> None:
        """Write each joint's torque [N·m or N] to `forces` (N,)."""
        inputs = [positions, velocities, target_pos, target_vel, feedforward]
        inputs += [pos_indices, vel_indices, target_pos_indices, target_vel_indices]
        inputs += [self.kp, self.kd, self.const_effort, self.feedforward]
        wp.launch(drive_pd, dim=len(forces), inputs=inputs, outputs=[forces], device=device)


def scale_feedforward(actuators: Iterable[Any]) -> int:
    """Give Newton's plain PD drives a factor on their feed-forward, which is 1; return how many were changed.

    Networks, PID drives and subclasses of the PD drive are left as they are. Call it before a step is captured in a
    CUDA graph, or capture anew.
    """
    changed = 0
    for actuator in actuators:
        drive = actuator.drive
        if type(drive) is DrivePD:
            actuator.drive = ScaledDrivePD(drive.kp, drive.kd, drive.const_effort)
            actuator.set_effort_mode_explicit()
            changed += 1
    return changed
