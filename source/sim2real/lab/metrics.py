"""How well an episode went, as a number in [0, 1]: what a curriculum listens to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim2real.errors import Sim2RealError

if TYPE_CHECKING:
    import torch

Metric = Callable[[Any, Any], "torch.Tensor"]
"""From an environment and the rows of worlds whose episodes end to their numbers, (n,)."""


def success(env: Any, rows: Any) -> torch.Tensor:
    """Whether the task was done: the termination term `success`, or the environment's own `success` (num_envs,)."""
    manager = getattr(env, "termination_manager", None)
    if manager is not None and "success" in manager.active_terms:
        return manager.get_term("success")[rows].float()
    return env.success[rows].float()


def survival(env: Any, rows: Any) -> torch.Tensor:
    """Whether the episode ended because its time was up, not because something went wrong."""
    return env.reset_time_outs[rows].float()


def progress(env: Any, rows: Any) -> torch.Tensor:
    """How much of the longest episode was played."""
    return env.episode_length_buf[rows].float() / float(env.max_episode_length)


def reward(term: str) -> Metric:
    """Return the metric of one reward term: its mean over the longest episode by its largest value, where the term
    alone lies in [0, 1].
    """

    def mean(env: Any, rows: Any) -> torch.Tensor:
        from sim2real.lab.bind import episode_sums

        weight = env.reward_manager.get_term_cfg(term).weight
        return (episode_sums(env)[term][rows] / (weight * env.max_episode_length_s)).clamp(0.0, 1.0)

    return mean


NAMED: dict[str, Metric] = {"success": success, "survival": survival, "progress": progress}
"""Metrics by the name that a spec uses; `reward.<term>` is one for each reward term."""


def metric_of(name: str, env: Any) -> Metric:
    """Return a metric by name.

    Raises:
        Sim2RealError: unknown, or this environment does not measure it.
    """
    kind, _, term = name.partition(".")
    rewards = _terms(env, "reward_manager", "rewards")
    if kind == "reward" and term in rewards:
        return reward(term)
    says = "success" in _terms(env, "termination_manager", "terminations")
    if name in NAMED and (name != "success" or says or hasattr(env, "success")):
        return NAMED[name]
    why = ""
    if name == "success":
        why = " (this task has neither a termination term 'success' nor an attribute 'success')"
    there = [key for key in NAMED if key != "success"] + [f"reward.{key}" for key in rewards]
    raise Sim2RealError(
        f"curriculum.adr.metric: '{name}' is not measured here{why}; this task has {', '.join(there)}; or give"
        " events(..., metric=function)"
    )


def _terms(env: Any, manager: str, section: str) -> list[str]:
    """Return the names of a manager's terms; a spec's events are made before the managers are."""
    made = getattr(env, manager, None)
    if made is not None:
        return list(made.active_terms)
    cfg = getattr(env.cfg, section, None) or {}
    terms = cfg if isinstance(cfg, dict) else vars(cfg)
    return [name for name, term in terms.items() if term is not None]
