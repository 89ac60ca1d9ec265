"""The robots and tasks of these tests, in one table."""

from dataclasses import dataclass

from sim2real_tasks import reach, velocity
from sim2real_tasks.robots import anymal_c, g1, go2, panda, ur5

SMALL = {"scene.terrain.terrain_generator.num_rows": 1, "scene.terrain.terrain_generator.num_cols": 6}
"""A terrain of six tiles: every kind of Isaac Lab's once."""


@dataclass(frozen=True, kw_only=True)
class Robot:
    """A robot, and where its description lies."""

    task: str
    urdf: str
    joints: tuple[str, ...]
    preset: str
    fixed: bool = False


ROBOTS = {
    "go2": Robot(task=velocity.TASK, urdf="go2_description/urdf/go2.urdf", joints=go2.JOINTS, preset="quadruped"),
    "anymal_c": Robot(task=velocity.ANYMAL_C_FLAT, urdf=anymal_c.URDF, joints=anymal_c.JOINTS, preset="quadruped"),
    "g1": Robot(task=velocity.G1_FLAT, urdf=g1.URDF, joints=g1.JOINTS, preset="humanoid"),
    "panda": Robot(task=reach.PANDA, urdf=panda.URDF, joints=panda.JOINTS, preset="arm", fixed=True),
    "ur5": Robot(task=reach.UR5, urdf=ur5.URDF, joints=ur5.JOINTS, preset="arm", fixed=True),
}
"""By short name."""
ROUGH = {velocity.GO2_ROUGH: "quadruped", velocity.ANYMAL_C_ROUGH: "quadruped"}
"""Tasks on rough ground, and their presets."""
