"""The verb demo: bad input is one clear message before any stage starts."""

import json

import pytest

from sim2real.cli.main import main


@pytest.mark.parametrize("option", ["--train-in", "--test-in"])
@pytest.mark.parametrize("physics", ["bullet", "Newton"])
def test_an_unknown_engine_is_refused_before_anything_runs(tmp_path, capsys, option, physics):
    """Exit code 2, what is allowed, no folder."""
    assert main(["demo", "--quick", option, physics, "--out", str(tmp_path / "run")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: unknown physics '{physics}'; allowed: newton_mjwarp, ovphysx")
    assert not captured.out and not (tmp_path / "run").exists()


def test_a_run_with_other_settings_is_refused(tmp_path, capsys):
    """The keys that differ are named; the run is as it was."""
    state = {"settings": {"frames": 7, "seed": 1}, "seconds": {}, "finished": ["generate"]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    assert main(["demo", "--quick", "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "frames: there 7, now 1800" in captured.err and "--fresh to begin anew" in captured.err
    assert json.loads((tmp_path / "state.json").read_text()) == state and not captured.out


def test_fresh_does_not_remove_what_is_no_run(tmp_path, capsys):
    """A folder with other things stays."""
    (tmp_path / "thesis.tex").write_text("mine")
    assert main(["demo", "--quick", "--fresh", "--out", str(tmp_path)]) == 2
    assert "is not a run of the demo; nothing was removed" in capsys.readouterr().err
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_a_damaged_run_is_refused(tmp_path, capsys):
    """The file is named, and what to do."""
    (tmp_path / "state.json").write_text("[]")
    assert main(["demo", "--quick", "--out", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert "state.json is damaged" in err and "Traceback" not in err
