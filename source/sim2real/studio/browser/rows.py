"""One field as a row of the panel: its label, an editor, and below it why the last value was refused.

A page sends every keystroke. A row keeps what it was sent and hands it to the panel when typing rests, so that half a
number is not refused and undo goes by values rather than by letters. A refused text stays, so that it can be mended.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sim2real.studio.browser import html
from sim2real.studio.errors import FieldError
from sim2real.studio.fields import Field

REST_S = 0.6
"""How long typing rests before a text is taken [s]."""
EMPTY = "(as the tool decides)"
"""First word of a choice that may stay empty, where the field has no hint."""


def tooltip(field: Field) -> str:
    """Return what a field is, what it takes, and what happens if it stays empty."""
    parts = [field.help]
    if field.kind in ("number", "integer", "range"):
        parts.append(f"Give {field.allowed}.")
    if field.hint:
        parts.append(f"Empty: {field.hint}.")
    return " ".join(parts)


def same_widget(a: Field, b: Field) -> bool:
    """Return whether a row of one field can go on as the row of the other."""
    return all(
        getattr(a, name) == getattr(b, name)
        for name in ("key", "label", "help", "kind", "unit", "low", "high", "choices", "group", "optional", "hint")
    )


class FieldRow:
    """The widgets of one field, made in the container that is open."""

    def __init__(self, gui: Any, field: Field, order: float, changed: Callable[[FieldRow], None]) -> None:
        """Build the row.

        Args:
            gui: viser's ``GuiApi``.
            field: what is edited.
            order: where it stands.
            changed: called, from any thread, when a person gave something; :meth:`take` says what.
        """
        self.field = field
        self._changed = changed
        self._pending: str | None = None
        self._since = 0.0
        self._shown_error = ""
        self._words = ((field.hint or EMPTY,) if field.optional else ()) + field.choices
        told = not field.unit or field.unit in field.label.lower()
        label = field.label if told else f"{field.label} [{field.unit}]"
        hint = tooltip(field)
        if field.kind == "toggle":
            self._editor = gui.add_checkbox(label, False, hint=hint, order=order)
        elif field.kind == "choice":
            self._editor = gui.add_dropdown(label, self._words, hint=hint, order=order)
        else:
            self._editor = gui.add_text(label, "", hint=hint, order=order)
        self._error = gui.add_html("", visible=False, order=order + 0.5)
        self._editor.on_update(self._updated)

    def _updated(self, event: Any) -> None:
        if event.client is None:
            return  # the row itself showed a value
        self._pending, self._since = event.target.value, time.monotonic()
        self._changed(self)

    def take(self, *, at_once: bool = False) -> tuple[bool, Any]:
        """Return whether there is something to hand to the panel, and what; it is handed over once.

        Args:
            at_once: do not wait until typing rests.
        """
        pending = self._pending
        if pending is None:
            return False, None
        typed = self.field.kind not in ("toggle", "choice")
        if typed and not at_once and time.monotonic() - self._since < REST_S:
            return False, None
        self._pending = None
        if self.field.kind == "choice" and self.field.optional and pending == self._words[0]:
            return True, None
        return True, pending

    @property
    def waits(self) -> bool:
        """Whether something was typed that the panel has not yet."""
        return self._pending is not None

    def show(self, value: Any, error: str) -> None:
        """Show the panel's value, or why what stands there was refused."""
        if self._pending is not None:
            return
        if not error:
            self._show_value(value)
        if error != self._shown_error:
            self._error.content = html.error(error, self.field.key) if error else ""
            self._error.visible = bool(error)
            self._shown_error = error

    def _show_value(self, value: Any) -> None:
        if self.field.kind == "toggle":
            wanted: Any = bool(value)
        elif self.field.kind == "choice":
            wanted = self._words[0] if value is None else value
            if wanted not in self._words:
                return
        else:
            wanted = self.field.show(value)
            try:
                if self.field.check(self._editor.value) == value:
                    return  # what was typed says the same: leave the cursor alone
            except FieldError:
                pass
        if self._editor.value != wanted:
            self._editor.value = wanted

    def place(self, order: float) -> None:
        """Move the row."""
        if self._editor.order != order:
            self._editor.order, self._error.order = order, order + 0.5

    def remove(self) -> None:
        """Take the row away."""
        self._editor.remove()
        self._error.remove()
