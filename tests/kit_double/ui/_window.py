"""Windows and the workspace that keeps them."""

from __future__ import annotations

from typing import Any

from .._strict import StrictObject, check_callable, check_plain, nearest
from ._containers import Frame
from ._state import state
from ._values import DockPolicy, DockPosition, DockPreference
from ._widget import Element, add_callback, define
from ._widgets import MenuBar

_SIZES = ("width", "height")


def _size(key: str) -> property:
    def get(self: Any) -> float:
        self._check_alive(f"reading {key}")
        return float(self._values.get(key, 0.0))

    def put(self: Any, value: Any) -> None:
        self._check_alive(f"setting {key}")
        self._put(key, value)

    return property(get, put)


class _RootFrame(Frame):
    """The frame that a window comes with."""

    _window_of: Any = None

    def _place(self) -> None:
        """The window holds it."""


_RootFrame._table = "Frame"


@define("(title, dockPreference=None)")
class Window(Element):
    """A window: no context manager, no style of its own; its content stands in ``frame``."""

    width, height = _size("width"), _size("height")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        placed = self._start(args, kwargs)
        preference = placed.get("dockPreference")
        if preference is not None and not isinstance(preference, DockPreference):
            raise TypeError(f"omni.ui.Window: dockPreference must be a ui.DockPreference, got {preference!r}")
        self._values["title"] = check_plain("omni.ui.Window: title", placed["title"], str)
        if any(other.title == self._values["title"] for other in self._ui.windows):
            raise RuntimeError(f"a window titled {self._values['title']!r} is alive; ImGui would draw both into one")
        self._frame = _RootFrame()
        self._frame._parent = self
        self._menu_bar: MenuBar | None = None
        self._dock: tuple[str, Any] | None = None
        self._focused = False
        self._ui.windows.append(self)
        self._ui.kit.resources.add("window", self._values["title"], self)

    def _checked(self, key: str, value: Any) -> Any:
        """A window's size is a number, never a Length."""
        kinds = (int, float)
        return check_plain(f"omni.ui.Window: {key}", value, kinds) if key in _SIZES else super()._checked(key, value)

    def _get_frame(self) -> Frame:
        self._check_alive("reading the frame")
        return self._frame

    frame = property(_get_frame)
    docked = property(lambda self: self._dock is not None)
    focused = property(lambda self: self._focused)
    selected_in_dock = property(lambda self: self._dock is not None)

    @property
    def menu_bar(self) -> MenuBar:
        """The window's menus."""
        self._check_alive("reading the menu bar")
        if self._menu_bar is None:
            self._ui.open.append(_Adopter(self))
            try:
                self._menu_bar = MenuBar()
            finally:
                self._ui.open.pop()
        return self._menu_bar

    def _draw(self) -> None:
        self._frame._draw()

    def _changed(self, key: str, value: Any) -> None:
        if key == "visible":
            self._fire("visibility_changed_fn", value)
        elif key in ("width", "height"):
            self._fire(f"{key}_changed_fn", value)

    def destroy(self):
        """Ends the window; ending it twice is nothing.

        Raises:
            RuntimeError: a callback of a widget in it runs.
        """
        if self._destroyed:
            return
        self._ui.refuse_inside(self, f"{self!r} was destroyed")
        self._frame._end()
        if self._menu_bar is not None:
            self._menu_bar._end()
        self._destroyed = True
        self._callbacks.clear()
        self._ui.windows.remove(self)
        self._ui.kit.resources.discard(self)

    def deferred_dock_in(self, target_window, active_window=DockPolicy.DO_NOTHING):
        """Docks beside the window with a title, once that is there."""
        self._check_alive("docking")
        check_plain("deferred_dock_in: the target window's title", target_window, str)
        if not isinstance(active_window, DockPolicy):
            raise TypeError(f"deferred_dock_in takes a ui.DockPolicy, got {active_window!r}")
        self._docked_in(target_window, active_window)

    def dock_in_window(self, title, dockPosition, ratio=0.5):
        """Docks in a window by its title; False where there is none."""
        self._check_alive("docking")
        if not isinstance(dockPosition, DockPosition):
            raise TypeError(f"dock_in_window takes a ui.DockPosition, got {dockPosition!r}")
        check_plain("dock_in_window: ratio", ratio, (int, float))
        if Workspace.get_window(title) is None:
            return False
        self._docked_in(title, dockPosition)
        return True

    def dock_in(self, window, dock_position, ratio=0.5):
        """Docks in another window."""
        self._check_alive("docking")
        if not isinstance(window, Window) or not isinstance(dock_position, DockPosition):
            raise TypeError(f"dock_in takes a ui.Window and a ui.DockPosition, got {window!r}, {dock_position!r}")
        self._docked_in(window.title, dock_position)

    def is_selected_in_dock(self):
        """Whether it is the one that shows where it is docked."""
        return self.docked

    def setPosition(self, x, y):
        """Moves it."""
        self.position_x, self.position_y = x, y

    def _docked_in(self, title: str, how: Any) -> None:
        was, self._dock = self.docked, (title, how)
        self._ui.kit.journal.add("omni.ui.Window.dock", {"title": self.title, "target": title, "how": how.name})
        if not was:
            self._fire("docked_changed_fn", True)

    def undock(self):
        """Floats again."""
        if self.docked:
            self._dock = None
            self._fire("docked_changed_fn", False)

    def focus(self):
        """Comes to the front."""
        self._check_alive("focusing")
        for other in self._ui.windows:
            if other._focused is not (other is self):
                other._focused = other is self
                other._fire("focused_changed_fn", other._focused)

    def set_top_modal(self):
        """Comes over every modal window."""
        self._check_alive("raising")


for _key in ("docked_changed_fn", "focused_changed_fn", "key_pressed_fn"):
    add_callback(Window, _key)  # settable, but no keywords of the constructor


class _Adopter:
    """Lets a window take its menu bar."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def _adopt(self, widget: Any) -> None:
        widget._parent = self._window


@define("(title, dockPreference=None)")
class ToolBar(Window):
    """A window without a title bar at the border."""


class Workspace(StrictObject):
    """The windows of the app by title."""

    _kit_double = True

    def __init__(self) -> None:
        raise TypeError("ui.Workspace has only static methods")

    @staticmethod
    def get_window(title):
        """The window with this title, or None."""
        check_plain("a window's title", title, str)
        return next((window for window in state().windows if window.title == title), None)

    @staticmethod
    def get_windows():
        """Every window."""
        return list(state().windows)

    @staticmethod
    def show_window(title, show=True):
        """Shows or hides a window by title, making it where a show function is set; False where it is unknown."""
        ui = state()
        ui.kit.journal.add("omni.ui.Workspace.show_window", {"title": title, "show": show})
        if title in ui.show_fns:
            ui.call(None, f"the show function of {title!r}", ui.show_fns[title], bool(show))
            return True
        if (window := Workspace.get_window(title)) is not None:
            window.visible = bool(show)
            return True
        return False

    @staticmethod
    def set_show_window_fn(title, fn):
        """Sets what makes and shows a window; None takes it away."""
        check_plain("a window's title", title, str)
        check_callable(f"the show function of {title!r}", fn, 1)
        if fn is None:
            state().show_fns.pop(title, None)
        else:
            state().show_fns[title] = fn

    @staticmethod
    def get_main_window_width():
        """Pixels."""
        return 1920.0

    @staticmethod
    def get_main_window_height():
        """Pixels."""
        return 1080.0

    @staticmethod
    def get_dpi_scale():
        """Pixels per unit."""
        return 1.0


def find_window(title: str) -> Window:
    """The window with this title, for tests.

    Raises:
        LookupError: there is none; says which there are.
    """
    if (window := Workspace.get_window(title)) is None:
        titles = [other.title for other in state().windows]
        raise LookupError(f"no window {title!r}{nearest(title, titles)}; windows: {titles}")
    return window
