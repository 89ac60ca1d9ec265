"""The script `standalone/randomize_gym.py`: help at once, a line for each episode, bad input in one line."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "standalone" / "randomize_gym.py"


def run(*words):
    """Run the script in a process of its own."""
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True)


def test_help_loads_nothing_heavy():
    """The options are shown before any large package is imported."""
    done = subprocess.run([sys.executable, "-X", "importtime", str(SCRIPT), "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "--spec" in done.stdout
    assert not [line for line in done.stderr.splitlines() if line.split("|")[-1].strip() in ("numpy", "mujoco", "warp")]


def test_it_runs_and_says_the_same_again():
    """Two episodes, different robots; the same words give the same lines."""
    words = ("--env", "Hopper-v5", "--episodes", "2", "--steps", "20", "--seed", "3", "--check")
    first, again = run(*words), run(*words)
    assert first.returncode == 0, first.stderr
    lines = [line for line in first.stdout.splitlines() if line.startswith(("world", "Gymnasium"))]
    assert lines[0] == "Gymnasium's checker passed."
    assert [line.split(":")[0] for line in lines[1:]] == ["world 3, episode 0", "world 3, episode 1"]
    assert lines[1].split(";")[1] != lines[2].split(";")[1]
    assert lines == [line for line in again.stdout.splitlines() if line.startswith(("world", "Gymnasium"))]


def test_bad_input_is_said_without_a_traceback():
    """An env that is none, one without MuJoCo, and a spec that this robot cannot hold."""
    for words, part in (
        (("--env", "Nobody-v7"), "Nobody"),
        (("--env", "CartPole-v1"), "no MuJoCo model"),
        (("--env", "HalfCheetah-v5", "--spec", "seeds/001"), "no uint8 picture"),
        (("--env", "Ant-v5", "--spec", "seeds/001", "--no-pictures"), "wants a friction"),
    ):
        done = run(*words)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert "error: " in done.stderr and part in done.stderr
