"""The signals in NumPy, one world and one sample after another, written from their definition."""

import numpy as np

from sim2real.draws import Draws
from sim2real.spec.distributions import Normal, Uniform


class Reference:
    """What one world's policy reads, or what acts on it, in double precision."""

    def __init__(self, spec, name, size, step_dt, world, episode, substeps=1):
        self.signal, self.name, self.size, self.step_dt = spec.signals[name], name, size, step_dt
        self.world, self.episode, self.substeps = world, episode, substeps
        self.draws = Draws(spec.seed)
        self.sent, self.arrivals, self.walked, self.out = [], [], np.zeros(size), np.zeros(size)
        self.times, self.truth, self.between = [], [], step_dt

    def key(self, part):
        """The name of a part's draws."""
        shared = self.signal.bus is not None and part in ("latency", "jitter", "dropout")
        return f"bus/{self.signal.bus}/{part}" if shared else f"signals/{self.name}/{part}"

    def level(self, part, otherwise=0.0):
        """What the episode drew."""
        dist = getattr(self.signal, part)
        if dist is None:
            return np.full(self.size, otherwise)
        count = self.size if part in ("bias", "scale") and dist.dim == 1 else 1
        drawn = self.draws.sample(self.key(part), dist, self.world, self.episode, 0, count).reshape(-1)
        return np.broadcast_to(drawn.astype(float), self.size)

    def now(self, part, dist, count):
        """What a sample drew."""
        return self.draws.sample(f"{self.key(part)}/sample", dist, self.world, self.episode, len(self.sent), count)[0]

    def delay(self):
        """The sample's delay [s]."""
        jitter = 0.0 if self.signal.jitter is None else float(self.now("jitter", self.signal.jitter, 1)[0])
        return max(0.0, float(self.level("latency")[0]) + jitter)

    def lost(self):
        """Whether the sample gets lost."""
        given = self.signal.dropout is not None and bool(self.sent)
        return given and self.now("dropout", Uniform(0.0, 1.0), 1)[0] < self.level("dropout")[0]

    def errors(self):
        """The sample's random errors: white, relative, and where the walk is."""
        normal = Normal(0.0, 1.0)
        white, relative, walk = (self.now(part, normal, self.size) for part in ("white", "relative", "walk"))
        if self.sent:
            self.walked = self.walked + self.level("walk") * np.sqrt(self.between) * walk
        return white, relative, self.walked

    def disturbed(self, x, white, relative, walked):
        """A datum with its errors."""
        y = x * (1 + self.level("scale") + self.level("relative") * relative) + walked
        y = y + self.level("bias") + self.level("white") * white
        y = np.clip(y, -self.level("saturation", np.inf), self.level("saturation", np.inf))
        quantum = self.level("quantum")
        return np.where(quantum > 0, np.round(y / np.where(quantum > 0, quantum, 1)) * quantum, y)

    def look(self, time):
        """What is true at a moment, over the exposure before it, by the signal's way to read."""
        exposure, times = float(self.level("exposure")[0]), np.array(self.times)
        if self.signal.reading == "hold":
            return self.truth[max(0, np.searchsorted(times, time - exposure / 2 + 1e-7, side="right") - 1)]
        at = np.array([time - exposure, *times[(times > time - exposure) & (times < time)], time])
        values = np.array([np.interp(at, times, [sample[e] for sample in self.truth]) for e in range(self.size)])
        if exposure == 0:
            return values[:, -1]
        return (np.diff(at) * (values[:, 1:] + values[:, :-1]) / 2).sum(1) / exposure

    def observe(self, x):
        """Take what was true after each physics step of a call; return what is read now."""
        x = np.asarray(x, float).reshape(-1, self.size)
        spacing = self.step_dt / len(x)
        if not self.truth:
            self.times, self.truth = [0.0], [x[-1]]
        else:
            self.times += [self.times[-1] + spacing * (i + 1) for i in range(len(x))]
            self.truth += list(x)
        if self.signal.period is None and self.signal.reading != "hold":
            return self.read_now()
        self.between = self.signal.period.bounds()[0][0] if self.signal.period is not None else spacing
        first = float(self.level("phase")[0]) or self.between
        now = self.times[-1] + 1e-7
        while (tick := first + (len(self.sent) - 1) * self.between if self.sent else 0.0) <= now:
            arrival, lost = tick + self.delay() if self.sent else 0.0, self.lost()
            y = self.disturbed(self.look(tick), *self.errors())
            if lost:
                zero = self.signal.on_dropout == "zero"
                y, arrival = (np.zeros(self.size), arrival) if zero else (self.sent[-1], self.arrivals[-1])
            self.sent.append(y)
            self.arrivals.append(arrival)
        return self.sent[int(np.flatnonzero(np.array(self.arrivals) <= now)[-1])]

    def read_now(self):
        """What a sensor without a clock says."""
        delay, lost, errors = self.delay(), self.lost(), self.errors()
        y = self.disturbed(self.look(self.times[-1] - delay), *errors)
        if lost:
            y = np.zeros(self.size) if self.signal.on_dropout == "zero" else self.out
        self.sent.append(y)
        self.out = y
        return y

    def command(self, x):
        """Send a command; return what acts in each physics step, by looking at 2000 moments of it."""
        now = len(self.sent) * self.step_dt
        arrival, lost, sent = now + self.delay(), self.lost(), self.disturbed(x, *self.errors())
        if lost and self.signal.on_dropout == "zero":
            sent = np.zeros(self.size)
        elif lost:
            sent, arrival = self.sent[-1], self.arrivals[-1]
        self.sent.append(sent)
        self.arrivals.append(arrival if len(self.sent) > 1 else -np.inf)
        moments = now + self.step_dt * (np.arange(2000 * self.substeps) + 0.5) / (2000 * self.substeps)
        arrived = np.array(self.arrivals)[None, :] <= moments[:, None]
        newest = len(self.sent) - 1 - np.argmax(arrived[:, ::-1], axis=1)
        return np.array(self.sent)[newest].reshape(self.substeps, 2000, self.size).mean(axis=1)
