"""Work in the panel's own process: it ends as a job, shows what it found, and its mistakes stop nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sim2real.studio import Action, Field, Panel, Section, StudioError, Text

SHELL = ["/bin/sh"]


def boom(*_: object) -> list:
    """A mistake of ours."""
    raise ZeroDivisionError("boom")


def refuse(*_: object) -> list:
    """A mistake of the reader's."""
    raise StudioError("give another")


def section_of(compute, outputs=lambda values, workspace: []) -> Section:
    """A section with one number and one button."""
    field = Field(key="own.number", label="Number", help="-", kind="number", default=1.0)
    action = Action(key="own.go", label="Go", help="-", compute=compute)
    return Section(key="own", title="Own", help="-", fields=lambda values: (field,), actions=(action,), outputs=outputs)


def test_work_in_this_process_ends_as_a_job(tmp_path: Path):
    """What it finds is the job's, with the values of the moment at which it was started."""
    gate = threading.Event()

    def compute(values, workspace):
        gate.wait(60)
        return [Text(lines=(str(values["own.number"]),))]

    panel = Panel(tmp_path, SHELL, sections=[section_of(compute)])
    job = panel.start("own.go")
    panel.set("own.number", 2)
    assert not panel.job(job.id).over
    gate.set()
    assert panel.settle(60)
    assert (panel.job(job.id).state, panel.job(job.id).outputs) == ("done", (Text(lines=("1.0",)),))
    panel.close()


@pytest.mark.parametrize("compute, part", [(refuse, "error: give another"), (boom, "ZeroDivisionError: boom")])
def test_work_that_fails_is_a_failed_job(tmp_path: Path, compute, part: str):
    """The panel goes on, whoever is to blame."""
    panel = Panel(tmp_path, SHELL, sections=[section_of(compute)])
    job = panel.start("own.go")
    assert panel.settle(60)
    assert panel.job(job.id).state == "failed" and panel.job(job.id).text == part and panel.job(job.id).log
    panel.close()


def test_cancelled_work_shows_nothing(tmp_path: Path):
    """Its result is thrown away when it comes."""
    gate = threading.Event()
    panel = Panel(tmp_path, SHELL, sections=[section_of(lambda *_: [] if gate.wait(60) else [])])
    job = panel.start("own.go")
    panel.cancel(job.id)
    gate.set()
    assert panel.settle(60) and panel.job(job.id).state == "cancelled"
    panel.close()


def test_what_a_section_shows_comes_later(tmp_path: Path):
    """The first look finds nothing and starts the work; later looks find it, and new values make it anew."""
    asked = []

    def outputs(values, workspace):
        asked.append(values["own.number"])
        return [Text(lines=(str(values["own.number"]),))]

    panel = Panel(tmp_path, SHELL, sections=[section_of(refuse, outputs)])
    assert panel.outputs("own") == []
    assert panel.settle(60) and panel.outputs("own") == [Text(lines=("1.0",))]
    panel.set("own.number", 2)
    panel.outputs("own")
    assert panel.settle(60) and panel.outputs("own") == [Text(lines=("2.0",))]
    assert panel.settle(60) and asked == [1.0, 2.0]
    panel.close()


@pytest.mark.parametrize("outputs, part", [(refuse, "give another"), (boom, "ZeroDivisionError: boom")])
def test_what_cannot_be_shown_says_why(tmp_path: Path, outputs, part: str):
    """An error of a section is shown there, once, and not tried again until something changes."""
    panel = Panel(tmp_path, SHELL, sections=[section_of(refuse, outputs)])
    panel.outputs("own")
    assert panel.settle(60)
    (shown,) = panel.outputs("own")
    assert isinstance(shown, Text) and shown.mark == "bad" and part in shown.lines[0]
    panel.close()
