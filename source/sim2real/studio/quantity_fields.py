"""One uncertain number of the spec as fields: what kind of range, and its ends.

The field holds the numbers in the unit that the file is written in. A change makes a new distribution, writes it in one
line where the old one stood, and drops a provenance that no longer holds: what was typed is nobody's data sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

from sim2real.errors import Sim2RealError
from sim2real.spec.distributions import (
    Beta,
    Constant,
    Distribution,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformInt,
)
from sim2real.spec.nodes import Node
from sim2real.spec.quantities import parse_distribution
from sim2real.spec.writing import plain_distribution
from sim2real.studio import spec_text
from sim2real.studio.errors import FieldError
from sim2real.studio.fields import Field

AXES = ("x", "y", "z")
_ENDS = (Uniform, UniformInt, LogUniform, TruncatedNormal, Beta)
_PARTS: dict[type[Distribution], tuple[str, ...]] = {
    Constant: ("value",),
    Normal: ("mean", "std"),
    TruncatedNormal: ("mean", "std"),
    Beta: ("a", "b"),
}
"""Numbers of a distribution that are no ends of a range."""
_KINDS: dict[str, type[Distribution]] = {
    cls.kind: cls for cls in (Constant, Uniform, LogUniform, Normal, TruncatedNormal, Beta, UniformInt)
}
_HELP = {
    "value": "Always this value.",
    "mean": "Mean of the normal distribution.",
    "std": "Standard deviation of the normal distribution.",
    "a": "First shape of the beta distribution; a > b leans towards the high end.",
    "b": "Second shape of the beta distribution.",
}


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Where an uncertain number stands, and what is known about it."""

    key: str
    """Beginning of its fields' keys."""
    node: Node
    """Where its distribution stands."""
    path: spec_text.Path
    """The same as keys from the top."""
    label: str
    """What it is called in its group."""
    group: str
    """Heading of its group."""
    help: str
    """What it means."""
    unit: str = ""
    """Unit that its numbers are written in."""
    low: float | None = None
    """Smallest allowed value, as written."""
    high: float | None = None
    """Largest allowed value, as written."""
    whole: bool = False
    """Whether it counts things."""
    advanced: bool = False
    """Whether it is shown only on demand."""
    provenance: spec_text.Path | None = None
    """Where its provenance stands when it is no part of the distribution's own mapping."""
    drop_provenance: bool = False
    """Whether what holds for the whole signal or camera no longer does when this number is changed."""

    @property
    def extra(self) -> dict[str, Any]:
        """The unit and the provenance that stand beside the distribution."""
        if not self.node.is_mapping:
            return {}
        found = self.node.fields("a distribution")
        return {name: str(found[name].node.value) for name in ("unit", "provenance") if name in found}


def fields_of(quantity: Quantity) -> tuple[Field, ...]:
    """Return the fields of an uncertain number; one that cannot be read is a text alone."""
    common: dict[str, Any] = {"group": quantity.group, "unit": quantity.unit, "help": quantity.help}
    as_written = _text_field(quantity)
    try:
        dist = parse_distribution(quantity.node, extra=("unit", "provenance"))
    except Sim2RealError:
        return (as_written,)
    if type(dist) not in (*_ENDS, *_PARTS):
        return (as_written,)
    found: list[Field] = []
    for i in range(dist.dim):
        tail, said = ("", "") if dist.dim == 1 else (f".{_axis(dist, i)}", f" {_axis(dist, i)}")
        for name in _PARTS.get(type(dist), ()):
            number = float(getattr(dist, name)[i])
            label = quantity.label if name == "value" else f"{quantity.label}, {name}"
            found.append(
                Field(
                    key=f"{quantity.key}.{name}{tail}",
                    label=f"{label}{said}",
                    kind="integer" if quantity.whole else "number",
                    low=quantity.low if name == "value" else (0.0 if name == "std" else None),
                    high=quantity.high if name == "value" else None,
                    step=_spin(abs(number)),
                    default=int(number) if quantity.whole else number,
                    advanced=quantity.advanced or name in ("a", "b"),
                    **{**common, "help": f"{quantity.help} {_HELP[name]}"},
                )
            )
        if isinstance(dist, _ENDS):
            low, high = float(dist.low[i]), float(dist.high[i])
            found.append(
                Field(
                    key=f"{quantity.key}.range{tail}",
                    label=f"{quantity.label}{said}",
                    kind="range",
                    low=quantity.low,
                    high=quantity.high,
                    step=1.0 if quantity.whole else _spin(high - low or abs(high)),
                    default=(low, high),
                    advanced=quantity.advanced,
                    **common,
                )
            )
    kinds = ("constant", "uniform_int") if quantity.whole else tuple(kind for kind in _KINDS if kind != "uniform_int")
    kind = Field(
        key=f"{quantity.key}.kind",
        label=f"{quantity.label}, distribution",
        help="How values are spread between the ends; log_uniform suits factors. Changing it keeps the ends.",
        kind="choice",
        choices=kinds if dist.kind in kinds else (*kinds, dist.kind),
        default=dist.kind,
        advanced=True,
        group=quantity.group,
    )
    return (*found, kind, as_written)


def _text_field(quantity: Quantity) -> Field:
    return Field(
        key=f"{quantity.key}.text",
        label=f"{quantity.label}, as written",
        help=f"{quantity.help} Any distribution that a spec may hold, such as {{uniform: [0, 1]}}; see docs/spec.md.",
        kind="text",
        default=spec_text.flow(spec_text.plain(quantity.node.node)),
        advanced=True,
        group=quantity.group,
    )


def _axis(dist: Distribution, i: int) -> str:
    return AXES[i] if dist.dim == 3 else str(i + 1)


def _spin(reach: float) -> float:
    """A round step for a spinner: about a fiftieth of what the number reaches."""
    if reach <= 0.0:
        return 0.01
    size = 10.0
    while size > 1e-9 and size > reach / 20.0:
        size /= 10.0
    return float(f"{size:.0e}")


def edited(text: str, quantity: Quantity, key: str, value: Any) -> str:
    """Return the spec's text after a change of one of a quantity's fields.

    Raises:
        FieldError: the numbers make no distribution.
        StudioError: the place is shared by an anchor.
    """
    part = key.removeprefix(f"{quantity.key}.")
    extra = quantity.extra
    if part == "text":
        return spec_text.replaced(text, quantity.path, value)
    dist = parse_distribution(quantity.node, extra=("unit", "provenance"))
    try:
        new = _of_kind(dist, value) if part == "kind" else _with(dist, part, value)
    except ValueError as error:
        raise FieldError(key, str(error)) from error
    written = plain_distribution(new)
    if "provenance" in extra or quantity.drop_provenance:
        extra["provenance"] = "default"
    if extra:
        written |= extra
    elif isinstance(new, Constant):
        (written,) = written.values()  # a bare number again
    text = spec_text.replaced(text, quantity.path, spec_text.flow(written))
    if quantity.provenance is not None and spec_text.has(text, quantity.provenance):
        text = spec_text.replaced(text, quantity.provenance, "default")
    return text


def _with(dist: Distribution, part: str, value: Any) -> Distribution:
    """A distribution with other numbers in one component."""
    name, _, axis = part.partition(".")
    i = 0 if not axis else (AXES.index(axis) if dist.dim == 3 else int(axis) - 1)
    parts = {part.name: list(getattr(dist, part.name)) for part in dataclass_fields(dist)}
    for field, number in zip(("low", "high"), value, strict=True) if name == "range" else ((name, value),):
        parts[field][i] = float(number)
    return type(dist)(*parts.values())


def _of_kind(dist: Distribution, kind: str) -> Distribution:
    """A distribution of another kind between the same ends."""
    cls = _KINDS[kind]
    if isinstance(dist, cls):
        return dist
    pairs = list(zip(*dist.bounds(), strict=True))
    if isinstance(dist, Normal):  # its ends lie far in the tails
        pairs = [(mean - 2.0 * std, mean + 2.0 * std) for mean, std in zip(dist.mean, dist.std, strict=True)]
    low, high = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    mean = [float(f"{0.5 * (a + b):.12g}") for a, b in pairs]
    std = [float(f"{0.25 * (b - a):.12g}") for a, b in pairs]
    if cls is Constant:
        return Constant([float(round(m)) if dist.whole else m for m in mean])
    if cls is Normal:
        return Normal(mean, std)
    if cls is TruncatedNormal:
        return TruncatedNormal(mean, std, low, high)
    if cls is Beta:
        return Beta([2.0] * dist.dim, [2.0] * dist.dim, low, high)
    return cls(low, high)
