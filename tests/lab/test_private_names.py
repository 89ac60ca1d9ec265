"""The private names of Isaac Lab that the lab reads: still there, and still without a public way."""

import pytest

from lab.lab_env import act, open_task
from sim2real.lab.bind import episode_sums, newton_solver


@pytest.fixture(scope="module")
def task():
    """The velocity task on Newton."""
    with open_task("Robot", "newton_mjwarp", num_envs=2) as (env, _):
        yield env


def test_the_solver_is_found_and_has_no_public_name(task):
    """When the last line fails, Isaac Lab hands its solver out: use that."""
    assert newton_solver(task).mjw_data.nefc.shape == (2,)
    assert not [name for name in dir(task.sim.physics_manager) if name in ("solver", "get_solver")]


def test_the_sums_are_found_and_have_no_public_name(task):
    """When the last line fails, the reward manager hands its sums out: use that."""
    act(task, 2)
    sums = episode_sums(task)
    assert set(sums) == set(task.reward_manager.active_terms) and all(value.shape == (2,) for value in sums.values())
    assert not [name for name in dir(task.reward_manager) if "sum" in name and not name.startswith("_")]


def test_another_engine_and_another_release_are_refused():
    """The errors say what is expected."""

    class Other:
        physics_manager = reward_manager = object()

    Other.sim = Other
    with pytest.raises(RuntimeError, match="give an environment with physics=newton_mjwarp"):
        newton_solver(Other)
    with pytest.raises(RuntimeError, match="keeps no episode sums"):
        episode_sums(Other)
