"""The probes' scene: in every world a body that falls, one that slides down a ramp, one that bounces, one on a hinge.

All are boxes and spheres made here, with masses and inertias that are known in closed form, and stand so far apart that
they never meet. The hinge's axis is vertical, so that gravity does no work on it, tilted or not by less than its
bearing carries. The ramp and the floor have no friction of their own, so that the rule `max` leaves the body's.
"""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

import gymnasium
import isaaclab.sim as sim_utils
import torch
from isaaclab.actuators import ImplicitActuatorCfg
from isaaclab.assets import ArticulationCfg, AssetBaseCfg, RigidObjectCfg
from isaaclab.envs import DirectRLEnv, DirectRLEnvCfg
from isaaclab.scene import InteractiveSceneCfg
from isaaclab.sim import SimulationCfg
from isaaclab.utils import configclass
from isaaclab_newton.physics import MJWarpSolverCfg, NewtonCfg, NewtonCollisionPipelineCfg, NewtonShapeCfg
from isaaclab_ov.physics import OvPhysxCfg
from isaaclab_physx.physics import PhysxCfg
from isaaclab_tasks.utils import PresetCfg

TASK = "sim2real-probes"
"""Gymnasium name of the scene; made by :func:`register`."""
STEP = 1 / 240
"""Physics step [s]."""
SLOPE = math.radians(30.0)
"""Angle of the ramp."""
RAMP_AT = 60.0
"""Where the middle of the ramp's surface is, along x [m]; at height 0 of its own frame, lifted by `RAMP_HEIGHT`."""
RAMP_HEIGHT = 30.0
"""Height of the middle of the ramp's surface [m]."""
SLIDER = (0.4, 0.4, 0.1)
"""Edges of the sliding box [m]: flat, so that no friction tips it over."""
FALL_FROM = 60.0
"""Start of the falling box [m]."""
BALL_RADIUS = 0.1
"""Radius of the bouncing ball [m]."""
DROP = 0.6
"""Height from which it is dropped [m]."""
BAR_MASS, BAR_LENGTH, BAR_WIDTH, BAR_ARM = 2.0, 0.8, 0.1, 0.1
"""The bar on the hinge: mass [kg], edges [m], distance of its centre of mass from the axis [m]."""
BAR_MOMENT = BAR_MASS * (BAR_LENGTH**2 + BAR_WIDTH**2) / 12
"""Its moment about the vertical through its centre of mass [kg·m²]."""


def _surface() -> sim_utils.RigidBodyMaterialCfg:
    return sim_utils.RigidBodyMaterialCfg(
        static_friction=0.0,
        dynamic_friction=0.0,
        restitution=0.0,
        friction_combine_mode="max",
        restitution_combine_mode="max",
    )


def _static(
    size: tuple[float, float, float], pos: tuple[float, ...], rot: tuple[float, ...], name: str
) -> AssetBaseCfg:
    return AssetBaseCfg(
        prim_path=f"/World/{name}",
        spawn=sim_utils.CuboidCfg(
            size=size, collision_props=sim_utils.CollisionPropertiesCfg(), physics_material=_surface()
        ),
        init_state=AssetBaseCfg.InitialStateCfg(pos=pos, rot=rot),
    )


def _body(name: str, spawn: sim_utils.ShapeCfg, pos: tuple[float, float, float]) -> RigidObjectCfg:
    spawn.rigid_props = sim_utils.RigidBodyPropertiesCfg()
    spawn.mass_props = sim_utils.MassPropertiesCfg(mass=1.0)
    spawn.collision_props = sim_utils.CollisionPropertiesCfg()
    spawn.physics_material = _surface()
    return RigidObjectCfg(
        prim_path=f"{{ENV_REGEX_NS}}/{name}", spawn=spawn, init_state=RigidObjectCfg.InitialStateCfg(pos=pos)
    )


def slider_start() -> tuple[tuple[float, float, float], tuple[float, float, float, float]]:
    """Where the sliding box lies on the ramp: position and quaternion x, y, z, w."""
    lift = SLIDER[2] / 2
    position = (RAMP_AT + lift * math.sin(SLOPE), 0.0, RAMP_HEIGHT + lift * math.cos(SLOPE))
    return position, (0.0, math.sin(SLOPE / 2), 0.0, math.cos(SLOPE / 2))


def down_the_ramp() -> tuple[float, float, float]:
    """The unit vector along which the box slides."""
    return math.cos(SLOPE), 0.0, -math.sin(SLOPE)


_HINGE = f"""#usda 1.0
(
    defaultPrim = "Hinge"
    metersPerUnit = 1
    upAxis = "Z"
)
def Xform "Hinge" (prepend apiSchemas = ["PhysicsArticulationRootAPI"])
{{
    def Xform "post" (prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"])
    {{
        float physics:mass = 1
        float3 physics:diagonalInertia = (0.01, 0.01, 0.01)
        quatf physics:principalAxes = (1, 0, 0, 0)
        point3f physics:centerOfMass = (0, 0, 0)
    }}
    def Xform "bar" (prepend apiSchemas = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"])
    {{
        float physics:mass = {BAR_MASS}
        float3 physics:diagonalInertia = ({BAR_MASS * 2 * BAR_WIDTH**2 / 12}, {BAR_MOMENT}, {BAR_MOMENT})
        quatf physics:principalAxes = (1, 0, 0, 0)
        point3f physics:centerOfMass = ({BAR_ARM}, 0, 0)
    }}
    def PhysicsFixedJoint "foot"
    {{
        rel physics:body1 = </Hinge/post>
    }}
    def PhysicsRevoluteJoint "pivot" (prepend apiSchemas = ["PhysicsDriveAPI:angular"])
    {{
        rel physics:body0 = </Hinge/post>
        rel physics:body1 = </Hinge/bar>
        uniform token physics:axis = "Z"
        uniform token drive:angular:physics:type = "force"
        float drive:angular:physics:stiffness = 0
        float drive:angular:physics:damping = 0
        float drive:angular:physics:maxForce = 1000
    }}
}}
"""


def hinge_usd() -> Path:
    """Write the hinge where temporary files are, once for each text of it; return the path."""
    import hashlib

    name = f"sim2real-hinge-{hashlib.sha256(_HINGE.encode()).hexdigest()[:12]}-{os.getuid()}.usda"
    path = Path(tempfile.gettempdir()) / name
    if not path.is_file() or path.read_text() != _HINGE:
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(_HINGE)
        os.replace(part, path)
    return path


@configclass
class ProbePhysicsCfg(PresetCfg):
    """The engines: `physics=newton_mjwarp | ovphysx | isaacsim_physx`."""

    newton_mjwarp = NewtonCfg(
        solver_cfg=MJWarpSolverCfg(
            njmax=80,
            nconmax=40,
            cone="elliptic",  # a box slides across the pyramid's edges with less than its friction
            impratio=10.0,
            integrator="implicitfast",
            use_mujoco_contacts=False,
        ),
        collision_cfg=NewtonCollisionPipelineCfg(),
        default_shape_cfg=NewtonShapeCfg(margin=0.0, ke=160000.0, kd=1100.0),
        num_substeps=1,
        debug_mode=False,
    )
    ovphysx = OvPhysxCfg()
    isaacsim_physx = PhysxCfg()
    default = newton_mjwarp


@configclass
class ProbeSceneCfg(InteractiveSceneCfg):
    """Floor, ramp, and the four bodies."""

    floor = _static((20.0, 20.0, 1.0), (0.0, 0.0, -0.5), (0.0, 0.0, 0.0, 1.0), "floor")
    ramp = _static(
        (20.0, 4.0, 1.0),
        (RAMP_AT - 0.5 * math.sin(SLOPE), 0.0, RAMP_HEIGHT - 0.5 * math.cos(SLOPE)),
        slider_start()[1],
        "ramp",
    )
    faller = _body("faller", sim_utils.CuboidCfg(size=(0.2, 0.3, 0.4)), (-30.0, 0.0, FALL_FROM))
    slider = _body("slider", sim_utils.CuboidCfg(size=SLIDER), slider_start()[0])
    ball = _body("ball", sim_utils.SphereCfg(radius=BALL_RADIUS), (0.0, 0.0, BALL_RADIUS + DROP))
    hinge = ArticulationCfg(
        prim_path="{ENV_REGEX_NS}/hinge",
        spawn=sim_utils.UsdFileCfg(
            usd_path=str(hinge_usd()),
            rigid_props=sim_utils.RigidBodyPropertiesCfg(angular_damping=0.0, linear_damping=0.0),
        ),
        init_state=ArticulationCfg.InitialStateCfg(pos=(-60.0, 0.0, 2.0)),
        actuators={"all": ImplicitActuatorCfg(joint_names_expr=[".*"], stiffness=0.0, damping=0.0)},
    )


@configclass
class ProbeEnvCfg(DirectRLEnvCfg):
    """Nothing but the scene."""

    sim: SimulationCfg = SimulationCfg(dt=STEP, render_interval=1, physics=ProbePhysicsCfg())
    scene: ProbeSceneCfg = ProbeSceneCfg(num_envs=16, env_spacing=0.0, replicate_physics=True)
    decimation: int = 1
    episode_length_s: float = 1000.0
    action_space: int = 1
    observation_space: int = 1


class ProbeEnv(DirectRLEnv):
    """The scene as an environment that nobody acts in."""

    cfg: ProbeEnvCfg

    def _pre_physics_step(self, actions: torch.Tensor) -> None:
        """Nobody acts."""

    def _apply_action(self) -> None:
        """Nobody acts."""

    def _get_observations(self) -> dict[str, torch.Tensor]:
        return {"policy": torch.zeros(self.num_envs, 1, device=self.device)}

    def _get_rewards(self) -> torch.Tensor:
        return torch.zeros(self.num_envs, device=self.device)

    def _get_dones(self) -> tuple[torch.Tensor, torch.Tensor]:
        no = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        return no, no


def register() -> str:
    """Make the scene known to Gymnasium; return its name."""
    if TASK not in gymnasium.registry:
        gymnasium.register(
            id=TASK, entry_point=ProbeEnv, disable_env_checker=True, kwargs={"env_cfg_entry_point": ProbeEnvCfg}
        )
    return TASK
