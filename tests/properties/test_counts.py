"""A world is the same among the numbers of worlds that people train with."""

import pytest

from engine_env import HAS_PHYSX
from properties.worlds import FEW, open_worlds, same_worlds, snapshot

SLOW = (pytest.mark.slow, pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed"))
"""PhysX takes minutes to build a thousand worlds."""


def of_many(physics, num_envs):
    """A snapshot of so many worlds."""
    with open_worlds(physics, num_envs) as opened:
        return snapshot(*opened)


# By way of the fixture `engine`, whose change closes the environment that other tests share: one can be open at a time.
@pytest.mark.parametrize(
    ("engine", "num_envs"),
    [("newton_mjwarp", 1000), ("newton_mjwarp", 4096), pytest.param("ovphysx", 1000, marks=SLOW)],
    indirect=["engine"],
)
def test_a_world_among_thousands_is_the_same(engine, num_envs):
    """Worlds 0 to 15 of a few and of thousands: starts to the rounding of where an environment of so many stands."""
    same_worlds(of_many(engine, FEW), of_many(engine, num_envs), theirs=slice(0, FEW), place=2e-5)
