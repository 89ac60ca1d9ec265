"""ANYbotics' ANYmal C, from its vendor's URDF.

Start pose and spawn settings are Isaac Lab's `ANYMAL_C_CFG`. Its actuator network lies on a server; here the drives are
what Isaac Lab calls the simple ANYdrive 3: an explicit PD loop behind a DC motor's torque-speed line. Of the URDF's 60
links those on fixed joints become part of their parents, but for the feet, so that 17 bodies remain.
"""

from __future__ import annotations

from pathlib import Path

from .convert import UrdfCfg, convert_urdf
from .vendor import vendor_urdf

URDF = "anymal_c_simple_description/urdf/anymal.urdf"
LEGS = ("LF", "LH", "RF", "RH")
"""Left and right, fore and hind, in the order that both engines walk."""
JOINTS = tuple(f"{leg}_{part}" for leg in LEGS for part in ("HAA", "HFE", "KFE"))
"""The order of joints in actions and observations, on every engine: leg by leg."""
FEET = tuple(f"{leg}_FOOT" for leg in LEGS)
"""The bodies that stand on the ground."""
EFFORT = {".*_(HAA|HFE|KFE)": 80.0}
"""Largest torque of a drive [N·m]: the URDF's, and Isaac Lab's."""
ARMATURE = 0.05
"""Rotor inertia as the joint feels it [kg·m²]: an estimate; Isaac Lab leaves it at 0, which no factor could change."""
FRICTION = 0.8
"""Nominal coefficient of all surfaces [1]: an estimate."""


def anymal_c_usd() -> Path:
    """The converted robot, made on first use."""
    return convert_urdf(UrdfCfg(urdf=vendor_urdf(URDF), drives=EFFORT, friction={".*": FRICTION}, fuse="(?!.*_FOOT).*"))


def anymal_c_cfg(prim_path: str = "{ENV_REGEX_NS}/Robot"):
    """The ANYmal C as an Isaac Lab `ArticulationCfg`."""
    from isaaclab.utils import replace
    from isaaclab_assets.robots.anymal import ANYDRIVE_3_SIMPLE_ACTUATOR_CFG
    from isaaclab_assets.robots.anymal import ANYMAL_C_CFG as STOCK
    from isaaclab_newton.sim.schemas import NewtonArticulationCfg
    from isaaclab_physx.sim.schemas import PhysxArticulationCfg

    alone = [
        PhysxArticulationCfg(
            enabled_self_collisions=False, solver_position_iteration_count=4, solver_velocity_iteration_count=0
        ),
        NewtonArticulationCfg(self_collision_enabled=False),
    ]
    return replace(
        STOCK,
        prim_path=prim_path,
        spawn=replace(STOCK.spawn, usd_path=str(anymal_c_usd()), articulation_props=alone),
        actuators={"legs": replace(ANYDRIVE_3_SIMPLE_ACTUATOR_CFG, joint_names_expr=list(JOINTS), armature=ARMATURE)},
        joint_ordering="mjwarp",
        body_ordering="mjwarp",
    )
