"""One installed stand-in: the version it plays, what was called, what is alive, what went wrong, and its clock.

Time is a count of updates. ``tick`` is one update of the app: what was deferred runs, then the listeners of the update,
then whoever awaits it. ``run`` drives a coroutine, an update at a time, and lets threads and subprocesses that it waits
for take their real time. So a test says how many updates something takes, and never how many seconds.
"""

from __future__ import annotations

import asyncio
import enum
import fnmatch
import inspect
import re
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from ._strict import Entry, StrictModule, play, signature_of

VERSIONS = {  # Isaac Sim: the version of Kit under it, and of the app
    "5.1": ("107.3.3+isaac.double", "5.1.0", "3.11"),
    "6.0": ("110.1.2+isaac.double", "6.0.1", "3.12"),
}
MAX_TICKS = 100_000


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a name of the stand-in."""

    order: int
    name: str
    arguments: dict[str, Any]


@dataclass
class Journal:
    """Every call in its order."""

    entries: list[Call] = field(default_factory=list)

    def add(self, name: str, arguments: dict[str, Any]) -> None:
        """Writes a call down."""
        self.entries.append(Call(order=len(self.entries), name=name, arguments=arguments))

    def calls(self, pattern: str = "*") -> list[Call]:
        """The calls whose dotted name fits a shell pattern: ``journal.calls("omni.timeline.*")``."""
        return [call for call in self.entries if fnmatch.fnmatchcase(call.name, pattern)]

    def clear(self) -> None:
        """Forgets what was called so far."""
        self.entries.clear()

    def forget_objects(self) -> None:
        """Keeps of each object its text alone, so that the journal keeps nothing alive."""
        self.entries[:] = [replace(call, arguments=_texts(call.arguments)) for call in self.entries]


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_texts(item) for item in value) if type(value) in (list, tuple) else repr(value)
    return value if value is None or isinstance(value, (bool, int, float, str, enum.Enum)) else repr(value)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Something that its owner must give back before the extension ends."""

    kind: str
    name: str
    thing: Any


class Resources:
    """What is alive: windows, subscriptions, actions, menu items, writers, render products, ..."""

    def __init__(self) -> None:
        self._alive: dict[int, tuple[str, str, Callable[[], Any]]] = {}

    def add(self, kind: str, name: str, thing: Any, *, weak: bool = False) -> None:
        """From now on ``thing`` is alive: until it is given back or, where ``weak``, until nobody holds it."""
        key = id(thing)
        self._alive[key] = (
            kind,
            name,
            weakref.ref(thing, lambda _: self._alive.pop(key, None)) if weak else lambda: thing,
        )

    def discard(self, thing: Any) -> None:
        """``thing`` was given back; giving back twice is no error here."""
        self._alive.pop(id(thing), None)

    def alive(self, kind: str = "*") -> list[Resource]:
        """What is alive of a kind (a shell pattern), oldest first."""
        found = [(k, name, thing()) for k, name, thing in list(self._alive.values()) if fnmatch.fnmatchcase(k, kind)]
        return [Resource(kind=k, name=name, thing=thing) for k, name, thing in found if thing is not None]


class Kit:
    """The stand-in that is installed; tests hold it, the modules are built around it."""

    def __init__(self, version: str, gui: bool) -> None:
        if version not in VERSIONS:
            raise ValueError(f"Isaac Sim {version!r} is not played; played are {', '.join(VERSIONS)}")
        self.version = version
        self.gui = gui
        self.kit_version, self.app_version, self.python_version = VERSIONS[version]
        self.journal = Journal()
        self.resources = Resources()
        self.state: dict[str, Any] = {}  # what a module keeps for this installation, by module name
        self.modules: dict[str, ModuleType] = {}
        self.import_guards: list[Callable[[str], None]] = []
        self.leak_checks: list[Callable[[], list[str]]] = []
        self.on_close: list[Callable[[], Any]] = []  # at the end of the installation
        self.loop = asyncio.new_event_loop()
        self.ticks = 0
        self.on_tick: list[Callable[[], None]] = []  # engines of the stand-in, in the order in which they were added
        self._deferred: list[Callable[[], None]] = []
        self._waiting: dict[str, list[asyncio.Future]] = {"pre_update": [], "update": [], "post_update": []}
        self._faults: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self._thread = threading.get_ident()

    # Building modules -----------------------------------------------------------------------------------------------

    @property
    def is_6(self) -> bool:
        """Whether Isaac Sim 6 is played."""
        return self.version == "6.0"

    def module(self, name: str, contents: dict[str, Any]) -> StrictModule:
        """A module object with these contents."""
        return StrictModule(name, self.version, contents)

    def function(self, name: str, entry: Entry | None, body: Callable[..., Any]) -> Callable[..., Any]:
        """A function under its dotted name: bound to ``entry`` (None: the body's own signature), journaled, played."""
        signature = inspect.signature(body) if entry is None else signature_of(entry)
        return play(name, signature, self._record, body, f"in Isaac Sim {self.version} ")

    def functions(self, prefix: str, bodies: dict[str, tuple[Entry | None, Callable] | Callable]) -> dict[str, Any]:
        """Functions under ``prefix``, by name: a body, or an entry and a body."""
        made = {}
        for name, row in bodies.items():
            entry, body = row if isinstance(row, tuple) else (None, row)
            made[name] = self.function(f"{prefix}.{name}", entry, body)
        return made

    def _record(self, name: str, arguments: dict[str, Any]) -> None:
        self.check_thread(name)
        self.journal.add(name, arguments)

    def check_thread(self, name: str) -> None:
        """Kit's calls belong to the main thread.

        Raises:
            RuntimeError: the caller runs in another one.
        """
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                f"{name} was called from thread {threading.current_thread().name!r}: Kit is not thread-safe"
            )

    # Faults ---------------------------------------------------------------------------------------------------------

    def fault(self, text: str) -> None:
        """What Kit would only log, or never say: the test fails at its end unless it expected this."""
        if not any(pattern.search(text) for pattern in self._expected):
            self._faults.append(text)

    def expect_fault(self, pattern: str) -> None:
        """Faults whose text has ``pattern`` (a regular expression) are part of this test."""
        compiled = re.compile(pattern)
        self._expected.append(compiled)
        self._faults = [text for text in self._faults if not compiled.search(text)]

    @property
    def faults(self) -> tuple[str, ...]:
        """Faults that no one expected."""
        return tuple(self._faults)

    def leaks(self) -> list[str]:
        """What is still alive or was not put back, one line each."""
        found = [f"{item.kind} {item.name!r} is still alive" for item in self.resources.alive()]
        for check in self.leak_checks:
            found.extend(check())
        found.extend(self.pending_tasks())
        return found

    def pending_tasks(self) -> list[str]:
        """Tasks that did not end, one line each."""
        return [f"task {t.get_name()} ({t.get_coro().__qualname__}) is still pending" for t in self._pending()]

    # Time -----------------------------------------------------------------------------------------------------------

    def defer(self, function: Callable[[], None]) -> None:
        """Runs ``function`` at the start of the next update."""
        self._deferred.append(function)

    def tick(self, count: int = 1) -> None:
        """One update of the app, or several, from a test that is no coroutine."""
        self.check_thread("an update")
        for _ in range(count):
            self._update()
            if not self.loop.is_running():
                self._turn()

    def _update(self) -> None:
        self._wake("pre_update")
        deferred, self._deferred = self._deferred, []
        for function in deferred:
            function()
        self.ticks += 1
        for function in list(self.on_tick):
            function()
        self._wake("update")
        self._wake("post_update")

    def _wake(self, phase: str) -> None:
        waiting, self._waiting[phase] = self._waiting[phase], []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _turn(self, wait_s: float = 0.0) -> None:
        """One turn of the event loop; with ``wait_s`` it may sleep that long for a thread or a process."""
        self.loop.run_until_complete(asyncio.sleep(wait_s))

    def next_update(self, phase: str = "update") -> asyncio.Future:
        """A future that the next update's phase completes."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[phase].append(future)
        return future

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine to its end on the app's event loop, an update after each turn.

        Raises:
            RuntimeError: it waits for nothing that can come, after a hundred thousand updates.
        """
        task = self.loop.create_task(coroutine)
        for _ in range(MAX_TICKS):
            self._turn()
            if task.done():
                return task.result()
            idle = not any(self._waiting.values()) and not self._deferred
            self._turn(0.002 if idle else 0.0)
            if task.done():
                return task.result()
            self._update()
        task.cancel()
        self._turn()
        raise RuntimeError(f"{coroutine!r} did not end within {MAX_TICKS} updates")

    def settle(self, updates: int = 3) -> None:
        """A few updates, so that what was deferred or started has run."""
        self.tick(updates)

    def close(self) -> None:
        """Cancels what is pending and closes the loop."""
        for function in self.on_close:
            function()
        for task in list(self._pending()):
            task.cancel()
        self._turn()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def _pending(self) -> Iterator[asyncio.Task]:
        return (task for task in asyncio.all_tasks(self.loop) if not task.done())
