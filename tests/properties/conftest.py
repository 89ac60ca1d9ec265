"""One environment for each engine that the tests of this folder share, and records of others that came before it."""

import contextlib
import pickle

import pytest

from engine_env import ENGINES, HAS_PHYSX
from properties.specs import whole
from properties.worlds import FEW, MANY, open_worlds, rows_of, snapshot
from sim2real.lab.checkpoint import restore, state_of


@pytest.fixture(scope="package")
def records():
    """By engine, what environments of 64 and of 16 worlds held that were opened one after another."""
    return {name: record(name) for name in ("newton_mjwarp", *(["ovphysx"] if HAS_PHYSX else []))}


@pytest.fixture(scope="package", params=ENGINES)
def engine(request):
    """The name of an engine."""
    return request.param


@pytest.fixture(scope="package")
def place(engine, records):
    """An environment of 64 worlds and what the spec does in it."""
    with open_worlds(engine, MANY) as opened:
        yield opened


def record(physics):
    """Snapshots by what was different."""
    found = {}
    with open_worlds(physics, MANY) as (env, spec):
        found["many"] = snapshot(env, spec)
        play(spec)
        state = pickle.dumps(state_of(env))
        found["bounds"] = {name: spec.randomizer.bounds(name) for name in spec.randomizer.adr_terms}
        found["went on"] = go_on(env, spec)
    with open_worlds(physics, FEW) as (env, spec):
        found["few"] = snapshot(env, spec)
        restore(env, pickle.loads(state))
        found["resumed bounds"] = {name: spec.randomizer.bounds(name) for name in spec.randomizer.adr_terms}
        found["curriculum"] = (pickle.loads(state)["curriculum"], spec.curriculum.state_dict())
        found["resumed"] = go_on(env, spec)
    with open_worlds(physics, FEW, whole(backwards=True)) as (env, spec):
        found["backwards"] = snapshot(env, spec)
    with open_worlds(physics, FEW, first_world=20) as (env, spec):
        found["shard"] = snapshot(env, spec)
    with as_rank(1), open_worlds(physics, FEW) as (env, spec):
        found["rank"] = snapshot(env, spec)
    return found


def play(found):
    """Some episodes of some worlds, some steps, and ranges that grow."""
    adr = found.curriculum.adr
    for k in range(7):
        found.reset(rows_of(*range(k, MANY, 3)).index.numpy())
        for _ in range(3):
            found.step()
        edge = found.randomizer.boundary.numpy()
        adr.record(*_successes(edge))
        found.curriculum.judge()
    found.reset(None)


def _successes(edge):
    import torch

    edge = torch.from_numpy(edge.copy())
    return edge, torch.ones(len(edge)), torch.ones(len(edge), dtype=torch.bool)


def go_on(env, found):
    """The next two episodes of all worlds with steps between them, as snapshots; the pushes of each step."""
    import numpy as np

    shots, pushes = [snapshot(env, found)], []
    for _ in range(2):
        for _ in range(20):
            found.step()
            pushes.append(found.randomizer.timers.wrench.numpy().copy())
        found.reset(None)
        shots.append(snapshot(env, found))
    return shots, np.stack(pushes)


@contextlib.contextmanager
def as_rank(rank):
    """A process of a distributed run."""
    import os

    assert "RANK" not in os.environ
    os.environ["RANK"] = str(rank)
    try:
        yield
    finally:
        del os.environ["RANK"]
