"""Reads what Replicator's BasicWriter wrote: ``distance_to_image_plane_*.npy`` with ``rgb_*.png`` beside it.

BasicWriter has had several folder forms; all of them are found: everything flat in one folder, ``<render
product>/<annotator>/<annotator>_0000.*``, ``<annotator>/<render product>_<annotator>_0000.*``, and a sequence number
before the frame number (``rgb_1_0000.png``). The npy holds metres; the colourised depth PNG is a fitted picture and is
ignored. Background is infinity there, or 0; both read as 0 (invalid) here. BasicWriter knows no class labels: they come
from a side file, or stay None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.datasets import png
from sim2real.datasets.manifest import DatasetError
from sim2real.datasets.reader import Sample

DEPTH_ANNOTATOR = "distance_to_image_plane"
"""BasicWriter's name for depth along the optical axis."""

_PATTERNS = {
    DEPTH_ANNOTATOR: re.compile(rf"(?:(?P<product>.+)_)?{DEPTH_ANNOTATOR}_(?P<number>\d+(?:_\d+)*)\.npy"),
    "rgb": re.compile(r"(?:(?P<product>.+)_)?rgb_(?P<number>\d+(?:_\d+)*)\.(?:png|jpe?g)"),
    "camera_params": re.compile(r"(?:(?P<product>.+)_)?camera_params_(?P<number>\d+(?:_\d+)*)\.json"),
}

Key = tuple[str, tuple[int, ...]]
"""Render product (its folder or prefix, "" where there is one only) and frame number with its sequence."""


@dataclass(frozen=True, kw_only=True)
class ReplicatorFrame:
    """The files of one frame."""

    product: str
    """Render product, "" where the folder has one only."""
    number: str
    """Frame number as in the file names, such as ``0007`` or ``1_0007``."""
    depth: Path
    """The npy with metres."""
    colour: Path | None
    """The colour image, when there is one."""
    camera_params: Path | None
    """The camera's JSON, when there is one."""

    @property
    def name(self) -> str:
        """What a label file calls this frame: ``0007``, or ``<render product>/0007``."""
        return f"{self.product}/{self.number}" if self.product else self.number


def find_files(directory: Path, annotator: str) -> dict[Key, tuple[str, Path]]:
    """Files of one annotator below a folder: (render product, number) to (number as written, path)."""
    found: dict[Key, tuple[str, Path]] = {}
    for path in sorted(directory.rglob("*")):
        match = _PATTERNS[annotator].fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        folders = list(path.relative_to(directory).parts[:-1])
        if folders and folders[-1] == annotator:
            folders.pop()
        product = "/".join([*folders, *filter(None, [match["product"]])])
        key = (product, tuple(int(part) for part in match["number"].split("_")))
        if key in found:
            raise DatasetError(f"{path} and {found[key][1]} are the same frame. Keep one of them.")
        found[key] = (match["number"], path)
    return found


def load_labels(labels: str | Path | Mapping[str, int] | None) -> dict[str, int]:
    """Labels by frame name: a mapping, or a JSON file ``{"0000": 1, "<render product>/0000": 2, …}``.

    Raises:
        DatasetError: the file cannot be read, or a label is no whole number from 0.
    """
    if labels is None:
        return {}
    values: Any = labels
    where = "labels"
    if isinstance(labels, (str, Path)):
        where = str(labels)
        try:
            values = json.loads(Path(labels).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DatasetError(f"{where} cannot be read: {error}. It has to be JSON: frame name to class.") from error
    if not isinstance(values, Mapping):
        raise DatasetError(f"{where}: got a {type(values).__name__}; allowed is a mapping of frame name to class.")
    for name, label in values.items():
        if not isinstance(label, int) or isinstance(label, bool) or label < 0:
            raise DatasetError(f"{where}: frame {name!r}: got {label!r}; a label is a whole number from 0.")
    return dict(values)


class ReplicatorDataset:
    """The frames of a BasicWriter folder, ordered by render product, sequence and frame number.

    Args:
        directory: the writer's output folder.
        labels: optional classes by frame name; see :func:`load_labels`.

    Raises:
        DatasetError: the folder does not exist, has no depth, or a label names a frame that is not there.
    """

    def __init__(self, directory: str | Path, labels: str | Path | Mapping[str, int] | None = None) -> None:
        self.directory = Path(directory).absolute()
        if not self.directory.is_dir():
            raise DatasetError(f"{directory} is not a folder. Give the output_dir of a BasicWriter.")
        depth = find_files(self.directory, DEPTH_ANNOTATOR)
        if not depth:
            raise DatasetError(
                f"{directory} has no {DEPTH_ANNOTATOR}_*.npy. Initialize the BasicWriter with "
                "distance_to_image_plane=True, and wait until the writer is done (its writes are asynchronous)."
            )
        colour, cameras = (find_files(self.directory, annotator) for annotator in ("rgb", "camera_params"))
        self.frames = [
            ReplicatorFrame(
                product=key[0],
                number=number,
                depth=path,
                colour=colour[key][1] if key in colour else None,
                camera_params=cameras[key][1] if key in cameras else None,
            )
            for key, (number, path) in sorted(depth.items())
        ]
        self.unpaired_colour = [path for key, (_, path) in sorted(colour.items()) if key not in depth]
        """Colour images without depth; they are not read."""
        self._labels = load_labels(labels)
        unknown = sorted(set(self._labels) - {frame.name for frame in self.frames})
        if unknown:
            raise DatasetError(
                f"labels: no frame is called {unknown[0]!r} ({len(unknown)} such). "
                f"Names here look like {self.frames[0].name!r}."
            )
        self.labels = np.array([self._labels.get(frame.name, -1) for frame in self.frames], np.int64)

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Sample]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position: int) -> Sample:
        """One frame; raises DatasetError that names the file when one is damaged."""
        frame = self.frames[position]
        depth = load_distance(frame.depth)
        colour = None if frame.colour is None else load_colour(frame.colour)
        if colour is not None and colour.shape[:2] != depth.shape:
            raise DatasetError(f"{frame.colour} is {colour.shape[:2]}, but {frame.depth.name} is {depth.shape}.")
        record: dict[str, Any] = {"name": frame.name, "product": frame.product}
        if frame.camera_params is not None:
            try:
                record["camera"] = json.loads(frame.camera_params.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise DatasetError(f"{frame.camera_params} cannot be read: {error}.") from error
        return Sample(
            index=position % len(self.frames),
            depth_m=depth,
            colour=colour,
            label=self._labels.get(frame.name),
            record=record,
        )


def load_distance(path: Path) -> npt.NDArray[np.float32]:
    """Metres from a ``distance_to_image_plane`` npy, shape (h, w); NaN, infinity and <= 0 become 0 (invalid).

    Raises:
        DatasetError: the file does not load or holds no image; the message names it.
    """
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Was the writer stopped too early?") from error
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise DatasetError(f"{path} holds {values.dtype} {values.shape}; expected floating-point metres (h, w).")
    metres = values.astype(np.float32)
    return np.where(np.isfinite(metres) & (metres > 0), metres, np.float32(0))


def load_colour(path: Path) -> npt.NDArray[np.uint8]:
    """RGB (h, w, 3) of an ``rgb`` image; alpha is dropped. Raises DatasetError that names the file."""
    try:
        pixels = png.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}. Was the writer stopped too early?") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise DatasetError(f"{path} is {pixels.dtype} {pixels.shape}; expected 8-bit RGB or RGBA.")
    return np.ascontiguousarray(pixels[:, :, :3])
