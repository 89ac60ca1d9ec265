"""The packages for small machines import on their oldest Python with their oldest allowed dependencies.

``contract`` and ``deploy`` run on a robot: Python 3.10, numpy and ONNX Runtime. What the extension uses runs inside
Isaac Sim 5.1: Python 3.11, with the Warp it bundles. Each set gets an environment of its own (kept under ``.venv``),
with the lowest versions that ``pyproject.toml`` allows, in which every module of these packages is imported. A package
that does not exist yet is passed over; it is looked at from the day it appears.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "source"


@dataclass(frozen=True, kw_only=True)
class LightSet:
    """Packages that must import together somewhere small."""

    python: str
    """Interpreter, ``major.minor``."""
    extras: tuple[str, ...]
    """Extras of pyproject that are installed there."""
    packages: tuple[str, ...]
    """Packages of ours; each of their modules is imported."""
    without: tuple[str, ...]
    """Third-party packages that must not be there, else the test proves nothing."""


SETS = (
    LightSet(python="3.10", extras=("deploy",), packages=("contract", "deploy"), without=("torch", "warp", "isaaclab")),
    LightSet(
        python="3.11",
        extras=("vision",),
        packages=("spec", "draws", "vision", "datasets", "studio"),
        without=("torch", "isaaclab", "onnxruntime"),
    ),
)

NEEDS_TORCH = ("sim2real.datasets.torch_dataset",)
"""Modules that are torch's side of a package; they are not for the small machines."""

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1].split(","):
    package = importlib.import_module(name)
    names = [name, *(info.name for info in pkgutil.walk_packages(package.__path__, name + "."))]
    for module in names:
        if module not in sys.argv[2].split(","):
            importlib.import_module(module)
            print(module)
"""


def find_interpreter(version: str) -> str | None:
    """An interpreter of that version on PATH, of pyenv, or of uv; None where there is none."""
    home = Path.home()
    candidates = [shutil.which(f"python{version}") or ""]
    for folder, pattern in (
        (Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions", f"{version}*/bin/python{version}"),
        (home / ".local/share/uv/python", f"cpython-{version}*/bin/python{version}"),
    ):
        candidates += [str(path) for path in sorted(folder.glob(pattern))]
    for path in filter(None, candidates):
        code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True)
        if done.stdout.strip() == version:
            return path
    return None


def run(*command: str) -> str:
    """The command's output; fails the test with everything it said."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(SOURCE)})
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(params=SETS, ids=lambda light: f"python{light.python}")
def light(request) -> tuple[LightSet, str]:
    """One set and the interpreter of its environment, made at first use and kept until its recipe changes."""
    chosen: LightSet = request.param
    interpreter = find_interpreter(chosen.python)
    if interpreter is None:
        pytest.skip(f"no Python {chosen.python} on this machine (looked at PATH, pyenv and uv)")
    recipe = repr((interpreter, chosen.extras)) + (ROOT / "pyproject.toml").read_text()
    name = f"light-{chosen.python}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    home = Path(sys.prefix) / "light" / name
    python = str(home / "bin" / "python")
    if not (home / "complete").exists():
        uv = shutil.which("uv", path=str(Path(sys.prefix) / "bin")) or shutil.which("uv")
        assert uv, "uv is part of the lock"
        shutil.rmtree(home, ignore_errors=True)
        run(uv, "venv", "--quiet", "--python", interpreter, str(home))
        extras = [word for extra in chosen.extras for word in ("--extra", extra)]
        project = str(ROOT / "pyproject.toml")
        run(uv, "pip", "install", "-q", "--python", python, "--resolution", "lowest-direct", "-r", project, *extras)
        (home / "complete").touch()
    return chosen, python


def test_modules_import(light):
    """Every module of the set's packages imports on that Python with those dependencies and nothing else."""
    chosen, python = light
    for name in chosen.without:
        absent = subprocess.run([python, "-c", f"import {name}"], capture_output=True)
        assert absent.returncode != 0, f"{name} is installed there: the test would prove nothing"
    present = [f"sim2real.{name}" for name in chosen.packages if (SOURCE / "sim2real" / name / "__init__.py").exists()]
    if not present:
        pytest.skip(f"none of {', '.join(chosen.packages)} exists yet")
    done = run(python, "-c", IMPORT_ALL, ",".join(present), ",".join(NEEDS_TORCH))
    assert set(present) <= set(done.split())


def test_command_line_answers(light):
    """The list of verbs is shown there too, although most verbs cannot run."""
    _, python = light
    assert "generate" in run(python, "-m", "sim2real.cli.main", "--help")
