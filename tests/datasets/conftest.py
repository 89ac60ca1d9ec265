"""Fixtures of the dataset tests."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def synth():
    """The module that makes synthetic frames (``synthetic.py``, which is also a program)."""
    spec = importlib.util.spec_from_file_location("synthetic_frames", Path(__file__).with_name("synthetic.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def whole(synth, tmp_path_factory):
    """A finished dataset of 100 frames in chunks of 8, and the bytes of its files; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    synth.write(folder, synth.manifest())
    return folder, synth.tree(folder)
