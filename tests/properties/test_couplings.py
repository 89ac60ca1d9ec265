"""What belongs together moves together in the solver: mass and inertia, left and right; operations keep their order."""

import numpy as np
import pytest

from properties.specs import spec_of
from properties.worlds import MANY, held, numbers
from sim2real.engines.randomizer import Randomizer

ORDER = {
    "a_load": "{target: body.payload, select: base, op: add, unit: kg, dist: {uniform: [0, 3]}}",
    "b_more": "{target: body.mass, select: base, op: add, unit: kg, dist: {uniform: [0, 1]}}",
    "c_times": "{target: body.mass, select: base, op: scale, dist: {uniform: [0.8, 1.2]}, keep: density}",
    "d_as": "{target: body.mass, select: base, op: set, unit: kg, when: startup, keep: density,"
    " dist: {uniform: [5, 9]}}",
    "e_com": "{target: body.com, select: base, op: add, unit: m, dist: {uniform: [[-0.02, 0, 0], [0.02, 0, 0.03]]}}",
    "f_plus": "{target: joint.armature, select: '.*', op: add, unit: kg*m^2, each: joint, dist: {uniform: [0, 0.01]}}",
    "g_times": "{target: joint.armature, select: '.*', op: scale, each: joint, dist: {uniform: [0.5, 2]}}",
    "h_as": "{target: joint.armature, select: '.*', op: set, unit: kg*m^2, when: startup,"
    " dist: {uniform: [0.01, 0.02]}}",
    "i_twice": "{target: joint.armature, select: '.*', op: scale, dist: {uniform: [0.9, 1.1]}}",
}
"""Every operation twice over, in the wrong order, one of them drawn at startup."""
INERTIAL = ("body_mass", "body_com", "body_inertia")


@pytest.fixture
def settled(place):
    """The shared environment after a reset of all worlds."""
    place[1].reset(None)
    return place[1]


@pytest.fixture
def folded(place):
    """Another spec on the same solver, from the same nominal values; the environment's own is put back afterwards."""
    env, found = place
    ours = Randomizer(spec_of(ORDER), found.engine, step_dt=env.step_dt)
    ours.startup()
    for _ in range(3):
        ours.reset(ours.everything)
    yield ours
    found.reset(None)


def bodies(engine, values, chosen):
    """Mass (n,), centre (n, 3) and inertia (n, 3, 3) of one body, in double."""
    mass, com, inertia = (values[name][:, chosen].astype(float) for name in INERTIAL)
    return mass[:, 0], com, inertia.reshape(-1, 3, 3)


def test_the_inertia_follows_the_mass(settled):
    """`keep: density`: the solver's inertia of the base is scaled by what its mass was; the thighs' is not."""
    engine, now = settled.engine, held(settled)
    nominal = {name: engine.nominal(name) for name in INERTIAL}
    base, thighs = numbers(settled, "body", "base")[0], numbers(settled, "body", "_thigh")[0]
    factor = settled.values("base_mass").numpy()[:, 0].astype(float)
    assert np.ptp(factor) > 0.3
    mass, _, inertia = bodies(engine, now, base[0])
    before, _, still = bodies(engine, nominal, base[0])
    np.testing.assert_allclose(mass / before, factor[:, 0], rtol=3e-7)
    largest = np.abs(still).max((1, 2), keepdims=True)
    assert (np.abs(inertia - still * factor[:, :, None]) <= 1e-6 * largest * factor[:, :, None]).all()
    for thigh in thighs:
        mass, _, inertia = bodies(engine, now, thigh)
        assert np.ptp(mass) > 0.1
        still = bodies(engine, nominal, thigh)[2]
        assert (np.abs(inertia - still) <= 1e-6 * np.abs(still).max((1, 2), keepdims=True)).all()


def test_left_and_right_are_twins(settled):
    """`mirror`: the right legs have the factors of the left ones, front and rear their own."""
    chosen, names = numbers(settled, "body", "_thigh")
    factor = settled.engine.read("body_mass")[:, chosen, 0] / settled.engine.nominal("body_mass")[:, chosen, 0]
    leg = {name[:2]: factor[:, i] for i, name in enumerate(names)}
    np.testing.assert_allclose(leg["FR"], leg["FL"], rtol=3e-7)
    np.testing.assert_allclose(leg["RR"], leg["RL"], rtol=3e-7)
    assert (np.abs(leg["FL"] - leg["RL"]) > 1e-6).mean() > 0.9


def test_one_strength_for_gains_and_limit(settled):
    """A motor's gains and its largest torque have one factor, beside the gain's own of the start."""
    engine, now = settled.engine, held(settled)
    ratio = {name: now[name] / engine.nominal(name) for name in ("actuator_kp", "actuator_kd", "actuator_effort_limit")}
    np.testing.assert_allclose(ratio["actuator_kd"], ratio["actuator_effort_limit"], rtol=3e-7)
    own = ratio["actuator_kp"] / ratio["actuator_kd"]
    order = [list(settled.randomizer.terms["gain"].labels).index(f"robot/{j.name}") for j in engine.elements.joint]
    np.testing.assert_allclose(own, settled.values("gain").numpy()[:, order], rtol=6e-7)


def test_a_load_is_a_rigid_union(settled):
    """The hip with its load: masses add, the centre is shared, inertias join by the parallel axes."""
    engine = settled.engine
    hip = numbers(settled, "body", "FL_hip")[0][0]
    mass, com, inertia = bodies(engine, held(settled), hip)
    before, centre, still = bodies(engine, {name: engine.nominal(name) for name in INERTIAL}, hip)
    load = settled.values("load").numpy()[:, 0, 0].astype(float)
    heavier, together, whole = joined(before, centre, still, load)
    np.testing.assert_allclose(mass, heavier, rtol=3e-7)
    np.testing.assert_allclose(com, together, atol=1e-8)
    assert (np.abs(inertia - whole) <= 2e-6 * np.abs(whole).max((1, 2), keepdims=True)).all()
    assert np.ptp(load) > 0.1


def joined(mass, centre, inertia, load):
    """A body (n,), (n, 3), (n, 3, 3) and a point mass (n,) at its origin as one body."""
    whole = mass + load
    together = mass[:, None] * centre / whole[:, None]
    for m, arm in ((mass, centre - together), (load, -together)):
        outer = arm[:, :, None] * arm[:, None, :]
        inertia = inertia + m[:, None, None] * ((arm**2).sum(1)[:, None, None] * np.eye(3) - outer)
    return whole, together, inertia


def test_operations_fold_in_one_order(folded):
    """Set, then scale, then add, then the load, whatever their names; a set of the start is under every episode."""
    engine = folded.engine
    draw = {name: folded.values(name).numpy().astype(float) for name in ORDER}
    chosen = [i for i, body in enumerate(engine.elements.body) if body.name == "base"][0]
    nominal = {name: engine.nominal(name) for name in INERTIAL}
    before, centre, inertia = bodies(engine, nominal, chosen)
    dense = draw["d_as"][:, 0] * draw["c_times"][:, 0]
    inertia = inertia * (dense / before)[:, None, None]
    mass, com, whole = joined(dense + draw["b_more"][:, 0], centre + draw["e_com"], inertia, draw["a_load"][:, 0])
    now = {name: engine.read(name) for name in INERTIAL}
    seen = bodies(engine, now, chosen)
    np.testing.assert_allclose(seen[0], mass, rtol=1e-6)
    np.testing.assert_allclose(seen[1], com, atol=1e-7)
    assert (np.abs(seen[2] - whole) <= 2e-6 * np.abs(whole).max((1, 2), keepdims=True)).all()
    order = [list(folded.terms["f_plus"].labels).index(f"robot/{j.name}") for j in engine.elements.joint]
    rotor = draw["h_as"] * draw["g_times"][:, order] * draw["i_twice"] + draw["f_plus"][:, order]
    np.testing.assert_allclose(engine.read("joint_armature")[:, :, 0], rotor, rtol=1e-6)


def test_the_order_in_the_file_changes_no_bit(place, folded):
    """The same terms backwards, on the same solver."""
    env, found = place
    one = {name: folded.engine.read(name) for name in folded.quantities}
    spec = spec_of(dict(reversed(ORDER.items())))
    other = Randomizer(spec, found.engine, step_dt=env.step_dt)
    other.startup()
    assert not all(np.array_equal(folded.engine.read(name), one[name]) for name in one)  # another episode
    for _ in range(3):
        other.reset(other.everything)
    for name, values in one.items():
        np.testing.assert_array_equal(other.engine.read(name), values, err_msg=name)
    assert spec.digest == spec_of(ORDER).digest and len(one["body_mass"]) == MANY
