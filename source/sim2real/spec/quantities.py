"""Numbers with a distribution and a unit, as they stand in a spec.

A quantity is a number (a constant), a list of numbers (a constant vector) or a mapping with one distribution::

    {uniform: [-1, 1]}                                 # or {uniform: {low: -1, high: 1}}
    {truncated_normal: {mean: 1, std: 0.1, low: 0.8, high: 1.2}}
    {beta: {a: 2, b: 5, low: 0.8, high: 1.2}}
    {choice: [1, 2, 4]}                                # or {choice: {values: [1, 2], weights: [3, 1]}}
    {mixture: {parts: [{uniform: [0.4, 0.6]}, {normal: [1, 0.05]}], weights: [3, 1]}}
    {multivariate_normal: {mean: [0, 0], covariance: [[1e-4, 0], [0, 1e-4]]}}
    {empirical: {file: measured.csv, columns: [mass]}} # or {empirical: {values: [1.02, 0.97]}}

Vectors stand where numbers do: ``{uniform: [[-1, -1, 0], [1, 1, 0]]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields as dataclass_fields

from sim2real.spec.distributions import (
    KINDS,
    Choice,
    Constant,
    Distribution,
    Empirical,
    Mixture,
    MultivariateNormal,
    Vector,
)
from sim2real.spec.errors import did_you_mean, listing
from sim2real.spec.nodes import Node
from sim2real.spec.rates import STEPS, Rates, steps_to_seconds
from sim2real.spec.samples import read_samples
from sim2real.spec.units import UNITS, WALK, Unit, find_unit, made_units, si_unit, units_of

_SHAPE = {
    "uniform": "[low, high]",
    "uniform_int": "[low, high]",
    "log_uniform": "[low, high]",
    "normal": "[mean, std]",
    "truncated_normal": "{mean: ..., std: ..., low: ..., high: ...}",
    "beta": "{a: ..., b: ..., low: ..., high: ...}",
    "mixture": "a list of distributions, or {parts: [...], weights: [...]}",
    "multivariate_normal": "{mean: [...], covariance: [[...], ...]}",
    "empirical": "{file: <.csv or .npy>, columns: [...]}, or {values: [...]}",
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
        return parse_kind("constant", node)
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
    return parse_kind(kind, value)


def parse_kind(kind: str, node: Node) -> Distribution:
    """Return the distribution of this kind from its numbers at ``node``."""
    try:
        return _PARSERS[kind](node) if kind in _PARSERS else _parse_fields(kind, node)
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


def _weighed(node: Node, kind: str, name: str) -> tuple[list[Node], Vector]:
    """Return the entries of a list and their weights; without weights an empty tuple."""
    if not node.is_mapping:
        return node.items(_SHAPE[kind]), ()
    found = node.fields(_SHAPE[kind])
    node.only(found, (name, "weights"))
    if name not in found:
        raise node.fault(f"'{name}' is missing; give {_SHAPE[kind]}")
    weights: Vector = ()
    if "weights" in found:
        weights = tuple(entry.number() for entry in found["weights"].items("a list of numbers"))
        if not weights:
            raise found["weights"].fault(f"got an empty list; give one weight for each of the {name}")
    return found[name].items(_SHAPE[kind]), weights


def _parse_choice(node: Node) -> Distribution:
    values, weights = _weighed(node, "choice", "values")
    return Choice(tuple(parse_vector(entry) for entry in values), weights)


def _parse_mixture(node: Node) -> Distribution:
    entries, weights = _weighed(node, "mixture", "parts")
    for entry in entries:
        # Before it is read: an alias may make a mixture a part of itself.
        if entry.is_mapping and "mixture" in entry.fields("a distribution"):
            raise entry.fault("'mixture' cannot be a part; list what it holds as parts of this mixture")
    return Mixture([parse_distribution(entry) for entry in entries], weights)


def _parse_correlated(node: Node) -> Distribution:
    shape = _SHAPE["multivariate_normal"]
    found = node.fields(shape)
    node.only(found, ("mean", "covariance"))
    for name in ("mean", "covariance"):
        if name not in found:
            raise node.fault(f"'{name}' is missing; give {shape}")
    rows = [parse_vector(row) for row in found["covariance"].items("a list of rows")]
    return MultivariateNormal(parse_vector(found["mean"]), rows)


def _parse_empirical(node: Node) -> Distribution:
    found = node.fields(_SHAPE["empirical"])
    node.only(found, ("file", "columns", "values"))
    if ("file" in found) == ("values" in found):
        raise node.fault(f"give either 'file' or 'values': {_SHAPE['empirical']}")
    if "file" in found:
        return Empirical(read_samples(found["file"], found.get("columns")))
    if "columns" in found:
        raise found["columns"].fault("'columns' belongs to 'file'; remove it")
    return Empirical(tuple(parse_vector(entry) for entry in found["values"].items("a list of samples")))


_PARSERS: dict[str, Callable[[Node], Distribution]] = {
    "constant": lambda node: Constant(parse_vector(node)),
    "choice": _parse_choice,
    "mixture": _parse_mixture,
    "multivariate_normal": _parse_correlated,
    "empirical": _parse_empirical,
}


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


def parse_made_unit(node: Node, shape: str, dimension: str) -> Unit:
    """Return the unit that stands at ``node``, of a shape such as ``{}/sqrt(Hz)`` of a dimension, or raise SpecError.

    What a random walk comes to after one second may also stand in the dimension's own unit.
    """
    if shape == "{}":
        return parse_unit(node, (dimension,))
    allowed = made_units(shape, dimension) | ({n: UNITS[n] for n in units_of((dimension,))} if shape == WALK else {})
    name = node.text(f"one of {listing(allowed)}")
    if name not in allowed:
        raise node.fault(f"unknown unit '{name}'{did_you_mean(name, allowed)}; allowed here: {listing(allowed)}")
    return allowed[name]


def to_si(node: Node, dist: Distribution, unit: Unit) -> Distribution:
    """Return ``dist`` converted from ``unit`` to SI."""
    if unit.factor == unit.divisor:
        return dist
    try:
        return dist.scaled(unit.factor, unit.divisor)
    except ValueError as error:
        raise node.fault(str(error)) from None


def parse_quantity(
    node: Node,
    dimension: str,
    least: float | None = None,
    most: float | None = None,
    rates: Rates | None = None,
    dims: Sequence[int] = (1,),
) -> tuple[Distribution, str | None]:
    """Return a quantity in SI and its provenance.

    Args:
        node: a number, or a mapping with one distribution and, if wanted, ``unit`` and ``provenance``.
        dimension: what it measures; without ``unit`` the numbers are SI.
        least: smallest allowed value, SI.
        most: largest allowed value, SI.
        rates: the declared rates, where a time may also be given in control steps.
        dims: how many components it may have.
    """
    dist, provenance = parse_distribution(node, extra=("unit", "provenance")), None
    if node.is_mapping:
        found = node.fields("a distribution")
        if "unit" in found:
            if rates is not None and dimension == "time" and found["unit"].text("a unit of time") in STEPS:
                dist = steps_to_seconds(found["unit"], dist, rates)
            else:
                dist = to_si(node, dist, parse_unit(found["unit"], (dimension,)))
        if "provenance" in found:
            provenance = parse_provenance(found["provenance"])
    if dist.dim not in dims:
        allowed = "a single one" if tuple(dims) == (1,) else " or ".join(str(dim) for dim in dims)
        raise node.fault(f"got {dist.dim} components; give {allowed}")
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
    hint = "; use truncated_normal to cut its tails" if _has_tails(dist) else ""
    raise node.fault(f"reaches {span}; allowed: {allowed}{hint}")


def _has_tails(dist: Distribution) -> bool:
    return dist.kind == "normal" or (isinstance(dist, Mixture) and any(map(_has_tails, dist.parts)))


def parse_provenance(node: Node) -> str:
    """Return where a range comes from: ``default``, ``datasheet:<text>`` or ``identified:<text>``."""
    expected = "default, datasheet:<which>, or identified:<run>"
    text = node.text(expected)
    kind, colon, rest = text.partition(":")
    if text != "default" and (kind not in ("datasheet", "identified") or not colon or not rest.strip()):
        raise node.fault(f"got '{text}'; give {expected}")
    return text
