"""A signal around a term of Isaac Lab: an observation that comes late, an action that arrives late.

The observation term wraps another one and takes what it returns through a `SignalPath` at every control step; the
manager may ask several times within a step, and gets the same answer. Episodes are counted with the events of the spec
where there are any, else by resets.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from isaaclab.managers import ManagerTermBase, ObservationTermCfg

from sim2real.errors import Sim2RealError
from sim2real.lab.event_terms import NAMES
from sim2real.lab.randomization import randomization_of
from sim2real.signals import SignalPath
from sim2real.spec import parse_spec

if TYPE_CHECKING:
    import torch

    from sim2real.signals import CommandPath

_PATHS: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()


def signal_paths(env: Any) -> dict[str, SignalPath | CommandPath]:
    """Return the lines at work in an environment by the terms they are around, `observations.policy.joint_pos` or
    `actions.joint_pos`; ``values("latency")`` of one is what its worlds drew.
    """
    return dict(_PATHS.get(env.unwrapped, {}))


def keep_path(env: Any, place: str, path: SignalPath | CommandPath) -> None:
    """Let `signal_paths` find a line."""
    _PATHS.setdefault(env.unwrapped, {})[place] = path


def spec_events(env: Any) -> Any:
    """Return what a spec's events do in an environment, or None where its events come from no spec."""
    manager = getattr(env, "event_manager", None)
    if manager is None or NAMES["reset"] not in manager.active_terms.get("reset", []):
        return None
    return randomization_of(env)


def first_world_of(env: Any) -> int:
    """Return the global id of environment 0."""
    found = spec_events(env)
    return int(os.environ.get("RANK", "0")) * env.num_envs if found is None else found.first_world


def episodes_of(env: Any) -> Any:
    """Return the episode of each world as the spec's events count them, a Warp array; None where there are none."""
    found = spec_events(env)
    return None if found is None else found.randomizer.episode


class SignalObservation(ManagerTermBase):
    """An observation term behind a signal."""

    def __init__(self, cfg: ObservationTermCfg, env: Any) -> None:
        """Wait for the first datum, whose shape the line takes."""
        super().__init__(cfg, env)
        if not hasattr(env, "common_step_counter"):
            raise Sim2RealError("signals count steps of an environment of reinforcement learning; this one has none")
        self._inner: ObservationTermCfg = cfg.params["term"]
        self.path: SignalPath | None = None
        """The line and what it draws; None before the first datum."""
        self._at = -1

    def reset(self, env_ids: Any = None) -> None:
        """Begin episodes."""
        if isinstance(self._inner.func, ManagerTermBase):
            self._inner.func.reset(env_ids=env_ids)
        if self.path is not None and hasattr(self._env, "observation_manager"):
            self.path.reset(env_ids, episodes_of(self._env))

    def __call__(self, env: Any, term: ObservationTermCfg, signal: str, spec: str, place: str) -> torch.Tensor:
        """Return what arrives of the wrapped term's value, (num_envs, ...)."""
        x = term.func(env, **term.params)
        if self.path is None:
            self.path = SignalPath(
                parse_spec(spec, "signals"), signal, x.shape[1:], env.step_dt, env.num_envs, env.device,
                first_world=first_world_of(env),
            )  # fmt: skip
            keep_path(env, f"observations.{place}", self.path)
        if not hasattr(env, "observation_manager"):  # it is being made, and asks for the shape
            return x
        again, self._at = self._at == env.common_step_counter, env.common_step_counter
        return self.path(x, again=again)


def observed(term: ObservationTermCfg, spec: str, signal: str, place: str) -> ObservationTermCfg:
    """Return an observation term behind a signal of a spec.

    Modifiers, clip, scale and history of the term stay behind the signal.

    Args:
        term: the term.
        spec: the spec as YAML.
        signal: name of the signal.
        place: `group.term`.
    """
    inner = ObservationTermCfg(func=term.func, params=term.params)
    wrapped = term.copy()
    wrapped.func = SignalObservation
    wrapped.params = {"term": inner, "signal": signal, "spec": spec, "place": place}
    return wrapped
