"""The Go2 in the mirror: the engines themselves say which joint is whose image, and with which sign."""

import pytest
import torch
from tensordict import TensorDict

from engine_env import ENGINES
from sim2real.lab.launch import make_env
from sim2real_tasks.robots import go2
from sim2real_tasks.velocity import TASK
from sim2real_tasks.velocity.mirror import go2_mirrored, group_mirror, joint_mirror

STILL = {
    "seed": 0,
    "scene.num_envs": 2,
    "observations.policy.enable_corruption": False,
    **{f"events.{name}": None for name in ("add_base_mass", "base_com", "push_robot")},
    "events.reset_base.params": {"pose_range": {}, "velocity_range": {}},
    "events.reset_robot_joints.params": {"position_range": (1.0, 1.0), "velocity_range": (0.0, 0.0)},
}
"""Two equal robots that start alike, and what they see without noise."""


@pytest.fixture(scope="module", params=ENGINES)
def env(request):
    """Two robots."""
    with make_env(TASK, request.param, **STILL) as env:
        yield env


def both(env, group, values):
    """What `go2_mirrored` makes of one row of a group."""
    obs, _ = go2_mirrored(env, TensorDict({group: values[None]}, [1]))
    return obs[group]


def test_a_robot_with_mirrored_actions_sees_the_mirror_image(env):
    """Both stand and are swung by a fifth of a second of actions, the second robot by the images of the first one's."""
    env.reset()
    command = env.command_manager.get_term("base_velocity")
    generator = torch.Generator().manual_seed(3)
    for _ in range(10):
        _, actions = go2_mirrored(env, actions=0.5 * torch.randn(1, 12, generator=generator))
        command.vel_command_b[:] = torch.tensor([[0.5, 0.2, -0.3], [0.5, -0.2, 0.3]])
        obs, *_ = env.step(actions)
    for group in ("policy", "critic"):
        moved, image = obs[group][0], obs[group][1]
        wanted = both(env, group, moved)[1]
        scale = obs[group].abs().max()
        assert (moved - image).abs().max() > 0.3 * scale, "the actions moved both robots alike: nothing to tell"
        assert (wanted - image).abs().max() < 0.05 * scale  # the URDF's two sides are not quite alike


def test_the_image_of_the_image_is_what_it_was(env):
    """For both groups and the actions; the first half is untouched."""
    generator = torch.Generator().manual_seed(4)
    widths = {name: shape[0] for name, shape in env.observation_manager.group_obs_dim.items()}
    obs = TensorDict({name: torch.randn(5, width, generator=generator) for name, width in widths.items()}, [5])
    actions = torch.randn(5, 12, generator=generator)
    once, acted = go2_mirrored(env, obs, actions)
    twice, again = go2_mirrored(env, once[5:], acted[5:])
    for name in widths:
        assert torch.equal(once[name][:5], obs[name]) and torch.equal(twice[name][5:], obs[name])
        assert not torch.equal(once[name][5:], obs[name])
    assert torch.equal(acted[:5], actions) and torch.equal(again[5:], actions)


def test_what_has_no_image_is_refused():
    """A joint without a partner, an observation that is not known, one that is no number of whole steps."""
    with pytest.raises(ValueError, match="'torso' has no mirror image"):
        joint_mirror(("FL_hip", "FR_hip", "torso"), go2.MIRROR_PAIRS, "")
    joints = joint_mirror(go2.JOINTS, go2.MIRROR_PAIRS, go2.MIRROR_ROLLS)
    feet = joint_mirror(go2.FEET, go2.MIRROR_PAIRS, "")
    with pytest.raises(ValueError, match="'camera' cannot be mirrored; known: base_lin_vel"):
        group_mirror((("camera", 3),), joints, feet)
    with pytest.raises(ValueError, match="'joint_pos' is 20 wide; its mirror image is made for steps of 12"):
        group_mirror((("joint_pos", 20),), joints, feet)
    assert group_mirror((("draws", 2), ("feet_contact", 4)), joints, feet).source == [0, 1, 3, 2, 5, 4]


def test_each_step_of_a_history_is_mirrored_by_itself():
    """Isaac Lab lays a term's steps one behind the other."""
    joints = joint_mirror(go2.JOINTS, go2.MIRROR_PAIRS, go2.MIRROR_ROLLS)
    feet = joint_mirror(go2.FEET, go2.MIRROR_PAIRS, "")
    steps = torch.randn(5, 3, 12, generator=torch.Generator().manual_seed(5))
    whole = group_mirror((("joint_pos", 36),), joints, feet)(steps.flatten(1))
    assert torch.equal(whole, joints(steps).flatten(1))
