"""A strict stand-in for Kit, omni.ui, Replicator and Isaac Sim's Python modules, in plain CPython.

    with kit_double.installed("5.1") as kit:
        import omni.ui as ui
        ...
        assert kit.journal.calls("omni.timeline.*")

It accepts what the tables in ``data/`` list for the version that it plays and nothing else: an unknown module, name,
keyword, type, state or order raises. It is stricter than Kit, which drops unknown omni.ui keywords silently.
README.md says how a module is registered, and what a green test does not show.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ._kit import VERSIONS, Call, Journal, Kit
from ._modules import ROOTS, Finder, load_builders, module, names_of, real_kit
from ._strict import Opaque, StrictModule, StrictObject, bind, check_callable, check_plain, nearest, signature_of
from .carb_events import dispatch
from .extensions import LoadedExtension, load_extension
from .kit_app import take_extension_away
from .kit_menu import click_menu, is_ticked
from .kit_services import cancel_picker, choose, notifications, open_picker
from .ui._window import find_window
from .ui.tree import panel_problems, tree_text, widgets_of

__all__ = [
    "VERSIONS",
    "Call",
    "Journal",
    "Kit",
    "LoadedExtension",
    "Opaque",
    "StrictModule",
    "StrictObject",
    "bind",
    "cancel_picker",
    "check_callable",
    "check_plain",
    "choose",
    "click_menu",
    "current",
    "dispatch",
    "find_window",
    "install",
    "installed",
    "is_ticked",
    "load_extension",
    "module",
    "names_of",
    "nearest",
    "notifications",
    "open_picker",
    "panel_problems",
    "signature_of",
    "take_extension_away",
    "tree_text",
    "uninstall",
    "widgets_of",
]

_current: Kit | None = None
_finder: Finder | None = None
_stashed: dict[str, ModuleType] = {}
_before: frozenset[str] = frozenset()


def current() -> Kit:
    """The stand-in that is installed.

    Raises:
        RuntimeError: none is.
    """
    if _current is None:
        raise RuntimeError("no Kit stand-in is installed; use kit_double.installed(version)")
    return _current


def install(version: str = "5.1", *, gui: bool = True) -> Kit:
    """Puts the stand-in in front of Python's importer.

    Args:
        version: Isaac Sim's, ``"5.1"`` or ``"6.0"``.
        gui: Whether the app has a window: Replicator's synchronous steps raise there.

    Raises:
        RuntimeError: one is installed already, or a real Kit can be imported: then test on that.
    """
    global _current, _finder, _before
    if _current is not None:
        raise RuntimeError(f"a stand-in for Isaac Sim {_current.version} is installed already; uninstall() it first")
    if (where := real_kit()) is not None:
        raise RuntimeError(f"a real Kit is importable from {where}: these tests must run against it, not a stand-in")
    load_builders()
    _before = frozenset(sys.modules)
    for name in [name for name in sys.modules if name.partition(".")[0] in ROOTS]:
        _stashed[name] = sys.modules.pop(name)  # PyPI's omni.client, where Isaac Lab imported it
    kit = Kit(version, gui)
    _finder = Finder(kit)
    sys.meta_path.insert(0, _finder)
    asyncio.set_event_loop(kit.loop)
    _current = kit
    return kit


def uninstall() -> None:
    """Takes the stand-in away, with every module that was imported meanwhile and holds a piece of it."""
    global _current, _finder
    if _current is None or _finder is None:
        raise RuntimeError("no Kit stand-in is installed")
    try:
        _current.close()
    finally:
        sys.meta_path.remove(_finder)
        for name in _holders() | {name for name in sys.modules if name.partition(".")[0] in ROOTS}:
            sys.modules.pop(name, None)
        sys.modules.update(_stashed)
        _stashed.clear()
        asyncio.set_event_loop(None)
        _current = _finder = None


def _holders() -> set[str]:
    """Modules that came while the stand-in was there and belong to a package that uses it."""
    new = set(sys.modules) - _before
    roots = set()
    for name in new:
        values = list(vars(sys.modules[name]).values()) if name.partition(".")[0] not in ROOTS else []
        if any(isinstance(value, StrictModule) or getattr(value, "_kit_double", False) is True for value in values):
            roots.add(name.partition(".")[0])
    # The stand-in's own package, and test packages that were there before, stay.
    roots -= {name.partition(".")[0] for name in _before} | {"kit_double"}
    return {name for name in new if name.partition(".")[0] in roots}


@contextmanager
def installed(version: str = "5.1", *, gui: bool = True, leaks: bool = True) -> Iterator[Kit]:
    """The stand-in for the length of a block.

    Args:
        version: Isaac Sim's, ``"5.1"`` or ``"6.0"``.
        gui: Whether the app has a window.
        leaks: Whether what is still alive at the end is a fault.

    Raises:
        AssertionError: at the end, when there was a fault that the test did not expect, or a leak.
    """
    kit = install(version, gui=gui)
    try:
        yield kit
        kit.settle()
        kit.journal.forget_objects()
        if leaks and kit.leaks():
            gc.collect()  # what only a cycle keeps is no leak
        found = [*kit.faults, *(kit.leaks() if leaks else [])]
        if found:
            raise AssertionError(f"the stand-in for Isaac Sim {version} found:\n  " + "\n  ".join(found))
    finally:
        uninstall()
