"""Actions: what a button does. Long work is a command of the configured Python; short work runs in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim2real.studio.outputs import Output

if TYPE_CHECKING:
    from sim2real.studio.values import Values
    from sim2real.studio.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Action:
    """One button. It has either ``argv`` or ``compute``."""

    key: str
    """Section and name, such as ``train.start``; unique in the panel."""
    label: str
    """What stands on the button."""
    help: str
    """One or two sentences: the tooltip."""
    confirm: str = ""
    """A question to ask before it starts; empty: none."""
    argv: Callable[[Values, Workspace], list[str]] | None = None
    """The verb and its arguments, without the program; run as a process of its own that outlives the window."""
    compute: Callable[[Values, Workspace], list[Output]] | None = None
    """What to show, computed in a thread of this process; seconds, not minutes."""
    ready: Callable[[Values], str | None] = lambda _values: None
    """None, or why it cannot start now and what to do."""

    def __post_init__(self) -> None:
        if (self.argv is None) == (self.compute is None):
            raise ValueError(f"action {self.key}: give either argv or compute")
