"""Which global world is which robot: what building and cloning share, without a simulator."""

from __future__ import annotations

import os

import numpy as np


def global_worlds(num_envs: int, first_world: int | None = None) -> np.ndarray:
    """Return the global numbers of this process's worlds, int64 (num_envs,): rank x num_envs onwards, unless given."""
    first = int(os.environ.get("RANK", "0")) * num_envs if first_world is None else int(first_world)
    return first + np.arange(num_envs)


def by_world(weights: np.ndarray, num_envs: int, first_world: int | None = None) -> np.ndarray:
    """Return which robot each world gets, int64 (num_envs,): number (world mod robots); Isaac Lab's clone strategy."""
    return global_worlds(num_envs, first_world) % len(weights)
