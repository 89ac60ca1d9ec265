"""Pictures of the avoidance arena by rays against its known shapes, for an engine that renders nothing.

Floor, walls and obstacles are a plane, upright boxes and upright cylinders: a ray meets each in closed form. One Warp
kernel casts all pixels of all rovers at once, on the CPU too.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Point = tuple[float, float, float]
GROUND_COLOUR = (0.32, 0.33, 0.34)
"""Of the floor, as in the task's scene."""
WALL_COLOUR = (0.70, 0.70, 0.65)
"""Of the walls, likewise."""


@lru_cache(maxsize=1)
def shapes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arena's walls and obstacles, in this order.

    Returns:
        Half sizes [m], float32 (k, 3), the radius first for a cylinder; whether each is one, int32 (k,); and what a
        pixel that hit floor, shape, ..., nothing looks like, uint8 (k + 2, 3).
    """
    from sim2real_tasks.avoidance import arena

    walls = wall_boxes()
    half = [size for _, size in walls.values()]
    half += [(shape.half_x, shape.half_y, arena.HEIGHT / 2) for shape in arena.OBSTACLES]
    is_round = [0] * len(walls) + [int(shape.kind == "cylinder") for shape in arena.OBSTACLES]
    colour = [GROUND_COLOUR, *[WALL_COLOUR] * len(walls), *[shape.colour for shape in arena.OBSTACLES], (0.0, 0.0, 0.0)]
    return np.array(half, np.float32), np.array(is_round, np.int32), (255.0 * np.array(colour)).astype(np.uint8)


def wall_boxes() -> dict[str, tuple[Point, Point]]:
    """Centre and half size of each wall [m]."""
    from sim2real_tasks.avoidance import arena

    half, thick = (arena.LENGTH - arena.ENTRANCE_X) / 2, arena.WALL_THICKNESS / 2
    middle, side, height = (arena.LENGTH + arena.ENTRANCE_X) / 2, arena.WIDTH / 2 + thick, arena.HEIGHT / 2
    return {
        "wall_left": ((middle, side, height), (half, thick, height)),
        "wall_right": ((middle, -side, height), (half, thick, height)),
        "wall_back": ((arena.ENTRANCE_X - thick, 0.0, height), (thick, side + thick, height)),
    }


def cast_arena(
    eye: np.ndarray, turn: np.ndarray, focal: np.ndarray, obstacles: np.ndarray, size: int, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of n scenes.

    Args:
        eye: where each camera is [m], (n, 3).
        turn: what turns camera vectors (x forward, y left, z up) into the arena's, (n, 3, 3).
        focal: focal length [px], (n,).
        obstacles: x, y, z of the centre and yaw of every obstacle [m, m, m, rad], (n, obstacles, 4).
        size: width and height of a picture [px].
        reach: depth beyond which nothing is seen [m].

    Returns:
        Depth along the camera's axis [m], float32 (n, size, size), 0 where nothing is seen; and colour, uint8
        (n, size, size, 3).
    """
    import warp as wp

    from sim2real.evaluate.engines.arena_ray_kernels import cast_rays

    half, is_round, colours = shapes()
    walls = np.array([(*centre, 0.0) for centre, _ in wall_boxes().values()])
    pose = np.concatenate([np.broadcast_to(walls, (len(eye), *walls.shape)), obstacles], axis=1).astype(np.float32)
    depth = wp.empty((len(eye), size, size), dtype=float, device="cpu")
    hit = wp.empty((len(eye), size, size), dtype=int, device="cpu")
    given = [
        wp.array(np.ascontiguousarray(values, np.float32), dtype=dtype, device="cpu")
        for values, dtype in ((eye, wp.vec3), (turn, wp.mat33), (focal, float), (pose, wp.vec4), (half, wp.vec3))
    ]
    kinds = wp.array(is_round, dtype=int, device="cpu")
    wp.launch(cast_rays, depth.shape, inputs=[*given, kinds, float(reach), depth, hit], device="cpu")
    return depth.numpy(), colours[hit.numpy()]
