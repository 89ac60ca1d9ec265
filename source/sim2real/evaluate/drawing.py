"""Small drawing kit for the report's pictures: a supersampled canvas in metres, and a colour map for depth.

Pillow draws without smoothing; everything here is drawn three times larger and reduced once, which smooths lines and
text alike. Colours are chosen to stay apart for colour-blind readers and on both light and dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

INK = "#1d2530"
"""Text."""
MUTED = "#667180"
"""Secondary text."""
PAPER = "#f6f7f9"
"""Background of a picture."""
FLOOR = "#e9ecf0"
"""Floor of the arena."""
WALL = "#47515f"
"""Walls of the arena."""
BOX = "#7b8797"
"""Boxes."""
CYLINDER = "#94a0ae"
"""Cylinders."""
ROVER = "#1d2530"
"""The rover."""
OUTCOME_COLOURS = {"success": "#1f7fa8", "collision": "#d1453b", "timeout": "#e0a022"}
"""One colour per outcome of an episode."""
NO_DATA = (205, 209, 215)
"""Pixels without depth."""

_VIRIDIS = np.array(
    [
        [68, 1, 84],
        [72, 40, 120],
        [62, 73, 137],
        [49, 104, 142],
        [38, 130, 142],
        [31, 158, 137],
        [53, 183, 121],
        [110, 206, 88],
        [181, 222, 43],
        [253, 231, 37],
    ],
    dtype=np.float64,
)
_SUPERSAMPLE = 3


def colour_depth(depth: np.ndarray, near_m: float = 0.1, far_m: float = 4.0) -> np.ndarray:
    """Colour a depth image: near is bright yellow, far is dark violet, no data is grey.

    Args:
        depth: Metres, shape (H, W); 0, negative, NaN and infinite mean no data.
        near_m: Depth of the bright end [m].
        far_m: Depth of the dark end [m].

    Returns:
        uint8 of shape (H, W, 3).
    """
    depth = np.asarray(depth, dtype=np.float64)
    valid = np.isfinite(depth) & (depth > 0.0)
    # Nearness in inverse depth: the resolution goes where obstacles matter, as it does in a stereo camera.
    inverse = 1.0 / np.clip(np.where(valid, depth, far_m), near_m, far_m)
    nearness = np.sqrt((inverse - 1.0 / far_m) / (1.0 / near_m - 1.0 / far_m))
    position = nearness * (len(_VIRIDIS) - 1)
    stops = np.arange(len(_VIRIDIS))
    image = np.stack([np.interp(position, stops, _VIRIDIS[:, channel]) for channel in range(3)], axis=-1)
    image[~valid] = NO_DATA
    return np.round(image).astype(np.uint8)


class Canvas:
    """A picture of ``width`` x ``height`` pixels that is drawn larger and reduced when it is done."""

    def __init__(self, width: int, height: int, background: str = PAPER) -> None:
        from PIL import Image, ImageDraw

        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * _SUPERSAMPLE, height * _SUPERSAMPLE), background)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def finish(self) -> Image.Image:
        """Return the picture at its final size."""
        from PIL import Image

        return self._image.resize((self.width, self.height), Image.Resampling.LANCZOS)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 13,
        colour: str = INK,
        anchor: str = "la",
        max_width: float = 0.0,
    ) -> None:
        """Write a line; with ``max_width`` it is shortened by an ellipsis until it fits."""
        font = _font(size * _SUPERSAMPLE)
        if max_width and font.getlength(text) > max_width * _SUPERSAMPLE:
            while text and font.getlength(text + "...") > max_width * _SUPERSAMPLE:
                text = text[:-1]
            text = text.rstrip() + "..."
        self._draw.text((x * _SUPERSAMPLE, y * _SUPERSAMPLE), text, fill=colour, font=font, anchor=anchor)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str | None = None,
        outline: str | None = None,
        line: float = 1.0,
    ) -> None:
        """Draw a rectangle by its upper left corner and size [px]."""
        s = _SUPERSAMPLE
        box = (x * s, y * s, (x + width) * s - 1, (y + height) * s - 1)
        self._draw.rectangle(box, fill=fill, outline=outline, width=round(line * s))

    def polygon(self, points: np.ndarray, fill: str | tuple[int, ...], outline: str | None = None) -> None:
        """Fill a polygon given in pixels, shape (k, 2)."""
        self._draw.polygon([tuple(point) for point in np.asarray(points) * _SUPERSAMPLE], fill=fill, outline=outline)

    def line(self, points: np.ndarray, colour: str | tuple[int, ...], width: float = 1.5) -> None:
        """Draw a polyline given in pixels, shape (k, 2)."""
        if len(points) > 1:
            scaled = [tuple(point) for point in np.asarray(points) * _SUPERSAMPLE]
            self._draw.line(scaled, fill=colour, width=max(1, round(width * _SUPERSAMPLE)), joint="curve")

    def circle(
        self,
        centre: Sequence[float],
        radius: float,
        fill: str | tuple[int, ...] | None = None,
        outline: str | None = None,
        line: float = 1.0,
    ) -> None:
        """Draw a disc or ring by centre and radius [px]."""
        s = _SUPERSAMPLE
        x, y = centre
        box = ((x - radius) * s, (y - radius) * s, (x + radius) * s, (y + radius) * s)
        self._draw.ellipse(box, fill=fill, outline=outline, width=round(line * s))

    def paste(self, pixels: np.ndarray, x: float, y: float, width: int, height: int) -> None:
        """Paste an (h, w, 3) image with hard pixels, scaled to the given size [px]."""
        from PIL import Image

        s = _SUPERSAMPLE
        image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))
        self._image.paste(image.resize((width * s, height * s), Image.Resampling.NEAREST), (round(x * s), round(y * s)))

    def paste_canvas(self, other: Canvas, x: float, y: float) -> None:
        """Paste another canvas before it is reduced; what lies outside of it is clipped."""
        self._image.paste(other._image, (round(x * _SUPERSAMPLE), round(y * _SUPERSAMPLE)))

    def arrow(self, x: float, y: float, action: str, size: float, colour: str = INK) -> None:
        """Draw the sign of an action inside a square [px]: ahead, left or right; nothing for others."""
        shape = np.array([[0.5, 0.05], [0.9, 0.5], [0.64, 0.5], [0.64, 0.95], [0.36, 0.95], [0.36, 0.5], [0.1, 0.5]])
        if action == "left":
            shape = np.stack([shape[:, 1], 1.0 - shape[:, 0]], axis=1)
        elif action == "right":
            shape = np.stack([1.0 - shape[:, 1], shape[:, 0]], axis=1)
        elif action != "forward":
            return
        self.polygon(shape * size + [x, y], fill=colour)


def text_width(text: str, size: int) -> float:
    """Return the width of a line of text [px]."""
    return float(_font(size * _SUPERSAMPLE).getlength(text)) / _SUPERSAMPLE


def _font(size: int) -> Any:
    """Return Pillow's own scalable font, which needs nothing installed."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def translucent(colour: str, alpha: float) -> tuple[int, int, int, int]:
    """Return a ``#rrggbb`` colour with an opacity [1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue, round(255 * alpha)
