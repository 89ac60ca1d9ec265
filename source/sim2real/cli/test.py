"""``test``: the linter, the formatter's check, the type checker and pytest, in that order, all of them every time.

Arguments go to pytest as they are. Tests marked ``slow`` are left out unless ``-m`` is given. Without arguments the
tests run in a process for each core, a file at a time; with some, in one process, so that ``-s``, ``-x`` and ``--pdb``
work.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from sim2real.errors import Sim2RealError

HELP = "run the linter, the type checker and the tests; arguments go to pytest, which leaves out 'slow' without -m"
TAKES_REST = True


PARALLEL = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
"""A file's tests stay in one process, which may hold one Isaac Lab environment; four of them fit into 16 GiB."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything after the verb is pytest's; this line is for the help."""
    parser.add_argument(
        "pytest", nargs="*", metavar="PYTEST_ARGUMENT", help="as pytest takes them: -m slow, tests/spec, -x"
    )


def commands(rest: list[str]) -> list[tuple[str, list[str]]]:
    """Name and arguments (after ``python -m``) of every step."""
    chosen = any(word.startswith("-m") for word in rest)
    return [
        ("ruff check", ["ruff", "check", "."]),
        ("ruff format", ["ruff", "format", "--check", "."]),
        ("mypy", ["mypy"]),
        ("pytest", ["pytest", *([] if chosen else ["-m", "not slow"]), *(rest or PARALLEL)]),
    ]


def checkout() -> Path:
    """The folder that holds ``pyproject.toml`` and ``tests/``.

    Raises:
        Sim2RealError: sim2real was installed without its sources.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / "tests").is_dir():
        raise Sim2RealError(
            f"no tests beside {root}: they come with a checkout of the repository, not with the package."
        )
    return root


def run(args: argparse.Namespace) -> int:
    """Run every step in the checkout, then say which failed. Returns 0 or 1."""
    root = checkout()
    failed = []
    for name, arguments in commands(args.rest):
        print(f"--- {name}", flush=True)
        begin = time.monotonic()
        if subprocess.run([sys.executable, "-m", *arguments], cwd=root).returncode != 0:
            failed.append(name)
        print(f"--- {name}: {'FAILED' if name in failed else 'ok'}, {time.monotonic() - begin:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0
