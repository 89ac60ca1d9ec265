"""What signals cost: ours beside Isaac Lab's own delay and noise, in real environments of the Go2's velocity task.

Run ``python tests/benchmarks/bench_signals.py PART [--num-envs N] [--rounds N]``; PART is ``newton`` or ``ovphysx``,
and each writes its own key of ``results/signals.json``. ``--quick`` is 64 worlds and writes nothing.

Contenders, each in a process of its own (`signals_worker.py`), all on one core, one at a time, in turns that change
from round to round:

- ``bare``: no delay, no noise;
- ``isaaclab``: `delay_max_lag` and `NoiseModelWithAdditiveBias` with normal noise on every observation term,
  `DelayedPDActuatorCfg` for the action (which its native actuators hold at the longest delay; it has no noise there);
- ``ours``: the same by signals: latency, bias and white noise, of every observation term and of the action;
- ``ours_all``: and jitter, dropout, scale error, random walk, relative noise, quantisation and saturation, on buses.

``step`` is a whole environment step, whose noise is that of the machine and of contacts. ``parts`` is the time in what
signals touch: both halves of the action manager, actuators, callbacks inside Newton's step, the observation manager and
resets. ``added`` is a contender's ``parts`` less those of ``bare``, round by round, and ``added_percent`` its median
as a share of a bare step. Figures are medians and interquartile ranges [ms] over rounds, of the CPU time of a process
whose threads share one core; ``wall`` is the clock's. ``syncs`` counts what waits for the device in a step, with resets
of 16 worlds in the first of two (`host_syncs.py`); ``our_syncs`` lists those that our own files ask for.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from contenders import Worker, merge, spread, turns, where
from signals_worker import CONTENDERS, LATENCY_S, PARTS, TASK, spec_of

RESULTS = Path(__file__).with_name("results") / "signals.json"
PHYSICS = {"newton": "newton_mjwarp", "ovphysx": "ovphysx"}


@contextlib.contextmanager
def workers(physics: str, num_envs: int, steps: int) -> Iterator[dict[str, Worker]]:
    """All contenders, one started after another."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name in CONTENDERS:
            words = ("--physics", physics, "--num-envs", num_envs, "--steps", steps)
            found[name] = Worker("signals_worker.py", name, *words)
            stack.callback(found[name].close)
            print(f"{name} is ready", file=sys.stderr, flush=True)
        yield found


def bench(physics: str, num_envs: int, rounds: int, steps: int) -> dict[str, Any]:
    """Rounds in turns, then one that counts."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    names = list(CONTENDERS)
    with workers(physics, num_envs, steps) as found:
        for number in range(rounds + 2):
            for name in turns(names, number):
                took = found[name].ask("round")
                if number > 1:  # two rounds compile and warm
                    rows[name].append(took)
        counts = {name: worker.ask("count") for name, worker in found.items()}
        terms = found["ours"].about["terms"]
    times = {name: {row: np.array([r[row] for r in some]) for row in some[0]} for name, some in rows.items()}
    bare = times["bare"]
    result: dict[str, Any] = {"num_envs": num_envs, "terms": terms, "rounds": rounds, "steps_per_round": steps}
    for name, mine in times.items():
        table: dict[str, Any] = {row: spread(mine[row]) for row in ("step", "wall", "parts", *PARTS)}
        if name != "bare":
            added = mine["parts"] - bare["parts"]
            table["added"] = spread(added)
            table["added_percent"] = round(float(100 * np.median(added) / np.median(bare["step"])), 3)
            table["step_ratio"] = spread(mine["step"] / bare["step"])
        result[name] = {**table, **counts[name]}
    return result


def metadata(args: argparse.Namespace, load: float) -> dict[str, Any]:
    """Where and with what it was measured."""
    command = f"{args.part} --num-envs {args.num_envs} --rounds {args.rounds} --steps {args.steps}"
    return {
        "task": TASK,
        "latency_s": [0.0, LATENCY_S],
        "specs": {name: spec_of(["TERM"], parts) for name, parts in CONTENDERS.items() if parts},
        **where(f"python tests/benchmarks/bench_signals.py {command}", load),
    }


def main() -> None:
    """Measure one part and merge it into the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PHYSICS)
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=2, help="environment steps of a round")
    parser.add_argument("--core", type=int, default=0, help="the one core that everything runs on")
    parser.add_argument("--quick", action="store_true", help="64 worlds, 5 rounds; writes nothing")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.quick:
        args.num_envs, args.rounds = 64, 5
    os.sched_setaffinity(0, {args.core})
    load = os.getloadavg()[0]
    result = bench(PHYSICS[args.part], args.num_envs, args.rounds, args.steps)
    result["metadata"] = metadata(args, load)
    if not args.quick:
        merge(args.out, args.part, result)
    print(json.dumps({args.part: result}, indent=1))


if __name__ == "__main__":
    main()
