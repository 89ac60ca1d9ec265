"""The rover: a small differential-drive robot of our own, its geometry, and its Isaac Lab configuration.

The numbers below restate `rover.urdf`; `tests/tasks/test_rover.py` holds the two together.
"""

from __future__ import annotations

from pathlib import Path

URDF = Path(__file__).with_name("rover.urdf")

WHEEL_RADIUS = 0.07
"""Radius of a driven wheel and of its collision sphere [m]."""
TRACK = 0.30
"""Distance between the wheels' contact points [m]."""
BASE_HALF_LENGTH = 0.16
"""Half of the base box along x [m]."""
BASE_HALF_WIDTH = 0.11
"""Half of the base box along y [m]."""
WHEEL_SPEED_MAX = 21.0
"""No-load speed of the motor at the wheel [rad/s]."""
WHEEL_EFFORT_MAX = 2.0
"""Stall torque of the motor at the wheel [N·m]."""
WHEEL_DAMPING = 2.0
"""Gain of the wheel's speed loop [N·m·s/rad]."""
WHEEL_JOINTS = ("left_wheel_joint", "right_wheel_joint")
"""The driven joints, left first."""
MOTOR_DAMPING = 0.25
"""Gain of the same loop in front of a motor [N·m·s/rad]. It is stepped with the physics and has to be stable for a
wheel that has lost the ground: below 2 x 0.0025 kg·m² / (1/120 s)."""
MOTOR_ARMATURE = 0.001
"""Inertia of a motor's rotor and gear as seen at the wheel [kg·m²]; our estimate."""
CAMERA_POSITION = (0.15, 0.0, 0.12)
"""Where the depth camera sits in the base frame [m]; it looks along +x."""
CAMERA_HEIGHT = WHEEL_RADIUS + CAMERA_POSITION[2]
"""Height of the camera above the ground [m]."""


def wheel_speeds(linear, angular):
    """Wheel speeds (left, right) [rad/s] that give the body the speeds `linear` [m/s] and `angular` [rad/s]."""
    half = angular * (TRACK / 2)
    return (linear - half) / WHEEL_RADIUS, (linear + half) / WHEEL_RADIUS


def rover_usd() -> Path:
    """The converted robot, made on first use."""
    from .convert import UrdfCfg, convert_urdf

    return convert_urdf(
        UrdfCfg(
            urdf=URDF,
            drives={".*_wheel_joint": WHEEL_EFFORT_MAX},
            friction={".*_wheel/.*": 1.0, "base/sphere.*": 0.01, "base/.*": 0.2},
        )
    )


def rover_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The rover as an Isaac Lab `ArticulationCfg`."""
    import isaaclab.sim as sim_utils
    from isaaclab.actuators import ImplicitActuatorCfg
    from isaaclab.assets import ArticulationCfg

    return ArticulationCfg(
        prim_path=prim_path,
        spawn=sim_utils.UsdFileCfg(usd_path=str(rover_usd())),
        init_state=ArticulationCfg.InitialStateCfg(pos=(0.5, 0.0, WHEEL_RADIUS)),
        actuators={
            "wheels": ImplicitActuatorCfg(
                joint_names_expr=[".*_wheel_joint"],
                stiffness=0.0,
                damping=WHEEL_DAMPING,
                effort_limit_sim=WHEEL_EFFORT_MAX,
                velocity_limit_sim=WHEEL_SPEED_MAX,
            )
        },
    )


def motorized(robot, motors: str):
    """The same `ArticulationCfg` with motors at its wheels, of a preset's name or a file.

    Raises:
        SpecError: there is no such preset, or its file is wrong.
    """
    from isaaclab.actuators import IdealPDActuatorCfg
    from isaaclab.utils import replace

    from sim2real.lab.actuators import with_motors

    wheels = IdealPDActuatorCfg(
        joint_names_expr=[".*_wheel_joint"],
        stiffness=0.0,
        damping=MOTOR_DAMPING,
        armature=MOTOR_ARMATURE,
        actuator_effort_limit=WHEEL_EFFORT_MAX,
        actuator_velocity_limit=WHEEL_SPEED_MAX,
    )
    return with_motors(replace(robot, actuators={"wheels": wheels}), motors)
