"""The verb evaluate: bad input is one clear message, before an engine starts, and nothing is written."""

import pytest

from policy_fixtures import made_bundle, made_dataset
from sim2real.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--bundle is missing: give the folder that 'export' wrote, or --matrix"),
        (["--bundle", "{tmp}/nowhere"], "nowhere"),
        (
            ["--bundle", "{bundle}", "--physics", "bullet"],
            "unknown physics 'bullet'; allowed: newton_mjwarp, ovphysx, isaacsim_physx,",
        ),
        (["--bundle", "{bundle}", "--physics", "dart", "--spec", "rover"], "in dart the rover knows scenes, cameras"),
        (["--bundle", "{bundle}", "--physics", "isaacsim_physx"], "needs the Python module 'isaacsim'"),
        (["--bundle", "{bundle}", "--spec", "no_such_spec"], "no_such_spec"),
        (["--bundle", "{bundle}", "--episodes", "-1"], "episodes of float: got -1; give 0 or more"),
        (["--bundle", "{bundle}", "--moving", "7"], "moving: got 7; give 0 to 3"),
        (["--bundle", "{bundle}", "--num-envs", "0"], "num_envs: got 0"),
        (["--bundle", "{bundle}", "--device", "moon"], "unknown device 'moon'"),
        (
            ["--bundle", "{bundle}", "--episodes", "0", "--int8-episodes", "0", "--baseline-episodes", "0"],
            "every policy has 0 episodes",
        ),
        (["--bundle", "{dataset}"], "not a bundle: contract.json cannot be read"),
        (["--matrix", "--bundle", "{bundle}"], "--bundle: not with --matrix"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path, capsys, words, message):
    """Exit code 2, the message, no traceback, no folder."""
    filled = [word.format(tmp=tmp_path, bundle=made_bundle(), dataset=made_dataset()) for word in words]
    assert main(["evaluate", "--out", str(tmp_path / "out"), *filled]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and message in err and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_without_a_folder_there_is_nothing_to_do(capsys):
    """argparse asks for --out."""
    with pytest.raises(SystemExit) as stop:
        main(["evaluate"])
    assert stop.value.code == 2 and "--out" in capsys.readouterr().err
