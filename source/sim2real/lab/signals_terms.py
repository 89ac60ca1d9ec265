"""A signal around a term of Isaac Lab: an observation that comes late, an action that arrives late.

The observation term wraps another one and takes what it returns through a `SignalPath` at every control step, together
with what it would have returned after each physics step; the manager may ask several times within a step, and gets the
same answer. Episodes are counted with the events of the spec where there are any, else by resets.
"""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any

from isaaclab.managers import ManagerTermBase, ObservationTermCfg

from sim2real.errors import Sim2RealError
from sim2real.lab.event_terms import NAMES
from sim2real.lab.randomization import randomization_of
from sim2real.lab.signals_sampling import sample_between, samples_of
from sim2real.signals import SignalGroup, SignalPath
from sim2real.spec import parse_spec

if TYPE_CHECKING:
    import torch

    from sim2real.signals import CommandPath

_GROUPS: weakref.WeakKeyDictionary[Any, weakref.WeakValueDictionary[str, ObservedGroup]] = weakref.WeakKeyDictionary()
"""Groups by environment; their terms hold them, and they hold the environment."""
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


class ObservedGroup:
    """The terms of an observation group that are behind signals: one launch takes all of them through theirs."""

    def __init__(self, env: Any, name: str) -> None:
        """Start without a term; `enable_corruption` of the group switches all of its signals, as it does noise."""
        self._env = env
        self.on: bool = bool(getattr(env.cfg.observations, name).enable_corruption)
        """Whether the group's signals are on."""
        self._terms: list[SignalObservation] = []
        self._signals: SignalGroup | None = None
        self._unread: set[int] = set()
        self._at = -1

    def join(self, term: SignalObservation) -> None:
        """Add a term, before the first data."""
        self._terms.append(term)

    def _joined(self) -> SignalGroup:
        if self._signals is None:
            pairs = [(term.inner, term.path) for term in self._terms if term.path is not None]
            sample_between(self._env, pairs)
            self._signals = SignalGroup([path for _, path in pairs])
        return self._signals

    def read(self, term: SignalObservation) -> torch.Tensor:
        """Return what arrives of a term's value; the first of the group to ask takes all values in."""
        signals, step = self._joined(), self._env.common_step_counter
        if id(term) not in self._unread or step != self._at:
            for other in self._terms:
                other.path.give_now(other.value())
            signals.launch(again=step == self._at)
            self._at, self._unread = step, {id(other) for other in self._terms}
        self._unread.discard(id(term))
        return term.path.read()

    def reset(self, term: SignalObservation, env_ids: Any) -> None:
        """Begin episodes, once for all terms: when the first is told."""
        self._unread = set()
        if self.on and term is self._terms[0] and hasattr(self._env, "observation_manager"):
            self._joined().reset(env_ids, episodes_of(self._env))


class SignalObservation(ManagerTermBase):
    """An observation term behind a signal."""

    def __init__(self, cfg: ObservationTermCfg, env: Any) -> None:
        """Wait for the first datum, whose shape the line takes."""
        super().__init__(cfg, env)
        if not hasattr(env, "common_step_counter"):
            raise Sim2RealError("signals count steps of an environment of reinforcement learning; this one has none")
        self.inner: ObservationTermCfg = cfg.params["term"]
        """The wrapped term."""
        self.path: Any = None
        """The line and what it draws; None before the first datum, and where the group's signals are off."""
        groups = _GROUPS.setdefault(env, weakref.WeakValueDictionary())
        name = cfg.params["place"].partition(".")[0]
        self._group: ObservedGroup = groups.get(name) or ObservedGroup(env, name)
        groups[name] = self._group
        self._group.join(self)

    def value(self) -> torch.Tensor:
        """Return what is true now."""
        return self.inner.func(self._env, **self.inner.params)

    def reset(self, env_ids: Any = None) -> None:
        """Begin episodes."""
        if isinstance(self.inner.func, ManagerTermBase):
            self.inner.func.reset(env_ids=env_ids)
        self._group.reset(self, env_ids)

    def __call__(self, env: Any, term: ObservationTermCfg, signal: str, spec: str, place: str) -> torch.Tensor:
        """Return what arrives of the wrapped term's value, (num_envs, ...)."""
        if not self._group.on:
            return self.value()
        if self.path is not None and hasattr(env, "observation_manager"):
            return self._group.read(self)
        x = self.value()  # the environment is being made, and asks for the shape
        if self.path is None:
            found = parse_spec(spec, "signals")
            self.path = SignalPath(
                found, signal, x.shape[1:], env.step_dt, env.num_envs, env.device,
                first_world=first_world_of(env), substeps=samples_of(env, term, found.signals[signal]),
            )  # fmt: skip
            keep_path(env, f"observations.{place}", self.path)
        return x


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
