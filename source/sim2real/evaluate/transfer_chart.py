"""Robustness curves as SVG: success over one condition, a line and a band for each engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim2real.evaluate.intervals import wilson_interval
from sim2real.evaluate.report_parts import text
from sim2real.evaluate.transfer_plan import FACTORS, NOMINAL
from sim2real.evaluate.transfer_rollout import PlayedEpisode
from sim2real.evaluate.transfer_verdict import NAMES

COLOURS = {"newton": "#1f7fa8", "physx": "#d1772e", "mujoco": "#4c9a5b", "dart": "#8a5fb0"}
"""Of the lines."""
TITLES = {
    "latency_s": "Latency of the command [ms]",
    "friction": "Friction on the ground [1]",
    "mass": "Mass of every link, times nominal",
    "strength": "Strength of every motor, times nominal",
}
"""Of the charts."""

Points = list[tuple[float, float, float, float]]
"""Value, success rate, and its interval."""


def curve_points(episodes: Sequence[PlayedEpisode], factor: str) -> Points:
    """Success at each point of a curve, the nominal one among them, by value; empty without two points."""
    nominal = FACTORS[factor][0]
    found: dict[float, list[bool]] = {}
    for episode in episodes:
        name, _, value = episode.variant.partition("=")
        if episode.variant == NOMINAL:
            found.setdefault(nominal, []).append(episode.success)
        elif name == factor:
            found.setdefault(float(value), []).append(episode.success)
    if len(found) < 2:
        return []
    return [
        (value, sum(wins) / len(wins), *wilson_interval(sum(wins), len(wins))) for value, wins in sorted(found.items())
    ]


def robustness_chart(factor: str, curves: Mapping[str, Points]) -> str:
    """One chart; the range of drawn conditions is shaded, the nominal value dashed."""
    width, height, left, right, top, bottom = 540, 270, 52, 84, 14, 46
    scale = 1e3 if factor == "latency_s" else 1.0
    nominal, (low_drawn, high_drawn), _, _ = FACTORS[factor]
    values = [point[0] for points in curves.values() for point in points]
    first, last = min(values), max(values)

    def x_of(value: float) -> float:
        return left + (width - left - right) * (value - first) / (last - first)

    def y_of(rate: float) -> float:
        return top + (height - top - bottom) * (1.0 - rate)

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Success over {text(TITLES[factor])}">']
    a, b = x_of(max(low_drawn, first)), x_of(min(high_drawn, last))
    parts.append(
        f'<rect x="{a:.1f}" y="{top}" width="{b - a:.1f}" height="{y_of(0) - top:.1f}" fill="currentColor"'
        ' opacity="0.06"/>'
    )
    for tick in range(0, 101, 25):
        y = y_of(tick / 100)
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick} %</text>')
    x = x_of(nominal)
    parts.append(f'<path class="axis" stroke-dasharray="3 3" d="M{x:.1f} {top}V{y_of(0):.1f}"/>')
    free = -100.0
    for value in sorted(set(values)):
        if x_of(value) - free >= 30.0:
            free = x_of(value)
            label = f"{value * scale:g}"
            parts.append(
                f'<text class="soft" x="{free:.1f}" y="{y_of(0) + 18:.1f}" text-anchor="middle">{label}</text>'
            )
    parts.append(f'<text x="{left}" y="{height - 8}">{text(TITLES[factor])}</text>')
    label_y = -100.0
    for engine, points in sorted(curves.items(), key=lambda item: -item[1][-1][1]):
        colour = COLOURS.get(engine, "#888888")
        upper = " ".join(f"{x_of(v):.1f},{y_of(high):.1f}" for v, _, _, high in points)
        lower = " ".join(f"{x_of(v):.1f},{y_of(low):.1f}" for v, _, low, _ in reversed(points))
        parts.append(f'<polygon points="{upper} {lower}" fill="{colour}" opacity="0.14"/>')
        line = " ".join(f"{x_of(v):.1f},{y_of(rate):.1f}" for v, rate, _, _ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
        for v, rate, _, _ in points:
            parts.append(f'<circle cx="{x_of(v):.1f}" cy="{y_of(rate):.1f}" r="3.2" fill="{colour}"/>')
        label_y = max(y_of(points[-1][1]) + 4.0, label_y + 15.0)
        name = text(NAMES.get(engine, engine))
        parts.append(f'<text x="{width - right + 10}" y="{label_y:.1f}" style="fill:{colour}">{name}</text>')
    return "".join(parts) + "</svg>"
