"""The extension's folder on the path, as Kit puts it there."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

import kit_double
from exts.driver import EXTENSION, WORKSPACE, Studio
from kit_double.extensions import load_extension

SAME_FOR_BOTH = ("test_window.py", "test_scenes.py", "test_stage_window.py")
"""Tests of code that is the same for both versions; what differs stands in compat.py and is tested on both."""


def pytest_collection_modifyitems(items):
    """Leave these tests on 5.1 to the slow suite, and on 6.0 to every run."""
    for item in items:
        if item.path.name in SAME_FOR_BOTH and item.path.parent == Path(__file__).parent and "[5.1" in item.nodeid:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def extension_path(monkeypatch) -> Path:
    """The extension's folder, on `sys.path` for the length of a test."""
    monkeypatch.syspath_prepend(str(EXTENSION))
    yield EXTENSION
    for name in [name for name in sys.modules if name.partition(".")[0] == "sim2real_studio"]:
        del sys.modules[name]


@pytest.fixture
def bare_package(extension_path) -> None:
    """The extension's package without its entry, for the parts that need no Kit."""
    package = types.ModuleType("sim2real_studio")
    package.__path__ = [str(extension_path / "sim2real_studio")]
    sys.modules["sim2real_studio"] = package


@pytest.fixture(params=["5.1", "6.0"])
def kit(request, tmp_path):
    """The stand-in for both versions, with a workspace of its own in the settings; what leaks fails the test."""
    with kit_double.installed(request.param) as kit:
        import carb.settings

        carb.settings.get_settings().set_string(WORKSPACE, str(tmp_path / "work"))
        yield kit


@pytest.fixture
def studio(kit):
    """The extension, loaded as Kit loads it, and unloaded at the end."""
    studio = Studio(kit, load_extension(kit, EXTENSION))
    yield studio
    studio.extension.unload()
