"""The program that runs verbs is found, and a job gets an environment in which it can run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sim2real.paths import PACKAGE
from sim2real.studio import StudioError
from sim2real.studio.command import find_command, job_environment


def test_the_checkouts_script_is_found(monkeypatch: pytest.MonkeyPatch):
    """Without a word it is the script beside the library."""
    monkeypatch.delenv("SIM2REAL_COMMAND", raising=False)
    assert find_command() == [str(PACKAGE.parents[1] / "sim2real.sh")]


def test_what_is_given_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A person's choice, then the variable; what is no program is named."""
    script = tmp_path / "mine.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("SIM2REAL_COMMAND", str(script))
    assert find_command() == [str(script)] and find_command(["/bin/sh", "-x"]) == ["/bin/sh", "-x"]
    script.chmod(0o644)
    with pytest.raises(StudioError, match=r"mine\.sh"):
        find_command()


def test_without_any_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Inside of Kit, Kit's own Python is no way out."""
    import sys
    import types

    monkeypatch.delenv("SIM2REAL_COMMAND", raising=False)
    monkeypatch.setattr("sim2real.studio.command.PACKAGE", tmp_path / "a" / "b" / "sim2real")
    assert find_command() == [sys.executable, "-m", "sim2real.cli.main"]
    monkeypatch.setitem(sys.modules, "carb", types.ModuleType("carb"))
    with pytest.raises(StudioError, match="setup"):
        find_command()


def test_a_job_does_not_inherit_another_python(monkeypatch: pytest.MonkeyPatch):
    """What Isaac Sim sets for its own Python and libraries would break another; the rest stays."""
    own = {"PATH": "/bin", "HOME": "/h", "LD_LIBRARY_PATH": "/cuda", "PYTHONPATH": "/ros", "PYTHONHOME": "/kit"}
    outside = job_environment(own)
    assert "PYTHONPATH" not in outside and "PYTHONHOME" not in outside
    assert (outside["PATH"], outside["LD_LIBRARY_PATH"]) == ("/bin", "/cuda")
    inside = job_environment({**own, "CARB_APP_PATH": "/isaac/kit"})
    assert "LD_LIBRARY_PATH" not in inside and inside["HOME"] == "/h"


def test_the_script_answers_in_a_jobs_environment():
    """The real one, as a job would start it, from within a Python with other paths."""
    environment = job_environment()
    done = subprocess.run([*find_command(), "--version"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("sim2real ")
