"""Builds the kernels that only a running scene asks for: the physics solver's, the renderer's, the camera model's."""


def warm() -> None:
    """Start each installed engine with two environments, render and step once."""
    from typing import Any

    import torch

    from sim2real.lab.launch import LaunchError, check_physics, make_env

    from . import TASK

    changes: dict[str, Any] = {"scene.num_envs": 2, "colour": True}
    for physics in ("newton_mjwarp", "ovphysx"):
        try:
            check_physics(physics)
        except LaunchError:  # an engine that is not installed needs no kernels
            continue
        with make_env(TASK, physics, **changes) as env:
            env.reset()
            env.step(torch.zeros(2, 2))
