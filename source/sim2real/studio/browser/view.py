"""The panel's widgets in every page that is open: a tab for each section, and tabs for jobs, files and the scene.

A thread of its own looks at the panel ten times a second, hands it what was typed, and changes the widgets that differ.
All pages show one panel; viser sends each of them the whole state when it opens, so that a page that was closed shows
everything again.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.studio.browser import html
from sim2real.studio.browser.cards import JobCard
from sim2real.studio.browser.files_view import FilesView
from sim2real.studio.browser.section_view import SectionView

if TYPE_CHECKING:
    from sim2real.studio.actions import Action
    from sim2real.studio.browser.gate import Gate
    from sim2real.studio.panel import Panel

LOOK_S = 0.1
"""Time between two looks at the panel [s]."""
CLOCK_S = 1.0
"""Time between two looks at what no version tells: a running job's clock, a file that an action waits for [s]."""
MOST_CARDS = 12
"""Jobs that the list shows."""
WIDTH_PX = 560
"""Width of the panel in a new page."""


class View:
    """The widgets, and the thread that keeps them true."""

    def __init__(
        self, server: Any, panel: Panel, gate: Gate, parts: tuple[Callable[[Any, View], Any], ...] = ()
    ) -> None:
        """Build everything and begin to look.

        Args:
            server: viser's server.
            panel: what is shown.
            gate: what serves pictures.
            parts: further tabs: each is called with viser's tab group and this view, and returns something with
                ``show()`` and ``close()``.
        """
        self.server, self.panel, self.gate = server, panel, gate
        self.advanced = False
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._version = -1
        self._changed = True
        self._fault = ""
        self._shown_at = float("-inf")
        self._told = {job.id for job in panel.jobs if job.over}
        gui = server.gui
        gui.configure_theme(show_logo=False, show_share_button=False, control_width="large")
        gui.main_panel.dock_right()
        gui.main_panel.set_width(WIDTH_PX)
        gui.set_panel_label("sim2real studio")
        root = panel.workspace.root
        named = f'<span class="dim" title="{escape(str(root))}">Workspace {escape(root.name or str(root))}</span>'
        gui.add_html(html.STYLE + html.boxed(named))
        self._edit = gui.add_button_group("Edit", ("Undo", "Redo"), hint="Goes back or forward by one value.")
        self._edit.on_click(self._undo_or_redo)
        self._advanced = gui.add_checkbox("Advanced", False, hint="Shows the fields that are seldom needed, too.")
        self._advanced.on_update(self._toggle_advanced)
        self._notices = gui.add_html("", visible=False)
        tabs = gui.add_tab_group()
        self.sections = [
            SectionView(gui, tabs.add_tab(short_title(section.title)), section, panel, gate, self)
            for section in panel.sections
        ]
        self._jobs_tab = tabs.add_tab("Jobs")
        with self._jobs_tab:
            self._no_jobs = gui.add_html(html.note("Nothing was started yet."))
        self._cards: dict[str, JobCard] = {}
        self._parts = [FilesView(tabs, self), *(part(tabs, self) for part in parts)]
        self._thread = threading.Thread(target=self._look, name="sim2real-view", daemon=True)
        self._thread.start()

    # What people do -------------------------------------------------------------------------------------------------

    def start(self, action: Action) -> None:
        """Start an action, after its question."""
        self.flush()
        if not action.confirm:
            self.attempt(lambda: self.panel.start(action.key))
            return
        with self.server.gui.add_modal(action.label) as modal:
            self.server.gui.add_html(html.boxed(escape(action.confirm)))
            self.server.gui.add_button("Yes").on_click(
                lambda _event: (modal.close(), self.attempt(lambda: self.panel.start(action.key)))
            )
            self.server.gui.add_button("No").on_click(lambda _event: modal.close())

    def cancel(self, job_id: str) -> None:
        """Stop a job."""
        self.attempt(lambda: self.panel.cancel(job_id))

    def forget(self, job_id: str) -> None:
        """Take a job off the list."""
        self.attempt(lambda: self.panel.remove(job_id))

    def _undo_or_redo(self, event: Any) -> None:
        self.flush()
        word = event.target.value
        if not (self.panel.undo() if word == "Undo" else self.panel.redo()):
            self.tell(f"There is nothing to {word.lower()}.", "")
        self.refresh()

    def _toggle_advanced(self, event: Any) -> None:
        self.advanced = bool(event.target.value)
        self.refresh()

    def attempt(self, do: Callable[[], Any]) -> bool:
        """Do what a person asked for; tell why if it cannot be done, and return whether it was."""
        try:
            do()
        except Sim2RealError as error:
            self.tell("That cannot be done now", str(error), "red")
            return False
        finally:
            self.refresh()
        return True

    def tell(self, title: str, body: str, color: str = "blue") -> None:
        """Show a note in the corner of every page."""
        for client in self.server.get_clients().values():
            client.add_notification(title, body, auto_close_seconds=8.0, color=color)

    # What pages show ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Let the next look change the widgets, whether the panel changed or not."""
        self._changed = True

    def flush(self) -> None:
        """Hand everything that was typed to the panel now."""
        with self._lock:
            self._take(at_once=True)

    def _take(self, *, at_once: bool) -> None:
        for section in self.sections:
            for key, row in list(section.rows.items()):
                there, value = row.take(at_once=at_once)
                if there:
                    self.attempt(lambda key=key, value=value: self.panel.set(key, value))  # type: ignore[misc]

    def _look(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # a fault of ours: the terminal shows it, once, and the panel goes on
                told = traceback.format_exc()
                if told != self._fault:
                    self._fault = told
                    sys.stderr.write(told)

    def look(self) -> None:
        """Hand over what was typed, and show what changed."""
        with self._lock:
            self._take(at_once=False)
            version = self.panel.poll()
            ticked = time.monotonic() - self._shown_at > CLOCK_S
            if version != self._version or self._changed or ticked:
                self._version, self._changed = version, False
                self._show()
                self._shown_at = time.monotonic()
            for part in self._parts:
                part.show()

    def _show(self) -> None:
        notices = "<br>".join(escape(line) for line in self.panel.notices)
        content = html.boxed(f'<span class="warn">! {notices}</span>', "notice") if notices else ""
        if self._notices.content != content:
            self._notices.content, self._notices.visible = content, bool(content)
        for section in self.sections:
            section.show()
        self._show_jobs()
        self._tell_news()

    def _show_jobs(self) -> None:
        jobs = self.panel.jobs[:MOST_CARDS]
        for job_id in set(self._cards) - {job.id for job in jobs}:
            self._cards.pop(job_id).take_away()
        with self._jobs_tab:
            for i, job in enumerate(jobs):
                if job.id not in self._cards:
                    self._cards[job.id] = JobCard(self.server.gui, 10 + i, self.cancel, self.forget)
                self._cards[job.id].place(10 + i)
                self._cards[job.id].show(job)
        if self._no_jobs.visible == bool(jobs):
            self._no_jobs.visible = not jobs

    def _tell_news(self) -> None:
        """Tell of every job that ended since the last look."""
        for job in self.panel.jobs:
            if job.over and job.id not in self._told:
                self._told.add(job.id)
                color = {"done": "green", "cancelled": "yellow"}.get(job.state, "red")
                self.tell(f"{job.label}: {job.state}", job.text[:300], color)

    def close(self) -> None:
        """Stop looking, and what the further tabs run."""
        self.flush()
        self._stop.set()
        self._thread.join()
        for part in self._parts:
            part.close()


def short_title(title: str) -> str:
    """Return a section's title as it fits on a tab."""
    return title.partition(",")[0]
