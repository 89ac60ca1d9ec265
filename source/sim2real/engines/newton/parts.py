"""Which element of a world stands where: in Newton's flat arrays, and in MuJoCo Warp's, where a row is a world.

Newton numbers bodies, degrees of freedom and shapes through all worlds; MuJoCo Warp numbers them within a world. Names
come from the labels of the first world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.engines.engine import Element, Elements, EngineError

PRISMATIC, REVOLUTE, FIXED, D6 = 0, 1, 3, 6
"""Newton's joint types that can be elements, or carry a body at a fixed place."""
COLLIDES, KINEMATIC = 2, 2
"""Bits of Newton's shape flags and body flags."""


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A thing of the scene by its name and the path under which its bodies and shapes lie in the first world; an empty
    path is every body's.
    """

    name: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The elements, and their numbers. First axis: worlds, for Newton's; MuJoCo's are the same in every world."""

    elements: Elements
    body: np.ndarray
    """Newton's bodies, (num_worlds, bodies)."""
    body_mjw: np.ndarray
    """MuJoCo's bodies, (bodies,)."""
    frame: np.ndarray
    """Newton's joint that carries each body, -1 where its place is not a number of the model: (num_worlds, bodies)."""
    dof: np.ndarray
    """Newton's degrees of freedom, (num_worlds, joints)."""
    dof_mjw: np.ndarray
    """MuJoCo's degrees of freedom, (joints,)."""
    joint_mjw: np.ndarray
    """MuJoCo's joints, (joints,)."""
    hung: np.ndarray
    """Body element that each joint alone places in a parent, else -1: (joints,)."""
    locked: np.ndarray
    """Joints of kinematic bodies, bool (joints,): MuJoCo holds them by an armature that must stay."""
    shape: np.ndarray
    """Newton's shapes, -1 for those that all worlds share: (num_worlds, shapes)."""
    shape_shared: np.ndarray
    """Newton's number of the shapes that all worlds share, else -1: (shapes,)."""
    geom_mjw: np.ndarray
    """MuJoCo's geoms, (shapes,)."""


def find_parts(model: Any, solver: Any, assets: Sequence[Asset]) -> Parts:
    """Return the elements of a model.

    Args:
        model: The `newton.Model`.
        solver: Its `SolverMuJoCo`.
        assets: What the scene consists of; the longest path that fits wins.

    Raises:
        EngineError: The worlds do not have the same parts, or two elements have one name.
    """
    worlds = int(solver.mjc_body_to_newton.shape[0])
    body = _by_world(model.body_world, worlds, "bodies")
    body_mjw = _inverse(solver.mjc_body_to_newton, body)
    first = np.argsort(np.argsort(body[0]))  # Newton's number of a body in the first world -> element
    body_element = {int(body[0, k]): int(first[k]) for k in range(body.shape[1])}
    body_names = [_last(model.body_label[b]) for b in body[0]]
    body_assets = [_asset(model.body_label[b], assets) or "scene" for b in body[0]]
    flags = model.body_flags.numpy()[body[0]]
    held = _held(solver.mjw_model)
    fixed = [bool(flag & KINEMATIC or held[m]) for flag, m in zip(flags, body_mjw, strict=True)]

    frame, joints, dofs, hung, locked = _joints(model, worlds, body, body_element, body_names, body_assets, fixed)
    dof_mjw = _inverse(solver.mjc_dof_to_newton_dof, dofs)
    joint_mjw = _inverse(solver.mjc_jnt_to_newton_dof, dofs)

    shapes, shape, shared, geom = _shapes(model, solver, worlds, body_element, body_names, body_assets, fixed, assets)
    elements = Elements(
        body=tuple(Element(asset=a, name=n, fixed=f) for a, n, f in zip(body_assets, body_names, fixed, strict=True)),
        joint=tuple(joints),
        shape=tuple(shapes),
    )
    for kind in ("body", "joint", "shape"):
        names = [(element.asset, element.name) for element in elements.of(kind)]
        twice = sorted({"/".join(name) for name in names if names.count(name) > 1})
        if twice:
            raise EngineError(f"two elements have one name: {kind} {', '.join(twice)}; rename one in the asset's file")
    return Parts(
        elements=elements,
        body=body,
        body_mjw=body_mjw,
        frame=frame,
        dof=dofs,
        dof_mjw=dof_mjw,
        joint_mjw=joint_mjw,
        hung=np.array(hung, np.int64),
        locked=np.array(locked, bool),
        shape=shape,
        shape_shared=shared,
        geom_mjw=geom,
    )


def _joints(
    model: Any,
    worlds: int,
    body: np.ndarray,
    body_element: dict[int, int],
    body_names: list[str],
    body_assets: list[str],
    fixed: list[bool],
) -> tuple[np.ndarray, list[Element], np.ndarray, list[int], list[bool]]:
    """Return the joint that places each body, the elements, their degrees of freedom, which body each of them alone
    places, and which are locked.
    """
    joint = _by_world(model.joint_world, worlds, "joints")
    kind, start = model.joint_type.numpy(), model.joint_qd_start.numpy()
    child, parent = model.joint_child.numpy(), model.joint_parent.numpy()
    flags = model.body_flags.numpy()
    frame = np.full(body.shape, -1, np.int64)
    elements: list[Element] = []
    columns: list[np.ndarray] = []
    hung: list[int] = []
    locked: list[bool] = []
    seen: set[int] = set()
    for k, j in enumerate(joint[0]):
        carried = body_element.get(int(child[j]), -1)
        if carried < 0 or carried in seen:
            continue  # a joint that closes a loop places no body
        seen.add(carried)
        if kind[j] not in (PRISMATIC, REVOLUTE, D6, FIXED):
            continue
        if parent[j] >= 0:
            frame[:, carried] = joint[:, k]
        count = int(start[j + 1] - start[j])
        linear = int(model.joint_dof_dim.numpy()[j, 0])
        for axis in range(count):
            name = _last(model.joint_label[j]) + (f":{axis}" if count > 1 else "")
            elements.append(Element(asset=body_assets[carried], name=name, prismatic=axis < linear))
            columns.append(start[joint[:, k]] + axis)
            hung.append(carried if count == 1 and parent[j] >= 0 else -1)
            locked.append(bool(flags[child[j]] & KINEMATIC))
    dofs = np.stack(columns, axis=1) if columns else np.zeros((worlds, 0), np.int64)
    return frame, elements, dofs, hung, locked


def _shapes(
    model: Any,
    solver: Any,
    worlds: int,
    body_element: dict[int, int],
    body_names: list[str],
    body_assets: list[str],
    fixed: list[bool],
    assets: Sequence[Asset],
) -> tuple[list[Element], np.ndarray, np.ndarray, np.ndarray]:
    """Return the shapes that collide: elements, Newton's numbers, numbers of shared ones, MuJoCo's geoms."""
    world = model.shape_world.numpy()
    own = _by_world(model.shape_world, worlds, "shapes")
    geoms = solver.mjc_geom_to_newton_shape.numpy()[0]
    geom_of = {int(shape): geom for geom, shape in enumerate(geoms) if shape >= 0}
    flags, carrier = model.shape_flags.numpy(), model.shape_body.numpy()
    priority = solver.mjw_model.geom_priority.numpy()
    elements: list[Element] = []
    columns, shared, found = [], [], []
    numbers: dict[str, int] = {}
    listed = [(int(s), -1) for s in np.flatnonzero(world < 0)] + [(int(s), k) for k, s in enumerate(own[0])]
    # By path, as on PhysX: Newton's own order depends on the kinds of geometry, and a number is a name.
    for shape, k in sorted(listed, key=lambda entry: (entry[1] >= 0, model.shape_label[entry[0]])):
        if not flags[shape] & COLLIDES or shape not in geom_of:
            continue
        carried = body_element.get(int(carrier[shape]), -1)
        if carried >= 0:
            asset, stem = body_assets[carried], body_names[carried]
        else:
            asset = _asset(model.shape_label[shape], [a for a in assets if a.path]) or "ground"
            stem = asset
        number = numbers.setdefault(f"{asset}/{stem}", 0)
        numbers[f"{asset}/{stem}"] += 1
        still = carried < 0 or fixed[carried]
        above = int(priority[geom_of[shape]])
        elements.append(Element(asset=asset, name=f"{stem}/{number}", body=carried, fixed=still, priority=above))
        columns.append(np.full(worlds, -1) if k < 0 else own[:, k])
        shared.append(shape if k < 0 else -1)
        found.append(geom_of[shape])
    numbers_of = np.stack(columns, axis=1) if columns else np.zeros((worlds, 0), np.int64)
    return elements, numbers_of, np.array(shared, np.int64), np.array(found, np.int64)


def _by_world(world: Any, worlds: int, what: str) -> np.ndarray:
    """Numbers of the things of each world, (worlds, count)."""
    world = world.numpy()
    lists = [np.flatnonzero(world == w) for w in range(worlds)]
    counts = sorted({len(entry) for entry in lists})
    if len(counts) > 1:
        raise EngineError(
            f"the worlds do not have the same {what}: between {counts[0]} and {counts[-1]};"
            " randomization needs worlds that are copies of one another"
        )
    return np.stack(lists) if lists else np.zeros((0, 0), np.int64)


def _inverse(to_newton: Any, newton: np.ndarray) -> np.ndarray:
    """Columns of MuJoCo's map in which the first world's numbers stand; -1 where they do not."""
    first = to_newton.numpy()[0]
    place = {int(number): column for column, number in reversed(list(enumerate(first))) if number >= 0}
    return np.array([place.get(int(number), -1) for number in newton[0]], np.int64)


def _held(mjw: Any) -> np.ndarray:
    """Which of MuJoCo's bodies have no degree of freedom between them and the world, bool (nbody,)."""
    parent, dofs = mjw.body_parentid.numpy(), mjw.body_dofnum.numpy()
    held = np.ones(len(parent), bool)
    for body in range(1, len(parent)):
        held[body] = held[parent[body]] and dofs[body] == 0
    return held


def _asset(label: str, assets: Sequence[Asset]) -> str | None:
    fits = [a for a in assets if label == a.path or label.startswith(a.path.rstrip("/") + "/") or not a.path]
    return max(fits, key=lambda a: len(a.path)).name if fits else None


def _last(label: str) -> str:
    return label.rstrip("/").rpartition("/")[2]
