"""Keep draws and curricula in a training's checkpoints, so that a resumed training goes on where it was."""

from __future__ import annotations

from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.lab.randomization import randomization_of

KEY = "sim2real"
"""Where a checkpoint's infos hold our state."""


def state_of(env: Any) -> dict[str, Any]:
    """Return what a checkpoint must hold to go on, as plain data: episode counters, timers, bounds, stages, the
    episodes of signals that come next, the heat of motors.
    """
    from sim2real.lab.motors import motor_state
    from sim2real.lab.signals_state import signal_state

    found = randomization_of(env)
    return {
        "digest": found.spec.digest,
        "first_world": found.first_world,
        "steps": found.steps,
        "randomizer": found.randomizer.state_dict(),
        "curriculum": found.curriculum.state_dict(),
        "signals": signal_state(env),
        "motors": motor_state(env),
    }


def restore(env: Any, state: dict[str, Any]) -> None:
    """Go on from what :func:`state_of` returned, with the next reset; motors are as warm as they were at once.

    Raises:
        Sim2RealError: it was saved under another spec, for other worlds, or with other signals or motors.
    """
    from sim2real.lab.motors import restore_motors
    from sim2real.lab.signals_state import restore_signals

    found = randomization_of(env)
    for key, now in (("digest", found.spec.digest), ("first_world", found.first_world)):
        if state[key] != now:
            what = {"digest": "another spec", "first_world": "other worlds (another rank, or more of them)"}[key]
            raise Sim2RealError(
                f"the checkpoint was saved under {what}: {key} {state[key]}, this environment has {now}; resume with"
                " the spec and the number of environments of that run"
            )
    if "signals" in state:  # older checkpoints have neither
        restore_signals(env, state["signals"])
        restore_motors(env, state["motors"])
    found.steps = int(state["steps"])
    found.randomizer.load_state_dict(state["randomizer"])
    found.curriculum.load_state_dict(state["curriculum"])


def keep_in_checkpoints(runner: Any, env: Any) -> None:
    """Let an rsl_rl runner save our state with every checkpoint and restore it with every load.

    ``runner.save`` puts it into the checkpoint's infos; ``runner.load`` takes it from there. Call it once, after the
    runner was made and before ``runner.load`` or ``runner.learn``.

    Args:
        runner: an rsl_rl runner (or anything with ``save(path, infos=...)`` and ``load`` that returns the infos).
        env: the environment that it trains in.
    """
    save, load = runner.save, runner.load

    def save_with_state(path: str, infos: dict | None = None) -> None:
        save(path, infos={**(infos or {}), KEY: state_of(env)})

    def load_with_state(path: str, *args: Any, **kwargs: Any) -> Any:
        infos = load(path, *args, **kwargs)
        if not infos or KEY not in infos:
            raise Sim2RealError(
                f"{path} holds no state of the randomization; it was saved without keep_in_checkpoints. Start a new"
                " training, or load it before keep_in_checkpoints is called"
            )
        restore(env, infos[KEY])
        return infos

    runner.save, runner.load = save_with_state, load_with_state
