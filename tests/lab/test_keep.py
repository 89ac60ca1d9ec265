"""A task's own events beside a spec's: kept when they do not meet, refused by name when they do."""

import numpy as np
import pytest

import sim2real.lab
from engine_env import ENGINES
from lab.lab_env import act, open_task
from sim2real.errors import Sim2RealError
from sim2real.spec import parse_spec


@pytest.mark.parametrize("physics", ENGINES)
def test_kept_resets_place_the_robot_and_the_spec_draws_its_properties(physics):
    """Isaac Lab's reset terms scatter the robots as ever; mass and friction follow the spec."""
    with open_task("Kept", physics, num_envs=4) as (env, found):
        terms = env.event_manager.active_terms
        assert terms["reset"] == ["sim2real_reset", "reset_base", "reset_robot_joints"]
        pose = env.scene["robot"].data.root_link_pose_w.torch[:, :2] - env.scene.env_origins[:, :2]
        assert (pose.abs() <= 0.5).all() and len(np.unique(pose.numpy())) == 8
        base = [element.name for element in found.engine.elements.body].index("base")
        factor = found.engine.read("body_mass")[:, base, 0] / found.engine.nominal("body_mass")[:, base, 0]
        np.testing.assert_allclose(factor, found.values("base_mass").numpy()[:, 0, 0], rtol=1e-6)
        act(env, 2)


def test_what_both_write_is_refused_with_the_line_that_helps():
    """Every pair is named, and what to set to None."""
    from lab import lab_tasks
    from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

    kept = Go2FlatEnvCfg().events
    with pytest.raises(Sim2RealError) as caught:
        sim2real.lab.events(parse_spec(lab_tasks.ROBOT), keep=kept)
    said = str(caught.value)
    assert "events.add_base_mass and terms.base_mass both write body.mass" in said
    assert "events.reset_base and terms.heading both write root.yaw" in said
    assert "events.reset_robot_joints and terms.pose both write joint.position" in said
    assert "cfg.events.reset_base = None" in said and "base_external_force_torque" not in said


def test_an_event_on_another_asset_is_no_conflict():
    """The ball's mass is not the robot's."""
    from isaaclab.envs import mdp
    from isaaclab.managers import EventTermCfg, SceneEntityCfg

    from lab import lab_tasks

    ball = EventTermCfg(
        func=mdp.randomize_rigid_body_mass,
        mode="startup",
        params={
            "asset_cfg": SceneEntityCfg("ball"),
            "mass_distribution_params": (0.5, 2.0),
            "operation": "scale",
        },
    )
    kept = sim2real.lab.events(parse_spec(lab_tasks.ROBOT), keep={"ball": ball})
    assert list(kept) == ["sim2real_startup", "sim2real_reset", "sim2real_interval", "ball"]


def test_joint_damping_is_what_a_joint_event_writes_as_viscous_friction():
    """Both engines have one number for the two."""
    from isaaclab.envs import mdp
    from isaaclab.managers import EventTermCfg, SceneEntityCfg

    from lab import lab_tasks

    params = {"asset_cfg": SceneEntityCfg("robot"), "friction_distribution_params": (0.5, 2.0), "operation": "scale"}
    own = EventTermCfg(func=mdp.randomize_joint_parameters, mode="reset", params=params)
    with pytest.raises(Sim2RealError, match="events.joints and terms.bearing both write joint.damping"):
        sim2real.lab.events(parse_spec(lab_tasks.ROVER), keep={"joints": own})


def test_the_task_s_own_configuration_stays_as_it_was():
    """`keep` is copied, not changed."""
    from lab import lab_tasks
    from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

    own = Go2FlatEnvCfg().events
    names = list(vars(own))
    own.add_base_mass = own.base_com = own.base_external_force_torque = None
    sim2real.lab.events(parse_spec(lab_tasks.ADR.replace(lab_tasks.PLACE, "")), keep=own)
    assert list(vars(own)) == names


@pytest.mark.parametrize(
    "settings, said",
    [({"on_divergence": "ignore"}, "got 'ignore'; give one of error, count, off"), ({"check_every": 0}, "got 0; give")],
)
def test_settings_that_mean_nothing_are_refused(settings, said):
    """The error says what is allowed."""
    from lab import lab_tasks

    with pytest.raises(Sim2RealError, match=said):
        sim2real.lab.events(parse_spec(lab_tasks.ROBOT), **settings)


@pytest.mark.parametrize("physics", ENGINES)
def test_what_events_leave_undone_is_said(physics, caplog):
    """The preset runs as it is on both engines; its signals are another part's matter, and a warning names them."""
    import logging

    from sim2real.lab.launch import make_env
    from sim2real.spec import load_spec
    from sim2real_tasks.velocity import TASK

    with make_env(TASK, physics, **{"scene.num_envs": 2, "events": sim2real.lab.events("quadruped")}) as env:
        with caplog.at_level(logging.WARNING, logger="sim2real"):
            env.reset()
            act(env, 3)
        said = caplog.text
        assert all(name in said for name in load_spec("quadruped").signals)
        assert said.count("does not apply the spec's signals") == 1
