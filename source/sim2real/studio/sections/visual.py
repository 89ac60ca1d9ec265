"""Visual randomization: cameras, light, colours and noise of the spec, and a preview of what they make of a view."""

from __future__ import annotations

from typing import Any

from sim2real.studio import drawn, spec_fields
from sim2real.studio.actions import Action
from sim2real.studio.document import SpecDocument
from sim2real.studio.fields import Field
from sim2real.studio.new_terms import NOTHING, add_field, with_term
from sim2real.studio.outputs import Output
from sim2real.studio.results import load_result
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 30
SIZES = ("160 x 120", "320 x 240", "640 x 480")
"""Sizes of a view, width by height [px]."""


def fields(values: Values) -> tuple[Field, ...]:
    """Return how much to preview, and the spec's pictures, cameras and obstacles."""
    return (
        Field(
            key="visual.views",
            label="Views",
            help="How many randomized views the preview shows.",
            kind="integer",
            low=1,
            high=64,
            step=1,
            default=16,
        ),
        Field(
            key="visual.first",
            label="First frame",
            help="Number of the first view's frame. Frame 17 looks the same here, in a dataset and in Isaac Sim.",
            kind="integer",
            low=0,
            high=2**32 - 65,
            step=16,
            default=0,
        ),
        Field(
            key="visual.size",
            label="Size of a view",
            help="Width and height of a view in pixels.",
            kind="choice",
            choices=SIZES,
            default="320 x 240",
            advanced=True,
        ),
        *drawn.show_fields(values.document, "visual", counted="Frames"),
        add_field("visual", spec_fields.VISUAL),
        *spec_fields.fields_of(values.document, "visual"),
    )


def edit(values: Values, key: str, value: Any) -> SpecDocument | None:
    """Return the spec after a change of a range."""
    if key == "visual.add":
        return None if value == NOTHING else with_term(values.document, value)
    return spec_fields.edited(values.document, "visual", key, value)


def preview(values: Values, _workspace: Workspace) -> list[Output]:
    """Return the grid of views."""
    from sim2real.studio.preview import preview as make

    first = values["visual.first"]
    width, height = (int(word) for word in values["visual.size"].split(" x "))
    return make(values.document.spec, range(first, first + values["visual.views"]), height, width)


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show the last preview, and the draws of one quantity."""
    chosen = drawn.drawn_of(values.document, "visual").get(values["visual.show"])
    draws = [] if chosen is None else drawn.show(chosen, values.document.spec.seed, values["visual.worlds"])
    return [*load_result(workspace, "visual.preview"), *draws]


SECTION = Section(
    key="visual",
    title="Visual randomization",
    help="What is uncertain about cameras and pictures. Preview shows a grid of views as the spec draws them.",
    fields=fields,
    edit=edit,
    outputs=outputs,
    actions=(
        Action(
            key="visual.preview",
            label="Preview",
            help="Renders the views in small ray-cast rooms with the draws of their frames; takes about a second.",
            compute=preview,
        ),
    ),
)
