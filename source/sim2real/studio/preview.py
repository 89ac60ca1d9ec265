"""A grid of randomized views in this process: small ray-cast rooms seen through the cameras that the spec draws.

View i is frame i: its camera's place, rotation and focal length, its light, colours and noise are the draws of that
frame's number, by the streams that training and dataset generation draw from. The rooms are stand-ins; the draws are
those of every other door. It needs no simulator, and no torch unless the spec changes colours or blurs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim2real.draws import Draws
from sim2real.studio.outputs import Output, Picture, Table, Text
from sim2real.vision import (
    VisionError,
    depth_noise,
    draw_depth_params,
    draw_picture_params,
    luminance,
    noise_key,
    picture_key,
    randomize_pictures,
)
from sim2real.vision.analytic_scene import (
    Box,
    Cylinder,
    Plane,
    Scene,
    Sphere,
    camera_rays,
    hit_box,
    hit_cylinder,
    hit_plane,
    hit_sphere,
    make_arena,
)
from sim2real.vision.colour_maps import colour_depth
from sim2real.vision.preview_colour import changes_pictures

if TYPE_CHECKING:
    from sim2real.spec import Spec

FIELD_OF_VIEW = 0.5
"""Nominal focal length over the picture's width: 90 degrees, as the D435."""
FAR_M = 4.0
"""Far end of the scale of depth pictures [m]."""
CAMERA_HEIGHT_M = 0.25
"""Nominal height of the camera above the floor [m]."""
ROOM = 4
"""Shapes that make the room: floor and walls, which keep their colours; what follows stands in it."""
_GAP = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """Pictures of some frames, and what was drawn for each."""

    frames: np.ndarray
    """The frames' numbers ``(n,)``."""
    clean: np.ndarray
    """Colour as rendered, uint8 ``(n, h, w, 3)``."""
    colour: np.ndarray
    """Colour as the spec changes it, uint8 ``(n, h, w, 3)``."""
    depth: np.ndarray
    """What is there [m], float32 ``(n, h, w)``, 0 where nothing was hit."""
    noisy: np.ndarray | None
    """What the spec's depth camera reports [m], 0 for nothing; None: the spec has no depth camera."""
    drawn: tuple[dict[str, float], ...]
    """Name -> value in SI units, for each frame."""
    note: str = ""
    """What could not be shown here, and why."""


def make_views(spec: Spec, frames: Sequence[int], height: int = 240, width: int = 320) -> Views:
    """Render frames of a spec.

    Args:
        spec: what is uncertain.
        frames: numbers of the frames, each in [0, 2^32).
        height: of a view [px].
        width: of a view [px].

    Raises:
        VisionError: a drawn value that the camera model does not allow.
    """
    ids = np.asarray(frames, np.int64)
    draws = Draws(spec.seed)
    cameras = _Cameras(spec, draws, ids)
    scenes = _scenes(spec, draws, ids)
    focal = FIELD_OF_VIEW * width * cameras.focal_scale
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:  # NumPy lets others work meanwhile
        jobs = [pool.submit(_render, scenes[i], cameras.view(i, height, width, focal[i])) for i in range(len(ids))]
        rendered = [job.result() for job in jobs]
    depth = np.stack([d for d, _ in rendered])
    clean = np.stack([c for _, c in rendered])
    drawn = [dict(row) for row in cameras.rows]
    noisy = None
    if "depth" in spec.vision:
        params = draw_depth_params(spec.vision["depth"], draws, ids)
        noisy = depth_noise(depth, luminance(clean), params, noise_key(spec.seed), ids, image_focal_px=focal)
        for i, row in enumerate(drawn):
            row |= {k: v for k, v in params.row(i).items() if k in spec.vision["depth"].overrides}
    colour, note = clean, ""
    if changes_pictures(spec):
        picture = draw_picture_params(spec.vision, draws, ids)
        for i, row in enumerate(drawn):
            row |= picture.row(i)
        try:
            empty = (depth == 0.0).astype(np.uint8)
            colour = randomize_pictures(clean, picture, picture_key(spec.seed), ids, empty=empty)
        except VisionError as error:
            note = f"Colours are shown as rendered: {error}"
    if "stage" in spec.vision:
        note = f"{note} Not shown: 'vision: stage', which acts on a stage in Isaac Sim.".strip()
    return Views(frames=ids, clean=clean, colour=colour, depth=depth, noisy=noisy, drawn=tuple(drawn), note=note)


def preview(spec: Spec, frames: Sequence[int], height: int = 240, width: int = 320) -> list[Output]:
    """Return the grid of colour views, that of depth where the spec has a depth camera, and the draws as a table."""
    views = make_views(spec, frames, height, width)
    count, first = len(views.frames), int(views.frames[0])
    said = f"Frames {first} to {first + count - 1}, seed {spec.seed}, spec {spec.digest[:12]}."
    shown: list[Output] = [Picture(title="Colour", pixels=grid(views.colour), caption=said)]
    if views.noisy is not None:
        tiles = np.stack([colour_depth(depth, FAR_M) for depth in views.noisy])
        caption = f"What the depth camera reports, 0 to {FAR_M:g} m; grey where it reports nothing."
        shown.append(Picture(title="Depth", pixels=grid(tiles), caption=caption))
    if views.note:
        shown.append(Text(lines=(views.note,), mark="warn"))
    names = list(dict.fromkeys(name for row in views.drawn for name in row))
    if names:
        rows = tuple(
            (str(int(frame)), *(f"{row[name]:.4g}" if name in row else "" for name in names))
            for frame, row in zip(views.frames, views.drawn, strict=True)
        )
        shown.append(Table(title="What was drawn, in SI units", columns=("frame", *names), rows=rows))
    return shown


def grid(tiles: np.ndarray) -> np.ndarray:
    """Return pictures side by side, nearly in a square, with thin gaps: uint8 ``(n, h, w, 3)`` to ``(H, W, 3)``."""
    n, h, w, _ = tiles.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    sheet = np.full((rows * (h + _GAP) - _GAP, columns * (w + _GAP) - _GAP, 3), 24, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (h + _GAP), (i % columns) * (w + _GAP)
        sheet[top : top + h, left : left + w] = tile
    return sheet


class _Cameras:
    """The camera of each frame, by the terms on ``camera.*``."""

    def __init__(self, spec: Spec, draws: Draws, ids: np.ndarray) -> None:
        n = len(ids)
        self.position = np.zeros((n, 3))
        self.rotation = np.zeros((n, 3))
        self.focal_scale = np.ones(n)
        self.rows: list[dict[str, float]] = [{} for _ in range(n)]
        """What was drawn, by term and axis."""
        for target, axes in (("camera.position", "xyz"), ("camera.rotation", ("roll", "pitch", "yaw"))):
            for name, term in spec.targeting(target).items():
                drawn = draws.sample(name, term.dist, ids).reshape(n, 3)
                (self.position if target == "camera.position" else self.rotation)[:] += drawn
                for i, row in enumerate(self.rows):
                    row |= {f"{name}.{axis}": float(v) for axis, v in zip(axes, drawn[i], strict=True)}
        for name, term in spec.targeting("camera.focal_length").items():
            scale = draws.sample(name, term.dist, ids).reshape(n)
            self.focal_scale *= scale
            for row, value in zip(self.rows, scale, strict=True):
                row[name] = float(value)

    def view(self, i: int, height: int, width: int, focal_px: float) -> tuple[np.ndarray, np.ndarray]:
        """Origin ``(3,)`` and rays ``(h, w, 3)`` of a frame; a ray's parameter is its planar depth."""
        rays = camera_rays(height, width, focal_px) @ turn(*self.rotation[i]).T
        return self.position[i] + (0.0, 0.0, CAMERA_HEIGHT_M), rays


def turn(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """Return the rotation by roll, pitch and yaw about the fixed axes x, y, z, in this order ``(3, 3)``."""
    (cr, cp, cy), (sr, sp, sy) = np.cos((roll, pitch, yaw)), np.sin((roll, pitch, yaw))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _scenes(spec: Spec, draws: Draws, ids: np.ndarray) -> list[Scene]:
    """The room of each frame, what stands in it coloured by the spec's texture."""
    scenes = [make_arena(int(frame)) for frame in ids]
    texture = spec.vision.get("texture")
    if texture is None or "colour" not in texture.overrides:
        return scenes
    things = len(scenes[0].shapes) - ROOM
    drawn = draws.sample("vision.texture.colour", texture.overrides["colour"], ids, count=things)
    colours = np.broadcast_to(drawn.reshape(len(ids), things, -1), (len(ids), things, 3))
    painted = []
    for scene, rows in zip(scenes, colours, strict=True):
        things_now = [
            replace(shape, colour=tuple(float(c) for c in row))  # type: ignore[arg-type]
            for shape, row in zip(scene.shapes[ROOM:], rows, strict=True)
        ]
        painted.append(replace(scene, shapes=(*scene.shapes[:ROOM], *things_now)))
    return painted


_HIT = {Box: hit_box, Cylinder: hit_cylinder, Sphere: hit_sphere, Plane: hit_plane}


def _render(scene: Scene, view: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Planar depth, float32 ``(h, w)``, 0 where nothing is hit, and colour, uint8 ``(h, w, 3)``."""
    origin, rays = view
    depth = np.full(rays.shape[:2], np.inf)
    colour = np.full(rays.shape, 0.75)
    light = np.asarray(scene.light) / np.linalg.norm(scene.light)
    for shape in scene.shapes:
        t, normal = _HIT[type(shape)](shape, origin, rays)  # type: ignore[operator]
        nearer = t < depth
        shade = 0.35 + 0.65 * np.clip(normal[nearer] @ light, 0.0, 1.0)
        depth[nearer] = t[nearer]
        colour[nearer] = np.asarray(shape.colour) * shade[:, None]
    depth[~np.isfinite(depth)] = 0.0
    return depth.astype(np.float32), (np.clip(colour, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
