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
    vectors: torch.Tensor
    """Change of the root's velocity, float32 (num_envs, 3) [m/s], world frame; a view, kept true."""


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


def kick(kicks: Sequence[Kick], fired: Sequence[torch.Tensor], part: float = 1.0) -> None:
    """Add the kicks that are due to the velocity of their roots; other worlds stay as they are.

    Args:
        kicks: all of one asset.
        fired: for each, which worlds it is due in, bool (num_envs,).
        part: how far ranges are open.
    """
    import torch
    import warp as wp

    asset = kicks[0].asset
    due = torch.stack(list(fired)).any(0)
    change = sum(entry.vectors * (mask[:, None] * part) for entry, mask in zip(kicks, fired, strict=True))
    velocity = asset.data.root_com_vel_w.torch.clone()
    velocity[:, :3] += change
    asset.write_root_com_velocity_to_sim_mask(root_velocity=velocity, env_mask=wp.from_torch(due))
