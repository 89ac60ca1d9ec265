"""Mounting errors of a camera, env by env: the terms `camera.position` and `camera.rotation` of a spec.

The pose is always made from the configured offset and the body's pose of now, so that nothing accumulates; it is
written by the camera's public `set_world_poses`, and the camera then goes along with its body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.engine import Support
from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    import torch

    from sim2real.spec.spec import Spec

TARGETS = ("camera.position", "camera.rotation")
"""Targets that are applied here."""


class CameraMounts:
    """Where each env's camera really sits."""

    def __init__(self, env: Any, spec: Spec, *, camera: str = "camera", first_world: int = 0) -> None:
        """Find the camera, the body that carries it and the spec's terms on it; nothing is moved yet.

        Args:
            env: The unwrapped environment, started.
            spec: Has terms on `camera.position` or `camera.rotation` whose `select` matches the camera's name.
            camera: Name of the sensor in the scene.
            first_world: Global id of env 0.

        Raises:
            VisionError: No such camera, no term on it, or it is not mounted on a body of an articulation or object.
        """
        from isaaclab.utils.math import convert_camera_frame_orientation_convention

        from sim2real.draws import Draws

        if camera not in env.scene.sensors:
            raise VisionError(
                f"the scene has no sensor '{camera}'; there are {', '.join(env.scene.sensors) or 'none'}."
            )
        self.env, self.camera, self.first_world = env, env.scene.sensors[camera], first_world
        terms = {name: term for name, term in spec.terms.items() if term.target in TARGETS}
        self.terms = {name: term for name, term in terms.items() if re.fullmatch(term.select, camera)}
        """The terms that move this camera."""
        if not self.terms:
            raise VisionError(f"no term on {' or '.join(TARGETS)} selects '{camera}'; add one, or leave the camera be.")
        late = [name for name, term in self.terms.items() if term.when != "reset"]
        if late:
            raise VisionError(f"terms.{late[0]}: a camera is mounted for an episode; write 'when: reset'.")
        self._draws = Draws(spec.seed)
        self.body = _carrier(env, self.camera.cfg.prim_path)
        """Name of the asset that carries the camera, and the number of its body."""
        offset = self.camera.cfg.offset
        import torch

        rot = torch.tensor([offset.rot], dtype=torch.float32, device=env.device)
        self._rot = convert_camera_frame_orientation_convention(rot, origin=offset.convention, target="world")
        self._pos = torch.tensor([offset.pos], dtype=torch.float32, device=env.device)

    def sample(self, env_ids: Any, episodes: Any = 0) -> tuple[np.ndarray, np.ndarray]:
        """Offsets [m] and roll, pitch, yaw [rad] of some envs' cameras in their own frames, float32 `(n, 3)`; pure."""
        ids = np.atleast_1d(np.asarray(env_ids)) + self.first_world
        found = {target: np.zeros((len(ids), 3), np.float32) for target in TARGETS}
        for name, term in self.terms.items():
            found[term.target] += self._draws.sample(name, term.dist, ids, episodes).reshape(len(ids), 3)
        return found["camera.position"], found["camera.rotation"]

    def apply(self, env_ids: Any, episodes: Any = 0) -> None:
        """Mount the cameras of some envs as drawn, on their bodies as they stand now.

        Args:
            env_ids: Envs `(n,)`.
            episodes: Episode of each, a number or `(n,)`.
        """
        import torch
        from isaaclab.utils.math import combine_frame_transforms, quat_from_euler_xyz

        ids = np.atleast_1d(np.asarray(env_ids))
        position, rotation = (torch.from_numpy(v).to(self.env.device) for v in self.sample(ids, episodes))
        rows = torch.as_tensor(ids, dtype=torch.int32, device=self.env.device)
        self.env.sim.forward()
        body = self._body_pose()[rows.long()]
        n = len(ids)
        pos, rot = combine_frame_transforms(
            body[:, :3], body[:, 3:7], self._pos.expand(n, 3).contiguous(), self._rot.expand(n, 4).contiguous()
        )
        tilt = quat_from_euler_xyz(rotation[:, 0], rotation[:, 1], rotation[:, 2])
        pos, rot = combine_frame_transforms(pos, rot, position, tilt)
        self.camera.set_world_poses(pos, rot, env_ids=rows, convention="world")

    def _body_pose(self) -> torch.Tensor:
        asset, body = self.body
        pose: torch.Tensor = self.env.scene[asset].data.body_link_pose_w.torch[:, body]
        return pose


def mounts_of(env: Any, spec: Spec, elsewhere: tuple[str, ...], first_world: int) -> list[CameraMounts]:
    """Return the mounts of all cameras that a spec's terms select; none where the environment mounts them itself.

    Raises:
        VisionError: A selected camera cannot be moved.
    """
    patterns = [t.select for t in spec.terms.values() if t.target in TARGETS and t.target not in elsewhere]
    cameras = [name for name, sensor in env.scene.sensors.items() if hasattr(sensor, "set_world_poses")]
    chosen = [name for name in cameras if any(re.fullmatch(pattern, name) for pattern in patterns)]
    return [CameraMounts(env, spec, camera=name, first_world=first_world) for name in chosen]


def support_of_mounts(mounts: list[CameraMounts]) -> dict[str, Support]:
    """Return what is said about the targets that these mounts apply."""
    names = sorted({term.target for one in mounts for term in one.terms.values()})
    where = ", ".join(f"{one.camera.cfg.prim_path.rpartition('/')[2]}.set_world_poses" for one in mounts)
    return {name: Support(able=True, where=where, device="sim", note="the body's pose of the reset") for name in names}


def _carrier(env: Any, prim_path: str) -> tuple[str, int]:
    """The asset and the body whose prim is the camera's parent."""
    parent, _, _ = prim_path.rpartition("/")
    for name, asset in [*env.scene.articulations.items(), *env.scene.rigid_objects.items()]:
        root = asset.cfg.prim_path
        if parent == root and len(asset.body_names) == 1:
            return name, 0
        last = parent.rpartition("/")[2]
        if parent.startswith(root + "/") and last in asset.body_names:
            return name, asset.body_names.index(last)
    raise VisionError(f"the camera at {prim_path} hangs on no body of the scene's robots or objects.")
