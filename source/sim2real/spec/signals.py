"""Signals: what happens to a datum between sensor and policy, and between policy and actuator.

Everything is in seconds (a file may count control steps, which its declared rate converts) and in the signal's own SI
unit. Declared here and checked; :mod:`sim2real.signals` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sim2real.spec.distributions import Constant, Distribution
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, gather
from sim2real.spec.quantities import (
    check_limits,
    parse_distribution,
    parse_provenance,
    parse_quantity,
    parse_unit,
    to_si,
)
from sim2real.spec.rates import Rates
from sim2real.spec.terms import parse_name
from sim2real.spec.units import UNITS, Unit, si_unit

NO_RATES = Rates()
ON_DROPOUT = ("hold", "zero")
"""What stands in for a lost datum: the last one, or zero."""
READINGS = ("linear", "hold")
"""What is read between two samples: the line between them, or the older one."""
_OWN_UNIT = ("bias", "white", "walk", "quantum", "saturation")
KEYS = (
    "latency",
    "jitter",
    "dropout",
    "on_dropout",
    "reading",
    "period",
    "phase",
    "exposure",
    "bias",
    "scale",
    "white",
    "walk",
    "relative",
    "quantum",
    "saturation",
    "unit",
    "bus",
    "provenance",
)


@dataclass(frozen=True, kw_only=True)
class SignalSpec:
    """What is uncertain about one signal; None means: nothing."""

    latency: Distribution | None = None
    """Delay [s], one draw for an episode."""
    jitter: Distribution | None = None
    """Deviation of the delay, drawn for every datum [s]."""
    dropout: Distribution | None = None
    """Probability that a datum is lost [1]."""
    on_dropout: str = "hold"
    """``hold`` repeats the last datum, ``zero`` gives zero."""
    reading: str | None = None
    """How an observation is read between its samples: ``linear`` (which None means) or ``hold``."""
    period: Distribution | None = None
    """Time between two samples of the sensor's own clock [s], one number; None samples whenever it is read."""
    phase: Distribution | None = None
    """When after the episode's start this clock ticks first [s], one draw for an episode; needs ``period``."""
    exposure: Distribution | None = None
    """Time over which a sample is averaged, up to the moment at which it is taken [s], one draw for an episode; with
    ``reading: hold`` what was there at the middle of it."""
    bias: Distribution | None = None
    """Constant error of an episode [``unit``]."""
    scale: Distribution | None = None
    """Constant error of an episode in proportion to the datum [1]: 0.01 reads one percent too much."""
    white: Distribution | None = None
    """Standard deviation of the error of every datum [``unit``]; itself one draw for an episode."""
    walk: Distribution | None = None
    """Random walk from the episode's start: standard deviation after one second [``unit``]; grows with the root of
    time."""
    relative: Distribution | None = None
    """Standard deviation of an error in proportion to the datum, drawn for every datum [1]."""
    quantum: Distribution | None = None
    """Step of the quantisation [``unit``]; 0 for none."""
    saturation: Distribution | None = None
    """Largest magnitude that can be told [``unit``]."""
    unit: str | None = None
    """SI unit of bias, white, walk, quantum and saturation; None: the signal's own."""
    bus: str | None = None
    """Signals on one bus share one latency draw."""
    provenance: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Where a field's range comes from, by field; ``*`` for the whole signal."""


def parse_signal(node: Node, rates: Rates = NO_RATES) -> SignalSpec:
    """Return the signal that stands at ``node``, or raise SpecError; ``rates`` convert a latency in steps."""
    parse_name(node, "a signal")
    found = node.fields("a mapping such as {latency: {uniform: [0, 0.02]}}")
    node.only(found, KEYS)
    unit = _unit(found.get("unit"))
    limits: dict[str, tuple[str, float | None, float | None]] = {
        "latency": ("time", 0.0, 10.0),
        "jitter": ("time", -10.0, 10.0),
        "period": ("time", 0.0, 10.0),
        "phase": ("time", 0.0, 10.0),
        "exposure": ("time", 0.0, 10.0),
        "dropout": ("ratio", 0.0, 1.0),
        "relative": ("ratio", 0.0, None),
        "scale": ("ratio", -1.0, None),
    }
    parts: dict[str, Any] = {
        name: partial(parse_quantity, found[name], *limit, rates=rates)
        for name, limit in limits.items()
        if name in found
    }
    parts |= {name: partial(_own, found[name], name, unit) for name in _OWN_UNIT if name in found}
    results = gather(parts)
    _check_clock(found, {name: dist for name, (dist, _said) in results.items()})
    provenance = {name: said for name, (_dist, said) in results.items() if said is not None}
    if "provenance" in found:
        provenance["*"] = parse_provenance(found["provenance"])
    if "on_dropout" in found and "dropout" not in found:
        raise found["on_dropout"].fault("there is no 'dropout' to act on; give a 'dropout' probability, or remove it")
    return SignalSpec(
        **{name: dist for name, (dist, _said) in results.items()},
        on_dropout=found["on_dropout"].choice("behaviour", ON_DROPOUT) if "on_dropout" in found else "hold",
        reading=found["reading"].choice("way to read", READINGS) if "reading" in found else None,
        unit=None if unit is None else si_unit(unit.dimension),
        bus=found["bus"].text("the name of a bus") if "bus" in found else None,
        provenance=FrozenDict(provenance),
    )


def _check_clock(found: Any, parts: dict[str, Distribution]) -> None:
    """Raise SpecError unless a clock has one period, and only a clock a phase."""
    period = parts.get("period")
    if period is not None and (not isinstance(period, Constant) or not period.bounds()[0][0] > 0.0):
        raise found["period"].fault("a sensor's clock has one period above 0; give a single number of seconds")
    if "phase" in parts and period is None:
        raise found["phase"].fault("there is no clock to shift; give its 'period', or remove it")


def _unit(node: Node | None) -> Unit | None:
    if node is None:
        return None
    return parse_unit(node, tuple(dict.fromkeys(unit.dimension for unit in UNITS.values())))


def _own(node: Node, name: str, unit: Unit | None) -> tuple[Distribution, str | None]:
    """Return a part in the signal's own unit; a vector gives one number for each component of the signal."""
    dist, provenance = parse_distribution(node, extra=("unit", "provenance")), None
    if node.is_mapping:
        found = node.fields("a distribution")
        if "unit" in found:
            if unit is None:
                raise found["unit"].fault("give the unit once for the signal, as its 'unit'")
            dist = to_si(node, dist, parse_unit(found["unit"], (unit.dimension,)))
            unit = None
        if "provenance" in found:
            provenance = parse_provenance(found["provenance"])
    if unit is not None:
        dist = to_si(node, dist, unit)
    check_limits(node, dist, None if name == "bias" else 0.0, None)
    return dist, provenance
