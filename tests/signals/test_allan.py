"""An IMU reproduces its declared Allan curve, whatever the time between samples.

The curve is IEEE Std 952's: N^2 / tau + flat + K^2 tau / 3. Bounds are four standard errors of an Allan deviation with
as many degrees of freedom as there are independent averages, and a hundredth for what sampling does to the formulas.
"""

import numpy as np
import pytest
import torch

from signals.error_reference import markov_variance, overlapping_allan_deviation
from sim2real.signals import SignalPath
from sim2real.signals.error_plan import allan_variance, drift_gain
from sim2real.spec import parse_spec

WORLDS, SAMPLES = 64, 8000
N, B, K, TIMES = 0.01, 0.01, 0.006, (0.4, 4.0)
PARTS = {
    "noise_density": f"noise_density: {{constant: {N}, unit: rad/s/sqrt(Hz)}}",
    "bias_instability": f"bias_instability: {B}, correlation_time: [{TIMES[0]}, {TIMES[1]}]",
    "walk": f"walk: {{constant: {K}, unit: rad/s/sqrt(s)}}",
}


def recorded(text, step_dt, samples=SAMPLES):
    """What gyros at rest tell, (samples, worlds x axes)."""
    spec = parse_spec(f"schema: 1\nseed: 4\nsignals:\n  gyro: {{unit: rad/s, {text}}}\n")
    path = SignalPath(spec, "gyro", (3,), step_dt, WORLDS, "cpu")
    path.reset()
    rest, out = torch.zeros(WORLDS, 3), np.empty((samples, 3 * WORLDS), np.float32)
    for i in range(samples):
        out[i] = path(rest).numpy().reshape(-1)
    return out


def declared(tau, parts):
    """The declared Allan deviation."""
    variance = np.zeros_like(tau)
    if "noise_density" in parts:
        variance += N**2 / tau
    if "bias_instability" in parts:
        variance += B**2 * drift_gain(TIMES) ** 2 * sum(markov_variance(tau, time) for time in TIMES)
    if "walk" in parts:
        variance += K**2 * tau / 3.0
    return np.sqrt(variance)


def averaging(samples):
    """Averaging times over decades, in samples."""
    return np.unique(np.geomspace(1, samples // 8, 16).astype(int))


def compare(rate, step_dt, wanted, averaged):
    """Assert that a record has an Allan deviation within its standard error."""
    found = overlapping_allan_deviation(rate, step_dt, averaged)
    freedom = rate.shape[1] * (len(rate) / averaged - 1.0)
    assert (np.abs(found / wanted - 1.0) < 4.0 / np.sqrt(2.0 * freedom) + 0.01).all(), found / wanted


@pytest.mark.parametrize("step_dt", [0.02, 0.005])
def test_an_imu_has_the_declared_curve(step_dt):
    """Noise density, flat and random walk together, over three decades and more, at two sampling steps."""
    averaged = averaging(SAMPLES)
    tau = averaged * step_dt
    assert tau[-1] / tau[0] >= 1000
    compare(recorded(", ".join(PARTS.values()), step_dt), step_dt, declared(tau, PARTS), averaged)


@pytest.mark.parametrize("part", PARTS)
def test_each_part_has_its_own_slope(part):
    """-1/2, 0 and +1/2, one after another."""
    averaged = averaging(3000)
    tau = averaged * 0.02
    # A walk or a drift that is sampled has no time of less than a few samples.
    kept = averaged >= (1 if part == "noise_density" else 5)
    compare(recorded(PARTS[part], 0.02, 3000), 0.02, declared(tau, [part])[kept], averaged[kept])


def test_the_flat_is_flat():
    """As high as declared: within 7 % from the fastest to the slowest process, decades apart; and for a single one."""
    for times in ((1.0, 10.0, 100.0), (0.4, 4.0), (1.0, 10.0, 100.0, 1000.0), (30.0,)):
        tau = np.geomspace(1.8926 * times[0], 1.8926 * times[-1], 300)
        flat = drift_gain(times) * np.sqrt(allan_variance(tau, times))
        assert np.abs(flat - 1.0).max() < 0.07
        assert abs(np.sqrt((flat**2).mean()) - 1.0) < 2e-3


def test_allan_variance_is_the_spectrums():
    """The closed form against the integral over the spectrum."""
    tau = np.geomspace(0.01, 1000.0, 30)
    np.testing.assert_allclose(allan_variance(tau, (2.0,)), markov_variance(tau, 2.0), rtol=2e-3)


def test_a_drift_begins_as_it_goes_on():
    """Its spread in the first sample is that of all later ones, so that no episode begins without a bias."""
    rate = recorded(PARTS["bias_instability"], 0.02, 600)
    wanted = B * drift_gain(TIMES) * np.sqrt(len(TIMES))
    for sample in (0, 599):
        assert abs(rate[sample].std() / wanted - 1.0) < 4.0 / np.sqrt(2 * 192)
