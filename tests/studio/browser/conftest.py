"""One Chromium for all pages of a process, and a program that stands where verbs are run."""

import sys

import pytest

from studio.browser.page import browser, opened

PROGRAM = """
import signal, sys, time
verb = sys.argv[1]
print("verb:", " ".join(sys.argv[1:]), flush=True)
if verb == "train":
    def stop(*_):
        print("saved the last checkpoint", flush=True)
        sys.exit(130)
    signal.signal(signal.SIGINT, stop)
    print("3/12  9 steps/s  left 0:00:04  reward 1.5", file=sys.stderr, flush=True)
    signal.pause()
if verb == "check":
    print("error: frame 4 differs", file=sys.stderr)
    sys.exit(2)
"""
"""What a verb does here: tells its arguments; 'train' waits to be stopped, 'check' fails, all others are done."""


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def command(tmp_path_factory):
    """A program in the place of sim2real.sh: what is tested here is the panel, not the verbs."""
    path = tmp_path_factory.mktemp("program") / "verbs.py"
    path.write_text(PROGRAM)
    return [sys.executable, str(path)]


@pytest.fixture
def open_page(chromium, command):
    """A context: a studio of a workspace and a person at its page."""
    return lambda workspace, **options: opened(workspace, chromium, command=command, **options)
