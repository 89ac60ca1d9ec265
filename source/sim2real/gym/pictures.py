"""Pictures inside observations: found by their space, changed one by one, reproducible by world, episode and step.

What is done to a picture is a `Disturb`: any function of the picture and its place. `SpecPictures` is the one that a
spec's vision section describes; one of your own can stand in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.gym.errors import GymError

if TYPE_CHECKING:
    from sim2real.spec.spec import Spec

Disturb = Callable[[np.ndarray, int, int, int], np.ndarray]
"""(picture uint8 (h, w, 3), world, episode, step) -> picture of the same shape and type; step 0 is the reset's."""


class SpecPictures:
    """A spec's light, colours, blur, noise and occlusion, in image space; the picture is what the camera would show."""

    def __init__(self, spec: Spec) -> None:
        """Check that all that the spec says can be done to a picture alone.

        Raises:
            GymError: the whole list of what cannot.
        """
        from sim2real.draws import Draws
        from sim2real.vision import picture_key
        from sim2real.vision.support import vision_plan

        refused = [entry for entry in vision_plan(spec, "image") if not entry.able]
        if refused:
            raise GymError(
                "the pictures of a Gymnasium env are changed as pictures, after they were rendered:\n"
                + "\n".join(f"  vision.{entry.field}: {entry.note}" for entry in refused)
            )
        self.vision, self.draws, self.key = spec.vision, Draws(spec.seed), picture_key(spec.seed)

    def __call__(self, picture: np.ndarray, world: int, episode: int, step: int) -> np.ndarray:
        """The picture under the draws of its place; several in one observation share them."""
        from sim2real.vision import draw_picture_params, randomize_pictures

        params = draw_picture_params(self.vision, self.draws, [world], episode, step)
        changed = randomize_pictures(picture[None], params, self.key, [world], episodes=episode, occurrences=step)
        return np.asarray(changed[0])


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
