"""A signal of a spec as the kernels' numbers: which draws it takes, under which names, and how long its line is.

Names are keys: ``signals/<name>/latency`` and so on. On a bus, latency, jitter and dropout are keyed by the bus, so
that what travels together comes late and gets lost together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sim2real.draws.bank import Stream
from sim2real.draws.flat import FlatTables
from sim2real.draws.tables import compile_table
from sim2real.signals import error_plan
from sim2real.signals.errors import SignalError
from sim2real.spec.distributions import Constant, Distribution
from sim2real.spec.signals import SignalSpec

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec

ON_BUS = ("latency", "jitter", "dropout")
"""Parts that signals on one bus share a draw of."""
LEVELS = ("latency", "dropout", *error_plan.LEVELS)
"""Parts that a world draws once for an episode."""
MOST_SAMPLES = 4096
"""Longest line of one element."""


def stream_name(name: str, part: str, bus: str | None) -> str:
    """Return the name that keys a part's draws."""
    return f"bus/{bus}/{part}" if bus is not None and part in ON_BUS else f"signals/{name}/{part}"


def find_signal(spec: Spec, name: str) -> SignalSpec:
    """Return a signal of a spec, or raise SignalError."""
    if name not in spec.signals:
        raise SignalError(
            f"no signal '{name}' in the spec; it has {', '.join(spec.signals) or 'none'}; add one under 'signals:'"
        )
    return spec.signals[name]


def streams_of(name: str, signal: SignalSpec, size: int) -> dict[str, Stream]:
    """Return what a world draws for an episode, by part.

    Raises:
        SignalError: a part has another number of components than the data have elements.
    """
    found = {}
    for part in LEVELS:
        dist: Distribution | None = getattr(signal, part)
        if dist is None:
            continue
        if dist.dim not in (1, size):
            raise SignalError(
                f"signals.{name}.{part}: has {dist.dim} components and the data have {size} elements; give one for all,"
                " or one for each"
            )
        count = size if part in error_plan.PER_ELEMENT and dist.dim == 1 else 1
        found[part] = Stream(stream_name(name, part, signal.bus), dist, count)
    return found


def longest_delay(signal: SignalSpec) -> float:
    """Return the longest delay that can be drawn [s]."""
    parts = [dist for dist in (signal.latency, signal.jitter) if dist is not None]
    return max(0.0, sum(max(dist.bounds()[1]) for dist in parts))


def depth_of(name: str, signal: SignalSpec, step_dt: float) -> int:
    """Return how many samples a line holds, or raise SignalError."""
    depth = math.ceil(longest_delay(signal) / step_dt) + 2
    if depth > MOST_SAMPLES:
        raise SignalError(
            f"signals.{name}: a delay of up to {longest_delay(signal):g} s is {depth} samples of {step_dt:g} s; a line"
            f" holds {MOST_SAMPLES}; give a shorter latency"
        )
    return depth


def jitter_tables(signal: SignalSpec, device: Any) -> Any:
    """Return the tables of the jitter's distribution on a device; node 0 is its own."""
    flat = FlatTables()
    flat.add(compile_table(Constant(0.0) if signal.jitter is None else signal.jitter))
    return flat.on(device)


def kernel_signal(
    name: str, signal: SignalSpec, columns: Mapping[str, slice], *, seed: int, size: int, reading: int, step_dt: float,
    first_world: int,
) -> Any:  # fmt: skip
    """Return the kernels' ``Signal``; ``columns`` are those of the parts' streams among the draws."""
    import warp as wp

    from sim2real.signals.kernels import Signal
    from sim2real.signals.levels import make_key, make_level

    found: Any = Signal()
    found.size, found.depth, found.reading = size, depth_of(name, signal, step_dt), reading
    found.zero_lost = int(signal.on_dropout == "zero")
    found.has_jitter = int(signal.jitter is not None)
    found.first_world, found.step_dt = wp.uint32(first_world), step_dt
    for part in ("latency", "dropout"):
        setattr(found, part, make_level(columns.get(part)))
    for part in ("jitter", "dropout"):
        setattr(found, f"{part}_key", make_key(seed, stream_name(name, part, signal.bus)))
    found.errors = error_plan.kernel_errors(name, signal, columns, seed=seed, size=size, step_dt=step_dt)
    return found
