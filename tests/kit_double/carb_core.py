"""carb: the log, the settings' tree, the tokens."""

from __future__ import annotations

import copy
import re
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import BoundEnum, StrictObject, check_callable, check_plain

# What the extension reads or changes, with Kit's values at start.
DEFAULTS = {
    "/omni/replicator/captureOnPlay": True,
    "/omni/replicator/RTSubframes": 1,
    "/app/omni.graph.scriptnode/opt_in": False,
    "/rtx/rendermode": "RaytracedLighting",
    "/app/window/hideUi": False,
}
TOKENS = {
    "app": "/isaac/apps",
    "kit": "/isaac/kit",
    "app_documents": "/documents/Kit/apps/Isaac-Sim",
    "cache": "/cache/Kit",
    "data": "/data/Kit",
}
LEVELS = ("verbose", "info", "warn", "error", "fatal")
Scalar = (bool, int, float, str)


class ChangeEventType(BoundEnum):
    """What happened to a setting."""

    CREATED = 0
    CHANGED = 1
    DESTROYED = 2


def parts_of(path: Any) -> list[str]:
    """A setting's path as keys; the slash in front is optional, as in Kit.

    Raises:
        TypeError: no text.
        ValueError: an empty key.
    """
    check_plain("a setting's path", path, str)
    parts = path.strip("/").split("/") if path.strip("/") else []
    if any(not part or part != part.strip() for part in parts):
        raise ValueError(f"setting path {path!r} has an empty key")
    return parts


class ItemType(BoundEnum):
    """What a setting can be read as."""

    BOOL = 0
    INT = 1
    FLOAT = 2
    STRING = 3
    DICTIONARY = 4


class SubscriptionId:
    """What ends a subscription."""


class SettingItem(StrictObject):
    """What a subscriber gets: it is read through ``get_settings()``, not directly."""

    _kit_double = True


class ISettings(StrictObject):
    """The tree of settings. Arguments go by position, as in the binding."""

    _kit_double = True

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}
        self._subscribers: dict[SubscriptionId, tuple[list[str], Any, bool]] = {}
        for path, value in DEFAULTS.items():
            self._put(parts_of(path), value)

    def _find(self, parts: list[str]) -> Any:
        at: Any = self._tree
        for part in parts:
            if not isinstance(at, dict) or part not in at:
                return None
            at = at[part]
        return at

    def _put(self, parts: list[str], value: Any) -> None:
        at = self._tree
        for part in parts[:-1]:
            if not isinstance(at.get(part), dict):
                at[part] = {}
            at = at[part]
        at[parts[-1]] = value

    def _set(self, path: str, value: Any) -> None:
        parts = parts_of(path)
        if not parts:
            raise ValueError("a setting needs a path below '/'")
        before = self._find(parts)
        self._put(parts, value)
        if before != value:
            self._notify(parts, ChangeEventType.CREATED if before is None else ChangeEventType.CHANGED)

    def _notify(self, parts: list[str], event: ChangeEventType) -> None:
        from .ui._state import state

        for node, fn, below in list(self._subscribers.values()):
            what = f"the subscriber of /{'/'.join(node)}"
            if below and parts[: len(node)] == node:
                state().call(None, what, fn, SettingItem(), SettingItem(), event)
            elif parts == node:
                state().call(None, what, fn, SettingItem(), event)

    def _snapshot(self) -> dict[str, Any]:
        """Every setting by its path."""
        found: dict[str, Any] = {}

        def walk(at: Any, path: str) -> None:
            if isinstance(at, dict) and at:
                for key, value in at.items():
                    walk(value, f"{path}/{key}")
            elif not isinstance(at, dict):
                found[path] = at

        walk(self._tree, "")
        return copy.deepcopy(found)

    def get(self, path, /):
        value = self._find(parts_of(path))
        return copy.deepcopy(value)

    def set(self, path, value, /):
        _check_value(path, value)
        self._set(path, copy.deepcopy(value))

    def get_as_bool(self, path, /):
        return bool(self._find(parts_of(path)))

    def get_as_int(self, path, /):
        value = self._find(parts_of(path))
        return int(value) if isinstance(value, (bool, int, float)) else 0

    def get_as_float(self, path, /):
        value = self._find(parts_of(path))
        return float(value) if isinstance(value, (bool, int, float)) else 0.0

    def get_as_string(self, path, /):
        value = self._find(parts_of(path))
        return "" if value is None or isinstance(value, dict) else str(value)

    def set_bool(self, path, value, /):
        self._set(path, check_plain(f"setting {path}", value, bool))

    def set_int(self, path, value, /):
        self._set(path, check_plain(f"setting {path}", value, int))

    def set_float(self, path, value, /):
        self._set(path, float(check_plain(f"setting {path}", value, (float, int))))

    def set_string(self, path, value, /):
        self._set(path, check_plain(f"setting {path}", value, str))

    def set_default(self, path, value, /):
        if self._find(parts_of(path)) is None:
            self.set(path, value)

    def set_default_bool(self, path, value, /):
        self.set_default(path, check_plain(f"setting {path}", value, bool))

    def set_default_int(self, path, value, /):
        self.set_default(path, check_plain(f"setting {path}", value, int))

    def set_default_float(self, path, value, /):
        self.set_default(path, float(check_plain(f"setting {path}", value, (float, int))))

    def set_default_string(self, path, value, /):
        self.set_default(path, check_plain(f"setting {path}", value, str))

    def destroy_item(self, path, /):
        parts = parts_of(path)
        parent = self._find(parts[:-1])
        if isinstance(parent, dict) and parent.pop(parts[-1], None) is not None:
            self._notify(parts, ChangeEventType.DESTROYED)

    def is_accessible_as(self, item_type, path, /):
        if not isinstance(item_type, ItemType):
            raise TypeError(f"is_accessible_as takes a carb.dictionary.ItemType, got {item_type!r}")
        value = self._find(parts_of(path))
        if value is None or item_type is ItemType.DICTIONARY:
            return isinstance(value, dict)
        return not isinstance(value, dict) and (item_type is ItemType.STRING or not isinstance(value, str))

    def subscribe_to_node_change_events(self, path, fn, /):
        check_callable(f"the subscriber of {path}", fn, 2, optional=False)
        return self._subscribe(path, fn, False)

    def subscribe_to_tree_change_events(self, path, fn, /):
        check_callable(f"the subscriber of {path}", fn, 3, optional=False)
        return self._subscribe(path, fn, True)

    def _subscribe(self, path: str, fn: Any, below: bool) -> SubscriptionId:
        number = SubscriptionId()
        self._subscribers[number] = (parts_of(path), fn, below)
        return number

    def unsubscribe_to_change_events(self, subscription, /):
        if not isinstance(subscription, SubscriptionId):
            raise TypeError(f"unsubscribe_to_change_events takes what subscribe gave, got {subscription!r}")
        if self._subscribers.pop(subscription, None) is None:
            raise ValueError("no such subscription to settings; unsubscribed twice?")


def _check_value(path: str, value: Any) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _check_value(f"{path}/{key}", part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            check_plain(f"setting {path}", part, Scalar)
    else:
        check_plain(f"setting {path}", value, Scalar)


@module("carb")
def build_carb(kit: Kit) -> dict[str, Any]:
    """The log: one finished text per line; an error that no test expected fails it."""
    lines: list[tuple[str, str]] = kit.state.setdefault("carb.log", [])

    def writer(level: str) -> Any:
        def log(message: str) -> None:
            check_plain(f"the message of carb.log_{level}", message, str)
            lines.append((level, message))
            if level in ("error", "fatal"):
                kit.fault(f"carb.log_{level}: {message}")

        log.__name__ = log.__qualname__ = f"log_{level}"  # may be called from any thread, so it is not journaled
        return log

    return {f"log_{level}": writer(level) for level in LEVELS}


@module("carb.settings")
def build_settings(kit: Kit) -> dict[str, Any]:
    """One tree for the installation."""
    settings = kit.state["carb.settings"] = ISettings()

    def leaks() -> list[str]:
        paths = ["/".join(parts) for parts, _, _ in settings._subscribers.values()]
        return [f"the subscription to setting /{path} is still alive" for path in paths]

    kit.leak_checks.append(leaks)
    return {
        "get_settings": kit.function("carb.settings.get_settings", "()", lambda: settings),
        "ChangeEventType": ChangeEventType,
        "ISettings": ISettings,
    }


@module("carb.dictionary")
def build_dictionary(kit: Kit) -> dict[str, Any]:
    """The kinds of items."""
    return {"ItemType": ItemType}


class ITokens(StrictObject):
    """Names in ``${}``."""

    _kit_double = True

    def __init__(self) -> None:
        self._values = dict(TOKENS)

    def resolve(self, text, /):
        """The text with its tokens' values.

        Raises:
            ValueError: a token that Kit does not define.
        """
        check_plain("a text with tokens", text, str)
        unknown = [name for name in re.findall(r"\$\{([^}]*)\}", text) if name not in self._values]
        if unknown:
            raise ValueError(f"token {unknown[0]!r} in {text!r} is not among {sorted(self._values)}")
        return re.sub(r"\$\{([^}]*)\}", lambda match: self._values[match[1]], text)

    def set_value(self, name, value, /):
        """Defines a token."""
        self._values[check_plain("a token's name", name, str)] = check_plain("a token's value", value, str)


@module("carb.tokens")
def build_tokens(kit: Kit) -> dict[str, Any]:
    """The tokens of the installation."""
    tokens = kit.state["carb.tokens"] = ITokens()
    return {"get_tokens_interface": kit.function("carb.tokens.get_tokens_interface", "()", lambda: tokens)}
