"""What the terms do to the numbers of a world's row, written out: one operation for each number and term.

The order is nominal, set, scale, add, payload; within one kind of operation terms go by name, so that the order of a
file changes nothing. Two families are more than arithmetic on one number: bodies, whose mass, centre of mass and
inertia hang together, and gravity, a vector that is changed by magnitude and direction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sim2real.engines.quantities import QUANTITIES, TARGET_QUANTITIES
from sim2real.engines.resolve import Resolved

SET, SCALE, ADD = range(3)
CODES = {"set": SET, "scale": SCALE, "add": ADD}
MASS_SET, MASS_SCALE, MASS_ADD, COM_ADD, INERTIA_SCALE, INERTIA_AXES, INERTIA_CHOLESKY, PAYLOAD = range(8)
"""What can be done to a body, in the order in which it is done."""
TILT = 3
"""What can be done to gravity beside set, scale and add of its magnitude."""
BEFORE = ("build", "startup")
"""Times of terms that are drawn once, under episode 0."""
LATER = ("reset", "interval", "step")
"""Times of terms that are drawn again."""
BODY_QUANTITIES = ("body_mass", "body_com", "body_inertia")
PUSHES = ("body.force", "body.torque")
"""Targets that are applied as a wrench."""
DRAWN_AROUND = ("world.gravity_tilt",)
"""Targets whose draw needs a direction of its own beside what `direction` says."""


@dataclass(frozen=True, kw_only=True)
class Op:
    """One operation of one term on one number, one body, or gravity."""

    code: int
    """Which operation."""
    name: str
    """The term's name."""
    column: int
    """Its first draw among the world's draws."""
    keep: bool = False
    """For a mass: whether the inertia follows."""
    around: int = -1
    """For a tilt: the draw of its axis."""
    low: float = 0.0
    """Smallest value of the draw (of this component)."""
    high: float = 0.0
    """Largest one."""
    lows: tuple[float, ...] = ()
    """For a body: smallest value of each component."""
    highs: tuple[float, ...] = ()
    """Largest ones."""
    staged: bool = True
    """Whether a staged curriculum opens its range: whether the term is drawn again after the start."""


@dataclass(kw_only=True)
class Operations:
    """All operations of a spec."""

    fold: dict[tuple[str, int, int], list[Op]] = field(default_factory=lambda: defaultdict(list))
    """By quantity, element and component."""
    bodies: dict[int, list[Op]] = field(default_factory=lambda: defaultdict(list))
    """By body; empty where bodies need no more than the fold."""
    gravity: list[Op] = field(default_factory=list)
    """On gravity."""
    written: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """When each quantity is written: the times of the terms that change it."""

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that a row needs, whether written or only read."""
        names = set(self.written)
        if self.bodies:
            names |= set(BODY_QUANTITIES)
        return tuple(name for name in QUANTITIES if name in names)

    def written_at(self, whens: Iterable[str]) -> tuple[str, ...]:
        """Return the quantities that a term drawn at one of these times changes."""
        wanted = set(whens)
        return tuple(name for name in QUANTITIES if self.written.get(name, set()) & wanted)


def quantities_of(resolved: Resolved) -> tuple[str, ...]:
    """Return the quantities that a term changes."""
    names = TARGET_QUANTITIES.get(resolved.term.target, ())
    if resolved.term.target == "body.mass" and resolved.term.keep:
        return (*names, "body_inertia")
    return names


def compile_ops(terms: Sequence[Resolved], columns: dict[str, int]) -> Operations:
    """Return the operations of terms.

    Args:
        terms: those that change properties.
        columns: first draw of each term and of each `term/around`.
    """
    found = Operations()
    coupled = any("body_inertia" in quantities_of(resolved) for resolved in terms)
    for resolved in sorted(terms, key=lambda entry: entry.name):
        term, names = resolved.term, quantities_of(resolved)
        for name in names:
            found.written[name].add(term.when)
        if resolved.kind == "world":
            found.gravity.append(_gravity_op(resolved, columns))
        elif coupled and names[0] in BODY_QUANTITIES:
            for element, slot in zip(resolved.elements, resolved.slots, strict=True):
                found.bodies[element].append(_body_op(resolved, columns, slot))
        else:
            for name in names:
                for element, slot in zip(resolved.elements, resolved.slots, strict=True):
                    for component in range(QUANTITIES[name].width):
                        found.fold[name, element, component].append(_fold_op(resolved, columns, slot, component))
    for ops in (*found.fold.values(), *found.bodies.values(), found.gravity):
        ops.sort(key=lambda op: (op.code, op.name))
    return found


def _fold_op(resolved: Resolved, columns: dict[str, int], slot: int, component: int) -> Op:
    term = resolved.term
    part = component if term.dist.dim > 1 else 0
    low, high = term.dist.bounds()
    return Op(
        code=CODES[term.op],
        name=resolved.name,
        column=columns[resolved.name] + slot * term.dist.dim + part,
        low=low[part],
        high=high[part],
        staged=term.when in LATER,
    )


def _gravity_op(resolved: Resolved, columns: dict[str, int]) -> Op:
    term = resolved.term
    low, high = term.dist.bounds()
    tilt = term.target == "world.gravity_tilt"
    return Op(
        code=TILT if tilt else CODES[term.op],
        name=resolved.name,
        column=columns[resolved.name],
        around=columns[around(resolved.name)] if tilt else -1,
        low=low[0],
        high=high[0],
        staged=term.when in LATER,
    )


def _body_op(resolved: Resolved, columns: dict[str, int], slot: int) -> Op:
    term = resolved.term
    dim = term.dist.dim
    code = {
        "body.mass": CODES[term.op],
        "body.com": COM_ADD,
        "body.inertia": INERTIA_CHOLESKY if term.op == "add" else (INERTIA_SCALE if dim == 1 else INERTIA_AXES),
        "body.payload": PAYLOAD,
    }[term.target]
    low, high = term.dist.bounds()
    return Op(
        code=code,
        name=resolved.name,
        column=columns[resolved.name] + slot * dim,
        keep=term.keep == "density",
        low=low[0],
        high=high[0],
        lows=low,
        highs=high,
        staged=term.when in LATER,
    )


def around(name: str) -> str:
    """Return the stream in which a term's direction is drawn; a term's name has no slash."""
    return f"{name}/around"


def pause(name: str) -> str:
    """Return the stream in which the time to a term's next draw is drawn."""
    return f"{name}/pause"


def reach(ops: Iterable[Op], low: float, high: float) -> tuple[float, float]:
    """Return the smallest and largest number that set, scale and add operations can make of [low, high]."""
    for op in ops:
        if op.code == SET:
            low, high = op.low, op.high
        elif op.code == SCALE:
            ends = [low * op.low, low * op.high, high * op.low, high * op.high]
            low, high = min(ends), max(ends)
        elif op.code == ADD:
            low, high = low + op.low, high + op.high
    return low, high
