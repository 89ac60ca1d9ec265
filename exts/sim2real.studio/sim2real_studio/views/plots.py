"""Curves, histograms and timelines, of omni.ui's plots, labels and rectangles.

`ui.Plot` draws equal steps and knows no axes: a curve is put onto equal steps first, and the axes' ends are labels.
It reads nothing but Python floats; another type would hang it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import omni.ui as ui

from .style import LABEL_WIDTH, LANE_HEIGHT, PALETTE, PLOT_HEIGHT, SPACING

if TYPE_CHECKING:
    from sim2real.studio import Curve, Histogram, Timeline

POINTS = 256
"""Points that a line is drawn with."""


def build_curve(curve: Curve, identifier: str) -> None:
    """Draw lines over one axis, with a legend."""
    lines = [resampled(line.x, line.y, *_ends(curve)) for line in curve.series]
    values = [value for line in lines for value in line if math.isfinite(value)]
    if not values:
        ui.Label("no points yet", name="dim", identifier=identifier, tooltip="The curve has no points so far")
        return
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    with ui.HStack(height=0, spacing=SPACING):
        for i, line in enumerate(curve.series):
            ui.Label(line.label, name=f"lane{i % len(PALETTE)}", width=0, tooltip=f"{line.label}: {len(line.x)} points")
            ui.Spacer(width=SPACING)
    ui.Label(f"{curve.y_label}  {low:.4g} to {high:.4g}", name="dim", tooltip="Vertical axis, bottom to top")
    with ui.ZStack(height=PLOT_HEIGHT):
        for i, line in enumerate(lines):
            # What is missing at an end is drawn at the bottom: a plot has no gaps.
            drawn = [value if math.isfinite(value) else low for value in line]
            ui.Plot(
                ui.Type.LINE,
                float(low),
                float(high),
                *drawn,
                identifier=f"{identifier}.{i}",
                tooltip=f"{curve.series[i].label} over {curve.x_label}",
                style={"color": PALETTE[i % len(PALETTE)], "background_color": 0x00000000 if i else 0xFF2A2A2A},
            )
    left, right = _ends(curve)
    with ui.HStack(height=0):
        ui.Label(f"{left:.4g}", name="dim", tooltip="Left end of the axis")
        ui.Label(curve.x_label, name="dim", alignment=ui.Alignment.CENTER, tooltip="Horizontal axis")
        ui.Label(f"{right:.4g}", name="dim", alignment=ui.Alignment.RIGHT_CENTER, tooltip="Right end of the axis")


def _ends(curve: Curve) -> tuple[float, float]:
    places = [x for line in curve.series for x in line.x if math.isfinite(x)]
    return (min(places), max(places)) if places else (0.0, 1.0)


def resampled(x: tuple[float, ...], y: tuple[float, ...], left: float, right: float) -> list[float]:
    """Return a line at `POINTS` equal steps from left to right as Python floats; nan outside of its own places."""
    places, values = np.array(x, float), np.array(y, float)
    there = np.isfinite(places) & np.isfinite(values)
    if not there.any():
        return []
    steps = np.linspace(left, right, POINTS)
    drawn = np.interp(steps, places[there], values[there], left=math.nan, right=math.nan)
    return [float(value) for value in drawn]


def build_histogram(histogram: Histogram, identifier: str) -> None:
    """Draw how often which value came."""
    highest = float(max(histogram.counts, default=0))
    unit = f" {histogram.unit}" if histogram.unit else ""
    ui.Plot(
        ui.Type.HISTOGRAM,
        0.0,
        max(highest, 1.0),
        *[float(count) for count in histogram.counts],
        height=PLOT_HEIGHT,
        identifier=identifier,
        tooltip=f"{sum(histogram.counts)} values, at most {highest:.0f} in a bin",
        style={"color": PALETTE[0], "background_color": 0xFF2A2A2A},
    )
    with ui.HStack(height=0):
        ui.Label(f"{histogram.edges[0]:.4g}{unit}", name="dim", tooltip="Left edge")
        ui.Label(
            f"{histogram.edges[-1]:.4g}{unit}", name="dim", alignment=ui.Alignment.RIGHT_CENTER, tooltip="Right edge"
        )


def build_timeline(timeline: Timeline, identifier: str) -> None:
    """Draw what happens when, one lane per path, on one axis from 0."""
    end = max((span.end_ms for lane in timeline.lanes for span in lane.spans), default=0.0)
    if end <= 0.0:
        ui.Label("no delay at all", name="dim", identifier=identifier, tooltip="No path takes any time")
    for number, lane in enumerate(timeline.lanes):
        with ui.HStack(height=LANE_HEIGHT, spacing=SPACING):
            ui.Label(lane.label, width=LABEL_WIDTH, elided_text=True, tooltip=lane.note or lane.label)
            with ui.HStack(identifier=f"{identifier}.{number}"):
                at = 0.0
                for i, span in enumerate(lane.spans):
                    _gap(span.begin_ms - at, end)
                    if span.end_ms > span.begin_ms:
                        ui.Rectangle(
                            name=f"lane{i % len(PALETTE)}",
                            width=ui.Percent(100.0 * (span.end_ms - span.begin_ms) / end),
                            tooltip=f"{span.label}: {span.begin_ms:.2f} to {span.end_ms:.2f} ms",
                        )
                    at = max(at, span.end_ms)
                ui.Spacer()
        if lane.note:
            ui.Label(lane.note, name="dim", word_wrap=True, tooltip="Medians are drawn; this is what else is known")
    if end > 0.0:
        with ui.HStack(height=0):
            ui.Label("0", name="dim", width=LABEL_WIDTH, alignment=ui.Alignment.RIGHT_CENTER, tooltip="Left end")
            ui.Label(f"{end:.1f} ms", name="dim", alignment=ui.Alignment.RIGHT_CENTER, tooltip="Right end")


def _gap(ms: float, end: float) -> None:
    if ms > 0.0:
        ui.Spacer(width=ui.Percent(100.0 * ms / end))
