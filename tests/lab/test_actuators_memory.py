"""What motors remember survives a resume: heat and rotors are taken out and put back, on each engine."""

import gymnasium
import pytest
import torch
from isaaclab.utils import configclass

from engine_env import ENGINES
from sim2real.actuators.motor import Motor, MotorError
from sim2real.lab.actuators import with_motors
from sim2real.lab.bind import actuator_states
from sim2real.lab.launch import make_env
from sim2real.lab.motors import motor_state, restore_motors
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

MOTOR = Motor(
    voltage=24.0, no_load_speed=30.0, stall_torque=23.7, backlash=0.02, thermal_resistance=5.0, heat_capacity=0.2,
    derate_from=40.0, derate_to=90.0, bus_resistance=0.05,
)  # fmt: skip
WORLDS = 3


@configclass
class WarmCfg(Go2FlatEnvCfg):
    """The velocity task with motors that warm quickly, a physics step at a time."""

    def __post_init__(self):
        """Nothing is drawn: a torque is a matter of state and memory."""
        super().__post_init__()
        self.decimation = 1
        self.scene.robot = with_motors(self.scene.robot, {"base_legs": MOTOR})


gymnasium.register(
    id="Test-Actuators-Warm",
    entry_point="isaaclab.envs:ManagerBasedRLEnv",
    disable_env_checker=True,
    kwargs={"env_cfg_entry_point": WarmCfg},
)


@pytest.fixture(scope="module", params=ENGINES)
def env(request):
    """Three robots."""
    with make_env("Test-Actuators-Warm", request.param, **{"scene.num_envs": WORLDS}) as env:
        env.reset()
        yield env


def place(env, pose, speed, q, qd):
    """Put the robots where they were."""
    robot = env.scene["robot"]
    robot.write_root_pose_to_sim_index(root_pose=pose)
    robot.write_root_velocity_to_sim_index(root_velocity=speed)
    robot.write_joint_position_to_sim_index(position=q)
    robot.write_joint_velocity_to_sim_index(velocity=qd)


def test_a_resumed_run_has_warm_windings(env):
    """The same state and the same memory give the same torque; cold windings give another."""
    robot, generator = env.scene["robot"], torch.Generator().manual_seed(1)
    for _ in range(30):
        env.step(2.0 * torch.randn(WORLDS, 12, generator=generator))
    action = torch.full((WORLDS, 12), 3.0)
    data = robot.data
    parts = [data.root_link_pose_w, data.root_com_vel_w, data.joint_pos, data.joint_vel]
    parts = [part.torch.clone() for part in parts]
    saved = motor_state(env)
    assert (saved["0/rise"] > 10.0).any() and saved["0/rotor"].shape == (WORLDS, 12)
    env.step(action)
    first = data.applied_torque.torch.clone()
    env.reset()
    # On PhysX Isaac Lab's reset steps the actuators once, with the commands of before.
    assert (motor_state(env)["0/rise"] < 0.5 * saved["0/rise"].max()).all()
    place(env, *parts)
    env.step(action)
    cold = data.applied_torque.torch.clone()
    env.reset()
    place(env, *parts)
    restore_motors(env, saved)
    for name, values in motor_state(env).items():
        assert torch.equal(values, saved[name])
    env.step(action)
    torch.testing.assert_close(data.applied_torque.torch, first, rtol=1e-4, atol=1e-4)
    assert (cold - first).abs().max() > 1.0


def test_another_number_of_worlds_is_refused(env):
    """Nothing is written then."""
    before = motor_state(env)
    with pytest.raises(MotorError, match="restore it in an environment with the same robot, motors, engine and num_e"):
        restore_motors(env, {name: values[:2] + 1.0 for name, values in before.items()})
    assert all(torch.equal(values, before[name]) for name, values in motor_state(env).items())


def test_states_are_found_and_have_no_public_name(env):
    """When the last line fails, Isaac Lab hands the states of its actuators out: use that."""
    ((actuator, pair),) = actuator_states(env.scene["robot"])
    assert len(pair) == 2 and actuator.num_actuators == WORLDS * 12
    adapter = env.scene["robot"].newton_actuator_adapter
    assert not [name for name in dir(adapter) if "states" in name and not name.startswith("_")]
