"""What a dataset is, in one small file: ``dataset.json``.

The manifest holds everything that decides the content of every frame (spec, seed, camera, versions, options) and
nothing that does not: no time stamps, no machine names, no shard numbers. Its JSON is canonical, so that two machines
that make the same set write the same bytes, and so that "may I continue here?" is a plain comparison.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim2real.errors import Sim2RealError

SCHEMA = 1
"""Version of the folder's format."""

MANIFEST_NAME = "dataset.json"
"""File name of the manifest inside the dataset's folder."""


class DatasetError(Sim2RealError):
    """A dataset folder, or what was to be put into it, is not as it has to be."""


def canonical_json(value: Any, indent: int | None = None) -> str:
    """The one JSON text of a value: sorted keys, shortest exact floats, no NaN."""
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def plain(value: Any, where: str) -> Any:
    """Turn NumPy scalars and arrays, tuples and mappings into what JSON can say exactly.

    Raises:
        DatasetError: a value that JSON cannot carry (NaN, infinity, an object); the message names its place.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DatasetError(f"{where}: got {value}; allowed are finite numbers, or null for 'none'.")
        return float(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise DatasetError(f"{where}: key {key!r} is a {type(key).__name__}; keys have to be strings.")
        return {key: plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return plain(value.tolist(), where)
    raise DatasetError(
        f"{where}: a {type(value).__name__} cannot be stored; allowed are numbers, strings, booleans, lists, mappings."
    )


@dataclass(frozen=True, kw_only=True)
class CameraInfo:
    """The nominal camera of a dataset; what a frame's own draw changed stands in that frame's record."""

    width: int
    """Image width [px]."""
    height: int
    """Image height [px]."""
    focal_px: float
    """Nominal focal length [px], the same for both axes."""
    near_m: float
    """Nearest depth of the renderer [m]."""
    far_m: float
    """Farthest depth of the renderer [m]; beyond it the frame says 0 (invalid)."""

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            size = getattr(self, name)
            if not isinstance(size, int) or not 1 <= size <= 16384:
                raise DatasetError(f"camera.{name}: got {size!r}; allowed are whole numbers from 1 to 16384 [px].")
        for name in ("focal_px", "near_m", "far_m"):
            object.__setattr__(self, name, float(getattr(self, name)))  # 4 and 4.0 are one camera and one text


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything that decides what a dataset contains."""

    task: str
    """Name of the task whose scenes are shown, such as ``avoidance``."""
    frames: int
    """Number of frames of the whole set, over all shards."""
    seed: int
    """Seed of every draw."""
    spec_yaml: str
    """Full text of the spec."""
    spec_digest: str
    """Digest of the spec's canonical form."""
    camera: CameraInfo
    """The nominal camera."""
    code_version: str
    """Version of the code that renders and labels."""
    physics: str = ""
    """Engine that held the scenes (they are placed and rendered, never stepped)."""
    device: str = "cpu"
    """Device type of the renderer; frames are identical per device type."""
    labels: tuple[str, ...] = ()
    """Class names; a frame's label is an index into them. Empty: the frames carry no labels."""
    splits: tuple[str, ...] = ("train", "val")
    """Names of the parts; a scene belongs to exactly one."""
    chunk: int = 64
    """Frames per chunk, the unit of work, of sharding and of commitment."""
    colour: bool = True
    """Whether each frame has a colour image."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further values of the generator that decide content (margins, obstacle counts), as plain JSON."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the packages that the bytes depend on; the writer adds those of its encoder."""

    def __post_init__(self) -> None:
        for name, low in (("frames", 1), ("chunk", 1)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < low:
                raise DatasetError(f"{name}: got {getattr(self, name)!r}; allowed are whole numbers from {low}.")
        if not self.splits:
            raise DatasetError("splits: got none; a dataset has at least one, such as ('train', 'val').")

    @property
    def chunks(self) -> int:
        """Number of chunks; the last one may be shorter."""
        return -(-self.frames // self.chunk)

    def chunk_range(self, chunk_index: int) -> range:
        """Frame indices of one chunk."""
        if not 0 <= chunk_index < self.chunks:
            raise DatasetError(f"chunk {chunk_index} does not exist; this dataset has chunks 0 to {self.chunks - 1}.")
        first = chunk_index * self.chunk
        return range(first, min(first + self.chunk, self.frames))

    def to_dict(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        values = dataclasses.asdict(self)
        spec = {"digest": values.pop("spec_digest"), "yaml": values.pop("spec_yaml")}
        return plain({"schema": SCHEMA, "spec": spec, **values}, MANIFEST_NAME)

    def to_json(self) -> str:
        """The text of ``dataset.json``: the same manifest gives the same bytes everywhere."""
        return canonical_json(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = MANIFEST_NAME) -> Manifest:
        """Read the text of a ``dataset.json``.

        Raises:
            DatasetError: no JSON, another schema, or a key that is missing, unknown or of the wrong type.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise DatasetError(
                f"{source} is not valid JSON ({error}). Restore it, or generate into a new folder."
            ) from error
        if not isinstance(values, dict) or "schema" not in values:
            raise DatasetError(f"{source} is not the manifest of a dataset: it has no key 'schema'.")
        if values.pop("schema") != SCHEMA:
            raise DatasetError(f"{source} has another schema than {SCHEMA}, the only one that this version reads.")
        try:
            spec = values.pop("spec")
            camera = CameraInfo(**values.pop("camera"))
            values |= {"labels": tuple(values["labels"]), "splits": tuple(values["splits"])}
            return cls(spec_yaml=spec["yaml"], spec_digest=spec["digest"], camera=camera, **values)
        except (KeyError, TypeError) as error:
            raise DatasetError(
                f"{source} is not a whole manifest: {error}. Restore it, or use a new folder."
            ) from error

    def differences(self, other: Manifest) -> list[tuple[str, Any, Any]]:
        """Dotted keys in which two manifests differ, each with this value and the other's."""
        mine, theirs = _flatten(self.to_dict()), _flatten(other.to_dict())
        keys = sorted(set(mine) | set(theirs), key=lambda key: (key == "spec.yaml", key))
        return [(k, mine.get(k), theirs.get(k)) for k in keys if mine.get(k) != theirs.get(k)]


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= _flatten(item, f"{prefix}.{key}" if prefix else key)
    return flat


def describe_differences(here: Manifest, there: Manifest) -> str:
    """One line per differing key, for an error message; long texts are cut down to their first differing line."""
    lines = []
    for key, mine, theirs in there.differences(here):
        if key == "spec.yaml" and isinstance(mine, str) and isinstance(theirs, str):
            pairs = list(zip(mine.splitlines() + [""], theirs.splitlines() + [""], strict=False))
            row = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs) - 1)
            key, mine, theirs = f"spec line {row + 1}", *pairs[row]
        lines.append(f"  {key}: the folder has {mine!r}, this run has {theirs!r}")
    return "\n".join(lines)


def read_manifest(directory: str | Path) -> Manifest:
    """The manifest of a dataset's folder.

    Raises:
        DatasetError: the folder does not exist, is not a dataset, or its manifest cannot be read.
    """
    path = Path(directory) / MANIFEST_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        what = "does not exist" if not Path(directory).exists() else f"is not a dataset: it has no {MANIFEST_NAME}"
        raise DatasetError(f"{directory} {what}. Give the folder that 'generate --out' wrote.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}.") from error
    return Manifest.from_json(text, str(path))
