"""What was drawn, as an observation for a critic or a teacher that may know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.lab.randomization import randomization_of

if TYPE_CHECKING:
    import torch


def drawn(env: Any, *, out: torch.Tensor | None = None) -> torch.Tensor:
    """Return the current draws of all terms, each mapped to [-1, 1] over its declared bounds, (num_envs, M).

    Column names stand in ``randomization_of(env).randomizer.normalised_names``.

    Args:
        env: an environment whose events come from a spec.
        out: where to write; Isaac Lab's observation manager hands it over.
    """
    import warp as wp

    values = wp.to_torch(randomization_of(env).randomizer.normalised())
    if out is None:
        return values.clone()
    out.copy_(values)
    return out


def privileged() -> Any:
    """Return the observation term of `drawn`, for a group that the robot does not see.

    ``cfg.observations.critic.draws = sim2real.lab.privileged()``
    """
    from isaaclab.managers import ObservationTermCfg

    return ObservationTermCfg(func=drawn)
