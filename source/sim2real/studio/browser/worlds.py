"""The 3-D view: each body as a mesh with an instance in every world, the worlds side by side, cameras with pictures."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from sim2real.pipeline.scene_stream import Message

ROOM = 1.25
"""Distance between two worlds, in lengths of one."""
SMALLEST, LARGEST = 1.5, 12.0
"""Limits of that distance [m]."""
FAR = 50.0
"""What is farther from its world is parked there, out of sight [m]."""
MOST_PICTURES = 8
"""Cameras whose pictures are shown; sending those of all would take a page's breath."""
ROOT = "/worlds"


class Worlds:
    """What stands in viser's scene."""

    def __init__(self, server: Any) -> None:
        """Begin with an empty floor.

        Args:
            server: viser's server.
        """
        self._server = server
        self._lock = threading.Lock()
        self._meshes: list[tuple[int, Any]] = []
        self._labels: list[Any] = []
        self._cameras: dict[tuple[str, int], Any] = {}
        self._places: np.ndarray | None = None
        self._scene: Message | None = None
        self.time_s: float | None = None
        """Time of the robots [s]; None while nothing runs."""
        self.pictures: np.ndarray | None = None
        """What the first cameras see now, uint8 ``(n, h, w, 3)``."""
        server.scene.set_up_direction("+z")
        server.scene.configure_default_lights()
        server.scene.add_grid(
            "/floor",
            infinite_grid=True,
            cell_size=0.5,
            section_size=1.0,
            cell_color=(232, 232, 232),
            section_color=(205, 205, 205),
            fade_distance=40.0,
        )
        server.initial_camera.position = (2.6, -3.0, 1.8)
        server.initial_camera.look_at = (0.0, 0.0, 0.2)

    def build(self, scene: Message) -> None:
        """Take the bodies; they are placed with the first moment."""
        self.clear()
        self._scene = scene

    def move(self, frame: Message) -> None:
        """Show a moment."""
        with self._lock, self._server.atomic():
            if self._scene is None:
                return
            poses = frame.arrays["poses"].astype(np.float32)
            if self._places is None:
                self._place(self._scene, poses)
            assert self._places is not None
            for body, handle in self._meshes:
                if body >= 0:
                    handle.batched_positions = poses[:, body, :3] + self._places
                    handle.batched_wxyzs = poses[:, body, [6, 3, 4, 5]]
            self._show_labels(frame.arrays["episodes"])
            self._show_cameras(frame)
            self.time_s = float(frame.facts["time_s"])

    def _place(self, scene: Message, poses: np.ndarray) -> None:
        """Lay the worlds out in a square, as far apart as what they hold is wide, and make the meshes."""
        corners = []
        for i, mesh in enumerate(scene.facts["meshes"]):
            vertices = scene.arrays[f"vertices.{i}"]
            if len(vertices):
                ends = np.stack((vertices.min(axis=0), vertices.max(axis=0)))
                at = poses[:, mesh["body"], :3] if mesh["body"] >= 0 else np.zeros((1, 3), np.float32)
                corners += [ends[0] + at, ends[1] + at]
        points = np.concatenate(corners) if corners else np.zeros((1, 3), np.float32)
        points = points[np.abs(points).max(axis=1) < FAR]
        size = float(np.ptp(points[:, :2], axis=0).max()) if len(points) else SMALLEST
        centre = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2 if len(points) else np.zeros(2)
        self._places = places(len(poses), min(LARGEST, max(SMALLEST, ROOM * size)))
        self._places[:, :2] -= centre
        for i, mesh in enumerate(scene.facts["meshes"]):
            handle = self._server.scene.add_batched_meshes_simple(
                f"{ROOT}/{i}_{mesh['name']}",
                scene.arrays[f"vertices.{i}"],
                scene.arrays[f"faces.{i}"],
                batched_wxyzs=np.tile(np.array([1, 0, 0, 0], np.float32), (len(poses), 1)),
                batched_positions=self._places.copy(),
                batched_colors=tuple(round(255 * value) for value in mesh["colour"]),
                flat_shading=True,
                side="double",
                lod="off",
            )
            self._meshes.append((int(mesh["body"]), handle))
        height = float(points[:, 2].max()) if len(points) else 0.5
        self._labels = [
            self._server.scene.add_label(
                f"{ROOT}/label_{world}",
                f"world {world}",
                position=(*(self._places[world, :2] + centre), height + 0.15),
                anchor="bottom-center",
            )
            for world in range(len(poses))
        ]
        far = 0.5 * float(np.ptp(self._places[:, :2], axis=0).max()) + size
        eye, target = (0.7 * far, -0.9 * far, 0.7 * far), (0.0, 0.0, 0.3 * height)
        self._server.initial_camera.position, self._server.initial_camera.look_at = eye, target
        for client in self._server.get_clients().values():
            client.camera.position, client.camera.look_at = eye, target

    def _show_labels(self, episodes: np.ndarray) -> None:
        for world, (label, episode) in enumerate(zip(self._labels, episodes, strict=True)):
            text = f"world {world}, episode {int(episode)}"
            if label.text != text:
                label.text = text

    def _show_cameras(self, frame: Message) -> None:
        assert self._places is not None
        for facts in frame.facts["cameras"]:
            name = facts["name"]
            poses, pictures = frame.arrays[f"camera.{name}"], frame.arrays.get(f"picture.{name}")
            for world in range(min(len(poses), MOST_PICTURES)):
                pose = poses[world].astype(float)
                position, wxyz = pose[:3] + self._places[world], pose[[6, 3, 4, 5]]
                handle = self._cameras.get((name, world))
                if handle is None:
                    handle = self._cameras[name, world] = self._server.scene.add_camera_frustum(
                        f"{ROOT}/camera_{name}_{world}",
                        facts["fov"],
                        facts["aspect"],
                        scale=0.35,
                        color=(30, 90, 200),
                        format="jpeg",
                    )
                handle.position, handle.wxyz = position, wxyz
                if pictures is not None:
                    handle.image = pictures[world]
            if pictures is not None:
                self.pictures = pictures[:MOST_PICTURES]

    def clear(self) -> None:
        """Take everything away but the floor."""
        with self._lock:
            for handle in (*(handle for _, handle in self._meshes), *self._labels, *self._cameras.values()):
                handle.remove()
            self._meshes, self._labels, self._cameras = [], [], {}
            self._places, self._scene, self.time_s, self.pictures = None, None, None, None


def places(count: int, distance: float) -> np.ndarray:
    """Return where worlds stand: rows of a square about the origin, float32 ``(count, 3)`` [m].

    Args:
        count: how many.
        distance: between two neighbours [m].
    """
    columns = math.ceil(math.sqrt(count))
    index = np.arange(count)
    grid = np.stack((index % columns, index // columns, np.zeros(count)), axis=1)
    rows = -(-count // columns)
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2, 0.0])
    return ((grid - middle) * distance).astype(np.float32)
