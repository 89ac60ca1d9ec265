"""Physics that is silently wrong becomes an error that says where, why, and how to see it again."""

import re

import numpy as np
import pytest
import torch

from engine_env import ENGINES
from lab.lab_env import act, expected, open_task
from sim2real.lab.guards import Buffer, BufferOverflowError, DivergedError


def poison(env, world):
    """Make one world's joint velocities NaN."""
    bad = torch.full((1, 12), float("nan"))
    env.scene["robot"].write_joint_velocity_to_sim_index(
        velocity=bad, env_ids=torch.tensor([world], dtype=torch.int32, device=env.device)
    )


@pytest.mark.parametrize("physics", ENGINES)
def test_a_world_that_diverges_is_named_with_its_draws(physics):
    """World 103, in its episode 0, with the mass it had; the remedy plays that very episode again."""
    with open_task("Robot", physics, num_envs=4, **{"events.sim2real_startup.params": at_world(100)}) as (env, found):
        act(env, 2)
        mass = float(found.values("base_mass")[3, 0, 0])
        poison(env, 3)
        with pytest.raises(DivergedError) as caught:
            act(env, found.settings["check_every"])
    said = str(caught.value)
    assert "world 103 (environment 3), episode 0, step 3:" in said and f"base_mass = {mass:.6g}" in said
    again = re.search(r"events\(spec, first_world=(\d+), first_episode=(\d+)\)", said)
    settings = {"events.sim2real_startup.params": at_world(int(again[1]), int(again[2]))}
    with open_task("Robot", physics, num_envs=1, **settings) as (_, found):
        assert float(found.values("base_mass")[0, 0, 0]) == mass
        assert found.episodes.tolist() == [0] and found.first_world == 103


def at_world(first_world, first_episode=0):
    """Settings of the events, for other worlds."""
    import sim2real.lab
    from lab.lab_tasks import ROBOT
    from sim2real.spec import parse_spec

    events = sim2real.lab.events(parse_spec(ROBOT), first_world=first_world, first_episode=first_episode)
    return events.sim2real_startup.params


def test_a_later_episode_is_played_again():
    """Alone in its environment, world 2 has the draws of its third episode among others."""
    settings = {"events.sim2real_startup.params": at_world(2, 2)}
    with open_task("Robot", "newton_mjwarp", num_envs=1, **settings) as (_, found):
        for name in ("base_mass", "place", "pose"):
            assert np.array_equal(found.values(name).numpy(), expected(found, name, 2, [2]))
        assert found.episodes.tolist() == [2]


def test_an_episode_played_again_is_kicked_at_the_same_steps():
    """Timers count from the first step of an episode, whether it began within a step or before one."""

    def kicks(env, found, steps):
        seen = []
        for _ in range(steps):
            act(env, 1)
            seen.append(int(found.randomizer.fired("shove").numpy()[-1]))
        return seen

    with open_task("Robot", "newton_mjwarp", num_envs=3, **{"events.sim2real_startup.params": at_world(0)}) as (
        env,
        found,
    ):
        act(env, 4)
        env.episode_length_buf[2] = env.max_episode_length - 1
        act(env, 1)
        assert found.episodes.tolist() == [0, 0, 1]
        first = kicks(env, found, 20)
    with open_task("Robot", "newton_mjwarp", num_envs=1, **{"events.sim2real_startup.params": at_world(2, 1)}) as (
        env,
        found,
    ):
        assert kicks(env, found, 20) == first and sum(first) >= 2


@pytest.mark.parametrize("physics", ENGINES)
def test_diverged_worlds_can_be_ended_and_counted(physics):
    """The termination term ends the episode of that world alone; after its reset all numbers are finite."""
    with open_task("Adr", physics, num_envs=4, episode_length_s=10.0) as (env, found):
        act(env, 1)
        poison(env, 2)
        _, _, terminated, _, _ = act(env, 1)
        assert terminated.tolist() == [False, False, True, False]
        assert env.termination_manager.get_term("diverged").tolist() == [False, False, True, False]
        assert [(entry.env, entry.episode) for entry in found.diverged] == [(2, 0)]
        observation = act(env, 3)[0]["policy"]
        assert torch.isfinite(observation).all() and len(found.diverged) == 1


def test_an_overflow_is_an_error_with_a_suggested_size():
    """24 constraints are too few for a robot on its feet: the error says what was needed and what to set."""
    with open_task("Tight", "newton_mjwarp", num_envs=4) as (env, _):
        with pytest.raises(BufferOverflowError, match="contacts or constraints were dropped") as caught:
            act(env, 30)
    said = re.search(r"constraints of a world: needs (\d+), holds 24; njmax is 24, set (\d+)", str(caught.value))
    needed, suggested = int(said[1]), int(said[2])
    assert needed > 24 and suggested >= 1.25 * needed


def test_a_solver_with_room_says_nothing():
    """The same task with the room that it has by default."""
    with open_task("Tight", "newton_mjwarp", num_envs=4, **{"sim.physics.solver_cfg.njmax": 400}) as (env, found):
        act(env, 29)
        buffers, envs = found.overflow_guard.found()
        assert buffers == [] and not len(envs) and found.steps == 29


def test_a_suggestion_has_headroom():
    """A quarter more than was needed, in the setting's own unit, in eights; never less than what is there."""
    assert Buffer(name="a", knob="k", size=24, needed=40).suggestion == 56
    assert Buffer(name="a", knob="k", size=24, needed=20).suggestion == 32
    assert Buffer(name="a", knob="k", size=4096, needed=6400, per_world=64).suggestion == 128
