"""Made-up episodes with believable geometry, for pictures and reports; nothing here was driven by a simulator."""

import numpy as np

from sim2real.evaluate.episodes import EpisodeResult, EpisodeTable
from sim2real.evaluate.filmstrip import SceneGeometry


def arena(seed=0):
    """A 9 x 4 m arena with four rows of obstacles."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.linspace(2.0, 7.1, 4), 2) + rng.uniform(-0.1, 0.1, 8)
    across = np.stack([rng.uniform(-1.4, -0.2, 4), rng.uniform(0.3, 1.4, 4)], axis=1).ravel()
    boxes = np.stack([rows, across, rng.uniform(0, 3, 8), np.full(8, 0.2), np.full(8, 0.2)], axis=1)[::2]
    cylinders = np.stack([rows, across, np.full(8, 0.2)], axis=1)[1::2]
    return SceneGeometry(boxes=boxes, cylinders=cylinders, length=9.0, width=4.0)


def path(seed=0, length=7.9, steps=170):
    """A winding path from the left to the right."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0.4, 0.4 + length, steps)
    y = sum(rng.normal(0, 0.35 / k) * np.sin(k * x * 0.7 + rng.uniform(0, 6)) for k in (1, 2, 3)) * np.minimum(
        1, x - 0.4
    )
    y = np.clip(y, -1.6, 1.6)
    return np.stack([x, y, np.arctan2(np.gradient(y), np.gradient(x))], axis=1)


def frames(seed=0, length=7.9, colour=False):
    """Moments along a path, with a depth image that has holes."""
    rng = np.random.default_rng(seed)
    poses = path(seed, length)
    result = []
    for i in np.linspace(0, len(poses) - 1, 12).astype(int):
        rows = np.arange(96)[:, None]
        depth = np.where(rows > 48, 0.2 * 40 / np.maximum(rows - 47.5, 0.5), 4.0) * np.ones((96, 96))
        left = int(rng.integers(5, 60))
        depth[25:70, left : left + 25] = np.minimum(depth[25:70, left : left + 25], rng.uniform(0.5, 2.5))
        depth = np.clip(depth, 0, 4) + rng.normal(0, 0.01, (96, 96)) * depth**2
        depth[rng.random((96, 96)) < 0.01] = 0.0
        depth[25:70, left - 2 : left] = 0.0
        image = (255 * (1 - np.clip(depth, 0, 4) / 4))[..., None].repeat(3, -1).astype(np.uint8) if colour else None
        action = ("forward", "forward", "left", "right")[int(rng.integers(4))]
        result.append({"time_s": i / 10, "pose": tuple(poses[i]), "depth_m": depth, "colour": image, "action": action})
    return result


def table(rate, count, policy, seed=0, engine="ovphysx", file=None):
    """A table in which about a share ``rate`` of the episodes succeeds."""
    rng = np.random.default_rng(seed)
    made = EpisodeTable() if file is None else EpisodeTable.open(file)
    fates = rng.random(count)
    for scene, fate in enumerate(fates):
        outcome = "success" if fate < rate else ("collision" if scene % 3 else "timeout")
        length = 7.9 if outcome == "success" else float(rng.uniform(1, 7))
        driven = path(1000 + scene, length, int(length * 22))[::4]
        made.append(
            EpisodeResult(
                scene=scene,
                outcome=outcome,
                time_s=25.0 if outcome == "timeout" else len(driven) * 0.4,
                distance_m=length * 1.1,
                min_clearance_m=-0.002 if outcome == "collision" else float(rng.uniform(0.02, 0.2)),
                path=driven,
                wall_contact=outcome == "collision" and scene % 5 == 0,
                engine=engine,
                policy=policy,
                spec_digest="0" * 64,
                seed=7,
                policy_digest="" if policy.startswith(("always", "gap")) else "ab" * 32,
            )
        )
    return made
