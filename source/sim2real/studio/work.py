"""The panel's work: processes that outlive it and threads that do not, under one list of jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from sim2real.studio.background import Background
from sim2real.studio.command import job_environment
from sim2real.studio.errors import StudioError
from sim2real.studio.jobs import Job, JobStore
from sim2real.studio.outputs import Output
from sim2real.studio.workspace import Workspace

LOOK_S = 0.1
"""Jobs are looked at no more often than this [s]."""
REFRESH_S = 2.0
"""While a job runs, sections that read its files look again this often [s]."""


class Work:
    """All jobs of a panel; every method may be called from any thread, and none waits but :meth:`settle`."""

    def __init__(
        self, workspace: Workspace, changed: Callable[[], None], most_running: int, grace_s: tuple[float, float]
    ) -> None:
        """Find the jobs of earlier windows.

        Args:
            workspace: where they are recorded.
            changed: called, from any thread, when something can be drawn anew.
            most_running: processes at a time.
            grace_s: how long a cancelled process may take after SIGINT, and after SIGTERM [s].
        """
        self._lock = threading.RLock()
        self._changed = changed
        self._background = Background(changed)
        self._store = JobStore(workspace, most_running, grace_s)
        self._jobs: tuple[Job, ...] = ()
        self._looked = float("-inf")

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs as they were seen last, the newest first."""
        with self._lock:
            return self._jobs

    def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            StudioError: there is no such job.
        """
        found = next((job for job in self.jobs if job.id == job_id), None)
        if found is None:
            raise StudioError(f"no job '{job_id}'; it may have been removed")
        return found

    def start_process(self, action: str, label: str, argv: Sequence[str], command: Sequence[str]) -> Job:
        """Put a command into the queue and return its job."""
        with self._lock:
            job_id = self._store.add(action, label, argv, command)
            self.look(force=True)
            return self.job(job_id)

    def start_here(self, action: str, label: str, compute: Callable[[], list[Output]]) -> Job:
        """Run a function in a thread of this process and return its job."""
        job = self._background.start(action, label, compute)
        self.look(force=True)
        return job

    def cancel(self, job_id: str) -> None:
        """Tell a job to stop; told again, it is pressed harder.

        Raises:
            StudioError: there is no such job.
        """
        if not self._background.cancel(job_id):
            with self._lock:
                self._store.cancel(job_id)
        self.look(force=True)

    def remove(self, job_id: str) -> None:
        """Forget a job that is over, with its log."""
        with self._lock:
            self._background.remove(job_id)
            self._store.remove(job_id)
        self.look(force=True)

    def look(self, *, force: bool = False) -> None:
        """Look after the jobs: read what they said, press those that shall stop, start those that wait."""
        with self._lock:
            now = time.monotonic()
            if not force and now - self._looked < LOOK_S:
                return
            self._looked = now
            jobs = (*self._store.refresh(job_environment()), *self._background.jobs())
            found = tuple(sorted(jobs, key=lambda job: job.begun or 0.0, reverse=True))
            if found == self._jobs:
                return
            self._jobs = found
        self._changed()

    def stamp(self) -> tuple[Any, ...]:
        """Return what differs when the files of a run may have changed."""
        jobs = self.jobs
        running = any(job.state == "running" for job in jobs)
        return tuple(job.id for job in jobs if job.over), int(time.monotonic() / REFRESH_S) if running else None

    def shown(self, key: str, stamp: Any, compute: Callable[[], list[Output]]) -> list[Output]:
        """Return what was computed last under this key; if its stamp is another, a thread computes it anew."""
        return self._background.shown(key, stamp, compute)

    def settle(self, timeout_s: float) -> bool:
        """Wait until no thread works; return whether that came in time."""
        done = self._background.settle(timeout_s)
        self.look(force=True)
        return done

    def close(self) -> None:
        """End the threads. Processes go on."""
        self._background.close()
