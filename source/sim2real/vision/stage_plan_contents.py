"""What a stage holds and what a plan says of it, as plain values: neither knows USD, Kit or a renderer.

Whoever has a stage reads it into :class:`StageContents` once, before anything is randomized; a planner makes a
:class:`StagePlan` for a frame of it; whoever has the stage writes that down. Values are Python floats, texts and
tuples, because Kit's bindings take nothing else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Triple = tuple[float, float, float]
IDENTITY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """A light that is no dome, as it stands on the stage."""

    path: str
    """Where it is on the stage."""
    intensity: float
    """Nominal intensity, in the stage's own unit."""
    local: tuple[tuple[float, ...], ...] | None = IDENTITY
    """Transform to its parent, acting on columns; None for a light without a place (a distant one)."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A prim with a pose, as it stands on the stage."""

    path: str
    """Where it is on the stage."""
    local: tuple[tuple[float, ...], ...] = IDENTITY
    """Transform to its parent, acting on columns."""


@dataclass(frozen=True, kw_only=True)
class StageCamera:
    """The camera, as it stands on the stage."""

    path: str
    """Where it is on the stage."""
    focal_length: float
    """Nominal focal length, in tenths of the stage's unit."""
    aperture: float
    """Horizontal aperture, in tenths of the stage's unit."""
    local: tuple[tuple[float, ...], ...] = IDENTITY
    """Transform to its parent, acting on columns; the camera looks along -z with y up."""
    parent: tuple[tuple[float, ...], ...] = IDENTITY
    """Transform of its parent to the world, acting on columns."""

    def focal_px(self, width: int) -> float:
        """Nominal focal length [px] of a picture so many pixels wide."""
        return width * self.focal_length / self.aperture


@dataclass(frozen=True, kw_only=True)
class StageContents:
    """What a stage holds of what a spec randomizes, each list sorted by path, before anything was randomized."""

    lamps: tuple[Lamp, ...] = ()
    """Selected lights; the number in this list is the element of their draws."""
    surfaces: tuple[str, ...] = ()
    """Paths of the things that get a material."""
    objects: tuple[Thing, ...] = ()
    """Things that move, turn, grow and vanish."""
    camera: StageCamera | None = None
    """The camera that looks; None where a plan needs none."""
    labels: tuple[tuple[str, str], ...] = ()
    """Path and label of what segmentation knows."""
    dome: str = ""
    """Path of the stage's dome light; empty where it has none."""
    dome_intensity: float = 1000.0
    """Its nominal intensity."""
    metres_per_unit: float = 1.0
    """Length of the stage's unit [m]."""
    up: Triple = (0.0, 0.0, 1.0)
    """The stage's up axis."""


@dataclass(frozen=True, kw_only=True)
class LampPlan:
    """A light in one frame; None leaves it as it is."""

    path: str
    intensity: float | None = None
    """In the stage's own unit."""
    temperature_K: float | None = None
    """Colour temperature [K]."""
    position: Triple | None = None
    """To its parent, in the stage's unit."""


@dataclass(frozen=True, kw_only=True)
class DomePlan:
    """What surrounds the scene in one frame; None leaves it as it is."""

    intensity: float | None = None
    """In the stage's own unit."""
    temperature_K: float | None = None
    """Colour temperature [K]: that of the first lamp, for a dome is the same sky."""
    texture: str | None = None
    """Picture, latitude by longitude: a name of the planner's ``sky``."""
    turn_deg: float = 0.0
    """Turn about the up axis [deg]."""


@dataclass(frozen=True, kw_only=True)
class SurfacePlan:
    """What one thing is made of in one frame."""

    path: str
    colour: Triple | None
    """Plain colour, sRGB in [0, 1]; None leaves the material's own."""
    texture: str
    """Picture: a name of the planner's ``surfaces``; empty for a plain colour."""
    tiling: float
    """Repeats of the texture in a metre."""
    roughness: float
    """In [0, 1]."""
    metallic: float
    """In [0, 1]."""


@dataclass(frozen=True, kw_only=True)
class PosePlan:
    """Where one thing is in one frame."""

    path: str
    position: Triple
    """To its parent, in the stage's unit."""
    rotation_deg: Triple
    """Turns about x, then y, then z [deg]."""
    scale: Triple
    """Size along its own axes."""
    visible: bool = True
    """Whether it is there."""


@dataclass(frozen=True, kw_only=True)
class DistractorPlan(PosePlan):
    """A shape that lies about in one frame; its path is a number of the spec's distractors."""

    shape: str
    """One of the spec's shapes; the same in every frame."""
    colour: Triple | None = None
    """sRGB in [0, 1]; None where the spec draws no colours."""


@dataclass(frozen=True, kw_only=True)
class CameraPlan(PosePlan):
    """The camera in one frame."""

    focal_length: float
    """In tenths of the stage's unit."""


@dataclass(frozen=True, kw_only=True)
class StagePlan:
    """A frame's scene: everything that is written to the stage, and nothing else changes."""

    frame: int
    """Number of the frame."""
    lamps: tuple[LampPlan, ...] = ()
    dome: DomePlan | None = None
    surfaces: tuple[SurfacePlan, ...] = ()
    objects: tuple[PosePlan, ...] = ()
    distractors: tuple[DistractorPlan, ...] = ()
    camera: CameraPlan | None = None

    def record(self) -> dict[str, Any]:
        """The frame's draws as JSON values, for a dataset; what the frame leaves alone is left out."""
        told = {key: value for key, value in asdict(self).items() if value and key != "frame"}
        return {key: _told(value) for key, value in told.items()}


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _told(entry) for key, entry in value.items() if entry is not None and entry != ""}
    return [_told(entry) for entry in value] if isinstance(value, list | tuple) else value
