"""What a randomizer has to remember: counters, timers and moved bounds. Draws are functions of these.

A state belongs to global worlds: it may be taken up by a process that holds only a part of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.engine import EngineError

if TYPE_CHECKING:
    from sim2real.engines.randomizer import Randomizer

VERSION = 1
"""Version of the state's form."""


def _arrays(randomizer: Randomizer) -> dict[str, Any]:
    """Return the arrays that have a row for each world."""
    timers = randomizer.timers
    return {
        "resets": randomizer.resets,
        "episode": randomizer.episode,
        "occurrence": randomizer.occurrence,
        "boundary": randomizer.boundary,
        "countdown": timers.countdown,
        "left": timers.left,
    }


def state_of(randomizer: Randomizer) -> dict[str, Any]:
    """Return the state as plain data and NumPy arrays."""
    return {
        "version": VERSION,
        "digest": randomizer.spec.digest,
        "first_world": randomizer.first_world,
        "num_worlds": randomizer.num_worlds,
        "streams": [stream.name for stream in randomizer.bank.streams],
        "part": randomizer.part,
        "bounds": {name: randomizer.bounds(name) for name in randomizer.adr_terms},
        "worlds": {name: array.numpy().copy() for name, array in _arrays(randomizer).items()},
    }


def restore(randomizer: Randomizer, state: dict[str, Any]) -> None:
    """Take up a state.

    Raises:
        EngineError: it is of another spec or form, or lacks some of this process's worlds.
    """
    if state.get("version") != VERSION:
        raise EngineError(f"state of a randomizer: version {state.get('version')!r}; this code reads {VERSION}")
    if state["digest"] != randomizer.spec.digest:
        raise EngineError(
            f"state of a randomizer: it belongs to the spec {state['digest'][:12]}, and this one is"
            f" {randomizer.spec.digest[:12]}; resume with the spec that the run began with"
        )
    if state["streams"] != [stream.name for stream in randomizer.bank.streams]:
        raise EngineError("state of a randomizer: other terms are drawn here; resume on the engine that the run used")
    start = randomizer.first_world - state["first_world"]
    stop = start + randomizer.num_worlds
    if start < 0 or stop > state["num_worlds"]:
        last = randomizer.first_world + randomizer.num_worlds - 1
        has = f"{state['first_world']} to {state['first_world'] + state['num_worlds'] - 1}"
        raise EngineError(
            f"state of a randomizer: it holds the worlds {has}, and this process has {randomizer.first_world} to {last}"
        )
    for name, array in _arrays(randomizer).items():
        saved = np.asarray(state["worlds"][name], np.int32)[start:stop]
        if saved.shape != array.shape:
            raise EngineError(f"state of a randomizer: {name} has shape {saved.shape}; it must be {array.shape}")
        if saved.size:
            array.assign(np.ascontiguousarray(saved))
    randomizer.set_range(state["part"])
    for name, (low, high) in state["bounds"].items():
        randomizer.set_bounds(name, low, high)
