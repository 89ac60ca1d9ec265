"""What randomizing costs: our randomizer beside Isaac Lab's event terms and mjlab's, in real environments of the Go2.

Run ``python tests/benchmarks/bench_randomizers.py PART [--num-envs N] [--rounds N] [--mjlab DIR]``; each part writes
its own key of ``results/randomizers.json``.

- ``newton``, ``ovphysx``: friction, mass with consistent inertia, centre of mass and armature, of all worlds and of 64;
  then each of the terms alone. Rows: *write* is drawing and storing, *refresh* is what the engine derives from that
  (on Newton; PhysX does it while storing), *both* is their sum. Isaac Lab is timed as shipped, one notification for
  each kind of change, and with its flags combined into one. ``--mjlab DIR`` adds mjlab 1.6.0 on its Go1, in an
  environment of its own that is made in DIR if it is not there (2 GB of packages and more; only when asked for).
- ``step-newton``, ``step-ovphysx``: an environment step at 1024 worlds, bare, and with five terms on 16 worlds before
  each step, by Isaac Lab and by us. *added* is the time in the terms and in the notifications that they cause, as a
  share of a bare step; *ratio* is that of whole steps, whose noise is that of the machine.
- ``full``: a reset of 64 worlds by the event of `lab.events("quadruped")`, as a share of an environment step.

One process and one core for each part; contenders take turns within each round and change places in the next. Figures
are medians and interquartile ranges [ms] over the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from randomizer_cases import OURS, spec_text, stock_terms

RESULTS = Path(__file__).with_name("results") / "randomizers.json"
TASK = "Sim2Real-Velocity-Flat-Go2"
FEW = 64
"""Worlds of a partial reset."""
MJLAB = ("mjlab==1.6.0", "torch==2.13.0")
"""What is installed for mjlab."""
SEED = 0


def spread(times: list[float]) -> dict[str, float]:
    """Median and interquartile range."""
    low, median, high = np.quantile(times, [0.25, 0.5, 0.75])
    return {"median": round(float(median), 5), "iqr": round(float(high - low), 5)}


def clock(work: Callable[[], object]) -> float:
    """Milliseconds that `work` takes; everything here runs on the CPU and is done when it returns."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1e3


def take_turns(
    contenders: dict[str, Callable[[], dict[str, float]]], rounds: int, reference: str, row: str
) -> dict[str, Any]:
    """Call everyone once per round, each round in another order; medians by contender and row.

    `ratio` is a contender's time over that of `reference` in `row`, taken round by round, since the machine's load
    changes from one round to the next.
    """
    times: dict[str, dict[str, list[float]]] = {name: {} for name in contenders}
    names = list(contenders)
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                for part, took in contenders[name]().items():
                    if number:  # the first round compiles and warms
                        times[name].setdefault(part, []).append(took)
    finally:
        gc.enable()
    table: dict[str, Any] = {name: {part: spread(v) for part, v in parts.items()} for name, parts in times.items()}
    for name in contenders:
        if name != reference:
            table[name]["ratio"] = spread(list(np.array(times[name][row]) / np.array(times[reference][row])))
    return table


class Ours:
    """Our randomizer in an environment."""

    def __init__(self, env: Any, engine: Any, case: str) -> None:
        from sim2real.engines.randomizer import Randomizer
        from sim2real.spec import parse_spec

        self.engine = engine
        self.randomizer = Randomizer(parse_spec(spec_text(case)), engine, step_dt=env.step_dt)
        self.randomizer.startup()

    def rows(self, ids: np.ndarray) -> Any:
        """The worlds as the randomizer takes them."""
        import warp as wp

        from sim2real.engines.engine import Rows

        return Rows(index=wp.array(ids, dtype=wp.int32, device=self.engine.device), n=len(ids))

    def time(self, ids: np.ndarray) -> dict[str, float]:
        """One reset of these worlds; the time inside `finish` is the refresh."""
        rows, refresh, finish = self.rows(ids), [0.0], self.engine.finish

        def timed(quantities: tuple[str, ...], some: Any) -> None:
            refresh[0] += clock(lambda: finish(quantities, some))

        self.engine.finish = timed
        try:
            both = clock(lambda: self.randomizer.reset(rows))
        finally:
            self.engine.finish = finish
        return {"write": both - refresh[0], "refresh": refresh[0], "both": both}

    def check(self, ids: np.ndarray) -> None:
        """What the engine holds is what was drawn, and other worlds keep every bit; raises AssertionError."""
        names = self.randomizer.quantities
        before = {name: self.engine.read(name) for name in names}
        self.randomizer.reset(self.rows(ids))
        others = np.setdiff1d(np.arange(self.engine.num_worlds), ids)
        for name in names:
            now, drawn = self.engine.read(name), self.randomizer.row(name).numpy()
            tolerance = 5e-4 if name == "shape_friction" else 1e-6  # PhysX has 64000 materials for all shapes
            np.testing.assert_allclose(now[ids], drawn[ids], atol=tolerance, rtol=1e-5)
            np.testing.assert_array_equal(now[others], before[name][others])
            assert (now[ids] != before[name][ids]).any(), name


class Stock:
    """Isaac Lab's event terms in an environment."""

    def __init__(self, env: Any, case: str) -> None:
        from isaaclab.managers import EventManager

        self.manager = EventManager(stock_terms(case, "bench"), env)
        self.newton: Any = None
        if type(env.cfg.sim.physics).__module__.startswith("isaaclab_newton"):
            from isaaclab_newton.physics.newton_manager import NewtonManager

            self.newton = NewtonManager

    def apply(self, ids: np.ndarray) -> None:
        """Draw and store."""
        import torch

        self.manager.apply(mode="bench", env_ids=torch.as_tensor(ids))

    def time(self, ids: np.ndarray, combined: bool) -> dict[str, float]:
        """One application; on Newton, then the notifications that the next step would begin with."""
        write = clock(lambda: self.apply(ids))
        if self.newton is None:
            return {"write": write, "refresh": 0.0, "both": write}
        refresh = clock(lambda: self._notify(combined))
        return {"write": write, "refresh": refresh, "both": write + refresh}

    def _notify(self, combined: bool) -> None:
        import warp as wp

        changes = list(self.newton._model_changes)
        if combined and changes:
            first, *others = changes
            for other in others:
                first |= other
            changes = [first]
        with wp.ScopedDevice("cpu"):
            for change in changes:
                self.newton._solver.notify_model_changed(change)
        self.newton._model_changes = set()


@contextlib.contextmanager
def go2(physics: str, num_envs: int, **changes: Any) -> Iterator[Any]:
    """The environment with its starts and nothing else that draws."""
    import torch

    from sim2real.lab.launch import make_env

    torch.set_num_threads(1)
    settings = {
        "seed": SEED,
        "scene.num_envs": num_envs,
        "events.add_base_mass": None,
        "events.base_com": None,
        "events.push_robot": None,
        "events.base_external_force_torque": None,
        **changes,
    }
    with make_env(TASK, physics, **settings) as env:
        env.reset()
        env.step(torch.zeros(num_envs, 12))
        yield env


def worlds(num_envs: int) -> dict[str, np.ndarray]:
    """All worlds, and a few."""
    few = np.sort(np.random.default_rng(SEED).permutation(num_envs)[:FEW]).astype(np.int32)
    return {"all": np.arange(num_envs, dtype=np.int32), "few": few}


def bench_reset(physics: str, num_envs: int, rounds: int, mjlab: Path | None) -> dict[str, Any]:
    """The terms alone, outside a step."""
    from sim2real.lab.engine import engine_of

    result: dict[str, Any] = {"num_envs": num_envs, "few": FEW, "rounds": rounds}
    ids = worlds(num_envs)
    with go2(physics, num_envs) as env, mjlab_worker(mjlab, num_envs) as worker:
        engine = engine_of(env)
        for case in ("four", "friction", "mass", "com", "armature", "gains", "gravity"):
            ours, stock = Ours(env, engine, case), Stock(env, case)
            for name, some in ids.items():
                if case != "four" and name == "all":
                    continue
                contenders = {
                    "ours": lambda ours=ours, some=some: ours.time(some),
                    "isaaclab": lambda stock=stock, some=some: stock.time(some, False),
                }
                if stock.newton is not None:
                    contenders["isaaclab_combined"] = lambda stock=stock, some=some: stock.time(some, True)
                if worker is not None and case == "four":
                    contenders["mjlab"] = lambda name=name: worker(name)
                table = result[f"{case}/{name}"] = take_turns(contenders, rounds, "ours", "both")
                print(f"{case}/{name}", json.dumps(table), flush=True)
            ours.randomizer.startup()  # Isaac Lab's terms wrote the same numbers
            ours.check(ids["few"])
        if worker is not None:
            result["mjlab"] = {"packages": MJLAB, "robot": "Go1", **worker.robot}  # type: ignore[attr-defined]
    return result


def bench_step(physics: str, num_envs: int, rounds: int, few: int = 16, steps: int = 2) -> dict[str, Any]:
    """Whole steps, with five terms on a few worlds before each."""
    import torch

    from sim2real.lab.engine import engine_of

    generator = np.random.default_rng(SEED)
    with go2(physics, num_envs) as env:
        ours, stock = Ours(env, engine_of(env), "five"), Stock(env, "five")
        action = torch.zeros(num_envs, 12)
        spent = {"notify": 0.0}
        if stock.newton is not None:
            notify = stock.newton._solver.notify_model_changed

            def timed(change: Any) -> None:
                spent["notify"] += clock(lambda: notify(change))

            stock.newton._solver.notify_model_changed = timed

        def run(apply: Callable[[np.ndarray], object] | None) -> dict[str, float]:
            spent["notify"] = added = whole = 0.0
            for _ in range(steps):
                ids = np.sort(generator.permutation(num_envs)[:few]).astype(np.int32)
                took = clock(lambda: apply(ids)) if apply else 0.0  # noqa: B023
                added += took
                whole += took + clock(lambda: env.step(action))
            return {"step": whole / steps, "added": (added + spent["notify"]) / steps}

        table = take_turns(
            {
                "bare": lambda: run(None),
                "isaaclab": lambda: run(stock.apply),
                "ours": lambda: run(lambda ids: ours.randomizer.reset(ours.rows(ids))),
            },
            rounds,
            "bare",
            "step",
        )
    bare = table["bare"]["step"]["median"]
    for name in ("isaaclab", "ours"):
        table[name]["added_percent"] = round(100 * table[name]["added"]["median"] / bare, 3)
    return {"num_envs": num_envs, "worlds_per_step": few, "rounds": rounds, "steps_per_round": steps, **table}


def bench_full(physics: str, num_envs: int, rounds: int) -> dict[str, Any]:
    """The reset event of a whole preset, properties and starts, beside a step."""
    import torch

    from sim2real.lab import events

    ids = torch.as_tensor(worlds(num_envs)["few"], dtype=torch.long)
    with go2(physics, num_envs, events=events("quadruped")) as env:
        action = torch.zeros(num_envs, 12)
        table = take_turns(
            {
                "reset": lambda: {
                    "both": clock(lambda: env.event_manager.apply("reset", env_ids=ids, global_env_step_count=0))
                },
                "step": lambda: {"both": clock(lambda: env.step(action))},
            },
            rounds,
            "step",
            "both",
        )
    return {"num_envs": num_envs, "few": FEW, "rounds": rounds, **table}


@contextlib.contextmanager
def mjlab_worker(folder: Path | None, num_envs: int) -> Iterator[Any]:
    """A function that has mjlab time one round of `all` or `few`; None when it is not asked for."""
    if folder is None:
        yield None
        return
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "-q", "--python", python, *MJLAB], check=True)
    command = [python, Path(__file__).with_name("mjlab_worker.py"), "--num-envs", num_envs, "--few", FEW]
    worker = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdin and worker.stdout

    def answer() -> dict[str, Any]:
        line = worker.stdout.readline()
        if not line:
            raise SystemExit(f"mjlab's process ended with {worker.wait()}; see above")
        return json.loads(line)

    def ask(name: str) -> dict[str, float]:
        worker.stdin.write(name + "\n")
        worker.stdin.flush()
        took = answer()
        return {**took, "both": took["write"] + took["refresh"]}

    try:
        ask.robot = answer()  # type: ignore[attr-defined]
        yield ask
    finally:
        worker.stdin.close()
        worker.wait()


PARTS: dict[str, tuple[int, int]] = {
    "newton": (4096, 9),
    "ovphysx": (1024, 15),
    "step-newton": (1024, 10),
    "step-ovphysx": (1024, 10),
    "full": (4096, 7),
}
"""Worlds and rounds of each part."""


def main() -> None:
    """Measure one part and merge it into the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--num-envs", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--core", type=int, default=0, help="the one core that everything runs on")
    parser.add_argument("--mjlab", type=Path, help="folder of mjlab's own environment; made if it is not there")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})
    num_envs, rounds = args.num_envs or PARTS[args.part][0], args.rounds or PARTS[args.part][1]
    load = os.getloadavg()[0]
    kind, _, name = args.part.rpartition("-")
    physics = {"ovphysx": "ovphysx"}.get(name, "newton_mjwarp")
    if args.part == "full":
        result = bench_full(physics, num_envs, rounds)
    elif kind == "step":
        result = bench_step(physics, num_envs, rounds)
    else:
        result = bench_reset(physics, num_envs, rounds, args.mjlab)
    result["metadata"] = {
        "command": f"python tests/benchmarks/bench_randomizers.py {args.part}" + (" --mjlab DIR" if args.mjlab else ""),
        "cores": os.cpu_count(),
        "used_cores": 1,
        "machine": platform.machine(),
        "load_before": load,
        "load_after": os.getloadavg()[0],
        "cases": OURS,
        "versions": {package: version(package) for package in ("isaaclab", "newton", "mujoco-warp", "warp-lang")},
    }
    merged = json.loads(args.out.read_text()) if args.out.is_file() else {}
    merged[args.part] = result
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(merged, indent=1) + "\n")
    print(json.dumps({args.part: result}, indent=1))


if __name__ == "__main__":
    main()
