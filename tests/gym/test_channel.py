"""Delays, losses and errors between env and policy: against the bare env's own data, and against their statistics."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sim2real.gym import RandomizedEnv
from sim2real.gym.channel import Channel, neutral
from sim2real.spec import parse_spec

BOX = spaces.Box(-np.inf, np.inf, (3,), np.float64)


def channel(signal, space=BOX, seed=7, step_dt=0.05):
    """A channel of a signal written as YAML."""
    spec = parse_spec(f"schema: 1\nseed: {seed}\nsignals:\n  s: {signal}\n")
    return Channel("s", spec.signals["s"], space, seed=seed, step_dt=step_dt)


def pendulum(signals="{}"):
    """A small real env without physics terms."""
    spec = parse_spec(f"schema: 1\nseed: 7\nsignals: {signals}\n")
    return RandomizedEnv(gymnasium.make("HalfCheetah-v5"), spec)


def actions(count):
    """Actions as a policy would send them."""
    return np.random.default_rng(1).uniform(-1, 1, (count, 6)).astype(np.float32)


def observations(env, sent, seed=5):
    """What an episode shows under the given actions."""
    return np.array([env.reset(seed=seed)[0], *(env.step(action)[0] for action in sent)])


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_late_action_is_the_bare_envs_earlier_one(steps):
    """Delayed by k steps, the env does what it does when zero comes k times first."""
    sent = actions(12)
    late = observations(pendulum(f"{{action: {{latency: {steps * 0.05}}}}}"), sent)
    bare = observations(gymnasium.make("HalfCheetah-v5"), np.concatenate([np.zeros((steps, 6), np.float32), sent])[:12])
    assert np.array_equal(late, bare)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_late_observation_is_an_earlier_one(steps):
    """Delayed by k steps, an observation is the one of k steps before, the first one until then."""
    sent = actions(12)
    late = observations(pendulum(f"{{observation: {{latency: {steps * 0.05}}}}}"), sent)
    bare = observations(gymnasium.make("HalfCheetah-v5"), sent)
    expected = np.concatenate([np.repeat(bare[:1], steps, axis=0), bare])[: len(bare)]
    assert np.array_equal(late, expected)


def test_a_delay_in_steps_is_so_many_steps():
    """Steps at the env's own rate come back as whole steps."""
    text = (
        "schema: 1\nseed: 7\nrates: {control_hz: 20}\nsignals: {action: {latency: {uniform_int: [0, 3], unit: steps}}}"
    )
    env, lags = RandomizedEnv(gymnasium.make("HalfCheetah-v5"), parse_spec(text)), []
    for _ in range(200):
        env.reset()
        lags.append(env.delays["action"])
    assert set(lags) == {0, 1, 2, 3} and min(np.bincount(lags)) > 30


def test_nothing_crosses_episodes():
    """The first observations of an episode are its own."""
    env = pendulum("{observation: {latency: 0.2}, action: {latency: 0.2}}")
    observations(env, actions(10))
    before = env.unwrapped.data.qpos.copy()
    first, _ = env.reset()
    assert np.array_equal(first, env.unwrapped._get_obs()) and not np.allclose(before, env.unwrapped.data.qpos)
    for _ in range(4):
        shown, *_ = env.step(np.ones(6, dtype=np.float32))
        assert np.array_equal(shown, first)
        assert not env.unwrapped.data.ctrl.any()


def test_latency_is_drawn_for_an_episode_in_whole_steps():
    """Uniform from 0 to 3 steps: half as often at the ends, rounded to the nearest."""
    late = channel("{latency: {uniform: [0, 0.15]}}")
    lags = []
    for episode in range(4000):
        late.begin(2, episode, np.zeros(3))
        lags.append(late.lag)
    np.testing.assert_allclose(np.bincount(lags) / 4000, [1 / 6, 1 / 3, 1 / 3, 1 / 6], atol=0.025)


def test_signals_on_one_bus_are_equally_late():
    """Two channels on a bus share the draw; apart they do not."""
    together = [channel("{latency: {uniform: [0, 5]}, bus: can}") for _ in range(2)]
    together[1].name = "other"
    apart = [channel("{latency: {uniform: [0, 5]}}") for _ in range(2)]
    apart[1].name = "other"
    for each in (*together, *apart):
        each.begin(0, 3, np.zeros(3))
    assert together[0].lag == together[1].lag and apart[0].lag != apart[1].lag


def collect(signal, datum, episodes=40, steps=200):
    """What arrives when the same datum is sent over and over, (episodes, steps, n)."""
    made = channel(signal)
    found = []
    for episode in range(episodes):
        made.begin(1, episode, datum)
        found.append([made.pass_on(datum) for _ in range(steps)])
    return np.array(found)


def test_white_noise_has_its_deviation_and_no_memory():
    """Independent between steps, components and episodes."""
    error = collect("{white: 0.3}", np.array([1.0, 2.0, 3.0])) - np.array([1.0, 2.0, 3.0])
    assert error.std() == pytest.approx(0.3, rel=0.02) and abs(error.mean()) < 0.01
    flat = error.reshape(-1, 3)
    assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 0.05
    assert abs(np.corrcoef(flat[:-1, 0], flat[1:, 0])[0, 1]) < 0.05


def test_noise_levels_are_drawn_for_an_episode():
    """A deviation that is itself uncertain differs between episodes and not within one."""
    error = collect("{white: {uniform: [0.0, 1.0]}}", np.zeros(3), steps=400)
    half = [part.reshape(40, -1).std(axis=1) for part in (error[:, :200], error[:, 200:])]
    assert np.ptp(half[0]) > 0.7
    np.testing.assert_allclose(half[0], half[1], rtol=0.2, atol=0.01)


def test_relative_noise_grows_with_the_datum():
    """Ten times the datum, ten times the error; zero stays zero."""
    seen = collect("{relative: 0.1}", np.array([0.0, 1.0, 10.0]))
    assert np.all(seen[..., 0] == 0.0)
    np.testing.assert_allclose(seen.std(axis=(0, 1))[1:], [0.1, 1.0], rtol=0.05)


def test_bias_is_constant_in_an_episode():
    """One number for all components when it is scalar; another one in the next episode."""
    seen = collect("{bias: {uniform: [-1, 1]}}", np.zeros(3), steps=3)
    assert np.all(seen == seen[:, :1, :1]) and np.ptp(seen[:, 0, 0]) > 1.0
    vector = collect("{bias: {uniform: [[-1, 0, 5], [1, 0, 6]]}}", np.zeros(3), steps=2)
    assert np.all(vector[..., 1] == 0.0) and vector[..., 2].min() >= 5.0


def test_a_quantum_rounds():
    """To the nearest multiple; 0 leaves the datum."""
    assert np.array_equal(collect("{quantum: 0.25}", np.array([0.3, -0.4, 1.0]), 1, 1)[0, 0], [0.25, -0.5, 1.0])
    assert np.array_equal(collect("{quantum: 0}", np.array([0.3, -0.4, 1.0]), 1, 1)[0, 0], [0.3, -0.4, 1.0])


@pytest.mark.parametrize("what", ["hold", "zero"])
def test_what_is_lost_is_held_or_zero(what):
    """One datum in four is lost; what stands in for it is the last that came, or zero."""
    made = channel(f"{{dropout: 0.25, on_dropout: {what}}}")
    lost = 0
    for episode in range(20):
        made.begin(0, episode, np.full(3, -1.0))
        last = np.full(3, -1.0)
        for step in range(200):
            sent = np.full(3, step + 1.0)
            got = made.pass_on(sent)
            if not np.array_equal(got, sent):
                lost += 1
                assert np.array_equal(got, last if what == "hold" else np.zeros(3))
            else:
                last = sent
    assert lost / 4000 == pytest.approx(0.25, abs=0.03)


def test_what_arrives_belongs_to_the_receiver():
    """Writing into a datum that arrived, or into one that was sent, changes no later one."""
    made = channel("{latency: 0.1}")
    made.begin(0, 0, np.zeros(3))
    sent = np.ones(3)
    got = [made.pass_on(sent) for _ in range(2)]
    sent[:] = 9.0
    got[0][:] = 7.0
    assert np.array_equal(got[1], np.zeros(3)) and np.array_equal(made.pass_on(sent), np.ones(3))


def test_the_space_is_kept():
    """Bounds and types hold under noise; pictures and whole numbers pass untouched; floats inside are changed."""
    space = spaces.Dict({
        "image": spaces.Box(0, 255, (4, 4, 3), np.uint8),
        "state": spaces.Tuple((spaces.Box(-1, 1, (2,), np.float32), spaces.Box(0, 5, (1,), np.int64))),
    })  # fmt: skip
    made, datum = channel("{white: 3.0}", space), space.sample()
    made.begin(0, 0, datum)
    got = made.pass_on(datum)
    assert got in space
    assert np.array_equal(got["image"], datum["image"]) and np.array_equal(got["state"][1], datum["state"][1])
    assert not np.array_equal(got["state"][0], datum["state"][0])


def test_neutral_action():
    """Zero where it is allowed, else the nearest bound."""
    assert np.array_equal(neutral(spaces.Box(-1, 1, (2,))), [0.0, 0.0])
    assert np.array_equal(neutral(spaces.Box(np.float32([0.5, -2.0]), np.float32([1.0, -1.0]))), [0.5, -1.0])


def test_an_episode_can_be_heard_again():
    """The same world, episode and data give the same errors, however many steps came before."""
    made, datum = channel("{white: 1.0, dropout: 0.1, bias: {normal: [0, 1]}}"), np.arange(3.0)
    runs = []
    for _ in range(2):
        made.begin(5, 2, datum)
        runs.append([made.pass_on(datum) for _ in range(150)])
        made.begin(5, 3, datum)
        made.pass_on(datum)
    assert np.array_equal(*runs)
