"""The verdict's rules, its families, and what matters most, on episodes whose answer is known."""

import pytest

from evaluate.test_transfer_rollout import played
from sim2real.evaluate.transfer_plan import FACTORS
from sim2real.evaluate.transfer_verdict import (
    bootstrap_mean,
    bootstrap_ratio,
    engine_of_training,
    judge,
    judge_engines,
    rank_sensitivity,
)


def episodes(successes, total=100):
    return [played(n, outcome="success" if n < successes else "fall") for n in range(total)]


@pytest.mark.parametrize(
    ("home", "away", "level"),
    [
        (98, 90, "good"), (98, 88, "moderate"), (98, 68, "moderate"), (98, 67, "poor"), (60, 58, "moderate"),
        (40, 40, "poor"),
    ],
)  # fmt: skip
def test_the_seeds_rule(home, away, level):
    results = judge_engines({"dart": episodes(away), "newton": episodes(home)}, "newton")
    assert [r.engine for r in results] == ["newton", "dart"]
    assert results[1].level == level and results[1].gap.value == pytest.approx((home - away) / 100)
    assert results[1].falls == 100 - away
    assert judge(results, "newton").level == level


def test_the_family_does_not_decide():
    """A Newton policy that fails in MuJoCo alone is not judged by it, and the page is told why."""
    both = {"newton": episodes(95), "mujoco": episodes(20), "physx": episodes(93), "dart": episodes(90)}
    verdict = judge(judge_engines(both, "newton"), "newton")
    assert verdict.level == "good" and "MuJoCo" not in verdict.sentence
    assert any("MuJoCo Warp" in note for note in verdict.notes)
    from_physx = judge(judge_engines(both, "physx"), "physx")
    assert from_physx.level == "poor" and "20.0 % in MuJoCo" in from_physx.sentence


def test_what_was_not_played_is_not_judged():
    alone = judge(judge_engines({"newton": episodes(95), "mujoco": episodes(95)}, "newton"), "newton")
    assert alone.level == "not run" and "no engine of another family" in alone.sentence
    away = judge(judge_engines({"dart": episodes(95)}, "newton"), "newton")
    assert away.level == "good" and any("not played in Newton" in note for note in away.notes)
    assert judge([], "newton").level == "not run"


def test_too_few_episodes_are_said():
    verdict = judge(judge_engines({"newton": episodes(10, 10), "dart": episodes(9, 10)}, "newton"), "newton")
    assert any("play more episodes" in note for note in verdict.notes)


def test_isaac_sim_and_ovphysx_are_one_engine():
    assert [engine_of_training(name) for name in ("newton_mjwarp", "ovphysx", "isaacsim_physx")] == [
        "newton", "physx", "physx",
    ]  # fmt: skip


def test_what_matters_most_comes_first():
    """Success falls by 0.4 for each unit of latency, by 0.1 for each unit of mass; friction changes nothing."""
    found = [played(n, "nominal") for n in range(20)]

    def curve(name, drop):
        nominal, _, values, unit = FACTORS[name]
        for value in values:
            fails = round(20 * drop * max(0.0, value - nominal) / unit)
            found.extend(played(n, f"{name}={value:g}", "fall" if n < fails else "success") for n in range(20))

    for name, drop in (("latency_s", 0.15), ("mass", 0.1), ("friction", 0.0)):
        curve(name, drop)
    ranked = rank_sensitivity(found)
    assert [(s.factor, s.direction) for s in ranked[:2]] == [("latency_s", "more"), ("mass", "more")]
    assert ranked[0].slope == pytest.approx(0.15, abs=0.01) and ranked[1].slope == pytest.approx(0.1, abs=0.01)
    assert ranked[0].low < ranked[0].slope < ranked[0].high
    assert all(s.slope == 0.0 for s in ranked[2:]) and len(ranked) == 5
    assert rank_sensitivity([]) == []


def test_intervals_hold_what_they_promise():
    """Of a normal sample of 40 the interval of the mean has the textbook's width; a ratio of equals is one."""
    import numpy as np

    values = np.random.default_rng(5).normal(3.0, 1.0, 400)
    mean, low, high = bootstrap_mean(list(values))
    assert mean == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)
    assert bootstrap_mean([None, None]) is None
    assert bootstrap_ratio([1.0, 2.0], [1.0, 2.0]) == pytest.approx((1.0, 1.0, 1.0))
    assert bootstrap_ratio([1.0], [0.0]) is None
