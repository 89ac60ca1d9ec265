"""The Unitree Go2, from its vendor's URDF: Isaac Lab's own configuration of it, on an asset that needs no network.

Gains, start pose and motor curves are Isaac Lab's `UNITREE_GO2_CFG`. What differs is the body: masses, inertias and
convex colliders of the URDF (17 bodies; the mass of a rotor, which the URDF fixes to a link, is part of that link), one
friction for all of it, and the rotors' inertia as armature, which Isaac Lab leaves at 0.
"""

from __future__ import annotations

from pathlib import Path

from .convert import UrdfCfg, convert_urdf
from .vendor import vendor_urdf

FRICTION = 0.8
"""Nominal coefficient of the feet and of everything else [1]; Isaac Lab's static one."""
EFFORT = {".*_(hip|thigh)_joint": 23.7, ".*_calf_joint": 45.43}
"""Stall torque at the joint [N·m], as in the URDF."""
ROTOR_INERTIA = 0.000111842
"""Inertia of a rotor about its axis [kg·m²]: the URDF's `*_rotor` links."""
GEAR = 6.33
"""Reduction of the motor GO-M8010-6, as its maker states it."""
KNEE = 45.43 / 23.7
"""What the linkage of the calf multiplies the torque by; the ratio of the URDF's effort limits."""
ARMATURE = {".*_(hip|thigh)_joint": ROTOR_INERTIA * GEAR**2, ".*_calf_joint": ROTOR_INERTIA * (GEAR * KNEE) ** 2}
"""Rotor inertia as the joint feels it [kg·m²]."""
JOINTS = tuple(f"{leg}_{part}_joint" for leg in ("FL", "FR", "RL", "RR") for part in ("hip", "thigh", "calf"))
"""The order of joints in actions and observations, on every engine: leg by leg."""
ROTORS = ".*_rotor"
"""Links on fixed joints that become part of their parents: an engine computes each body, and these move nothing."""
FEET = tuple(f"{leg}_foot" for leg in ("FL", "FR", "RL", "RR"))
"""The bodies that stand on the ground."""
MIRROR_PAIRS = (("FL", "FR"), ("RL", "RR"))
"""Legs that are each other's mirror image."""
MIRROR_ROLLS = ".*_hip_joint"
"""Joints that turn about the forward axis: the other way in the mirror."""


def go2_usd() -> Path:
    """The converted robot, made on first use."""
    return convert_urdf(
        UrdfCfg(
            urdf=vendor_urdf("go2_description/urdf/go2.urdf"), drives=EFFORT, friction={".*": FRICTION}, fuse=ROTORS
        )
    )


def go2_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The Go2 as an Isaac Lab `ArticulationCfg`."""
    from isaaclab.utils import replace
    from isaaclab_assets.robots.unitree import UNITREE_GO2_CFG as STOCK

    legs = replace(STOCK.actuators["base_legs"], armature=dict(ARMATURE))
    return replace(
        STOCK,
        prim_path=prim_path,
        spawn=replace(STOCK.spawn, usd_path=str(go2_usd())),
        actuators={"base_legs": legs},
        # PhysX would go through the robot level by level: a policy of one engine would move other legs on the other.
        joint_ordering="mjwarp",
        body_ordering="mjwarp",
    )
