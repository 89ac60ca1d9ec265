"""Pictures in observations: changed after their delay, reproducibly, and nothing else with them."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from sim2real.draws import Draws
from sim2real.gym import GymError, RandomizedEnv
from sim2real.spec import Normal, load_spec, parse_spec
from sim2real.vision import draw_picture_params, picture_key, randomize_pictures


class Painted(gymnasium.ObservationWrapper, gymnasium.utils.RecordConstructorArgs):
    """Observes the state and a picture whose columns are as bright as the state's entries are large."""

    def __init__(self, env):
        gymnasium.utils.RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        picture = spaces.Box(0, 255, (8, env.observation_space.shape[0], 3), np.uint8)
        self.observation_space = spaces.Dict({"state": env.observation_space, "image": picture})

    def observation(self, observation):
        """Paint the state."""
        bright = (127.5 + 127.5 * np.tanh(observation)).astype(np.uint8)
        return {"state": observation, "image": np.broadcast_to(bright[None, :, None], (8, bright.size, 3)).copy()}


def grain(picture, world, episode, step):
    """Noise at 0.05 of full scale, keyed."""
    drawn = Draws(7).sample("grain", Normal(0.0, 0.05), world, episode, step, picture.size)
    return np.clip(picture + 255.0 * drawn.reshape(picture.shape), 0, 255).astype(np.uint8)


def make(pictures=grain, signals="{}"):
    """A painted env with changed pictures."""
    spec = parse_spec(f"schema: 1\nseed: 7\nsignals: {signals}\n")
    return RandomizedEnv(Painted(gymnasium.make("HalfCheetah-v5")), spec, pictures=pictures)


def episode(env, seed=4, steps=6):
    """Observations of an episode with zero actions."""
    return [env.reset(seed=seed)[0], *(env.step(np.zeros(6, np.float32))[0] for _ in range(steps))]


def test_the_checker_passes():
    """Pictures stay in the space, and the same seed shows the same grain."""
    check_env(make(signals="{observation: {latency: 0.1, white: 0.01}}"), skip_render_check=True)


def test_pictures_are_changed_by_their_place_and_states_are_not():
    """What is seen is the function of the bare picture, the world, the episode and the step."""
    env, bare = make(), make(pictures=None)
    for seen, clean, step in zip(episode(env), episode(bare), range(7), strict=True):
        assert np.array_equal(seen["state"], clean["state"])
        assert np.array_equal(seen["image"], grain(clean["image"], 4, 0, step))
        assert not np.array_equal(seen["image"], clean["image"])


def test_a_late_picture_gets_the_present_noise():
    """The delay comes first, the camera's noise belongs to the moment it is looked at."""
    late, bare = episode(make(signals="{observation: {latency: 0.1}}")), episode(make(pictures=None))
    assert np.array_equal(late[5]["image"], grain(bare[3]["image"], 4, 0, 5))


@pytest.mark.parametrize("wrong", [lambda p, *_: p.astype(float), lambda p, *_: p[:4], lambda *_: None])
def test_what_is_no_picture_is_refused(wrong):
    """A function must give back what it got: shape and type."""
    with pytest.raises(GymError, match="it must give uint8"):
        make(wrong).reset()


def test_an_env_without_pictures_is_refused():
    """There would be nothing to do; False says that this is meant."""
    bare = gymnasium.make("HalfCheetah-v5")
    with pytest.raises(GymError, match="no uint8 picture"):
        RandomizedEnv(bare, "gymnasium", pictures=grain)
    with pytest.raises(GymError, match=r"vision.colour: no uint8 picture .* 'pictures=False'"):
        RandomizedEnv(bare, SEEN)
    RandomizedEnv(bare, SEEN, pictures=False).reset(seed=1)


SEEN = parse_spec("schema: 1\nseed: 7\nvision: {colour: {contrast: {uniform: [0.7, 1.3]}, noise_std: 0.05}}\n")


def seed_001_seen(signals="{}"):
    """Seed 001's pictures alone, and no physics that this robot cannot hold."""
    seed = load_spec("seeds/001")
    vision = seed.to_yaml().partition("vision:\n")[2]
    assert set(seed.vision) == {"light", "colour", "occlusion"}
    return parse_spec(f"schema: 1\nseed: {seed.seed}\nsignals: {signals}\nvision:\n{vision}")


def test_a_spec_changes_pictures_by_its_vision_section():
    """Seed 001's VisualRandomizer: what is seen is the spec's function of the bare picture and its place."""
    spec = seed_001_seen()
    env, bare = RandomizedEnv(Painted(gymnasium.make("HalfCheetah-v5")), spec), make(pictures=None)
    differs = 0
    for seen, clean, step in zip(episode(env), episode(bare), range(7), strict=True):
        params = draw_picture_params(spec.vision, Draws(spec.seed), [4], 0, step)
        wanted = randomize_pictures(clean["image"][None], params, picture_key(spec.seed), [4], occurrences=step)
        np.testing.assert_array_equal(seen["image"], wanted[0])
        np.testing.assert_array_equal(seen["state"], clean["state"])
        differs += (seen["image"] != clean["image"]).any()
    assert differs == 7


def test_the_checker_passes_with_seed_001s_pictures():
    """Pictures, delay and noise at once, in the observation's space and reproducible."""
    env = RandomizedEnv(
        Painted(gymnasium.make("HalfCheetah-v5")), seed_001_seen("{observation: {latency: 0.1, white: 0.01}}")
    )
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize(
    "vision, words",
    [
        ("{depth: {preset: ideal}}", "vision.depth.preset: no depth is rendered"),
        ("{texture: {colour: 0.5}}", "vision.texture.colour: a picture alone does not say"),
        ("{texture: {background: 0.5}, light: {intensity: 2}}", "vision.texture.background: a picture alone"),
    ],
)
def test_what_a_picture_alone_cannot_show_is_refused(vision, words):
    """With the reason of the support table."""
    spec = parse_spec(f"schema: 1\nseed: 7\nvision: {vision}\n")
    with pytest.raises(GymError, match=words):
        RandomizedEnv(Painted(gymnasium.make("HalfCheetah-v5")), spec)


def test_one_answer_to_what_happens_to_pictures():
    """A function beside the spec's own section, or something that is none, is refused."""
    painted = Painted(gymnasium.make("HalfCheetah-v5"))
    with pytest.raises(GymError, match="keep one of the two"):
        RandomizedEnv(painted, SEEN, pictures=grain)
    with pytest.raises(GymError, match="got True; give a function"):
        RandomizedEnv(painted, SEEN, pictures=True)
