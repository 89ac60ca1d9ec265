"""Waiting for what other processes do: for the end of one by its descriptor, for anything else by looking again."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from sim2real.studio.process import Identity

LONGEST_S = 60.0
"""A test that waits longer has failed; nothing here takes more than a second on an idle machine."""


def until(condition: Callable[[], bool]) -> None:
    """Look until something is so."""
    end = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < end, "it never came to be so"
        select.select([], [], [], 0.01)


def until_gone(identity: Identity, longest_s: float = LONGEST_S) -> None:
    """Wait for the end of a process."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as handle:
        assert select.select([handle], [], [], longest_s)[0], f"process {identity.pid} goes on"
