"""Curves, histograms and timelines as SVG, so that a page needs no plotting library. Every text is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from sim2real.studio.outputs import Curve, Histogram, Timeline

COLOURS = ("#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#475569")
"""Of lines and spans, in order; they differ in lightness too."""
WIDTH, HEIGHT = 520, 210
"""Of a plot, in its own units; a page stretches it to the panel."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 26, 8, 40
_LANE = 46


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers between two, the ends included where they are round."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / max(1, most - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """Return a number for an axis."""
    if value == 0:
        return "0"
    if abs(value) >= 1e4 and value == round(value):
        for factor, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
            if abs(value) >= factor:
                return f"{value / factor:.4g}{word}"
    return f"{value:.4g}"


class _Plot:
    """Axes, and lines of SVG upon them."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float], x_label: str, y_label: str) -> None:
        self._x, self._y = _widened(x), _widened(y)
        self.lines: list[str] = []
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        for value in ticks(*self._y):
            at = self.y(value)
            self.lines.append(f'<line class="g" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.lines.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{number(value)}</text>')
        for value in ticks(*self._x, most=6):
            at = self.x(value)
            self.lines.append(f'<line class="g" x1="{at:.1f}" x2="{at:.1f}" y1="{bottom}" y2="{bottom + 4}"/>')
            self.lines.append(f'<text x="{at:.1f}" y="{bottom + 17}" text-anchor="middle">{number(value)}</text>')
        middle = (_LEFT + right) / 2
        self.lines.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>')
        if y_label:
            half = (_TOP + bottom) / 2
            self.lines.append(
                f'<text x="12" y="{half}" text-anchor="middle" transform="rotate(-90 12 {half})">'
                f"{escape(y_label)}</text>"
            )

    def x(self, value: float) -> float:
        """Return where a value of the horizontal axis lies."""
        low, high = self._x
        return _LEFT + (value - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Return where a value of the vertical axis lies."""
        low, high = self._y
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    def svg(self) -> str:
        """Return the picture."""
        return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(self.lines)}</svg>'


def _widened(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    if high > low:
        return ends
    room = abs(low) * 0.1 or 1.0
    return low - room, high + room


def legend(labels: Sequence[str]) -> str:
    """Return the names beside their colours."""
    items = (
        f'<span><i style="background:{COLOURS[i % len(COLOURS)]}"></i>{escape(label)}</span>'
        for i, label in enumerate(labels)
    )
    return f'<div class="legend">{"".join(items)}</div>'


def curve(output: Curve) -> str:
    """Draw lines; where a value is missing, a line is broken."""
    points = [
        (x, y) for line in output.series for x, y in zip(line.x, line.y, strict=True) if math.isfinite(x + y)
    ]  # fmt: skip
    if not points:
        return '<p class="dim">nothing to draw yet</p>'
    xs, ys = [x for x, _ in points], [y for _, y in points]
    plot = _Plot((min(xs), max(xs)), (min(ys), max(ys)), output.x_label, output.y_label)
    for i, line in enumerate(output.series):
        colour = COLOURS[i % len(COLOURS)]
        for piece in _pieces(line.x, line.y):
            path = " ".join(f"{plot.x(x):.1f},{plot.y(y):.1f}" for x, y in piece)
            plot.lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for x, y in piece if len(piece) <= 12 else piece[-1:]:
                said = f"{escape(line.label)}: {number(y)} at {number(x)}"
                plot.lines.append(
                    f'<circle cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="3" fill="{colour}">'
                    f"<title>{said}</title></circle>"
                )
    return plot.svg() + legend([line.label for line in output.series])


def _pieces(x: Sequence[float], y: Sequence[float]) -> list[list[tuple[float, float]]]:
    """Split a line where a value is missing."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for point in zip(x, y, strict=True):
        if math.isfinite(point[0] + point[1]):
            pieces[-1].append(point)
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def histogram(output: Histogram) -> str:
    """Draw bars."""
    if not output.counts:
        return '<p class="dim">nothing to draw yet</p>'
    plot = _Plot((output.edges[0], output.edges[-1]), (0, max(max(output.counts), 1)), output.unit, "count")
    for low, high, count in zip(output.edges, output.edges[1:], output.counts, strict=False):
        left, right, top = plot.x(low), plot.x(high), plot.y(count)
        said = f"{number(low)} to {number(high)} {escape(output.unit)}: {count}"
        plot.lines.append(
            f'<rect x="{left + 0.5:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" '
            f'height="{HEIGHT - _BOTTOM - top:.1f}" fill="{COLOURS[0]}"><title>{said}</title></rect>'
        )
    return plot.svg()


def timeline(output: Timeline) -> str:
    """Draw a lane for each path, from the sensor to the actuator."""
    if not output.lanes:
        return '<p class="dim">no path has a delay</p>'
    spans = [span for lane in output.lanes for span in lane.spans]
    end = max([span.end_ms for span in spans] + [1e-6])
    begin = min([span.begin_ms for span in spans] + [0.0])
    labels = list(dict.fromkeys(span.label for span in spans))
    height = _LANE * len(output.lanes) + 34
    lines: list[str] = []

    def x(value: float) -> float:
        return 10 + (value - begin) / (end - begin) * (WIDTH - 30)

    for value in ticks(begin, end, most=6):
        lines.append(f'<line class="g" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="0" y2="{height - 30}"/>')
        lines.append(f'<text x="{x(value):.1f}" y="{height - 16}" text-anchor="middle">{number(value)}</text>')
    lines.append(f'<text x="{WIDTH / 2}" y="{height - 2}" text-anchor="middle">ms</text>')
    for i, lane in enumerate(output.lanes):
        top = i * _LANE
        lines.append(
            f'<text class="name" x="10" y="{top + 15}">{escape(lane.label)}<title>{escape(lane.note)}</title></text>'
        )
        for span in lane.spans:
            colour = COLOURS[labels.index(span.label) % len(COLOURS)]
            said = f"{escape(span.label)}: {number(span.begin_ms)} to {number(span.end_ms)} ms"
            width = max(1.5, x(span.end_ms) - x(span.begin_ms))
            lines.append(
                f'<rect x="{x(span.begin_ms):.1f}" y="{top + 21}" width="{width:.1f}" height="14" rx="2" '
                f'fill="{colour}"><title>{said}</title></rect>'
            )
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(lines)}</svg>' + legend(labels)
