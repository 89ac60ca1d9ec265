"""Fields of the window itself: checked like a section's, kept by the session, no part of the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import omni.ui as ui

from .field_row import FieldRow
from .style import SPACING

if TYPE_CHECKING:
    from sim2real.studio import Field


class OwnFields:
    """Rows of fields over a dictionary; built in the container that is open."""

    def __init__(
        self,
        fields: Callable[[], tuple[Field, ...]],
        values: dict[str, Any],
        changed: Callable[[], None],
        pick: Callable[[Field, Callable[[Any], None]], None] = lambda field, send: None,
    ) -> None:
        """Build a frame for the rows.

        Args:
            fields: The fields as they are now; they may depend on the values.
            values: What was set, by key; written here.
            changed: Called when something is to be drawn anew.
            pick: Opens a file picker for a field, and gives what was chosen to a function.
        """
        self._make, self._values, self._changed, self._pick = fields, values, changed, pick
        self._fields: tuple[Field, ...] = ()
        self._rows: list[FieldRow] = []
        self._errors: dict[str, str] = {}
        self._refused: dict[str, Any] = {}
        self._frame = ui.Frame(height=0, build_fn=self._build)

    @property
    def valid(self) -> bool:
        """Whether nothing that was refused stands in a field."""
        return not any(field.key in self._errors for field in self._fields)

    def __getitem__(self, key: str) -> Any:
        """Return a field's value."""
        default = next((field.default for field in self._make() if field.key == key), None)
        return self._values.get(key, default)

    def show(self) -> None:
        """Bring the rows up to date."""
        fields = self._make()
        if [field.key for field in fields] != [field.key for field in self._fields]:
            self._fields = fields
            self._frame.rebuild()
        else:
            self._fill()

    def close(self) -> None:
        """End what the rows subscribed to."""
        for row in self._rows:
            row.close()
        self._rows = []

    def _build(self) -> None:
        self.close()
        with ui.VStack(height=0, spacing=SPACING):
            self._rows = [FieldRow(field, self._send, self._picker) for field in self._fields]
        self._fill()

    def _fill(self) -> None:
        defaults = {field.key: field.default for field in self._fields}
        for row in self._rows:  # none before the frame was drawn
            if row.key in defaults:
                value = self._values.get(row.key, defaults[row.key])
                row.show(value, self._errors.get(row.key, ""), self._refused.get(row.key))

    def _picker(self, field: Field) -> None:
        self._pick(field, lambda value: self._send(field.key, value))

    def _send(self, key: str, value: Any) -> None:
        from sim2real.studio import FieldError

        field = next(field for field in self._fields if field.key == key)
        try:
            self._values[key] = field.check(value)
        except FieldError as error:
            self._errors[key], self._refused[key] = error.message, value
        else:
            self._errors.pop(key, None)
            self._refused.pop(key, None)
        self._changed()
