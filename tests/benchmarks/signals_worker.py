"""One contender of `bench_signals.py`: an environment that takes one round of steps for each line on stdin.

Each contender has a process and an environment of its own, since signals and delays stand in its configuration. What is
answered is one JSON line: milliseconds for each environment step, in all and by part. `count` instead of `round` has it
count what waits for the device, over a round that ends episodes. Times are CPU time of the process, whose threads share
one core: what else the machine does is left out. `wall` is the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

TASK = "Sim2Real-Velocity-Flat-Go2"
LATENCY_S = 0.06
"""Longest delay: three control steps, twelve physics steps."""
SIMPLE = "latency: {{uniform: [0, {latency}]}}, bias: {{uniform: [-0.01, 0.01]}}, white: 0.01"
"""What Isaac Lab has too: delay, a bias, normal noise."""
ALL = (
    SIMPLE + ", jitter: {{normal: [0, 0.001]}}, dropout: 0.01, scale: {{uniform: [-0.01, 0.01]}}, walk: 0.01,"
    " relative: 0.01, quantum: 0.0001, saturation: 100"
)
"""Every part that a signal has."""
CONTENDERS = {"bare": "", "isaaclab": "", "ours": SIMPLE, "ours_all": ALL}
"""Nothing; Isaac Lab's own delay and noise; the same by signals; all that signals have."""
PARTS = ("process", "apply", "write", "actuate", "callback", "observe", "reset")
"""What is timed beside the whole step: the action manager's two halves, `write_data_to_sim` (which steps the actuators
on PhysX), Newton's actuators, the callbacks inside Newton's step, the observation manager, resets of both managers."""


def spec_of(terms: list[str], parts: str) -> str:
    """The spec that gives every observation term and the action the same parts, on two buses."""
    parts = parts.format(latency=LATENCY_S)
    rows = [f"  {name}: {{{parts}, bus: sensors}}" for name in terms]
    return "\n".join(["schema: 1", "seed: 5", "signals:", *rows, f"  action: {{{parts}, bus: motors}}", ""])


def terms_of(cfg: Any) -> list[str]:
    """Names of the policy's observation terms."""
    from isaaclab.managers import ObservationTermCfg

    return [name for name, term in vars(cfg.observations.policy).items() if isinstance(term, ObservationTermCfg)]


def prepare(cfg: Any, contender: str) -> None:
    """Put a contender's delay and noise into the configuration; actuators differ in the delay alone."""
    from isaaclab.actuators import DelayedPDActuatorCfg, IdealPDActuatorCfg
    from isaaclab.utils.noise import GaussianNoiseCfg, NoiseModelWithAdditiveBiasCfg, UniformNoiseCfg

    import sim2real.lab
    from sim2real.spec import parse_spec
    from sim2real_tasks.robots.go2 import ARMATURE

    names = terms_of(cfg)
    for name in names:
        getattr(cfg.observations.policy, name).noise = None
    same: dict[str, Any] = {
        "joint_names_expr": [".*"],
        "effort_limit": 23.7,
        "stiffness": 25.0,
        "damping": 0.5,
        "armature": dict(ARMATURE),
    }
    steps = round(LATENCY_S / (cfg.sim.dt * cfg.decimation))
    legs = IdealPDActuatorCfg(**same)
    if contender == "isaaclab":
        legs = DelayedPDActuatorCfg(**same, min_delay=0, max_delay=steps * cfg.decimation)
        for name in names:
            term = getattr(cfg.observations.policy, name)
            term.delay_max_lag = steps
            term.noise = NoiseModelWithAdditiveBiasCfg(
                noise_cfg=GaussianNoiseCfg(std=0.01),
                bias_noise_cfg=UniformNoiseCfg(n_min=-0.01, n_max=0.01, operation="abs"),
            )
    cfg.scene.robot.actuators = {"legs": legs}
    if CONTENDERS[contender]:
        sim2real.lab.apply_signals(cfg, parse_spec(spec_of(names, CONTENDERS[contender])))


class Clocks:
    """Milliseconds spent in parts of a step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def around(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return `work`, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                self.spent[part] += (time.process_time() - begin) * 1e3

        return timed

    def on_engine(self) -> None:
        """Time Newton's actuators and the callbacks behind them; before an environment registers any."""
        from isaaclab.actuators.newton import NewtonActuatorAdapter
        from isaaclab_newton.physics.newton_manager import NewtonManager

        NewtonActuatorAdapter.step = self.around("actuate", NewtonActuatorAdapter.step)  # type: ignore[method-assign]
        register = NewtonManager.register_post_actuator_callback
        NewtonManager.register_post_actuator_callback = (  # type: ignore[method-assign]
            lambda callback: register(self.around("callback", callback))
        )

    def on_env(self, env: Any) -> None:
        """Time what an environment's step calls."""
        actions, observations, scene = env.action_manager, env.observation_manager, env.scene
        actions.process_action = self.around("process", actions.process_action)
        actions.apply_action = self.around("apply", actions.apply_action)
        actions.reset = self.around("reset", actions.reset)
        observations.compute = self.around("observe", observations.compute)
        observations.reset = self.around("reset", observations.reset)
        scene.write_data_to_sim = self.around("write", scene.write_data_to_sim)


def main() -> None:
    """Open the environment and answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--physics", default="newton_mjwarp")
    parser.add_argument("--num-envs", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=2)
    args = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # engines print from C++

    import torch

    from sim2real.lab.launch import make_env

    torch.set_num_threads(1)
    clocks = Clocks()
    if args.physics == "newton_mjwarp":
        clocks.on_engine()
    changes = {
        "seed": 0,
        "scene.num_envs": args.num_envs,
        "events.push_robot": None,
        "terminations.base_contact": None,  # all contenders begin as many episodes
    }
    changed = lambda cfg: prepare(cfg, args.contender)  # noqa: E731
    with make_env(TASK, args.physics, prepare=changed, **changes) as env:
        env.reset()
        generator = torch.Generator().manual_seed(0)
        # As when a policy trains: episodes end one after another, about as many in each step.
        env.episode_length_buf[:] = torch.randint(0, int(env.max_episode_length), (args.num_envs,), generator=generator)
        clocks.on_env(env)
        print(json.dumps({"terms": len(env.observation_manager.active_terms["policy"])}), file=answers, flush=True)
        for line in sys.stdin:
            actions = [0.3 * torch.randn(args.num_envs, 12, generator=generator) for _ in range(args.steps)]
            found = counted_round(env, actions) if line.strip() == "count" else timed_round(env, actions, clocks)
            print(json.dumps(found), file=answers, flush=True)


def timed_round(env: Any, actions: list[Any], clocks: Clocks) -> dict[str, float]:
    """Milliseconds for each step."""
    clocks.spent.clear()
    begin, began = time.process_time(), time.perf_counter()
    for action in actions:
        env.step(action)
    whole, wall = time.process_time() - begin, time.perf_counter() - began
    found = {part: clocks.spent[part] / len(actions) for part in PARTS}
    n = 1e-3 * len(actions)
    return {"step": whole / n, "wall": wall / n, "parts": sum(found.values()), **found}


def counted_round(env: Any, actions: list[Any]) -> dict[str, Any]:
    """What waits for the device, and our launches, for each step."""
    from host_syncs import counted

    begun = min(16, env.num_envs)
    env.episode_length_buf[:begun] = int(env.max_episode_length)
    with counted() as counts:
        for action in actions:
            env.step(action)
    n = len(actions)
    return {
        "counted_resets": begun,
        "syncs": sum(counts.syncs.values()) / n,
        "our_syncs": sorted(counts.ours),
        "launches": sum(counts.launches.values()) / n,
        "our_launches": {name: count / n for name, count in counts.our_launches.items()},
    }


if __name__ == "__main__":
    main()
