"""Ranges that follow success: where bounds go, how far, whose episodes count, and that a resume changes nothing."""

import numpy as np
import pytest
import torch

from sim2real.draws import Draws
from sim2real.lab.adr import STREAM, Adr, AdrParameter, CurriculumError
from sim2real.spec import UniformInt

MASS = AdrParameter(name="mass", low=(0.5,), high=(2.0,), start_low=(0.98,), start_high=(1.02,), log=True)
SHIFT = AdrParameter(name="shift", low=(-0.2, -0.1), high=(0.2, 0.1), start_low=(0.0, -0.05), start_high=(0.0, 0.05))


def make(*parameters, **changes):
    settings = {"grow": 0.75, "shrink": 0.4, "step": 0.1, "episodes": 8, "device": "cpu", **changes}
    return Adr(parameters or (MASS, SHIFT), **settings)


def play(adr, edge, metric, episodes=8, ended=True):
    full = torch.full((episodes,), edge, dtype=torch.int32)
    adr.record(full, torch.full((episodes,), metric), torch.full((episodes,), ended))


def test_success_at_an_edge_moves_that_bound_only():
    """A share of the declared range, in the logarithm where the term is logarithmic; the other bounds stay."""
    adr = make()
    play(adr, 1, 0.9)
    assert adr.judge() == [0]
    low, high = adr.bounds(0)
    assert low == (0.98,) and high == pytest.approx((1.02 * 4**0.1,))
    assert adr.bounds(1) == (SHIFT.start_low, SHIFT.start_high)
    play(adr, 2, 0.75)
    assert adr.judge() == [1]
    assert adr.bounds(1)[0] == pytest.approx((-0.04, -0.07)) and adr.bounds(1)[1] == SHIFT.start_high


def test_failure_moves_it_back_but_never_inside_the_start_range():
    """One step out and three back end at the start."""
    adr = make()
    play(adr, 1, 1.0)
    adr.judge()
    for _ in range(3):
        play(adr, 1, 0.1)
        adr.judge()
    assert adr.bounds(0) == (MASS.start_low, MASS.start_high) and adr.moves == 2


def test_a_range_never_leaves_what_was_declared():
    """A hundred successes end at the outermost bounds, exactly."""
    adr = make()
    for _ in range(100):
        for edge in range(adr.edges):
            play(adr, edge, 1.0)
        adr.judge()
    assert adr.bounds(0) == (MASS.low, MASS.high) and adr.bounds(1) == (SHIFT.low, SHIFT.high)
    assert adr.entropy() == 0.0


@pytest.mark.parametrize(
    "edge, metric, episodes, ended, why",
    [
        (1, 0.6, 8, True, "between shrink and grow"),
        (1, 1.0, 7, True, "too few episodes"),
        (1, 1.0, 8, False, "not played to their end"),
        (-1, 1.0, 64, True, "not at an edge"),
    ],
)
def test_what_moves_nothing(edge, metric, episodes, ended, why):
    """Bounds stay where they are."""
    adr = make()
    play(adr, edge, metric, episodes, ended)
    assert adr.judge() == [], why
    assert adr.bounds(0) == (MASS.start_low, MASS.start_high)


def test_judged_episodes_count_once():
    """Eight successes move a bound one step, however often it is judged."""
    adr = make()
    play(adr, 1, 1.0)
    assert adr.judge() == [0] and adr.judge() == []


def test_entropy_is_the_mean_logarithm_of_the_open_share():
    """NumPy's numbers; a closed component counts as a millionth."""
    adr = make()
    expected = [np.log(np.log(1.02 / 0.98) / np.log(4.0)), np.log(1e-6), np.log(0.5)]
    assert adr.entropy() == pytest.approx(np.mean(expected))


def test_edges_are_keyed_draws_of_world_and_episode():
    """Half of the episodes, every edge alike; the same for these worlds among others, and NumPy's numbers."""
    adr = make()
    worlds, episodes = torch.arange(4000, dtype=torch.int32), torch.full((4000,), 3, dtype=torch.int32)
    edges = adr.choose(7, worlds, episodes).numpy()
    drawn = Draws(7).sample(STREAM, UniformInt(0, 7), np.arange(4000), 3)[:, 0].astype(np.int32)
    assert np.array_equal(edges, np.where(drawn < 4, drawn, -1))
    counts = np.bincount(edges + 1, minlength=5)
    assert abs(counts[0] - 2000) < 150 and np.all(np.abs(counts[1:] - 500) < 100)
    some = torch.tensor([1234, 17], dtype=torch.int32)
    assert adr.choose(7, some, episodes[:2]).tolist() == [edges[1234], edges[17]]
    assert not np.array_equal(edges, adr.choose(7, worlds, episodes + 1).numpy())


def test_a_saved_state_goes_on_where_it_was():
    """Half a judgement's episodes before the save, half after it: the same bounds as without a break."""
    one, other = make(), make()
    play(one, 1, 1.0)
    one.judge()
    play(one, 3, 1.0, 5)
    other.load_state_dict(one.state_dict())
    for adr in (one, other):
        play(adr, 3, 1.0, 3)
        assert adr.judge() == [1]
    assert one.state_dict() == other.state_dict() and other.bounds(1)[1] == pytest.approx((0.04, 0.07))


def test_the_state_is_plain_data():
    """It survives JSON, so a checkpoint needs no class of ours."""
    import json

    adr = make()
    play(adr, 0, 1.0)
    adr.judge()
    state = adr.state_dict()
    assert json.loads(json.dumps(state)) == state


def test_a_state_of_other_parameters_is_refused():
    """The error names both lists."""
    with pytest.raises(CurriculumError, match=r"moves \['mass', 'shift'\], this one moves \['mass'\]"):
        make(MASS).load_state_dict(make().state_dict())


def test_a_state_outside_the_declared_range_is_refused():
    """A spec that was narrowed since then."""
    state = make(MASS).state_dict()
    state["parameters"]["mass"]["high"] = [3.0]
    with pytest.raises(CurriculumError, match="outside the declared range"):
        make(MASS).load_state_dict(state)


def test_a_start_outside_the_declared_range_is_refused():
    """The error shows both."""
    with pytest.raises(CurriculumError, match=r"start range \[0.4, 1.1\] is not inside the declared range \[0.5, 2\]"):
        AdrParameter(name="mass", low=(0.5,), high=(2.0,), start_low=(0.4,), start_high=(1.1,))


RANKS = """
import sys, torch, torch.distributed as dist
rank, port = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
sys.path.insert(0, sys.argv[3])
from lab.test_adr import make, play
adr = make()
play(adr, 1, 1.0 if rank == 0 else 0.75, 4)
adr.judge()
print(adr.bounds(0), adr.rates[1])
dist.destroy_process_group()
"""


def test_two_ranks_judge_together():
    """Four episodes on each of two processes are eight: both move the same bound by the same step."""
    import socket
    import subprocess
    import sys
    from pathlib import Path

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-c", RANKS]
    here = str(Path(__file__).parents[1])
    ranks = [
        subprocess.Popen([*command, str(rank), port, here], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = [rank.communicate(timeout=120) for rank in ranks]
    assert all(rank.returncode == 0 for rank in ranks), said
    one, other = (out.strip().splitlines()[-1] for out, _ in said)
    assert one == other and one.endswith(" 0.875")
    assert f"{1.02 * 4**0.1:.6f}" in one
