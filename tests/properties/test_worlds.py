"""A world is a function of its number and of the spec: not of how many there are, who holds it, or what came before."""

import numpy as np
import pytest

from engine_env import HAS_PHYSX
from properties.worlds import FEW, MANY, same_worlds


@pytest.fixture
def record(engine, records):
    """What the environments of an engine held."""
    return records[engine]


def test_worlds_differ(record):
    """What the other tests compare is no constant: nearly no two worlds have a draw in common."""
    for name, values in record["many"]["draws"].items():
        flat = values.reshape(MANY, -1)
        if name in ("foot_friction", "load"):
            flat = flat[record["many"]["counters"]["edge"] < 0]
        assert (np.ptp(flat, axis=0) > 0).all(), name
        assert len(np.unique(flat[:, 0])) > 0.9 * len(flat), name
    assert (record["many"]["counters"]["edge"] >= 0).any()


def test_the_number_of_environments_changes_no_world(record):
    """Worlds 0 to 15 among 64 are worlds 0 to 15 alone."""
    same_worlds(record["many"], record["few"], mine=slice(0, FEW))


def test_the_order_of_terms_changes_no_world(record):
    """The same file, its terms backwards."""
    same_worlds(record["few"], record["backwards"])


def test_a_shard_holds_its_worlds(record):
    """Worlds 20 to 35, as a machine of their own would hold them."""
    same_worlds(record["many"], record["shard"], mine=slice(20, 20 + FEW))


def test_a_rank_holds_its_worlds(record):
    """The second process of a distributed run has worlds 16 to 31, without being told."""
    same_worlds(record["many"], record["rank"], mine=slice(FEW, 2 * FEW))


def test_a_resumed_run_goes_on(record):
    """After a checkpoint, a new environment with a part of the worlds has their present draws, the next episodes', and
    the same pushes at the same steps.
    """
    shots, pushes = record["went on"]
    again, repeated = record["resumed"]
    for one, other in zip(shots[1:], again[1:], strict=True):
        same_worlds(one, other, mine=slice(0, FEW))
    for part in ("draws", "held", "counters"):
        for name, values in shots[0][part].items():
            mine, theirs = values[:FEW], again[0][part][name]
            if name == "body_position":
                mine, theirs = mine[:, 1:], theirs[:, 1:]
            np.testing.assert_array_equal(mine, theirs, err_msg=name)
    np.testing.assert_array_equal(pushes[:, :FEW], repeated)
    assert pushes.any() and not np.array_equal(pushes[0], pushes[-1])


def test_the_state_of_moving_ranges_survives(record):
    """Bounds that grew are those of the resumed run, and so are its counts and rates."""
    assert record["bounds"] == record["resumed bounds"]
    saved, loaded = record["curriculum"]
    assert saved == loaded and saved["adr"]["moves"] > 0
    low, high = record["bounds"]["foot_friction"]
    assert low < (0.7,) and high > (0.9,)


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_the_engine_changes_no_draw(records):
    """Terms of both engines: the same numbers, though one keeps its joints in another order."""
    newton, physx = records["newton_mjwarp"]["many"]["draws"], records["ovphysx"]["many"]["draws"]
    shared = newton.keys() & physx.keys()
    assert newton.keys() - shared == {"softness", "thigh_place"} and physx.keys() - shared == {"bounce"}
    for name in shared:
        np.testing.assert_array_equal(newton[name], physx[name], err_msg=name)
