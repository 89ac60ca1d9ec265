"""Jobs are real processes here: they end, fail, are stopped, outlive their window, are never taken for others."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from sim2real.studio.errors import StudioError
from sim2real.studio.job_progress import parse_line
from sim2real.studio.jobs import Job, JobStore
from sim2real.studio.process import PROCESS, Identity, alive, read_identity, send
from sim2real.studio.workspace import Workspace
from studio.waiting import until, until_gone

SHELL = ["/bin/sh", "-c"]
STUBBORN = "trap '' INT TERM; echo ready; while :; do read -r _ < gate || exit 3; done"
"""Takes no hint: only SIGKILL ends it."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a gate: who reads it waits until somebody writes."""
    os.mkfifo(tmp_path / "gate")
    return Workspace(tmp_path)


@pytest.fixture
def store(workspace: Workspace):
    """A window's view of the jobs; whatever is left over at the end of a test is killed."""
    made = JobStore(workspace, grace_s=(1e6, 1e6))
    yield made
    for folder in made.folder.iterdir():
        identity = read_identity(folder)
        if identity is not None:
            send(identity, signal.SIGKILL)
    for process in made._processes.values():
        process.wait()


def begin(store: JobStore, script: str, action: str = "a.b") -> str:
    """Start a shell script as a job."""
    job_id = store.add(action, "A", [script], SHELL)
    look(store)
    return job_id


def look(store: JobStore) -> dict[str, Job]:
    """All jobs by id, started where it is their turn."""
    return {job.id: job for job in store.refresh(os.environ)}


def finished(store: JobStore, job_id: str) -> Job:
    """The job when it is over."""
    until(lambda: look(store)[job_id].over)
    return look(store)[job_id]


def running(store: JobStore, job_id: str, said: str = "ready") -> Identity:
    """Who runs a job, once it has said a word."""
    until(lambda: said in look(store)[job_id].log)
    identity = read_identity(store.folder / job_id)
    assert identity is not None and alive(identity)
    return identity


def test_a_job_runs_to_its_end(store: JobStore, workspace: Workspace):
    """It runs in the workspace; what it says and how far it says to be is there, and so is its exit code."""
    job = finished(store, begin(store, "pwd; echo 'frames: 40 of 50 frames, 3.2/s' >&2"))
    assert (job.state, job.exit_code, job.done, job.total) == ("done", 0, 40, 50)
    assert job.log == (str(workspace.root), "frames: 40 of 50 frames, 3.2/s")


def test_a_job_that_fails_says_why(store: JobStore):
    """The verb's own error line is shown, not what came after it."""
    job = finished(store, begin(store, "echo 'error: no such task' >&2; echo bye; exit 2"))
    assert (job.state, job.exit_code, job.text) == ("failed", 2, "error: no such task")


def test_a_program_that_is_not_there_fails(store: JobStore):
    """Nothing waits for ever."""
    job_id = store.add("a.b", "A", ["x"], ["/nowhere/sim2real.sh"])
    assert finished(store, job_id).exit_code == 127


def test_a_job_that_cannot_be_noted_fails(store: JobStore, monkeypatch: pytest.MonkeyPatch):
    """Without the tools that its shell needs it fails once, and is not started again and again."""
    job_id = store.add("a.b", "A", ["true"], SHELL)
    monkeypatch.setenv("PATH", "/nowhere")
    job = finished(store, job_id)
    assert (job.state, job.exit_code) == ("failed", 126) and "/proc" in job.text


def test_ctrl_c_comes_first(store: JobStore):
    """A job that is cancelled may save; it is cancelled, not failed."""
    job_id = begin(store, "trap 'echo saved; exit 130' INT; echo ready; read -r _ < gate")
    identity = running(store, job_id)
    store.cancel(job_id)
    until_gone(identity)
    job = finished(store, job_id)
    assert (job.state, job.exit_code) == ("cancelled", 130) and "saved" in job.log


def test_a_job_that_ends_well_after_all_is_done(store: JobStore):
    """A training that was told to stop in its last iteration finished it."""
    job_id = begin(store, "trap 'exit 0' INT; echo ready; read -r _ < gate")
    running(store, job_id)
    store.cancel(job_id)
    assert finished(store, job_id).state == "done"


def test_told_again_it_is_pressed_harder(store: JobStore):
    """SIGINT, SIGTERM, SIGKILL; the whole group goes, the shell too."""
    job_id = begin(store, STUBBORN)
    identity = running(store, job_id)
    store.cancel(job_id)
    store.cancel(job_id)
    assert look(store)[job_id].stopping and alive(identity)
    store.cancel(job_id)
    until_gone(identity)
    assert finished(store, job_id).state == "cancelled"


def test_patience_ends(workspace: Workspace, store: JobStore):
    """Without another word each signal follows when its grace is over, also after the window was opened anew."""
    job_id = begin(store, STUBBORN)
    identity = running(store, job_id)
    store.cancel(job_id)
    hasty = JobStore(workspace, grace_s=(0.0, 0.0))
    until(lambda: look(hasty)[job_id].over)
    until_gone(identity)
    assert look(store)[job_id].state == "cancelled"


def test_a_job_outlives_its_window(workspace: Workspace, store: JobStore):
    """Another window finds it running, and learns how it ended although it is not its parent."""
    job_id = begin(store, "echo ready; read -r _ < gate; exit 7")
    identity = running(store, job_id)
    other = JobStore(workspace)
    assert look(other)[job_id].state == "running"
    (workspace.root / "gate").write_text("go\n")
    until_gone(identity)
    assert (look(other)[job_id].state, look(other)[job_id].exit_code) == ("failed", 7)
    assert JobStore(workspace).refresh(os.environ)[0].exit_code == 7


WINDOW = """
import os, signal, sys
from sim2real.studio.jobs import JobStore
from sim2real.studio.workspace import Workspace
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a shell's background
store = JobStore(Workspace(sys.argv[1]))
store.add("a.b", "A", [sys.argv[2]], ["/bin/sh", "-c"])
store.refresh(os.environ)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_window(workspace: Workspace, script: str) -> None:
    """Start a job from another process, and kill that process."""
    code = os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", WINDOW, str(workspace.root), script)
    assert code == -signal.SIGKILL


def test_a_window_in_the_background_stops_its_jobs_gently(workspace: Workspace, store: JobStore):
    """Where Ctrl-C is ignored, jobs hear it all the same."""
    killed_window(workspace, "trap 'echo saved; exit 130' INT; echo ready; read -r _ < gate")
    (job_id,) = look(store)
    running(store, job_id)
    store.cancel(job_id)
    assert "saved" in finished(store, job_id).log


def test_a_window_that_is_killed_loses_nothing(workspace: Workspace, store: JobStore):
    """kill -9 of the process that started a job leaves the job alone."""
    killed_window(workspace, "echo ready; read -r _ < gate")
    (job_id,) = look(store)
    identity = running(store, job_id)
    (workspace.root / "gate").write_text("go\n")
    until_gone(identity)
    assert finished(store, job_id).state == "done"


def test_a_worker_that_is_killed_has_failed(store: JobStore):
    """kill -9 of the command alone is told by its shell."""
    job_id = begin(store, 'echo "ready"; kill -9 $$')
    job = finished(store, job_id)
    assert (job.state, job.exit_code) == ("failed", 137) and "signal 9" in job.text


def test_a_group_that_is_killed_is_lost(store: JobStore):
    """Nobody is left to tell the exit code; the job does not seem to run for ever."""
    job_id = begin(store, STUBBORN)
    identity = running(store, job_id)
    os.killpg(identity.pid, signal.SIGKILL)
    until_gone(identity)
    assert finished(store, job_id).state == "lost"


@pytest.mark.parametrize("change", [{"start": 1}, {"boot": "another"}, {"pid": 4194304}])
def test_another_process_is_never_taken_for_a_job(store: JobStore, change: dict):
    """A recycled id has another start time, another boot another id: neither is looked at, signalled or waited for."""
    job_id = begin(store, STUBBORN)
    identity = running(store, job_id)
    other = Identity(**{**vars(identity), **change})
    assert not alive(other) and not send(other, signal.SIGKILL) and alive(identity)
    (store.folder / job_id / PROCESS).write_text(f"{other.pid} {other.start}\n{other.boot}\n")
    assert look(store)[job_id].state == "lost"
    os.killpg(identity.pid, signal.SIGKILL)
    until_gone(identity)


def test_jobs_wait_for_their_turn(workspace: Workspace, store: JobStore):
    """Two at a time, and one of an action; a job in the queue can be cancelled and then never runs."""
    first, second, third = (begin(store, "echo ready; read -r _ < gate", a) for a in ("a.b", "a.b", "a.c"))
    fourth = begin(store, "echo ready", "a.d")
    states = {job_id: look(store)[job_id].state for job_id in (first, second, third, fourth)}
    assert states == {first: "running", second: "queued", third: "running", fourth: "queued"}
    store.cancel(fourth)
    assert look(store)[fourth].state == "cancelled"
    running(store, first)
    (workspace.root / "gate").write_text("go\ngo\ngo\n")
    for job_id in (first, third):
        store.cancel(job_id)
        finished(store, job_id)
    running(store, second)
    store.cancel(second)
    assert finished(store, second).over and not (store.folder / fourth / "log").exists()


def test_two_windows_start_a_job_once(workspace: Workspace, store: JobStore):
    """Whoever comes second finds the place taken."""
    job_id = store.add("a.b", "A", ["echo once; read -r _ < gate"], SHELL)
    other = JobStore(workspace)
    for window in (store, other):  # both see it queued, both start it
        window._start(window._look(job_id), os.environ)
    until(lambda: any(process.poll() == 97 for s in (store, other) for process in s._processes.values()))
    running(store, job_id, "once")
    store.cancel(job_id)
    assert finished(store, job_id).log.count("once") == 1


def test_a_start_that_was_cut_short_fails(store: JobStore, monkeypatch: pytest.MonkeyPatch):
    """A claim without a note: for a while somebody may be writing it, then nobody is; no second process starts."""
    job_id = store.add("a.b", "A", ["echo never"], SHELL)
    (store.folder / job_id / "claim").touch()
    look(store)
    until(lambda: job_id in store._taken or look(store)[job_id].over)
    assert look(store)[job_id].state == "queued" and not store._processes
    monkeypatch.setattr("sim2real.studio.jobs.START_S", -1.0)
    job = finished(store, job_id)
    assert job.state == "failed" and "never" not in job.log


def test_records_that_are_no_records_are_passed_over(store: JobStore):
    """A folder of somebody else's, or a record that was cut short, is no job and does no harm."""
    (store.folder / "stranger").mkdir()
    (store.folder / "broken").mkdir()
    (store.folder / "broken" / "job.json").write_text('{"action": ')
    assert look(store) == {}
    with pytest.raises(StudioError, match="no job 'broken'"):
        store.cancel("broken")


def test_only_what_is_over_can_be_removed(store: JobStore):
    """A running job keeps its record."""
    job_id = begin(store, "echo ready; read -r _ < gate")
    running(store, job_id)
    store.remove(job_id)
    assert job_id in look(store)
    store.cancel(job_id)
    finished(store, job_id)
    store.remove(job_id)
    assert look(store) == {} and not (store.folder / job_id).exists()


def test_a_record_says_what_ran(store: JobStore):
    """The command, with all its arguments, can be read by people."""
    job_id = begin(store, "true")
    record = json.loads((store.folder / job_id / "job.json").read_text())
    assert record["command"] == SHELL and record["argv"] == ["true"] and record["action"] == "a.b"
    finished(store, job_id)


@pytest.mark.parametrize(
    "line, done, total",
    [
        ("newton: 30 of 100 episodes, 4.2/s", 30, 100),
        ("0 of 50 frames", 0, 50),
        ("12/300  1234 steps/s  left 0:01:02  reward 1.23", 12, 300),
        ("[2/5] train: ./sim2real.sh train", 2, 5),
    ],
)
def test_progress_is_read(line: str, done: int, total: int):
    """What verbs say is understood."""
    found = parse_line(line)
    assert found is not None and (found.done, found.total) == (done, total)


@pytest.mark.parametrize("line", ["error: 3 of 4 files are broken.", "13 of 12 frames", "see 3/4", "0 of 0 frames", ""])
def test_other_lines_are_no_progress(line: str):
    """Neither sentences nor impossible counts move the bar."""
    assert parse_line(line) is None
