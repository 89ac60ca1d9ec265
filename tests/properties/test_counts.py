"""A world is the same among the numbers of worlds that people train with."""

import pytest

from properties.worlds import FEW, open_worlds, same_worlds, snapshot

MANY = (1000, 4096)


def of_many(num_envs):
    """A snapshot of so many worlds."""
    with open_worlds("newton_mjwarp", num_envs) as opened:
        return snapshot(*opened)


@pytest.mark.slow
@pytest.mark.parametrize("num_envs", MANY)
def test_a_world_among_thousands_is_the_same(num_envs):
    """Worlds 0 to 15 of a few and of thousands: starts to the rounding of where an environment of so many stands."""
    same_worlds(of_many(FEW), of_many(num_envs), theirs=slice(0, FEW), place=2e-5)
