"""The networks and the algorithm of a task: its own rsl_rl configuration, brought to the installed version."""

from __future__ import annotations

import re
from typing import Any

from sim2real.learn.errors import LearnError

KEY = "rsl_rl_cfg_entry_point"
"""Where a registered task names its configuration of rsl_rl."""


def named(name: str) -> str:
    """Return the Gymnasium name of a task from a short one: `velocity/go2` is `Sim2Real-Velocity-Flat-Go2`.

    All words of the short name have to stand in the task's; where several tasks have them, the one on flat ground is
    meant.

    Raises:
        LearnError: no task, or several, have that name.
    """
    import gymnasium

    if name in gymnasium.registry:
        return name
    words = set(re.split(r"[/_ -]+", name.lower()))
    ours = [task for task in gymnasium.registry if task.startswith("Sim2Real-")]
    found = [task for task in ours if words <= set(task.lower().split("-"))]
    if len(found) > 1:
        found = [task for task in found if "flat" in task.lower().split("-")] or found
    if len(found) != 1:
        what = f"means several tasks: {', '.join(sorted(found))}" if found else "is no task"
        raise LearnError(f"'{name}' {what}; {trainable()}")
    return found[0]


def agent_of(task: str, device: str, seed: int) -> Any:
    """Return the rsl_rl configuration of a registered task.

    Args:
        task: Gymnasium name of the task.
        device: where the networks are.
        seed: seed of the run.

    Raises:
        LearnError: the task is not registered, or names none.
    """
    import contextlib
    import io
    from importlib.metadata import version

    import gymnasium
    from isaaclab_rl.rsl_rl import handle_deprecated_rsl_rl_cfg
    from isaaclab_tasks.utils import load_cfg_from_registry

    if task not in gymnasium.registry:
        raise LearnError(f"'{task}' is no task; {trainable()}")
    if KEY not in gymnasium.spec(task).kwargs:
        raise LearnError(f"task '{task}' names no configuration of rsl_rl ({KEY}); {trainable()}")
    with contextlib.redirect_stdout(io.StringIO()):
        agent = load_cfg_from_registry(task, KEY)
        agent = handle_deprecated_rsl_rl_cfg(agent, version("rsl-rl-lib"))
    agent.device, agent.seed = device, seed
    return agent


def trainable() -> str:
    """Return which tasks of ours can be trained, as the end of an error."""
    import gymnasium

    ours = sorted(
        name for name, spec in gymnasium.registry.items() if name.startswith("Sim2Real-") and KEY in spec.kwargs
    )
    return f"ours: {', '.join(ours)}"
