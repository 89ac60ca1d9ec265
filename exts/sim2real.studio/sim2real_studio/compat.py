"""What differs between Kit 107 (Isaac Sim 5.1) and Kit 110 (6.x), in one place: found by looking, not by number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import omni.timeline


def on_stop(act: Callable[[], None]) -> Any:
    """Call `act` whenever the timeline is stopped; give what is returned to :func:`unsubscribe`."""
    if hasattr(omni.timeline, "GLOBAL_EVENT_STOP"):  # kit: 6.0
        import carb.eventdispatcher

        return carb.eventdispatcher.get_eventdispatcher().observe_event(
            observer_name="sim2real.studio.stop",
            event_name=omni.timeline.GLOBAL_EVENT_STOP,  # kit: 6.0
            on_event=lambda event: act(),
        )
    stop = int(omni.timeline.TimelineEventType.STOP)
    stream = omni.timeline.get_timeline_interface().get_timeline_event_stream()
    return stream.create_subscription_to_pop(lambda event: act() if event.type == stop else None)


def unsubscribe(subscription: Any) -> None:
    """End a subscription of either kind; dropping the last reference ends the one of 5.1."""
    if hasattr(subscription, "reset"):
        subscription.reset()
    elif hasattr(subscription, "unsubscribe"):
        subscription.unsubscribe()


def open_with_desktop(path: Path) -> None:
    """Open a file or folder with the desktop's own program.

    Raises:
        ImportError: this Kit has no helper for it.
    """
    from omni.kit.window.extensions.utils import open_file_using_os_default

    open_file_using_os_default(str(path))
