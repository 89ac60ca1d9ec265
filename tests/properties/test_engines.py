"""The same world on two engines: by the same name, the same factor, as NumPy draws it."""

import numpy as np
import pytest

from engine_env import HAS_PHYSX
from properties.specs import whole
from properties.worlds import MANY
from sim2real.draws import Draws

WORLDS = np.arange(MANY)
CASES = {
    "thigh_mass": ("body_mass", "scale", "_thigh"),
    "rotor": ("joint_armature", "scale", "_joint"),
    "speed": ("actuator_velocity_limit", "scale", "_joint"),
    "strength": ("actuator_effort_limit", "scale", "_joint"),
    "coulomb": ("joint_friction", "add", "_joint"),
    "viscous": ("joint_viscous_friction", "add", "_joint"),
    "foot_friction": ("shape_friction", "set", "_foot/0"),
}
"""Terms with a draw for each element: quantity, operation, and how the elements' names end."""
GRID = 2.0**-13
"""PhysX keeps friction on a grid of twice this."""


def seen(record, quantity, op, ending):
    """What was done to each element, by name, (worlds,), in double."""
    values, nominal, names = (record[part][quantity] for part in ("held", "nominal", "names"))
    found = {}
    for i, name in enumerate(names):
        if name.endswith(ending):
            now, before = values[:, i, 0].astype(float), nominal[:, i, 0].astype(float)
            found[name] = now / before if op == "scale" else now - before if op == "add" else now
    return found


def last(records, engine):
    """The last snapshot of 64 worlds, some episodes on, not the same number in each world."""
    return records[engine]["went on"][0][-1]


def numpys(term, names, episode):
    """NumPy's draws by element, from the spec alone: in the order of sorted names, the right legs' from their twins."""
    terms = whole().terms
    twin = {name: name.replace("FR_", "FL_").replace("RR_", "RL_") if term == "thigh_mass" else name for name in names}
    owners = sorted({f"robot/{owner.partition('/')[0]}" for owner in twin.values()})
    values = Draws(whole().seed).sample(term, terms[term].dist, WORLDS, episode, 0, len(owners)).astype(float)
    return {name: values[:, owners.index(f"robot/{twin[name].partition('/')[0]}")] for name in names}


@pytest.mark.parametrize("term", [name for name in CASES if name != "foot_friction"])
def test_solvers_hold_numpys_draws(engine, records, term):
    """World by world and name by name, each world in its own episode."""
    record = last(records, engine)
    episode = record["counters"]["episode"]
    assert len(set(episode.tolist())) > 1
    found = seen(record, *CASES[term])
    wanted = numpys(term, list(found), episode)
    assert len(found) in (4, 12)
    for name, values in found.items():
        np.testing.assert_allclose(values, wanted[name], rtol=5e-7, atol=1e-8, err_msg=name)


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
@pytest.mark.parametrize("term", CASES)
def test_engines_hold_the_same(records, term):
    """Friction, whose range is moving, to PhysX's grid; all else to the rounding of a nominal value."""
    newton, physx = (seen(last(records, name), *CASES[term]) for name in ("newton_mjwarp", "ovphysx"))
    assert newton.keys() == physx.keys() and newton
    for name, values in newton.items():
        tolerance = GRID if term == "foot_friction" else 1e-8
        np.testing.assert_allclose(physx[name], values, rtol=1e-6, atol=tolerance, err_msg=name)
    assert np.std(list(newton.values())) > 0.01


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_engines_start_the_same(records):
    """Robots stand where the draws put them, whatever holds them."""
    newton, physx = (last(records, name)["starts"] for name in ("newton_mjwarp", "ovphysx"))
    np.testing.assert_allclose(newton["joints"], physx["joints"], atol=1e-6)
    np.testing.assert_allclose(newton["pose"][:, :3], physx["pose"][:, :3], atol=1e-5)
    same = np.abs((newton["pose"][:, 3:] * physx["pose"][:, 3:]).sum(1))
    np.testing.assert_allclose(same, 1.0, atol=1e-6)
