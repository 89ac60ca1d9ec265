"""What cannot have a motor is refused; a delay can."""

import gymnasium
import numpy as np
import pytest
import torch
from isaaclab.actuators import DelayedPDActuatorCfg
from isaaclab.utils import configclass

import sim2real.lab
from engine_env import ENGINES
from sim2real.actuators.drive import MotorDrive
from sim2real.actuators.motor import Motor, MotorError
from sim2real.lab import bind
from sim2real.lab.actuators import with_motors
from sim2real.lab.bind import check_spawn_hook
from sim2real.lab.launch import make_env
from sim2real.spec import parse_spec
from sim2real_tasks.robots.go2 import go2_cfg
from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

SPEC = """
schema: 1
seed: 21
terms:
  supply: {target: actuator.voltage, select: ".*", op: set, unit: V, dist: {uniform: [8, 16]}}
"""
MOTOR = Motor(voltage=24.0, no_load_speed=30.0, stall_torque=23.7)


@configclass
class PlainCfg(Go2FlatEnvCfg):
    """The same spec on the task's own actuators."""

    def __post_init__(self):
        """Isaac Lab's DC motor model has no voltage."""
        super().__post_init__()
        self.events = sim2real.lab.events(parse_spec(SPEC))


@configclass
class TorchCfg(Go2FlatEnvCfg):
    """Motors without Newton's actuators."""

    def __post_init__(self):
        """The path that Isaac Lab calls deprecated."""
        super().__post_init__()
        self.scene.robot = with_motors(self.scene.robot, {"base_legs": MOTOR})
        self.sim.use_newton_actuators = False


@configclass
class DelayedCfg(Go2FlatEnvCfg):
    """Commands arrive three physics steps late."""

    def __post_init__(self):
        """Isaac Lab's delayed PD actuator, with a motor."""
        super().__post_init__()
        self.decimation = 1
        robot = go2_cfg()
        legs = DelayedPDActuatorCfg(
            joint_names_expr=[".*_joint"], stiffness=25.0, damping=0.5, actuator_effort_limit=23.5, max_delay=3
        )
        robot.actuators = {"base_legs": legs}
        self.scene.robot = with_motors(robot, {"base_legs": MOTOR})


for name, cfg in (("Delayed", DelayedCfg), ("Plain", PlainCfg), ("Torch", TorchCfg)):
    gymnasium.register(
        id=f"Test-Actuators-{name}",
        entry_point="isaaclab.envs:ManagerBasedRLEnv",
        disable_env_checker=True,
        kwargs={"env_cfg_entry_point": cfg},
    )


@pytest.mark.parametrize("physics", ENGINES)
def test_other_actuators_cannot_take_a_voltage(physics):
    """The spec's targets of motors are refused on Isaac Lab's own DC motor model, before anything runs."""
    with pytest.raises(Exception, match="actuator.voltage"):
        with make_env("Test-Actuators-Plain", physics, **{"scene.num_envs": 2}) as env:
            env.reset()


def test_the_torch_path_is_refused():
    """With use_newton_actuators off a PD drive would run in the motor's place."""
    with pytest.raises(MotorError, match="sim.use_newton_actuators is off"):
        with make_env("Test-Actuators-Torch", "newton_mjwarp", **{"scene.num_envs": 2}):
            pass


def test_actuators_that_cannot_have_a_motor_are_refused():
    """An implicit actuator, a group that is not there, and something that is no motor."""
    from isaaclab.actuators import ImplicitActuatorCfg

    robot = go2_cfg()
    robot.actuators["base_legs"] = ImplicitActuatorCfg(joint_names_expr=[".*"], stiffness=25.0, damping=0.5)
    with pytest.raises(MotorError, match="ImplicitActuatorCfg cannot have a motor. An implicit actuator's torque"):
        with_motors(robot, {"base_legs": MOTOR})
    with pytest.raises(MotorError, match="groups are base_legs"):
        with_motors(robot, {"legs": MOTOR})
    with pytest.raises(MotorError, match="is a dict; give a sim2real.actuators.motor.Motor"):
        with_motors(robot, {"base_legs": {"voltage": 24.0}})


@pytest.mark.parametrize("physics", ENGINES)
def test_a_delay_works_before_a_motor(physics):
    """Newton's own delay stays: a command is felt so many physics steps later."""
    with make_env("Test-Actuators-Delayed", physics, **{"scene.num_envs": 2}) as env:
        env.reset()
        robot = env.scene["robot"]
        assert isinstance(robot.actuators["base_legs"].drive, MotorDrive)
        for _ in range(6):
            env.step(torch.zeros(2, 12))
        before = robot.data.applied_torque.torch.clone()
        felt = []
        for _ in range(5):
            env.step(torch.full((2, 12), 4.0))
            felt.append(float((robot.data.applied_torque.torch - before).abs().max()))
            before = robot.data.applied_torque.torch.clone()
        assert int(np.argmax(felt)) == 3


def test_isaac_lab_still_writes_actuators_where_motors_follow():
    """When the last line fails, Isaac Lab has a public place after its actuators are written: use that."""
    from isaaclab.assets import ArticulationCfg

    check_spawn_hook()
    assert not [
        name for name in dir(ArticulationCfg) if "spawn" in name and not name.startswith("_") and name != "spawn"
    ]


def test_an_isaac_lab_that_writes_elsewhere_is_refused(monkeypatch):
    """Before a robot is made that would run without its motors."""
    monkeypatch.setattr(bind, "SPAWN_HOOK", "_no_such_hook")
    with pytest.raises(RuntimeError, match="ArticulationCfg has no _no_such_hook, where Isaac Lab 3.0.0 writes"):
        with_motors(go2_cfg(), {"base_legs": MOTOR})


def test_a_preset_goes_to_every_group():
    """By name; the robot given is unchanged, and so is what its actuators say."""
    robot = go2_cfg()
    legs = with_motors(robot, "go2").actuators["base_legs"]
    assert not hasattr(robot, "motors")
    assert list(with_motors(robot, "go2").motors) == ["base_legs"]
    assert legs.stiffness == robot.actuators["base_legs"].stiffness
