"""The robot verb end to end: add, list, show, and what a new user does wrong."""

import re

import gymnasium
import pytest

from sim2real.cli.main import main
from sim2real.spec import SpecError
from sim2real_tasks import own
from tasks.own_urdfs import arm, quadruped


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of cards for this test alone."""
    monkeypatch.setenv("SIM2REAL_ROBOTS", str(tmp_path / "robots"))
    monkeypatch.setattr(own, "presets_dir", lambda: tmp_path / "presets")  # whatever cards this checkout has
    before = dict(gymnasium.registry)
    yield tmp_path
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def urdf(folder, text):
    """A URDF's path."""
    path = folder / "my.urdf"
    path.write_text(text)
    return str(path)


def test_add_list_show(folder, capsys):
    """The card lies where it says, its task is registered, the printed commands name it; confirming counts down."""
    assert main(["robot", "list"]) == 0
    assert "no robot cards" in capsys.readouterr().out
    assert main(["robot", "add", urdf(folder, arm())]) == 0
    shown = capsys.readouterr().out
    card = folder / "robots" / "arm.yaml"
    assert f"written: {card}" in shown and "train reach/arm --num-envs 64 --iterations 2" in shown
    assert "guessed; compare with the robot" in shown and "  gains: kp = inertia x (24 rad/s)^2" in shown
    assert own.register() == {"arm": "Sim2Real-Reach-Arm"} and "Sim2Real-Reach-Arm" in gymnasium.registry
    assert main(["robot", "list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    count = int(re.search(r"(\d+) guesses to confirm", line).group(1))
    card.write_text(card.read_text().replace("confirm: true", "confirm: false", 1))
    assert main(["robot", "list"]) == 0
    assert f"{count - 1} guesses to confirm" in capsys.readouterr().out
    assert main(["robot", "show", "arm"]) == 0
    shown = capsys.readouterr().out
    assert "agrees with" in shown and "end-effector: link4" in shown and "held at 0: left_finger_joint" in shown


def test_a_card_is_written_over_only_if_told(folder, capsys):
    """Work that somebody put into it is not lost by a second call."""
    given = urdf(folder, quadruped())
    assert main(["robot", "add", given, "--name", "my_dog"]) == 0
    card = folder / "robots" / "my_dog.yaml"
    card.write_text("# mine\n" + card.read_text())
    assert main(["robot", "add", given, "--name", "my_dog"]) == 2
    assert "my_dog.yaml is there already; --force" in capsys.readouterr().err
    assert card.read_text().startswith("# mine")
    assert main(["robot", "add", given, "--name", "my_dog", "--force"]) == 0
    assert not card.read_text().startswith("# mine")


def test_a_folder_that_is_not_searched_is_said(folder, capsys):
    """With the line that makes it searched."""
    out = folder / "else where"
    assert main(["robot", "add", urdf(folder, arm()), "--out", str(out)]) == 0
    assert f"export SIM2REAL_ROBOTS='{out}'" in capsys.readouterr().out
    assert (out / "arm.yaml").is_file() and not (folder / "robots").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add"], "which one? robot add my.urdf"),
        (["show"], "which one? robot show NAME"),
        (["show", "nobody"], "no robot card 'nobody'"),
        (["list", "x"], "list takes no name"),
        (["list", "--force"], "--force: for 'robot add' alone"),
        (["add", "nothing.urdf"], "no URDF at"),
        (["add", "URDF", "--name", "My Robot"], "'My Robot' is no name for a card"),
        (["add", "URDF", "--name", "go2"], "'Sim2Real-Velocity-Flat-Go2' comes with sim2real"),
        (["add", "URDF", "--kind", "swim"], "--kind is 'swim'; allowed: velocity, reach"),
        (["add", "URDF", "--package-path", "nowhere"], "--package-path: no folder nowhere"),
    ],
)
def test_mistakes_are_answered(arguments, said, folder, capsys):
    """Exit code 2, one message, nothing written."""
    given = urdf(folder, quadruped())
    assert main(["robot", *(given if word == "URDF" else word for word in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "robots").exists()


def test_an_impossible_robot_leaves_no_card(folder, capsys):
    """Every fault is told."""
    text = quadruped().replace('effort="20.0"', 'effort="0"', 2).replace('<mass value="0.3"/>', '<mass value="0"/>', 1)
    assert main(["robot", "add", urdf(folder, text)]) == 2
    told = capsys.readouterr().err
    assert "3 faults" in told and "link 'FR_thigh': mass 0 kg, yet it moves" in told
    assert told.count("effort limit 0 N·m") == 2 and not (folder / "robots").exists()


def test_a_card_that_is_wrong_does_not_stop_the_others(folder, capsys):
    """Listing tells what is wrong; its task says so when it is made; a file without a kind is left out."""
    given = urdf(folder, quadruped())
    for name in ("good", "bad"):
        assert main(["robot", "add", given, "--name", name]) == 0
    bad = folder / "robots" / "bad.yaml"
    bad.write_text(bad.read_text().replace("feet:", "feets:"))
    (folder / "robots" / "other.yaml").write_text("a: 1\n")
    capsys.readouterr()
    assert own.register() == {"bad": "Sim2Real-Velocity-Flat-Bad", "good": "Sim2Real-Velocity-Flat-Good"}
    assert "other.yaml: no robot card" in capsys.readouterr().err
    (folder / "robots" / "other.yaml").unlink()
    assert main(["robot", "list"]) == 0
    shown = capsys.readouterr().out
    assert "bad  cannot be read:" in shown and "good  Sim2Real-Velocity-Flat-Good" in shown
    for what in ("env", "agent"):
        with pytest.raises(SpecError, match="'feet' is missing"):
            getattr(own, f"{what}_bad")
    with pytest.raises(AttributeError):
        own.nothing  # noqa: B018
