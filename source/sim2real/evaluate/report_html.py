"""The report as one HTML page: verdict, numbers, pictures, episodes, and how far to believe them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim2real.evaluate.episodes import OUTCOMES, EpisodeResult
from sim2real.evaluate.report_parts import (
    NOT_RUN,
    card,
    confusion_table,
    curve_chart,
    duration,
    facts,
    figure,
    number,
    rate_chart,
    rest_of,
    text,
)
from sim2real.evaluate.report_style import SCRIPT, STYLE
from sim2real.evaluate.verdict import engine_name, percent, percent_range, points

if TYPE_CHECKING:
    from sim2real.evaluate.report import Picture, ReportData

POLICIES = (
    ("policy (float)", "ours"),
    ("policy (INT8)", "ours2"),
    ("gap-follower", "base"),
    ("always forward", "base"),
)
"""The bars of the comparison, with their style."""


def render_report(data: ReportData) -> str:
    """Return the page; it refers to nothing outside of itself, and its policy forbids the browser to try."""
    content = data.to_json()  # the same numbers as report.json: the page never says anything else
    body = "".join(
        (
            _verdict(data),
            _cards(data, content),
            _comparison(data, content),
            _pictures("What it looks like", "Each strip is one episode, as the policy saw it.", data.strips),
            _pictures("Where it drove", "Every path of the test, seen from above.", data.maps),
            _failures(data),
            _episodes(data),
            _training(data, content),
            _export(content),
            _dataset(content),
            _pictures("More pictures", "", data.pictures, small=True),
            _limits(data),
            _repeat(data, content),
        )
    )
    title = f"sim2real transfer report: {engine_name(data.engine_train)} to {engine_name(data.engine_test)}"
    return page(title, f"<h1>sim2real transfer report</h1>{body}")


def page(title: str, body: str) -> str:
    """Wrap a body into a self-contained page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f'<link rel="icon" href="data:,"><title>{text(title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{body}</main><script>{SCRIPT}</script></body></html>\n"
    )


def _section(title: str, lead: str, body: str) -> str:
    return f'<section><h2>{text(title)}</h2><p class="lead">{text(lead)}</p>{body}</section>'


def _verdict(data: ReportData) -> str:
    verdict = data.verdict()
    way = f"{engine_name(data.engine_train)} \u2192 {engine_name(data.engine_test)}"
    parts = [
        f'<div class="card verdict {text(verdict.level)}"><span class="chip {text(verdict.level)}">{text(way)}</span>',
        f'<p class="sentence">{text(verdict.sentence)}</p>',
    ]
    gap = verdict.gap
    if gap:
        how = "same scenes, paired interval" if gap.paired else "different scenes"
        parts.append(
            f'<p class="gap">Gap to {text(gap.reference)}: {text(points(gap.value))} points'
            f" (95 % interval {text(points(gap.low))} to {text(points(gap.high))}; {how}).</p>"
        )
    parts += [f'<p class="warning">{text(warning)}</p>' for warning in verdict.warnings]
    return "".join(parts) + "</div>"


def _cards(data: ReportData, content: dict[str, Any]) -> str:
    summaries = content["summaries"]

    def rate(name: str, title: str, note: str = "") -> str:
        seen = summaries.get(name)
        if not seen:
            return card(title, NOT_RUN, note)
        interval = f"{percent_range(*seen['ci95'])}, {seen['episodes']} episodes"
        return card(title, percent(seen["success_rate"]), note or interval)

    paired = content["int8_minus_float"]
    int8_note = ""
    if paired:
        int8_note = f"{points(paired['value'])} points to float, same scenes"
    own = summaries.get("policy (float)", {})
    parity, latency = content["parity"], content["latency_ms"]
    closest = own.get("median_min_clearance_m")
    return (
        '<div class="cards">'
        + "".join(
            (
                rate("policy (float)", f"Success in {engine_name(data.engine_test)}"),
                rate("policy (INT8)", "Success, INT8", int8_note),
                rate("gap-follower", "Gap-follower (ceiling)"),
                rate("always forward", "Always forward (floor)"),
                card("INT8 agrees with float", percent(parity["int8_top1_agreement"]), "same class on held-out frames"),
                card(
                    "Inference, median",
                    number(latency["p50"], 2, "ms"),
                    f"99th percentile {number(latency['p99'], 2, 'ms')}",
                ),
                card("Closest approach, median", number(closest, 3, "m"), "hull to anything solid"),
                card("Whole run", duration(content["seconds_total"]), "all stages, wall time"),
            )
        )
        + "</div>"
    )


def _comparison(data: ReportData, content: dict[str, Any]) -> str:
    rows = []
    for name, style in POLICIES:
        seen = content["summaries"].get(name)
        interval = (seen["ci95"][0], seen["ci95"][1]) if seen else None
        rows.append((name, style, seen["success_rate"] if seen else None, interval, seen["episodes"] if seen else 0))
    inside = data.in_training_engine.summary() if data.in_training_engine else None
    if inside:
        name = f"float in {engine_name(data.engine_train)}"
        rows.insert(1, (name, "ours2", inside.success_rate, inside.ci95, inside.episodes))
    head = "".join(f'<th class="num">{text(outcome)}</th>' for outcome in OUTCOMES)
    body = []
    for name, _ in POLICIES:
        seen = content["summaries"].get(name)
        if not seen:
            body.append(f'<tr><td>{text(name)}</td><td class="num none">{NOT_RUN}</td>{"<td></td>" * 5}</tr>')
            continue
        counts = "".join(f'<td class="num">{seen["counts"][outcome]}</td>' for outcome in OUTCOMES)
        body.append(
            f'<tr><td>{text(name)}</td><td class="num">{seen["episodes"]}</td>{counts}'
            f'<td class="num">{text(number(seen["mean_time_s"], 1, "s"))}</td>'
            f'<td class="num">{text(number(seen["median_min_clearance_m"], 3, "m"))}</td></tr>'
        )
    table = (
        f'<div class="scroll"><table><thead><tr><th>who drove</th><th class="num">episodes</th>{head}'
        '<th class="num">mean time of a success</th><th class="num">median closest approach</th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
    paired = content["int8_minus_float"]
    if paired:
        low, high = (points(end) for end in paired["ci95"])
        table += (
            f'<p class="below">INT8 minus float on the {paired["scenes"]} scenes that both drove:'
            f" {points(paired['value'])} points (95&nbsp;% interval {low} to {high}, Newcombe's paired method;"
            f" exact McNemar test p = {paired['p_value']:.2g}).</p>"
        )
    return _section(
        "Success on the same scenes",
        "Share of episodes that reached the far side in time without touching anything. Whiskers are 95 % Wilson"
        " intervals. The gap-follower steers on the clean depth and shows what the scenes allow; driving straight on"
        " shows what they demand.",
        f'<div class="card">{rate_chart(rows)}<br>{table}</div>',
    )


def _pictures(title: str, lead: str, pictures: Iterable[Picture], small: bool = False) -> str:
    shown = "".join(figure(picture.image, picture.title, picture.caption, small) for picture in pictures)
    return _section(title, lead, shown) if shown else ""


def _failures(data: ReportData) -> str:
    tables = data.tables()
    rows = []
    for name in ("policy (float)", "policy (INT8)"):
        for result in tables.get(name, ()):
            if result.success:
                continue
            others = []
            for other, table in tables.items():
                if other not in (name, "always forward") and result.scene in table:
                    others.append(f"{other}: {table[result.scene].outcome}")
            x, y = result.path[-1][:2] if result.path else (None, None)
            where = "" if x is None else f"x {number(x, 2)}, y {number(y, 2, 'm')}"
            rows.append(
                f'<tr><td class="num">{result.scene}</td><td>{text(name)}</td><td>{_outcome(result)}</td>'
                f'<td class="num">{text(number(result.time_s, 1, "s"))}</td><td>{text(where)}</td>'
                f"<td>{text('; '.join(others) or NOT_RUN)}</td></tr>"
            )
    if not any(name in tables for name in ("policy (float)", "policy (INT8)")):
        return ""
    if not rows:
        return _section("Failures", "No episode of the policy failed.", "")
    body = (
        '<div class="card scroll"><table><thead><tr><th class="num">scene</th><th>who drove</th><th>outcome</th>'
        '<th class="num">after</th><th>where it ended</th><th>the others on this scene</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return _section("Failures", f"All {len(rows)} episodes in which the policy did not arrive.", body)


def _episodes(data: ReportData) -> str:
    rows = []
    for name, table in data.tables().items():
        for result in table:
            cells = (
                (result.scene, str(result.scene), True),
                (name, name, False),
                (result.outcome, None, False),
                (result.time_s, number(result.time_s, 1), True),
                (result.distance_m, number(result.distance_m, 2), True),
                (result.min_clearance_m, number(result.min_clearance_m, 3), True),
            )
            rows.append(
                "<tr>"
                + "".join(
                    f'<td data-value="{text(value)}"{" class=num" if right else ""}>'
                    f"{_outcome(result) if shown is None else text(shown)}</td>"
                    for value, shown, right in cells
                )
                + "</tr>"
            )
    if not rows:
        return ""
    names = ("scene", "who drove", "outcome", "time [s]", "distance [m]", "closest approach [m]")
    head = "".join(f"<th{'' if name in ('who drove', 'outcome') else ' class=num'}>{text(name)}</th>" for name in names)
    return _section(
        "Episodes",
        "Every episode of every driver on the test scenes; a click on a heading sorts.",
        f'<details class="card"><summary>{len(rows)} episodes</summary><div class="scroll"><table class="sortable">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>",
    )


def _outcome(result: EpisodeResult) -> str:
    wall = " with the wall" if result.wall_contact else ""
    return f'<span class="chip {text(result.outcome)}">{text(result.outcome)}{wall}</span>'


def _training(data: ReportData, content: dict[str, Any]) -> str:
    training = content["training"]
    rows = [
        ("validation accuracy", percent(training["val_accuracy"])),
        ("images per second", number(training["images_per_second"], 0)),
        *rest_of(training, ("val_accuracy", "images_per_second")),
    ]
    charts = []
    history = [entry for entry in training.get("history") or [] if entry.get("epoch") is not None]
    for unit, share, keys in (
        ("loss", False, (("train_loss", "training"), ("val_loss", "validation"))),
        ("validation accuracy", True, (("val_accuracy", "validation"),)),
    ):
        series = []
        for key, name in keys:
            curve = [(entry["epoch"] + 1, entry[key]) for entry in history if entry.get(key) is not None]
            if curve:
                series.append((name, curve))
        if series:
            charts.append(f'<div class="card">{curve_chart(series, unit, share)}</div>')
    if training.get("confusion"):
        confusion = confusion_table(training["confusion"], training.get("classes") or data.classes)
        charts.append(f'<div class="card"><h3>Confusion on held-out scenes</h3>{confusion}</div>')
    cards = f'<div class="card"><h3>Training</h3>{facts(rows)}</div>' + "".join(charts)
    return _section(
        "Training",
        "ResNet18 on depth; training and validation frames come from different scenes.",
        f'<div class="two">{cards}</div>',
    )


def _export(content: dict[str, Any]) -> str:
    parity, latency = content["parity"], content["latency_ms"]
    parity_rows = [
        ("largest difference, PyTorch to ONNX Runtime", number(parity["max_abs_error"], 3)),
        ("INT8 picks the same class", percent(parity["int8_top1_agreement"])),
        *rest_of(parity, ("max_abs_error", "int8_top1_agreement")),
    ]
    latency_rows = [
        ("median", number(latency["p50"], 2, "ms")),
        ("99th percentile", number(latency["p99"], 2, "ms")),
        *rest_of(latency, ("p50", "p99")),
    ]
    return _section(
        "Export",
        "The exported network against the trained one, and how long one answer takes on this machine.",
        f'<div class="two"><div class="card"><h3>Parity</h3>{facts(parity_rows)}</div>'
        f'<div class="card"><h3>Latency</h3>{facts(latency_rows)}</div></div>',
    )


def _dataset(content: dict[str, Any]) -> str:
    dataset = content["dataset"]
    rows = [
        ("frames", number(dataset["frames"])),
        ("frames per second", number(dataset["frames_per_second"], 0)),
        *rest_of(dataset, ("frames", "frames_per_second")),
    ]
    classes = dataset.get("classes")
    if isinstance(classes, dict) and classes:
        total = sum(classes.values()) or 1
        rows += [(f"frames labelled {name}", f"{number(n)} ({percent(n / total)})") for name, n in classes.items()]
    stages = [(name, duration(seconds)) for name, seconds in content["stage_seconds"].items()]
    stages.append(("total", duration(content["seconds_total"])))
    return _section(
        "Data and time",
        "What the policy was trained on, and where the time went.",
        f'<div class="two"><div class="card"><h3>Dataset</h3>{facts(rows)}</div>'
        f'<div class="card"><h3>Wall time</h3>{facts(stages)}</div></div>',
    )


def _limits(data: ReportData) -> str:
    train, test = engine_name(data.engine_train), engine_name(data.engine_test)
    shows = []
    if data.policy and data.engine_train not in (data.engine_test, "unknown"):
        shows.append(
            f"The policy was trained on images of scenes held by {train} and driven closed loop in {test}: it had seen"
            " no motion at all, and contacts, wheel slip and motor response are this engine's."
        )
    if data.policy:
        shows.append("The policy that drove is the exported file, run by the same runtime that runs on a robot.")
    drawn = {(table.identity.get("seed"), table.identity.get("spec_digest")) for table in data.tables().values()}
    if len(drawn) == 1:
        shows.append("Every driver drove scenes of one seed and one spec, so that they can be compared scene by scene.")
    if not shows:
        shows.append("Nothing: no episode was driven.")
    not_shown = [
        "Nothing ran on a real robot.",
        f"Training frames are rendered without physics, and both engines use the same renderer and the same model of"
        f" depth noise: that {train} and {test} look alike to the camera is by construction. What differs between the"
        " engines is how the rover moves.",
        "The steering around the policy knew the rover's exact heading, and commands arrived without delay.",
        "The scenes are boxes and cylinders on a flat floor between walls; success elsewhere does not follow.",
        "An interval covers the chance in the choice of scenes, not an error in the simulators that both share.",
        *data.notes,
    ]
    lists = (f"<ul>{''.join(f'<li>{text(line)}</li>' for line in lines)}</ul>" for lines in (shows, not_shown))
    shown, missing = lists
    return _section(
        "What this does and does not show",
        "",
        f'<div class="two"><div class="card"><h3>It shows</h3>{shown}</div>'
        f'<div class="card"><h3>It does not show</h3>{missing}</div></div>',
    )


def _repeat(data: ReportData, content: dict[str, Any]) -> str:
    command = f"<pre>{text(data.command)}</pre>" if data.command else "<p>The command was not recorded.</p>"
    rows = [
        ("seed of the test scenes", NOT_RUN if data.seed is None else str(data.seed)),
        ("seed of the dataset", str(data.dataset.get("seed", NOT_RUN))),
        ("seed of the training", str((data.training.get("cfg") or {}).get("seed", NOT_RUN))),
        ("spec", data.spec_digest or NOT_RUN),
    ]
    rows += [(name, version) for name, version in content["versions"].items()]
    return _section(
        "How to repeat it",
        "Scenes, cameras and noise are keyed by these seeds and the spec.",
        f'<div class="card">{command}<br>{facts(rows)}</div>',
    )
