"""How fast the robot's loops run, for the ranges of a spec that are counted in steps."""

from __future__ import annotations

from dataclasses import dataclass

from sim2real.spec.distributions import Choice, Distribution, UniformInt
from sim2real.spec.nodes import Node

STEPS = ("steps", "step")
"""The unit that the declared control rate converts into seconds."""
MOST_STEPS = 1000
"""Most values that a whole number of steps is drawn from."""
_HIGHEST = 1e6


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Rates of the loops that a spec was written for; None: not declared."""

    control_hz: float | None = None
    """How often the policy acts [Hz]; a step is one of its periods."""
    physics_hz: float | None = None
    """How often the simulated physics advances [Hz]."""


def parse_rates(node: Node) -> Rates:
    """Return the rates section, or raise SpecError."""
    found = node.fields("a mapping such as {control_hz: 50, physics_hz: 200}")
    node.only(found, ("control_hz", "physics_hz"))
    values: dict[str, float] = {}
    for name, child in found.items():
        values[name] = child.number("a rate in Hz")
        if not 0.0 < values[name] <= _HIGHEST:
            raise child.fault(f"got {values[name]:g}; give a rate in Hz, above 0 and up to {_HIGHEST:g}")
    rates = Rates(**values)
    if rates.control_hz is not None and rates.physics_hz is not None:
        ratio = rates.physics_hz / rates.control_hz
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-6 * ratio:
            raise found["physics_hz"].fault(
                f"got {rates.physics_hz:g}, which is {ratio:g} times control_hz; give a whole multiple of it"
            )
    return rates


def steps_to_seconds(node: Node, dist: Distribution, rates: Rates) -> Distribution:
    """Return a distribution of control steps as one of seconds; whole steps become a choice of their times.

    Raises:
        SpecError: at ``node``, the unit: no control rate is declared, or the range has too many whole steps.
    """
    if rates.control_hz is None:
        raise node.fault(
            "'steps' need the control rate; add 'rates: {control_hz: 50}' at the top of the spec, or use ms"
        )
    try:
        return _unfolded(dist).scaled(1.0, rates.control_hz)
    except ValueError as error:
        raise node.fault(str(error)) from None


def _unfolded(dist: Distribution) -> Distribution:
    if isinstance(dist, UniformInt):
        if dist.dim != 1 or dist.high[0] - dist.low[0] >= MOST_STEPS:
            raise ValueError(f"uniform_int of steps takes a single range of up to {MOST_STEPS} values")
        return Choice(range(int(dist.low[0]), int(dist.high[0]) + 1))
    return dist
