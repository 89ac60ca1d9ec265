"""Imports point one way (the stages of ``imports_rule.STREAM``), and the checker that says so can fail."""

import sys
from pathlib import Path

import pytest

from imports_rule import allowed_for, faults, imports_of, known_packages, modules, package_of

SOURCE = Path(__file__).parents[1] / "source"
STDLIB = frozenset(sys.stdlib_module_names)
MODULES = list(modules(SOURCE))


def test_sources_are_found():
    """The walk below reads the real tree, not an empty one."""
    assert {"sim2real", "sim2real.errors", "sim2real.cli.main"} <= {name for name, _ in MODULES}


@pytest.mark.parametrize("module, path", MODULES, ids=[name for name, _ in MODULES])
def test_module_keeps_the_direction(module: str, path: Path):
    """No module imports what stands behind it, Isaac Lab stays in its places, the robot's side stays small."""
    found = faults(path.read_text(encoding="utf-8"), module, stdlib=STDLIB, is_package=path.name == "__init__.py")
    assert not found, "\n".join(found)


def test_every_package_has_a_place():
    """A new package must be given its place in the rule before it is imported from anywhere."""
    packages = {package_of(name) for name, path in MODULES if path.parent != SOURCE / "sim2real"}
    assert packages <= known_packages()


@pytest.mark.parametrize(
    "module, line",
    [
        ("sim2real.spec.load", "import sim2real.draws"),
        ("sim2real.spec.load", "from sim2real import draws"),
        ("sim2real.spec.load", "from ..draws import keys"),
        ("sim2real.spec.load", "def f():\n    from sim2real.draws.keys import hash64"),
        ("sim2real.spec.load", "import importlib\nimportlib.import_module('sim2real.cli.main')"),
        ("sim2real.vision.model", "from sim2real.engines import newton"),
        ("sim2real.lab.events", "import sim2real_tasks.robots"),
        ("sim2real_tasks.avoidance", "from sim2real.datasets import DatasetWriter"),
        ("sim2real.datasets.writer", "from sim2real.learn import train"),
        ("sim2real.contract.contract", "from sim2real.spec import load_spec"),
        ("sim2real.export.bundle", "from sim2real.learn import train"),
        ("sim2real.export.bundle", "def f():\n    import isaaclab.sim"),
        ("sim2real.evaluate.report", "import isaaclab_tasks"),
        ("sim2real.cli.demo", "def f():\n    from isaaclab.app import AppLauncher"),
        ("sim2real.lab.events", "import omni.usd"),
        ("sim2real_tasks.robots.rover", "def f():\n    import carb"),
        ("sim2real.contract.contract", "import yaml"),
        ("sim2real.deploy.runtime", "def f():\n    import torch"),
        ("sim2real.deploy.runtime", "import onnxruntime"),
        ("sim2real.errors", "from sim2real.spec import load_spec"),
    ],
)
def test_bad_import_is_found(module: str, line: str):
    """Each of these breaks the rule, in every form that an import can take."""
    assert faults(line, module, stdlib=STDLIB)


@pytest.mark.parametrize(
    "module, line",
    [
        ("sim2real.draws.sampler", "from sim2real.spec import Uniform"),
        ("sim2real.draws.sampler", "from . import keys\nfrom .keys import hash64"),
        ("sim2real.lab.bind", "import isaaclab.envs"),
        ("sim2real.learn.ppo", "import isaaclab_rl"),
        ("sim2real.deploy.runtime", "def f():\n    import onnxruntime"),
        ("sim2real.contract.contract", "import json\nimport numpy as np\nfrom sim2real.errors import Sim2RealError"),
        ("sim2real.evaluate.rollout", "from sim2real.deploy import PolicyRuntime\nimport sim2real_tasks"),
        ("sim2real.cli.demo", "from sim2real import __version__\nfrom sim2real.pipeline import run"),
    ],
)
def test_good_import_passes(module: str, line: str):
    """The rule forbids no import that the design wants."""
    assert faults(line, module, stdlib=STDLIB) == []


def test_relative_imports_resolve():
    """``from .a import b`` means another module in a package's ``__init__`` than in one of its files."""
    (in_file,) = imports_of("from .keys import hash64", "sim2real.draws.sampler")
    (in_package,) = imports_of("from .keys import hash64", "sim2real.draws", is_package=True)
    assert in_file.target == in_package.target == "sim2real.draws.keys.hash64"


def test_the_stream_has_no_cycle():
    """If a may import b, b may not import a."""
    for one in known_packages():
        for other in allowed_for(one) & known_packages() - {one}:
            assert one not in allowed_for(other), (one, other)
