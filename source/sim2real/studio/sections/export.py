"""Export: a trained policy as a proven bundle, and engines built on a Jetson; parity and latency of each precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim2real.studio import catalogue
from sim2real.studio.actions import Action
from sim2real.studio.fields import Field
from sim2real.studio.outputs import Output, Table, Text
from sim2real.studio.runs import bundle_of, read_json
from sim2real.studio.section import Section
from sim2real.studio.values import Values
from sim2real.studio.workspace import Workspace

ORDER = 60
POWER_MODE = r"[A-Za-z0-9][\w .-]{0,40}"


def fields(_values: Values) -> tuple[Field, ...]:
    """Return what to export, where to, and on which device to build."""
    return (
        Field(
            key="export.out",
            label="Bundle folder",
            help="Where the bundle goes: network, contract, golden vectors, parity, latency.",
            kind="path",
            optional=True,
            hint="bundle/ in the run folder of 'Train'",
        ),
        Field(
            key="export.jetson",
            label="Jetson",
            help="User and address of a Jetson: TensorRT engines are built, proven and timed there over SSH. Empty: no "
            "device.",
            kind="text",
            optional=True,
            pattern=r"[A-Za-z_][\w.-]{0,63}@[A-Za-z0-9][A-Za-z0-9.:-]{0,252}",
            example="nvidia@192.168.1.100",
            hint="nvidia@192.168.1.100",
        ),
        Field(
            key="export.host_key",
            label="Host key",
            help="Fingerprint of a device that is not known yet, as it shows it; compare the two before you trust it.",
            kind="text",
            optional=True,
            pattern=r"SHA256:[A-Za-z0-9+/]{43}=?",
            example="SHA256: and 43 letters and digits",
            advanced=True,
        ),
        Field(
            key="export.power_mode",
            label="Power mode",
            help="Refuse to measure in another power mode than this one.",
            kind="text",
            optional=True,
            pattern=POWER_MODE,
            example="MAXN",
            hint="MAXN",
            advanced=True,
        ),
        Field(
            key="export.precisions",
            label="Precisions",
            help="What to build on the device.",
            kind="text",
            pattern=r"(fp32|fp16|int8)(,(fp32|fp16|int8))*",
            example="fp32,fp16,int8",
            default="fp32,fp16,int8",
            advanced=True,
        ),
        Field(
            key="export.data",
            label="Held-out frames",
            help="Dataset whose validation split the classifier is held against.",
            kind="path",
            optional=True,
            hint="the dataset of 'Train'",
            advanced=True,
        ),
    )


def export(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that writes the bundle, and builds on the Jetson where one is given."""
    run, out = str(workspace.path(values["train.out"])), str(workspace.path(bundle_of(values)))
    if values["robot.task"] == catalogue.AVOIDANCE:
        data = workspace.path(values["export.data"] or values["train.data"])
        words = ["export", "--policy", run, "--data", str(data), "--out", out]
    else:
        words = ["export", "--run", run, "--out", out]
    return words + _on_jetson(values)


def build(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that builds the engines of a finished bundle on the Jetson."""
    return ["export", str(workspace.path(bundle_of(values))), *_on_jetson(values)]


def benchmark(values: Values, workspace: Workspace) -> list[str]:
    """Return the command that measures the bundle, here or on the Jetson."""
    words = ["benchmark", str(workspace.path(bundle_of(values)))]
    return [*words, "--jetson", values["export.jetson"]] if values["export.jetson"] else words


def _on_jetson(values: Values) -> list[str]:
    if not values["export.jetson"]:
        return []
    words = ["--jetson", values["export.jetson"], "--precisions", values["export.precisions"]]
    for option, key in (("--accept-new-host-key", "export.host_key"), ("--power-mode", "export.power_mode")):
        if values[key] is not None:
            words += [option, values[key]]
    return words


def why_not_export(values: Values) -> str | None:
    """Return why there is no policy to export."""
    folder = values.workspace.path(values["train.out"])
    if values["robot.task"] == catalogue.AVOIDANCE:
        found = (folder / "policy.pt").is_file()
    else:
        found = any(folder.glob("model_*.pt"))
    return None if found else f"there is no trained policy in {values['train.out']} yet; train first"


def why_no_bundle(values: Values) -> str | None:
    """Return why there is no bundle to work with."""
    bundle = bundle_of(values)
    there = (values.workspace.path(bundle) / "contract.json").is_file()
    return None if there else f"there is no bundle in {bundle} yet; export first"


def why_not_build(values: Values) -> str | None:
    """Return why nothing can be built on a Jetson."""
    return why_no_bundle(values) if values["export.jetson"] else "give the Jetson's address first"


def outputs(values: Values, workspace: Workspace) -> list[Output]:
    """Show the bundle's parity and latency, and those of each device's engines."""
    bundle = bundle_of(values)
    folder = workspace.path(bundle)
    if not (folder / "contract.json").is_file():
        return [Text(lines=(f"No bundle in {bundle} yet.",))]
    parity, latency = read_json(folder / "parity.json") or {}, read_json(folder / "latency.json") or {}
    rows, marks = [], []
    for precision in ("float", "fp16", "int8"):
        entry = _entry(parity, precision)
        times = latency.get(precision)
        if entry is None and times is None:
            continue
        entry = entry or {}
        kept = bool(entry.get("kept", True))
        rows.append((precision, _parity(entry), "yes" if kept else f"no: {entry.get('reason')}", *_times(times)))
        marks.append("good" if kept else "warn")
    columns = ("precision", "parity with training", "kept", "p50 [ms]", "p99 [ms]")
    shown: list[Output] = [
        Table(
            title=f"This machine ({latency.get('runtime', 'not timed')})",
            columns=columns,
            rows=tuple(rows),
            marks=tuple(marks),
        )
    ]
    return [*shown, *(_device(path) for path in sorted(folder.glob("engines/*/record.json")))]


def _entry(parity: dict[str, Any], precision: str) -> dict[str, Any] | None:
    """What a bundle says of a precision; bundles of classifiers say it of the float network at the top."""
    found = (parity.get("precisions") or {}).get(precision) or parity.get(precision)
    if found is None and precision == "float" and "max_abs_error" in parity:
        return parity
    if not isinstance(found, dict):
        return None
    agreement = parity.get(f"{precision}_top1_agreement")
    return found if agreement is None else {"top1_agreement": agreement, **found}


def _parity(entry: dict[str, Any]) -> str:
    """How near a network is to the trained one, in words."""
    facts = []
    for name, text in (
        ("max_abs_error", "largest error {:.2g}"),
        ("relative_rmse", "relative RMSE {:.2g}"),
        ("relative_max", "relative largest {:.2g}"),
        ("top1_agreement", "same choice {:.2%}"),
        ("float_accuracy", "accuracy {:.1%}"),
    ):
        if isinstance(entry.get(name), int | float):
            facts.append(text.format(entry[name]))
    return ", ".join(facts) or str(entry.get("reason") or "")


def _times(times: Any) -> tuple[str, str]:
    if not isinstance(times, dict):
        return "", ""
    p50, p99 = (times.get(name) for name in ("p50", "p99"))
    return tuple(f"{v:.3g}" if isinstance(v, int | float) else "" for v in (p50, p99))  # type: ignore[return-value]


def _device(path: Path) -> Output:
    """The engines of one device."""
    record = read_json(path) or {}
    parity, latency = record.get("parity") or {}, record.get("latency") or {}
    rows = tuple(
        (
            f"{name}{' (chosen)' if name == record.get('chosen') else ''}",
            _parity(entry),
            str(entry.get("status", "")),
            *_times(latency.get(name)),
        )
        for name, entry in parity.items()
        if isinstance(entry, dict)
    )
    marks = tuple({"pass": "good", "fail": "bad"}.get(row[2], "") for row in rows)
    device = record.get("device") or {}
    title = f"{device.get('gpu') or path.parent.name}, TensorRT {device.get('tensorrt', '?')}"
    columns = ("precision", "parity with training", "proof", "p50 [ms]", "p99 [ms]")
    return Table(title=title, columns=columns, rows=rows, marks=marks)


SECTION = Section(
    key="export",
    title="Export",
    help="One click writes the bundle that a robot runs, proves it, and builds its engines on a Jetson.",
    fields=fields,
    outputs=outputs,
    actions=(
        Action(
            key="export.start",
            label="Export",
            help="Writes the bundle of the run folder in 'Train', and builds on the Jetson where one is given.",
            argv=export,
            ready=why_not_export,
        ),
        Action(
            key="export.build",
            label="Build on Jetson",
            help="Builds, proves and times TensorRT engines of the finished bundle on the device.",
            argv=build,
            ready=why_not_build,
        ),
        Action(
            key="export.benchmark",
            label="Measure latency",
            help="Times the bundle in every precision: on the Jetson where one is given, else here.",
            argv=benchmark,
            ready=why_no_bundle,
        ),
    ),
)
