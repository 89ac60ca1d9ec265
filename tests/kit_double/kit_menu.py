"""omni.kit.menu.utils: menus, and the helpers that tie a window to one line of a menu."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import StrictObject, bind, check_callable, check_plain, nearest
from .kit_services import actions_of
from .ui import _window
from .ui._state import state_of

DESCRIPTION = (
    "(name='', glyph='', header=None, appear_after='', enabled=True, ticked=False, ticked_value=None, radio_group='', "
    "sub_menu=None, hotkey=None, name_fn=None, show_fn=None, enable_fn=None, ticked_fn=None, onclick_action=None, "
    "unclick_action=None, onclick_fn=None, unclick_fn=None, onclick_right_fn=None, original_svg_color=False, "
    "original_menu_item=None, user=None, hotkey_window=None)"
)


class MenuItemDescription(StrictObject):
    """One line of a menu."""

    _kit_double = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bound = bind("omni.kit.menu.utils.MenuItemDescription", DESCRIPTION, args, kwargs)
        bound.apply_defaults()
        values = bound.arguments
        check_plain("MenuItemDescription: name", values["name"], str)
        for key in ("onclick_fn", "unclick_fn", "onclick_right_fn", "ticked_fn", "enable_fn", "show_fn", "name_fn"):
            check_callable(f"MenuItemDescription: {key}", values[key], 0)
        action = values["onclick_action"]
        if action is not None and (not isinstance(action, tuple) or len(action) < 2):
            raise TypeError(f"MenuItemDescription: onclick_action is (extension id, action id), got {action!r}")
        for item in values["sub_menu"] or ():
            if not isinstance(item, MenuItemDescription):
                raise TypeError(f"MenuItemDescription: sub_menu holds MenuItemDescriptions, got {item!r}")
        self._fields = values

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"MenuItemDescription has no {name!r}{nearest(name, fields)}")


class Menus:
    """The lines of each menu, by the menu's name."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.lines: dict[str, list[MenuItemDescription]] = {}

    def add(self, menu, name, menu_index=0, can_rebuild_menus=True, delegate=None):
        """Adds lines to a menu such as ``"Tools"`` or ``"Tools/Replicator"``."""
        check_plain("add_menu_items: name", name, str)
        check_plain("add_menu_items: menu", menu, list)
        for item in menu:
            if not isinstance(item, MenuItemDescription):
                raise TypeError(f"add_menu_items takes MenuItemDescriptions, got {item!r}")
            self.lines.setdefault(name, []).append(item)
            self.kit.resources.add("menu item", f"{name}/{item.name}", item)
        return menu

    def remove(self, menu, name, can_rebuild_menus=True):
        """Takes lines out; one that is not there is a fault."""
        for item in menu:
            if item not in self.lines.get(name, []):
                self.kit.fault(f"remove_menu_items: {name!r} has no line {item.name!r}; removed twice?")
                continue
            self.lines[name].remove(item)
            self.kit.resources.discard(item)

    def refresh(self, name, immediately=None):
        """Draws ticks and names anew."""
        check_plain("refresh_menu_items: name", name, str)

    def find(self, path: str) -> MenuItemDescription:
        """The line at ``"Tools/Replicator/Name"``.

        Raises:
            LookupError: there is none; says which there are.
        """
        known: dict[str, MenuItemDescription] = {}

        def walk(prefix: str, items: list[MenuItemDescription]) -> None:
            for item in items:
                known[f"{prefix}/{item.name}"] = item
                walk(f"{prefix}/{item.name}", item.sub_menu or [])

        for name, items in self.lines.items():
            walk(name, items)
        if path not in known:
            raise LookupError(f"no menu line {path!r}{nearest(path, known)}; lines: {sorted(known)}")
        return known[path]


def menus_of(kit: Kit) -> Menus:
    """The menus of an installation."""
    if "omni.kit.menu.utils" not in kit.state:
        kit.state["omni.kit.menu.utils"] = Menus(kit)
    return kit.state["omni.kit.menu.utils"]


def click_menu(kit: Kit, path: str) -> None:
    """The user clicks a line.

    Raises:
        LookupError: there is no such line.
        RuntimeError: it is greyed out, or does nothing.
    """
    item = menus_of(kit).find(path)
    if not item.enabled or (item.enable_fn is not None and not item.enable_fn()):
        raise RuntimeError(f"menu line {path!r} is disabled")
    call = state_of(kit).call
    if item.onclick_action is not None:
        call(None, f"menu line {path!r}", actions_of(kit).execute_action, *item.onclick_action)
    elif item.onclick_fn is not None:
        call(None, f"menu line {path!r}", item.onclick_fn)
    else:
        raise RuntimeError(f"menu line {path!r} has neither onclick_action nor onclick_fn")


def is_ticked(kit: Kit, path: str) -> bool:
    """Whether a line shows a tick."""
    item = menus_of(kit).find(path)
    return bool(item.ticked_fn()) if item.ticked_fn is not None else bool(item.ticked_value)


def build_submenus(menu_list: list[MenuItemDescription], glyph: str | None = None) -> dict[str, Any]:
    """``name`` of ``"Top/Sub/Line"`` as nested menus, by the top's name."""
    tree: dict[str, Any] = {}
    for item in menu_list:
        *path, last = item.name.split("/")
        if not path:
            raise ValueError(f"build_submenu_dict: {item.name!r} has no menu in front; use 'Menu/Line'")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = MenuItemDescription(**{**item._fields, "name": last})

    def lines(at: dict[str, Any]) -> list[MenuItemDescription]:
        return [
            value if isinstance(value, MenuItemDescription) else MenuItemDescription(name=key, sub_menu=lines(value))
            for key, value in at.items()
        ]

    return {key: lines(value) for key, value in tree.items()}


class MenuHelperWindow(_window.Window):
    """A window that tells the helper when it is shown or closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listener: Callable[[bool], None] | None = None
        self.set_visibility_changed_fn(lambda visible: self._listener(visible) if self._listener else None)

    def set_visibility_changed_listener(self, listener):
        """Who is told."""
        check_callable("set_visibility_changed_listener", listener, 1)
        self._listener = listener

    def destroy(self):
        """Ends the window."""
        self._listener = None
        super().destroy()


class _FirstWindow:
    """What ``self._window`` is while the helper runs: always true, and the first window's attributes."""

    def __init__(self, windows: list[Any]) -> None:
        self._windows = windows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._windows[0], name)


class _HelperRow:
    """One window of an extension, its line in a menu and its action."""

    def __init__(self, owner: Any, kit: Kit, make: Callable[[], Any], name: str, path: str, attr: str | None) -> None:
        self.owner, self.kit, self.make, self.name, self.attr = owner, kit, make, name, attr
        self.index = len(owner._window_list)
        self.extension_id = type(owner).__module__
        desc = path.rpartition("/")[2]
        self.action_id = f"menu_toggle_window_helper_{desc.lower().strip().replace(' ', '_').replace('__', '_')}"
        owner._window_list.append(None)
        actions_of(kit).register_action(self.extension_id, self.action_id, self.toggle, display_name=self.action_id)
        line = MenuItemDescription(
            name=path, ticked=True, ticked_fn=self.is_shown, onclick_action=(self.extension_id, self.action_id)
        )
        self.entries = build_submenus([line])
        for group, items in self.entries.items():
            menus_of(kit).add(items, group)
        _window.Workspace.set_show_window_fn(name, self.show)

    @property
    def window(self) -> Any:
        return self.owner._window_list[self.index]

    def is_shown(self) -> bool:
        return self.window is not None and bool(self.window.visible)

    def toggle(self) -> None:
        self.show(not self.is_shown())

    def show(self, value: bool) -> None:
        """Kit makes a window each time that it is told to show one, also where one is there."""
        if not value:
            if self.window is not None:
                self.window.visible = False
            return
        made = self.make()
        made = made if self.attr is None else getattr(made, self.attr)
        if not isinstance(made, _window.Window):
            raise TypeError(f"create_window_fn of {self.name!r} must return a ui.Window, got {type(made).__name__}")
        if made.title != self.name:
            raise ValueError(f"create_window_fn made a window titled {made.title!r}, the menu has {self.name!r}")
        self.owner._window_list[self.index] = made
        made.visible = False
        if isinstance(made, MenuHelperWindow):
            made.set_visibility_changed_listener(self.on_visibility)
        else:
            made.set_visibility_changed_fn(self.on_visibility)
        made.visible = True

    def on_visibility(self, visible: bool) -> None:
        if not visible:
            self.kit.defer(self.end_window)  # one update after it was closed, even if it is shown again by then

    def end_window(self) -> None:
        if self.index < len(self.owner._window_list) and self.window is not None:
            self.window.destroy()
            self.owner._window_list[self.index] = None

    def remove(self) -> None:
        for group, items in self.entries.items():
            menus_of(self.kit).remove(items, group)
        actions_of(self.kit).deregister_action(self.extension_id, self.action_id)
        _window.Workspace.set_show_window_fn(self.name, None)
        self.kit.state["menu helper names"].discard(self.name)
        self.end_window()


class MenuHelperExtensionFull:
    """Mixed into an extension: makes its window at the first show, ends it an update after it is closed.

    The helper keeps its own state on the extension, under names that the extension must leave alone.
    """

    _kit_double = True
    _RESERVED = (
        "_window", "_window_list", "_verbose", "_create_window_fn", "_window_name", "_window_attr_name", "_menu_desc",
        "_menu_group", "_menu_entry",
    )  # fmt: skip

    def menu_startup(self, create_window_fn, window_name, menu_desc, menu_group, window_attr_name=None, verbose=False):
        """Adds the line ``menu_desc`` to the menu ``menu_group``; returns its index, None where the name is taken.

        Args:
            window_attr_name: The attribute of what ``create_window_fn`` returns that is the window; None: the thing
                itself.
        """
        from . import current

        kit = current()
        for key, text in {"window_name": window_name, "menu_desc": menu_desc, "menu_group": menu_group}.items():
            check_plain(f"menu_startup: {key}", text, str)
        check_callable("menu_startup: create_window_fn", create_window_fn, 0, optional=False)
        names = kit.state.setdefault("menu helper names", set())
        if window_name in names:
            kit.fault(f"menu_startup: a window named {window_name!r} is registered already; this one gets no menu")
            return None
        rows = self.__dict__.setdefault("_menu_helper_rows", [])
        if not rows:
            self._check_reserved({})
            self._window_list: list[Any] = []
            self._window = _FirstWindow(self._window_list)
        names.add(window_name)
        path = f"{menu_group}/{menu_desc}"
        rows.append(_HelperRow(self, kit, create_window_fn, window_name, path, window_attr_name))
        return len(rows) - 1

    def _check_reserved(self, own: dict[str, type]) -> None:
        for name in self._RESERVED:
            value = self.__dict__.get(name)
            if value is not None and not isinstance(value, own.get(name, ())):
                raise RuntimeError(
                    f"{type(self).__name__} sets {name!r}, which MenuHelperExtensionFull keeps its own state in; "
                    "use another name"
                )

    def menu_shutdown(self, index=-1):
        """Takes the line, the action and the window away: of one index, or of all; False where there is none."""
        rows = self.__dict__.get("_menu_helper_rows", [])
        if not rows:
            return False
        self._check_reserved({"_window": _FirstWindow, "_window_list": list})
        for row in list(rows) if index == -1 else [rows[index]]:
            row.remove()
        if index == -1:
            del self._window, self._window_list, self._menu_helper_rows
        return True

    def show_window(self, menu, value, index):
        """Shows or hides a window."""
        self.__dict__["_menu_helper_rows"][index].show(bool(value))


@module("omni.kit.menu.utils")
def build(kit: Kit) -> dict[str, Any]:
    """Menus and helpers."""
    menus = menus_of(kit)
    contents = kit.functions(
        "omni.kit.menu.utils",
        {
            "add_menu_items": (inspect.signature(menus.add), menus.add),
            "remove_menu_items": (inspect.signature(menus.remove), menus.remove),
            "refresh_menu_items": (inspect.signature(menus.refresh), menus.refresh),
            "build_submenu_dict": ("(menu_list, glyph=None)", build_submenus),
            "rebuild_menus": ("()", lambda: None),
        },
    )
    contents["MenuItemDescription"] = MenuItemDescription
    contents["MenuHelperExtensionFull"] = MenuHelperExtensionFull
    contents["MenuHelperWindow"] = MenuHelperWindow
    return contents
