"""A quantity that the spec does not name yet: a careful first range, to be edited by who knows better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.spec.targets import TARGETS, Target
from sim2real.spec.units import si_unit
from sim2real.studio import spec_text
from sim2real.studio.fields import Field

if TYPE_CHECKING:
    from sim2real.studio.document import SpecDocument

NOTHING = "nothing"
"""The choice that adds none."""
_REACH = {"length": 0.01, "angle": 0.02, "mass": 0.1, "force": 10.0, "ratio": 0.1, "velocity": 0.1}
"""First reach of what is set or added, by dimension, SI; others 0.1."""


def add_field(section: str, visual: tuple[str, ...]) -> Field:
    """Return the field that adds a term to ``physics`` or ``visual``.

    Args:
        section: its key.
        visual: first words of the targets that belong to what is seen.
    """
    targets = [name for name in TARGETS if (name.partition(".")[0] in visual) == (section == "visual")]
    return Field(
        key=f"{section}.add",
        label="Randomize also",
        help="Adds a quantity to the spec with a careful first range; set its range to what you know of your robot.",
        kind="choice",
        choices=(NOTHING, *targets),
        default=NOTHING,
    )


def with_term(document: SpecDocument, target: str) -> SpecDocument:
    """Return the spec with a new term on a target, at the end of its terms.

    Raises:
        SpecError: the loader refuses it, because another term sets the same, for example.
        StudioError: the terms are shared by an anchor of the file.
    """
    base = target.replace(".", "_")
    found = document.root.fields("a spec")
    taken = set(found["terms"].fields("terms")) if "terms" in found else set()
    name = next(n for n in (base, *(f"{base}_{i}" for i in range(2, len(taken) + 3))) if n not in taken)
    term = first_term(TARGETS[target])
    if "terms" not in found:
        return document.edited(spec_text.inserted(document.text, ("terms",), spec_text.flow({name: term})))
    return document.edited(spec_text.inserted(document.text, ("terms", name), spec_text.flow(term)))


def first_term(target: Target) -> dict[str, Any]:
    """Return a term on a target that changes little: a tenth of a factor, a small step of anything else."""
    op = next(op for op in ("scale", "add", "set") if op in target.ops)
    term: dict[str, Any] = {"target": target.name, "op": op}
    dimension = "ratio" if op == "scale" else target.dimensions[0]
    if dimension != "ratio":
        term["unit"] = si_unit(dimension)
    reach = _REACH.get(dimension, 0.1)
    if target.whole:
        term["dist"] = {"uniform_int": [0, 1]}
    elif op == "scale":
        term["dist"] = {"uniform": [1.0 - reach, 1.0 + reach]}
    else:
        low = -reach if target.least is None else (0.5 * reach if target.positive else 0.0)
        term["dist"] = {"uniform": [low, reach]}
    if target.direction:
        term["direction"] = "horizontal"
    return term
