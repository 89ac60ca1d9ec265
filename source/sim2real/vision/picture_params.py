"""What is drawn for each colour picture, as plain arrays: a picture can be made again from them alone.

Every field draws from a stream of its own (``vision.colour.brightness`` and so on) with the counter (frame, episode,
occurrence), so that a frame's values are the same in any batch. A kind with ``when: reset`` draws with occurrence 0
and keeps its values for an episode; one with ``when: step`` draws anew for each picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.spec.distributions import Constant, Distribution, Uniform, UniformInt
from sim2real.vision.errors import VisionError
from sim2real.vision.light import NOMINAL_K, NOMINAL_LX, temperature_gains

if TYPE_CHECKING:
    from sim2real.draws.sampler import Draws
    from sim2real.spec.vision import ImageSpec

KINDS = ("light", "colour", "occlusion", "texture")
"""Kinds of a spec's vision section that are drawn here."""
JITTERS = ("brightness", "contrast", "saturation", "hue")
"""The four changes of colour, which ``order`` numbers."""
BLUR_SIZE_PX = 5
"""Pixels that a blur reaches across if the spec does not say; the seeds' kernel size."""


_SHARED = ("has_background", "blur_size_px")


@dataclass(frozen=True, kw_only=True)
class PictureParams:
    """The values of n pictures."""

    gain: np.ndarray
    """Factor on linear red, green and blue: the light's strength and colour, float32 ``(n, 3)``."""
    ambient: np.ndarray
    """Fraction of the light that is flat and shows no shape, float32 ``(n,)``."""
    brightness: np.ndarray
    """Factor on all channels, float32 ``(n,)``."""
    contrast: np.ndarray
    """Factor on the distance from the picture's mean grey, float32 ``(n,)``."""
    saturation: np.ndarray
    """Factor on the distance from grey, float32 ``(n,)``."""
    hue_turn: np.ndarray
    """Turn of the hue, fraction of the circle, float32 ``(n,)``."""
    order: np.ndarray
    """Order of the four: numbers into :data:`JITTERS`, int64 ``(n, 4)``."""
    blur_std_px: np.ndarray
    """Standard deviation of the blur [px], 0 for none, float32 ``(n,)``."""
    noise_std: np.ndarray
    """Standard deviation of the pixel noise over full scale, 0 for none, float32 ``(n,)``."""
    box: np.ndarray
    """What occludes: height and width as fractions of the picture, then its place as fractions of what is left, first
    down, then right, float32 ``(n, 4)``; 0 high and wide for none."""
    box_colour: np.ndarray
    """Its red, green and blue, uint8 ``(n, 3)``."""
    background: np.ndarray
    """Red, green and blue where nothing was seen, uint8 ``(n, 3)``; used only where :attr:`has_background`."""
    has_background: bool = False
    """Whether a background was drawn."""
    blur_size_px: int = BLUR_SIZE_PX
    """Side of the blur's kernel [px], odd."""

    def __len__(self) -> int:
        return len(self.brightness)

    def __getitem__(self, rows: Any) -> PictureParams:
        """The values of some pictures."""
        chosen = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in _SHARED}
        return PictureParams(**chosen, **{name: getattr(self, name) for name in _SHARED})

    def row(self, i: int) -> dict[str, float]:
        """What was drawn for one picture, by name, without what changes nothing."""
        named = {name: float(getattr(self, name)[i]) for name in ("brightness", "contrast", "saturation", "hue_turn")}
        named = {name: v for name, v in named.items() if v != (0.0 if name == "hue_turn" else 1.0)}
        for name in ("ambient", "blur_std_px", "noise_std"):
            if getattr(self, name)[i] != 0.0:
                named[name] = float(getattr(self, name)[i])
        if (self.gain[i] != 1.0).any():
            named |= {f"light_{c}": float(v) for c, v in zip(("red", "green", "blue"), self.gain[i], strict=True)}
        if self.box[i, 0] > 0.0:
            named |= {"box_height": float(self.box[i, 0]), "box_width": float(self.box[i, 1])}
        return named


def clear_params(count: int) -> PictureParams:
    """Values that leave ``count`` pictures as they are."""
    ones, zeros = np.ones(count, np.float32), np.zeros(count, np.float32)
    return PictureParams(
        gain=np.ones((count, 3), np.float32),
        ambient=zeros,
        brightness=ones,
        contrast=ones,
        saturation=ones,
        hue_turn=zeros,
        order=np.tile(np.arange(4), (count, 1)),
        blur_std_px=zeros,
        noise_std=zeros,
        box=np.zeros((count, 4), np.float32),
        box_colour=np.zeros((count, 3), np.uint8),
        background=np.zeros((count, 3), np.uint8),
    )


def draw_picture_params(
    vision: Mapping[str, ImageSpec], draws: Draws, frame_ids: Any, episodes: Any = 0, occurrences: Any = 0
) -> PictureParams:
    """The values of each picture: what ``light``, ``colour``, ``occlusion`` and ``texture.background`` say.

    Args:
        vision: ``spec.vision``; other kinds in it are left to others.
        draws: the spec's keyed random numbers.
        frame_ids: frame (or world) ids ``(n,)``.
        episodes: episode of each frame, a number or ``(n,)``.
        occurrences: which picture of the episode, a number or ``(n,)``.
    """
    ids = np.atleast_1d(np.asarray(frame_ids))
    clear = clear_params(len(ids))
    drawn = {f.name: getattr(clear, f.name) for f in fields(clear)}
    found = {name: _Kind(name, vision[name], draws, (ids, episodes, occurrences)) for name in KINDS if name in vision}
    if "light" in found:
        _draw_light(found["light"], drawn)
    if "colour" in found:
        colour = found["colour"]
        for name in ("brightness", "contrast", "saturation", "hue_turn", "blur_std_px", "noise_std"):
            if name in colour:
                drawn[name] = colour.sample(name)
        drawn["order"] = draws.permutation("vision.colour.order", ids, len(JITTERS), *colour.place[1:])
        if "noise_chance" in colour:
            drawn["noise_std"] = np.where(colour.happens("noise_chance"), drawn["noise_std"], np.float32(0.0))
        size = colour.spec.overrides.get("blur_size_px")
        if isinstance(size, Constant):
            drawn["blur_size_px"] = int(size.value[0])
    if "occlusion" in found:
        _draw_occlusion(found["occlusion"], drawn)
    if "texture" in found and "background" in found["texture"]:
        painted = found["texture"].sample("background").reshape(len(ids), -1)
        drawn["background"] = eight_bits(np.broadcast_to(painted, (len(ids), 3)))
        drawn["has_background"] = True
    return PictureParams(**drawn)


class _Kind:
    """The draws of one kind for some pictures."""

    def __init__(self, name: str, spec: ImageSpec, draws: Draws, place: tuple[Any, Any, Any]) -> None:
        self.name, self.spec, self.draws = name, spec, draws
        self.place = place if spec.when == "step" else (*place[:2], 0)

    def __contains__(self, field: str) -> bool:
        return field in self.spec.overrides

    def sample(self, field: str, dist: Distribution | None = None, count: int = 1) -> np.ndarray:
        """Draws of a field, or of another stream of this kind; float32 ``(n,)``, ``(n, dim)`` or ``(n, count)``."""
        chosen = self.spec.overrides[field] if dist is None else dist
        world, episode, occurrence = self.place
        values = self.draws.sample(f"vision.{self.name}.{field}", chosen, world, episode, occurrence, count)
        return values if count > 1 else values[:, 0]  # (n, dim) for a vector

    def happens(self, field: str) -> np.ndarray:
        """Whether something with this chance happens, bool ``(n,)``."""
        lot = self.draws.unit(f"vision.{self.name}.{field}.happens", *self.place)[:, 0]
        return np.asarray(lot < self.sample(field))


def eight_bits(colour: np.ndarray) -> np.ndarray:
    """Colours in [0, 1] as the nearest of 256 steps, uint8."""
    return (np.clip(colour, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8)


def _draw_light(light: _Kind, drawn: dict[str, Any]) -> None:
    """Strength, colour and flatness of the light."""
    strength: Any = np.ones(len(drawn["ambient"]), np.float32)
    if "intensity" in light:
        strength = light.sample("intensity")
    if "illuminance_lx" in light:
        nominal = light.sample("nominal_lx") if "nominal_lx" in light else np.float32(NOMINAL_LX)
        strength = light.sample("illuminance_lx") / nominal
    kelvin = light.sample("temperature_K") if "temperature_K" in light else np.full(len(strength), NOMINAL_K)
    drawn["gain"] = strength[:, None].astype(np.float32) * temperature_gains(kelvin)
    if "ambient" in light:
        drawn["ambient"] = light.sample("ambient")


def _draw_occlusion(occlusion: _Kind, drawn: dict[str, Any]) -> None:
    """Size, place and colour of what stands before the camera."""
    size = np.stack([occlusion.sample("height"), occlusion.sample("width")], axis=1)
    if "chance" in occlusion:
        size = np.where(occlusion.happens("chance")[:, None], size, np.float32(0.0))
    place = occlusion.sample("place", Uniform(0.0, 1.0), 2)
    drawn["box"] = np.concatenate([size, place], axis=1)
    colour = occlusion.sample("colour", UniformInt(0, 255), 3)
    if "black" in occlusion:
        colour = np.where(occlusion.happens("black")[:, None], np.float32(0.0), colour)
    drawn["box_colour"] = colour.astype(np.uint8)


def box_pixels(params: PictureParams, height: int, width: int) -> np.ndarray:
    """Pixels that are occluded: top, left, bottom, right (the last two outside), int32 ``(n, 4)``.

    Sizes are rounded down to whole pixels; every place where the box fits is equally likely.

    Raises:
        VisionError: a box larger than the picture.
    """
    box = params.box.astype(np.float64)
    if len(box) and box[:, :2].max() > 1.0:
        raise VisionError("what occludes has a height or width beyond 1; give fractions of the picture.")
    size = np.floor(box[:, :2] * (height, width))
    start = np.floor(box[:, 2:] * (np.array([height, width]) - size + 1.0))
    return np.concatenate([start, start + size], axis=1).astype(np.int32)
