"""Three lines on a direct environment: properties are drawn, and the environment goes on placing its assets itself."""

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from lab.lab_env import act, expected, open_task, properties


@pytest.fixture(scope="module", params=ENGINES)
def rover(request):
    """The avoidance environment with our events, on each engine."""
    with open_task("Rover", request.param, num_envs=4, set_image_size=32) as opened:
        yield opened


def test_the_solver_holds_what_was_drawn(rover):
    """The base's mass by a factor; damping added to both wheels."""
    env, found = rover
    now, nominal = properties(found), {name: found.engine.nominal(name) for name in found.randomizer.quantities}
    base = [element.name for element in found.engine.elements.body].index("base")
    mass, damping = found.values("base_mass").numpy()[:, 0, 0], found.values("bearing").numpy()[:, 0, 0]
    np.testing.assert_allclose(now["body_mass"][:, base, 0], nominal["body_mass"][:, base, 0] * mass, rtol=1e-6)
    wheels = [i for i, element in enumerate(found.engine.elements.joint) if "wheel" in element.name]
    raised = now["joint_damping"][:, wheels, 0] - nominal["joint_damping"][:, wheels, 0]
    np.testing.assert_allclose(raised, np.repeat(damping[:, None], len(wheels), 1), atol=1e-7)


def test_episodes_are_counted_by_its_own_resets(rover):
    """A reset of one world draws for that world alone; the numbers are NumPy's."""
    env, found = rover
    before, episodes = properties(found), found.episodes.clone().numpy()
    env._reset_idx(torch.tensor([2], dtype=torch.int32))
    after = properties(found)
    assert np.array_equal(found.episodes.numpy() - episodes, [0, 0, 1, 0])
    for name in before:
        assert np.array_equal(before[name][[0, 1, 3]], after[name][[0, 1, 3]]), name
    assert not np.array_equal(before["body_mass"][2], after["body_mass"][2])
    for name in found.drawn_terms:
        assert np.array_equal(found.values(name).numpy(), expected(found, name, found.episodes.numpy()))


def test_the_environment_places_its_own_assets(rover):
    """Rover and obstacles stand where the environment's scene puts them, not at their default state."""
    env, _ = rover
    env.reset()
    pose = env.robot.data.root_link_pose_w.torch - torch.cat((env.scene.env_origins, torch.zeros(4, 4)), -1)
    start = env.draw_start(env.scene_ids, env.episodes)
    np.testing.assert_allclose(pose[:, :2].numpy(), start[:, :2], atol=1e-5)
    used = env.obstacle_used.numpy()
    assert used.any()
    placed = env.obstacles.data.body_link_pose_w.torch.numpy()[..., :2] - env.scene.env_origins.numpy()[:, None, :2]
    np.testing.assert_allclose(placed[used], env.obstacle_pose.numpy()[used][:, :2], atol=1e-4)


def test_steps_reach_the_guards(rover):
    """The interval event comes at every step."""
    env, found = rover
    before = found.steps
    act(env, 3)
    assert found.steps == before + 3


def test_what_was_drawn_can_be_observed(rover):
    """The same function as on a managed task."""
    env, found = rover
    assert sim2real.lab.drawn(env).shape == (4, 2) and found.randomizer.normalised_names == ["base_mass", "bearing"]
