"""A channel between env and policy: data come later, get lost, carry an error. One for actions, one for observations.

Whatever a channel does is a pure function of the spec's seed, the world, the episode and the step, so that an episode
can be run again. Latencies are in seconds and become whole steps, the nearest; no datum crosses episodes. Errors apply
to the floats of a datum, one after another; pictures and whole numbers pass as they are.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import fields
from typing import Any

import numpy as np

from sim2real.draws.sampler import Draws
from sim2real.gym.errors import GymError
from sim2real.spec.distributions import Distribution, Normal, Uniform
from sim2real.spec.signals import SignalSpec

APPLIED = ("latency", "dropout", "on_dropout", "bias", "white", "relative", "quantum")
"""Parts of a signal that a channel applies; any other is refused."""
ERRORS = ("bias", "white", "relative", "quantum")
"""Parts that change the floats of a datum."""
AHEAD = 64
"""Steps whose random numbers are made at once."""
ABOUT = ("unit", "bus", "provenance")
"""Parts of a signal that say something about the others."""


class Channel:
    """Delay, loss and error of a datum on its way."""

    def __init__(self, name: str, signal: SignalSpec, space: Any, *, seed: int, step_dt: float) -> None:
        """Check that the signal means something for data of this space.

        Args:
            name: the signal's name in the spec.
            signal: what is uncertain.
            space: Gymnasium space of the data; what leaves the channel lies in it.
            seed: the spec's.
            step_dt: time between two data [s].

        Raises:
            GymError: a part of the signal that cannot be applied to these data.
        """
        self.name, self.signal, self.space, self.step_dt = name, signal, space, step_dt
        self._draws = Draws(seed)
        self._check()
        self._queue: deque[Any] = deque()
        self._last: Any = None
        self._lag = 0
        self._world = self._episode = self._count = 0
        self._levels: dict[str, np.ndarray] = {}
        self._ahead: dict[str, np.ndarray] = {}

    @property
    def lag(self) -> int:
        """Delay of this episode, in steps."""
        return self._lag

    def _check(self) -> None:
        default = SignalSpec()
        for part in fields(SignalSpec):
            given = getattr(self.signal, part.name)
            if part.name not in (*APPLIED, *ABOUT) and given != getattr(default, part.name):
                raise GymError(
                    f"signals.{self.name}.{part.name}: the Gymnasium wrapper does not apply it; it applies "
                    f"{', '.join(APPLIED)}. Remove it from the spec for this env."
                )
        size = sum(box.size for box in _floats(self.space, _template(self.space)))
        for part_name in ERRORS:
            dist: Distribution | None = getattr(self.signal, part_name)
            if dist is not None and not size:
                raise GymError(f"signals.{self.name}.{part_name}: the data have no floats that it could change")
            if dist is not None and dist.dim not in (1, size):
                raise GymError(
                    f"signals.{self.name}.{part_name}: has {dist.dim} components and the data have {size} floats; "
                    "give one for all, or one for each"
                )

    def begin(self, world: int, episode: int, first: Any) -> None:
        """Start an episode; `first` stands for every datum before it."""
        self._world, self._episode, self._count = world, episode, 0
        signal, bus = self.signal, self.signal.bus
        stream = f"signals.{self.name}.latency" if bus is None else f"bus.{bus}.latency"
        latency = self._drawn(stream, signal.latency)
        self._lag = 0 if latency is None else round(float(latency[0]) / self.step_dt)
        self._levels = {}
        self._ahead = {}
        for part in ("dropout", *ERRORS):
            value = self._drawn(f"signals.{self.name}.{part}", getattr(signal, part))
            if value is not None:
                self._levels[part] = value.astype(np.float64)
        self._last = copy.deepcopy(first)
        self._queue = deque([self._last] * self._lag)

    def pass_on(self, datum: Any) -> Any:
        """What arrives now, when `datum` is sent now; a new object that is the receiver's own."""
        self._queue.append(copy.deepcopy(datum))
        arrived = self._queue.popleft()
        lost = "dropout" in self._levels and self._now("lost", Uniform(0.0, 1.0), 1)[0] < self._levels["dropout"][0]
        if lost:
            arrived = _zeros(self._last) if self.signal.on_dropout == "zero" else self._last
        else:
            self._last = arrived
        received = copy.deepcopy(arrived)
        if any(part in self._levels for part in ERRORS):
            received = self._disturb(received)
        self._count += 1
        return received

    def _disturb(self, datum: Any) -> Any:
        leaves = _floats(self.space, datum)
        size, start = sum(leaf.size for leaf in leaves), 0
        error, factor = np.zeros(size), np.ones(size)
        if "bias" in self._levels:
            error += self._levels["bias"]
        if "white" in self._levels:
            error += self._levels["white"] * self._now("noise", Normal(0.0, 1.0), size)
        if "relative" in self._levels:
            factor += self._levels["relative"] * self._now("relative_noise", Normal(0.0, 1.0), size)
        for leaf in leaves:
            part = slice(start, start + leaf.size)
            value = leaf.astype(np.float64) * factor[part].reshape(leaf.shape) + error[part].reshape(leaf.shape)
            if "quantum" in self._levels:
                step = np.broadcast_to(self._levels["quantum"], size)[part].reshape(leaf.shape)
                value = np.where(step > 0.0, np.round(value / np.where(step > 0.0, step, 1.0)) * step, value)
            leaf[...] = value
            start += leaf.size
        return _inside(self.space, datum)

    def _drawn(self, stream: str, dist: Distribution | None) -> np.ndarray | None:
        if dist is None:
            return None
        return self._draws.sample(stream, dist, self._world, self._episode, 0, 1).reshape(-1)

    def _now(self, what: str, dist: Distribution, size: int) -> np.ndarray:
        """This step's numbers of a stream, float64 (size,); the step's number is the occurrence."""
        if what not in self._ahead or self._count % AHEAD == 0:
            steps = np.arange(AHEAD) + self._count // AHEAD * AHEAD
            worlds = np.full(AHEAD, self._world)
            drawn = self._draws.sample(f"signals.{self.name}.{what}", dist, worlds, self._episode, steps, size)
            self._ahead[what] = drawn.reshape(AHEAD, size).astype(np.float64)
        return self._ahead[what][self._count % AHEAD]


def neutral(space: Any) -> Any:
    """The action that stands for 'nothing arrived yet': zero, or what of the space is nearest to it."""
    return _inside(space, _zeros(_template(space)))


def _template(space: Any) -> Any:
    """A datum of the space's form, with whatever numbers."""
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        return np.zeros(space.shape, dtype=space.dtype)
    if isinstance(space, spaces.Dict):
        return {key: _template(part) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_template(part) for part in space.spaces)
    raise GymError(f"a space of {type(space).__name__} is not known here; known are Box, and Dict and Tuple of them")


def _floats(space: Any, datum: Any) -> list[np.ndarray]:
    """The float arrays of a datum, in the space's order; writing into them writes into the datum."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return [leaf for key, part in space.spaces.items() for leaf in _floats(part, datum[key])]
    if isinstance(space, spaces.Tuple):
        return [leaf for part, value in zip(space.spaces, datum, strict=True) for leaf in _floats(part, value)]
    return [datum] if np.issubdtype(datum.dtype, np.floating) else []


def _zeros(datum: Any) -> Any:
    if isinstance(datum, dict):
        return {key: _zeros(value) for key, value in datum.items()}
    if isinstance(datum, tuple):
        return tuple(_zeros(value) for value in datum)
    return np.zeros_like(datum)


def _inside(space: Any, datum: Any) -> Any:
    """The datum with its arrays clipped to the space's bounds."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return {key: _inside(part, datum[key]) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(_inside(part, value) for part, value in zip(space.spaces, datum, strict=True))
    return np.clip(datum, space.low, space.high).astype(space.dtype)
