"""omni.kit.test and omni.kit.ui_test: tests that are written for Kit run here too, on the app's loop."""

from __future__ import annotations

import re
import unittest
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import StrictObject, check_plain
from .kit_menu import click_menu
from .ui import _window
from .ui._state import state_of
from .ui._widget import Widget
from .ui.tree import type_name


class AsyncTestCase(unittest.TestCase):
    """A test case whose methods may be coroutines; Kit runs them between its updates, and so does the stand-in."""

    _kit_double = True
    fail_on_log_error = False

    def _run(self, method: Any, *args: Any, **kwargs: Any) -> None:
        from . import current

        result = method(*args, **kwargs)
        if hasattr(result, "__await__"):
            current().run(result)

    # unittest's own hooks, as IsolatedAsyncioTestCase has them.
    def _callSetUp(self) -> None:
        self._run(self.setUp)

    def _callTestMethod(self, method: Any) -> None:
        self._run(method)

    def _callTearDown(self) -> None:
        self._run(self.tearDown)

    def _callCleanup(self, function: Any, *args: Any, **kwargs: Any) -> None:
        self._run(function, *args, **kwargs)

    async def wait_n_updates(self, n_frames=3):
        """Updates pass."""
        await _updates(n_frames)

    async def assertTrueWithRetry(self, operation, wait_frames=2, max_retries=50):
        """``operation()`` becomes true while updates pass."""
        await self.assertEqualWithRetry(lambda: bool(operation()), True, wait_frames, max_retries)

    async def assertEqualWithRetry(self, operation, expected, wait_frames=2, max_retries=50):
        """``operation()`` becomes ``expected`` while updates pass."""
        value = operation()
        for _ in range(max_retries):
            if value == expected:
                return
            await _updates(wait_frames)
            value = operation()
        self.assertEqual(value, expected)


class AsyncTestCaseFailOnLogError(AsyncTestCase):
    """Fails on logged errors; the stand-in does so always."""

    fail_on_log_error = True


async def _updates(count: int) -> None:
    from . import current

    for _ in range(count):
        await current().next_update()


@module("omni.kit.test")
def build_test(kit: Kit) -> dict[str, Any]:
    """The base classes."""
    return {"AsyncTestCase": AsyncTestCase, "AsyncTestCaseFailOnLogError": AsyncTestCaseFailOnLogError}


# Finding --------------------------------------------------------------------------------------------------------------

STEP = re.compile(
    r"""(?P<type>\*\*|\*|\w+)(?:\[(?P<index>\*|\d+)\])?(?:\.(?P<key>\w+)==(?P<quote>['"])(?P<value>.*?)(?P=quote))?$"""
)


def _steps(path: str) -> list[re.Match[str]]:
    """The parts of a path; a slash inside quotes belongs to the text."""
    parts = re.findall(r"""(?:[^/'"]|'[^']*'|"[^"]*")+""", path)
    steps = [STEP.fullmatch(part) for part in parts]
    if not parts or any(step is None for step in steps):
        raise ValueError(f"{path!r} is no widget path such as Frame/**/Button[*].identifier=='start'")
    return [step for step in steps if step is not None]


def _select(widgets: list[Widget], step: re.Match[str]) -> list[Widget]:
    if step["type"] == "**":
        return [widget for root in widgets for widget in _descendants(root)]
    found: list[Widget] = []
    for root in widgets:
        fitting = [child for child in root._children if step["type"] in ("*", type_name(child))]
        if step["index"] not in (None, "*"):
            fitting = fitting[int(step["index"]) : int(step["index"]) + 1]
        found += [child for child in fitting if child not in found]
    if step["key"]:
        found = [widget for widget in found if str(getattr(widget, step["key"], None)) == step["value"]]
    return found


def _descendants(widget: Widget) -> list[Widget]:
    return [widget, *(inner for child in widget._children for inner in _descendants(child))]


class WidgetRef(StrictObject):
    """A widget that a test found, with what the user does to it."""

    _kit_double = True

    def __init__(self, widget: Any, path: str, window: Any = None) -> None:
        self._widget, self._path, self._window = widget, path, window

    widget = property(lambda self: self._widget)
    window = property(lambda self: self._window)
    path = property(lambda self: self._path)
    realpath = property(lambda self: self._path)
    model = property(lambda self: self._widget.model)

    def find_all(self, path):
        """Every widget below this one at a path."""
        found = [self._widget]
        for step in _steps(path):
            found = _select(found, step)
        return [WidgetRef(widget, f"{self._path}/{path}", self._window) for widget in found]

    def find(self, path):
        """The one widget below this one at a path, or None."""
        return _one(self.find_all(path), path)

    def find_first(self, path):
        """The first widget below this one at a path, or None."""
        return next(iter(self.find_all(path)), None)

    def _reachable(self) -> bool:
        """Whether the mouse reaches it: shown, and enabled with all around it.

        Raises:
            RuntimeError: it is not shown, so that Kit would click on something else.
        """
        widget = self._widget
        widget._check_alive("clicking")
        if not widget._shown:
            raise RuntimeError(f"{widget!r} is not shown: hidden, folded away, or in a closed window")
        at = widget
        while isinstance(at, Widget):
            if not at.enabled:
                return False
            at = at._parent
        return True

    async def click(self, pos=None, right_click=False, double=False, human_delay_speed=2):
        """Clicks; nothing happens where it is disabled."""
        await _updates(1)
        widget = self._widget
        if self._reachable():
            widget._ui.kit.journal.add("omni.kit.ui_test.click", {"path": self._path})
            button = 1 if right_click else 0
            with widget._ui.acting_on(widget):
                widget._fire("mouse_pressed_fn", 0.0, 0.0, button, 0)
                if double:
                    widget._fire("mouse_double_clicked_fn", 0.0, 0.0, button, 0)
                if not right_click and type_name(widget) == "CollapsableFrame":
                    widget.collapsed = not widget.collapsed
                elif not right_click and "_click" in dir(type(widget)):
                    widget._click()
                widget._fire("mouse_released_fn", 0.0, 0.0, button, 0)
        await human_delay(human_delay_speed)

    async def right_click(self, pos=None, human_delay_speed=2):
        """Clicks with the right button."""
        await self.click(pos, right_click=True, human_delay_speed=human_delay_speed)

    async def double_click(self, pos=None, human_delay_speed=2):
        """Clicks twice."""
        await self.click(pos, double=True, human_delay_speed=human_delay_speed)

    async def input(self, text, end_key=None, human_delay_speed=2, clear_before_input=False):
        """Types a text in place of what the field has, and leaves the field."""
        check_plain("input: text", text, str)
        await _updates(1)
        widget = self._widget
        if "_type" not in dir(type(widget)):
            raise RuntimeError(f"{widget!r} is no field to type into")
        if self._reachable():
            widget._ui.kit.journal.add("omni.kit.ui_test.input", {"path": self._path, "text": text})
            with widget._ui.acting_on(widget):
                widget._type(text)
        await human_delay(human_delay_speed)

    async def focus(self):
        """Comes to the front."""
        if self._window is not None:
            self._window.focus()
        await _updates(1)

    async def bring_to_front(self):
        """Comes to the front."""
        await self.focus()

    async def undock(self):
        """Floats."""
        self._window.undock()
        await _updates(1)


class WindowRef(WidgetRef):
    """A window that a test found."""

    def __init__(self, widget: Any, path: str) -> None:
        super().__init__(widget, path, widget)

    def find_all(self, path):
        """Every widget at a path, which begins with ``Frame``."""
        first, *rest = _steps(path)
        if first["type"] not in ("Frame", "**"):
            raise ValueError(f"{path!r} must begin with Frame: the window's own frame")
        found = [self._widget.frame] if first["type"] == "Frame" else _descendants(self._widget.frame)
        for step in rest:
            found = _select(found, step)
        return [WidgetRef(widget, f"{self._path}//{path}", self._widget) for widget in found]


def _one(found: list[WidgetRef], path: str) -> WidgetRef | None:
    if len(found) > 1:
        raise RuntimeError(f"{len(found)} widgets stand at {path!r}; use find_first() or an identifier")
    return found[0] if found else None


def find_all(path):
    """Every widget at ``"Window//Frame/..."``; a window's title alone gives the window."""
    check_plain("a widget path", path, str)
    title, _, rest = path.partition("//")
    window = _window.Workspace.get_window(title)
    if window is None:
        return []
    root = WindowRef(window, title)
    return root.find_all(rest) if rest else [root]


def find(path):
    """The one widget at a path, or None."""
    return _one(find_all(path), path)


def find_first(path):
    """The first widget at a path, or None."""
    return next(iter(find_all(path)), None)


async def human_delay(human_delay_speed=2):
    """Updates pass, as while a hand moves."""
    await _updates(max(1, human_delay_speed))


async def wait_n_updates(update_count=2):
    """Updates pass."""
    await _updates(update_count)


@module("omni.kit.ui_test")
def build_ui_test(kit: Kit) -> dict[str, Any]:
    """What a user does."""
    state_of(kit)

    async def menu_click(path, separator="/", human_delay_speed=2, show=True):
        await _updates(1)
        click_menu(kit, path.replace(separator, "/"))
        await human_delay(human_delay_speed)

    names = (find, find_all, find_first, human_delay, wait_n_updates, menu_click)
    return {**{fn.__name__: fn for fn in names}, "WidgetRef": WidgetRef, "WindowRef": WindowRef}
