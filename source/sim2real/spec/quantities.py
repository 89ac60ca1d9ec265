"""Numbers with a distribution and a unit, as they stand in a spec.

A quantity is a number (a constant), a list of numbers (a constant vector) or a mapping with one distribution::

    {uniform: [-1, 1]}                                 # or {uniform: {low: -1, high: 1}}
    {truncated_normal: {mean: 1, std: 0.1, low: 0.8, high: 1.2}}
    {choice: [1, 2, 4]}                                # or {choice: {values: [1, 2], weights: [3, 1]}}

Vectors stand where numbers do: ``{uniform: [[-1, -1, 0], [1, 1, 0]]}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as dataclass_fields

from sim2real.spec.distributions import KINDS, Choice, Constant, Distribution, Vector
from sim2real.spec.errors import did_you_mean, listing
from sim2real.spec.nodes import Node
from sim2real.spec.units import UNITS, Unit, find_unit, si_unit, units_of

_SHAPE = {
    "uniform": "[low, high]",
    "uniform_int": "[low, high]",
    "log_uniform": "[low, high]",
    "normal": "[mean, std]",
    "truncated_normal": "{mean: ..., std: ..., low: ..., high: ...}",
    "choice": "a list of values, or {values: [...], weights: [...]}",
    "constant": "a number, or a list of numbers",
}


def parse_vector(node: Node) -> Vector:
    """Return a number or a list of numbers as a tuple."""
    if node.is_list:
        entries = node.items("a list of numbers")
        if not entries:
            raise node.fault("got an empty list; give at least one number")
        return tuple(entry.number() for entry in entries)
    return (node.number("a number, or a list of numbers"),)


def parse_distribution(node: Node, extra: Sequence[str] = ()) -> Distribution:
    """Return the distribution that stands at ``node``, its numbers as written.

    Args:
        node: a number, a list of numbers, or a mapping with one distribution.
        extra: other keys that the mapping may hold, left to the caller.

    Raises:
        SpecError: an unknown distribution, or numbers that make none.
    """
    if not node.is_mapping:
        return _parse_kind("constant", node)
    allowed = [*KINDS, *extra]
    kinds = {}
    for name, value in node.fields("a number, or a distribution such as {uniform: [0, 1]}").items():
        if name in KINDS:
            kinds[name] = value
        elif name not in extra:
            raise value.fault(f"unknown distribution '{name}'{did_you_mean(name, allowed)}; allowed: {listing(KINDS)}")
    if len(kinds) != 1:
        got = f"{len(kinds)} distributions ({listing(kinds)})" if kinds else "no distribution"
        raise node.fault(f"got {got}; give exactly one of {listing(KINDS)}")
    ((kind, value),) = kinds.items()
    return _parse_kind(kind, value)


def _parse_kind(kind: str, node: Node) -> Distribution:
    """Return the distribution of this kind from its numbers at ``node``."""
    try:
        if kind == "choice":
            return _parse_choice(node)
        return Constant(parse_vector(node)) if kind == "constant" else _parse_fields(kind, node)
    except ValueError as error:
        raise node.fault(str(error)) from None


def _parse_fields(kind: str, node: Node) -> Distribution:
    cls = KINDS[kind]
    names = [field.name for field in dataclass_fields(cls)]
    if node.is_mapping:
        found = node.fields(_SHAPE[kind])
        node.only(found, names)
        for name in names:
            if name not in found:
                raise node.fault(f"'{name}' is missing; give {_SHAPE[kind]}")
        parts = [found[name] for name in names]
    else:
        parts = node.items(_SHAPE[kind])
        if len(parts) != len(names) or len(names) > 2:
            raise node.fault(f"got {node.describe()}; give {_SHAPE[kind]}")
    return cls(*(parse_vector(part) for part in parts))


def _parse_choice(node: Node) -> Distribution:
    weights: Vector = ()
    values = node
    if node.is_mapping:
        found = node.fields(_SHAPE["choice"])
        node.only(found, ("values", "weights"))
        if "values" not in found:
            raise node.fault(f"'values' is missing; give {_SHAPE['choice']}")
        values = found["values"]
        if "weights" in found:
            weights = tuple(entry.number() for entry in found["weights"].items("a list of numbers"))
            if not weights:
                raise found["weights"].fault("got an empty list; give one weight for each value")
    return Choice(tuple(parse_vector(entry) for entry in values.items(_SHAPE["choice"])), weights)


def parse_unit(node: Node, dimensions: tuple[str, ...]) -> Unit:
    """Return the unit that stands at ``node``, or raise SpecError when it measures something else."""
    allowed = listing(units_of(dimensions))
    name = node.text(f"one of {allowed}")
    unit = find_unit(name)
    if unit is None:
        hint = did_you_mean(name, UNITS)
        raise node.fault(f"unknown unit '{name}'{hint}; allowed here: {allowed}")
    if unit.dimension not in dimensions:
        raise node.fault(f"unit '{name}' measures {unit.dimension}, not {' or '.join(dimensions)}; allowed: {allowed}")
    return unit


def to_si(node: Node, dist: Distribution, unit: Unit) -> Distribution:
    """Return ``dist`` converted from ``unit`` to SI."""
    if unit.factor == unit.divisor:
        return dist
    try:
        return dist.scaled(unit.factor, unit.divisor)
    except ValueError as error:
        raise node.fault(str(error)) from None


def parse_quantity(
    node: Node, dimension: str, least: float | None = None, most: float | None = None
) -> tuple[Distribution, str | None]:
    """Return a scalar quantity in SI and its provenance.

    Args:
        node: a number, or a mapping with one distribution and, if wanted, ``unit`` and ``provenance``.
        dimension: what it measures; without ``unit`` the numbers are SI.
        least: smallest allowed value, SI.
        most: largest allowed value, SI.
    """
    dist, provenance = parse_distribution(node, extra=("unit", "provenance")), None
    if node.is_mapping:
        found = node.fields("a distribution")
        if "unit" in found:
            dist = to_si(node, dist, parse_unit(found["unit"], (dimension,)))
        if "provenance" in found:
            provenance = parse_provenance(found["provenance"])
    if dist.dim != 1:
        raise node.fault(f"got {dist.dim} components; give a single one")
    check_limits(node, dist, least, most, "" if dimension == "ratio" else f" {si_unit(dimension)}")
    return dist, provenance


def check_limits(node: Node, dist: Distribution, least: float | None, most: float | None, unit: str = "") -> None:
    """Raise SpecError when a value of ``dist`` can lie outside [least, most]."""
    lows, highs = dist.bounds()
    low, high = min(lows), max(highs)
    if (least is None or low >= least) and (most is None or high <= most):
        return
    span = f"{low:g}{unit}" if low == high else f"{low:g} to {high:g}{unit}"
    if least is None:
        allowed = f"at most {most:g}{unit}"
    else:
        allowed = f"at least {least:g}{unit}" if most is None else f"{least:g} to {most:g}{unit}"
    hint = "; use truncated_normal to cut its tails" if dist.kind == "normal" else ""
    raise node.fault(f"reaches {span}; allowed: {allowed}{hint}")


def parse_provenance(node: Node) -> str:
    """Return where a range comes from: ``default``, ``datasheet:<text>`` or ``identified:<text>``."""
    expected = "default, datasheet:<which>, or identified:<run>"
    text = node.text(expected)
    kind, colon, rest = text.partition(":")
    if text != "default" and (kind not in ("datasheet", "identified") or not colon or not rest.strip()):
        raise node.fault(f"got '{text}'; give {expected}")
    return text
