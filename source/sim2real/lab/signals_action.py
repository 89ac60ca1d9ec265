"""A signal around an action term: what the policy sends acts later, to the fraction of a physics step.

The signal is that of the policy's action. What has arrived is averaged over each physics step, and the wrapped term
makes of it what it always makes: a target by scale and offset. Where Isaac Lab loops over the physics steps itself
(PhysX; Newton with `use_newton_actuators=False`), the wrapped term is applied anew for each of them. On Newton that
loop lies inside `sim.step`, perhaps in a CUDA graph; there a callback puts the targets of every physics step into
Newton's control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isaaclab.managers import ActionTerm, ActionTermCfg
from isaaclab.utils import configclass

from sim2real.lab.bind import applies_processed, set_processed
from sim2real.lab.signals_terms import episodes_of, first_world_of, keep_path
from sim2real.signals import CommandPath
from sim2real.spec import parse_spec

if TYPE_CHECKING:
    import torch


class SignalAction(ActionTerm):
    """An action term behind a signal."""

    def __init__(self, cfg: SignalActionCfg, env: Any) -> None:
        """Make the wrapped term and its line.

        Raises:
            Sim2RealError: what the wrapped term commands cannot be changed between physics steps on this engine.
        """
        import torch

        super().__init__(cfg, env)
        self._term: ActionTerm = _class_of(cfg.term)(cfg.term, env)
        self.path = CommandPath(
            parse_spec(cfg.spec, "signals"), cfg.signal, self.action_dim, env.step_dt, env.num_envs, env.device,
            substeps=env.cfg.decimation, first_world=first_world_of(env),
        )  # fmt: skip
        """The line and what it draws."""
        keep_path(env, f"actions.{cfg.place}", self.path)
        self._raw_actions = torch.zeros(env.num_envs, self.action_dim, device=env.device)
        self._planes = self._raw_actions.expand(env.cfg.decimation, -1, -1)
        self._next = 0
        self._processed: list[torch.Tensor] = []
        self._ahead = applies_processed(self._term)
        self._targets: Any = None
        if env.sim.physics_manager.handles_decimation():
            from sim2real.lab.signals_newton import targets_of

            self._targets = targets_of(env, self._term, cfg.signal)

    @property
    def action_dim(self) -> int:
        """Numbers of an action."""
        return self._term.action_dim

    @property
    def raw_actions(self) -> torch.Tensor:
        """What the policy sent, (num_envs, action_dim)."""
        return self._raw_actions

    @property
    def processed_actions(self) -> torch.Tensor:
        """What the wrapped term made of what has arrived, in the physics step that was applied last."""
        return self._term.processed_actions

    def process_actions(self, actions: torch.Tensor) -> None:
        """Send an action."""
        self._raw_actions[:] = actions
        self._planes, self._next = self.path(actions), 0
        if self._targets is not None:
            for i in range(1, len(self._planes)):
                self._term.process_actions(self._planes[i])
                self._targets.store(i, self._term.processed_actions)
        elif self._ahead:  # all at once: between physics steps, the same work is done with cold caches
            self._processed = []
            for plane in self._planes:
                self._term.process_actions(plane)
                self._processed.append(self._term.processed_actions)

    def apply_actions(self) -> None:
        """Apply what acts in the next physics step."""
        if self._processed:
            set_processed(self._term, self._processed[self._next])
        else:
            self._term.process_actions(self._planes[self._next])
        self._next = min(self._next + 1, len(self._planes) - 1)
        if self._targets is not None:
            self._targets.begin(self._term.processed_actions)
        self._term.apply_actions()

    def reset(self, env_ids: Any = None) -> None:
        """Begin episodes."""
        self._term.reset(env_ids)
        if hasattr(self._env, "action_manager"):
            self.path.reset(env_ids, episodes_of(self._env))
        self._raw_actions[slice(None) if env_ids is None else env_ids] = 0.0


@configclass
class SignalActionCfg(ActionTermCfg):
    """An action term behind a signal of a spec."""

    class_type: type = SignalAction
    asset_name: str = ""
    """The wrapped term's asset."""
    term: ActionTermCfg | None = None
    """The wrapped term."""
    signal: str = ""
    """Name of the signal."""
    spec: str = ""
    """The spec as YAML."""
    place: str = ""
    """Name of the action term."""


def _class_of(term: Any) -> Any:
    """Return an action term's class, which a configuration may also name."""
    from isaaclab.utils.string import string_to_callable

    return string_to_callable(term.class_type) if isinstance(term.class_type, str) else term.class_type


def commanded(term: ActionTermCfg, spec: str, signal: str, place: str) -> SignalActionCfg:
    """Return an action term behind a signal of a spec, which is given as YAML; `place` is the term's name."""
    return SignalActionCfg(asset_name=term.asset_name, term=term, signal=signal, spec=spec, place=place)
