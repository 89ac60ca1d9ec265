"""The extension's life: a session, a menu entry, a window on demand; everything is given back at the end."""

from __future__ import annotations

import weakref
from pathlib import Path

import omni.ext
import omni.kit.app
import omni.ui as ui
from omni.kit.menu.utils import MenuHelperExtensionFull

from . import settings
from .session import Session
from .window import TITLE, StudioWindow

MENU, ENTRY = "Tools/sim2real", "Studio"
_session: weakref.ref[Session] | None = None  # a weak one: a module that holds on to a session could not be reloaded


def current_session() -> Session | None:
    """Return the session of the enabled extension, for scripts and tests; None where it is not enabled."""
    return _session() if _session is not None else None


class StudioExtension(omni.ext.IExt, MenuHelperExtensionFull):
    """Starts and ends the studio inside Kit."""

    def on_startup(self, ext_id: str) -> None:
        """Open the session and put the window into the menu."""
        folder = Path(omni.kit.app.get_app().get_extension_manager().get_extension_path(ext_id))
        global _session
        self._session: Session | None = Session(folder)
        _session = weakref.ref(self._session)
        self.menu_startup(lambda: StudioWindow(self._session), TITLE, ENTRY, MENU)
        if settings.flag(settings.SHOW):
            ui.Workspace.show_window(TITLE, True)

    def on_shutdown(self) -> None:
        """Take the menu entry and the window away, and end the session."""
        self.menu_shutdown()
        if self._session is not None:
            self._session.close()
            self._session = None
