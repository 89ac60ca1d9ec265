"""Why a policy fails on a robot: the causes that explain its log, ranked by how much of the error each takes away.

Every kind of fault is a correction with few parameters. Its best estimate is found by search, and the log is measured
again with it: what the network answers, whether velocities are those of positions, whether MuJoCo moves as the robot
did (`diagnose_evidence.py`). The share of the squared error that goes away ranks the causes, and a bootstrap over
segments of the log says how sure the share and the first place are. One cause at a time: mend it, and run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.evaluate.diagnose_evidence import (
    TOLERANCES,
    Channel,
    Evidence,
    Felt,
    arrange,
    explained,
    relative,
    weights_of,
)
from sim2real.evaluate.diagnose_search import Cause, short
from sim2real.evaluate.log import LogError, RobotLog

CONSISTENT, EXPLAINED, PARTLY, UNEXPLAINED = "consistent", "explained", "partly explained", "unexplained"
LEAST_SHARE, PART_SHARE = 0.7, 0.2
"""Share of the error from which on a cause explains it, and explains a part [1]."""
PRICE = 0.002
"""Share of the error that each number of an estimate has to bring in the ranking [1]."""
ENOUGH = 0.98
"""A family with a cause that takes away this share of the error is the last that is looked at [1]."""
Told = Callable[[str], None]
"""Called with what is looked at."""


@dataclass(frozen=True, kw_only=True)
class DiagnoseCfg:
    """How to look at a log."""

    segments: int = 20
    """Segments that are replayed."""
    segment_s: float = 0.2
    """Length of a segment [s]."""
    longest_s: float = 20.0
    """How much of a log is looked at [s]."""
    replay: bool = True
    """Whether motion is replayed in MuJoCo."""
    bootstrap: int = 500
    """Draws of segments."""
    seed: int = 0
    """Of these draws."""

    def __post_init__(self) -> None:
        """Check ranges. Raises: LogError."""
        for name in ("segments", "segment_s", "longest_s", "bootstrap"):
            value = getattr(self, name)
            if not value > 0:
                raise LogError(f"{name} is {value}; give a number above 0")


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """A cause, weighed."""

    cause: Cause
    """What it is, and its estimate."""
    before: dict[str, float]
    """Relative error of each channel as the log is [1]."""
    after: dict[str, float]
    """With the correction [1]."""
    share: float
    """Share of the squared error that the correction takes away [1]."""
    low: float
    """2.5 % of the bootstrap's shares [1]."""
    high: float
    """97.5 % [1]."""
    first: float
    """In which share of the bootstrap's draws this cause explains most [1]."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        own = {name: getattr(self, name) for name in ("before", "after", "share", "low", "high", "first")}
        return {"cause": self.cause.name, "side": self.cause.side, "estimate": self.cause.value} | {
            "text": self.cause.text, "advice": self.cause.advice, **own,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagnosis:
    """What a log says."""

    verdict: str
    """`consistent`, `explained`, `partly explained` or `unexplained`."""
    channels: dict[str, float]
    """Relative error of each channel as the log is [1]."""
    findings: tuple[Finding, ...]
    """Causes that explain something, the best first."""
    notes: tuple[str, ...]
    """What was not looked at, and why."""
    evidence: Evidence
    """For pictures."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "verdict": self.verdict,
            "channels": {name: {"error": v, "tolerance": TOLERANCES[name]} for name, v in self.channels.items()},
            "causes": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
        }

    def save(self, path: Path) -> Path:
        """Write the JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.to_dict(), indent=1, default=float) + "\n")
        return path

    def lines(self, top: int = 5) -> list[str]:
        """The table, for a terminal."""
        rows = [
            f"{name:<12} error {value:8.3%}  tolerance {TOLERANCES[name]:.0%}" for name, value in self.channels.items()
        ]
        rows += [*self.notes, f"verdict: {self.verdict}"]
        if self.verdict == CONSISTENT:
            return [*rows, "The log agrees with the policy and with MuJoCo: no cause is looked for."]
        if not self.findings:
            return [*rows, "No single cause that is known here takes away a part of the error worth naming."]
        rows.append(f"{'':>2} {'share':>5} {'95 %':>9} {'first':>5}  {'cause':<44} estimate")
        for place, found in enumerate(self.findings[:top], start=1):
            cause = found.cause
            name = f"{cause.name} ({cause.side})"
            span = f"{100 * found.low:.0f}..{100 * found.high:.0f}"
            rows.append(f"{place:>2} {found.share:5.0%} {span:>9} {found.first:5.0%}  {name:<44} {short(cause.text)}")
            moved = {n: (b, found.after[n]) for n, b in found.before.items() if abs(b - found.after[n]) > 1e-3 * b}
            rows.append(f"{'':>24} {', '.join(f'{n} {b:.3g} -> {a:.3g}' for n, (b, a) in moved.items())}")
        best = self.findings[0]
        if self.verdict == UNEXPLAINED:
            rows.append("No single cause explains this log. Two faults at once, or one that is not known here?")
        else:
            rows.append(f"Do: {best.cause.advice}.")
        return rows


def diagnose(
    bundle: Path, log: RobotLog, cfg: DiagnoseCfg | None = None, *, urdf: Path | None = None, told: Told | None = None
) -> Diagnosis:
    """Find what explains a log of a policy.

    Args:
        bundle: the exported policy.
        log: of the robot, or of an engine.
        cfg: how to look.
        urdf: description of a robot that is not among the vendors'.
        told: hears what is looked at.

    Raises:
        Sim2RealError: the bundle, the description or the log is not as it must be.
    """
    from sim2real.deploy.joint_runtime import JointPolicyRuntime
    from sim2real.evaluate.diagnose_motion import motion_causes
    from sim2real.evaluate.diagnose_network import network_causes

    cfg, say = cfg or DiagnoseCfg(), told or (lambda what: None)
    policy = JointPolicyRuntime(bundle)
    felt, action, targets = arrange(log, policy.contract)
    count, notes = round(cfg.longest_s * policy.rate_hz), []
    if len(log) > count:
        notes.append(f"looked at the first {cfg.longest_s:g} s of {log.time[-1] - log.time[0]:.3g} s")
    felt, action, targets = felt.rows(slice(count)), action[:count], targets[:count]
    length = max(1, round(cfg.segment_s * policy.rate_hz))
    replay = None
    if cfg.replay:
        from sim2real.evaluate.diagnose_replay import MujocoReplay

        replay = MujocoReplay(policy.contract, length, _replayed(felt, length, cfg.segments), urdf)
    else:
        notes.append("motion was not replayed: gains, friction, latency and what is sent were not looked at")
    evidence = Evidence(
        contract=policy.contract, felt=felt, action=action, targets=targets, infer=policy.infer, replay=replay,
        segment=length,
    )  # fmt: skip
    found: list[tuple[Cause, dict[str, Channel]]] = []
    if any(weights_of(evidence.before).values()):
        weights = weights_of(evidence.before)
        for family in (network_causes(evidence), *motion_causes(evidence)):
            best = 0.0
            for cause in family:
                say(f"{cause.name} ({cause.side})")
                after = evidence.measure(cause.correction)
                found.append((cause, after))
                share = explained(weights, evidence.before, after)
                best = max(best, share - PRICE * _numbers(cause.value))
            if best >= ENOUGH:
                break  # every further family would cost replays
    findings = _ranked(evidence.before, found, cfg)
    channels = {name: relative(channel) for name, channel in evidence.before.items()}
    share = findings[0].share if findings else 0.0
    verdict = EXPLAINED if share >= LEAST_SHARE else PARTLY if share >= PART_SHARE else UNEXPLAINED
    if not any(weights_of(evidence.before).values()):
        verdict = CONSISTENT
    return Diagnosis(verdict=verdict, channels=channels, findings=findings, notes=tuple(notes), evidence=evidence)


def _replayed(felt: Felt, length: int, wanted: int) -> np.ndarray:
    """Which segments are replayed: evenly over the log, whole ones, not the first, where targets are on their way."""
    whole = np.arange(1, (len(felt.time) - 1) // length)
    if not whole.size:
        raise LogError(f"the log has {len(felt.time)} decisions; a replay needs {2 * length + 1} or more")
    return whole[np.unique(np.linspace(0, len(whole) - 1, min(wanted, len(whole))).round().astype(int))]


def _ranked(
    before: dict[str, Channel], found: Sequence[tuple[Cause, dict[str, Channel]]], cfg: DiagnoseCfg
) -> tuple[Finding, ...]:
    """Findings that explain something, the best first, with the bootstrap's say."""
    weights = weights_of(before)
    if not found or not any(weights.values()):
        return ()
    shares = np.array([explained(weights, before, after) for _, after in found])
    prices = np.array([PRICE * _numbers(cause.value) for cause, _ in found])
    draws = _bootstrap(before, [after for _, after in found], cfg)
    kept = [i for i in np.argsort(-(shares - prices), kind="stable") if shares[i] > 0.01]
    kept = [i for place, i in enumerate(kept) if not any(_same(found[i], found[j], before) for j in kept[:place])]
    best = np.argmax((draws - prices)[:, kept], axis=1) if kept else np.zeros(0)
    findings = []
    for place, i in enumerate(kept):
        cause, after = found[i]
        low, high = np.percentile(draws[:, i], (2.5, 97.5))
        first = float((best == place).mean())
        findings.append(
            Finding(
                cause=cause, share=float(shares[i]), low=float(low), high=float(high), first=first,
                before={name: relative(channel) for name, channel in before.items()},
                after={name: relative(channel) for name, channel in after.items()},
            )
        )  # fmt: skip
    return tuple(findings)


def _bootstrap(before: dict[str, Channel], afters: Sequence[dict[str, Channel]], cfg: DiagnoseCfg) -> np.ndarray:
    """Shares of each cause in each draw of segments, (draws, causes); all causes see the same segments."""
    rng = np.random.default_rng(cfg.seed)
    weights, shares = weights_of(before), np.zeros((cfg.bootstrap, len(afters)))
    for name, weight in weights.items():
        if weight == 0.0:
            continue
        rows = rng.integers(len(before[name]), size=(cfg.bootstrap, len(before[name])))

        def rate(channel: Channel, rows: np.ndarray = rows) -> np.ndarray:
            error, size = channel[rows].sum(axis=1).T
            drawn: np.ndarray = error / np.maximum(size, 1e-12)
            return drawn

        was = np.maximum(rate(before[name]), 1e-12)
        for i, after in enumerate(afters):
            shares[:, i] += weight * np.maximum(-1.0, 1.0 - rate(after[name]) / was)
    return shares


def _numbers(value: Any) -> int:
    """How many numbers or names an estimate holds."""
    return max(1, len(value)) if isinstance(value, (dict, list)) else 1


def _same(one: tuple[Cause, Any], other: tuple[Cause, Any], before: dict[str, Channel]) -> bool:
    """Whether two causes say the same of the same side with the same effect: a log cannot tell them apart."""
    if (one[0].side, one[0].text) != (other[0].side, other[0].text):
        return False
    return all(abs(relative(one[1][name]) - relative(other[1][name])) < 1e-9 for name in before)
