"""Nothing accumulates: after a thousand episodes draws are as declared, and nominal values come back to the bit."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from properties.worlds import DERIVED, MANY, STATE, arrays_of, changed_worlds, expected, held, numbers

RESETS = 1000
WATCHED = 50
"""So many of the last resets are read back."""
ROUNDED = {"shape_friction": 2.0**-13, "shape_restitution": 2.0**-9}
"""What PhysX's grid of materials costs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """A thousand episodes of all worlds."""

    before: dict
    """Every array of the solver while all that is drawn again was nominal, before the episodes."""
    after: dict
    """The same after them."""
    rows: dict
    """What the randomizer's rows held then."""
    values: dict
    """What the solver held then."""
    held: dict
    """What the solver held in the last episodes, (episodes, worlds, count, width)."""
    draws: dict
    """NumPy's draws for the last episode."""


@pytest.fixture(scope="module")
def run(place):
    """All of it is looked at after one run."""
    env, found = place
    before = nominal_arrays(env, found)
    shots = []
    for k in range(RESETS):
        found.reset(None)
        if k >= RESETS - WATCHED:
            shots.append(held(found))
    episode, worlds = found.episodes.clone().numpy(), np.arange(MANY)
    draws = {name: expected(found, name, worlds, episode) for name in found.drawn_terms if not found.moves(name)}
    draws["gain"] = expected(found, "gain", worlds, 0)
    for name, values in draws.items():
        if name not in found.randomizer.adr_terms:
            np.testing.assert_array_max_ulp(found.values(name).numpy(), values, maxulp=2)
    after = nominal_arrays(env, found)
    result = Run(
        before=before,
        after=after,
        rows={name: found.randomizer.row(name).numpy().copy() for name in found.randomizer.quantities},
        values=held(found),
        held={name: np.stack([shot[name] for shot in shots]) for name in shots[0]},
        draws=draws,
    )
    found.reset(None)
    return result


def nominal_arrays(env, found):
    """Every array, with every range that is drawn again closed to its nominal value. The state is no property: it is
    where the robots were put.
    """
    found.randomizer.set_range(0.0)
    found.reset(None)
    found.randomizer.set_range(1.0)
    every = arrays_of(env)
    return {name: array for name, array in every.items() if not STATE.match(name) and not DERIVED.match(name)}


def test_nominal_rows_come_back_exactly(place, run):
    """A row is computed from the nominal one: what no startup draw changes is the nominal value, bit for bit."""
    found = place[1]
    for name, row in run.rows.items():
        nominal = found.engine.nominal(name)
        if name == "actuator_kp":
            joints = order_of(found, "gain")
            nominal = nominal * run.draws["gain"][:, joints]
        np.testing.assert_array_equal(row, nominal, err_msg=name)


def test_the_solver_holds_nominal_values_exactly(place, run):
    """The same of what the solver holds; PhysX keeps an inertia as principal moments, right to 5e-7 of the largest."""
    found = place[1]
    for name, values in run.values.items():
        nominal = run.rows[name]
        if name == "body_inertia" and found.engine.name != "newton_mjwarp":
            largest = np.abs(nominal).max(-1, keepdims=True)
            assert (np.abs(values - nominal) <= 5e-7 * largest).all()
        else:
            np.testing.assert_array_equal(values, nominal, err_msg=name)


def test_every_array_of_the_solver_comes_back(run):
    """Whatever the solver derives too: the same bits as before the thousand episodes."""
    assert len(run.before) > 30
    assert changed_worlds(run.before, run.after) == {}


def order_of(found, term):
    """Which of a term's draws each joint takes, by name."""
    labels = list(found.randomizer.terms[term].labels)
    return [labels.index(f"{joint.asset}/{joint.name}") for joint in found.engine.elements.joint]


def cdf_of(dist):
    """The distribution function of a term, from what the spec says."""
    name, low, high = type(dist).__name__, np.ravel(dist.bounds()[0])[0], np.ravel(dist.bounds()[1])[0]
    if name == "LogUniform":
        return stats.loguniform(low, high).cdf
    if name == "Beta":
        return stats.beta(2, 5, loc=low, scale=high - low).cdf
    if name == "TruncatedNormal":
        return stats.truncnorm((low - 1.0) / 0.07, (high - 1.0) / 0.07, loc=1.0, scale=0.07).cdf
    assert name == "Uniform"
    return stats.uniform(low, high - low).cdf


SAMPLES = {
    "base_mass": ("body_mass", "body", "base", "scale"),
    "thigh_mass": ("body_mass", "body", ("FL_thigh", "RL_thigh"), "scale"),
    "coulomb": ("joint_friction", "joint", "_joint", "add"),
    "viscous": ("joint_viscous_friction", "joint", "_joint", "add"),
    "rotor": ("joint_armature", "joint", "_joint", "scale"),
    "speed": ("actuator_velocity_limit", "joint", "_joint", "scale"),
    "strength": ("actuator_effort_limit", "joint", "_joint", "scale"),
}
"""Terms whose draws can be seen in the solver: quantity, elements, and how the term changed it."""


@pytest.mark.parametrize("name", SAMPLES)
def test_solvers_hold_the_declared_distribution(place, run, name):
    """Of the last episodes' worlds and elements, each for itself (Kolmogorov-Smirnov, p > 1e-4)."""
    found = place[1]
    quantity, kind, pattern, op = SAMPLES[name]
    chosen, _ = numbers(found, kind, pattern)
    assert chosen
    nominal = found.engine.nominal(quantity)[:, chosen, 0].astype(float)
    values = run.held[quantity][:, :, chosen, 0].astype(float)
    seen = values / nominal if op == "scale" else values - nominal
    cdf = cdf_of(found.randomizer.terms[name].term.dist)
    for k in range(len(chosen)):
        assert stats.kstest(seen[:, :, k].ravel(), cdf).pvalue > 1e-4, f"{name} of element {chosen[k]}"


def test_vectors_are_as_declared(place, run):
    """Each component of a centre of mass, both ends of a limit, and the size and direction of gravity."""
    found = place[1]
    base = numbers(found, "body", "base")[0][0]
    moved = run.held["body_com"][:, :, base].astype(float) - found.engine.nominal("body_com")[:, base]
    widened = run.held["joint_limit"].astype(float) - found.engine.nominal("joint_limit")
    gravity = run.held["gravity"][:, :, 0].astype(float)
    size = np.linalg.norm(gravity, axis=-1)
    tilt = np.degrees(np.arctan2(np.linalg.norm(gravity[..., :2], axis=-1), -gravity[..., 2]))
    around = np.arctan2(gravity[..., 1], gravity[..., 0])
    samples = [(moved[..., i], -0.02, 0.04) for i in range(3)]
    samples += [(widened[:, :, j, 0], -0.05, 0.05) for j in range(12)]
    samples += [(widened[:, :, j, 1], 0.0, 0.05) for j in range(12)]
    samples += [(size, 9.31, 1.0), (tilt, 0.0, 5.0), (around, -np.pi, 2 * np.pi)]
    for i, (values, low, width) in enumerate(samples):
        assert stats.kstest(values.ravel(), stats.uniform(low, width).cdf).pvalue > 1e-4, i


def test_the_last_episode_is_the_last_draw(place, run):
    """After a thousand episodes what the solver holds is nominal and this episode's draw, and nothing else."""
    found = place[1]
    last = {name: values[-1] for name, values in run.held.items()}
    joints = {name: order_of(found, name) for name in ("rotor", "strength", "coulomb", "speed")}
    for term, quantity in (("rotor", "joint_armature"), ("speed", "actuator_velocity_limit")):
        factor = run.draws[term][:, joints[term]]
        np.testing.assert_allclose(last[quantity], found.engine.nominal(quantity) * factor, rtol=3e-7)
    factor = run.draws["strength"][:, joints["strength"]]
    gains = found.engine.nominal("actuator_kp") * run.draws["gain"][:, order_of(found, "gain")]
    np.testing.assert_allclose(last["actuator_kp"], gains * factor, rtol=3e-7)
    np.testing.assert_allclose(
        last["joint_friction"], found.engine.nominal("joint_friction") + run.draws["coulomb"][:, joints["coulomb"]],
        rtol=3e-7,
    )  # fmt: skip
