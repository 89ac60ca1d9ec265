"""The friction of a pair is what is drawn, whatever rule makes it of the shapes'; what the rule forbids is an error."""

from dataclasses import replace

import numpy as np
import pytest

from engines.array_engine import ArrayEngine, nominal_values, quadruped
from engines.specs import spec_of
from sim2real.engines.engine import EngineError
from sim2real.engines.friction import PAIR
from sim2real.engines.randomizer import Randomizer

FEET = slice(2, 6)
DRAW = "{{target: shape.friction, select: '.*_foot', {}op: {}, dist: {{uniform: {}}}}}"


def engine_on(ground: float, rule: str, feet: float = 0.8) -> ArrayEngine:
    """Four feet on a ground."""
    nominal = nominal_values(quadruped(), 40)
    nominal["shape_friction"][:, 0] = ground
    nominal["shape_friction"][:, FEET] = feet
    return ArrayEngine(40, friction_combine=rule, nominal=nominal)


def acting(engine: ArrayEngine) -> np.ndarray:
    """Friction of the first foot on the ground, as the rule makes it."""
    held = engine.read("shape_friction")[:, :, 0]
    return PAIR[engine.friction_combine](held[:, 2], held[:, 0])


@pytest.mark.parametrize(
    "rule, ground", [("max", 0.0), ("max", 0.4), ("average", 0.6), ("multiply", 0.5), ("min", 2.0)]
)
@pytest.mark.parametrize("op, span", [("set", "[0.4, 1.25]"), ("scale", "[0.9, 1.5]"), ("add", "[0, 0.3]")])
def test_the_pair_has_the_draw(rule, ground, op, span):
    """What acts between foot and ground is the draw, or its effect on what acted before."""
    engine = engine_on(ground, rule)
    before = acting(engine).astype(float)
    randomizer = Randomizer(spec_of({"f": DRAW.format("against: ground, ", op, span)}), engine)
    randomizer.startup()
    drawn = randomizer.values("f").numpy()[:, 0]
    expected = {"set": drawn, "scale": before * drawn, "add": before + drawn}[op]
    np.testing.assert_allclose(acting(engine), expected, rtol=1e-6)
    low, high = randomizer.pair_ranges[2]
    assert low - 1e-6 <= acting(engine).min() < acting(engine).max() <= high + 1e-6


@pytest.mark.parametrize(
    "rule, ground, message",
    [
        (
            "max",
            0.5,
            "terms.f: wants a friction of 0.4 to 1.25, but the counterpart has up to 0.5 and the larger of the two",
        ),
        ("min", 1.0, "but the counterpart has down to 1 and the smaller of the two acts: nothing above 1 would happen"),
        ("average", 1.0, "but half of the counterpart's 1 is there already; lower the counterpart's friction, or stay"),
        (
            "multiply",
            0.0,
            "the counterpart has a friction of 0, and the product of the two acts; raise the counterpart's",
        ),
        ("sum", 0.0, "array: unknown rule for the friction of a pair: 'sum'"),
    ],
)
def test_what_the_rule_forbids(rule, ground, message):
    """A draw that would not act is refused before anything runs."""
    with pytest.raises(EngineError, match=message):
        Randomizer(spec_of({"f": DRAW.format("", "set", "[0.4, 1.25]")}), engine_on(ground, rule))


def test_the_ground_may_be_randomized_below():
    """Under max, a randomized ground counts with its own range."""
    ground = "{{target: shape.friction, asset: ground, op: set, dist: {{uniform: [0, {}]}}}}"
    terms = {"f": DRAW.format("", "set", "[0.4, 1.25]"), "g": ground.format(0.4)}
    Randomizer(spec_of(terms), engine_on(0.0, "max"))
    with pytest.raises(
        EngineError, match="terms.f: wants a friction of 0.4 to 1.25, but the counterpart has up to 0.6"
    ):
        Randomizer(spec_of({**terms, "g": ground.format(0.6)}), engine_on(0.0, "max"))
    with pytest.raises(EngineError, match="the average of its shapes', and the counterparts have 0 to 0.4; name one"):
        Randomizer(spec_of({"f": terms["f"], "g": terms["g"]}), engine_on(0.0, "average"))


def test_counterparts_by_name():
    """`against` names an asset, a shape or a body; without it everything that cannot move counts."""
    nominal = nominal_values(quadruped(), 4)
    nominal["shape_friction"][:, 0], nominal["shape_friction"][:, -1] = 0.0, 0.9
    for against, fine in (
        ("", True),
        ("against: ground, ", True),
        ("against: ball, ", False),
        ("against: ball/0, ", False),
    ):
        engine = ArrayEngine(4, nominal=nominal)
        spec = spec_of({"f": DRAW.format(against, "set", "[0.4, 1.25]")})
        if fine:
            Randomizer(spec, engine)
        else:
            with pytest.raises(EngineError, match="the counterpart has up to 0.9"):
                Randomizer(spec, engine)


def test_without_a_counterpart_the_shape_has_the_draw():
    """The ground's own friction is its own."""
    engine = engine_on(0.0, "average")
    randomizer = Randomizer(spec_of({"g": "{target: shape.friction, asset: ground, op: set, dist: 0.7}"}), engine)
    randomizer.startup()
    np.testing.assert_array_equal(engine.read("shape_friction")[:, 0, 0], np.float32(0.7))


def with_priority(engine: ArrayEngine, priority: dict[str, int]) -> ArrayEngine:
    """Give shapes a contact priority by name."""
    shapes = (replace(shape, priority=priority.get(shape.name, 0)) for shape in engine.elements.shape)
    engine.elements = replace(engine.elements, shape=tuple(shapes))
    return engine


def test_a_counterpart_of_higher_priority_is_a_fault():
    """Its friction acts alone, so that the draw would change nothing."""
    engine = with_priority(engine_on(0.0, "max"), {"plane": 1})
    with pytest.raises(EngineError, match="ground/plane has a higher contact priority than robot/.*_foot"):
        Randomizer(spec_of({"f": DRAW.format("against: ground, ", "set", "[0.4, 1.25]")}), engine)


def test_a_shape_of_higher_priority_decides_alone():
    """The counterpart has no say, however rough it is."""
    feet = {f"{leg}_foot": 2 for leg in ("FL", "FR", "RL", "RR")}
    engine = with_priority(engine_on(3.0, "max"), feet)
    randomizer = Randomizer(spec_of({"f": DRAW.format("against: ground, ", "set", "[0.4, 1.25]")}), engine)
    randomizer.startup()
    held = engine.read("shape_friction")[:, 2, 0]
    np.testing.assert_array_equal(held, randomizer.values("f").numpy()[:, 0])
    assert randomizer.pair_ranges[2] == pytest.approx((0.4, 1.25))
