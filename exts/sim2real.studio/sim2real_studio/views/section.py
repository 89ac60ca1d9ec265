"""One section of the panel: its fields in groups, its buttons, and what it shows.

Frames are built anew only where something else is there; otherwise values go into the widgets that stand, so that a
person who is typing loses nothing. Only open sections are kept up to date.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import omni.ui as ui

from .field_row import FieldRow
from .outputs import build_outputs
from .style import ROW_HEIGHT, SPACING

if TYPE_CHECKING:
    from sim2real.studio import Action, Field, Panel, Section


class Host(Protocol):
    """What a section asks of its window."""

    advanced: bool
    """Whether advanced fields are shown."""
    refused: dict[str, Any]
    """What fields did not take last, by key."""
    open_sections: set[str]
    """Keys of the sections and groups that are unfolded; kept when the window closes."""

    def fold(self, key: str, collapsed: bool) -> None:
        """Remember that a section or a group was folded or unfolded."""

    def send(self, key: str, value: Any) -> None:
        """Give a field what a person typed."""

    def pick(self, field: Field) -> None:
        """Open a file picker for a field."""

    def start(self, action: str) -> None:
        """Start an action."""

    def open_file(self, path: str) -> None:
        """Open a file of the workspace."""


class SectionView:
    """The widgets of one section; built in the container that is open."""

    def __init__(self, section: Section, panel: Panel, host: Host) -> None:
        """Build the section, folded as it was left."""
        self.section, self._panel, self._host = section, panel, host
        self._fields: tuple[Field, ...] = ()
        self._rows: list[FieldRow] = []
        self._structure: Any = None
        self._outputs: list[Any] = []
        self._asking, self._asked = "", ""
        self._reasons: dict[str, ui.Label] = {}
        self._buttons: dict[str, ui.Button] = {}
        with folding(section.key, section.title, section.help, host):
            with ui.VStack(height=0, spacing=SPACING):
                ui.Label(section.help, name="dim", word_wrap=True, tooltip=section.help)
                self._fields_frame = ui.Frame(height=0, build_fn=self._build_fields)
                self._actions_frame = ui.Frame(height=0, build_fn=self._build_actions)
                self._outputs_frame = ui.Frame(height=0, build_fn=self._build_outputs)

    def show(self) -> None:
        """Show the panel as it is now, if the section is open."""
        if self.section.key not in self._host.open_sections:
            return
        fields = tuple(
            field for field in self._panel.fields(self.section.key) if self._host.advanced or not field.advanced
        )
        groups = tuple(dict.fromkeys(field.group for field in fields if self._unfolded(field.group)))
        structure = (groups, tuple(_structure(field) for field in fields))
        if structure != self._structure:
            self._structure, self._fields = structure, fields
            self._fields_frame.rebuild()
        else:
            self._fill()
        if self._asking != self._asked:  # not within the click: a frame must not be built anew by its own button
            self._asked = self._asking
            self._actions_frame.rebuild()
        else:
            self._show_actions()
        outputs = [*self._panel.outputs(self.section.key), *self._found()]
        if len(outputs) != len(self._outputs) or any(a is not b for a, b in zip(outputs, self._outputs, strict=True)):
            self._outputs = list(outputs)
            self._outputs_frame.rebuild()

    def close(self) -> None:
        """End what the rows subscribed to."""
        for row in self._rows:
            row.close()
        self._rows = []

    def _found(self) -> list[Any]:
        """Return what the section's actions found last, of those that run in this process."""
        latest: dict[str, Any] = {}
        for job in self._panel.jobs:  # the newest first
            if job.outputs:
                latest.setdefault(job.action, job.outputs)
        return [output for action in self.section.actions for output in latest.get(action.key, ())]

    # -- fields ------------------------------------------------------------------------------------------------------

    def _build_fields(self) -> None:
        self.close()
        with ui.VStack(height=0, spacing=SPACING):
            for group, fields in groupby(self._fields, key=lambda field: field.group):
                if not group:
                    self._build_rows(list(fields))
                    continue
                with folding(self._group_key(group), group, f"Fields of {group}", self._host):
                    with ui.VStack(height=0, spacing=SPACING):
                        if self._unfolded(group):  # a spec has hundreds of fields, and few are looked at
                            self._build_rows(list(fields))
        self._fill()

    def _group_key(self, group: str) -> str:
        return f"{self.section.key}.group.{group}"

    def _unfolded(self, group: str) -> bool:
        return not group or self._group_key(group) in self._host.open_sections

    def _build_rows(self, fields: list[Field]) -> None:
        self._rows += [FieldRow(field, self._host.send, self._host.pick) for field in fields]

    def _fill(self) -> None:
        values, errors = self._panel.values, self._panel.errors
        for row in self._rows:
            if row.key in values:
                row.show(values[row.key], errors.get(row.key, ""), self._host.refused.get(row.key))

    # -- actions -----------------------------------------------------------------------------------------------------

    def _build_actions(self) -> None:
        self._reasons, self._buttons = {}, {}
        with ui.VStack(height=0, spacing=SPACING):
            for action in self.section.actions:
                if action.key == self._asked:
                    self._build_question(action)
                    continue
                self._buttons[action.key] = ui.Button(
                    action.label,
                    height=ROW_HEIGHT,
                    name="primary",
                    identifier=action.key,
                    tooltip=action.help,
                    clicked_fn=self._clicker(action),
                )
                self._reasons[action.key] = ui.Label(
                    "",
                    name="dim",
                    word_wrap=True,
                    visible=False,
                    identifier=f"{action.key}.why_not",
                    tooltip=action.help,
                )

    def _build_question(self, action: Action) -> None:
        ui.Label(action.confirm, word_wrap=True, identifier=f"{action.key}.question", tooltip=action.help)
        with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
            ui.Button(
                action.label,
                name="primary",
                identifier=f"{action.key}.yes",
                tooltip=action.help,
                clicked_fn=lambda: self._answer(action, True),
            )
            ui.Button(
                "Cancel",
                identifier=f"{action.key}.no",
                tooltip="Start nothing",
                clicked_fn=lambda: self._answer(action, False),
            )

    def _clicker(self, action: Action) -> Callable[[], None]:
        def clicked() -> None:
            if action.confirm:
                self._asking = action.key
            else:
                self._host.start(action.key)

        return clicked

    def _answer(self, action: Action, yes: bool) -> None:
        self._asking = ""
        if yes:
            self._host.start(action.key)

    def _show_actions(self) -> None:
        for key, label in self._reasons.items():
            why = self._panel.why_not(key) or ""
            label.text, label.visible = why, bool(why)
            self._buttons[key].enabled = not why

    # -- outputs -----------------------------------------------------------------------------------------------------

    def _build_outputs(self) -> None:
        with ui.VStack(height=0, spacing=2 * SPACING):
            build_outputs(self._outputs, self.section.key, self._host.open_file)


def _structure(field: Field) -> tuple[Any, ...]:
    """What a row is built from; the default alone may change without a new row."""
    return (
        field.key, field.label, field.kind, field.unit, field.low, field.high, field.choices, field.group,
        field.optional,
    )  # fmt: skip


def folding(key: str, title: str, tooltip: str, host: Host) -> ui.CollapsableFrame:
    """Return a frame that remembers whether it is folded."""

    return ui.CollapsableFrame(
        title,
        collapsed=key not in host.open_sections,
        collapsed_changed_fn=lambda collapsed: host.fold(key, collapsed),
        identifier=f"{key}.frame",
        tooltip=tooltip,
    )
