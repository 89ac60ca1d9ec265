"""The glue to Isaac Lab: starting it without Kit, and events, observations, recorders and curricula from a spec.

import sim2real.lab

cfg.events = sim2real.lab.events("spec.yaml")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.lab.build_scene import build
    from sim2real.lab.checkpoint import keep_in_checkpoints, restore, state_of
    from sim2real.lab.draw_recorder import recorder
    from sim2real.lab.engine import engine_of
    from sim2real.lab.event_terms import events
    from sim2real.lab.observations import drawn, privileged
    from sim2real.lab.randomization import diverged, randomization_of
    from sim2real.lab.ranges import curriculum
    from sim2real.lab.signals_cfg import apply_signals
    from sim2real.lab.signals_state import drawn_signals, privileged_signals, restore_signals, signal_state
    from sim2real.lab.signals_terms import signal_paths

_HOME = {
    "apply_signals": "signals_cfg",
    "build": "build_scene",
    "curriculum": "ranges",
    "diverged": "randomization",
    "drawn": "observations",
    "drawn_signals": "signals_state",
    "engine_of": "engine",
    "events": "event_terms",
    "keep_in_checkpoints": "checkpoint",
    "privileged": "observations",
    "privileged_signals": "signals_state",
    "randomization_of": "randomization",
    "recorder": "draw_recorder",
    "restore": "checkpoint",
    "restore_signals": "signals_state",
    "signal_paths": "signals_terms",
    "signal_state": "signals_state",
    "state_of": "checkpoint",
}

__all__ = [
    "apply_signals", "build", "curriculum", "diverged", "drawn", "drawn_signals", "engine_of", "events",
    "keep_in_checkpoints", "privileged", "privileged_signals", "randomization_of", "recorder", "restore",
    "restore_signals", "signal_paths", "signal_state", "state_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import what is asked for: Isaac Lab takes seconds to import, and starting it must not wait for all of this."""
    if name not in _HOME:
        raise AttributeError(f"module 'sim2real.lab' has no attribute '{name}'; there are {', '.join(__all__)}")
    return getattr(import_module(f"sim2real.lab.{_HOME[name]}"), name)
