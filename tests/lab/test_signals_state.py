"""What of signals a critic is told, what a checkpoint holds, and what switches them off."""

import numpy as np
import pytest
import torch

from lab.test_signals import open_task
from sim2real.errors import Sim2RealError
from sim2real.lab import restore_signals, signal_paths, signal_state
from sim2real.lab.signals_state import drawn_signals, signal_draw_names


@pytest.fixture(scope="module")
def told():
    """An environment whose critic is told what signals drew."""
    with open_task("Told", "newton_mjwarp", 16) as env:
        yield env


def test_a_critic_is_told_latency_and_bias(told):
    """Each mapped to [-1, 1] over its declared bounds."""
    names, seen = signal_draw_names(told), drawn_signals(told).numpy()
    assert names[:2] == ["actions.joint_pos.latency[0]", "observations.policy.base_ang_vel.latency[0]"]
    assert len(names) == seen.shape[1] == 1 + 4 + 12 and np.abs(seen).max() <= 1.0
    critic = told.observation_manager.compute()["critic"].numpy()
    np.testing.assert_array_equal(critic[:, -len(names) :], seen)
    latency = signal_paths(told)["actions.joint_pos"].values("latency").numpy()[:, 0]
    np.testing.assert_allclose(seen[:, 0], latency / 0.03 - 1.0, atol=1e-5)
    bias = signal_paths(told)["observations.policy.joint_pos"].values("bias").numpy()
    columns = [names.index(f"observations.policy.joint_pos.bias[{joint}]") for joint in range(12)]
    np.testing.assert_allclose(seen[:, columns], bias / 0.02, atol=1e-5)
    with pytest.raises(Sim2RealError, match="no signal at work draws eccentricity for an episode"):
        drawn_signals(told, ("eccentricity",))


def test_a_restored_run_goes_on_with_the_episodes_that_come_next(told):
    """The same draws as the run that was stored."""
    told.reset()
    state = signal_state(told)

    def drawn():
        told.reset()
        return {place: path.values("latency").numpy().copy() for place, path in late.items()}

    late = {place: path for place, path in signal_paths(told).items() if path.signal.latency is not None}
    first, second = drawn(), drawn()
    restore_signals(told, state)
    again = drawn()
    for place in late:
        assert np.array_equal(first[place], again[place]) and (first[place] != second[place]).any()
    with pytest.raises(Sim2RealError, match="saved with signals around nothing, this environment"):
        restore_signals(told, {})
    with pytest.raises(Sim2RealError, match="holds 3 environments of"):
        restore_signals(told, {place: np.zeros(3) for place in state})


def test_untouched_worlds_are_told_the_same(told):
    """And those that were reset something else."""
    before = drawn_signals(told)
    told._reset_idx(torch.tensor([2, 9], dtype=torch.int32))
    after, kept = drawn_signals(told), [i for i in range(16) if i not in (2, 9)]
    assert torch.equal(before[kept], after[kept]) and (before[[2, 9]] != after[[2, 9]]).any(1).all()
