"""The loader of the stand-in: what an extension may ask for, and what it must give back."""

import builtins
import sys
from pathlib import Path

import pytest

import kit_double

MANIFEST = """
[package]
version = "1.2.3"
title = "Sample"
icon = "data/icon.png"

[dependencies]
"omni.ui" = {}
"omni.isaac.core" = {optional = true}

[[python.module]]
name = "sample_ext"

[settings]
exts."my.sample".rate = 3
"""
START = """
import asyncio
import omni.ext
import omni.ui as ui
import carb, carb.settings, carb.eventdispatcher
import omni.kit.app
import omni.kit.async_engine
import omni.kit.actions.core
import omni.kit.menu.utils as menus

class Sample(omni.ext.IExt):
    def on_startup(self, ext_id):
        self.ext_id = ext_id
        self.window = ui.Window("Sample")
        with self.window.frame, ui.VStack():
            self.model = ui.SimpleFloatModel(0.0)
            ui.FloatSlider(self.model, min=0, max=1, identifier="speed", tooltip="how fast")
            ui.Button("Go", clicked_fn=self.go, identifier="go", tooltip="goes")
        self.changed = self.model.subscribe_value_changed_fn(self.note)
        {start}
    def note(self, model):
        self.noted = model.as_float
    def go(self):
        self.model.set_value(0.75)
    async def wait(self):
        await asyncio.get_running_loop().create_future()
    def on_shutdown(self):
        self.changed = None
        self.window.destroy()
        self.window = None
"""
TESTS = """
import omni.kit.test
import omni.kit.ui_test as ui_test

class TestSample(omni.kit.test.AsyncTestCase):
    async def setUp(self):
        await self.wait_n_updates(2)

    async def test_go(self):
        button = ui_test.find("Sample//Frame/**/Button[*].identifier=='go'")
        await button.click()
        slider = ui_test.find("Sample//Frame/VStack[0]/FloatSlider[0]")
        await self.assertEqualWithRetry(lambda: slider.model.as_float, 0.75)

    def test_plain(self):
        self.assertEqual(ui_test.find("Sample").widget.title, "Sample")
"""


def write(folder: Path, start="pass", manifest=MANIFEST, tests=TESTS) -> Path:
    """An extension in a folder named my.sample."""
    folder = folder / "my.sample"
    for name, text in {
        "config/extension.toml": manifest,
        "data/icon.png": "",
        "sample_ext/__init__.py": START.replace("{start}", start),
        "sample_ext/tests/__init__.py": tests,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_clean_extension_loads_and_unloads_again_and_again(kit, tmp_path):
    folder, paths = write(tmp_path), list(sys.path)
    for _ in range(3):
        extension = kit_double.load_extension(kit, folder)
        assert extension.instances[0].ext_id == "my.sample-1.2.3"
        assert kit_double.find_window("Sample").visible
        import omni.kit.app

        manager = omni.kit.app.get_app().get_extension_manager()
        assert manager.get_extension_path("my.sample-1.2.3") == str(folder.resolve())
        assert manager.get_extension_path_by_module("sample_ext.tests") == str(folder.resolve())
        assert manager.get_extension_id_by_module("other") is None
        assert extension.settings.get_as_int("/exts/my.sample/rate") == 3
        extension.unload()
        assert "sample_ext" not in sys.modules and sys.path == paths
    assert kit.leaks() == []


def test_a_reload_takes_the_new_code(kit_51, tmp_path):
    kit_double.load_extension(kit_51, write(tmp_path)).unload()
    extension = kit_double.load_extension(kit_51, write(tmp_path, start="self.fresh = 'a different length'"))
    assert extension.instances[0].fresh == "a different length"
    extension.unload()


def test_the_extensions_own_tests_run(kit, tmp_path):
    extension = kit_double.load_extension(kit, write(tmp_path))
    assert extension.run_tests().testsRun == 2
    extension.unload()
    wrong = TESTS.replace("0.75", "0.5")
    extension = kit_double.load_extension(kit, write(tmp_path, tests=wrong))
    with pytest.raises(AssertionError, match="0.75 != 0.5"):
        extension.run_tests()
    extension.unload()


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ("self.other = ui.Window('Left')", "window 'Left'"),
        ("carb.settings.get_settings().set('/omni/replicator/captureOnPlay', False)", "captureOnPlay is False"),
        ("carb.settings.get_settings().set_bool('/app/omni.graph.scriptnode/opt_in', True)", "opt_in is True"),
        ("menus.add_menu_items([menus.MenuItemDescription(name='X', onclick_fn=self.go)], 'Tools')", "Tools/X"),
        ("omni.kit.actions.core.get_action_registry().register_action('e', 'go', self.go)", "action 'e:go'"),
        ("ui.Workspace.set_show_window_fn('Sample', lambda show: None)", "show function for 'Sample'"),
        ("omni.kit.async_engine.run_coroutine(self.wait())", "task .* is still pending"),
        ("import builtins; builtins.kept = self", "instance of Sample is still referred to"),
        ("import sys; sys.path.append('/nowhere')", "sys.path has /nowhere"),
    ],
)
def test_what_is_left_behind_is_named(tmp_path, start, says):
    with kit_double.installed("5.1", leaks=False) as kit:
        folder = write(tmp_path, start=start)
        extension = kit_double.load_extension(kit, folder)
        with pytest.raises(AssertionError, match=f"my.sample-1.2.3 left behind:[\\s\\S]*{says}"):
            extension.unload()
    vars(builtins).pop("kept", None)
    sys.path[:] = [path for path in sys.path if path != "/nowhere"]


def test_a_subscription_that_outlives_its_extension_is_named(kit_51, tmp_path):
    start = "import builtins; builtins.kept = self.model.subscribe_value_changed_fn(print)"
    extension = kit_double.load_extension(kit_51, write(tmp_path, start=start))
    with pytest.raises(AssertionError, match="subscription 'SimpleFloatModel: value_changed_fn'"):
        extension.unload()
    del builtins.kept


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('version = "1.2.3"', 'version = "1.2"'), "version is '1.2', not MAJOR.MINOR.PATCH"),
        (("title =", "titel ="), "no key 'titel'; nearest: 'title'"),
        (("data/icon.png", "data/none.png"), "'data/none.png' is no file of the extension"),
        (('"omni.ui" = {}', '"omni.uii" = {}'), "has no extension 'omni.uii'; nearest: 'omni.ui'"),
        (("optional = true", "optinal = true"), "no key 'optinal'; nearest: 'optional'"),
        (("[dependencies]", "[dependencis]"), "no key 'dependencis'; nearest: 'dependencies'"),
        (('[[python.module]]\nname = "sample_ext"', ""), "names no module"),
    ],
)
def test_a_wrong_manifest_is_refused(kit_51, tmp_path, change, says):
    assert change[0] in MANIFEST
    folder = write(tmp_path, manifest=MANIFEST.replace(*change))
    with pytest.raises(ValueError, match=says):
        kit_double.load_extension(kit_51, folder)


def test_a_dependency_of_one_version_must_be_optional(tmp_path):
    name = '"isaacsim.replicator.experimental.domain_randomization"'
    folder = write(tmp_path, manifest=MANIFEST.replace('"omni.ui" = {}', f"{name} = {{}}"))
    with kit_double.installed("6.0") as kit:
        kit_double.load_extension(kit, folder).unload()
    with (
        kit_double.installed("5.1") as kit,
        pytest.raises(ValueError, match="Isaac Sim 5.1 has no extension 'isaacsim.replicator.exp.*optional = true"),
    ):
        kit_double.load_extension(kit, folder)


def test_an_extension_class_calls_its_base(kit_51, tmp_path):
    folder = write(tmp_path)
    path = folder / "sample_ext/__init__.py"
    path.write_text(path.read_text() + "    def __init__(self):\n        self.mine = 1\n")
    with pytest.raises(TypeError, match=r"Sample.__init__\(\) must call super"):
        kit_double.load_extension(kit_51, folder)


def test_an_extension_without_a_class_is_refused(kit_51, tmp_path):
    folder = write(tmp_path)
    (folder / "sample_ext/__init__.py").write_text("import omni.ext\n")
    with pytest.raises(ImportError, match="define no class derived from omni.ext.IExt"):
        kit_double.load_extension(kit_51, folder)
    assert "sample_ext" not in sys.modules
