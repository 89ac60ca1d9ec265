"""Who is told how far an export is: a function of stage, precision and message, as the building of engines tells it."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str, str, str], None]
"""Told of the progress: stage, precision (empty where all are meant), message."""


def quiet(stage: str, precision: str, message: str) -> None:
    """Say nothing of the progress."""
