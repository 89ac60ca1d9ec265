"""A whole spec in a task's configuration with one call; or nothing random at all.

``apply_spec(cfg, "quadruped")`` on the configuration of a manager-based task: its events, its signals, what is built
with the scene, its curriculum, and what was drawn as an observation of the critic. What the task itself drew of the
same things is taken out, and what finds no place is told, not dropped silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.lab.build_scene import BUILT, build
from sim2real.lab.event_terms import EventTermCfg, asset_of, events, kept_terms, written_by
from sim2real.lab.observations import privileged
from sim2real.lab.ranges import curriculum
from sim2real.lab.signals_cfg import ACTIONS, ERRORS, LATE, apply_signals
from sim2real.lab.signals_state import PARTS, privileged_signals
from sim2real.lab.starts import KICK, STARTS
from sim2real.spec import Spec, load_spec

PUSHES = ("push_by_setting_velocity",)
"""Isaac Lab's events that kick."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a spec did to a configuration."""

    removed: tuple[str, ...] = ()
    """What the task drew itself and no longer draws: its events, noises and lags."""
    signals: tuple[str, ...] = ()
    """Signals that found their terms."""
    privileged: str = ""
    """Observation group that knows the draws; empty where there is none."""
    left_out: tuple[str, ...] = ()
    """What of the spec is not applied, and why."""

    def lines(self) -> list[str]:
        """Return what there is to tell, a line each."""
        found = []
        if self.removed:
            found.append(f"the spec replaces {', '.join(self.removed)}")
        if self.signals:
            found.append(f"signals at work: {', '.join(self.signals)}")
        return found + [f"left out: {said}" for said in self.left_out]


def apply_spec(
    cfg: Any,
    spec: Spec | str,
    *,
    groups: Sequence[str] = ("policy",),
    critic: str = "critic",
    steps_per_iteration: int = 24,
    on_divergence: str = "error",
    first_world: int | None = None,
) -> Applied:
    """Put a whole spec into the configuration of a manager-based task, before its environment is made.

    Args:
        cfg: the task's configuration, which is changed.
        spec: a spec, a preset's name, or a file.
        groups: observation groups that the robot sees, which its signals go around.
        critic: observation group that may know what was drawn; where the task has none, nothing is added.
        steps_per_iteration: environment steps per training iteration, which stages of a curriculum are counted in.
        on_divergence: as in :func:`sim2real.lab.events`; with `count`, a termination ends the episode of such a world.
        first_world: global id of environment 0, as in :func:`sim2real.lab.events`.

    Returns:
        What it did.

    Raises:
        SpecError: the spec is wrong.
        Sim2RealError: the task is not manager-based, or cannot take what the spec says.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    _check_managed(cfg)
    removed = _drop_events(cfg, lambda event: _meets(event, spec))
    if any(term.target in BUILT for term in spec.terms.values()):
        build(cfg, spec, first_world=first_world)
    placed, unplaced, quiet = _place_signals(cfg, spec, groups)
    left = [f"signals.{name}: {why}" for name, why in unplaced.items()]
    if placed:
        apply_signals(cfg, spec, groups=groups, leave=tuple(unplaced))
    cfg.events = events(
        spec,
        keep=cfg.events,
        first_world=first_world,
        on_divergence=on_divergence,
        steps_per_iteration=steps_per_iteration,
    )
    if on_divergence == "count":
        _add(cfg, "terminations", "diverged", _diverged_term())
    if spec.curriculum.adr is not None or spec.curriculum.stages:
        _add(cfg, "curriculum", "ranges", curriculum())
    group = getattr(cfg.observations, critic, None)
    if group is not None:
        group.draws = privileged()
        if any(_varies(spec.signals[name]) for name in placed):
            group.signals = privileged_signals()
    if spec.vision:
        left.append(f"vision ({', '.join(spec.vision)}): this task's cameras, where it has any, draw nothing from it")
    return Applied(
        removed=(*removed, *quiet),
        signals=tuple(placed),
        privileged=critic if group is not None else "",
        left_out=tuple(left),
    )


def apply_nothing(cfg: Any, *, groups: Sequence[str] = ("policy",)) -> Applied:
    """Take out of a manager-based task's configuration what it draws itself but where an episode starts.

    Properties, pushes, forces, and the noise and lags of observations go; resets and commands stay.

    Args:
        cfg: the task's configuration, which is changed.
        groups: observation groups whose noise and lags are taken out.

    Raises:
        Sim2RealError: the task is not manager-based.
    """
    _check_managed(cfg)
    removed = _drop_events(cfg, _draws_properties)
    for group in groups:
        owner = getattr(cfg.observations, group, None)
        removed += [said for name in _terms(owner) for said in _silence(owner, group, name, noise=True, late=True)]
    return Applied(removed=tuple(removed))


def _check_managed(cfg: Any) -> None:
    missing = [part for part in ("observations", "actions", "terminations") if not hasattr(cfg, part)]
    if missing:
        raise Sim2RealError(
            f"{type(cfg).__name__} has no {', '.join(missing)}, so its task is not manager-based; put the parts of a"
            " spec into a direct task yourself: sim2real.lab.events, sim2real.lab.build"
        )


def _meets(event: EventTermCfg, spec: Spec) -> bool:
    """Whether an event of the task draws what the spec draws too."""
    import re

    targets = written_by(event)
    if getattr(event.func, "__name__", "") in PUSHES:
        targets = (*targets, KICK)
    return any(
        term.target in targets and re.fullmatch(term.asset, asset_of(event)) is not None for term in spec.terms.values()
    )


def _draws_properties(event: EventTermCfg) -> bool:
    targets = written_by(event)
    drawn = bool(targets) and not any(target in STARTS for target in targets)
    return drawn or getattr(event.func, "__name__", "") in PUSHES


def _drop_events(cfg: Any, drop: Any) -> list[str]:
    names = [name for name, event in kept_terms(cfg.events).items() if drop(event)]
    for name in names:
        if isinstance(cfg.events, dict):
            del cfg.events[name]
        else:
            setattr(cfg.events, name, None)
    return [f"events.{name}" for name in names]


def _terms(owner: Any) -> dict[str, Any]:
    from isaaclab.managers import ActionTermCfg, ObservationTermCfg

    items = vars(owner).items() if owner is not None else ()
    return {name: term for name, term in items if isinstance(term, ActionTermCfg | ObservationTermCfg)}


def _place_signals(cfg: Any, spec: Spec, groups: Sequence[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """Silence the terms that signals take over; return the signals that find a term, those that do not and why, and
    what was silenced.
    """
    placed: list[str] = []
    unplaced: dict[str, str] = {}
    quiet: list[str] = []
    actions = list(_terms(cfg.actions))
    named = [name for name in spec.signals if name in ACTIONS]
    for name, signal in spec.signals.items():
        owners = [(group, getattr(cfg.observations, group, None)) for group in groups]
        owners = [(group, owner) for group, owner in owners if name in _terms(owner)]
        for group, owner in owners:
            errors = any(getattr(signal, part, None) is not None for part in ERRORS)
            late = any(getattr(signal, part, None) is not None for part in LATE)
            quiet += _silence(owner, group, name, noise=errors, late=late)
        if owners or (name in ACTIONS and len(actions) == 1 and len(named) == 1):
            placed.append(name)
        elif name in ACTIONS:
            unplaced[name] = f"the task has the actions {', '.join(actions)} and the spec {', '.join(named)}"
        else:
            unplaced[name] = f"the task shows its robot no '{name}'"
    return placed, unplaced, quiet


def _varies(signal: Any) -> bool:
    """Whether a signal draws something for an episode that a critic can be told."""
    dists = [getattr(signal, part) for part in PARTS]
    return any(low < high for dist in dists if dist is not None for low, high in zip(*dist.bounds(), strict=True))


def _silence(owner: Any, group: str, name: str, *, noise: bool, late: bool) -> list[str]:
    term, said = getattr(owner, name), []
    if noise and getattr(term, "noise", None) is not None:
        term.noise = None
        said.append(f"the noise of {group}.{name}")
    if late and getattr(term, "delay_max_lag", 0) > 0:
        term.delay_min_lag = term.delay_max_lag = 0
        said.append(f"the lag of {group}.{name}")
    return said


def _diverged_term() -> Any:
    from isaaclab.managers import TerminationTermCfg

    from sim2real.lab.randomization import diverged

    return TerminationTermCfg(func=diverged)


def _add(cfg: Any, section: str, name: str, term: Any) -> None:
    """Add a term to a section that may be None, a mapping, or an object."""
    owner = getattr(cfg, section)
    if owner is None:
        setattr(cfg, section, {name: term})
    elif isinstance(owner, dict):
        owner[name] = term
    else:
        setattr(owner, name, term)


__all__ = ["Applied", "apply_nothing", "apply_spec"]
