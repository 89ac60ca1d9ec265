"""The errors of a datum in NumPy, one world and one sample after another, and the overlapping Allan deviation."""

import numpy as np

from sim2real.draws import Draws
from sim2real.signals.error_plan import drift_gain
from sim2real.spec.distributions import Normal, Uniform

PER_ELEMENT = ("bias", "scale", "eccentricity")
AXES = {"misalignment": 3, "cross_axis": 6}


class ErrorReference:
    """What one world's sensor tells of the data of an episode, in double precision."""

    def __init__(self, spec, name, size, step_dt, world, episode=0):
        self.signal, self.name, self.size, self.step_dt = spec.signals[name], name, size, step_dt
        self.world, self.episode, self.sample, self.draws = world, episode, 0, Draws(spec.seed)
        self.walk, self.drifts, self.told = np.zeros(size), np.zeros((size, 4)), np.zeros(size)

    def level(self, part, otherwise=0.0):
        """What the episode drew, one number for each element."""
        dist = getattr(self.signal, part)
        if dist is None:
            return np.full(self.size, otherwise)
        count = AXES.get(part, self.size if part in PER_ELEMENT else 1) if dist.dim == 1 else 1
        shared = part == "misalignment" and self.signal.mount is not None
        name = f"mount/{self.signal.mount}/{part}" if shared else f"signals/{self.name}/{part}"
        drawn = self.draws.sample(name, dist, self.world, self.episode, 0, count).reshape(-1).astype(float)
        return drawn if part in AXES else np.broadcast_to(drawn, self.size)

    def now(self, part, dist, count):
        """What the sample drew."""
        name = f"signals/{self.name}/{part}/sample"
        return self.draws.sample(name, dist, self.world, self.episode, self.sample, count)[0].astype(float)

    def turned(self, x):
        """A datum of three axes in the axes of the sensor."""
        if self.signal.misalignment is not None:
            turn = self.level("misalignment")
            angle = np.linalg.norm(turn)
            if angle > 0.0:
                k = turn / angle
                x = x * np.cos(angle) + np.cross(k, x) * np.sin(angle) + k * (k @ x) * (1.0 - np.cos(angle))
        if self.signal.cross_axis is not None:
            matrix = np.eye(3)
            matrix[~np.eye(3, dtype=bool)] = self.level("cross_axis")
            x = matrix @ x
        return x

    def drift(self):
        """Where the bias instability has come to."""
        if self.signal.bias_instability is None:
            return 0.0
        given = self.signal.correlation_time
        times = np.array([1.0, 10.0, 100.0] if given is None else sorted(given.bounds()[0]))
        normal = self.now("bias_instability", Normal(0.0, 1.0), 4 * self.size).reshape(self.size, 4)[:, : len(times)]
        kept = np.exp(-self.step_dt / times)
        before = self.drifts[:, : len(times)]
        self.drifts = normal if self.sample == 0 else kept * before + np.sqrt(1.0 - kept**2) * normal
        return self.drifts.sum(axis=1) * self.level("bias_instability") * drift_gain(times)

    def disturb(self, x):
        """Take a sample; return what is told."""
        normal = Normal(0.0, 1.0)
        white, relative, walk = (self.now(part, normal, self.size) for part in ("white", "relative", "walk"))
        if self.sample:
            self.walk = self.walk + self.level("walk") * np.sqrt(self.step_dt) * walk
        x = self.turned(np.asarray(x, float))
        if self.signal.eccentricity is not None:
            name = f"signals/{self.name}/eccentricity_phase"
            phase = self.draws.sample(name, Uniform(0.0, 2 * np.pi), self.world, self.episode, 0, self.size)
            x = x + self.level("eccentricity") * np.sin(x + phase.reshape(-1))
        y = x * (1 + self.level("scale") + self.level("relative") * relative) + self.walk + self.drift()
        spread = self.level("white") + self.level("quadratic") * x**2
        y = y + self.level("bias")
        y = y + np.sqrt(spread**2 + self.level("noise_density") ** 2 / self.step_dt) * white
        high = self.level("saturation", np.inf)
        y = np.clip(y, -high if self.signal.saturation_low is None else self.level("saturation_low"), high)
        quantum = self.level("quantum")
        y = np.where(quantum > 0, np.round(y / np.where(quantum > 0, quantum, 1)) * quantum, y)
        lost = (self.now("dropout_each", Uniform(0.0, 1.0), self.size) < self.level("dropout_each")) & (self.sample > 0)
        instead = {"hold": self.told, "zero": np.zeros(self.size), "limit": high}[self.signal.on_dropout_each]
        self.told = np.where(lost, instead, y)
        self.sample += 1
        return self.told


def markov_variance(tau, time):
    """Allan variance of a Gauss-Markov process of variance 1: IEEE Std 952, integrated over its spectrum."""
    # sigma^2(tau) = 4 int S(f) sin^4(pi f tau) / (pi f tau)^2 df, S(f) = 2 T / (1 + (2 pi f T)^2)
    tau = np.atleast_1d(np.asarray(tau, float))
    f = np.geomspace(1e-7, 3e3, 60001) / time
    spectrum = 2.0 * time / (1.0 + (2.0 * np.pi * f * time) ** 2)
    out = np.empty(tau.shape)
    for i, t in enumerate(tau):
        out[i] = 4.0 * np.trapezoid(spectrum * np.sin(np.pi * f * t) ** 4 / (np.pi * f * t) ** 2, f)
    return out


def overlapping_allan_deviation(rate, step_dt, averaged):
    """Return the overlapping Allan deviation of rates, root mean square over series.

    Args:
        rate: (samples, series).
        step_dt: time between samples [s].
        averaged: samples of each averaging time.
    """
    angle = np.concatenate([np.zeros((1, rate.shape[1])), np.cumsum(np.asarray(rate, float), axis=0)]) * step_dt
    found = []
    for m in averaged:
        second = angle[2 * m :] - 2.0 * angle[m:-m] + angle[: -2 * m]
        found.append(np.sqrt(np.mean(second**2) / (2.0 * (m * step_dt) ** 2)))
    return np.array(found)
