"""Progress with rate and time left, for work that reports (done, total): a bar in a terminal, lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """A context manager: tqdm in a terminal; elsewhere a line at every tenth."""

    def __init__(self, unit: str, text: str = "") -> None:
        self._unit, self._text = unit, text
        self._bar: Any = None
        self._start: tuple[float, int] | None = None
        self._said = -1

    def __enter__(self) -> Progress:
        return self

    def update_to(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if sys.stderr.isatty():
            self._update_bar(done, total)
        else:
            self._print_tenth(done, total)

    def _update_bar(self, done: int, total: int) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, initial=done, unit=f" {self._unit}", desc=self._text or None, mininterval=0.5)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def _print_tenth(self, done: int, total: int) -> None:
        if self._start is None:
            self._start = (time.monotonic(), done)
        tenth = 10 * done // max(total, 1)
        if tenth == self._said:
            return
        self._said = tenth
        begin, first = self._start
        elapsed = time.monotonic() - begin
        rate = f", {(done - first) / elapsed:.1f}/s" if done > first and elapsed > 0 else ""
        name = f"{self._text}: " if self._text else ""
        print(f"{name}{done} of {total} {self._unit}{rate}", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
