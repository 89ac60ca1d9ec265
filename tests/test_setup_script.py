"""``sim2real.sh`` with its surroundings replaced: which interpreter, whose consent, what is done again and what is not.

The script is the real one, in a copy of the checkout. ``python3.12`` is a wrapper that writes down how it is called,
makes an empty environment instead of a real one, and hands everything else to the Python that runs the tests. ``pip``
and ``uv`` are stand-ins too: what these tests look at is whether they are called.
"""

from __future__ import annotations

import glob
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = "bash env cat cut sha256sum awk flock mkdir touch rm dirname tail sleep cp chmod".split()

FAKE_PYTHON = """#!/usr/bin/env bash
here=$(dirname "${BASH_SOURCE[0]}")
case "$*" in
    *preflight.py*)
        [[ $* == *--terms-digest* ]] || echo "preflight" >>"$FAKE_LOG"
        shift 3
        exec "$REAL_PYTHON" -I -c 'import sys
sys.path.insert(0, sys.argv.pop(1))
from sim2real.cli import preflight
preflight.inspect_machine = lambda where, needed_gb: []
sys.exit(preflight.main())' "$FAKE_SOURCE" "$@" ;;
    "-m venv "*)
        echo "venv" >>"$FAKE_LOG"
        mkdir -p "$3/bin"
        cp "${BASH_SOURCE[0]}" "$3/bin/python" ;;
    "-m pip "*)
        echo "pip" >>"$FAKE_LOG"
        printf '%s\\n' '#!/usr/bin/env bash' 'echo "uv $2" >>"$FAKE_LOG"' 'sleep "${FAKE_UV_SLEEP:-0}"' \\
            'exit "${FAKE_UV_EXIT:-0}"' >"$here/uv"
        chmod +x "$here/uv" ;;
    "-m sim2real.cli.warm") echo "warm" >>"$FAKE_LOG" ;;
    "-m sim2real.cli.main"*) echo "main ${*:3}" >>"$FAKE_LOG"; exec "$REAL_PYTHON" "$@" ;;
    *) exec "$REAL_PYTHON" "$@" ;;
esac
"""


@dataclass
class Checkout:
    """A copy of the checkout in a small world of its own."""

    root: Path
    """Where ``sim2real.sh`` stands."""
    environment: dict[str, str]
    """All that the script sees."""
    log: Path
    """What the stand-ins were asked to do, a line each."""

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen:
        """Start the script without a terminal, in a process group of its own."""
        return subprocess.Popen(
            ["bash", str(self.root / "sim2real.sh"), *arguments],
            cwd=self.root.parent,
            env={**self.environment, **changes},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **changes: str) -> tuple[int, str]:
        """Exit code and everything printed."""
        process = self.start(*arguments, **changes)
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def calls(self) -> list[str]:
        """What was called since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


SET_UP = ["preflight", "venv", "pip", "uv sync", "uv install", "warm"]
AGAIN = ["preflight", "pip", "uv sync", "uv install", "warm"]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """A checkout with a blank in its name, a home without anything, and one Python 3.12 on PATH."""
    root = tmp_path / "my checkout"
    cli = root / "source" / "sim2real" / "cli"
    cli.mkdir(parents=True)
    for name in ("sim2real.sh", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, root / name)
    for name in ("__init__.py", "errors.py"):
        shutil.copy(ROOT / "source" / "sim2real" / name, cli.parent / name)
    for path in (ROOT / "source" / "sim2real" / "cli").glob("*.py"):
        shutil.copy(path, cli)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    fake = tools / "python3.12"
    fake.write_text(FAKE_PYTHON)
    fake.chmod(0o755)
    (tmp_path / "home").mkdir()
    environment = {
        "PATH": str(tools),
        "HOME": str(tmp_path / "home"),
        "REAL_PYTHON": sys.executable,
        "FAKE_LOG": str(tmp_path / "calls.txt"),
        "FAKE_SOURCE": str(root / "source"),
        "PYTHONPATH": str(root / "source"),
    }
    yield Checkout(root=root, environment=environment, log=tmp_path / "calls.txt")


def hide_python(checkout: Checkout) -> Path:
    """Take the interpreter off PATH and return where it lies now."""
    hidden = checkout.root.parent / "hidden-python"
    Path(checkout.environment["PATH"], "python3.12").rename(hidden)
    return hidden


@pytest.mark.skipif(bool(glob.glob("/opt/conda/**/python3.12", recursive=True)), reason="/opt/conda has a Python 3.12")
def test_no_python_is_an_error_with_the_remedy(checkout):
    """Without a Python 3.12 the script says where it looked and what to type, and makes nothing."""
    hide_python(checkout)
    code, output = checkout.run("setup", "--accept-nvidia-terms")
    assert code == 2
    for part in ("no Python 3.12", "uv python install 3.12", "apt install", "SIM2REAL_PYTHON="):
        assert part in output
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize(
    "place",
    [
        ".pyenv/versions/3.12.1/bin",
        ".local/share/uv/python/cpython-3.12.7-linux-x86_64-gnu/bin",
        "miniconda3/envs/robots/bin",
    ],
)
def test_python_is_found_where_managers_put_it(checkout, place):
    """pyenv, uv and conda keep interpreters off PATH; they are found in their folders."""
    hidden = hide_python(checkout)
    folder = Path(checkout.environment["HOME"], place)
    folder.mkdir(parents=True)
    shutil.copy(hidden, folder / "python3.12")
    code, output = checkout.run("setup", "--accept-nvidia-terms")
    assert code == 0, output
    assert str(folder) in output


def test_named_python_must_fit(checkout):
    """SIM2REAL_PYTHON is taken at its word: one that does not fit is an error, not a reason to look elsewhere."""
    code, output = checkout.run("setup", "--accept-nvidia-terms", SIM2REAL_PYTHON="/bin/false")
    assert code == 2 and "SIM2REAL_PYTHON=/bin/false" in output
    assert checkout.calls() == []


def test_broken_python_on_path_is_passed_over(checkout):
    """A python3.12 that cannot run (a pyenv shim of another version) does not stop the search."""
    hidden = hide_python(checkout)
    shim = Path(checkout.environment["PATH"], "python3.12")
    shim.write_text("#!/usr/bin/env bash\nexit 127\n")
    shim.chmod(0o755)
    folder = Path(checkout.environment["HOME"], ".pyenv/versions/3.12.1/bin")
    folder.mkdir(parents=True)
    shutil.copy(hidden, folder / "python3.12")
    assert checkout.run("setup", "--accept-nvidia-terms")[0] == 0


def test_terms_unanswered_download_nothing(checkout):
    """No terminal and no answer: exit code 2, the terms shown, neither pip nor uv called, nothing left behind."""
    code, output = checkout.run("demo")
    assert code == 2
    assert "ovphysx" in output and "--accept-nvidia-terms" in output and "Nothing was downloaded" in output
    assert checkout.calls() == ["preflight"]
    assert not (checkout.root / ".venv").exists()


@pytest.mark.parametrize("answer, done", [("n\n", False), ("\n", False), ("y\n", True)])
def test_terms_asked_at_a_terminal(checkout, answer, done):
    """At a terminal the question is put once; only yes goes on."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", str(checkout.root / "sim2real.sh"), "setup"],
        env=checkout.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(ours, answer.encode())
    output = process.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    assert output.count("[y/N]") == 1
    assert process.returncode == (0 if done else 2)
    assert ("pip" in checkout.calls()) is done


@pytest.mark.parametrize("how", ["flag first", "flag last", "variable"])
def test_terms_answered_beforehand(checkout, how):
    """The flag anywhere on the line, or the variable, answers; the verb never sees the flag."""
    if how == "variable":
        code, output = checkout.run("--version", SIM2REAL_ACCEPT_NVIDIA_TERMS="1")
    else:
        flag = "--accept-nvidia-terms"
        code, output = checkout.run(*([flag, "--version"] if how == "flag first" else ["--version", flag]))
    assert code == 0, output
    assert checkout.calls() == [*SET_UP, "main --version"]


def test_second_start_goes_straight_to_the_verb(checkout):
    """Once set up, a start calls neither pip nor uv nor the checks, asks nothing, and adds well under 2 s."""
    assert checkout.run("setup", "--accept-nvidia-terms")[0] == 0
    assert checkout.calls() == SET_UP
    begin = time.monotonic()
    code, output = checkout.run("--version")
    assert time.monotonic() - begin < 2
    assert code == 0 and output.startswith("sim2real ")
    assert checkout.calls() == ["main --version"]
    assert checkout.run("setup")[0] == 0
    assert checkout.calls() == []


def test_changed_lock_sets_up_again_without_asking(checkout):
    """Another lock is installed into the same environment; the terms, unchanged, are not asked again."""
    checkout.run("setup", "--accept-nvidia-terms")
    checkout.calls()
    with open(checkout.root / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    code, output = checkout.run("setup")
    assert code == 0, output
    assert checkout.calls() == AGAIN


def test_moved_checkout_makes_the_environment_anew(checkout):
    """Scripts in an environment hold its path: after a move it is made again, without asking."""
    checkout.run("setup", "--accept-nvidia-terms")
    checkout.calls()
    moved = checkout.root.with_name("moved")
    checkout.root.rename(moved)
    checkout.root = moved
    checkout.environment |= {"FAKE_SOURCE": str(moved / "source"), "PYTHONPATH": str(moved / "source")}
    code, output = checkout.run("setup")
    assert code == 0, output
    assert checkout.calls() == SET_UP


def test_killed_set_up_is_done_again(checkout):
    """Kill -9 while packages are being installed: the next start makes the environment anew, and asks nothing."""
    process = checkout.start("setup", "--accept-nvidia-terms", FAKE_UV_SLEEP="30")
    deadline = time.monotonic() + 30
    while "uv sync" not in (checkout.log.read_text() if checkout.log.exists() else ""):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    half_installed = checkout.root / ".venv" / "half-installed"
    half_installed.touch()
    checkout.calls()
    code, output = checkout.run("--version")
    assert code == 0, output
    assert checkout.calls() == [*SET_UP, "main --version"]
    assert not half_installed.exists()


def test_failed_installation_is_an_error_and_is_done_again(checkout):
    """When uv fails (no network, full disk) the verb does not run, and the next start tries again."""
    code, output = checkout.run("demo", "--accept-nvidia-terms", FAKE_UV_EXIT="1")
    assert code == 2 and "could not be installed" in output
    assert not any(call.startswith("main") for call in checkout.calls())
    assert checkout.run("setup")[0] == 0
    assert checkout.calls() == SET_UP


def test_two_set_ups_at_once_install_once(checkout):
    """The second of two set-ups waits for the first and finds its work done."""
    both = [checkout.start("setup", "--accept-nvidia-terms", FAKE_UV_SLEEP="0.3") for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    assert checkout.calls() == SET_UP


def test_foreign_environment_is_not_removed(checkout):
    """A .venv that this script did not make and cannot use is left alone, with an error."""
    keep = checkout.root / ".venv" / "something"
    keep.parent.mkdir()
    keep.touch()
    code, output = checkout.run("setup", "--accept-nvidia-terms")
    assert code == 2 and "Move it away" in output
    assert keep.exists() and "pip" not in checkout.calls()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["generate", "--help"]])
def test_help_needs_no_environment(checkout, arguments):
    """Reading what there is sets nothing up."""
    code, output = checkout.run(*arguments)
    assert code == 0, output
    assert "generate" in output
    assert not (checkout.root / ".venv").exists()


def test_ci_runs_what_the_readme_says():
    """CI calls the same test verb as a person, and answers the terms in the open."""
    text = (ROOT / ".ci" / "run").read_text()
    assert "SIM2REAL_ACCEPT_NVIDIA_TERMS=1" in text
    assert text.rstrip().endswith("exec ./sim2real.sh test")
