"""Start an Isaac Lab environment from plain Python, with or without Kit."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any

from sim2real.errors import Sim2RealError

PHYSICS = ("newton_mjwarp", "ovphysx", "isaacsim_physx")
"""The physics presets of our tasks."""


class LaunchError(Sim2RealError):
    """An environment that cannot be started as asked."""


def check_physics(physics: str) -> str:
    """Return `physics` if it is a preset's name that can run here.

    Raises:
        LaunchError: unknown name, or an engine that is not installed.
    """
    from importlib.util import find_spec

    if physics not in PHYSICS:
        raise LaunchError(f"unknown physics '{physics}'; allowed: {', '.join(PHYSICS)}")
    needs = {"newton_mjwarp": "newton", "ovphysx": "ovphysx", "isaacsim_physx": "isaacsim"}[physics]
    if find_spec(needs) is None:
        remedy = {
            "newton_mjwarp": "run ./sim2real.sh setup",
            "ovphysx": "run ./sim2real.sh setup, which installs the extra [physx] once its terms are accepted",
            "isaacsim_physx": "start the script with Isaac Sim's python.sh, or choose another engine",
        }[physics]
        raise LaunchError(f"physics '{physics}' needs the Python module '{needs}', which is not installed: {remedy}")
    return physics


def check_device(device: str) -> str:
    """Return `device` if it is there.

    Raises:
        LaunchError: not a device's name, or no such device on this machine.
    """
    import re

    if device == "cpu":
        return device
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise LaunchError(f"unknown device '{device}'; allowed: cpu, cuda, cuda:N")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if int(device.partition(":")[2] or 0) >= count:
        raise LaunchError(f"device '{device}' is not there: this machine has {count} CUDA devices; use --device cpu")
    return device


def register_tasks() -> None:
    """Make our tasks, and other packages' too, known to Gymnasium."""
    for entry_point in entry_points(group="isaaclab.tasks"):
        entry_point.load()


@contextlib.contextmanager
def make_env(
    task: str,
    physics: str,
    device: str = "cpu",
    verbose: bool = False,
    prepare: Callable[[Any], Any] | None = None,
    **changes: Any,
) -> Iterator[Any]:
    """Make a registered task's environment and close it at the end.

    Args:
        task: Gymnasium name of the task.
        physics: One of `PHYSICS`.
        device: `cpu`, `cuda` or `cuda:N`.
        verbose: Keep the framework's own start-up prints.
        prepare: Called with the configuration after `changes`, e.g. `lambda cfg: sim2real.lab.build(cfg, spec)`.
        changes: Dotted names of the environment's configuration and their values, e.g. `**{"scene.num_envs": 64}`.

    Yields:
        The unwrapped environment.

    Raises:
        LaunchError: unknown task, engine or configuration name.
    """
    check_physics(physics)
    check_device(device)
    import warp as wp

    wp.config.quiet = not verbose
    if physics == "ovphysx":
        from sim2real.lab.bind import allow_unpinned_arrays

        try:
            allow_unpinned_arrays()
        except RuntimeError as error:
            raise LaunchError(str(error)) from error
    import gymnasium

    register_tasks()
    ours = sorted(name for name in gymnasium.registry if name.startswith("Sim2Real-"))
    if task not in gymnasium.registry:
        raise LaunchError(f"unknown task '{task}'; ours: {', '.join(ours)}")
    with _quiet(not verbose):
        from isaaclab.app import launch_simulation
        from isaaclab_tasks.utils.hydra import resolve_task_config

        argv, sys.argv = sys.argv, [sys.argv[0], f"physics={physics}"]
        try:
            cfg, _ = resolve_task_config(task, "")
        finally:
            sys.argv = argv
        cfg.sim.device = device
        for name, value in changes.items():
            _set(cfg, name, value)
        if prepare is not None:
            prepare(cfg)
        context = launch_simulation(cfg, {"device": device})
        context.__enter__()
    try:
        with _quiet(not verbose):
            env = gymnasium.make(task, cfg=cfg).unwrapped
        try:
            yield env
        finally:
            with _quiet(not verbose):
                env.close()
    finally:
        from isaaclab.sim import SimulationContext

        with _quiet(not verbose):
            SimulationContext.clear_instance()  # still there when the environment's own start failed
            context.__exit__(None, None, None)


def _set(cfg: Any, name: str, value: Any) -> None:
    *path, last = name.split(".")
    target = cfg
    for part in path:
        target = getattr(target, part, None)
    if target is None:
        raise LaunchError(f"the task's configuration has no '{name}'")
    attribute = getattr(target, last, None)
    if callable(attribute):
        attribute(value)
    elif hasattr(target, last):
        setattr(target, last, value)
    else:
        raise LaunchError(f"the task's configuration has no '{name}'")


@contextlib.contextmanager
def _quiet(on: bool) -> Iterator[None]:
    """Hold back what the framework prints while it starts; if it fails, show it."""
    if not on:
        yield
        return
    held = io.StringIO()
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(held), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BaseException:
        sys.stderr.write(held.getvalue())
        raise
    finally:
        logging.disable(level)
