"""Between resets: pushes that last, per-world intervals, and terms that are drawn at every step."""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, rows_of
from engines.specs import spec_of
from sim2real.draws import Draws
from sim2real.engines.engine import EngineError, Support
from sim2real.engines.randomizer import Randomizer
from sim2real.spec import Uniform

PUSH = (
    "{target: body.force, select: base, unit: N, dist: {uniform: [10, 50]}, direction: horizontal, duration_s: 0.2,"
    " when: {interval_s: [1, 3]}}"
)
DT = 0.02


def made(terms: dict[str, str], num_worlds: int = 5, **options) -> tuple[Randomizer, ArrayEngine]:
    """A started randomizer with all worlds in their first episode."""
    engine = ArrayEngine(num_worlds)
    randomizer = Randomizer(spec_of(terms), engine, step_dt=DT, **options)
    randomizer.startup()
    randomizer.reset(randomizer.everything)
    return randomizer, engine


def run(randomizer: Randomizer, engine: ArrayEngine, steps: int) -> np.ndarray:
    """Wrenches on the base over steps, (steps, worlds, 6)."""
    held = []
    for _ in range(steps):
        randomizer.step()
        held.append(engine.wrench[:, 0].copy())
    return np.array(held)


def expected_pushes(steps: int, worlds: int, name: str = "push") -> np.ndarray:
    """What `run` must give, computed world by world from `Draws.sample` alone."""
    draws, held = Draws(7), np.zeros((steps, worlds, 6))
    for world in range(worlds):
        at, k = 0, 0
        while True:
            pause = draws.sample(f"{name}/pause", Uniform(1, 3), world, 0, k)[0, 0]
            at, k = at + max(1, round(float(pause) / DT)), k + 1
            if at >= steps:
                break
            size = draws.sample(name, Uniform(10, 50), world, 0, k)[0, 0]
            heading = 2 * np.pi * draws.sample(f"{name}/around", Uniform(0, 1), world, 0, k)[0, 0]
            held[at : at + 10, world, :2] = size * np.cos(heading), size * np.sin(heading)
    return held


def test_pushes_come_at_their_times():
    """Each world has timers of its own; a push lasts its ten steps, and its draws are the keyed ones."""
    randomizer, engine = made({"push": PUSH})
    held = run(randomizer, engine, 500)
    expected = expected_pushes(500, 5)
    assert (np.abs(expected).sum(axis=(0, 2)) > 0).all()
    np.testing.assert_allclose(held, expected, atol=1e-4)


def test_pushes_are_told_only_where_they_change():
    """The engine hears of a world when its push begins and when it ends, not in between."""
    randomizer, engine = made({"push": PUSH})
    engine.pushes.clear()
    held = run(randomizer, engine, 300)
    before = np.concatenate([np.zeros((1, 5, 6), np.float32), held[:-1]])
    changed = [tuple(np.flatnonzero((now != then).any(axis=1))) for now, then in zip(held, before, strict=True)]
    assert engine.pushes == changed


def test_a_reset_ends_a_push():
    """No push crosses episodes, and the timer of the new episode begins anew."""
    randomizer, engine = made({"push": PUSH})
    while not engine.wrench[2].any():
        randomizer.step()
    other = engine.wrench[[0, 1, 3, 4]].copy()
    randomizer.reset(rows_of(2))
    assert not engine.wrench[2].any()
    np.testing.assert_array_equal(engine.wrench[[0, 1, 3, 4]], other)
    pause = Draws(7).sample("push/pause", Uniform(1, 3), 2, 1, 0)[0, 0]
    held = run(randomizer, engine, 160)[:, 2]
    assert np.flatnonzero(held.any(axis=1))[0] == round(float(pause) / DT)


def test_some_worlds_may_step_apart():
    """A step of some worlds counts in these alone, and says what fired in these alone."""
    terms = {
        "push": PUSH,
        "mass": "{target: body.mass, select: base, op: scale, dist: {uniform: [0.8, 1.2]}, when: {interval_s: 0.02}}",
    }
    (randomizer, engine), (other, twin) = made(terms), made(terms)
    randomizer.step()
    other.step()
    for rows in (rows_of(3), rows_of(1)):
        randomizer.step(rows)
    np.testing.assert_array_equal(randomizer.fired("mass").numpy(), [0, 1, 0, 0, 0])
    before = engine.read("body_mass").copy()
    np.testing.assert_array_equal(before[[0, 2, 4]], twin.read("body_mass")[[0, 2, 4]])
    ahead, behind = run(randomizer, engine, 300), run(other, twin, 301)
    np.testing.assert_array_equal(ahead[:, [1, 3]], behind[1:, [1, 3]])
    np.testing.assert_array_equal(ahead[:, [0, 2, 4]], behind[:-1, [0, 2, 4]])
    assert ahead.any()


def test_the_number_of_worlds_changes_no_push():
    """World 1 is pushed alike among 2 and among 100 worlds."""
    few, many = made({"push": PUSH}, 2), made({"push": PUSH}, 100)
    np.testing.assert_array_equal(run(*few, 200)[:, 1], run(*many, 200)[:, 1])


def test_a_push_at_reset_begins_the_episode():
    """A force drawn at reset acts for its duration from the first step on; without one, for the episode."""
    term = "{{target: body.{}, select: base, unit: {}, dist: {{uniform: [1, 2]}}, direction: x, {}when: reset}}"
    randomizer, engine = made(
        {"short": term.format("force", "N", "duration_s: 0.1, "), "long": term.format("torque", "N*m", "")}
    )
    held = run(randomizer, engine, 50)
    assert held[:5, :, 0].all() and not held[5:, :, 0].any()
    np.testing.assert_array_equal(held[:, :, 3], np.repeat(randomizer.values("long").numpy().T, 50, axis=0))


def test_a_force_at_every_step():
    """A step term is drawn anew at every step, with the step as its occurrence."""
    randomizer, engine = made(
        {"noise": "{target: body.force, select: base, unit: N, dist: {normal: [[0, 0, 0], [1, 1, 1]]}, when: step}"}
    )
    held = run(randomizer, engine, 6)[:, :, :3]
    term = randomizer.spec.terms["noise"]
    for step in range(6):
        drawn = Draws(7).sample("noise", term.dist, np.arange(5), 0, step + 1)[:, 0]
        np.testing.assert_array_max_ulp(held[step], drawn, maxulp=2)


@pytest.mark.parametrize("direction", ["any", "horizontal", "x", "y", "z"])
def test_directions(direction):
    """A scalar force has the drawn size, and points where it is said."""
    randomizer, engine = made(
        {
            "f": f"{{target: body.force, select: base, unit: N, dist: {{uniform: [10, 20]}}, direction: {direction},"
            " when: reset}"
        },
        800,
    )
    force = engine.wrench[:, 0, :3]
    np.testing.assert_allclose(np.linalg.norm(force, axis=1), randomizer.values("f").numpy()[:, 0], rtol=1e-5)
    unit = force / np.linalg.norm(force, axis=1, keepdims=True)
    if direction == "any":
        # Each component of a uniform direction is uniform in [-1, 1] (Archimedes).
        counts = [np.histogram(unit[:, i], bins=4, range=(-1, 1))[0] for i in range(3)]
        assert np.min(counts) > 150
    elif direction == "horizontal":
        assert not unit[:, 2].any()
        assert np.min(np.histogram(np.arctan2(unit[:, 1], unit[:, 0]), bins=4, range=(-np.pi, np.pi))[0]) > 150
    else:
        np.testing.assert_allclose(unit[:, "xyz".index(direction)], 1.0)


def test_pushes_add_up():
    """Two pushes on one body sum; each body of a term may have its own draw."""
    force = (
        "{{target: body.force, select: '{}', unit: N, dist: {{uniform: [1, 2]}}, direction: z, each: {}, when: reset}}"
    )
    randomizer, engine = made({"a": force.format("base", "world"), "b": force.format("base|.*_calf", "body")})
    a, b = randomizer.values("a").numpy(), randomizer.values("b").numpy()
    labels = randomizer.terms["b"].labels
    np.testing.assert_allclose(engine.wrench[:, 0, 2], a[:, 0] + b[:, labels.index("robot/base")], rtol=1e-6)
    for i, body in enumerate(engine.elements.body[1:-1], start=1):
        expected = b[:, labels.index(f"robot/{body.name}")] if body.name.endswith("calf") else 0 * a[:, 0]
        np.testing.assert_array_equal(engine.wrench[:, i, 2], expected)


def test_properties_at_intervals():
    """A property drawn at intervals changes in the worlds whose time has come, and there alone."""
    terms = {
        "friction": "{target: shape.friction, select: '.*_foot', op: set, dist: {uniform: [0.4, 1]},"
        " when: {interval_s: 0.1}}",
        "kp": "{target: actuator.kp, op: scale, dist: {uniform: [0.9, 1.1]}}",
    }
    randomizer, engine = made(terms)
    randomizer.reset(rows_of(3))
    engine.writes.clear()
    history = [engine.read("shape_friction")[:, 2, 0]]
    for _ in range(12):
        randomizer.step()
        history.append(engine.read("shape_friction")[:, 2, 0])
        fired = randomizer.fired("friction").numpy()
        np.testing.assert_array_equal(fired != 0, history[-1] != history[-2])
    assert {quantity for quantity, _ in engine.writes} == {"shape_friction"}
    changes = (np.diff(np.array(history), axis=0) != 0).sum(axis=0)
    np.testing.assert_array_equal(changes, 2)
    draws = Draws(7).sample("friction", randomizer.spec.terms["friction"].dist, np.arange(5), [0, 0, 0, 1, 0], 2)
    # World 3 is in its second episode, of which the startup's counts as none.
    np.testing.assert_array_equal(history[-1], draws[:, 0])


def test_kicks_are_handed_over():
    """A velocity kick is the caller's to apply: which worlds, and by which vector."""
    kick = "{target: body.velocity_kick, select: base, unit: m/s, dist: {uniform: [0.5, 1]}, direction: horizontal," \
           " when: {interval_s: [0.1, 0.3]}}"  # fmt: skip
    randomizer, engine = made({"kick": kick}, handled={"body.velocity_kick": Support(able=True, where="root state")})
    fired = np.zeros(5, int)
    for _ in range(40):
        randomizer.step()
        fired += randomizer.fired("kick").numpy()
    assert (fired >= 2).all() and not engine.pushes
    vectors = randomizer.vectors("kick").numpy()
    assert vectors.shape == (5, 1, 3) and not vectors[:, :, 2].any()
    np.testing.assert_allclose(
        np.linalg.norm(vectors[:, 0], axis=1), randomizer.values("kick").numpy()[:, 0], rtol=1e-6
    )


def test_seconds_need_the_length_of_a_step():
    """Without `step_dt` a time cannot be counted; that is said before anything runs."""
    with pytest.raises(EngineError, match="terms.push: it is drawn or lasts for seconds.* give step_dt"):
        Randomizer(spec_of({"push": PUSH}), ArrayEngine(2))


def test_a_step_of_a_spec_without_timers_does_nothing():
    """Nothing to draw between resets: nothing is launched or told."""
    randomizer, engine = made({"kp": "{target: actuator.kp, op: scale, dist: {uniform: [0.9, 1.1]}}"})
    engine.writes.clear()
    randomizer.step()
    assert not engine.writes and not engine.pushes
