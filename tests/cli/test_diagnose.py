"""The diagnose verb end to end: a log with a fault, the files that it leaves, and what is refused."""

import json

from evaluate.logs import answered, arm_bundle, arm_urdf, play_arm
from sim2real.cli.main import main


def test_a_log_is_diagnosed_from_the_command_line(tmp_path, capsys):
    log = answered(arm_bundle(), play_arm(), lambda log, k: {"joint_pos": log.joint_pos[k, [1, 0, 2]]})
    path = log.save(tmp_path / "log.csv")
    out = tmp_path / "why"
    command = ["diagnose", str(arm_bundle()), str(path), "--out", str(out), "--urdf", str(arm_urdf()), "--top", "2"]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "verdict: explained" in shown and "joint position order" not in shown
    first = json.loads((out / "diagnosis.json").read_text())["causes"][0]
    assert first["side"] == "network input" and first["share"] > 0.9
    assert (out / "diagnosis.png").stat().st_size > 10_000


def test_what_cannot_be_diagnosed_is_said(tmp_path, capsys):
    bundle = str(arm_bundle())
    for arguments, said in (
        ([bundle], "give a LOG, or --engine, and not both"),
        ([bundle, "log.npz", "--engine", "mujoco"], "give a LOG, or --engine, and not both"),
        ([bundle, str(tmp_path / "none.npz")], "No such file"),
        ([bundle, "log.npz", "--top", "0"], "--top is 0; give 1 or more"),
        ([bundle, "--engine", "gazebo"], "unknown engine 'gazebo'"),
    ):
        assert main(["diagnose", *arguments, "--out", str(tmp_path / "o")]) == 2
        assert said in capsys.readouterr().err
