"""Does a training that is killed and goes on learn as one that is left alone? Curves of both, over several seeds.

Run ``python tests/benchmarks/resume_curves.py [--seeds 1 2 3] [--iterations 60] [--kills 20 40] [--work DIR]``. For
each seed the same task is trained twice, with the whole preset spec and a curriculum that moves ranges (ADR): once to
the end, once ended by SIGKILL at some moment after each iteration in ``--kills`` and started again (``--killed-seeds``:
for some of the seeds alone). Finished runs in ``--work`` are kept, so this script too goes on where it was stopped.
What is compared: the mean reward of a step in each iteration, against the band that the seeds left alone span; and,
where a run goes on, its counters, normalisers and bounds, read from the checkpoints themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
ADR = {
    "metric": "survival", "grow": 0.75, "shrink": 0.4, "step": 0.1, "episodes": 16,
    "terms": {"link_mass": {"start": [0.9, 1.1]}, "payload": {"start": [0.0, 0.3]}},
}  # fmt: skip
"""Ranges that open with every sixteen episodes at an edge: an arm cannot fall."""
SMOOTH = 5
"""Iterations over which a curve is averaged before it is compared."""


def train(args, seed: int, out: Path, kills: list[int]) -> list[dict]:
    """Train to the end, killed once after each of some iterations; return what each killed session left."""
    command = [
        sys.executable, "-m", "sim2real.cli.main", "train", args.task, "--spec", str(args.work / "spec.yaml"),
        "--physics", args.physics, "--num-envs", str(args.num_envs), "--iterations", str(args.iterations),
        "--seed", str(seed), "--save-every", "5", "--device", "cpu", "--out", str(out),
    ]  # fmt: skip
    left = []
    for kill in [*kills, None]:
        process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True)
        while kill is not None and process.poll() is None and done(out) < kill:
            time.sleep(0.2)
        if kill is not None and process.poll() is None:
            time.sleep(1.0 + 0.7 * seed)  # somewhere in a later iteration
            process.send_signal(signal.SIGKILL)
        code = process.wait()
        if code != (0 if kill is None else -signal.SIGKILL):
            raise SystemExit(f"a training ended with {code}: {' '.join(command)}")
        if kill is not None:
            kept = out.with_name(f"{out.name}-{done(out)}.pt")
            shutil.copyfile(out / f"model_{done(out)}.pt", kept)
            left.append({"killed_after": done(out), "seen": seen(kept)})
    return left


def done(out: Path) -> int:
    """Iterations that a run folder holds."""
    found = [int(path.stem.partition("_")[2]) for path in out.glob("model_*.pt")]
    return max(found, default=0)


def seen(checkpoint: Path) -> dict:
    """What a checkpoint has counted: samples in the normaliser, steps, episodes, updates; and the ranges' bounds."""
    import torch

    data = torch.load(checkpoint, weights_only=False)
    state = data["infos"]["sim2real"]
    counts = [value for name, value in data["actor_state_dict"].items() if name.endswith("count")]
    return {
        "normaliser_samples": int(counts[0]),
        "env_steps": int(state["steps"]),
        "episodes": int(np.sum(state["randomizer"]["worlds"]["resets"])),
        "optimiser_steps": int(data["optimizer_state_dict"]["state"][0]["step"]),
        "bounds": {name: [list(low), list(high)] for name, (low, high) in state["randomizer"]["bounds"].items()},
        "bounds_moved": int(state["curriculum"]["adr"]["moves"]),
    }


def curve(out: Path) -> np.ndarray:
    """Mean reward of a step in each iteration, smoothed, (iterations - SMOOTH + 1,)."""
    rows = json.loads((out / "curves.json").read_text())["rows"]
    if [row["iteration"] for row in rows] != list(range(1, len(rows) + 1)):
        raise SystemExit(f"{out}: the curve has a gap or a double")
    return np.convolve([row["reward_per_step"] for row in rows], np.ones(SMOOTH) / SMOOTH, mode="valid")


def moved(out: Path) -> list[float]:
    """How often a bound had been moved by the end of each iteration."""
    rows = json.loads((out / "curves.json").read_text())["rows"]
    return [row["log"].get("Curriculum/ranges/moves", float("nan")) for row in rows]


def compare(whole: np.ndarray, killed: np.ndarray) -> dict:
    """Hold killed runs against whole ones, (seeds, iterations) each."""
    low, high, spread = whole.min(0), whole.max(0), whole.std(0, ddof=1)
    last = slice(-max(1, whole.shape[1] // 4), None)
    ends = {name: runs[:, last].mean(1) for name, runs in (("whole", whole), ("killed", killed))}
    outside = np.maximum(killed - high, low - killed).clip(0.0)
    return {
        "share_of_iterations_inside_the_seeds_band": round(float((outside == 0.0).mean()), 3),
        "share_expected_of_one_more_seed": round((len(whole) - 1) / (len(whole) + 1), 3),
        "farthest_outside_the_band_in_seed_std": round(float((outside / spread).max()), 2),
        "rise_of_the_curve": round(float(whole.mean(0)[-1] - whole.mean(0)[0]), 4),
        "rms_difference_of_the_mean_curves": round(float(np.sqrt(np.mean((whole.mean(0) - killed.mean(0)) ** 2))), 5),
        "mean_seed_std": round(float(spread.mean()), 5),
        "last_quarter": {name: [round(float(value), 5) for value in values] for name, values in ends.items()},
        "last_quarter_difference": round(float(ends["killed"].mean() - ends["whole"].mean()), 5),
        "last_quarter_seed_std": round(float(ends["whole"].std(ddof=1)), 5),
    }


def draw(whole: np.ndarray, killed: np.ndarray, left: dict, moves: dict, title: str, path: Path) -> None:
    """Draw the curves with the moments of the kills, and how often bounds had moved."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 5.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    at = np.arange(SMOOTH, SMOOTH + whole.shape[1])
    upper.fill_between(at, whole.min(0), whole.max(0), color="0.85", label="between the seeds left alone")
    for runs, style, label in ((whole, "0.45", "left alone"), (killed, "#1f7fa8", "killed and gone on")):
        for number, values in enumerate(runs):
            upper.plot(at, values, color=style, linewidth=1.2, label=label if number == 0 else None)
    for sessions in left.values():
        for session in sessions:
            upper.axvline(session["killed_after"], color="#c2452d", linewidth=0.8, linestyle=":")
    for name, style in (("whole", "0.45"), ("killed", "#1f7fa8")):
        for values in moves[name]:
            lower.plot(np.arange(1, len(values) + 1), values, color=style, linewidth=1.0)
    upper.set_ylabel("reward of a step")
    upper.set_title(title)
    upper.legend(fontsize=8)
    lower.set_ylabel("moves of a bound")
    lower.set_xlabel("iteration (dotted: the checkpoint from which a killed run went on)")
    for axis in (upper, lower):
        axis.grid(alpha=0.3)
    FigureCanvasAgg(figure).print_png(str(path))


def main() -> None:
    """Train, compare, write the JSON and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="reach/panda")
    parser.add_argument("--spec", default="panda")
    parser.add_argument("--physics", default="ovphysx")
    parser.add_argument("--num-envs", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--killed-seeds", type=int, nargs="+", help="seeds that are killed too (default: all)")
    parser.add_argument("--kills", type=int, nargs="+", default=[20, 40])
    parser.add_argument("--work", type=Path, default=Path("runs/resume_curves"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    spec = yaml.safe_load((ROOT / "config" / "randomization" / f"{args.spec}.yaml").read_text())
    (args.work / "spec.yaml").write_text(yaml.safe_dump({**spec, "curriculum": {"adr": ADR}}, sort_keys=False))
    left: dict[str, list[dict]] = {}
    chosen = {"whole": args.seeds, "killed": args.killed_seeds or args.seeds}
    for seed in args.seeds:
        for kills in ([], args.kills) if seed in chosen["killed"] else ([],):
            out = args.work / f"{'killed' if kills else 'whole'}-{seed}"
            note = out.with_suffix(".json")
            if not note.is_file():
                shutil.rmtree(out, ignore_errors=True)
                note.write_text(json.dumps(train(args, seed, out, kills)))
            if kills:
                left[str(seed)] = json.loads(note.read_text())
    runs = {name: [args.work / f"{name}-{seed}" for seed in seeds] for name, seeds in chosen.items()}
    whole, killed = (np.stack([curve(out) for out in runs[name]]) for name in ("whole", "killed"))
    final = {name: [seen(out / f"model_{args.iterations}.pt") for out in runs[name]] for name in runs}
    facts = json.loads((runs["whole"][0] / "run.json").read_text())
    result = {
        "command": f"python tests/benchmarks/resume_curves.py {' '.join(sys.argv[1:])}".strip(),
        "task": facts["task"], "spec": args.spec, "adr": ADR, "physics": args.physics, "num_envs": args.num_envs,
        "iterations": args.iterations, "seeds": chosen, "kills_after": args.kills, "smoothed_over": SMOOTH,
        "machine": facts["sessions"][0]["machine"], "commit": facts["sessions"][0]["commit"],
        "versions": facts["versions"], "comparison": compare(whole, killed), "killed_sessions": left,
        "at_the_end": final,
        "curves": {"whole": whole.round(5).tolist(), "killed": killed.round(5).tolist()},
    }  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "resume.json").write_text(json.dumps(result) + "\n")
    title = f"{facts['task']} on {args.physics}, {args.num_envs} environments, seeds {args.seeds}"
    moves = {name: [moved(out) for out in runs[name]] for name in runs}
    draw(whole, killed, left, moves, title, args.out / "resume.png")
    print(json.dumps(result["comparison"], indent=1))


if __name__ == "__main__":
    main()
