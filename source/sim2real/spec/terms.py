"""Terms: one uncertain quantity each: what, of which elements, how far, how often, and where the range comes from.

The target decides what else may be said: which operations, which unit, how many components. A term that says something
its target does not know is an error; nothing is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sim2real.spec.distributions import Distribution, Mixture, UniformInt
from sim2real.spec.errors import listing
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node
from sim2real.spec.quantities import check_limits, parse_distribution, parse_provenance, parse_unit, to_si
from sim2real.spec.targets import DIRECTIONS, ENGINES, TARGETS, WHENS, Target, default_when
from sim2real.spec.units import Unit, si_unit, units_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

KEYS = (
    "target", "asset", "select", "op", "unit", "dist", "when", "each", "mirror", "keep", "against", "direction",
    "duration_s", "skip_on", "provenance",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Term:
    """One uncertain quantity; numbers in SI."""

    target: str
    """A name of :data:`sim2real.spec.targets.TARGETS`."""
    dist: Distribution
    """What is drawn, with as many components as the target has."""
    op: str
    """``set``, ``scale`` or ``add``: how the draw meets the nominal value."""
    unit: str = "1"
    """SI unit of ``dist``."""
    asset: str = "robot"
    """Regular expression for the whole name of the assets that are meant."""
    select: str = ".*"
    """Regular expression for the whole name of the elements (bodies, joints, shapes, cameras) that are meant."""
    when: str = "reset"
    """``build``, ``startup``, ``reset``, ``interval`` or ``step``."""
    interval_s: tuple[float, float] | None = None
    """For ``interval``: shortest and longest time between two draws [s]."""
    each: str = "world"
    """One draw for the world, or one for every selected element of this kind."""
    mirror: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Part of a name -> part of its twin's: an element whose name holds the first takes the draw of the second."""
    keep: str | None = None
    """``density``: the inertia follows the mass."""
    against: str | None = None
    """Regular expression for the counterpart of a contact pair."""
    direction: str | None = None
    """Where a scalar force points."""
    duration_s: float | None = None
    """How long a force lasts [s]."""
    skip_on: tuple[str, ...] = ()
    """Engines on which the term is left out if they cannot do it; the spec has to allow it (``unsupported``)."""
    provenance: str = "default"
    """Where the range comes from: ``default``, ``datasheet:...`` or ``identified:...``."""


def parse_term(node: Node) -> Term:
    """Return the term that stands at ``node``, or raise SpecError."""
    found = node.fields("a mapping with 'target' and 'dist'")
    node.only(found, KEYS)
    for key in ("target", "dist"):
        if key not in found:
            raise node.fault(f"'{key}' is missing; a term needs 'target' and 'dist'")
    target = TARGETS[found["target"].choice("target", TARGETS)]
    op = _op(node, found, target)
    unit = _unit(node, found, target, op)
    when, interval_s = _when(found, target)
    dist = _dist(found["dist"], target, op, unit)
    each = target.each[0]
    if "each" in found:
        each = found["each"].choice(f"granularity of {target.name}", target.each)
    return Term(
        target=target.name,
        dist=dist,
        op=op,
        unit=si_unit(unit.dimension),
        asset=_asset(found, target),
        select=_select(found, target),
        when=when,
        interval_s=interval_s,
        each=each,
        mirror=_mirror(found, target, each),
        keep=_only_for(found, "keep", target, bool(target.keep), target.keep),
        against=_against(found, target),
        direction=_direction(node, found, target, dist),
        duration_s=_duration(found, target),
        skip_on=_skip_on(found.get("skip_on")),
        provenance=parse_provenance(found["provenance"]) if "provenance" in found else "default",
    )


def parse_name(node: Node, what: str) -> str:
    """Return the last part of a key as a name for ``what``, or raise SpecError."""
    name = node.key.rpartition(".")[2]
    if not NAME.fullmatch(name):
        raise node.fault(f"'{name}' is no name for {what}; use a to z, 0 to 9 and _, starting with a letter")
    return name


def _op(node: Node, found: dict[str, Node], target: Target) -> str:
    if "op" in found:
        return found["op"].choice(f"operation for {target.name}", target.ops)
    if len(target.ops) > 1:
        raise node.fault(f"'op' is missing; {target.name} can be changed by {listing(target.ops)}")
    return target.ops[0]


def _unit(node: Node, found: dict[str, Node], target: Target, op: str) -> Unit:
    dimensions = ("ratio",) if op == "scale" else target.dimensions
    if "unit" in found:
        if op == "scale" and target.dimensions != ("ratio",):
            text = found["unit"].text("1 or %")
            if text not in units_of(dimensions):
                raise found["unit"].fault(
                    f"got '{text}', but 'op: scale' takes a factor; drop the unit, or use op: add"
                )
        return parse_unit(found["unit"], dimensions)
    if dimensions != ("ratio",):
        allowed = listing(units_of(dimensions))
        raise node.fault(f"'unit' is missing; {target.name} measures {' or '.join(dimensions)}; give one of {allowed}")
    return Unit("1", "ratio")


def _dist(node: Node, target: Target, op: str, unit: Unit) -> Distribution:
    dist = parse_distribution(node)
    if _counts(dist) and not target.whole:
        raise node.fault(f"uniform_int is for counts; {target.name} is continuous, use uniform or choice")
    if target.whole and not dist.whole:
        raise node.fault(f"{target.name} counts things; give uniform_int, or whole numbers with choice or constant")
    dist = to_si(node, dist, unit)
    if dist.dim not in target.dims:
        try:
            if len(target.dims) > 1:
                raise ValueError(f"got {dist.dim} components; give {' or '.join(map(str, target.dims))}")
            dist = dist.broadcast(target.dims[0])
        except ValueError as error:
            raise node.fault(f"{target.name}: {error}") from None
    shown = "" if unit.dimension == "ratio" else f" {si_unit(unit.dimension)}"
    if op == "scale":
        _check_domain(node, dist, 0.0, None, target.positive or target.least is None, "")
    elif op == "set" or target.ops == ("add",):
        _check_domain(node, dist, target.least, target.most, target.positive, shown)
    return dist


def _counts(dist: Distribution) -> bool:
    return isinstance(dist, UniformInt) or (isinstance(dist, Mixture) and any(map(_counts, dist.parts)))


def _check_domain(
    node: Node, dist: Distribution, least: float | None, most: float | None, positive: bool, unit: str
) -> None:
    check_limits(node, dist, least, most, unit)
    if positive and least == 0.0 and min(dist.bounds()[0]) <= 0.0:
        raise node.fault(f"reaches 0{unit}; give values above 0")


def _when(found: dict[str, Node], target: Target) -> tuple[str, tuple[float, float] | None]:
    node = found.get("when")
    if node is None:
        return default_when(target), None
    expected = f"one of {listing(w for w in target.when if w != 'interval')}"
    if "interval" in target.when:
        expected += ", or {interval_s: [shortest, longest]}"
    if not node.is_mapping:
        word = node.text(expected)
        if word == "interval" and word in target.when:
            raise node.fault("an interval needs its length; give {interval_s: [shortest, longest]}")
        if word not in target.when and word in WHENS:
            raise node.fault(f"{target.name} cannot be drawn at '{word}'; give {expected}")
        return node.choice("time", target.when), None
    inner = node.fields(expected)
    node.only(inner, ("interval_s",))
    if "interval_s" not in inner:
        raise node.fault(f"'interval_s' is missing; give {expected}")
    if "interval" not in target.when:
        raise node.fault(f"{target.name} cannot be drawn at intervals; give {expected}")
    span = inner["interval_s"]
    numbers = [entry.number() for entry in span.items("[shortest, longest]")] if span.is_list else [span.number()] * 2
    if len(numbers) != 2 or not 0.0 < numbers[0] <= numbers[1]:
        raise span.fault(f"got {numbers}; give [shortest, longest] in seconds with 0 < shortest <= longest")
    return "interval", (numbers[0], numbers[1])


def _asset(found: dict[str, Node], target: Target) -> str:
    if "asset" not in found:
        return "robot"
    if not target.on_asset:
        raise found["asset"].fault(f"{target.name} takes no 'asset'; it belongs to the scene, remove it")
    return _pattern(found["asset"])


def _mirror(found: dict[str, Node], target: Target, each: str) -> FrozenDict[str, str]:
    node = found.get("mirror")
    if node is None:
        return FrozenDict()
    if not target.selects:
        raise node.fault(f"{target.name} takes no 'mirror'; there is only one, remove it")
    if each == "world":
        kinds = [kind for kind in target.each if kind != "world"]
        give = f"add 'each: {kinds[0]}' or remove 'mirror'" if kinds else "remove 'mirror'"
        raise node.fault(f"one draw for the world is the same for all; {give}")
    example = "a mapping such as {FR_: FL_, RR_: RL_}"
    twins = {one: child.text("part of the twin's name") for one, child in node.fields(example).items()}
    if not twins or "" in twins:
        raise node.fault(f"names no twins; give {example}")
    for one, other in twins.items():
        if other in twins:
            raise node.fields(example)[one].fault(f"'{other}' is mirrored itself; let twins name those that draw")
        if one in other:
            raise node.fields(example)[one].fault(f"'{other}' holds '{one}' itself; give parts that tell twins apart")
    return FrozenDict(twins)


def _skip_on(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return ()
    engines = [entry.choice("engine", ENGINES) for entry in node.items(f"a list of {listing(ENGINES)}")]
    if not engines:
        raise node.fault(f"got an empty list; give at least one of {listing(ENGINES)}")
    if len(set(engines)) != len(engines):
        raise node.fault("an engine is named twice; name it once")
    return tuple(engines)


def _select(found: dict[str, Node], target: Target) -> str:
    if "select" not in found:
        return ".*"
    if not target.selects:
        raise found["select"].fault(f"{target.name} takes no 'select'; there is only one, remove it")
    return _pattern(found["select"])


def _pattern(node: Node) -> str:
    text = node.text("a name or a regular expression")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise node.fault(f"'{text}' is no regular expression: {error}; '.*' selects everything") from None
    return text


def _only_for(found: dict[str, Node], key: str, target: Target, able: bool, allowed: tuple[str, ...]) -> str | None:
    if key not in found:
        return None
    if not able:
        raise found[key].fault(f"{target.name} takes no '{key}'; remove it")
    return found[key].choice(key, allowed)


def _against(found: dict[str, Node], target: Target) -> str | None:
    if "against" not in found:
        return None
    if not target.against:
        raise found["against"].fault(f"{target.name} takes no 'against'; it is for contact pairs; remove it")
    return _pattern(found["against"])


def _direction(node: Node, found: dict[str, Node], target: Target, dist: Distribution) -> str | None:
    vector = target.direction and dist.dim == 3
    if vector and "direction" in found:
        raise found["direction"].fault("a vector already has a direction; remove 'direction' or give a scalar")
    if target.direction and not vector and "direction" not in found:
        raise node.fault(f"'direction' is missing; a scalar needs one of {listing(DIRECTIONS)}, or give a vector")
    return _only_for(found, "direction", target, target.direction, DIRECTIONS)


def _duration(found: dict[str, Node], target: Target) -> float | None:
    node = found.get("duration_s")
    if node is None:
        return None
    if not target.duration:
        raise node.fault(f"{target.name} takes no 'duration_s'; remove it")
    seconds = node.number("a duration in seconds")
    if seconds <= 0.0:
        raise node.fault(f"got {seconds:g}; give a duration in seconds above 0")
    return seconds
