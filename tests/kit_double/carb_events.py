"""carb.eventdispatcher and carb.events: who is told what, and the guards that end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import StrictObject, check_callable, check_plain


class Event(StrictObject):
    """What an observer gets."""

    _kit_double = True

    def __init__(self, event_name: str, payload: dict[str, Any]) -> None:
        self._name, self._payload = event_name, payload

    event_name = property(lambda self: self._name)
    payload = property(lambda self: dict(self._payload))

    def get(self, key_name):
        """The payload's value, or None."""
        return self._payload.get(key_name)

    def has_key(self, key_name):
        """Whether the payload has it."""
        return key_name in self._payload

    def __getitem__(self, key_name):
        return self._payload.get(key_name)

    def __contains__(self, key_name):
        return key_name in self._payload

    def __len__(self):
        return len(self._payload)


class ObserverGuard(StrictObject):
    """Ends the observation: by ``reset()``, or when nobody holds it."""

    _kit_double = True

    def __init__(self, kit: Kit, name: str, function: Callable[[Any], Any]) -> None:
        self._kit = kit
        self._function: Callable[[Any], Any] | None = function
        kit.resources.add("event subscription", name, self, weak=True)

    def reset(self):
        """Observes no more."""
        self._function = None
        self._kit.resources.discard(self)


class Observers:
    """Guards by event name, held weakly, called in the order that they asked for."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._rows: list[tuple[int, str, Any, dict[str, Any] | None]] = []

    def observe(self, name: str, order: int, filter: dict[str, Any] | None, guard: ObserverGuard) -> ObserverGuard:
        """Adds a guard."""
        import weakref

        self._rows.append((order, name, weakref.ref(guard), filter))
        self._rows.sort(key=lambda row: row[0])
        return guard

    def send(self, name: str, event: Any, payload: dict[str, Any]) -> int:
        """Calls who observes ``name``; returns how many were called."""
        from .ui._state import state_of

        called = 0
        for _, observed, ref, wanted in list(self._rows):
            guard = ref()
            if observed != name or guard is None or guard._function is None:
                continue
            if wanted and any(payload.get(key) != value for key, value in wanted.items()):
                continue
            called += 1
            state_of(self._kit).call(None, f"the observer of {name}", guard._function, event)
        self._rows = [row for row in self._rows if (guard := row[2]()) is not None and guard._function is not None]
        return called


def observers(kit: Kit) -> Observers:
    """The observers of this installation."""
    if "events" not in kit.state:
        kit.state["events"] = Observers(kit)
    return kit.state["events"]


def dispatch(kit: Kit, name: str, payload: dict[str, Any] | None = None) -> int:
    """Sends an event, as the app or a test does."""
    payload = payload or {}
    return observers(kit).send(name, Event(name, payload), payload)


class IEventDispatcher(StrictObject):
    """Events by name."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def observe_event(self, *, event_name, on_event, observer_name="", order=0, filter=None):
        """Calls ``on_event(event)`` at each event of that name until the guard is reset or dropped."""
        check_plain("observe_event: event_name", event_name, str)
        check_plain("observe_event: observer_name", observer_name, str)
        check_plain("observe_event: order", order, int)
        check_callable("observe_event: on_event", on_event, 1, optional=False)
        guard = ObserverGuard(self._kit, observer_name or event_name, on_event)
        self._kit.journal.add("carb.eventdispatcher.observe_event", {"event_name": event_name})
        return observers(self._kit).observe(event_name, order, filter, guard)

    def dispatch_event(self, event_name, payload=None):
        """Sends an event now; returns how many were told."""
        check_plain("dispatch_event: event_name", event_name, str)
        return dispatch(self._kit, event_name, payload)


@module("carb.eventdispatcher")
def build_dispatcher(kit: Kit) -> dict[str, Any]:
    """Events 2.0."""
    dispatcher = IEventDispatcher(kit)
    name = "carb.eventdispatcher.get_eventdispatcher"
    return {"get_eventdispatcher": kit.function(name, "()", lambda: dispatcher), "Event": Event}


class StreamEvent(StrictObject):
    """What a listener of a stream gets."""

    _kit_double = True

    def __init__(self, type: int, payload: dict[str, Any]) -> None:
        self._type, self._payload = type, payload

    type = property(lambda self: self._type)
    payload = property(lambda self: dict(self._payload))


class EventStream(StrictObject):
    """A stream of Events 1.0."""

    _kit_double = True

    def __init__(self, kit: Kit, name: str) -> None:
        self._kit, self._name = kit, name
        self._observers = Observers(kit)

    def create_subscription_to_pop(self, fn, order=0, name=""):
        """Calls ``fn(event)`` at every event; what is returned must be held."""
        check_callable(f"the listener of {self._name}", fn, 1, optional=False)
        guard = ObserverGuard(self._kit, name or self._name, fn)
        return self._observers.observe(self._name, order, None, guard)

    def create_subscription_to_pop_by_type(self, event_type, fn, order=0, name=""):
        """Calls ``fn(event)`` at events of one type."""
        check_callable(f"the listener of {self._name}", fn, 1, optional=False)
        wanted = int(event_type)
        guard = ObserverGuard(self._kit, name or self._name, fn)
        return self._observers.observe(self._name, order, {"__type": wanted}, guard)

    def _send(self, event_type: int, payload: dict[str, Any]) -> None:
        self._observers.send(self._name, StreamEvent(event_type, payload), {**payload, "__type": event_type})
