"""A spec's signals in a task's configuration, by name, and what is refused there.

A signal whose name is that of an observation term goes around this term; one called `action` or `command` goes around
the task's action. A signal that finds no place, or one that Isaac Lab's own delay or noise would meet, is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.signals import error_plan
from sim2real.spec import Spec, load_spec

ACTIONS = ("action", "command")
"""Names of signals that mean the task's only action."""
ERRORS = error_plan.LEVELS
"""Parts of a signal that change numbers."""
LATE = ("latency", "jitter", "dropout", "period", "exposure")
"""Parts of a signal that change when they come."""
LOGGER = logging.getLogger(__name__)


def apply_signals(
    cfg: Any,
    spec: Spec | str,
    *,
    groups: Sequence[str] = ("policy",),
    observations: Mapping[str, str] | None = None,
    actions: Mapping[str, str] | None = None,
    leave: Sequence[str] = (),
) -> None:
    """Put a spec's signals around the observation and action terms of a manager-based task's configuration.

    Observations of what Isaac Lab's own functions of joints and the base say are sampled after every physics step,
    others once for each control step; actions act with the resolution of a fraction of a physics step. `action` and
    `command` are in the action's own unit. A group's `enable_corruption` switches its signals as it does noise.

    Args:
        cfg: the task's configuration, which is changed.
        spec: a spec, a preset's name, or a file.
        groups: observation groups whose terms are taken by their names; what a critic may know stays true.
        observations: signal by term, `{"policy.joint_pos": "joint_pos"}`; None goes by names.
        actions: signal by action term; None goes by names.
        leave: signals that are not applied here.

    Raises:
        Sim2RealError: with all faults.
    """
    from sim2real.lab.signals_action import SignalActionCfg, commanded
    from sim2real.lab.signals_terms import SignalObservation, observed

    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    names = [name for name in spec.signals if name not in leave]
    faults = [f"leave: the spec has no signal '{name}'" for name in leave if name not in spec.signals]
    found = _observations(cfg, names, groups) if observations is None else dict(observations)
    sent = _actions(cfg, names) if actions is None else dict(actions)
    used = {*found.values(), *sent.values()}
    faults += [f"signals.{name}: no term takes it; {_places(cfg, groups)}" for name in names if name not in used]
    faults += [f"the spec has no signal '{name}'" for name in used if name not in spec.signals]
    wraps = []
    for path, name in found.items():
        group, _, term = path.partition(".")
        owner = getattr(cfg.observations, group, None)
        if getattr(owner, term, None) is None:
            faults.append(f"observations.{path}: the task has no such term")
        elif getattr(owner, term).func is SignalObservation:
            faults.append(f"observations.{path} is behind a signal already; apply signals once")
        elif name in spec.signals:
            faults += _met(spec, name, path, getattr(owner, term))
            wraps.append((owner, term, observed, name, path))
    for term, name in sent.items():
        if getattr(cfg.actions, term, None) is None:
            faults.append(f"actions.{term}: the task has no such term")
        elif isinstance(getattr(cfg.actions, term), SignalActionCfg):
            faults.append(f"actions.{term} is behind a signal already; apply signals once")
        elif name in spec.signals:
            faults += _frozen(cfg, getattr(cfg.actions, term))
            wraps.append((cfg.actions, term, commanded, name, term))
    faults += _unread(cfg, {getattr(cfg.actions, term).asset_name for term in sent if hasattr(cfg.actions, term)})
    if faults:
        raise Sim2RealError("the signals cannot be applied to this task:\n  " + "\n  ".join(faults))
    for name in sorted({path.partition(".")[0] for path in found}):
        if not getattr(cfg.observations, name).enable_corruption:
            LOGGER.warning(
                "observations.%s.enable_corruption is False: its signals stay off until it is set to True", name
            )
    text = spec.to_yaml()
    for owner, term, wrap, name, place in wraps:
        setattr(owner, term, wrap(getattr(owner, term), text, name, place))


def _terms(owner: Any) -> dict[str, Any]:
    from isaaclab.managers import ActionTermCfg, ObservationTermCfg

    items = vars(owner).items() if owner is not None else ()
    return {name: term for name, term in items if isinstance(term, ActionTermCfg | ObservationTermCfg)}


def _observations(cfg: Any, names: list[str], groups: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in groups:
        terms = _terms(getattr(cfg.observations, group, None))
        found |= {f"{group}.{name}": name for name in names if name in terms}
    return found


def _actions(cfg: Any, names: list[str]) -> dict[str, str]:
    terms = list(_terms(cfg.actions))
    named = [name for name in names if name in ACTIONS]
    return {terms[0]: named[0]} if len(terms) == 1 and len(named) == 1 else {}


def _places(cfg: Any, groups: Sequence[str]) -> str:
    seen = [f"{group}.{name}" for group in groups for name in _terms(getattr(cfg.observations, group, None))]
    return (
        f"observation terms are {', '.join(seen) or 'none'}, action terms {', '.join(_terms(cfg.actions)) or 'none'};"
        " name its term in 'observations' or 'actions', or the signal in 'leave'"
    )


def _met(spec: Spec, name: str, path: str, term: Any) -> list[str]:
    """Return what of Isaac Lab's own would act on an observation beside the signal."""
    signal, faults = spec.signals[name], []
    if term.noise is not None and any(getattr(signal, part) is not None for part in ERRORS):
        faults.append(
            f"signals.{name} and the noise of observations.{path} would add up; set"
            f" cfg.observations.{path}.noise = None"
        )
    if term.delay_max_lag > 0 and any(getattr(signal, part) is not None for part in LATE):
        faults.append(
            f"signals.{name} and the lag of observations.{path} would add up; set"
            f" cfg.observations.{path}.delay_min_lag = cfg.observations.{path}.delay_max_lag = 0"
        )
    return faults


def _frozen(cfg: Any, term: Any) -> list[str]:
    """Return the actuators whose own delay stands in front of a command.

    Isaac Lab's native actuators hold it at its maximum and never read its minimum; without them, its torch actuators
    draw it anew for every episode, in whole physics steps, on top of the signal.
    """
    asset = getattr(cfg.scene, term.asset_name, None)
    actuators = getattr(asset, "actuators", None)
    frozen = getattr(cfg.sim, "use_newton_actuators", True)
    why = (
        "at which Isaac Lab's native actuators stay for good, whatever min_delay says"
        if frozen
        else ("which Isaac Lab draws on top of the signal")
    )
    return [
        f"actuators.{name} of '{term.asset_name}' has min_delay={getattr(group, 'min_delay', 0)} and"
        f" max_delay={group.max_delay}, {why}; give an actuator without a delay (IdealPDActuatorCfg), or"
        " min_delay=max_delay=0"
        for name, group in (actuators.items() if isinstance(actuators, dict) else ())
        if getattr(group, "max_delay", 0)
    ]


def _unread(cfg: Any, commanded: set[str]) -> list[str]:
    """Return the actuators of other assets whose delay would never vary, as it is said to."""
    if not getattr(cfg.sim, "use_newton_actuators", True):
        return []
    found = []
    for name, asset in vars(cfg.scene).items():
        actuators = getattr(asset, "actuators", None)
        for group, actuator in actuators.items() if isinstance(actuators, dict) and name not in commanded else ():
            low, high = getattr(actuator, "min_delay", 0), getattr(actuator, "max_delay", 0)
            if low != high:
                found.append(
                    f"actuators.{group} of '{name}' has min_delay={low} and max_delay={high}, and Isaac Lab's native"
                    f" actuators stay at {high} for good; say the delay as a signal of the action, or set"
                    f" min_delay={high}"
                )
    return found
