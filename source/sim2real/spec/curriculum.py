"""The curriculum section: ranges that grow with success (automatic domain randomization), or stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim2real.spec.distributions import LogUniform, Uniform, Vector
from sim2real.spec.errors import did_you_mean, listing
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node
from sim2real.spec.quantities import parse_kind, to_si
from sim2real.spec.terms import Term
from sim2real.spec.units import find_unit

MOST_ITERATIONS = 10**9
_MOVING = ("reset", "interval", "step")


@dataclass(frozen=True, kw_only=True)
class AdrRange:
    """Where one term's range starts; its outermost bounds are those of the term's distribution."""

    start_low: Vector
    """Lower bound at the start, one number for each component, SI."""
    start_high: Vector
    """Upper bound at the start."""


@dataclass(frozen=True, kw_only=True)
class AdrSpec:
    """Automatic domain randomization: a range grows while the policy succeeds at its boundary and shrinks when not."""

    metric: str = "success"
    """What is measured at the boundary, a rate in [0, 1]."""
    grow: float = 0.75
    """At this rate or above, the range grows."""
    shrink: float = 0.4
    """At this rate or below, the range shrinks; below ``grow``."""
    step: float = 0.1
    """How much, as a fraction of the declared range."""
    episodes: int = 64
    """A bound is judged after so many episodes at it."""
    terms: FrozenDict[str, AdrRange] = field(default_factory=FrozenDict)
    """The terms whose ranges move, by name. A file that names none means all uniform and log_uniform terms that are
    drawn at reset, each starting at its nominal value; the loader writes them down here."""


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """One stage of a curriculum."""

    name: str
    """For people, and in logs."""
    iterations: int
    """How long it lasts [training iterations]; the last stage stays."""
    range: float
    """How far the ranges of terms drawn at reset are open about their nominal values: 0 not at all, 1 as declared."""


@dataclass(frozen=True, kw_only=True)
class CurriculumSpec:
    """How the ranges change during training; None and empty mean: they do not."""

    adr: AdrSpec | None = None
    """Automatic domain randomization."""
    stages: tuple[StageSpec, ...] = ()
    """Stages, in order."""


def parse_curriculum(
    node: Node, terms: Mapping[str, Term] | None = None, term_nodes: Mapping[str, Node] | None = None
) -> CurriculumSpec:
    """Return the curriculum section, or raise SpecError.

    Args:
        node: the section.
        terms: the spec's terms; None when they could not be read, which is told elsewhere.
        term_nodes: where they stand, for the unit that each was written in.
    """
    found = node.fields("a mapping with 'adr' or 'stages'")
    node.only(found, ("adr", "stages"))
    if "adr" in found and "stages" in found:
        raise found["stages"].fault("'adr' moves the ranges already; keep one of them")
    return CurriculumSpec(
        adr=_parse_adr(found["adr"], terms, term_nodes or {}) if "adr" in found else None,
        stages=_parse_stages(found["stages"]) if "stages" in found else (),
    )


def _parse_adr(node: Node, terms: Mapping[str, Term] | None, term_nodes: Mapping[str, Node]) -> AdrSpec:
    found = node.fields("a mapping such as {metric: success, grow: 0.75, shrink: 0.4, step: 0.1}")
    node.only(found, ("metric", "grow", "shrink", "step", "episodes", "terms"))
    values: dict[str, float] = {}
    for name in ("grow", "shrink", "step"):
        if name in found:
            values[name] = found[name].number("a number from 0 to 1")
            if not 0.0 <= values[name] <= 1.0 or (name == "step" and values[name] == 0.0):
                allowed = "above 0, up to 1" if name == "step" else "from 0 to 1"
                raise found[name].fault(f"got {values[name]:g}; give a number {allowed}")
    episodes = AdrSpec.episodes
    if "episodes" in found:
        episodes = found["episodes"].whole("a number of episodes, 1 or more", 1, MOST_ITERATIONS)
    metric = found["metric"].text("the name of a metric") if "metric" in found else AdrSpec.metric
    shrink, grow = values.get("shrink", AdrSpec.shrink), values.get("grow", AdrSpec.grow)
    if shrink >= grow:
        raise node.fault(f"shrink {shrink:g} is not below grow {grow:g}; give shrink < grow")
    ranges = _start_ranges(node, found.get("terms"), terms, term_nodes)
    return AdrSpec(
        metric=metric, grow=grow, shrink=shrink, step=values.get("step", AdrSpec.step), episodes=episodes, terms=ranges
    )


def all_ranges(terms: Mapping[str, Term]) -> FrozenDict[str, AdrRange]:
    """Return the ranges that move when a file names none: all that can, from their nominal values on."""
    movable = {name: term for name, term in terms.items() if _still(term) is None and term.when == "reset"}
    return FrozenDict({name: _nominal_range(term) for name, term in movable.items()})


def _start_ranges(
    adr: Node, node: Node | None, terms: Mapping[str, Term] | None, term_nodes: Mapping[str, Node]
) -> FrozenDict[str, AdrRange]:
    if node is None:
        if terms is None:
            return FrozenDict()
        ranges = all_ranges(terms)
        if not ranges:
            raise adr.fault("there is no uniform or log_uniform term drawn at reset whose range could move; add one")
        return ranges
    found = node.fields("a mapping such as {base_mass: {start: [0.98, 1.02]}}")
    if not found:
        raise node.fault("got no terms; name at least one, or remove 'terms'")
    return FrozenDict({name: _start_range(child, name, terms, term_nodes) for name, child in found.items()})


def _start_range(node: Node, name: str, terms: Mapping[str, Term] | None, term_nodes: Mapping[str, Node]) -> AdrRange:
    found = node.fields("a mapping such as {start: [0.98, 1.02]}")
    node.only(found, ("start",))
    if "start" not in found:
        raise node.fault("'start' is missing; give the range at the start, such as {start: [0.98, 1.02]}")
    start = parse_kind("uniform", found["start"])
    if terms is None:
        return AdrRange(start_low=start.bounds()[0], start_high=start.bounds()[1])
    if name not in terms:
        raise node.fault(f"there is no term '{name}'{did_you_mean(name, terms)}; terms: {listing(terms)}")
    term = terms[name]
    still = _still(term)
    if still is not None:
        raise node.fault(f"{name} {still}")
    unit = term_nodes[name].fields("a term").get("unit") if name in term_nodes else None
    written = find_unit(unit.text("a unit")) if unit is not None else None
    if written is not None:
        start = to_si(found["start"], start, written)
    try:
        low, high = start.broadcast(term.dist.dim).bounds()
    except ValueError as error:
        raise found["start"].fault(str(error)) from None
    for a, b, least, most in zip(low, high, *term.dist.bounds(), strict=True):
        if not least <= a <= b <= most:
            unit_said = "" if term.unit == "1" else f" {term.unit}"
            raise found["start"].fault(
                f"starts with {a:g} to {b:g}{unit_said}, outside of the declared {least:g} to {most:g}{unit_said}; "
                "start inside, the term's dist holds the outermost bounds"
            )
    return AdrRange(start_low=low, start_high=high)


def _still(term: Term) -> str | None:
    """Return why a term's range cannot move, or None."""
    if not isinstance(term.dist, Uniform | LogUniform):
        return f"is {term.dist.kind}; only uniform and log_uniform have bounds that move"
    if term.when not in _MOVING:
        return f"is drawn at {term.when}; only ranges that are drawn again can move ({listing(_MOVING)})"
    return None


def _nominal_range(term: Term) -> AdrRange:
    """Return the range of width zero at what changes nothing, or in the middle for a value that is set."""
    nominal = {"scale": 1.0, "add": 0.0}.get(term.op)
    lows, highs = term.dist.bounds()
    point = tuple(
        0.5 * (low + high) if nominal is None else min(max(nominal, low), high)
        for low, high in zip(lows, highs, strict=True)
    )
    return AdrRange(start_low=point, start_high=point)


def _parse_stages(node: Node) -> tuple[StageSpec, ...]:
    expected = "a list of stages such as {name: easy, iterations: 300, range: 0.3}"
    stages: list[StageSpec] = []
    for entry in node.items(expected):
        found = entry.fields(expected)
        entry.only(found, ("name", "iterations", "range"))
        for key in ("name", "iterations", "range"):
            if key not in found:
                raise entry.fault(f"'{key}' is missing; give {{name: easy, iterations: 300, range: 0.3}}")
        share = found["range"].number("a fraction of the declared ranges, from 0 to 1")
        if not 0.0 <= share <= 1.0:
            raise found["range"].fault(f"got {share:g}; give a fraction of the declared ranges, from 0 to 1")
        name = found["name"].text("the name of a stage")
        if any(stage.name == name for stage in stages):
            raise found["name"].fault(f"'{name}' is the name of two stages; give each its own")
        iterations = found["iterations"].whole("a number of training iterations, 1 or more", 1, MOST_ITERATIONS)
        stages.append(StageSpec(name=name, iterations=iterations, range=share))
    if not stages:
        raise node.fault(f"got an empty list; give {expected}")
    return tuple(stages)
