"""When things happen on the way from a sensor to an actuator, as a spec's own draws say it.

Something happens before a sensor. It waits until the sensor samples (a sensor with a ``period`` has a clock; another is
read when the policy asks), travels over a bus, waits for the policy's next tick, and what the policy makes of it
travels as a command until it acts. Every world draws its latency, jitter, losses, phase and exposure under the names
that :class:`~sim2real.signals.SignalPath` and ``CommandPath`` draw under, so that these are their numbers, and so that
signals on one bus are late and get lost together. Episodes are looked at long after their start.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws import Draws
from sim2real.signals.errors import SignalError
from sim2real.signals.plan import stream_name
from sim2real.spec.distributions import Distribution
from sim2real.spec.signals import SignalSpec

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec

COMMANDS = ("action", "command")
"""Signals that go from the policy to an actuator; all others go from a sensor to the policy."""
TIMES = ("latency", "jitter", "dropout", "period", "phase", "exposure")
"""Parts of a signal that say when its data come; its other distributions are errors of the data."""
STAGES = ("sampling", "transport", "waiting", "command")
"""What a path is made of, in order; together they are the time from sensor to actuator."""
FIRST_TICK, TICKS = 1000, 64
"""Control steps of an episode that are looked at: the first, and how many."""
MOST_TRIES = 400
"""Data in a row that may be late or lost before it counts as never."""


@dataclass(frozen=True, eq=False)
class Delays:
    """A delay in many worlds."""

    seconds: np.ndarray
    """One number for each world [s]; infinite where nothing ever arrives."""

    def quantile(self, share: float) -> float | None:
        """Return what a share of the worlds stays within [s]; None for never."""
        found = float(np.quantile(self.seconds, share, method="inverted_cdf"))
        return found if np.isfinite(found) else None

    def to_json(self) -> dict[str, float | None]:
        """Return 5 %, median and 95 % [s]."""
        names = {"p5": 0.05, "median": 0.5, "p95": 0.95}
        return {name: _rounded(self.quantile(share)) for name, share in names.items()}


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How fast policy and physics run."""

    control_hz: float
    """Ticks of the policy [Hz]."""
    physics_hz: float
    """Steps of the physics [Hz]."""
    source: str
    """Who says so."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedPath:
    """One way from a sensor to an actuator."""

    sensor: str | None
    """Signal of the observation; None: what the policy sees is of now."""
    command: str | None
    """Signal of the command; None: it acts at once."""
    sensor_bus: str | None
    """Bus of the observation."""
    command_bus: str | None
    """Bus of the command."""
    period: float | None
    """Period of the sensor's clock [s]; None: it is read when the policy asks."""
    lost: tuple[float, float]
    """Mean probability that a datum of the observation, and of the command, is lost."""
    age: Delays
    """How old what the policy reads at a tick is."""
    stages: dict[str, Delays]
    """By the names of :data:`STAGES`, world by world."""

    @cached_property
    def end_to_end(self) -> Delays:
        """From what happens before the sensor to the first command that answers it."""
        return Delays(np.sum([stage.seconds for stage in self.stages.values()], axis=0))

    @property
    def name(self) -> str:
        """What the path is called."""
        return self.sensor or self.command or "nothing"

    def to_json(self) -> dict[str, Any]:
        """Return the path as data, in seconds."""
        return {
            "sensor": self.sensor,
            "sensor_bus": self.sensor_bus,
            "command": self.command,
            "command_bus": self.command_bus,
            "period": _rounded(self.period),
            "lost": {"observation": _rounded(self.lost[0]), "command": _rounded(self.lost[1])},
            "age": self.age.to_json(),
            "stages": {name: stage.to_json() for name, stage in self.stages.items()},
            "end_to_end": self.end_to_end.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All paths of a spec."""

    rates: Rates
    """How fast policy and physics run."""
    paths: tuple[TimedPath, ...]
    """One for each observation and command, those of one bus beside each other."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as data, in seconds and Hz."""
        rates = {"control_hz": self.rates.control_hz, "physics_hz": self.rates.physics_hz, "from": self.rates.source}
        return {"rates": rates, "paths": [path.to_json() for path in self.paths]}


def rates_of(spec: Spec, step_dt: float | None = None, physics_dt: float | None = None) -> Rates:
    """Return a task's rates, else those that the spec declares, else 50 and 200 Hz.

    Args:
        spec: the spec.
        step_dt: time between two ticks of a task's policy [s].
        physics_dt: physics step of the task [s].
    """
    if step_dt is not None and physics_dt is not None:
        return Rates(control_hz=1.0 / step_dt, physics_hz=1.0 / physics_dt, source="task")
    control, physics = spec.rates.control_hz, spec.rates.physics_hz
    if control is None:
        return Rates(control_hz=50.0, physics_hz=200.0, source="assumed")
    return Rates(control_hz=control, physics_hz=physics or 4.0 * control, source="spec")


def errors_of(signal: SignalSpec) -> list[str]:
    """Return the parts of a signal that change its data."""
    parts = {part.name: getattr(signal, part.name) for part in fields(signal)}
    return [name for name, part in parts.items() if isinstance(part, Distribution) and name not in TIMES]


def make_timeline(spec: Spec, rates: Rates | None = None, worlds: int = 16384) -> Timeline:
    """Return what a spec's signals do to every path.

    Args:
        spec: the spec.
        rates: how fast policy and physics run; None: see :func:`rates_of`.
        worlds: worlds that are drawn.

    Raises:
        SignalError: the spec has no signals.
    """
    if not spec.signals:
        raise SignalError("the spec has no signals: there is nothing between sensor and actuator to show")
    rates = rates or rates_of(spec)
    sampler = _Sampler(spec, rates, worlds)
    names = sorted(spec.signals, key=lambda name: _place(spec, name))
    commands: list[str | None] = [name for name in names if name in COMMANDS] or [None]
    sensors: list[str | None] = [name for name in names if name not in COMMANDS] or [None]
    return Timeline(
        rates=rates, paths=tuple(sampler.path(sensor, command) for sensor in sensors for command in commands)
    )


def _place(spec: Spec, name: str) -> tuple[int, int]:
    """Order signals as they are written, but those of a bus behind its first."""
    names = list(spec.signals)
    bus = spec.signals[name].bus
    first = name if bus is None else next(n for n in names if spec.signals[n].bus == bus)
    return names.index(first), names.index(name)


class _Sampler:
    """Draws worlds, and follows one event through each."""

    def __init__(self, spec: Spec, rates: Rates, worlds: int) -> None:
        self._spec, self._draws, self._worlds = spec, Draws(spec.seed), np.arange(worlds)
        self._step, self._spacing = 1.0 / rates.control_hz, 1.0 / rates.physics_hz
        unit = self._draws.unit("timeline/event", self._worlds)[:, 0].astype(float)
        self._event = (FIRST_TICK + TICKS * unit) * self._step
        """When something happens in each world [s]."""

    def path(self, sensor: str | None, command: str | None) -> TimedPath:
        """Follow the event from a sensor to an actuator."""
        seen = _Signal(self, sensor)
        sent = _Signal(self, command)
        period = seen.period(self._spacing)
        sampling, transport, waiting, tick = self._observe(seen, period)
        stages = (sampling, transport, waiting, self._send(sent, tick))
        return TimedPath(
            sensor=sensor,
            command=command,
            sensor_bus=seen.spec.bus,
            command_bus=sent.spec.bus,
            period=period,
            lost=(float(seen.loss.mean()), float(sent.loss.mean())),
            age=Delays(self._age(seen, period)),
            stages={name: Delays(stage) for name, stage in zip(STAGES, stages, strict=True)},
        )

    def level(self, name: str, dist: Distribution | None) -> np.ndarray:
        """What each world draws for its episode."""
        if dist is None:
            return np.zeros(len(self._worlds))
        return self._draws.sample(name, dist, self._worlds).reshape(len(self._worlds), -1)[:, 0].astype(float)

    def of_datum(self, name: str, dist: Distribution, number: np.ndarray) -> np.ndarray:
        """What each world draws for one datum."""
        drawn = self._draws.sample(name, dist, self._worlds, 0, _numbers(number))
        return drawn.reshape(len(self._worlds), -1)[:, 0].astype(float)

    def unit_of_datum(self, name: str, number: np.ndarray) -> np.ndarray:
        """A number in [0, 1) for one datum of each world."""
        return self._draws.unit(name, self._worlds, 0, _numbers(number))[:, 0]

    def _observe(self, signal: _Signal, period: float | None) -> tuple[np.ndarray, ...]:
        """Sampling, transport and waiting of the datum that tells of the event first [s], and the tick's number."""
        if period is None:
            return self._read(signal)
        datum = signal.first_datum(self._event + signal.middle, period)
        arrival, sample = np.full(len(self._worlds), np.inf), np.full(len(self._worlds), np.inf)
        for _ in range(MOST_TRIES):
            taken = signal.tick(datum, period)
            arrives = np.where(signal.lost(datum), np.inf, taken + signal.delay(datum))
            sample = np.where(arrives < arrival, taken, sample)
            arrival = np.minimum(arrival, arrives)
            if (taken + period + signal.least >= arrival).all():
                break
            datum = datum + 1
        tick = np.ceil(arrival / self._step - 1e-6)
        with np.errstate(invalid="ignore"):
            return sample - self._event, _never(arrival - sample), _never(tick * self._step - arrival), tick

    def _read(self, signal: _Signal) -> tuple[np.ndarray, ...]:
        """The same of a sensor that is read when the policy asks."""
        number = np.ceil((self._event + signal.middle + signal.least) / self._step - 1e-6)
        tick, delay = np.full(len(self._worlds), np.inf), np.full(len(self._worlds), np.inf)
        for _ in range(MOST_TRIES):
            now = signal.delay(number) + signal.middle
            tells = ~signal.lost(number) & (number * self._step - now >= self._event - 1e-9) & ~np.isfinite(tick)
            tick, delay = np.where(tells, number, tick), np.where(tells, now, delay)
            if np.isfinite(tick).all():
                break
            number = number + 1
        with np.errstate(invalid="ignore"):
            waiting = _never(np.maximum(tick * self._step - self._event - delay, 0.0))
        return signal.middle, delay - signal.middle, waiting, tick

    def _age(self, signal: _Signal, period: float | None) -> np.ndarray:
        """How old what is read at a tick is [s]."""
        now = np.floor(self._event / self._step)
        age, back = np.full(len(self._worlds), np.inf), np.zeros(len(self._worlds))
        soonest = now * self._step - signal.least
        datum = now if period is None else signal.first_datum(soonest, period) - (soonest % period > 1e-6 * period)
        for _ in range(MOST_TRIES):
            if period is None:
                found = back * self._step + signal.delay(datum - back)
                here = ~signal.lost(datum - back)
            else:
                taken = signal.tick(datum - back, period)
                found = now * self._step - taken
                here = ~signal.lost(datum - back) & (found - signal.delay(datum - back) >= -1e-9)
            age = np.where(here & ~np.isfinite(age), found + signal.middle, age)
            if np.isfinite(age).all():
                break
            back = back + 1
        return age

    def _send(self, signal: _Signal, tick: np.ndarray) -> np.ndarray:
        """How long after a tick the first command acts that was sent then or later [s]."""
        soonest = np.full(len(self._worlds), np.inf)
        start = np.where(np.isfinite(tick), tick, FIRST_TICK)
        for later in range(MOST_TRIES):
            arrives = later * self._step + signal.delay(start + later)
            soonest = np.minimum(soonest, np.where(signal.lost(start + later), np.inf, arrives))
            if ((later + 1) * self._step + signal.least >= soonest).all():
                break
        return soonest


class _Signal:
    """What the worlds draw of a signal."""

    def __init__(self, sampler: _Sampler, name: str | None) -> None:
        self.spec: SignalSpec = SignalSpec() if name is None else sampler._spec.signals[name]
        self._sampler, self._name = sampler, name or ""
        self._latency = sampler.level(self._stream("latency"), self.spec.latency)
        self.loss = sampler.level(self._stream("dropout"), self.spec.dropout)
        """Probability of a loss in each world."""
        self.middle = 0.5 * sampler.level(self._stream("exposure"), self.spec.exposure)
        """From the middle of the exposure to its end [s]."""
        self._phase = sampler.level(self._stream("phase"), self.spec.phase)
        slack = 0.0 if self.spec.jitter is None else min(self.spec.jitter.bounds()[0])
        self.least = np.maximum(self._latency + slack, 0.0)
        """Shortest delay in each world [s]."""

    def _stream(self, part: str) -> str:
        return stream_name(self._name, part, self.spec.bus)

    def period(self, spacing: float) -> float | None:
        """Period of the sensor's clock; what is held is what the simulation sampled last."""
        if self.spec.period is not None:
            return float(self.spec.period.bounds()[0][0])
        return spacing if self.spec.reading == "hold" else None

    def _start(self, period: float) -> np.ndarray:
        return np.where(self._phase > 1e-4 * period, self._phase, period)

    def tick(self, datum: np.ndarray, period: float) -> np.ndarray:
        """When the clock takes a datum [s]; datum 1 is its first."""
        return self._start(period) + (datum - 1) * period

    def first_datum(self, time: np.ndarray, period: float) -> np.ndarray:
        """The first datum that is taken at a time or later."""
        return np.ceil((time - self._start(period)) / period - 1e-6) + 1

    def delay(self, datum: np.ndarray) -> np.ndarray:
        """Delay of a datum [s]."""
        if self.spec.jitter is None:
            return self._latency
        jitter = self._sampler.of_datum(f"{self._stream('jitter')}/sample", self.spec.jitter, datum)
        return np.maximum(self._latency + jitter, 0.0)

    def lost(self, datum: np.ndarray) -> np.ndarray:
        """Whether a datum is lost."""
        if self.spec.dropout is None:
            return np.zeros(len(self.loss), bool)
        return self._sampler.unit_of_datum(f"{self._stream('dropout')}/sample", datum) < self.loss


def _numbers(data: np.ndarray) -> np.ndarray:
    """Numbers of data as counters; before an episode's first lies the first."""
    return np.maximum(data, 0).astype(np.int64)


def _never(seconds: np.ndarray) -> np.ndarray:
    """Say `infinite` for what is neither finite nor a number."""
    return np.where(np.isfinite(seconds), seconds, np.inf)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
