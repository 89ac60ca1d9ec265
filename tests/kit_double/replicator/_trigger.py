"""rep.trigger: when the nodes below run."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from ._nodes import Trigger
from ._rep import Rep
from ._usd import is_number


def contents(rep: Rep) -> dict[str, Any]:
    """The module's functions."""

    def on_frame(interval: int, num_frames: int, name: str, rt_subframes: int, max_execs: int) -> Trigger:
        if num_frames:
            rep.warn("trigger.on_frame(num_frames=) is deprecated; use max_execs", fault=True)
        if type(interval) is not int or interval < 1:
            raise ValueError(f"trigger.on_frame: interval must be 1 or more frames, got {interval!r}")
        frames = iter(range(10**9))
        return Trigger(rep, "on_frame", lambda: next(frames) % interval == 0, max_execs or num_frames, rt_subframes)

    def timed(kind: str) -> Callable[..., Trigger]:
        def on(interval: Any, name: str, rt_subframes: int, enable_capture_on_play: bool, max_execs: int, **more: Any):
            if not is_number(interval) or interval <= 0:
                raise ValueError(f"trigger.{kind}: interval must be above 0 s, got {interval!r}")
            if more.get("num"):
                rep.warn(f"trigger.{kind}(num=) is deprecated; use max_execs", fault=True)
            if enable_capture_on_play:
                rep.orchestrator.set_capture_on_play(True)
            state = {"next": 0.0 if kind == "on_time" else float(interval)}

            def fires() -> bool:
                now = float(rep.timeline().get_current_time())
                if now + 1e-9 < state["next"]:
                    return False
                state["next"] += float(interval)
                return True

            return Trigger(rep, kind, fires, max_execs or more.get("num") or 0, rt_subframes)

        return on

    def on_custom_event(event_name: str) -> Trigger:
        if not isinstance(event_name, str) or not event_name:
            raise TypeError(f"trigger.on_custom_event takes a name, got {event_name!r}")
        return Trigger(rep, "on_custom_event", lambda: event_name in rep.graph.events)

    def on_condition(condition: Any, max_execs: int, rt_subframes: int) -> Trigger:
        fires = from_source(condition)
        return Trigger(rep, "on_condition", fires, max_execs, rt_subframes)

    def on_key_press(key: Any, modifier: Any, name: str | None) -> Trigger:
        return Trigger(rep, "on_key_press", lambda: f"key:{key}" in rep.graph.events)

    return rep.functions(
        "trigger",
        {
            "on_frame": on_frame,
            "on_time": timed("on_time"),
            "on_time_end": timed("on_time_end"),
            "on_custom_event": on_custom_event,
            "on_condition": on_condition,
            "on_key_press": on_key_press,
        },
    )


def from_source(function: Any) -> Callable[[], bool]:
    """A condition as Replicator keeps it: its source text alone, so that what it closes over is gone.

    Raises:
        TypeError: no function, or one without source, such as a lambda.
    """
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise TypeError(f"a condition is a plain function with source, got {function!r}")
    text = textwrap.dedent(inspect.getsource(function))
    namespace: dict[str, Any] = {}
    exec(compile(text, f"<condition {function.__name__}>", "exec", dont_inherit=True), namespace)  # noqa: S102
    return lambda: bool(namespace[function.__name__]())
