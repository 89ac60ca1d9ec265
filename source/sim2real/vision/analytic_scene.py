"""A small scene of exact shapes, ray-cast in NumPy: pictures without a renderer, and ground truth to test against.

The camera sits at ``camera_height_m`` above the floor and looks along +x; y is to the left, z is up. Depth is planar
(distance along the viewing axis), as the renderers' ``distance_to_image_plane``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Box:
    """An upright box turned about the vertical axis."""

    centre: tuple[float, float, float]
    """Centre [m]."""
    size: tuple[float, float, float]
    """Edge lengths [m]."""
    yaw: float = 0.0
    """Turn about +z [rad]."""
    colour: Colour = (0.7, 0.5, 0.3)
    """Albedo of red, green and blue in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Cylinder:
    """An upright cylinder standing on the floor, without a visible lid when it is taller than the camera."""

    centre: tuple[float, float]
    """Axis on the floor [m]."""
    radius: float
    """Radius [m]."""
    height: float
    """Height [m]."""
    colour: Colour = (0.3, 0.5, 0.7)
    """Albedo of red, green and blue in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Sphere:
    """A sphere."""

    centre: tuple[float, float, float]
    """Centre [m]."""
    radius: float
    """Radius [m]."""
    colour: Colour = (0.6, 0.6, 0.6)
    """Albedo of red, green and blue in [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """The points p with ``normal . p = offset``."""

    normal: tuple[float, float, float]
    """Unit normal."""
    offset: float
    """Distance of the origin along the normal [m]."""
    colour: Colour = (0.55, 0.55, 0.52)
    """Albedo of red, green and blue in [0, 1]."""


Shape = Box | Cylinder | Sphere | Plane


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Shapes, and where the camera is."""

    shapes: tuple[Shape, ...]
    """What is seen."""
    camera_height_m: float = 0.25
    """Height of the camera above z = 0 [m]."""
    light: tuple[float, float, float] = field(default=(-0.55, 0.25, 0.8))
    """Direction to the light."""


def hit_plane(plane: Plane, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ray parameter (inf for a miss) and normal of every ray."""
    normal = np.asarray(plane.normal)
    along = rays @ normal
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (plane.offset - origin @ normal) / along
    t = np.where((along != 0.0) & (t > 1e-9), t, np.inf)
    return t, np.broadcast_to(-np.sign(along)[..., None] * normal, rays.shape)


def hit_sphere(sphere: Sphere, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ray parameter (inf for a miss) and normal of every ray."""
    to_centre = origin - np.asarray(sphere.centre)
    a = (rays * rays).sum(-1)
    b = rays @ to_centre
    disc = b * b - a * (to_centre @ to_centre - sphere.radius**2)
    t = (-b - np.sqrt(np.maximum(disc, 0.0))) / a
    t = np.where((disc > 0.0) & (t > 1e-9), t, np.inf)
    point = to_centre + np.where(np.isfinite(t), t, 0.0)[..., None] * rays
    return t, point / sphere.radius


def hit_cylinder(cylinder: Cylinder, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ray parameter (inf for a miss) and normal of every ray; the mantle alone."""
    to_axis = origin[:2] - np.asarray(cylinder.centre)
    flat = rays[..., :2]
    a = np.maximum((flat * flat).sum(-1), 1e-12)
    b = flat @ to_axis
    disc = b * b - a * (to_axis @ to_axis - cylinder.radius**2)
    t = (-b - np.sqrt(np.maximum(disc, 0.0))) / a
    height = origin[2] + t * rays[..., 2]
    t = np.where((disc > 0.0) & (t > 1e-9) & (height >= 0.0) & (height <= cylinder.height), t, np.inf)
    normal = np.zeros(rays.shape)
    normal[..., :2] = (to_axis + np.where(np.isfinite(t), t, 0.0)[..., None] * flat) / cylinder.radius
    return t, normal


def hit_box(box: Box, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ray parameter (inf for a miss) and normal of every ray."""
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    local_origin = turn @ (origin - np.asarray(box.centre))
    local = rays @ turn.T
    half = 0.5 * np.asarray(box.size)
    safe = np.where(np.abs(local) < 1e-12, 1e-12, local)
    one, two = (-half - local_origin) / safe, (half - local_origin) / safe
    near, far = np.minimum(one, two), np.maximum(one, two)
    axis = near.argmax(-1)
    t = near.max(-1)
    t = np.where((t <= far.min(-1)) & (t > 1e-9), t, np.inf)
    normal = np.eye(3)[axis] * -np.sign(np.take_along_axis(safe, axis[..., None], -1))
    return t, normal @ turn


_HIT = {Box: hit_box, Cylinder: hit_cylinder, Sphere: hit_sphere, Plane: hit_plane}


def camera_rays(height: int, width: int, focal_px: float) -> np.ndarray:
    """Rays through the pixel centres ``(h, w, 3)``, of unit length along the viewing axis."""
    u = (np.arange(width) + 0.5 - 0.5 * width) / focal_px
    v = (np.arange(height) + 0.5 - 0.5 * height) / focal_px
    rays = np.empty((height, width, 3))
    rays[..., 0], rays[..., 1], rays[..., 2] = 1.0, -u[None, :], -v[:, None]
    return rays


def render(scene: Scene, height: int, width: int, focal_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Ray-cast the scene.

    Returns:
        Planar depth, float32 ``(h, w)`` [m], inf where nothing is hit; colour, uint8 ``(h, w, 3)``.
    """
    rays = camera_rays(height, width, focal_px)
    origin = np.array([0.0, 0.0, scene.camera_height_m])
    depth = np.full((height, width), np.inf)
    colour = np.full((height, width, 3), 0.75)
    light = np.asarray(scene.light) / np.linalg.norm(scene.light)
    for shape in scene.shapes:
        t, normal = _HIT[type(shape)](shape, origin, rays)  # type: ignore[operator]
        nearer = t < depth
        shade = 0.35 + 0.65 * np.clip(normal @ light, 0.0, 1.0)
        depth = np.where(nearer, t, depth)
        colour = np.where(nearer[..., None], np.asarray(shape.colour) * shade[..., None], colour)
    return depth.astype(np.float32), (np.clip(colour, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def make_arena(seed: int) -> Scene:
    """A walled floor with a few boxes and cylinders, different for every seed; one of them is nearly black."""
    rng = np.random.default_rng(seed)
    shapes: list[Shape] = [
        Plane(normal=(0.0, 0.0, 1.0), offset=0.0, colour=(0.50, 0.48, 0.45)),
        Plane(normal=(-1.0, 0.0, 0.0), offset=-float(rng.uniform(4.2, 6.0)), colour=(0.80, 0.80, 0.78)),
        Plane(normal=(0.0, -1.0, 0.0), offset=-2.0, colour=(0.72, 0.76, 0.80)),
        Plane(normal=(0.0, 1.0, 0.0), offset=-2.0, colour=(0.72, 0.76, 0.80)),
    ]
    places = [(0.9, 0.35), (1.5, -0.5), (2.1, 0.75), (2.8, -0.9), (3.3, 0.1)]
    for index, (x, y) in enumerate(places):
        x, y = x + float(rng.uniform(-0.15, 0.15)), y + float(rng.uniform(-0.3, 0.3))
        albedo = (0.06, 0.06, 0.07) if index == 2 else tuple(float(c) for c in rng.uniform(0.25, 0.9, 3))
        if rng.random() < 0.5:
            size = float(rng.uniform(0.25, 0.45))
            tall = float(rng.uniform(0.25, 0.7))
            yaw = float(rng.uniform(-0.8, 0.8))
            shapes.append(Box(centre=(x, y, 0.5 * tall), size=(size, size, tall), yaw=yaw, colour=albedo))  # type: ignore[arg-type]
        else:
            radius, tall = float(rng.uniform(0.1, 0.22)), float(rng.uniform(0.4, 0.8))
            shapes.append(Cylinder(centre=(x, y), radius=radius, height=tall, colour=albedo))  # type: ignore[arg-type]
    return Scene(shapes=tuple(shapes))
