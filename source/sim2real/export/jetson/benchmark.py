"""Latency and watts of a network in each precision, here and on a Jetson, as one table.

What was not run says so with the reason and has no number. Beside it stand the numbers that this project was begun
with; nobody says how they were measured, so they are quoted, and never compared by a program.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim2real.export.errors import ExportError
from sim2real.export.folder import runtime_name
from sim2real.export.jetson.times import summary
from sim2real.export.onnx_file import open_session
from sim2real.export.tensorrt.plan import PRECISIONS

if TYPE_CHECKING:
    from sim2real.export.jetson.flow import Built

NO_JETSON = "no device was given: --jetson USER@HOST"
NO_WATTS = "this machine's power is not measured"
SEED = (
    ("Jetson Orin Nano", "ResNet18", "FP32", "45 ms", "10 W"),
    ("Jetson Orin Nano", "ResNet18", "INT8", "8 ms", "7 W"),
    ("Cloud (A10G)", "ResNet18", "FP32", "5 ms + 50-200 ms network", "N/A"),
    ("Jetson AGX Orin", "ResNet50", "FP16", "12 ms", "25 W"),
)
"""Platform, model, precision, latency, power: the table of the course that this project began with."""
SEED_SOURCE = "quoted from the course page that this project began with; it does not say how they were measured"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network in one precision on one machine."""

    network: str
    """Name of the network."""
    precision: str
    """``float``, ``fp32``, ``fp16`` or ``int8``."""
    runtime: str
    """What ran it, or would have."""
    device: str
    """Where."""
    latency_ms: Mapping[str, float | int] | None = None
    """Percentiles of single inferences with a batch of 1 [ms]; None: not run."""
    watts: float | None = None
    """Mean power meanwhile [W]; None: not measured."""
    reason: str | None = None
    """Why a number is missing."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; what is missing says ``not_run``."""
        row = asdict(self)
        for name in ("latency_ms", "watts"):
            if row[name] is None:
                row[name] = "not_run"
        return row


def models_of(bundle: str | Path) -> dict[str, bytes]:
    """The ONNX files of a bundle by precision. Raises: ContractError."""
    from sim2real.contract import check_file, read_manifest

    folder = Path(bundle)
    manifest = read_manifest(folder)
    names = {kind: manifest.contract.model_file(kind) for kind in ("float", "fp16", "int8")}
    return {kind: check_file(manifest, folder, name) for kind, name in names.items() if name in manifest.files}


def time_here(network: str, models: Mapping[str, bytes], runs: int = 100, threads: int = 1) -> list[Row]:
    """Time every model on this machine's CPU with ONNX Runtime, on drawn inputs with a batch of 1.

    Raises:
        ExportError: fewer than 10 runs, or an input that cannot be drawn.
    """
    if runs < 10:
        raise ExportError(f"{runs} runs; allowed: 10 and more, for a percentile.")
    rows = []
    for precision, content in models.items():
        session = open_session(content, threads)
        feeds = {value.name: _draw(value) for value in session.get_inputs()}
        for _ in range(3):
            session.run(None, feeds)
        times = np.empty(runs)
        for i in range(runs):
            began = time.perf_counter()
            session.run(None, feeds)
            times[i] = time.perf_counter() - began
        rows.append(
            Row(
                network=network,
                precision=precision,
                runtime=f"{runtime_name()}, {threads} thread{'' if threads == 1 else 's'}",
                device=cpu_name(),
                latency_ms=summary(times * 1e3),
                reason=NO_WATTS,
            )
        )
    return rows


def _draw(value: Any) -> np.ndarray:
    """An input of a network, with a batch of 1."""
    kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    if value.type not in kinds:
        raise ExportError(f"input '{value.name}' is {value.type}; only float inputs can be drawn.")
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    return np.random.default_rng(0).random(shape).astype(kinds[value.type])


def jetson_rows(network: str, built: Built | None, reason: str = NO_JETSON) -> list[Row]:
    """A row for each precision of TensorRT: what a device measured, or why nothing was."""
    if built is None:
        return [
            Row(network=network, precision=name, runtime="TensorRT", device="Jetson", reason=reason)
            for name in PRECISIONS
        ]
    rows = []
    for name in PRECISIONS:
        parity, found = built.record["parity"].get(name, {}), built.measured.get(name)
        why = None if found is None else found.reason
        rows.append(
            Row(
                network=network,
                precision=name,
                runtime=f"TensorRT {built.facts.tensorrt}, trtexec, CUDA graph, with transfers",
                device=str(built.facts.model or built.record["device"]["gpu"]),
                latency_ms=None if found is None else found.latency,
                watts=None if found is None or found.power is None else found.power.watts,
                reason=why or parity.get("reason") or (None if found is not None else "it did not pass its proof"),
            )
        )
    return rows


def cpu_name() -> str:
    """What the CPU calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.machine()


def to_json(rows: Sequence[Row]) -> str:
    """The table as JSON."""
    data = {"rows": [row.to_dict() for row in rows], "batch": 1, "seed_table": {"source": SEED_SOURCE, "rows": SEED}}
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def to_markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown, with the quoted one below it."""
    lines = ["| network | precision | runtime | device | p50 | p99 | p99.9 | runs | power |", "|" + "---|" * 9]
    notes: list[str] = []
    for row in rows:
        cells = [row.network, row.precision, row.runtime, row.device]
        if row.latency_ms is None:
            cells += ["not_run"] * 3 + ["0"]
        else:
            cells += [f"{row.latency_ms[name]:.3g} ms" for name in ("p50", "p99", "p99_9")]
            cells.append(str(row.latency_ms["count"]))
        cells.append("not_run" if row.watts is None else f"{row.watts:.2f} W")
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
        if row.reason is not None and row.reason not in notes:
            notes.append(row.reason)
    lines += ["", *(f"- not_run: {note}" for note in notes)]
    lines += ["", f"For comparison, {SEED_SOURCE}:", "", "| platform | model | precision | latency | power |"]
    lines += ["|" + "---|" * 5, *(f"| {' | '.join(cells)} |" for cells in SEED)]
    return "\n".join(lines) + "\n"
