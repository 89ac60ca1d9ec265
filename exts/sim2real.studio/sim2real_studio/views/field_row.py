"""One field as a row: its name, an editor for its kind, its unit, and below them what is wrong with what was typed.

What a person types goes to the panel as text; the panel answers with a value or a message. A refused text stays in the
widget, so that it can be mended, and the panel keeps the value it had. Numbers are typed too: omni.ui's own number
fields turn what they cannot read into 0 without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omni.ui as ui

from .style import LABEL_WIDTH, ROW_HEIGHT, SPACING, UNIT_WIDTH

if TYPE_CHECKING:
    from sim2real.studio import Field

Send = Callable[[Any], None]
"""Takes what a person gave."""
EMPTY = "(as the tool decides)"
"""First entry of a choice that may stay empty, where the field has no hint."""


class FieldRow:
    """The widgets of one field; built in the container that is open."""

    def __init__(self, field: Field, send: Callable[[str, Any], None], pick: Callable[[Field], None]) -> None:
        """Build the row.

        Args:
            field: What is edited.
            send: Takes the field's key and what a person gave.
            pick: Opens a file picker for the field.
        """
        self.key = field.key
        with ui.VStack(height=0):
            with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
                ui.Label(field.label, width=LABEL_WIDTH, elided_text=True, tooltip=field.help)
                self._editor: _Editor = EDITORS[field.kind](field, lambda value: send(field.key, value))
                if field.kind == "path":
                    ui.Button(
                        "...",
                        width=ROW_HEIGHT,
                        identifier=f"{field.key}.pick",
                        tooltip=f"Choose a file or folder of the workspace: {field.label}",
                        clicked_fn=lambda: pick(field),
                    )
                if field.unit:
                    ui.Label(field.unit, width=UNIT_WIDTH, name="dim", elided_text=True, tooltip=field.allowed)
            self._error = ui.Label(
                "",
                name="error",
                word_wrap=True,
                visible=False,
                identifier=f"{field.key}.error",
                tooltip=_tooltip(field),
            )

    def show(self, value: Any, error: str, refused: Any = None) -> None:
        """Show the panel's value, or what was refused and why; neither counts as an edit.

        Args:
            value: The panel's value.
            error: What is wrong with the last thing that was given; empty for nothing.
            refused: That thing, for a row that was built after it was given.
        """
        if not error:
            self._editor.show(value)
        elif self._editor.fresh:
            self._editor.show(value)
            self._editor.show_refused(refused)
        if self._error.text != error:
            self._error.text = error
            self._error.visible = bool(error)

    def close(self) -> None:
        """End the subscriptions; they hold the row, and the row holds them."""
        self._editor.close()


class _Editor:
    """Shows a value without taking that for an edit."""

    def __init__(self, field: Field, send: Send) -> None:
        self.field = field
        self._send = send
        self._quiet = False
        self._shown: Any = field  # nothing that a value equals
        self.fresh = True
        """Whether nothing was shown yet."""
        self._subscriptions: list[Any] = []

    def show(self, value: Any) -> None:
        """Show a value; what a person is typing is left alone until the value changes."""
        if value == self._shown and type(value) is type(self._shown):
            return
        self._shown, self.fresh = value, False
        self._put_quietly(lambda: self._put(value))

    def show_refused(self, text: Any) -> None:
        """Show what was refused, if it was typed: a word of a box cannot be wrong, a text can."""
        if isinstance(text, str):
            self._shown = self.field
            self._put_quietly(lambda: self._put_text(text))

    def _put_quietly(self, put: Callable[[], None]) -> None:
        self._quiet = True
        try:
            put()
        finally:
            self._quiet = False

    def close(self) -> None:
        """End the subscriptions."""
        self._subscriptions.clear()

    def _put(self, value: Any) -> None:
        raise NotImplementedError

    def _put_text(self, text: str) -> None:
        """Show a text as it was typed; boxes and check marks have none."""

    def _edited(self, value: Any) -> None:
        if not self._quiet:
            self._shown = self.field  # the widget now holds what was typed, not the panel's value
            self._send(value)


class _TextEditor(_Editor):
    """Text, numbers and paths; sent when the widget is left or Enter is pressed."""

    def __init__(self, field: Field, send: Send) -> None:
        super().__init__(field, send)
        self._model = ui.SimpleStringModel("")
        ui.StringField(self._model, identifier=field.key, tooltip=_tooltip(field))
        self._subscriptions.append(
            self._model.subscribe_end_edit_fn(lambda model: self._edited(model.get_value_as_string()))
        )

    def _put(self, value: Any) -> None:
        self._put_text(self.field.show(value))

    def _put_text(self, text: str) -> None:
        self._model.set_value(text)


class _RangeEditor(_Editor):
    """Low and high, side by side."""

    def __init__(self, field: Field, send: Send) -> None:
        super().__init__(field, send)
        self._models = []
        for end in ("low", "high"):
            model = ui.SimpleStringModel("")
            ui.StringField(model, identifier=f"{field.key}.{end}", tooltip=f"{end}: {_tooltip(field)}")
            self._subscriptions.append(model.subscribe_end_edit_fn(lambda model: self._ended()))
            self._models.append(model)

    def _ended(self) -> None:
        ends = [model.get_value_as_string().strip() for model in self._models]
        self._edited(", ".join(ends) if any(ends) else "")

    def _put(self, value: Any) -> None:
        self._put_text(self.field.show(value))

    def _put_text(self, text: str) -> None:
        low, _, high = text.partition(", ")
        for model, end in zip(self._models, (low, high), strict=True):
            model.set_value(end)


class _ChoiceEditor(_Editor):
    """One of some words."""

    def __init__(self, field: Field, send: Send) -> None:
        super().__init__(field, send)
        self._words: tuple[Any, ...] = ((None,) if field.optional else ()) + field.choices
        shown = [field.hint or EMPTY if word is None else word for word in self._words]
        self._combo = ui.ComboBox(0, *shown, identifier=field.key, tooltip=_tooltip(field))
        self._index = self._combo.model.get_item_value_model()
        self._combo.model.add_item_changed_fn(lambda model, item: self._edited(self._words[self._index.as_int]))

    def _put(self, value: Any) -> None:
        if value in self._words:
            self._index.set_value(self._words.index(value))


class _ToggleEditor(_Editor):
    """Yes or no."""

    def __init__(self, field: Field, send: Send) -> None:
        super().__init__(field, send)
        self._model = ui.SimpleBoolModel(False)
        ui.CheckBox(self._model, width=ROW_HEIGHT, identifier=field.key, tooltip=_tooltip(field))
        ui.Spacer()
        self._subscriptions.append(
            self._model.subscribe_value_changed_fn(lambda model: self._edited(model.get_value_as_bool()))
        )

    def _put(self, value: Any) -> None:
        self._model.set_value(bool(value))


def _tooltip(field: Field) -> str:
    """Return what it is, what may be given, and what happens if nothing is."""
    parts = [field.help]
    if field.kind in ("number", "integer", "range"):
        parts.append(f"Give {field.allowed}.")
    if field.hint:
        parts.append(f"Empty: {field.hint}.")
    return " ".join(parts)


EDITORS: dict[str, type[_Editor]] = {
    "number": _TextEditor,
    "integer": _TextEditor,
    "text": _TextEditor,
    "path": _TextEditor,
    "range": _RangeEditor,
    "choice": _ChoiceEditor,
    "toggle": _ToggleEditor,
}
"""Editor of each kind of field."""
