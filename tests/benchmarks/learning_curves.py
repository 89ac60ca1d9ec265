"""Does every task learn? Short trainings, one after another, and their curves in one picture.

Run ``python tests/benchmarks/learning_curves.py [--tasks ur5 g1 ...] [--work DIR]``. Each task is trained on ovphysx
without a spec for as many iterations as ``PLANS`` says; the runs in ``--work`` are resumable, so this script goes on
where it was stopped. ``learning_curves.json`` holds every iteration's return and episode length with the run's
provenance; the picture is ``docs/images/learning_curves.png``. A task that is not named keeps its curve in the file.

These are short runs on a few CPU cores: they show that a task's reward rises, not how good its policy becomes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUT = Path(__file__).with_name("results") / "learning_curves.json"
PICTURE = ROOT / "docs" / "images" / "learning_curves.png"
PLANS: dict[str, tuple[int, int]] = {
    "anymal_c": (256, 160),
    "go2_rough": (128, 160),
    "anymal_c_rough": (128, 160),
    "g1": (128, 160),
    "ur5": (256, 120),
}
"""Environments and iterations for each task."""


def train(task: str, work: Path) -> dict[str, Any]:
    """Train a task, or read the run that is there, and return its curve with where it comes from."""
    envs, iterations = PLANS[task]
    command = ["train", task, "--num-envs", str(envs), "--iterations", str(iterations), "--device", "cpu"]
    run = work / task
    environment = {**os.environ, "SIM2REAL_PROGRAM": "./sim2real.sh"}
    subprocess.run(
        [sys.executable, "-m", "sim2real.cli.main", *command, "--out", str(run)], env=environment, check=True
    )
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    rows = json.loads((run / "curves.json").read_text(encoding="utf-8"))["rows"]
    keys = ("iteration", "env_steps", "reward", "reward_per_step", "episode_length")
    return {
        "command": " ".join(["./sim2real.sh", *command]),
        "task": facts["task"],
        "physics": facts["physics"],
        "versions": facts["versions"],
        "machine": facts["sessions"][-1]["machine"],
        "hours": facts["hours"],
        "rows": [{key: rounded(row[key]) for key in keys} for row in rows],
    }


def rounded(value: float | None) -> float | None:
    """Five digits say all that a picture shows."""
    return value if value is None or isinstance(value, int) else float(f"{value:.5g}")


def draw(curves: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the mean reward of a step over environment steps, a panel for each task."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 * len(curves), 4.6), layout="constrained")
    axes = figure.subplots(2, len(curves), squeeze=False, sharex="col")
    for column, (task, curve) in enumerate(curves.items()):
        steps = [row["env_steps"] / 1e6 for row in curve["rows"]]
        for axis, key in zip(axes[:, column], ("reward_per_step", "episode_length"), strict=True):
            axis.plot(steps, [float("nan") if row[key] is None else row[key] for row in curve["rows"]], linewidth=1.2)
            axis.grid(alpha=0.3)
        axes[0, column].set_title(task)
        axes[1, column].set_xlabel("environment steps [millions]")
    axes[0, 0].set_ylabel("mean reward of a step")
    axes[1, 0].set_ylabel("mean episode [steps]")
    FigureCanvasAgg(figure).print_png(str(path))


def main() -> None:
    """Train, write the curves after each task, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=list(PLANS), default=list(PLANS), help="which to train (all)")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "learning_curves", help="run folders")
    args = parser.parse_args()
    curves = json.loads(OUT.read_text(encoding="utf-8")) if OUT.is_file() else {}
    for task in args.tasks:
        curves[task] = train(task, args.work)
        curves = {name: curves[name] for name in PLANS if name in curves}
        OUT.write_text(json.dumps(curves) + "\n", encoding="utf-8")
        draw(curves, PICTURE)
        rows = [row["reward_per_step"] for row in curves[task]["rows"]]
        tenth = max(1, len(rows) // 10)
        print(f"{task}: {sum(rows[:tenth]) / tenth:.4f} to {sum(rows[-tenth:]) / tenth:.4f} a step")


if __name__ == "__main__":
    main()
