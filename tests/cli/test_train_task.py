"""The verb train decides by its words what is trained, and refuses words that belong to the other way."""

import pytest

from sim2real.cli.main import main
from sim2real.cli.train import default_folder


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "give a TASK, such as velocity/go2, or --data DIR"),
        (["avoidance"], "is trained on a dataset: train --data DIR"),
        (["velocity/go2", "--epochs", "3"], "'train velocity/go2' takes no --epochs"),
        (["--data", "d", "--physics", "ovphysx", "--spec", "s"], "'train --data' takes no --spec, --physics"),
        (["--data", "d", "--network", "gru", "--memory", "8"], "'train --data' takes no --network, --memory"),
        (["velocity/go2", "--data", "d"], "--data trains the classifier of 'avoidance', not 'velocity/go2'"),
        (["avoidance", "--data", "d"], "give the run folder: train --data DIR --out DIR"),
    ],
)
def test_words_that_do_not_go_together_are_one_clear_line(words, said, capsys):
    """Exit code 2, nothing is started."""
    assert main(["train", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, said",
    [
        (["velocity/horse"], "'velocity/horse' is no task; ours: Sim2Real-"),
        (["velocity/go2", "--num-envs", "0"], "num_envs is 0; give 1 to"),
        (["velocity/go2", "--curriculum", "progressive"], "give --spec too"),
        (["velocity/go2", "--physics", "bullet"], "unknown physics 'bullet'"),
        (["velocity/go2", "--try-in", "bullet"], "unknown physics 'bullet'"),
        (["velocity/go2", "--teacher", "nowhere"], "run.json is not there"),
        (["velocity/go2", "--memory", "8"], "there is none; give 'network' too"),
        (["velocity/go2", "--network", "gru", "--num-envs", "6"], "give a multiple of 4, such as 4"),
        (["velocity/go2", "--ranks", "0"], "ranks is 0; give 1 to"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_starts(words, said, capsys, tmp_path):
    """Exit code 2, and no run folder."""
    assert main(["train", *words, "--device", "cpu", "--out", str(tmp_path / "run")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_wandb_has_to_be_there(capsys, tmp_path, monkeypatch):
    """Set-up does not install it."""
    monkeypatch.setattr("sim2real.learn.ppo.config.find_spec", lambda name: None)
    words = ["train", "velocity/go2", "--device", "cpu", "--logger", "wandb", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "'wandb' needs a package that set-up does not install: pip install wandb" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_torchrun_says_how_many_ranks_there_are(capsys, tmp_path, monkeypatch):
    """Another number beside it is a mistake."""
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert main(["train", "velocity/go2", "--ranks", "3", "--out", str(tmp_path / "run")]) == 2
    assert "--ranks 3, and torchrun started 2 processes; leave out --ranks" in capsys.readouterr().err


def test_a_folder_is_named_by_what_is_trained():
    """The same words lead to the same folder."""
    task = "Sim2Real-Velocity-Flat-Go2"
    assert str(default_folder(task, "my/quad.yaml", "ovphysx")) == "runs/train/velocity-flat-go2-quad-ovphysx"
    assert str(default_folder(task, None, "ovphysx")) == "runs/train/velocity-flat-go2-plain-ovphysx"
    assert str(default_folder(task, None, "ovphysx", "gru")) == "runs/train/velocity-flat-go2-plain-ovphysx-gru"


def test_short_names_mean_registered_tasks():
    """By the table, by their words, by themselves; flat ground is meant where none is named."""
    from sim2real.lab.launch import register_tasks
    from sim2real.learn.ppo.agents import named

    register_tasks()
    go2 = "Sim2Real-Velocity-Flat-Go2"
    assert {named(name) for name in ("velocity", "velocity/go2", "Velocity-Flat-Go2", go2)} == {go2}


def test_playing_what_is_no_run_says_so(capsys, tmp_path):
    """A folder without run.json, and a run without a checkpoint."""
    assert main(["play", str(tmp_path), "--headless"]) == 2
    assert "run.json is not there; give the run folder of 'train'" in capsys.readouterr().err
    (tmp_path / "run.json").write_text("{}")
    assert main(["play", str(tmp_path), "--headless"]) == 2
    assert "is no checkpoint; train first" in capsys.readouterr().err
    assert main(["play", str(tmp_path), "--film", "walk.mp4"]) == 2
    assert "walk.mp4: a film is written as .webp, .gif, .png (a strip of moments)" in capsys.readouterr().err
