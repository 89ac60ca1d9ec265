"""Sudden changes of velocity: what a shove leaves behind when its force is not of interest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim2real.lab.starts import KICK, StateError
from sim2real.spec import Term

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Kick:
    """A term's kicks on one asset."""

    name: str
    """The term's name."""
    term: Term
    """What is drawn."""
    asset: Any
    """An articulation with a free root, or a rigid object."""
    place: int
    """Which of the term's elements the asset's root is."""


def check_kicked(name: str, term: Term, asset_name: str, asset: Any, bodies: Sequence[str]) -> None:
    """Raise StateError unless what is kicked is the free root of its asset: a link's velocity follows from its
    joints and cannot be changed alone.
    """
    root = asset.body_names[0]
    others = [body for body in bodies if body != root]
    if others:
        raise StateError(
            f"terms.{name}: {KICK} of {', '.join(others)} cannot be done: only the root of an asset has a velocity of"
            f" its own; select {re.escape(root)}, or push the link with body.force"
        )
    if getattr(asset, "is_fixed_base", False):
        raise StateError(f"terms.{name}: {KICK}: asset '{asset_name}' is fixed to the world; remove the term")


def kick(asset: Any, changes: Sequence[torch.Tensor], fired: Sequence[torch.Tensor], part: float = 1.0) -> None:
    """Add the kicks that are due to the velocity of an asset's root; other worlds stay as they are.

    Args:
        asset: whose root is kicked.
        changes: for each kick, the change of velocity in every world, (num_envs, 3) [m/s], world frame.
        fired: for each kick, which worlds it is due in, bool (num_envs,).
        part: how far ranges are open.
    """
    import torch
    import warp as wp

    due = torch.stack(list(fired)).any(0)
    change = sum(vector * (mask[:, None] * part) for vector, mask in zip(changes, fired, strict=True))
    velocity = asset.data.root_com_vel_w.torch.clone()
    velocity[:, :3] += change
    asset.write_root_com_velocity_to_sim_mask(root_velocity=velocity, env_mask=wp.from_torch(due))
