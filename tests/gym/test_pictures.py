"""Pictures in observations: changed after their delay, reproducibly, and nothing else with them."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import check_env

from sim2real.draws import Draws
from sim2real.gym import GymError, RandomizedEnv
from sim2real.spec import Normal, parse_spec


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
    """There would be nothing to do."""
    with pytest.raises(GymError, match="no uint8 picture"):
        RandomizedEnv(gymnasium.make("HalfCheetah-v5"), "gymnasium", pictures=grain)
