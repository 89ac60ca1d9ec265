"""One section as a tab: its fields in groups, its buttons, the job that its buttons started last, and what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from sim2real.studio.browser import html
from sim2real.studio.browser.cards import JobCard
from sim2real.studio.browser.rows import FieldRow, same_widget

if TYPE_CHECKING:
    from sim2real.studio.actions import Action
    from sim2real.studio.browser.gate import Gate
    from sim2real.studio.outputs import Output
    from sim2real.studio.panel import Panel
    from sim2real.studio.section import Section

BUTTONS, JOB, OUTPUTS = 10_000, 20_000, 30_000
"""Where each part of a tab begins in viser's order; fields come first."""
GROUPS, FAR_GROUPS = 5_000, 40_000
"""Where groups of fields begin: before the buttons, or after everything where there are many."""
FEW = 4
"""Groups that are not many."""


class Host(Protocol):
    """What a section asks of its view."""

    advanced: bool
    """Whether advanced fields are shown."""

    def start(self, action: Action) -> None:
        """Start an action, after its question."""

    def cancel(self, job_id: str) -> None:
        """Stop a job."""


class SectionView:
    """The widgets of one section, in a tab of its own."""

    def __init__(self, gui: Any, tab: Any, section: Section, panel: Panel, gate: Gate, host: Host) -> None:
        """Build the tab.

        Args:
            gui: viser's ``GuiApi``.
            tab: viser's handle of the tab.
            section: what is shown.
            panel: whose section it is.
            gate: what serves pictures.
            host: the view.
        """
        self.section, self._gui, self._tab = section, gui, tab
        self._panel, self._gate, self._host = panel, gate, host
        self.rows: dict[str, FieldRow] = {}
        self._groups: dict[str, Any] = {}
        self._shown: list[tuple[Output, Any]] = []
        self._stamp: Any = None
        self._buttons: dict[str, tuple[Any, Any]] = {}
        with tab:
            gui.add_html(html.note(section.help), order=-1)
            for i, action in enumerate(section.actions):
                button = gui.add_button(action.label, hint=action.help, order=BUTTONS + 2 * i)
                button.on_click(self._starter(action))
                self._buttons[action.key] = (button, gui.add_html("", visible=False, order=BUTTONS + 2 * i + 1))
            self._card = JobCard(gui, JOB, host.cancel) if section.actions else None

    def _starter(self, action: Action) -> Callable[[Any], None]:
        return lambda _event: self._host.start(action)

    def show(self) -> None:
        """Show the panel as it is now."""
        self._show_fields()
        self._show_actions()
        with self._tab:
            self._show_outputs()

    def _show_fields(self) -> None:
        stamp = (self._panel.values.revision, dict(self._panel.errors), self._host.advanced)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        fields = [field for field in self._panel.fields(self.section.key) if self._host.advanced or not field.advanced]
        there = {field.key: field for field in fields}
        for key in list(self.rows):
            if key not in there or not same_widget(self.rows[key].field, there[key]):
                self.rows.pop(key).remove()
        groups = [group for group in dict.fromkeys(field.group for field in fields) if group]
        begin = GROUPS if len(groups) <= FEW else FAR_GROUPS
        for i, group in enumerate(groups):
            if group not in self._groups:
                with self._tab:
                    self._groups[group] = self._gui.add_folder(
                        group, order=begin + i, expand_by_default=len(groups) <= FEW
                    )
            elif self._groups[group].order != begin + i:
                self._groups[group].order = begin + i
        for i, field in enumerate(fields):
            row = self.rows.get(field.key)
            if row is None:
                with self._groups[field.group] if field.group else self._tab:
                    row = self.rows[field.key] = FieldRow(self._gui, field, i, lambda _row: None)
            row.place(i)
            row.show(self._panel.value(field.key), self._panel.errors.get(field.key, ""))
        for group in set(self._groups) - {field.group for field in fields}:
            self._groups.pop(group).remove()

    def _show_actions(self) -> None:
        for key, (button, why) in self._buttons.items():
            reason = self._panel.why_not(key) or ""
            if button.disabled != bool(reason):
                button.disabled = bool(reason)
            content = html.note(reason) if reason else ""
            if why.content != content:
                why.content, why.visible = content, bool(reason)
        if self._card is not None:
            jobs = (job for job in self._panel.jobs if job.action in self._buttons)
            self._card.show(next(jobs, None))

    def _show_outputs(self) -> None:
        outputs = self._panel.outputs(self.section.key)
        if [id(output) for output in outputs] == [id(output) for output, _ in self._shown]:
            return
        handles = [handle for _, handle in self._shown]
        for i, output in enumerate(outputs):  # widgets that stand are used again, so that nothing jumps
            content = html.show(output, self._gate)
            if i >= len(handles):
                handles.append(self._gui.add_html(content, order=OUTPUTS + i))
            elif handles[i].content != content:
                handles[i].content = content
        for handle in handles[len(outputs) :]:
            handle.remove()
        self._shown = list(zip(outputs, handles, strict=False))
