"""The panel: everything a window shows and does, without a window.

A front end draws :attr:`Panel.sections`, hands what is typed to :meth:`Panel.set`, and asks :meth:`Panel.poll` a few
times a second whether to draw again. No call waits: work in this process runs in a thread, long work is a process of
its own. Whatever is set is kept in the workspace at once, so that closing the window loses nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.spec import SpecError
from sim2real.studio.actions import Action
from sim2real.studio.command import find_command
from sim2real.studio.document import SpecDocument
from sim2real.studio.errors import FieldError, StudioError
from sim2real.studio.fields import Field
from sim2real.studio.jobs import Job
from sim2real.studio.outputs import Output, Text
from sim2real.studio.results import save_result
from sim2real.studio.section import Section, discover
from sim2real.studio.state import read_state, write_state
from sim2real.studio.values import Values, check_value, checked_values
from sim2real.studio.work import Work
from sim2real.studio.workspace import Workspace, write_atomic

STATE = "panel.yaml"
"""File of the panel's state below the studio's own folder."""
FIRST_PRESET = "go2"
"""Spec of a new workspace."""
MOST_UNDO = 200
"""Steps that can be undone."""


@dataclass(frozen=True)
class _Step:
    """What undo brings back."""

    given: dict[str, Any]
    document: SpecDocument


class Panel:
    """The panel of one workspace; every method may be called from any thread."""

    def __init__(
        self,
        workspace: str | os.PathLike[str],
        command: Sequence[str] | None = None,
        *,
        sections: Sequence[Section] | None = None,
        most_running: int = 2,
        grace_s: tuple[float, float] = (30.0, 10.0),
    ) -> None:
        """Open a workspace as it was left.

        Args:
            workspace: folder of runs and files; made where it is missing.
            command: the program that runs verbs, such as ``["/opt/sim2real/sim2real.sh"]``; None: see
                :func:`sim2real.studio.command.find_command`.
            sections: what to show; None: every file of ``sim2real/studio/sections``.
            most_running: processes at a time; others wait.
            grace_s: how long a cancelled job may take after SIGINT, and after SIGTERM [s].

        Raises:
            WorkspaceError: nothing can be written there.
        """
        self.workspace = Workspace(workspace)
        self.sections: tuple[Section, ...] = tuple(sections) if sections is not None else discover()
        self.errors: dict[str, str] = {}
        """Message of every field whose last value was refused, by key."""
        self.notices: list[str] = []
        """What could not be kept when the state was read, for people."""
        self._command_given = command
        self._lock = threading.RLock()
        self._version = 1
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._work = Work(self.workspace, self._touch, most_running, grace_s)
        given, self._document, self.notices = read_state(self.workspace.private / STATE, FIRST_PRESET)
        self._given, dropped = checked_values(given, self._document, self.workspace, self.sections)
        self.notices += dropped
        self._values = self._make_values()
        self.poll()

    # What is set ----------------------------------------------------------------------------------------------------

    @property
    def values(self) -> Values:
        """Everything that is set now, frozen."""
        with self._lock:
            return self._values

    def fields(self, section_key: str) -> tuple[Field, ...]:
        """Return the fields of a section as they are now, without those that do not apply."""
        found = self.values.fields(self._section(section_key).key).values()
        return tuple(field for field in found if not field.hidden)

    def value(self, key: str) -> Any:
        """Return a field's value.

        Raises:
            StudioError: there is no such field.
        """
        return self.values[self._field(key).key]

    def set(self, key: str, value: Any) -> str | None:
        """Set a field to a value, or to what the text means.

        A value that is refused does not enter; the message is returned, and kept in :attr:`errors` until the field is
        set well.

        Raises:
            StudioError: there is no such field.
        """
        with self._lock:
            try:
                field = self._field(key)
                self._set(field, value)
            except FieldError as error:
                self.errors[key] = error.message
            except SpecError as error:
                self.errors[key] = "; ".join(f"{f.key}: {f.message}" if f.key else f.message for f in error.faults)
            except StudioError as error:
                if key not in self.values:
                    raise
                self.errors[key] = str(error)
            else:
                self.errors.pop(key, None)
            self._touch()
            return self.errors.get(key)

    def _set(self, field: Field, value: Any) -> None:
        checked = check_value(field, value, self.workspace)
        section = self._section(field.key.partition(".")[0])
        document = section.edit(self._values, field.key, checked) if section.edit else None
        if document is not None:
            self._change(self._given, document)
        elif checked != self._values[field.key] or field.key in self._given:
            followed = section.follow(self._values, field.key, checked) if section.follow else None
            self._change({**self._given, field.key: checked}, followed or self._document)

    def _change(self, given: dict[str, Any], document: SpecDocument) -> None:
        """Take a new state and remember the old one."""
        if given == self._given and document == self._document:
            return
        self._undo = [*self._undo, _Step(self._given, self._document.bare())][-MOST_UNDO:]
        self._redo.clear()
        self._become(given, document)

    def _become(self, given: dict[str, Any], document: SpecDocument) -> None:
        self._given, self._document = given, document
        self._values = self._make_values()
        write_state(self.workspace.private / STATE, given, document)
        self._touch()

    def _make_values(self) -> Values:
        return Values(self._given, self._document, self.workspace, self.sections)

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        with self._lock:
            return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        with self._lock:
            return bool(self._redo)

    def undo(self) -> bool:
        """Go back one change; return whether there was one."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Go forward one change; return whether there was one."""
        return self._step(self._redo, self._undo)

    def _step(self, source: list[_Step], target: list[_Step]) -> bool:
        with self._lock:
            if not source:
                return False
            target.append(_Step(self._given, self._document.bare()))
            step = source.pop()
            self.errors.clear()
            self._become(step.given, step.document)
            return True

    # Files ----------------------------------------------------------------------------------------------------------

    def spec_text(self) -> str:
        """Return the spec as YAML, with the comments and units of the file that it came from."""
        return self.values.document.acting

    def apply_preset(self, name: str) -> None:
        """Take the spec of a preset; undo brings the old one back.

        Raises:
            StudioError: there is none of this name.
        """
        with self._lock:
            self.errors.clear()
            self._change(self._given, SpecDocument.of_preset(name))

    def save(self, path: str) -> str:
        """Write the panel's state, or the spec alone into a file that ends in ``.spec.yaml``; return the path inside.

        Raises:
            WorkspaceError: the path leads out of the workspace, or cannot be written.
        """
        target = self.workspace.path(path if Path(path).suffix in (".yaml", ".yml") else f"{path}.yaml")
        values = self.values
        if target.name.endswith((".spec.yaml", ".spec.yml")):
            write_atomic(target, values.document.to_write())
        else:
            write_state(target, values.given, values.document)
        return self.workspace.relative(target)

    def load(self, path: str) -> None:
        """Take a state that :meth:`save` wrote, or a spec; undo brings the old one back.

        Raises:
            StudioError: the file cannot be read, or leads out of the workspace.
            SpecError: its spec is wrong; nothing changes.
        """
        target = self.workspace.path(path)
        given, document, notices = read_state(target, None, kept=self.values.given)
        given, dropped = checked_values(given, document, self.workspace, self.sections)
        with self._lock:
            self.notices = [*notices, *dropped]
            self.errors.clear()
            self._change(given, document)

    # Jobs -----------------------------------------------------------------------------------------------------------

    @property
    def command(self) -> list[str]:
        """The program that runs verbs.

        Raises:
            StudioError: there is none.
        """
        return find_command(self._command_given)

    def set_command(self, command: Sequence[str] | None) -> None:
        """Run verbs by another program from now on; None: look for one.

        Raises:
            StudioError: it is no program.
        """
        if command is not None:
            find_command(command)
        with self._lock:
            self._command_given = command

    def why_not(self, action_key: str) -> str | None:
        """Return None, or why an action cannot start now and what to do."""
        action = self._action(action_key)
        values = self.values
        said = action.ready(values)
        if said is None and action.argv is not None:
            try:
                find_command(self._command_given)
            except StudioError as error:
                return str(error)
        return said

    def start(self, action_key: str) -> Job:
        """Start an action with the values as they are now, and return its job.

        Raises:
            StudioError: it cannot start now; the message says why.
        """
        action = self._action(action_key)
        why = self.why_not(action_key)
        if why is not None:
            raise StudioError(f"{action.label}: {why}")
        values = self.values
        if action.argv is not None:
            argv = action.argv(values, self.workspace)
            return self._work.start_process(action.key, action.label, argv, self.command)
        compute = action.compute
        assert compute is not None  # an action has one of the two

        def work() -> list[Output]:
            found = compute(values, self.workspace)
            save_result(self.workspace, action.key, found)
            return found

        return self._work.start_here(action.key, action.label, work)

    def cancel(self, job_id: str) -> None:
        """Tell a job to stop: SIGINT, later SIGTERM and SIGKILL; told again, the next one follows at once.

        Raises:
            StudioError: there is no such job.
        """
        self._work.cancel(job_id)

    def remove(self, job_id: str) -> None:
        """Forget a job that is over, with its log."""
        self._work.remove(job_id)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs as :meth:`poll` saw them last, the newest first."""
        return self._work.jobs

    def job(self, job_id: str) -> Job:
        """Return a job as :meth:`poll` saw it last.

        Raises:
            StudioError: there is no such job.
        """
        return self._work.job(job_id)

    # What is shown --------------------------------------------------------------------------------------------------

    def outputs(self, section_key: str) -> list[Output]:
        """Return what a section shows: what was found last; if that is old, a thread looks again.

        The first call returns an empty list; :meth:`poll` tells when there is more.
        """
        section = self._section(section_key)
        values = self.values

        def compute() -> list[Output]:
            try:
                return section.outputs(values, self.workspace)
            except Sim2RealError as error:
                return [Text(lines=tuple(str(error).splitlines()), mark="bad")]
            except Exception as error:  # a fault of ours: told where it happened, and the panel goes on
                return [Text(lines=(f"{type(error).__name__}: {error}",), mark="bad")]

        return self._work.shown(section_key, (values.revision, self._work.stamp()), compute)

    def poll(self) -> int:
        """Look after the jobs, and return a number that grows whenever anything changed; call it often."""
        self._work.look()
        with self._lock:
            return self._version

    def settle(self, timeout_s: float) -> bool:
        """Wait until no thread of this panel works; for scripts and tests, never for a window's own thread."""
        return self._work.settle(timeout_s)

    def close(self) -> None:
        """End the panel's threads. Jobs that are processes go on; a new panel finds them."""
        self._work.close()

    def _touch(self) -> None:
        with self._lock:
            self._version += 1

    # Looking up -----------------------------------------------------------------------------------------------------

    def _section(self, key: str) -> Section:
        found = next((section for section in self.sections if section.key == key), None)
        if found is None:
            raise StudioError(f"no section '{key}'; there are {', '.join(s.key for s in self.sections)}")
        return found

    def _field(self, key: str) -> Field:
        self._section(key.partition(".")[0])
        try:
            return self.values.field(key)
        except KeyError:
            raise StudioError(f"no field '{key}' now; the panel's fields depend on what is set") from None

    def _action(self, key: str) -> Action:
        section = self._section(key.partition(".")[0])
        found = next((action for action in section.actions if action.key == key), None)
        if found is None:
            raise StudioError(f"no action '{key}'; there are {', '.join(a.key for a in section.actions) or 'none'}")
        return found
