"""Jobs: what runs, how far it is, what it said, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import omni.ui as ui

from .style import LABEL_WIDTH, ROW_HEIGHT, SPACING

if TYPE_CHECKING:
    from sim2real.studio import Job

JOBS_SHOWN = 12
"""So many of the latest jobs are listed."""
LOG_LINES, LOG_HEIGHT = 40, 140
"""Lines of a log that are shown, and the height of their frame [px]."""
MARKS = {"done": "good", "failed": "bad", "lost": "bad", "cancelled": "warn"}
"""Colour of a state."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """The widgets of one job that change while it runs."""

    progress: ui.SimpleFloatModel
    text: ui.Label
    log: ui.Label


class JobsView:
    """The list of jobs; built in the container that is open. Identifiers count from the newest, `jobs.0`."""

    def __init__(self, cancel: Callable[[str], None], remove: Callable[[str], None]) -> None:
        """Build an empty list.

        Args:
            cancel: Takes the id of a job to stop.
            remove: Takes the id of a job to forget.
        """
        self._cancel, self._remove = cancel, remove
        self._jobs: tuple[Job, ...] = ()
        self._rows: dict[str, _Row] = {}
        self._structure: tuple[object, ...] | None = None
        self._frame = ui.Frame(height=0, build_fn=self._build)

    def show(self, jobs: tuple[Job, ...]) -> None:
        """Show the jobs as they are now, the newest first."""
        self._jobs = jobs[:JOBS_SHOWN]
        structure = tuple((job.id, job.state, job.stopping) for job in self._jobs)
        if structure != self._structure:
            self._structure = structure
            self._frame.rebuild()
        else:
            for job in self._jobs:
                self._fill(job)

    def _build(self) -> None:
        self._rows = {}
        with ui.VStack(height=0, spacing=SPACING):
            if not self._jobs:
                ui.Label("Nothing was started yet.", name="dim", identifier="jobs.none", tooltip="Jobs appear here")
            for number, job in enumerate(self._jobs):
                self._build_row(job, f"jobs.{number}")
                self._fill(job)

    def _build_row(self, job: Job, name: str) -> None:
        command = " ".join(job.argv) or "computed in this window"
        progress = ui.SimpleFloatModel(0.0)
        with ui.VStack(height=0):
            with ui.HStack(height=ROW_HEIGHT, spacing=SPACING):
                ui.Label(job.label or job.action, width=LABEL_WIDTH, elided_text=True, tooltip=command)
                state = "stopping" if job.stopping else job.state
                ui.Label(
                    state,
                    width=70,
                    name=MARKS.get(job.state, ""),
                    identifier=f"{name}.state",
                    tooltip=f"State of the job: {state}",
                )
                ui.ProgressBar(progress, identifier=f"{name}.progress", tooltip="How far it is")
                if job.over:
                    self._button("Remove", f"{name}.remove", job, "Forget this job and its log", self._remove)
                else:
                    tip = "Stop it: first politely, so that it can save; press again to be firmer"
                    self._button("Cancel", f"{name}.cancel", job, tip, self._cancel)
            text = ui.Label("", name="dim", word_wrap=True, identifier=f"{name}.text", tooltip=command)
            with ui.CollapsableFrame("Log", collapsed=True, identifier=f"{name}.log", tooltip=command):
                with ui.ScrollingFrame(height=LOG_HEIGHT):
                    log = ui.Label("", word_wrap=True, alignment=ui.Alignment.LEFT_TOP, tooltip=command)
        self._rows[job.id] = _Row(progress=progress, text=text, log=log)

    @staticmethod
    def _button(label: str, identifier: str, job: Job, tooltip: str, act: Callable[[str], None]) -> None:
        ui.Button(
            label,
            width=70,
            identifier=identifier,
            tooltip=tooltip,
            clicked_fn=lambda: act(job.id),
        )

    def _fill(self, job: Job) -> None:
        row = self._rows.get(job.id)
        if row is None:  # the frame is rebuilt in the next update
            return
        part = 1.0 if job.state == "done" else (job.done / job.total if job.total else 0.0)
        row.progress.set_value(float(part))
        row.text.text = job.text
        row.log.text = "\n".join(job.log[-LOG_LINES:])
