"""Energy never appears: what a motor gives comes from its supply, and a gear gives nothing of its own."""

import numpy as np
import pytest

from actuators.bench import FAST, VOLTS, Bench

STEPS = 3000


def random_motion(seed, count, dt, speed):
    """Smooth random angles (STEPS + 1, count), sums of sines."""
    rng = np.random.default_rng(seed)
    time = np.arange(STEPS + 1)[:, None] * dt
    angle = np.zeros((STEPS + 1, count))
    for _ in range(5):
        rate = rng.uniform(2, 40, count)
        angle += np.sin(rate * time + rng.uniform(0, 2 * np.pi, count)) * speed / (5 * rate)
    return angle


@pytest.mark.parametrize("lead", [0.0, 0.1])
def test_torque_and_heat_come_from_the_supply(lead):
    """Every step, for every supply: work + heat = what leaves the sagging bus <= what the battery could give."""
    bench = Bench(count=12, per_bus=3, kp=60.0, kd=0.5, max_effort=25.0, bus_resistance=lead, heat_capacity=5.0)
    angle = random_motion(1, 12, bench.dt, 2 * FAST)
    rng = np.random.default_rng(2)
    given = 0
    for k in range(STEPS):
        speed = (angle[k + 1] - angle[k]) / bench.dt
        if k % 20 == 0:
            target = angle[k] + rng.normal(size=12) * 0.5
        torque = bench.step(angle[k + 1], speed, target).astype(np.float64)
        work, heat = torque * speed, bench.heat(torque)
        volts = VOLTS - bench.drive.drop.numpy()
        # One motor: it cannot take more than its voltage drives through it, and what it takes is work and heat.
        limit = volts * np.abs(bench.current(torque))
        assert (work + heat <= limit * (1 + 1e-4) + 1e-2).all() or (work[work + heat > limit + 1e-2] <= 0).all()
        # One supply: its lead loses the rest.
        power = np.maximum((work + heat).reshape(4, 3).sum(1), 0)
        bus = volts.reshape(4, 3)[:, 0]
        if lead:
            assert (power <= bus * (VOLTS - bus) / lead * (1 + 1e-2) + 1.0).all()
        given += (power > 1.0).sum()
    assert given > STEPS


@pytest.mark.parametrize("gap", [0.0, 0.01, 0.2])
def test_a_held_gear_gives_back_no_more_than_its_spring_took(gap):
    """A fixed target: the work at the joint never exceeds what the position loop's spring held at the start."""
    bench = Bench(count=20, kp=40.0, kd=0.3, backlash=gap, dt=5e-4, voltage=1e4, stall_torque=1e7, no_load_speed=1e4)
    angle = random_motion(3, 20, bench.dt, 6.0)
    angle -= angle[0]
    work, least, largest = np.zeros(20), np.zeros(20), 0.0
    for k in range(STEPS):
        # At the end of the interval: a spring's sum is then below its integral, never above.
        torque = bench.step(angle[k + 1], (angle[k + 1] - angle[k]) / bench.dt).astype(np.float64)
        work += torque * (angle[k + 1] - angle[k])
        largest, least = max(largest, work.max()), np.minimum(least, work)
    assert largest <= 1e-4
    assert (least < -1e-3).all()


def test_a_winding_holds_no_more_heat_than_was_made():
    """Heat stored <= heat made, under random torques."""
    bench = Bench(count=8, max_effort=30.0, thermal_resistance=0.5, heat_capacity=0.2, derate_from=60, derate_to=90)
    rng = np.random.default_rng(4)
    made = np.zeros(8)
    for _ in range(STEPS):
        torque = bench.step(speed=rng.normal(size=8) * 10, ahead=rng.normal(size=8) * 20)
        made += bench.heat(torque) * bench.dt
        stored = 0.2 * bench.memory("rise")
        assert (stored <= made * (1 + 1e-4) + 1e-4).all()
    assert (stored > 0.1).all()
