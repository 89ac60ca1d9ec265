"""What `inspect` shows before anything runs: what is written, where, and how far it reaches."""

import json

import numpy as np
import pytest

from engines.array_engine import ArrayEngine
from engines.specs import TERMS, spec_of
from sim2real.engines.engine import Support
from sim2real.engines.plan import said
from sim2real.engines.randomizer import Randomizer
from sim2real.spec import Choice, Constant, TruncatedNormal, Uniform

MORE = {
    **TERMS,
    "push": "{target: body.force, select: base, unit: N, dist: {uniform: [0, 50]}, direction: horizontal,"
    " duration_s: 0.2, when: {interval_s: [5, 10]}, provenance: 'datasheet:a wind'}",
    "start": "{target: root.yaw, op: set, unit: deg, dist: {uniform: [-20, 20]}}",
    "bounce": "{target: shape.restitution, select: trunk, op: set, dist: 0.1, skip_on: [mujoco]}",
    "count": "{target: obstacle.count, op: set, dist: {uniform_int: [1, 3]}}",
}


@pytest.fixture(scope="module")
def randomizer() -> Randomizer:
    """A full spec on an engine that cannot hold one of its terms."""
    engine = ArrayEngine(
        200, name="mujoco", supports={"shape.restitution": Support(able=False, note="it does not bounce")}
    )
    made = Randomizer(
        spec_of(MORE, tail="unsupported: skip_declared"),
        engine,
        handled={"root.yaw": Support(able=True, where="the root's state", device="cpu")},
        elsewhere=["obstacle.count"],
        step_dt=0.02,
    )
    made.startup()
    return made


def test_every_term_has_its_line(randomizer):
    """Nothing of the spec is left out of the plan, and who applies it is said."""
    plan = randomizer.plan
    assert [entry.term for entry in plan.entries] == list(MORE)
    applied = {entry.term: entry.applied for entry in plan.entries}
    assert {name for name, by in applied.items() if by != "engine"} == {"start", "bounce", "count"}
    assert (applied["start"], applied["bounce"], applied["count"]) == ("caller", "skipped", "elsewhere")
    entries = {entry.term: entry for entry in plan.entries}
    assert entries["bounce"].note == "it does not bounce" and entries["start"].where == "the root's state"
    assert entries["push"].provenance == "datasheet:a wind"
    assert entries["strength"].draws == 12 and entries["strength"].elements[0] == "robot/FL_hip_joint"


def test_effective_ranges_hold_what_is_written(randomizer):
    """The range that is shown holds every world, and worlds come near its ends."""
    engine = randomizer.engine
    shown = {entry.term: entry for entry in randomizer.plan.entries}
    mass = engine.read("body_mass")[:, 0, 0]
    (span,) = shown["base_mass"].effective
    assert span == shown["payload"].effective[0]
    assert span[0] <= mass.min() and mass.max() <= span[1] and np.ptp(mass) > 0.6 * (span[1] - span[0])
    kp = engine.read("actuator_kp")[:, :, 0]
    (span,) = shown["strength"].effective
    assert span[0] - 1e-6 <= kp.min() and kp.max() <= span[1] + 1e-6 and shown["kp"].effective == (span,)
    np.testing.assert_allclose(shown["gravity"].effective, [[9.31, 10.31]], rtol=1e-6)
    limits = engine.read("joint_limit")
    for i, (low, high) in enumerate(shown["limits"].effective):
        assert low - 1e-6 <= limits[:, :, i].min() and limits[:, :, i].max() <= high + 1e-6
    com = engine.read("body_com")[:, 0]
    for i, (low, high) in enumerate(shown["base_com"].effective):
        assert low - 1e-6 <= com[:, i].min() and com[:, i].max() <= high + 1e-6


def test_pairs_have_their_range(randomizer):
    """Each randomized foot is shown against the ground, with the rule."""
    pairs = randomizer.plan.pairs
    assert [pair.shape for pair in pairs] == [f"robot/{leg}_foot" for leg in ("FL", "FR", "RL", "RR")]
    assert {(pair.against, pair.rule, pair.effective) for pair in pairs} == {(("ground/plane",), "max", (0.4, 1.25))}


def test_text_and_json_say_the_same(randomizer):
    """The table is for people, the data for machines; both name every term."""
    plan = randomizer.plan
    data = json.loads(json.dumps(plan.to_json()))
    assert [entry["term"] for entry in data["entries"]] == list(MORE)
    assert data["digest"] == randomizer.spec.digest and data["engine"] == "mujoco"
    assert plan.entries[9].term == "tilt" and plan.entries[9].effective == ()
    text = plan.to_text()
    for line in (
        "every 5 to 10 s, for 0.2 s, world",
        "uniform [0.4, 1.25]",
        "FL_foot, FR_foot, RL_foot, RR_foot",
        "and 8 more",
        "  bounce: it does not bounce",
        "robot/FL_foot  ground/plane  max   0.4 to 1.25",
        "caller: the root's state (cpu)",
    ):
        assert line in text, text
    assert text.splitlines()[0] == f"spec {randomizer.spec.digest[:12]} on mujoco, 200 worlds"


@pytest.mark.parametrize(
    "dist, text",
    [
        (Constant(0.5), "0.5"),
        (Uniform([0, 1], [1, 2]), "uniform [[0, 1], [1, 2]]"),
        (TruncatedNormal(1, 0.1, 0.8, 1.2), "truncated_normal {mean: 1, std: 0.1, low: 0.8, high: 1.2}"),
        (Choice(range(20)), "choice {values: [0, 1, 2, 3, 4, 5, 6, 7, ... 20 in all], weights: [1, 1, 1, 1, 1, 1, 1, 1,"
                            " ... 20 in all]}"),
    ],
)  # fmt: skip
def test_distributions_in_words(dist, text):
    """A distribution stands as in a spec; a long list is cut."""
    assert said(dist) == text


def test_an_endless_limit_is_valid_json():
    """JSON knows no infinity: an unlimited joint's end is null."""
    engine = ArrayEngine(3)
    engine._nominal["joint_limit"][:, 0] = [-np.inf, np.inf]
    plan = Randomizer(spec_of({"limits": TERMS["limits"]}), engine).plan
    data = json.loads(json.dumps(plan.to_json(), allow_nan=False))
    (lowest, low), (high, highest) = data["entries"][0]["effective"]
    assert lowest is None and highest is None and low < high
    assert "-inf to " in plan.to_text() and " to inf" in plan.to_text()
