"""The window on the stand-in, driven as a person would: every control, bad values, files, jobs, closing and opening."""

import sys

import numpy as np
import pytest

from exts.driver import TITLE, Studio
from kit_double.ui.tree import panel_problems


@pytest.fixture
def window(studio) -> Studio:
    """The window, open."""
    return studio.open()


def text_fields(window: Studio, section: str) -> list:
    """The fields of a section that are typed into."""
    return [f for f in window.panel.fields(section) if f.kind in ("number", "integer", "text", "path") and not f.group]


def test_every_section_and_action_is_there(window):
    """Each section has a frame; unfolded, each field without a group and each action has its widget."""
    keys = [section.key for section in window.panel.sections]
    window.unfold(*keys)
    window.click("toolbar.advanced")
    window.show()
    there = window.identifiers()
    for section in window.panel.sections:
        for field in window.panel.fields(section.key):
            if not field.group:
                expected = f"{field.key}.low" if field.kind == "range" else field.key
                assert expected in there, expected
        for action in section.actions:
            assert action.key in there, action.key


def test_every_widget_that_can_be_used_has_identifier_and_tooltip(window):
    """A test finds it by name, a person learns what it does by resting the mouse on it; no name is given twice."""
    sections = [section.key for section in window.panel.sections]
    window.unfold("stage", *sections)
    for group in [key for key in window.identifiers() if ".group." in key][:6]:
        window.unfold(group.removesuffix(".frame"))
    assert panel_problems(TITLE) == []
    assert len(window.identifiers()) > 60


def test_typed_value_enters_and_survives_a_closed_window(window):
    """What is typed is the panel's, in a new window, and in a new session over the same workspace."""
    from sim2real.studio import Panel

    window.unfold("train")
    window.type("train.num_envs", "48")
    assert window.panel.value("train.num_envs") == 48 and window.error("train.num_envs") == ""
    window.close()
    window.open()
    window.show()
    assert window.find("train.num_envs").model.as_string == "48"
    other = Panel(window.panel.workspace.root)
    assert other.value("train.num_envs") == 48
    other.close()


@pytest.mark.parametrize("text", ["many", "-3", "0", "1e400", "1.5"])
def test_bad_value_is_refused_at_the_field(window, text):
    """The message stands below the field, the typed text stays, the panel's value does too; a good one clears it."""
    window.unfold("train")
    before = window.panel.value("train.num_envs")
    window.type("train.num_envs", text)
    assert window.panel.value("train.num_envs") == before
    assert window.error("train.num_envs")
    assert window.find("train.num_envs").model.as_string == text
    window.type("train.num_envs", "16")
    assert window.panel.value("train.num_envs") == 16 and window.error("train.num_envs") == ""


def test_every_text_field_of_every_section_takes_no_nonsense(window):
    """A NUL and a line break: no field lets it into the panel, and no field is without an answer."""
    window.unfold(*[section.key for section in window.panel.sections])
    tried = 0
    for section in window.panel.sections:
        for field in text_fields(window, section.key):
            if field.advanced or window.find(field.key) is None:
                continue
            before = window.panel.value(field.key)
            window.type(field.key, "\0\n")
            assert window.error(field.key), field.key
            assert window.panel.value(field.key) == before
            tried += 1
    assert tried >= 8


def test_choice_and_toggle_enter(window):
    """A box and a check mark set the panel's values."""
    window.select("robot.task", "anymal_c")
    assert window.panel.value("robot.task") == "anymal_c"
    toggles = [
        field
        for section in window.panel.sections
        for field in window.panel.fields(section.key)
        if field.kind == "toggle" and not field.group and not field.advanced
    ]
    window.unfold(*{field.key.partition(".")[0] for field in toggles})
    for field in toggles:
        before = window.panel.value(field.key)
        window.click(field.key)
        assert window.panel.value(field.key) is (not before), field.key


def test_undo_and_redo(window):
    """They go through what was set, and are greyed out where there is nothing to go to."""
    window.unfold("train")
    assert not window.widget("toolbar.undo").enabled
    before = window.find("train.num_envs").model.as_string
    window.type("train.num_envs", "17")
    window.click("toolbar.undo")
    window.show()
    assert window.find("train.num_envs").model.as_string == before
    window.click("toolbar.redo")
    window.show()
    assert window.find("train.num_envs").model.as_string == "17"


def test_range_of_the_spec_is_edited_and_checked_by_the_loader(window):
    """The physics section's ranges are the spec's: a good one changes it, one that the target cannot have does not."""
    window.unfold("physics")
    groups = [key for key in window.identifiers() if key.startswith("physics.group.")]
    assert groups
    for group in groups:
        window.unfold(group.removesuffix(".frame"))
    ranges = [f for f in window.panel.fields("physics") if f.kind == "range" and window.find(f"{f.key}.low")]
    field = next(field for field in ranges if "mass" in field.key)
    low, high = window.panel.value(field.key)
    digest = window.panel.values.document.spec.digest
    window.type(f"{field.key}.low", "-5")
    assert window.error(field.key) and window.panel.values.document.spec.digest == digest
    window.type(f"{field.key}.low", f"{0.5 * (low + high):.3f}")
    assert not window.error(field.key) and window.panel.values.document.spec.digest != digest


def test_save_and_load_by_the_file_picker(window):
    """A panel that was saved comes back; a file that is none is told, and nothing changes."""
    window.unfold("train")
    root = window.panel.workspace.root
    window.type("train.num_envs", "21")
    window.click("toolbar.save")
    window.choose(root / "mine.yaml")
    assert (root / "mine.yaml").is_file() and any("mine.yaml" in text for text in window.told())
    window.type("train.num_envs", "22")
    window.click("toolbar.load")
    window.choose(root / "mine.yaml")
    assert window.panel.value("train.num_envs") == 21
    (root / "bad.yaml").write_text("schema: [")
    window.click("toolbar.load")
    window.choose(root / "bad.yaml")
    assert "bad.yaml" in window.notice() and window.panel.value("train.num_envs") == 21


def test_path_outside_of_the_workspace_is_refused(window, tmp_path):
    """The picker can go anywhere; the panel takes only what lies in the workspace."""
    (tmp_path / "elsewhere.yaml").write_text("schema: 1\nseed: 1\n")
    window.click("toolbar.load")
    window.choose(tmp_path / "elsewhere.yaml")
    assert "workspace" in window.notice()
    window.click("toolbar.save")
    window.choose(tmp_path / "elsewhere.yaml")
    assert "workspace" in window.notice()


def test_another_workspace(window, tmp_path):
    """The button opens another folder, the setting remembers it, and the values of the first stay there."""
    import carb.settings

    from exts.driver import WORKSPACE

    window.unfold("train")
    window.type("train.num_envs", "33")
    other = tmp_path / "other"
    other.mkdir()
    window.click("toolbar.workspace")
    window.choose(other)
    window.show()
    assert window.panel.workspace.root == other.resolve() and window.panel.value("train.num_envs") != 33
    assert carb.settings.get_settings().get(WORKSPACE).rstrip("/") == str(other)


def test_preview_shows_pictures_of_the_draws(window):
    """The action of the visual section computes in a thread; its pictures appear below it."""
    window.unfold("visual")
    window.click("visual.preview")
    window.wait(lambda: any(job.action == "visual.preview" and job.over for job in window.panel.jobs))
    (job,) = [job for job in window.panel.jobs if job.action == "visual.preview"]
    assert job.state == "done", job.text
    import omni.kit.ui_test as ui_test

    shown = [ref.widget for ref in ui_test.find_all("sim2real Studio//Frame/**/ImageWithProvider[*]")]
    assert shown


@pytest.fixture
def command(window, tmp_path):
    """A program in place of sim2real.sh: it says how far it is, waits to be told, and minds SIGINT."""
    script = tmp_path / "sim2real.sh"
    script.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys, time\n"
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'argv').write_text(' '.join(sys.argv[1:]))\n"
        "print('train: 3 of 10 iterations, 2.0/s', file=sys.stderr, flush=True)\n"
        "while not (here / 'go').exists():\n"
        "    time.sleep(0.01)\n"
        "if (here / 'go').read_text() == 'fail':\n"
        "    sys.exit('error: no such thing; give another')\n"
        "print('train: 10 of 10 iterations, 2.0/s', file=sys.stderr, flush=True)\n"
    )
    script.chmod(0o755)
    window.click("toolbar.command")
    window.choose(script)
    yield tmp_path
    (tmp_path / "go").write_text("on")  # whatever still runs ends now


def state(window: Studio) -> str:
    """The state of the newest job, as the window shows it."""
    found = window.find("jobs.0.state")
    return "" if found is None else found.widget.text


def test_job_shows_its_progress_and_ends(window, command):
    """The bar follows the verb's own lines; the end is told once, with a notification."""
    window.unfold("train")
    window.click("train.start")
    window.wait(lambda: window.find("jobs.0.progress") is not None)
    window.wait(lambda: window.find("jobs.0.progress").model.as_float == pytest.approx(0.3))
    assert (command / "argv").read_text().startswith("train ")
    (command / "go").write_text("on")
    window.wait(lambda: state(window) == "done")
    window.kit.tick(20)
    assert sum("finished" in text for text in window.told()) == 1
    window.click("jobs.0.remove")
    window.show()
    assert window.find("jobs.0.state") is None


def test_job_that_fails_says_why(window, command):
    """The error of the verb is the text of the job and of the notification."""
    (command / "go").write_text("fail")
    window.unfold("train")
    window.click("train.start")
    window.wait(lambda: state(window) == "failed")
    assert "no such thing" in window.widget("jobs.0.text").text
    assert any("failed" in text and "no such thing" in text for text in window.told())


def test_job_is_cancelled(window, command):
    """Cancel sends SIGINT to the process; the window says so."""
    window.unfold("train")
    window.click("train.start")
    window.wait(lambda: window.find("jobs.0.progress").model.as_float > 0.0)
    window.click("jobs.0.cancel")
    window.wait(lambda: state(window) == "cancelled")


def test_job_outlives_window_and_extension(window, command, kit):
    """Closed, unloaded and loaded again: the job runs on, the new window finds it and sees it end."""
    from exts.driver import EXTENSION
    from kit_double.extensions import load_extension

    window.unfold("train")
    window.click("train.start")
    window.wait(lambda: state(window) == "running")
    window.close()
    window.extension.unload()
    again = load_extension(kit, EXTENSION)
    window.extension = again
    window.open()
    window.show()
    assert state(window) == "running"
    (command / "go").write_text("on")
    window.wait(lambda: state(window) == "done")


def test_killed_worker_is_told(window, command):
    """A process that is killed from outside is a failed job with the signal's name, and can be started again."""
    import os
    import signal

    window.unfold("train")
    window.click("train.start")
    window.wait(lambda: (command / "argv").is_file())
    from sim2real.studio.process import read_identity

    folder = next((window.panel.workspace.private / "jobs").iterdir())
    os.kill(read_identity(folder).pid, signal.SIGKILL)
    window.wait(lambda: state(window) in ("failed", "lost"))
    assert window.widget("train.start").enabled


def test_window_answers_while_a_job_runs(window, command):
    """Nothing of the window's thread waits for a job: values enter, and are refused, while it goes on."""
    window.unfold("train", "physics")
    window.click("train.start")
    window.wait(lambda: state(window) == "running")
    for number in range(5):
        window.session.changed()
        window.kit.tick()
        window.type("train.num_envs", str(32 + number))
        assert window.panel.value("train.num_envs") == 32 + number
        window.type("train.num_envs", "many")
        assert window.error("train.num_envs") and window.panel.value("train.num_envs") == 32 + number
    assert state(window) == "running"


def test_picture_reaches_the_provider_as_rgba(kit, bare_package):
    """Height and width the right way round, opaque, contiguous."""
    from sim2real_studio.views.outputs import with_alpha

    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    rgba = with_alpha(pixels[:, ::-1])
    assert rgba.shape == (2, 3, 4) and rgba.flags.c_contiguous and (rgba[..., 3] == 255).all()
    np.testing.assert_array_equal(rgba[..., :3], pixels[:, ::-1])
