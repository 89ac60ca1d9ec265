"""The transfer test: one bundle and its baselines, driven through the same scenes of one engine.

The folder that it fills holds an episode table per policy, filmstrips, a map of the paths and `transfer.json`; a run
that was stopped continues with the missing scenes.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.evaluate.engines.rover import ENGINES, check_rover, open_rover
from sim2real.evaluate.episodes import EpisodeTable, EvaluationError

POLICIES = ("float", "int8", "gap_follower", "always_forward")
"""Who can drive."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransferCfg:
    """What to drive, where and how often."""

    bundle: Path
    """The exported policy."""
    out: Path
    """Folder of the results."""
    physics: str = "ovphysx"
    """Engine to drive in: one of Isaac Lab's, or, without Isaac Lab, `mujoco` (its C library) or `dart`."""
    spec: str = "avoidance"
    """What the scenes and cameras are drawn from."""
    seed: int = 20261
    """Seed of the test scenes; not the one of the dataset."""
    episodes: dict[str, int] = dataclasses.field(
        default_factory=lambda: {"float": 200, "int8": 100, "gap_follower": 100, "always_forward": 100}
    )
    """Episodes per policy; each drives the scenes 0, 1, 2, … of the seed."""
    num_envs: int = 64
    """Scenes driven at a time."""
    moving: int = 0
    """Obstacles that move, 0 to 3."""
    device: str = "cpu"
    """Device of the engine and the renderer."""
    threads: int = 0
    """CPU threads of the policy; 0: all."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.episodes) - set(POLICIES))
        if unknown:
            raise EvaluationError(f"unknown policy {', '.join(unknown)}; allowed: {', '.join(POLICIES)}")
        for name, count in self.episodes.items():
            if count < 0:
                raise EvaluationError(f"episodes of {name}: got {count}; give 0 or more")
        if not any(self.episodes.values()):
            raise EvaluationError("every policy has 0 episodes; give at least one some")
        if not 0 <= self.moving <= 3:
            raise EvaluationError(f"moving: got {self.moving}; give 0 to 3")
        if self.num_envs < 1:
            raise EvaluationError(f"num_envs: got {self.num_envs}; give a whole number from 1")


def drive(
    cfg: TransferCfg, progress: Callable[[str], Callable[[int, int], None]] | None = None
) -> dict[str, EpisodeTable]:
    """Drive every policy of `cfg.episodes`; return their tables.

    Args:
        cfg: What to drive.
        progress: Gives, for a policy's name, what is called with (episodes done, episodes in all).

    Raises:
        EvaluationError, EngineUnavailable, ContractError, SpecError, LaunchError: before the engine starts where that
            can be known.
    """
    from sim2real.evaluate.rollout import rollout
    from sim2real.lab.launch import PHYSICS, check_device, check_physics
    from sim2real.spec import load_spec
    from sim2real_tasks.avoidance.terms import check_spec

    if cfg.physics not in (*PHYSICS, *ENGINES):
        raise EvaluationError(f"unknown physics '{cfg.physics}'; allowed: {', '.join((*PHYSICS, *ENGINES))}")
    if cfg.physics in PHYSICS:
        check_physics(cfg.physics)
    check_device(cfg.device)
    spec = load_spec(cfg.spec).with_seed(cfg.seed)
    check_spec(spec)
    if cfg.physics in ENGINES:
        check_rover(cfg.physics, spec, cfg.moving)
    wanted = [name for name, count in cfg.episodes.items() if count and (name != "int8" or has_int8(cfg.bundle))]
    drivers = {name: open_policy(cfg.bundle, name, cfg.threads) for name in wanted}
    claim_folder(cfg, spec.digest)
    tables = {
        name: EpisodeTable.open(
            cfg.out / "episodes" / f"{name}.jsonl",
            engine=cfg.physics,
            policy=name,
            policy_digest=driver.digest,
            spec_digest=spec.digest,
            seed=spec.seed,
        )
        for name, driver in drivers.items()
    }
    scenes = {name: range(cfg.episodes[name]) for name in drivers}
    steering = steering_of(cfg.bundle)
    # Colour is rendered only while somebody looks through the camera model, which loses dark surfaces.
    for colour in (True, False):
        names = [n for n in drivers if (drivers[n].observe == "noisy") == colour and tables[n].missing(scenes[n])]
        if not names:
            continue
        with open_env(cfg, min(cfg.num_envs, max(len(tables[n].missing(scenes[n])) for n in names)), colour) as env:
            for name in names:
                rollout(
                    env,
                    drivers[name],
                    scenes[name],
                    tables[name],
                    cfg.physics,
                    steering,
                    progress(name) if progress else None,
                    partial(save_film, cfg.out, name, cfg.physics),
                )
    return tables


def claim_folder(cfg: TransferCfg, spec_digest: str) -> None:
    """Write down what drives here and through what, or hold it against what an earlier run wrote down.

    Raises:
        EvaluationError: the folder belongs to another bundle, engine, spec, seed or number of moving obstacles.
    """
    from sim2real.contract.bundle import read_manifest

    settings = {
        "contract": read_manifest(cfg.bundle).contract.sha256,
        "physics": cfg.physics,
        "spec_digest": spec_digest,
        "seed": cfg.seed,
        "moving": cfg.moving,
    }
    path = cfg.out / "settings.json"
    if path.is_file():
        found = json.loads(path.read_text())
        differing = [key for key, value in settings.items() if found.get(key) != value]
        if differing:
            said = "; ".join(f"{key}: there {found.get(key)}, now {settings[key]}" for key in differing)
            raise EvaluationError(
                f"{cfg.out} holds another evaluation ({said}); nothing was changed. Give another --out"
            )
        return
    cfg.out.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(settings, indent=2) + "\n")
    temporary.replace(path)


def has_int8(bundle: Path) -> bool:
    """Whether the export kept an INT8 network."""
    from sim2real.contract.bundle import read_manifest

    manifest = read_manifest(bundle)
    return manifest.contract.model_file("int8") in manifest.files


def open_env(cfg: TransferCfg, num_envs: int, colour: bool) -> Any:
    """The task's environment for `cfg`, as a context manager."""
    from sim2real_tasks.avoidance import TASK

    if cfg.physics in ENGINES:
        from sim2real.spec import load_spec

        spec = load_spec(cfg.spec).with_seed(cfg.seed)
        return open_rover(cfg.physics, spec, num_envs, bundle_size(cfg.bundle), colour, cfg.moving)

    from sim2real.lab.launch import make_env

    changes: dict[str, Any] = {
        "scene.num_envs": num_envs,
        "set_image_size": bundle_size(cfg.bundle),
        "spec": cfg.spec,
        "spec_seed": cfg.seed,
        "colour": colour,
        "noise": colour,
        "moving": cfg.moving,
    }
    return make_env(TASK, cfg.physics, cfg.device, **changes)


def bundle_size(bundle: Path) -> int:
    """Width of the images that the bundle's policy takes [px]."""
    from sim2real.contract.bundle import read_manifest

    return read_manifest(bundle).contract.depth.preprocess.width


def steering_of(bundle: Path) -> Any:
    """The controller that the bundle was exported with."""
    from sim2real.contract.bundle import read_manifest
    from sim2real.deploy.steering import SteeringParams

    return SteeringParams(**read_manifest(bundle).contract.controller)


def open_policy(bundle: Path, name: str, threads: int = 0) -> Any:
    """Open one of `POLICIES`; the network's golden vectors are proven here."""
    from sim2real.evaluate.policies import AlwaysForwardPolicy, BundlePolicy, GapFollowerPolicy

    if name == "gap_follower":
        return GapFollowerPolicy()
    if name == "always_forward":
        return AlwaysForwardPolicy()
    from sim2real.contract.bundle import read_manifest
    from sim2real.deploy.runtime import PolicyRuntime

    runtime = PolicyRuntime(bundle, name, threads=threads, task="avoidance")
    manifest = read_manifest(bundle)
    return BundlePolicy(runtime, name, manifest.files[manifest.contract.model_file(name)].sha256)


def save_film(out: Path, name: str, engine: str, film: Any) -> None:
    """Draw the film of one episode."""
    from sim2real.evaluate.filmstrip import filmstrip

    strip = filmstrip(
        [{**frame, "depth_m": frame["depth_m"].astype(np.float32)} for frame in film.frames],
        geometry_of(film.obstacles, film.kinds),
        f"Scene {film.scene}: {film.outcome}",
        path=film.path,
        outcome=film.outcome,
        notes=(f"engine {engine}", f"policy {name}"),
        rover_size_m=rover_size(),
    )
    path = out / "films" / f"{name}-{film.outcome}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    strip.save(path)


def rover_size() -> tuple[float, float]:
    """Length and width of the rover's footprint [m]."""
    from sim2real_tasks.robots import rover

    return 2 * rover.BASE_HALF_LENGTH, rover.TRACK + 2 * rover.WHEEL_RADIUS


def geometry_of(obstacles: np.ndarray, kinds: np.ndarray) -> Any:
    """Obstacles (k, 3: x, y, yaw) of the kinds `kinds` (k,) as a `SceneGeometry`."""
    from sim2real.evaluate.filmstrip import SceneGeometry
    from sim2real_tasks.avoidance import arena

    boxes, cylinders = [], []
    for (x, y, yaw), kind in zip(obstacles.tolist(), kinds.tolist(), strict=True):
        what = arena.OBSTACLES[kind]
        if what.kind == "box":
            boxes.append((x, y, yaw, what.half_x, what.half_y))
        else:
            cylinders.append((x, y, what.half_x))
    return SceneGeometry(
        boxes=np.array(boxes).reshape(-1, 5),
        cylinders=np.array(cylinders).reshape(-1, 3),
        length=arena.LENGTH,
        width=arena.WIDTH,
    )


def draw_paths(table: EpisodeTable, spec: Any, title: str) -> Any:
    """A map of all paths of a table over all obstacles of its scenes."""
    from sim2real.evaluate.filmstrip import path_map
    from sim2real_tasks.avoidance.layout import draw_layouts

    results = list(table)
    layouts = draw_layouts(spec, np.array([result.scene for result in results]))
    geometries = [
        geometry_of(layouts.pose[i, layouts.used[i]], np.flatnonzero(layouts.used[i])) for i in range(len(results))
    ]
    return path_map([result.path for result in results], [result.outcome for result in results], geometries, title)


def write_summary(out: Path, cfg: TransferCfg, tables: dict[str, EpisodeTable]) -> Path:
    """Write `transfer.json`: what was driven and what came out."""
    content = {
        "bundle": cfg.bundle.name,
        "physics": cfg.physics,
        "spec": cfg.spec,
        "seed": cfg.seed,
        "moving": cfg.moving,
        "policies": {name: table.summary().to_dict() for name, table in tables.items()},
    }
    path = out / "transfer.json"
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    return path
