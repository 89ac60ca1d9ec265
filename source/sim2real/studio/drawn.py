"""What the spec draws, for people: histograms over worlds, by the very streams that training draws from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim2real.draws import Draws
from sim2real.spec.distributions import Distribution
from sim2real.spec.units import find_unit, si_unit
from sim2real.spec.vision import DEPTH_FIELDS, IMAGE_FIELDS
from sim2real.spec.vision_stage import STAGE_FIELDS
from sim2real.studio import spec_fields
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Histogram, Output, Table

if TYPE_CHECKING:
    from sim2real.studio.document import SpecDocument

BINS = 40
"""Bins of a histogram; whole numbers and choices get one each, up to this many."""
SAMPLES = 8
"""Worlds whose numbers are shown one by one."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One uncertain number of a spec and the stream that it is drawn from."""

    label: str
    """What the panel calls it."""
    stream: str
    """Name of the stream, which is part of the random key."""
    dist: Distribution
    """What is drawn, SI."""
    unit: str
    """Unit that it is shown in."""
    factor: float
    """Shown value over the value in SI."""

    def sample(self, seed: int, worlds: int, episode: int = 0) -> np.ndarray:
        """Return the draws of worlds 0 to ``worlds`` - 1 in SI units, float32 ``(worlds, dim)``."""
        found = Draws(seed).sample(self.stream, self.dist, np.arange(worlds), episode)
        return found.reshape(worlds, self.dist.dim)


def drawn_of(document: SpecDocument, section: str) -> dict[str, Drawn]:
    """Return what acts of ``physics`` or ``visual`` by label."""
    from sim2real.signals.plan import stream_name

    spec = document.spec
    units = _units(document, section)
    found: list[Drawn] = []
    for name, term in spec.terms.items():
        if (term.target.partition(".")[0] in spec_fields.VISUAL) == (section == "visual"):
            found.append(_make(name, name, term.dist, units.get(f"{section}.terms.{name}"), term.unit))
    if section == "physics":
        for name, signal in spec.signals.items():
            for part in spec_fields.SIGNAL_PARTS:
                dist = getattr(signal, part)
                if dist is not None:
                    si = "s" if part in spec_fields.SECONDS else (signal.unit or "1")
                    mounted = part == "misalignment" and signal.mount is not None
                    stream = f"mount/{signal.mount}/{part}" if mounted else stream_name(name, part, signal.bus)
                    unit = units.get(f"physics.signals.{name}.{part}")
                    found.append(_make(f"{name}: {part.replace('_', ' ')}", stream, dist, unit, si))
    else:
        for kind, camera in spec.vision.items():
            for name, dist in camera.overrides.items():
                label = f"{name.replace('.', ': ') if kind == 'stage' else f'{kind}: {name}'}".replace("_", " ")
                stream, si = f"vision.{kind}.{name}", si_unit(_dimension(kind, name))
                found.append(_make(label, stream, dist, units.get(f"visual.{stream}"), si))
    return {drawn.label: drawn for drawn in found}


def show_fields(document: SpecDocument, section: str, counted: str) -> tuple[Field, Field]:
    """Return the fields that choose a section's histogram: whose draws, and how many.

    Args:
        document: the spec.
        section: key of the section.
        counted: what is counted, such as `Worlds`.
    """
    labels = tuple(drawn_of(document, section)) or ("nothing",)
    return (
        Field(
            key=f"{section}.show",
            label="Show draws of",
            help="Whose numbers the histogram shows: those that a training's worlds and a dataset's frames get.",
            kind="choice",
            choices=labels,
            default=labels[0],
        ),
        Field(
            key=f"{section}.worlds",
            label=counted,
            help=f"Of how many {counted.lower()} the histogram counts the draws.",
            kind="integer",
            low=1,
            high=65_536,
            step=1024,
            default=4096,
            advanced=True,
        ),
    )


def _dimension(kind: str, name: str) -> str:
    """What a field of the vision section measures; colours are ratios."""
    if kind == "stage":
        group, _, field = name.partition(".")
        return STAGE_FIELDS[group][field][0]
    limits = DEPTH_FIELDS if kind == "depth" else IMAGE_FIELDS[kind]
    return limits[name][0]


def _units(document: SpecDocument, section: str) -> dict[str, str]:
    """The unit that each quantity is written in, by the beginning of its fields' keys."""
    found: dict[str, str] = {}
    for field in spec_fields.fields_of(document, section):
        if field.unit:
            parts = field.key.split(".")
            for depth in (3, 4, 5):
                found.setdefault(".".join(parts[:depth]), field.unit)
    return found


def _make(label: str, stream: str, dist: Distribution, unit: str | None, si: str) -> Drawn:
    known = find_unit(unit) if unit else None
    if known is None:  # no unit, or one made of others: SI
        return Drawn(label=label, stream=stream, dist=dist, unit="" if si == "1" else si, factor=1.0)
    return Drawn(label=label, stream=stream, dist=dist, unit=known.name, factor=known.divisor / known.factor)


def show(drawn: Drawn, seed: int, worlds: int) -> list[Output]:
    """Return a histogram for each component, and the numbers of the first worlds."""
    values = drawn.sample(seed, worlds).astype(float) * drawn.factor
    axes = ("x", "y", "z") if drawn.dist.dim == 3 else tuple(str(i + 1) for i in range(drawn.dist.dim))
    labels = (drawn.label,) if drawn.dist.dim == 1 else tuple(f"{drawn.label} {axis}" for axis in axes)
    shown: list[Output] = [histogram(label, values[:, i], drawn.unit) for i, label in enumerate(labels)]
    unit = f" [{drawn.unit}]" if drawn.unit else ""
    rows = tuple((str(w), *(f"{v:.6g}" for v in values[w])) for w in range(min(SAMPLES, worlds)))
    columns = ("world", *(f"{label}{unit}" for label in labels))
    return [*shown, Table(title="The first worlds, first episode", columns=columns, rows=rows)]


def histogram(label: str, values: np.ndarray, unit: str) -> Histogram:
    """Return the histogram of values ``(n,)``; few different values get a bin each."""
    distinct = np.unique(values)
    if len(distinct) == 1:
        width = max(abs(distinct[0]) * 0.05, 1e-6)
        edges = np.array([distinct[0] - width, distinct[0] + width])
    elif len(distinct) <= BINS and len(values) > 4 * len(distinct):
        middles = 0.5 * (distinct[1:] + distinct[:-1])
        edges = np.concatenate([[2 * distinct[0] - middles[0]], middles, [2 * distinct[-1] - middles[-1]]])
    else:
        edges = np.linspace(distinct[0], distinct[-1], BINS + 1)
    counts, edges = np.histogram(values, edges)
    return Histogram(title=label, edges=tuple(float(v) for v in edges), counts=tuple(int(c) for c in counts), unit=unit)
