"""The curriculum section: ranges that grow with success (automatic domain randomization), declared and checked."""

from __future__ import annotations

from dataclasses import dataclass

from sim2real.spec.nodes import Node


@dataclass(frozen=True, kw_only=True)
class AdrSpec:
    """Automatic domain randomization: a range grows while the policy succeeds at its boundary and shrinks when not."""

    metric: str = "success"
    """What is measured at the boundary, a rate in [0, 1]."""
    grow: float = 0.75
    """At this rate or above, the range grows."""
    shrink: float = 0.4
    """At this rate or below, the range shrinks; below ``grow``."""
    step: float = 0.1
    """How much, as a fraction of the declared range."""


@dataclass(frozen=True, kw_only=True)
class CurriculumSpec:
    """How the ranges change during training; None means: they do not."""

    adr: AdrSpec | None = None
    """Automatic domain randomization."""


def parse_curriculum(node: Node) -> CurriculumSpec:
    """Return the curriculum section, or raise SpecError."""
    found = node.fields("a mapping with 'adr'")
    node.only(found, ("adr",))
    return CurriculumSpec(adr=_parse_adr(found["adr"]) if "adr" in found else None)


def _parse_adr(node: Node) -> AdrSpec:
    found = node.fields("a mapping such as {metric: success, grow: 0.75, shrink: 0.4, step: 0.1}")
    node.only(found, ("metric", "grow", "shrink", "step"))
    values: dict[str, float] = {}
    for name in ("grow", "shrink", "step"):
        if name in found:
            values[name] = found[name].number("a number from 0 to 1")
            if not 0.0 <= values[name] <= 1.0 or (name == "step" and values[name] == 0.0):
                allowed = "above 0, up to 1" if name == "step" else "from 0 to 1"
                raise found[name].fault(f"got {values[name]:g}; give a number {allowed}")
    adr = AdrSpec(metric=found["metric"].text("the name of a metric") if "metric" in found else "success", **values)  # type: ignore[arg-type]
    if adr.shrink >= adr.grow:
        raise node.fault(f"shrink {adr.shrink:g} is not below grow {adr.grow:g}; give shrink < grow")
    return adr
