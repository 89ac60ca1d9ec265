"""Physics, signals and actuators: the ranges of the spec, what they draw, and how late things are."""

from __future__ import annotations

from typing import Any

from sim2real.studio import spec_fields
from sim2real.studio.document import SpecDocument
from sim2real.studio.fields import Field
from sim2real.studio.section import Section
from sim2real.studio.values import Values

ORDER = 20


def fields(values: Values) -> tuple[Field, ...]:
    """Return the spec's terms and signals."""
    return spec_fields.fields_of(values.document, "physics")


def edit(values: Values, key: str, value: Any) -> SpecDocument | None:
    """Return the spec after a change of a range."""
    return spec_fields.edited(values.document, "physics", key, value)


SECTION = Section(
    key="physics",
    title="Physics, signals & actuators",
    help="How uncertain masses, friction, motors and delays are. Ranges are those of the spec, in its own units.",
    fields=fields,
    edit=edit,
)
