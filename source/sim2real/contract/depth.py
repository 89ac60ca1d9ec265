"""From a depth camera's frame to the network's input, the same lines in training and on the robot.

Cameras speak of depth in two ways: float32 metres (``32FC1``, Isaac Lab) and uint16 millimetres (``16UC1``, our PNGs),
and of "no reading" in five: 0, NaN, +inf, -inf, negative. Here all of it becomes one thing: float32 in [0, 1], where 0
means "no reading" and ``depth / far`` is everything else. Resizing never invents a surface that is not there unless it
is told to: ``nearest`` picks one reading, ``area`` averages valid readings only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.contract.errors import ContractError

RESIZE = ("nearest", "area")
FIT = ("crop", "stretch")
_KEPT = 0.5  # the share of an output pixel's area that has to be valid under 'area'


@dataclass(frozen=True, kw_only=True)
class DepthPreprocess:
    """How a depth frame becomes the network's input."""

    width: int
    """Columns of the network's input [pixels]."""
    height: int
    """Rows of the network's input [pixels]."""
    near_m: float
    """Readings below it are clipped to it [m]; more than 0, so that a near surface differs from no reading."""
    far_m: float
    """Readings above it are clipped to it [m]; the input 1.0 means this distance or more."""
    invalid: str = "zero"
    """What stands for no reading: ``zero``, the only value of this schema."""
    resize: str = "nearest"
    """``nearest``: the reading at the output pixel's centre. ``area``: the mean of the valid readings that the output
    pixel covers, invalid where less than half of it is valid; mixes surfaces across an edge."""
    fit: str = "crop"
    """``crop``: the largest centred window of the output's aspect ratio. ``stretch``: the whole frame; changes the
    apparent focal length of one axis, so only for frames that were stretched in training too."""

    def __post_init__(self) -> None:
        """Check the ranges and make numbers plain.

        Raises:
            ContractError: a value is out of its range.
        """
        for name in ("width", "height"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= 8192:
                raise ContractError(f"depth preprocessing: {name} is {value!r}; it must be an integer in 1..8192.")
            object.__setattr__(self, name, int(value))
        for name in ("near_m", "far_m"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
                raise ContractError(f"depth preprocessing: {name} is {value!r}; it must be a number [m].")
            object.__setattr__(self, name, float(value))
        if not 0.0 < self.near_m < self.far_m < float("inf"):
            raise ContractError(
                f"depth preprocessing: near_m {self.near_m!r}, far_m {self.far_m!r}; it must hold 0 < near_m < far_m."
            )
        for name, allowed in (("invalid", ("zero",)), ("resize", RESIZE), ("fit", FIT)):
            if getattr(self, name) not in allowed:
                raise ContractError(
                    f"depth preprocessing: {name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}."
                )

    def apply(self, depth: Any) -> np.ndarray:
        """The network's input for a batch of frames.

        Args:
            depth: (N, H, W) or (H, W); floating point is metres [m], uint16 is millimetres [mm].

        Returns:
            float32 (N, 1, height, width) in [0, 1]; 0 where there is no reading.

        Raises:
            ContractError: another number of axes, an empty frame, or another kind of number.
        """
        metres = self._metres(np.asarray(depth))
        metres = self._window(metres)
        if metres.shape[1:] != (self.height, self.width):
            metres = self._nearest(metres) if self.resize == "nearest" else self._area(metres)
        out = np.clip(metres, np.float32(self.near_m), np.float32(self.far_m)) / np.float32(self.far_m)
        out[metres == 0.0] = 0.0
        return np.ascontiguousarray(out[:, None], dtype=np.float32)

    def _metres(self, depth: np.ndarray) -> np.ndarray:
        """The frames in float32 metres, (N, H, W), with 0 for no reading; a new array."""
        if depth.ndim == 2:
            depth = depth[None]
        if depth.ndim != 3 or 0 in depth.shape[1:]:
            raise ContractError(f"depth has shape {depth.shape}; it must be (N, H, W) or (H, W), H and W at least 1.")
        if depth.dtype.kind == "u" and depth.dtype.itemsize == 2:
            return depth.astype(np.float32) / np.float32(1000.0)
        if depth.dtype.kind != "f":
            raise ContractError(
                f"depth has type {depth.dtype}; it must be floating point [m] or uint16 [mm]. "
                "Convert it first: a guess at the unit would be wrong by 1000."
            )
        metres = depth.astype(np.float32)
        metres[~(np.isfinite(metres) & (metres > 0.0))] = 0.0
        return metres

    def _window(self, metres: np.ndarray) -> np.ndarray:
        """The centred part of the frames that has the output's aspect ratio."""
        if self.fit == "stretch":
            return metres
        rows, columns = metres.shape[1:]
        keep_columns = max(1, min(columns, (rows * self.width + self.height // 2) // self.height))
        keep_rows = max(1, min(rows, (columns * self.height + self.width // 2) // self.width))
        top, left = (rows - keep_rows) // 2, (columns - keep_columns) // 2
        return metres[:, top : top + keep_rows, left : left + keep_columns]

    def _nearest(self, metres: np.ndarray) -> np.ndarray:
        """Each output pixel takes the input pixel that holds its centre."""
        rows = (2 * np.arange(self.height) + 1) * metres.shape[1] // (2 * self.height)
        columns = (2 * np.arange(self.width) + 1) * metres.shape[2] // (2 * self.width)
        return metres[:, rows[:, None], columns[None, :]]

    def _area(self, metres: np.ndarray) -> np.ndarray:
        """Each output pixel takes the mean of the valid readings under it, weighted by the area that they share."""
        rows = _overlap(metres.shape[1], self.height)
        columns = _overlap(metres.shape[2], self.width).T
        valid = (metres > 0.0).astype(np.float32)
        share = rows @ valid @ columns
        total = rows @ metres @ columns
        mean = np.divide(total, share, out=np.zeros_like(total), where=share > 0.0)
        mean[share < _KEPT * (1.0 - 1e-6)] = 0.0
        return mean


def _overlap(length: int, count: int) -> np.ndarray:
    """How much each of ``length`` input cells adds to each of ``count`` output cells; float32 (count, length)."""
    edges = np.arange(count + 1) * (length / count)
    low = np.maximum(edges[:-1, None], np.arange(length)[None, :])
    high = np.minimum(edges[1:, None], np.arange(1, length + 1)[None, :])
    weight = np.maximum(high - low, 0.0)
    return (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
