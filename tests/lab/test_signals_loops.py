"""Other loops, commands and groups: Isaac Lab's loop over Newton's physics steps, speeds, a resumed run, a quiet group.

Each test opens an environment of its own.
"""

import logging

import numpy as np
import pytest
import torch
import warp as wp

import sim2real.lab
from engine_env import ENGINES
from lab.test_signals import HEAD, SCALE, open_task, targets_on_newton, targets_on_physx, true_values
from sim2real.errors import Sim2RealError
from sim2real.lab import restore, signal_paths, state_of
from sim2real.lab.actuators import with_motors
from sim2real.lab.bind import newton_imu
from sim2real.lab.motors import motor_state
from sim2real.spec import parse_spec
from sim2real_tasks.robots.go2 import JOINTS


def missing_of(env, targets, command):
    """By impulse, from what acted in each physics step: when a step in the command came through [s]."""
    reached = torch.stack(targets).double() / command
    return ((1.0 - reached).sum(0) * env.physics_dt).numpy()


def test_newton_without_its_own_actuators():
    """The loop is Isaac Lab's: commands and observations have the declared age, by its torch actuators."""
    with open_task("Explicit", "newton_mjwarp", **{"sim.use_newton_actuators": False}) as env:
        assert not env.sim.physics_manager.handles_decimation()
        robot, step, acted, truth = env.scene["robot"], env.sim.step, [], []

        def look(*args, **kwargs):
            acted.append((robot.data.joint_pos_target.torch - robot.data.default_joint_pos.torch).clone())
            truth.append({name: value.clone() for name, value in true_values(env).items()})
            return step(*args, **kwargs)

        env.sim.step = look
        action = torch.zeros(env.num_envs, 12)
        for _ in range(2):
            env.step(action)
        acted.clear(), truth.clear()
        for _ in range(6):
            observed = env.step(action + 0.4)[0]["policy"]["joint_pos"]
        assert len(acted) == 6 * env.cfg.decimation
        latency = signal_paths(env)["actions.joint_pos"].values("latency").numpy()
        missing = missing_of(env, acted, 0.4 * SCALE)
        np.testing.assert_allclose(missing, np.repeat(latency, 12, 1), atol=1e-2 * env.physics_dt)
        path = signal_paths(env)["observations.policy.joint_pos"]
        assert path.substeps == env.cfg.decimation
        at = 6 * env.cfg.decimation - path.values("latency").numpy()[:, 0].astype(float) / env.physics_dt
        line = np.array([values["joint_pos"].numpy() for values in [*truth, true_values(env)]])
        older, worlds = np.minimum(np.floor(at).astype(int), len(line) - 2), np.arange(env.num_envs)
        part = (at - older)[:, None]
        wanted = (1 - part) * line[older, worlds] + part * line[older + 1, worlds]
        np.testing.assert_allclose(observed.numpy(), wanted + path.values("bias").numpy(), atol=3e-6)


def test_a_velocity_is_late_inside_newtons_step():
    """What acts of a commanded speed in each physics step, on the solver's own drives."""
    with open_task("Speeds", "newton_mjwarp") as env:
        manager, acted, calls = env.sim.physics_manager, [], [0]
        target = env.scene["robot"].root_view.get_attribute("joint_target_qd", manager.get_control())

        def look(state):
            calls[0] += 1
            if calls[0] % 2:  # the first of two substeps
                acted.append(wp.to_torch(target)[:, 0, -12:].clone())

        manager.register_state_force_callback(look)
        action = torch.zeros(env.num_envs, 12)
        for _ in range(2):
            env.step(action)
        acted.clear()
        for _ in range(6):
            env.step(action + 0.5)
        latency = signal_paths(env)["actions.joint_pos"].values("latency").numpy()
        missing = missing_of(env, acted, 0.5)
        np.testing.assert_allclose(missing, np.repeat(latency, 12, 1), atol=1e-2 * env.physics_dt)


def test_joints_in_an_order_of_their_own():
    """On Newton, where Isaac Lab sorts them once for each `sim.step`: samples and targets are those of the joints."""
    with open_task("Told", "newton_mjwarp", **{"scene.robot.joint_ordering": "physx"}) as env:
        robot = env.scene["robot"]
        order = list(robot.map_joint_ids_to_backend(list(range(12))))
        assert robot.data.has_joint_ordering and order != sorted(order)
        acted, _ = targets_on_newton(env, True)
        view, state, steps = robot.root_view, env.sim.physics_manager.get_state_0(), env.cfg.decimation
        default, action, found = robot.data.default_joint_pos.torch, torch.zeros(env.num_envs, 12), []
        for _ in range(2):
            env.step(action)
        acted.clear()
        env.sim.physics_manager.register_post_actuator_callback(
            lambda: found.append(wp.to_torch(view.get_dof_positions(state))[:, 0].clone())
        )
        turned = torch.linspace(0.1, 0.4, 12).expand(env.num_envs, 12)  # another target for every joint
        for _ in range(3):
            env.step(turned)
        for name in ("joint_pos", "joint_vel"):
            assert signal_paths(env)[f"observations.policy.{name}"].substeps == steps
        samples = signal_paths(env)["observations.policy.joint_pos"].newest()
        told, _ = robot.find_joints(list(JOINTS), preserve_order=True)  # as the task names them
        wanted = torch.stack(found[1 - steps :])[:, :, order] - default
        assert torch.equal(samples[-1], (robot.data.joint_pos.torch - default)[:, told])
        np.testing.assert_allclose(samples[:-1].numpy(), wanted[:, :, told].numpy(), atol=1e-6)
        term = env.cfg.actions.joint_pos.term
        moved, _ = robot.find_joints(term.joint_names, preserve_order=term.preserve_order)
        reached = (acted[-1][:, order] - default)[:, moved] / (turned * SCALE)
        latency = signal_paths(env)["actions.joint_pos"].values("latency").numpy()[:, 0]
        early = latency < 2 * env.step_dt
        assert early.any()
        np.testing.assert_allclose(reached[early].numpy(), 1.0, atol=1e-3)


@pytest.mark.parametrize("physics", ENGINES)
def test_an_inertial_sensor_is_sampled_after_every_physics_step(physics):
    """Its rates are the trunk's; its accelerations are those of each moment, the last is what the term says."""
    from isaaclab.envs import mdp

    with open_task("Imu", physics) as env:
        look = targets_on_newton if physics == "newton_mjwarp" else targets_on_physx
        _, truth = look(env, False)
        for _ in range(3):
            truth.clear()
            env.step(torch.full((env.num_envs, 12), 0.3))
        paths = signal_paths(env)
        rates = paths["observations.policy.gyro"].newest()
        wanted = torch.stack([values["base_ang_vel"] for values in [*truth[1:], true_values(env)]])
        np.testing.assert_allclose(rates.numpy(), wanted.numpy(), atol=1e-4)
        accelerations = paths["observations.policy.accelerometer"].newest()
        assert torch.equal(accelerations[-1], mdp.imu_lin_acc(env))
        assert all(not torch.equal(accelerations[i], accelerations[i + 1]) for i in range(3))
        if physics == "newton_mjwarp":  # when this fails, Isaac Lab hands Newton's sensor out: use that
            sensor = env.scene["imu"]
            public = [name for name in dir(type(sensor)) if not name.startswith("_")]
            assert newton_imu(sensor).gyroscope.shape == (env.num_envs,) and "newton_sensor" not in public
            with pytest.raises(RuntimeError, match="object holds no IMU of Newton's"):
                newton_imu(object())


@pytest.mark.parametrize("physics", ENGINES)
def test_a_resumed_environment_draws_and_is_warm_as_the_stored_one_was(physics, tmp_path):
    """By what a checkpoint holds, in an environment of its own: the next episodes' draws, and the motors' heat."""
    from sim2real_tasks.robots.go2 import go2_cfg

    def draws(env):
        found = []
        for _ in range(2):
            env.reset()
            found.append({place: path.values("latency").numpy().copy() for place, path in late(env).items()})
        return found

    def late(env):
        return {place: path for place, path in signal_paths(env).items() if path.signal.latency is not None}

    changes = {"scene.robot": with_motors(go2_cfg(), "go2")}
    with open_task("Explicit", physics, 4, **changes) as env:
        for _ in range(3):
            env.step(torch.full((4, 12), 2.0))
        torch.save(state_of(env), tmp_path / "state.pt")
        warm, wanted = motor_state(env), draws(env)
    assert (warm["0/rise"] > 0.0).any()
    with open_task("Explicit", physics, 4, **changes) as env:
        restore(env, torch.load(tmp_path / "state.pt", weights_only=False))
        now = motor_state(env)
        assert all(torch.equal(now[name], warm[name]) for name in warm)
        found = draws(env)
    for one, other in zip(found, wanted, strict=True):
        assert len(one) == 5 and all(np.array_equal(one[place], other[place]) for place in one)


def test_enable_corruption_switches_a_groups_signals(caplog):
    """As it does Isaac Lab's noise; commands stay late; who puts signals into a quiet group is told."""
    off = {"observations.policy.enable_corruption": False}
    with open_task("Explicit", "newton_mjwarp", **off) as env:
        assert list(signal_paths(env)) == ["actions.joint_pos"]
        for _ in range(3):
            observed = env.step(torch.full((env.num_envs, 12), 0.3))[0]["policy"]
        for name, value in true_values(env).items():
            np.testing.assert_allclose(observed[name].numpy(), value.numpy(), atol=2e-6)
    from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

    cfg = Go2FlatEnvCfg()
    cfg.observations.policy.enable_corruption = False
    with caplog.at_level(logging.WARNING):
        sim2real.lab.apply_signals(cfg, parse_spec(f"{HEAD}  joint_pos: {{latency: 0.01}}\n"))
    assert "observations.policy.enable_corruption is False" in caplog.text
    with pytest.raises(Sim2RealError, match="observations.policy.joint_pos is behind a signal already"):
        sim2real.lab.apply_signals(cfg, parse_spec(f"{HEAD}  joint_pos: {{latency: 0.01}}\n"))


@pytest.mark.slow
@pytest.mark.parametrize("physics_dt", [0.001, 0.0025, 0.005])
@pytest.mark.parametrize("kind", ["Explicit", "Implicit"])
@pytest.mark.parametrize("physics", ENGINES)
def test_a_thousand_delays_to_a_tenth_of_a_physics_step(physics, kind, physics_dt):
    """A command by impulse, an observation by what lies where; 0 to 60 ms, over eight episodes of 128 worlds."""
    decimation = round(0.02 / physics_dt)
    with open_task(kind, physics, 128, **{"sim.dt": physics_dt, "decimation": decimation}) as env:
        look = targets_on_newton if physics == "newton_mjwarp" else targets_on_physx
        acted, truth = look(env, kind == "Explicit")
        paths, worlds = signal_paths(env), np.arange(env.num_envs)
        default, action = env.scene["robot"].data.default_joint_pos.torch, torch.zeros(env.num_envs, 12)
        command_errors, observed_errors, told = [], [], 0
        for _ in range(8):
            env.reset()
            for _ in range(2):
                env.step(action)
            acted.clear(), truth.clear()
            for _ in range(4):
                observed = env.step(action + 0.4)[0]["policy"]["joint_pos"].numpy()
            assert len(acted) == 4 * decimation
            reached = [(target - default) / (0.4 * SCALE) for target in acted]
            missing = missing_of(env, reached, 1.0)
            command_errors.append(np.abs(missing - paths["actions.joint_pos"].values("latency").numpy()).max())
            path = paths["observations.policy.joint_pos"]
            at = 4 * decimation - path.values("latency").numpy()[:, 0].astype(float) / physics_dt
            line = np.array([values["joint_pos"].numpy() for values in [*truth, true_values(env)]], dtype=float)
            older = np.minimum(np.floor(at).astype(int), 4 * decimation - 1)
            rise = line[older + 1, worlds] - line[older, worlds]
            wanted = line[older, worlds] + (at - older)[:, None] * rise
            fast = np.abs(rise) > 1e-3
            told += fast.any(1).sum()
            off = np.abs(observed - path.values("bias").numpy() - wanted)[fast] / np.abs(rise[fast])
            observed_errors.append(off.max())
        worst = max(command_errors) / physics_dt, max(observed_errors)
        print(f"{physics} {kind} {physics_dt * 1e3:g} ms: command {worst[0]:.2g}, observation {worst[1]:.2g} of a step")
        assert max(worst) < 0.1 and told > 500
