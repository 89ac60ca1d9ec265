"""Latency from measured times: trtexec's exportTimes, percentiles of our own, and the part of a spec that they become.

trtexec prints numbers with six digits, so its ready-made durations are taken, never differences of its time stamps.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from sim2real.export.jetson.errors import DeviceError

PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99_9": 99.9}
MOST_SAMPLES = 1000
"""Most numbers of a spec's histogram; more are thinned to evenly spaced quantiles."""
_KEYS = ("h2dMs", "computeMs", "d2hMs", "latencyMs")


def parse_times(text: str, source: str) -> dict[str, np.ndarray]:
    """Durations of ``--exportTimes`` [ms], one per inference: ``h2dMs``, ``computeMs``, ``d2hMs``, ``latencyMs``.

    Raises:
        DeviceError: not such a file, or no inference in it.
    """
    try:
        rows = json.loads(text)
        found = {key: np.array([float(row[key]) for row in rows]) for key in _KEYS}
    except (ValueError, TypeError, KeyError) as error:
        raise DeviceError(
            f"{source}: trtexec's times cannot be read ({error!r}). Was the disk of the device full? Make room "
            "there and run the same command again."
        ) from None
    bad = [key for key, values in found.items() if not np.isfinite(values).all() or (values < 0.0).any()]
    if bad or not len(found["latencyMs"]):
        raise DeviceError(f"{source}: trtexec timed nothing usable ({', '.join(bad) or 'no inference'}). Run it again.")
    return found


def summary(milliseconds: Sequence[float] | np.ndarray) -> dict[str, float | int]:
    """p50, p99, p99.9, largest and mean of measured times [ms], and how many there are."""
    times = np.asarray(milliseconds, np.float64)
    result: dict[str, float | int] = {
        name: float(np.percentile(times, percent)) for name, percent in PERCENTILES.items()
    }
    return {**result, "max": float(times.max()), "mean": float(times.mean()), "count": int(times.size)}


def quantiles(milliseconds: Sequence[float] | np.ndarray, count: int = MOST_SAMPLES) -> np.ndarray:
    """At most ``count`` values with the same distribution [ms], in ascending order, the smallest and largest kept."""
    times = np.sort(np.asarray(milliseconds, np.float64))
    return times if len(times) <= count else np.quantile(times, np.linspace(0.0, 1.0, count))


def latency_spec(milliseconds: Sequence[float] | np.ndarray, provenance: str, signal: str = "command") -> str:
    """Measured inference times as a spec: the latency of the command is drawn from them.

    The text is a whole spec, to be inspected by itself or to have its ``signals`` copied into another one. A latency
    is drawn once for an episode, so a training meets the slow decisions as whole slow episodes.

    Args:
        milliseconds: measured times [ms].
        provenance: where they come from, such as ``identified: orin_nano, fp16``.
        signal: the signal that is late.
    """
    values: list[Any] = [round(float(value), 9) for value in quantiles(milliseconds) / 1e3]
    said = json.dumps(provenance, ensure_ascii=False)
    return (
        "# Inference time that was measured on the device, as the latency of the command.\n"
        "# Copy 'signals' into your spec; sensors, buses and motors have latencies of their own.\n"
        "schema: 1\nseed: 0\nsignals:\n"
        f"  {signal}:\n    latency:\n      empirical: {{values: {json.dumps(values)}}}\n      unit: s\n"
        f"      provenance: {said}\n"
    )
