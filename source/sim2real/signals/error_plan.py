"""The errors of a signal as the kernels' numbers: what is drawn, and the state that errors go on from.

A bias instability is a sum of Gauss-Markov processes. One of variance s^2 and correlation time T has the Allan variance
``2 s^2 T / tau (1 - T / (2 tau) (3 - 4 exp(-tau / T) + exp(-2 tau / T)))`` (IEEE Std 952, annex C), with a maximum at
tau = 1.89 T. All processes of a sum have one variance, such that the root mean square of the Allan deviation from
1.89 T of the fastest to 1.89 T of the slowest is the declared flat. Decades apart, it stays within 7 % of it there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws.bank import Stream
from sim2real.signals.errors import SignalError
from sim2real.spec.distributions import Distribution, Uniform
from sim2real.spec.signals import MOST_DRIFTS, ON_DROPOUT_EACH

if TYPE_CHECKING:
    from sim2real.spec.signals import SignalSpec

PER_ELEMENT = ("eccentricity", "scale", "bias")
"""Errors of which every element of a signal draws its own."""
OF_AXES = {"misalignment": 3, "cross_axis": 6}
"""Errors between three axes, and how many numbers they are."""
LEVELS = (
    "misalignment", "cross_axis", "eccentricity", "scale", "relative", "walk", "bias_instability", "bias", "white",
    "quadratic", "noise_density", "saturation", "saturation_low", "quantum", "dropout_each",
)  # fmt: skip
"""Errors that a world draws once for an episode, in the order in which they apply."""
EVERY_SAMPLE = ("white", "relative", "walk", "bias_instability", "dropout_each")
"""Errors that draw something for every sample."""
CORRELATION_TIMES = (1.0, 10.0, 100.0)
"""Correlation times of a bias instability that declares none [s]."""
PEAK = 1.8926
"""Where the Allan deviation of a Gauss-Markov process is largest, in correlation times."""


def error_streams(name: str, signal: SignalSpec, size: int) -> dict[str, Stream]:
    """Return what a world draws of errors for an episode, by part.

    Raises:
        SignalError: a part has another number of components than the data have elements, or the data are not of three
            axes.
    """
    found = {}
    for part in LEVELS:
        dist: Distribution | None = getattr(signal, part)
        if dist is None:
            continue
        if part in OF_AXES and size != 3:
            raise SignalError(
                f"signals.{name}.{part}: is between the axes x, y, z and the data have {size} elements; remove it"
            )
        width = OF_AXES.get(part, size)
        if dist.dim not in (1, width):
            raise SignalError(
                f"signals.{name}.{part}: has {dist.dim} components and the data have {size} elements; give one for all,"
                f" or {'one for each' if width == size else width}"
            )
        draws = width if part in (*PER_ELEMENT, *OF_AXES) and dist.dim == 1 else 1
        mounted = part == "misalignment" and signal.mount is not None
        stream = f"mount/{signal.mount}/{part}" if mounted else f"signals/{name}/{part}"
        found[part] = Stream(stream, dist, draws)
    if signal.eccentricity is not None:
        phase = "eccentricity_phase"
        found[phase] = Stream(f"signals/{name}/{phase}", Uniform(0.0, 2.0 * math.pi), size)
    return found


def correlation_times(signal: SignalSpec) -> tuple[float, ...]:
    """Return the correlation times of a signal's bias instability [s]; empty without one."""
    if signal.bias_instability is None:
        return ()
    given = signal.correlation_time
    return CORRELATION_TIMES if given is None else tuple(sorted(given.bounds()[0]))


def allan_variance(tau: Any, times: Sequence[float]) -> np.ndarray:
    """Return the Allan variance of a sum of Gauss-Markov processes of variance 1.

    Args:
        tau: averaging times [s], any shape.
        times: correlation times [s].
    """
    x = np.asarray(tau, dtype=float)[..., None] / np.asarray(times, dtype=float)
    return np.sum(2.0 / x * (1.0 - (3.0 - 4.0 * np.exp(-x) + np.exp(-2.0 * x)) / (2.0 * x)), axis=-1)


def drift_gain(times: Sequence[float]) -> float:
    """Return the standard deviation of each process of a sum whose Allan deviation has a flat of height 1."""
    tau = np.geomspace(PEAK * min(times), PEAK * max(times), 400)
    return float(1.0 / np.sqrt(allan_variance(tau, times).mean()))


def kernel_errors(
    name: str, signal: SignalSpec, columns: Mapping[str, slice], *, seed: int, size: int, step_dt: float
) -> Any:
    """Return the kernels' ``Errors``.

    Args:
        name: name of the signal, part of the random keys.
        signal: what the spec says.
        columns: columns of the parts of :func:`error_streams` among the draws.
        seed: the spec's seed.
        size: elements of a datum.
        step_dt: time between two samples [s].
    """
    import warp as wp

    from sim2real.signals.error_kernels import Errors
    from sim2real.signals.levels import make_key, make_level

    found: Any = Errors()
    found.size, found.step_dt = size, step_dt
    for part in (*LEVELS, "eccentricity_phase"):
        setattr(found, part, make_level(columns.get(part)))
    found.any = int(any(getattr(signal, part) is not None for part in LEVELS))
    for part in EVERY_SAMPLE:
        setattr(found, f"{part}_key", make_key(seed, f"signals/{name}/{part}"))
    found.on_dropout_each = ON_DROPOUT_EACH.index(signal.on_dropout_each)
    times = correlation_times(signal)
    found.drifts, found.drift_gain = len(times), drift_gain(times) if times else 0.0
    absent = [0.0] * (MOST_DRIFTS - len(times))
    found.drift_kept = wp.vec4f(*(math.exp(-step_dt / time) for time in times), *absent)
    found.drift_added = wp.vec4f(*(math.sqrt(-math.expm1(-2.0 * step_dt / time)) for time in times), *absent)
    for slot, (start, _count) in _slots(signal).items():
        setattr(found, f"{slot}_slot", start)
    return found


def _slots(signal: SignalSpec) -> dict[str, tuple[int, int]]:
    """Return the first slot of the state and the number of slots of what errors go on from, by name."""
    counts = {
        "walk": int(signal.walk is not None),
        "drift": len(correlation_times(signal)),
        "told": int(signal.dropout_each is not None),
    }
    starts = np.cumsum([0, *counts.values()]).tolist()
    return {name: (starts[i], count) for i, (name, count) in enumerate(counts.items())}


def make_state(signal: SignalSpec, num_envs: int, size: int, device: Any) -> Any:
    """Return the kernels' ``ErrorState``, arrays of float32 (num_envs, size, slots)."""
    import warp as wp

    from sim2real.signals.error_kernels import ErrorState

    state: Any = ErrorState()
    slots = sum(count for _start, count in _slots(signal).values())
    for array in ("now", "before"):
        setattr(state, array, wp.zeros((num_envs, size, slots), dtype=wp.float32, device=device))
    return state
