"""Signals: what happens to a datum between sensor and policy, and between policy and actuator.

Everything is in seconds (a file may count control steps, which its declared rate converts) and in the signal's own SI
unit. Declared here and checked; :mod:`sim2real.signals` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from sim2real.spec.distributions import Distribution
from sim2real.spec.frozen import FrozenDict
from sim2real.spec.nodes import Node, gather
from sim2real.spec.quantities import (
    check_limits,
    parse_distribution,
    parse_made_unit,
    parse_provenance,
    parse_quantity,
    parse_unit,
    to_si,
)
from sim2real.spec.rates import Rates
from sim2real.spec.terms import parse_name
from sim2real.spec.units import DENSITY, INVERSE, UNITS, WALK, Unit, si_unit

NO_RATES = Rates()
ON_DROPOUT = ("hold", "zero")
"""What stands in for a lost datum: the last one, or zero."""
ON_DROPOUT_EACH = ("hold", "zero", "limit")
"""What stands in for a lost element: what it last told, zero, or the largest that can be told."""
READINGS = ("linear", "hold")
"""What is read between two samples: the line between them, or the older one."""
MOST_DRIFTS = 4
"""Correlation times that a bias instability can be made of."""
_LIMITS: dict[str, tuple[str, float | None, float | None]] = {
    "latency": ("time", 0.0, 10.0),
    "jitter": ("time", -10.0, 10.0),
    "period": ("time", 0.0, 10.0),
    "phase": ("time", 0.0, 10.0),
    "exposure": ("time", 0.0, 10.0),
    "dropout": ("ratio", 0.0, 1.0),
    "dropout_each": ("ratio", 0.0, 1.0),
    "relative": ("ratio", 0.0, None),
    "scale": ("ratio", -1.0, None),
}
"""Parts that are one number: what they measure, and the smallest and largest value."""
_OWN: dict[str, tuple[str, float | None]] = {
    "bias": ("{}", None),
    "white": ("{}", 0.0),
    "walk": (WALK, 0.0),
    "bias_instability": ("{}", 0.0),
    "quantum": ("{}", 0.0),
    "saturation": ("{}", 0.0),
    "saturation_low": ("{}", None),
    "noise_density": (DENSITY, 0.0),
    "quadratic": (INVERSE, 0.0),
    "eccentricity": ("{}", 0.0),
}
"""Parts in the signal's own unit, or one made of it, and the smallest value; one number, or one for each element."""


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
    """Time over which a datum is averaged, up to the moment at which it is taken [s], one draw for an episode; with
    ``reading: hold`` it is what was there at the middle of it."""
    misalignment: Distribution | None = None
    """Rotation vector between a sensor's axes and those that it is meant to have [rad]; one number for all three
    components, which are drawn apart, or three."""
    mount: str | None = None
    """Signals of one mount share the draw of ``misalignment``."""
    cross_axis: Distribution | None = None
    """Part of another axis that an axis reads [1]: of y and z in x, of x and z in y, of x and y in z."""
    eccentricity: Distribution | None = None
    """Amplitude of an encoder's error that repeats with every turn [rad]; its phase is drawn for an episode."""
    scale: Distribution | None = None
    """Constant error of an episode in proportion to the datum [1]: 0.01 reads one percent too much."""
    relative: Distribution | None = None
    """Standard deviation of an error in proportion to the datum, drawn for every datum [1]."""
    walk: Distribution | None = None
    """Random walk from the episode's start: standard deviation after one second [``unit``]; grows with the root of
    time. It is the coefficient K of the rate random walk, [``unit``/sqrt(s)]."""
    bias_instability: Distribution | None = None
    """Height of the flat of the Allan deviation [``unit``]."""
    correlation_time: Distribution | None = None
    """Correlation times of the Gauss-Markov processes that make the flat, at most four [s]; None: 1, 10 and 100."""
    bias: Distribution | None = None
    """Constant error of an episode [``unit``]."""
    white: Distribution | None = None
    """Standard deviation of the error of every datum [``unit``]; itself one draw for an episode."""
    quadratic: Distribution | None = None
    """Standard deviation that grows with the square of the datum and adds to ``white`` [1/``unit``]."""
    noise_density: Distribution | None = None
    """White noise whatever the time between samples [``unit``/sqrt(Hz)]: the coefficient N of the Allan deviation
    N / sqrt(tau) (IEEE Std 952), so that a datum's standard deviation is N / sqrt(step)."""
    saturation: Distribution | None = None
    """Largest magnitude that can be told [``unit``]; with ``saturation_low`` the largest value."""
    saturation_low: Distribution | None = None
    """Smallest value that can be told [``unit``]; None: minus ``saturation``."""
    quantum: Distribution | None = None
    """Step of the quantisation [``unit``]; 0 for none."""
    dropout_each: Distribution | None = None
    """Probability that an element of a datum is lost, each for itself [1]."""
    on_dropout_each: str = "hold"
    """``hold`` repeats what the element last told, ``zero`` gives zero, ``limit`` the ``saturation``."""
    unit: str | None = None
    """SI unit of what is in the signal's own unit; None: the signal's own."""
    bus: str | None = None
    """Signals on one bus share one latency draw."""
    provenance: FrozenDict[str, str] = field(default_factory=FrozenDict)
    """Where a field's range comes from, by field; ``*`` for the whole signal."""


KEYS = tuple(part.name for part in fields(SignalSpec))
"""What may stand in a signal."""


def parse_signal(node: Node, rates: Rates = NO_RATES) -> SignalSpec:
    """Return the signal that stands at ``node``, or raise SpecError; ``rates`` convert a latency in steps."""
    parse_name(node, "a signal")
    found = node.fields("a mapping such as {latency: {uniform: [0, 0.02]}}")
    node.only(found, KEYS)
    unit = _unit(found.get("unit"))
    parts: dict[str, Any] = {
        name: partial(parse_quantity, found[name], *limit, rates=rates)
        for name, limit in _LIMITS.items()
        if name in found
    }
    parts |= {name: partial(_own, found[name], unit, *way) for name, way in _OWN.items() if name in found}
    for name, dimension, dims in (("misalignment", "angle", (1, 3)), ("cross_axis", "ratio", (1, 6))):
        if name in found:
            parts[name] = partial(parse_quantity, found[name], dimension, dims=dims)
    if "correlation_time" in found:
        parts["correlation_time"] = partial(_times, found["correlation_time"])
    results = gather(parts)
    provenance = {name: said for name, (_dist, said) in results.items() if said is not None}
    if "provenance" in found:
        provenance["*"] = parse_provenance(found["provenance"])
    _check_companions(found, unit)
    signal = SignalSpec(
        **{name: dist for name, (dist, _said) in results.items()},
        on_dropout=found["on_dropout"].choice("behaviour", ON_DROPOUT) if "on_dropout" in found else "hold",
        on_dropout_each=(
            found["on_dropout_each"].choice("behaviour", ON_DROPOUT_EACH) if "on_dropout_each" in found else "hold"
        ),
        reading=found["reading"].choice("way to read", READINGS) if "reading" in found else None,
        unit=None if unit is None else si_unit(unit.dimension),
        bus=found["bus"].text("the name of a bus") if "bus" in found else None,
        mount=found["mount"].text("the name of a mount") if "mount" in found else None,
        provenance=FrozenDict(provenance),
    )
    _check_limit(found, signal)
    if signal.period is not None and (signal.period.kind != "constant" or not signal.period.bounds()[0][0] > 0.0):
        raise found["period"].fault("a sensor's clock has one period above 0; give a single number of seconds")
    return signal


def _unit(node: Node | None) -> Unit | None:
    if node is None:
        return None
    return parse_unit(node, tuple(dict.fromkeys(unit.dimension for unit in UNITS.values())))


def _check_companions(found: dict[str, Node], unit: Unit | None) -> None:
    """Raise SpecError for a key that acts on another that is not there, or on data that it cannot mean."""
    for key, other, what in (
        ("on_dropout", "dropout", "probability"),
        ("on_dropout_each", "dropout_each", "probability"),
        ("correlation_time", "bias_instability", "height of the flat"),
        ("mount", "misalignment", "range of angles"),
        ("phase", "period", "time between two ticks"),
    ):
        if key in found and other not in found:
            raise found[key].fault(f"there is no '{other}' to act on; give a '{other}' {what}, or remove it")
    if "eccentricity" in found and (unit is None or unit.dimension != "angle"):
        raise found["eccentricity"].fault("repeats with every turn of an angle; give 'unit: rad' or 'unit: deg'")


def _check_limit(found: dict[str, Node], signal: SignalSpec) -> None:
    """Raise SpecError where the limits of what can be told may cross, or one is missing."""
    if signal.on_dropout_each == "limit" and signal.saturation is None:
        raise found["on_dropout_each"].fault("'limit' gives the 'saturation', and there is none; give one")
    if signal.saturation is not None and signal.saturation_low is not None:
        low, high = max(signal.saturation_low.bounds()[1]), min(signal.saturation.bounds()[0])
        if low > high:
            raise found["saturation_low"].fault(f"reaches {low:g}, above 'saturation', which reaches {high:g}")


def _own(node: Node, unit: Unit | None, shape: str, least: float | None) -> tuple[Distribution, str | None]:
    """Return a part in the signal's own unit, or one made of it; a vector gives one number for each element."""
    dist, provenance = parse_distribution(node, extra=("unit", "provenance")), None
    if node.is_mapping:
        found = node.fields("a distribution")
        if "unit" in found:
            if unit is None:
                raise found["unit"].fault("give the unit once for the signal, as its 'unit'")
            dist = to_si(node, dist, parse_made_unit(found["unit"], shape, unit.dimension))
            unit = None
        if "provenance" in found:
            provenance = parse_provenance(found["provenance"])
    if unit is not None:
        dist = to_si(node, dist, Unit(unit.name, "", unit.divisor, unit.factor) if shape == INVERSE else unit)
    check_limits(node, dist, least, None)
    return dist, provenance


def _times(node: Node) -> tuple[Distribution, str | None]:
    """Return the correlation times of a bias instability."""
    dist, provenance = parse_quantity(node, "time", 1e-3, 1e6, dims=tuple(range(1, MOST_DRIFTS + 1)))
    if dist.kind != "constant":
        raise node.fault(f"got {dist.kind}; give constant times, such as [1, 10, 100]")
    return dist, provenance
