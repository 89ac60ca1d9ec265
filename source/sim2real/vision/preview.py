"""One self-contained page that shows what a spec does to pictures: depth (clean, noisy, error), then colour.

The pictures are inside the file, so it can be mailed or attached to a report. ``write_preview`` asks only for arrays: a
renderer, a dataset or a recording of a real camera all look the same to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from sim2real.vision.colour_maps import (
    INVALID,
    NEAR_TO_FAR,
    NEARER_TO_FARTHER,
    colour_depth,
    colour_error,
    css_gradient,
    data_uri,
    seen,
)
from sim2real.vision.depth_model import LIMITS
from sim2real.vision.errors import VisionError
from sim2real.vision.preview_chart import draw_error_chart, error_by_distance
from sim2real.vision.preview_colour import ColourRow, make_colour_section
from sim2real.vision.preview_style import STYLE


@dataclass(frozen=True, kw_only=True)
class PreviewRow:
    """One frame of the page."""

    title: str
    """What frame this is."""
    noisy: np.ndarray
    """What the camera reports [m], 0 for nothing, ``(h, w)``."""
    clean: np.ndarray | None = None
    """What is there [m], or None where nobody knows (a stored dataset, a real camera)."""
    colour: np.ndarray | None = None
    """Colour, uint8 ``(h, w, 3)``, or None."""
    drawn: Mapping[str, float] = field(default_factory=dict)
    """The parameters that were drawn for this frame: name -> value in SI units."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else to say about the frame."""

    def __post_init__(self) -> None:
        for name, array, shape in (
            ("clean", self.clean, self.noisy.shape),
            ("colour", self.colour, (*self.noisy.shape, 3)),
        ):
            if array is not None and array.shape != shape:
                raise VisionError(f"{self.title}: {name} has shape {array.shape}; beside this depth it is {shape}.")


@dataclass(frozen=True, kw_only=True)
class RowStatistics:
    """What the noise did to one frame."""

    invalid: float
    """Fraction of pixels that report nothing [1]."""
    lost: float | None
    """Fraction of what is there that is not reported [1]; None without clean depth."""
    rmse_m: float | None
    """Root mean square error of what is reported, up to the far end of the scale [m]; None without clean depth."""
    median_error_m: float | None
    """Median absolute error, up to the far end of the scale [m]; None without clean depth."""


def measure_row(row: PreviewRow, far_m: float = float("inf")) -> RowStatistics:
    """Error and losses of a frame, over the pixels where they can be said."""
    reported = seen(row.noisy)
    invalid = float(1.0 - reported.mean())
    if row.clean is None:
        return RowStatistics(invalid=invalid, lost=None, rmse_m=None, median_error_m=None)
    there = seen(row.clean)
    both = there & reported & (row.clean <= far_m)
    error = row.noisy[both].astype(float) - row.clean[both]
    return RowStatistics(
        invalid=invalid,
        lost=float((there & ~reported).sum() / max(there.sum(), 1)),
        rmse_m=float(np.sqrt((error**2).mean())) if error.size else None,
        median_error_m=float(np.median(np.abs(error))) if error.size else None,
    )


def write_preview(
    path: str | os.PathLike[str],
    rows: Sequence[PreviewRow],
    title: str,
    *,
    lead: str = "",
    command: str = "",
    far_m: float = 4.0,
    noise_law: tuple[float, float] | None = None,
    colours: Sequence[ColourRow] = (),
    colour_note: str = "",
) -> Path:
    """Write the page.

    Args:
        path: the HTML file; missing folders are made.
        rows: the frames of depth; at least one, if there are no ``colours``.
        title: heading of the page.
        lead: a sentence or two below it.
        command: the command that makes this page again, shown in the footer.
        far_m: depth at the far end of the colour scale [m].
        noise_law: smallest and largest depth noise per squared depth [1/m], that is sigma / (f b): drawn as a band
            beside the measured errors.
        colours: pictures and what became of them.
        colour_note: a sentence or two below that heading.

    Returns:
        The path.

    Raises:
        VisionError: no rows.
    """
    if not rows and not colours:
        raise VisionError("the preview needs at least one frame; ask for --frames 1 or more.")
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(lead)}</p>' if lead else "",
        make_depth_section(rows, far_m, noise_law) if rows else "",
        make_colour_section(colours, colour_note) if colours else "",
        f"<footer>{f'<pre>{escape(command)}</pre>' if command else ''}</footer>",
    ]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise VisionError(f"cannot write the preview to {target}: {error.strerror}. Choose another --out.") from error
    return target


def make_depth_section(rows: Sequence[PreviewRow], far_m: float, noise_law: tuple[float, float] | None) -> str:
    """The frames of depth: their numbers, the chart of errors, the legends, and a row for each."""
    statistics = [measure_row(row, far_m) for row in rows]
    limit_m = error_limit(rows, far_m)
    has_truth = any(row.clean is not None for row in rows)
    legends = [make_legend("depth", css_gradient(NEAR_TO_FAR), ("0", f"{far_m / 2:g}", f"{far_m:g} m and more"))]
    if has_truth:
        ends = (f"{-limit_m * 1e3:g} mm, too near", "0", f"+{limit_m * 1e3:g} mm, too far")
        legends.append(make_legend("error", css_gradient(NEARER_TO_FARTHER), ends))
    legends.append(f'<div class="legend"><span class="swatch" style="background:{INVALID}"></span>no depth</div>')
    parts = [
        make_summary(rows, statistics, far_m),
        draw_error_chart(error_by_distance(rows, far_m), noise_law, far_m) if has_truth else "",
        f'<div class="legends">{"".join(legends)}</div>',
        *(make_row(row, stats, far_m, limit_m) for row, stats in zip(rows, statistics, strict=True)),
    ]
    return "".join(parts)


def error_limit(rows: Sequence[PreviewRow], far_m: float) -> float:
    """End of the error scale [m]: a round number that holds 90 % of the errors at up to ``far_m``."""
    errors = [np.zeros(0)]
    for row in rows:
        if row.clean is not None:
            both = seen(row.noisy) & seen(row.clean) & (row.clean <= far_m)
            errors.append(np.abs(row.noisy - row.clean)[both])
    pooled = np.concatenate(errors)
    wanted = float(np.quantile(pooled, 0.9)) if pooled.size else 0.0
    steps = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    return next((step for step in steps if step >= wanted), steps[-1])


def make_legend(name: str, gradient: str, marks: Sequence[str]) -> str:
    """A colour scale with its ends and middle written below."""
    texts = "".join(f"<span>{escape(mark)}</span>" for mark in marks)
    return (
        f'<div class="legend">{escape(name)}<div class="scale"><div class="bar" style="background:{gradient}"></div>'
        f'<div class="marks">{texts}</div></div></div>'
    )


def make_summary(rows: Sequence[PreviewRow], statistics: Sequence[RowStatistics], far_m: float) -> str:
    """The page's numbers in a line of cards: the medians over the frames."""
    height, width = rows[0].noisy.shape
    cards = [("frames", str(len(rows)), f"{width} x {height} px")]

    def median(values: Sequence[float | None], factor: float, form: str) -> str | None:
        known = [value for value in values if value is not None]
        return format(float(np.median(known)) * factor, form) if known else None

    for name, value, note in (
        ("error, RMS", median([s.rmse_m for s in statistics], 1e3, ".0f"), f"mm, up to {far_m:g} m"),
        ("error, median", median([s.median_error_m for s in statistics], 1e3, ".1f"), f"mm, up to {far_m:g} m"),
        ("lost", median([s.lost for s in statistics], 100.0, ".1f"), "% of what is there"),
        ("no depth", median([s.invalid for s in statistics], 100.0, ".1f"), "% of the pixels"),
    ):
        if value is not None:
            cards.append((name, value, note))
    inner = "".join(
        f'<div class="number"><div class="name">{escape(name)}</div><div class="value">{escape(value)}</div>'
        f'<div class="note">{escape(note)}</div></div>'
        for name, value, note in cards
    )
    return f'<div class="numbers">{inner}</div>'


def make_row(row: PreviewRow, statistics: RowStatistics, far_m: float, limit_m: float) -> str:
    """One frame: its pictures side by side, its numbers, what was drawn for it."""
    pictures = []
    if row.clean is not None:
        pictures.append(("clean", colour_depth(row.clean, far_m)))
    pictures.append(("noisy", colour_depth(row.noisy, far_m)))
    if row.clean is not None:
        pictures.append(("error", colour_error(row.noisy, row.clean, limit_m)))
    if row.colour is not None:
        pictures.append(("colour", row.colour))
    figures = "".join(
        f'<figure><img alt="{escape(row.title)}: {name}" src="{data_uri(picture)}">'
        f"<figcaption>{name}</figcaption></figure>"
        for name, picture in pictures
    )
    said = [f"no depth {statistics.invalid:.1%}"]
    if statistics.rmse_m is not None and statistics.lost is not None:
        said = [f"RMS error {statistics.rmse_m * 1e3:.0f} mm", f"lost {statistics.lost:.1%}", *said]
    said += [f"{name} {value}" for name, value in row.facts.items()]
    chips = "".join(
        f'<span class="chip">{escape(name)} <b>{escape(with_unit(name, value))}</b></span>'
        for name, value in row.drawn.items()
    )
    return (
        f'<section class="card"><h2>{escape(row.title)}<span class="said">{escape(" · ".join(said))}</span></h2>'
        f'<div class="pictures">{figures}</div>{f"<div class=chips>{chips}</div>" if chips else ""}</section>'
    )


def with_unit(name: str, value: float) -> str:
    """A drawn value with the unit that its field has; millimetres for small lengths."""
    unit = LIMITS[name][2] if name in LIMITS else ""
    if unit == "m" and abs(value) < 0.1:
        return f"{value * 1e3:.1f} mm"
    return f"{value:.3g}{'' if unit in ('', '1') else ' ' + unit}"
