"""Transfer: the policy in other physics engines, the verdict, and how far it may be pushed."""

from __future__ import annotations

from typing import Any

from sim2real.studio import catalogue
from sim2real.studio.actions import Action
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Curve, FileLink, Output, Table, Text, series
from sim2real.studio.runs import bundle_of, read_json
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 70
ENGINES = ("newton", "physx", "mujoco", "dart")
"""Engines that a policy which moves joints is played in."""
ROVER_ENGINES = ("ovphysx", "newton_mjwarp", "mujoco", "dart")
"""Engines that the avoidance policy drives in."""
_NAMES = {"newton": "Newton", "physx": "PhysX", "mujoco": "MuJoCo", "dart": "DART"}
_MARKS = {"good": "good", "moderate": "warn", "poor": "bad"}


def fields(values: Values) -> tuple[Field, ...]:
    """Return engines, episodes and folder."""
    pictures = values["robot.task"] == catalogue.AVOIDANCE
    engines = tuple(
        Field(
            key=f"transfer.{engine}",
            label=_NAMES[engine],
            help=f"Play the policy in {_NAMES[engine]}.",
            kind="toggle",
            default=True,
            group="Engines",
            hidden=pictures,
        )
        for engine in ENGINES
    )
    return (
        Field(
            key="transfer.bundle",
            label="Bundle",
            help="Exported policy to test.",
            kind="path",
            optional=True,
            hint="the bundle of 'Export'",
        ),
        Field(
            key="transfer.out",
            label="Report folder",
            help="Where episodes and report go; finished episodes are kept, and the same folder goes on.",
            kind="path",
            default=f"runs/transfer/{values['robot.task']}",
        ),
        Field(
            key="transfer.episodes",
            label="Episodes",
            help="Episodes in each engine; 100 give an interval of about 10 points.",
            kind="integer",
            low=1,
            high=100_000,
            step=10,
            default=100,
        ),
        *engines,
        Field(
            key="transfer.engine",
            label="Drive in",
            help="Physics engine that the avoidance policy is driven in; another one than training's says more.",
            kind="choice",
            choices=ROVER_ENGINES,
            default="ovphysx",
            hidden=not pictures,
        ),
        Field(
            key="transfer.curve_episodes",
            label="Episodes of a curve's point",
            help="How robust it is against latency, friction, mass and strength, each alone; 0 leaves the curves out.",
            kind="integer",
            low=0,
            high=10_000,
            step=5,
            default=20,
            hidden=pictures,
            advanced=True,
        ),
        Field(
            key="transfer.randomize",
            label="By the panel's spec",
            help="Draw the conditions of the episodes from the panel's spec instead of the test's own ranges.",
            kind="toggle",
            default=False,
        ),
        Field(
            key="transfer.seed",
            label="Seed of the episodes",
            help="The same seed plays the same numbered episodes in every engine.",
            kind="integer",
            low=0,
            high=2**31 - 1,
            step=1,
            default=20261,
            advanced=True,
        ),
        Field(
            key="transfer.moving",
            label="Moving obstacles",
            help="Obstacles that move.",
            kind="integer",
            low=0,
            high=3,
            step=1,
            default=0,
            hidden=not pictures,
            advanced=True,
        ),
    )


def _bundle(values: Values) -> str:
    return str(values["transfer.bundle"] or bundle_of(values))


def chosen(values: Values) -> list[str]:
    """Return the engines that are switched on."""
    return [engine for engine in ENGINES if values[f"transfer.{engine}"]]


def transfer(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that plays the policy and writes the report."""
    bundle, out = str(workspace.path(_bundle(values))), str(workspace.path(values["transfer.out"]))
    common = ["--episodes", str(values["transfer.episodes"]), "--seed", str(values["transfer.seed"]), "--out", out]
    if values["transfer.randomize"]:
        common += ["--spec", values.spec_argument()]
    if values["robot.task"] == catalogue.AVOIDANCE:
        words = ["evaluate", "--bundle", bundle, "--physics", values["transfer.engine"], *common]
        return [*words, "--moving", str(values["transfer.moving"])]
    words = ["transfer", bundle, "--engines", ",".join(chosen(values)), *common]
    return [*words, "--curve-episodes", str(values["transfer.curve_episodes"])]


def why_not(values: Values) -> str | None:
    """Return what is missing before the policy can be tested."""
    bundle = _bundle(values)
    if not (values.workspace.path(bundle) / "contract.json").is_file():
        return f"there is no bundle in {bundle}; export first, or choose another"
    if values["robot.task"] != catalogue.AVOIDANCE and not chosen(values):
        return "switch on at least one engine"
    return None


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show the verdict, the engines' figures, the curves, and the way to the report."""
    folder = workspace.path(values["transfer.out"])
    report = read_json(folder / "report.json")
    if report is None:
        return [Text(lines=(f"No report in {values['transfer.out']} yet.",))]
    verdict = report.get("verdict") or {}
    notes = [str(note) for note in verdict.get("notes") or verdict.get("warnings") or ()]
    mark = _MARKS.get(str(verdict.get("level")), "")
    shown: list[Output] = [Text(title="Verdict", lines=(str(verdict.get("sentence", "")), *notes), mark=mark)]
    shown += _engines(report) if report.get("engines") else _rover(report)
    shown += _curves(report.get("curves") or {})
    if (folder / "report.html").is_file():
        shown.append(FileLink(label="Open the report", path=workspace.relative(folder / "report.html")))
    return shown


def _engines(report: dict[str, Any]) -> list[Output]:
    rows, marks = [], []
    for entry in report["engines"]:
        gap = entry.get("gap")
        rows.append(
            (
                _NAMES.get(entry["engine"], str(entry["engine"])),
                str(entry["episodes"]),
                _share(entry.get("success"), entry.get("success_ci")),
                "trained here" if gap is None and entry.get("same_family") else _gap(gap),
                str(entry.get("level") or ""),
            )
        )
        marks.append(_MARKS.get(str(entry.get("level")), ""))
    columns = ("engine", "episodes", "success (95 %)", "gap to training (95 %)", "verdict")
    return [Table(title="Engines", columns=columns, rows=tuple(rows), marks=tuple(marks))]


def _rover(report: dict[str, Any]) -> list[Output]:
    rows = [("success (95 %)", _share(report.get("success_rate"), report.get("ci95")))]
    for label, key in (
        ("INT8", "success_rate_int8"),
        ("always forward", "baseline_forward"),
        ("gap-follower on clean depth", "baseline_gap_follower"),
        ("in the training engine", "success_rate_in_training_engine"),
    ):
        value = report.get(key)
        if isinstance(value, int | float):
            rows.append((label, f"{value:.1%}"))
    rows += [("episodes", str(report.get("episodes"))), ("driven in", str(report.get("engine_test")))]
    return [Table(title="Driven", columns=("What", "Value"), rows=tuple(rows))]


def _share(value: Any, interval: Any) -> str:
    if not isinstance(value, int | float):
        return ""
    ends = f" ({interval[0]:.1%} to {interval[1]:.1%})" if isinstance(interval, list) and len(interval) == 2 else ""
    return f"{value:.1%}{ends}"


def _gap(gap: Any) -> str:
    if not isinstance(gap, dict):
        return ""
    return f"{100 * gap['value']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f}) points"


def _curves(curves: dict[str, Any]) -> list[Output]:
    """Success over each disturbance, a line for each engine."""
    shown: list[Output] = []
    for factor, engines in curves.items():
        lines = tuple(
            series(_NAMES.get(engine, engine), [point[0] for point in points], [point[1] for point in points])
            for engine, points in engines.items()
            if points
        )
        if lines:
            name = factor.replace("latency_s", "latency [s]").replace("_", " ")
            shown.append(Curve(title=f"Success over {name}", series=lines, x_label=name, y_label="success"))
    return shown


SECTION = Section(
    key="transfer",
    title="Transfer report",
    help="Play the exported policy in other physics engines and read whether it transfers.",
    fields=fields,
    outputs=outputs,
    actions=(
        Action(
            key="transfer.start",
            label="Test transfer",
            help="Plays the same numbered episodes in every engine and writes the report. Finished episodes are kept.",
            argv=transfer,
            ready=why_not,
        ),
    ),
)
