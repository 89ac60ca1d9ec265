"""What a compiled MuJoCo model consists of, in the randomizer's words: assets, bodies, joints, collision shapes.

MJCF knows no assets. Every child of the world body, with all that hangs on it, is one asset: `robot` when an actuator
drives one of its joints, else the child's own name; what is fixed to the world body itself is the `ground`.
Many MJCF files leave names out, so that an element without one is called after its body or parent: `thigh/0`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.engines.engine import Element, Elements

FREE, BALL, SLIDE = 0, 1, 2
"""MuJoCo's joint types, `mjtJoint`; 3 is a hinge."""
ON_JOINT = (0, 1)
"""Actuator transmissions that drive a joint: `mjTRN_JOINT` and `mjTRN_JOINTINPARENT`."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The elements and where each stands in the model's arrays."""

    elements: Elements
    """As the randomizer sees them."""
    bodies: np.ndarray
    """Body ids, int."""
    joints: np.ndarray
    """Joint ids of the hinges and slides that are no base, int."""
    dofs: np.ndarray
    """Degree of freedom of each of them, int."""
    geoms: np.ndarray
    """Ids of the geoms that collide, int."""
    actuators: tuple[tuple[int, ...], ...]
    """For each joint, the ids of the actuators that drive it."""


def find_parts(model: Any) -> Parts:
    """Return the elements of an `MjModel`."""
    import mujoco

    body_names = _named(model, mujoco.mjtObj.mjOBJ_BODY, model.nbody, model.body_parentid)
    joint_names = _named(model, mujoco.mjtObj.mjOBJ_JOINT, model.njnt, model.jnt_bodyid, body_names)
    geom_names = _named(model, mujoco.mjtObj.mjOBJ_GEOM, model.ngeom, model.geom_bodyid, body_names)
    drives = _drives(model)
    assets = _assets(model, body_names, drives)
    fixed = [bool(model.body_dofnum[model.body_weldid[body]] == 0) for body in range(model.nbody)]
    base = _planar_bases(model, drives)
    bodies = list(range(1, model.nbody))
    joints = [j for j in range(model.njnt) if model.jnt_type[j] not in (FREE, BALL) and j not in base]
    paired = {int(g) for g in (*model.pair_geom1, *model.pair_geom2)}
    geoms = [g for g in range(model.ngeom) if model.geom_contype[g] or model.geom_conaffinity[g] or g in paired]
    owner = [int(model.geom_bodyid[g]) for g in geoms]
    elements = Elements(
        body=tuple(Element(asset=assets[b], name=body_names[b], fixed=fixed[b]) for b in bodies),
        joint=tuple(
            Element(asset=assets[model.jnt_bodyid[j]], name=joint_names[j], prismatic=bool(model.jnt_type[j] == SLIDE))
            for j in joints
        ),
        shape=tuple(
            Element(
                asset=assets[b],
                name=geom_names[g],
                body=-1 if fixed[b] else b - 1,
                fixed=fixed[b],
                priority=int(model.geom_priority[g]),
            )
            for g, b in zip(geoms, owner, strict=True)
        ),
    )
    return Parts(
        elements=elements,
        bodies=np.array(bodies, dtype=int),
        joints=np.array(joints, dtype=int),
        dofs=np.array([model.jnt_dofadr[j] for j in joints], dtype=int),
        geoms=np.array(geoms, dtype=int),
        actuators=tuple(drives.get(j, ()) for j in joints),
    )


def _named(model: Any, kind: Any, count: int, owner: Any, owners: list[str] | None = None) -> list[str]:
    """Names of all elements of a kind; one without a name gets its owner's and a number."""
    import mujoco

    names: list[str] = [mujoco.mj_id2name(model, kind, i) or "" for i in range(count)]
    taken, numbers = set(names), dict.fromkeys(range(model.nbody), 0)
    for i, name in enumerate(names):
        above = int(owner[i])
        if owners is None and i == 0:
            continue  # the world body is its own parent
        number = numbers[above]
        numbers[above] += 1
        if not name:
            stem = (owners or names)[above]
            while f"{stem}/{number}" in taken:
                number += 1
            names[i] = f"{stem}/{number}"
            taken.add(names[i])
    return names


def _drives(model: Any) -> dict[int, tuple[int, ...]]:
    """Actuators of each joint that has some."""
    found: dict[int, tuple[int, ...]] = {}
    for a in range(model.nu):
        if model.actuator_trntype[a] in ON_JOINT:
            joint = int(model.actuator_trnid[a, 0])
            found[joint] = (*found.get(joint, ()), a)
    return found


def _assets(model: Any, names: list[str], drives: dict[int, tuple[int, ...]]) -> list[str]:
    """Asset of each body."""
    top = list(range(model.nbody))
    for body in range(1, model.nbody):
        parent = int(model.body_parentid[body])
        top[body] = body if parent == 0 else top[parent]
    driven = {top[int(model.jnt_bodyid[joint])] for joint in drives}
    if not driven and model.nbody > 1:
        driven = {1}  # nothing is driven by a joint: the first asset is the robot
    return ["ground" if t == 0 else "robot" if t in driven else names[t] for t in top]


def _planar_bases(model: Any, drives: dict[int, tuple[int, ...]]) -> set[int]:
    """Joints that together let a whole asset move in a plane: a floating base in all but the file format."""
    found: set[int] = set()
    for body in range(1, model.nbody):
        first, number = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        joints = range(first, first + number)
        free = all(j not in drives and not model.jnt_limited[j] and not model.jnt_stiffness[j] for j in joints)
        slides = any(model.jnt_type[j] == SLIDE for j in joints)
        if model.body_parentid[body] == 0 and number > 1 and slides and free:
            found.update(joints)
    return found
