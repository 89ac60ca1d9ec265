"""Work in this process, off the window's thread: short actions, and what sections show."""

from __future__ import annotations

import secrets
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.studio.jobs import Job
from sim2real.studio.outputs import Output


@dataclass
class _Shown:
    """What a section showed last."""

    stamp: Any = None
    outputs: list[Output] = field(default_factory=list)
    working: bool = False


class Background:
    """Two threads: one for actions, one for what sections show, so that neither waits for the other."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Begin without work.

        Args:
            changed: called, from any thread, when something can be drawn anew.
        """
        self._changed = changed
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._shown: dict[str, _Shown] = {}
        self._pending: set[Future[None]] = set()
        self._actions = ThreadPoolExecutor(1, thread_name_prefix="sim2real-action")
        self._views = ThreadPoolExecutor(1, thread_name_prefix="sim2real-view")
        self._closed = False

    def start(self, action: str, label: str, compute: Callable[[], list[Output]]) -> Job:
        """Run an action's work; return its job."""
        job = Job(
            id=f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() // 1000 % 1_000_000:06d}-{secrets.token_hex(2)}",
            action=action,
            label=label,
            state="queued",
            begun=time.time(),
        )
        with self._lock:
            self._jobs[job.id] = job
        self._submit(self._actions, lambda: self._run(job.id, compute))
        return job

    def _run(self, job_id: str, compute: Callable[[], list[Output]]) -> None:
        if not self._become(job_id, state="running"):
            return
        try:
            outputs = compute()
        except Sim2RealError as error:
            self._become(job_id, state="failed", text=f"error: {error}", log=tuple(str(error).splitlines()))
        except Exception as error:  # a fault of ours: the job shows it, the panel goes on
            told = tuple(traceback.format_exc().splitlines())
            self._become(job_id, state="failed", text=f"{type(error).__name__}: {error}", log=told)
        else:
            self._become(job_id, state="done", outputs=tuple(outputs))

    def _become(self, job_id: str, **changes: Any) -> bool:
        """Change a job unless it is over; return whether it was changed."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.over:
                return False
            job = replace(job, **changes)
            self._jobs[job_id] = replace(job, ended=time.time()) if job.over else job
        self._changed()
        return True

    def cancel(self, job_id: str) -> bool:
        """Take no result from a job; return whether it is one of these."""
        with self._lock:
            if job_id not in self._jobs:
                return False
        self._become(job_id, state="cancelled")
        return True

    def remove(self, job_id: str) -> None:
        """Forget a job that is over."""
        with self._lock:
            if job_id in self._jobs and self._jobs[job_id].over:
                del self._jobs[job_id]

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this process."""
        with self._lock:
            return tuple(self._jobs.values())

    def shown(self, key: str, stamp: Any, compute: Callable[[], list[Output]]) -> list[Output]:
        """Return what was computed last under this key; if its stamp is another, compute anew in the thread."""
        with self._lock:
            shown = self._shown.setdefault(key, _Shown())
            if shown.stamp != stamp and not shown.working and not self._closed:
                shown.working = True
                fresh = True
            else:
                fresh = False
            outputs = list(shown.outputs)
        if fresh:
            self._submit(self._views, lambda: self._view(key, stamp, compute))
        return outputs

    def _view(self, key: str, stamp: Any, compute: Callable[[], list[Output]]) -> None:
        shown = self._shown[key]
        try:
            outputs = compute()
        finally:
            with self._lock:
                shown.working = False
        with self._lock:
            shown.stamp, shown.outputs = stamp, outputs
        self._changed()

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                return
            future = pool.submit(work)
            self._pending.add(future)
        future.add_done_callback(self._pending.discard)

    def settle(self, timeout_s: float) -> bool:
        """Wait until all work is done; return whether it is."""
        end = time.monotonic() + timeout_s
        while pending := set(self._pending):
            if wait(pending, timeout=max(0.0, end - time.monotonic())).not_done:
                return False
        return True

    def close(self) -> None:
        """Start nothing more and wait for what runs."""
        with self._lock:
            self._closed = True
        self._actions.shutdown(wait=True, cancel_futures=True)
        self._views.shutdown(wait=True, cancel_futures=True)
