"""Electrical power from tegrastats' lines: ``VDD_IN 4998mW/4998mW`` is now and on average.

The boards measure different rails. Where one of them feeds the whole module it is taken; where none does, the sum of
those that are told is, and the result says which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RAIL = re.compile(r"\b([A-Z][A-Z0-9_]*) (\d+)mW/(\d+)mW")
_GPU = re.compile(r"\bGR3D_FREQ (\d+)%")
WHOLE = ("VDD_IN", "VIN", "POM_5V_IN")
"""Rails through which the whole module is fed, on the boards that have one."""
BUSY_PERCENT = 50
"""From this load of the GPU on a line counts as taken during inference [%]."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """Mean power while the GPU worked."""

    watts: float
    """[W]."""
    rails: tuple[str, ...]
    """The rails that were added."""
    samples: int
    """Lines that were averaged."""
    busy: bool
    """Whether they are the lines under load; False: no line told of a load, so all of them."""


def parse_power_lines(text: str) -> Power | None:
    """Mean power of tegrastats' output; None where it tells of no rail."""
    lines = [(dict(_rails(line)), _GPU.search(line)) for line in text.splitlines()]
    told = [(rails, None if load is None else int(load[1])) for rails, load in lines if rails]
    if not told:
        return None
    busy = [rails for rails, load in told if load is not None and load >= BUSY_PERCENT]
    chosen = busy or [rails for rails, _ in told]
    names = tuple(name for name in WHOLE if all(name in rails for rails in chosen))[:1]
    if not names:
        names = tuple(sorted(set.intersection(*(set(rails) for rails in chosen))))
    if not names:
        return None
    watts = sum(sum(rails[name] for name in names) for rails in chosen) / len(chosen) / 1e3
    return Power(watts=watts, rails=names, samples=len(chosen), busy=bool(busy))


def _rails(line: str) -> list[tuple[str, int]]:
    """Name and power of every rail in a line [mW]."""
    return [(name, int(now)) for name, now, _ in _RAIL.findall(line)]
