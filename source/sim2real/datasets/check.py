"""Verifies a dataset file by file and counts its classes.

Every image has to be there, decode, have the manifest's size and depth of colour, and the hash that was committed with
it; every record has to be allowed by the manifest; no scene may be in two splits; nothing else may lie in the folder.
All faults are collected, each with its file, so that one run tells everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.datasets import layout, storage
from sim2real.datasets.layout import FRAMES, chunk_name, image_kinds, image_name
from sim2real.datasets.manifest import MANIFEST_NAME, DatasetError, Manifest, read_manifest
from sim2real.datasets.reader import read_image, scenes_in_two_splits
from sim2real.datasets.replicator import DEPTH_ANNOTATOR, ReplicatorDataset, find_files

SHOWN_FAULTS = 30
"""Faults that the table prints; the rest is counted."""

_REMAKE = "delete frames/<chunk>.json of its chunk and run 'generate' again"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong."""

    file: str
    """Path inside the dataset's folder."""
    problem: str
    """What is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What :func:`check_dataset` found."""

    directory: str
    """The folder."""
    frames_expected: int
    """Frames that the manifest announces."""
    frames_checked: int
    """Frames with a committed record, sound or not."""
    scenes: int
    """Different scenes among them."""
    bytes: int
    """Bytes of all images that were read."""
    counts: Mapping[str, Mapping[str, int]]
    """Frames per split and class name; ``unlabelled`` where a frame has no label."""
    faults: tuple[Fault, ...]
    """Everything that is wrong."""
    notes: tuple[str, ...]
    """Things worth knowing that are no faults."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "directory": self.directory,
            "ok": self.ok,
            "frames_expected": self.frames_expected,
            "frames_checked": self.frames_checked,
            "scenes": self.scenes,
            "bytes": self.bytes,
            "counts": {split: dict(classes) for split, classes in self.counts.items()},
            "faults": [{"file": fault.file, "problem": fault.problem} for fault in self.faults],
            "notes": list(self.notes),
        }

    def table(self) -> str:
        """The report for a terminal."""
        size = f"{self.bytes / 2**20:.1f} MiB"
        lines = [
            f"{self.directory}: {self.frames_checked} of {self.frames_expected} frames, {self.scenes} scenes, {size}",
            "",
        ]
        classes = list(dict.fromkeys(name for row in self.counts.values() for name in row))
        lines.append(f"{'split':<10}{'frames':>9}" + "".join(f"{name:>18}" for name in classes))
        for split, row in self.counts.items():
            total = sum(row.values())
            cells = (f"{row.get(n, 0)} ({100 * row.get(n, 0) / max(total, 1):.1f} %)" for n in classes)
            lines.append(f"{split:<10}{total:>9}" + "".join(f"{cell:>18}" for cell in cells))
        lines += ["", *(f"note: {note}" for note in self.notes)]
        lines += [f"fault: {fault.file}: {fault.problem}" for fault in self.faults[:SHOWN_FAULTS]]
        if len(self.faults) > SHOWN_FAULTS:
            lines.append(f"… and {len(self.faults) - SHOWN_FAULTS} more faults")
        if self.ok:
            return "\n".join([*lines, "All files are sound."])
        remade = self.frames_expected and (Path(self.directory) / MANIFEST_NAME).exists()
        remedy = f" To mend an image or a record: {_REMAKE}; only that chunk is made anew." if remade else ""
        return "\n".join([*lines, f"{len(self.faults)} faults.{remedy}"])


@dataclass(kw_only=True)
class _ChunkResult:
    """What the check of one chunk found."""

    rows: list[tuple[int, int, int]]
    """(scene, index of split, label or -1) of each frame."""
    faults: list[Fault]
    bytes: int = 0


def check_dataset(
    directory: str | Path, progress: Callable[[int], object] | None = None, workers: int = 2
) -> CheckReport:
    """Verify every file of a dataset or of a Replicator BasicWriter folder.

    Args:
        directory: the folder.
        progress: called with the number of frames that were just checked.
        workers: threads that read and decode.

    Raises:
        DatasetError: the folder is neither, or its manifest cannot be read.
    """
    folder = Path(directory)
    if not (folder / MANIFEST_NAME).exists() and folder.is_dir() and find_files(folder, DEPTH_ANNOTATOR):
        return _check_replicator(folder, progress)
    manifest = read_manifest(folder)
    chunks = layout.committed_chunks(folder, manifest)
    rows: list[tuple[int, int, int]] = []
    faults: list[Fault] = []
    size = 0
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for chunk, result in zip(chunks, pool.map(lambda c: _check_chunk(folder, c, manifest), chunks), strict=True):
            rows += result.rows
            faults += result.faults
            size += result.bytes
            if progress is not None:
                progress(len(manifest.chunk_range(chunk)))
    table = np.array(rows, np.int64).reshape(-1, 3)
    for scene in scenes_in_two_splits(table[:, 0], table[:, 1]):
        faults.append(Fault(file=FRAMES, problem=f"scene {scene} is in two splits; split by scene, never by frame"))
    faults += _missing_chunks(chunks, manifest)
    other_faults, notes = _check_other_files(folder, set(chunks), manifest)
    counts = {
        split: _count_classes(table[table[:, 1] == i, 2], manifest.labels) for i, split in enumerate(manifest.splits)
    }
    notes += [
        f"{split} has no frame of class '{name}'"
        for split, row in counts.items()
        for name, count in row.items()
        if count == 0 and len(rows)
    ]
    return CheckReport(
        directory=str(directory),
        frames_expected=manifest.frames,
        frames_checked=len(rows),
        scenes=len(np.unique(table[:, 0])),
        bytes=size,
        counts=counts,
        faults=tuple(faults + other_faults),
        notes=tuple(notes),
    )


def _count_classes(labels: Iterable[int], names: tuple[str, ...]) -> dict[str, int]:
    counted = Counter(int(label) for label in labels)
    row = {name: counted.get(i, 0) for i, name in enumerate(names)}
    if counted.get(-1) or not names:
        row["unlabelled"] = counted.get(-1, 0)
    return row


def _check_chunk(folder: Path, chunk: int, manifest: Manifest) -> _ChunkResult:
    try:
        records = layout.read_records(folder, chunk, manifest)
    except DatasetError as error:
        text = str(error).removeprefix(str(folder / chunk_name(chunk))).lstrip(": ")
        return _ChunkResult(rows=[], faults=[Fault(file=chunk_name(chunk), problem=text)])
    result = _ChunkResult(rows=[], faults=[])
    for record in records:
        label = -1 if record.get("label") is None else record["label"]
        result.rows.append((record["scene"], manifest.splits.index(record["split"]), label))
        for kind in image_kinds(manifest):
            name = image_name(kind, record["index"])
            fault, size, _ = read_image(folder / name, kind, manifest, record["sha256"][kind])
            result.bytes += size
            if fault:
                result.faults.append(Fault(file=name, problem=fault))
    return result


def _missing_chunks(chunks: list[int], manifest: Manifest) -> list[Fault]:
    """One fault per run of chunks that are not finished."""
    present = set(chunks)
    faults, first = [], None
    for chunk in range(manifest.chunks + 1):
        absent = chunk < manifest.chunks and chunk not in present
        if absent and first is None:
            first = chunk
        if not absent and first is not None:
            frames = f"frames {manifest.chunk_range(first)[0]} to {manifest.chunk_range(chunk - 1)[-1]}"
            faults.append(Fault(file=chunk_name(first), problem=f"not finished: {frames}; run 'generate' again"))
            first = None
    return faults


def _check_other_files(folder: Path, chunks: set[int], manifest: Manifest) -> tuple[list[Fault], list[str]]:
    """Faults and notes for files that no committed record accounts for."""
    expected = {MANIFEST_NAME, *(chunk_name(chunk) for chunk in chunks)}
    kinds = image_kinds(manifest)
    faults: list[Fault] = []
    notes: list[str] = []
    unfinished = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in expected or (path.is_dir() and name in (*kinds, FRAMES)):
            continue
        if storage.LOCK_PATTERN.fullmatch(name):
            if storage.is_held(path):
                notes.append("a writer is at work in this folder right now")
            else:
                faults.append(Fault(file=name, problem="left by a writer that was killed; 'generate' removes it"))
            continue
        if name.endswith(layout.TEMP_SUFFIX):
            faults.append(Fault(file=name, problem="temporary file of an unfinished write; 'generate' replaces it"))
            continue
        kind, _, stem = name.removesuffix(".png").partition("/")
        if kind in kinds and stem.isdecimal() and int(stem) < manifest.frames and name == image_name(kind, int(stem)):
            unfinished += int(stem) // manifest.chunk not in chunks
            continue
        faults.append(Fault(file=name, problem="does not belong to this dataset; move it elsewhere"))
    if unfinished:
        notes.append(f"{unfinished} images belong to chunks that are not finished; they do not count")
    return faults, notes


def _check_replicator(folder: Path, progress: Callable[[int], object] | None) -> CheckReport:
    """Verify a BasicWriter folder: every file loads, and colour and depth have one size."""
    dataset = ReplicatorDataset(folder)
    faults: list[Fault] = []
    size = 0
    for position, frame in enumerate(dataset.frames):
        files = [path for path in (frame.depth, frame.colour, frame.camera_params) if path is not None]
        size += sum(path.stat().st_size for path in files)
        try:
            dataset[position]
        except DatasetError as error:
            name = next((p for p in files if str(error).startswith(str(p))), frame.depth)
            problem = str(error).removeprefix(str(name)).strip()
            faults.append(Fault(file=name.relative_to(dataset.directory).as_posix(), problem=problem))
        if progress is not None:
            progress(1)
    for path in dataset.unpaired_colour:
        unpaired = path.relative_to(dataset.directory).as_posix()
        faults.append(Fault(file=unpaired, problem=f"has no {DEPTH_ANNOTATOR} of the same number"))
    without = sum(frame.colour is None for frame in dataset.frames)
    return CheckReport(
        directory=str(folder),
        frames_expected=len(dataset),
        frames_checked=len(dataset),
        scenes=0,
        bytes=size,
        counts={"all": {"unlabelled": len(dataset)}},
        faults=tuple(faults),
        notes=(f"a Replicator BasicWriter folder; {without} frames have no colour image",),
    )
