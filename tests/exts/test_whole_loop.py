"""The loop by the window with the real command line: 160 frames, a training, an export.

Kit is the stand-in; everything that is started is the command line of this checkout in its own Python, with the real
engines. Minutes, so it is `slow`.
"""

import sys

import pytest

from exts.driver import Studio

LIMIT_S = 900.0


@pytest.fixture
def window(studio, tmp_path) -> Studio:
    """The window, with this Python's own command line."""
    script = tmp_path / "sim2real.sh"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim2real.cli.main "$@"\n')
    script.chmod(0o755)
    studio.open()
    studio.click("toolbar.command")
    studio.choose(script)
    return studio


def run(window: Studio, action: str) -> None:
    """Click an action and wait for the end of its job, which has to be a good one."""
    section = action.partition(".")[0]
    window.unfold(section)
    window.wait(lambda: window.widget(action).enabled)
    window.click(action)
    window.wait(lambda: window.panel.jobs[0].action == action and window.panel.jobs[0].over, LIMIT_S)
    job = window.panel.jobs[0]
    assert job.state == "done", "\n".join((job.text, *job.log[-30:]))


@pytest.mark.slow
@pytest.mark.parametrize("kit", ["6.0"], indirect=True)
def test_from_a_dataset_to_a_bundle(window):
    """Each step's button is greyed out until the step before is done."""
    window.select("robot.task", "avoidance")
    window.select("robot.device", "cpu")
    window.unfold("dataset", "train", "export", "transfer")
    window.click("toolbar.advanced")
    window.show()
    for action in ("train.start", "export.start", "transfer.start"):
        assert not window.widget(action).enabled, action
    for key, text in {"dataset.frames": "160", "dataset.num_envs": "8", "train.epochs": "1"}.items():
        window.type(key, text)
        assert not window.error(key)
    run(window, "dataset.generate")
    root = window.panel.workspace.root
    assert (root / "runs" / "dataset" / "dataset.json").is_file()
    run(window, "train.start")
    run(window, "export.start")
    assert (root / "runs" / "train" / "avoidance" / "bundle" / "contract.json").is_file()
    window.wait(lambda: window.widget("transfer.start").enabled)
