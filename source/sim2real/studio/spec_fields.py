"""The spec as fields: every term, signal and picture with what may be changed about it, and the way back into the text.

A field's key is its section and the place in the spec, such as ``physics.terms.base_mass.range``. Whether the changed
spec is valid is asked of the spec's own loader; the panel has no rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sim2real.spec.nodes import Node
from sim2real.spec.signals import KEYS as SIGNAL_KEYS
from sim2real.spec.targets import TARGETS, Target
from sim2real.spec.units import find_unit, si_unit
from sim2real.spec.vision import DEPTH_FIELDS, DEPTH_PRESETS, IMAGE_FIELDS, IMAGE_WHENS
from sim2real.spec.vision_stage import STAGE_FIELDS
from sim2real.studio import quantity_fields, spec_text
from sim2real.studio.document import SpecDocument
from sim2real.studio.fields import Field
from sim2real.studio.quantity_fields import Quantity

VISUAL = ("camera", "obstacle", "dataset")
"""Targets that belong to what is seen; all others belong to physics."""
_WORDS = ("bus", "mount", "unit", "on_dropout", "on_dropout_each", "reading", "provenance")
"""Parts of a signal that are no numbers."""
_SIGNAL_HELP = {
    "latency": "Delay, one draw for an episode.",
    "jitter": "Deviation of the delay, drawn for every datum.",
    "dropout": "Probability that a datum is lost.",
    "dropout_each": "Probability that one element of a datum is lost.",
    "period": "Time between two samples of the sensor's own clock.",
    "phase": "When after the episode's start this clock ticks first.",
    "exposure": "Time over which a datum is averaged.",
    "misalignment": "Rotation between the sensor's axes and those that it is meant to have.",
    "cross_axis": "Part of another axis that an axis reads.",
    "eccentricity": "Amplitude of an encoder's error that repeats with every turn.",
    "scale": "Constant error of an episode in proportion to the datum.",
    "relative": "Standard deviation of an error in proportion to the datum.",
    "walk": "Random walk from the episode's start: standard deviation after one second.",
    "bias_instability": "Height of the flat of the Allan deviation.",
    "correlation_time": "Correlation times of the processes that make the flat.",
    "bias": "Constant error of an episode.",
    "white": "Standard deviation of the error of every datum.",
    "quadratic": "Standard deviation that grows with the square of the datum.",
    "noise_density": "White noise whatever the time between samples.",
    "saturation": "Largest magnitude that can be told.",
    "saturation_low": "Smallest value that can be told.",
    "quantum": "Step of the quantisation; 0 for none.",
}
SIGNAL_PARTS = tuple(part for part in SIGNAL_KEYS if part not in _WORDS)
"""Parts of a signal that are numbers."""
SECONDS = ("latency", "jitter", "period", "phase", "exposure", "correlation_time")
"""Parts of a signal that are times."""
_RATIOS = ("dropout", "dropout_each", "relative", "scale", "cross_axis")
_STAGE_WORDS = {
    "select": "Regular expression for the whole path of the prims that are meant.",
    "textures": "A folder of pictures, or procedural:surface or procedural:sky for textures that are made.",
    "shapes": "Shapes of distractors, taken in turn.",
    "semantics": "Label of things -> regular expression for their paths.",
}
COMMON_SIGNAL = ("latency", "jitter", "dropout", "bias", "white", "quantum")
"""Parts that are shown at once; the others are advanced."""


@dataclass(frozen=True)
class _Entry:
    """A field and how a value of it changes the document."""

    field: Field
    edit: Callable[[SpecDocument, Any], SpecDocument]


def fields_of(document: SpecDocument, section: str) -> tuple[Field, ...]:
    """Return the fields of ``physics`` or ``visual``."""
    return tuple(entry.field for entry in _entries(document, section).values())


def edited(document: SpecDocument, section: str, key: str, value: Any) -> SpecDocument | None:
    """Return the spec with a field's checked value; None where the field is no part of the spec.

    Raises:
        FieldError: the numbers make no distribution.
        SpecError: the loader refuses the changed spec.
        StudioError: the place is shared by an anchor of the file.
    """
    entry = _entries(document, section).get(key)
    return None if entry is None or value == entry.field.default else entry.edit(document, value)


@lru_cache(maxsize=4)
def _entries(document: SpecDocument, section: str) -> dict[str, _Entry]:
    found = document.root.fields("a spec")
    entries: list[_Entry] = []
    if "terms" in found:
        for name, node in found["terms"].fields("terms").items():
            if _is_visual(node) == (section == "visual"):
                entries += _of_term(document, section, name, node)
    if "signals" in found and section == "physics":
        for name, node in found["signals"].fields("signals").items():
            entries += _of_signal(document, name, node)
    if "vision" in found and section == "visual":
        for kind, node in found["vision"].fields("vision").items():
            entries += (_of_stage if kind == "stage" else _of_pictures)(document, kind, node)
    return {entry.field.key: entry for entry in entries}


def _target(node: Node) -> Target | None:
    found = node.fields("a term")
    return TARGETS.get(str(found["target"].node.value)) if "target" in found else None


def _is_visual(node: Node) -> bool:
    target = _target(node)
    return target is not None and target.name.partition(".")[0] in VISUAL


def _switch(document: SpecDocument, key: str, path: spec_text.Path, group: str, what: str) -> _Entry:
    """The toggle that leaves an entry out of what acts."""
    field = Field(
        key=key,
        label="On",
        help=f"Whether {what} is randomized; off leaves it as it is in the model.",
        kind="toggle",
        default=path not in document.off,
        group=group,
    )
    return _Entry(field, lambda document, value: document.switched(path, value))


def _of_quantity(quantity: Quantity) -> Iterator[_Entry]:
    for field in quantity_fields.fields_of(quantity):
        yield _Entry(field, _quantity_edit(quantity, field.key))


def _quantity_edit(quantity: Quantity, key: str) -> Callable[[SpecDocument, Any], SpecDocument]:
    return lambda document, value: document.edited(quantity_fields.edited(document.text, quantity, key, value))


def _of_term(document: SpecDocument, section: str, name: str, node: Node) -> Iterator[_Entry]:
    found = node.fields("a term")
    target = _target(node)
    if target is None or "dist" not in found:
        return
    path = ("terms", name)
    base = f"{section}.terms.{name}"
    op = str(found["op"].node.value) if "op" in found else target.ops[0]
    select = f" of '{found['select'].node.value}'" if "select" in found else ""
    said = {"scale": "Factor on the", "add": "Added to the", "set": "The"}[op if op in ("scale", "add") else "set"]
    source = str(found["provenance"].node.value) if "provenance" in found else "default"
    unit = _unit_of(found, "1")
    group = f"{name} ({target.name})"
    limits = (0.0, None) if op == "scale" else ((target.least, target.most) if op == "set" else (None, None))
    quantity = Quantity(
        key=base,
        node=found["dist"],
        path=(*path, "dist"),
        label={"scale": "Factor", "add": "Added", "set": "Value"}[op if op in ("scale", "add") else "set"],
        group=group,
        help=f"{said} {target.meaning}{select}. From: {source}.",
        unit="" if unit == "1" else unit,
        low=_as_written(limits[0], unit),
        high=_as_written(limits[1], unit),
        whole=target.whole,
        provenance=(*path, "provenance"),
    )
    yield _switch(document, f"{base}.on", path, group, name)
    yield from _of_quantity(quantity)
    yield from _when(base, path, found, target, group)
    if len(target.each) > 1:
        yield _word(
            base, path, "each", target.each, target.each[0], found, group, "For what a number of its own is drawn."
        )
    if target.selects:
        field = Field(
            key=f"{base}.select",
            label="Select",
            help="Regular expression for the whole name of the elements that are meant.",
            kind="text",
            default=str(found["select"].node.value) if "select" in found else ".*",
            advanced=True,
            group=group,
        )
        yield _Entry(field, _setter((*path, "select")))


def _when(base: str, path: spec_text.Path, found: dict[str, Node], target: Target, group: str) -> Iterator[_Entry]:
    """When a term is drawn anew."""
    node = found.get("when")
    interval = node is not None and node.is_mapping
    default = "reset" if "reset" in target.when else target.when[0]
    field = Field(
        key=f"{base}.when",
        label="Drawn",
        help="When it is drawn anew: once, at every episode's start, or again and again.",
        kind="choice",
        choices=target.when,
        default="interval" if interval else (default if node is None else str(node.node.value)),
        advanced=True,
        group=group,
    )
    set_when = _setter((*path, "when"))
    yield _Entry(field, lambda document, word: set_when(document, _INTERVAL if word == "interval" else word))
    if node is not None and interval:
        span = spec_text.plain(node.node).get("interval_s")
        low, high = (span, span) if isinstance(span, int | float) else tuple(span or (5.0, 10.0))[:2]
        yield _Entry(
            Field(
                key=f"{base}.interval",
                label="Every",
                help="Shortest and longest time between two draws.",
                kind="range",
                unit="s",
                low=0.0,
                step=0.5,
                default=(float(low), float(high)),
                group=group,
            ),
            lambda document, ends: set_when(document, {"interval_s": list(ends)}),
        )


_INTERVAL = {"interval_s": [5.0, 10.0]}


def _word(
    base: str,
    path: spec_text.Path,
    key: str,
    choices: tuple[str, ...],
    default: str,
    found: dict[str, Node],
    group: str,
    text: str,
) -> _Entry:
    field = Field(
        key=f"{base}.{key}",
        label=key.replace("_", " ").capitalize(),
        help=text,
        kind="choice",
        choices=choices,
        default=str(found[key].node.value) if key in found else default,
        advanced=True,
        group=group,
    )
    return _Entry(field, _setter((*path, key)))


def _setter(path: spec_text.Path) -> Callable[[SpecDocument, Any], SpecDocument]:
    """What writes plain data at a path, there or not yet."""

    def write(document: SpecDocument, value: Any) -> SpecDocument:
        change = spec_text.replaced if spec_text.has(document.text, path) else spec_text.inserted
        return document.edited(change(document.text, path, spec_text.flow(value)))

    return write


def _of_signal(document: SpecDocument, name: str, node: Node) -> Iterator[_Entry]:
    found = node.fields("a signal")
    base, path, group = f"physics.signals.{name}", ("signals", name), f"{name} (signal)"
    own = str(found["unit"].node.value) if "unit" in found else ""
    bus = f" On bus '{found['bus'].node.value}'." if "bus" in found else ""
    yield _switch(document, f"{base}.on", path, group, f"the signal {name}")
    for part in SIGNAL_PARTS:
        if part not in found:
            continue
        unit = "s" if part in SECONDS else "" if part in _RATIOS else "rad" if part == "misalignment" else own
        yield from _of_quantity(
            Quantity(
                key=f"{base}.{part}",
                node=found[part],
                path=(*path, part),
                label=part.replace("_", " ").capitalize(),
                group=group,
                help=_SIGNAL_HELP.get(part, "") + (bus if part == "latency" else ""),
                unit=_own_unit(found[part], unit),
                advanced=part not in COMMON_SIGNAL,
                drop_provenance="provenance" in found,
            )
        )


def _of_pictures(document: SpecDocument, kind: str, node: Node) -> Iterator[_Entry]:
    base, path, group = f"visual.vision.{kind}", ("vision", kind), f"{kind} (pictures)"
    yield _switch(document, f"{base}.on", path, group, kind)
    limits = DEPTH_FIELDS if kind == "depth" else IMAGE_FIELDS.get(kind, {})
    yield from _of_mapping(base, path, group, kind, node, {name: limit[:3] for name, limit in limits.items()})


def _of_stage(document: SpecDocument, kind: str, node: Node) -> Iterator[_Entry]:
    """The groups of a stage: lamps, dome, materials, things, camera, distractors; and the names that labels give."""
    for name, child in node.fields("the groups of a stage").items():
        if not child.is_mapping or name == "provenance":
            continue
        base, path, group = f"visual.vision.{kind}.{name}", ("vision", kind, name), f"{name} (stage)"
        yield _switch(document, f"{base}.on", path, group, name)
        if name in STAGE_FIELDS:
            limits = {part: limit[:3] for part, limit in STAGE_FIELDS[name].items()}
            yield from _of_mapping(base, path, group, name, child, limits)
        else:
            yield _plain_text(base, path, group, name, child)


def _of_mapping(
    base: str,
    path: spec_text.Path,
    group: str,
    what: str,
    node: Node,
    limits: Mapping[str, tuple[str, float, float]],
) -> Iterator[_Entry]:
    """What a mapping of the vision section says: numbers with a range, choices, and words."""
    found = node.fields("what is uncertain")
    for name, child in found.items():
        if name in ("preset", "when"):
            yield _choice_of_pictures(base, path, name, found, group)
        elif name in _STAGE_WORDS and what in STAGE_FIELDS:
            yield _plain_text(f"{base}.{name}", (*path, name), group, name, child)
        elif name != "provenance":
            dimension, low, high = limits.get(name, ("ratio", None, None))
            unit = "" if dimension == "ratio" else si_unit(dimension)
            written = _own_unit(child, unit)
            yield from _of_quantity(
                Quantity(
                    key=f"{base}.{name}",
                    node=child,
                    path=(*path, name),
                    label=name.replace("_", " ").capitalize(),
                    group=group,
                    help=f"{name.replace('_', ' ').capitalize()} of {what}, one draw for each frame or episode.",
                    unit=written,
                    low=_as_written(low, written or "1"),
                    high=_as_written(high, written or "1"),
                    whole=name == "count",
                    drop_provenance="provenance" in found,
                )
            )


def _plain_text(base: str, path: spec_text.Path, group: str, name: str, node: Node) -> _Entry:
    """Words or a mapping of words, edited as they are written."""
    value = spec_text.plain(node.node)
    field = Field(
        key=f"{base}.text",
        label=name.replace("_", " ").capitalize(),
        help=_STAGE_WORDS.get(name, "As it is written in the spec."),
        kind="text",
        default=value if isinstance(value, str) else spec_text.flow(value),
        group=group,
    )

    def edit(document: SpecDocument, text: str) -> SpecDocument:
        new = spec_text.flow(text) if isinstance(value, str) else text
        return document.edited(spec_text.replaced(document.text, path, new))

    return _Entry(field, edit)


def _choice_of_pictures(base: str, path: spec_text.Path, name: str, found: dict[str, Node], group: str) -> _Entry:
    if name == "preset":
        text, choices = "The camera whose figures hold where none are given here.", DEPTH_PRESETS
    else:
        text, choices = "Drawn anew for every episode (reset) or every picture (step).", IMAGE_WHENS
    return _word(base, path, name, tuple(choices), str(found[name].node.value), found, group, text)


def _unit_of(found: dict[str, Node], otherwise: str) -> str:
    return str(found["unit"].node.value) if "unit" in found else otherwise


def _own_unit(node: Node, otherwise: str) -> str:
    """The unit beside a distribution, else the one that it is in without."""
    if not node.is_mapping:
        return otherwise
    unit = _unit_of(node.fields("a distribution"), otherwise)
    return "" if unit == "1" else unit


def _as_written(limit: float | None, unit: str) -> float | None:
    """A limit in SI as a number of the unit that the file is written in; None where the unit is not in the table."""
    known = find_unit(unit)
    return None if limit is None or known is None else float(f"{limit * known.divisor / known.factor:.12g}")
