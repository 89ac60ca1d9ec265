"""The transfer matrix as a run: two engines, trained with and without randomization, driven inside and outside the
ranges.

Four datasets, trainings and exports; eight drives of float and INT8, each in the engine that the policy did not see.
The result is `matrix.json`, `matrix.md` and `matrix.html`; a stopped run goes on with the missing episodes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from sim2real.evaluate.matrix import Cell, Matrix
from sim2real.pipeline.stages import Run, Stage

SPECS = {"inside": "avoidance", "outside": "avoidance_outside"}
"""What the test scenes are drawn from."""
TRAINING_SPECS = {"randomized": "avoidance", "nominal": "avoidance_nominal"}
"""What the training frames are drawn from."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatrixCfg:
    """How much of everything."""

    out: Path
    """Folder of everything, datasets and trainings included."""
    engines: tuple[str, ...] = ("newton_mjwarp", "ovphysx")
    """The engines; every ordered pair is a direction."""
    frames: int = 4000
    """Frames of each dataset."""
    epochs: int = 6
    """Passes over the training frames."""
    episodes: int = 400
    """Episodes of the cell that the claim rests on: float, with randomization, inside the ranges."""
    others: int = 100
    """Episodes of its neighbours: INT8 inside, float outside."""
    rest: int = 40
    """Episodes of every other cell."""
    baselines: int = 100
    """Episodes of each baseline, in each engine."""
    seed: int = 20261
    """Seed of the test scenes."""
    num_envs: int = 64
    """Scenes driven at a time."""

    def count(self, cell: Cell) -> int:
        """Episodes of a cell."""
        if cell.training != "randomized":
            return self.rest
        return {
            ("inside", "float"): self.episodes,
            ("inside", "int8"): self.others,
            ("outside", "float"): self.others,
        }.get((cell.ranges, cell.precision), self.rest)


def open_matrix(cfg: MatrixCfg) -> Matrix:
    """The matrix that `cfg` fills."""
    return Matrix(cfg.out, scenes=lambda cell: range(cfg.count(cell)), engines=cfg.engines)


def stages(cfg: MatrixCfg) -> list[Stage]:
    """The verbs of the matrix, in order."""
    cells = open_matrix(cfg).cells
    found: dict[str, Stage] = {}
    for cell in cells:
        run = f"{cell.engine_train}.{cell.training}"
        folder = cfg.out / "policies" / run
        data, train, bundle = folder / "data", folder / "training", folder / "bundle"
        steps = {
            "generate": (
                *("generate", "--spec", TRAINING_SPECS[cell.training], "--physics", cell.engine_train),
                *("--frames", str(cfg.frames), "--out", str(data)),
            ),
            "train": ("train", "--data", str(data), "--epochs", str(cfg.epochs), "--out", str(train)),
            "export": ("export", "--policy", str(train), "--data", str(data), "--out", str(bundle)),
        }
        for name, argv in steps.items():
            found.setdefault(f"{name} {run}", Stage(name=f"{name} {run}", argv=argv))
        counts = {c.precision: cfg.count(c) for c in cells if c.drive == cell.drive}
        baseline = cfg.baselines if cell.training == "randomized" and cell.ranges == "inside" else 0
        argv = (
            *("evaluate", "--bundle", str(bundle), "--physics", cell.engine_test, "--spec", SPECS[cell.ranges]),
            *("--seed", str(cfg.seed), "--num-envs", str(cfg.num_envs)),
            *("--episodes", str(counts["float"]), "--int8-episodes", str(counts["int8"])),
            *("--baseline-episodes", str(baseline), "--data", str(data), "--training", str(train)),
            *("--out", str(cfg.out / "cells" / cell.drive)),
        )
        found.setdefault(f"drive {cell.drive}", Stage(name=f"drive {cell.drive}", argv=argv))
    return list(found.values())


def run_matrix(cfg: MatrixCfg, command: str) -> Path:
    """Run what is not done yet, write the results, return the page's path.

    Raises:
        PipelineError: a stage failed, or the folder holds another run.
    """
    run = Run.open(cfg.out, settings_of(cfg))
    run.perform(stages(cfg))
    return write_results(cfg, command, run.seconds)


def settings_of(cfg: MatrixCfg) -> dict[str, Any]:
    """What decides the result: everything but the folder."""
    return {key: value for key, value in dataclasses.asdict(cfg).items() if key != "out"}


def write_results(cfg: MatrixCfg, command: str, seconds: dict[str, float]) -> Path:
    """Write `matrix.json`, `matrix.md` and `matrix.html` from the tables on disk; return the page's path."""
    from sim2real.pipeline.assemble import versions

    matrix = open_matrix(cfg)
    content = {
        **matrix.table(),
        "baselines": baselines(cfg),
        "command": command,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "versions": versions(),
        "settings": settings_of(cfg),
    }
    (cfg.out / "matrix.json").write_text(json.dumps(content, indent=2) + "\n")
    (cfg.out / "matrix.md").write_text(matrix.markdown())
    page = cfg.out / "matrix.html"
    page.write_text(matrix.page(command))
    return page


def baselines(cfg: MatrixCfg) -> dict[str, dict[str, object]]:
    """Success of the baselines by test engine and name, and how the float policy differs from each on shared scenes."""
    from sim2real.evaluate.episodes import EpisodeTable
    from sim2real.evaluate.report import paired_dict

    own = dict(open_matrix(cfg).tables())
    found: dict[str, dict[str, object]] = {}
    for cell in open_matrix(cfg).cells:
        for name in ("gap_follower", "always_forward"):
            path = cfg.out / "cells" / cell.drive / "episodes" / f"{name}.jsonl"
            if path.is_file() and cell.precision == "float":
                table = EpisodeTable.open(path)
                entry = {**table.summary().to_dict(), "policy_minus_baseline": paired_dict(own[cell], table)}
                found.setdefault(cell.engine_test, {})[name] = entry
    return found
