"""omni.kit.app and omni.kit.async_engine: the app, its updates, its extensions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import StrictObject, check_plain
from .carb_events import EventStream, dispatch

EXTENSIONS = Path(__file__).parent / "data" / "extensions.json"
PHASES = {"PRE_UPDATE": "preUpdate", "UPDATE": "update", "POST_UPDATE": "postUpdate"}  # names of their events


class ExtensionManager(StrictObject):
    """Which extensions there are, and which are on."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        rows = json.loads(EXTENSIONS.read_text())["extensions"]
        self._known = {name for name, row in rows.items() if kit.version in row["versions"]}
        self._enabled = {name for name in self._known if rows[name]["on"]}
        self._folders: dict[str, Path] = {}  # what was loaded from a folder, by extension id
        self._modules: dict[str, list[str]] = {}  # their modules
        self._paths: list[str] = []
        kit.import_guards.append(self._guard)

    def _guard(self, name: str) -> None:
        """A module of an extension that was taken away cannot be imported."""
        for gone in self._gone():
            if name == gone or name.startswith(f"{gone}."):
                raise ModuleNotFoundError(f"No module named {name!r}: this app lacks the extension {gone}", name=name)

    def _gone(self) -> set[str]:
        return self._kit.state.get("omni.ext.gone", set())

    def _name(self, extension: str) -> str:
        """``"a.b"`` of ``"a.b-1.2.3"``."""
        return check_plain("an extension's id", extension, str).partition("-")[0]

    def add_path(self, path):
        """Adds a folder of extensions."""
        self._paths.append(check_plain("add_path: the folder", path, str))

    def is_extension_enabled(self, ext_name):
        """Whether it is on."""
        name = self._name(ext_name)
        return name not in self._gone() and name in self._enabled

    def set_extension_enabled_immediate(self, extension_id, enabled):
        """Turns a known extension on or off; False where it is unknown."""
        name = self._name(extension_id)
        if name not in self._known or name in self._gone():
            return False
        self._enabled.add(name) if check_plain("enabled", enabled, bool) else self._enabled.discard(name)
        return True

    def get_enabled_extension_id(self, ext_name):
        """``"name-1.2.3"``, or None where it is off."""
        found = [extension for extension in self._folders if self._name(extension) == ext_name]
        return found[0] if found else f"{ext_name}-1.0.0" if self.is_extension_enabled(ext_name) else None

    def get_extension_path(self, ext_id):
        """Its folder.

        Raises:
            KeyError: it was not loaded from a folder; Kit gives an empty text.
        """
        check_plain("an extension's id", ext_id, str)
        if ext_id not in self._folders:
            raise KeyError(f"no extension {ext_id!r} was loaded from a folder; there are {sorted(self._folders)}")
        return str(self._folders[ext_id])

    def get_extension_id_by_module(self, module):
        """The extension that a module belongs to, or None."""
        check_plain("get_extension_id_by_module: module", module, str)
        for extension, modules in self._modules.items():
            if any(module == name or module.startswith(f"{name}.") for name in modules):
                return extension
        return None

    def get_extension_path_by_module(self, module):
        """The folder of the extension that a module belongs to; empty where there is none."""
        extension = self.get_extension_id_by_module(module)
        return "" if extension is None else self.get_extension_path(extension)


class App(StrictObject):
    """The application."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._manager = ExtensionManager(kit)
        self._stream = EventStream(kit, "the app's update stream")
        kit.on_tick.append(self._updated)

    def _updated(self) -> None:
        for name in PHASES.values():
            dispatch(self._kit, name, {"dt": 1 / 60})
        self._stream._send(0, {"dt": 1 / 60})

    async def pre_update_async(self):
        """The start of the next update."""
        await self._kit.next_update("pre_update")

    async def next_update_async(self):
        """The next update."""
        await self._kit.next_update("update")

    async def post_update_async(self):
        """The end of the next update."""
        await self._kit.next_update("post_update")

    def get_kit_version(self):
        """Kit's version."""
        return self._kit.kit_version

    def get_app_version(self):
        """Isaac Sim's version."""
        return self._kit.app_version

    def get_extension_manager(self):
        """The extensions."""
        return self._manager

    def get_update_event_stream(self):
        """An event for each update."""
        return self._stream

    def get_update_number(self):
        """How many updates there were."""
        return self._kit.ticks

    def get_time_since_start_ms(self):
        """Milliseconds, of updates at 60 Hz."""
        return self._kit.ticks * 1000 / 60

    def print_and_log(self, message):
        """Prints a line."""
        self._kit.state.setdefault("carb.log", []).append(("info", check_plain("print_and_log", message, str)))

    def update(self):
        """One update, in a script that has no event loop of its own.

        Raises:
            RuntimeError: called from a callback or a coroutine, where the app updates already.
        """
        if self._kit.loop.is_running():
            raise RuntimeError("app.update() inside a running event loop; await next_update_async() there")
        self._kit.tick()

    def is_app_ready(self):
        """Whether the app has started."""
        return True

    def is_running(self):
        """Whether the app runs."""
        return True


def manager_of(kit: Kit) -> ExtensionManager:
    """The extension manager of an installation, whether or not somebody imported the app."""
    return app_of(kit)._manager


def app_of(kit: Kit) -> App:
    """The app of an installation."""
    if "omni.kit.app" not in kit.state:
        kit.state["omni.kit.app"] = App(kit)
    return kit.state["omni.kit.app"]


def take_extension_away(kit: Kit, name: str) -> None:
    """Plays an app that lacks an extension: its modules cannot be imported."""
    manager_of(kit)
    kit.state.setdefault("omni.ext.gone", set()).add(name)


@module("omni.kit.app")
def build_app(kit: Kit) -> dict[str, Any]:
    """The app's interface."""
    app = app_of(kit)
    names = {f"GLOBAL_EVENT_{phase}": name for phase, name in PHASES.items()}
    return {"get_app": kit.function("omni.kit.app.get_app", "()", lambda: app), **names}


@module("omni.kit.async_engine")
def build_async_engine(kit: Kit) -> dict[str, Any]:
    """Coroutines on the app's loop."""

    def run_coroutine(coroutine: Any) -> Any:
        return kit.loop.create_task(coroutine)

    return {"run_coroutine": kit.function("omni.kit.async_engine.run_coroutine", "(coroutine)", run_coroutine)}
