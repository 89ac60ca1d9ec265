"""Both engines call the same thing by the same name, and begin with the same values: draws belong to names."""

import numpy as np
import pytest

from engine_env import HAS_PHYSX, open_env

pytestmark = pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
SHARED = {"body": ("body_mass", "body_com", "body_inertia"), "shape": ("shape_friction",), "joint": ("actuator_kd",)}
"""Quantities that both engines hold, by kind of element."""


@pytest.fixture(scope="module")
def scenes():
    """For each engine, its elements and the first world's values by asset and name."""
    from sim2real.lab.engine import engine_of

    found = []
    for physics in ("newton_mjwarp", "ovphysx"):
        with open_env(physics, num_envs=2) as env:
            env.reset()
            engine = engine_of(env)
            table = {}
            for kind, quantities in SHARED.items():
                for quantity in quantities:
                    values = engine.nominal(quantity)[0]
                    for element, value in zip(engine.elements.of(kind), values, strict=True):
                        table[quantity, element.asset, element.name] = (element.fixed, value)
            found.append(table)
    return found


def test_names_and_what_cannot_move_are_the_same(scenes):
    """Bodies, joints and shapes, walls and ground included."""
    newton, physx = ({key: fixed for key, (fixed, _) in table.items()} for table in scenes)
    assert newton == physx


@pytest.mark.parametrize("quantity", [name for names in SHARED.values() for name in names])
def test_the_robot_begins_with_the_same_values(scenes, quantity):
    """Element by element, a body's shapes by their numbers."""
    newton, physx = (values_of(table, quantity) for table in scenes)
    assert newton.keys() == physx.keys() and newton
    for name in newton:
        np.testing.assert_allclose(physx[name], newton[name], rtol=2e-6, atol=1e-8, err_msg=name)


def values_of(table, quantity):
    """Values of the robot and the ground by asset and element."""
    return {
        f"{asset}/{element}": value
        for (name, asset, element), (_, value) in table.items()
        if name == quantity and asset in ("robot", "ground")
    }
