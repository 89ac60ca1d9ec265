"""The depth camera of the task: what is drawn for it, and the way of an image from the renderer to the policy.

The renderer has one focal length for all environments, a little wider than the widest that the spec asks for; each
environment's own focal length is made by remapping the image. The mount's offset is a true camera pose. Noise comes
last, keyed by the frame's number, so that a frame is the same whatever stands beside it in the batch.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws import Draws

from ..robots.rover import CAMERA_HEIGHT, CAMERA_POSITION

if TYPE_CHECKING:
    from sim2real.spec import Spec

HORIZONTAL_FOV = math.radians(87.0)
"""Horizontal field of view of the D435's depth image [rad] (Intel RealSense D400 series datasheet)."""
RENDER_FAR = 8.0
"""Far clip of the renderer [m]; it writes this where it sees nothing."""
NOTHING = 0.999 * RENDER_FAR
"""Depth beyond which a pixel counts as empty [m]: 0 in every picture, as on a real depth camera."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Raw:
    """What the renderer wrote for n environments."""

    depth: np.ndarray
    """Planar depth [m], float32 (n, H, W)."""
    colour: np.ndarray | None
    """uint8 (n, H, W, 3), or None."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Images:
    """One picture per environment, before and after the camera model."""

    clean: np.ndarray
    """Depth [m] at each environment's own focal length, float32 (n, H, W)."""
    noisy: np.ndarray
    """The same through the camera model; 0 is invalid. Equal to `clean` where noise is off."""
    colour: np.ndarray | None
    """uint8 (n, H, W, 3), or None when colour is off."""


def nominal_focal_px(size: int) -> float:
    """Focal length [px] of an image `size` pixels wide."""
    return size / 2 / math.tan(HORIZONTAL_FOV / 2)


def focal_scale_bounds(spec: Spec) -> tuple[float, float]:
    """Smallest and largest factor on the focal length that the spec can draw."""
    if "focal_length" not in spec.terms:
        return 1.0, 1.0
    low, high = spec.terms["focal_length"].dist.bounds()
    return float(np.min(low)), float(np.max(high))


def loses_dark_surfaces(spec: Spec) -> bool:
    """Whether the spec's depth camera can lose dark surfaces, so that it needs the colour image."""
    from sim2real.vision import find_preset

    depth = spec.vision["depth"]
    if "dark_loss" in depth.overrides:
        return float(np.max(depth.overrides["dark_loss"].bounds()[1])) > 0.0
    return find_preset(depth.preset).dark_loss > 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class CameraDraw:
    """The cameras of n frames or episodes."""

    position: np.ndarray
    """Offset from the nominal mount [m], float32 (n, 3)."""
    rotation: np.ndarray
    """Roll, pitch, yaw about the mount's axes [rad], float32 (n, 3)."""
    focal_scale: np.ndarray
    """Focal length over the nominal one, float32 (n,)."""

    def __getitem__(self, rows) -> CameraDraw:
        return CameraDraw(
            position=self.position[rows], rotation=self.rotation[rows], focal_scale=self.focal_scale[rows]
        )


def draw_cameras(spec: Spec, world: np.ndarray, episode: np.ndarray | int = 0) -> CameraDraw:
    """Draw the cameras of the worlds (or frames) numbered `world` (n,). What the spec leaves out is nominal."""
    draws = Draws(spec.seed)
    n = len(world)

    def sample(name: str, dim: int, nominal: float) -> np.ndarray:
        if name not in spec.terms:
            return np.full((n, dim), nominal, np.float32)
        values = draws.sample(name, spec.terms[name].dist, world, episode)
        return np.asarray(values, np.float32).reshape(n, dim)

    return CameraDraw(
        position=sample("camera_position", 3, 0.0),
        rotation=sample("camera_rotation", 3, 0.0),
        focal_scale=sample("focal_length", 1, 1.0)[:, 0],
    )


def mount_position(camera: CameraDraw) -> np.ndarray:
    """Camera positions in the robot's ground frame [m], float32 (n, 3): x, y from the mount, z above the ground."""
    return camera.position + np.array([0.0, 0.0, CAMERA_HEIGHT], np.float32)


def quaternion_from_rpy(rpy: np.ndarray) -> np.ndarray:
    """Quaternions x, y, z, w (n, 4) of rotations roll, pitch, yaw (n, 3) about fixed axes, in this order."""
    half = np.asarray(rpy, np.float64) / 2
    cr, cp, cy = np.cos(half).T
    sr, sp, sy = np.sin(half).T
    return np.stack(
        (
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ),
        -1,
    ).astype(np.float32)


def camera_offsets(camera: CameraDraw) -> tuple[np.ndarray, np.ndarray]:
    """Where the cameras sit on the body: positions (n, 3) [m] and quaternions x, y, z, w (n, 4), x forward, z up."""
    return camera.position + np.array(CAMERA_POSITION, np.float32), quaternion_from_rpy(camera.rotation)


def camera_world_poses(base_pose: np.ndarray, camera: CameraDraw) -> tuple[np.ndarray, np.ndarray]:
    """World poses of the cameras of level robots.

    Args:
        base_pose: x, y, z of the base and its yaw [m, m, m, rad], shape (n, 4).
        camera: The drawn cameras.

    Returns:
        Positions (n, 3) and quaternions x, y, z, w (n, 4) of the camera frame x forward, z up ("world" convention).
    """
    local, _ = camera_offsets(camera)
    c, s = np.cos(base_pose[:, 3]), np.sin(base_pose[:, 3])
    x = base_pose[:, 0] + c * local[:, 0] - s * local[:, 1]
    y = base_pose[:, 1] + s * local[:, 0] + c * local[:, 1]
    z = base_pose[:, 2] + local[:, 2]
    # Yaw adds up: the mount's rotation is roll, pitch, yaw about fixed axes and the base turns about the same z.
    rpy = camera.rotation.copy()
    rpy[:, 2] += base_pose[:, 3]
    return np.stack((x, y, z), -1).astype(np.float32), quaternion_from_rpy(rpy)


def intrinsics(camera: CameraDraw, size: int) -> dict[str, Any]:
    """The cameras as `sim2real_tasks.avoidance.gap_follower.label` wants them, for images `size` pixels wide."""
    focal = nominal_focal_px(size) * camera.focal_scale
    center = np.full(len(focal), size / 2, np.float32)
    return dict(
        fx=focal,
        fy=focal,
        cx=center,
        cy=center,
        camera_position=mount_position(camera),
        camera_rotation=camera.rotation,
    )


def develop(raw: Raw, camera: CameraDraw, focal_min: float) -> Images:
    """Bring each picture from the renderer's focal length (`focal_min` times the nominal one) to its own."""
    from sim2real.vision import remap_intrinsics

    clean, colour = remap_intrinsics(raw.depth, raw.colour, camera.focal_scale, min_scale=focal_min)
    clean[clean > NOTHING] = 0.0  # a depth camera reports nothing where there is nothing
    return Images(clean=clean, noisy=clean, colour=colour)


def degrade(images: Images, camera: CameraDraw, params, seed: int, world, episode, occurrence) -> Images:
    """Pass the clean depth through the camera model; noise is keyed by (world, episode, occurrence), each (n,) or a
    number.
    """
    from sim2real.vision import depth_noise, luminance, noise_key

    noisy = depth_noise(
        images.clean,
        None if images.colour is None else luminance(images.colour),
        params,
        noise_key(seed),
        world,
        episodes=episode,
        occurrences=occurrence,
        image_focal_px=nominal_focal_px(images.clean.shape[-1]) * camera.focal_scale,
    )
    return dataclasses.replace(images, noisy=noisy)
