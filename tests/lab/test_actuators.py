"""Motors on the Go2, end to end: written on the stage, stepped by each engine, drawn per environment by a spec."""

import gymnasium
import numpy as np
import pytest
import torch
from isaaclab.utils import configclass

import sim2real.lab
from engine_env import ENGINES
from sim2real.actuators.drive import MotorDrive
from sim2real.actuators.motor import Motor
from sim2real.lab import randomization_of
from sim2real.lab.actuators import with_motors
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

SPEC = """
schema: 1
seed: 21
terms:
  supply: {target: actuator.voltage, select: ".*", op: set, unit: V, dist: {uniform: [8, 16]}}
  cooling: {target: actuator.thermal, select: ".*", op: scale, dist: {uniform: [0.5, 2.0]}, each: joint}
  play: {target: actuator.backlash, select: ".*_hip_joint", op: set, unit: deg, dist: {uniform: [0.1, 2]}, each: joint}
  strength: {target: actuator.strength, select: ".*", op: scale, dist: {uniform: [0.8, 1.2]}, each: joint}
"""
MOTOR = Motor(voltage=24.0, no_load_speed=30.0, stall_torque=23.7, thermal_resistance=1.5, heat_capacity=20.0)
HELD = {"supply": "voltage", "cooling": "thermal_resistance", "play": "backlash", "strength": "max_effort"}
QUANTITY = {"supply": "actuator_voltage", "cooling": "actuator_thermal_resistance", "play": "actuator_backlash"}
STEPS = 40


@configclass
class MotorsCfg(Go2FlatEnvCfg):
    """The velocity task with motors; every physics step is a step of the environment."""

    def __post_init__(self):
        """Nothing but the spec's properties changes."""
        super().__post_init__()
        self.decimation = 1
        self.scene.robot = with_motors(self.scene.robot, {"base_legs": MOTOR})
        self.observations.policy.draws = sim2real.lab.privileged()
        self.events = sim2real.lab.events(parse_spec(SPEC))


gymnasium.register(
    id="Test-Actuators-Motors",
    entry_point="isaaclab.envs:ManagerBasedRLEnv",
    disable_env_checker=True,
    kwargs={"env_cfg_entry_point": MotorsCfg},
)


@pytest.fixture(scope="module", params=ENGINES)
def task(request):
    """The task with motors, on each engine."""
    with make_env("Test-Actuators-Motors", request.param, **{"scene.num_envs": 6}) as env:
        env.reset()
        yield env


def drive_of(env):
    """The motors, and the shape of their numbers: (envs, joints)."""
    actuator = env.scene["robot"].actuators["base_legs"]
    assert isinstance(actuator.drive, MotorDrive)
    return actuator.drive


def numbers(env, name):
    """A number of the motors (envs, joints), in the robot's joint order."""
    robot = env.scene["robot"]
    flat = getattr(drive_of(env), name).numpy().reshape(env.num_envs, -1).copy()
    places = env.scene["robot"].actuators["base_legs"].indices.numpy().reshape(env.num_envs, -1)[0]
    assert flat.shape[1] == len(robot.joint_names) and (np.diff(places) > 0).all()
    return flat


def test_each_environment_gets_its_draw_in_the_motors(task):
    """The drive's own arrays hold NumPy's draws; the engine reads the same back."""
    found = randomization_of(task)
    for term, attribute in HELD.items():
        resolved = found.randomizer.terms[term]
        drawn = found.randomizer.values(term).numpy()
        held = np.sort(numbers(task, attribute), axis=1)
        if term == "supply":
            assert len(np.unique(drawn)) == task.num_envs
            np.testing.assert_allclose(held, np.repeat(drawn, 12, axis=1), rtol=1e-6)
        if term == "cooling":
            np.testing.assert_allclose(held, np.sort(1.5 * drawn, axis=1), rtol=1e-6)
        if term == "play":
            np.testing.assert_allclose(held[:, 8:], np.sort(drawn, axis=1), rtol=1e-6)
            assert (held[:, :8] == 0).all() and resolved.count == 4
        if term in QUANTITY:
            read = np.sort(found.engine.read(QUANTITY[term])[..., 0], axis=1)
            np.testing.assert_array_equal(read, held)


def test_the_torque_in_the_simulation_is_the_line_of_each_environment(task):
    """Wild commands: what the engine applies is the position loop's torque, cut by this environment's voltage."""
    robot = task.scene["robot"]
    kp, kd, largest, volts, constant, resistance, play = (
        numbers(task, name) for name in ("kp", "kd", "max_effort", "voltage", "constant", "resistance", "backlash")
    )
    generator = torch.Generator().manual_seed(5)
    cut = within = 0
    for _ in range(STEPS):
        q, speed = robot.data.joint_pos.torch.clone().numpy(), robot.data.joint_vel.torch.clone().numpy()
        task.step(2.0 * torch.randn(task.num_envs, 12, generator=generator))
        alive = (task.episode_length_buf > 0).numpy()[:, None] & (play == 0.0)
        target = robot.data.joint_pos_target.torch.numpy()
        free = np.clip(kp * (target - q) - kd * speed, -largest, largest)
        high, low = ((sign * volts - constant * speed) * constant / resistance for sign in (1, -1))
        torque = np.clip(np.clip(free, low, high), -largest, largest)
        np.testing.assert_allclose(robot.data.applied_torque.torch.numpy()[alive], torque[alive], rtol=2e-3, atol=2e-2)
        cut += (np.abs(torque - free) > 0.1)[alive].sum()
        within += (torque == free)[alive].sum()
    assert cut > 50 and within > 50


def test_winding_heat_is_forgotten_with_the_episode(task):
    """A reset of some environments cools their windings and leaves the others' as they are."""
    adapters = [task.scene["robot"].newton_actuator_adapter]
    state = adapters[0]._states_a[0].drive_state
    warm = state.rise.numpy().reshape(task.num_envs, -1).copy()
    assert (warm > 0).any(axis=1).all()
    task.scene["robot"].reset(torch.tensor([1, 4]))
    cooled = state.rise.numpy().reshape(task.num_envs, -1)
    assert (cooled[[1, 4]] == 0).all()
    np.testing.assert_array_equal(cooled[[0, 2, 3, 5]], warm[[0, 2, 3, 5]])
