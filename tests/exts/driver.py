"""Drives the studio's window on the stand-in for Kit, as a person would: menus, clicks, typing, pickers."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kit_double.kit_menu import click_menu
from kit_double.kit_services import choose, notifications

EXTENSION = Path(__file__).parents[2] / "exts" / "sim2real.studio"
WORKSPACE = "/persistent/exts/sim2real.studio/workspace"
MENU = "Tools/sim2real/Studio"
TITLE = "sim2real Studio"


class Studio:
    """The loaded extension, and a person in front of it."""

    def __init__(self, kit: Any, extension: Any) -> None:
        self.kit, self.extension = kit, extension
        self._pause = threading.Event()

    @property
    def session(self) -> Any:
        """The extension's session."""
        return sys.modules["sim2real_studio"].current_session()

    @property
    def panel(self) -> Any:
        """The panel that the window shows."""
        return self.session.panel

    def open(self) -> Studio:
        """Click the menu line until the window is shown."""
        click_menu(self.kit, MENU)
        self.kit.tick(6)
        return self

    def close(self) -> None:
        """Click the menu line again: the window is closed and destroyed."""
        click_menu(self.kit, MENU)
        self.kit.tick(4)

    def find(self, identifier: str) -> Any:
        """The widget with an identifier, or None."""
        import omni.kit.ui_test as ui_test

        return ui_test.find(f"{TITLE}//Frame/**/*.identifier=='{identifier}'")

    def widget(self, identifier: str) -> Any:
        """The widget with an identifier.

        Raises:
            LookupError: there is none; names those that there are.
        """
        found = self.find(identifier)
        if found is None:
            raise LookupError(f"no widget '{identifier}'; there are {sorted(self.identifiers())}")
        return found.widget

    def identifiers(self) -> set[str]:
        """Every identifier in the window."""
        import omni.kit.ui_test as ui_test

        found = ui_test.find_all(f"{TITLE}//Frame/**/*")
        return {ref.widget.identifier for ref in found if ref.widget.identifier}

    def unfold(self, *keys: str) -> None:
        """Open sections or groups."""
        for key in keys:
            frame = self.find(f"{key}.frame")
            if frame.widget.collapsed:
                self.kit.run(frame.click())
            self.show()

    def show(self) -> None:
        """Let the session look at the panel, and the frames be drawn."""
        self.panel.settle(30.0)
        self.session.changed()
        self.kit.tick(6)

    def type(self, identifier: str, text: str) -> None:
        """Type into a field and leave it."""
        self.kit.run(self.find(identifier).input(text))
        self.show()

    def click(self, identifier: str) -> None:
        """Click a button, a check box or a frame."""
        ref = self.find(identifier)
        if ref is None:
            raise LookupError(f"no widget '{identifier}'; there are {sorted(self.identifiers())}")
        self.kit.run(ref.click())
        self.kit.tick(4)

    def select(self, identifier: str, word: str) -> None:
        """Choose an entry of a box."""
        model = self.widget(identifier).model
        words = [model.get_item_value_model(item, 0).as_string for item in model.get_item_children(None)]
        model.get_item_value_model().set_value(words.index(word))
        self.show()

    def choose(self, path: Path) -> None:
        """Choose a file in the picker that is open."""
        choose(self.kit, path.name, str(path.parent))
        self.show()

    def error(self, key: str) -> str:
        """The message below a field; empty where none is shown."""
        label = self.widget(f"{key}.error")
        return label.text if label.visible else ""

    def notice(self) -> str:
        """The message above the sections; empty where none is shown."""
        label = self.widget("notice")
        return label.text if label.visible else ""

    def told(self) -> list[str]:
        """Texts of the notifications so far."""
        return [note._text for note in notifications(self.kit)]

    def wait(self, true: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let the application run until something holds: a thread or a process takes its own time.

        Raises:
            TimeoutError: it did not.
        """
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                jobs = [(job.action, job.state, job.text, job.log[-3:]) for job in self.panel.jobs]
                raise TimeoutError(f"not within {seconds:g} s; notice {self.notice()!r}; jobs {jobs}")
            self._pause.wait(0.01)
            self.kit.tick(2)
        self.show()
