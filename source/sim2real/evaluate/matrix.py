"""The transfer matrix: every direction, range, precision and kind of training, on the same scenes, resumable.

A cell is one policy driven in one engine: the engine it was trained in, the engine it is tested in, whether the test
scenes lie inside or outside the training ranges, float or INT8, trained with or without randomization. Each cell keeps
its own ``EpisodeTable`` in the matrix' folder, so a matrix that is stopped anywhere goes on with the missing scenes,
and two cells that differ in one thing alone can be compared scene by scene.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.evaluate.episodes import EpisodeTable
from sim2real.evaluate.report import paired_dict
from sim2real.evaluate.verdict import engine_name, percent, percent_range, points

RANGES = ("inside", "outside")
"""Where the test scenes are drawn from: inside or outside the ranges of the training."""
PRECISIONS = ("float", "int8")
"""Precisions of the exported policy."""
TRAININGS = ("randomized", "nominal")
"""Trained with or without randomization."""


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """One policy in one engine on one kind of scenes."""

    engine_train: str
    """Engine the training data came from."""
    engine_test: str
    """Engine it is driven in."""
    training: str
    """``randomized`` or ``nominal``: with or without randomization."""
    ranges: str
    """``inside`` or ``outside`` the training ranges."""
    precision: str
    """``float`` or ``int8``."""

    @property
    def name(self) -> str:
        """The name of the cell and of its file."""
        return f"{self.drive}.{self.precision}"

    @property
    def drive(self) -> str:
        """The name without the precision: cells that share it drive in one engine, one after the other."""
        return f"{self.engine_train}-to-{self.engine_test}.{self.training}.{self.ranges}"

    @property
    def policy(self) -> str:
        """Which policy drives: everything but the test; cells with one policy name need one training and export."""
        return f"{self.engine_train}.{self.training}.{self.precision}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is left to do in one cell."""

    cell: Cell
    """The cell."""
    scenes: tuple[int, ...]
    """Scenes without an episode."""


class Matrix:
    """The cells of a transfer matrix and their tables on disk.

    Args:
        folder: Where the tables lie; ``cells/<drive>/episodes/<precision>.jsonl`` inside it.
        scenes: The scenes that every cell drives, or a function that tells them for a cell. Cells that are compared
            must have scenes in common: let the shorter lists be the beginning of the longer ones.
        engines: The engines; every ordered pair of two different ones is a direction.
        ranges: Ranges to test in.
        precisions: Precisions to test.
        trainings: Kinds of training to test.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        scenes: Iterable[int] | Callable[[Cell], Iterable[int]],
        engines: Sequence[str] = ("newton_mjwarp", "ovphysx"),
        ranges: Sequence[str] = RANGES,
        precisions: Sequence[str] = PRECISIONS,
        trainings: Sequence[str] = TRAININGS,
    ) -> None:
        for name, values, allowed in (
            ("ranges", ranges, RANGES),
            ("precisions", precisions, PRECISIONS),
            ("trainings", trainings, TRAININGS),
        ):
            unknown = [value for value in values if value not in allowed]
            if unknown or not values:
                raise ValueError(f"{name} are {list(values)}; allowed: one or more of {', '.join(allowed)}")
        if len(set(engines)) < 2:
            raise ValueError(f"engines are {list(engines)}; allowed: at least two different ones, to transfer between")
        self.folder = Path(folder)
        same = None if callable(scenes) else tuple(int(scene) for scene in scenes)
        # Cells of one policy and one engine stand together, so that each is loaded and started once.
        self.cells = [
            Cell(engine_train=train, engine_test=test, training=training, ranges=where, precision=precision)
            for (train, test), training, precision, where in itertools.product(
                itertools.permutations(dict.fromkeys(engines), 2), trainings, precisions, ranges
            )
        ]
        self.scenes = {
            cell: same if same is not None else tuple(int(scene) for scene in scenes(cell))  # type: ignore[operator]
            for cell in self.cells
        }
        """The scenes of each cell."""

    def path(self, cell: Cell) -> Path:
        """Return the file of a cell's table."""
        return self.folder / "cells" / cell.drive / "episodes" / f"{cell.precision}.jsonl"

    def open(self, cell: Cell, **identity: Any) -> EpisodeTable:
        """Open a cell's table for driving; ``identity`` as in ``EpisodeTable.open``.

        Raises:
            EvaluationError: the table belongs to another policy file, spec or seed.
        """
        return EpisodeTable.open(self.path(cell), **identity)

    def tables(self) -> Iterator[tuple[Cell, EpisodeTable]]:
        """Read every cell's table; cells without a file have an empty one."""
        for cell in self.cells:
            yield cell, EpisodeTable.open(self.path(cell))

    def plan(self) -> list[Job]:
        """Return every cell with the scenes it still has to drive, finished cells included, in the order to run."""
        return [Job(cell=cell, scenes=tuple(table.missing(self.scenes[cell]))) for cell, table in self.tables()]

    def missing(self) -> list[Job]:
        """Return the cells that are not finished."""
        return [job for job in self.plan() if job.scenes]

    def table(self) -> dict[str, Any]:
        """Return the matrix as JSON types; what was not run is None.

        Only the matrix' own scenes count. Each INT8 cell is paired with its float twin on the scenes that both drove.
        """
        tables = dict(self.tables())
        cells = []
        for cell, table in tables.items():
            summary = table.summary(self.scenes[cell])
            entry = {
                "engine_train": cell.engine_train,
                "engine_test": cell.engine_test,
                "training": cell.training,
                "ranges": cell.ranges,
                "precision": cell.precision,
                **summary.to_dict(),
                "complete": not table.missing(self.scenes[cell]),
            }
            if cell.precision == "int8":
                entry["int8_minus_float"] = paired_dict(table, tables.get(_twin(cell)))
            cells.append(entry)
        return {"cells": cells}

    def markdown(self) -> str:
        """Return the matrix as a table for documentation."""
        columns = self._columns()
        head = (
            "| trained on | driven in | training | " + " | ".join(f"{where}, {kind}" for where, kind in columns) + " |"
        )
        lines = [head, "|---|---|---|" + "---|" * len(columns)]
        for (train, test, training), entries in self._rows():
            cells = [_cell_words(entries.get(column)) for column in columns]
            names = (engine_name(train), engine_name(test), _TRAINING_WORDS[training])
            lines.append("| " + " | ".join((*names, *cells)) + " |")
        lines.append("")
        for entry in self.table()["cells"]:
            paired = entry.get("int8_minus_float")
            if paired:
                low, high = (points(end) for end in paired["ci95"])
                lines.append(
                    f"- {engine_name(entry['engine_train'])} to {engine_name(entry['engine_test'])},"
                    f" {_TRAINING_WORDS[entry['training']]}, {entry['ranges']} the ranges: INT8 minus float"
                    f" {points(paired['value'])} points ({low} to {high}) on {paired['scenes']} scenes"
                )
        return "\n".join(lines).rstrip() + "\n"

    def html(self) -> str:
        """Return the matrix as a shaded HTML table, for a report page."""
        from sim2real.evaluate.report_parts import heat, text

        columns = self._columns()
        head = "".join(
            f"<th>{text(where)} the ranges<br>{text(_PRECISION_WORDS[kind])}</th>" for where, kind in columns
        )
        body = []
        for (train, test, training), entries in self._rows():
            way = f"{engine_name(train)} \u2192 {engine_name(test)}"
            cells = [f"<th>{text(way)}<br>{text(_TRAINING_WORDS[training])}</th>"]
            for column in columns:
                entry = entries.get(column)
                if not entry or entry["success_rate"] is None:
                    cells.append('<td class="none">not run</td>')
                    continue
                rate, (low, high) = entry["success_rate"], entry["ci95"]
                deep = " deep" if rate > 0.72 else ""
                note = f"{percent_range(low, high)}, {entry['episodes']}" + ("" if entry["complete"] else " so far")
                cells.append(
                    f'<td class="cell{deep}" style="background:{heat(rate)}"><strong>{text(percent(rate))}</strong>'
                    f"<br><small>{text(note)}</small></td>"
                )
            body.append(f"<tr>{''.join(cells)}</tr>")
        return f'<table class="heat"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'

    def page(self, command: str = "") -> str:
        """Return a self-contained page with the matrix and the command that made it."""
        from sim2real.evaluate.report_html import page
        from sim2real.evaluate.report_parts import text

        again = f"<section><h2>How to repeat it</h2><pre>{text(command)}</pre></section>" if command else ""
        return page(
            "sim2real transfer matrix",
            '<h1>sim2real transfer matrix</h1><p class="lead">Share of episodes that reached the far side in time'
            " without touching anything, with 95&nbsp;% Wilson intervals and the number of episodes. Every cell drives"
            " the same scenes from the first on; the ranges decide the camera.</p>"
            f'<div class="card scroll">{self.html()}</div>{again}',
        )

    def _columns(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((cell.ranges, cell.precision) for cell in sorted(self.cells, key=_column_order)))

    def _rows(self) -> Iterator[tuple[tuple[str, str, str], dict[tuple[str, str], dict[str, Any]]]]:
        rows: dict[tuple[str, str, str], dict[tuple[str, str], dict[str, Any]]] = {}
        for entry in self.table()["cells"]:
            key = entry["engine_train"], entry["engine_test"], entry["training"]
            rows.setdefault(key, {})[entry["ranges"], entry["precision"]] = entry
        yield from rows.items()


_TRAINING_WORDS = {"randomized": "with randomization", "nominal": "without randomization"}
_PRECISION_WORDS = {"float": "float", "int8": "INT8"}


def _twin(cell: Cell) -> Cell:
    """Return the float cell beside an INT8 cell."""
    return Cell(
        engine_train=cell.engine_train,
        engine_test=cell.engine_test,
        training=cell.training,
        ranges=cell.ranges,
        precision="float",
    )


def _column_order(cell: Cell) -> tuple[int, int]:
    return RANGES.index(cell.ranges), PRECISIONS.index(cell.precision)


def _cell_words(entry: dict[str, Any] | None) -> str:
    if not entry or entry["success_rate"] is None:
        return "not run"
    low, high = entry["ci95"]
    partly = "" if entry["complete"] else " so far"
    return f"**{percent(entry['success_rate'])}** ({percent_range(low, high)}, n = {entry['episodes']}{partly})"
