"""Writes a dataset in chunks, in the background, so that rendering and writing overlap.

The unit of work is a chunk of frames. A worker thread encodes a chunk's images, writes them, waits until they are on
the disk, and then writes the chunk's record file: that file is the commit mark. A run that is killed anywhere leaves
whole chunks and perhaps some images that nobody counts; the next run asks :meth:`DatasetWriter.pending` and makes the
rest. Content depends on a frame's index alone, so any number of shards, in any order, gives the same bytes. At most a
few chunks wait in memory: :meth:`DatasetWriter.write_chunk` blocks when the disk is slower than the renderer.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.datasets import layout, png, storage
from sim2real.datasets.layout import COLOUR, DEPTH, FRAMES
from sim2real.datasets.manifest import MANIFEST_NAME, DatasetError, Manifest, describe_differences, read_manifest


@dataclass(frozen=True, kw_only=True)
class Frames:
    """The content of one chunk, in the order of its frame indices."""

    depth_mm: npt.NDArray[np.uint16]
    """Depth along the optical axis [mm], 0 = invalid, shape (k, height, width)."""
    records: Sequence[Mapping[str, Any]]
    """One mapping per frame: ``scene``, ``split``, ``label`` and whatever else shall be kept (pose, draws, margin)."""
    colour: npt.NDArray[np.uint8] | None = None
    """RGB, shape (k, height, width, 3); None for a dataset without colour."""


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``i/n``, shards counting from 0.

    Raises:
        DatasetError: not of that form, or i is not below n.
    """
    index, slash, count = text.partition("/")
    if not slash or not index.strip().isdecimal() or not count.strip().isdecimal():
        raise DatasetError(f"shard: got {text!r}; allowed is i/n with two whole numbers, such as 0/3, 1/3 and 2/3.")
    return check_shard((int(index), int(count)))


def check_shard(shard: tuple[int, int]) -> tuple[int, int]:
    """Return ``shard`` when 0 <= i < n; raise DatasetError otherwise."""
    index, count = shard
    if count < 1 or not 0 <= index < count:
        last = f"0/{count} to {count - 1}/{count}" if count >= 1 else "0/1, which is everything"
        raise DatasetError(f"shard: got {index}/{count}; shards count from 0, so allowed are {last}.")
    return index, count


class DatasetWriter:
    """Writes one shard of a dataset into a folder; a context manager.

    Chunk c belongs to shard i of n when ``c % n == i``. Leaving the context normally waits for what was given; leaving
    it by an exception (Ctrl-C included) finishes the chunks at work, drops those that wait and keeps what is committed.

    Args:
        directory: the folder; made when it does not exist, continued when it holds the same dataset.
        manifest: what the dataset is; the encoder's versions are added to it.
        shard: (i, n).
        workers: threads that encode and write.
        durable: wait for the disk before a chunk counts; False is for throw-away sets only.

    Raises:
        DatasetError: the folder holds another dataset or other files, the shard does not exist or is being written.
    """

    def __init__(
        self,
        directory: str | Path,
        manifest: Manifest,
        shard: tuple[int, int] = (0, 1),
        *,
        workers: int = 2,
        durable: bool = True,
    ) -> None:
        self.shard = check_shard(shard)
        self.manifest = dataclasses.replace(manifest, versions={**manifest.versions, **png.versions()})
        self.directory = Path(directory).absolute()
        self.peak_in_flight = 0
        """Most chunks that were ever held at once; never above ``max_in_flight``."""
        self.max_in_flight = max(1, workers) + 1
        """Chunks held at once: one per worker and one that waits."""
        self._root, self._durable = str(self.directory), durable
        self._open_folder()
        try:
            self._lock = storage.ShardLock(self.directory, self.shard)
        except OSError as error:
            raise self._disk_error(error, "opening the folder") from error
        self._committed = set(layout.committed_chunks(self.directory, self.manifest))
        self._given: set[int] = set()
        self._written_frames = self._written_bytes = self._in_flight = 0
        self._error: DatasetError | None = None
        self._state = threading.Condition()
        self._pool = ThreadPoolExecutor(max(1, workers), thread_name_prefix="dataset-writer")
        self._closed = False

    def _open_folder(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if not (self.directory / MANIFEST_NAME).exists():
                names = (path.name for path in self.directory.iterdir())
                foreign = [name for name in names if not name.startswith(MANIFEST_NAME)]
                if foreign:
                    raise DatasetError(
                        f"{self.directory} is not empty and is not a dataset (it holds {', '.join(sorted(foreign)[:3])}"
                        f"{', …' if len(foreign) > 3 else ''}). Nothing was changed. Give an empty or a new folder."
                    )
                storage.create_manifest_file(self.directory, self.manifest.to_json())
            found = read_manifest(self.directory)
            if self.manifest.differences(found):
                raise DatasetError(
                    f"{self.directory} is in use by another dataset; nothing was changed. What differs:\n"
                    f"{describe_differences(self.manifest, found)}\n"
                    "Give the same values (and versions) to continue it, or another --out folder."
                )
            for kind in (*layout.image_kinds(self.manifest), FRAMES):
                (self.directory / kind).mkdir(exist_ok=True)
            leftovers = self.directory.glob(f"{MANIFEST_NAME}.*{layout.TEMP_SUFFIX}")
            storage.remove_quietly(str(path) for path in leftovers)
        except OSError as error:
            raise self._disk_error(error, "opening the folder") from error

    @property
    def done_frames(self) -> int:
        """Frames of the whole set that are committed, as far as this writer knows; they outlive a power cut."""
        with self._state:
            return sum(len(self.manifest.chunk_range(chunk)) for chunk in self._committed)

    def owned(self) -> list[int]:
        """All chunks of this shard."""
        return list(range(self.shard[0], self.manifest.chunks, self.shard[1]))

    def pending(self) -> list[int]:
        """Chunks of this shard that are neither committed nor given to the writer yet, ascending."""
        with self._state:
            return [chunk for chunk in self.owned() if chunk not in self._committed and chunk not in self._given]

    def write_chunk(self, chunk_index: int, frames: Frames) -> None:
        """Hand over one chunk; returns when there is room for it in memory. The arrays may be reused afterwards.

        Raises:
            DatasetError: the chunk is not this shard's, is already there, or its content is not as the manifest says;
                or an earlier chunk could not be written (a full disk).
        """
        records = self._check(chunk_index, frames)
        with self._state:
            self._state.wait_for(lambda: self._in_flight < self.max_in_flight or self._error or self._closed)
            if self._error is not None:
                raise self._error
            if self._closed:
                raise DatasetError("this writer is closed; open the folder again to continue.")
            self._in_flight += 1
            self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
            self._given.add(chunk_index)
            colour = None if frames.colour is None else frames.colour.copy()
            self._pool.submit(self._work, chunk_index, frames.depth_mm.copy(), colour, records)

    def flush(self) -> None:
        """Wait until everything given is committed.

        Raises:
            DatasetError: something could not be written.
        """
        with self._state:
            self._state.wait_for(lambda: self._in_flight == 0)
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Flush, stop the threads and give the folder free; raises what :meth:`flush` raises."""
        try:
            if not self._closed:
                self.flush()
        finally:
            self._shut()

    def _shut(self) -> None:
        if not self._closed:
            with self._state:
                self._closed = True
                self._state.notify_all()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._lock.release()

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._shut()

    def _check(self, chunk_index: int, frames: Frames) -> list[dict[str, Any]]:
        """Compare a chunk with the manifest; its records as plain values."""
        indices = self.manifest.chunk_range(chunk_index)
        if chunk_index % self.shard[1] != self.shard[0]:
            raise DatasetError(
                f"chunk {chunk_index} belongs to shard {chunk_index % self.shard[1]}/{self.shard[1]}; this writer is "
                f"shard {self.shard[0]}/{self.shard[1]}. Write what pending() gives."
            )
        if chunk_index in self._committed or chunk_index in self._given:
            raise DatasetError(f"chunk {chunk_index} was written already. Write what pending() gives.")
        size = (len(indices), self.manifest.camera.height, self.manifest.camera.width)
        images: list[tuple[str, Any, type, tuple[int, ...]]] = [("depth_mm", frames.depth_mm, np.uint16, size)]
        if self.manifest.colour:
            images.append(("colour", frames.colour, np.uint8, (*size, 3)))
        elif frames.colour is not None:
            raise DatasetError("colour: got images, but the manifest says colour=False; leave them away.")
        for name, array, dtype, shape in images:
            if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
                got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
                raise DatasetError(f"{name} of chunk {chunk_index}: got {got}; allowed: {dtype.__name__} {shape}.")
        if len(frames.records) != len(indices):
            raise DatasetError(f"records of chunk {chunk_index}: got {len(frames.records)}; allowed: {len(indices)}.")
        records = [
            layout.normalise_record(record, index, self.manifest)
            for index, record in zip(indices, frames.records, strict=True)
        ]
        split_of: dict[int, str] = {}
        for record in records:
            if split_of.setdefault(record["scene"], record["split"]) != record["split"]:
                raise DatasetError(
                    f"scene {record['scene']} is in '{split_of[record['scene']]}' and in '{record['split']}' (frame "
                    f"{record['index']}). Split by scene, never by frame."
                )
        return records

    def _work(
        self,
        chunk_index: int,
        depth: npt.NDArray[np.uint16],
        colour: npt.NDArray[np.uint8] | None,
        records: list[dict[str, Any]],
    ) -> None:
        """Encode, write and commit one chunk; runs in a worker thread."""
        failure: DatasetError | None = None
        written = 0
        try:
            if self._error is None:  # after a failure, what still waits is dropped
                written = self._commit(chunk_index, depth, colour, records)
        except OSError as error:
            failure = self._disk_error(error, f"writing chunk {chunk_index}")
        except BaseException as error:
            failure = DatasetError(f"writing chunk {chunk_index} failed: {type(error).__name__}: {error}")
            failure.__cause__ = error
        finally:
            with self._state:
                self._in_flight -= 1
                self._given.discard(chunk_index)
                if written:
                    self._committed.add(chunk_index)
                    self._written_frames += len(records)
                    self._written_bytes += written
                self._error = self._error or failure
                self._state.notify_all()

    def _commit(
        self,
        chunk_index: int,
        depth: npt.NDArray[np.uint16],
        colour: npt.NDArray[np.uint8] | None,
        records: list[dict[str, Any]],
    ) -> int:
        """Write one chunk's images, then its record file. Returns the bytes written; on failure, removes its files."""
        paths: list[str] = []
        written = 0
        mark = os.path.join(self._root, layout.chunk_name(chunk_index))
        try:
            for row, record in enumerate(records):
                hashes = {}
                for kind, images in ((DEPTH, depth), (COLOUR, colour)):
                    if images is None:
                        continue
                    data = png.encode(images[row])
                    paths.append(os.path.join(self._root, layout.image_name(kind, record["index"])))
                    storage.write_temp(paths[-1], data)
                    hashes[kind] = layout.digest(data)
                    written += len(data)
                record["sha256"] = hashes
            text = layout.records_to_json(records)
            storage.write_temp(mark, text)
            storage.publish(self._root, paths, mark, self._durable)
        except BaseException:
            doomed = [mark, *paths]  # the mark first: what is committed must never lack its images
            storage.remove_quietly(name for path in doomed for name in (path, path + layout.TEMP_SUFFIX))
            raise
        return written + len(text)

    def _disk_error(self, error: OSError, doing: str) -> DatasetError:
        """The error for a person when the operating system refused something."""
        committed: set[int] = getattr(self, "_committed", set())
        done = sum(len(self.manifest.chunk_range(chunk)) for chunk in committed)
        kept = f"{done} of {self.manifest.frames} frames are complete and stay valid"
        if not storage.is_disk_full(error):
            return DatasetError(f"{doing} in {self.directory} failed: {error}. {kept}; mend it and run this again.")
        need = ""
        if getattr(self, "_written_frames", 0):
            rest = (self.manifest.frames - done) * self._written_bytes / self._written_frames
            need = f" (about {rest / 2**20 + 1:.0f} MiB)"
        return DatasetError(
            f"the disk is full: {doing} in {self.directory} failed. {kept}. "
            f"Make room{need} and run the same command again: it continues where it stopped."
        )
