"""Frames of the depth dataset: frame i is a function of (spec, i) alone.

Four frames in a row share a scene. A frame has its own place in the arena, its own camera and its own noise; half of
the frames are taken close to something, where the decision is made. Scenes are placed and rendered, physics is never
stepped. The label is what the gap-follower says about the clean image, its camera being known exactly.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws import Draws

from . import camera, layout
from .gap_follower import label as label_depth

if TYPE_CHECKING:
    from .env import AvoidanceEnv

FRAMES_PER_SCENE = 4
"""Frames taken in one scene."""
LABELS = ("forward", "left", "right")
"""Names of the classes."""
SPLITS = ("train", "val")
"""Names of the splits; a scene belongs to one."""
PLACES = 48
"""Candidate places per frame."""
PLACES_AT_ONCE = 6
"""Candidates looked at together; decides the speed, never the result."""
FREE = 0.03
"""A frame's footprint keeps this distance to everything [m]."""
NEAR = 0.5
"""Every other frame is taken with something closer than this [m], where one of its candidate places is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FrameDraws:
    """What was drawn for some frames."""

    index: np.ndarray
    """Frame numbers (n,)."""
    scene: np.ndarray
    """Scene of each frame (n,)."""
    split: np.ndarray
    """Index into `SPLITS` (n,)."""
    pose: np.ndarray
    """Rover x, y, yaw [m, m, rad], float32 (n, 3)."""
    obstacles: layout.Layout
    """The scenes' obstacles, one row per frame."""
    cameras: camera.CameraDraw
    """The frames' cameras."""

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: slice) -> FrameDraws:
        obstacles = layout.Layout(pose=self.obstacles.pose[rows], used=self.obstacles.used[rows])
        return FrameDraws(
            index=self.index[rows],
            scene=self.scene[rows],
            split=self.split[rows],
            pose=self.pose[rows],
            obstacles=obstacles,
            cameras=self.cameras[rows],
        )


def draw_frames(spec: Any, index: np.ndarray) -> FrameDraws:
    """Draw everything random about the frames numbered `index` (n,) except the pixels' noise.

    Raises:
        LayoutError: a scene has no good layout, or a frame no free place.
    """
    index = np.asarray(index, np.int64)
    draws, scene = Draws(spec.seed), index // FRAMES_PER_SCENE
    scenes, row = np.unique(scene, return_inverse=True)
    once = layout.draw_layouts(spec, scenes)
    obstacles = layout.Layout(pose=once.pose[row], used=once.used[row])
    places = draws.sample("frame_position", spec.terms["frame_position"].dist, index, count=PLACES)[..., :2]
    yaws = draws.sample("frame_yaw", spec.terms["frame_yaw"].dist, index, count=PLACES)
    candidates = np.concatenate((places, yaws[..., None]), -1)  # (n, PLACES, 3)
    away = np.where(obstacles.used[..., None], obstacles.pose, obstacles.pose + np.float32(100.0))
    pose = _first_good_place(index, candidates, away)
    split = draws.sample("split", spec.terms["split"].dist, scene)[:, 0].astype(int)
    cameras = camera.draw_cameras(spec, index)
    return FrameDraws(index=index, scene=scene, split=split, pose=pose, obstacles=obstacles, cameras=cameras)


def _first_good_place(index: np.ndarray, candidates: np.ndarray, obstacles: np.ndarray) -> np.ndarray:
    """The first of each frame's candidates (n, PLACES, 3) that is free and, for even frames, near something; else the
    first that is free. Candidates are looked at a few at a time: nearly every frame is content with its first ones.
    """
    import torch

    from . import geometry

    pose = np.full((len(index), 3), np.nan, np.float32)
    todo = np.arange(len(index))
    for first in range(0, PLACES, PLACES_AT_ONCE):
        places = candidates[todo, first : first + PLACES_AT_ONCE]
        k = places.shape[1]
        room = geometry.clearance(
            torch.from_numpy(places.reshape(-1, 3).astype(np.float64)),
            torch.from_numpy(np.repeat(obstacles[todo].astype(np.float64), k, 0)),
        )
        room = room.numpy().reshape(len(todo), k)
        free = room > FREE
        wanted = free & ((room < NEAR) | (index[todo] % 2 == 1)[:, None])
        rows, content = np.arange(len(todo)), wanted.any(1)
        fallback = free.any(1) & np.isnan(pose[todo, 0])
        for found, choice in ((fallback, free), (content, wanted)):
            pose[todo[found]] = places[rows[found], choice[found].argmax(1)]
        todo = todo[~content]
        if not len(todo):
            break
    lost = np.isnan(pose[:, 0])
    if lost.any():
        raise layout.LayoutError(
            f"frame {index[lost.argmax()]} found no free place among {PLACES}; widen frame_position in the spec"
        )
    return pose


class FrameRenderer:
    """Renders numbered frames with an environment's engine and renderer."""

    def __init__(self, env: AvoidanceEnv):
        self.env = env
        self.spec = env.randomization

    @property
    def batch(self) -> int:
        """Frames per rendering."""
        return self.env.num_envs

    def draw(self, index: np.ndarray) -> FrameDraws:
        """Draw the frames `index` (k,), any number; does not touch the simulator. Cheaper for many at once."""
        return draw_frames(self.spec, index)

    def render(self, drawn: FrameDraws) -> camera.Raw:
        """Place and render drawn frames, at most `batch`; touches the simulator."""
        k = len(drawn)
        self.env.place(np.arange(k), drawn.obstacles, drawn.pose, drawn.cameras)
        raw = self.env.render_raw()
        return camera.Raw(depth=raw.depth[:k], colour=None if raw.colour is None else raw.colour[:k])

    def develop(self, drawn: FrameDraws, raw: camera.Raw) -> tuple[camera.Images, list[dict[str, Any]]]:
        """Images and records of rendered frames; does not touch the simulator, so it may run beside the next
        rendering.
        """
        from sim2real.vision import draw_depth_params

        images = camera.develop(raw, drawn.cameras, self.env.focal_min)
        size = images.clean.shape[-1]
        labels, margins = label_depth(images.clean, **camera.intrinsics(drawn.cameras, size))
        params = draw_depth_params(self.spec.vision["depth"], Draws(self.spec.seed), drawn.index)
        images = camera.degrade(images, drawn.cameras, params, self.spec.seed, drawn.index, 0, 0)
        fields = [f.name for f in dataclasses.fields(params)]
        records = [
            {
                "scene": int(drawn.scene[i]),
                "split": SPLITS[drawn.split[i]],
                "label": int(labels[i]),
                "margin": float(margins[i]),
                "pose": drawn.pose[i].tolist(),
                "camera": {
                    "position": drawn.cameras.position[i].tolist(),
                    "rotation": drawn.cameras.rotation[i].tolist(),
                    "focal_scale": float(drawn.cameras.focal_scale[i]),
                },
                "depth": {name: float(getattr(params, name)[i]) for name in fields},
            }
            for i in range(len(drawn.index))
        ]
        return images, records
