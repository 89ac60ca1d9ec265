"""Signals in Isaac Lab: on both engines and both kinds of actuators, a command acts after the declared seconds."""

import contextlib

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from sim2real.errors import Sim2RealError
from sim2real.lab import randomization_of, signal_paths
from sim2real.spec import parse_spec

STIFFNESS, DAMPING, SCALE = 25.0, 0.5, 0.25
"""Of the robot's actuators, and of its action term."""
SIGNALS = "schema: 1\nseed: 21\nsignals:\n  action: {latency: {uniform: [0, 0.03]}}\n"
HEAD = "schema: 1\nseed: 1\nsignals:\n"


@contextlib.contextmanager
def open_task(name, physics, num_envs=8, **changes):
    """One of the signals' tasks, reset once."""
    from lab import signal_tasks
    from sim2real.lab.launch import make_env

    signal_tasks.register()
    with make_env(f"Test-Signals-{name}", physics, **{"scene.num_envs": num_envs, **changes}) as env:
        env.reset()
        yield env


def targets_on_newton(env, explicit):
    """Lists that fill with what acts in each physics step, (num_envs, 12), and with what is true before it."""
    import warp as wp

    manager, seen, truth, calls = env.sim.physics_manager, [], [], [0]
    view = env.scene["robot"].root_view
    target = view.get_attribute("joint_target_q", manager.get_control())
    force = view.get_attribute("joint_f", manager.get_control())

    def look(state):
        calls[0] += 1
        if calls[0] % 2:  # the first of two substeps
            found = wp.to_torch(target)[:, 0].clone()
            if explicit:  # what the actuator must have had as its target, from its torque
                q, qd = (wp.to_torch(view.get_attribute(name, state))[:, 0] for name in ("joint_q", "joint_qd"))
                found = (wp.to_torch(force)[:, 0, -12:] + DAMPING * qd[:, -12:]) / STIFFNESS + q[:, -12:]
            seen.append(found)
            truth.append({name: value.clone() for name, value in true_values(env).items()})

    manager.register_state_force_callback(look)
    return seen, truth


def targets_on_physx(env, explicit):
    """The same, from what PhysX is handed before it takes a physics step."""
    import warp as wp
    from isaaclab_ov import tensor_types

    robot, seen, truth, step = env.scene["robot"], [], [], env.sim.step

    def look(*args, **kwargs):
        data = robot.data
        if explicit:
            found = (data.applied_torque.torch + DAMPING * data.joint_vel.torch) / STIFFNESS + data.joint_pos.torch
        else:
            backend = robot.root_view.get_attribute(tensor_types.DOF_POSITION_TARGET)
            order = robot.map_joint_ids_to_backend(list(range(12)))
            found = wp.to_torch(backend).reshape(env.num_envs, -1)[:, order]
        seen.append(found.clone())
        truth.append({name: value.clone() for name, value in true_values(env).items()})
        return step(*args, **kwargs)

    env.sim.step = look
    return seen, truth


@pytest.fixture(scope="module", params=["Explicit", "Implicit"])
def kind(request):
    """How the joints are driven."""
    return request.param


@pytest.fixture(scope="module", params=ENGINES)
def late(request, kind):
    """An environment whose commands and observations come late, the targets that act in it, and what is true."""
    with open_task(kind, request.param) as env:
        look = targets_on_newton if request.param == "newton_mjwarp" else targets_on_physx
        yield env, look(env, kind == "Explicit")


def test_a_command_acts_after_the_drawn_seconds(late):
    """By impulse, to a thousandth of a physics step: what is missing of a step in the target, added up."""
    env, (seen, _) = late
    env.reset()
    action = torch.zeros(env.num_envs, 12)
    for _ in range(2):
        env.step(action)
    seen.clear()
    for _ in range(6):
        env.step(action + 0.4)
    default = env.scene["robot"].data.default_joint_pos.torch
    reached = (torch.stack(seen).double() - default) / (0.4 * SCALE)
    assert len(seen) == 6 * env.cfg.decimation
    missing = ((1.0 - reached).sum(0) * env.physics_dt).numpy()
    latency = signal_paths(env)["actions.joint_pos"].values("latency").numpy()
    assert latency.max() > 0.03
    np.testing.assert_allclose(missing, np.repeat(latency, 12, 1), atol=1e-2 * env.physics_dt)


def test_what_is_applied_is_not_called_left_out(late, caplog):
    """The spec's events name only the signals that nothing takes."""
    env, _ = late
    found = randomization_of(env)
    for spec, said in ((found.spec, False), (parse_spec(f"{HEAD}  imu: {{latency: 0.1}}\n"), True)):
        found.spec, own = spec, found.spec
        found._say_what_is_left()
        found.spec = own
        assert ("does not apply the spec's signals: imu" in caplog.text) == said
        assert "action" not in caplog.text


def true_values(env):
    """What the observed terms say of the arrays as they are now, (num_envs, ...) each, by term; copies."""
    from isaaclab.utils.math import quat_apply_inverse

    data = env.scene["robot"].data
    turn, velocity = data.root_link_pose_w.torch[:, 3:], data.root_com_vel_w.torch
    down = torch.tensor([0.0, 0.0, -1.0]).expand(env.num_envs, 3)
    return {
        "joint_pos": data.joint_pos.torch - data.default_joint_pos.torch,
        "joint_vel": data.joint_vel.torch - data.default_joint_vel.torch,
        "base_lin_vel": quat_apply_inverse(turn, velocity[:, :3]),
        "base_ang_vel": quat_apply_inverse(turn, velocity[:, 3:]),
        "projected_gravity": quat_apply_inverse(turn, down),
    }


def test_an_observation_is_as_old_as_was_drawn(late):
    """To a hundredth of a physics step, between the true values after all physics steps; with the episode's bias."""
    env, (_, truth) = late
    first = env.reset()[0]["policy"]
    path = signal_paths(env)["observations.policy.joint_pos"]
    bias, latency = path.values("bias").numpy(), path.values("latency").numpy()[:, 0].astype(float)
    start = true_values(env)
    np.testing.assert_allclose(first["joint_pos"].numpy(), start["joint_pos"].numpy() + bias, atol=1e-6)
    truth.clear()
    worlds, steps, seen = np.arange(env.num_envs), env.cfg.decimation, 0
    for step in range(1, 7):
        observed = env.step(torch.full((env.num_envs, 12), 0.3 * (-1) ** step))[0]["policy"]["joint_pos"]
        line = np.array([*(values["joint_pos"].numpy() for values in truth), true_values(env)["joint_pos"].numpy()])
        assert len(line) == step * steps + 1
        at = np.maximum(step * steps - latency / env.physics_dt, 0.0)
        older = np.minimum(np.floor(at).astype(int), step * steps - 1)
        part, rise = (at - older)[:, None], line[older + 1, worlds] - line[older, worlds]
        missing = np.abs(observed.numpy() - bias - line[older, worlds] - part * rise)
        assert missing.max() < 3e-6
        fast = np.abs(rise) > 1e-3  # where a difference can be told from rounding, it is one in time
        seen += fast.sum()
        assert (missing[fast] / np.abs(rise[fast])).max(initial=0.0) < 1e-2
    assert seen > 50


def test_every_known_term_is_sampled_after_every_physics_step(late):
    """As the term itself would say, and the last is what it says."""
    from isaaclab.envs import mdp

    from lab.signal_tasks import OBSERVED

    env, (_, truth) = late
    truth.clear()
    env.step(torch.full((env.num_envs, 12), -0.3))
    functions = {"joint_pos": mdp.joint_pos_rel, "joint_vel": mdp.joint_vel_rel}
    for name in OBSERVED:
        path = signal_paths(env)[f"observations.policy.{name}"]
        samples = path.newest()
        assert path.substeps == len(samples) == env.cfg.decimation > 1
        wanted = torch.stack([values[name] for values in truth[1:]])
        np.testing.assert_allclose(samples[:-1].numpy(), wanted.numpy(), atol=2e-6)
        assert torch.equal(samples[-1], functions.get(name, getattr(mdp, name))(env))
        assert not torch.equal(samples[0], samples[-1])


def test_hold_and_a_clock_quantise(late):
    """Speeds are those of a physics step, as old as the delay or up to one more; gravity is the older of two ticks."""
    env, (_, truth) = late
    env.reset()
    truth.clear()
    for step in range(1, 6):
        observed = env.step(torch.full((env.num_envs, 12), 0.3 * (-1) ** step))[0]["policy"]
    paths, now = signal_paths(env), 5 * env.cfg.decimation
    worlds, line = np.arange(env.num_envs), [*truth, true_values(env)]
    lag = paths["observations.policy.joint_vel"].values("latency").numpy()[:, 0] / env.physics_dt
    speeds = np.array([values["joint_vel"].numpy() for values in line])
    wanted = speeds[np.maximum(now - np.ceil(lag - 1e-4).astype(int), 0), worlds]
    np.testing.assert_allclose(observed["joint_vel"].numpy(), wanted, atol=1e-5)
    phase = paths["observations.policy.projected_gravity"].values("phase").numpy()[:, 0].astype(float)
    tick = phase + np.floor((5 * env.step_dt - phase) / 0.0125 + 1e-4) * 0.0125
    older = np.minimum(np.floor(tick / env.physics_dt + 1e-6).astype(int), now - 1)
    part = (tick / env.physics_dt - older)[:, None]
    down = np.array([values["projected_gravity"].numpy() for values in line])
    wanted = (1 - part) * down[older, worlds] + part * down[older + 1, worlds]
    np.testing.assert_allclose(observed["projected_gravity"].numpy(), wanted, atol=2e-5)
    latencies = [
        paths[f"observations.policy.{name}"].values("latency").numpy() for name in ("base_lin_vel", "base_ang_vel")
    ]
    assert np.array_equal(*latencies)


def test_one_launch_takes_a_group_through_its_signals(late, monkeypatch):
    """Beside what puts samples in."""
    import warp as wp

    env, _ = late
    launched, launch = [], wp.launch

    def count(kernel, *args, **kwargs):
        launched.append(kernel.key)
        return launch(kernel, *args, **kwargs)

    monkeypatch.setattr(wp, "launch", count)
    env.observation_manager.compute()
    assert launched.count("observe") == 1


def test_asking_twice_changes_nothing(late):
    """The manager computes observations again for recorders and final observations."""
    env, _ = late
    step = env.step(torch.full((env.num_envs, 12), 0.3))[0]["policy"]["joint_pos"].clone()
    for _ in range(2):
        again = env.observation_manager.compute()["policy"]["joint_pos"]
        assert torch.equal(again, step)


def test_a_reset_world_starts_anew_and_the_others_do_not(late):
    """Its first datum, a new draw; episodes are counted with the events of the spec."""
    env, _ = late
    before = env.step(torch.full((env.num_envs, 12), 0.3))[0]["policy"]["joint_pos"].clone()
    paths = [signal_paths(env)["observations.policy.joint_pos"], signal_paths(env)["actions.joint_pos"]]
    drawn = [path.values("latency").numpy().copy() for path in paths]
    env._reset_idx(torch.tensor([1, 5], dtype=torch.int32))
    after = env.observation_manager.compute()["policy"]["joint_pos"]
    kept = [0, 2, 3, 4, 6, 7]
    assert torch.equal(after[kept], before[kept])
    start = env.scene["robot"].data
    wanted = (start.joint_pos.torch - start.default_joint_pos.torch)[[1, 5]].numpy()
    np.testing.assert_allclose(after[[1, 5]].numpy(), wanted + paths[0].values("bias").numpy()[[1, 5]], atol=1e-6)
    episodes = randomization_of(env).episodes.numpy()
    for path, old in zip(paths, drawn, strict=True):
        new = path.values("latency").numpy()
        assert np.array_equal(new[kept], old[kept]) and (new[[1, 5]] != old[[1, 5]]).all()
        assert np.array_equal(path.episodes.numpy(), episodes)


def test_an_effort_is_refused_inside_newtons_step(late):
    """Isaac Lab routes it past what can be changed between physics steps; on PhysX it is late like any action."""
    from isaaclab.envs.mdp import JointEffortActionCfg

    from sim2real.lab.signals_action import SignalAction, commanded

    env, _ = late
    cfg = commanded(JointEffortActionCfg(asset_name="robot", joint_names=[".*"]), SIGNALS, "action", "efforts")
    if env.sim.physics_manager.handles_decimation():
        with pytest.raises(Sim2RealError, match="JointEffortAction cannot be delayed inside Newton's step"):
            SignalAction(cfg, env)
        return
    term = SignalAction(cfg, env)
    term.reset()
    for value in (0.0, 0.0, 2.0):
        term.process_actions(torch.full((env.num_envs, 12), value))
    for _ in range(env.cfg.decimation):
        term.apply_actions()
    arrived = torch.as_tensor(term.path.values("latency").numpy()) < env.step_dt - env.physics_dt
    assert torch.equal(env.scene["robot"].data.joint_effort_target.torch[:, :1] == 2.0, arrived)


@pytest.mark.parametrize(
    ("signal", "change", "said"),
    [
        ("joint_pos: {white: 0.1}", {}, "cfg.observations.policy.joint_pos.noise = None"),
        ("joint_pos: {latency: 0.1}", {"lag": 2}, "observations.policy.joint_pos.delay_max_lag = 0"),
        ("wheel: {white: 0.1}", {}, "signals.wheel: no term takes it; observation terms are policy.base_ang_vel"),
        (
            "action: {latency: 0.01}",
            {"max_delay": 3},
            "actuators.base_legs of 'robot' has min_delay=0 and max_delay=3, at which Isaac Lab's native",
        ),
        ("joint_vel: {latency: 0.01}", {"max_delay": 3}, "stay at 3 for good; say the delay as a signal of the action"),
        ("action: {latency: 0.01}", {"actions": {"arm": "action"}}, "actions.arm: the task has no such term"),
        ("action: {latency: 0.01}", {"observations": {"policy.q": "action"}}, "observations.policy.q: the task has no"),
        ("action: {latency: 0.01}", {"leave": ["imu"]}, "leave: the spec has no signal 'imu'"),
    ],
)
def test_what_would_be_frozen_ignored_or_doubled_is_refused(signal, change, said):
    """With the remedy, before anything runs; the configuration stays as it was."""
    from isaaclab.actuators import DelayedPDActuatorCfg

    from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

    cfg, more = Go2FlatEnvCfg(), dict(change)
    if "lag" in more:
        cfg.observations.policy.joint_pos.delay_max_lag = more.pop("lag")
    if "max_delay" in more:
        cfg.scene.robot.actuators["base_legs"] = DelayedPDActuatorCfg(
            joint_names_expr=[".*"], stiffness=25.0, damping=0.5, max_delay=more.pop("max_delay")
        )
    before = str(cfg.observations) + str(cfg.actions)
    with pytest.raises(Sim2RealError, match=said):
        sim2real.lab.apply_signals(cfg, parse_spec(f"{HEAD}  {signal}\n"), **more)
    assert str(cfg.observations) + str(cfg.actions) == before
