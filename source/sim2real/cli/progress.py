"""A progress bar with rate and time left, for work that reports (done, total)."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class Progress:
    """A context manager around tqdm; without a terminal it prints a line at every tenth."""

    def __init__(self, unit: str, text: str = ""):
        self._unit, self._text = unit, text
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def update_to(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, initial=done, unit=f" {self._unit}", desc=self._text or None, mininterval=0.5)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
