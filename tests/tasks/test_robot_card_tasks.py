"""The task of a card on both engines: it stands or holds still in its default pose, and all numbers stay numbers."""

import gymnasium
import pytest
import torch

from engine_env import ENGINES
from sim2real.lab.apply import apply_spec
from sim2real.lab.launch import make_env
from sim2real_tasks import own
from sim2real_tasks.robots.card_text import write_card
from sim2real_tasks.robots.guess import guess_card
from sim2real_tasks.robots.kinematics import link_frames
from sim2real_tasks.robots.urdf import read_urdf
from sim2real_tasks.robots.vendor import vendor_urdf
from tasks.own_urdfs import arm, quadruped

N = 4
OURS = {"dog": quadruped, "arm": arm}
"""Written by tests."""
VENDORS = {
    "a1": "a1_description/urdf/a1.urdf",
    "anymal_b": "anymal_b_simple_description/robots/anymal.urdf",
    "solo": "solo_description/robots/solo12.urdf",
    "z1": "z1_description/urdf/z1.urdf",
    "kinova": "kinova_description/robots/kinova.urdf",
    "xarm": "xarm_description/urdf/xarm7.urdf",
}
"""Descriptions that no shipped task uses."""
ALL = [*OURS, *(pytest.param(name, marks=pytest.mark.slow) for name in VENDORS)]


@pytest.fixture
def card_of(tmp_path, monkeypatch):
    """Write a robot's card where tasks are looked for, and register it."""
    monkeypatch.setenv("SIM2REAL_ROBOTS", str(tmp_path))
    monkeypatch.setattr(own, "presets_dir", lambda: tmp_path / "presets")
    before = dict(gymnasium.registry)

    def make(name):
        urdf = tmp_path / f"{name}.urdf"
        if name in OURS:
            urdf.write_text(OURS[name]())
        robot = read_urdf(urdf if name in OURS else vendor_urdf(VENDORS[name]))
        card = guess_card(robot, tmp_path / f"{name}.yaml", None, ()).card
        write_card(card, "robot add")
        return robot, card, own.register()[name]

    yield make
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def still(cfg):
    """Start in the default pose, unpushed."""
    start = cfg.events.reset_robot_joints.params
    start["position_range"] = (1.0, 1.0) if hasattr(cfg.events, "reset_base") else (0.0, 0.0)
    if hasattr(cfg.events, "reset_base"):
        cfg.events.push_robot = None
        cfg.events.reset_base.params.update(pose_range={}, velocity_range={})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("engine", ENGINES)
def test_it_stands_in_its_default_pose(name, engine, card_of):
    """A second without action; joints in the card's order, weight on the feet, a tip where the card has it; then 20
    steps at random.
    """
    description, card, task = card_of(name)
    names = [joint.name for joint in card.joints]
    with make_env(task, engine, prepare=still, **{"scene.num_envs": N, "seed": 0}) as env:
        env.reset()
        robot = env.scene["robot"]
        assert env.action_manager.get_term("joint_pos")._joint_names == names
        order = [robot.joint_names.index(joint) for joint in names]
        pose = torch.tensor([joint.pose for joint in card.joints])
        torch.testing.assert_close(robot.data.joint_pos.torch[:, order], pose.expand(N, -1), atol=1e-4, rtol=0)
        for _ in range(50 if card.kind == "velocity" else 30):
            observation, _, ended, *_ = env.step(torch.zeros(N, len(names)))
            assert not ended.any()
        off = (robot.data.joint_pos.torch[:, order] - pose).abs().max()
        if card.kind == "velocity":
            height = robot.data.root_pos_w.torch[:, 2] - env.scene.env_origins[:, 2]
            assert (height > 0.85 * card.height).all() and (height < card.height).all() and off < 0.35
            assert (robot.data.projected_gravity_b.torch[:, 2] < -0.97).all()
            sensor = env.scene.sensors["contact_forces"]
            feet = [sensor.body_names.index(foot) for foot in card.feet]
            force = sensor.data.net_forces_w.torch[:, feet, 2].sum(1)
            weight = 9.81 * sum(link.mass for link in description.links.values())
            torch.testing.assert_close(force, torch.full((N,), weight), rtol=0.15, atol=0)
        else:
            assert off < 1e-3
            tip = robot.data.body_pos_w.torch[:, robot.body_names.index(card.end_effector)]
            wanted = link_frames(description, dict(zip(names, pose.tolist(), strict=True)))[card.end_effector][:3, 3]
            found = tip - robot.data.root_pos_w.torch
            torch.testing.assert_close(found, torch.tensor(wanted).float().expand(N, -1), atol=2e-3, rtol=0)
        assert observation["policy"].shape == (N, 9 + 3 * len(names) if card.kind == "velocity" else 7 + 3 * len(names))
        generator = torch.Generator().manual_seed(1)
        for _ in range(20):
            observation, reward, *_ = env.step(0.5 * torch.randn(N, len(names), generator=generator))
            assert torch.isfinite(reward).all()
            assert all(torch.isfinite(group).all() for group in observation.values())


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_preset_whose_names_match_acts(engine, card_of):
    """The quadruped preset speaks of `base`, hips, thighs, calves and feet, as an A1 has them."""
    _, _, task = card_of("a1")
    with make_env(
        task, engine, prepare=lambda cfg: apply_spec(cfg, "quadruped"), **{"scene.num_envs": N, "seed": 0}
    ) as env:
        env.reset()
        for _ in range(20):
            observation, reward, *_ = env.step(torch.zeros(N, 12))
            assert torch.isfinite(reward).all()
        assert "draws" in env.observation_manager.active_terms["critic"]
        assert observation["critic"].std(0).gt(0).any()


@pytest.mark.slow
def test_limits_of_the_card_hold(card_of):
    """A range and an effort that a person narrows in the card are those of the simulated joint."""
    _, card, task = card_of("arm")
    text = card.path.read_text()
    line = next(line for line in text.splitlines() if line.startswith("  joint3:"))
    assert "effort: 60," in line
    card.path.write_text(text.replace(line, line.replace("2.5]", "2.25]").replace("effort: 60,", "effort: 40,")))
    with make_env(task, "newton_mjwarp", prepare=still, **{"scene.num_envs": 2, "seed": 0}) as env:
        robot = env.scene["robot"]
        index = robot.joint_names.index("joint3")
        assert robot.data.joint_pos_limits.torch[0, index].tolist() == pytest.approx([-2.5, 2.25])
        assert float(robot.data.joint_effort_limits.torch[0, index]) == pytest.approx(40.0)
