"""The verb, as a user types it."""

from pathlib import Path

import pytest

from sim2real.cli.import_ import ranges_of, terms_of
from sim2real.cli.main import main
from sim2real.errors import Sim2RealError
from sim2real_tasks.robots.vendor import vendor_urdf

GO1 = Path(__file__).parents[1] / "export/importers/fixtures/mjlab_go1.onnx"
OPTIONS = ["--rate", "50", "--physics-dt", "0.005", "--start-height", "0.3", "--base-link", "trunk"]
RANGES = ["--ranges", "lin_vel_x=-1:1,lin_vel_y=-1:1,ang_vel_z=-0.5:0.5"]


def test_one_command_makes_a_bundle(tmp_path, capsys):
    """It prints what was read, how close the copy is, and each warning."""
    urdf = vendor_urdf("go1_description/urdf/go1.urdf")
    command = ["import", str(GO1), "--out", str(tmp_path / "b"), "--urdf", str(urdf), *OPTIONS, *RANGES]
    assert main([*command, "--armature", ".*_calf_joint=0.02,.*=0.01", "--friction", "0"]) == 0
    out = capsys.readouterr().out
    assert "from mjlab: base_lin_vel 3," in out and "-> 12 joint positions" in out
    assert "warning: all numbers are rounded to 3 decimals" in out and f"bundle: {tmp_path / 'b'}" in out
    assert "not compared (drawn states)" in out and "rotor inertia" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --urdf FILE"),
        (["--task", "go2", "--contract", "x"], "give one of them"),
        (["--task", "go2"], "--task needs --physics"),
        (["--steps", "3"], "--steps and --num-envs are of the rollout"),
        (["--ranges", "lin_vel_x=1"], "must be NAME=LOW:HIGH"),
        (["--term", "a=b"], "must be NAME=KIND"),
        (["--from", "gym"], "--from is 'gym'"),
        (["--contract", "no/such"], "cannot be read"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, capsys, arguments, said):
    """And exit code 2."""
    assert main(["import", str(GO1), "--out", str(tmp_path / "b"), *arguments]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_options_are_read():
    """Ranges and terms by name."""
    assert ranges_of("a=-1:2,b=0:0.5") == {"a": (-1.0, 2.0), "b": (0.0, 0.5)} and ranges_of(None) == {}
    assert terms_of(["speed=base_lin_vel"]) == {"speed": "base_lin_vel"}
    with pytest.raises(Sim2RealError, match="joint_pos_rel"):
        terms_of(["speed"])
