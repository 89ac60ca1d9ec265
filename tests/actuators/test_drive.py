"""A motor does what its equations say, at hand-turned shafts."""

import numpy as np
import pytest
import warp as wp

from actuators.bench import FAST, STALL, VOLTS, Bench, Reference

BIG = 1e4
"""A command that no motor can follow [N·m]."""


def test_the_line_goes_from_stall_to_no_load_and_brakes_beyond():
    """Full command: torque falls in a straight line with speed; against the motion the back-EMF helps."""
    speed = np.linspace(-1.5 * FAST, 1.5 * FAST, 31, dtype=np.float32)
    bench = Bench(count=31)
    forward = bench.step(speed=speed, ahead=BIG)
    np.testing.assert_allclose(forward, STALL * (1 - speed / FAST), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(bench.step(speed=-speed, ahead=-BIG), -forward, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("share", [0.5, 0.8, 1.2])
def test_voltage_moves_the_line_parallel(share):
    """Stall torque and no-load speed are both proportional to the voltage."""
    bench = Bench(count=3)
    bench.set("voltage", share * VOLTS)
    torque = bench.step(speed=[0.0, share * FAST, 0.5 * share * FAST], ahead=BIG)
    np.testing.assert_allclose(torque, np.array([1, 0, 0.5]) * share * STALL, rtol=1e-5, atol=1e-4)


def test_within_the_line_a_motor_is_a_pd_drive():
    """What the voltage can do is done exactly; the current limit cuts the rest."""
    rng = np.random.default_rng(0)
    q, speed, target, ahead = rng.normal(size=(4, 50)).astype(np.float32) * 0.1
    expected = ahead + 25 * (target - q) - 0.5 * speed
    bench = Bench(count=50, kp=25.0, kd=0.5, max_effort=2.0)
    torque = bench.step(q, speed, target, 0.0, ahead)
    np.testing.assert_allclose(torque, np.clip(expected, -2, 2), rtol=1e-5, atol=1e-5)
    assert 0 < (np.abs(expected) > 2).sum() < 50


def test_a_stalled_motor_sags_its_supply_to_the_divider():
    """At standstill the winding and the lead are resistors in a row: current = V / (R + R_lead)."""
    bench = Bench(bus_resistance=0.05)
    resistance = float(bench.drive.resistance.numpy()[0])
    torque = bench.step(ahead=BIG)
    assert torque[0] == pytest.approx(STALL * resistance / (resistance + 0.05), rel=1e-4)
    assert bench.drive.drop.numpy()[0] == pytest.approx(VOLTS * 0.05 / (resistance + 0.05), rel=1e-3)


def test_joints_of_one_supply_weaken_each_other():
    """Two motors at full command get less than one beside an idle one; a supply of its own is untouched."""
    together = Bench(count=4, per_bus=2, bus_resistance=0.1).step(ahead=BIG)
    one = Bench(count=4, per_bus=2, bus_resistance=0.1).step(ahead=[BIG, 0, BIG, BIG])
    assert together[0] < one[0] < STALL and one[1] == 0.0
    np.testing.assert_array_equal(one[2:], together[2:])


def test_a_regenerating_joint_does_not_raise_the_supply():
    """Braking feeds joints beside it, never the battery: the voltage stays at or below its own."""
    bench = Bench(count=2, per_bus=2, bus_resistance=0.1)
    bench.step(speed=[0.6 * FAST, 0.0], ahead=[-1.0, 0.0])
    assert (bench.drive.drop.numpy() >= 0).all() and (bench.drive.drop.numpy() < 1e-3).all()


def test_a_winding_warms_with_its_time_constant():
    """A held torque: the rise goes to R_th * I^2 R as 1 - exp(-t / (R_th C)), whatever the step."""
    for dt in (1e-3, 2e-2):
        bench = Bench(dt=dt, thermal_resistance=2.0, heat_capacity=0.5, derate_from=1e4, derate_to=2e4)
        torque = bench.step(ahead=8.0)
        steps = round(1.0 / dt)
        for _ in range(steps - 1):
            bench.step(ahead=8.0)
        final = 2.0 * bench.heat(torque)[0]
        assert bench.memory("rise")[0] == pytest.approx(final * (1 - np.exp(-1.0)), rel=1e-4)
        for _ in range(steps):
            bench.step()
        assert bench.memory("rise")[0] == pytest.approx(final * (1 - np.exp(-1.0)) * np.exp(-1.0), rel=1e-4)


def test_heat_takes_the_torque_in_a_straight_line():
    """At ambient nothing, half way between the two temperatures half, beyond the second none."""
    bench = Bench(count=4, max_effort=10.0, ambient=20.0, derate_from=80.0, derate_to=120.0)
    bench.states[0].drive_state.rise.assign(np.array([0, 60, 80, 150], np.float32))
    np.testing.assert_allclose(bench.step(ahead=BIG), [10.0, 10.0, 5.0, 0.0], atol=1e-5)


def test_the_rotor_plays_in_the_gear():
    """Without a position loop the rotor is moved by the link alone: the classical play, a loop as wide as the gap."""
    gap = 0.04
    bench = Bench(kd=0.01, backlash=gap)
    path = np.concatenate([np.linspace(0, 0.1, 101), np.linspace(0.1, -0.1, 201), np.linspace(-0.1, 0.1, 201)])
    rotor, place, up, down = 0.0, [], {}, {}
    for k, q in enumerate(path):
        speed = (q - path[max(k - 1, 0)]) / bench.dt
        torque = bench.step(q=q, speed=speed)[0]
        rotor = min(max(rotor, q - gap / 2), q + gap / 2)
        place.append(bench.memory("rotor")[0])
        assert place[-1] == pytest.approx(rotor, abs=1e-6)
        inside = abs(rotor - q) < gap / 2 - 1e-5
        assert torque == 0.0 if inside else torque * speed <= 0.0
        if k > 300:
            up[round(q, 6)] = rotor
        elif 150 < k <= 300:
            down[round(q, 6)] = rotor
    assert down[0.0] - up[0.0] == pytest.approx(gap, abs=1e-6)


def test_a_held_joint_is_free_in_its_play():
    """With a position loop, at rest: no torque within the gap, and the spring begins at its edge."""
    gap = 0.02
    for q in (-0.03, -0.009, 0.0, 0.009, 0.03):
        bench = Bench(kp=100.0, kd=1.0, backlash=gap)
        for _ in range(200):
            torque = bench.step(q=q)[0]
        edge = max(abs(q) - gap / 2, 0.0)
        assert torque == pytest.approx(-np.sign(q) * 100.0 * edge, abs=1e-4)


def test_a_reversing_motor_crosses_its_gap_first():
    """The command turns round: nothing at the joint until the rotor has crossed, at most at its no-load speed."""
    gap = 0.3
    bench = Bench(kp=100.0, kd=1.0, backlash=gap)
    for _ in range(300):
        bench.step(target=1.0)
    silent = 0
    while bench.step(target=-1.0)[0] >= 0.0:
        silent += 1
    assert silent * bench.dt >= gap / FAST
    free = Bench(kp=100.0, kd=1.0)
    free.step(target=1.0)
    assert free.step(target=-1.0)[0] < 0.0


@pytest.mark.parametrize("per_bus", [1, 3])
def test_everything_at_once_matches_the_reference(per_bus):
    """Random commands and motion: each torque and each temperature as NumPy's, with and without a shared supply."""
    rng = np.random.default_rng(per_bus)
    bench = Bench(
        count=6, per_bus=per_bus, kp=30.0, kd=0.6, max_effort=18.0, bus_resistance=0.05, backlash=0.02,
        heat_capacity=0.02, thermal_resistance=0.3, derate_from=30.0, derate_to=200.0,
    )  # fmt: skip
    bench.set("voltage", rng.uniform(18, 26, 6))
    bench.set("backlash", [0.0, 0.02, 0.05, 0.0, 0.01, 0.03])
    reference = Reference(bench, per_bus)
    q = np.zeros(6)
    hot = 0.0
    for _ in range(150):
        speed = rng.normal(size=6) * 15
        q = q + bench.dt * speed
        target, ahead = rng.normal(size=(2, 6)) * np.array([[0.5], [4.0]])
        found = bench.step(q, speed, target, 0.0, ahead)
        np.testing.assert_allclose(found, reference.step(q, speed, target, 0.0, ahead), rtol=2e-3, atol=1e-2)
        np.testing.assert_allclose(bench.memory("rise"), reference.rise, rtol=5e-3, atol=1e-2)
        hot = max(hot, reference.rise.max())
    assert hot > 10.0


def test_a_reset_forgets_only_where_it_is_asked():
    """The winding of one joint starts at ambient and its rotor at the joint; its neighbour keeps both, bit by bit."""
    bench = Bench(count=2, kp=50.0, kd=1.0, backlash=0.1, heat_capacity=0.1)
    for _ in range(20):
        bench.step(q=0.3, target=1.0)
    before = bench.memory("rise"), bench.memory("rotor")
    mask = wp.array(np.array([True, False]), dtype=wp.bool, device="cpu")
    for state in bench.states:
        state.drive_state.reset(mask)
    assert bench.memory("rise")[0] == 0.0 and bench.memory("rise")[1] == before[0][1] > 0.0
    bench.step(q=[5.0, 0.3])
    assert abs(bench.memory("rotor")[0] - 5.0) <= 0.05
    assert abs(before[1][1] - bench.memory("rotor")[1]) < 0.05


def test_a_supply_serves_whole_groups():
    """Seven joints cannot hang three by three on supplies."""
    with pytest.raises(Exception, match="3 joints cannot serve 7"):
        Bench(count=7, per_bus=3)
