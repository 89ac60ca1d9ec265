"""Unitree's humanoid G1 with 29 joints, from its vendor's URDF.

Gains, armature and start pose are Isaac Lab's `G1_CFG`, which has 23 joints of the same names and one for the waist;
the wrists take the gains of the elbows, the three joints of the waist those of the one. Efforts are the URDF's. Links
on fixed joints (logo, head, hands, the pelvis' contour) are part of their parents, so that 30 bodies remain.
"""

from __future__ import annotations

from pathlib import Path

from .convert import UrdfCfg, convert_urdf
from .vendor import vendor_urdf

URDF = "g1_description/urdf/g1_29dof_rev_1_0.urdf"
LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
ARM = ("shoulder_pitch", "shoulder_roll", "shoulder_yaw", "elbow", "wrist_roll", "wrist_pitch", "wrist_yaw")
JOINTS = (
    *(f"{side}_{part}_joint" for side in ("left", "right") for part in LEG),
    *(f"waist_{part}_joint" for part in ("yaw", "roll", "pitch")),
    *(f"{side}_{part}_joint" for side in ("left", "right") for part in ARM),
)
"""The order of joints in actions and observations, on every engine: legs, waist, arms; the URDF's."""
FEET = ("left_ankle_roll_link", "right_ankle_roll_link")
"""The bodies that stand on the ground."""
LEGS_ARE = (".*_hip_(pitch|roll|yaw)_joint", ".*_knee_joint")
ANKLES_ARE = (".*_ankle_(pitch|roll)_joint",)
WAIST_IS = ("waist_(yaw|roll|pitch)_joint",)
ARMS_ARE = (".*_(shoulder|wrist)_(pitch|roll|yaw)_joint", ".*_elbow_joint")
EFFORT = {
    ".*_hip_(pitch|yaw)_joint": 88.0,
    ".*_hip_roll_joint": 139.0,
    ".*_knee_joint": 139.0,
    ".*_ankle_(pitch|roll)_joint": 35.0,
    "waist_yaw_joint": 88.0,
    "waist_(roll|pitch)_joint": 35.0,
    ".*_shoulder_(pitch|roll|yaw)_joint": 25.0,
    ".*_elbow_joint": 25.0,
    ".*_wrist_roll_joint": 25.0,
    ".*_wrist_(pitch|yaw)_joint": 5.0,
}
"""Largest torque of a drive [N·m]: the URDF's."""
POSE = {
    ".*_hip_pitch_joint": -0.20,
    ".*_knee_joint": 0.42,
    ".*_ankle_pitch_joint": -0.23,
    ".*_elbow_joint": 0.87,
    ".*_shoulder_pitch_joint": 0.35,
    "left_shoulder_roll_joint": 0.16,
    "right_shoulder_roll_joint": -0.16,
}
"""Default pose [rad]: Isaac Lab's; a joint that is not named is at 0."""
HEIGHT = 0.78
"""Height at which the pelvis starts [m]: the soles are 1 cm above the ground in the default pose."""
ARMATURE = 0.01
"""Rotor inertia as the joint feels it [kg·m²]: Isaac Lab's figure, for all joints."""
JOINT_FRICTION = 0.1
"""Coulomb friction of a joint [N·m]: an estimate."""
FRICTION = 0.8
"""Nominal coefficient of all surfaces [1]: an estimate."""


def g1_usd() -> Path:
    """The converted robot, made on first use."""
    return convert_urdf(UrdfCfg(urdf=vendor_urdf(URDF), drives=EFFORT, friction={".*": FRICTION}, fuse=".*"))


def g1_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The G1 as an Isaac Lab `ArticulationCfg`."""
    from isaaclab.actuators import ImplicitActuatorCfg
    from isaaclab.utils import replace
    from isaaclab_assets.robots.unitree import G1_CFG as STOCK

    def group(names: tuple[str, ...], stiffness, damping):
        effort = {pattern: limit for pattern, limit in EFFORT.items() if _meet(pattern, names)}
        return ImplicitActuatorCfg(
            joint_names_expr=list(names),
            stiffness=stiffness,
            damping=damping,
            effort_limit_sim=effort,
            armature=ARMATURE,
            friction=JOINT_FRICTION,
            dynamic_friction=JOINT_FRICTION,  # PhysX keeps two
        )

    legs = {".*_hip_(roll|yaw)_joint": 150.0, ".*_hip_pitch_joint": 200.0, ".*_knee_joint": 200.0}
    return replace(
        STOCK,
        prim_path=prim_path,
        spawn=replace(STOCK.spawn, usd_path=str(g1_usd())),
        init_state=replace(STOCK.init_state, pos=(0.0, 0.0, HEIGHT), joint_pos=dict(POSE)),
        actuators={
            "legs": group(LEGS_ARE, legs, 5.0),
            "feet": group(ANKLES_ARE, 20.0, 2.0),
            "waist": group(WAIST_IS, 200.0, 5.0),
            "arms": group(ARMS_ARE, 40.0, 10.0),
        },
        joint_ordering="mjwarp",
        body_ordering="mjwarp",
    )


def _meet(pattern: str, names: tuple[str, ...]) -> bool:
    """Return whether a pattern of `EFFORT` speaks of joints of a group."""
    import re

    return any(re.fullmatch(pattern, joint) and re.fullmatch("|".join(names), joint) for joint in JOINTS)
