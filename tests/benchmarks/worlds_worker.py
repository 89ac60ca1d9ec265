"""One contender of `bench_worlds.py`: the Go2's task with many worlds, which takes one round of steps for each line.

The first answer says how long the environment took to construct and to reset [s]; each other, how long a step took on
average [s]: on the clock, and of the process's CPU.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

TASK = "Sim2Real-Velocity-Flat-Go2"
CONTENDERS = ("none", "zero_width", "spec")
"""No randomization; the spec with every range at one value; the spec."""


def at_zero_width(spec: Any) -> Any:
    """The same spec with every range at one value: at what changes nothing, or in the middle."""
    from sim2real.spec.distributions import Constant

    def point(dist: Any, nominal: float | None = None) -> Any:
        pairs = zip(*dist.bounds(), strict=True)
        return Constant(tuple(0.5 * (a + b) if nominal is None else min(max(nominal, a), b) for a, b in pairs))

    def still(part: Any, nominal: float | None = None) -> Any:
        moves = {
            field.name: point(value, nominal)
            for field in dataclasses.fields(part)
            if hasattr(value := getattr(part, field.name), "bounds")
        }
        return dataclasses.replace(part, **moves)

    terms = {name: still(term, {"scale": 1.0, "add": 0.0}.get(term.op)) for name, term in spec.terms.items()}
    signals = {name: still(signal) for name, signal in spec.signals.items()}
    return dataclasses.replace(spec, terms=type(spec.terms)(terms), signals=type(spec.signals)(signals))


def main() -> None:
    """Open the environment and answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--spec", default="go2")
    parser.add_argument("--physics", default="newton_mjwarp")
    parser.add_argument("--num-envs", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines print from C++

    import torch

    from sim2real.lab.apply import apply_nothing, apply_spec
    from sim2real.lab.launch import make_env
    from sim2real.spec import load_spec

    torch.set_num_threads(1)

    def prepare(cfg: Any) -> None:
        if args.contender == "none":
            apply_nothing(cfg)
        else:
            spec = load_spec(args.spec)
            apply_spec(cfg, spec if args.contender == "spec" else at_zero_width(spec))

    began = time.perf_counter()
    with make_env(TASK, args.physics, prepare=prepare, seed=0, **{"scene.num_envs": args.num_envs}) as env:
        constructed = time.perf_counter()
        env.reset()
        about = {
            "construct_s": constructed - began,
            "reset_s": time.perf_counter() - constructed,
            "memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        }
        print(json.dumps(about), file=answers, flush=True)
        generator = torch.Generator().manual_seed(0)
        # As when a policy trains: episodes end one after another, about as many in each step.
        env.episode_length_buf[:] = torch.randint(0, int(env.max_episode_length), (args.num_envs,), generator=generator)
        for _line in sys.stdin:
            actions = [0.3 * torch.randn(args.num_envs, 12, generator=generator) for _ in range(args.steps)]
            cpu, clock = time.process_time(), time.perf_counter()
            for action in actions:
                observed = env.step(action)[0]
            took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - clock}
            finite = all(bool(torch.isfinite(values).all()) for values in observed.values())
            found = {name: seconds / args.steps for name, seconds in took.items()}
            print(json.dumps({**found, **effort(env), "finite": finite}), file=answers, flush=True)


def effort(env: Any) -> dict[str, float]:
    """What the solver had to do in the last physics step: rows of constraints of a world, and its own iterations."""
    from sim2real.lab.bind import newton_solver

    if "newton" not in type(env.cfg.sim.physics).__name__.lower():
        return {}
    data = newton_solver(env).mjw_data
    rows, iterations = data.nefc.numpy(), data.solver_niter.numpy()
    return {
        "rows": float(rows.mean()),
        "rows_most": float(rows.max()),
        "iterations": float(iterations.mean()),
        "iterations_most": float(iterations.max()),
    }


if __name__ == "__main__":
    main()
