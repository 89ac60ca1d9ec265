"""What the arms share: a base that stays, weight compensated on every engine, joints in one order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def arm_cfg(prim_path: str, usd: Path, pose: Mapping[str, float], actuators: dict[str, Any]):
    """Return an arm's `ArticulationCfg`.

    Industrial arms compensate their own weight below the interface that a policy commands. The engines do it body by
    body: PhysX by not pulling, MuJoCo by pushing back, both with the mass that a world has.

    Args:
        prim_path: where it stands.
        usd: the converted robot.
        pose: default joint positions [rad, m].
        actuators: Isaac Lab's actuators by name.
    """
    import isaaclab.sim as sim_utils
    from isaaclab.assets import ArticulationCfg
    from isaaclab_newton.sim.schemas import MujocoRigidBodyCfg, NewtonArticulationCfg
    from isaaclab_physx.sim.schemas import PhysxArticulationCfg, PhysxRigidBodyCfg

    return ArticulationCfg(
        prim_path=prim_path,
        spawn=sim_utils.UsdFileCfg(
            usd_path=str(usd),
            rigid_props=[
                PhysxRigidBodyCfg(disable_gravity=True, max_depenetration_velocity=5.0),
                MujocoRigidBodyCfg(gravcomp=1.0),
            ],
            articulation_props=[
                PhysxArticulationCfg(
                    enabled_self_collisions=False, solver_position_iteration_count=8, solver_velocity_iteration_count=0
                ),
                NewtonArticulationCfg(self_collision_enabled=False),
            ],
        ),
        init_state=ArticulationCfg.InitialStateCfg(joint_pos=dict(pose)),
        actuators=actuators,
        soft_joint_pos_limit_factor=1.0,
        joint_ordering="mjwarp",
        body_ordering="mjwarp",
    )
