"""Uneven ground from a spec: a mesh whose heights are drawn node by node, and worlds that always stand in one place.

The ground is a lattice without end. A node's height is a draw keyed by where the node is, so it is a function of seed,
term and place alone. Where a world stands is a function of its global number alone: worlds fill a square that grows
at two sides. So world 17 starts on the same ground with 32 or 4096 worlds, on any rank; only how much of the lattice
is made differs. Around each start the ground is flat, and far outside it ends in a flat rim.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from isaaclab.terrains import TerrainGeneratorCfg, TerrainImporter, TerrainImporterCfg
from isaaclab.utils import configclass

from sim2real.draws import Draws
from sim2real.errors import Sim2RealError
from sim2real.lab.build_worlds import global_worlds
from sim2real.spec import parse_spec

HALF = 2**15
"""Nodes of the lattice on each side of its origin; a node's number has 32 bits."""
RIM = 100.0
"""Width of the flat rim [m]."""


def cells(worlds: np.ndarray) -> np.ndarray:
    """Return the cell (i, j) of each world, int64 (n, 2): shell s of a square holds worlds s² to (s + 1)² - 1."""
    worlds = np.asarray(worlds, np.int64)
    shell = np.sqrt(worlds.astype(np.float64)).astype(np.int64)
    rest = worlds - shell**2
    return np.stack([np.where(rest <= shell, shell, 2 * shell - rest), np.where(rest <= shell, rest, shell)], axis=1)


def heights(seed: int, name: str, dist: Any, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return the drawn heights of nodes [m], float32 (len(i), len(j)).

    Raises:
        Sim2RealError: a node lies further out than the lattice has numbers.
    """
    if max(np.abs(i).max(), np.abs(j).max()) >= HALF:
        raise Sim2RealError(f"the ground reaches {np.abs(i).max()} nodes out; {HALF} is the most: use a wider pitch")
    node = ((i[:, None] + HALF) * 2**16 + (j[None, :] + HALF)).ravel()
    return Draws(seed).sample(name, dist, node).reshape(len(i), len(j))


def lattice(cfg: Any, worlds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x (n,), y (m,) and height (n, m) [m] of the ground under some worlds, its rim included."""
    spec = parse_spec(cfg.spec, "terrain")
    ((name, term),) = spec.terms.items()
    corner = cells(worlds) * cfg.spacing
    axes = []
    for low, high in zip(corner.min(axis=0) - cfg.margin, corner.max(axis=0) + cfg.margin, strict=True):
        axes.append(np.arange(np.floor(low / cfg.pitch), np.ceil(high / cfg.pitch) + 1).astype(np.int64))
    x, y = (axis * cfg.pitch for axis in axes)
    height = heights(spec.seed, name, term.dist, *axes)
    away = [_to_start(values, cfg.spacing) for values in (x, y)]
    if cfg.flat > 0.0:  # a cell is flat where its four nodes are
        height[np.hypot(away[0][:, None], away[1][None, :]) < cfg.flat + math.sqrt(2.0) * cfg.pitch] = 0.0
    height[[0, -1], :] = 0.0
    height[:, [0, -1]] = 0.0
    x, y = (np.concatenate([[v[0] - RIM], v, [v[-1] + RIM]]) for v in (x, y))
    return x, y, np.pad(height, 1)


def _to_start(values: np.ndarray, spacing: float) -> np.ndarray:
    """Return how far coordinates are from the nearest cell's, whether a world stands there or not."""
    if spacing == 0.0:
        return np.abs(values)
    return np.abs(values - spacing * np.maximum(np.round(values / spacing), 0.0))


def grid_mesh(x: np.ndarray, y: np.ndarray, height: np.ndarray) -> Any:
    """Return a mesh through all nodes, two triangles for each cell, split along the same diagonal, facing up."""
    import trimesh

    points = np.stack([*np.meshgrid(x, y, indexing="ij"), height], axis=-1).reshape(-1, 3)
    number = np.arange(len(points)).reshape(height.shape)
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    faces = np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return trimesh.Trimesh(points, faces, process=False)


class GroundGenerator:
    """Makes the mesh; Isaac Lab's terrain importer asks for it."""

    def __init__(self, cfg: GroundCfg, device: str = "cpu") -> None:
        """Draw the heights."""
        self.cfg = cfg
        worlds = global_worlds(cfg.num_envs, None if cfg.first_world < 0 else cfg.first_world)
        self.terrain_mesh = grid_mesh(*lattice(cfg, worlds))
        self.terrain_origins = np.concatenate([cells(worlds) * cfg.spacing, np.zeros((len(worlds), 1))], axis=1)
        self.flat_patches: dict[str, Any] = {}


class GroundImporter(TerrainImporter):
    """Puts the ground into the scene, and worlds on their cells."""

    def __init__(self, cfg: TerrainImporterCfg) -> None:
        """Take the number of worlds and their spacing from the scene, which sets them on `cfg`."""
        cfg.terrain_generator.num_envs = cfg.num_envs
        cfg.terrain_generator.spacing = float(cfg.env_spacing or 0.0)
        super().__init__(cfg)

    def configure_env_origins(self, origins: Any = None) -> None:
        """Set where each world stands: at its own cell, not drawn, so that no global generator is asked."""
        import torch

        self.terrain_origins = None
        self.env_origins = torch.as_tensor(np.asarray(origins), dtype=torch.float32, device=self.device)


@configclass
class GroundCfg(TerrainGeneratorCfg):
    """What the ground is made from."""

    class_type: type | str = "{DIR}.build_ground:GroundGenerator"
    """Who makes it."""
    size: tuple[float, float] = (1.0, 1.0)
    """Not used: the ground is no grid of sub-terrains."""
    sub_terrains: dict[str, Any] = {}
    """Not used."""
    spec: str = ""
    """A spec with the seed and the one term, as text."""
    pitch: float = 0.25
    """Distance between nodes [m]."""
    flat: float = 0.5
    """Radius of the flat ground around each start [m]."""
    margin: float = 30.0
    """How far the uneven ground reaches beyond the outermost starts [m]."""
    num_envs: int = 1
    """Worlds of this process; set by the importer."""
    spacing: float = 0.0
    """Distance between the starts [m]; set by the importer."""
    first_world: int = -1
    """Global number of world 0; -1 for that of the process's rank."""


@configclass
class GroundImporterCfg(TerrainImporterCfg):
    """The ground as Isaac Lab's scene takes it."""

    class_type: type | str = "{DIR}.build_ground:GroundImporter"
    """Who imports it."""
    prim_path: str = "/World/ground"
    """Where it stands."""
