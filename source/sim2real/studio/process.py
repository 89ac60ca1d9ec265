"""Processes that outlive the window: started through a small shell that notes who it is and how its command ended.

The note lies in the job's folder: process id, start time and boot, by which a later window finds the process again and
never mistakes another for it; and the exit code, which only a parent is told. Needs ``sh`` and ``/proc`` (Linux).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CLAIM, PROCESS, EXIT, LOG = "claim", "process", "exit", "log"
"""Files of a job's folder: that somebody starts it, who runs it, how it ended, what it said."""
TAKEN, UNABLE = 97, 98
"""Exit codes of a shell that found its job's place taken, and of one that could not note who it is."""
_STARTED: list[subprocess.Popen[bytes]] = []
"""Children of this process that may outlive whoever started them here."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
# `set -C` makes the claim atomic: a second window that starts the same job finds it taken and does nothing.
# The shell outlives a signal to the group (trap) so that it can write the exit code of its command.
_SCRIPT = f"""
cd "$1" || exit {UNABLE}; home=$1; work=$2; shift 2
set -C; true 2>/dev/null > {CLAIM} || exit {TAKEN}; set +C
{{ cut -d ' ' -f 1,22 /proc/$$/stat && cat {_BOOT}; }} > {PROCESS}.part && mv {PROCESS}.part {PROCESS} || exit {UNABLE}
trap : INT TERM HUP
( cd "$work" && exec "$@" ); code=$?
printf '%s' "$code" > "$home/{EXIT}.part" && mv "$home/{EXIT}.part" "$home/{EXIT}"
"""


@dataclass(frozen=True)
class Identity:
    """One process of one boot."""

    pid: int
    """Process id, of the group too."""
    start: int
    """When it started [clock ticks since boot]."""
    boot: str
    """The boot's id."""


def launch(folder: Path, argv: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a job's command in a session of its own; its output goes to the folder's log.

    Raises:
        OSError: there is no shell, or the log cannot be written.
    """
    _STARTED[:] = [process for process in _STARTED if process.poll() is None]  # reaps those of closed windows too
    with open(folder / LOG, "ab") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", str(folder), str(cwd), *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            # Who runs in a shell's background has Ctrl-C ignored, and so would all below it: no job could save first.
            preexec_fn=_hear_interrupts if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else None,
        )
    _STARTED.append(process)
    return process


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_identity(folder: Path) -> Identity | None:
    """Return who runs a job; None before its shell has noted it."""
    try:
        numbers, boot, _ = (folder / PROCESS).read_text(encoding="ascii").split("\n")  # all of it, to the last newline
        pid, start = numbers.split()
        return Identity(int(pid), int(start), boot)
    except (OSError, ValueError):
        return None


def read_exit(folder: Path) -> int | None:
    """Return the exit code of a job's command; None where none was written."""
    try:
        return int((folder / EXIT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def alive(identity: Identity) -> bool:
    """Return whether this very process still runs: same boot, same id, same start time, and not a zombie."""
    try:
        if _BOOT.read_text(encoding="ascii").strip() != identity.boot:
            return False
        # The name stands in parentheses and may hold anything, so the fields are counted from its end.
        fields = Path(f"/proc/{identity.pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return False
    state, start = fields.split()[0], int(fields.split()[19])
    return start == identity.start and state not in ("Z", "X")


def send(identity: Identity, number: signal.Signals) -> bool:
    """Send a signal to the whole group of a process; return whether it was there to take it."""
    if not alive(identity):
        return False
    try:
        os.killpg(identity.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
