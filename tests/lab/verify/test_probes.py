"""Probes on both engines: constants give the analytic motion, draws are told by it, faults are found."""

import numpy as np
import pytest

from engine_env import ENGINES
from sim2real.errors import Sim2RealError
from sim2real.lab.verify.probes import PROBES, ProbeReport, judge, probe_once, run_probes

WORLDS = 8


@pytest.fixture(scope="module", params=ENGINES)
def bench(request):
    """The probes' scene."""
    from sim2real.lab.launch import make_env
    from sim2real.lab.verify.measure import Bench
    from sim2real.lab.verify.scene import register

    with make_env(register(), request.param, **{"scene.num_envs": WORLDS}) as env:
        env.reset()
        yield Bench(env)


def able(bench, probe):
    """Whether this engine holds what a probe needs; only restitution on Newton is not."""
    found = all(bench.engine.support(target).able for target in probe.targets)
    assert found != (probe.name == "restitution" and bench.engine.name == "newton_mjwarp")
    return found


@pytest.mark.parametrize("name", PROBES)
def test_motion_tells_what_was_drawn(bench, name):
    """First one value for all worlds, then one for each; afterwards the engine holds its nominal values."""
    probe = PROBES[name]
    if not able(bench, probe):
        return
    constant, drawn = (probe_once(bench, probe, run, seed=11) for run in ("constant", "drawn"))
    for outcome in (*constant, *drawn):
        assert outcome.passed, outcome
    for outcome in drawn:
        assert np.ptp(outcome.drawn) > 0.1 * max(outcome.drawn if outcome.parameter != "gravity" else [5.0])
        assert outcome.correlation > 0.9999
    for outcome in constant:
        assert np.ptp(outcome.drawn) < 1e-6
    for quantity in {"gravity", "shape_friction", "body_inertia", "joint_armature", "joint_damping"}:
        np.testing.assert_allclose(
            bench.engine.read(quantity), bench.engine.nominal(quantity), rtol=1e-6, atol=1e-9, err_msg=quantity
        )


@pytest.mark.parametrize("name", PROBES)
def test_a_draw_that_does_not_arrive_is_found(bench, name, monkeypatch):
    """An engine that leaves one world as it was fails every probe there, and nowhere else."""
    import warp as wp

    probe, engine, write = PROBES[name], bench.engine, bench.engine.write
    if not able(bench, probe):
        return
    deaf = 3

    def write_but_one(quantity, values, rows):
        kept = values.numpy().copy()
        kept[deaf] = engine.nominal(quantity)[deaf]
        write(quantity, wp.array(kept, dtype=wp.float32, device=engine.device), rows)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "write", write_but_one)
        outcomes = probe_once(bench, probe, "drawn", seed=11)
    for outcome in outcomes:
        assert not outcome.passed, outcome
        error = np.abs(np.array(outcome.estimated) - outcome.drawn)
        allowed = outcome.allowed.absolute + outcome.allowed.relative * np.array(outcome.drawn)
        assert list(np.flatnonzero(error > allowed)) == [deaf]


def test_estimates_are_judged_world_by_world():
    """One world outside the tolerance fails the parameter; the report says by how much."""
    probe = PROBES["friction"]
    drawn = np.linspace(0.2, 1.0, 6)
    good = judge(probe, "friction", "drawn", drawn, drawn * 1.001)
    bad = judge(probe, "friction", "drawn", drawn, np.where(drawn == 1.0, 1.1, drawn))
    assert good.passed and not bad.passed
    assert bad.error == pytest.approx(0.1)
    report = ProbeReport(engine="x", num_worlds=6, seed=1, outcomes=(good, bad), cannot={"restitution": "no such"})
    text = report.to_text()
    assert not report.passed and "FAIL, allowed 0.2 % + 0.0002" in text and "10.000 %" in text
    assert "cannot tell restitution on x: no such" in text
    assert report.to_json()["outcomes"][1]["passed"] is False


@pytest.mark.parametrize(
    ("names", "physics", "num_envs", "said"),
    [
        (("colour",), "newton_mjwarp", 4, "unknown probe 'colour'; probes: gravity, friction, inertia"),
        (None, "bullet", 4, "unknown physics 'bullet'"),
        (None, "newton_mjwarp", 1, "give 2 or more"),
    ],
)
def test_wrong_questions_are_answered(names, physics, num_envs, said):
    """Before anything starts."""
    with pytest.raises(Sim2RealError, match=said):
        run_probes(names, physics, num_envs=num_envs)
