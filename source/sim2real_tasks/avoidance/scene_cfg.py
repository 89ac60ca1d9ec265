"""The arena, the rover and its camera as an Isaac Lab scene, and the physics engines it runs on."""

from __future__ import annotations

import math

import isaaclab.sim as sim_utils
from isaaclab.assets import AssetBaseCfg, RigidObjectCfg, RigidObjectCollectionCfg
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.sensors import CameraCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg
from isaaclab_newton.renderers import NewtonWarpRendererCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

from ..robots.rover import CAMERA_POSITION, rover_cfg
from . import arena
from .camera import HORIZONTAL_FOV, RENDER_FAR

APERTURE = 20.955
"""Horizontal aperture of the camera prim [mm]; with the focal length it says the field of view, nothing else."""
NOMINAL_FOCAL_LENGTH = APERTURE / 2 / math.tan(HORIZONTAL_FOV / 2)
"""Focal length of the camera prim at the nominal field of view [mm]."""


@configclass
class AvoidancePhysicsCfg(PresetCfg):
    """The engines: `physics=newton_mjwarp | ovphysx | isaacsim_physx`."""

    newton_mjwarp = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=120,
            # Newton counts what touches before it drops the pairs that cannot move (obstacles on the floor, at walls).
            nconmax=128,
            cone="pyramidal",
            integrator="implicitfast",
            iterations=30,
            ls_iterations=50,
            use_mujoco_contacts=False,
        ),
        num_substeps=1,
        debug_mode=False,
    )
    ovphysx = OvPhysxCfg()
    isaacsim_physx = PhysxCfg()
    default = newton_mjwarp


def _surface(friction: float) -> sim_utils.RigidBodyMaterialCfg:
    """Both engines combine by the maximum: MuJoCo always, PhysX because the material says so."""
    return sim_utils.RigidBodyMaterialCfg(
        static_friction=friction,
        dynamic_friction=friction,
        restitution=0.0,
        friction_combine_mode="max",
        restitution_combine_mode="max",
    )


def _wall(name: str, size: tuple[float, float], center: tuple[float, float]) -> AssetBaseCfg:
    return AssetBaseCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{name}",
        spawn=sim_utils.CuboidCfg(
            size=(*size, arena.HEIGHT),
            collision_props=sim_utils.CollisionPropertiesCfg(),
            visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=(0.70, 0.70, 0.65)),
            physics_material=_surface(0.2),
        ),
        init_state=AssetBaseCfg.InitialStateCfg(pos=(*center, arena.HEIGHT / 2)),
    )


def _obstacle(index: int, obstacle: arena.Obstacle, collide: bool) -> RigidObjectCfg:
    common = dict(
        rigid_props=sim_utils.RigidBodyPropertiesCfg(kinematic_enabled=True),
        collision_props=sim_utils.CollisionPropertiesCfg(collision_enabled=collide),
        mass_props=sim_utils.MassPropertiesCfg(mass=5.0),
        visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=obstacle.colour),
        physics_material=_surface(0.2),
    )
    if obstacle.kind == "box":
        spawn = sim_utils.CuboidCfg(size=(2 * obstacle.half_x, 2 * obstacle.half_y, arena.HEIGHT), **common)
    else:
        spawn = sim_utils.CylinderCfg(radius=obstacle.half_x, height=arena.HEIGHT, **common)
    return RigidObjectCfg(
        prim_path=f"{{ENV_REGEX_NS}}/obstacle_{index:02d}",
        spawn=spawn,
        init_state=RigidObjectCfg.InitialStateCfg(pos=(1.5 + 0.6 * index, 1.0 * (-1) ** index, arena.HEIGHT / 2)),
    )


@configclass
class AvoidanceSceneCfg(InteractiveSceneCfg):
    """Floor, walls, obstacles, rover and camera."""

    ground = AssetBaseCfg(
        prim_path="/World/ground",
        spawn=sim_utils.CuboidCfg(
            size=(400.0, 400.0, 1.0),
            collision_props=sim_utils.CollisionPropertiesCfg(),
            visual_material=sim_utils.PreviewSurfaceCfg(diffuse_color=(0.32, 0.33, 0.34)),
            physics_material=_surface(0.01),
        ),
        init_state=AssetBaseCfg.InitialStateCfg(pos=(0.0, 0.0, -0.5)),
    )
    light = AssetBaseCfg(prim_path="/World/light", spawn=sim_utils.DomeLightCfg(intensity=750.0))
    wall_left = _wall(
        "wall_left",
        (arena.LENGTH - arena.ENTRANCE_X, arena.WALL_THICKNESS),
        ((arena.LENGTH + arena.ENTRANCE_X) / 2, (arena.WIDTH + arena.WALL_THICKNESS) / 2),
    )
    wall_right = _wall(
        "wall_right",
        (arena.LENGTH - arena.ENTRANCE_X, arena.WALL_THICKNESS),
        ((arena.LENGTH + arena.ENTRANCE_X) / 2, -(arena.WIDTH + arena.WALL_THICKNESS) / 2),
    )
    wall_back = _wall(
        "wall_back",
        (arena.WALL_THICKNESS, arena.WIDTH + 2 * arena.WALL_THICKNESS),
        (arena.ENTRANCE_X - arena.WALL_THICKNESS / 2, 0.0),
    )
    robot = rover_cfg()
    obstacles = RigidObjectCollectionCfg(
        rigid_objects={f"obstacle_{i:02d}": _obstacle(i, o, True) for i, o in enumerate(arena.OBSTACLES)}
    )
    camera = CameraCfg(
        prim_path="{ENV_REGEX_NS}/Robot/Geometry/base/camera",
        update_latest_camera_pose=True,
        height=96,
        width=96,
        data_types=["depth"],
        spawn=sim_utils.PinholeCameraCfg(
            focal_length=NOMINAL_FOCAL_LENGTH,
            horizontal_aperture=APERTURE,
            clipping_range=(0.02, RENDER_FAR),
        ),
        offset=CameraCfg.OffsetCfg(pos=CAMERA_POSITION, rot=(0.5, -0.5, 0.5, -0.5), convention="ros"),
        renderer_cfg=NewtonWarpRendererCfg(depth_clipping_behavior="max"),
    )
