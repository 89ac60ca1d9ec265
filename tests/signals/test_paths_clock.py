"""Between two calls: physics steps, a sensor's own clock, exposure; and several signals at once."""

import numpy as np
import pytest
import torch

from signals.test_paths import DT, HEAD, NOISY, SIZE, WORLDS, data, observing
from sim2real.signals import CommandPath, SignalError, SignalGroup, SignalPath
from sim2real.spec import SpecError, parse_spec

CLOCKED = NOISY % ", period: 0.007, phase: {uniform: [0, 0.007]}, exposure: {uniform: [0, 0.01]}"
KINDS = {"read": NOISY % "", "clock": CLOCKED, "hold": NOISY % ", reading: hold"}


@pytest.mark.parametrize("physics_dt", [0.001, 0.0025, 0.005])
def test_an_observed_ramp_is_as_old_as_was_drawn(physics_dt):
    """1000 draws from 0 to 60 ms: what rises by 1/s tells its age, to a hundredth of a physics step."""
    substeps = round(DT / physics_dt)
    path = observing("{latency: {uniform: [0, 0.06]}}", num_envs=1000, size=1, substeps=substeps)
    path(torch.zeros(substeps, 1000, 1))
    for call in range(5):
        at = call * DT + physics_dt * (torch.arange(substeps) + 1)
        y = path(at[:, None, None].expand(-1, 1000, 1).contiguous())
        latency = path.values("latency").numpy()
        wanted = np.maximum((call + 1) * DT - latency, 0.0)
        assert np.abs(y.numpy() - wanted).max() < 1e-2 * physics_dt


@pytest.mark.parametrize("physics_dt", [0.001, 0.0025, 0.005])
def test_a_step_between_two_readings_is_seen_after_the_drawn_seconds(physics_dt):
    """A step amid a control step: the reading in which it is first seen, and how much of it, say the delay."""
    substeps = round(DT / physics_dt)
    path = observing("{latency: {uniform: [0, 0.06]}}", num_envs=1000, size=1, substeps=substeps)
    path(torch.zeros(substeps, 1000, 1))
    latency, at = path.values("latency").numpy(), 3 * physics_dt  # the step is taken in the physics step that ends here
    for call in range(5):
        times = call * DT + physics_dt * (torch.arange(substeps) + 1)
        y = path((times > at - 1e-9).float()[:, None, None].expand(-1, 1000, 1).contiguous()).numpy()
        wanted = np.clip(((call + 1) * DT - latency - at) / physics_dt + 1.0, 0.0, 1.0)
        np.testing.assert_allclose(y, wanted, atol=1e-2)


@pytest.mark.parametrize("physics_dt", [0.001, 0.0025, 0.005])
def test_hold_quantises_to_physics_steps(physics_dt):
    """A ramp is read as old as the delay, made whole steps upwards."""
    substeps = round(DT / physics_dt)
    path = observing("{latency: {uniform: [0, 0.06]}, reading: hold}", num_envs=1000, size=1, substeps=substeps)
    path(torch.zeros(substeps, 1000, 1))
    for call in range(5):
        at = call * DT + physics_dt * (torch.arange(substeps) + 1)
        y = path(at[:, None, None].expand(-1, 1000, 1).contiguous())
    wanted = 5 * DT - np.ceil(path.values("latency").numpy() / physics_dt - 1e-4) * physics_dt
    np.testing.assert_allclose(y.numpy(), wanted, atol=1e-6)


def test_a_clock_of_its_own_is_held_between_its_ticks():
    """A ramp, a period that fits nothing, a phase drawn for an episode: the age is the delay and the time since."""
    text = "{latency: {uniform: [0, 0.03]}, period: 0.0173, phase: {uniform: [0, 0.0173]}}"
    path = observing(text, num_envs=500, size=1, substeps=4)
    path(torch.zeros(4, 500, 1))
    phase, latency = (path.values(part).numpy()[:, 0].astype(float) for part in ("phase", "latency"))
    for call in range(2000):
        at = call * DT + 0.005 * (torch.arange(4, dtype=torch.float64) + 1)
        y = path(at.float()[:, None, None].expand(-1, 500, 1).contiguous())
        if call in (9, 1999):  # no drift over 40 s
            now = (call + 1) * DT
            wanted = phase + np.floor((now - latency - phase) / 0.0173) * 0.0173
            close = np.abs(y.numpy()[:, 0] - wanted)
            assert (close < 1e-4).mean() > 0.99 and np.isclose(close[close > 1e-4], 0.0173, atol=1e-4).all()


def test_an_exposure_averages_or_takes_the_middle():
    """Of a ramp both are half the exposure older; of a step, the mean sees its part."""
    for reading in ("linear", "hold"):
        path = observing(f"{{exposure: 0.01, latency: 0.015, reading: {reading}}}", size=1, substeps=4)
        path(torch.zeros(4, WORLDS, 1))
        for call in range(3):
            at = call * DT + 0.005 * (torch.arange(4) + 1)
            y = path(at[:, None, None].expand(-1, WORLDS, 1).contiguous())
        np.testing.assert_allclose(y.numpy(), 0.06 - 0.015 - 0.005, atol=1e-6)
    path = observing("{exposure: 0.012}", size=1, substeps=4)
    path(torch.zeros(4, WORLDS, 1))
    y = path(torch.tensor([0.0, 0.0, 1.0, 1.0])[:, None, None].expand(-1, WORLDS, 1).contiguous())
    np.testing.assert_allclose(y.numpy(), (5.0 + 2.5) / 12.0, atol=1e-6)


def spec_of_three():
    """Signals of all kinds, two of them on a bus."""
    bus = ", bus: can}"
    return parse_spec(
        f"{HEAD}  a: {KINDS['read'][:-1]}{bus}\n  b: {CLOCKED[:-1]}{bus}\n  c: {{bias: {{uniform: [-1, 1]}}}}\n"
    )


def paths_of_three():
    """Paths of other sizes, other samples for a call, and one of another spec with another seed."""
    other = parse_spec(spec_of_three().to_yaml().replace("seed: 9", "seed: 10"))
    shapes = (("a", SIZE, 4, spec_of_three()), ("b", 3, 4, spec_of_three()), ("c", 7, 1, other))
    return [SignalPath(spec, name, size, DT, WORLDS, "cpu", substeps=n) for name, size, n, spec in shapes]


def test_a_group_is_its_paths_to_the_bit():
    """In one launch; with resets of some worlds, and data that are given again."""
    apart, together = paths_of_three(), paths_of_three()
    group = SignalGroup(together)
    for path in apart:
        path.reset()
    group.reset()
    rng = np.random.default_rng(4)
    for call in range(12):
        shapes = [(path.substeps, WORLDS, path.size)[int(path.substeps == 1) :] for path in apart]
        x = [torch.as_tensor(rng.normal(size=shape).astype(np.float32)) for shape in shapes]
        if call == 5:
            for path in apart:
                path.reset([1, 4])
            group.reset([1, 4])
        again = call in (5, 8)
        wanted = [path(one, again=again) for path, one in zip(apart, x, strict=True)]
        for got, one in zip(group(x, again=again), wanted, strict=True):
            assert torch.equal(got, one)
    assert np.array_equal(together[0].values("latency").numpy(), together[1].values("latency").numpy())
    assert np.array_equal(together[2].values("bias").numpy(), apart[2].values("bias").numpy())


def test_a_path_of_a_group_can_be_reset_and_stored_alone():
    """Its draws lie in the group's arrays."""
    one, other = paths_of_three(), paths_of_three()
    groups = [SignalGroup(one), SignalGroup(other)]
    for path in one:
        path.reset()
    groups[1].reset()
    x = [torch.ones((path.substeps, WORLDS, path.size)[int(path.substeps == 1) :]) for path in one]
    for a, b in zip(groups[0](x), groups[1](x), strict=True):
        assert torch.equal(a, b)
    fresh = paths_of_three()
    group = SignalGroup(fresh)
    for path, stored in zip(fresh, one, strict=True):
        path.load_state_dict(stored.state_dict())
    for a, b in zip(groups[0](x), group(x), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("kind", KINDS)
def test_properties_hold_between_calls(kind):
    """A world depends on nothing but itself; untouched rows stay to the bit; a path goes on from its state."""
    x = data(12 * 4, 8).reshape(12, 4, 8, SIZE)
    many = observing(KINDS[kind], 8, substeps=4)
    few = observing(KINDS[kind], 3, substeps=4, first_world=4)
    touched, resumed = observing(KINDS[kind], 8, substeps=4), observing(KINDS[kind], 8, substeps=4)
    kept = [0, 2, 3, 4, 5, 6]
    for call, step in enumerate(x):
        if call == 5:
            touched.reset([1, 7])
            resumed.load_state_dict(many.state_dict())
        y = many(step)
        assert torch.equal(y[4:7], few(step[:, 4:7]))
        assert torch.equal(y[kept], touched(step)[kept])
        if call >= 5:
            assert torch.equal(y, resumed(step))


@pytest.mark.parametrize("kind", KINDS)
def test_a_reset_world_begins_with_the_datum_of_now_alone(kind):
    """What was before within its last call belongs to the episode before."""
    path = observing(KINDS[kind], substeps=4)
    path(torch.full((4, WORLDS, SIZE), torch.nan))
    path.reset()
    x = torch.ones(4, WORLDS, SIZE)
    x[:3] = torch.nan
    assert torch.isfinite(path(x)).all()
    for _ in range(6):
        assert torch.isfinite(path(torch.ones(4, WORLDS, SIZE))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_datum_of_now_can_be_given_again(kind):
    """Disturbed alike; with a clock, what it took before the last physics step stays."""
    one, other = observing(KINDS[kind], substeps=4), observing(KINDS[kind], substeps=4)
    for step in data(12 * 4).reshape(12, 4, WORLDS, SIZE):
        wanted = one(step)
        changed = step.clone()
        changed[-1] *= 3
        other(changed)
        assert torch.equal(other(step[-1], again=True), wanted)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("phase: 0.01", "signals.s.phase: there is no 'period' to act on"),
        ("period: {uniform: [0.01, 0.02]}", "signals.s.period: a sensor's clock has one period above 0"),
        ("period: 0", "signals.s.period: a sensor's clock has one period above 0"),
        ("exposure: -1", "signals.s.exposure: reaches -1 s"),
    ],
)
def test_what_is_wrong_of_a_clock_is_said(text, said):
    """In the spec."""
    with pytest.raises(SpecError, match=said):
        parse_spec(f"{HEAD}  s: {{{text}}}\n")


def test_what_does_not_fit_is_refused():
    """A clock of a command, data of another shape, paths of other worlds."""
    spec = parse_spec(f"{HEAD}  s: {{period: 0.01, exposure: 0.01}}\n")
    with pytest.raises(SignalError, match=r"signals.s: period, exposure are of sensors, and this is a command"):
        CommandPath(spec, "s", 5, DT, 3)
    path = SignalPath(spec, "s", 5, DT, 3, substeps=4)
    path.reset()
    with pytest.raises(SignalError, match=r"got data of shape \(3, 5\); give \(4, 3, 5\)"):
        path(torch.zeros(3, 5))
    with pytest.raises(SignalError, match="give 1 or more"):
        SignalPath(spec, "s", 5, DT, 3, substeps=0)
    with pytest.raises(SignalError, match="different worlds"):
        SignalGroup([path, SignalPath(spec, "s", 5, DT, 4)])
    with pytest.raises(SignalError, match="got none"):
        SignalGroup([])
