"""The verb generate: bad input is one clear message and nothing is lost; good input is a set and a line."""

import json

import pytest

from sim2real.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "juggling"], "unknown task 'juggling'; datasets can be made of: avoidance"),
        (["--physics", "bullet"], "unknown physics 'bullet'; allowed: newton_mjwarp, ovphysx, isaacsim_physx"),
        (["--shard", "3/3"], "shard: got 3/3; shards count from 0"),
        (["--shard", "1"], "shard: got '1'; allowed is i/n"),
        (["--frames", "0"], "frames: got 0; give a whole number from 1"),
        (["--frames", "-5"], "frames: got -5"),
        (["--num-envs", "0"], "num_envs: got 0; give a whole number from 1"),
        (["--size", "7"], "size: got 7; give 16 to 1024 px"),
        (["--spec", "no_such_spec"], "no_such_spec"),
        (["--device", "moon"], "unknown device 'moon'"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path, capsys, words, message):
    """Exit code 2, what came and what is allowed, no traceback, no folder."""
    assert main(["generate", "--out", str(tmp_path / "set"), *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and message in err and "Traceback" not in err
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("words", [["--frames", "many"], ["--no-such-flag"], []])
def test_wrong_words_are_argparses_error(tmp_path, capsys, words):
    """Exit code 2 and the usage; `--out` is needed."""
    out = ["--out", str(tmp_path / "set")] if words else []
    with pytest.raises(SystemExit) as stop:
        main(["generate", *out, *words])
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert "usage: " in err and "Traceback" not in err


def test_a_folder_with_other_things_is_refused(tmp_path, capsys):
    """What lies there stays."""
    (tmp_path / "thesis.tex").write_text("mine")
    assert main(["generate", "--out", str(tmp_path), "--frames", "4", "--size", "32"]) == 2
    err = capsys.readouterr().err
    assert "is not empty and is not a dataset (it holds thesis.tex)" in err and "Nothing was changed" in err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_small_set_from_the_command_line(tmp_path, capsys):
    """Made, said with its throughput, and made only once; statistics are the first run's."""
    words = ["generate", "--out", str(tmp_path / "set"), "--frames", "8", "--size", "32", "--num-envs", "8"]
    words += ["--no-colour", "--stats", str(tmp_path / "stats.json")]
    assert main(words) == 0
    assert "set: 8 frames in " in capsys.readouterr().out
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["seconds"] > 0 and stats["frames_per_second"] == pytest.approx(8 / stats["seconds"])
    assert len(list((tmp_path / "set").rglob("*.png"))) == 8
    assert main(words) == 0
    assert "shard 0/1 was complete already" in capsys.readouterr().out
    assert json.loads((tmp_path / "stats.json").read_text()) == stats
