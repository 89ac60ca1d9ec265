"""The scripts under ``standalone/``: each answers --help at once and does with its arguments what its verb does.

Every option is given another value than its default, the verb and the script are run with the same words, and what
reaches the library is compared: an option that only one of the two passes on is found.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from policy_fixtures import made_bundle, made_dataset, one_thread
from sim2real.cli.jetson import say
from sim2real.cli.main import main as verb_main

FOLDER = Path(__file__).parents[1] / "standalone"
SCRIPTS = {
    "generate_depth": "generate",
    "train_avoidance": "train",
    "export_policy": "export",
    "evaluate_transfer": "evaluate",
}
OF_THEIR_OWN = {"randomize_gym"}
"""Scripts that spell out no verb; their tests stand with what they show."""
FOR_ISAAC = {"generate_depth_replicator", "introspect_isaac", "smoke_isaac", "train_policy"}
"""Scripts for Isaac Sim's own Python; their tests are in test_standalone_isaac.py."""
HEAVY = ("numpy", "torch", "warp", "onnx", "isaaclab")


@pytest.fixture
def script(monkeypatch):
    """Imports a script by its name, as Python does with the script's folder first on the path."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in SCRIPTS or name == "_script":
            del sys.modules[name]


class Calls(list):
    """Stands in for functions of the library and keeps what they were called with."""

    def patch(self, monkeypatch, target, answer):
        """Replace the function at the dotted name `target`."""

        def stand_in(*args, **kwargs):
            kwargs.pop("progress", None)
            self.append((target, args, kwargs))
            return answer

        monkeypatch.setattr(target, stand_in)


def both(calls, script, name, words):
    """Run the verb and the script with the same words; the calls of each."""
    assert verb_main([SCRIPTS[name], *words]) == 0
    by_verb = list(calls)
    calls.clear()
    script(name).main(words)
    return by_verb, list(calls)


def test_every_script_is_known():
    """A script that is added is tested here."""
    assert {path.stem for path in FOLDER.glob("*.py")} == {*SCRIPTS, *OF_THEIR_OWN, *FOR_ISAAC, "_script", "_isaac"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_quick_and_loads_nothing_heavy(name):
    """--help shows the verb's options, in a second, before any large package is imported."""
    code = (
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(FOLDER)!r})\n"
        f"sys.argv = ['{name}.py', '--help']\n"
        "try:\n"
        f"    runpy.run_path({str(FOLDER / f'{name}.py')!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code\n"
        f"print('loaded', sorted(set({HEAVY}) & set(sys.modules)))\n"
    )
    times, shown = [], ""
    for _ in range(3):
        begin = time.monotonic()
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        times.append(time.monotonic() - begin)
    assert shown.splitlines()[-1] == "loaded []"
    assert "--out" in shown and f"the verb '{SCRIPTS[name]}' spelled out" in shown
    assert min(times) < 1.0


@pytest.mark.parametrize("name", SCRIPTS)
def test_bad_input_is_one_line_and_exit_code_2(name, tmp_path):
    """As from the command line: the message, no traceback, nothing written."""
    words = {
        "generate_depth": ["--shard", "3/3"],
        "train_avoidance": ["--data", str(tmp_path / "none")],
        "export_policy": ["--policy", str(tmp_path / "none"), "--data", str(tmp_path / "none")],
        "evaluate_transfer": ["--episodes", "5"],
    }[name]
    command = [sys.executable, str(FOLDER / f"{name}.py"), *words, "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_generate_passes_everything_on(monkeypatch, script, tmp_path):
    """The same configuration, no field of it left at its default."""
    from sim2real.datasets.generate import TASKS, GenerateCfg, GenerateResult

    calls = Calls()
    calls.patch(monkeypatch, "sim2real.datasets.generate.generate", GenerateResult(frames=4, seconds=2.0))
    monkeypatch.setattr("sim2real.datasets.generate.TASKS", (*TASKS, "other"))
    stats = tmp_path / "stats.json"
    words = ["--task", "other", "--spec", "avoidance_nominal", "--frames", "7", "--size", "224"]
    words += ["--physics", "ovphysx", "--shard", "1/3", "--num-envs", "5", "--device", "cuda:1", "--no-colour"]
    words += ["--out", "there", "--stats", str(stats)]
    by_verb, by_script = both(calls, script, "generate_depth", words)
    assert by_verb == by_script
    (cfg,) = by_script[0][1]
    default = GenerateCfg(out=Path("elsewhere"))
    assert [name for name in vars(default) if getattr(cfg, name) == getattr(default, name)] == []
    assert json.loads(stats.read_text()) == {"seconds": 2.0, "frames_per_second": 2.0}


def test_train_passes_everything_on(monkeypatch, script, tmp_path):
    """The same configuration; the size comes from the dataset unless it is given."""
    import sim2real.learn

    metrics = {"val_accuracy": 0.5, "val_accuracy_per_class": {}, "frames_val": 1, "images_per_second": 1, "seconds": 1}
    calls = Calls()
    assert callable(sim2real.learn.train)
    calls.patch(monkeypatch, "sim2real.learn.train", SimpleNamespace(metrics=metrics, policy="policy.pt"))
    data, out = str(made_dataset()), str(tmp_path / "run")
    words = ["--data", data, data, "--out", out, "--preset", "seed", "--epochs", "3", "--batch-size", "9"]
    words += ["--learning-rate", "0.5", "--seed", "5", "--pretrained", "p.pt", "--device", "cpu", "--no-resume"]
    by_verb, by_script = both(calls, script, "train_avoidance", words)
    assert by_verb == by_script
    _, args, kwargs = by_script[0]
    assert args[0] == [data, data] and args[2].size == 32 and args[2].epochs == 3 and args[2].preset == "seed"
    assert kwargs == {"resume": False, "pretrained": "p.pt", "device": "cpu"}
    calls.clear()
    by_verb, by_script = both(calls, script, "train_avoidance", [*words, "--size", "48"])
    assert by_verb == by_script and by_script[0][1][2].size == 48


def test_train_runs(monkeypatch, script, tmp_path, capsys):
    """A small real training through the script leaves a policy."""
    from sim2real.learn import TrainCfg, config

    one_thread()
    monkeypatch.setitem(config.PRESETS, "default", TrainCfg(width=8, batchnorm_frames=64, batch_size=16))
    script("train_avoidance").main(["--data", str(made_dataset()), "--out", str(tmp_path / "run"), "--epochs", "1"])
    assert (tmp_path / "run" / "policy.pt").is_file()
    assert "validation accuracy" in capsys.readouterr().out


def test_export_passes_everything_on(monkeypatch, script, tmp_path):
    """The same configuration, gate and steering rate included."""
    from sim2real.contract import read_manifest
    from sim2real.export import ExportCfg, ExportResult

    one_thread()
    bundle = made_bundle()
    files = {name: json.loads((bundle / f"{name}.json").read_text()) for name in ("parity", "latency")}
    calls = Calls()
    answer = ExportResult(folder=bundle, contract=read_manifest(bundle).contract, **files)
    calls.patch(monkeypatch, "sim2real.cli.export.export_classifier", answer)
    words = ["--policy", "run", "--data", "set", "--out", "there", "--name", "other", "--rate", "20", "--no-int8"]
    words += ["--min-agreement", "0.5", "--max-drop", "0.25", "--threads", "3"]
    by_verb, by_script = both(calls, script, "export_policy", words)
    assert by_verb == by_script
    _, (policy, data, out, cfg), kwargs = by_script[0]
    assert (policy, data, out, kwargs) == ("run", "set", "there", {"int8": False, "say": say})
    assert (cfg.name, cfg.rate_hz, cfg.controller["rate_hz"], cfg.threads) == ("other", 20.0, 20.0, 3)
    assert (cfg.gate.agreement, cfg.gate.accuracy_drop) == (0.5, 0.25) != (ExportCfg().gate.agreement, 0.01)


def test_export_of_a_run_passes_everything_on(monkeypatch, script):
    """Run folder, name and rollout."""
    parity = {"steps": 5, "envs": 3, "max_abs_error": 0.0, "assembly_max_abs_error": 0.0, "targets_max_abs_error": 0.0}
    parity |= {"keep": "float", "precisions": {name: {"kept": False, "reason": "none"} for name in ("fp16", "int8")}}
    joints = SimpleNamespace(kind="position", joints=())
    contract = SimpleNamespace(state=SimpleNamespace(terms=()), joint_action=joints, memory=())
    calls = Calls()
    answer = SimpleNamespace(folder=made_bundle(), contract=contract, parity=parity, latency={}, precisions=())
    calls.patch(monkeypatch, "sim2real.pipeline.export_run.export_run", answer)
    words = ["--run", "run", "--out", "there", "--name", "other", "--steps", "5", "--num-envs", "3"]
    by_verb, by_script = both(calls, script, "export_policy", words)
    assert by_verb == by_script
    _, (run, out, cfg), kwargs = by_script[0]
    assert kwargs == {"say": say}
    assert (run, out, cfg.name, cfg.steps, cfg.num_envs) == ("run", "there", "other", 5, 3)


def test_export_of_a_finished_bundle_goes_to_the_device(monkeypatch, script):
    """A bundle and an address: the engines are built, nothing is exported."""
    calls = Calls()
    calls.patch(monkeypatch, "sim2real.cli.jetson.build_into", None)
    bundle = str(made_bundle())
    by_verb, by_script = both(calls, script, "export_policy", [bundle, "--jetson", "nvidia@orin"])
    assert [(name, args[1]) for name, args, _ in by_verb] == [(name, args[1]) for name, args, _ in by_script]
    assert by_script[0][1][1] == bundle


def patch_evaluation(monkeypatch):
    """Stand-ins for everything that 'evaluate' calls."""
    calls = Calls()
    calls.patch(monkeypatch, "sim2real.evaluate.transfer.drive", {})
    calls.patch(monkeypatch, "sim2real.evaluate.transfer.write_summary", None)
    calls.patch(monkeypatch, "sim2real.pipeline.assemble.check_data", None)
    calls.patch(monkeypatch, "sim2real.pipeline.assemble.assemble", "report data")
    calls.patch(monkeypatch, "sim2real.evaluate.report.write_report", Path("report.html"))
    calls.patch(monkeypatch, "sim2real.pipeline.matrix.run_matrix", Path("matrix.html"))
    return calls


def without_bars(calls):
    """The calls without the progress bars, which are new objects each time."""
    return [(name, tuple(a for a in args if type(a).__name__ != "Bars"), kwargs) for name, args, kwargs in calls]


def test_evaluate_passes_everything_on(monkeypatch, script):
    """The same drive, summary and report."""
    from sim2real.evaluate.transfer import TransferCfg

    calls = patch_evaluation(monkeypatch)
    words = ["--bundle", "b", "--out", "there", "--physics", "newton_mjwarp", "--spec", "avoidance_outside"]
    words += ["--seed", "5", "--episodes", "3", "--int8-episodes", "2", "--baseline-episodes", "1", "--moving", "2"]
    words += ["--num-envs", "4", "--device", "cuda", "--threads", "7"]
    words += ["--data", str(made_dataset()), "--training", "run"]
    by_verb, by_script = (without_bars(found) for found in both(calls, script, "evaluate_transfer", words))
    assert by_verb == by_script
    assert [name.rpartition(".")[2] for name, _, _ in by_script] == [
        "check_data",
        "drive",
        "write_summary",
        "assemble",
        "write_report",
    ]
    (cfg,) = by_script[1][1]
    default = TransferCfg(bundle=Path("other"), out=Path("elsewhere"))
    assert [name for name in vars(default) if getattr(cfg, name) == getattr(default, name)] == []


def test_the_matrix_is_the_same_too(monkeypatch, script):
    """--matrix reaches the pipeline with the same settings."""
    calls = patch_evaluation(monkeypatch)
    words = ["--matrix", "--out", "there", "--frames", "9", "--seed", "5", "--num-envs", "4"]
    by_verb, by_script = both(calls, script, "evaluate_transfer", words)
    assert by_verb == by_script and len(by_script) == 1
    assert by_script[0][1][0].frames == 9


@pytest.mark.slow
def test_generate_runs_as_a_script(tmp_path):
    """The script alone, in a process of its own and without the installed package's entry point, makes a sound set."""
    words = ["--frames", "6", "--num-envs", "4", "--size", "32", "--out", str(tmp_path / "set")]
    subprocess.run([sys.executable, str(FOLDER / "generate_depth.py"), *words], check=True, cwd=tmp_path)
    assert verb_main(["check", str(tmp_path / "set")]) == 0
