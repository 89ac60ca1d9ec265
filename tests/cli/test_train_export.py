"""The verbs train and export: from a dataset's folder to a bundle that runs, and clear errors on the way."""

import re
import shutil
import subprocess
import sys

import pytest

from policy_fixtures import made_bundle, made_dataset, made_run, one_thread, write_dataset
from sim2real.cli.main import main
from sim2real.deploy import PolicyRuntime

STAGES = ["read", "export", "prove", *["make"] * 4, "golden", *["time"] * 3, "write"]


def test_two_commands_lead_from_a_dataset_to_a_bundle(tmp_path, monkeypatch, capsys):
    """Train with a small network, export, load; what is printed has the numbers and the places."""
    from sim2real.learn import TrainCfg, config

    one_thread()
    monkeypatch.setitem(config.PRESETS, "default", TrainCfg(width=8, batchnorm_frames=64))
    data, run, bundle = str(made_dataset()), str(tmp_path / "run"), str(tmp_path / "bundle")
    assert main(["train", "--data", data, "--out", run, "--epochs", "3", "--batch-size", "16"]) == 0
    assert re.search(r"validation accuracy [\d.]+% of 66 frames \(forward .*left .*right", capsys.readouterr().out)
    assert main(["export", "--policy", run, "--data", data, "--out", bundle, "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in err.splitlines()] == STAGES
    assert "make    int8  calibrator entropy" in err and f"write         {bundle}" in err
    assert "engine: pending" in out and (tmp_path / "bundle" / "build_on_device.py").is_file()
    assert "on 66 held-out frames" in out and f"bundle: {bundle}" in out
    runtime = PolicyRuntime(bundle, threads=1, task="avoidance")
    assert runtime.preprocess.width == 32
    assert runtime.contract.controller["rate_hz"] == runtime.contract.rate_hz == 10.0


def test_an_export_that_is_killed_leaves_the_older_bundle(tmp_path):
    """kill -9 when the verb tells of INT8: the older bundle loads, the next export takes its place and cleans up."""
    one_thread()
    out = tmp_path / "bundle"
    shutil.copytree(made_bundle(), out)
    words = ["export", "--policy", str(made_run()), "--data", str(made_dataset()), "--out", str(out), "--threads", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "sim2real.cli.main", *words], stderr=subprocess.PIPE, text=True
    ) as verb:
        assert any(line.startswith("make    int8") for line in verb.stderr)
        verb.kill()
    assert verb.returncode == -9
    assert [path.name[:16] for path in tmp_path.iterdir() if path != out] == [".bundle.partial-"]
    assert PolicyRuntime(out, threads=1).contract.name == PolicyRuntime(made_bundle(), threads=1).contract.name
    assert main([*words, "--name", "next", "--no-int8"]) == 0
    assert PolicyRuntime(out, threads=1).contract.name == "next"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["train", "--data", "nowhere", "--out", "{tmp}/r"], "nowhere does not exist"),
        (["train", "--data", "{data}", "--out", "{tmp}/r", "--epochs", "0"], "epochs is 0; it must be more than 0"),
        (["train", "--data", "{data}", "--out", "{tmp}/r", "--device", "moon"], "unknown device 'moon'"),
        (["export", "--policy", "{tmp}", "--data", "{data}", "--out", "{tmp}/b"], "there is no trained policy"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, arguments, message):
    """Exit code 2, the message, no traceback, nothing written."""
    filled = [word.format(tmp=tmp_path, data=made_dataset()) for word in arguments]
    assert main(filled) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not (tmp_path / "b").exists()


def test_export_with_a_dataset_of_other_labels_is_refused(tmp_path, capsys):
    """The labels of both are named."""
    other = write_dataset(tmp_path / "other", frames=36, labels=("go", "stop", "wait"))
    assert main(["export", "--policy", str(made_run()), "--data", str(other), "--out", str(tmp_path / "b")]) == 2
    assert "has the labels go, stop, wait, the policy forward, left, right" in capsys.readouterr().err
