"""How far a job is, read from what verbs say on stderr: tenths of a bar, lines of a training, stages."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERNS = (
    # cli/progress.py: "newton: 30 of 100 episodes, 4.2/s"
    re.compile(r"^(?:[\w.\- ]+: )?(?P<done>\d+) of (?P<total>\d+) \w+(?:, [\d.]+/s)?$"),
    # learn/ppo/watch.py: "12/300  1234 steps/s  left 0:01:02  reward 1.23"
    re.compile(r"^(?P<done>\d+)/(?P<total>\d+)  \S"),
    # the classifier: "epoch 3/8 ..." ; pipeline/stages.py: "[2/5] train: ..."
    re.compile(r"^epoch (?P<done>\d+)/(?P<total>\d+)\b"),
    re.compile(r"^\[(?P<done>\d+)/(?P<total>\d+)\] "),
)


@dataclass(frozen=True)
class Progress:
    """How far."""

    done: int
    """Steps behind."""
    total: int
    """Steps in all."""
    text: str
    """The line that said so."""


def parse_line(line: str) -> Progress | None:
    """Return what a line says of progress, or None."""
    text = line.strip()
    for pattern in _PATTERNS:
        found = pattern.match(text)
        if found:
            done, total = int(found["done"]), int(found["total"])
            if 0 < total and 0 <= done <= total:
                return Progress(done, total, text)
    return None


def last_progress(lines: list[str]) -> Progress | None:
    """Return the latest progress in lines, the oldest first."""
    return next((found for line in reversed(lines) if (found := parse_line(line)) is not None), None)
