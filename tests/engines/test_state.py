"""A run that is resumed goes on as if it had not stopped, also on another number of processes."""

import pickle

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, rows_of
from engines.specs import TERMS, spec_of
from sim2real.engines.engine import EngineError
from sim2real.engines.randomizer import Randomizer

PUSH = (
    "{target: body.force, select: base, unit: N, dist: {uniform: [10, 50]}, direction: any, duration_s: 0.1,"
    " when: {interval_s: [0.1, 0.4]}}"
)
FRICTION = "{target: shape.friction, select: '.*_foot', op: set, dist: {uniform: [0.4, 1]}, when: {interval_s: 0.1}}"
ALL = {**TERMS, "push": PUSH, "foot_friction": FRICTION}
TAIL = "curriculum: {adr: {metric: success, terms: {armature: {start: [0, 0.01]}}}}"


def made(num_worlds: int = 6, first_world: int = 0, seed: int = 7) -> tuple[Randomizer, ArrayEngine]:
    """A randomizer before startup."""
    engine = ArrayEngine(num_worlds)
    spec = spec_of(ALL, seed=seed, tail=TAIL)
    return Randomizer(spec, engine, step_dt=0.02, first_world=first_world), engine


def play(randomizer: Randomizer, rounds: range) -> None:
    """Some steps and resets, the same ones for the same rounds."""
    for i in rounds:
        randomizer.step()
        randomizer.reset(rows_of(*{i % 6, (3 * i) % 6}))


def ran(rounds: int) -> tuple[Randomizer, ArrayEngine]:
    """A randomizer after some rounds, with a moved bound and a part of the range."""
    randomizer, engine = made()
    randomizer.startup()
    play(randomizer, range(rounds // 2))
    randomizer.set_bounds("armature", 0.0, 0.01)
    randomizer.boundary.assign(np.array([-1, 1, -1, -1, 0, -1], np.int32))
    randomizer.set_range(0.5)
    play(randomizer, range(rounds // 2, rounds))
    return randomizer, engine


def test_a_resumed_run_goes_on():
    """State saved, pickled, loaded into a fresh engine: the same worlds now and later."""
    randomizer, engine = ran(20)
    # What was drawn before a bound moved is drawn anew with the bounds of the state.
    randomizer.reset(randomizer.everything)
    randomizer.step()
    state = pickle.loads(pickle.dumps(randomizer.state_dict()))
    other, fresh = made()
    other.load_state_dict(state)
    pushed = 0
    for _ in range(30):
        for name in engine.held:
            np.testing.assert_array_equal(engine.read(name), fresh.read(name), name)
        np.testing.assert_array_equal(engine.wrench, fresh.wrench)
        np.testing.assert_array_equal(randomizer.bank.values.numpy(), other.bank.values.numpy())
        pushed += int(engine.wrench.any())
        randomizer.step()
        other.step()
    play(randomizer, range(30, 60))
    play(other, range(30, 60))
    np.testing.assert_array_equal(randomizer.bank.values.numpy(), other.bank.values.numpy())
    assert pushed > 5


def test_a_shard_takes_its_part():
    """The state of six worlds is taken up by a process that holds worlds 2 to 4."""
    randomizer, engine = ran(20)
    randomizer.reset(randomizer.everything)
    other, shard = made(3, first_world=2)
    other.load_state_dict(randomizer.state_dict())
    for name in engine.held:
        np.testing.assert_array_equal(engine.read(name)[2:5], shard.read(name), name)
    np.testing.assert_array_equal(other.episode.numpy(), randomizer.episode.numpy()[2:5])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"version": 0}, "version 0; this code reads 1"),
        ({"digest": "f" * 64}, "belongs to the spec ffffffffffff, and this one is .*; resume with the spec"),
        ({"streams": ["push"]}, "other terms are drawn here"),
        ({"num_worlds": 4}, "it holds the worlds 0 to 3, and this process has 0 to 5"),
        ({"first_world": 1}, "it holds the worlds 1 to 6, and this process has 0 to 5"),
    ],
)
def test_a_foreign_state_is_refused(change, message):
    """A state that is not this run's says why."""
    randomizer, _ = ran(2)
    with pytest.raises(EngineError, match=message):
        made()[0].load_state_dict({**randomizer.state_dict(), **change})


def test_the_seed_is_part_of_the_spec():
    """Another seed is another spec: its counters mean nothing here."""
    randomizer, _ = ran(2)
    with pytest.raises(EngineError, match="resume with the spec"):
        made(seed=8)[0].load_state_dict(randomizer.state_dict())
