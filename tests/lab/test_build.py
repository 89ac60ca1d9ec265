"""What a spec builds, in the solver, on both engines: legs, feet, the ground."""

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from lab.build_env import COUNT, drawn, lengths, robots


@pytest.fixture(scope="module", params=ENGINES)
def env(request):
    """Five robots of their own, reset once."""
    with robots(request.param, flat=0.0) as env:
        env.reset()
        yield env


def test_legs_are_as_long_as_drawn(env):
    """Each link of each world, in the solver, before and after steps."""
    np.testing.assert_allclose(lengths(env), drawn("legs", 8), rtol=2e-5)
    env.step(torch.zeros(COUNT, 12))
    np.testing.assert_allclose(lengths(env), drawn("legs", 8), rtol=2e-5)


def test_feet_weigh_what_their_size_says(env):
    """Mass by volume, inertia by the fifth power."""
    robot = env.scene["robot"]
    foot = list(robot.body_names).index("RL_foot")
    size = drawn("feet", 1)[:, 0]
    np.testing.assert_allclose(robot.data.body_mass.torch[:, foot].numpy(), 0.04 * size**3, rtol=1e-5)
    inertia = robot.data.body_inertia.torch[:, foot].reshape(COUNT, 3, 3).numpy()
    np.testing.assert_allclose(np.trace(inertia, axis1=1, axis2=2), 3 * 9.6e-6 * size**5, rtol=1e-4)


def test_the_rest_of_the_spec_is_at_work_and_the_plan_tells_all(env):
    """Masses are still drawn, from each robot's own; the critic sees the lengths."""
    found = sim2real.lab.randomization_of(env)
    held, nominal = found.engine.read("body_mass"), found.engine.nominal("body_mass")
    base = [body.name for body in found.engine.elements.body].index("base")
    factor = found.values("mass")[:, 0, 0].numpy()
    np.testing.assert_allclose(held[:, base, 0] / nominal[:, base, 0], factor, rtol=1e-5)
    np.testing.assert_array_equal(found.values("legs")[..., 0].numpy(), drawn("legs", 8))
    assert sum(name.startswith("legs") for name in found.randomizer.normalised_names) == 8
    applied = {entry.term: entry.applied for entry in found.randomizer.plan.entries}
    assert applied == {"legs": "caller", "feet": "caller", "ground": "elsewhere", "mass": "engine"}
    assert "heights drawn node by node" in found.randomizer.plan.to_text()


def test_feet_stand_on_the_drawn_ground(env):
    """After a second every robot's lowest parts are at the height of the ground below them."""
    from sim2real.lab.build_ground import lattice

    env.reset()
    for _ in range(50):
        env.step(torch.zeros(COUNT, 12))
    x, y, height = lattice(env.cfg.scene.terrain.terrain_generator, np.arange(COUNT))
    robot = env.scene["robot"]
    feet = [i for i, name in enumerate(robot.body_names) if name.endswith("foot")]
    at = robot.data.body_link_pos_w.torch[:, feet].numpy().reshape(-1, 3)
    below = np.array([_height(x, y, height, *place[:2]) for place in at])
    gap = at[:, 2] - below
    assert gap.min() > 0.005 and np.median(gap) < 0.035  # a foot's radius, times 0.8 to 1.3, on a slope
    assert np.abs(below).max() > 0.02
    assert np.corrcoef(at[:, 2], below)[0, 1] > 0.7


def _height(x, y, height, px, py):
    """The mesh's height: its cells are split along the diagonal from low to high x and y."""
    i, j = np.searchsorted(x, px) - 1, np.searchsorted(y, py) - 1
    u, v = (px - x[i]) / (x[i + 1] - x[i]), (py - y[j]) / (y[j + 1] - y[j])
    a, b, c, d = height[i, j], height[i + 1, j], height[i + 1, j + 1], height[i, j + 1]
    return a + u * (b - a) + v * (c - b) if u > v else a + v * (d - a) + u * (c - d)
