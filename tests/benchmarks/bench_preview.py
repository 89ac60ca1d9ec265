"""What the studio costs: a preview of 16 views at 320x240, and how long the panel takes to answer a person.

Run ``python tests/benchmarks/bench_preview.py [--repeats N] [--out FILE]``; it keeps to two cores. Each figure is the
median, the 95th percentile and the largest of many calls after a warm-up, in milliseconds: the wall clock, and the
processor time of the calling thread (of the whole process for a preview). The wall clock depends on what else the
machine does, which ``load_average_1min`` tells; processor time hardly does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import warp as wp

from sim2real.spec import load_spec
from sim2real.studio import Panel
from sim2real.studio.preview import preview

RESULTS = Path(__file__).with_name("results") / "preview.json"
PRESETS = ("avoidance", "seeds/001")
"""A depth camera; light, colours, blur, noise and occlusion."""
CORES = 2


def measure(work: Callable[[int], object], repeats: int, clock: Callable[[], float]) -> dict[str, dict[str, float]]:
    """Quantiles of ``work`` in milliseconds, by the wall clock and by processor time."""
    work(0)
    times = []
    for i in range(1, repeats + 1):
        wall, cpu = time.perf_counter(), clock()
        work(i)
        times.append((1e3 * (time.perf_counter() - wall), 1e3 * (clock() - cpu)))
    return {name: quantiles([pair[i] for pair in times]) for i, name in enumerate(("wall_ms", "cpu_ms"))}


def quantiles(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and largest."""
    middle, high = np.quantile(values, [0.5, 0.95])
    return {"median": round(float(middle), 2), "p95": round(float(high), 2), "max": round(max(values), 2)}


def bench_preview(preset: str, repeats: int) -> dict[str, dict[str, float]]:
    """A preview of 16 views; each call shows other frames."""
    spec = load_spec(preset)
    return measure(lambda i: preview(spec, range(16 * i, 16 * i + 16), 240, 320), repeats, time.process_time)


def bench_panel(repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """The panel's answers on the spec of the ANYmal C, which is the longest one, while a job runs."""
    calls: dict[str, Callable[[Panel, int], object]] = {
        "set a number": lambda panel, i: panel.set("train.num_envs", 1 + i),
        "set a range of the spec": lambda panel, i: panel.set("physics.terms.base_mass.range", (0.5 + 1e-4 * i, 1.5)),
        "refuse a range": lambda panel, i: panel.set("physics.signals.command.latency.range", (0.0, 1e6 + i)),
        "switch a term off and on": lambda panel, i: panel.set("physics.terms.base_mass.on", i % 2 == 0),
        "undo": lambda panel, i: panel.undo() or panel.redo(),
        "set a range and ask for all fields": lambda panel, i: (
            panel.set("physics.terms.base_mass.range", (0.6 + 1e-4 * i, 1.5)),
            panel.fields("physics"),
        ),
        "ask for outputs": lambda panel, i: panel.outputs("physics"),
        "poll": lambda panel, i: panel.poll(),
    }
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        panel = Panel(folder, ["/bin/sh"])
        panel.set("robot.task", "anymal_c")
        (panel.workspace.root / "robot").write_text("while :; do :; done\n")  # keeps a core busy, as a training does
        (panel.workspace.root / "x.urdf").touch()
        panel.set("robot.urdf", "x.urdf")
        job = panel.start("robot.add")
        try:
            for name, call in calls.items():
                found[name] = measure(lambda i, call=call: call(panel, i), repeats, time.thread_time)
        finally:
            for _ in range(3):
                panel.cancel(job.id)
            while not panel.job(job.id).over:
                panel.poll()
            panel.close()
    return found


def main() -> None:
    """Measure and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    report = {
        "unit": "ms",
        "preview": "16 views of 320x240",
        "machine": f"{platform.machine()}, {CORES} of {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), "warp": wp.config.version, "numpy": np.__version__},
        "load_average_1min": round(os.getloadavg()[0], 2),
        "panel_while_a_job_runs": bench_panel(
            args.repeats
        ),  # before colours load torch, which collections wade through
        "previews": {preset: bench_preview(preset, args.repeats) for preset in PRESETS},
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
