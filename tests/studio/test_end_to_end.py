"""The panel's whole loop with the real verbs: data, training, export, transfer, and what is shown of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim2real.studio import Curve, FileLink, Panel, Picture, Table, Text
from sim2real.studio.command import VARIABLE
from studio.waiting import until_gone

pytestmark = pytest.mark.slow


def run(panel: Panel, action: str) -> None:
    """Start an action and wait for its end, which has to be good."""
    from sim2real.studio.process import read_identity

    job = panel.start(action)
    folder = panel.workspace.private / "jobs" / job.id
    while not panel.job(job.id).over:
        panel.poll()
        identity = read_identity(folder)
        if identity is not None:
            until_gone(identity, longest_s=1200.0)
    found = panel.job(job.id)
    assert found.state == "done", "\n".join(found.log[-30:])


def shown(panel: Panel, section: str) -> list:
    """What a section shows."""
    panel.outputs(section)
    assert panel.settle(120)
    return panel.outputs(section)


def test_the_whole_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """50 frames, two iterations, a bundle, a report; a reopened panel shows all of it."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    panel = Panel(tmp_path)
    for key, value in {
        "dataset.frames": 50, "dataset.size": 32, "dataset.num_envs": 10, "robot.device": "cpu",
        "train.num_envs": 4, "train.iterations": 2, "transfer.newton": False, "transfer.physx": False,
        "transfer.dart": False, "transfer.episodes": 2, "transfer.curve_episodes": 0,
        "physics.terms.base_mass.range": (0.9, 1.1),
    }.items():  # fmt: skip
        assert panel.set(key, value) is None, key
    for action in ("robot.inspect", "dataset.generate", "dataset.check", "train.start", "export.start", "train.play"):
        run(panel, action)
    run(panel, "transfer.start")
    panel.close()
    again = Panel(tmp_path)
    assert [job.state for job in again.jobs] == ["done"] * 7
    table, *pictures = shown(again, "dataset")
    assert ("Frames", "50 of 50") in table.rows and all(isinstance(picture, Picture) for picture in pictures)
    assert {type(output) for output in shown(again, "train")} == {Curve, Table, FileLink}
    (bundle,) = shown(again, "export")
    assert bundle.rows[0][0] == "float" and bundle.marks[0] == "good"
    verdict, *rest = shown(again, "transfer")
    assert isinstance(verdict, Text) and isinstance(rest[-1], FileLink)
    assert (tmp_path / rest[-1].path).is_file()
    again.close()
