"""Which world gets which robot, one env after another; a direct environment; what is refused."""

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES, HAS_PHYSX, empty, open_env
from lab.build_env import LEGS, drawn, lengths, robots
from sim2real.errors import Sim2RealError
from sim2real.lab.build_scene import built_of
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.robots.rover import WHEEL_RADIUS
from sim2real_tasks.velocity import TASK
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

WHEELS = parse_spec("""
schema: 1
seed: 6
terms:
  wheels: {target: geometry.scale, select: ".*_wheel", op: scale, dist: {uniform: [1.0, 1.3]}}
""")
"""Wheels that differ."""


@pytest.mark.parametrize("physics", ENGINES)
def test_fewer_robots_than_worlds_are_shared_and_said(physics):
    """World w has robot w mod 3, each as with more worlds, and starts where it does with more."""
    with robots(physics, 7, variants=3) as env:
        env.reset()
        np.testing.assert_allclose(lengths(env), drawn("legs", 8)[np.arange(7) % 3], rtol=2e-5)
        found = sim2real.lab.randomization_of(env)
        assert "legs" not in found.randomizer.terms
        assert "3 robots, world w has number w mod 3" in found.randomizer.plan.to_text()
        origins = env.scene.env_origins.numpy()
        np.testing.assert_allclose(origins[:5, :2] / 2.5, [[0, 0], [1, 0], [1, 1], [0, 1], [2, 0]])


@pytest.mark.parametrize("physics", ENGINES)
def test_a_world_alone_is_as_among_others(physics):
    """World 3 by itself: its robot, its start and its draws."""
    with robots(physics, 1, first_world=3) as env:
        env.reset()
        np.testing.assert_allclose(lengths(env), drawn("legs", 8)[3:4], rtol=2e-5)
        np.testing.assert_allclose(env.scene.env_origins.numpy(), [[0.0, 2.5, 0.0]])
        np.testing.assert_array_equal(
            sim2real.lab.randomization_of(env).values("legs")[..., 0].numpy(), drawn("legs", 8)[3:4]
        )


@pytest.mark.parametrize("physics", ENGINES)
def test_a_rover_stands_on_its_wheels(physics):
    """In a direct environment, at the height of its wheels; on ovphysx its camera allows one robot for all worlds."""
    variants = 64 if physics == "newton_mjwarp" else 1
    changes = {
        "events": sim2real.lab.events(WHEELS),
        "prepare": lambda cfg: sim2real.lab.build(cfg, WHEELS, variants=variants),
    }
    with open_env(physics, 4, **changes) as env:
        env.reset()
        pose = np.tile(np.array([0.5, 0.0, 0.0], np.float32), (4, 1))
        env.place(np.arange(4), empty(4), pose, env._cameras)
        for _ in range(5):
            env.step(torch.zeros(4, 2))
        height = env.robot.data.root_link_pose_w.torch[:, 2].numpy()
        size = drawn("wheels", 1, 4, WHEELS)[np.arange(4) % variants, 0]
        np.testing.assert_allclose(height, WHEEL_RADIUS * size, atol=1.5e-3)
        entry = sim2real.lab.randomization_of(env).randomizer.plan.entries[0]
        assert ("once per run" in entry.note) == (variants == 1)


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_ovphysx_refuses_different_robots_with_cameras():
    """With the two ways out."""
    with pytest.raises(Sim2RealError, match="camera hangs on 'robot'.*variants=1.*newton_mjwarp"):
        with open_env("ovphysx", 4, prepare=lambda cfg: sim2real.lab.build(cfg, WHEELS)):
            raise AssertionError("it was made")


def test_events_refuse_what_was_not_built():
    """With the remedy; and a scene that was built with another spec."""
    changes = {"scene.num_envs": 2, "events": sim2real.lab.events(LEGS)}
    with pytest.raises(Sim2RealError, match=r"(?s)terms.legs.*sim2real.lab.build\(cfg, spec\) before.*terms.ground"):
        with make_env(TASK, "newton_mjwarp", **changes) as env:
            env.reset()
    other = LEGS.with_seed(5)
    with pytest.raises(Sim2RealError, match="built with another spec than its events have: terms.feet"):
        with make_env(TASK, "newton_mjwarp", prepare=lambda cfg: sim2real.lab.build(cfg, other), **changes) as env:
            env.reset()


def refused(text, cfg=None, **settings):
    """What is said about a spec of one term."""
    spec = parse_spec(f"schema: 1\nseed: 1\nterms:\n  t: {{{text}}}\n")
    with pytest.raises(Sim2RealError) as error:
        sim2real.lab.build(cfg or Go2FlatEnvCfg(), spec, **settings)
    return str(error.value)


def test_what_cannot_be_built_is_said():
    """Before anything runs."""
    length = "target: link.length, op: scale, dist: {uniform: [0.9, 1.1]}"
    assert "nothing hangs on FL_foot" in refused(f"{length}, select: FL_foot")
    assert "select 'leg' matches no body; there are FL_calf" in refused(f"{length}, select: leg")
    assert "asset 'arm' matches nothing that is spawned" in refused(f"{length}, asset: arm")
    assert "give 1 or more" in refused(length, variants=0)
    assert "spawned by CuboidCfg" in refused(f"{length}, asset: ground")
    cfg = Go2FlatEnvCfg()
    height = "target: terrain.height, op: add, unit: m, dist: {uniform: [0, 0.1]}"
    assert "give lengths above 0 m" in refused(height, pitch=0.0)
    sim2real.lab.build(cfg, parse_spec(f"schema: 1\nseed: 1\nterms:\n  t: {{{height}}}\n"))
    assert cfg.scene.ground is None and cfg.scene.terrain.physics_material.static_friction == 0.05
    assert "was built before" in refused(height, cfg)
    cfg.sim2real_built = None
    assert "is a generator already" in refused(height, cfg)


def test_a_spec_without_such_terms_leaves_the_task_alone():
    """Nothing is built, nothing is written down."""
    cfg = Go2FlatEnvCfg()
    built = sim2real.lab.build(cfg, parse_spec("schema: 1\nseed: 1\n"))
    assert not built.terms and built_of(cfg) is None
    assert isinstance(cfg.scene.robot.spawn.usd_path, str) and cfg.scene.terrain is None
