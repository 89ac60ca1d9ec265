"""The extension's folder on the path, as Kit puts it there."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "exts" / "sim2real.studio"


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
