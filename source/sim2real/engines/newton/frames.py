"""Where bodies stand in their parents: nominal frames, and what is held now, in Newton's and MuJoCo's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from sim2real.engines.newton import frame_kernels as kernels
from sim2real.engines.newton.parts import Parts


class BodyFrames:
    """The nominal frames of all body elements, and the numbers from which the held ones are made."""

    def __init__(self, model: Any, solver: Any, parts: Parts) -> None:
        """Take the snapshot of nominal frames."""
        self._mjw, self._parts = solver.mjw_model, parts
        device, frame = str(model.device), parts.frame
        there = (frame >= 0)[..., None]
        held = model.joint_X_p.numpy()[np.maximum(frame, 0)] if frame.size else np.zeros((*frame.shape, 7), np.float32)
        self.position = self._mjw.body_pos.numpy()[:, parts.body_mjw].copy()
        self.start = np.where(there, held[..., :3], self.position)
        self.offset = self.position - self.start
        self.quat = self._mjw.body_quat.numpy()[:, parts.body_mjw].copy()
        self.axis = np.zeros((*frame.shape, 3), np.float32)
        slides = np.zeros(frame.shape[1], np.int32)
        joints = np.flatnonzero(parts.hung >= 0)
        bodies = parts.hung[joints]
        if len(joints):
            axes = model.joint_axis.numpy()[parts.dof[:, joints]]
            self.axis[:, bodies] = _turned(held[:, bodies, 3:], axes / np.linalg.norm(axes, axis=-1, keepdims=True))
            slides[bodies] = [parts.elements.joint[j].prismatic for j in joints]
        self.slides = slides.astype(bool)
        self.device = kernels.Frames()
        self.device.joint = wp.array(frame.astype(np.int32), dtype=wp.int32, device=device)
        self.device.body = wp.array(parts.body_mjw.astype(np.int32), dtype=wp.int32, device=device)
        self.device.slides = wp.array(slides, dtype=wp.int32, device=device)
        self.device.axis = wp.array(self.axis, dtype=wp.vec3, device=device)
        self.device.rotation = wp.array(np.ascontiguousarray(held[..., 3:]), dtype=wp.quat, device=device)
        self.device.offset = wp.array(self.offset, dtype=wp.vec3, device=device)
        self.device.quat = wp.array(self.quat, dtype=wp.quat, device=device)
        self.device.position = wp.array(self.position, dtype=wp.vec3, device=device)
        self.device.start = wp.array(self.start, dtype=wp.vec3, device=device)
        self.device.place = wp.array(self.start, dtype=wp.vec3, device=device)
        self.device.zero = wp.zeros(frame.shape, dtype=wp.float32, device=device)

    def positions(self) -> np.ndarray:
        """Where joint frames stand in their parents as the solver holds it [m], (num_worlds, bodies, 3)."""
        zero = self.device.zero.numpy()[..., None]
        turn = np.concatenate([self.axis * np.sin(-zero / 2), np.cos(zero / 2)], axis=-1)
        offset = np.where((zero != 0.0) & ~self.slides[:, None], _turned(turn, self.offset), self.offset)
        shift = np.where(self.slides[:, None], self.axis * zero, 0.0)
        held = self._mjw.body_pos.numpy()[:, self._parts.body_mjw]
        same = (held == self.position).all(-1, keepdims=True) & (zero == 0.0)
        return np.where(same, self.start, held - offset + shift)

    def zeros(self) -> np.ndarray:
        """How far encoders are off as the solver holds it [rad or m], (num_worlds, joints)."""
        held = self._mjw.body_quat.numpy()[:, self._parts.body_mjw].astype(np.float64)
        w, v = self.quat[..., :1].astype(np.float64), self.quat[..., 1:].astype(np.float64)
        vector = w * held[..., 1:] - held[..., :1] * v + np.cross(v, held[..., 1:])
        scalar = (held * self.quat).sum(-1)
        angle = -2.0 * np.arctan2((vector * self.axis).sum(-1), scalar)
        angle = np.where((held == self.quat).all(-1), 0.0, (angle + np.pi) % (2.0 * np.pi) - np.pi)
        body = self._mjw.body_pos.numpy()[:, self._parts.body_mjw]
        moved = body - self.offset - self.device.place.numpy()
        shift = np.where((body == self.position).all(-1), 0.0, -(moved * self.axis).sum(-1))
        found = np.where(self.slides, shift, angle)
        hung = self._parts.hung
        return np.where(hung >= 0, found[:, np.maximum(hung, 0)], 0.0) if len(hung) else np.zeros((len(held), 0))


def _turned(quat: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Vectors (..., 3) turned by quaternions (..., 4), w last."""
    v, w = quat[..., :3], quat[..., 3:]
    return vector + 2.0 * np.cross(v, np.cross(v, vector) + w * vector)
