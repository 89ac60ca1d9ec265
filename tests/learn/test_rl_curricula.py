"""Stages of a training and their gates: what a file may say, and when the next stage begins."""

import pytest

from sim2real.learn import LearnError
from sim2real.learn.ppo import RunCfg
from sim2real.learn.ppo.curricula import Progression, load_curriculum
from sim2real.paths import presets_dir

GATED = """
schema: 1
stages:
  - {name: one, iterations: 2, at_most: 4, gate: {metric: progress, above: 0.5}}
  - {name: two, noise: 0.5, gate: {metric: base_velocity/error_vel_xy, below: 0.3}}
  - {name: three, noise: 1, delay: 1, physics: 1}
"""


def row(length=None, error=None):
    """The numbers of an iteration."""
    log = {} if error is None else {"Metrics/base_velocity/error_vel_xy": error}
    return {"episode_length": length, "reward": None, "log": log}


def written(tmp_path, text):
    """A file with that text."""
    path = tmp_path / "stages.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", sorted(path.stem for path in (presets_dir() / "curricula").glob("*.yaml")))
def test_every_preset_ends_with_the_whole_spec(name):
    """Levels never fall, and the last stage has all of them at 1."""
    stages = load_curriculum(name)
    levels = [(stage.physics, stage.noise, stage.delay) for stage in stages]
    assert levels[-1] == (1.0, 1.0, 1.0)
    assert all(
        a <= b for before, after in zip(levels, levels[1:], strict=False) for a, b in zip(before, after, strict=True)
    )


def test_the_seeds_stages_are_a_preset():
    """Perfect, then noise, then delay, then physics."""
    assert [stage.name for stage in load_curriculum("progressive")] == ["perfect", "noise", "delay", "physics"]


def test_a_gate_opens_when_it_is_reached_and_not_before_its_iterations(tmp_path):
    """Both have to be true; what is not measured is not reached; at_most ends a stage anyway; the last one stays."""
    now = Progression(load_curriculum(written(tmp_path, GATED)))
    assert not now.end_iteration(row(length=90), 100)  # good enough, too early
    assert now.end_iteration(row(length=90), 100) and now.stage.name == "two"
    assert not any(now.end_iteration(row(error=error), 100) for error in (None, 0.31, 0.5))
    assert now.end_iteration(row(error=0.3), 100) and now.stage.name == "three"
    assert not any(now.end_iteration(row(length=100, error=0.0), 100) for _ in range(9))
    late = Progression(load_curriculum(written(tmp_path, GATED)))
    assert [late.end_iteration(row(), 100) for _ in range(4)] == [False, False, False, True]


def test_a_resumed_progression_goes_on(tmp_path):
    """The stage and the iterations spent in it; other stages are refused by name."""
    stages = load_curriculum(written(tmp_path, GATED))
    now, again = Progression(stages), Progression(stages)
    for _ in range(5):
        now.end_iteration(row(), 100)
    again.load_state_dict(now.state_dict())
    assert (again.number, again.spent) == (now.number, now.spent) == (1, 1)
    with pytest.raises(LearnError, match="stages one, two, three and these are perfect, noise"):
        Progression(load_curriculum("progressive")).load_state_dict(now.state_dict())


@pytest.mark.parametrize(
    "text, said",
    [
        ("schema: 2\nstages: [{name: a}]", "schema: 1 and a list"),
        ("schema: 1\nstages: []", "schema: 1 and a list"),
        ("schema: 1\nstages: [{noise: 1}]", "stage 1: no name"),
        ("schema: 1\nstages: [{name: a, wind: 1}]", "unknown wind; keys are name, physics, noise, delay"),
        ("schema: 1\nstages: [{name: a, noise: 2}]", "noise is 2; give a number from 0 to 1"),
        ("schema: 1\nstages: [{name: a, iterations: 0}]", "iterations is 0"),
        ("schema: 1\nstages: [{name: a, iterations: 5, at_most: 3}]", "at_most 3 is less than iterations 5"),
        ("schema: 1\nstages: [{name: a, gate: {metric: reward}}]", "give {metric: progress, above: 0.8}"),
        ("schema: 1\nstages: [{name: a, gate: {metric: reward, over: 1}}]", "number above or below"),
        ("schema: 1\nstages: [{name: a}, {name: a}]", "two stages have one name"),
        ("schema: [", "is no YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, text, said):
    """Where it stands, what came, what is allowed."""
    with pytest.raises(LearnError) as caught:
        load_curriculum(written(tmp_path, text))
    assert said in str(caught.value)


def test_an_unknown_preset_names_those_there_are():
    """And a curriculum without a spec opens nothing."""
    with pytest.raises(LearnError, match="presets are opening, progressive"):
        load_curriculum("nothing")
    with pytest.raises(LearnError, match="give --spec too"):
        RunCfg(task="t", out="o", curriculum="progressive")
