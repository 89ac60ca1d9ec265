"""Automatic domain randomization in the panel: its settings in the spec, and the bounds that a run has come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.spec.curriculum import AdrSpec
from sim2real.studio import spec_text
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Curve, Output, series
from sim2real.studio.runs import read_curve_rows

if TYPE_CHECKING:
    from sim2real.studio.document import SpecDocument

PREFIX = "Curriculum/ranges/"
"""Beginning of the names under which a run keeps its bounds."""
GROUP = "Ranges that grow (ADR)"
_PATH = ("curriculum", "adr")
_NUMBERS = {
    "grow": ("Grow at", "At this rate of success at its bound, or above, a range grows."),
    "shrink": ("Shrink at", "At this rate of success at its bound, or below, a range shrinks."),
    "step": ("Step", "How much a range moves, as a fraction of the declared one."),
}


def curriculum_fields(document: SpecDocument) -> tuple[Field, ...]:
    """Return the switch of automatic domain randomization, and its settings where it is on."""
    found = document.root.fields("a spec")
    node = found["curriculum"].fields("a curriculum").get("adr") if "curriculum" in found else None
    on = node is not None and _PATH not in document.off and ("curriculum",) not in document.off
    switch = Field(
        key="physics.adr.on",
        label="On",
        help="Ranges start at the nominal world and grow while the policy succeeds at their bounds.",
        kind="toggle",
        default=on,
        group=GROUP,
    )
    if node is None or not on:
        return (switch,)
    given = node.fields("settings")
    numbers = tuple(
        Field(
            key=f"physics.adr.{name}",
            label=label,
            help=text,
            kind="number",
            low=0.0,
            high=1.0,
            step=0.05,
            default=float(given[name].node.value) if name in given else float(getattr(AdrSpec, name)),
            group=GROUP,
        )
        for name, (label, text) in _NUMBERS.items()
    )
    episodes = Field(
        key="physics.adr.episodes",
        label="Episodes",
        help="A bound is judged after so many episodes at it.",
        kind="integer",
        low=1,
        high=1_000_000,
        step=16,
        default=int(given["episodes"].node.value) if "episodes" in given else AdrSpec.episodes,
        advanced=True,
        group=GROUP,
    )
    return (switch, *numbers, episodes)


def curriculum_edit(document: SpecDocument, key: str, value: Any) -> SpecDocument:
    """Return the spec after a change of one of these fields.

    Raises:
        SpecError: the loader refuses the changed spec.
        StudioError: the place is shared by an anchor of the file.
    """
    name = key.rpartition(".")[2]
    text = document.text
    if name == "on":
        if spec_text.has(text, _PATH):
            return document.switched(_PATH, value)
        return document.edited(spec_text.inserted(text, ("curriculum",), "{adr: {metric: success}}"))
    path = (*_PATH, name)
    change = spec_text.replaced if spec_text.has(text, path) else spec_text.inserted
    return document.edited(change(text, path, spec_text.flow(value)))


def adr_curves(folder: Path) -> list[Output]:
    """Return the bounds of every range over a run's steps; nothing where the run has none."""
    rows = [row for row in read_curve_rows(folder) if isinstance(row.get("log"), dict)]
    names = [name for name in (rows[-1]["log"] if rows else {}) if name.startswith(PREFIX)]
    terms = dict.fromkeys(name.removeprefix(PREFIX).rpartition("/")[0] for name in names if "/" in name[len(PREFIX) :])
    steps = [row.get("env_steps", 0) for row in rows]
    shown: list[Output] = []
    for term in terms:
        sides = {name: name.rpartition("/")[2] for name in names if name.startswith(f"{PREFIX}{term}/")}
        lines = tuple(
            series(side.replace("_", " "), steps, [row["log"].get(name) for row in rows])
            for name, side in sides.items()
            if side.partition("_")[0] in ("low", "high")
        )
        if lines:
            shown.append(Curve(title=f"Bounds of {term}", series=lines, x_label="env steps", y_label="SI"))
    return shown
