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
LEVELS = ("latency", "dropout", "phase", "exposure")
"""Parts of the way of a datum that a world draws once for an episode."""
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
    ways: dict[str, Distribution | None] = {part: getattr(signal, part) for part in LEVELS}
    found = {p: Stream(stream_name(name, p, signal.bus), d) for p, d in ways.items() if d is not None}
    return found | error_plan.error_streams(name, signal, size)


def longest_delay(signal: SignalSpec) -> float:
    """Return the longest delay that can be drawn [s]."""
    parts = [dist for dist in (signal.latency, signal.jitter) if dist is not None]
    return max(0.0, sum(max(dist.bounds()[1]) for dist in parts))


def clock_of(signal: SignalSpec, spacing: float) -> float | None:
    """Return the period of a sensor's clock [s]; None: it samples whenever it is read.

    What is held is what was sampled last: ``reading: hold`` without a period ticks with the samples that are given.
    """
    if signal.period is not None:
        return float(signal.period.bounds()[0][0])
    return spacing if signal.reading == "hold" else None


def depths_of(name: str, signal: SignalSpec, spacing: float, samples: int = 1) -> tuple[int, int]:
    """Return how many samples a line holds, and how many data of a sensor's clock, or raise SignalError.

    Args:
        name: the signal's, for the error.
        signal: what the spec says.
        spacing: time between two samples [s].
        samples: samples of a call.
    """
    period = clock_of(signal, spacing)
    exposed = 0.0 if signal.exposure is None else max(signal.exposure.bounds()[1])
    delay, sent = longest_delay(signal), 1
    if period is not None:
        sent, delay = math.ceil(delay / period) + 2, samples * spacing
    depth = math.ceil((delay + exposed) / spacing - 1e-6) + 2
    if max(depth, sent) > MOST_SAMPLES:
        step = spacing if depth > MOST_SAMPLES else period
        raise SignalError(
            f"signals.{name}: a delay of up to {longest_delay(signal):g} s is {max(depth, sent)} samples of {step:g} s;"
            f" a line holds {MOST_SAMPLES}; give a shorter latency"
        )
    return depth, sent


def jitter_tables(signal: SignalSpec, device: Any) -> Any:
    """Return the tables of the jitter's distribution on a device; node 0 is its own."""
    flat = FlatTables()
    flat.add(compile_table(Constant(0.0) if signal.jitter is None else signal.jitter))
    return flat.on(device)


def kernel_signal(
    name: str, signal: SignalSpec, columns: Mapping[str, slice], *, seed: int, size: int, step_dt: float,
    worlds: Any, samples: int = 1,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the kernels' ``Signal`` and ``Errors``.

    Args:
        name: name of the signal, part of the random keys.
        signal: what the spec says.
        columns: columns of the parts' streams among the draws.
        seed: the spec's seed.
        size: elements of a datum.
        step_dt: time between two calls [s].
        worlds: global id of each row's world, int32 (num_envs,), a Warp array.
        samples: samples of a call.
    """
    from sim2real.signals.kernels import Signal
    from sim2real.signals.levels import make_key, make_level
    from sim2real.signals.line_kernels import HOLD, LINEAR

    found: Any = Signal()
    spacing = step_dt / samples
    period = clock_of(signal, spacing)
    found.size, found.samples, found.spacing = size, samples, spacing
    found.depth, found.sent_depth = depths_of(name, signal, spacing, samples)
    found.reading = HOLD if signal.reading == "hold" else LINEAR
    found.clocked, found.period = int(period is not None), spacing if period is None else period
    found.zero_lost = int(signal.on_dropout == "zero")
    found.has_jitter = int(signal.jitter is not None)
    found.worlds, found.step_dt = worlds, step_dt
    for part in LEVELS:
        setattr(found, part, make_level(columns.get(part)))
    for part in ("jitter", "dropout"):
        setattr(found, f"{part}_key", make_key(seed, stream_name(name, part, signal.bus)))
    between = step_dt if period is None else period
    return found, error_plan.kernel_errors(name, signal, columns, seed=seed, size=size, step_dt=between)
