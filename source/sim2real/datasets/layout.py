"""Where a dataset's files stand, and what one frame's record says.

``depth/000000.png`` (16-bit millimetres, 0 = invalid), ``colour/000000.png`` (8-bit RGB) and ``frames/000000.json``,
one per chunk: one line per frame. The chunk file is written last and carries the hash of every image of its chunk, so
its presence is the mark that the chunk is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.datasets.manifest import DatasetError, Manifest, canonical_json, plain

DEPTH, COLOUR, FRAMES = "depth", "colour", "frames"
"""Sub-folders."""

TEMP_SUFFIX = ".tmp"
"""What a file is called until it is whole."""


def image_name(kind: str, index: int) -> str:
    """Path of one frame's image inside the folder; ``kind`` is ``depth`` or ``colour``."""
    return f"{kind}/{index:06d}.png"


def chunk_name(chunk_index: int) -> str:
    """Path of one chunk's records inside the folder."""
    return f"{FRAMES}/{chunk_index:06d}.json"


def image_kinds(manifest: Manifest) -> tuple[str, ...]:
    """The kinds of image that each frame has."""
    return (DEPTH, COLOUR) if manifest.colour else (DEPTH,)


def committed_chunks(directory: str | Path, manifest: Manifest) -> list[int]:
    """Indices of the chunks whose files are whole, ascending."""
    folder = Path(directory) / FRAMES
    if not folder.is_dir():
        return []
    stems = (path.stem for path in folder.glob("*.json"))
    return sorted(int(stem) for stem in stems if stem.isdecimal() and int(stem) < manifest.chunks)


def digest(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def depth_to_mm(depth_m: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Metres to stored millimetres, nearest, half to even; NaN, infinity, <= 0 and > 65.535 m become 0 (invalid)."""
    depth = np.asarray(depth_m, np.float32)
    valid = np.isfinite(depth) & (depth > 0.0) & (depth <= 65.535)
    return np.rint(np.where(valid, depth, np.float32(0)) * np.float32(1000)).astype(np.uint16)


def mm_to_depth(depth_mm: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Stored millimetres to metres; 0 stays 0 (invalid)."""
    return depth_mm.astype(np.float32) / np.float32(1000)


def normalise_record(record: Mapping[str, Any], index: int, manifest: Manifest) -> dict[str, Any]:
    """A frame's record as plain JSON values, checked against the manifest, without the hashes.

    ``scene`` (int), ``split`` (a name of ``manifest.splits``) and ``label`` (an index into ``manifest.labels``, or null
    where the dataset has none) are required; any further key is kept as it is.

    Raises:
        DatasetError: a key is missing or has a value that is not allowed.
    """
    where = f"frame {index}"
    values: dict[str, Any] = plain(record, where)
    if values.setdefault("index", index) != index:
        raise DatasetError(f"{where}: the record says index {values['index']!r}; this place in the chunk has {index}.")
    values.setdefault("label", None)
    if values.pop("sha256", None) is not None:
        raise DatasetError(f"{where}: the record already has 'sha256'; the writer fills that in.")
    check_record(values, index, manifest, where)
    return values


def check_record(values: Mapping[str, Any], index: int, manifest: Manifest, where: str) -> None:
    """Raise DatasetError unless index, scene, split and label are as the manifest allows."""
    if values.get("index") != index:
        raise DatasetError(f"{where}: the record says index {values.get('index')!r}; its place says {index}.")
    scene, split, label = values.get("scene"), values.get("split"), values.get("label")
    if not isinstance(scene, int) or isinstance(scene, bool) or scene < 0:
        raise DatasetError(f"{where}: scene: got {scene!r}; allowed are whole numbers from 0.")
    if split not in manifest.splits:
        raise DatasetError(f"{where}: split: got {split!r}; allowed: {', '.join(manifest.splits)}.")
    if not manifest.labels:
        if label is not None:
            raise DatasetError(f"{where}: label: got {label!r}, but this dataset has no labels; leave it null.")
    elif not isinstance(label, int) or isinstance(label, bool) or not 0 <= label < len(manifest.labels):
        names = ", ".join(f"{i} {name}" for i, name in enumerate(manifest.labels))
        raise DatasetError(f"{where}: label: got {label!r}; allowed: {names}.")


def records_to_json(records: Sequence[Mapping[str, Any]]) -> bytes:
    """The bytes of a chunk file: a JSON list, one line per frame."""
    return ("[\n" + ",\n".join(canonical_json(record) for record in records) + "\n]\n").encode()


def read_records(directory: str | Path, chunk_index: int, manifest: Manifest) -> list[dict[str, Any]]:
    """The records of one committed chunk, checked.

    Raises:
        DatasetError: the chunk file is missing, not JSON, or says something that the manifest does not allow.
    """
    path = Path(directory) / chunk_name(chunk_index)
    remedy = "Delete it and run 'generate' again: only that chunk is made anew."
    try:
        records = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(f"{path} does not exist: this chunk is not finished. Run 'generate' again.") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. {remedy}") from error
    indices = manifest.chunk_range(chunk_index)
    if not isinstance(records, list) or len(records) != len(indices):
        found = len(records) if isinstance(records, list) else type(records).__name__
        raise DatasetError(f"{path} has {found} records; this chunk has {len(indices)} frames. {remedy}")
    kinds = set(image_kinds(manifest))
    for index, record in zip(indices, records, strict=True):
        if not isinstance(record, dict) or set(record.get("sha256") or ()) != kinds:
            raise DatasetError(f"{path}: the record of frame {index} lacks its hashes of {sorted(kinds)}. {remedy}")
        check_record(record, index, manifest, f"{path}: frame {index}")
    return records
