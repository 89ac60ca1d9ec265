"""What omni.ui keeps for one installation: windows, the containers that are open, the callback that runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .._kit import Kit


class UiState:
    """The tree's roots and what is going on in them."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.windows: list[Any] = []
        self.open: list[Any] = []  # containers inside a `with`, outermost first
        self.in_callback: list[Any] = []  # widgets whose callback runs
        self.show_fns: dict[str, Callable[[bool], None]] = {}
        self.overrides: set[str] = set()  # style types that widgets were given by style_type_name_override
        kit.on_tick.append(self.draw)
        kit.leak_checks.append(lambda: [f"Workspace still has a show function for {name!r}" for name in self.show_fns])

    def draw(self) -> None:
        """One frame: builds what became visible or was asked to rebuild."""
        for window in list(self.windows):
            if window.visible:
                window._draw()

    def call(self, owner: Any, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """Calls back as Kit does: an exception is logged, and does not reach the caller. Here it fails the test too."""
        self.in_callback.append(owner)
        depth = len(self.open)
        try:
            return function(*args)
        except Exception:
            self.kit.fault(f"{what} raised:\n{traceback.format_exc()}")
            return None
        finally:
            del self.open[depth:]
            self.in_callback.pop()

    @contextmanager
    def acting_on(self, widget: Any) -> Iterator[None]:
        """The user acts on this widget."""
        self.in_callback.append(widget)
        try:
            yield
        finally:
            self.in_callback.pop()

    def refuse_inside(self, container: Any, verb: str) -> None:
        """Raises RuntimeError where a callback of a widget inside ``container`` runs: Kit could crash."""
        for widget in self.in_callback:
            at = widget
            while at is not None:
                if at is container:
                    raise RuntimeError(
                        f"{verb} from inside a callback of {widget!r}, which stands in it; await the next update first"
                    )
                at = getattr(at, "_parent", None)


def state_of(kit: Kit) -> UiState:
    """The state of an installation; made at first use."""
    if "omni.ui" not in kit.state:
        kit.state["omni.ui"] = UiState(kit)
    return kit.state["omni.ui"]


def state() -> UiState:
    """The state of the installation that is current."""
    from .. import current

    return state_of(current())
