"""The chart of the preview page: how far off depth is at which distance, beside what the noise law says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim2real.vision.colour_maps import seen

if TYPE_CHECKING:
    from sim2real.vision.preview import PreviewRow

BINS = 16
LEAST_PIXELS = 50
WIDTH, HEIGHT = 860, 250
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 44


@dataclass(frozen=True, kw_only=True)
class ErrorBin:
    """The errors between two distances."""

    distance_m: float
    """Middle of the bin [m]."""
    spread_m: float
    """Half the width that holds the central 68 % of the signed errors [m]: the standard deviation of a normal one."""
    pixels: int
    """Number of pixels."""


def error_by_distance(rows: Sequence[PreviewRow], far_m: float) -> list[ErrorBin]:
    """The spread of the error in bins of true distance; bins with fewer than 50 pixels are left out.

    Each frame's median relative error is taken off first: a calibration error is the same over the whole picture.
    """
    distances, errors = [np.zeros(0)], [np.zeros(0)]
    for row in rows:
        if row.clean is None:
            continue
        both = seen(row.clean) & seen(row.noisy)
        if not both.any():
            continue
        clean, noisy = row.clean[both].astype(float), row.noisy[both].astype(float)
        distances.append(clean)
        errors.append(noisy / np.median(noisy / clean) - clean)
    distance, error = np.concatenate(distances), np.concatenate(errors)
    bins = []
    edges = np.linspace(0.0, far_m, BINS + 1)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = error[(distance >= low) & (distance < high)]
        if inside.size >= LEAST_PIXELS:
            below, above = np.quantile(inside, [0.16, 0.84])
            bins.append(
                ErrorBin(distance_m=float(low + high) / 2, spread_m=float(above - below) / 2, pixels=int(inside.size))
            )
    return bins


def draw_error_chart(bins: Sequence[ErrorBin], noise_law: tuple[float, float] | None, far_m: float) -> str:
    """The chart as a figure with inline SVG; nothing when no bin has enough pixels."""
    if not bins:
        return ""
    top_m = max(b.spread_m for b in bins)
    if noise_law is not None:
        top_m = max(top_m, noise_law[1] * far_m**2)
    step = next(s for s in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1e9) if top_m / s <= 5)
    limit = max(step * np.ceil(top_m / step), 1e-6)

    def px(distance: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * distance / far_m

    def py(error: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(error / limit, 1.0)

    parts = []
    for k in range(int(round(limit / step)) + 1):
        y = py(k * step)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="soft" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{k * step * 1e3:g}</text>')
    for k in range(5):
        x = px(far_m * k / 4)
        parts.append(
            f'<text class="soft" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{far_m * k / 4:g}</text>'
        )
    if noise_law is not None:
        z = np.linspace(0.0, far_m, 41)
        upper = [f"{px(d):.1f},{py(noise_law[1] * d * d):.1f}" for d in z]
        lower = [f"{px(d):.1f},{py(noise_law[0] * d * d):.1f}" for d in z[::-1]]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    points = " ".join(f"{px(b.distance_m):.1f},{py(b.spread_m):.1f}" for b in bins)
    parts.append(f'<polyline class="curve" points="{points}"/>')
    parts += [
        f'<circle class="dot" cx="{px(b.distance_m):.1f}" cy="{py(b.spread_m):.1f}" r="3.5">'
        f"<title>{b.distance_m:.2f} m: {b.spread_m * 1e3:.1f} mm, {b.pixels} pixels</title></circle>"
        for b in bins
    ]
    parts.append(
        f'<text class="soft" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
        "true distance, m</text>"
    )
    said = "Spread of the error in these frames (half the central 68 %, calibration error taken off), mm"
    band = '<span class="key band"></span>noise law z² σ / (f b) over what the spec can draw' if noise_law else ""
    return (
        f'<section class="card chart"><h2>{said}</h2>'
        f'<p class="keys"><span class="key dot"></span>measured{band}</p>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">{"".join(parts)}</svg></section>'
    )
