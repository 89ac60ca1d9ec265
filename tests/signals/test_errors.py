"""The errors of sensors: the kernel against NumPy, the properties of each, and what errors may not depend on."""

import numpy as np
import pytest
import torch

from signals.error_reference import ErrorReference
from sim2real.signals import CommandPath, SignalError, SignalPath
from sim2real.spec import load_spec, parse_spec

HEAD = "schema: 1\nseed: 9\nsignals:\n"
SPECS = {
    "imu": (
        "{unit: rad/s, misalignment: {uniform: [-3, 3], unit: deg}, mount: torso, cross_axis: {uniform: [-0.02, 0.02]},"
        " scale: {uniform: [-0.01, 0.01]}, noise_density: {uniform: [0.01, 0.02]}, bias_instability: 0.1, walk: 0.05,"
        " bias: {uniform: [-0.1, 0.1]}}"
    ),
    "axes": "{misalignment: [0.1, -0.2, 0.3], cross_axis: [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]}",
    "straight": "{misalignment: 0}",
    "drift": "{bias_instability: {uniform: [0.1, 0.3]}, correlation_time: [0.05, 2, 0.5, 40]}",
    "encoder": (
        "{unit: rad, eccentricity: {uniform: [0, 0.05]}, bias: {uniform: [-0.01, 0.01]}, quantum: 0.0015, white: 0.002}"
    ),
    "lidar": (
        "{unit: m, white: 0.01, quadratic: {uniform: [0.002, 0.02]}, relative: 0.01, saturation: 2,"
        " saturation_low: 0.1, quantum: 0.001, dropout_each: {uniform: [0.1, 0.4]}, on_dropout_each: limit}"
    ),
    "lost": "{white: 0.1, dropout_each: 0.3}",
    "held": "{white: 0.1, dropout_each: 0.3, bias_instability: 0.2, walk: 0.1, reading: hold}",
    "blind": "{dropout_each: 0.3, on_dropout_each: zero}",
}
SIZES = {"imu": 3, "axes": 3, "straight": 3}
WORLDS, DT = 6, 0.02
EVERYTHING = SPECS["imu"][:-1] + ", dropout_each: 0.2, white: 0.1, relative: 0.1, latency: {uniform: [0, 0.05]}}"


def spec_of(text):
    """A spec with one signal, `s`."""
    return parse_spec(f"{HEAD}  s: {text}\n")


def sensing(text, size=3, num_envs=WORLDS, step_dt=DT, **more):
    """A sensor, its first episode begun."""
    path = SignalPath(spec_of(text), "s", (size,), step_dt, num_envs, "cpu", **more)
    path.reset()
    return path


def data(steps, size=3, num_envs=WORLDS, seed=0):
    """Any data, (steps, num_envs, size)."""
    return torch.as_tensor(np.random.default_rng(seed).normal(size=(steps, num_envs, size)).astype(np.float32))


@pytest.mark.parametrize("name", SPECS)
def test_errors_are_numpys(name):
    """Every sample of every world, over two episodes."""
    size = SIZES.get(name, 5)
    spec, path, x = spec_of(SPECS[name]), sensing(SPECS[name], size), data(15, size)
    quantum = spec.signals["s"].quantum
    # A number that lies between two steps of the quantisation may be rounded either way.
    atol = 3e-6 if quantum is None else 1.01 * quantum.bounds()[0][0]
    for episode in (0, 1):
        if episode:
            path.reset()
        references = [ErrorReference(spec, "s", size, DT, world, episode) for world in range(WORLDS)]
        for step in x:
            wanted = np.array([r.disturb(step[w].numpy()) for w, r in enumerate(references)])
            np.testing.assert_allclose(path(step).numpy(), wanted, atol=atol, rtol=3e-6)


def test_commands_have_the_same_errors():
    """As they are sent."""
    spec, x = spec_of(SPECS["imu"]), data(8)
    path = CommandPath(spec, "s", 3, DT, WORLDS, "cpu", substeps=2)
    path.reset()
    references = [ErrorReference(spec, "s", 3, DT, world) for world in range(WORLDS)]
    for step in x:
        wanted = np.array([r.disturb(step[w].numpy()) for w, r in enumerate(references)])
        for plane in path(step).numpy():
            np.testing.assert_allclose(plane, wanted, atol=3e-6, rtol=3e-6)


def test_a_world_does_not_depend_on_the_others():
    """World 5 of eight is world 1 of a process whose first is world 4."""
    many, few = sensing(EVERYTHING, num_envs=8), sensing(EVERYTHING, num_envs=3, first_world=4)
    for step in data(9, num_envs=8):
        assert torch.equal(many(step)[4:7], few(step[4:7]))


def test_a_reset_leaves_other_worlds_as_they_are():
    """Bit for bit; and the worlds that were reset begin with nothing of before."""
    one, other, x = sensing(EVERYTHING), sensing(EVERYTHING), data(12)
    for step in x[:5]:
        one(step), other(step)
    one.reset([1, 4])
    fresh = sensing(EVERYTHING)
    fresh.reset()
    for step in x[5:]:
        a, b, c = one(step), other(step), fresh(step)
        assert torch.equal(a[[0, 2, 3, 5]], b[[0, 2, 3, 5]]) and torch.equal(a[[1, 4]], c[[1, 4]])


def test_a_sensor_goes_on_from_its_state():
    """Amid an episode, in another object; and a datum given again is disturbed alike."""
    one, other, x = sensing(EVERYTHING), sensing(EVERYTHING), data(12)
    other.reset()
    for step in x[:5]:
        one(step)
    other.load_state_dict(one.state_dict())
    for step in x[5:]:
        wanted = one(step)
        other(step * 3)
        assert torch.equal(other(step, again=True), wanted)


def test_what_was_no_number_ends_with_its_episode():
    """In a walk, a drift or a held element."""
    path = sensing(EVERYTHING)
    for _ in range(4):
        path(torch.full((WORLDS, 3), torch.nan))
    path.reset()
    for _ in range(6):
        assert torch.isfinite(path(torch.ones(WORLDS, 3))).all()


@pytest.mark.parametrize("part", ["misalignment", "scale", "bias", "eccentricity"])
def test_what_an_episode_draws_does_not_walk_over_resets(part):
    """Its spread after 1, 10 and 100 resets is that of its distribution, and it stays for an episode."""
    unit = "unit: rad, " if part == "eccentricity" else ""
    path = sensing(f"{{{unit}{part}: {{uniform: [0, 0.1]}}}}", num_envs=4000)
    x, seen = torch.ones(4000, 3), []
    for resets in (1, 10, 100):
        while int(path.episodes.numpy()[0]) < resets - 1:
            path.reset()
        drawn, told = path.values(part).numpy(), path(x)
        assert abs(drawn.std() - 0.1 / np.sqrt(12)) < 0.001 and abs(drawn.mean() - 0.05) < 0.002
        assert torch.equal(path(x), told)
        seen.append(float((told - x).std()))
    assert max(seen) < 1.05 * min(seen)


def test_misalignment_turns_and_keeps_the_length():
    """A rotation: a constant vector about z turns x into y."""
    path = sensing("{misalignment: [0, 0, 90]}".replace("[0, 0, 90]", "{constant: [0, 0, 90], unit: deg}"))
    turned = path(torch.tensor([[1.0, 0.0, 0.5]]).expand(WORLDS, 3))
    np.testing.assert_allclose(turned.numpy(), [[0.0, 1.0, 0.5]] * WORLDS, atol=1e-6)
    path, x = sensing("{misalignment: {uniform: [-0.5, 0.5]}}"), data(1)[0]
    np.testing.assert_allclose(path(x).norm(dim=1).numpy(), x.norm(dim=1).numpy(), rtol=1e-6)
    assert float((path(x) - x).abs().min(dim=0).values.max()) > 1e-3


def test_signals_of_one_mount_are_turned_alike():
    """A gyro and the gravity that the same box measures."""
    part = "misalignment: {uniform: [-3, 3], unit: deg}"
    spec = parse_spec(f"{HEAD}  a: {{{part}, mount: imu}}\n  b: {{{part}, mount: imu}}\n  c: {{{part}}}\n")
    paths = [SignalPath(spec, name, (3,), DT, 20, "cpu") for name in "abc"]
    for path in paths:
        path.reset()
    a, b, c = (path(data(1, num_envs=20)[0]) for path in paths)
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_an_encoder_errs_once_in_a_turn():
    """Its error over a turn is a sine of the declared amplitude, with a phase of the joint's own."""
    path = sensing("{unit: rad, eccentricity: 0.01}", size=4, num_envs=2000)
    angles = torch.linspace(0.0, 2.0 * np.pi, 65)[:-1]
    error = np.array([(path(torch.full((2000, 4), float(a))) - a).numpy() for a in angles])
    turn = np.fft.rfft(error, axis=0) / 32
    np.testing.assert_allclose(np.abs(turn[1]), 0.01, rtol=1e-3)
    assert np.abs(np.delete(turn, 1, axis=0)).max() < 1e-4
    phase = np.angle(turn[1])
    assert abs(np.exp(1j * phase).mean()) < 4 / np.sqrt(8000)
    assert abs(np.exp(1j * (phase[:, 0] - phase[:, 1])).mean()) < 4 / np.sqrt(2000)


@pytest.mark.parametrize("distance", [0.5, 2.0, 6.0])
def test_range_noise_grows_with_range(distance):
    """The declared standard deviation a + b r^2 at each range."""
    path = sensing("{unit: mm, white: 2, quadratic: {constant: 3e-6, unit: 1/mm}}", size=5, num_envs=4000)
    told = path(torch.full((4000, 5), distance))
    wanted = 0.002 + 0.003 * distance**2
    assert abs(float(told.std()) / wanted - 1.0) < 4.0 / np.sqrt(2 * 20000)
    assert abs(float(told.mean()) - distance) < 4.0 * wanted / np.sqrt(20000)


def test_rays_get_lost_one_by_one():
    """As often as declared, each for itself, to the range's end; an episode's first never."""
    path = sensing(
        "{unit: m, saturation: 8, saturation_low: 0.2, dropout_each: 0.25, on_dropout_each: limit}", 20, 2000
    )
    assert torch.equal(path(torch.full((2000, 20), 3.0)), torch.full((2000, 20), 3.0))
    told = path(torch.full((2000, 20), 3.0))
    lost = told == 8.0
    assert torch.equal(~lost, told == 3.0)
    assert abs(float(lost.float().mean()) - 0.25) < 4.0 * np.sqrt(0.25 * 0.75 / 40000)
    counts = lost.sum(dim=1).float()  # binomial, if rays do not share their luck
    assert abs(float(counts.var()) / (20 * 0.25 * 0.75) - 1.0) < 4.0 * np.sqrt(2 / 2000)
    assert torch.equal(path(torch.full((2000, 20), 0.05)).amin(), torch.tensor(0.2))
    assert float(path(torch.full((2000, 20), 50.0)).amax()) == 8.0


def test_seed_003_disturbs_the_action_as_it_says():
    """The preset's noise: a standard deviation of 0.01 to 0.05 for each world, anew in each episode, on what acts."""
    spec, worlds, actions = load_spec("seeds/003"), 200, 12
    path = CommandPath(spec, "action", actions, 0.02, worlds, "cpu", substeps=4)
    stds = []
    for _episode in range(2):
        path.reset()
        acting = torch.stack([path(torch.full((worlds, actions), 0.5))[-1].clone() for _ in range(204)])[4:]
        declared = path.values("white").numpy()[:, 0].copy()
        error = acting.numpy() - 0.5
        assert np.float32(0.01) <= declared.min() < 0.0105 and 0.0495 < declared.max() <= np.float32(0.05)
        np.testing.assert_allclose(error.std(axis=(0, 2)), declared, rtol=5.0 / np.sqrt(2 * 200 * actions))
        assert np.abs(error.mean(axis=(0, 2)) / declared).max() < 5.0 / np.sqrt(200 * actions)
        stds.append(declared)
    assert abs(np.corrcoef(stds)[0, 1]) < 0.3


@pytest.mark.parametrize(
    ("text", "size", "said"),
    [
        ("{misalignment: 0.1}", 4, "signals.s.misalignment: is between the axes x, y, z and the data have 4 elements"),
        ("{cross_axis: 0.1}", 12, "signals.s.cross_axis: is between the axes x, y, z and the data have 12 elements"),
        ("{bias_instability: [1, 2]}", 3, "signals.s.bias_instability: has 2 components and the data have 3 elements"),
    ],
)
def test_what_does_not_fit_is_refused(text, size, said):
    """With the signal's name and what fits."""
    with pytest.raises(SignalError, match=said):
        sensing(text, size)
