"""Friction belongs to a pair, and engines store it by shape: what a shape must hold so that the pair has the draw.

With the rule of the pair known, the draw is turned round: under `max` the shape holds the draw itself and must not go
below its counterpart's; under `average` it holds twice the draw less the counterpart's, under `multiply` the quotient.
A draw that the rule cannot reach is an error before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.ops import Op, Operations, reach
from sim2real.engines.resolve import Resolved, label_of, matches
from sim2real.spec.errors import listing

if TYPE_CHECKING:
    from sim2real.engines.engine import Element, Engine

FRICTION = "shape_friction"
PAIR: dict[str, Callable[[Any, Any], Any]] = {
    "max": np.maximum,
    "min": np.minimum,
    "average": lambda a, b: 0.5 * (a + b),
    "multiply": lambda a, b: a * b,
}
"""The friction of a pair from those of its shapes."""
SLACK = 1e-6
"""Ends of a range are float32 numbers in the engine: so much is no difference."""


class Pairs:
    """Which shapes have a say in the friction of each randomized shape: its counterparts of the same priority."""

    def __init__(self, terms: list[Resolved], engine: Engine, faults: list[str]) -> None:
        """Find the counterparts; a pattern that matches nothing is a fault."""
        self.rule = engine.friction_combine
        self.counterparts: dict[int, set[int]] = {}
        self._shapes = shapes = engine.elements.shape
        for resolved in terms:
            if resolved.term.target != "shape.friction":
                continue
            own = set(resolved.elements)
            found = {i for i in range(len(shapes)) if i not in own and self._meets(resolved, i, engine)}
            if resolved.term.against is not None and not found:
                faults.append(
                    f"terms.{resolved.name}: against '{resolved.term.against}' matches no other shape and no asset;"
                    f" there is {listing(sorted({label_of(shape) for shape in shapes})[:12])}"
                )
            for element in own:
                self.counterparts.setdefault(element, set()).update(self._equals(resolved, element, found, faults))
        if self.counterparts and self.rule not in PAIR:
            faults.append(f"{engine.name}: unknown rule for the friction of a pair: '{self.rule}'")
            self.counterparts = {}

    def _meets(self, resolved: Resolved, shape: int, engine: Engine) -> bool:
        """Whether a shape is a counterpart: named by `against`, else everything else that cannot move."""
        element: Element = engine.elements.shape[shape]
        pattern = resolved.term.against
        if pattern is None:
            assets = {engine.elements.shape[i].asset for i in resolved.elements}
            return element.fixed and element.asset not in assets
        if re.fullmatch(pattern, element.asset) or re.fullmatch(pattern, label_of(element)):
            return True
        return matches(pattern, element, engine.elements)

    def _equals(self, resolved: Resolved, element: int, others: set[int], faults: list[str]) -> set[int]:
        """Return the counterparts that have a say beside the element; one that alone decides is a fault."""
        own = self._shapes[element]
        above = [label_of(self._shapes[i]) for i in sorted(others) if self._shapes[i].priority > own.priority]
        if above:
            faults.append(
                f"terms.{resolved.name}: {listing(above[:12])} has a higher contact priority than {label_of(own)}, so"
                " its friction acts alone and the draw would change nothing; give both the same priority, or select"
                " the other shape"
            )
        return {i for i in others if self._shapes[i].priority == own.priority}


def solve_friction(
    pairs: Pairs, operations: Operations, nominal: np.ndarray, faults: list[str]
) -> tuple[np.ndarray, dict[tuple[str, int, int], tuple[float, float]], dict[int, tuple[float, float]]]:
    """Return how randomized shapes get the friction of their pairs.

    Args:
        pairs: who meets whom.
        operations: what the terms do.
        nominal: shape friction before randomization, (num_worlds, shapes, 1).
        faults: where to write what cannot be reached.

    Returns:
        the friction of the pairs before randomization (as `nominal`; shapes without a counterpart keep theirs), factor
        and offset from the pair's friction to the shape's, and the effective range of each randomized shape.
    """
    effective = nominal.copy()
    solved: dict[tuple[str, int, int], tuple[float, float]] = {}
    ranges: dict[int, tuple[float, float]] = {}
    said: set[str] = set()
    for element, others in sorted(pairs.counterparts.items()):
        ops = operations.fold.get((FRICTION, element, 0), [])
        low_other, high_other = _range_of(sorted(others), operations, nominal)
        if others:
            effective[:, element, 0] = PAIR[pairs.rule](nominal[:, element, 0], 0.5 * (low_other + high_other))
        low, high = reach(ops, float(effective[:, element, 0].min()), float(effective[:, element, 0].max()))
        ranges[element] = (low, high)
        if not others:
            continue
        problem = _problem(pairs.rule, (low, high), (low_other, high_other))
        if problem:
            text = f"{_names(ops)}: {problem}"
            if text not in said:
                said.add(text)
                faults.append(text)
        elif pairs.rule == "average":
            solved[FRICTION, element, 0] = (2.0, -low_other)
        elif pairs.rule == "multiply":
            solved[FRICTION, element, 0] = (1.0 / low_other, 0.0)
    return effective, solved, ranges


def _range_of(shapes: list[int], operations: Operations, nominal: np.ndarray) -> tuple[float, float]:
    """Return the smallest and largest friction that these shapes can have."""
    ranges = [
        reach(
            operations.fold.get((FRICTION, shape, 0), []),
            float(nominal[:, shape, 0].min()),
            float(nominal[:, shape, 0].max()),
        )
        for shape in shapes
    ]
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 0.0)


def _problem(rule: str, own: tuple[float, float], other: tuple[float, float]) -> str:
    """Return why a pair cannot have the friction that is wanted; nothing when it can."""
    (low, high), (low_other, high_other) = own, other
    if rule == "max" and low < high_other - SLACK:
        return (
            f"wants a friction of {low:g} to {high:g}, but the counterpart has up to {high_other:g} and the larger of"
            f" the two acts: nothing below {high_other:g} would happen; lower the counterpart's friction (our tasks"
            " set the ground's to 0), or raise the range"
        )
    if rule == "min" and high > low_other + SLACK:
        return (
            f"wants a friction of {low:g} to {high:g}, but the counterpart has down to {low_other:g} and the smaller"
            f" of the two acts: nothing above {low_other:g} would happen; raise the counterpart's friction"
        )
    if rule in ("average", "multiply") and high_other - low_other > SLACK:
        return (
            f"the friction of a pair is the {_WORD[rule]} of its shapes', and the counterparts have {low_other:g} to"
            f" {high_other:g}; name one with 'against', and leave it as it is"
        )
    if rule == "average" and 2.0 * low - low_other < -SLACK:
        return (
            f"wants a friction of {low:g} to {high:g}, but half of the counterpart's {low_other:g} is there already;"
            f" lower the counterpart's friction, or stay above {0.5 * low_other:g}"
        )
    if rule == "multiply" and low_other <= 0.0:
        return "the counterpart has a friction of 0, and the product of the two acts; raise the counterpart's"
    return ""


_WORD = {"average": "average", "multiply": "product"}


def _names(ops: list[Op]) -> str:
    return " and ".join(f"terms.{name}" for name in sorted({op.name for op in ops}))
