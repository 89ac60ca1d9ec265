"""Every task on every engine under its whole preset: it starts, steps, and all numbers stay numbers."""

import gymnasium
import pytest
import torch

import sim2real_tasks
from engine_env import ENGINES
from sim2real.lab.apply import apply_nothing, apply_spec
from sim2real.lab.launch import make_env
from tasks.robots_table import ROBOTS, ROUGH, SMALL

N = 16
ALL = {robot.task: robot.preset for robot in ROBOTS.values()} | ROUGH
"""Preset by task."""
COSTLY = {task for task in ALL if "Rough" in task or "G1" in task}
"""Tasks that take more than half a minute on a core."""


def small(task):
    """Return the changes that make a task small."""
    return {"scene.num_envs": N, "seed": 0, **(SMALL if task in ROUGH else {})}


@pytest.mark.parametrize(
    "task", [pytest.param(task, marks=[pytest.mark.slow] if task in COSTLY else []) for task in ALL]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_it_runs_under_its_whole_preset(task, engine):
    """Twenty steps: observations and rewards finite, the critic sees the draws and the actor does not."""
    told = []
    with make_env(task, engine, prepare=lambda cfg: told.append(apply_spec(cfg, ALL[task])), **small(task)) as env:
        observation, _ = env.reset()
        generator = torch.Generator().manual_seed(1)
        for _ in range(20):
            action = 0.3 * torch.randn(N, env.action_manager.total_action_dim, generator=generator)
            observation, reward, *_ = env.step(action)
            assert torch.isfinite(reward).all()
            assert all(torch.isfinite(group).all() for group in observation.values())
        terms = env.observation_manager.active_terms
        assert "draws" in terms["critic"] and "draws" not in terms["policy"]
        assert not {"base_lin_vel", "ee_pose", "ee_velocity", "feet_contact", "height_scan"} & set(terms["policy"])
        assert {"joint_pos", "joint_vel", "command"} <= set(told[0].signals)
        assert observation["critic"].std(0).gt(0).any()


def test_every_task_is_registered_with_engines_and_an_agent(monkeypatch):
    """By a name that resolves, 4096 environments, the three engines, an asymmetric PPO; short names are tasks."""
    monkeypatch.setattr("sys.argv", ["train"])
    from isaaclab_tasks.utils.hydra import resolve_task_config

    assert set(sim2real_tasks.TASKS.values()) == {*ALL, "Sim2Real-Avoidance-Rover"}
    names = set()
    for task in ALL:
        assert gymnasium.spec(task).kwargs["default_agent"] == "rsl_rl"
        for engine in ("newton_mjwarp", "ovphysx", "isaacsim_physx"):
            monkeypatch.setattr("sys.argv", ["train", f"physics={engine}"])
            cfg, agent = resolve_task_config(task, "rsl_rl_cfg_entry_point")
            wanted = {"newton_mjwarp": "NewtonCfg", "ovphysx": "OvPhysxCfg", "isaacsim_physx": "PhysxCfg"}[engine]
            assert type(cfg.sim.physics).__name__ == wanted
        assert cfg.scene.num_envs == 4096
        assert agent.obs_groups == {"actor": ["policy"], "critic": ["critic"]}
        assert agent.actor.obs_normalization and agent.critic.obs_normalization
        names.add(agent.experiment_name)
    assert len(names) == len(ALL), "each task's runs lie in a folder of their own"


@pytest.mark.parametrize("task", ALL)
def test_play_mode_is_small_and_undisturbed(task, monkeypatch):
    """Few robots, no noise, nobody pushes; the terrain is small."""
    monkeypatch.setattr("sys.argv", ["play"])
    from isaaclab_tasks.utils.hydra import resolve_task_config

    cfg, _ = resolve_task_config(task, "")
    cfg.play_mode()
    assert cfg.scene.num_envs <= 64 and not cfg.observations.policy.enable_corruption
    assert getattr(cfg.events, "push_robot", None) is None
    if task in ROUGH:
        assert cfg.scene.terrain.terrain_generator.num_rows == 5 and cfg.curriculum is None


@pytest.mark.parametrize("task", ALL)
def test_a_task_can_be_stripped_of_all_randomness(task, monkeypatch):
    """What remains is how an episode starts."""
    monkeypatch.setattr("sys.argv", ["train"])
    from isaaclab_tasks.utils.hydra import resolve_task_config

    cfg, _ = resolve_task_config(task, "")
    apply_nothing(cfg)
    left = {name for name, event in vars(cfg.events).items() if event is not None}
    assert left <= {"reset_base", "reset_robot_joints"}
    terms = [getattr(cfg.observations.policy, name) for name in ("joint_pos", "joint_vel")]
    assert all(term.noise is None for term in terms)
