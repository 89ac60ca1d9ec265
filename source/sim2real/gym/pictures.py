"""Pictures inside observations: found by their space, changed one by one, reproducible by world, episode and step.

What is done to a picture is not decided here: `Disturb` is any function of the picture and its place, so that the
colour model of `sim2real.vision`, or one of your own, can stand in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim2real.gym.errors import GymError

Disturb = Callable[[np.ndarray, int, int, int], np.ndarray]
"""(picture uint8 (h, w, 3), world, episode, step) -> picture of the same shape and type; step 0 is the reset's."""


def is_picture(space: Any) -> bool:
    """Whether data of a space are colour pictures: uint8 of shape (h, w, 3)."""
    shape = getattr(space, "shape", None)
    return shape is not None and len(shape) == 3 and shape[2] == 3 and space.dtype == np.uint8


def has_pictures(space: Any) -> bool:
    """Whether there is a picture in an observation of this space."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        return any(has_pictures(part) for part in space.spaces.values())
    if isinstance(space, spaces.Tuple):
        return any(has_pictures(part) for part in space.spaces)
    return is_picture(space)


def disturb_pictures(space: Any, observation: Any, disturb: Disturb, place: tuple[int, int, int]) -> Any:
    """The observation with its pictures changed; all else is passed on as it is.

    Raises:
        GymError: the function gave back something that is no such picture.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Dict):
        parts = space.spaces.items()
        return {key: disturb_pictures(part, observation[key], disturb, place) for key, part in parts}
    if isinstance(space, spaces.Tuple):
        pairs = zip(space.spaces, observation, strict=True)
        return tuple(disturb_pictures(part, value, disturb, place) for part, value in pairs)
    if not is_picture(space):
        return observation
    changed = disturb(observation.copy(), *place)
    if not isinstance(changed, np.ndarray) or changed.shape != space.shape or changed.dtype != np.uint8:
        got = f"{changed.dtype} {changed.shape}" if isinstance(changed, np.ndarray) else type(changed).__name__
        raise GymError(f"pictures: the function gave back {got}; it must give uint8 {space.shape}")
    return changed
