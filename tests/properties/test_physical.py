"""Every draw is a body that could exist: its inertia is positive definite, and no principal moment exceeds the others'
sum.
"""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine
from properties.specs import spec_of
from properties.worlds import MANY, held
from sim2real.engines.randomizer import Randomizer

DRAWS = 1_000_000
ROUNDING = 1e-6
"""What single precision may leave of the triangle inequality, as a share of the largest moment."""
WIDE = {
    "shape": "{target: body.inertia, select: '.*', op: add, each: body,"
    " dist: {uniform: [[-1.5, -1.5, -1.5, -1, -1, -1], [1.5, 1.5, 1.5, 1, 1, 1]]}}",
    "size": "{target: body.mass, select: '.*', op: scale, each: body, keep: density, dist: {log_uniform: [0.1, 10]}}",
    "load": "{target: body.payload, select: '.*', op: add, unit: kg, each: body, dist: {uniform: [0, 5]}}",
    "com": "{target: body.com, select: '.*', op: add, unit: m, each: body,"
    " dist: {uniform: [[-0.1, -0.1, -0.1], [0.1, 0.1, 0.1]]}}",
}
"""Far more than anybody would ask for."""


def physical(inertia):
    """Which inertias (..., 3, 3) are positive definite, and which keep the triangle inequality."""
    moments = np.linalg.eigvalsh(inertia.astype(float))
    return moments[..., 0] > 0.0, moments[..., 0] + moments[..., 1] > moments[..., 2] * (1.0 - ROUNDING)


def test_what_solvers_hold_is_physical(place):
    """Every body of every world over fifty episodes, rotors and feet included."""
    found = place[1]
    for _ in range(50):
        found.reset(None)
        values = held(found)
        assert (values["body_mass"] > 0.0).all()
        inertia = values["body_inertia"].reshape(MANY, -1, 3, 3)
        # PhysX makes the nine numbers of principal moments and axes, each with its own rounding.
        largest = np.abs(inertia).max((-2, -1), keepdims=True)
        assert (np.abs(inertia - np.swapaxes(inertia, -1, -2)) <= 5e-7 * largest).all()
        positive, triangle = physical(inertia)
        assert positive.all()
        assert triangle.all(), [found.engine.elements.body[b].name for b in np.flatnonzero(~triangle.all(0))]


@pytest.fixture
def bodies(place):
    """Nominal masses, centres and inertias of the robot as the solver has them, one world of each."""
    engine = place[1].engine
    return engine.elements, {name: engine.nominal(name)[:1] for name in ("body_mass", "body_com", "body_inertia")}


def test_a_million_draws_stay_physical(bodies):
    """The robot's own bodies under shears, stretches, loads and masses of a hundredfold range."""
    elements, nominal = bodies
    inertia = nominal["body_inertia"].reshape(1, -1, 3, 3)
    nominal["body_inertia"] = (0.5 * (inertia + np.swapaxes(inertia, -1, -2))).reshape(1, -1, 9)
    num_worlds = 4000
    engine = ArrayEngine(
        num_worlds, elements=elements, nominal={name: np.repeat(v, num_worlds, axis=0) for name, v in nominal.items()}
    )
    randomizer = Randomizer(spec_of(WIDE), engine)
    randomizer.startup()
    seen, extreme = 0, 0.0
    while seen < DRAWS:
        randomizer.reset(randomizer.everything)
        inertia = randomizer.row("body_inertia").numpy().reshape(num_worlds, -1, 3, 3)
        np.testing.assert_array_equal(inertia, np.swapaxes(inertia, -1, -2))
        positive, triangle = physical(inertia)
        assert positive.all() and triangle.all()
        assert (randomizer.row("body_mass").numpy() > 0.0).all()
        size = np.trace(inertia, axis1=-2, axis2=-1)
        extreme = max(extreme, float((size.max(0) / size.min(0)).max()))
        seen += inertia.shape[0] * inertia.shape[1]
    assert extreme > 100.0
