"""The depth-avoidance lab from nothing to a report: generate, preview, train, export, drive in another engine,
report.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

from sim2real.pipeline.stages import PipelineError, Run, Stage


@dataclasses.dataclass(frozen=True, kw_only=True)
class DemoCfg:
    """How much of everything."""

    out: Path = Path("runs/demo")
    """Folder of the run."""
    physics_train: str = "newton_mjwarp"
    """Engine of the dataset."""
    physics_test: str = "ovphysx"
    """Engine to drive in."""
    spec: str = "avoidance"
    """Randomization of both."""
    frames: int = 5000
    """Frames of the dataset."""
    size: int = 96
    """Image size [px]."""
    epochs: int = 6
    """Passes over the training frames."""
    episodes: int = 200
    """Episodes of the float policy."""
    int8_episodes: int = 100
    """Episodes of the INT8 policy."""
    baseline_episodes: int = 100
    """Episodes of each baseline."""
    seed: int = 20261
    """Seed of the test scenes."""


QUICK: dict[str, Any] = {"frames": 1800, "epochs": 4, "episodes": 40, "int8_episodes": 20, "baseline_episodes": 20}
"""What `demo --quick` makes smaller."""


def stages(cfg: DemoCfg) -> list[Stage]:
    """The verbs of the demo, in order."""
    data, train, bundle = cfg.out / "data", cfg.out / "training", cfg.out / "bundle"
    return [
        Stage(
            name="generate",
            argv=(
                *("generate", "--task", "avoidance", "--spec", cfg.spec, "--physics", cfg.physics_train),
                *("--frames", str(cfg.frames), "--size", str(cfg.size)),
                *("--out", str(data), "--stats", str(cfg.out / "generate.json")),
            ),
        ),
        Stage(name="check", argv=("check", str(data))),
        Stage(
            name="preview",
            argv=(
                *("preview", cfg.spec, "--task", "avoidance", "--physics", cfg.physics_train, "--frames", "12"),
                *("--size", str(cfg.size), "--out", str(cfg.out / "preview.html")),
            ),
        ),
        Stage(name="train", argv=("train", "--data", str(data), "--epochs", str(cfg.epochs), "--out", str(train))),
        Stage(name="export", argv=("export", "--policy", str(train), "--data", str(data), "--out", str(bundle))),
        Stage(
            name="evaluate",
            argv=(
                *("evaluate", "--bundle", str(bundle), "--physics", cfg.physics_test, "--spec", cfg.spec),
                *("--seed", str(cfg.seed), "--episodes", str(cfg.episodes)),
                *("--int8-episodes", str(cfg.int8_episodes), "--baseline-episodes", str(cfg.baseline_episodes)),
                *("--data", str(data), "--training", str(train), "--out", str(cfg.out / "evaluation")),
            ),
        ),
    ]


def run_demo(cfg: DemoCfg, command: str, fresh: bool = False) -> Path:
    """Run what is not done yet, write the report, return its path.

    Args:
        cfg: How much of everything.
        command: What was typed, for the report.
        fresh: Remove an earlier run in the folder first.

    Raises:
        PipelineError: a stage failed, or the folder holds something else.
    """
    from sim2real.evaluate.report import write_report
    from sim2real.pipeline.assemble import RunFolders, assemble

    if fresh and cfg.out.exists():
        if not (cfg.out / "state.json").is_file():
            raise PipelineError(f"{cfg.out} is not a run of the demo; nothing was removed. Choose another --out")
        shutil.rmtree(cfg.out)
    settings = {key: value for key, value in dataclasses.asdict(cfg).items() if key != "out"}
    run = Run.open(cfg.out, settings)
    run.perform(stages(cfg))
    stats = cfg.out / "generate.json"
    data = assemble(
        RunFolders(
            evaluation=cfg.out / "evaluation",
            data=cfg.out / "data",
            training=cfg.out / "training",
            bundle=cfg.out / "bundle",
        ),
        physics_test=cfg.physics_test,
        spec=cfg.spec,
        seed=cfg.seed,
        command=command,
        generate=json.loads(stats.read_text()) if stats.is_file() else None,
        stage_seconds=run.seconds,
        seconds_total=sum(run.seconds.values()),
    )
    return write_report(cfg.out, data)
