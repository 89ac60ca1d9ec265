"""The whole loop by clicking, in a real browser, with the real verbs: from a spec to the report, and back again."""

import os
import signal

import pytest

from sim2real.studio.process import read_identity
from studio.browser.page import browser, opened

pytestmark = pytest.mark.slow

WINDOW = (1280, 800)
"""Size of the page."""
SHOTS = os.environ.get("SIM2REAL_SCREENSHOTS")
"""Folder that screenshots are kept in; nothing: none are taken."""


def shoot(person, name):
    """Keep what the page shows."""
    if SHOTS:
        person.page.wait_for_timeout(1500)
        person.page.screenshot(path=f"{SHOTS}/{name}.png")


def trained_anew(person):
    """Click *Train* and return its job, which is not the last one."""
    last = next(job.id for job in person.panel.jobs if job.action == "train.start")
    person.click("Train")
    person.until(lambda: person.panel.jobs[0].action == "train.start" and person.panel.jobs[0].id != last, "a new job")
    return person.job("train.start", "running")


def test_from_a_spec_to_the_report(tmp_path):
    """Choose, edit, preview, generate, train, export, test, close and open again, kill, cancel: all by clicking."""
    with browser() as chromium:
        with opened(tmp_path, chromium, WINDOW) as person:
            person.choose("Robot and task", "avoidance")
            person.until(lambda: person.panel.value("robot.spec") == "avoidance", "the spec follows the task")
            shoot(person, "robot")
            person.tab("Physics")
            shoot(person, "physics")

            person.tab("Visual randomization")
            person.click("Preview")
            person.job("visual.preview", "done")
            person.shown("picture").first.wait_for()
            shoot(person, "preview")

            person.tab("Dataset")
            person.type("Frames", "many")
            person.error("dataset.frames").wait_for()
            assert person.panel.value("dataset.frames") == 5000
            shoot(person, "refused")
            person.type("Frames", "50")
            person.until(lambda: person.panel.value("dataset.frames") == 50, "50 frames")
            person.type("Picture", "32")
            person.click("Generate")
            person.job("dataset.generate", "done")
            person.shown("table").get_by_text("50 of 50").wait_for()
            shoot(person, "dataset")
            person.click("Check")
            person.job("dataset.check", "done")
            person.type("Folder", "runs/more")
            person.type("Frames", "240")  # an export keeps 16 frames or more that no training saw
            person.click("Generate")
            person.until(lambda: "240" in person.panel.jobs[0].argv, "the job")
            person.job("dataset.generate", "done")

            person.tab("Train")
            person.type("Epochs", "1")
            person.click("Train")
            person.job("train.start", "done")
            shoot(person, "train")

            person.tab("Export")
            person.click("Export")
            person.job("export.start", "done")
            person.shown("table").first.wait_for()
            shoot(person, "export")

            person.tab("Transfer report")
            person.choose("Drive in", "newton_mjwarp")
            person.type("Episodes", "2")
            person.click("Test transfer")
            person.job("transfer.start", "done", seconds=1500)
            link = person.page.get_by_role("link", name="Open the report").first
            link.wait_for()
            shoot(person, "transfer")
            with person.page.context.expect_page() as opening:
                link.click()
            report = opening.value
            report.wait_for_load_state()
            assert "report.html" in report.url and len(report.inner_text("body")) > 500
            report.close()

        with opened(tmp_path, chromium, WINDOW) as person:
            assert person.text("Robot and task") == "avoidance"
            person.tab("Dataset")
            assert (person.text("Frames"), person.text("Picture")) == ("240", "32")
            person.shown("table").get_by_text("240 of 240").wait_for()
            person.tab("Jobs")
            assert person.shown("job").filter(has_text="done").count() >= 5

            person.tab("Train")
            person.type("Epochs", "5000")
            person.type("Run folder", "runs/long")
            job = trained_anew(person)
            folder = tmp_path / ".studio" / "jobs" / job.id
            person.until(lambda: read_identity(folder) is not None, "the process is known")
            os.killpg(read_identity(folder).pid, signal.SIGKILL)
            person.job("train.start", "lost", "failed")
            shoot(person, "killed")
            trained_anew(person)
            person.click("Cancel")
            person.job("train.start", "cancelled")
