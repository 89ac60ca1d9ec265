"""What was drawn is recorded with each episode, and can be drawn again from what was recorded."""

import numpy as np
import pytest
import torch

from engine_env import ENGINES
from lab.lab_env import act, expected, open_task


@pytest.mark.parametrize("physics", ENGINES)
def test_an_episode_is_recorded_with_its_draws(physics):
    """World, episode and every term at the reset; at every step the terms that change during an episode."""
    with open_task("Recorded", physics, num_envs=3) as (env, found):
        act(env, 3)
        manager = env.recorder_manager
        for world in range(3):
            data = manager.get_episode(world).data["sim2real"]
            assert [int(value) for value in data["world"]] == [world]
            assert [int(value) for value in data["episode"]] == [0]
            for name in ("base_mass", "base_com", "pose"):
                assert np.array_equal(data["draws"][name][0].numpy(), expected(found, name, 0, [world])[0].ravel())
            assert list(data["during"]) == ["shove"] and len(data["during"]["shove"]) == 3
        env._reset_idx(torch.tensor([1], dtype=torch.int32))
        env.recorder_manager.record_post_reset([1])
        again = manager.get_episode(1).data["sim2real"]
        assert int(again["episode"][-1]) == 1
        assert np.array_equal(again["draws"]["base_mass"][-1].numpy(), expected(found, "base_mass", 1, [1])[0, :, 0])
