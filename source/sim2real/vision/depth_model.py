"""What a stereo depth camera does wrong, as numbers: the model of one camera and its per-frame values.

A stereo camera measures disparity d [px] and reports z = f b / d, so an error that is constant in disparity grows with
z^2 in depth. Everything named ``*_px`` here counts pixels of the *sensor's* image, to which ``focal_px`` belongs (the
D435 matches at 848 x 480), not pixels of the picture that a network sees: an image of 96 or 224 pixels then shows the
same physical camera. Whoever applies the model says the picture's own focal length.

``DepthCameraModel`` is one camera; ``DepthParams`` holds the same fields as arrays with one value per frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sim2real.vision.errors import VisionError

HOLE_RATE_MAX = 0.3
"""Largest area fraction of holes [1]: one hole per grid cell, none overlapping, covers 31 % of the picture."""

LIMITS: Mapping[str, tuple[float, float, str]] = {
    "baseline_m": (1e-4, 10.0, "m"),
    "focal_px": (1.0, 1e5, "px"),
    "disparity_std_px": (0.0, 16.0, "px"),
    "quantization_px": (0.0, 4.0, "px"),
    "edge_dropout": (0.0, 1.0, "1"),
    "edge_bleed_px": (0.0, 64.0, "px"),
    "hole_rate": (0.0, HOLE_RATE_MAX, "1"),
    "hole_size_px": (0.1, 2000.0, "px"),
    "dark_loss": (0.0, 1.0, "1"),
    "oblique_loss": (0.0, 1.0, "1"),
    "range_min_m": (0.0, 100.0, "m"),
    "range_max_m": (0.0, 1000.0, "m"),
    "scale": (0.1, 10.0, "1"),
    "offset_m": (-10.0, 10.0, "m"),
    "temporal_std_m": (0.0, 10.0, "m"),
}
"""Field -> smallest and largest value, unit."""


@dataclass(frozen=True, kw_only=True)
class DepthCameraModel:
    """One stereo depth camera: the geometry, the noise, and what it loses."""

    baseline_m: float
    """Distance between the two imagers [m]."""
    focal_px: float
    """Focal length of the image in which the camera matches [sensor px]."""
    disparity_std_px: float = 0.0
    """Standard deviation of the disparity error [sensor px]; the depth error is z^2 / (f b) times this."""
    quantization_px: float = 0.0
    """Step of the disparity that the matcher reports [sensor px]; 0 leaves it continuous."""
    edge_dropout: float = 0.0
    """Probability that a pixel at a depth discontinuity is invalid [1]."""
    edge_bleed_px: float = 0.0
    """How far the nearer surface spreads over the farther one at a discontinuity [sensor px]."""
    hole_rate: float = 0.0
    """Expected fraction of the picture covered by round holes [1], at most 0.3."""
    hole_size_px: float = 40.0
    """Mean diameter of those holes [sensor px]; never smaller than one pixel of the picture."""
    dark_loss: float = 0.0
    """Probability that a black pixel is invalid [1]; falls linearly to 0 at a luminance of 0.25."""
    oblique_loss: float = 0.0
    """Probability that a pixel seen edge-on is invalid [1]; falls with the squared cosine, to 0 at 70 degrees."""
    range_min_m: float = 0.0
    """Nearest reported depth [m]; what is nearer is invalid."""
    range_max_m: float = 1000.0
    """Farthest reported depth [m]; what is farther is invalid."""
    scale: float = 1.0
    """Calibration error: reported depth = scale * depth + offset [1]."""
    offset_m: float = 0.0
    """Calibration error, added after the scale [m]."""
    temporal_std_m: float = 0.0
    """Standard deviation of the white noise that differs from frame to frame, independent of distance [m]."""

    def __post_init__(self) -> None:
        check_fields({name: getattr(self, name) for name in FIELDS}, "DepthCameraModel")


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(DepthCameraModel))
"""The model's fields in the order in which kernels read them."""


@dataclass(frozen=True, kw_only=True)
class DepthParams:
    """The camera model of every frame of a batch: the fields of :class:`DepthCameraModel`, each float32 ``(n,)``."""

    baseline_m: np.ndarray
    focal_px: np.ndarray
    disparity_std_px: np.ndarray
    quantization_px: np.ndarray
    edge_dropout: np.ndarray
    edge_bleed_px: np.ndarray
    hole_rate: np.ndarray
    hole_size_px: np.ndarray
    dark_loss: np.ndarray
    oblique_loss: np.ndarray
    range_min_m: np.ndarray
    range_max_m: np.ndarray
    scale: np.ndarray
    offset_m: np.ndarray
    temporal_std_m: np.ndarray

    def __post_init__(self) -> None:
        count: int | None = None
        for name in FIELDS:
            value = np.ascontiguousarray(getattr(self, name), dtype=np.float32)
            if value.ndim != 1 or (count is not None and value.shape[0] != count):
                raise VisionError(
                    f"DepthParams.{name} has shape {value.shape}; every field is an array of one value per frame, "
                    f"all of one length ({'(n,)' if count is None else f'({count},)'})."
                )
            count = value.shape[0]
            object.__setattr__(self, name, value)
        check_fields({name: getattr(self, name) for name in FIELDS}, "DepthParams")

    @classmethod
    def constant(cls, model: DepthCameraModel, count: int) -> DepthParams:
        """The same camera in each of ``count`` frames."""
        return cls(**{name: np.full(count, getattr(model, name), np.float32) for name in FIELDS})

    @classmethod
    def concatenate(cls, parts: list[DepthParams]) -> DepthParams:
        """The frames of several batches, one after the other."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS})

    def __len__(self) -> int:
        return int(self.baseline_m.shape[0])

    def take(self, rows: Any) -> DepthParams:
        """The frames that ``rows`` (an index array, a mask or a slice) picks, in that order."""
        return DepthParams(**{name: getattr(self, name)[rows] for name in FIELDS})

    def replace(self, **values: Any) -> DepthParams:
        """The same frames with other values, arrays ``(n,)``, in the named fields."""
        return DepthParams(**{name: values.get(name, getattr(self, name)) for name in FIELDS})

    def row(self, index: int) -> dict[str, float]:
        """The values of one frame as plain floats, for a dataset's record or a caption."""
        return {name: float(getattr(self, name)[index]) for name in FIELDS}

    def packed(self) -> np.ndarray:
        """Float32 ``(n, len(FIELDS))`` in the order of :data:`FIELDS`: what the kernels read."""
        return np.stack([getattr(self, name) for name in FIELDS], axis=1)


def check_fields(values: Mapping[str, Any], where: str) -> None:
    """Refuse values outside the model's domain.

    Raises:
        VisionError: a value is not a number, or outside its limits, or the range is empty.
    """
    for name, (low, high, unit) in LIMITS.items():
        value = np.asarray(values[name], dtype=np.float32)
        inside = (value >= np.float32(low)) & (value <= np.float32(high))
        if not inside.all():
            first = np.atleast_1d(value)[~np.atleast_1d(inside)][0]
            raise VisionError(f"{where}.{name} is {first:g} {unit}; it has to be between {low:g} and {high:g} {unit}.")
    near, far = np.broadcast_arrays(
        np.asarray(values["range_min_m"], np.float32), np.asarray(values["range_max_m"], np.float32)
    )
    if (near >= far).any():
        raise VisionError(
            f"{where}: range_min_m ({near[near >= far].flat[0]:g} m) is not below range_max_m "
            f"({far[near >= far].flat[0]:g} m); every depth would be invalid."
        )
