"""The pieces a report page is put together from: escaped text, numbers, tables, pictures and inline SVG charts."""

from __future__ import annotations

import base64
import io
import math
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.evaluate.verdict import percent, percent_range

if TYPE_CHECKING:
    from PIL import Image

NOT_RUN = "not run"
"""What stands where a number would, if nothing was measured."""


def text(value: Any) -> str:
    """Escape a value for HTML, quotes included; None becomes "not run"."""
    return escape(NOT_RUN if value is None else str(value), quote=True).replace(" %", "\u00a0%")


def number(value: Any, digits: int = 1, unit: str = "") -> str:
    """Write a number with thousands separated by thin spaces; None and NaN become "not run"."""
    if value is None or (isinstance(value, float) and value != value):
        return NOT_RUN
    if isinstance(value, (bool, str)):
        return str(value)
    small = value != 0 and abs(value) < 10.0**-digits
    if isinstance(value, int):
        written = f"{value:,}".replace(",", "\u2009")
    elif small:
        written = f"{value:.2g}"
    else:
        written = f"{value:,.{digits}f}".replace(",", "\u2009")
    return f"{written.replace('-', chr(0x2212), 1) if written.startswith('-') else written}{unit and ' ' + unit}"


def duration(seconds: float | None) -> str:
    """Write a time the way people say it."""
    if seconds is None:
        return NOT_RUN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def card(name: str, value: str, note: str = "") -> str:
    """One number with its name; all three are escaped."""
    shade = " none" if value == NOT_RUN else ""
    return (
        f'<div class="card number"><div class="name">{text(name)}</div><div class="value{shade}">{text(value)}</div>'
        f'<div class="note">{text(note)}</div></div>'
    )


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """A table of names and values."""
    cells = (
        f"<tr><td>{text(name)}</td><td{' class=none' if value == NOT_RUN else ''}>{text(value)}</td></tr>"
        for name, value in rows
    )
    return f'<table class="facts"><tbody>{"".join(cells)}</tbody></table>'


def rest_of(data: Mapping[str, Any], shown: Sequence[str]) -> list[tuple[str, str]]:
    """The plain entries of a mapping that no other row shows, with readable names."""
    rows = []
    for key, value in data.items():
        if key in shown or isinstance(value, (Mapping, list, tuple)):
            continue
        rows.append((key.replace("_", " "), number(value, 3) if not isinstance(value, str) else value))
    return rows


def figure(
    image: Image.Image | bytes | str | os.PathLike[str], title: str, caption: str = "", small: bool = False
) -> str:
    """A picture inside the page."""
    note = f"<figcaption><strong>{text(title)}</strong>{'. ' + text(caption) if caption else ''}</figcaption>"
    shape = ' class="small"' if small else ""
    return f'<figure{shape}><img alt="{text(title)}" src="{data_uri(image)}">{note}</figure>'


def data_uri(image: Image.Image | bytes | str | os.PathLike[str]) -> str:
    """Return a picture as a data URI; Pillow images become PNG.

    Raises:
        ValueError: the bytes are neither a PNG nor a JPEG file.
    """
    if isinstance(image, (str, os.PathLike)):
        content = Path(image).read_bytes()
    elif isinstance(image, (bytes, bytearray)):
        content = bytes(image)
    else:
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", optimize=True)
        content = buffer.getvalue()
    if content.startswith(b"\x89PNG"):
        kind = "png"
    elif content.startswith(b"\xff\xd8"):
        kind = "jpeg"
    else:
        raise ValueError(f"a picture starts with {content[:8]!r}; allowed: PNG and JPEG files, and Pillow images")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def rate_chart(rows: Sequence[tuple[str, str, float | None, tuple[float, float] | None, int]]) -> str:
    """Bars of success rates with 95 % intervals.

    Args:
        rows: Name, style class (``ours``, ``ours2``, ``base``), rate, interval, number of episodes; a rate of None is
            written as "not run".
    """
    left, right, top, step = 170, 250, 8, 44
    width, height = 1120, top + step * len(rows) + 34
    span = width - left - right
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Success rates with 95 % intervals">']
    bottom = top + step * len(rows)
    for tick in range(0, 101, 20):
        x = left + span * tick / 100
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text class="soft" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick} %</text>')
    for index, (name, style, rate, interval, episodes) in enumerate(rows):
        y = top + step * index + step / 2
        parts.append(f'<text x="{left - 14}" y="{y + 4.5:.1f}" text-anchor="end">{text(name)}</text>')
        end = left + span + 16
        if rate is None:
            parts.append(f'<text class="soft" x="{left + 10}" y="{y + 4.5:.1f}">{NOT_RUN}</text>')
            continue
        long = max(span * rate, 1.5)
        parts.append(f'<rect class="{style}" x="{left}" y="{y - 12:.1f}" width="{long:.1f}" height="24" rx="3"/>')
        label = f'<tspan class="strong">{text(percent(rate))}</tspan> of {episodes}'
        if interval:
            low, high = (left + span * value for value in interval)
            parts.append(
                f'<path class="whisker" fill="none" d="M{low:.1f} {y - 6:.1f}V{y + 6:.1f}M{low:.1f} {y:.1f}H{high:.1f}'
                f'M{high:.1f} {y - 6:.1f}V{y + 6:.1f}"/>'
            )
            label += f'<tspan class="soft">  ({text(percent_range(*interval))})</tspan>'
        parts.append(f'<text x="{end}" y="{y + 4.5:.1f}">{label}</text>')
    parts.append(f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{bottom}"/></svg>')
    return "".join(parts)


def curve_chart(series: Sequence[tuple[str, Sequence[tuple[float, float]]]], unit: str, share: bool = False) -> str:
    """A line chart of at most two series over the epochs, labelled at their ends.

    Args:
        series: Name and (epoch, value) points.
        unit: What the y axis shows.
        share: Whether the values are shares, shown in percent and never above 100 %.
    """
    width, height, left, right, top, bottom = 540, 240, 56, 104, 26, 34
    values = [value for _, points in series for _, value in points]
    epochs = [epoch for _, points in series for epoch, _ in points]
    low, high = min(values), max(values)
    pad = (high - low) * 0.08 or max(abs(high) * 0.1, 0.01)
    low, high = (max(0.0, low - pad), min(1.0, high + pad) if share else high + pad)
    first, last = min(epochs), max(epochs)

    def place(epoch: float, value: float) -> tuple[float, float]:
        across = (epoch - first) / (last - first) if last > first else 0.5
        return left + (width - left - right) * across, top + (height - top - bottom) * (high - value) / (high - low)

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text(unit)} over the epochs">']
    parts.append(f'<text class="soft" x="{left}" y="14">{text(unit)}</text>')
    for value in _ticks(low, high):
        _, y = place(first, value)
        label = f"{100 * value:.10g} %" if share else f"{value:.10g}"
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for epoch in sorted({first, (first + last) // 2, last}):
        x, _ = place(epoch, low)
        parts.append(f'<text class="soft" x="{x:.1f}" y="{height - 12}" text-anchor="middle">{epoch:g}</text>')
    free = 0.0
    for index, (name, points) in sorted(enumerate(series, start=1), key=lambda one: -one[1][1][-1][1]):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        x, y = place(*points[-1])
        label_y = max(y + 4, free)  # two curves that end together keep their names apart
        free = label_y + 15
        parts.append(f'<polyline class="curve c{index}" points="{line}"/>')
        parts.append(f'<circle class="d{index}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        parts.append(f'<text x="{x + 10:.1f}" y="{label_y:.1f}">{text(name)}</text>')
    return "".join(parts) + "</svg>"


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers inside an interval."""
    rough = (high - low) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough)
    return [round(index * step, 12) for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def confusion_table(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """A confusion matrix: rows are the truth, cells are shaded by their share of the row."""
    head = "".join(f"<th>{text(name)}</th>" for name in classes)
    rows = []
    for name, row in zip(classes, counts, strict=True):
        total = sum(row)
        cells = []
        for count in row:
            share = count / total if total else 0.0
            deep = " deep" if share > 0.55 else ""
            note = f"{100 * share:.1f} %" if total else "none"
            cells.append(f'<td class="cell{deep}" style="background:{heat(share)}">{number(count)}<br>{note}</td>')
        rows.append(f"<tr><th>{text(name)}</th>{''.join(cells)}</tr>")
    return (
        f'<table class="heat"><thead><tr><th>truth \\ answer</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def heat(share: float) -> str:
    """Return a colour between pale and deep blue for a share from 0 to 1."""
    pale, deep = (226, 238, 244), (23, 95, 128)
    share = min(1.0, max(0.0, share))
    return "#{:02x}{:02x}{:02x}".format(*(round(a + (b - a) * share) for a, b in zip(pale, deep, strict=True)))
