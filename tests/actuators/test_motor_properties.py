"""Motors do not know how many others there are, and a run that goes on from saved memory is the same run."""

import numpy as np
import pytest

from actuators.bench import FAST, STALL, VOLTS, Bench, Reference

PER_BUS, STEPS = 3, 60
EVERYTHING = {
    "kp": 30.0, "kd": 0.6, "max_effort": 18.0, "bus_resistance": 0.05, "backlash": 0.02, "heat_capacity": 0.02,
    "thermal_resistance": 0.3, "derate_from": 30.0, "derate_to": 200.0,
}  # fmt: skip


def run(count, steps=STEPS, start=0, bench=None):
    """Torques (steps, count) of the first `count` joints under motion that is each joint's own."""
    bench = bench or Bench(count=count, per_bus=PER_BUS, **EVERYTHING)
    found = []
    for k in range(start, start + steps):
        rows = [np.random.default_rng([k, joint]).normal(size=3) for joint in range(count)]
        q, speed, target = np.array(rows).T * np.array([[0.05], [10.0], [0.5]])
        found.append(bench.step(q, speed, target))
    return np.array(found), bench


def test_the_number_of_worlds_does_not_matter():
    """Two supplies alone, and as the first of forty: the same bits, in torque and memory."""
    few, one = run(2 * PER_BUS)
    many, other = run(40 * PER_BUS)
    np.testing.assert_array_equal(few, many[:, : 2 * PER_BUS])
    for name in ("rotor", "rise"):
        np.testing.assert_array_equal(one.memory(name), other.memory(name)[: 2 * PER_BUS])
    assert np.abs(np.diff(few, axis=0)).max() > 1.0


def test_a_run_from_saved_memory_is_the_same_run():
    """Rotor, engagement and heat are all that a motor remembers."""
    whole, _ = run(6)
    _, bench = run(6, steps=25)
    saved = {name: getattr(bench.states[0].drive_state, name).numpy().copy() for name in ("rotor", "engaged", "rise")}
    fresh = Bench(count=6, per_bus=PER_BUS, **EVERYTHING)
    for name, values in saved.items():
        getattr(fresh.states[0].drive_state, name).assign(values)
    rest, _ = run(6, steps=STEPS - 25, start=25, bench=fresh)
    np.testing.assert_array_equal(rest, whole[25:])


def test_feed_forward_is_scaled_with_the_gains():
    """Gains, feed-forward and limit halved: half the torque, inside and at the limit; with play too."""
    for play in (0.0, 0.05):
        weak, strong = (Bench(count=3, kp=20.0 * s, kd=0.5 * s, max_effort=8.0 * s, backlash=play) for s in (0.5, 1.0))
        weak.set("feedforward", 0.5)
        for k in range(100):
            ahead = [1.0, 4.0 * np.sin(k / 5), 40.0]
            given = {"q": 0.1 * np.sin(k / 9), "speed": 0.4, "target": 0.2, "ahead": ahead}
            half, whole = weak.step(**given), strong.step(**given)
            np.testing.assert_allclose(half, 0.5 * whole, rtol=1e-4, atol=1e-4)
        assert whole[2] == 8.0


def test_the_reference_scales_feed_forward_too():
    """Shares of 0 to 1, a supply that sags, play and heat: as NumPy's."""
    bench = Bench(count=6, per_bus=PER_BUS, **EVERYTHING)
    share = np.linspace(0.0, 1.0, 6)
    bench.set("feedforward", share)
    reference = Reference(bench, PER_BUS)
    rng = np.random.default_rng(3)
    for _ in range(50):
        q, speed, target, ahead = rng.normal(size=(4, 6)) * np.array([[0.05], [10.0], [0.5], [6.0]])
        found = bench.step(q, speed, target, 0.0, ahead)
        np.testing.assert_allclose(found, reference.step(q, speed, target, 0.0, share * ahead), rtol=2e-3, atol=1e-2)


@pytest.mark.parametrize("seed", range(2))
def test_no_energy_comes_from_nowhere_with_everything_on(seed):
    """Sag, play, heat and derating together: each step, work and winding heat are what the supply gave.

    What leaves the battery is at least what the motors take plus the lead's own heat, and a motor that brakes feeds
    its neighbours only.
    """
    rng = np.random.default_rng(seed)
    bench = Bench(count=12, per_bus=PER_BUS, **{**EVERYTHING, "max_effort": 25.0, "bus_resistance": 0.1})
    q, speed, drawn = np.zeros(12), np.zeros(12), 0.0
    for k in range(800):
        speed = 0.97 * speed + rng.normal(size=12) * 4.0
        q = q + bench.dt * speed
        if k % 20 == 0:
            target, ahead = q + rng.normal(size=12) * 0.5, rng.normal(size=12) * 4.0
        torque = bench.step(q, speed, target, 0.0, ahead).astype(np.float64)
        power = (torque * speed + bench.heat(torque)).reshape(-1, PER_BUS).sum(1)
        drop = bench.drive.drop.numpy().reshape(-1, PER_BUS)[:, 0].astype(np.float64)
        current = drop / 0.1
        battery, lead = VOLTS * current, drop * current
        assert (np.maximum(power, 0.0) + lead <= battery * (1 + 1e-2) + 1.0).all()
        drawn += battery.sum() * bench.dt
        within = np.abs(torque) <= STALL * (1.0 + np.abs(speed) / FAST) + 1e-3
        assert within.all()
    assert drawn > 5.0 and bench.memory("rise").max() > 5.0
