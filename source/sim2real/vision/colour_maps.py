"""Depth and error as colours, and pictures as data URIs: what a page needs to show arrays in one file."""

from __future__ import annotations

import base64
import io

import numpy as np

NEAR_TO_FAR = ("#fde725", "#addc30", "#5ec962", "#28ae80", "#21918c", "#2c728e", "#3b528b", "#472d7b", "#440154")
"""Depth: near is bright. Even steps in lightness, readable without colour vision."""
NEARER_TO_FARTHER = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")
"""Signed error: blue reported too near, red too far."""
INVALID = "#9aa0a8"
"""Pixels without depth; in neither of the two scales."""


def rgb(colour: str) -> tuple[int, int, int]:
    """``#rrggbb`` as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def apply_map(values: np.ndarray, anchors: tuple[str, ...], valid: np.ndarray) -> np.ndarray:
    """Colours of values in [0, 1] (clipped), the invalid colour elsewhere; uint8 ``(h, w, 3)``."""
    table = np.array([rgb(anchor) for anchor in anchors], float)
    places = np.linspace(0.0, 1.0, len(anchors))
    unit = np.clip(np.where(valid, values, 0.0), 0.0, 1.0)
    channels = [np.interp(unit, places, table[:, channel]) for channel in range(3)]
    picture = np.stack(channels, axis=-1)
    picture[~valid] = rgb(INVALID)
    return (picture + 0.5).astype(np.uint8)


def seen(depth: np.ndarray) -> np.ndarray:
    """Where depth was reported."""
    return np.isfinite(depth) & (depth > 0)


def colour_depth(depth: np.ndarray, far_m: float) -> np.ndarray:
    """Depth [m] as colours from 0 to ``far_m``, uint8 ``(h, w, 3)``."""
    valid = seen(depth)
    return apply_map(np.where(valid, depth, 0.0) / far_m, NEAR_TO_FAR, valid)


def colour_error(noisy: np.ndarray, clean: np.ndarray, limit_m: float) -> np.ndarray:
    """Signed error [m] as colours from -limit to +limit, uint8 ``(h, w, 3)``."""
    valid = seen(noisy) & seen(clean)
    error = np.where(valid, noisy, 0.0) - np.where(valid, clean, 0.0)
    return apply_map(0.5 + 0.5 * error / limit_m, NEARER_TO_FARTHER, valid)


def data_uri(picture: np.ndarray) -> str:
    """An uint8 ``(h, w, 3)`` picture as a PNG inside a URI."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def css_gradient(anchors: tuple[str, ...]) -> str:
    """The scale from left to right as a CSS background."""
    return f"linear-gradient(to right, {', '.join(anchors)})"
