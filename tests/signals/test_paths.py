"""Paths: the kernels against NumPy, the declared seconds by impulse, and what no path may depend on."""

import numpy as np
import pytest
import torch

from signals.reference import Reference
from sim2real.signals import CommandPath, SignalError, SignalPath
from sim2real.spec import parse_spec

HEAD = "schema: 1\nseed: 9\nsignals:\n"
NOISY = (
    "{latency: {uniform: [0, 0.05]}, jitter: {normal: [0, 0.004]}, dropout: 0.2, bias: {uniform: [-1, 1]},"
    " scale: {uniform: [-0.1, 0.1]}, white: {uniform: [0.1, 0.3]}, walk: 0.4, relative: 0.05, saturation: 2.5,"
    " quantum: 0.0001%s}"
)
SPECS = {
    "latency": "{latency: {uniform: [0, 0.05]}}",
    "hold": "{latency: {uniform: [0, 0.05]}, bias: {uniform: [-1, 1]}, white: 0.2, reading: hold}",
    "all": NOISY % "",
    "held": NOISY % ", reading: hold",
    "zero": NOISY % ", on_dropout: zero",
    "clock": NOISY % ", period: 0.007, phase: {uniform: [0, 0.007]}",
    "slow": "{latency: {uniform: [0, 0.1]}, period: 0.033, phase: 0.01, exposure: {uniform: [0, 0.02]}, reading: hold}",
    "bright": "{latency: {uniform: [0, 0.05]}, exposure: {uniform: [0, 0.03]}, white: 0.1}",
    "frames": "{latency: 0.02, period: 0.01, exposure: 0.008, walk: 0.3, dropout: 0.3}",
    "vector": "{bias: {uniform: [[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]}, white: [0, 0.1, 0.2, 0.3, 0.4], quantum: 0}",
    "bus": "{latency: {choice: [0.0, 0.01, 0.035]}, dropout: 0.3, bus: can}",
}
SIZE, WORLDS, DT = 5, 6, 0.02


def spec_of(text):
    """A spec with one signal, `s`."""
    return parse_spec(f"{HEAD}  s: {text}\n")


def observing(text, num_envs=WORLDS, size=SIZE, **more):
    """A path of observations, its first episode begun."""
    path = SignalPath(spec_of(text), "s", (size,), DT, num_envs, "cpu", **more)
    path.reset()
    return path


def commanding(text, num_envs=WORLDS, size=SIZE, substeps=4, step_dt=DT, **more):
    """A path of commands, its first episode begun."""
    path = CommandPath(spec_of(text), "s", size, step_dt, num_envs, "cpu", substeps=substeps, **more)
    path.reset()
    return path


def data(steps, num_envs=WORLDS, size=SIZE, seed=0):
    """Any data, (steps, num_envs, size)."""
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(steps, num_envs, size)).astype(np.float32))


@pytest.mark.parametrize("substeps", [1, 4])
@pytest.mark.parametrize("name", SPECS)
def test_observations_are_numpys(name, substeps):
    """Every sample of every world, over two episodes; with what was true between two calls."""
    path, x = observing(SPECS[name], substeps=substeps), data(12 * substeps).reshape(12, substeps, WORLDS, SIZE)
    if substeps == 1:
        x = x[:, 0]
    for episode in (0, 1):
        if episode:
            path.reset()
        references = [Reference(spec_of(SPECS[name]), "s", SIZE, DT, world, episode) for world in range(WORLDS)]
        for step in x:
            y = path(step).numpy()
            wanted = np.array([r.observe(step[..., w, :].numpy()) for w, r in enumerate(references)])
            # A number that lies between two steps of the quantisation may be rounded either way.
            np.testing.assert_allclose(y, wanted, atol=1.01e-4 if "quantum: 0.0001" in SPECS[name] else 1e-5)


@pytest.mark.parametrize("name", ["latency", "all", "zero", "vector", "bus"])
def test_commands_are_numpys(name):
    """What acts in every physics step of every world."""
    path, x = commanding(SPECS[name]), data(12)
    references = [Reference(spec_of(SPECS[name]), "s", SIZE, DT, w, 0, substeps=4) for w in range(WORLDS)]
    for step in x:
        y = path(step).numpy()
        wanted = np.stack([r.command(step[w].numpy()) for w, r in enumerate(references)], axis=1)
        np.testing.assert_allclose(y, wanted, atol=6e-3)  # the reference looks at 2000 moments of a physics step


@pytest.mark.parametrize("physics_dt", [0.001, 0.0025, 0.005])
def test_a_commanded_step_arrives_after_the_drawn_seconds(physics_dt):
    """By impulse, over 1000 draws from 0 to 60 ms: to a thousandth of a physics step."""
    substeps = round(DT / physics_dt)
    path = commanding("{latency: {uniform: [0, 0.06]}}", num_envs=1000, size=1, substeps=substeps)
    for _ in range(2):
        path(torch.zeros(1000, 1))
    missing = sum((1.0 - path(torch.ones(1000, 1)).double()).sum(0) * physics_dt for _ in range(6))
    latency = path.values("latency").numpy()
    assert latency.min() < 0.001 and latency.max() > 0.059
    assert np.abs(missing.numpy() - latency).max() < 1e-3 * physics_dt


def test_an_observed_step_arrives_after_the_drawn_seconds():
    """By impulse with linear reading; held, after the next whole step."""
    for reading, wanted in (("linear", lambda t: t), ("hold", lambda t: np.ceil(t / DT - 1e-4) * DT)):
        path = observing(f"{{latency: {{uniform: [0, 0.06]}}, reading: {reading}}}", num_envs=1000, size=1)
        for _ in range(2):
            path(torch.zeros(1000, 1))
        missing = sum((1.0 - path(torch.ones(1000, 1)).double()) * DT for _ in range(6))
        np.testing.assert_allclose(missing.numpy(), wanted(path.values("latency").numpy()), atol=1e-7)


@pytest.mark.parametrize("make", [observing, commanding])
def test_a_world_does_not_depend_on_the_others(make):
    """World 5 of eight is world 1 of a process whose first is world 4."""
    many, few = make(NOISY % "", num_envs=8), make(NOISY % "", num_envs=3, first_world=4)
    for step in data(9, 8):
        assert torch.equal(many(step)[..., 4:7, :], few(step[4:7]))


@pytest.mark.parametrize("make", [observing, commanding])
def test_a_row_can_play_any_world(make):
    """With another id in a row, it does what that world does anywhere, jitter and loss too."""
    many, few = make(NOISY % "", num_envs=8), make(NOISY % "", num_envs=2)
    few.worlds.assign(np.array([6, 3], np.int32))
    for path in (many, few):
        path.resets.zero_()
        path.reset()
    for step in data(9, 8):
        assert torch.equal(many(step)[..., [6, 3], :], few(step[[6, 3]]))


@pytest.mark.parametrize("make", [observing, commanding])
@pytest.mark.parametrize("rows", [[1, 4], torch.tensor([4, 1]), slice(1, 5, 3)])
def test_a_reset_leaves_other_worlds_as_they_are(make, rows):
    """Bit for bit; and the worlds that were reset begin with nothing of before."""
    one, other, x = make(NOISY % ""), make(NOISY % ""), data(12)
    for step in x[:5]:
        one(step), other(step)
    one.reset(rows)
    fresh = make(NOISY % "")
    fresh.reset()
    for step in x[5:]:
        a, b, c = one(step), other(step), fresh(step)
        kept = [0, 2, 3, 5]
        assert torch.equal(a[..., kept, :], b[..., kept, :])
        assert torch.equal(a[..., [1, 4], :], c[..., [1, 4], :])


@pytest.mark.parametrize("make", [observing, commanding])
def test_no_datum_crosses_episodes(make):
    """What is no number before a reset is not seen after it."""
    path = make("{latency: {uniform: [0, 0.06]}, walk: 0.1, dropout: 0.5}")
    for _ in range(4):
        path(torch.full((WORLDS, SIZE), torch.nan))
    path.reset()
    for _ in range(6):
        assert torch.isfinite(path(torch.ones(WORLDS, SIZE))).all()


def test_the_first_datum_stands_for_all_before_it():
    """The declared warm-up, of both directions."""
    first = data(1)[0]
    for path in (observing("{latency: 0.06}"), commanding("{latency: 0.06}")):
        for step in (first, first + 1, first + 2):
            y = path(step)
            assert torch.equal(y, first.expand_as(y))


@pytest.mark.parametrize("make", [observing, commanding])
def test_a_path_goes_on_from_its_state(make):
    """Amid an episode, in another object."""
    one, other, x = make(NOISY % ""), make(NOISY % ""), data(12)
    other.reset()
    for step in x[:5]:
        one(step)
    other.load_state_dict(one.state_dict())
    for step in x[5:]:
        assert torch.equal(one(step), other(step))
    one.reset(), other.reset()
    assert torch.equal(one(x[0]), other(x[0]))


def test_a_datum_given_again_is_disturbed_alike():
    """And a later one of the same step takes its place."""
    one, other, x = observing(NOISY % ""), observing(NOISY % ""), data(12)
    for step in x:
        wanted = one(step)
        other(step * 3)
        for _ in range(2):
            got = other(step, again=True)
        assert torch.equal(got, wanted)


def test_the_bias_does_not_walk_over_resets():
    """Its spread after 1, 10 and 100 resets is that of its distribution, and it stays for an episode."""
    path = observing("{bias: {uniform: [-0.1, 0.1]}}", num_envs=4000, size=1)
    for resets in (1, 10, 100):
        while int(path.episodes.numpy()[0]) < resets - 1:
            path.reset()
        bias = path(torch.zeros(4000, 1))
        assert abs(float(bias.std()) - 0.2 / np.sqrt(12)) < 0.002 and abs(float(bias.mean())) < 0.004
        assert torch.equal(path(torch.zeros(4000, 1)), bias)


def test_a_walk_spreads_with_the_root_of_time():
    """The declared deviation after one second, from nothing."""
    path = observing("{walk: 0.5}", num_envs=4000, size=1)
    assert torch.equal(path(torch.zeros(4000, 1)), torch.zeros(4000, 1))
    for _ in range(50):
        y = path(torch.zeros(4000, 1))
    assert abs(float(y.std()) - 0.5) < 0.02


def test_signals_of_one_bus_come_late_together():
    """Latency and loss are the bus's; errors are the signal's own."""
    part = "latency: {uniform: [0, 0.06]}, dropout: 0.3, bus: can, bias: {uniform: [-1, 1]}"
    spec = parse_spec(f"{HEAD}  a: {{{part}}}\n  b: {{{part}}}\n")
    a, b = (SignalPath(spec, name, (1,), DT, 50, "cpu") for name in "ab")
    a.reset(), b.reset()
    assert np.array_equal(a.values("latency").numpy(), b.values("latency").numpy())
    assert not np.array_equal(a.values("bias").numpy(), b.values("bias").numpy())
    for step in data(8, 50, 1):
        left, right = (path(step).numpy() - path.values("bias").numpy() for path in (a, b))
        np.testing.assert_allclose(left, right, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "make", "said"),
    [
        ("{bias: [1, 2]}", observing, "signals.s.bias: has 2 components and the data have 5 elements"),
        ("{latency: 0.1, reading: hold}", commanding, "signals.s.reading: a command is always held"),
        ("{latency: 10}", lambda text: commanding(text, step_dt=0.001), "a delay of up to 10 s is 10002 samples"),
    ],
)
def test_what_does_not_fit_is_refused(text, make, said):
    """With the signal's name and what fits."""
    with pytest.raises(SignalError, match=said):
        make(text)


def test_wrong_use_is_refused():
    """A signal that is not there, data of another shape, no episode, another path's state."""
    with pytest.raises(SignalError, match="no signal 'q' in the spec; it has s"):
        SignalPath(spec_of("{latency: 0.1}"), "q", 5, DT, 3)
    path = SignalPath(spec_of("{latency: 0.1}"), "s", 5, DT, 3)
    with pytest.raises(SignalError, match="no episode has begun"):
        path(torch.zeros(3, 5))
    path.reset()
    with pytest.raises(SignalError, match=r"got data of shape \(3, 4\); give \(3, 5\)"):
        path(torch.zeros(3, 4))
    with pytest.raises(SignalError, match="line of the state do not fit"):
        path.load_state_dict({**path.state_dict(), "line": np.zeros(3)})
