"""Textures for a stage: folders of pictures as people have them, or made here from the spec's seed.

A folder may be flat, or have a sub-folder for each class with split lists beside it, as the Describable Textures
Dataset has (``images/banded/banded_0002.jpg`` and ``labels/train1.txt``). What is made here are surfaces (checks,
stripes, dots, bricks, clouds) and skies (a gradient over a ground with a sun); texture k is a function of the seed and
k, so that two machines make the same files.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.vision.errors import VisionError

if TYPE_CHECKING:
    from sim2real.draws.sampler import Draws
    from sim2real.spec.spec import Spec

SUFFIXES = (".png", ".jpg", ".jpeg", ".hdr", ".exr")
"""Files that count as pictures; the last two are for domes."""
MADE = 24
"""Textures that are made of a kind."""
MADE_SIZE = 256
"""Height of a made texture [px]; a sky is twice as wide."""
PATTERNS = ("checks", "stripes", "dots", "bricks", "clouds")
"""Surfaces that are made."""


@dataclass(frozen=True, kw_only=True)
class TextureSet:
    """Pictures in a fixed order: what a draw chooses from."""

    folder: Path
    """Where they lie."""
    names: tuple[str, ...]
    """Paths inside the folder, with forward slashes, sorted."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def classes(self) -> dict[str, int]:
        """Number of pictures in each sub-folder."""
        counts: dict[str, int] = {}
        for name in self.names:
            parent = name.rpartition("/")[0].rpartition("/")[2]
            counts[parent] = counts.get(parent, 0) + 1
        return counts

    @property
    def digest(self) -> str:
        """SHA-256 of names and sizes: another set of textures makes another dataset."""
        text = "\n".join(f"{name} {(self.folder / name).stat().st_size}" for name in self.names)
        return hashlib.sha256(text.encode()).hexdigest()

    def choose(self, units: Any) -> list[str]:
        """The name that each number in [0, 1) stands for; names are the same on every machine."""
        if not self.names:
            raise VisionError(f"{self.folder} holds no pictures.")
        picks = np.minimum((np.asarray(units, np.float64) * len(self.names)).astype(np.int64), len(self.names) - 1)
        return [self.names[int(k)] for k in picks]

    def path(self, name: str) -> str:
        """The absolute path of a picture, with forward slashes; empty for no picture."""
        return (self.folder / name).as_posix() if name else ""


def load_textures(folder: str | os.PathLike[str], split: str = "") -> TextureSet:
    """Find the pictures of a folder, below it too.

    Args:
        folder: flat, or with classes as sub-folders.
        split: name of a list below ``labels/``, such as ``train1``: one path inside ``images/`` on each line.

    Raises:
        VisionError: no folder, no pictures, or a list that names what is not there.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise VisionError(f"textures: {folder} is no folder. Give one with {', '.join(SUFFIXES)} files in it.")
    base = root / "images" if (root / "images").is_dir() else root
    names: Iterable[str] = (
        path.relative_to(base).as_posix()
        for path in base.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if split:
        names = _listed(root, base, split, set(names))
    found = tuple(sorted(names))
    if not found:
        raise VisionError(f"textures: {folder} holds no pictures ({', '.join(SUFFIXES)}).")
    return TextureSet(folder=base, names=found)


def _listed(root: Path, base: Path, split: str, there: set[str]) -> list[str]:
    path = root / "labels" / f"{split}.txt"
    if not path.is_file():
        lists = ", ".join(sorted(p.stem for p in (root / "labels").glob("*.txt"))) or "none"
        raise VisionError(f"textures: {root} has no list '{split}'; there are: {lists}.")
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    lost = [name for name in names if name not in there]
    if lost:
        raise VisionError(f"textures: {path} names {lost[0]} ({len(lost)} such), which is not below {base}.")
    return names


def spec_textures(
    spec: Spec, made: str | os.PathLike[str], root: str | os.PathLike[str] = "."
) -> dict[str, TextureSet | None]:
    """The sets that a spec's stage names, as a planner takes them: ``surfaces`` and ``sky``.

    Args:
        spec: what is uncertain.
        made: where made textures are kept.
        root: what folders in the spec are relative to.

    Raises:
        VisionError: a folder is missing or empty.
    """
    stage = spec.vision.get("stage")

    def find(group: str) -> TextureSet | None:
        text = stage.option(group, "textures") if stage is not None else None
        if text is None:
            return None
        if text.startswith("procedural:"):
            return make_textures(text.partition(":")[2], spec.seed, made)
        return load_textures(Path(root) / Path(text).expanduser())

    return {"surfaces": find("materials"), "sky": find("dome")}


def make_textures(
    kind: str, seed: int, folder: str | os.PathLike[str], count: int = MADE, height: int = MADE_SIZE
) -> TextureSet:
    """Make textures as PNG files, where they are not there already.

    Args:
        kind: ``surface`` or ``sky``.
        seed: the spec's seed.
        folder: where they are kept, in a folder of their own for each seed.
        count: how many.
        height: in pixels.

    Raises:
        VisionError: an unknown kind, or the folder cannot be written.
    """
    from sim2real.draws.sampler import Draws

    makers = {"surface": surface_texture, "sky": sky_texture}
    if kind not in makers:
        raise VisionError(f"unknown textures '{kind}'; made here are {', '.join(makers)}.")
    place = Path(folder).absolute() / f"{kind}_{seed}_{height}"
    names = tuple(f"{kind}_{k:03d}.png" for k in range(count))
    draws = Draws(seed)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for k, name in enumerate(names):
            if not (place / name).is_file():
                _write_png(place / name, makers[kind](draws, k, height))
    except OSError as error:
        raise VisionError(f"textures: {place} cannot be written: {error}.") from error
    return TextureSet(folder=place, names=names)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "png", compress_level=1)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(held.getvalue())
    os.replace(temporary, path)


def surface_texture(draws: Draws, number: int, height: int = MADE_SIZE) -> np.ndarray:
    """A surface that repeats without a seam, uint8 ``(height, height, 3)``."""
    lots = draws.unit("vision.stage.made.surface", number, count=16)[0].astype(np.float64)
    one, two, repeats = lots[0:3], lots[3:6], int(2 + 10 * lots[6])
    at = (np.arange(height) + 0.5) / height
    v, u = np.meshgrid(at, at, indexing="ij")
    pattern = PATTERNS[number % len(PATTERNS)]
    if pattern == "checks":
        weight = ((np.floor(u * repeats * 2) + np.floor(v * repeats * 2)) % 2.0).astype(np.float64)
    elif pattern == "stripes":
        along = repeats * (u if lots[7] < 0.5 else u + v)
        weight = (along % 1.0 < 0.2 + 0.6 * lots[8]).astype(np.float64)
    elif pattern == "dots":
        away = np.hypot(u * repeats % 1.0 - 0.5, v * repeats % 1.0 - 0.5)
        weight = (away < 0.15 + 0.3 * lots[7]).astype(np.float64)
    elif pattern == "bricks":
        row = np.floor(v * repeats * 2)
        inside_u = (u * repeats + 0.5 * (row % 2)) % 1.0
        joint = 0.03 + 0.07 * lots[7]
        weight = ((inside_u > joint) & (v * repeats * 2 % 1.0 > 2 * joint)).astype(np.float64)
    else:
        weight = _clouds(draws, "vision.stage.made.clouds", number, at, at)
    grain = _clouds(draws, "vision.stage.made.grain", number, at, at, octaves=6) * 2.0 - 1.0
    colour = one + weight[..., None] * (two - one) + 0.12 * grain[..., None]
    return (np.clip(colour, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _clouds(draws: Draws, stream: str, number: int, u: np.ndarray, v: np.ndarray, octaves: int = 4) -> np.ndarray:
    """Sum of waves that repeat over the picture, stretched to [0, 1], of columns ``u (w,)`` and rows ``v (h,)``."""
    lots = draws.unit(stream, number, count=4 * 3 * octaves)[0].astype(np.float64).reshape(octaves, 4, 3)
    total = np.zeros((len(v), len(u)))
    for octave, waves in enumerate(lots):
        reach = 2.0**octave
        for along, across, phase in waves:
            a, b = np.rint((along * 2.0 - 1.0) * reach * 2.0), np.rint((across * 2.0 - 1.0) * reach * 2.0)
            right, down = 2.0 * np.pi * (a * u + phase), 2.0 * np.pi * b * v
            total += (np.outer(np.cos(down), np.sin(right)) + np.outer(np.sin(down), np.cos(right))) / reach
    low, high = total.min(), total.max()
    return (total - low) / (high - low) if high > low else total


def sky_texture(draws: Draws, number: int, height: int = MADE_SIZE) -> np.ndarray:
    """A sky over a ground, latitude by longitude, uint8 ``(height, 2 height, 3)``."""
    lots = draws.unit("vision.stage.made.sky", number, count=16)[0].astype(np.float64)
    zenith, horizon = 0.1 + 0.8 * lots[0:3], 0.5 + 0.5 * lots[3:6]
    ground = 0.05 + 0.5 * lots[6:9]
    latitude = np.pi * (0.5 - (np.arange(height) + 0.5) / height)[:, None]
    longitude = 2.0 * np.pi * ((np.arange(2 * height) + 0.5) / (2 * height))[None, :]
    up = np.broadcast_to(np.clip(np.sin(latitude), 0.0, 1.0) ** 0.5, (height, 2 * height))
    sky = horizon + up[..., None] * (zenith - horizon)
    u, v = longitude[0] / (2.0 * np.pi), 0.5 + latitude[:, 0] / np.pi
    sky = sky + 0.3 * lots[9] * (_clouds(draws, "vision.stage.made.sky_clouds", number, u, v) - 0.5)[..., None]
    sun_lat, sun_lon = 0.15 + 1.2 * lots[10], 2.0 * np.pi * lots[11]
    near = np.sin(latitude) * np.sin(sun_lat) + np.cos(latitude) * np.cos(sun_lat) * np.cos(longitude - sun_lon)
    sky = sky + (np.clip((near - 0.98) / 0.015, 0.0, 1.0) + 0.25 * np.clip(near, 0.0, 1.0) ** 16)[..., None]
    picture = np.where(latitude[..., None] > 0.0, sky, ground)
    return (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
