"""Randomize what is selected, show what became of it, and undo it.

One click is one entry of the undo stack: what every quantity was before, read from the simulation. Undo writes it
back. A stage that was closed takes its entries with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim2real.engines.quantities import QUANTITIES

from .engine import StageEngine
from .handles import open_handle
from .selection import Selection, StageError, find_selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pxr import Usd

    from sim2real.spec.spec import Spec

STEP_S = 1.0 / 60.0
"""Only terms with times in seconds ask for it, and a stage applies each draw once [s]."""
UNDO_LIMIT = 50
"""Entries of the undo stack."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One element's value before and after."""

    term: str
    """Terms that change the quantity, by name."""
    element: str
    """`robot/name`, with the world before it where there are several."""
    quantity: str
    """What it is, with its unit."""
    before: str
    """Number or numbers."""
    after: str
    """Number or numbers."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one click did."""

    title: str
    """What was randomized, and with which draw."""
    api: str
    """Through which of Isaac's extensions."""
    changes: tuple[Change, ...]
    """Every number that is now another."""
    left_out: tuple[tuple[str, str], ...]
    """Terms that a stage cannot have, and why; nothing is left out in silence."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    engine: StageEngine
    before: dict[str, np.ndarray]
    title: str


class StageTool:
    """Randomizes the physics of an opened stage."""

    def __init__(self) -> None:
        """Begin with nothing to undo."""
        self._undo: list[_Entry] = []
        self._engines: dict[tuple[int, Selection], StageEngine] = {}

    @property
    def can_undo(self) -> bool:
        """Whether a click can be taken back."""
        return bool(self._undo)

    def randomize(
        self, stage: Usd.Stage, paths: Sequence[str], spec: Spec, *, world: int = 0, episode: int = 0
    ) -> Outcome:
        """Draw what the spec says for the selected prims and write it.

        Args:
            stage: The opened stage; physics runs.
            paths: Selected prims.
            spec: What is uncertain; the selection is its `robot`, whatever cannot move is its `ground`.
            world: Number of the first articulation's world; the others follow. The draws are those of a training's
                world with that number.
            episode: Which of that world's episodes.

        Raises:
            StageError: nothing usable is selected, or physics does not run.
            EngineError: the spec names what the selection does not have; the whole list.
        """
        from sim2real.engines.randomizer import Randomizer

        selection = find_selection(stage, paths)
        engine = self._engine(stage, selection)
        left_out = {
            term.target: support.note
            for term in spec.terms.values()
            if not (support := engine.support(term.target)).able
        }
        if not spec.terms or all(term.target in left_out for term in spec.terms.values()):
            why = "; ".join(f"{target}: {note}" for target, note in left_out.items()) or "it has no terms"
            raise StageError(f"the spec changes nothing of {selection.title}: {why}")
        randomizer = Randomizer(spec, engine, elsewhere=left_out, first_world=world, step_dt=STEP_S)
        before = {name: engine.read(name) for name in randomizer.quantities}
        state = randomizer.state_dict()
        state["worlds"]["episode"][:] = episode
        state["worlds"]["resets"][:] = episode + 1
        try:
            randomizer.load_state_dict(state)
        except Exception:
            engine.put(before)  # half a draw is no draw
            raise
        title = f"{selection.title}: world {world}, episode {episode}, seed {spec.seed}"
        self._undo = [*self._undo, _Entry(engine=engine, before=before, title=title)][-UNDO_LIMIT:]
        after = {name: engine.read(name) for name in before}
        terms = {
            name: ", ".join(term for term, found in sorted(randomizer.terms.items()) if name in _quantities(found))
            for name in before
        }
        return Outcome(
            title=title,
            api=engine.handle.api,
            changes=tuple(_changes(engine, before, after, terms)),
            left_out=tuple((term, reason) for term, reason in sorted(randomizer.chosen.elsewhere.items())),
        )

    def undo(self) -> str:
        """Take back the last click; returns what was taken back.

        Raises:
            StageError: there is nothing to take back, or the simulation that it was in has ended.
        """
        if not self._undo:
            raise StageError("nothing was randomized, so there is nothing to take back")
        entry = self._undo.pop()
        try:
            entry.engine.put(entry.before)
        except Exception as error:
            raise StageError(
                f"{entry.title} cannot be taken back: {error}. The simulation was stopped or the stage closed, which"
                " gave back what the file says"
            ) from error
        return entry.title

    def forget(self) -> None:
        """Drop every view: the stage is closing, or physics stopped and its tensors are gone.

        What went into the session layer of a stage that is still open is taken back.
        """
        for engine in self._engines.values():
            if engine.stage and engine.stage.GetPseudoRoot():
                engine.restore(("shape_friction", "gravity"))
        self._undo.clear()
        self._engines.clear()

    def _engine(self, stage: Usd.Stage, selection: Selection) -> StageEngine:
        """Return the engine of a selection; its nominal values are those before the first click."""
        key = (id(stage), selection)
        if key not in self._engines:
            self._refuse_overlap(selection)
            self._engines[key] = StageEngine(stage, selection, open_handle(stage, selection))
        return self._engines[key]

    def _refuse_overlap(self, selection: Selection) -> None:
        """What is nominal must be read before anything was drawn: no prim may be randomized in two selections."""
        for (_, other), engine in self._engines.items():
            shared = sorted(set(other.models) & set(selection.models))
            if shared and any(entry.engine is engine for entry in self._undo):
                raise StageError(
                    f"{shared[0]} is randomized as a part of another selection ({other.title}); undo that first"
                )


def _quantities(resolved) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    from sim2real.engines.ops import quantities_of

    return quantities_of(resolved)


def _changes(engine: StageEngine, before: dict[str, np.ndarray], after: dict[str, np.ndarray], terms: dict[str, str]):  # type: ignore[no-untyped-def]
    for name, old in before.items():
        quantity = QUANTITIES[name]
        elements = engine.elements.of(quantity.kind)
        for world, element in np.argwhere((old != after[name]).any(-1)):
            one = elements[element]
            label = f"{one.asset}/{one.name}" if quantity.kind != "world" else "stage"
            yield Change(
                term=terms[name],
                element=label if engine.num_worlds == 1 else f"{world}: {label}",
                quantity=quantity.meaning,
                before=_said(old[world, element]),
                after=_said(after[name][world, element]),
            )


def _said(numbers: np.ndarray) -> str:
    return ", ".join(f"{value:.4g}" for value in numbers)
