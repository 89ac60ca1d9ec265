"""A job as a card: what it is and how far, a bar, its log, and buttons to stop or forget it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim2real.studio.browser import html
from sim2real.studio.jobs import Job


class JobCard:
    """The widgets of one job, made in the container that is open."""

    def __init__(
        self, gui: Any, order: float, cancel: Callable[[str], None], remove: Callable[[str], None] | None = None
    ) -> None:
        """Build the card, empty.

        Args:
            gui: viser's ``GuiApi``.
            order: where it stands.
            cancel: stops a job by its id.
            remove: forgets a job by its id; None: no button for that.
        """
        self._job: Job | None = None
        self._folder = gui.add_folder(None, order=order, visible=False)
        with self._folder:
            self._head = gui.add_html("")
            self._bar = gui.add_progress_bar(0.0, visible=False)
            self._cancel = gui.add_button(
                "Cancel", visible=False, color="red", hint="Stops it; what it finished stays."
            )
            self._forget = gui.add_button(
                "Forget", visible=False, color="gray", hint="Takes it off the list, with its log."
            )
            with gui.add_folder("Log", expand_by_default=False):
                self._log = gui.add_html("")
        self._cancel.on_click(lambda _event: self._job is not None and cancel(self._job.id))
        self._can_forget = remove is not None
        self._forget.on_click(lambda _event: remove and self._job is not None and remove(self._job.id))

    def show(self, job: Job | None) -> None:
        """Show a job, or nothing."""
        if job != self._job or (job is not None and job.state == "running"):
            self._job = job
            if job is not None:
                self._fill(job)
            _put(self._folder, "visible", job is not None)

    def _fill(self, job: Job) -> None:
        _put(self._head, "content", html.job_head(job))
        _put(self._log, "content", html.job_log(job))
        _put(self._bar, "visible", job.state == "running")
        _put(self._bar, "value", 100.0 * job.done / job.total if job.total else 100.0)
        _put(self._bar, "animated", job.state == "running" and not job.total)
        _put(self._cancel, "visible", not job.over)
        _put(self._cancel, "label", "Stop it harder" if job.stopping else "Cancel")
        _put(self._forget, "visible", job.over and self._can_forget)

    def place(self, order: float) -> None:
        """Move the card."""
        _put(self._folder, "order", order)

    def take_away(self) -> None:
        """Remove the card."""
        self._folder.remove()


def _put(handle: Any, name: str, value: Any) -> None:
    """Change a widget's property where it differs; every change is a message to every page."""
    if getattr(handle, name) != value:
        setattr(handle, name, value)
