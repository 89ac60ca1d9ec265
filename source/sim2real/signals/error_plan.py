"""The errors of a signal as the kernels' numbers, and the state that they go on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.spec.signals import SignalSpec

PER_ELEMENT = ("bias", "scale")
"""Errors of which every element of a signal draws its own."""
LEVELS = ("bias", "scale", "white", "walk", "relative", "quantum", "saturation")
"""Errors that a world draws once for an episode."""
EVERY_SAMPLE = ("white", "walk", "relative")
"""Errors that draw something for every sample."""


def kernel_errors(
    name: str, signal: SignalSpec, columns: Mapping[str, slice], *, seed: int, size: int, step_dt: float
) -> Any:
    """Return the kernels' ``Errors``.

    Args:
        name: name of the signal, part of the random keys.
        signal: what the spec says.
        columns: columns of the parts of :data:`LEVELS` among the draws.
        seed: the spec's seed.
        size: elements of a datum.
        step_dt: time between two samples [s].
    """
    from sim2real.signals.error_kernels import Errors
    from sim2real.signals.levels import make_key, make_level

    found: Any = Errors()
    found.size, found.step_dt = size, step_dt
    for part in LEVELS:
        setattr(found, part, make_level(columns.get(part)))
    for part in EVERY_SAMPLE:
        setattr(found, f"{part}_key", make_key(seed, f"signals/{name}/{part}"))
    return found


def slots_of(signal: SignalSpec) -> int:
    """Return how many numbers of each element errors go on from."""
    return int(signal.walk is not None)


def make_state(signal: SignalSpec, num_envs: int, size: int, device: Any) -> Any:
    """Return the kernels' ``ErrorState``, arrays of float32 (num_envs, size, slots)."""
    import warp as wp

    from sim2real.signals.error_kernels import ErrorState

    state: Any = ErrorState()
    for array in ("now", "before"):
        setattr(state, array, wp.zeros((num_envs, size, slots_of(signal)), dtype=wp.float32, device=device))
    return state
