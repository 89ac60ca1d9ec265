"""What a spec costs a training: the Go2's task with 4096 worlds, with the spec and with the same at zero width.

Run ``python tests/benchmarks/bench_worlds.py PART [--num-envs N] [--rounds N] [--steps N]``; PART is ``newton`` or
``ovphysx``, and each writes its own key of ``results/worlds.json``. ``--quick`` is 64 worlds and writes nothing.

Contenders, each in a process of its own (`worlds_worker.py`), all on one core, one at a time, in turns that change from
round to round: ``none``, no randomization; ``zero_width``, every range of the spec at one value, so that the same
things are drawn and written; ``spec``. Figures of a step are medians and interquartile ranges over rounds: ``cpu`` the
CPU time of the process [s], ``wall`` the clock's, ``steps_per_s`` environment steps of all worlds by CPU time.
``ratio`` is steps/s of ``spec`` by those of another contender, round by round. A spec also makes the physics harder:
``rows`` and ``iterations`` say what Newton's solver had to do for a world, on average and at most, after each round.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from contenders import Worker, merge, spread, turns, where
from worlds_worker import CONTENDERS, TASK

RESULTS = Path(__file__).with_name("results") / "worlds.json"
EFFORT = ("rows", "rows_most", "iterations", "iterations_most")
"""What the solver had to do, where it says so."""
PHYSICS = {"newton": "newton_mjwarp", "ovphysx": "ovphysx"}


def bench(physics: str, spec: str, num_envs: int, rounds: int, steps: int) -> dict[str, Any]:
    """Construct all, then rounds in turns."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    with contextlib.ExitStack() as stack:
        found = {}
        for name in CONTENDERS:
            words = ("--spec", spec, "--physics", physics, "--num-envs", num_envs, "--steps", steps)
            found[name] = Worker("worlds_worker.py", name, *words)
            stack.callback(found[name].close)
            print(f"{name}: {found[name].about}", file=sys.stderr, flush=True)
        for number in range(rounds + 1):
            for name in turns(CONTENDERS, number):
                took = found[name].ask("round")
                if number > 0:  # the first compiles and warms
                    rows[name].append(took)
                    print(f"{name} {number}/{rounds}: {took}", file=sys.stderr, flush=True)
    result: dict[str, Any] = {"num_envs": num_envs, "spec": spec, "rounds": rounds, "steps_per_round": steps}
    cpu = {name: np.array([row["cpu"] for row in some]) for name, some in rows.items()}
    for name, some in rows.items():
        result[name] = {
            **{key: round(value, 3) for key, value in found[name].about.items()},
            "cpu": spread(cpu[name]),
            "wall": spread([row["wall"] for row in some]),
            "steps_per_s": spread(num_envs / cpu[name]),
            **{key: round(float(np.mean([row[key] for row in some])), 2) for key in EFFORT if key in some[0]},
            "finite": all(row["finite"] for row in some),
        }
    result["ratio"] = {name: spread(cpu[name] / cpu["spec"]) for name in CONTENDERS if name != "spec"}
    return result


def main() -> None:
    """Measure one part and merge it into the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PHYSICS)
    parser.add_argument("--spec", default="go2")
    parser.add_argument("--num-envs", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="environment steps of a round")
    parser.add_argument("--core", type=int, default=0, help="the one core that everything runs on")
    parser.add_argument("--quick", action="store_true", help="64 worlds; writes nothing")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.quick:
        args.num_envs = 64
    os.sched_setaffinity(0, {args.core})
    load = os.getloadavg()[0]
    result = bench(PHYSICS[args.part], args.spec, args.num_envs, args.rounds, args.steps)
    command = f"{args.part} --num-envs {args.num_envs} --rounds {args.rounds} --steps {args.steps}"
    result["metadata"] = {"task": TASK, **where(f"python tests/benchmarks/bench_worlds.py {command}", load)}
    if not args.quick:
        merge(args.out, args.part, result)
    print(json.dumps({args.part: result}, indent=1))


if __name__ == "__main__":
    main()
