"""Who applies each term: the engine, the caller, or nobody, which is an error unless the spec declares it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim2real.engines.friction import FRICTION
from sim2real.engines.ops import PUSHES, quantities_of
from sim2real.engines.quantities import TARGET_QUANTITIES
from sim2real.engines.resolve import Resolved, resolve
from sim2real.spec.targets import TARGETS

if TYPE_CHECKING:
    import numpy as np

    from sim2real.engines.engine import Engine, Support
    from sim2real.spec.spec import Spec
    from sim2real.spec.terms import Term


@dataclass(kw_only=True)
class Chosen:
    """The terms of a spec, sorted by who applies them."""

    properties: list[Resolved] = field(default_factory=list)
    """Changed in the engine's model."""
    pushes: list[Resolved] = field(default_factory=list)
    """Applied by the engine as wrenches."""
    handed: list[Resolved] = field(default_factory=list)
    """Drawn here, applied by the caller."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Left out on this engine, with the reason; the spec declares it."""
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Neither drawn nor applied here, with the reason."""
    support: dict[str, Support] = field(default_factory=dict)
    """By term: how it is held."""
    faults: list[str] = field(default_factory=list)
    """What is wrong."""

    @property
    def drawn(self) -> list[Resolved]:
        """All terms that are drawn here, by name."""
        return sorted([*self.properties, *self.pushes, *self.handed], key=lambda resolved: resolved.name)


def choose_terms(spec: Spec, engine: Engine, handled: Mapping[str, Support], elsewhere: Collection[str] = ()) -> Chosen:
    """Sort the terms of a spec; faults are written down, not raised."""
    chosen = Chosen()
    for name, term in spec.terms.items():
        if term.target in elsewhere:
            said = elsewhere[term.target] if isinstance(elsewhere, Mapping) else ""
            chosen.elsewhere[name] = said or "drawn and applied by the task"
            continue
        support = handled[term.target] if term.target in handled else engine.support(term.target)
        if not support.able and engine.name in term.skip_on:
            chosen.skipped[name] = support.note or f"{engine.name} cannot hold it"
            continue
        if not support.able:
            chosen.faults.append(_cannot(name, term, engine.name, support))
            continue
        chosen.support[name] = support
        resolved = resolve(name, term, TARGETS[term.target], engine.elements, chosen.faults)
        if resolved is None:
            continue
        if term.target in handled:
            chosen.handed.append(resolved)
        elif term.target in TARGET_QUANTITIES:
            chosen.properties.append(resolved)
        elif term.target in PUSHES:
            chosen.pushes.append(resolved)
        else:
            chosen.faults.append(f"terms.{name}: nobody applies {term.target} on {engine.name}; remove the term")
    _settle_idle(chosen, engine)
    chosen.faults += _exclusions(chosen, engine.name)
    return chosen


LIMITS = ("joint_limit", "actuator_effort_limit", "actuator_velocity_limit")
"""Quantities that may be without bound."""
UNLIMITED = 1e9
"""From here on a limit is none [SI]: engines write infinity, 1e10 or float32's largest number."""


def _settle_idle(chosen: Chosen, engine: Engine) -> None:
    """A factor on zero changes nothing, nor does any change of a limit that is none: such a term is left out where it
    says so, and is a fault elsewhere.

    Friction belongs to pairs, whose factor meets the pair's value: it is idle only if no shape has any.
    """
    nominal = {name: engine.nominal(name) for resolved in chosen.properties for name in quantities_of(resolved)}
    moved = {
        (name, element)
        for resolved in chosen.properties
        if resolved.term.op != "scale"
        for name in quantities_of(resolved)
        for element in resolved.elements
    }
    for resolved in list(chosen.properties):
        term = resolved.term
        places = [(name, element) for name in quantities_of(resolved) for element in resolved.elements]
        if term.op != "set" and not any(_limited(nominal[name], name, element) for name, element in places):
            why = f"{term.target} is unlimited on everything that '{term.select}' selects, and would stay so"
            remedy = "select what has a limit"
        elif term.op == "scale" and not any(p in moved or _holds(nominal[p[0]], *p) for p in places):
            why = f"{term.target} is 0 on everything that '{term.select}' selects, and a factor leaves it so"
            remedy = "use 'op: set' or 'op: add'"
        else:
            continue
        if engine.name in term.skip_on:
            chosen.skipped[resolved.name] = why
            chosen.properties.remove(resolved)
            del chosen.support[resolved.name]
        else:
            chosen.faults.append(f"terms.{resolved.name}: {why}; {remedy}")


def _limited(nominal: np.ndarray, quantity: str, element: int) -> bool:
    """Whether an element's quantity is one that has a bound somewhere, or needs none."""
    return quantity not in LIMITS or bool((abs(nominal[:, element]) < UNLIMITED).any())


def _holds(nominal: np.ndarray, quantity: str, element: int) -> bool:
    """Whether a factor on an element's quantity changes anything."""
    return bool((nominal if quantity == FRICTION else nominal[:, element]).any())


def _cannot(name: str, term: Term, engine: str, support: Support) -> str:
    why = f": {support.note}" if support.note else ""
    return (
        f"terms.{name}: {engine} cannot hold {term.target}{why}; remove the term, or say"
        f" 'unsupported: skip_declared' and in the term 'skip_on: [{engine}]'"
    )


def _exclusions(chosen: Chosen, engine: str) -> list[str]:
    """Return a fault for every two terms whose targets share a storage."""
    faults = []
    terms = sorted(chosen.properties, key=lambda resolved: resolved.name)
    for i, one in enumerate(terms):
        for other in terms[i + 1 :]:
            a, b = one.term.target, other.term.target
            if b in chosen.support[one.name].excludes or a in chosen.support[other.name].excludes:
                faults.append(
                    f"terms.{one.name} and terms.{other.name}: {engine} keeps {a} and {b} in one number; name one"
                )
    return faults
