"""What lives as long as the extension: the library, the panel, the stage tools. Windows come and go above it.

`MenuHelperExtensionFull` destroys a window that is closed, and a person who opens it again expects to find everything
where it was; so a window holds widgets and nothing else. Jobs are processes of their own and outlive even this.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import carb
import omni.kit.app
import omni.kit.notification_manager as notifications

from . import compat, settings
from .library import Library, Problem
from .scenes import Scenes

if TYPE_CHECKING:
    from sim2real.studio import Panel

    from .stage_tools import StageTool

LOOK_S = 0.1
"""Time between two looks at the panel [s]; typing and clicking wait for none of them."""
_NEWS = {"done": "finished", "failed": "failed", "lost": "was lost", "cancelled": "was cancelled"}


class Session:
    """The extension without its window."""

    def __init__(self, extension: Path) -> None:
        """Find the library and open the panel; what is missing is in :attr:`problems`.

        Args:
            extension: The extension's folder.
        """
        self.extension = extension
        self.problems: list[Problem] = []
        self.panel: Panel | None = None
        self.tool: StageTool | None = None
        self.open_sections: set[str] = {"robot"}
        self.advanced = False
        self.refused: dict[str, object] = {}
        self.stage_values: dict[str, object] = {}
        self.scene_values: dict[str, object] = {}
        self.scenes = Scenes(self.changed, self.tell)
        self._listener: Callable[[], None] | None = None
        self._states: dict[str, str] = {}
        self._version = -1
        self._changed = True
        self._library = Library(extension, settings.text(settings.LIBRARY))
        self._stop = compat.on_stop(self._physics_stopped)
        self.open()
        self._task = asyncio.ensure_future(self._look())

    def open(self) -> None:
        """Look for the library, and open the panel where it was left; also the button `Try again`."""
        self.problems = self._library.attach()
        if not self.problems and self.panel is None:
            self._open_panel()
        self.changed()

    def _open_panel(self) -> None:
        workspace = settings.text(settings.WORKSPACE) or settings.default_workspace(self.extension)
        command = shlex.split(settings.text(settings.COMMAND)) or None
        try:
            from sim2real.errors import Sim2RealError
            from sim2real.studio import Panel

            from .stage_tools import StageTool
        except ImportError as error:
            self.problems = [_unusable(error)]
            return
        try:
            self.panel = Panel(workspace, command)
        except ImportError as error:  # a section's file
            self.problems = [_unusable(error)]
            return
        except Sim2RealError as error:
            self.problems = [
                Problem(what=f"The workspace cannot be opened: {error}", remedy=f"Set {settings.WORKSPACE} to another.")
            ]
            return
        self.tool = StageTool()
        self._states = {job.id: job.state for job in self.panel.jobs}

    def close(self) -> None:
        """Give everything back. Jobs that are processes go on."""
        self._task.cancel()
        self._listener = None
        compat.unsubscribe(self._stop)
        self._stop = None
        self.scenes.close()
        if self.tool is not None:
            self.tool.forget()
            self.tool = None
        if self.panel is not None:
            self.panel.close()
            self.panel = None
        self._library.detach()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call `listener` in an update after something changed; None: nobody."""
        self._listener = listener
        self.changed()

    def changed(self) -> None:
        """Say that something is to be drawn anew."""
        self._changed = True

    def set_workspace(self, folder: str) -> str:
        """Open another workspace; returns what is wrong with it, nothing where it is open now."""
        from sim2real.errors import Sim2RealError
        from sim2real.studio import Panel

        command = shlex.split(settings.text(settings.COMMAND)) or None
        try:
            panel = Panel(folder, command)
        except Sim2RealError as error:
            return str(error)
        if self.panel is not None:
            self.panel.close()
        self.panel, self._version = panel, -1
        self._states = {job.id: job.state for job in panel.jobs}
        settings.store(settings.WORKSPACE, folder)
        self.changed()
        return ""

    def set_command(self, program: str) -> None:
        """Run verbs by another program from now on, and remember it.

        Raises:
            StudioError: it is no program.
        """
        assert self.panel is not None
        self.panel.set_command(shlex.split(program) or None)
        settings.store(settings.COMMAND, program)
        self.changed()

    def tell(self, text: str, *, warning: bool = False) -> None:
        """Show a notification."""
        status = notifications.NotificationStatus.WARNING if warning else notifications.NotificationStatus.INFO
        notifications.post_notification(text, status=status)

    async def _look(self) -> None:
        """Look at the panel a few times a second, between two updates of the application."""
        app = omni.kit.app.get_app()
        due = 0.0
        while True:
            await app.next_update_async()
            if not self._changed and time.monotonic() < due:
                continue
            due = time.monotonic() + LOOK_S
            try:
                self._step()
            except Exception as error:  # the window must not freeze because one look failed
                carb.log_error(f"sim2real.studio: {type(error).__name__}: {error}")

    def _step(self) -> None:
        if self.panel is not None:
            version = self.panel.poll()
            self._changed |= version != self._version
            self._version = version
            self._tell_of_jobs()
        if self._changed:
            self._changed = False
            if self._listener is not None:
                self._listener()

    def _tell_of_jobs(self) -> None:
        assert self.panel is not None
        for job in self.panel.jobs:
            before = self._states.get(job.id)
            self._states[job.id] = job.state
            if job.over and before != job.state and job.argv:
                said = f": {job.text}" if job.state != "done" and job.text else ""
                self.tell(f"{job.label or job.action} {_NEWS[job.state]}{said}", warning=job.state != "done")

    def _physics_stopped(self) -> None:
        """PhysX forgets its tensors and takes what the file says; so does the stage tool."""
        if self.tool is not None:
            self.tool.forget()
            self.changed()


def _unusable(error: ImportError) -> Problem:
    return Problem(what=f"The library cannot be imported: {error}.", remedy="Mend that, and press Try again.")
