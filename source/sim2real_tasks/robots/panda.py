"""The Franka Emika Panda with its hand, from its vendor's URDF, on a fixed base, its fingers closed for good.

The drives are a joint impedance, as Franka's control interface runs it: stiffness and damping of franka_ros'
`joint_impedance_example_controller`, and weight compensated, as the robot does itself. Effort and position limits are
the URDF's. The rotors' inertia is MuJoCo Menagerie's figure for this arm, which identified none either: an estimate.
"""

from __future__ import annotations

from pathlib import Path

from .convert import UrdfCfg, convert_urdf
from .vendor import vendor_urdf

URDF = "panda_description/urdf/panda.urdf"
JOINTS = tuple(f"panda_joint{number}" for number in range(1, 8))
"""The arm's joints, base first: the order of actions and observations."""
FINGERS = "panda_finger_joint[12]"
"""The hand's joints, which are closed and stay so: the fingers are parts of the hand."""
END_EFFECTOR = "panda_hand"
"""The body that reaches; the point between the fingertips lies 0.1034 m along its z axis."""
POSE = dict(zip(JOINTS, (0.0, -0.569, 0.0, -2.810, 0.0, 3.037, 0.741), strict=True))
"""Default pose [rad]: that of Isaac Lab's Panda, hand downwards in front of the base."""
STIFFNESS = dict(zip(JOINTS, (600.0, 600.0, 600.0, 600.0, 250.0, 150.0, 50.0), strict=True))
"""Position gains [N·m/rad]: franka_ros, `joint_impedance_example_controller/k_gains`."""
DAMPING = dict(zip(JOINTS, (50.0, 50.0, 50.0, 20.0, 20.0, 20.0, 10.0), strict=True))
"""Speed gains [N·m·s/rad]: franka_ros, `joint_impedance_example_controller/d_gains`."""
EFFORT = {"panda_joint[1-4]": 87.0, "panda_joint[5-7]": 12.0}
"""Largest torque of a drive [N·m]: the URDF's."""
SPEED = {"panda_joint[1-4]": 2.175, "panda_joint[5-7]": 2.61}
"""Largest joint speed [rad/s]: the URDF's."""
ARMATURE = 0.1
"""Rotor inertia as the joint feels it [kg·m²]: an estimate, MuJoCo Menagerie's."""
VISCOUS = 0.003
"""Viscous friction of a joint [N·m·s/rad]: the URDF's."""
FRICTION = 0.8
"""Coefficient of all surfaces [1]: an estimate."""


def panda_usd() -> Path:
    """The converted robot, made on first use."""
    return convert_urdf(
        UrdfCfg(
            urdf=vendor_urdf(URDF),
            floating_base=False,
            drives=EFFORT,
            friction={".*": FRICTION},
            freeze=FINGERS,
            fuse="panda_(left|right)finger",
        )
    )


def panda_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The Panda as an Isaac Lab `ArticulationCfg`."""
    from isaaclab.actuators import ImplicitActuatorCfg

    from .arm import arm_cfg

    return arm_cfg(
        prim_path,
        panda_usd(),
        POSE,
        {
            "arm": ImplicitActuatorCfg(
                joint_names_expr=list(JOINTS),
                stiffness=dict(STIFFNESS),
                damping=dict(DAMPING),
                effort_limit_sim=dict(EFFORT),
                velocity_limit_sim=dict(SPEED),
                armature=ARMATURE,
                viscous_friction=VISCOUS,
            ),
        },
    )
