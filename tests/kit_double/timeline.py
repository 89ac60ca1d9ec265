"""omni.timeline: play, pause and stop, which show after ``commit()`` or at the next update."""

from __future__ import annotations

from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import BoundEnum, StrictObject, check_plain
from .carb_events import EventStream, dispatch

EVENTS = {
    "PLAY": "omni.timeline:play",
    "PAUSE": "omni.timeline:pause",
    "STOP": "omni.timeline:stop",
    "CURRENT_TIME_TICKED": "omni.timeline:current_time_ticked",
}


class TimelineEventType(BoundEnum):
    """Events of the stream."""

    PLAY = 0
    PAUSE = 1
    STOP = 2
    CURRENT_TIME_TICKED = 4


class Timeline(StrictObject):
    """The app's time line."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._state = "stop"
        self._asked: list[str] = []
        self._time, self._rate = 0.0, 60.0
        self._start, self._end, self._looping = 0.0, 100.0 / 60.0, True
        self._stream = EventStream(kit, "the timeline's event stream")
        kit.on_tick.append(self._update)

    def _ask(self, what: str) -> None:
        self._kit.check_thread(f"timeline.{what}")
        self._kit.journal.add(f"omni.timeline.{what}", {})
        self._asked.append(what)

    def play(self):
        """Asks to play."""
        self._ask("play")

    def pause(self):
        """Asks to pause."""
        self._ask("pause")

    def stop(self):
        """Asks to stop, and to go back to the start."""
        self._ask("stop")

    def commit_silently(self):
        """What was asked for holds now, and nobody is told."""
        self._commit(tell=False)

    def commit(self):
        """What was asked for holds now."""
        self._commit(tell=True)

    def _commit(self, tell: bool) -> None:
        asked, self._asked = self._asked, []
        for what in asked:
            if what != self._state and not (what == "pause" and self._state == "stop"):
                self._state = what
                if what == "stop":
                    self._time = self._start
                if tell:
                    self._tell(what.upper())

    def _tell(self, event: str) -> None:
        dispatch(self._kit, EVENTS[event], {"currentTime": self._time})
        self._stream._send(int(TimelineEventType[event]), {"currentTime": self._time})

    def _update(self) -> None:
        self.commit()
        if self._state == "play":
            self._time += 1.0 / self._rate
            self._tell("CURRENT_TIME_TICKED")

    def is_playing(self):
        """Whether it plays."""
        return self._state == "play"

    def is_stopped(self):
        """Whether it is stopped, not paused."""
        return self._state == "stop"

    def get_current_time(self):
        """Seconds."""
        return self._time

    def set_current_time(self, time):
        """Seconds."""
        self._time = float(check_plain("set_current_time: time", time, (int, float)))

    def get_time_codes_per_seconds(self):
        """Time codes of a second."""
        return self._rate

    get_time_codes_per_second = get_time_codes_per_seconds

    def set_time_codes_per_second(self, time_codes_per_second):
        """Time codes of a second."""
        self._rate = float(check_plain("time_codes_per_second", time_codes_per_second, (int, float)))

    def get_start_time(self):
        """Seconds."""
        return self._start

    def set_start_time(self, start_time):
        """Seconds."""
        self._start = float(check_plain("set_start_time: start_time", start_time, (int, float)))

    def get_end_time(self):
        """Seconds."""
        return self._end

    def set_end_time(self, end_time):
        """Seconds."""
        self._end = float(check_plain("set_end_time: end_time", end_time, (int, float)))

    def is_looping(self):
        """Whether it begins anew at its end."""
        return self._looping

    def set_looping(self, looping):
        """Whether it begins anew at its end."""
        self._looping = check_plain("set_looping: looping", looping, bool)

    def get_timeline_event_stream(self):
        """Events 1.0."""
        return self._stream


def timeline_of(kit: Kit) -> Timeline:
    """The time line of an installation."""
    if "omni.timeline" not in kit.state:
        kit.state["omni.timeline"] = Timeline(kit)
    return kit.state["omni.timeline"]


@module("omni.timeline")
def build(kit: Kit) -> dict[str, Any]:
    """One time line; Events 2.0 have names in 6.0 alone."""
    timeline = timeline_of(kit)
    contents: dict[str, Any] = {
        "get_timeline_interface": kit.function("omni.timeline.get_timeline_interface", "()", lambda: timeline),
        "TimelineEventType": TimelineEventType,
    }
    if kit.is_6:
        contents |= {f"GLOBAL_EVENT_{name}": value for name, value in EVENTS.items()}
    return contents
