"""The report of a transfer test between engines: `report.json` with every number, `report.html` with the same ones."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sim2real.contract import Contract
from sim2real.evaluate.report_html import page
from sim2real.evaluate.report_parts import data_uri, facts, rate_chart, text
from sim2real.evaluate.transfer_chart import curve_points, robustness_chart
from sim2real.evaluate.transfer_film import film, strip
from sim2real.evaluate.transfer_plan import FACTORS, VELOCITY, TransferTask
from sim2real.evaluate.transfer_rollout import OUTCOMES, PlayedEpisode
from sim2real.evaluate.transfer_run import EnginesCfg
from sim2real.evaluate.transfer_verdict import (
    NAMES,
    EngineResult,
    Sensitivity,
    TransferVerdict,
    engine_of_training,
    judge,
    judge_engines,
    rank_sensitivity,
)
from sim2real.evaluate.verdict import percent, points

RIGHTMOST = ("time_s", "energy_j", "cost_of_transport", "action_rate", "at_speed_limit")
"""Measures in the last columns of the table."""
Interval = tuple[float, float, float] | None


@dataclass(frozen=True, kw_only=True)
class TransferReport:
    """What a transfer test found."""

    contract: Contract
    """Of the policy."""
    task: TransferTask
    """What was asked."""
    trained_in: str
    """Engine of training."""
    verdict: TransferVerdict
    """In a word."""
    results: tuple[EngineResult, ...]
    """By engine, that of training first."""
    curves: Mapping[str, Mapping[str, Any]]
    """By condition and engine: value, success rate, interval."""
    sensitivity: Mapping[str, tuple[Sensitivity, ...]]
    """By engine, what matters most first."""
    command: str
    """Command line."""

    @classmethod
    def of(
        cls, contract: Contract, task: TransferTask, played: Mapping[str, Sequence[PlayedEpisode]], command: str = ""
    ) -> TransferReport:
        """Draw the conclusions from episodes by engine."""
        run = contract.run
        trained_in = engine_of_training("" if run is None else run.physics)
        results = judge_engines(played, trained_in)
        curves = {}
        for factor in FACTORS:
            points_of = {engine: curve_points(episodes, factor) for engine, episodes in played.items()}
            curves[factor] = {engine: found for engine, found in points_of.items() if found}
        ranked = {engine: tuple(rank_sensitivity(episodes)) for engine, episodes in played.items()}
        return cls(
            contract=contract, task=task, trained_in=trained_in, verdict=judge(results, trained_in),
            results=tuple(results), curves=curves, sensitivity={e: found for e, found in ranked.items() if found},
            command=command,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """All numbers as JSON types."""
        return {
            "policy": self.contract.name,
            "contract": self.contract.sha256,
            "robot": self.contract.robot.name,  # type: ignore[union-attr]
            "task": self.contract.task,
            "trained_in": self.trained_in,
            "seed": self.task.seed,
            "rules": asdict(self.task.rules),
            "verdict": asdict(self.verdict),
            "engines": [asdict(result) for result in self.results],
            "curves": self.curves,
            "spec": None if self.task.spec is None else self.task.spec.spec.digest,
            "not_played": [] if self.task.spec is None else list(self.task.spec.left_out),
            "sensitivity": {engine: [asdict(s) for s in found] for engine, found in self.sensitivity.items()},
            "conditions": {
                name: {"nominal": nominal, "drawn": drawn, "curve": values, "unit": unit}
                for name, (nominal, drawn, values, unit) in FACTORS.items()
            },
            "command": self.command,
        }


def write_transfer_report(
    cfg: EnginesCfg, contract: Contract, played: Mapping[str, Sequence[PlayedEpisode]], command: str = ""
) -> Path:
    """Write `report.json`, `report.html` and a strip of each film into the folder; return the page."""
    report = TransferReport.of(contract, cfg.task(contract), played, command)
    films = {e: film(cfg.bundle, cfg.film_path(e), cfg.urdf) for e in cfg.engines if cfg.film_path(e).is_file()}
    cfg.out.mkdir(parents=True, exist_ok=True)
    for engine, content in films.items():
        strip(content).save(cfg.out / f"film-{engine}.png")
    _replace(cfg.out / "report.json", json.dumps(report.to_json(), indent=2) + "\n")
    path = cfg.out / "report.html"
    _replace(path, render(report, films, played))
    return path


def render(report: TransferReport, films: Mapping[str, bytes], played: Mapping[str, Sequence[PlayedEpisode]]) -> str:
    """The page; it refers to nothing outside of itself."""
    name = f"{report.contract.name} on {report.contract.robot.name}"  # type: ignore[union-attr]
    body = "".join(
        (
            f"<h1>sim2real transfer report: {text(name)}</h1>",
            _verdict(report),
            _engines(report),
            _films(films, played),
            _curves(report),
            _sensitivity(report),
            _limits(report),
            _repeat(report),
        )
    )
    return page(f"sim2real transfer report: {name}", body)


def _section(title: str, lead: str, body: str) -> str:
    return f'<section><h2>{text(title)}</h2><p class="lead">{text(lead)}</p>{body}</section>'


def _verdict(report: TransferReport) -> str:
    verdict = report.verdict
    chip = f"trained in {NAMES.get(report.trained_in, report.trained_in)}"
    notes = "".join(f'<p class="warning">{text(note)}</p>' for note in verdict.notes)
    return (
        f'<div class="card verdict {text(verdict.level)}"><span class="chip {text(verdict.level)}">{text(chip)}</span>'
        f'<p class="sentence">{text(verdict.sentence)}</p>{notes}</div>'
    )


def _engines(report: TransferReport) -> str:
    rows = [
        (NAMES.get(r.engine, r.engine), "ours" if r.engine == report.trained_in else "ours2", r.success, r.success_ci,
         r.episodes)
        for r in report.results
    ]  # fmt: skip
    velocity = report.task.kind == VELOCITY
    unit, turn = ("m/s", "rad/s") if velocity else ("mm", "rad")
    scale = 1.0 if velocity else 1e3
    heads = [
        "engine",
        "gap [points]",
        "falls",
        f"error [{unit}]",
        "error / training's",
        f"turn error [{turn}]",
        "score",
    ]
    heads += ["length [s]", "energy [J]", "cost of transport", "action rate [rad/s]", "at speed limit [1]"]
    lines = []
    for r in report.results:
        gap = "" if r.gap is None else f"{points(r.gap.value)} ({points(r.gap.low)} to {points(r.gap.high)})"
        cells = [NAMES.get(r.engine, r.engine), gap, f"{r.falls} of {r.episodes}", _number(r.means["error"], scale)]
        cells += [_number(r.error_ratio), _number(r.means["turn_error"]), _number(r.means["score"])]
        cells += [_number(r.means[key]) for key in RIGHTMOST]
        lines.append("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{text(cell)}</th>" for cell in heads)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    lead = "The same numbered episodes in every engine: start, commands and conditions are equal. Intervals are 95 %."
    chart = f'<div class="card">{rate_chart(rows)}</div>' if rows else ""
    return _section("Engines", lead, chart + f'<div class="card scroll" style="margin-top:14px">{table}</div>')


def _films(films: Mapping[str, bytes], played: Mapping[str, Sequence[PlayedEpisode]]) -> str:
    if not films:
        return ""
    figures = []
    for engine, content in films.items():
        source = "data:image/webp;base64," + base64.b64encode(content).decode()
        outcome = next((e.outcome for e in played[engine] if e.number == 0 and e.variant == "drawn"), "")
        note = f"{NAMES.get(engine, engine)}: {outcome.replace('_', ' ')}"
        still = data_uri(strip(content))
        figures.append(
            f'<figure class="card" style="margin:0"><img src="{source}" alt="{text(note)}" style="width:100%">'
            f'<img src="{still}" alt="{text(note)}, six moments" style="width:100%;margin-top:6px">'
            f"<figcaption>{text(note)}</figcaption></figure>"
        )
    lead = "Episode 0 as each engine played it, its first seconds; all are drawn alike, by their collision shapes."
    return _section("What it looks like", lead, f'<div class="two">{"".join(figures)}</div>')


def _curves(report: TransferReport) -> str:
    charts = [
        f'<div class="card">{robustness_chart(factor, curves)}</div>'
        for factor, curves in report.curves.items()
        if curves
    ]
    if not charts:
        return ""
    lead = (
        "Success over one condition, all others nominal (dashed: its nominal value). Shaded: what the episodes above"
        " draw from. Bands are 95 % intervals."
    )
    return _section("Robustness", lead, f'<div class="two">{"".join(charts)}</div>')


def _sensitivity(report: TransferReport) -> str:
    cards = []
    for engine, found in report.sensitivity.items():
        rows = "".join(
            f"<tr><td>{i}</td><td>{text(s.factor.removesuffix('_s'))}, {text(s.direction)}</td><td>{text(s.unit)}</td>"
            f"<td>{points(-s.slope)}</td><td>{points(-s.high)} to {points(-s.low)}</td></tr>"
            for i, s in enumerate(found, start=1)
        )
        cards.append(
            f'<div class="card"><h3>{text(NAMES.get(engine, engine))}</h3><table><thead><tr><th></th><th>condition</th>'
            "<th>one unit</th><th>points for one unit</th><th>95 % interval</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )
    if not cards:
        return ""
    lead = (
        "Points of success that one unit of change costs, by a line through nominal over the whole curve. Where all"
        " episodes end alike an interval has no width, which says nothing of episodes that were not played."
    )
    return _section("What matters most", lead, f'<div class="two">{"".join(cards)}</div>')


def _limits(report: TransferReport) -> str:
    rules = report.task.rules
    if report.task.kind == VELOCITY:
        success = f"no fall, and a mean velocity error of at most {rules.velocity_within:g} m/s"
    else:
        success = f"a mean distance of at most {100 * rules.reach_within:g} cm in the last second of each target"
    lines = [
        f"An episode lasts {rules.episode_s:g} s; a success is {success}.",
        f"Other ways to end: {', '.join(OUTCOMES[1:]).replace('_', ' ')}.",
        "MuJoCo and DART load the vendor's URDF, Newton and PhysX what Isaac Lab made of it; all four drive the joints"
        " with the contract's gains, limits and rotor inertia (Newton knows no limit of speed), on flat ground, without"
        " self-collision.",
        "The policy is the exported file, run by the runtime that runs on a robot, and feels "
        + ("the exact state." if report.task.spec is None else "what the spec's sensors tell of the state."),
        *(
            ["The ground is flat, and so the height scan says; the rough ground of training is not here."]
            if report.task.scan is not None
            else []
        ),
        *_left_out(report),
        "Nothing ran on a real robot. Four simulators can share an error.",
    ]
    return _section(
        "What this shows", "", f'<div class="card"><ul>{"".join(f"<li>{text(x)}</li>" for x in lines)}</ul></div>'
    )


def _left_out(report: TransferReport) -> list[str]:
    """What of the spec was not played."""
    spec = report.task.spec
    if spec is None:
        return []
    played = ", ".join(spec.terms) or "no term"
    return [f"Of the spec, {played} are played.", *(f"Not played: {said}." for said in spec.left_out)]


def _repeat(report: TransferReport) -> str:
    run = report.contract.run
    rows = [
        ("task", report.contract.task),
        ("contract", report.contract.sha256[:16]),
        ("seed of the episodes", str(report.task.seed)),
        ("trained by", (run.command if run and run.command else "not recorded")),
        ("URDF", report.contract.robot.urdf),  # type: ignore[union-attr]
    ]
    command = f"<pre>{text(report.command)}</pre><br>" if report.command else ""
    return _section("How to repeat it", "", f'<div class="card">{command}{facts(rows)}</div>')


def _number(value: Interval, scale: float = 1.0) -> str:
    if value is None:
        return ""
    mean, low, high = (f"{scale * v:.3g}" for v in value)
    return f"{mean} ({low} to {high})"


def _replace(path: Path, content: str) -> None:
    work = path.with_name(path.name + ".part")
    work.write_text(content, encoding="utf-8")
    os.replace(work, path)


def summary_lines(report: TransferReport) -> list[str]:
    """One line for each engine, and the verdict, for a terminal."""
    lines = []
    for r in report.results:
        low, high = r.success_ci
        gap = "" if r.gap is None else f", gap {points(r.gap.value)} points"
        lines.append(
            f"{NAMES.get(r.engine, r.engine):<8} {percent(r.success):>8} of {r.episodes} (95 % interval {low:.1%} to"
            f" {high:.1%}), {r.falls} falls{gap}"
        )
    left_out = [] if report.task.spec is None else [f"not played: {said}" for said in report.task.spec.left_out]
    return [*lines, report.verdict.sentence, *report.verdict.notes, *left_out]
