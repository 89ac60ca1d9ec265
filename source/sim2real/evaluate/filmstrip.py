"""Pictures of episodes: a filmstrip of one, and a map of many.

A filmstrip shows what happened and what the policy saw when it happened: the whole arena with the driven path on top,
then one column per moment with the rover's surroundings from above, the noisy depth image that went into the policy,
and the colour image where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.evaluate.drawing import (
    BOX,
    CYLINDER,
    FLOOR,
    INK,
    MUTED,
    NO_DATA,
    OUTCOME_COLOURS,
    ROVER,
    WALL,
    Canvas,
    colour_depth,
    text_width,
    translucent,
)

if TYPE_CHECKING:
    from PIL import Image

Frame = Mapping[str, Any]
"""One moment: ``time_s``, ``pose`` (x, y, yaw), ``depth_m`` (H, W) as the policy saw it, ``colour`` (H, W, 3) uint8 or
None, ``action`` (``forward``, ``left``, ``right``)."""


@dataclass(frozen=True, kw_only=True)
class SceneGeometry:
    """What stands in one arena, seen from above: x from 0 to ``length``, y from -``width``/2 to ``width``/2."""

    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 5)))
    """x, y, yaw, half size along the box's own x, along its own y; shape (k, 5) [m, m, rad, m, m]."""
    cylinders: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    """x, y, radius; shape (k, 3) [m]."""
    length: float
    """Size of the arena along x [m]."""
    width: float
    """Size of the arena along y [m]."""


ROVER_SIZE_M = (0.32, 0.44)
"""Length and width of the rover's footprint [m]."""


def filmstrip(
    frames: Sequence[Frame],
    scene: SceneGeometry,
    title: str,
    *,
    path: Sequence[Sequence[float]] | None = None,
    outcome: str | None = None,
    notes: Sequence[str] = (),
    columns: int = 8,
    rover_size_m: tuple[float, float] = ROVER_SIZE_M,
    far_m: float = 4.0,
) -> Image.Image:
    """Draw an episode as a strip of moments.

    Args:
        frames: The moments in time order; of more than ``columns`` an even choice is made, first and last included.
        scene: The arena.
        title: Heading.
        path: Poses of the whole episode, shape (k, 3). None: those of the frames.
        outcome: ``success``, ``collision`` or ``timeout``: the colour of the path. None: neutral.
        notes: Short lines beside the map, such as engine and policy.
        columns: Greatest number of moments shown.
        rover_size_m: Length and width of the footprint [m].
        far_m: Depth at the dark end of the colour scale [m].

    Raises:
        ValueError: there is no frame.
    """
    if not frames:
        raise ValueError("a filmstrip needs at least one frame, none came")
    chosen = [
        frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, min(columns, len(frames))).round().astype(int))
    ]
    poses = np.array(path if path is not None and len(path) else [frame["pose"] for frame in frames], dtype=float)
    colour = OUTCOME_COLOURS.get(outcome or "", WALL)
    tile, gap, margin, head = 150, 8, 14, 300
    has_colour = any(frame.get("colour") is not None for frame in chosen)
    rows = 3 if has_colour else 2
    width = max(2 * margin + columns * tile + (columns - 1) * gap, 900)
    canvas = Canvas(width, head + 24 + rows * (tile + gap) + margin)

    canvas.text(margin, margin, title, size=19, max_width=width - 2 * margin)
    arena = _draw_arena(scene, width - 2 * margin - 300, head - 58)
    arena.canvas.line(arena.pixels(poses), colour, 2.5)
    for number, frame in enumerate(chosen, start=1):
        _draw_number(arena.canvas, arena.pixels(np.array([frame["pose"]]))[0], number, colour)
    canvas.paste_canvas(arena.canvas, margin, 46)
    beside = margin + arena.canvas.width + 30
    _draw_key(canvas, beside, 50, outcome, colour, far_m)
    for row, note in enumerate(notes):
        canvas.text(beside + 280, 48 + 22 * row, note, size=13, colour=MUTED, max_width=width - margin - beside - 280)

    for column, frame in enumerate(chosen):
        x, y = margin + column * (tile + gap), head
        _draw_number(canvas, (x + 9, y + 9), column + 1, colour)
        canvas.text(x + 24, y + 1, f"{float(frame['time_s']):.1f} s", size=13)
        canvas.text(x + tile - 20, y + 2, str(frame["action"]), size=12, colour=MUTED, anchor="ra")
        canvas.arrow(x + tile - 16, y + 2, str(frame["action"]), 14)
        until = poses[: _nearest(poses, frame["pose"]) + 1]
        canvas.paste_canvas(_draw_surroundings(scene, frame["pose"], until, tile, colour, rover_size_m), x, y + 22)
        canvas.paste(colour_depth(frame["depth_m"], far_m=far_m), x, y + 22 + tile + gap, tile, tile)
        if frame.get("colour") is not None:
            canvas.paste(np.asarray(frame["colour"])[..., :3], x, y + 22 + 2 * (tile + gap), tile, tile)
    return canvas.finish()


def path_map(
    paths: Sequence[Sequence[Sequence[float]]],
    outcomes: Sequence[str],
    scenes: SceneGeometry | Sequence[SceneGeometry],
    title: str,
    *,
    width: int = 1240,
) -> Image.Image:
    """Draw the paths of many episodes over one arena, coloured by outcome, failures on top.

    Args:
        paths: One path per episode, each of shape (k, 2 or 3) [m].
        outcomes: One outcome per path.
        scenes: The arena, or one per path: then all obstacles lie over each other as a faint cloud.
        title: Heading.
        width: Width of the picture [px].
    """
    several = [scenes] if isinstance(scenes, SceneGeometry) else list(scenes)
    if not several or len(paths) != len(outcomes):
        raise ValueError(
            f"{len(several)} arenas, {len(paths)} paths, {len(outcomes)} outcomes; allowed: as many outcomes as paths"
        )
    margin, head = 14, 44
    first = several[0]
    height = round((width - 2 * margin) * (first.width + 0.3) / (first.length + 0.3))
    canvas = Canvas(width, head + height + margin)
    canvas.text(margin, margin, title, size=19, max_width=width * 0.6)
    arena = _draw_arena(first, width - 2 * margin, height, obstacles=len(several) == 1)
    if len(several) > 1:
        for scene in several:
            arena.draw_obstacles(scene, alpha=max(0.02, min(0.5, 3.0 / len(several))))
    order = sorted(range(len(paths)), key=lambda i: list(OUTCOME_COLOURS).index(outcomes[i]))
    order.sort(key=lambda i: outcomes[i] != "success")
    for i in order:
        colour, good = OUTCOME_COLOURS[outcomes[i]], outcomes[i] == "success"
        points = arena.pixels(np.asarray(paths[i], dtype=float).reshape(len(paths[i]), -1))
        arena.canvas.line(points, translucent(colour, 0.35 if good else 0.9), 1.4 if good else 2.0)
        if not good and len(points):
            arena.canvas.circle(points[-1], 5, fill=colour, outline="#ffffff", line=1.2)
    canvas.paste_canvas(arena.canvas, margin, head)
    x = float(width - margin)
    for outcome in reversed(list(OUTCOME_COLOURS)):
        name = f"{outcome} {list(outcomes).count(outcome)}"
        canvas.text(x, 16, name, size=14, anchor="ra")
        x -= text_width(name, 14) + 22
        canvas.rectangle(x, 19, 14, 10, fill=OUTCOME_COLOURS[outcome])
        x -= 22
    return canvas.finish()


class _View:
    """A canvas with a map from metres to pixels: x to the right, y up."""

    def __init__(
        self, width: int, height: int, scale: float, centre: Sequence[float] | np.ndarray, background: str
    ) -> None:
        self.canvas = Canvas(width, height, background)
        self.scale, self.centre = scale, np.asarray(centre, dtype=float)
        self.middle = np.array([width / 2, height / 2])

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Map (k, 2 or more) metres to (k, 2) pixels."""
        return (np.asarray(points, dtype=float)[:, :2] - self.centre) * [self.scale, -self.scale] + self.middle

    def draw_floor(self, scene: SceneGeometry) -> None:
        """Draw floor and walls."""
        half, wall = scene.width / 2, 0.06
        outer = _rectangle(scene.length / 2, 0.0, 0.0, scene.length / 2 + wall, half + wall)
        self.canvas.polygon(self.pixels(outer), fill=WALL)
        self.canvas.polygon(self.pixels(_rectangle(scene.length / 2, 0.0, 0.0, scene.length / 2, half)), fill=FLOOR)

    def draw_obstacles(self, scene: SceneGeometry, alpha: float = 1.0) -> None:
        """Draw boxes and cylinders."""
        for box in np.asarray(scene.boxes, dtype=float).reshape(-1, 5):
            self.canvas.polygon(self.pixels(_rectangle(*box)), fill=translucent(BOX, alpha))
        for x, y, radius in np.asarray(scene.cylinders, dtype=float).reshape(-1, 3):
            centre = self.pixels(np.array([[x, y]]))[0]
            self.canvas.circle(centre, radius * self.scale, fill=translucent(CYLINDER, alpha))

    def draw_rover(self, pose: Sequence[float], size_m: tuple[float, float], colour: str = ROVER) -> None:
        """Draw the footprint with a nose that shows the heading."""
        x, y, yaw = (float(value) for value in pose[:3])
        self.canvas.polygon(self.pixels(_rectangle(x, y, yaw, size_m[0] / 2, size_m[1] / 2)), fill=colour)
        nose = np.array([[0.42, 0.0], [0.0, 0.3], [0.0, -0.3]]) * [size_m[0], size_m[1]] @ _turn(yaw).T + [x, y]
        self.canvas.polygon(self.pixels(nose), fill="#ffffff")


def _draw_arena(scene: SceneGeometry, width: int, height: int, obstacles: bool = True) -> _View:
    """Draw the whole arena as large as it fits."""
    scale = min(width / (scene.length + 0.3), height / (scene.width + 0.3))
    size = round((scene.length + 0.3) * scale), round((scene.width + 0.3) * scale)
    view = _View(size[0], size[1], scale, (scene.length / 2, 0.0), "#f6f7f9")
    view.draw_floor(scene)
    if obstacles:
        view.draw_obstacles(scene)
    return view


def _draw_surroundings(
    scene: SceneGeometry,
    pose: Sequence[float],
    path: np.ndarray,
    size: int,
    colour: str,
    rover_size_m: tuple[float, float],
    span_m: float = 2.6,
) -> Canvas:
    """Draw the square around the rover, a little ahead of it, with the path so far."""
    ahead = np.asarray(pose[:2], dtype=float) + 0.5 * np.array([np.cos(pose[2]), np.sin(pose[2])])
    view = _View(size, size, size / span_m, ahead, "#c9ced6")
    view.draw_floor(scene)
    view.draw_obstacles(scene)
    view.canvas.line(view.pixels(path), colour, 2.5)
    view.draw_rover(pose, rover_size_m)
    return view.canvas


def _draw_number(canvas: Canvas, centre: Sequence[float], number: int, colour: str) -> None:
    canvas.circle(centre, 9, fill=colour, outline="#ffffff", line=1.2)
    canvas.text(centre[0], centre[1], str(number), size=11, colour="#ffffff", anchor="mm")


def _draw_key(canvas: Canvas, x: float, y: float, outcome: str | None, colour: str, far_m: float) -> None:
    """Explain the colours."""
    entries = [(colour, f"path ({outcome})" if outcome else "path"), (BOX, "boxes"), (CYLINDER, "cylinders")]
    for row, (fill, name) in enumerate(entries):
        canvas.rectangle(x, y + 22 * row, 18, 12, fill=fill)
        canvas.text(x + 28, y + 22 * row - 2, name, size=13)
    y += 22 * len(entries) + 14
    canvas.text(x, y, "depth seen by the policy", size=13)
    ramp = colour_depth(np.geomspace(0.15, far_m, 240)[None], far_m=far_m)
    canvas.paste(ramp, x, y + 22, 240, 12)
    for value in (0.15, 0.5, 1.0, 2.0, far_m):
        place = x + 240 * np.log(value / 0.15) / np.log(far_m / 0.15)
        canvas.text(place, y + 38, f"{value:g}" + (" m" if value == far_m else ""), size=11, colour=MUTED, anchor="ma")
    canvas.rectangle(x, y + 64, 18, 12, fill="#{:02x}{:02x}{:02x}".format(*NO_DATA))
    canvas.text(x + 28, y + 62, "no data", size=13, colour=INK)


def _rectangle(x: float, y: float, yaw: float, half_x: float, half_y: float) -> np.ndarray:
    """Return the corners of a turned rectangle, shape (4, 2)."""
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * [half_x, half_y]
    return corners @ _turn(yaw).T + [x, y]


def _turn(yaw: float) -> np.ndarray:
    return np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])


def _nearest(poses: np.ndarray, pose: Sequence[float]) -> int:
    """Return the index of the pose that is closest to a given one in position and heading."""
    difference = poses[:, :3] - np.asarray(pose[:3], dtype=float)
    return int(np.argmin((difference**2).sum(axis=1)))
