"""Times and watts of an engine on the device: trtexec runs it for ten seconds while tegrastats watches the rails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.export.jetson.errors import DeviceError
from sim2real.export.jetson.power import Power, parse_power_lines
from sim2real.export.jetson.probe import DeviceFacts
from sim2real.export.jetson.remote import Workspace, last_line
from sim2real.export.jetson.times import parse_times, quantiles, summary
from sim2real.export.tensorrt.plan import BuildPlan
from sim2real.export.tensorrt.trtexec import time_arguments

_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What trtexec and tegrastats told of one engine."""

    precision: str
    """``fp32``, ``fp16`` or ``int8``."""
    times_ms: tuple[float, ...] = ()
    """Quantiles of the latency with transfers [ms], ascending; empty where nothing was timed."""
    latency: Mapping[str, float | int] | None = None
    """Percentiles of all of them; see ``times.summary``."""
    compute: Mapping[str, float | int] | None = None
    """The same of the GPU's work alone."""
    power: Power | None = None
    """Mean power meanwhile."""
    reason: str | None = None
    """Why something is missing."""

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; what is missing says ``not_run``."""
        missing = {"status": "not_run", "reason": self.reason or "it was not told"}
        return {
            "latency": missing if self.latency is None else dict(self.latency),
            "compute": missing if self.compute is None else dict(self.compute),
            "power": missing if self.power is None else asdict(self.power),
            "quantiles_ms": list(self.times_ms),
        }


async def measure(
    work: Workspace,
    facts: DeviceFacts,
    plan: BuildPlan,
    record: Mapping[str, Any],
    poll_s: float,
    say: Callable[[str, str, str], None],
) -> dict[str, Measured]:
    """Time and weigh every engine that passed its proof.

    Raises:
        LinkLostError: the connection broke; what was measured is kept on the device.
    """
    found: dict[str, Measured] = {}
    for precision in record["engines"]:
        if facts.trtexec is None:
            found[precision] = Measured(precision=precision, reason="there is no trtexec on the device")
            continue
        say("time", precision, "trtexec, about 10 s; tegrastats meanwhile")
        found[precision] = await _one(work, facts, plan, precision, poll_s)
        say("time", precision, _said(found[precision]))
    return found


async def _one(work: Workspace, facts: DeviceFacts, plan: BuildPlan, precision: str, poll_s: float) -> Measured:
    """One engine."""
    step, watch, target = f"time_{precision}", f"power_{precision}", f"times_{precision}.json"
    assert facts.trtexec is not None
    if await work.status(step) in ("none", "gone"):
        arguments = time_arguments(
            facts.version, plan, Path(work.at(f"{precision}.plan")), Path(work.at(target)), transfers=True
        )
        await work.start(watch, ("tegrastats", "--interval", "200"), _SECONDS)
        await work.start(step, (facts.trtexec, *arguments), _SECONDS)
    state = await work.finish(step, poll_s)
    await work.stop(watch)
    if state != 0:
        return Measured(precision=precision, reason=f"trtexec: {last_line(await work.tail(step))}")
    try:
        times = parse_times(await work.text(target), target)
    except DeviceError as error:  # the engine is proven all the same
        return Measured(precision=precision, reason=str(error))
    power = parse_power_lines("\n".join(await work.lines(watch, 0)))
    return Measured(
        precision=precision,
        times_ms=tuple(float(value) for value in np.round(quantiles(times["latencyMs"]), 6)),
        latency=summary(times["latencyMs"]),
        compute=summary(times["computeMs"]),
        power=power,
        reason=None if power is not None else "tegrastats told of no power",
    )


def _said(found: Measured) -> str:
    """One line about it."""
    if found.latency is None:
        return f"not timed: {found.reason}"
    watts = f"not weighed: {found.reason}" if found.power is None else f"{found.power.watts:.2f} W"
    return f"p50 {found.latency['p50']:.3g} ms, p99 {found.latency['p99']:.3g} ms, {watts}"
