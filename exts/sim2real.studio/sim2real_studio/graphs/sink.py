"""Turns what was rendered into finished frames and hands whole chunks to the dataset's writer.

A frame comes as clean depth and colour, on a GPU or not, in any order within its chunk. It gets the depth camera's
noise by the library's Warp kernel on the buffer where it lies, then what the spec puts on colour pictures in image
space, and goes to disk as every dataset of ours does: chunk by chunk, resumable, the same bytes on every shard.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.datasets import DatasetWriter, Frames, depth_to_mm
from sim2real.datasets.layout import COLOUR, DEPTH

if TYPE_CHECKING:
    from sim2real.vision.stage_plan import StagePlanner
    from sim2real.vision.stage_plan_contents import StagePlan

IN_PICTURE = ("colour", "occlusion")
"""Kinds of a spec's vision section that are put on pictures here; light and texture are on the stage."""
SPLITS = ("train", "val")


class FrameSink:
    """Develops frames and writes them into a dataset."""

    def __init__(self, writer: DatasetWriter, planner: StagePlanner) -> None:
        """Take an open writer; frames are developed as the planner's spec says."""
        from sim2real.vision import noise_key, picture_key

        spec = planner.spec
        self.writer, self.planner = writer, planner
        self.done = 0
        """Frames handed to the writer in whole chunks."""
        self._rows: dict[int, list[tuple[int, np.ndarray, np.ndarray, dict[str, Any]]]] = {}
        self._noise_key, self._picture_key = noise_key(spec.seed), picture_key(spec.seed)
        self._pictures = {kind: spec.vision[kind] for kind in IN_PICTURE if kind in spec.vision}
        self._split = next(iter(spec.targeting("dataset.split").items()), None)

    def pending(self) -> list[int]:
        """Numbers of the frames of this shard that are not on disk yet, in order."""
        manifest = self.writer.manifest
        return [frame for chunk in self.writer.pending() for frame in manifest.chunk_range(chunk)]

    def take(self, plan: StagePlan, depth: Any, colour: Any) -> None:
        """Finish one frame.

        Args:
            plan: What the stage showed.
            depth: Distance to the image plane ``(h, w)`` [m], NumPy or Warp, on any device; the buffer is read, never
                kept, because the renderer uses it again for the next frame.
            colour: uint8 ``(h, w, 3)`` or ``(h, w, 4)``, NumPy or Warp.

        Raises:
            DatasetError: sizes that are not the dataset's, or the disk is full.
        """
        pixels = np.ascontiguousarray(_numpy(colour)[..., :3])
        noisy, drawn = self._noise(plan, depth, pixels)
        record = {"scene": plan.frame, "split": self._split_of(plan.frame), "label": None, "stage": plan.record()}
        record |= {"depth": drawn} if drawn else {}
        manifest = self.writer.manifest
        chunk = plan.frame // manifest.chunk
        rows = self._rows.setdefault(chunk, [])
        rows.append((plan.frame, depth_to_mm(noisy), self._develop(plan.frame, pixels), record))
        if len(rows) == len(manifest.chunk_range(chunk)):
            self._write(chunk)

    def _write(self, chunk: int) -> None:
        rows = sorted(self._rows.pop(chunk), key=lambda row: row[0])
        frames = Frames(
            depth_mm=np.stack([row[1] for row in rows]),
            colour=np.stack([row[2] for row in rows]),
            records=[row[3] for row in rows],
        )
        self.writer.write_chunk(chunk, frames)
        self.done += len(rows)

    def _noise(self, plan: StagePlan, depth: Any, pixels: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        """What the depth camera reports ``(h, w)`` [m], and its values; clean depth where the spec has no camera."""
        from sim2real.vision import depth_noise, draw_depth_params, luminance

        camera = self.planner.spec.vision.get("depth")
        if camera is None:
            return _flat(_numpy(depth)), {}
        params = draw_depth_params(camera, self.planner.draws, [plan.frame])
        clean = _one_frame(depth)
        light = luminance(pixels[None]) if float(params.dark_loss[0]) > 0.0 else None
        noisy = depth_noise(
            clean, light, params, self._noise_key, [plan.frame], image_focal_px=self._focal_px(plan, pixels.shape[1])
        )
        return _numpy(noisy)[0], params.row(0)

    def _focal_px(self, plan: StagePlan, width: int) -> float:
        camera = self.planner.contents.camera
        assert camera is not None  # a capture has a camera
        focal = camera.focal_length if plan.camera is None else plan.camera.focal_length
        return width * focal / camera.aperture

    def _develop(self, frame: int, pixels: np.ndarray) -> np.ndarray:
        if not self._pictures:
            return pixels
        from sim2real.vision import draw_picture_params, randomize_pictures

        params = draw_picture_params(self._pictures, self.planner.draws, [frame])
        return np.asarray(randomize_pictures(pixels[None], params, self._picture_key, [frame]))[0]

    def _split_of(self, frame: int) -> str:
        if self._split is None:
            return SPLITS[0]
        name, term = self._split
        return SPLITS[int(self.planner.draws.sample(name, term.dist, frame)[0, 0])]


def _numpy(array: Any) -> np.ndarray:
    return np.asarray(array.numpy() if hasattr(array, "numpy") else array)


def _flat(depth: np.ndarray) -> np.ndarray:
    """``(h, w)`` of what may carry a last axis of one."""
    return np.array(depth[..., 0] if depth.ndim == 3 else depth, np.float32)


def _one_frame(depth: Any) -> Any:
    """``(1, h, w)``, where it lies: a Warp array is looked at anew, not copied."""
    if hasattr(depth, "numpy"):
        height, width = depth.shape[:2]
        return depth.reshape((1, height, width))
    return _flat(np.asarray(depth))[None]


def link_pictures(folder: Path, dataset: str) -> bool:
    """Make ``rgb/`` and ``depth/`` in a folder: a dataset's pictures under the names that other tools look for.

    Args:
        folder: Where the links go.
        dataset: Name of the dataset's folder in it.

    Returns:
        Whether they are there: a file system without links has none, and copies would have to be kept in step.
    """
    try:
        for name, kind in (("rgb", COLOUR), ("depth", DEPTH)):
            if not (folder / name).is_symlink():
                os.symlink(os.path.join(dataset, kind), folder / name, target_is_directory=True)
    except (OSError, NotImplementedError):
        return False
    return True
