"""What a motor costs beside a PD drive: one physics step of all actuators of the Go2, at 1024 worlds on Newton.

Run ``python tests/benchmarks/bench_motors.py [--num-envs N] [--rounds N]``; it writes ``results/motors.json``.

- ``pd``: Newton's PD drive and its DC motor clamp, as Isaac Lab makes them for the stock Go2.
- ``scaled_pd``: the same with a factor on the feed-forward, which `actuator.strength` needs.
- ``motor``: the preset `go2` with everything on: a supply that sags, play, heat.
- ``motor_stiff_supply``: the same without the lead's resistance, so without the search for the sagging voltage.

All read the same state and command of a running environment. Contenders take turns within each round and change places
in the next; *step* is the median and interquartile range [ms] over the rounds, *ratio* that of each round's time over
that of ``pd``, *share* each round's time, for all physics steps, over that of a whole environment step.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from bench_randomizers import TASK, clock, spread

RESULTS = Path(__file__).with_name("results") / "motors.json"
REPEATS = 20
"""Steps that are timed together; one is shorter than the clock's noise."""


def contenders(motor: Any) -> dict[str, Any]:
    """Actuators on the joints of a motor's actuator, each with two states."""
    import warp as wp
    from newton.actuators import Actuator, ClampingDCMotor, DrivePD

    from sim2real.actuators.drive import ARRAYS, MotorDrive
    from sim2real.actuators.feedforward import scale_feedforward

    count, device = len(motor.indices), motor.indices.device

    def full(value: float) -> Any:
        return wp.full(count, value, dtype=wp.float32, device=device)

    places = {name: getattr(motor, name) for name in ("indices", "pos_indices", "target_pos_indices")}

    def pd() -> Any:
        clamp = ClampingDCMotor(saturation_effort=full(23.5), velocity_limit=full(30.0), max_motor_effort=full(23.5))
        return Actuator(**places, drive=DrivePD(wp.clone(motor.drive.kp), wp.clone(motor.drive.kd)), clamping=[clamp])

    arrays = {name: wp.clone(getattr(motor.drive, name)) for name in ARRAYS}
    stiff = {**arrays, "bus_resistance": full(0.0)}
    bus = {"bus": motor.drive.bus, "bus_joints": motor.drive.bus_joints}
    found = {
        "pd": pd(),
        "scaled_pd": pd(),
        "motor": Actuator(**places, drive=MotorDrive(**bus, **arrays)),
        "motor_stiff_supply": Actuator(**places, drive=MotorDrive(**bus, **stiff)),
    }
    assert scale_feedforward([found["scaled_pd"]]) == 1
    return found


def measure(num_envs: int, rounds: int) -> dict[str, Any]:
    """Time everyone in one environment."""
    import torch

    from sim2real.lab.actuators import with_motors
    from sim2real.lab.bind import actuator_states
    from sim2real.lab.launch import make_env
    from sim2real_tasks.robots.go2 import go2_cfg

    torch.set_num_threads(1)
    changes = {"scene.num_envs": num_envs, "scene.robot": with_motors(go2_cfg(), "go2")}
    with make_env(TASK, "newton_mjwarp", **changes) as env:
        env.reset()
        action = torch.zeros(num_envs, 12)
        env.step(action)
        ((motor, _),) = actuator_states(env.scene["robot"])
        manager = env.sim.physics_manager
        state, control, dt = manager.get_state_0(), manager.get_control(), env.physics_dt
        table = contenders(motor)
        memory = {name: (actuator.state(), actuator.state()) for name, actuator in table.items()}
        times: dict[str, list[float]] = {name: [] for name in (*table, "env_step")}
        names = list(table)
        for number in range(rounds + 1):
            for name in names[number % len(names) :] + names[: number % len(names)]:

                def steps(actuator: Any = table[name], pair: Any = memory[name]) -> None:
                    for _ in range(REPEATS):
                        actuator.step(state, control, *pair, dt=dt)

                took = clock(steps) / REPEATS
                if number:
                    times[name].append(took)
            took = clock(lambda: env.step(action))
            if number:
                times["env_step"].append(took)
        found: dict[str, Any] = {"env_step": spread(times["env_step"])}
        whole = np.array(times["env_step"])
        for name in names:
            mine = np.array(times[name])
            found[name] = {"step": spread(times[name]), "share": spread(list(mine * env.cfg.decimation / whole))}
            if name != "pd":
                found[name]["ratio"] = spread(list(mine / np.array(times["pd"])))
    load = os.getloadavg()[0]
    versions = {name: version(name) for name in ("isaaclab", "newton", "warp-lang")}
    return {
        "num_envs": num_envs, "joints": 12, "rounds": rounds, "device": "cpu", "used_cores": 1, "cores": os.cpu_count(),
        "machine": platform.machine(), "load": round(load, 2),
        "versions": versions, "milliseconds": found,
    }  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--core", type=int, default=0, help="the one core that everything runs on")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    result = measure(options.num_envs, options.rounds)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["milliseconds"], indent=2))


if __name__ == "__main__":
    main()
