"""A spec at work in one Isaac Lab environment: the randomizer, the starts, the kicks, the curriculum, the guards.

There is one for each environment, made when something of it is needed first, which is after the simulation has
started. The event terms call it; observations, recorders, terminations and curriculum terms read it.
"""

from __future__ import annotations

import logging
import os
import re
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.engines.engine import Rows
from sim2real.errors import Sim2RealError
from sim2real.lab.build_scene import support_of_built
from sim2real.lab.camera_mounts import mounts_of, support_of_mounts
from sim2real.lab.handled import check_own_spec, handled_here, with_company
from sim2real.lab.starts import (
    JOINT_STATE,
    KICK,
    ROOT_POSE,
    ROOT_VELOCITY,
    STARTS,
    AssetStart,
    Drawn,
    OverrideCheck,
    StateError,
)
from sim2real.spec import parse_spec

if TYPE_CHECKING:
    import torch

    from sim2real.lab.guards import Diverged
    from sim2real.lab.kicks import Kick

ON_DIVERGENCE = ("error", "count", "off")
"""What to do about a world whose state is no number."""
logger = logging.getLogger("sim2real")
_OF: weakref.WeakKeyDictionary[Any, Randomization] = weakref.WeakKeyDictionary()


def randomization_of(env: Any) -> Randomization:
    """Return what the spec does in an environment; the first call makes it.

    Raises:
        Sim2RealError: the environment's events come from no spec, or its simulation has not started; or the engine
            cannot do what the spec says.
    """
    env = env.unwrapped
    found = _OF.get(env)
    if found is None:
        found = _OF[env] = Randomization(env, _settings(env))
    return found


def _settings(env: Any) -> dict[str, Any]:
    from sim2real.lab.event_terms import NAMES

    manager = getattr(env, "event_manager", None)
    names = [name for terms in manager.active_terms.values() for name in terms] if manager is not None else []
    missing = [name for name in NAMES.values() if name not in names]
    if manager is None or missing:
        raise Sim2RealError(
            f"the environment's events lack {', '.join(missing)}, so no spec is at work in it; set"
            ' cfg.events = sim2real.lab.events("spec.yaml") before the environment is made'
        )
    return manager.get_term_cfg(NAMES["startup"]).params["settings"]


class Randomization:
    """A spec at work in one environment."""

    def __init__(self, env: Any, settings: dict[str, Any]) -> None:
        """Find everything that the spec names in the environment; nothing is drawn or written yet.

        Args:
            env: the environment, its simulation started.
            settings: what :func:`sim2real.lab.events` was given.

        Raises:
            Sim2RealError: what cannot be done here.
        """
        import torch
        import warp as wp
        from isaaclab.envs import ManagerBasedEnv

        from sim2real.engines.randomizer import Randomizer
        from sim2real.lab.engine import engine_of
        from sim2real.lab.ranges import Curriculum

        self._env, self.settings = weakref.proxy(env), settings
        self._managed = isinstance(env, ManagerBasedEnv)
        self.spec = parse_spec(settings["spec"], "events")
        rank = int(os.environ.get("RANK", "0"))
        given = settings["first_world"]
        self.first_world: int = rank * env.num_envs if given is None else int(given)
        elsewhere = tuple(getattr(env, "handled_targets", ()))
        check_own_spec(env, self.spec, elsewhere)
        self.engine = engine_of(env)
        self._mounts = mounts_of(env, self.spec, elsewhere, self.first_world)
        built, said = support_of_built(env.cfg, self.spec, env.num_envs, self.first_world)
        self.randomizer = Randomizer(
            self.spec,
            self.engine,
            handled=handled_here(elsewhere) | built | support_of_mounts(self._mounts),
            elsewhere=dict.fromkeys(elsewhere, "") | said,
            first_world=self.first_world,
            step_dt=env.step_dt,
        )
        self.randomizer.resets.fill_(int(settings["first_episode"]))
        self._index = torch.zeros(env.num_envs, dtype=torch.int32, device=env.device)
        self._index_warp = wp.from_torch(self._index)
        self.worlds: torch.Tensor = wp.to_torch(self.randomizer.bank.worlds)
        """Global id of the world that each environment plays, int32 (num_envs,); a view."""
        self.episodes: torch.Tensor = wp.to_torch(self.randomizer.episode)
        """Number of the episode that each world is in, int32 (num_envs,); a view."""
        self.steps = 0
        """Environment steps taken."""
        self._stepped = self._at
        self.diverged: list[Diverged] = []
        """Worlds that went wrong, where they are counted (the last thousand)."""
        self._starts, self._what = self._make_starts()
        self._override = OverrideCheck()
        self._override.done = self._managed
        self._kicks = self._make_kicks()
        self.curriculum = Curriculum(
            self.spec, self.randomizer, self._env, settings["metric"], settings["steps_per_iteration"]
        )
        self._make_guards(env)
        self._said = False

    # -- what the spec means here --------------------------------------------------------------------------------------

    def _assets(self) -> dict[str, Any]:
        scene = self._env.scene
        return {**scene.articulations, **scene.rigid_objects}

    def _make_starts(self) -> tuple[list[AssetStart], dict[str, tuple[str, ...]]]:
        """Return the starts of all assets, and which targets' part of each asset's state is written at a reset."""
        drawn = [entry for entry in self._drawn() if entry.term.target in STARTS]
        kept = self._kept_starts()
        starts, what = [], {}
        for name, asset in self._assets().items():
            own = [entry for entry in drawn if entry.asset == name]
            wanted = tuple(target for target in STARTS if target not in kept.get(name, ()))
            if not self._managed:  # a direct environment places its assets itself
                wanted = with_company(entry.term.target for entry in own)
            if wanted:
                starts.append(AssetStart(name, asset, self._env.scene.env_origins, own))
                what[name] = wanted
        return starts, what

    def _kept_starts(self) -> dict[str, set[str]]:
        """Return, by asset, the targets whose storage an event of the task itself writes at a reset."""
        from sim2real.lab.event_terms import asset_of, written_by

        manager = self._env.event_manager
        found: dict[str, set[str]] = {}
        for name in manager.active_terms.get("reset", []):
            term = manager.get_term_cfg(name)
            targets = {target for target in written_by(term) if target in STARTS}
            everything = len(targets) == len(STARTS)
            for asset in self._assets() if everything else [asset_of(term)]:
                found.setdefault(asset, set()).update(targets)
        return found

    def _drawn(self) -> list[Drawn]:
        """Return the draws of the terms that are applied here, by term and asset."""
        found = []
        for name, resolved in self.randomizer.terms.items():
            target = resolved.term.target
            if target in JOINT_STATE:
                elements = [self.engine.elements.joint[i] for i in resolved.elements]
                for asset in dict.fromkeys(element.asset for element in elements):
                    own = [(e.name, s) for e, s in zip(elements, resolved.slots, strict=True) if e.asset == asset]
                    found.append(self._entry(name, asset, tuple(n for n, _ in own), tuple(s for _, s in own)))
            elif target in (*ROOT_POSE, *ROOT_VELOCITY):
                assets = [asset for asset in self._assets() if re.fullmatch(resolved.term.asset, asset)]
                if not assets:
                    raise StateError(
                        f"terms.{name}: asset '{resolved.term.asset}' matches nothing that moves; the scene has"
                        f" {', '.join(self._assets()) or 'none'}"
                    )
                found += [self._entry(name, asset, (), (0,)) for asset in assets]
        return found

    def _entry(self, name: str, asset: str, elements: tuple[str, ...], slots: tuple[int, ...]) -> Drawn:
        return Drawn(
            name=name,
            term=self.randomizer.terms[name].term,
            asset=asset,
            elements=elements,
            slots=slots,
            values=self.values(name),
        )

    def _make_kicks(self) -> list[list[Kick]]:
        """Return the kicks, one list for each asset."""
        from sim2real.lab.kicks import Kick, check_kicked

        by_asset: dict[str, list[Kick]] = {}
        for name, resolved in self.randomizer.terms.items():
            if resolved.term.target != KICK:
                continue
            for place, number in enumerate(resolved.elements):
                element = self.engine.elements.body[number]
                asset = self._assets()[element.asset]
                check_kicked(name, resolved.term, element.asset, asset, [element.name])
                kick = Kick(name=name, term=resolved.term, asset=asset, place=place)
                by_asset.setdefault(element.asset, []).append(kick)
        return list(by_asset.values())

    def _make_guards(self, env: Any) -> None:
        import warp as wp

        from sim2real.lab.guards import OverflowGuard, StateGuard

        bank = self.randomizer.bank
        self.state_guard: StateGuard | None = None
        if self.settings["on_divergence"] != "off":
            columns = {name: bank.columns[name] for name in self.randomizer.terms}
            self.state_guard = StateGuard(env, wp.to_torch(bank.values), columns)
        self.overflow_guard = OverflowGuard(env) if self.engine.name == "newton_mjwarp" else None

    def _say_what_is_left(self) -> None:
        from sim2real.lab.signals_terms import signal_paths

        self._said = True
        applied = {path.name for path in signal_paths(self._env).values()}
        applied |= set(getattr(self._env, "handled_vision", ()))
        for section in ("signals", "vision"):
            names = [name for name in getattr(self.spec, section) if name not in applied]
            if names:
                logger.warning("events() does not apply the spec's %s: %s", section, ", ".join(names))
        for name, why in {**self.randomizer.chosen.skipped, **self.randomizer.chosen.elsewhere}.items():
            if why.startswith("built") or self.spec.terms[name].target in getattr(self._env, "handled_targets", ()):
                continue
            logger.warning("terms.%s is not applied by events(): %s", name, why)

    # -- draws ---------------------------------------------------------------------------------------------------------

    @property
    def drawn_terms(self) -> tuple[str, ...]:
        """Names of the terms that are drawn here."""
        return tuple(self.randomizer.terms)

    def values(self, term: str) -> torch.Tensor:
        """Return a term's current draws, float32 (num_envs, count, dim), SI; a view."""
        import warp as wp

        dim = self.randomizer.terms[term].term.dist.dim
        return wp.to_torch(self.randomizer.values(term)).unflatten(1, (-1, dim))

    def moves(self, term: str) -> bool:
        """Whether a term is drawn during an episode."""
        return self.randomizer.terms[term].term.when in ("interval", "step")

    # -- what the events call ------------------------------------------------------------------------------------------

    def startup(self) -> None:
        """Draw everything once."""
        self.randomizer.startup()

    def play(self, env_ids: Any, worlds: Any, episodes: Any) -> None:
        """Let some environments play these worlds' episodes from their next reset on, as numbered scenes do.

        Args:
            env_ids: environments (n,).
            worlds: global ids (n,).
            episodes: number of the episode of each, (n,).
        """
        import torch
        import warp as wp

        rows = torch.as_tensor(env_ids, device=self.worlds.device).long()
        for array, numbers in ((self.worlds, worlds), (wp.to_torch(self.randomizer.resets), episodes)):
            array[rows] = torch.as_tensor(numbers, device=array.device).to(torch.int32)

    def reset(self, env_ids: Any) -> None:
        """Begin an episode in some worlds: a slice, an index tensor, or None for all."""
        if not self._said:  # not at start, where make_env holds back what is logged
            self._say_what_is_left()
        rows, index = self._rows(env_ids)
        if self.curriculum:
            self.curriculum.ending(rows, self.worlds[rows])
        self.randomizer.reset(index)
        for start in self._starts:
            start.part = self._part
            start.write(rows, self._what[start.name])
        for mounts in self._mounts:
            mounts.apply(self._numbers(rows), self.episodes[rows].cpu().numpy())
        self._override.written(self._at, rows, [(start, self._what[start.name]) for start in self._starts])
        for kicks in self._kicks:
            self._kick([entry for entry in kicks if entry.term.when == "reset"], rows)
        if self._at == self._stepped:
            # Not within a step, whose own interval event comes before the next physics: an episode's first physics
            # would have none, and all its timers would be late by a step.
            self.randomizer.step(index)
            self._kick_fired()

    def step(self) -> None:
        """Take a step of the environment, after its resets."""
        from sim2real.lab.guards import diverged_error, overflow_error

        self.steps += 1
        self._override.check(self._at)
        if self.state_guard is not None:
            self.state_guard.collect(self.worlds, self.episodes, self.steps)
        self.randomizer.step()
        self._stepped = self._at
        self._kick_fired()
        self.curriculum.step()
        if self.steps % int(self.settings["check_every"]):
            return
        self.curriculum.judge()
        if self.overflow_guard is not None:
            buffers, envs = self.overflow_guard.found()
            if buffers:
                raise overflow_error(buffers, envs)
        if self.state_guard is not None:
            found = self.state_guard.found()
            if found and self.settings["on_divergence"] == "error":
                raise diverged_error(found)
            self.diverged = [*self.diverged, *found][-1000:]

    @property
    def _at(self) -> int:
        """Steps of the environment; counted after its physics and before its resets."""
        return int(getattr(self._env, "common_step_counter", 0))

    @property
    def _part(self) -> float:
        return 1.0 if self.curriculum.stages is None else self.curriculum.stages.part

    def _rows(self, env_ids: Any) -> tuple[Any, Rows]:
        """Return worlds as Isaac Lab and torch take them, and as the randomizer does."""
        import torch

        if env_ids is None or (isinstance(env_ids, slice) and env_ids == slice(None)):
            return slice(None), self.randomizer.everything
        ids = (
            torch.arange(self._env.num_envs, device=self._index.device)[env_ids]
            if isinstance(env_ids, slice)
            else env_ids
        )
        ids = torch.as_tensor(ids, dtype=torch.int32, device=self._index.device)
        self._index[: len(ids)] = ids
        return ids, Rows(index=self._index_warp, n=len(ids))

    def _numbers(self, rows: Any) -> np.ndarray:
        """Return worlds as numbers on the host."""
        return np.arange(self._env.num_envs)[rows if isinstance(rows, slice) else rows.cpu().numpy()]

    def _kick_fired(self) -> None:
        for kicks in self._kicks:
            self._kick([entry for entry in kicks if entry.term.when != "reset"])

    def _kick(self, kicks: list[Kick], rows: Any = None) -> None:
        import torch
        import warp as wp

        from sim2real.lab.kicks import kick

        if not kicks:
            return
        if rows is None:
            fired = [wp.to_torch(self.randomizer.fired(entry.name)).bool() for entry in kicks]
        else:
            mask = torch.zeros(self._env.num_envs, dtype=torch.bool, device=self._index.device)
            mask[rows] = True
            fired = [mask] * len(kicks)
        changes = [wp.to_torch(self.randomizer.vectors(entry.name))[:, entry.place] for entry in kicks]
        kick(kicks[0].asset, changes, fired, self._part)


def diverged(env: Any) -> torch.Tensor:
    """Return which worlds hold a number that is none, bool (num_envs,): a termination term, with
    events(..., on_divergence="count").
    """
    found = randomization_of(env)
    if found.state_guard is None:
        raise Sim2RealError("nobody looks for divergence; make the events with on_divergence='count'")
    return found.state_guard.collect(found.worlds, found.episodes, found.steps)


__all__ = ["ON_DIVERGENCE", "Randomization", "diverged", "randomization_of"]
