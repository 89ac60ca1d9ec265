"""How much of a spec acts, from nothing to all of it, set from outside while a training runs.

Three levels from 0 to 1: `physics` opens the ranges of the terms about their nominal values, `noise` scales what errors
of signals each world drew for its episode, `delay` its latency and how often data are lost. What is drawn stays the
same. Jitter, clocks and saturation have no level and act from the start. A level counts for episodes that begin after
it was set; the very first observation of a training comes before it.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError
from sim2real.lab.randomization import randomization_of
from sim2real.lab.signals_terms import signal_paths
from sim2real.signals import error_plan

if TYPE_CHECKING:
    import torch

LEVELS = ("physics", "noise", "delay")
"""The levels by name."""
NAME = "sim2real_levels"
"""Name of the event that applies levels, between resets and observations."""
NOISE = tuple(part for part in error_plan.LEVELS if not part.startswith("saturation"))
"""Draws of a signal that `noise` scales."""
DELAY = ("latency", "dropout")
"""Draws of a signal that `delay` scales."""
_OF: weakref.WeakKeyDictionary[Any, Levels] = weakref.WeakKeyDictionary()


def add_levels(cfg: Any) -> None:
    """Let the levels of a task be set; call it after the spec's events are in its configuration."""
    from isaaclab.managers import EventTermCfg

    term = EventTermCfg(func=step, mode="interval", interval_range_s=(0.0, 0.0), is_global_time=True)
    if isinstance(cfg.events, dict):
        cfg.events[NAME] = term
    else:
        setattr(cfg.events, NAME, term)


def levels_of(env: Any) -> Levels:
    """Return the levels of an environment; all are 1 until they are set.

    Raises:
        Sim2RealError: nobody applies them there.
    """
    env = env.unwrapped
    if NAME not in env.event_manager.active_terms.get("interval", []):
        raise Sim2RealError("the environment has no levels; call sim2real.lab.levels.add_levels(cfg) before it is made")
    found = _OF.get(env)
    if found is None:
        found = _OF[env] = Levels(env)
    return found


def step(env: Any, env_ids: Any) -> None:
    """Apply the levels to episodes that have begun since the last step."""
    levels_of(env).apply()


class Levels:
    """The levels of one environment."""

    def __init__(self, env: Any) -> None:
        """Begin with all of the spec."""
        self._env = weakref.proxy(env)
        self.noise = self.delay = self.physics = 1.0
        self._seen: dict[str, torch.Tensor] = {}

    def set(self, *, physics: float, noise: float, delay: float) -> None:
        """Set the levels for the episodes that begin from now on.

        Raises:
            Sim2RealError: a level is not in [0, 1], or the spec has a curriculum of its own.
        """
        given = {"physics": physics, "noise": noise, "delay": delay}
        for name, value in given.items():
            if not 0.0 <= value <= 1.0:
                raise Sim2RealError(f"level '{name}' is {value}; give a number from 0 to 1")
        randomization_of(self._env).curriculum.open_to(physics)
        self.physics, self.noise, self.delay = physics, noise, delay

    def apply(self) -> None:
        """Scale what the worlds drew for their signals whose episodes have begun since the last call."""
        import torch
        import warp as wp

        for place, path in signal_paths(self._env).items():
            episodes = wp.to_torch(path.episodes)
            seen = self._seen.get(place)
            if seen is None:
                seen = self._seen[place] = torch.full_like(episodes, -1)
            begun = (episodes != seen)[:, None]
            seen.copy_(episodes)
            for level, parts in ((self.noise, NOISE), (self.delay, DELAY)):
                if level == 1.0:
                    continue
                for part in parts:
                    if getattr(path.signal, part, None) is not None:
                        values = wp.to_torch(path.values(part))
                        values.copy_(torch.where(begun, values * level, values))


__all__ = ["DELAY", "LEVELS", "NAME", "NOISE", "Levels", "add_levels", "levels_of"]
