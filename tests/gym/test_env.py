"""The Gymnasium wrapper on real MuJoCo envs: the checker, worlds and episodes, physics, errors."""

import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from sim2real.draws import Draws
from sim2real.engines.engine import EngineError
from sim2real.gym import GymError, RandomizedEnv
from sim2real.spec import load_spec, parse_spec

ROBOTS = ("Ant-v5", "Hopper-v5", "HalfCheetah-v5", "Humanoid-v5")
PUSH = "push: {target: body.force, select: torso, unit: N, direction: x"
EXPECTED = ("different from the unwrapped version", "is -infinity", "is infinity")
"""The checker warns of every wrapper, and of the unbounded observations that these envs have without ours."""


def make(robot="Hopper-v5", spec="gymnasium", **kwargs):
    """A wrapped env."""
    return RandomizedEnv(gymnasium.make(robot), spec, **kwargs)


def spec_of(terms="", signals=""):
    """A spec from lines of YAML."""
    return parse_spec(f"schema: 1\nseed: 7\nterms:\n  {terms or '{}'}\nsignals:\n  {signals or '{}'}\n")


def drive(env, seed, steps=20):
    """Observations and rewards of an episode with fixed actions, (steps + 1, n)."""
    observation, _ = env.reset(seed=seed)
    rng, found = np.random.default_rng(3), [np.append(observation, 0.0)]
    for _ in range(steps):
        action = rng.uniform(env.action_space.low, env.action_space.high).astype(env.action_space.dtype)
        observation, reward, *_ = env.step(action)
        found.append(np.append(observation, reward))
    return np.array(found)


@pytest.mark.parametrize("when", [None, "episode", "step"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_the_checker_passes(robot, when):
    """Gymnasium's own checker, with delays and every kind of timing, finds nothing that the bare env has not."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(make(robot, when=when), skip_render_check=True)
    said = [str(w.message) for w in caught if "Gymnasium" in str(w.message) or "WARN" in str(w.message)]
    assert not [text for text in said if not any(part in text for part in EXPECTED)]


def test_draws_are_those_of_the_world_and_the_episode():
    """What an episode draws is a pure function of the spec's seed, the world and the episode's number."""
    env, spec = make(), load_spec("gymnasium")
    for seed in (17, 3):
        for episode in range(3):
            env.reset(seed=seed if episode == 0 else None)
            assert (env.world, env.episode) == (seed, episode)
            for name, values in env.draws().items():
                at = 0 if spec.terms[name].when == "startup" else episode
                dist = spec.terms[name].dist
                expected = Draws(7).sample(name, dist, seed, at, 0, values.shape[-1] // dist.dim)
                assert np.array_equal(values.reshape(-1), expected.reshape(-1)), name


def test_the_model_holds_the_draws_without_drift():
    """After three hundred episodes masses and dampings are the nominal ones times the draw, to the bit of float32."""
    env, nominal = make("Ant-v5"), gymnasium.make("Ant-v5").unwrapped.model
    order = np.argsort([f"robot/{body.name}" for body in env.engine.elements.body])
    seen = []
    for _ in range(300):
        env.reset()
        mass = env.draws()["link_mass"]
        expected = nominal.body_mass[1:][order].astype(np.float32) * mass
        assert np.array_equal(env.unwrapped.model.body_mass[1:][order].astype(np.float32), expected)
        seen.append(mass)
    ratio = np.array(seen)
    assert ratio.min() >= 0.8 and ratio.max() <= 1.2
    assert abs(ratio.mean() - 1.0) < 0.01 and abs(ratio.std() - 0.4 / 12**0.5) < 0.01


def test_a_world_is_the_same_again_and_others_are_not():
    """A seed brings back the episode; another seed, or another spec's seed, is another robot."""
    env = make()
    first, other = drive(env, 17), drive(env, 18)
    env.reset(seed=4)
    env.reset()
    assert np.array_equal(drive(env, 17), first)
    assert np.array_equal(drive(make(), 17), first)
    assert not np.allclose(other, first)
    assert not np.allclose(drive(make(spec=load_spec("gymnasium").with_seed(8)), 17), first)


def test_the_world_can_be_named():
    """A world of its own stays whatever the env's seed; without a name the seed is it."""
    named, by_seed = make(world=17), make()
    named.reset(seed=5)
    by_seed.reset(seed=17)
    assert named.world == 17
    assert all(np.array_equal(value, by_seed.draws()[name]) for name, value in named.draws().items())
    by_seed.reset(seed=2**31 + 17)
    assert by_seed.world == 17


def test_copies_of_a_vector_env_are_different_robots():
    """Gymnasium seeds them one apart: each is a world of its own, the one that it would be alone."""
    made = gymnasium.make_vec("Hopper-v5", 3, "sync", wrappers=[lambda env: RandomizedEnv(env, "gymnasium")])
    made.reset(seed=40)
    masses = [env.draws()["link_mass"] for env in made.envs]
    alone = make()
    alone.reset(seed=41)
    assert np.array_equal(masses[1], alone.draws()["link_mass"])
    assert not np.array_equal(masses[0], masses[1]) and not np.array_equal(masses[1], masses[2])


@pytest.mark.parametrize("when, changes", [("episode", False), ("step", True)])
def test_physics_change_every_episode_or_every_step(when, changes):
    """What `when` says is what the model does."""
    env = make(when=when)
    env.reset(seed=1)
    seen = [env.unwrapped.model.body_mass.copy()]
    for _ in range(4):
        env.step(env.action_space.sample())
        seen.append(env.unwrapped.model.body_mass.copy())
    assert [bool(np.any(a != b)) for a, b in zip(seen, seen[1:], strict=False)] == [changes] * 4
    env.reset()
    assert np.any(env.unwrapped.model.body_mass != seen[-1])


def test_a_spec_made_for_reset_can_be_drawn_every_step_only_where_it_is_a_property():
    """A push keeps its own times under `when`."""
    terms = PUSH + ", dist: {constant: 5}, when: {interval_s: [1, 2]}}"
    assert make(spec=spec_of(terms), when="step").spec_drawn.terms["push"].when == "interval"


def test_the_first_observation_is_the_new_robots():
    """Humanoid observes inertias: right after reset they are those of the masses just drawn."""
    mass = "mass: {target: body.mass, select: .*, op: scale, dist: {uniform: [0.5, 2.0]}, each: body}"
    env = make("Humanoid-v5", spec_of(mass))
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        base = env.unwrapped
        masses = base.data.cinert[1:, 9]
        np.testing.assert_allclose(masses, base.model.body_mass[1:], rtol=1e-9)
        where = base.model.nq - 2 + base.model.nv
        np.testing.assert_allclose(observation[where : where + 130].reshape(13, 10)[:, 9], masses)


def test_a_weaker_motor_gives_less():
    """Half the strength is half the torque at the joints."""
    weak = make("Ant-v5", spec_of("s: {target: actuator.strength, select: .*, op: scale, dist: {constant: 0.5}}"))
    full = make("Ant-v5", spec_of())
    for env in (weak, full):
        env.reset(seed=1)
        env.step(np.full(8, 0.7, dtype=np.float32))
    torque = [env.unwrapped.data.qfrc_actuator[6:] for env in (weak, full)]
    assert np.all(torque[1] != 0.0)
    np.testing.assert_allclose(torque[0], 0.5 * torque[1], rtol=1e-6)


def test_gravity_acts():
    """In the air, the robot's centre of mass gains the drawn gravity times the time."""
    for factor in (1.0, 2.0):
        env = make("Ant-v5", spec_of(f"g: {{target: world.gravity, op: scale, dist: {{constant: {factor}}}}}"))
        env.reset(seed=1)
        model, data = env.unwrapped.model, env.unwrapped.data
        data.qpos[2] += 3.0
        speeds = []
        for _ in range(2):
            env.step(np.zeros(8, dtype=np.float32))
            mujoco.mj_forward(model, data)
            mujoco.mj_subtreeVel(model, data)
            speeds.append(data.subtree_linvel[1, 2])
        assert data.ncon == 0
        assert speeds[1] - speeds[0] == pytest.approx(-9.81 * factor * 0.05, rel=0.01)


def test_a_push_lasts_as_long_as_it_says():
    """A force of 0.2 s at 20 Hz is there for four steps, also when the episode begins with it."""
    terms = PUSH + ", dist: {constant: 30}, duration_s: 0.2, when: reset}"
    env = make("Ant-v5", spec_of(terms))
    for _ in range(2):
        env.reset()
        forces = []
        for _ in range(7):
            env.step(np.zeros(8, dtype=np.float32))
            forces.append(env.unwrapped.data.xfrc_applied[1, 0])
        assert forces == [30.0] * 4 + [0.0] * 3


def test_it_can_be_made_again_from_its_spec():
    """`gymnasium.make(env.spec)` gives an env that does the same."""
    env = make(world=3)
    again = gymnasium.make(env.spec)
    assert isinstance(again, RandomizedEnv)
    assert np.array_equal(drive(again, 1), drive(env, 1))


def test_the_whole_list_of_what_cannot_be_held():
    """Seed 001 as it stands wants friction below the floor's; a factor on what is 0 is an error unless declared."""
    with pytest.raises(EngineError) as caught:
        make("Ant-v5", "seeds/001")
    assert "ground_friction: wants a friction" in str(caught.value)
    factor = "{target: joint.friction, op: scale, dist: {uniform: [0.5, 2]}}"
    with pytest.raises(EngineError, match="joint.friction is 0"):
        make(spec=parse_spec(f"schema: 1\nseed: 1\nterms:\n  factor: {factor}\n"))


@pytest.mark.parametrize(
    "make_it, words",
    [
        (lambda: RandomizedEnv(gymnasium.make("CartPole-v1"), "gymnasium"), "no MuJoCo model"),
        (lambda: make(when="sometimes"), "'episode', 'step'"),
        (lambda: make(world=-1), "from 0 to"),
        (lambda: make(spec=spec_of(signals="imu: {latency: 0.01}")), "signals.imu"),
        (lambda: make(spec=spec_of(signals="action: {latency: 0.01}\n  command: {latency: 0.01}")), "keep one"),
        (lambda: make(spec=spec_of(signals="action: {jitter: 0.01}")), "signals.action.jitter"),
        (lambda: make(spec=spec_of(signals="observation: {bias: {uniform: [[0, 0], [1, 1]]}}")), "2 components"),
        (lambda: make(spec=parse_spec("schema: 1\nseed: 1\nrates: {control_hz: 20}\n")), "the env steps at 125 Hz"),
        (lambda: make(spec=parse_spec("schema: 1\nseed: 1\nvision: {depth: {preset: ideal}}\n")), "vision.depth"),
    ],
)
def test_what_means_nothing_is_refused(make_it, words):
    """When the wrapper is made, with what to do."""
    with pytest.raises(GymError, match=words):
        make_it()
