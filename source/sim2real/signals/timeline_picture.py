"""A picture of a timeline: a lane for each path, with how its delays are spread.

On the left, time around one tick of the policy: before it how old what the policy reads is, behind it when the command
acts. On the right, on the same scale, how long it takes from what happens before the sensor to what the actuator does.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.signals.errors import SignalError

if TYPE_CHECKING:
    from sim2real.signals.timeline import Delays, TimedPath, Timeline

FORMATS = (".png", ".svg")
"""What a picture may be, by the end of its file's name."""
INK, MUTED, LINE, PAPER = "#1d2530", "#667180", "#dfe3e8", "#ffffff"
SENSOR, COMMAND, WHOLE = "#1f7fa8", "#d9822b", "#4a5568"
"""Colours of what comes before the policy, behind it, and of both."""
BUSES = ("#2a9d8f", "#8e5ea2", "#c8553d", "#5b7fbd", "#a68a2d", "#6b8e4e")
"""Colours of buses, in the order in which they appear."""
RIDGE = 0.7
"""Height of the highest ridge, in lanes."""
MOST_STEMS = 24
"""So many different delays are drawn one by one."""
LEAST_DENSITY = 0.008
"""Less than this share of the highest density is not drawn."""
MOST_TICKS = 120
"""More physics steps than this are left out."""
LEAST_SPAN = 0.5
"""What is shown of time on each side of the tick at least, in control steps."""


def write_timeline(path: str | Path, timeline: Timeline, title: str, command: str = "") -> Path:
    """Write the picture, and return where.

    Args:
        path: PNG or SVG file; folders are made.
        timeline: what to draw.
        title: what stands above it.
        command: what stands below it: how to make it again.

    Raises:
        SignalError: another kind of file, or matplotlib is not there.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise SignalError(f"{path}: a picture is a {' or '.join(FORMATS)} file; give such a name")
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise SignalError(
            "a picture needs matplotlib, which comes with the extra [lab]; run ./sim2real.sh setup"
        ) from None

    lanes = timeline.paths
    height = 1.75 + 0.62 * len(lanes)
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "svg.hashsalt": "timeline"}):
        figure = Figure(figsize=(11.5, height), dpi=130, facecolor=PAPER)
        FigureCanvasAgg(figure)
        before, behind, whole = _spans(timeline)
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=[before + behind, whole])
        figure.subplots_adjust(left=0.2, right=0.885, bottom=0.72 / height, top=1.0 - 0.92 / height, wspace=0.075)
        _draw_axes(left, timeline, -before, behind)
        _draw_axes(right, timeline, 0.0, whole)
        colours = _bus_colours(lanes)
        for y, lane in zip(range(len(lanes) - 1, -1, -1), lanes, strict=True):
            _draw_lane(left, right, lane, y, colours)
        _draw_buses(left, [lane.sensor_bus for lane in lanes], colours, -0.012, 0.01)
        _draw_buses(left, [lane.command_bus for lane in lanes], colours, 1.012, -0.01)
        left.axvline(0.0, color=INK, linewidth=1.6, zorder=5)
        _write_words(figure, left, right, timeline, title, command, height)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    return path


def _spans(timeline: Timeline) -> tuple[float, float, float]:
    """Milliseconds before and behind the policy's tick, and of the whole way."""
    least = LEAST_SPAN / timeline.rates.control_hz

    def longest(parts: list[Delays]) -> float:
        found = [part.quantile(0.999) or 0.0 for part in parts]
        return 1e3 * 1.06 * max(least, *found)

    paths = timeline.paths
    return (
        longest([path.age for path in paths]),
        longest([path.stages["command"] for path in paths]),
        longest([path.end_to_end for path in paths]),
    )


def _draw_axes(axes: Any, timeline: Timeline, low: float, high: float) -> None:
    """Control and physics ticks."""
    rates = timeline.rates
    for hz, colour, width in ((rates.physics_hz, LINE, 0.6), (rates.control_hz, "#aeb6c1", 1.0)):
        step = 1e3 / hz
        ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
        if len(ticks) <= MOST_TICKS:
            for tick in ticks:
                axes.axvline(tick, color=colour, linewidth=width, zorder=0)
    axes.set_xlim(low, high)
    axes.set_ylim(-0.35, len(timeline.paths) - 0.05)
    axes.set_yticks([])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#aeb6c1")
    axes.tick_params(axis="x", colors=MUTED, length=3, labelsize=8)


def _draw_lane(left: Any, right: Any, lane: TimedPath, y: int, colours: dict[str | None, str]) -> None:
    """One path."""
    for axes in (left, right):
        axes.axhline(y, color="#c3cad3", linewidth=0.8, zorder=1)
    _draw_ridge(left, -1e3 * lane.age.seconds, y, SENSOR)
    _draw_ridge(left, 1e3 * lane.stages["command"].seconds, y, COMMAND)
    _draw_ridge(right, 1e3 * lane.end_to_end.seconds, y, WHOLE)
    facts = []
    if lane.sensor_bus:
        facts.append(f"bus {lane.sensor_bus}")
    if lane.period is not None:
        facts.append(f"every {_said(lane.period)}")
    if lane.sensor is not None and lane.lost[0] > 0.0:
        facts.append(f"{100 * lane.lost[0]:.2g} % lost")
    name, hue = left.get_yaxis_transform(), colours[lane.sensor_bus]
    left.text(-0.03, y + 0.32, lane.name, transform=name, ha="right", va="center", color=INK, fontweight="bold")
    left.text(-0.03, y + 0.04, ", ".join(facts), transform=name, ha="right", va="center", color=hue, fontsize=7.5)
    middle, most = lane.end_to_end.quantile(0.5), lane.end_to_end.quantile(0.95)
    place = right.get_yaxis_transform()
    right.text(1.02, y + 0.32, _said(middle), transform=place, va="center", color=INK, fontweight="bold")
    right.text(1.02, y + 0.04, f"95 % in {_said(most)}", transform=place, va="center", color=MUTED, fontsize=7.5)


def _draw_ridge(axes: Any, ms: np.ndarray, y: int, colour: str) -> None:
    """The density of a delay, its median and what 95 % stay within."""
    ms = ms[np.isfinite(ms)]
    if not len(ms):
        return
    low, high = axes.get_xlim()
    sign = -1.0 if ms.mean() < 0.0 else 1.0
    values, counts = np.unique(np.round(ms, 3), return_counts=True)
    if len(values) <= MOST_STEMS:
        for x, share in zip(values, counts / counts.max(), strict=True):
            tall = RIDGE * share if abs(x) > 1e-3 * (high - low) or len(values) > 1 else 0.0
            axes.plot([x, x], [y, y + tall], color=colour, linewidth=2.2, zorder=6, solid_capstyle="round")
    else:
        x, density = _density(ms, low, high)
        axes.fill_between(x, y, y + RIDGE * density, color=colour, alpha=0.28, linewidth=0, zorder=3)
        axes.plot(x, y + RIDGE * density, color=colour, linewidth=1.1, zorder=4)
        most = sign * np.quantile(sign * ms, 0.95)
        axes.plot([most, most], [y, y + 0.22], color=colour, linewidth=1.6, zorder=6)
    middle = float(np.median(ms))
    axes.plot([middle], [y], "o", color=colour, markersize=5.5, markeredgecolor=PAPER, markeredgewidth=0.9, zorder=7)


def _density(ms: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """A density on the axis, 1 at its highest, smoothed over what the eye can tell, and no farther than the data."""
    bins = 1500
    edges = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(ms, edges)
    width = max(4.0, 0.05 * np.ptp(np.quantile(ms, [0.02, 0.98])) / (high - low) * bins)
    reach = int(4 * width)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    first, last = (np.searchsorted(edges, bound) - 1 for bound in np.quantile(ms, [0.0005, 0.9995]))
    first, last = max(int(first), 0), min(int(last), bins - 1)
    # What smoothing carries over the ends is folded back, so that a uniform delay keeps its edges.
    part = counts[first : last + 1].astype(float)
    mirrored = np.concatenate([part[::-1], part, part[::-1]])
    smooth = np.convolve(mirrored, kernel / kernel.sum(), mode="same")[len(part) : 2 * len(part)]
    density = np.zeros(bins)
    density[first : last + 1] = smooth / smooth.max()
    middle = 0.5 * (edges[:-1] + edges[1:])
    density[density < LEAST_DENSITY] = np.nan  # a tail that lies on the lane's line would look like a range
    shown = slice(max(first - 1, 0), last + 2)
    for edge, beside in ((first - 1, first), (last + 1, last)):
        if 0 <= edge < bins and np.isfinite(density[beside]):
            density[edge] = 0.0
    return middle[shown], density[shown]


def _bus_colours(lanes: tuple[TimedPath, ...]) -> dict[str | None, str]:
    buses = dict.fromkeys(bus for lane in lanes for bus in (lane.sensor_bus, lane.command_bus) if bus)
    return {None: MUTED, **{bus: BUSES[i % len(BUSES)] for i, bus in enumerate(buses)}}


def _draw_buses(axes: Any, buses: list[str | None], colours: dict[str | None, str], x: float, tick: float) -> None:
    """Brackets beside the lanes that share a bus."""
    place, number = axes.get_yaxis_transform(), 0
    for bus, some in groupby(buses):
        count = len(list(some))
        top, bottom = len(buses) - 1 - number, len(buses) - number - count
        number += count
        if bus is not None:
            axes.plot(
                [x + tick, x, x, x + tick], [top + 0.62, top + 0.62, bottom - 0.12, bottom - 0.12], transform=place,
                color=colours[bus], linewidth=2.2, clip_on=False, solid_joinstyle="miter", solid_capstyle="butt",
            )  # fmt: skip


def _write_words(
    figure: Any, left: Any, right: Any, timeline: Timeline, title: str, command: str, height: float
) -> None:
    """Titles, what the colours mean, and how to make the picture again."""
    rates, inch = timeline.rates, 1.0 / height
    figure.text(0.02, 1.0 - 0.26 * inch, title, fontsize=13, fontweight="bold", color=INK, va="center")
    said = {"task": "the task's", "spec": "the spec's", "assumed": "assumed"}[rates.source]
    rate = f"policy {rates.control_hz:g} Hz, physics {rates.physics_hz:g} Hz ({said})"
    figure.text(0.98, 1.0 - 0.26 * inch, rate, fontsize=8.5, color=MUTED, va="center", ha="right")
    above = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "fontsize": 8.5, "va": "bottom"}
    aside = {**above, "xycoords": "axes fraction"}
    left.annotate("what the policy reads is so old", (0.0, 1.0), xytext=(-8, 6), ha="right", color=SENSOR, **above)
    left.annotate("the command acts", (0.0, 1.0), xytext=(8, 6), ha="left", color=COMMAND, **above)
    left.annotate("policy", (0.0, 1.0), xytext=(0, 18), ha="center", color=INK, **above)
    right.annotate("from sensor to actuator", (1.0, 1.0), xytext=(0, 6), ha="right", color=WHOLE, **aside)
    left.set_xlabel("ms from the policy's tick", color=MUTED, fontsize=8.5)
    right.set_xlabel("ms from what happens, the wait for the policy's tick included", color=MUTED, fontsize=8.5)
    figure.text(0.02, 0.17 * inch, command, fontsize=7.5, color=MUTED, va="center", family="DejaVu Sans Mono")
    legend = "dot: median    mark: 95 %    lines: control and physics steps"
    figure.text(0.98, 0.17 * inch, legend, fontsize=7.5, color=MUTED, va="center", ha="right")


def _said(seconds: float | None) -> str:
    """A time in words."""
    return "never" if seconds is None else f"{1e3 * seconds:.3g} ms"
