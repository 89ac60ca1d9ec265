"""The extension's life on the stand-in: it starts, shows its window, is reloaded, and leaves nothing behind."""

import importlib.util
import sys

import pytest

from exts.driver import EXTENSION, MENU, TITLE, WORKSPACE, Studio
from kit_double.extensions import load_extension
from kit_double.kit_menu import click_menu, is_ticked


def test_twenty_times_on_and_off(kit):
    """With its window open and unfolded every fourth time: no window, task, item, setting or path is left."""
    for round_ in range(20):
        extension = load_extension(kit, EXTENSION)
        if round_ % 4 == 0:
            click_menu(kit, MENU)
            kit.tick(6)
            session = sys.modules["sim2real_studio"].current_session()
            session.open_sections |= {"train", "physics", "stage", "visual"}
            session.changed()
            kit.tick(6)
            del session
        extension.unload()


def test_menu_shows_and_closes_the_window(studio):
    """The line is ticked while the window is there; a second click closes it."""
    studio.open()
    assert studio.find("robot.frame") is not None and is_ticked(studio.kit, MENU)
    studio.close()
    import omni.ui as ui

    assert ui.Workspace.get_window(TITLE) is None and not is_ticked(studio.kit, MENU)


def test_setting_opens_the_window_at_start(kit):
    """show_on_startup opens it with the application."""
    import carb.settings
    import omni.ui as ui

    carb.settings.get_settings().set_bool("/exts/sim2real.studio/show_on_startup", True)
    extension = load_extension(kit, EXTENSION)
    kit.tick(4)
    assert ui.Workspace.get_window(TITLE).visible
    extension.unload()


def test_its_own_tests_pass(studio):
    """What omni.kit.test would run inside Isaac Sim runs here too."""
    assert studio.extension.run_tests().testsRun >= 4


def test_missing_library_shows_the_remedy_and_a_way_on(kit, tmp_path, monkeypatch):
    """The window opens all the same, says what to do, and goes on once it was done."""
    import carb.settings

    carb.settings.get_settings().set_string("/exts/sim2real.studio/library", str(tmp_path))
    find_spec = importlib.util.find_spec
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None if name == "sim2real" else find_spec(name))
        extension = load_extension(kit, EXTENSION)
        studio = Studio(kit, extension)
        click_menu(kit, MENU)
        kit.tick(6)
        assert str(tmp_path) in studio.widget("problem.0").text
        assert "/exts/sim2real.studio/library" in studio.widget("problem.0.remedy").text
        studio.click("problem.retry")
        assert studio.find("problem.0") is not None
    studio.click("problem.retry")
    studio.show()
    assert studio.find("problem.0") is None and studio.find("robot.frame") is not None
    extension.unload()


@pytest.mark.parametrize("wrong", ["file", "outside"])
def test_workspace_that_cannot_be_opened_is_told(kit, tmp_path, wrong):
    """A setting that names no usable folder shows the message of the library and the setting to change."""
    import carb.settings

    path = tmp_path / "blocked"
    path.write_text("a file, no folder")
    carb.settings.get_settings().set_string(WORKSPACE, str(path if wrong == "file" else path / "below"))
    extension = load_extension(kit, EXTENSION)
    click_menu(kit, MENU)
    kit.tick(6)
    studio = Studio(kit, extension)
    assert "blocked" in studio.widget("problem.0").text and WORKSPACE in studio.widget("problem.0.remedy").text
    extension.unload()
