"""The avoidance task under a whole spec, in both engines: properties by the scene's number, delays in seconds."""

import numpy as np
import pytest
import torch

from engine_env import ENGINES, SEED, drive, open_env, put
from sim2real.draws import Draws
from sim2real.lab import randomization_of, restore, signal_paths, state_of
from sim2real.lab.verify.readback import read_back
from sim2real.spec import load_spec

WORLDS = 6
TIMED = [pytest.param(ENGINES[0], marks=pytest.mark.slow), ENGINES[1]]
"""For what costs seconds on Newton and is our own line, laid around either engine."""
SIGNALS = """
signals:
  depth: {latency: {uniform: [0, 90], unit: ms}, dropout: 0.15}
  command: {latency: {uniform: [0, 90], unit: ms}}
"""
TEXT = load_spec("rover").to_yaml()
TEXT = TEXT[: TEXT.index("signals:")] + SIGNALS + TEXT[TEXT.index("vision:") :]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, tmp_path_factory):
    """Six environments of one engine under the rover's preset, with delays that are easy to tell apart."""
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    path.write_text(TEXT)
    with open_env(request.param, num_envs=WORLDS, spec=str(path)) as env:
        yield env


@pytest.fixture
def env(engine):
    """The same, which counts episodes or plays what a test says."""
    engine.observe, engine._queue = "nothing", None
    engine.active[:] = True
    return engine


def held(env):
    """What the solver holds and what the lines drew, a row for each environment."""
    found = randomization_of(env)
    rows = {name: found.engine.read(name).copy() for name in found.randomizer.quantities}
    for place, path in signal_paths(env).items():
        rows[place] = path.values("latency").numpy().copy()
    return rows


def test_the_solver_holds_what_was_drawn(env):
    """Mass, centre of mass, friction, drives, gravity, by the task's own resets; other worlds keep every bit."""
    env.reset()
    found = randomization_of(env)
    result = read_back(found.randomizer, lambda rows: env._reset_idx(torch.as_tensor(rows)), rounds=3)
    assert result.passed, result.to_text()
    varied = {check.quantity for check in result.checks if check.spread > 0.0}
    assert varied >= {
        *("body_mass", "body_com", "body_inertia", "shape_friction", "gravity"),
        *("joint_damping", "joint_friction", "actuator_kd", "actuator_effort_limit"),
    }


def test_what_is_drawn_is_a_function_of_the_scene_alone(env):
    """NumPy's numbers of the scene's id, whichever environment plays it: so for any number of environments."""
    scenes = np.array([40, 7, 300, 41, 8, 9])
    env.play(scenes)
    first = held(env)
    found = randomization_of(env)
    for name in ("base_mass", "wheel_friction", "motor_strength"):
        term = found.randomizer.terms[name]
        drawn = Draws(SEED).sample(name, term.term.dist, scenes, 0, 0, term.count)
        np.testing.assert_array_equal(found.values(name).numpy().ravel(), drawn.ravel())
    for name, signal in env.randomization.signals.items():
        drawn = Draws(SEED).sample(f"signals/{name}/latency", signal.latency, scenes, 0).ravel()
        place = {"depth": "observations.depth", "command": "actions.command"}[name]
        np.testing.assert_array_equal(first[place].ravel(), drawn)
    drive(env, 0.5, 0.3, 2)
    env.play(scenes[::-1])
    for name, rows in held(env).items():
        np.testing.assert_array_equal(rows[::-1], first[name], err_msg=name)


def test_a_reset_leaves_others_as_they_are(env):
    """Rows 1 and 4 get other scenes; the rest keeps every bit."""
    env.play(range(WORLDS))
    drive(env, 0.6, 0.2, 2)
    before, line = held(env), env.command_link.path.state_dict()["line"]
    env._queue.extend([70, 71])
    env._reset_idx(torch.tensor([1, 4]))
    kept = [0, 2, 3, 5]
    for name, rows in held(env).items():
        np.testing.assert_array_equal(rows[kept], before[name][kept], err_msg=name)
    assert (held(env)["body_mass"][[1, 4]] != before["body_mass"][[1, 4]]).any((1, 2)).all()
    np.testing.assert_array_equal(env.command_link.path.state_dict()["line"][:, kept], line[:, kept])


def lined_up(env):
    """All rovers at the start line of an empty arena, at rest, in the scenes 0, 1, …"""
    env.play(range(WORLDS))
    put(env, [[0.5, 0.0, 0.0]] * WORLDS)


@pytest.mark.parametrize("engine", TIMED, indirect=True)
def test_a_command_acts_after_its_seconds(env):
    """A delay of 100 ms is the motion without one, a decision later; one as drawn costs the way of its seconds.

    The median of the rovers: one that rears up as it starts, onto its caster, comes down at a time of its own.
    """

    def go(seconds):
        lined_up(env)
        latency = env.command_link.path.values("latency")
        if seconds is not None:
            latency.fill_(seconds)
        drive(env, 0.0, 0.0, 8)  # an episode's first command is there at once, and a rover has to sink onto a caster
        start, path = env.pose[:, 0].numpy().copy(), []
        for _ in range(12):
            drive(env, 0.6, 0.0)
            path.append(env.pose[:, 0].numpy() - start)
        return np.stack(path), latency.numpy().ravel()

    prompt, _ = go(0.0)
    late, _ = go(0.1)
    assert np.abs(late[0]).max() < 2e-3 < 5e-3 < prompt[0].min()
    assert (np.median(np.abs(late[1:] - prompt[:-1]), 1) < 2e-3).all()
    drawn, latency = go(None)
    assert np.ptp(latency) > 0.02
    assert np.median(np.abs((prompt - drawn)[-1] - 0.6 * latency)) < 2e-3


def watch(env, seconds, lose=False):
    """Drive and turn; clean pictures, their ages and which were lost, at each decision. None: they have no way."""
    link = env.picture_link
    if seconds is None:
        env.picture_link = None
    lined_up(env)
    if not lose:
        link.path.values("dropout").zero_()
    link.path.values("latency").fill_(seconds or 0.0)
    env.command_link.path.values("latency").zero_()
    seen, ages, lost = [], [], []
    for _ in range(7):
        drive(env, 0.5, 0.5)
        seen.append(env.images.clean.copy())
        ages.append(link.age.numpy().copy())
        lost.append(link.lost.copy())
    env.picture_link = link
    return np.stack(seen), np.stack(ages), np.stack(lost)


def alike(one, other):
    """The smallest share of a picture's pixels that are the same to a centimetre; but for edges it is all of them."""
    return (np.abs(one - other) < 0.01).mean((-2, -1)).min()


@pytest.mark.parametrize("engine", TIMED, indirect=True)
def test_a_picture_is_that_of_the_seconds_before(env):
    """Without a delay it is what the camera sees as it rides along; with 100 ms, what it saw one decision before; with
    50 ms, what lies between. One that is lost is replaced by the one before, and its age says so.
    """
    env.observe = "clean"
    riding, _, _ = watch(env, None)
    prompt, ages, _ = watch(env, 0.0)
    assert not ages.any() and alike(riding, prompt) > 0.98
    # The first decision sees what was before the rovers were put here.
    late, ages, _ = watch(env, 0.1)
    assert alike(late[2:], prompt[1:-1]) > 0.98 > alike(late[2:], prompt[2:])
    np.testing.assert_allclose(ages[2:], 0.1, atol=1e-5)
    between, ages, _ = watch(env, 0.05)
    np.testing.assert_allclose(ages[2:], 0.05, atol=1e-5)
    now, before, halfway = prompt[2:], prompt[1:-1], (prompt[2:] + prompt[1:-1]) / 2
    moved = (np.abs(now - before) > 0.01) & (np.abs(now - before) < 0.1)
    apart = [np.median(np.abs(between[2:] - other)[moved]) for other in (halfway, now, before)]
    assert apart[0] < 0.3 * min(apart[1:])
    kept, ages, lost = watch(env, 0.0, lose=True)
    assert lost.any() and not lost.all()
    for tick in range(1, len(kept)):
        np.testing.assert_array_equal(kept[tick, lost[tick]], kept[tick - 1, lost[tick]])
        np.testing.assert_array_equal(kept[tick, ~lost[tick]], prompt[tick, ~lost[tick]])
        since = np.where(lost[tick], ages[tick - 1] + env.step_dt, 0.0)
        np.testing.assert_allclose(ages[tick], since, atol=1e-5)


def test_a_resumed_run_goes_on_with_the_next_episodes(env):
    """The count comes with the checkpoint: scenes, properties and delays of the next episode are the same."""
    env.reset()
    env._reset_idx(torch.tensor([2]))
    state = state_of(env)
    env.reset()
    episodes, wanted, cameras = env.episodes.copy(), held(env), env._cameras.position.copy()
    assert episodes[2] == episodes[0] + 1
    env.reset(), env.reset()
    restore(env, state)
    env.reset()
    np.testing.assert_array_equal(env.episodes, episodes)
    np.testing.assert_array_equal(env._cameras.position, cameras)
    for name, rows in held(env).items():
        np.testing.assert_array_equal(rows, wanted[name], err_msg=name)


def test_an_episode_under_the_whole_spec_is_finite(env):
    """Eight decisions through the camera model, with resets in between: numbers, and episodes that end as ever."""
    env.observe = "noisy"
    env.play(range(100, 100 + WORLDS))
    for tick in range(8):
        if tick == 3:
            env.episode_length_buf[:3] = env.max_episode_length - 1
        env._queue.extend(range(200 + tick, 203 + tick))
        observation = drive(env, 0.4, 0.4)["policy"]
        assert torch.isfinite(observation).all() and torch.isfinite(env.pose).all()
    assert env.finished is not None
