"""A run that begins with another's networks: what it takes over, what it may see besides, what does not fit."""

import json

import pytest
import torch

from learn.test_rl_training import cfg
from sim2real.learn import LearnError
from sim2real.learn.ppo import train
from sim2real.learn.ppo.playing import Run
from sim2real.learn.ppo.starting import first_layer, widened


@pytest.mark.parametrize("kind", ["mlp", "gru", "lstm"])
@pytest.mark.parametrize("inputs", [3, 4, 9])
def test_what_a_network_did_not_see_before_changes_nothing_at_first(inputs, kind):
    """rsl_rl's own network says the same of the old inputs, whatever the new ones are; and it can learn from them."""
    from rsl_rl.models import MLPModel, RNNModel
    from tensordict import TensorDict

    torch.manual_seed(1)

    def network(width):
        seen = TensorDict({"critic": torch.zeros(5, width)}, batch_size=[5])
        what = (seen, {"critic": ["critic"]}, "critic", 1, [8], "elu", True)
        return MLPModel(*what) if kind == "mlp" else RNNModel(*what, rnn_type=kind, rnn_hidden_dim=6)

    old, new = network(3), network(inputs)
    states = 2.0 * torch.randn(64, 3) + 1.0
    old.update_normalization(TensorDict({"critic": states}, batch_size=[64]))
    new.load_state_dict(widened(old.state_dict(), inputs))
    more = torch.cat([states, 100.0 * torch.randn(64, inputs - 3)], dim=1)
    ours = new(TensorDict({"critic": more}, batch_size=[64]))
    theirs = old(TensorDict({"critic": states}, batch_size=[64]))
    torch.testing.assert_close(ours, theirs)
    ours.sum().backward()
    slope = new.state_dict(keep_vars=True)[first_layer(new.state_dict())].grad
    assert slope.shape == ({"mlp": 8, "gru": 18, "lstm": 24}[kind], inputs) and (slope[:, 3:].abs().sum(0) > 0).all()


def test_a_student_has_a_teacher_and_no_start(tmp_path):
    """Before anything is loaded."""
    with pytest.raises(LearnError, match="leave out 'start' or 'teacher'"):
        cfg(tmp_path, start=tmp_path, teacher=tmp_path)


@pytest.mark.slow
def test_a_plain_policy_goes_on_under_a_spec(tmp_path):
    """Its actor is taken as it is, its critic with the draws beside; a resume needs the old run no more."""
    engine = {"physics": "newton_mjwarp", "curriculum": None, "num_envs": 4}
    plain, tuned = tmp_path / "plain", tmp_path / "tuned"
    train(cfg(tmp_path, **engine, spec=None, iterations=2, out=plain))
    settings = {**engine, "out": tuned, "start": plain}
    result = train(cfg(tmp_path, **settings, iterations=1))
    assert result.iterations == 1
    before, after = (
        torch.load(Run.read(folder).checkpoint, weights_only=False)["actor_state_dict"] for folder in (plain, tuned)
    )
    count = next(key for key in before if key.endswith("count"))
    assert int(after[count]) == int(before[count]) * 3 // 2  # the normaliser went on counting
    facts = json.loads((tuned / "run.json").read_text())
    assert (facts["start"], facts["started"]["iteration"]) == (str(plain), 2) and len(facts["started"]["sha256"]) == 64

    with pytest.raises(LearnError, match="a run with start .*plain, and this one has None"):
        train(cfg(tmp_path, **{**settings, "start": None}, iterations=2))
    with pytest.raises(LearnError, match="the critic of .* does not fit"):
        train(cfg(tmp_path, **engine, spec=None, iterations=1, out=tmp_path / "other", start=tuned))
    with pytest.raises(LearnError, match="run.json is not there"):
        train(cfg(tmp_path, **engine, iterations=1, out=tmp_path / "other", start=tmp_path / "nowhere"))
    plain.rename(tmp_path / "gone")
    assert train(cfg(tmp_path, **settings, iterations=2)).iterations == 2
    assert json.loads((tuned / "run.json").read_text())["started"] == facts["started"]
    third = tmp_path / "third"
    train(cfg(tmp_path, **{**engine, "out": third, "start": tuned}, iterations=1))
    known = json.loads((third / "run.json").read_text())["started"]
    assert known["started"] == facts["started"] and known["sessions"][0]["command"]
