"""What a spec says about how things are made: lengths of links, sizes of geometry, the ground.

These cannot change while a simulation runs, so they are built: :func:`build` changes a task's configuration before the
environment is made. The robot becomes several robots, one for each world up to `variants`; the ground becomes uneven.
What was built is written down in the configuration, and the events of the same spec check it: an environment that was
built with another spec, or not at all, is refused.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim2real.draws import Draws
from sim2real.engines.engine import Element, Elements, EngineError, Support
from sim2real.engines.resolve import Resolved, resolve
from sim2real.lab.build_usd import BuildError, LinkChange, Robot
from sim2real.lab.build_worlds import by_world, global_worlds
from sim2real.spec import Spec, load_spec
from sim2real.spec.targets import TARGETS
from sim2real.spec.writing import canonical

GROUND = "terrain.height"
ROBOTS = ("link.length", "geometry.scale")
BUILT = (GROUND, *ROBOTS)
"""Targets that are built."""
REMEDY = "it is built with the scene: call sim2real.lab.build(cfg, spec) before the environment is made"
VARIANTS = 64
"""Robots that are made by default."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a configuration was built from."""

    terms: Mapping[str, str]
    """By term: the seed and the term as text."""
    variants: int = 0
    """How many robots there are; world w has number w mod this."""
    first_world: int | None = None
    """Global number of world 0; None for that of the process's rank."""
    notes: Mapping[str, str]
    """By term: what is not changed, and why."""


def build(
    cfg: Any,
    spec: Spec | str,
    *,
    variants: int = VARIANTS,
    first_world: int | None = None,
    pitch: float = 0.25,
    flat: float = 0.5,
    margin: float = 30.0,
) -> Built:
    """Change a task's configuration so that its scene is made as a spec says; call it once.

    Terms on `link.length` and `geometry.scale` turn the robot's USD into `variants` robots, and world w gets number
    w mod `variants`; robot k is drawn as world k is, whatever num_envs. A term on `terrain.height` replaces the scene's
    flat ground by a mesh. The rest of the spec is left to :func:`sim2real.lab.events`.

    Args:
        cfg: configuration of a task with a scene, not yet an environment.
        spec: a spec, a preset's name, or a file.
        variants: how many robots to make. With fewer than there are worlds, several worlds share a robot, and draws of
            these terms are not observed; with 1 there is one draw per run.
        first_world: global id of environment 0, as in `events`; by default rank x num_envs of a distributed run.
        pitch: distance between two nodes of the ground [m].
        flat: radius of the flat ground around each start [m].
        margin: how far uneven ground reaches beyond the outermost starts [m].

    Returns:
        What was built; empty where the spec says nothing about it.

    Raises:
        SpecError: the spec is wrong.
        Sim2RealError: the scene cannot be built so.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    if variants < 1:
        raise BuildError(f"variants is {variants}; give 1 or more")
    if built_of(cfg) is not None:
        raise BuildError("this configuration was built before; make a new one, and build it once")
    terms = {name: term for name, term in spec.terms.items() if term.target in BUILT}
    notes: dict[str, str] = {}
    sizes = [name for name, term in terms.items() if term.target in ROBOTS]
    ground = [name for name, term in terms.items() if term.target == GROUND]
    if len(ground) > 1:
        raise BuildError(f"terms {', '.join(ground)} all draw terrain.height; there is one ground, so give one term")
    if min(pitch, margin) <= 0.0 or flat < 0.0:
        raise BuildError(f"pitch {pitch}, margin {margin}, flat {flat}: give lengths above 0 m; flat may be 0")
    if sizes:
        notes |= _build_robots(cfg.scene, spec, sizes, variants, first_world, type(cfg.sim.physics).__name__)
    for name in ground:
        _build_ground(cfg.scene, spec, name, first_world, {"pitch": pitch, "flat": flat, "margin": margin})
    built = Built(
        terms={name: said(spec, name) for name in terms},
        variants=variants if sizes else 0,
        first_world=first_world,
        notes=notes,
    )
    if terms:
        cfg.sim2real_built = json.dumps(built.__dict__)
    return built


def built_of(cfg: Any) -> Built | None:
    """Return what a configuration was built from; None where nothing was."""
    text = getattr(cfg, "sim2real_built", None)
    return None if text is None else Built(**json.loads(text))


def said(spec: Spec, name: str) -> str:
    """Return what decides a term's draws, as text."""
    form = canonical(spec)["terms"][name]
    form.pop("skip_on", None)
    return json.dumps([spec.seed, form], sort_keys=True)


def support_of_built(
    cfg: Any, spec: Spec, num_envs: int, first_world: int
) -> tuple[dict[str, Support], dict[str, str]]:
    """Return what a running environment holds of the targets that are built.

    Returns:
        support by target, for those whose draws are the worlds' own and for those that were not built; and by target
        what to say about the others, whose draws are not by world.

    Raises:
        BuildError: the environment was built with other terms, or for other worlds.
    """
    built = built_of(cfg)
    wanted = {name: said(spec, name) for name, term in spec.terms.items() if term.target in BUILT}
    if built is None:
        return dict.fromkeys(BUILT, Support(able=False, note=REMEDY)), {}
    if dict(built.terms) != wanted:
        names = sorted(name for name in {*wanted, *built.terms} if wanted.get(name) != built.terms.get(name))
        raise BuildError(
            f"the scene was built with another spec than its events have: terms.{', terms.'.join(names)} differ; give"
            " sim2real.lab.build and sim2real.lab.events the same spec"
        )
    first = int(global_worlds(1, built.first_world)[0]) if built.first_world is not None else None
    if first is not None and first != first_world:
        raise BuildError(
            f"the scene was built for worlds from {first}, and its events are for worlds from {first_world}; give both"
            " the same first_world"
        )
    notes = "; ".join(dict.fromkeys(built.notes.values()))
    elsewhere = {GROUND: "built: a mesh, heights drawn node by node"}
    if first_world + num_envs > built.variants:
        shared = f"built: {built.variants} robots, world w has number w mod {built.variants}"
        if built.variants == 1:
            shared = "built: one robot for all worlds, drawn once per run, as for world 0"
        return {}, elsewhere | dict.fromkeys(ROBOTS, f"{shared}; {notes}" if notes else shared)
    own = Support(able=True, where="the robot's USD, before the scene was made", note=notes)
    return dict.fromkeys(ROBOTS, own), elsewhere


def _build_robots(
    scene: Any, spec: Spec, names: list[str], variants: int, first_world: int | None, physics: str
) -> dict[str, str]:
    """Replace the robot by several; return what is not changed, by term."""
    from isaaclab.cloner import sequential
    from isaaclab.sim import MultiUsdFileCfg, UsdFileCfg

    asset = _one_asset(scene, spec, names)
    cfg = getattr(scene, asset)
    if not isinstance(cfg.spawn, UsdFileCfg) or isinstance(cfg.spawn, MultiUsdFileCfg):
        raise BuildError(
            f"asset '{asset}' is spawned by {type(cfg.spawn).__name__}; robots are built from one USD file, so give it"
            " a UsdFileCfg"
        )
    if scene.clone_cfg.clone_strategy is not sequential or scene.clone_cfg.clone_combinations:
        raise BuildError("the scene says itself which world gets what (scene.clone_cfg); leave it as it is by default")
    _refuse_cameras(scene, asset, variants, physics)
    robot = Robot(cfg.spawn.usd_path)
    terms = {name: _resolved(spec, name, asset, robot) for name in names}
    notes = {name: note for name, resolved in terms.items() if (note := _left(resolved, robot))}
    drawn = {name: draws_of(spec, resolved, np.arange(variants)) for name, resolved in terms.items()}
    files = [robot.write(_changes(terms, {n: d[k] for n, d in drawn.items()}, robot)) for k in range(variants)]
    kept = {key: value for key, value in vars(cfg.spawn).items() if key not in ("func", "usd_path")}
    changed = copy.copy(cfg)
    setattr(scene, asset, changed)
    if variants == 1:
        changed.spawn = copy.copy(cfg.spawn)
        changed.spawn.usd_path = files[0]
        return notes
    changed.spawn = MultiUsdFileCfg(**kept, usd_path=files, random_choice=False)
    scene.clone_cfg = copy.copy(scene.clone_cfg)
    scene.clone_cfg.clone_strategy = (
        by_world if first_world is None else functools.partial(by_world, first_world=first_world)
    )
    return notes


def _refuse_cameras(scene: Any, asset: str, variants: int, physics: str) -> None:
    """On ovphysx Isaac Lab's Newton renderer copies a camera and the robot that carries it from one world."""
    from isaaclab.sensors import CameraCfg

    if variants == 1 or physics != "OvPhysxCfg":
        return
    below = getattr(scene, asset).prim_path + "/"
    carried = [
        name
        for name, cfg in vars(scene).items()
        if isinstance(cfg, CameraCfg) and cfg.spawn is not None and cfg.prim_path.startswith(below)
    ]
    if carried:
        raise BuildError(
            f"{', '.join(carried)} hangs on '{asset}', and on ovphysx a robot with a camera is the same in all worlds:"
            " give variants=1, which draws it once per run, or use newton_mjwarp"
        )


def _one_asset(scene: Any, spec: Spec, names: list[str]) -> str:
    assets = [name for name, cfg in vars(scene).items() if getattr(cfg, "spawn", None) is not None]
    found = set()
    for name in names:
        matching = [asset for asset in assets if re.fullmatch(spec.terms[name].asset, asset)]
        if not matching:
            raise BuildError(
                f"terms.{name}: asset '{spec.terms[name].asset}' matches nothing that is spawned; the scene has"
                f" {', '.join(assets)}"
            )
        found.update(matching)
    if len(found) > 1:
        raise BuildError(
            f"{', '.join(sorted(found))}: links and sizes of one asset can be built; name one with 'asset'"
        )
    return found.pop()


def _resolved(spec: Spec, name: str, asset: str, robot: Robot) -> Resolved:
    """Return a term with its links found, by the names that the engines will know."""
    term, faults = spec.terms[name], list[str]()
    elements = Elements(
        body=tuple(Element(asset=asset, name=link) for link in robot.links),
        joint=(),
        shape=(),
    )
    resolved = resolve(name, term, TARGETS[term.target], elements, faults)
    if resolved is None:
        raise EngineError("; ".join(faults))
    if term.target == "link.length" and all(robot.axis(link) is None for link in _links(resolved, robot)):
        raise BuildError(
            f"terms.{name}: nothing hangs on {', '.join(_links(resolved, robot))}, so they have no length; select links"
            " that carry a joint"
        )
    return resolved


def _links(resolved: Resolved, robot: Robot) -> list[str]:
    every = list(robot.links)
    return [every[i] for i in resolved.elements]


def _left(resolved: Resolved, robot: Robot) -> str:
    """Return which selected links a term leaves as they are, and why."""
    if resolved.term.target != "link.length":
        return ""
    ends = [link for link in _links(resolved, robot) if robot.axis(link) is None]
    return f"nothing hangs on {', '.join(ends)}: no length to change" if ends else ""


def draws_of(spec: Spec, resolved: Resolved, worlds: np.ndarray) -> np.ndarray:
    """Return a built term's factors by element, float32 (worlds, elements, 3); a scalar is given three times."""
    dist = resolved.term.dist
    drawn = Draws(spec.seed).sample(resolved.name, dist, worlds, count=resolved.count)
    drawn = drawn.reshape(len(worlds), resolved.count, dist.dim)[:, list(resolved.slots)]
    return np.broadcast_to(drawn, (*drawn.shape[:2], 3))


def _changes(terms: Mapping[str, Resolved], drawn: Mapping[str, np.ndarray], robot: Robot) -> dict[str, LinkChange]:
    """Return what is different about each link of one robot; factors of several terms multiply."""
    found: dict[str, LinkChange] = {}
    for name, resolved in terms.items():
        for link, factors in zip(_links(resolved, robot), drawn[name], strict=True):
            old = found.get(link, LinkChange())
            if resolved.term.target == "link.length":
                new = LinkChange(stretch=old.stretch * float(factors[0]), size=old.size, density=old.density)
            else:
                if link in {n for n, change in found.items() if change.size != (1.0, 1.0, 1.0)}:
                    raise BuildError(f"two terms on geometry.scale select link '{link}'; let one do")
                size = tuple(float(factor) for factor in factors)
                new = LinkChange(stretch=old.stretch, size=size, density=resolved.term.keep == "density")  # type: ignore[arg-type]
            found[link] = new
    return found


def _build_ground(scene: Any, spec: Spec, name: str, first_world: int | None, shape: Mapping[str, float]) -> None:
    """Replace the scene's flat ground by one of drawn heights."""
    from isaaclab.terrains import TerrainImporterCfg

    from sim2real.lab.build_ground import GroundCfg, GroundImporterCfg

    found = [key for key in ("terrain", "ground") if getattr(scene, key, None) is not None]
    if len(found) != 1:
        raise BuildError(f"terms.{name}: the scene has {' and '.join(found) or 'no ground'}; give it one flat ground")
    old = getattr(scene, found[0])
    if isinstance(old, TerrainImporterCfg) and old.terrain_type != "plane":
        raise BuildError(f"terms.{name}: the scene's terrain is a {old.terrain_type} already; heights go on a plane")
    surface = old if isinstance(old, TerrainImporterCfg) else old.spawn
    standing = [key for key, cfg in vars(scene).items() if _stands(cfg)]
    if standing and scene.env_spacing:
        raise BuildError(
            f"terms.{name}: {', '.join(standing)} stand in every world and cannot move to where it starts on uneven"
            " ground; set scene.env_spacing = 0"
        )
    generator = GroundCfg(
        spec=_alone(spec, name).to_yaml(), first_world=-1 if first_world is None else first_world, **shape
    )
    ground = GroundImporterCfg(
        terrain_type="generator",
        terrain_generator=generator,
        visual_material=getattr(surface, "visual_material", None),
    )
    if getattr(surface, "physics_material", None) is not None:
        ground.physics_material = surface.physics_material
    if found[0] == "ground":
        scene.ground = None
    scene.terrain = ground


def _alone(spec: Spec, name: str) -> Spec:
    """Return the seed and one term of a spec."""
    from sim2real.spec.frozen import FrozenDict

    return Spec(
        schema=spec.schema, seed=spec.seed, unsupported=spec.unsupported, terms=FrozenDict({name: spec.terms[name]})
    )


def _stands(cfg: Any) -> bool:
    """Whether an entry of a scene stands still in every world."""
    from isaaclab.assets import ArticulationCfg, AssetBaseCfg, RigidObjectCfg

    if not isinstance(cfg, AssetBaseCfg) or isinstance(cfg, ArticulationCfg | RigidObjectCfg):
        return False
    return "{ENV_REGEX_NS}" in cfg.prim_path or "/envs/" in cfg.prim_path


__all__ = ["BUILT", "BuildError", "Built", "build", "built_of", "support_of_built"]
