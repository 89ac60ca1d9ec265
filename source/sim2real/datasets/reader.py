"""Reads a dataset: an indexable of frames, without torch.

Opening reads the records once and keeps a few numbers per frame (label, scene, split); images and full records are
read when a frame is asked for, and every image is compared with the hash that was committed, so that nobody trains on
a file that changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from sim2real.datasets import layout, png
from sim2real.datasets.layout import COLOUR, DEPTH, image_name
from sim2real.datasets.manifest import DatasetError, Manifest, read_manifest

_CACHED_CHUNKS = 8


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One frame."""

    index: int
    """Frame index in the dataset's folder (in a Replicator folder: its place in the sorted list)."""
    depth_m: npt.NDArray[np.float32]
    """Depth along the optical axis [m], 0 = invalid, shape (height, width)."""
    colour: npt.NDArray[np.uint8] | None
    """RGB, shape (height, width, 3), or None."""
    label: int | None
    """Class index, or None when the frame has none."""
    record: Mapping[str, Any]
    """Everything else that is stored about the frame."""


@runtime_checkable
class FrameSource(Protocol):
    """Whatever gives samples by position: :class:`DepthDataset`, ``ReplicatorDataset``, a user's own reader."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __getitem__(self, position: int) -> Sample:
        """One frame."""
        ...


class DepthDataset:
    """The frames of one split of a dataset, or of all of them.

    Args:
        directory: the dataset's folder.
        split: a name of ``manifest.splits``, or None for every frame.
        allow_incomplete: read the finished chunks of a dataset that is still being made.
        verify: compare each image with its committed hash while reading.

    Raises:
        DatasetError: no dataset, unfinished, a damaged record file, an unknown split, or a scene in two splits.
    """

    def __init__(
        self, directory: str | Path, split: str | None = None, *, allow_incomplete: bool = False, verify: bool = True
    ) -> None:
        self.directory = Path(directory).absolute()
        self.manifest: Manifest = read_manifest(self.directory)
        self.split = split
        self.verify = verify
        splits = self.manifest.splits
        if split is not None and split not in splits:
            raise DatasetError(f"split: got {split!r}; {directory} has: {', '.join(splits)}.")
        chunks = layout.committed_chunks(self.directory, self.manifest)
        if len(chunks) < self.manifest.chunks and not allow_incomplete:
            raise DatasetError(
                f"{directory} is not finished: {len(chunks)} of {self.manifest.chunks} chunks are there. Run "
                "'generate' again with the same arguments, for every shard, or read it with allow_incomplete=True."
            )
        rows: list[tuple[int, int, int, int]] = []
        for chunk in chunks:
            for record in layout.read_records(self.directory, chunk, self.manifest):
                label = -1 if record["label"] is None else record["label"]
                rows.append((record["index"], label, record["scene"], splits.index(record["split"])))
        table = np.array(rows, np.int64).reshape(-1, 4)
        shared = scenes_in_two_splits(table[:, 2], table[:, 3])
        if len(shared):
            raise DatasetError(
                f"{directory}: scene {shared[0]} is in two splits ({len(shared)} such scenes), so validation would see "
                "what was trained on. A split goes by scene, never by frame; generate the dataset again."
            )
        if split is not None:
            table = table[table[:, 3] == splits.index(split)]
        self.indices, self.labels, self.scenes = (np.ascontiguousarray(table[:, i]) for i in range(3))
        self._chunks: OrderedDict[int, list[dict[str, Any]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Sample]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position: int) -> Sample:
        """One frame, with its images read from disk; raises DatasetError that names the file when one is damaged."""
        record = self.record(position)
        index = record["index"]
        colour = self._image(COLOUR, record) if self.manifest.colour else None
        depth = layout.mm_to_depth(self._image(DEPTH, record))
        return Sample(index=index, depth_m=depth, colour=colour, label=record["label"], record=record)

    def record(self, position: int) -> dict[str, Any]:
        """What is stored about one frame besides its images."""
        index = int(self.indices[position])
        chunk = index // self.manifest.chunk
        records = self._chunks.pop(chunk, None)
        if records is None:
            records = layout.read_records(self.directory, chunk, self.manifest)
            while len(self._chunks) >= _CACHED_CHUNKS:
                self._chunks.popitem(last=False)
        self._chunks[chunk] = records
        return records[index % self.manifest.chunk]

    def depth_mm(self, positions: Sequence[int] | npt.NDArray[np.integer] | None = None) -> npt.NDArray[np.uint16]:
        """Depth images as stored [mm], shape (n, height, width); all of them when ``positions`` is None.

        Meant for sets that fit into memory: 5000 frames of 96 x 96 are 92 MB.
        """
        rows = range(len(self)) if positions is None else positions
        camera = self.manifest.camera
        images = np.empty((len(rows), camera.height, camera.width), np.uint16)
        for row, position in enumerate(rows):
            images[row] = self._image(DEPTH, self.record(int(position)))
        return images

    def class_counts(self) -> dict[str, int]:
        """Number of frames per class name."""
        return {name: int((self.labels == i).sum()) for i, name in enumerate(self.manifest.labels)}

    def _image(self, kind: str, record: Mapping[str, Any]) -> npt.NDArray:
        path = self.directory / image_name(kind, record["index"])
        fault, _, pixels = read_image(path, kind, self.manifest, record["sha256"][kind] if self.verify else None)
        if pixels is None:
            chunk = self.directory / layout.chunk_name(record["index"] // self.manifest.chunk)
            raise DatasetError(
                f"{path} {fault}. Delete {chunk} and run 'generate' again: only that chunk is made anew."
            )
        return pixels


def scenes_in_two_splits(scenes: npt.NDArray[np.int64], splits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Scenes, ascending, that occur with more than one split; both arrays have shape (frames,)."""
    pairs = np.unique(np.stack([scenes, splits], axis=1), axis=0)
    names, counts = np.unique(pairs[:, 0], return_counts=True)
    return names[counts > 1]


def read_image(
    path: Path, kind: str, manifest: Manifest, expected_digest: str | None
) -> tuple[str, int, npt.NDArray | None]:
    """Read and check one image: (what is wrong or "", bytes read, pixels or None when something is wrong)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "is missing", 0, None
    except OSError as error:
        return f"cannot be read ({error.strerror})", 0, None
    try:
        pixels = png.decode(data)
    except ValueError as error:
        return str(error), len(data), None
    size = (manifest.camera.height, manifest.camera.width)
    dtype, shape = (np.uint16, size) if kind == DEPTH else (np.uint8, (*size, 3))
    if pixels.dtype != dtype or pixels.shape != shape:
        return f"is {pixels.dtype} {pixels.shape}; expected {np.dtype(dtype)} {shape}", len(data), None
    if expected_digest is not None and layout.digest(data) != expected_digest:
        return "has changed since it was written (its hash differs)", len(data), None
    return "", len(data), pixels
