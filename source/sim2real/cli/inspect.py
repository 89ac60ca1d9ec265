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
    from sim2real.spec import Spec, Term

HELP = """Show what a spec says, and what it would do to a task.

Without --task: every term with its range in SI and as written, when it is drawn, and where the range comes from.
With --task and --physics: what will be written, where, on which device, how far each quantity reaches, and what the
friction of each pair can be. Exit code: 0 all of it can be done, 2 something cannot; every reason is listed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.add_argument("spec", metavar="SPEC", help="spec file or preset")
    add_task_arguments(parser, num_envs=2)
    parser.add_argument("--json", action="store_true", help="print data instead of tables")


def add_task_arguments(parser: argparse.ArgumentParser, num_envs: int) -> None:
    """The arguments that say which environment is meant."""
    parser.add_argument("--task", metavar="NAME", help="a task: avoidance, velocity, or any registered name")
    parser.add_argument("--physics", default="newton_mjwarp", help="engine (newton_mjwarp)")
    parser.add_argument("--num-envs", type=int, default=num_envs, metavar="N", help=f"worlds ({num_envs})")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (cpu)")


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    from sim2real.spec import load_spec

    spec = load_spec(args.spec)
    if args.task is None:
        rows = term_rows(spec, written(args.spec))
        print(json.dumps(spec_data(spec, rows), indent=2, ensure_ascii=False) if args.json else spec_text(spec, rows))
        return 0
    from sim2real.lab.verify.session import spec_at_work

    task, changes = task_of(args.task)
    options = {"num_envs": args.num_envs, "device": args.device, **changes}
    with only_ours_on_stdout(), spec_at_work(spec, task, args.physics, **options) as (_, found):
        plan = found.randomizer.plan
    sections = left_sections(spec)
    if args.json:
        print(json.dumps({**plan.to_json(), "task": task, "sections": sections}, indent=2, ensure_ascii=False))
    else:
        print("\n".join([plan.to_text(), *(f"\n{name}: {why}" for name, why in sections.items())]))
    return 0


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
    from sim2real_tasks import avoidance, velocity

    task = {"avoidance": avoidance.TASK, "velocity": velocity.TASK}.get(name, name)
    return task, {"set_image_size": 16} if task == avoidance.TASK else {}


def left_sections(spec: Spec) -> dict[str, str]:
    """Return the sections of a spec that a physics engine has no part in."""
    found = {}
    if spec.signals:
        found["signals"] = f"{', '.join(spec.signals)}: no property of an engine; see sim2real.lab.apply_signals"
    if spec.vision:
        found["vision"] = f"{', '.join(spec.vision)}: no property of an engine; see 'preview'"
    return found


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


def spec_data(spec: Spec, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the spec's table as data."""
    return {"digest": spec.digest, "seed": spec.seed, "unsupported": spec.unsupported, "terms": rows}


def spec_text(spec: Spec, rows: list[dict[str, Any]]) -> str:
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
    sections = [f"\n{name}: {why}" for name, why in left_sections(spec).items()]
    return "\n".join([f"spec {spec.digest[:12]}, seed {spec.seed}", "", *table(lines), *sections])
