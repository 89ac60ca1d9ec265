"""Reinforcement learning on rsl_rl: a task, a spec and an engine in; a run folder that goes on where it stopped out.

``RunCfg`` says what to train, :func:`train` does it. The folder holds the checkpoints, the learning curve, what the run
was made from, and TensorBoard's files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.learn.ppo.config import RunCfg

if TYPE_CHECKING:
    from sim2real.learn.ppo.loop import RunResult, train

__all__ = ["RunCfg", "RunResult", "train"]


def __getattr__(name: str) -> Any:
    """Load what needs torch and Isaac Lab only when it is asked for."""
    if name not in ("RunResult", "train"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.loop"), name)
