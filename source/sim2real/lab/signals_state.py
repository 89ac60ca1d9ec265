"""What signals drew, as an observation of a critic or a teacher; and which episodes come next, for a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.errors import Sim2RealError
from sim2real.lab.signals_terms import SignalObservation, signal_paths

if TYPE_CHECKING:
    import torch

PARTS = ("latency", "bias")
"""Parts of a signal that are told."""


def signal_state(env: Any) -> dict[str, np.ndarray]:
    """Return what a checkpoint must hold of the signals at work, by the terms that they are around.

    It is the number of the episode that each world begins next. What is under way in a line is part of an episode, as
    positions and speeds are, and ends with it: training goes on from a checkpoint with new episodes.
    """
    return {place: path.resets.numpy().copy() for place, path in signal_paths(env).items()}


def restore_signals(env: Any, state: Mapping[str, Any]) -> None:
    """Go on from what :func:`signal_state` returned, with the next reset of the environment.

    Raises:
        Sim2RealError: it is of other signals or another number of worlds.
    """
    paths = signal_paths(env)
    if sorted(paths) != sorted(state):
        raise Sim2RealError(
            f"the checkpoint was saved with signals around {', '.join(sorted(state)) or 'nothing'}, this environment"
            f" has them around {', '.join(sorted(paths)) or 'nothing'}; resume with the spec of that run"
        )
    for place, path in paths.items():
        if np.shape(state[place]) != (path.num_envs,):
            raise Sim2RealError(
                f"the checkpoint holds {np.size(state[place])} environments of {place} and there are {path.num_envs};"
                " resume with the number of environments of that run"
            )
        path.resets.assign(np.asarray(state[place], np.int32))


def signal_draw_names(env: Any, parts: Sequence[str] = PARTS) -> list[str]:
    """Return what stands in each column of :func:`drawn_signals`; numbers that cannot vary are left out."""
    return [name for name, *_ in _columns(env, parts)]


def drawn_signals(env: Any, parts: Sequence[str] = PARTS) -> torch.Tensor:
    """Return what the worlds drew of their signals for the episode, each number mapped to [-1, 1] over its declared
    bounds, (num_envs, M).

    Args:
        env: an environment with signals at work.
        parts: parts of the signals that are told, where a signal has them.

    Raises:
        Sim2RealError: the observation terms behind signals come later in the configuration, or nothing is drawn.
    """
    import torch
    import warp as wp

    found = _columns(env, parts)
    if not found:
        raise Sim2RealError(
            f"no signal at work draws {' or '.join(parts)} for an episode; remove this observation, or name other parts"
        )
    told = []
    for _name, path, part, element, low, high in found:
        value = wp.to_torch(path.values(part))[:, element]
        told.append((value - low) * (2.0 / (high - low)) - 1.0)
    return torch.stack(told, dim=1).clamp(-1.0, 1.0)


def _columns(env: Any, parts: Sequence[str]) -> list[tuple[str, Any, str, int, float, float]]:
    """Return name, path, part, element and bounds of every number that is told."""
    paths = signal_paths(env)
    for name, group in vars(env.cfg.observations).items():
        for term in vars(group).values() if getattr(group, "enable_corruption", False) else ():
            place = (getattr(term, "params", None) or {}).get("place")
            if getattr(term, "func", None) is SignalObservation and f"observations.{place}" not in paths:
                raise Sim2RealError(
                    f"the signals of observations.{name} are not there yet; put the group that is told their draws"
                    " after it"
                )
    found = []
    for place, path in paths.items():
        for part in parts:
            if getattr(path.signal, part, None) is None:
                continue
            lows, highs = getattr(path.signal, part).bounds()
            for element in range(path.values(part).shape[1]):
                low, high = lows[element % len(lows)], highs[element % len(highs)]
                if high > low:
                    found.append((f"{place}.{part}[{element}]", path, part, element, low, high))
    return found


def privileged_signals(parts: Sequence[str] = PARTS) -> Any:
    """Return the observation term of `drawn_signals`, for a group that the robot does not see.

    ``cfg.observations.critic.signals = sim2real.lab.privileged_signals()``
    """
    from isaaclab.managers import ObservationTermCfg

    return ObservationTermCfg(func=drawn_signals, params={"parts": tuple(parts)})
