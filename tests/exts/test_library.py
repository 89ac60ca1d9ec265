"""The extension finds the library beside it, gives `sys.path` back, and says what is missing and how to get it."""

import sys
from types import SimpleNamespace

import pytest


@pytest.fixture
def library(bare_package):
    """The module that looks for the library."""
    from sim2real_studio import library

    return library


def test_checkout_is_found_beside_the_extension(library, extension_path):
    """Without a setting it is the folder source/ of the checkout."""
    assert library.library_folder(extension_path, "") == extension_path.parents[1] / "source"


def test_setting_wins(library, extension_path, tmp_path):
    """A folder that a person set is taken as it is."""
    assert library.library_folder(extension_path, str(tmp_path)) == tmp_path


def test_path_is_given_back(library, extension_path, tmp_path, monkeypatch):
    """Twenty times on and off leave `sys.path` as it was; attaching twice adds nothing twice."""
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not entry.endswith("/source")])
    before = list(sys.path)
    for _ in range(20):
        found = library.Library(extension_path, "")
        assert found.attach() == [] and found.attach() == []
        assert sys.path[0] == str(extension_path.parents[1] / "source") and len(sys.path) == len(before) + 1
        found.detach()
        found.detach()
    assert sys.path == before


def test_what_was_there_stays(library, extension_path, monkeypatch):
    """A folder that somebody else put on the path is not taken away."""
    source = str(extension_path.parents[1] / "source")
    monkeypatch.setattr(sys, "path", [source, *[entry for entry in sys.path if entry != source]])
    found = library.Library(extension_path, "")
    found.attach()
    found.detach()
    assert source in sys.path


def test_missing_library_names_the_remedy(library, tmp_path, monkeypatch):
    """Far from any checkout the panel says where to clone it and which setting names it."""
    monkeypatch.setattr(library, "_there", lambda module: module != "sim2real")
    (problem,) = library.Library(tmp_path / "exts" / "sim2real.studio", "").problems()
    assert "not found" in problem.what and "/exts/sim2real.studio/library" in problem.remedy


def test_missing_package_names_the_command(library, extension_path, monkeypatch):
    """What Kit's Python lacks is named with the command that installs it."""
    monkeypatch.setattr(library, "_there", lambda module: module not in ("yaml", "PIL"))
    (problem,) = library.Library(extension_path, "").problems()
    assert "pyyaml pillow" in problem.what and "python.sh -m pip install pyyaml pillow" in problem.remedy


def test_old_python_is_told(library, extension_path, monkeypatch):
    """Isaac Sim 4 with Python 3.9 or older gets a sentence, not a traceback."""
    monkeypatch.setattr(library, "sys", SimpleNamespace(version_info=(3, 9, 0), path=sys.path))
    assert "3.9" in library.Library(extension_path, "").problems()[0].what
