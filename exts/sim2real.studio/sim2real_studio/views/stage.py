"""The opened stage: randomize the physics of what is selected, see what became of it, take it back.

Two sources: the spec that the panel edits, or one quantity scaled within a range, for whoever has no spec yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omni.ui as ui
import omni.usd

from .outputs import build_outputs
from .own_fields import OwnFields
from .section import Host, folding
from .style import ROW_HEIGHT, SPACING

if TYPE_CHECKING:
    from sim2real.spec import Spec
    from sim2real.studio import Field

    from ..session import Session
    from ..stage_tools import Outcome

KEY = "stage"
HELP = (
    "Changes masses, gains, friction and gravity of what is selected in the opened stage, by the draws that a training"
    " would make. Press Play first. Nothing goes into the file; Undo and Stop bring back what was there."
)
FROM_SPEC, ONE_RANGE = "the panel's spec", "one range"
SCALED = {
    "body.mass": "body", "body.inertia": "body", "shape.friction": "shape", "joint.friction": "joint",
    "joint.viscous_friction": "joint", "joint.armature": "joint", "actuator.kp": "joint", "actuator.kd": "joint",
    "actuator.strength": "joint", "actuator.effort_limit": "joint", "world.gravity": "world",
}  # fmt: skip
"""What one range can scale, and for what each draw of its own is made."""


class StageView:
    """The widgets for the opened stage; built in the container that is open."""

    def __init__(self, session: Session, host: Host) -> None:
        """Build the section, folded as it was left."""
        self._session, self._host = session, host
        self._outcome: Outcome | None = None
        self._shown: Any = None
        with folding(KEY, "Opened stage", HELP, host):
            with ui.VStack(height=0, spacing=SPACING):
                ui.Label(HELP, name="dim", word_wrap=True, tooltip=HELP)
                self._selected = ui.Label(
                    "", word_wrap=True, identifier="stage.selected", tooltip="What is selected in the viewport now"
                )
                values = session.stage_values
                self._fields = OwnFields(
                    lambda: stage_fields(values.get("stage.source", FROM_SPEC)), values, session.changed
                )
                with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
                    self._button("Randomize selection", "stage.randomize", HELP, self._randomize, primary=True)
                    self._undo = self._button(
                        "Undo", "stage.undo", "Give back what the last click changed", self._undo_clicked
                    )
                self._error = ui.Label(
                    "", name="error", word_wrap=True, visible=False, identifier="stage.error", tooltip="What is wrong"
                )
                self._outcome_frame = ui.Frame(height=0, build_fn=self._build_outcome)

    @staticmethod
    def _button(
        label: str, identifier: str, tooltip: str, act: Callable[[], None], *, primary: bool = False
    ) -> ui.Button:
        return ui.Button(
            label, identifier=identifier, tooltip=tooltip, clicked_fn=act, name="primary" if primary else ""
        )

    def show(self) -> None:
        """Show what is selected and what was done, if the section is open."""
        if KEY not in self._session.open_sections or self._session.tool is None:
            return
        paths = self._paths()
        self._selected.text = f"Selected: {', '.join(paths[:4])}" + (", ..." if len(paths) > 4 else "")
        if not paths:
            self._selected.text = "Nothing is selected: click a robot or rigid bodies."
        self._undo.enabled = self._session.tool.can_undo
        self._fields.show()
        if self._shown is not self._outcome:
            self._shown = self._outcome
            self._outcome_frame.rebuild()

    def close(self) -> None:
        """End what the rows subscribed to."""
        self._fields.close()

    def _build_outcome(self) -> None:
        with ui.VStack(height=0, spacing=SPACING):
            if self._outcome is not None:
                build_outputs(outcome_outputs(self._outcome), KEY, lambda path: None)

    # -- clicks ------------------------------------------------------------------------------------------------------

    def _randomize(self) -> None:
        from ..stage_tools import StageError

        def act() -> Outcome:
            if not self._fields.valid:
                raise StageError("mend the fields above first")
            context = omni.usd.get_context()
            return self._session.tool.randomize(
                context.get_stage(),
                self._paths(),
                self._spec(),
                world=self._fields["stage.world"],
                episode=self._fields["stage.episode"],
            )

        self._try(act)

    def _undo_clicked(self) -> None:
        def act() -> None:
            self._session.tell(f"Undone: {self._session.tool.undo()}")

        self._try(act)

    def _try(self, act: Callable[[], Outcome | None]) -> None:
        from sim2real.errors import Sim2RealError

        try:
            self._outcome, text = act(), ""
        except Sim2RealError as error:
            text = str(error)
        except Exception as error:  # a simulation's own: half a draw was given back, and a person has to know
            text = f"{type(error).__name__}: {error}"
        self._error.text, self._error.visible = text, bool(text)
        self._session.changed()

    def _spec(self) -> Spec:
        if self._fields["stage.source"] == FROM_SPEC:
            return self._session.panel.values.document.spec
        low, high = self._fields["stage.range"]
        return scaling_spec(self._fields["stage.target"], low, high, self._fields["stage.seed"])

    @staticmethod
    def _paths() -> list[str]:
        return list(omni.usd.get_context().get_selection().get_selected_prim_paths())


def stage_fields(source: str) -> tuple[Field, ...]:
    """Return the fields of the stage tools, for one of the two sources."""
    from sim2real.studio import Field

    common = (
        Field(
            key="stage.source",
            label="Randomize by",
            help="The terms of the spec that the panel edits, or one quantity scaled within a range.",
            kind="choice",
            choices=(FROM_SPEC, ONE_RANGE),
            default=FROM_SPEC,
        ),
        Field(
            key="stage.world",
            label="World",
            help="Number of the first selected robot's world; its draws are those of a training's world.",
            kind="integer",
            low=0,
            high=2**31 - 1,
            default=0,
        ),
        Field(
            key="stage.episode",
            label="Episode",
            help="Which episode of that world; another number is another draw.",
            kind="integer",
            low=0,
            high=2**31 - 2,
            default=0,
        ),
    )
    if source != ONE_RANGE:
        return common
    return (
        *common,
        Field(
            key="stage.target",
            label="Quantity",
            help="What is scaled, from what it is nominally; each body, shape or joint has a draw of its own.",
            kind="choice",
            choices=tuple(SCALED),
            default="body.mass",
        ),
        Field(
            key="stage.range",
            label="Factor",
            help="Smallest and largest factor; every number between them is as likely.",
            kind="range",
            low=0.01,
            high=100.0,
            default=(0.8, 1.2),
        ),
        Field(
            key="stage.seed",
            label="Seed",
            help="Seed of the draws.",
            kind="integer",
            low=0,
            high=2**63 - 1,
            default=7,
        ),
    )


def scaling_spec(target: str, low: float, high: float, seed: int) -> Spec:
    """Return the spec that scales one quantity.

    Raises:
        SpecError: the range is none that the target takes.
    """
    from sim2real.spec import parse_spec

    each = SCALED[target]
    words = f"target: {target}, op: scale, dist: {{uniform: [{low!r}, {high!r}]}}, when: reset, each: {each}"
    keep = ", keep: density" if target == "body.mass" else ""
    return parse_spec(f"schema: 1\nseed: {seed}\nterms:\n  factor: {{{words}{keep}}}\n", "one range")


def outcome_outputs(outcome: Outcome) -> list[Any]:
    """Return what a click did as the outputs that every section shows."""
    from sim2real.studio import Table, Text

    found: list[Any] = [
        Table(
            title=f"{outcome.title}, through {outcome.api}",
            columns=("term", "element", "quantity", "before", "after"),
            rows=tuple((c.term, c.element, c.quantity, c.before, c.after) for c in outcome.changes),
        )
    ]
    if outcome.left_out:
        lines = tuple(f"{term}: {reason}" for term, reason in outcome.left_out)
        found.append(Text(title="Not applied to a stage", lines=lines, mark="warn"))
    return found
