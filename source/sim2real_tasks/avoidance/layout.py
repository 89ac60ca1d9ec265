"""Where the obstacles of a scene stand: keyed draws, then rules that keep the way open and the task honest.

Positions come from the spec's `obstacle_position` as a long list of candidates per scene; each is taken if the room
around it is right: an obstacle leaves at least `GAP` to its neighbours and to the walls, or stands so close that nobody
would try to pass. Two scenes' rules are never mixed, so a scene depends on its number alone. A layout is good when

- it has as many obstacles as were drawn,
- a disc of radius `PLANNER_RADIUS` can go from the start to the far side (flood fill on a grid), and
- the middle line is blocked at least `MIN_BLOCKERS` times, so that driving blindly fails.

A layout that is not good is drawn again with the next occurrence.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws import Draws
from sim2real.errors import Sim2RealError

from . import arena

if TYPE_CHECKING:
    from sim2real.spec import Spec

GAP = 0.95
"""A gap that is meant to be driven through is at least this wide [m]; the rover is 0.44 m wide."""
CLOSED = 0.06
"""A gap up to this wide counts as closed [m]."""
START_CLEAR = 1.1
"""No obstacle stands closer to the start than this, surface to centre [m]."""
PLANNER_RADIUS = 0.36
"""Radius of the disc that must fit through [m]: the rover's circumscribed radius of 0.22 m and room to turn."""
MIN_BLOCKERS = 2
"""How many obstacles at least stand across the straight way."""
BLOCKER_SPREAD = 0.06
"""Factor on the drawn y of those obstacles."""
MAX_ATTEMPTS = 20
"""How often a scene is drawn again before the spec is called impossible."""
CANDIDATES = 160
"""Candidate positions per attempt."""
CELL = 0.1
"""Grid size of the passability check [m]."""

RADII = np.array([o.radius for o in arena.OBSTACLES])
COUNT = len(arena.OBSTACLES)


class LayoutError(Sim2RealError):
    """The spec's obstacle draws do not fit into the arena."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Obstacles of n scenes, in the order of `arena.OBSTACLES`."""

    pose: np.ndarray
    """x, y, yaw in the arena frame [m, m, rad], float32 (n, 12, 3); an unused one keeps a place of its own, see
    `used`.
    """
    used: np.ndarray
    """Which obstacles stand in the scene, bool (n, 12)."""

    @property
    def height(self) -> np.ndarray:
        """Height of each obstacle's centre [m], float32 (n, 12): on the floor, or parked below it."""
        return np.where(self.used, arena.HEIGHT / 2, arena.PARKED_Z).astype(np.float32)


def draw_layouts(spec: Spec, scenes: np.ndarray, episode: np.ndarray | int = 0) -> Layout:
    """Lay out the scenes numbered `scenes` (n,) for the given episode(s).

    Raises:
        LayoutError: a scene stayed bad for `MAX_ATTEMPTS` draws.
    """
    scenes = np.asarray(scenes, dtype=np.int64)
    episodes = np.broadcast_to(np.asarray(episode, dtype=np.int64), scenes.shape)
    pose = np.zeros((len(scenes), COUNT, 3), np.float32)
    used = np.zeros((len(scenes), COUNT), bool)
    todo = np.arange(len(scenes))
    for attempt in range(MAX_ATTEMPTS):
        new_pose, new_used, good = _attempt(spec, scenes[todo], episodes[todo], attempt)
        pose[todo[good]], used[todo[good]] = new_pose[good], new_used[good]
        todo = todo[~good]
        if not len(todo):
            return Layout(pose=pose, used=used)
    raise LayoutError(
        f"scene {scenes[todo[0]]} has no good layout after {MAX_ATTEMPTS} draws; lower obstacle_count or widen"
        " obstacle_position in the spec"
    )


def _attempt(spec: Spec, scenes: np.ndarray, episode: np.ndarray, attempt: int):
    draws = Draws(spec.seed)
    key: dict[str, Any] = {"world": scenes, "episode": episode, "occurrence": attempt}
    terms = spec.terms
    wanted = draws.sample("obstacle_count", terms["obstacle_count"].dist, **key)[:, 0].astype(int)
    yaw = draws.sample("obstacle_yaw", terms["obstacle_yaw"].dist, count=COUNT, **key)
    places = draws.sample("obstacle_position", terms["obstacle_position"].dist, count=CANDIDATES, **key)[..., :2]
    order = draws.permutation("obstacle_order", scenes, COUNT, episode=episode, occurrence=attempt)
    n, rows = len(scenes), np.arange(len(scenes))
    pose = np.zeros((n, COUNT, 3), np.float32)
    pose[..., 0] = 1.0 + 0.6 * np.arange(COUNT)
    pose[..., 2] = yaw
    used = np.zeros((n, COUNT), bool)
    for c in range(CANDIDATES):
        placed = used.sum(1)
        if (placed >= wanted).all():
            break
        which = order[rows, np.minimum(placed, COUNT - 1)]
        radius, place = RADII[which], places[:, c].copy()
        place[:, 1] *= np.where(placed < MIN_BLOCKERS, BLOCKER_SPREAD, 1.0)
        place = _close_narrow_gaps(place, radius, pose, used)
        distance = _gaps(place, radius, pose)
        room = ~used | (distance >= GAP) | ((distance <= CLOSED) & (distance >= -CLOSED))
        to_wall = arena.WIDTH / 2 - np.abs(place[:, 1]) - radius
        fits = (to_wall >= GAP) | ((to_wall <= CLOSED) & (to_wall >= -CLOSED))
        start = np.linalg.norm(place - np.array([arena.START_X, 0.0]), axis=-1) - radius
        take = (placed < wanted) & room.all(1) & fits & (start > START_CLEAR)
        pose[rows[take], which[take], :2] = place[take]
        used[rows[take], which[take]] = True
    blockers = (used & (np.abs(pose[..., 1]) < RADII * 0.7)).sum(1)
    good = (used.sum(1) == wanted) & (blockers >= MIN_BLOCKERS)
    good[good] = passable(pose[good], used[good])
    return pose, used, good


def _gaps(place: np.ndarray, radius: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Gap [m] between a new obstacle at `place` (n, 2) and each obstacle of `pose` (n, 12, 3), circle to circle."""
    return np.linalg.norm(place[:, None] - pose[..., :2], axis=-1) - RADII - radius[:, None]


def _close_narrow_gaps(place: np.ndarray, radius: np.ndarray, pose: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Push candidates (n, 2) that leave a gap too narrow to drive through against their neighbour or the wall."""
    rows = np.arange(len(place))
    gap = np.where(used, _gaps(place, radius, pose), np.inf)
    nearest = gap.argmin(1)
    narrow = (gap[rows, nearest] > CLOSED) & (gap[rows, nearest] < GAP / 2)
    away = place - pose[rows, nearest, :2]
    away /= np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
    touching = pose[rows, nearest, :2] + away * (RADII[nearest] + radius)[:, None]
    place = np.where(narrow[:, None], touching, place).astype(np.float32)
    to_wall = arena.WIDTH / 2 - np.abs(place[:, 1]) - radius
    at_wall = np.sign(place[:, 1]) * (arena.WIDTH / 2 - radius)
    place[:, 1] = np.where((to_wall < GAP) & ~narrow, at_wall, place[:, 1])
    return place


def passable(pose: np.ndarray, used: np.ndarray, radius: float = PLANNER_RADIUS) -> np.ndarray:
    """Whether a disc of `radius` can travel from the start to the far side: flood fill over a grid, bool (n,)."""
    x = np.arange(arena.ENTRANCE_X + CELL / 2, arena.LENGTH, CELL)
    y = np.arange(-arena.WIDTH / 2 + CELL / 2, arena.WIDTH / 2, CELL)
    inside = (arena.WIDTH / 2 - np.abs(y) > radius) & (x > arena.ENTRANCE_X + radius)[:, None]
    free = np.repeat(inside[None], len(pose), 0)
    across = (x - pose[..., 0, None]).astype(np.float32) ** 2  # (n, 12, X)
    along = (y - pose[..., 1, None]).astype(np.float32) ** 2
    for k in range(COUNT):
        bound = np.where(used[:, k], np.float32((RADII[k] + radius) ** 2), np.float32(-1.0))  # unused: blocks nothing
        free &= across[:, k, :, None] + along[:, k, None, :] > bound[:, None, None]
    reached = np.zeros_like(free)
    start = (np.abs(x - arena.START_X).argmin(), np.abs(y).argmin())
    reached[:, start[0], start[1]] = free[:, start[0], start[1]]
    while True:
        grown = reached.copy()
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown[:, :, 1:] |= reached[:, :, :-1]
        grown[:, :, :-1] |= reached[:, :, 1:]
        grown &= free
        if (grown == reached).all():
            break
        reached = grown
    return reached[:, x >= arena.GOAL_X].any((1, 2))
