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


def report_data(**changes):
    """A report in which everything was run."""
    from sim2real.evaluate.filmstrip import filmstrip, path_map
    from sim2real.evaluate.report import Picture, ReportData

    policy = table(0.975, 200, "float", seed=1)
    failed = [result for result in policy if not result.success]
    strips = [
        Picture(
            image=filmstrip(frames(1), arena(1), "Scene 1: success", path=path(1), outcome="success"),
            title="A success",
            caption="Scene 1, driven in PhysX in 17.1 s.",
        )
    ]
    for result in failed[:2]:
        driven = result.path
        strips.append(
            Picture(
                image=filmstrip(
                    frames(result.scene, 4.0), arena(4), f"Scene {result.scene}", path=driven, outcome=result.outcome
                ),
                title=f"A {result.outcome}",
                caption=f"Scene {result.scene}, {result.time_s:.1f} s.",
            )
        )
    drawn = path_map(
        [result.path for result in policy],
        [result.outcome for result in policy],
        [arena(i) for i in range(40)],
        "Paths",
    )
    values = {
        "engine_train": "newton_mjwarp",
        "engine_test": "ovphysx",
        "policy": policy,
        "policy_int8": table(0.96, 100, "int8", seed=2),
        "baseline_forward": table(0.03, 100, "always_forward", seed=3),
        "baseline_gap_follower": table(0.995, 100, "gap_follower", seed=4),
        "parity": {"max_abs_error": 2.4e-6, "int8_top1_agreement": 0.9922, "frames": 256},
        "latency_ms": {"p50": 8.6, "p99": 11.2, "int8_p50": 4.1, "device": "CPU, 1 thread"},
        "dataset": {
            "frames": 5000,
            "frames_per_second": 471.6,
            "size": "96 x 96",
            "classes": {"forward": 2810, "left": 1102, "right": 1088},
        },
        "training": {
            "preset": "rover",
            "images_per_second": 158.2,
            "val_accuracy": 0.9768,
            "epochs": 6,
            "history": [
                {
                    "epoch": k,
                    "train_loss": 0.8 * 0.55**k + 0.05,
                    "val_loss": 0.7 * 0.6**k + 0.08,
                    "val_accuracy": 0.978 - 0.3 * 0.5**k,
                }
                for k in range(6)
            ],
            "confusion": [[540, 6, 4], [9, 218, 2], [5, 1, 215]],
        },
        "stage_seconds": {"generate": 14.2, "train": 312.0, "export": 21.5, "evaluate": 431.0},
        "seconds_total": 781.3,
        "versions": {"sim2real": "0.1.0", "isaaclab": "3.0.0", "newton": "1.0", "ovphysx": "0.1", "python": "3.12.8"},
        "strips": strips,
        "maps": [Picture(image=drawn, title="All paths of the float policy")],
        "command": "./sim2real.sh demo --seed 7",
        "spec_digest": "0123456789abcdef" * 4,
        "seed": 7,
    }
    return ReportData(**{**values, **changes})
