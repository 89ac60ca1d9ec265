"""The fold's kernel beside NumPy: nominal, then set, scale and add, whatever the order of the file."""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, rows_of
from engines.specs import spec_of
from sim2real.draws import Draws
from sim2real.engines.engine import EngineError
from sim2real.engines.ops import ADD, SCALE, SET, Op, reach
from sim2real.engines.randomizer import Randomizer

DIST = {"set": "{uniform: [0.5, 1]}", "scale": "{uniform: [0.8, 1.2]}", "add": "{uniform: [0, 0.1]}"}


def fold_in_numpy(spec, engine: ArrayEngine, quantity: str) -> np.ndarray:
    """The folded quantity of joints, from nominal values and `Draws.sample` alone."""
    values = engine.nominal(quantity)[:, :, 0].copy()
    names = [joint.name for joint in engine.elements.joint]
    labels = sorted(f"robot/{name}" for name in names)
    draws, worlds = Draws(spec.seed), np.arange(engine.num_worlds)
    for op in ("set", "scale", "add"):
        for name, term in sorted(spec.terms.items()):
            if term.op != op:
                continue
            count = 1 if term.each == "world" else len(names)
            drawn = draws.sample(name, term.dist, worlds, 0, 0, count)
            column = [0 if count == 1 else labels.index(f"robot/{name}") for name in names]
            drawn = drawn[:, column]
            values = drawn if op == "set" else values * drawn if op == "scale" else values + drawn
    return values


def _spec(ops: list[str], each: list[str]):
    terms = {
        f"t{i}_{op}": f"{{target: joint.damping, op: {op}, each: {each[i]}, dist: {DIST[op]}"
        + (", unit: N*m*s/rad}" if op != "scale" else "}")
        for i, op in enumerate(ops)
    }
    return spec_of(terms, seed=3)


@pytest.mark.parametrize(
    "ops, each",
    [
        (["add", "scale", "set"], ["world", "joint", "joint"]),
        (["scale", "scale", "scale"], ["joint", "world", "joint"]),
        (["add", "add", "scale", "add"], ["joint", "world", "world", "joint"]),
        (["set"], ["world"]),
    ],
)
def test_fold_is_numpys(ops, each):
    """Bit-equal for any mix of operations and granularities."""
    spec, engine = _spec(ops, each), ArrayEngine(40)
    Randomizer(spec, engine).startup()
    np.testing.assert_array_equal(engine.read("joint_damping")[:, :, 0], fold_in_numpy(spec, engine, "joint_damping"))


def test_vectors_fold_by_component():
    """A centre of mass gets three draws, a limit two, in their order."""
    engine = ArrayEngine(8)
    spec = spec_of(
        {
            "com": "{target: body.com, select: base, op: add, unit: m, dist: {uniform: [[1, 2, 3], [1.5, 2.5, 3.5]]}}",
            "limit": "{target: joint.limit, op: add, unit: rad, each: joint, dist: {uniform: [[-1, 0], [-0.5, 1]]}}",
        }
    )
    randomizer = Randomizer(spec, engine)
    randomizer.startup()
    moved = engine.read("body_com")[:, 0] - engine.nominal("body_com")[:, 0]
    np.testing.assert_allclose(moved, randomizer.values("com").numpy(), atol=1e-6)
    limits = engine.read("joint_limit") - engine.nominal("joint_limit")
    drawn = randomizer.values("limit").numpy().reshape(8, 12, 2)
    column = [randomizer.terms["limit"].labels.index(f"robot/{joint.name}") for joint in engine.elements.joint]
    np.testing.assert_allclose(limits, drawn[:, column], atol=1e-6)


def test_strength_scales_gains_and_limit_alike():
    """One draw for a motor: its gains and its largest torque change by the same factor."""
    engine = ArrayEngine(5)
    spec = spec_of({"s": "{target: actuator.strength, op: scale, each: joint, dist: {uniform: [0.5, 1.5]}}"})
    Randomizer(spec, engine).startup()
    factors = [
        engine.read(name) / engine.nominal(name) for name in ("actuator_kp", "actuator_kd", "actuator_effort_limit")
    ]
    np.testing.assert_allclose(factors[0], factors[1], rtol=1e-6)
    np.testing.assert_allclose(factors[0], factors[2], rtol=1e-6)
    assert len(np.unique(factors[0])) == 60


def test_part_of_the_range():
    """A staged curriculum: half of the range lies half as far from nominal, none of it changes nothing."""
    spec = _spec(["add", "scale"], ["joint", "joint"])
    engine = ArrayEngine(30)
    randomizer = Randomizer(spec, engine)
    randomizer.set_range(0.0)
    randomizer.startup()
    np.testing.assert_array_equal(engine.read("joint_damping"), engine.nominal("joint_damping"))
    randomizer.set_range(0.5)
    randomizer.startup()
    labels = [label.rpartition("/")[2] for label in randomizer.terms["t0_add"].labels]
    column = [labels.index(joint.name) for joint in engine.elements.joint]
    added, scaled = (randomizer.values(name).numpy()[:, column] for name in ("t0_add", "t1_scale"))
    expected = engine.nominal("joint_damping")[:, :, 0] * (1 + 0.5 * (scaled - 1)) + 0.5 * added
    np.testing.assert_allclose(engine.read("joint_damping")[:, :, 0], expected, rtol=1e-6)
    fixed = ArrayEngine(3)
    once = Randomizer(spec_of({"a": "{target: joint.damping, op: scale, dist: 1.2, when: startup}"}), fixed)
    once.set_range(0.0)
    once.startup()
    np.testing.assert_allclose(fixed.read("joint_damping") / fixed.nominal("joint_damping"), 1.2, rtol=1e-6)
    with pytest.raises(ValueError, match="got 1.5; give a part from 0"):
        randomizer.set_range(1.5)


def gravity_in_numpy(nominal: np.ndarray, magnitude: np.ndarray, angle: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Gravity of a magnitude, turned by an angle about a horizontal axis, with a rotation matrix."""
    size = np.linalg.norm(nominal, axis=1, keepdims=True)
    vector = nominal / size * magnitude[:, None]
    found = np.empty_like(vector)
    for i, (a, h) in enumerate(zip(angle, 2 * np.pi * heading, strict=True)):
        x, y, c, s = np.cos(h), np.sin(h), np.cos(a), np.sin(a)
        turn = np.array(
            [
                [c + x * x * (1 - c), x * y * (1 - c), y * s],
                [x * y * (1 - c), c + y * y * (1 - c), -x * s],
                [-y * s, x * s, c],
            ]
        )
        found[i] = turn @ vector[i]
    return found


def test_gravity_is_numpys():
    """Magnitude and tilt together; the tilt is the angle to the vertical, its axis is drawn for itself."""
    engine = ArrayEngine(500)
    spec = spec_of(
        {
            "g": "{target: world.gravity, op: add, unit: m/s^2, dist: {uniform: [-0.5, 0.5]}}",
            "tilt": "{target: world.gravity_tilt, unit: deg, dist: {uniform: [0, 5]}}",
        }
    )
    randomizer = Randomizer(spec, engine)
    randomizer.startup()
    drawn = {name: randomizer.values(name).numpy()[:, 0].astype(float) for name in ("g", "tilt")}
    heading = randomizer.bank.values[:, randomizer.bank.columns["tilt/around"]].numpy()[:, 0].astype(float)
    held = engine.read("gravity")[:, 0].astype(float)
    expected = gravity_in_numpy(
        engine.nominal("gravity")[:, 0].astype(float), 9.81 + drawn["g"], drawn["tilt"], heading
    )
    np.testing.assert_allclose(held, expected, rtol=2e-6, atol=2e-6)
    size = np.linalg.norm(held, axis=1)
    np.testing.assert_allclose(size, 9.81 + drawn["g"], rtol=1e-6)
    np.testing.assert_allclose(np.arccos(np.clip(-held[:, 2] / size, -1, 1)), drawn["tilt"], atol=1e-3)
    directions = np.arctan2(held[:, 1], held[:, 0])
    assert all(np.histogram(directions, bins=8, range=(-np.pi, np.pi))[0] > 30)


def test_gravity_without_a_direction_points_down():
    """Where the nominal gravity is zero, a set magnitude points along -z."""
    engine = ArrayEngine(2)
    engine._nominal["gravity"][:] = 0.0
    Randomizer(spec_of({"g": "{target: world.gravity, op: set, unit: m/s^2, dist: 1.62}"}), engine).startup()
    np.testing.assert_allclose(engine.read("gravity")[:, 0], [[0, 0, -1.62]] * 2)


def test_reach_follows_operations():
    """Interval arithmetic over set, scale, add; a factor may change the sign of an end."""
    ops = [Op(code=SCALE, name="a", column=0, low=-1, high=2), Op(code=ADD, name="b", column=0, low=0, high=1)]
    assert reach(ops, -1.0, 3.0) == (-3.0, 7.0)
    assert reach([Op(code=SET, name="s", column=0, low=4, high=5), *ops], -1.0, 3.0) == (-5.0, 11.0)


def test_drawn_values_stay_within_reach():
    """The range that is checked and shown holds every value that is written."""
    spec, engine = _spec(["add", "scale", "set"], ["joint", "joint", "joint"]), ArrayEngine(500)
    randomizer = Randomizer(spec, engine)
    randomizer.startup()
    for joint in range(12):
        low, high = randomizer.ranges["joint_damping", joint, 0]
        held = engine.read("joint_damping")[:, joint, 0]
        assert low - 1e-6 <= held.min() < held.max() <= high + 1e-6
        assert held.max() - held.min() > 0.7 * (high - low)


def test_bounds_move_by_the_curriculum():
    """Under ADR a term is drawn between the bounds of now, and a world at an edge has the bound itself."""
    tail = "curriculum: {adr: {metric: success, terms: {t0_scale: {start: [0.95, 1.05]}}}}"
    spec = spec_of({"t0_scale": f"{{target: joint.damping, op: scale, dist: {DIST['scale']}}}"}, tail=tail)
    engine = ArrayEngine(6)
    randomizer = Randomizer(spec, engine)
    assert randomizer.adr_terms == ("t0_scale",)
    randomizer.startup()
    wide = randomizer.values("t0_scale").numpy().copy()
    randomizer.set_bounds("t0_scale", 0.95, 1.05)
    randomizer.boundary.assign(np.array([-1, 0, 1, -1, -1, -1], np.int32))
    randomizer.startup()
    narrow = randomizer.values("t0_scale").numpy()
    np.testing.assert_array_equal(narrow[1:3, 0], np.float32([0.95, 1.05]))
    np.testing.assert_allclose(narrow[3:] - 1, (wide[3:] - 1) / 4, atol=1e-6)
    np.testing.assert_allclose(randomizer.replay(4, 0)["t0_scale"].ravel(), narrow[4])
    assert np.abs(randomizer.normalised().numpy()[1:3] - [[-0.25], [0.25]]).max() < 1e-6
    with pytest.raises(EngineError, match="no term 'nothing' is drawn here; there are t0_scale"):
        randomizer.set_bounds("nothing", 0, 1)


def test_reset_again_in_part():
    """A reset with half the range leaves other worlds at what they had."""
    spec, engine = _spec(["scale"], ["joint"]), ArrayEngine(4)
    randomizer = Randomizer(spec, engine)
    randomizer.startup()
    before = engine.read("joint_damping")
    randomizer.set_range(0.25)
    randomizer.reset(rows_of(1))
    after = engine.read("joint_damping")
    np.testing.assert_array_equal(before[[0, 2, 3]], after[[0, 2, 3]])
    assert np.abs(after[1] / engine.nominal("joint_damping")[1] - 1).max() <= 0.05 + 1e-6
