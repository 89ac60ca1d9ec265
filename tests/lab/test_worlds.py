"""A world is what its number says: among few or many, on any shard, on either engine."""

import numpy as np
import pytest

from engine_env import ENGINES, HAS_PHYSX
from lab.lab_env import open_task, properties, state
from lab.test_guards import at_world


def snapshot(physics, num_envs, first_world=0):
    """Draws, properties and starts of the first episode."""
    settings = {"events.sim2real_startup.params": at_world(first_world)}
    with open_task("Robot", physics, num_envs=num_envs, **settings) as (env, found):
        draws = {name: found.values(name).numpy().copy() for name in found.drawn_terms}
        return draws, properties(found), state(env)


@pytest.mark.parametrize("physics", ENGINES)
def test_the_number_of_environments_changes_no_world(physics):
    """Worlds 2 to 4 alone, as a second machine would hold them, are worlds 2 to 4 of five: draws and properties bit
    for bit, starts to the rounding of where an environment stands.
    """
    every, shard = snapshot(physics, 5), snapshot(physics, 3, first_world=2)
    for name, values in every[0].items():
        assert np.array_equal(values[2:], shard[0][name]), name
    for name, values in every[1].items():
        assert np.array_equal(values[2:], shard[1][name]), name
    for one, other in zip(every[2], shard[2], strict=True):
        np.testing.assert_allclose(one[2:], other, atol=2e-6)


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_the_engine_changes_no_draw():
    """Joints stand in another order there; whoever has the same name has the same draw."""
    newton, physx = snapshot("newton_mjwarp", 2), snapshot("ovphysx", 2)
    for name, values in newton[0].items():
        assert np.array_equal(values, physx[0][name]), name
