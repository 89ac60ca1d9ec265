"""A legged robot's steps in the mirror: left becomes right, for an agent that learns from both (Mittal et al. 2024,
arXiv:2403.04359).

A robot is its own mirror image through the plane between its left and its right, so that a mirrored observation asks
for the mirrored action. rsl_rl adds such pairs to what PPO learns from: `symmetry_cfg` of the agent names the function.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from ..robots import go2

if TYPE_CHECKING:
    import torch

POLAR = (1.0, -1.0, 1.0)
"""Signs of a velocity or a direction in the body's frame: x is forward, y left, z up."""
AXIAL = (-1.0, 1.0, -1.0)
"""Signs of a rotation about those axes."""
VECTORS = {
    "base_lin_vel": POLAR,
    "base_ang_vel": AXIAL,
    "projected_gravity": POLAR,
    "velocity_commands": (1.0, -1.0, -1.0),  # forward, left, and a turn about the vertical
}
"""Observation terms that are a vector of the body's frame."""
OF_JOINTS = ("joint_pos", "joint_vel", "actions")
"""Observation terms with a number for each joint, in the order of the actions."""
OF_FEET = ("feet_height", "feet_contact")
"""Observation terms with a number for each foot."""
KEPT = ("draws", "signals")
"""What a spec drew stays as it is, so that a critic who learns in the mirror does not tell a heavy left from a heavy
right.
"""


class Mirror:
    """Where each number of a vector comes from in the mirror, and with which sign."""

    def __init__(self, source: list[int], sign: list[float]) -> None:
        """Keep both as they are; `__call__` puts them where they are needed."""
        self.source, self.sign = source, sign

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Mirror the last axis of (..., N)."""
        import torch

        return values[..., self.source] * torch.tensor(self.sign, dtype=values.dtype, device=values.device)


def joint_mirror(names: tuple[str, ...], pairs: tuple[tuple[str, str], ...], rolls: str) -> Mirror:
    """Mirror numbers of joints (or of feet, or of anything that is named by its leg).

    Args:
        names: in the order of the numbers.
        pairs: prefixes of names that take each other's place: `("FL", "FR")`.
        rolls: regex of the joints that turn about the forward axis, or about the vertical, and so the other way.

    Raises:
        ValueError: a name has no prefix of a pair, or its partner is missing.
    """
    other = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    source, sign = [], []
    for name in names:
        prefix = next((one for one in other if name.startswith(one)), None)
        partner = None if prefix is None else other[prefix] + name[len(prefix) :]
        if partner not in names:
            raise ValueError(f"'{name}' has no mirror image among {', '.join(names)} by the pairs {pairs}")
        source.append(names.index(partner))
        sign.append(-1.0 if re.fullmatch(rolls, name) else 1.0)
    return Mirror(source, sign)


def group_mirror(terms: tuple[tuple[str, int], ...], joints: Mirror, feet: Mirror) -> Mirror:
    """Mirror a concatenated observation.

    Args:
        terms: name and width of each term, in order; of a term with a history, the width of all its steps.
        joints: for the terms of joints.
        feet: for the terms of feet.

    Raises:
        ValueError: a term is none of those that are known, or its width is no number of whole steps.
    """
    source: list[int] = []
    sign: list[float] = []
    for name, width in terms:
        begin = len(source)
        if name in KEPT:
            part = Mirror(list(range(width)), [1.0] * width)
        elif name in VECTORS:
            part = Mirror([0, 1, 2], list(VECTORS[name]))
        elif name in OF_JOINTS or name in OF_FEET:
            part = joints if name in OF_JOINTS else feet
        else:
            known = ", ".join((*VECTORS, *OF_JOINTS, *OF_FEET, *KEPT))
            raise ValueError(
                f"observation '{name}' cannot be mirrored; known: {known}. Name it there, or set the agent's"
                " algorithm.symmetry_cfg to None"
            )
        size = max(1, len(part.source))
        if width % size:
            raise ValueError(f"observation '{name}' is {width} wide; its mirror image is made for steps of {size}")
        for step in range(begin, begin + width, size):
            source += [step + index for index in part.source]
            sign += part.sign
    return Mirror(source, sign)


@functools.lru_cache(maxsize=16)
def _of_go2(terms: tuple[tuple[str, int], ...]) -> Mirror:
    return group_mirror(terms, _go2_joints(), joint_mirror(go2.FEET, go2.MIRROR_PAIRS, ""))


@functools.lru_cache(maxsize=1)
def _go2_joints() -> Mirror:
    return joint_mirror(go2.JOINTS, go2.MIRROR_PAIRS, go2.MIRROR_ROLLS)


def go2_mirrored(env: Any, obs: Any = None, actions: torch.Tensor | None = None) -> tuple[Any, torch.Tensor | None]:
    """Put the mirror images of the Go2's steps behind the steps, as rsl_rl's `data_augmentation_func`.

    Args:
        env: rsl_rl's view of the environment.
        obs: TensorDict of observation groups, (batch, width) each, or None.
        actions: (batch, 12), or None.

    Returns:
        Both, twice as long: as they were, then mirrored.

    Raises:
        ValueError: an observation cannot be mirrored.
    """
    import torch

    both, both_actions = None, None
    if obs is not None:
        manager = env.unwrapped.observation_manager
        both = obs.repeat(2)
        half = obs.batch_size[0]
        for group in obs.keys():
            terms = tuple(
                (name, shape[0])
                for name, shape in zip(manager.active_terms[group], manager.group_obs_term_dim[group], strict=True)
            )
            both[group][half:] = _of_go2(terms)(obs[group])
    if actions is not None:
        both_actions = torch.cat((actions, _go2_joints()(actions)))
    return both, both_actions
