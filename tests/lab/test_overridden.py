"""A start that an environment overrides is an error, not a draw that changes nothing."""

import pytest

from engine_env import ENGINES
from lab.lab_env import act, open_task
from sim2real.lab.starts import StateError


@pytest.fixture(autouse=True)
def undeclared(monkeypatch):
    """The lab's environment says what it draws itself; here it is one that does not."""
    from sim2real_tasks.avoidance.env import AvoidanceEnv

    monkeypatch.setattr(AvoidanceEnv, "handled_targets", ())


@pytest.mark.parametrize("physics", ENGINES)
def test_an_environment_that_places_its_robot_itself_is_found_out(physics):
    """At the first reset in the middle of a step: nothing moves between the event and the environment's own write."""
    with open_task("Placed", physics, num_envs=2, set_image_size=32) as (env, _):
        with pytest.raises(StateError, match="terms.place: the environment's own reset places the asset after"):
            act(env, 5)


@pytest.mark.parametrize("physics", ENGINES)
def test_an_environment_that_leaves_the_start_alone_is_not(physics, monkeypatch):
    """The same environment without its own placing starts where the spec says."""
    from sim2real_tasks.avoidance.env import AvoidanceEnv

    monkeypatch.setattr(AvoidanceEnv, "place", lambda *_: None)
    with open_task("Placed", physics, num_envs=2, set_image_size=32) as (env, found):
        act(env, 4)
        assert found._override.done and found.episodes.min() >= 1
