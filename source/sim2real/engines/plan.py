"""What will be written before anything runs: term by term, in words for people and as data for machines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sim2real.engines.ops import DRAWN_AROUND, quantities_of
from sim2real.engines.quantities import QUANTITIES
from sim2real.spec.distributions import Distribution
from sim2real.spec.writing import plain_distribution

if TYPE_CHECKING:
    from sim2real.engines.randomizer import Randomizer
    from sim2real.engines.resolve import Resolved
    from sim2real.spec.terms import Term

Range = tuple[float, float]
Ranges = tuple[str, tuple[Range, ...], tuple[Range, ...]]
_NO_RANGES: Ranges = ("", (), ())
NAMES_SHOWN = 4
"""The table shows so many element names; the data hold all of them."""


@dataclass(frozen=True, kw_only=True)
class PlanEntry:
    """What becomes of one term."""

    term: str
    """Its name."""
    target: str
    """What it changes."""
    asset: str
    """Pattern of the asset's name."""
    elements: tuple[str, ...]
    """`asset/name` of each selected element; empty where there is a single one that no engine lists."""
    op: str
    """`set`, `scale` or `add`."""
    dist: str
    """What is drawn, SI."""
    unit: str
    """SI unit of the draw."""
    when: str
    """When it is drawn."""
    each: str
    """Who has a draw of its own."""
    draws: int
    """How many draws a world takes."""
    applied: str
    """`engine`, `caller` (drawn here, applied by the caller), `skipped` or `elsewhere`."""
    where: str
    """Where it is written."""
    device: str
    """On which device that lies."""
    note: str
    """An approximation with its bound, a cost, or why it is left out."""
    quantity: str
    """What the ranges below are of, with its unit; empty where there are none."""
    nominal: tuple[Range, ...]
    """Smallest and largest value of each component before, over worlds and elements."""
    effective: tuple[Range, ...]
    """The same with every term of the spec; for friction, of the pair."""
    provenance: str
    """Where the range comes from."""


@dataclass(frozen=True, kw_only=True)
class PairEntry:
    """The friction of a randomized shape against its counterparts."""

    shape: str
    """`asset/name`."""
    against: tuple[str, ...]
    """`asset/name` of its counterparts."""
    rule: str
    """How a pair's friction is made of its shapes'."""
    effective: Range
    """Friction of the pair, smallest and largest."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a spec will do on an engine."""

    engine: str
    """The engine's name."""
    digest: str
    """The spec's."""
    num_worlds: int
    """Worlds of this process."""
    entries: tuple[PlanEntry, ...]
    """By term."""
    pairs: tuple[PairEntry, ...]
    """By shape."""

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data; an infinite end of a range is None."""
        return _finite(asdict(self))

    def to_text(self) -> str:
        """Return the plan as a table."""
        head = f"spec {self.digest[:12]} on {self.engine}, {self.num_worlds} worlds"
        titles = ("term", "target", "what", "op", "draw", "when, each", "before", "after", "where")
        rows = [titles, *(_row(entry) for entry in self.entries)]
        lines = [head, "", *_table(rows)]
        notes = [f"  {entry.term}: {entry.note}" for entry in self.entries if entry.note]
        if notes:
            lines += ["", "notes", *notes]
        if self.pairs:
            lines += ["", "friction of pairs", *_pair_lines(self.pairs)]
        return "\n".join(lines)


def make_plan(randomizer: Randomizer) -> Plan:
    """Return the plan of a randomizer."""
    chosen = randomizer.chosen
    by = {resolved.name: "engine" for resolved in (*chosen.properties, *chosen.pushes)}
    by |= {resolved.name: "caller" for resolved in chosen.handed} | dict.fromkeys(chosen.skipped, "skipped")
    by |= dict.fromkeys(chosen.elsewhere, "elsewhere")
    reasons = {**chosen.skipped, **chosen.elsewhere}
    entries = [
        _entry(randomizer, name, term, by[name], reasons.get(name, "")) for name, term in randomizer.spec.terms.items()
    ]
    return Plan(
        engine=randomizer.engine.name,
        digest=randomizer.spec.digest,
        num_worlds=randomizer.num_worlds,
        entries=tuple(entries),
        pairs=_pairs(randomizer),
    )


def _entry(randomizer: Randomizer, name: str, term: Term, applied: str, reason: str) -> PlanEntry:
    resolved = randomizer.terms.get(name)
    support = randomizer.chosen.support.get(name)
    quantity, nominal, effective = _NO_RANGES
    if resolved is not None and applied == "engine":
        quantity, nominal, effective = _ranges(randomizer, resolved)
    return PlanEntry(
        term=name,
        target=term.target,
        asset=term.asset,
        elements=_element_names(randomizer, resolved),
        op=term.op,
        dist=said(term.dist),
        unit=term.unit,
        when=_when(term),
        each=term.each,
        draws=resolved.count if resolved is not None else 0,
        applied=applied,
        where=support.where if support is not None else "",
        device=support.device if support is not None else "",
        note=reason or (support.note if support is not None else ""),
        quantity=quantity,
        nominal=nominal,
        effective=effective,
        provenance=term.provenance,
    )


def _element_names(randomizer: Randomizer, resolved: Resolved | None) -> tuple[str, ...]:
    if resolved is None or resolved.kind in ("world", "scene"):
        return ()
    every = randomizer.engine.elements.of(resolved.kind)
    return tuple(f"{every[i].asset}/{every[i].name}" for i in resolved.elements)


def _ranges(randomizer: Randomizer, resolved: Resolved) -> Ranges:
    """Return what a term's ranges are of, and the ranges before and after."""
    names = quantities_of(resolved)
    if not names or names[0] == "body_inertia" or resolved.term.target in DRAWN_AROUND:
        return _NO_RANGES
    name = names[0]
    parts = range(1 if name == "gravity" else QUANTITIES[name].width)
    before = [[randomizer.nominal_range(name, element, i) for element in resolved.elements] for i in parts]
    after = [[randomizer.ranges[name, element, i] for element in resolved.elements] for i in parts]
    return QUANTITIES[name].meaning, tuple(map(_hull, before)), tuple(map(_hull, after))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _hull(ranges: Sequence[Range]) -> Range:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _pairs(randomizer: Randomizer) -> tuple[PairEntry, ...]:
    shapes = randomizer.engine.elements.shape
    label = [f"{shape.asset}/{shape.name}" for shape in shapes]
    return tuple(
        PairEntry(
            shape=label[element],
            against=tuple(label[other] for other in sorted(others)),
            rule=randomizer.engine.friction_combine,
            effective=randomizer.pair_ranges[element],
        )
        for element, others in sorted(randomizer.pairs.counterparts.items())
    )


def said(dist: Distribution) -> str:
    """Return a distribution in one line, as a spec says it."""
    ((kind, parts),) = plain_distribution(dist).items()
    return _flow(parts) if kind == "constant" else f"{kind} {_flow(parts)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        shown = [_flow(entry) for entry in value[:8]] + [f"... {len(value)} in all"] * (len(value) > 8)
        return "[" + ", ".join(shown) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _when(term: Term) -> str:
    if term.interval_s is None:
        text = term.when
    else:
        low, high = term.interval_s
        text = f"every {low:g} s" if low == high else f"every {low:g} to {high:g} s"
    return text if term.duration_s is None else f"{text}, for {term.duration_s:g} s"


def _row(entry: PlanEntry) -> tuple[str, ...]:
    names = [name.partition("/")[2] for name in entry.elements]
    more = len(names) - NAMES_SHOWN
    what = ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    unit = "" if entry.unit == "1" else f" {entry.unit}"
    place = entry.where if entry.applied == "engine" else f"{entry.applied}: {entry.where}".rstrip(": ")
    return (
        entry.term,
        entry.target,
        what or entry.asset if entry.target.partition(".")[0] != "world" else "world",
        entry.op,
        entry.dist + unit,
        f"{entry.when}, {entry.each}",
        _spans(entry.nominal),
        _spans(entry.effective),
        f"{place} ({entry.device})" if entry.device else place,
    )


def _spans(ranges: Sequence[Range]) -> str:
    spans = [f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}" for low, high in ranges]
    return " | ".join(dict.fromkeys(spans))


def _pair_lines(pairs: Iterable[PairEntry]) -> list[str]:
    rows = [("shape", "against", "rule", "friction")]
    rows += [(pair.shape, ", ".join(pair.against) or "nothing", pair.rule, _spans((pair.effective,))) for pair in pairs]
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
