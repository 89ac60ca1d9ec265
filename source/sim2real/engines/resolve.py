"""From names to elements: which element of the engine a term means, and which of the term's draws it takes.

Engines order joints and bodies differently, and draws must not. So the draws of a term belong to names: the selected
elements' `asset/name`, mapped to a twin first where the term mirrors them, sorted. Whoever has the same names has the
same draws.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim2real.spec.errors import listing
from sim2real.spec.units import si_unit

if TYPE_CHECKING:
    from collections.abc import Collection

    from sim2real.engines.engine import Element, Elements
    from sim2real.spec.targets import Target
    from sim2real.spec.terms import Term

_KINDS = {"body": "body", "link": "body", "geometry": "body", "shape": "shape", "contact": "shape", "joint": "joint",
          "actuator": "joint", "world": "world"}  # fmt: skip
_MOVING = ("body.mass", "body.com", "body.inertia", "body.payload", "body.force", "body.torque", "body.velocity_kick")
"""Targets that mean nothing for a body that cannot move."""
NAMES_SHOWN = 12
"""A message lists so many names at most."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A term whose names were found."""

    name: str
    """The term's name."""
    term: Term
    """What the spec says."""
    kind: str
    """Kind of its elements; `scene` where there is a single one that no engine lists."""
    elements: tuple[int, ...]
    """Numbers of the selected elements, in the engine's order."""
    slots: tuple[int, ...]
    """Which draw each of them takes."""
    labels: tuple[str, ...]
    """Whose each draw is; one label for each draw."""

    @property
    def count(self) -> int:
        """Draws for each world."""
        return len(self.labels)


def kind_of(target: str) -> str:
    """Return the kind of elements that a target belongs to; `scene` for those that no engine lists."""
    return _KINDS.get(target.partition(".")[0], "scene")


def label_of(element: Element) -> str:
    """Return `asset/name`, by which draws are sorted."""
    return f"{element.asset}/{element.name}"


def matches(pattern: str, element: Element, elements: Elements) -> bool:
    """Whether a pattern means an element: by its whole name, or for a shape by its body's."""
    if re.fullmatch(pattern, element.name):
        return True
    return element.body >= 0 and re.fullmatch(pattern, elements.body[element.body].name) is not None


def resolve(name: str, term: Term, target: Target, elements: Elements, faults: list[str]) -> Resolved | None:
    """Return the term with its elements found; None after writing down what is wrong."""
    kind = kind_of(term.target)
    if term.target == "body.inertia" and (term.op == "add") != (term.dist.dim == 6):
        faults.append(
            f"terms.{name}: body.inertia takes 'op: scale' with 1 or 3 factors, or 'op: add' with the 6 coordinates d1,"
            f" d2, d3, s12, s23, s13 of a triangular factor; got op: {term.op} with {term.dist.dim}"
        )
        return None
    if kind in ("world", "scene"):
        label = "world" if kind == "world" else term.asset
        return Resolved(name=name, term=term, kind=kind, elements=(0,), slots=(0,), labels=(label,))
    every = elements.of(kind)
    of_asset = [i for i, element in enumerate(every) if re.fullmatch(term.asset, element.asset)]
    if not of_asset:
        there = sorted({element.asset for element in every})
        faults.append(
            f"terms.{name}: asset '{term.asset}' matches nothing that has a {kind}; there is {listing(there) or 'none'}"
        )
        return None
    found = [i for i in of_asset if matches(term.select, every[i], elements)]
    if not found:
        names = [every[i].name for i in of_asset]
        faults.append(f"terms.{name}: select '{term.select}' matches no {kind}; there are {_shown(names)}")
        return None
    if term.target in _MOVING:
        moving = [i for i in found if not every[i].fixed]
        if not moving:
            faults.append(
                f"terms.{name}: {_shown([every[i].name for i in found])} cannot move, so {term.target} changes nothing"
            )
            return None
        found = moving
    _check_units(name, term, target, [every[i] for i in found], faults)
    owners = [_owner(term, every[i], elements) for i in found]
    labels = tuple(sorted(set(owners)))
    _check_mirror(name, term, [every[i] for i in found], faults)
    slot = {label: i for i, label in enumerate(labels)}
    return Resolved(
        name=name,
        term=term,
        kind=kind,
        elements=tuple(found),
        slots=tuple(slot[owner] for owner in owners),
        labels=labels,
    )


def _owner(term: Term, element: Element, elements: Elements) -> str:
    """Return whose draw an element takes."""
    if term.each == "world":
        return "world"
    if term.each == "body" and element.body >= 0:
        element = elements.body[element.body]
    label = label_of(element)
    for one, other in term.mirror.items():
        if one in label:
            return label.replace(one, other)
    return label


def _check_mirror(name: str, term: Term, chosen: list[Element], faults: list[str]) -> None:
    for one, other in term.mirror.items():
        if not any(one in label_of(element) for element in chosen):
            names = _shown([element.name for element in chosen])
            faults.append(f"terms.{name}: mirror '{one}: {other}' is in no selected name; there are {names}")


def _check_units(name: str, term: Term, target: Target, chosen: list[Element], faults: list[str]) -> None:
    """A hinge turns and a slide moves: the unit must be of the joint's kind."""
    if term.op == "scale" or len(target.dimensions) < 2 or kind_of(term.target) != "joint":
        return
    turning, sliding = (si_unit(dimension) for dimension in target.dimensions)
    for element in chosen:
        expected = sliding if element.prismatic else turning
        if term.unit != expected:
            what = "slides" if element.prismatic else "turns"
            faults.append(
                f"terms.{name}: joint {element.name} {what}, so {term.target} is in {expected}, not {term.unit};"
                " select joints of one kind"
            )
            return


def _shown(names: Collection[str]) -> str:
    """Return the names for a message, the long tail left off."""
    listed = sorted(set(names))
    more = len(listed) - NAMES_SHOWN
    return listing(listed[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
