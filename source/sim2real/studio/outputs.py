"""What a section shows: plain data that knows no window. Each front end draws the seven kinds in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text below columns."""

    title: str = ""
    """What stands above it."""
    columns: tuple[str, ...]
    """Names of the columns, with units."""
    rows: tuple[tuple[str, ...], ...]
    """The cells as text, each row as long as ``columns``."""
    marks: tuple[str, ...] = ()
    """One of ``good``, ``bad``, ``warn`` or nothing for each row; empty: no row is marked."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.title!r}: a row has {len(row)} cells beside {len(self.columns)} columns")
        if self.marks and len(self.marks) != len(self.rows):
            raise ValueError(f"table {self.title!r}: {len(self.marks)} marks beside {len(self.rows)} rows")


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """An image."""

    title: str = ""
    """What stands above it."""
    pixels: np.ndarray
    """uint8 ``(h, w, 3)``, sRGB."""
    caption: str = ""
    """What stands below it."""

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"a picture is uint8 (h, w, 3), not {self.pixels.dtype} {self.pixels.shape}")


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a curve."""

    label: str
    """What it is called in the legend."""
    x: tuple[float, ...]
    """Places, rising."""
    y: tuple[float, ...]
    """Values; nan where there is none."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Lines over one axis."""

    title: str = ""
    """What stands above it."""
    series: tuple[Series, ...]
    """The lines."""
    x_label: str = ""
    """Name and unit of the horizontal axis."""
    y_label: str = ""
    """Name and unit of the vertical axis."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How often which value came."""

    title: str = ""
    """What stands above it."""
    edges: tuple[float, ...]
    """Edges of the bins, one more than there are counts, in ``unit``."""
    counts: tuple[int, ...]
    """How many values lie in each bin."""
    unit: str = ""
    """Unit of the edges."""

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"histogram {self.title!r}: {len(self.edges)} edges beside {len(self.counts)} counts")


@dataclass(frozen=True, kw_only=True)
class Span:
    """One stretch of a timeline's lane."""

    label: str
    """What happens, such as ``transport``."""
    begin_ms: float
    """Where its median begins [ms]."""
    end_ms: float
    """Where its median ends [ms]."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One way from a sensor to an actuator."""

    label: str
    """The path's name."""
    spans: tuple[Span, ...]
    """What follows what, in order; medians."""
    note: str = ""
    """Bus, clock, loss and the 95 % figure, in words."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """How long it takes from what happens before a sensor to what an actuator does."""

    title: str = ""
    """What stands above it."""
    lanes: tuple[Lane, ...]
    """The paths."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """Lines of text."""

    title: str = ""
    """What stands above it."""
    lines: tuple[str, ...]
    """The lines."""
    mark: str = ""
    """``good``, ``bad``, ``warn`` or nothing."""


@dataclass(frozen=True, kw_only=True)
class FileLink:
    """A file of the workspace to open."""

    label: str
    """What to click on."""
    path: str
    """Path below the workspace, with forward slashes."""


Output = Table | Picture | Curve | Histogram | Timeline | Text | FileLink
"""What :attr:`sim2real.studio.section.Section.outputs` may hold."""


def series(label: str, x: Sequence[float], y: Sequence[float | None]) -> Series:
    """Return a line of plain floats; None becomes nan."""
    return Series(
        label=label, x=tuple(float(v) for v in x), y=tuple(float("nan") if v is None else float(v) for v in y)
    )


__all__ = [
    "Curve", "FileLink", "Histogram", "Lane", "Output", "Picture", "Series", "Span", "Table", "Text", "Timeline",
    "series",
]  # fmt: skip
