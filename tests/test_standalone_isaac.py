"""The scripts for Isaac Sim's own Python, on the stand-in for Kit: they start it first, do their work and end well."""

from __future__ import annotations

import functools
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import kit_double
from sim2real.datasets import DepthDataset
from sim2real.datasets.check import check_dataset
from sim2real.vision import stage_plan_textures

FOLDER = Path(__file__).parents[1] / "standalone"
SCRIPTS = ("generate_depth_replicator", "introspect_isaac", "smoke_isaac", "train_policy")
HEAVY = ("torch", "warp", "isaaclab", "pxr", "omni", "carb")


@pytest.fixture
def script(monkeypatch):
    """Imports a script by its name, as Python does with the script's folder first on the path."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in (*SCRIPTS, "_script", "_isaac") or name.partition(".")[0] == "sim2real_studio":
            del sys.modules[name]


@pytest.fixture(params=["5.1", "6.0"])
def headless(request, monkeypatch):
    """The stand-in as a script finds it: nothing of Kit runs before the script starts it. Few textures are made."""
    make = functools.partial(stage_plan_textures.make_textures, count=3, height=16)
    monkeypatch.setattr(stage_plan_textures, "make_textures", make)
    with kit_double.installed(request.param, gui=False) as kit:
        yield kit


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_loads_nothing_heavy(name):
    """--help answers before any large package, and before Kit."""
    code = (
        f"import runpy, sys\nsys.path.insert(0, {str(FOLDER)!r})\nsys.argv = ['{name}.py', '--help']\n"
        f"try:\n    runpy.run_path({str(FOLDER / f'{name}.py')!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n    assert not stop.code\n"
        f"print('loaded', sorted(set({HEAVY}) & set(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "loaded []" and "usage:" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["generate_depth_replicator", "--out", "OUT"], "error: this Python has no Isaac Sim"),
        (["generate_depth_replicator", "--out", "OUT", "--shard", "3/3"], "error: shard"),
        (["generate_depth_replicator", "--out", "OUT", "--spec", "none"], "error: none: no such file"),
        (["smoke_isaac"], "error: this Python has no Isaac Sim"),
        (["introspect_isaac", "--out", "OUT"], "error: this Python has no Isaac Sim"),
        (["train_policy", "velocity/go2", "--out", "OUT"], "error: physics 'isaacsim_physx' needs"),
        (["train_policy", "--data", "set", "--out", "OUT"], "error: this script trains a task"),
        (["train_policy"], "error: nothing to train"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words, said, tmp_path):
    """What is missing and what to do; no traceback, nothing written."""
    name, *rest = [str(tmp_path / "out") if word == "OUT" else word for word in words]
    command = [sys.executable, str(FOLDER / f"{name}.py"), *rest]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(said) and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_dataset_is_captured(headless, script, tmp_path, capsys):
    """The whole script: Isaac Sim is started, the arena built, frames captured, the application closed."""
    words = ["--frames", "3", "--width", "64", "--height", "48", "--rt-subframes", "1", "--basic-writer"]
    script("generate_depth_replicator").main([*words, "--out", str(tmp_path / "set")])
    assert "3 frames made, 0 left" in capsys.readouterr().out
    assert check_dataset(tmp_path / "set" / "dataset").ok
    assert len(DepthDataset(tmp_path / "set" / "dataset")) == len(list((tmp_path / "set" / "rgb").iterdir())) == 3
    assert (tmp_path / "set" / "basic_writer" / "from_000000" / "rgb_000002.png").is_file()


def test_a_stage_of_ones_own_is_captured(headless, script, tmp_path, capsys):
    """A USD file, a spec in a file and a shard; the file on disk stays as it was."""
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.CreateNew(str(tmp_path / "mine.usda"))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdGeom.Camera.Define(stage, "/cam").CreateClippingRangeAttr((0.01, 100.0))
    UsdGeom.Cube.Define(stage, "/thing").AddTranslateOp().Set((0.0, 0.0, -4.0))
    stage.Save()
    before = (tmp_path / "mine.usda").read_bytes()
    (tmp_path / "spec.yaml").write_text(
        "schema: 1\nseed: 3\nvision: {stage: {objects: {select: '/thing', scale: {uniform: [0.5, 2]}}}}\n"
    )
    words = ["--stage", str(tmp_path / "mine.usda"), "--spec", str(tmp_path / "spec.yaml"), "--shard", "1/2"]
    words += ["--frames", "66", "--width", "32", "--height", "24", "--rt-subframes", "1"]
    script("generate_depth_replicator").main([*words, "--out", str(tmp_path / "set")])
    assert "2 frames made, 0 left" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "set" / "depth").iterdir()) == ["000064.png", "000065.png"]
    assert (tmp_path / "mine.usda").read_bytes() == before


def test_a_failure_closes_the_application(headless, script, tmp_path):
    """The error reaches the caller, and the application is closed: nothing is left over."""
    from sim2real.errors import Sim2RealError

    with pytest.raises(Sim2RealError, match="is no camera on the stage"):
        script("generate_depth_replicator").main(["--camera", "/nothing", "--out", str(tmp_path / "set")])


def test_signatures_are_recorded_and_none_differs(headless, script, tmp_path, capsys):
    """Every name that our sources use is there, with its parameters: the tables and the sources agree."""
    with pytest.raises(SystemExit) as ended:
        script("introspect_isaac").main(["--out", str(tmp_path / "names.json")])
    told = json.loads((tmp_path / "names.json").read_text())
    assert told["faults"] == [] and ended.value.code == 0, "\n".join(told["faults"])
    assert told["played_as"] == headless.version and len(told["names"]) > 150
    step = told["names"]["omni.replicator.core.orchestrator.step_async"]["signature"]
    assert "rt_subframes" in step and "delta_time" in step


def test_drift_is_told(headless, script, tmp_path, monkeypatch, capsys):
    """A name that is gone and a keyword that is not taken are lines, and the exit code is 1."""
    module = script("introspect_isaac")
    source = tmp_path / "drifted.py"
    source.write_text("import omni.ui as ui\nui.Lable('x')\nimport omni.usd\nomni.usd.get_context().get_stage(now=1)\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "sources", lambda: [source])
    sys.path.insert(0, str(FOLDER.parent / "tests"))
    try:
        with pytest.raises(SystemExit) as ended:
            module.main(["--out", str(tmp_path / "names.json")])
    finally:
        sys.path.remove(str(FOLDER.parent / "tests"))
    faults = json.loads((tmp_path / "names.json").read_text())["faults"]
    assert ended.value.code == 1 and len(faults) == 2
    assert faults[0].startswith("drifted.py:2: omni.ui.Lable is not there") and "takes no now" in faults[1]


@pytest.fixture
def enabling(headless, monkeypatch, tmp_path):
    """Lets the stand-in's extension manager start the extension from a folder that was added, as Kit's does."""
    import kit_double.kit_app as kit_app

    loaded, others = [], kit_app.ExtensionManager.set_extension_enabled_immediate

    def enable(self, extension_id, enabled):
        if extension_id != "sim2real.studio":
            return others(self, extension_id, enabled)
        if enabled:
            import carb.settings

            carb.settings.get_settings().set("/persistent/exts/sim2real.studio/workspace", str(tmp_path))
            folder = next(Path(path) / extension_id for path in self._paths if (Path(path) / extension_id).is_dir())
            loaded.append(kit_double.load_extension(headless, folder))
        else:
            loaded.pop().unload()
        return True

    monkeypatch.setattr(kit_app.ExtensionManager, "set_extension_enabled_immediate", enable)
    return loaded


@pytest.mark.parametrize("broken", [False, True])
def test_the_smoke_test_says_how_each_step_ended(headless, script, enabling, broken, capsys, monkeypatch):
    """All steps pass on the stand-in; one that fails is told with its traceback, and the others still run."""
    module = script("smoke_isaac")
    if broken:

        def fails(app, folder):
            raise RuntimeError("no graphics card")

        monkeypatch.setitem(module.STEPS, "capture two frames, with BasicWriter", fails)
    with pytest.raises(SystemExit) as ended:
        module.main([])
    said = capsys.readouterr().out
    assert ended.value.code == int(broken), said
    lines = said.splitlines()
    assert lines[0].startswith("sim2real ") and "Kit 1" in lines[0]
    assert "open the window: visible" in lines and "disable the extension: disabled" in lines
    assert any(line.startswith("show two frames by a Replicator graph: frames [") for line in lines)
    assert ("no graphics card" in said) == broken
    assert lines[-1] == ("1 of 6 steps failed" if broken else "all steps passed")


def test_training_is_the_verbs(script, monkeypatch, tmp_path):
    """The same configuration as the verb's, with Isaac Sim's PhysX as the engine."""
    import sim2real.lab.launch
    from sim2real.cli.main import main as verb_main
    from sim2real.learn import ppo
    from sim2real.learn.ppo.loop import RunResult

    calls = []

    def stand_in(cfg):
        calls.append(cfg)
        return RunResult(out=tmp_path, checkpoint=tmp_path, iterations=1, env_steps=1, steps_per_s=None, reward=None)

    monkeypatch.setattr(ppo, "train", stand_in)
    monkeypatch.setattr(sim2real.lab.launch, "check_physics", lambda physics: physics)
    words = [
        "velocity/go2",
        "--spec",
        "quadruped",
        "--num-envs",
        "8",
        "--out",
        str(tmp_path / "run"),
        "--device",
        "cpu",
    ]
    with pytest.raises(SystemExit) as ended:
        script("train_policy").main(words)
    assert verb_main(["train", *words, "--physics", "isaacsim_physx"]) == 0 and ended.value.code == 0
    assert calls[0] == calls[1] and calls[0].physics == "isaacsim_physx"
