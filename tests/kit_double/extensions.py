"""Loading an extension's folder as Kit does, and looking what it leaves behind when it is unloaded.

    extension = load_extension(kit, "exts/my.ext")
    ...
    extension.unload()      # raises AssertionError: a window, subscription, action, task, setting, ... is left

Hot reload is unload and load: the modules are imported anew, so what they keep at module level is lost.
"""

from __future__ import annotations

import gc
import importlib
import re
import sys
import unittest
import weakref
from pathlib import Path
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import check_plain, nearest
from .carb_core import ISettings
from .kit_app import manager_of

PACKAGE_KEYS = {
    "version", "title", "category", "description", "keywords", "changelog", "readme", "preview_image", "icon",
    "repository", "authors", "toggleable", "app", "feature", "writeTarget",
}  # fmt: skip
TABLES = {
    "package", "core", "dependencies", "python", "settings", "fswatcher", "documentation", "deprecation", "native",
    "env", "test",
}  # fmt: skip
TEST_KEYS = {
    "name", "timeout", "args", "dependencies", "stdoutFailPatterns", "pythonTests", "unreliable", "enabled",
}  # fmt: skip
FILES = ("changelog", "readme", "preview_image", "icon")


class IExt:
    """What an extension derives from; Kit makes one of each class that it finds."""

    _kit_double = True

    def __init__(self) -> None:
        self._begun = True

    def on_startup(self, ext_id):
        """The extension begins."""

    def on_shutdown(self):
        """The extension ends."""


@module("omni.ext")
def build_ext(kit: Kit) -> dict[str, Any]:
    """The base class."""
    return {"IExt": IExt}


def read_manifest(kit: Kit, folder: Path) -> dict[str, Any]:
    """``config/extension.toml``, checked against what Kit reads and what lies in the folder.

    Raises:
        ValueError: a key that Kit does not know, a missing file, or a dependency that this version lacks.
    """
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib

    path = folder / "config" / "extension.toml"
    manifest = tomllib.loads(path.read_text(encoding="utf-8"))

    def check_keys(where: str, found: Any, allowed: set[str]) -> None:
        for key in found:
            if key not in allowed and not key.startswith("filter:"):
                raise ValueError(f"{path}: {where} has no key {key!r}{nearest(key, allowed)}")

    check_keys("the file", manifest, TABLES)
    package = manifest.get("package", {})
    check_keys("[package]", package, PACKAGE_KEYS)
    if not re.fullmatch(r"\d+\.\d+\.\d+(?:[-+].*)?", str(package.get("version", ""))):
        raise ValueError(f"{path}: [package] version is {package.get('version')!r}, not MAJOR.MINOR.PATCH")
    for key in FILES:
        if key in package and not (folder / package[key]).is_file():
            raise ValueError(f"{path}: [package] {key} = {package[key]!r} is no file of the extension")
    for row in manifest.get("test", []):
        check_keys("[[test]]", row, TEST_KEYS)
    known = manager_of(kit)._known
    for name, options in manifest.get("dependencies", {}).items():
        check_keys(f"dependency {name}", options, {"optional", "version", "exact"})
        if name not in known and not options.get("optional"):
            raise ValueError(
                f"{path}: Isaac Sim {kit.version} has no extension {name!r}{nearest(name, known)}; "
                "say {optional = true} and import it where it is used"
            )
        if name in manager_of(kit)._gone() and not options.get("optional"):
            raise ValueError(f"{path}: this app lacks the extension {name!r}, so Kit would not start this one")
    if not manifest.get("python", {}).get("module"):
        raise ValueError(f"{path}: [[python.module]] names no module")
    return manifest


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings of the manifest by path; a dotted key is a path, a quoted one is one name."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}/{key}"))
        else:
            found[f"{prefix}/{key}"] = value
    return found


class LoadedExtension:
    """An extension that runs: its instances, and what was there before it came."""

    def __init__(self, kit: Kit, folder: Path) -> None:
        self.kit = kit
        self.folder = folder.resolve()
        self.manifest = read_manifest(kit, self.folder)
        self.name = self.folder.name
        self.ext_id = f"{self.name}-{self.manifest['package']['version']}"
        self.instances: list[Any] = []
        self.modules = [check_plain("a module's name", row["name"], str) for row in self.manifest["python"]["module"]]
        self._before = self._state()
        self._path_added = str(self.folder) not in sys.path
        self._start()

    @property
    def settings(self) -> ISettings:
        """The tree of settings."""
        importlib.import_module("carb.settings")
        return self.kit.state["carb.settings"]

    def _state(self) -> tuple[dict[str, Any], set[int], list[str]]:
        own = (f"/exts/{self.name}/", f"/persistent/exts/{self.name}/")
        settings = {p: v for p, v in self.settings._snapshot().items() if not p.startswith(own)}
        return settings, {id(item.thing) for item in self.kit.resources.alive()}, list(sys.path)

    def _start(self) -> None:
        manager = manager_of(self.kit)
        for name, options in self.manifest.get("dependencies", {}).items():
            if name in manager._known and (not options.get("optional") or manager.is_extension_enabled(name)):
                manager.set_extension_enabled_immediate(name, True)
        for path, value in _flat(self.manifest.get("settings", {})).items():
            self.settings.set_default(path, value)
        manager._folders[self.ext_id], manager._modules[self.ext_id] = self.folder, self.modules
        if self._path_added:
            sys.path.insert(0, str(self.folder))
        try:
            for name in self.modules:
                loaded = importlib.import_module(name)
                where = Path(str(loaded.__file__)).resolve()
                if self.folder not in where.parents:
                    raise ImportError(f"module {name!r} came from {where}, not from the extension's folder")
                for cls in vars(loaded).values():
                    if isinstance(cls, type) and issubclass(cls, IExt) and cls is not IExt:
                        self.instances.append(self._make(cls))
            if not self.instances:
                raise ImportError(
                    f"{self.modules} define no class derived from omni.ext.IExt; import it in __init__.py"
                )
            for instance in self.instances:
                instance.on_startup(self.ext_id)
        except BaseException:
            self._forget()
            raise

    @staticmethod
    def _make(cls: type) -> Any:
        made = cls()
        if "_begun" not in vars(made):
            raise TypeError(
                f"{cls.__name__}.__init__() must call super().__init__(), as omni.ext.IExt is a bound class"
            )
        return made

    def _forget(self) -> None:
        """Takes the modules out, as Kit does before it imports them anew."""
        manager_of(self.kit)._folders.pop(self.ext_id, None)
        manager_of(self.kit)._modules.pop(self.ext_id, None)
        if self._path_added and str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))
        for name in list(sys.modules):
            if any(name == own or name.startswith(f"{own}.") for own in self.modules):
                del sys.modules[name]
        importlib.invalidate_caches()

    def unload(self, updates: int = 3) -> None:
        """``on_shutdown``, a few updates, and then nothing of it may be left.

        Raises:
            AssertionError: something is; says what.
        """
        kept = []
        while self.instances:
            instance = self.instances.pop()
            instance.on_shutdown()
            kept.append((type(instance).__name__, weakref.ref(instance)))
            del instance
        self._forget()
        self.kit.settle(updates)
        self.kit.journal.forget_objects()
        pending = self.kit.pending_tasks()  # a task that nothing but its own future holds would be collected
        gc.collect()
        found = [f"the instance of {name} is still referred to" for name, ref in kept if ref() is not None]
        found += self.leaks()
        found += [text for text in pending if text not in found]
        if found:
            raise AssertionError(f"{self.ext_id} left behind:\n  " + "\n  ".join(found))

    def run_tests(self) -> unittest.TestResult:
        """Runs the extension's own tests (``<module>.tests``), which are written for omni.kit.test.

        Raises:
            AssertionError: one failed, or there is none.
        """
        suite = unittest.TestSuite()
        for name in self.modules:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(f"{name}.tests")))
        result = unittest.TestResult()
        suite.run(result)
        wrong = [f"{test}:\n{text}" for test, text in [*result.failures, *result.errors]]
        if wrong or not result.testsRun:
            raise AssertionError("\n".join(wrong) or f"{self.name} has no tests in {self.modules}")
        return result

    def leaks(self) -> list[str]:
        """What is there now and was not before."""
        settings, alive, paths = self._before
        now_settings, _, now_paths = self._state()
        new = [item for item in self.kit.resources.alive() if id(item.thing) not in alive]
        found = [f"{item.kind} {item.name!r}" for item in new]
        for path in sorted(set(settings) | set(now_settings)):
            if settings.get(path) != now_settings.get(path):
                found.append(f"setting {path} is {now_settings.get(path)!r}, was {settings.get(path)!r}")
        found += [f"sys.path has {path}" for path in now_paths if path not in paths and path != str(self.folder)]
        known = {f"{item.kind} {item.name!r} is still alive" for item in self.kit.resources.alive()}
        return found + [text for text in self.kit.leaks() if text not in known]


def load_extension(kit: Kit, folder: str | Path) -> LoadedExtension:
    """Loads the extension in a folder, and starts it.

    Raises:
        ValueError: its extension.toml names something that this version, or the folder, lacks.
        ImportError: no module, or no class derived from ``omni.ext.IExt``.
    """
    return LoadedExtension(kit, Path(folder))
