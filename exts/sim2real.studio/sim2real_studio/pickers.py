"""Kit's file picker, one at a time, given back when the extension ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from omni.kit.window.filepicker import FilePickerDialog


class Picker:
    """Asks for a file; the dialog is kept until another is opened, since it must not be destroyed by its own button."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._dialog: FilePickerDialog | None = None

    def ask(self, title: str, button: str, folder: Path, chosen: Callable[[str], None], filename: str = "") -> None:
        """Open the dialog.

        Args:
            title: What is asked for; the dialog's title.
            button: What stands on the button that ends it.
            folder: Where it begins.
            chosen: Takes the path; not called where a person cancels.
            filename: Name to begin with.
        """
        self.close()

        def applied(name: str, directory: str) -> None:
            self.hide()
            if name or directory:
                chosen(os.path.join(directory, name) if name else directory)

        self._dialog = FilePickerDialog(
            title,
            apply_button_label=button,
            allow_multi_selection=False,
            click_apply_handler=applied,
            click_cancel_handler=lambda name, directory: self.hide(),
        )
        if filename:
            self._dialog.set_filename(filename)
        self._dialog.show(str(folder))

    def hide(self) -> None:
        """Take the dialog off the screen."""
        if self._dialog is not None:
            self._dialog.hide()

    def close(self) -> None:
        """Destroy the dialog."""
        if self._dialog is not None:
            self._dialog.destroy()
            self._dialog = None
