"""Physics, signals and actuators: the ranges of the spec, what they draw, how late things are, how ranges grow."""

from __future__ import annotations

from typing import Any

from sim2real.studio import drawn, spec_fields
from sim2real.studio.curriculum_fields import adr_curves, curriculum_edit, curriculum_fields
from sim2real.studio.delays import timeline
from sim2real.studio.document import SpecDocument
from sim2real.studio.fields import Field
from sim2real.studio.new_terms import NOTHING, add_field, with_term
from sim2real.studio.outputs import Output, Text
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 20


def fields(values: Values) -> tuple[Field, ...]:
    """Return what to show, the spec's terms and signals, and its curriculum."""
    return (
        *drawn.show_fields(values.document, "physics", counted="Worlds"),
        add_field("physics", spec_fields.VISUAL),
        *spec_fields.fields_of(values.document, "physics"),
        *curriculum_fields(values.document),
    )


def edit(values: Values, key: str, value: Any) -> SpecDocument | None:
    """Return the spec after a change of a range, or of the curriculum."""
    if key == "physics.add":
        return None if value == NOTHING else with_term(values.document, value)
    if key.startswith("physics.adr."):
        return None if value == values.field(key).default else curriculum_edit(values.document, key, value)
    return spec_fields.edited(values.document, "physics", key, value)


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show the draws of one quantity, the latency timeline, and the bounds of a run's growing ranges."""
    spec = values.document.spec
    shown: list[Output] = []
    chosen = drawn.drawn_of(values.document, "physics").get(values["physics.show"])
    if chosen is None:
        shown.append(Text(lines=("Choose under 'Show draws of' what is on.",)))
    else:
        shown += drawn.show(chosen, spec.seed, values["physics.worlds"])
    return [*shown, *timeline(spec), *adr_curves(workspace.path(values["train.out"]))]


SECTION = Section(
    key="physics",
    title="Physics, signals & actuators",
    help="How uncertain masses, friction, motors and delays are. Ranges are those of the spec, in its own units.",
    fields=fields,
    edit=edit,
    outputs=outputs,
)
