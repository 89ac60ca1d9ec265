"""What was clicked, as physics: the articulations or the rigid bodies at, below or above the selected prims.

Only USD is read here, so this file is the same for every version of Isaac Sim. One articulation is one world of the
randomizer; several must be of the same robot. Loose rigid bodies are the bodies of a single world.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim2real.engines.engine import Element, Elements
from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    from pxr import Usd

ROBOT, GROUND = "robot", "ground"
"""Assets, by the names that a spec knows: what was selected, and everything that cannot move."""


class StageError(Sim2RealError):
    """What stands in the way of randomizing the opened stage."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Prims that are randomized together."""

    articulated: bool
    """Whether the paths are articulations; else they are rigid bodies."""
    paths: tuple[str, ...]
    """Paths of the articulation roots, one world each; or of the rigid bodies, all in one world."""
    models: tuple[str, ...]
    """For an articulation: the prim below which all of its links are. Else the bodies themselves."""

    @property
    def num_worlds(self) -> int:
        """Worlds that the selection makes."""
        return len(self.paths) if self.articulated else 1

    @property
    def title(self) -> str:
        """What it is, for people."""
        kind = "articulation" if self.articulated else "rigid body"
        if len(self.paths) == 1:
            return f"{kind} {self.paths[0]}"
        kinds = "articulations" if self.articulated else "rigid bodies"
        return f"{len(self.paths)} {kinds}: {', '.join(self.paths[:3])}{', ...' if len(self.paths) > 3 else ''}"


def find_selection(stage: Usd.Stage, paths: Sequence[str]) -> Selection:
    """Return what the selected prims mean.

    Raises:
        StageError: nothing is selected, nothing there has physics, or the articulations are of different robots.
    """
    if not paths:
        raise StageError("nothing is selected; click a robot or rigid bodies in the viewport or in the Stage window")
    prims = [stage.GetPrimAtPath(path) for path in paths]
    for path, prim in zip(paths, prims, strict=True):
        if not prim:
            raise StageError(f"{path}: there is no such prim in the opened stage; select one that is there")
    if roots := _found(prims, _is_articulation):
        return _articulations(stage, roots)
    if bodies := _found(prims, _is_body):
        found = tuple(str(prim.GetPath()) for prim in bodies)
        names = [prim.GetName() for prim in bodies]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise StageError(
                f"several selected bodies are named {', '.join(twice)}; their draws go by name: rename them, or select"
                " one at a time"
            )
        return Selection(articulated=False, paths=found, models=found)
    raise StageError(
        f"{', '.join(paths[:3])}: no articulation and no rigid body there, below or above; select a robot, or add"
        " Physics > Rigid Body to the prim"
    )


def _articulations(stage: Usd.Stage, roots: list[Usd.Prim]) -> Selection:
    models = [_model_of(root) for root in roots]
    links = [tuple(sorted(prim.GetName() for prim in _below(model) if _is_body(prim))) for model in models]
    for model, names in zip(models, links, strict=True):
        if names != links[0]:
            raise StageError(
                f"{models[0].GetPath()} and {model.GetPath()} are different robots: {len(links[0])} and {len(names)}"
                " links, or other names; select robots of one kind"
            )
    return Selection(
        articulated=True,
        paths=tuple(str(root.GetPath()) for root in roots),
        models=tuple(str(model.GetPath()) for model in models),
    )


def _is_articulation(prim: Usd.Prim) -> bool:
    from pxr import UsdPhysics

    return prim.HasAPI(UsdPhysics.ArticulationRootAPI)


def _is_body(prim: Usd.Prim) -> bool:
    from pxr import UsdPhysics

    return prim.HasAPI(UsdPhysics.RigidBodyAPI)


def _is_collider(prim: Usd.Prim) -> bool:
    from pxr import UsdPhysics

    return prim.HasAPI(UsdPhysics.CollisionAPI)


def _below(prim: Usd.Prim) -> Iterable[Usd.Prim]:
    """The prim and everything below it, instances included."""
    from pxr import Usd

    return Usd.PrimRange(prim, Usd.TraverseInstanceProxies())


def _found(prims: Sequence[Usd.Prim], wanted) -> list[Usd.Prim]:  # type: ignore[no-untyped-def]
    """Return the wanted prims at or below the selected ones, else the nearest above; each once, in order."""
    found: dict[str, Usd.Prim] = {}
    for prim in prims:
        here = [one for one in _below(prim) if wanted(one)]
        above = prim
        while not here and above and not above.IsPseudoRoot():
            above = above.GetParent()
            here = [above] if above and wanted(above) else []
        for one in here:
            found.setdefault(str(one.GetPath()), one)
    return list(found.values())


def _model_of(root: Usd.Prim) -> Usd.Prim:
    """Return the prim that holds all links: an importer may put the root's mark on a link or a joint instead."""
    from pxr import UsdPhysics

    on_part = _is_body(root) or root.IsA(UsdPhysics.Joint)
    return root.GetParent() if on_part and not root.GetParent().IsPseudoRoot() else root


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The elements of a selection, and the colliders that they are."""

    elements: Elements
    """Bodies and joints in the simulator's order; shapes in the stage's."""
    colliders: tuple[tuple[str, ...], ...]
    """Path of each shape's prim, by world; static ones are the same prim in every world."""


def find_parts(stage: Usd.Stage, selection: Selection, bodies: Sequence[str], joints: Sequence[str]) -> Parts:
    """Return the elements of a selection.

    Args:
        stage: The opened stage.
        selection: What was clicked.
        bodies: Names of the links, in the simulator's order.
        joints: Names of the joints with one degree of freedom, in the simulator's order.

    Raises:
        StageError: the robots' colliders differ.
    """
    sliding = _sliding(stage, selection)
    index = {name: i for i, name in enumerate(bodies)}
    shapes: list[Element] = []
    columns: list[tuple[str, ...]] = []
    if selection.articulated:
        by_world = [_shapes_below(stage.GetPrimAtPath(model), index) for model in selection.models]
        for names in by_world[1:]:
            if list(names) != list(by_world[0]):
                raise StageError("the selected robots have different colliders; select robots of one kind")
        first = by_world[0]
        columns = [tuple(found[name][0] for found in by_world) for name in first]
        shapes = [Element(asset=ROBOT, name=name, body=first[name][1]) for name in first]
    else:
        for path in selection.paths:
            for name, (collider, body) in _shapes_below(stage.GetPrimAtPath(path), index).items():
                shapes.append(Element(asset=ROBOT, name=name, body=body))
                columns.append((collider,))
    names_seen: dict[str, int] = {}
    for prim in stage.Traverse():
        if _is_collider(prim) and _body_above(prim) is None:
            name = prim.GetName()
            names_seen[name] = names_seen.get(name, 0) + 1
            name = name if names_seen[name] == 1 else f"{name}_{names_seen[name]}"
            shapes.append(Element(asset=GROUND, name=name, fixed=True))
            columns.append((str(prim.GetPath()),) * selection.num_worlds)
    return Parts(
        elements=Elements(
            body=tuple(Element(asset=ROBOT, name=name) for name in bodies),
            joint=tuple(Element(asset=ROBOT, name=name, prismatic=name in sliding) for name in joints),
            shape=tuple(shapes),
        ),
        colliders=tuple(zip(*columns, strict=True)) if columns else ((),) * selection.num_worlds,
    )


def _sliding(stage: Usd.Stage, selection: Selection) -> set[str]:
    from pxr import UsdPhysics

    if not selection.articulated:
        return set()
    model = stage.GetPrimAtPath(selection.models[0])
    return {prim.GetName() for prim in _below(model) if prim.IsA(UsdPhysics.PrismaticJoint)}


def _body_above(prim: Usd.Prim) -> Usd.Prim | None:
    while prim and not prim.IsPseudoRoot():
        if _is_body(prim):
            return prim
        prim = prim.GetParent()
    return None


def _shapes_below(prim: Usd.Prim, index: dict[str, int]) -> dict[str, tuple[str, int]]:
    """Return `<body>/<number>` -> (path, number of the body) of the colliders that belong to known bodies."""
    counts: dict[str, int] = {}
    found: dict[str, tuple[str, int]] = {}
    for one in _below(prim):
        body = _body_above(one) if _is_collider(one) else None
        if body is None or body.GetName() not in index:
            continue
        name = body.GetName()
        found[f"{name}/{counts.get(name, 0)}"] = (str(one.GetPath()), index[name])
        counts[name] = counts.get(name, 0) + 1
    return found
