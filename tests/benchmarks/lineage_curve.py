"""One policy's training through all the runs that made it, each of which began with the networks of the one before.

Run ``python tests/benchmarks/lineage_curve.py RUN [RUN ...] --out docs/results/go2_training`` with the run folders in
their order; it writes a .json and a .png. Rewards may differ from run to run, so the picture shows what does not depend
on them: the error of the base's velocity and how long an episode lasts, over the environment steps of all runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from learning_curves import rounded

ERROR = "Metrics/base_velocity/error_vel_xy"
POINTS = 60
"""Points of a run's curve; each is the mean of its iterations."""


def thinned(rows: list[dict[str, Any]]) -> list[dict[str, float | int | None]]:
    """Means over equal parts of a curve, at the steps where the parts end."""
    size = max(1, -(-len(rows) // POINTS))
    parts = [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    found = []
    for part in parts:
        values = {key: [row[key] for row in part if row[key] is not None] for key in ("reward", "episode_length")}
        values["error_vel_xy"] = [row["log"][ERROR] for row in part if row["log"].get(ERROR) is not None]
        means = {key: rounded(statistics.fmean(some)) if some else None for key, some in values.items()}
        found.append({"iteration": part[-1]["iteration"], "env_steps": part[-1]["env_steps"], **means})
    return found


def told(run: Path) -> dict[str, Any]:
    """A run's curve and where it comes from."""
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    rows = json.loads((run / "curves.json").read_text(encoding="utf-8"))["rows"]
    return {
        "run": run.name,
        "spec": facts["spec"],
        "commands": list(dict.fromkeys(one["command"] for one in facts["sessions"])),
        "commits": list(dict.fromkeys(one["commit"] for one in facts["sessions"])),
        "machine": facts["sessions"][-1]["machine"],
        "versions": facts["versions"],
        "hours": facts["hours"],
        "env_steps": facts["env_steps"],
        "rows": thinned(rows),
    }


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    """Draw both rows of the picture, a colour for each run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    before = 0
    for run in runs:
        steps = [(before + row["env_steps"]) / 1e6 for row in run["rows"]]
        for axis, key in zip(axes, ("error_vel_xy", "episode_length"), strict=True):
            axis.plot(steps, [float("nan") if row[key] is None else row[key] for row in run["rows"]], label=run["run"])
        before += run["env_steps"]
    for axis, label in zip(axes, ("velocity error [m/s]", "episode [steps]"), strict=True):
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0.0)
        axis.grid(alpha=0.3)
    axes[0].legend()
    axes[1].set_xlabel("environment steps [millions]")
    FigureCanvasAgg(figure).print_png(str(path))


def main() -> None:
    """Read the runs, write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, the first one first")
    parser.add_argument("--out", type=Path, required=True, help="path of both files, without their endings")
    args = parser.parse_args()
    runs = [told(run) for run in args.runs]
    args.out.with_suffix(".json").write_text(json.dumps(runs) + "\n", encoding="utf-8")
    draw(runs, args.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
