"""The presets of the seeds say what the seeds say: every line, its range, and nothing beside."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.spec import Spec, load_spec, preset_names
from sim2real.spec.distributions import Distribution
from spec.seed_table import ROWS, Row

SEEDS = ("000", "001", "003", "004")
WORLDS = 4096
MAX_SIZE = 0.2
"""Default of ``max_size`` in seed 001, line 202."""


def places(spec: Spec) -> dict[str, Distribution]:
    """Every distribution of a spec by its place, such as ``terms.friction`` or ``signals.sensors.latency``."""
    found = {f"terms.{name}": term.dist for name, term in spec.terms.items()}
    for section in ("signals", "vision"):
        for name, part in getattr(spec, section).items():
            found |= {f"{section}.{name}.{field}": dist for field, dist in distributions(part).items()}
    return found


def distributions(part: object) -> dict[str, Distribution]:
    """The distributions among the fields of a signal or a camera, by field."""
    held = {**vars(part), **getattr(part, "overrides", {})}
    return {name: value for name, value in held.items() if isinstance(value, Distribution)}


def named(row: Row) -> str:
    """A readable test id."""
    return f"{row.seed}-{row.line}-{row.place}"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_preset_says_nothing_else(seed: str) -> None:
    """Each range of the preset stands in a line of the seed, and each line in the preset."""
    assert set(places(load_spec(f"seeds/{seed}"))) == {row.place for row in ROWS if row.seed == seed}


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_declared_bounds(row: Row) -> None:
    """The preset declares the bounds of the seed's line, on its target, with its operation and granularity."""
    spec = load_spec(f"seeds/{row.seed}")
    for bound, value in zip(places(spec)[row.place].bounds(), (row.low, row.high), strict=True):
        assert bound == pytest.approx((value,) * len(bound), rel=1e-12)
    if row.target:
        term = spec.terms[row.place.removeprefix("terms.")]
        assert (f"{term.target} {term.op}", term.each) == (row.target, row.each)


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_drawn_bounds(row: Row) -> None:
    """Draws fill the range of the seed's line: none outside, and both ends are reached within a hundredth."""
    spec = load_spec(f"seeds/{row.seed}")
    dist = places(spec)[row.place]
    drawn = Draws(spec.seed).sample(row.place.removeprefix("terms."), dist, np.arange(WORLDS)).reshape(WORLDS, dist.dim)
    low, high = np.float32(row.low), np.float32(row.high)
    assert (drawn >= low).all() and (drawn <= high).all()
    near = 0.01 * (high - low)
    assert (drawn.min(axis=0) <= low + near).all() and (drawn.max(axis=0) >= high - near).all()


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_the_words_hold_the_figures(row: Row) -> None:
    """The table was not mistyped: the figures in the seed's words mean the bounds of the row."""
    found = [float(text) for text in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", row.words.replace("0-", "0 "))]
    assert any(np.allclose(pair, (row.low, row.high), rtol=1e-9, atol=1e-12) for pair in meanings(row, found))


def meanings(row: Row, found: list[float]) -> list[tuple[float, float]]:
    """What figures can mean here: a range, a range about a value, steps with or without the last, or plus and minus."""
    units = {"%": 0.01, "°": math.pi / 180.0, "cm": 0.01, "ms": 0.001}
    unit = 1.0  # what stands behind code is a comment on it
    if "uniform" not in row.words:
        unit = next((factor for text, factor in units.items() if text in row.words), 1.0)
    scale = "scale" in row.target
    if "±" in row.words and len(found) == 1:
        spread = found[0] * unit
        return [(1.0 - spread, 1.0 + spread)] if scale else [(-spread, spread), (0.0, spread)]
    if row.rate is not None:
        return [(found[0] / row.rate, last / row.rate) for last in (found[1], found[1] - 1.0)]
    if "random() <" in row.words:  # a probability
        return [(found[0], found[0])]
    if "max_size" in row.words:
        return [(found[0], MAX_SIZE)]
    if "choice" in row.words:
        return [(0.0, 1.0)]
    if len(found) == 1:  # a value, a factor about 1, or a shift about 0
        return [(found[0], found[0]), (1.0 - found[0], 1.0 + found[0]), (-found[0], found[0])]
    if found[0] == 9.81:
        return [(9.81 + found[1], 9.81 + found[2])]
    return [(found[0] * unit, found[1] * unit)]


def test_steps_are_whole() -> None:
    """A delay in steps is drawn as whole steps of the seed's rate, each of them possible."""
    for row in ROWS:
        if row.rate is not None:
            spec = load_spec(f"seeds/{row.seed}")
            drawn = Draws(spec.seed).sample(row.place, places(spec)[row.place], np.arange(WORLDS))
            steps = np.unique(drawn * np.float32(row.rate))
            np.testing.assert_allclose(steps, np.arange(round(row.high * row.rate) + 1), rtol=1e-6, err_msg=named(row))


def test_the_guide_shows_the_table() -> None:
    """Each line of the table stands in docs/presets.md with its words, its place and its bounds."""
    guide = (Path(__file__).parents[2] / "docs" / "presets.md").read_text(encoding="utf-8")
    tables = dict(re.findall(r"^### seeds/(\d+)[^\n]*\n(.*?)(?=^###)", guide, re.MULTILINE | re.DOTALL))
    for row in ROWS:
        lines = [line for line in tables[row.seed].splitlines() if line.startswith(f"| {row.line} | {row.words} |")]
        assert any(f"`{row.place}`" in line and f"| {row.low:.4g} | {row.high:.4g} |" in line for line in lines), row
    shown = sum(line.startswith("| ") and line[2].isdigit() for line in "\n".join(tables.values()).splitlines())
    assert shown == len(ROWS)


def test_every_seed_has_a_preset() -> None:
    """One preset for each seed that names ranges."""
    assert [name for name in preset_names() if name.startswith("seeds/")] == [f"seeds/{seed}" for seed in SEEDS]
