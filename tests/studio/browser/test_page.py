"""The page in a real Chromium: values, refusals, jobs, files, tokens; what verbs do is tested elsewhere."""

import json
import os
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from sim2real.errors import Sim2RealError
from sim2real.studio.browser.server import Studio
from sim2real.studio.process import read_identity
from studio.browser.page import opened


def test_what_is_set_survives_and_what_is_wrong_does_not_enter(open_page, tmp_path):
    """Typing, boxes and check marks; a refusal at the field; undo; the panel's own changes; closing and opening."""
    with open_page(tmp_path) as person:
        person.choose("Robot and task", "anymal_c")
        person.until(lambda: person.panel.value("robot.task") == "anymal_c", "the task")
        person.until(lambda: person.text("Randomization") == "anymal_c", "its preset comes along")
        person.type("Seed of the draws", "12x")
        person.error("robot.seed").wait_for()
        assert person.panel.value("robot.seed") != 12 and person.text("Seed of the draws") == "12x"
        person.type("Seed of the draws", "12")
        person.error("robot.seed").wait_for(state="detached")
        assert person.panel.value("robot.seed") == 12

        person.tab("Physics")
        person.shown("histogram").first.wait_for()
        person.shown("timeline").first.wait_for()
        person.page.get_by_text("base_mass (body.mass)").click()
        before = person.text("Factor")
        person.type("Factor", "2, 1")
        person.error("physics.terms.base_mass.range").wait_for()
        person.type("Factor", "0.5, 1.5")
        person.until(lambda: person.panel.value("physics.terms.base_mass.range") == (0.5, 1.5), "the range")
        person.click("Undo")
        person.until(lambda: person.text("Factor") == before, "the old range")
        person.click("Redo")
        person.until(lambda: person.text("Factor") == "0.5, 1.5", "the new range")
        assert person.row("Select").count() == 0
        person.tick("Advanced")
        person.row("Select").wait_for()

        person.tab("Train")
        person.tick("Randomize")
        person.type("Environments", "48")
        person.tab("Robot & task")
        person.until(lambda: person.panel.value("train.num_envs") == 48, "what was typed last")
    with open_page(tmp_path) as person:
        assert person.text("Robot and task") == "anymal_c" and person.text("Seed of the draws") == "12"
        person.tab("Train")
        assert person.text("Environments") == "48" and not person.row("Randomize").locator("input").is_checked()


@pytest.mark.slow
def test_values_that_change_elsewhere_show_in_every_page(open_page, tmp_path):
    """Two pages and a script are three hands on one panel."""
    with open_page(tmp_path) as person:
        other = person.page.context.new_page()
        other.goto(person.studio.address)
        person.panel.set("robot.seed", 99)
        for page in (person.page, other):
            box = page.locator(".mantine-Flex-root:visible").filter(has_text="Seed of the draws").locator("input")
            person.until(lambda box=box: box.first.input_value() == "99", "the seed")
        other.close()


@pytest.mark.slow
def test_every_section_field_and_button_is_there(open_page, tmp_path):
    """Each field that is not seldom needed has a row, each action a button with its reason where it cannot start."""
    with open_page(tmp_path) as person:
        for section in person.panel.sections:
            person.tab(section.title.partition(",")[0])
            for field in person.panel.fields(section.key):
                if not field.advanced and not field.group:
                    person.row(field.label).wait_for()
            for action in section.actions:
                button, why = person.button(action.label), person.panel.why_not(action.key)
                button.wait_for()
                assert button.is_disabled() == bool(why), action.key
                if why:
                    assert person.page.get_by_text(why).locator("visible=true").count() >= 1


@pytest.mark.slow
def test_jobs_show_progress_end_and_reason(open_page, tmp_path):
    """One that is done, one that fails, one that is cancelled, one whose process is killed; found again later."""
    with open_page(tmp_path) as person:
        person.click("Check in engine")
        person.job("robot.inspect", "done")
        person.shown("job").filter(has_text="done").first.wait_for()
        (tmp_path / "runs" / "dataset").mkdir(parents=True)
        (tmp_path / "runs" / "dataset" / "dataset.json").write_text(json.dumps({}))
        person.tab("Dataset")
        person.until(person.button("Check").is_enabled, "the set can be checked")
        person.click("Check")
        person.job("dataset.check", "failed")
        person.shown("job").filter(has_text="frame 4 differs").first.wait_for()

        person.tab("Train")
        person.type("Iterations", "12")
        person.click("Train")
        job = person.job("train.start", "running")
        assert job.argv[job.argv.index("--iterations") + 1] == "12"  # typed, and not waited for
        person.until(lambda: person.panel.job(job.id).done == 3, "the progress")
        person.shown("job").filter(has_text="3/12  9 steps/s").first.wait_for()
        person.click("Cancel")
        person.job("train.start", "cancelled")
        person.click("Train")
        job = person.job("train.start", "running")
        person.until(lambda: person.panel.job(job.id).done == 3, "the progress")
    with open_page(tmp_path) as person:
        assert person.panel.job(job.id).state == "running"
        person.tab("Jobs")
        person.shown("job").filter(has_text="running").first.wait_for()
        os.killpg(read_identity(tmp_path / ".studio" / "jobs" / job.id).pid, signal.SIGKILL)
        person.job("train.start", "lost", "failed")
        person.shown("job").filter(has_text="its process").first.wait_for()
        count = len(person.panel.jobs)
        person.click("Forget")
        person.until(lambda: len(person.panel.jobs) == count - 1, "one is forgotten")


@pytest.mark.slow
def test_every_action_is_clicked(open_page, tmp_path):
    """With a robot, a set, a training, a bundle and a Jetson at hand each button starts its own verb, and ends."""
    run = tmp_path / "runs" / "train" / "go2"
    run.mkdir(parents=True)
    (run / "model_5.pt").write_bytes(b"")
    shutil.copytree(Path(__file__).parents[3] / "policies" / "panda_reach_plain", run / "bundle")
    (tmp_path / "runs" / "dataset").mkdir()
    (tmp_path / "runs" / "dataset" / "dataset.json").write_text("{}")
    (tmp_path / "dog.urdf").write_text('<robot name="dog"/>')
    verbs = {}
    with open_page(tmp_path) as person:
        assert person.panel.set("robot.urdf", "dog.urdf") is None
        assert person.panel.set("export.jetson", "me@orin") is None
        for section in person.panel.sections:
            person.tab(section.title.partition(",")[0])
            for action in section.actions:
                person.until(person.button(action.label).is_enabled, action.label)
                person.click(action.label)
                if action.key == "train.start":
                    person.job(action.key, "running")
                    person.click("Cancel")
                job = person.job(action.key, "done", "failed", "cancelled")
                verbs[action.key] = job.argv[0] if job.argv else ""
    assert verbs == {
        "robot.inspect": "inspect", "robot.add": "robot", "visual.preview": "", "dataset.generate": "generate",
        "dataset.check": "check", "train.start": "train", "train.play": "play", "export.start": "export",
        "export.build": "export", "export.benchmark": "benchmark", "transfer.start": "transfer",
    }  # fmt: skip


@pytest.mark.slow
def test_files_are_saved_loaded_and_refused(open_page, tmp_path):
    """State and spec; a path that leaves the workspace is refused at the field; a saved file can be opened."""
    with open_page(tmp_path) as person:
        person.type("Seed of the draws", "31")
        person.tab("Files")
        person.click("Save")
        person.page.get_by_text("Saved as panels/mine.yaml").wait_for()
        person.type("File", "../outside.yaml")
        person.click("Save")
        person.page.get_by_role("alert").filter(has_text="leads out of the workspace").wait_for()
        assert not (tmp_path.parent / "outside.yaml").exists()
        person.panel.set("robot.seed", 5)
        person.type("File", "panels/mine.yaml")
        person.click("Load")
        person.until(lambda: person.panel.value("robot.seed") == 31, "the saved seed")
        link = person.page.get_by_role("link", name="panels/mine.yaml")
        with urllib.request.urlopen(person.studio.address + link.get_attribute("href")[1:]) as answer:
            assert b"studio: 1" in answer.read()


@pytest.mark.slow
def test_scene_says_why_it_does_not_start(open_page, tmp_path):
    """A number of worlds that is none stands refused at its field, and nothing is started."""
    with open_page(tmp_path) as person:
        person.tab("Scene")
        person.type("Worlds", "many")
        person.click("Start the scene")
        person.page.get_by_role("alert").filter(has_text="give 1 to").wait_for()
        assert person.button("Start the scene").is_visible()


def test_token_opens_the_page_and_nothing_else_does(chromium, command, tmp_path):
    """A page without it is refused, by the address with it the panel opens, and its socket too."""
    with opened(tmp_path, chromium, command=command, token="a-token-of-some-length") as person:
        base = person.studio.address.partition("?")[0]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(base)
        stranger = chromium.new_page()
        assert stranger.goto(base).status == 401
        stranger.close()
        assert "token" not in person.page.url and person.text("Robot and task") == "go2"


def test_page_of_another_server_reaches_no_socket(open_page, tmp_path):
    """A file that is served from the workspace runs in a sandbox: its script cannot speak to the panel."""
    (tmp_path / "evil.html").write_text(
        "<p id=told>waits</p><script>const s = new WebSocket('ws://' + location.host, ['viser-v1.1.1']);"
        "const tell = t => document.getElementById('told').textContent = t;"
        "s.onopen = () => tell('open'); s.onerror = () => tell('refused');</script>"
    )
    with open_page(tmp_path) as person:
        page = person.page.context.new_page()
        page.goto(f"{person.studio.address}files/evil.html")
        page.get_by_text("refused").wait_for()
        page.close()


def test_taken_port_and_share_link_are_refused(command, tmp_path):
    """viser would take the next port in silence, and would open a public link at any page's wish."""
    studio = Studio(tmp_path / "one", port=0, command=command)
    try:
        with pytest.raises(Sim2RealError, match="cannot be used"):
            Studio(tmp_path / "two", port=studio.server.get_port(), command=command)
        assert studio.server.request_share_url() is None
    finally:
        studio.close()
