"""A curriculum in a running environment: ranges follow episodes, stages follow steps, a resume changes nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from lab.lab_env import act, expected, open_task
from sim2real.errors import Sim2RealError


@pytest.fixture(scope="module", params=ENGINES)
def growing(request):
    """Episodes of five steps whose survival opens the ranges of mass and friction."""
    with open_task("Adr", request.param, num_envs=16) as opened:
        yield opened


def test_success_opens_the_ranges_friction_too(growing):
    """Every robot survives five steps: after enough episodes all bounds are the declared ones, and are logged."""
    env, found = growing
    adr = found.curriculum.adr
    assert [parameter.name for parameter in adr.parameters] == ["base_mass", "foot_friction"]
    start = adr.entropy()
    act(env, 6)
    log = env.extras["log"]
    assert log["Curriculum/ranges/entropy"] == pytest.approx(start)
    act(env, 120)
    assert adr.entropy() > start + 0.5 and adr.moves >= 4
    low, high = found.randomizer.bounds("foot_friction")
    assert (low, high) == adr.bounds(1) and (low[0] < 0.6 or high[0] > 0.8)
    assert env.extras["log"]["Curriculum/ranges/foot_friction/high"] == pytest.approx(high[0])


def test_draws_stay_within_the_present_bounds_and_sit_at_them_at_an_edge(growing):
    """Worlds at an edge hold that bound exactly, in the solver too; about half of all episodes are at one."""
    env, found = growing
    env.reset()
    edge = found.randomizer.boundary.numpy()
    for k, name in enumerate(("base_mass", "foot_friction")):
        low, high = (np.float32(bound[0]) for bound in found.randomizer.bounds(name))
        values = found.values(name).numpy()[:, 0, 0]
        assert np.all((values >= low) & (values <= high))
        np.testing.assert_allclose(values[edge == 2 * k], low, rtol=1e-6)
        np.testing.assert_allclose(values[edge == 2 * k + 1], high, rtol=1e-6)
    assert (edge >= 0).any() and (edge < 0).any()
    feet = [i for i, element in enumerate(found.engine.elements.shape) if element.name.endswith("_foot")]
    feet = feet or [
        i for i, e in enumerate(found.engine.elements.shape)
        if e.body >= 0 and found.engine.elements.body[e.body].name.endswith("_foot")
    ]  # fmt: skip
    held = found.engine.read("shape_friction")[:, feet, 0]
    np.testing.assert_allclose(held, np.repeat(found.values("foot_friction").numpy()[:, 0], len(feet), 1), atol=2e-3)


def test_a_term_without_a_curriculum_keeps_its_draws(growing):
    """The place of a start is NumPy's draw over the declared range."""
    env, found = growing
    assert np.array_equal(found.values("place").numpy(), expected(found, "place", found.episodes.numpy()))


def test_a_checkpoint_of_the_runner_goes_on_where_it_was(growing, tmp_path):
    """Saved by rsl_rl's own runner as it learns and loaded from its file: bounds, counters, and so the next draws."""
    from importlib.metadata import version

    from isaaclab_rl.rsl_rl import RslRlVecEnvWrapper, create_rsl_rl_runner, handle_deprecated_rsl_rl_cfg
    from isaaclab_tasks.core.velocity.config.go2.agents.rsl_rl_ppo_cfg import UnitreeGo2FlatPPORunnerCfg

    env, found = growing
    cfg = handle_deprecated_rsl_rl_cfg(UnitreeGo2FlatPPORunnerCfg(device="cpu"), version("rsl-rl-lib"))
    runner = create_rsl_rl_runner(RslRlVecEnvWrapper(env), cfg, log_dir=str(tmp_path))
    sim2real.lab.keep_in_checkpoints(runner, env)
    runner.learn(1)
    files = sorted(tmp_path.glob("model_*.pt"))
    assert all("sim2real" in torch.load(file, weights_only=False)["infos"] for file in files) and files
    act(env, 7)
    runner.save(str(tmp_path / "model.pt"), infos={"mine": 1})
    saved = found.curriculum.state_dict(), found.episodes.clone(), found.steps

    act(env, 11)
    env._reset_idx(slice(None))
    went = {name: found.values(name).clone() for name in found.drawn_terms}
    assert found.curriculum.state_dict() != saved[0]
    infos = runner.load(str(tmp_path / "model.pt"))
    assert infos["mine"] == 1
    assert found.curriculum.state_dict() == saved[0] and found.steps == saved[2]
    assert torch.equal(found.episodes, saved[1])
    assert found.randomizer.bounds("base_mass") == found.curriculum.adr.bounds(0)

    act(env, 11)
    env._reset_idx(slice(None))
    for name, values in went.items():
        assert torch.equal(found.values(name), values), name


def test_a_checkpoint_without_our_state_is_refused(growing, tmp_path):
    """The error names the file and the call that was missing."""
    env, _ = growing

    class Runner:
        def save(self, path, infos=None):
            torch.save({"infos": infos}, path)

        def load(self, path):
            return torch.load(path, weights_only=False)["infos"]

    runner = Runner()
    runner.save(tmp_path / "model.pt")
    sim2real.lab.keep_in_checkpoints(runner, env)
    with pytest.raises(Sim2RealError, match="saved without keep_in_checkpoints"):
        runner.load(tmp_path / "model.pt")


def test_a_checkpoint_of_another_spec_is_refused(growing):
    """The error names both digests."""
    env, found = growing
    state = sim2real.lab.state_of(env)
    state["digest"] = "0" * 64
    with pytest.raises(Sim2RealError, match="another spec.*" + found.spec.digest):
        sim2real.lab.restore(env, state)


@pytest.mark.parametrize("metric, named", [("success", "neither"), ("reward.nothing", "reward.track_lin_vel_xy_exp")])
def test_a_metric_that_the_task_does_not_measure_is_refused(growing, metric, named):
    """The error lists those that it does."""
    from sim2real.lab.metrics import metric_of

    env, _ = growing
    with pytest.raises(Sim2RealError, match=named):
        metric_of(metric, env)


def test_a_metric_is_known_before_its_manager_is_made(growing):
    """A spec's events come first; what will be measured stands in the configuration."""
    from sim2real.lab.metrics import metric_of

    env, _ = growing
    early = SimpleNamespace(cfg=env.cfg)
    assert callable(metric_of("reward.track_lin_vel_xy_exp", early))
    with pytest.raises(Sim2RealError, match="reward.track_lin_vel_xy_exp"):
        metric_of("reward.nothing", early)


def test_a_reward_is_a_metric(growing):
    """The mean of a tracking reward over a whole episode, from the sums that the task keeps."""
    from sim2real.lab.metrics import metric_of

    env, _ = growing
    env.reset()
    term = env.reward_manager.get_term_cfg("track_lin_vel_xy_exp")
    counted, rewards = term.func, []

    def watched(*args, **params):  # what the task counted: after its step the commands may be others
        rewards.append(counted(*args, **params))
        return rewards[-1]

    term.func = watched
    try:
        for _ in range(3):
            act(env)
    finally:
        term.func = counted
    total = sum(rewards) * env.step_dt
    found = metric_of("reward.track_lin_vel_xy_exp", env)(env, slice(None))
    np.testing.assert_allclose(found, (total / env.max_episode_length_s).clamp(0, 1), rtol=1e-4)
    assert (found > 0).any()
