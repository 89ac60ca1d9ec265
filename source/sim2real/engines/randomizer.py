"""One spec in one running engine: draw, fold, write; per world, in place, always from nominal values.

The randomizer resolves names once and refuses, with the whole list of reasons, what this engine cannot do or what
would change nothing. After that every call is a few kernel launches over the rows that it is about; the host never
learns which worlds those are. What a world is, is a pure function of (seed, world, episode, occurrence).

Order of calls: `startup` once, `reset` of the worlds whose episode begins, and `step` before every physics step, after
any reset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.draws.sampler import Draws
from sim2real.engines.checks import Reach, check_operations, listed
from sim2real.engines.choose import Chosen, choose_terms
from sim2real.engines.engine import EngineError, Rows, Support
from sim2real.engines.fold import Fold
from sim2real.engines.friction import FRICTION, Pairs, solve_friction
from sim2real.engines.launch import RowsKernel
from sim2real.engines.layout import Layout
from sim2real.engines.ops import BEFORE, LATER, compile_ops
from sim2real.engines.plan import Plan, make_plan
from sim2real.engines.quantities import QUANTITIES
from sim2real.engines.state import restore, state_of
from sim2real.engines.streams import streams_of
from sim2real.engines.timers import Timers, places, placing_kernel, timed

if TYPE_CHECKING:
    import warp as wp

    from sim2real.engines.engine import Engine
    from sim2real.engines.resolve import Resolved
    from sim2real.spec.distributions import Numbers, Vector
    from sim2real.spec.spec import Spec


class Randomizer:
    """Keeps the worlds of an engine as a spec says."""

    def __init__(
        self,
        spec: Spec,
        engine: Engine,
        *,
        handled: Mapping[str, Support] | None = None,
        elsewhere: Collection[str] = (),
        first_world: int = 0,
        step_dt: float | None = None,
    ) -> None:
        """Find everything that the spec names; nothing is drawn or written yet.

        Args:
            spec: what is uncertain.
            engine: where it goes.
            handled: targets that the caller applies from :meth:`values`, with what to say about them.
            elsewhere: targets that the caller draws and applies itself; a mapping says how.
            first_world: global id of world 0 of this process.
            step_dt: time between two calls of :meth:`step` [s]; needed by intervals and durations.

        Raises:
            EngineError: the whole list of what cannot be done.
        """
        import warp as wp

        from sim2real.draws.bank import DrawBank
        from sim2real.engines.fold_kernels import begin_episodes

        self.spec, self.engine, self.first_world, self.step_dt = spec, engine, int(first_world), step_dt
        self.device, self.num_worlds = engine.device, engine.num_worlds
        self.chosen: Chosen = choose_terms(spec, engine, handled or {}, elsewhere)
        faults = self.chosen.faults + _time_faults(self.chosen, step_dt)
        self.terms: dict[str, Resolved] = {resolved.name: resolved for resolved in self.chosen.drawn}
        self.adr_terms = adr_terms(spec, self.terms)
        self.bank = DrawBank(
            spec.seed,
            streams_of(self.terms.values()),
            self.num_worlds,
            engine.device,
            first_world=first_world,
            pinned=self.adr_terms,
        )
        self._fold, self.ranges, self.pair_ranges = self._make_fold(faults)
        self.timers = Timers(
            list(self.terms.values()),
            self.chosen.pushes,
            {resolved.name for resolved in self.chosen.properties},
            self.bank,
            self._fold.part,
            num_bodies=len(engine.elements.body),
            step_dt=step_dt,
        )
        operations = self._fold.operations
        self._at_start = self._fold.program(operations.written_at((*BEFORE, *LATER)))
        self._at_reset = self._fold.program(operations.written_at(LATER))
        self._at_step = self._fold.program(operations.written_at(("interval", "step")))
        later = {resolved.name for resolved in self.terms.values() if resolved.term.when in LATER}
        names = [stream.name for stream in self.bank.streams]
        self._later = self.bank.choose([name for name in names if name.partition("/")[0] in later])
        self._before = self.bank.choose([name for name in names if name.partition("/")[0] not in later])
        self._timed = self.bank.choose(self.timers.names)
        self.resets = wp.zeros(self.num_worlds, dtype=wp.int32, device=self.device)
        self.episode = wp.zeros(self.num_worlds, dtype=wp.int32, device=self.device)
        self.occurrence = wp.zeros((self.num_worlds, len(self.bank.streams)), dtype=wp.int32, device=self.device)
        self._zero_episode, self._zero_occurrence = wp.zeros_like(self.episode), wp.zeros_like(self.occurrence)
        self._begin = RowsKernel(begin_episodes, [self.resets, self.episode, self.occurrence], self.device)
        self.everything = Rows(
            index=wp.array(np.arange(self.num_worlds), dtype=wp.int32, device=self.device), n=self.num_worlds
        )
        self._placed: wp.array | None = None
        self._place: RowsKernel | None = None
        self._places = places(self.bank, list(self.terms.values()))
        self._started, self._part = False, 1.0

    def _make_fold(self, faults: list[str]) -> tuple[Fold, Reach, dict[int, tuple[float, float]]]:
        columns = {name: where.start for name, where in self.bank.columns.items()}
        operations = compile_ops(self.chosen.properties, columns)
        counts = {name: len(self.engine.elements.of(QUANTITIES[name].kind)) for name in operations.quantities}
        layout = Layout(operations.quantities, counts, self.num_worlds)
        nominal = layout.nominal(self.engine)
        start = nominal.copy()
        solved: dict[tuple[str, int, int], tuple[float, float]] = {}
        pair_ranges: dict[int, tuple[float, float]] = {}
        self.pairs = pairs = Pairs(self.chosen.properties, self.engine, faults)
        if pairs.counterparts:
            shapes = layout.host(start, FRICTION)
            shapes[...], solved, pair_ranges = solve_friction(pairs, operations, shapes.copy(), faults)
        found, ranges = check_operations(operations, layout, start, self.engine.elements)
        faults += found
        if faults:
            raise EngineError(f"{self.engine.name}: {listed(faults)}")
        self._start = start
        fold = Fold(
            layout,
            operations,
            nominal=nominal,
            effective=start,
            solved=solved,
            values=self.bank.values,
            device=self.device,
        )
        return fold, ranges, pair_ranges

    def startup(self) -> None:
        """Draw everything as for the first episode, and write all worlds."""
        self._started = True
        self._draw_startup(self.everything)
        self.bank.draw(self.everything, self.episode, self.occurrence, self._later)
        self._apply(self._at_start, self.everything)
        self._push(self.timers.restart(self.everything))
        self._update_places(self.everything)

    def reset(self, rows: Rows) -> None:
        """Begin an episode in the given worlds: count it, draw, write."""
        if not self._started:
            raise EngineError("reset came before startup; call startup() once, when the engine stands")
        self._begin(rows)
        self.bank.draw(rows, self.episode, self.occurrence, self._later)
        self._apply(self._at_reset, rows)
        self._push(self.timers.restart(rows))
        self._update_places(rows)

    def step(self, rows: Rows | None = None) -> None:
        """Draw what is due, write it, and let wrenches run out: in all worlds, or in some that step apart from them."""
        if not self.timers.terms and not self.timers.pushes:
            return
        if rows is None:
            rows = self.everything
        else:
            self.timers.fire.zero_()
        self.timers.tick(self.occurrence, rows)
        if self.timers.terms:
            self.bank.draw(rows, self.episode, self.occurrence, self._timed, self.timers.fire)
        pushed, rewritten = self.timers.settle(rows)
        self._push(pushed)
        if rewritten is not None:
            self._apply(self._at_step, rewritten)
        if self.timers.terms:
            self._update_places(rows)

    def _draw_startup(self, rows: Rows) -> None:
        """Draw what is drawn once: under episode 0, whatever the episode is."""
        self.bank.draw(rows, self._zero_episode, self._zero_occurrence, self._before)

    def _apply(self, program: Any, rows: Rows) -> None:
        if not program.quantities or rows.n == 0:
            return
        program.run(rows)
        for quantity, view in zip(program.quantities, program.views, strict=True):
            self.engine.write(quantity, view, rows)
        self.engine.finish(program.quantities, rows)

    def _push(self, rows: Rows | None) -> None:
        if rows is not None and rows.n:
            self.engine.push(self.timers.wrench, rows)

    def _update_places(self, rows: Rows) -> None:
        if self._place is not None:
            self._place(rows)

    def values(self, term: str) -> wp.array:
        """Return a term's current draws, float32 (num_worlds, width), SI; a view, bit-equal to `Draws.sample`.

        The draws of a term with several stand one after another, in the order of `terms[term].labels`.
        """
        return self.bank.values[:, self.bank.columns[self._known(term)]]

    def vectors(self, term: str) -> wp.array:
        """Return the draws of a term with a direction as vectors, float32 (num_worlds, selected, 3)."""
        return self.timers.vectors(self.terms[self._known(term)])

    def fired(self, term: str) -> wp.array:
        """Return which worlds drew an interval or step term in the last :meth:`step`, int32 (num_worlds,), 0 or 1."""
        return self.timers.fire[:, self.bank.numbers[self._known(term)]]

    def row(self, quantity: str) -> wp.array:
        """Return what the engine was given, float32 (num_worlds, count, width); a view.

        Raises:
            EngineError: no term changes this quantity.
        """
        names = self._fold.layout.quantities
        if quantity not in names:
            raise EngineError(f"no term changes {quantity}; in this spec there are {', '.join(names) or 'none'}")
        return self._fold.quantity(quantity)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities that the spec changes."""
        return self._at_start.quantities

    @property
    def plan(self) -> Plan:
        """What will be written, where, and how far it reaches, as data; `plan.to_text()` is a table."""
        return make_plan(self)

    def nominal_range(self, quantity: str, element: int, component: int) -> tuple[float, float]:
        """Return the smallest and largest nominal value over worlds; for friction the pair's, for gravity its size."""
        values = self._fold.layout.host(self._start, quantity)[:, element]
        column = np.linalg.norm(values, axis=1) if quantity == "gravity" else values[:, component]
        return float(column.min()), float(column.max())

    @property
    def normalised_names(self) -> list[str]:
        """What stands in each column of :meth:`normalised`; numbers that cannot vary are left out."""
        return self._places[0]

    def normalised(self) -> wp.array:
        """Return each draw mapped to [-1, 1] over its declared bounds, float32 (num_worlds, M); kept up to date."""
        import warp as wp

        if self._placed is None:
            self._placed = wp.zeros((self.num_worlds, len(self._places[0])), dtype=wp.float32, device=self.device)
            self._place = placing_kernel(self.bank, *self._places[1:], self._placed)
            self._place(self.everything)
        return self._placed

    @property
    def boundary(self) -> wp.array:
        """Return int32 (num_worlds,): -1, or 2 k where term k of `adr_terms` is held low, 2 k + 1 where high."""
        return self.bank.boundary

    def bounds(self, term: str) -> tuple[Vector, Vector]:
        """Return between what a term is drawn now, SI."""
        return self.bank.bounds(self._known(term))

    def set_bounds(self, term: str, low: Numbers, high: Numbers) -> None:
        """Draw a uniform or log_uniform term between other bounds from the next draw on, SI."""
        self.bank.set_bounds(self._known(term), low, high)

    def set_range(self, part: float) -> None:
        """Open the ranges of properties and wrenches only in part about their nominal, from the next draw on.

        It leaves alone what is drawn at startup, and the draws themselves: a factor f acts as 1 + part (f - 1).

        Raises:
            ValueError: outside [0, 1].
        """
        if not 0.0 <= part <= 1.0:
            raise ValueError(f"range: got {part}; give a part from 0 (nominal) to 1 (the declared range)")
        self._part = float(part)
        self._fold.part.assign(np.array([1.0, part], np.float32))

    @property
    def part(self) -> float:
        """How far the ranges of what is drawn again are open, 0 to 1."""
        return self._part

    def state_dict(self) -> dict[str, Any]:
        """Return what has to be remembered: counters, timers and moved bounds, as plain data and NumPy arrays."""
        return state_of(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of :meth:`state_dict`, draw every world's numbers of then, and write them.

        Under a curriculum that is their u of then, within the ranges of the state.

        A process may hold only a part of the state's worlds.

        Raises:
            EngineError: the state is of another spec, or lacks some of this process's worlds.
        """
        restore(self, state)
        self._started = True
        self._draw_startup(self.everything)
        self.bank.draw(self.everything, self.episode, self.occurrence, self._later)
        self._apply(self._at_start, self.everything)
        self._push(self.timers.resume(self.everything))
        self._update_places(self.everything)

    def replay(self, world: int, episode: int, occurrence: int = 0) -> dict[str, np.ndarray]:
        """Return all draws of a world, by stream, shape (count, dim): what it was given then, under today's bounds.

        A world that a curriculum held at an edge of a range is replayed as if it had not been.

        Args:
            world: global id.
            episode: number of the episode, from 0.
            occurrence: how often interval and step terms have fired; others are drawn at 0.
        """
        draws, found = Draws(self.spec.seed), {}
        for stream in self.bank.streams:
            resolved = self.terms[stream.name.partition("/")[0]]
            at = 0 if resolved.term.when in BEFORE else episode
            dist = stream.dist
            if stream.name in self.adr_terms:
                dist = type(dist)(*self.bank.bounds(stream.name))
            drawn = draws.sample(stream.name, dist, world, at, occurrence if timed(resolved) else 0, stream.count)
            found[stream.name] = drawn.reshape(stream.count, dist.dim)
        return found

    def _known(self, term: str) -> str:
        if term not in self.terms:
            raise EngineError(f"no term '{term}' is drawn here; there are {', '.join(self.terms) or 'none'}")
        return term


def adr_terms(spec: Spec, terms: Mapping[str, Resolved]) -> tuple[str, ...]:
    """Return the terms whose bounds move, by name: those that the curriculum names, in the order of their codes."""
    adr = spec.curriculum.adr
    return tuple(sorted(name for name in adr.terms if name in terms)) if adr is not None else ()


def _time_faults(chosen: Chosen, step_dt: float | None) -> list[str]:
    """Times need the length of a step."""
    if step_dt is not None:
        return []
    return [
        f"terms.{resolved.name}: it is drawn or lasts for seconds, and the length of a step is not known; give step_dt"
        for resolved in chosen.drawn
        if resolved.term.interval_s is not None or resolved.term.duration_s is not None
    ]
