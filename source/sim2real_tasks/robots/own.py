"""Your own robot, from its card: the URDF as the card wants it, the USD, the Isaac Lab configuration."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sim2real.paths import cache_dir

from .card import Card, description_of
from .convert import UrdfCfg, convert_urdf
from .urdf import Description, find_mesh


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names))


def own_urdf(card: Card) -> Path:
    """Write the card's URDF with the card's limits and meshes by their full path; return where.

    What a policy of this robot is trained with, and what other engines load, is this file.

    Raises:
        Sim2RealError: the URDF and the card do not agree.
    """
    robot = description_of(card)
    tree = ElementTree.parse(card.urdf)
    given = {joint.name: joint for joint in card.joints}
    for element in tree.getroot().findall("joint"):
        joint = given.get(element.get("name", ""))
        if joint is None:
            continue
        limit = element.find("limit")
        if limit is None:
            limit = ElementTree.SubElement(element, "limit")
        if joint.limits is None:
            element.set("type", "continuous")
            for key in ("lower", "upper"):
                limit.attrib.pop(key, None)
        else:
            element.set("type", "prismatic" if robot.joints[joint.name].type == "prismatic" else "revolute")
            limit.set("lower", repr(joint.limits[0]))
            limit.set("upper", repr(joint.limits[1]))
        limit.set("effort", repr(joint.effort))
        limit.set("velocity", repr(joint.velocity))
        for dynamics in element.findall("dynamics"):
            element.remove(dynamics)  # each engine reads it in its own way; a spec gives friction to both
    for mesh in tree.iter("mesh"):
        path = find_mesh(card.urdf, mesh.get("filename", ""), card.package_paths)
        if path is not None:
            mesh.set("filename", str(path))
    text = ElementTree.tostring(tree.getroot())
    folder = cache_dir("robots") / "own"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{card.name}-{hashlib.sha256(text).hexdigest()[:16]}.urdf"
    if not target.is_file():
        handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(part, target)
    return target


def fused_links(card: Card, robot: Description) -> str:
    """Return the regex of links on fixed joints that become part of their parent; empty where there is none."""
    kept = {*card.feet, card.end_effector} - {""}
    tied = [joint.child for joint in robot.joints.values() if not joint.moves or joint.name in card.frozen]
    fused = [name for name in tied if name not in kept]
    return _any_of(fused)


def own_usd(card: Card) -> Path:
    """The converted robot, made on first use."""
    robot = description_of(card)
    colliders = any(link.colliders for link in robot.links.values())
    return convert_urdf(
        UrdfCfg(
            urdf=own_urdf(card),
            floating_base=card.kind == "velocity",
            drives={re.escape(joint.name): joint.effort for joint in card.joints},
            friction={".*": card.friction} if colliders else {},
            fuse=fused_links(card, robot),
            freeze=_any_of(card.frozen),
        )
    )


def own_cfg(card: Card, prim_path: str = "{ENV_REGEX_NS}/Robot") -> Any:
    """The robot as an Isaac Lab `ArticulationCfg`; drives are PD loops that the engines integrate implicitly."""
    from isaaclab.actuators import ImplicitActuatorCfg

    def each(key: str) -> dict[str, float]:
        return {re.escape(joint.name): float(getattr(joint, key)) for joint in card.joints}

    pose = each("pose")
    drives = {
        "joints": ImplicitActuatorCfg(
            joint_names_expr=list(pose),
            stiffness=each("kp"),
            damping=each("kd"),
            effort_limit_sim=each("effort"),
            velocity_limit_sim=each("velocity"),
            armature=each("armature"),
        )
    }
    usd = own_usd(card)
    return (
        _walker(prim_path, usd, card, pose, drives) if card.kind == "velocity" else _arm(prim_path, usd, pose, drives)
    )


def _arm(prim_path: str, usd: Path, pose: dict[str, float], drives: dict[str, Any]) -> Any:
    from .arm import arm_cfg

    return arm_cfg(prim_path, usd, pose, drives)


def _walker(prim_path: str, usd: Path, card: Card, pose: dict[str, float], drives: dict[str, Any]) -> Any:
    import isaaclab.sim as sim_utils
    from isaaclab.assets import ArticulationCfg
    from isaaclab_newton.sim.schemas import NewtonArticulationCfg
    from isaaclab_physx.sim.schemas import PhysxArticulationCfg, PhysxRigidBodyCfg

    return ArticulationCfg(
        prim_path=prim_path,
        spawn=sim_utils.UsdFileCfg(
            usd_path=str(usd),
            activate_contact_sensors=True,
            rigid_props=[PhysxRigidBodyCfg(max_depenetration_velocity=1.0)],
            articulation_props=[
                PhysxArticulationCfg(
                    enabled_self_collisions=False, solver_position_iteration_count=4, solver_velocity_iteration_count=0
                ),
                NewtonArticulationCfg(self_collision_enabled=False),
            ],
        ),
        init_state=ArticulationCfg.InitialStateCfg(pos=(0.0, 0.0, card.height), joint_pos=pose),
        actuators=drives,
        soft_joint_pos_limit_factor=0.9,
        joint_ordering="mjwarp",
        body_ordering="mjwarp",
    )
