"""Jobs: commands that go on when the window closes, and the record that finds them again.

Each job is a folder ``.studio/jobs/<id>/``: ``job.json`` (what was asked), ``process`` and ``exit`` (written by its
shell, see :mod:`sim2real.studio.process`), ``cancel.json`` (that somebody wants it to stop) and ``log``. Its state
follows from these files and from whether the process lives, so that any window comes to the same answer.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim2real.studio.errors import StudioError
from sim2real.studio.job_progress import last_progress
from sim2real.studio.outputs import Output
from sim2real.studio.process import CLAIM, EXIT, LOG, TAKEN, UNABLE, alive, launch, read_exit, read_identity, send
from sim2real.studio.workspace import Workspace, write_atomic

STATES = ("queued", "running", "done", "failed", "cancelled", "lost")
"""``lost``: its process is gone and nobody knows how it ended (a power cut, a kill -9 of everything)."""
OVER = ("done", "failed", "cancelled", "lost")
"""States that never change again."""
FOLDER = "jobs"
TAIL_LINES, TAIL_BYTES = 200, 64_000
"""How much of a log a window is given."""
KEPT = 100
"""Finished jobs that are kept; older ones' records are removed."""
GRACE_S = (30.0, 10.0)
"""How long a cancelled job may take after SIGINT (a training saves first), and after SIGTERM [s]."""
START_S = 60.0
"""Longest time that a shell takes to note who it is [s]."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it is at one moment."""

    id: str
    """Name of its folder; sorts by time."""
    action: str
    """Key of the action that started it."""
    label: str = ""
    """The action's label."""
    argv: tuple[str, ...] = ()
    """Verb and arguments; empty for work in this process."""
    state: str
    """One of :data:`STATES`."""
    done: int = 0
    """Steps behind it."""
    total: int = 0
    """Steps in all; 0: nobody knows."""
    text: str = ""
    """One line: how far it is, or why it failed."""
    log: tuple[str, ...] = ()
    """The last lines that it said."""
    exit_code: int | None = None
    """Exit code of its command."""
    begun: float | None = None
    """When it was asked for [s since 1970]."""
    ended: float | None = None
    """When it ended [s since 1970]."""
    stopping: bool = False
    """Whether it was told to stop and has not yet."""
    outputs: tuple[Output, ...] = ()
    """What work in this process found."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER


class JobStore:
    """The jobs of one workspace that run as processes; not thread-safe, the panel holds its lock."""

    def __init__(
        self,
        workspace: Workspace,
        most_running: int = 2,
        grace_s: tuple[float, float] = GRACE_S,
    ) -> None:
        """Find the jobs of earlier windows.

        Args:
            workspace: where the records are.
            most_running: jobs at a time; others wait in a queue, and so does a second one of the same action.
            grace_s: see :data:`GRACE_S`.
        """
        self._workspace, self._most, self._grace = workspace, most_running, grace_s
        self.folder = workspace.private / FOLDER
        self.folder.mkdir(exist_ok=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._taken: set[str] = set()
        """Jobs that another window has begun to start."""
        self._over: dict[str, Job] = {}
        self._logs: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {}
        self._prune()

    def add(self, action: str, label: str, argv: Sequence[str], command: Sequence[str]) -> str:
        """Put a job into the queue and return its id; :meth:`refresh` starts it.

        Args:
            action: key of the action.
            label: what a window calls it.
            argv: verb and arguments.
            command: the program that takes them.
        """
        job_id = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() // 1000 % 1_000_000:06d}-{secrets.token_hex(2)}"
        record = {"action": action, "label": label, "argv": list(argv), "command": list(command), "begun": time.time()}
        (self.folder / job_id).mkdir()
        write_atomic(self.folder / job_id / "job.json", json.dumps(record, indent=1))
        return job_id

    def refresh(self, environment: Mapping[str, str]) -> tuple[Job, ...]:
        """Look at every job, press those that were told to stop, start what waits; return them, the newest first."""
        for job_id, process in list(self._processes.items()):
            code = process.poll()  # reaps it; the command's own exit code stands in the folder
            if code is not None:
                del self._processes[job_id]
            if code == UNABLE:
                self._give_up(job_id, "its shell cannot note who it is; the studio needs sh, cut, cat, mv and /proc")
            elif code == TAKEN:
                self._taken.add(job_id)
        jobs = [job for job in map(self._look, self._ids()) if job is not None]
        for job in jobs:
            if job.stopping:
                self._press(job.id)
        running = [job for job in jobs if job.state == "running"]
        for job in reversed(jobs):
            busy = {other.action for other in running}
            if job.id in self._taken:
                self._wait_for_start(job.id)
            elif job.state == "queued" and len(running) < self._most and job.action not in busy:
                started = self._start(job, environment)
                jobs[jobs.index(job)] = started
                running.append(started)
        return tuple(jobs)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop: SIGINT, then SIGTERM, then SIGKILL; asked again, the next one follows at once.

        Raises:
            StudioError: there is no such job.
        """
        job = self._look(job_id)
        if job is None:
            raise StudioError(f"no job '{job_id}'; it may have been removed")
        if job.over:
            return
        asked = self._read(job_id, "cancel.json")
        self._signal(job_id, min(int(asked.get("step", -1)) + 1, len(_SIGNALS) - 1))

    def remove(self, job_id: str) -> None:
        """Forget a job that is over, with its log."""
        job = self._look(job_id)
        if job is not None and job.over:
            self._over.pop(job_id, None)
            shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def _ids(self) -> list[str]:
        try:
            return sorted((entry.name for entry in os.scandir(self.folder) if entry.is_dir()), reverse=True)
        except OSError:
            return []

    def _read(self, job_id: str, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / job_id / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _look(self, job_id: str) -> Job | None:
        if job_id in self._over:
            return self._over[job_id]
        record = self._read(job_id, "job.json")
        if not record:
            return None  # being written, or not ours
        folder = self.folder / job_id
        asked = self._read(job_id, "cancel.json")
        state, code = self._state(job_id, bool(asked))
        log = self._tail(job_id)
        progress = last_progress(list(log))
        job = Job(
            id=job_id,
            action=str(record.get("action", "")),
            label=str(record.get("label", "")),
            argv=tuple(map(str, record.get("argv", ()))),
            state=state,
            done=progress.done if progress else 0,
            total=progress.total if progress else 0,
            text=_words(state, log, progress.text if progress else "", code),
            log=log,
            exit_code=code,
            begun=record.get("begun"),
            ended=_modified(folder / EXIT) if code is not None else None,
            stopping=bool(asked) and state in ("queued", "running"),
        )
        if job.over:
            self._over[job_id] = job
            self._logs.pop(job_id, None)
        return job

    def _state(self, job_id: str, asked: bool) -> tuple[str, int | None]:
        folder = self.folder / job_id
        code = read_exit(folder)
        identity = read_identity(folder)
        if code is None and identity is None:
            if job_id in self._processes:
                return "running", None  # started, and its shell has not noted so yet
            return ("cancelled" if asked else "queued"), None
        if code is None and identity is not None and alive(identity):
            return "running", None
        code = read_exit(folder)  # it may have ended between the two looks
        if code is None:
            return ("cancelled" if asked else "lost"), None
        if code == 0:
            return "done", 0
        return ("cancelled" if asked else "failed"), code

    def _start(self, job: Job, environment: Mapping[str, str]) -> Job:
        record = self._read(job.id, "job.json")
        folder = self.folder / job.id
        try:
            self._processes[job.id] = launch(
                folder, [*map(str, record["command"]), *job.argv], self._workspace.root, environment
            )
        except OSError as error:
            self._give_up(job.id, str(error))
            return self._look(job.id) or job
        return replace(job, state="running", text="starting")

    def _wait_for_start(self, job_id: str) -> None:
        """Let a job fail whose starter was killed between its claim and its note, which takes milliseconds."""
        folder = self.folder / job_id
        if read_identity(folder) is not None:
            self._taken.discard(job_id)
        elif time.time() - (_modified(folder / CLAIM) or 0.0) > START_S:
            self._give_up(job_id, "whoever started it was killed in that moment; start it again")

    def _give_up(self, job_id: str, why: str) -> None:
        """Let a job fail that could not be started."""
        write_atomic(self.folder / job_id / LOG, f"error: cannot be started: {why}\n")
        write_atomic(self.folder / job_id / EXIT, "126")

    def _press(self, job_id: str) -> None:
        """Send the next signal to a job that took longer than its grace."""
        asked = self._read(job_id, "cancel.json")
        step, since = int(asked.get("step", 0)), float(asked.get("at", 0.0))
        if not asked.get("sent"):
            self._signal(job_id, step)  # its shell had not noted yet who it is
        elif step < len(self._grace) and time.time() - since > self._grace[step]:
            self._signal(job_id, step + 1)

    def _signal(self, job_id: str, step: int) -> None:
        """Write down that a job shall stop, and send it the signal of this step."""
        identity = read_identity(self.folder / job_id)
        path = self.folder / job_id / "cancel.json"
        write_atomic(path, json.dumps({"step": step, "at": time.time(), "sent": False}))
        if identity is not None and send(identity, _SIGNALS[step]):
            write_atomic(path, json.dumps({"step": step, "at": time.time(), "sent": True}))

    def _tail(self, job_id: str) -> tuple[str, ...]:
        path = self.folder / job_id / LOG
        try:
            found = path.stat()
            stamp = (found.st_size, found.st_mtime_ns)
            if job_id in self._logs and self._logs[job_id][0] == stamp:
                return self._logs[job_id][1]
            with open(path, "rb") as log:
                log.seek(max(0, found.st_size - TAIL_BYTES))
                text = log.read(TAIL_BYTES).decode("utf-8", errors="replace")
        except OSError:
            return ()
        lines = tuple(line.rpartition("\r")[2] for line in text.splitlines())[-TAIL_LINES:]
        self._logs[job_id] = (stamp, lines)
        return lines

    def _prune(self) -> None:
        over = [job.id for job in map(self._look, self._ids()) if job is not None and job.over]
        for job_id in over[KEPT:]:
            self.remove(job_id)


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _words(state: str, log: tuple[str, ...], progress: str, code: int | None) -> str:
    """One line about a job."""
    said = [line.strip() for line in log if line.strip()]
    if state == "queued":
        return "waits for its turn"
    if state == "lost":
        return "its process is gone, and nothing says how it ended; start it again, it goes on where it can"
    if state == "failed":
        told = next((line for line in reversed(said) if line.startswith("error: ")), None)
        killed = f"its process was killed (signal {code - 128})" if code is not None and 128 < code < 160 else None
        return told or killed or (said[-1] if said else f"ended with exit code {code}")
    return progress or (said[-1] if said else "")
