"""The Universal Robots UR5, from its vendor's URDF, on a fixed base.

The vendor publishes no gains: those of Isaac Lab's UR10e, which were tuned for a real arm of the same family, stand in,
with weight compensated, as the robot does itself. Effort and position limits are the URDF's. The rotors' inertia is
MuJoCo Menagerie's figure for the UR5e: an estimate.
"""

from __future__ import annotations

from pathlib import Path

from .convert import UrdfCfg, convert_urdf
from .vendor import vendor_urdf

URDF = "ur_description/urdf/ur5_robot.urdf"
JOINTS = (
    "shoulder_pan_joint", "shoulder_lift_joint", "elbow_joint", "wrist_1_joint", "wrist_2_joint", "wrist_3_joint",
)  # fmt: skip
"""The joints, base first: the order of actions and observations."""
END_EFFECTOR = "wrist_3_link"
"""The body that reaches: its flange, onto which a tool is screwed, looks along y."""
POSE = dict(zip(JOINTS, (0.0, -1.5707963, 1.5707963, -1.5707963, -1.5707963, 0.0), strict=True))
"""Default pose [rad]: elbow up, flange downwards before the base."""
STIFFNESS = {"shoulder_.*": 1320.0, "elbow_joint": 600.0, "wrist_.*": 216.0}
"""Position gains [N·m/rad]: Isaac Lab's UR10e, an estimate for this arm."""
DAMPING = {"shoulder_.*": 72.6636085, "elbow_joint": 34.64101615, "wrist_.*": 29.39387691}
"""Speed gains [N·m·s/rad]: Isaac Lab's UR10e, an estimate for this arm."""
EFFORT = {"(shoulder|elbow)_.*": 150.0, "wrist_.*": 28.0}
"""Largest torque of a drive [N·m]: the URDF's."""
SPEED = {"(shoulder|elbow)_.*": 3.15, "wrist_.*": 3.2}
"""Largest joint speed [rad/s]: the URDF's."""
ARMATURE = 0.1
"""Rotor inertia as the joint feels it [kg·m²]: an estimate, MuJoCo Menagerie's for the UR5e."""
VISCOUS = 1.0
"""Viscous friction of a joint [N·m·s/rad]: an estimate; the URDF says 0, which no factor could change."""
FRICTION = 0.8
"""Coefficient of all surfaces [1]: an estimate."""


def ur5_usd() -> Path:
    """The converted robot, made on first use."""
    return convert_urdf(UrdfCfg(urdf=vendor_urdf(URDF), floating_base=False, drives=EFFORT, friction={".*": FRICTION}))


def ur5_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The UR5 as an Isaac Lab `ArticulationCfg`."""
    from isaaclab.actuators import ImplicitActuatorCfg

    from .arm import arm_cfg

    return arm_cfg(
        prim_path,
        ur5_usd(),
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
            )
        },
    )
