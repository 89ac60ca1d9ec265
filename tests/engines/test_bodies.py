"""A body stays a rigid body: mass, centre of mass and inertia beside NumPy, and physical for every draw."""

import numpy as np
import pytest

from engines.array_engine import ArrayEngine
from engines.specs import spec_of
from sim2real.engines.randomizer import Randomizer

BASE = "{{target: body.{}, select: base, dist: {}{}}}"


def held_by(
    terms: dict[str, str], num_worlds: int = 50
) -> tuple[Randomizer, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The started randomizer; nominal and held values of the base in double."""
    engine = ArrayEngine(num_worlds)
    randomizer = Randomizer(spec_of(terms), engine)
    randomizer.startup()
    names = ("body_mass", "body_com", "body_inertia")
    nominal, held = ({n: read(n)[:, 0].astype(float) for n in names} for read in (engine.nominal, engine.read))
    for values in (nominal, held):
        values["body_mass"] = values["body_mass"][:, 0]
        values["body_inertia"] = values["body_inertia"].reshape(-1, 3, 3)
    return randomizer, nominal, held


def point(mass: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """Inertia of point masses (n,) at arms (n, 3)."""
    outer = arm[:, :, None] * arm[:, None, :]
    return mass[:, None, None] * ((arm**2).sum(1)[:, None, None] * np.eye(3) - outer)


@pytest.mark.parametrize(
    "op, dist, unit", [("scale", "[0.5, 2]", ""), ("add", "[0, 3]", "kg"), ("set", "[1, 9]", "kg")]
)
def test_inertia_follows_the_mass(op, dist, unit):
    """`keep: density`: inertia over mass stays, whichever operation changed the mass."""
    tail = f", op: {op}, keep: density" + (f", unit: {unit}" if unit else "")
    _, nominal, held = held_by({"m": BASE.format("mass", f"{{uniform: {dist}}}", tail)})
    assert np.ptp(held["body_mass"]) > 0.2
    ratio = held["body_mass"] / nominal["body_mass"]
    np.testing.assert_allclose(held["body_inertia"], nominal["body_inertia"] * ratio[:, None, None], rtol=1e-6)
    np.testing.assert_array_equal(held["body_com"], nominal["body_com"])


def test_mass_alone_leaves_the_inertia():
    """Without `keep` the mass changes alone, as it is said."""
    _, nominal, held = held_by({"m": BASE.format("mass", "{uniform: [0.5, 2]}", ", op: scale")})
    np.testing.assert_array_equal(held["body_inertia"], nominal["body_inertia"])


def test_density_belongs_to_its_term():
    """Of two mass terms, only the one with `keep` takes the inertia along."""
    randomizer, nominal, held = held_by(
        {
            "a": BASE.format("mass", "{uniform: [0.5, 2]}", ", op: scale, keep: density"),
            "b": BASE.format("mass", "{uniform: [0.5, 2]}", ", op: scale"),
        }
    )
    dense = randomizer.values("a").numpy()[:, 0].astype(float)
    np.testing.assert_allclose(held["body_inertia"], nominal["body_inertia"] * dense[:, None, None], rtol=1e-6)


def test_payload_is_a_rigid_union():
    """A load at the body's origin: masses add, the centre moves, inertias join by the parallel axes."""
    randomizer, nominal, held = held_by(
        {
            "load": BASE.format("payload", "{uniform: [0, 5]}", ", op: add, unit: kg"),
            "com": BASE.format("com", "{uniform: [[-0.1, -0.1, -0.1], [0.1, 0.1, 0.1]]}", ", op: add, unit: m"),
            "m": BASE.format("mass", "{uniform: [0.5, 2]}", ", op: scale, keep: density"),
        }
    )
    load = randomizer.values("load").numpy()[:, 0].astype(float)
    own = nominal["body_mass"] * randomizer.values("m").numpy()[:, 0]
    centre = nominal["body_com"] + randomizer.values("com").numpy()
    joint = own[:, None] * centre / (own + load)[:, None]
    inertia = nominal["body_inertia"] * randomizer.values("m").numpy()[:, 0, None, None]
    inertia = inertia + point(own, centre - joint) + point(load, -joint)
    np.testing.assert_allclose(held["body_mass"], own + load, rtol=1e-6)
    np.testing.assert_allclose(held["body_com"], joint, atol=1e-6)
    np.testing.assert_allclose(held["body_inertia"], inertia, rtol=2e-6, atol=1e-7)


def test_one_factor_scales_the_inertia():
    """A single factor on the inertia multiplies all of it."""
    randomizer, nominal, held = held_by({"i": BASE.format("inertia", "{uniform: [0.5, 2]}", ", op: scale")})
    factor = randomizer.values("i").numpy()[:, 0]
    np.testing.assert_allclose(held["body_inertia"], nominal["body_inertia"] * factor[:, None, None], rtol=1e-6)
    np.testing.assert_array_equal(held["body_mass"], nominal["body_mass"])


def test_three_factors_scale_the_second_moments():
    """Three factors stretch where the mass lies, along the body's axes; mass and centre stay."""
    randomizer, nominal, held = held_by(
        {"i": BASE.format("inertia", "{uniform: [[0.5, 0.5, 0.5], [2, 2, 2]]}", ", op: scale")}
    )
    root = np.sqrt(randomizer.values("i").numpy().astype(float))
    moments = 0.5 * np.trace(nominal["body_inertia"], axis1=1, axis2=2)[:, None, None] * np.eye(3)
    moments = (moments - nominal["body_inertia"]) * root[:, :, None] * root[:, None, :]
    expected = np.trace(moments, axis1=1, axis2=2)[:, None, None] * np.eye(3) - moments
    np.testing.assert_allclose(held["body_inertia"], expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(held["body_com"], nominal["body_com"])


SIX = (
    "{multivariate_normal: {mean: [0, 0, 0, 0, 0, 0], covariance: [[0.09, 0, 0, 0, 0, 0], [0, 0.09, 0, 0, 0, 0],"
    " [0, 0, 0.09, 0, 0, 0], [0, 0, 0, 0.04, 0, 0], [0, 0, 0, 0, 0.04, 0], [0, 0, 0, 0, 0, 0.04]]}}"
)


def test_log_cholesky_is_numpys():
    """Six coordinates make a triangular factor of the second moments, after Rucker and Wensing 2022."""
    randomizer, nominal, held = held_by({"i": BASE.format("inertia", SIX, ", op: add")})
    d1, d2, d3, s12, s23, s13 = randomizer.values("i").numpy().astype(float).T
    factor = np.zeros((len(d1), 3, 3))
    factor[:, 0, 0], factor[:, 1, 1], factor[:, 2, 2] = np.exp(d1), np.exp(d2), np.exp(d3)
    factor[:, 0, 1], factor[:, 1, 2], factor[:, 0, 2] = s12, s23, s13
    moments = 0.5 * np.trace(nominal["body_inertia"], axis1=1, axis2=2)[:, None, None] * np.eye(3)
    moments = factor @ (moments - nominal["body_inertia"]) @ factor.transpose(0, 2, 1)
    expected = np.trace(moments, axis1=1, axis2=2)[:, None, None] * np.eye(3) - moments
    np.testing.assert_allclose(held["body_inertia"], expected, rtol=2e-6, atol=1e-8)


def test_a_million_draws_stay_physical():
    """A thin rod under shears of 1, scales of e^1.5, a load and a mass: always positive definite and triangle-valid."""
    num_worlds = 100_000
    engine = ArrayEngine(num_worlds)
    rod = np.diag([1e-4, 1e-2, 1e-2 + 0.9e-4]).astype(np.float32)
    engine._nominal["body_inertia"][:, 0] = rod.reshape(9)
    wide = "{uniform: [[-1.5, -1.5, -1.5, -1, -1, -1], [1.5, 1.5, 1.5, 1, 1, 1]]}"
    randomizer = Randomizer(
        spec_of(
            {
                "i": BASE.format("inertia", wide, ", op: add"),
                "load": BASE.format("payload", "{uniform: [0, 5]}", ", op: add, unit: kg"),
                "m": BASE.format("mass", "{log_uniform: [0.1, 10]}", ", op: scale, keep: density"),
            }
        ),
        engine,
    )
    randomizer.startup()
    for _ in range(10):
        randomizer.reset(randomizer.everything)
        inertia = randomizer.row("body_inertia").numpy()[:, 0].reshape(-1, 3, 3).astype(float)
        np.testing.assert_array_equal(inertia, inertia.transpose(0, 2, 1))
        principal = np.linalg.eigvalsh(inertia)
        assert (principal[:, 0] > 0.0).all()
        # float32 keeps seven digits; the triangle inequality holds to that.
        assert (principal[:, 0] + principal[:, 1] > principal[:, 2] * (1.0 - 1e-6)).all()
