"""Which streams of random numbers a spec needs: one for each term, and a few beside it.

A scalar force also needs a direction, a tilt an axis, an interval its length. They are streams of their own, named
after the term with a slash, which no term's name has; so they change nothing in the term's own draws.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sim2real.engines.ops import DRAWN_AROUND, around, pause
from sim2real.spec.distributions import Uniform

if TYPE_CHECKING:
    from sim2real.draws.bank import Stream
    from sim2real.engines.resolve import Resolved

DIRECTION_DRAWS = {"any": 2, "horizontal": 1}
"""How many numbers a direction takes."""


def around_dim(resolved: Resolved) -> int:
    """Return how many numbers the direction of one draw takes; 0 where it is given."""
    if resolved.term.target in DRAWN_AROUND:
        return 1
    return DIRECTION_DRAWS.get(resolved.term.direction or "", 0)


def streams_of(terms: Iterable[Resolved]) -> list[Stream]:
    """Return the streams of terms, by name."""
    from sim2real.draws.bank import Stream

    streams = []
    for resolved in terms:
        term = resolved.term
        streams.append(Stream(name=resolved.name, dist=term.dist, count=resolved.count))
        if dim := around_dim(resolved):
            streams.append(
                Stream(name=around(resolved.name), dist=Uniform([0.0] * dim, [1.0] * dim), count=resolved.count)
            )
        if term.interval_s is not None:
            streams.append(Stream(name=pause(resolved.name), dist=Uniform(*term.interval_s), count=1))
    return sorted(streams, key=lambda stream: stream.name)
