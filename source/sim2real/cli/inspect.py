"""``inspect SPEC``: what a spec says, and with --task what an engine would do about it, before anything runs."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim2real.signals.timeline import Timeline
    from sim2real.spec import Spec, Term

HELP = """Show what a spec says, and what it would do to a task.

Without --task: every term with its range in SI and as written, when it is drawn, and where the range comes from.
With --task and --physics: what will be written, where, on which device, how far each quantity reaches, and what the
friction of each pair can be. Exit code: 0 all of it can be done, 2 something cannot; every reason is listed.

Either way, for a spec with signals: how long each path takes from sensor to actuator, and where. --picture draws it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("spec", metavar="SPEC", help="spec file or preset")
    add_task_arguments(parser, num_envs=2)
    parser.add_argument("--json", action="store_true", help="print data instead of tables")
    parser.add_argument("--picture", metavar="FILE", help="draw the paths of the signals into a .png or .svg file")


def add_task_arguments(parser: argparse.ArgumentParser, num_envs: int) -> None:
    """The arguments that say which environment is meant."""
    parser.add_argument("--task", metavar="NAME", help="a task: go2, panda, avoidance, …, or any registered name")
    parser.add_argument("--physics", default="newton_mjwarp", help="engine (newton_mjwarp)")
    parser.add_argument("--num-envs", type=int, default=num_envs, metavar="N", help=f"worlds ({num_envs})")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    from sim2real.spec import load_spec

    spec = load_spec(args.spec)
    if args.task is None:
        timeline = timeline_of(spec)
        draw(args, timeline)
        rows = term_rows(spec, written(args.spec))
        if args.json:
            print(json.dumps(spec_data(spec, rows, timeline), indent=2, ensure_ascii=False))
        else:
            print(spec_text(spec, rows, timeline))
        return 0
    from sim2real.lab.verify.session import spec_at_work

    task, changes = task_of(args.task)
    options = {"num_envs": args.num_envs, "device": args.device, **changes}
    with only_ours_on_stdout(), spec_at_work(spec, task, args.physics, **options) as (env, found):
        plan = found.randomizer.plan
        timeline = timeline_of(spec, float(env.step_dt), float(env.physics_dt))
    draw(args, timeline)
    sections = left_sections(spec)
    if args.json:
        signals = None if timeline is None else timeline.to_json()
        data = {**plan.to_json(), "task": task, "signals": signals, "sections": sections}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        print("\n".join([plan.to_text(), *signal_lines(spec, timeline), *section_lines(sections)]))
    return 0


def timeline_of(spec: Spec, step_dt: float | None = None, physics_dt: float | None = None) -> Timeline | None:
    """Return when things happen on the spec's paths, at a task's rates or the spec's; None without signals."""
    if not spec.signals:
        return None
    from sim2real.signals.timeline import make_timeline, rates_of

    return make_timeline(spec, rates_of(spec, step_dt, physics_dt))


def draw(args: argparse.Namespace, timeline: Timeline | None) -> None:
    """Draw the picture that was asked for."""
    if args.picture is None:
        return
    from sim2real.signals.errors import SignalError
    from sim2real.signals.timeline_picture import write_timeline

    if timeline is None:
        raise SignalError(f"{args.spec}: has no signals to draw; leave --picture away, or add 'signals:'")
    task = "" if args.task is None else f" --task {args.task} --physics {args.physics}"
    command = f"sim2real inspect {args.spec}{task} --picture {args.picture}"
    write_timeline(args.picture, timeline, f"Signals of {args.spec}", command)
    print(args.picture, file=sys.stderr)


@contextlib.contextmanager
def only_ours_on_stdout() -> Iterator[None]:
    """Send what engines print from C++ to stderr, so that stdout holds the tables or the JSON and nothing else."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def task_of(name: str) -> tuple[str, dict[str, Any]]:
    """Return a task's registered name, and what to change in its configuration so that it opens quickly."""
    from sim2real_tasks import AVOIDANCE, TASKS

    task = TASKS.get(name, name)
    return task, {"set_image_size": 16} if task == AVOIDANCE else {}


def left_sections(spec: Spec) -> dict[str, str]:
    """Return the sections of a spec that a physics engine has no part in."""
    if not spec.vision:
        return {}
    return {"vision": f"{', '.join(spec.vision)}: no property of an engine; see 'preview'"}


def section_lines(sections: dict[str, str]) -> list[str]:
    """Return them as text."""
    return [f"\n{name}: {why}" for name, why in sections.items()]


def signal_lines(spec: Spec, timeline: Timeline | None) -> list[str]:
    """Return the timeline as text: a row for each path, and what is wrong with the data themselves."""
    if timeline is None:
        return []
    from sim2real.lab.verify.text import table
    from sim2real.signals.timeline import errors_of

    rates = timeline.rates
    said = {"task": "the task's", "spec": "the spec's", "assumed": "assumed: give the spec its 'rates'"}[rates.source]
    lines = [
        f"\nsignals: policy at {rates.control_hz:g} Hz, physics at {rates.physics_hz:g} Hz ({said}); delays in ms:"
        " median, 5 % to 95 %"
    ]
    titles = ("path", "bus", "sampling", "transport", "wait for policy", "command", "sensor to actuator", "lost")
    rows: list[tuple[str, ...]] = [titles]
    for path in timeline.paths:
        name = " -> ".join(part or "policy" for part in (path.sensor, path.command))
        bus = " -> ".join(part or "-" for part in (path.sensor_bus, path.command_bus))
        lost = " -> ".join(f"{100 * part:.3g} %" for part in path.lost)
        delays = [in_ms(part.to_json()) for part in (*path.stages.values(), path.end_to_end)]
        rows.append((name, bus, *delays, lost))
    errors = {name: errors_of(signal) for name, signal in spec.signals.items()}
    wrong = [f"{name}: {', '.join(parts)}" for name, parts in errors.items() if parts]
    return [*lines, "", *table(rows), *([f"\nerrors of the data: {'; '.join(wrong)}"] if wrong else [])]


def in_ms(delay: dict[str, float | None]) -> str:
    """Return a delay in words, in milliseconds."""
    if delay["median"] is None:
        return "never"
    low, middle, high = (
        "inf" if part is None else f"{1e3 * part:.3g}" for part in map(delay.get, ("p5", "median", "p95"))
    )
    return middle if low == middle == high else f"{middle}, {low} to {high}"


def written(source: str) -> dict[str, dict[str, Any]]:
    """Return the terms of a spec as they stand in its file, by name."""
    from pathlib import Path

    import yaml

    from sim2real.paths import presets_dir

    path = Path(source) if Path(source).is_file() else presets_dir() / "randomization" / f"{source}.yaml"
    return (yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}).get("terms") or {}


def term_rows(spec: Spec, raw: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row of data for each term."""
    return [_term_row(name, term, raw.get(name, {})) for name, term in spec.terms.items()]


def _term_row(name: str, term: Term, raw: dict[str, Any]) -> dict[str, Any]:
    from sim2real.engines.plan import said

    low, high = term.dist.bounds()
    when = term.when if term.interval_s is None else "every {:g} to {:g} s".format(*term.interval_s)
    return {
        "term": name,
        "target": term.target,
        "asset": term.asset,
        "select": term.select,
        "op": term.op,
        "dist": said(term.dist),
        "low": list(low),
        "high": list(high),
        "unit": term.unit,
        "written_dist": json.dumps(raw.get("dist"), ensure_ascii=False).replace('"', ""),
        "written_unit": str(raw.get("unit", "1")),
        "when": when,
        "each": term.each,
        "provenance": term.provenance,
    }


def spec_data(spec: Spec, rows: list[dict[str, Any]], timeline: Timeline | None = None) -> dict[str, Any]:
    """Return the spec's tables as data."""
    signals = None if timeline is None else timeline.to_json()
    head = {"digest": spec.digest, "seed": spec.seed, "unsupported": spec.unsupported}
    return {**head, "terms": rows, "signals": signals, "sections": left_sections(spec)}


def spec_text(spec: Spec, rows: list[dict[str, Any]], timeline: Timeline | None = None) -> str:
    """Return the spec's table as text."""
    from sim2real.lab.verify.text import table

    titles = ("term", "target", "of", "op", "draw, SI", "as written", "when, each", "range from")
    lines = [titles]
    for row in rows:
        own = (row["written_unit"], row["unit"])
        as_written = "" if own[0] == own[1] else f"{row['written_dist']} {own[0]}"
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        of = (
            "the scene"
            if row["target"].partition(".")[0] in ("world", "terrain")
            else f"{row['asset']}/{row['select']}"
        )
        when = f"{row['when']}, {row['each']}"
        lines.append(
            (row["term"], row["target"], of, row["op"], row["dist"] + unit, as_written, when, row["provenance"])
        )
    head = [f"spec {spec.digest[:12]}, seed {spec.seed}", "", *table(lines)]
    return "\n".join([*head, *signal_lines(spec, timeline), *section_lines(left_sections(spec))])
