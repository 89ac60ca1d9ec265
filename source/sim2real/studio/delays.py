"""How late things are, for people: the paths of a spec's signals as lanes of a timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim2real.studio.outputs import Lane, Output, Span, Table, Timeline

if TYPE_CHECKING:
    from sim2real.spec import Spec

WORLDS = 2048
"""Worlds that are drawn for the figures."""
_STAGES = {"sampling": "waits for the sensor", "transport": "on the bus", "waiting": "waits for the policy",
           "command": "to the actuator"}  # fmt: skip
_SOURCES = {"task": "of the task", "spec": "of the spec", "assumed": "assumed; give 'rates' in the spec"}


def timeline(spec: Spec) -> list[Output]:
    """Return the timeline of a spec's signals and its figures; nothing for a spec without signals."""
    from sim2real.signals.timeline import make_timeline

    if not spec.signals:
        return []
    made = make_timeline(spec, worlds=WORLDS)
    lanes, rows = [], []
    for path in made.paths:
        spans, now = [], 0.0
        for stage, label in _STAGES.items():
            median = path.stages[stage].quantile(0.5)
            if median is None:
                break
            spans.append(Span(label=label, begin_ms=1e3 * now, end_ms=1e3 * (now + median)))
            now += median
        name = path.name if path.command is None or path.sensor is None else f"{path.sensor} → {path.command}"
        facts = [f"bus {path.sensor_bus}"] if path.sensor_bus else []
        if path.period is not None:
            facts.append(f"every {_ms(path.period)}")
        if max(path.lost) > 0.0:
            facts.append(f"{100.0 * path.lost[0]:.2g} % and {100.0 * path.lost[1]:.2g} % lost")
        lanes.append(Lane(label=name, spans=tuple(spans), note=", ".join(facts)))
        whole = path.end_to_end
        rows.append((name, *(_ms(whole.quantile(share)) for share in (0.05, 0.5, 0.95)), _ms(path.age.quantile(0.5))))
    rates = made.rates
    said = f"policy {rates.control_hz:g} Hz, physics {rates.physics_hz:g} Hz, {_SOURCES[rates.source]}"
    columns = ("path", "5 %", "median", "95 %", "age of what is read, median")
    return [
        Timeline(title=f"From sensor to actuator, medians ({said})", lanes=tuple(lanes)),
        Table(title="From sensor to actuator", columns=columns, rows=tuple(rows)),
    ]


def _ms(seconds: float | None) -> str:
    return "never" if seconds is None else f"{1e3 * seconds:.3g} ms"
