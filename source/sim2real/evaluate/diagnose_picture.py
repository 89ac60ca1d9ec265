"""One picture of a diagnosis: what was logged, and what is predicted without and with each of the best causes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sim2real.evaluate.diagnose import Diagnosis, Finding
from sim2real.evaluate.diagnose_evidence import (
    BASE_RATES,
    JOINT_RATES,
    MOTION,
    NETWORK,
    NOTHING,
    Correction,
    Evidence,
    turns,
)

LOGGED, BEFORE, AFTER = "#1d2530", "#d1453b", "#1f7fa8"
"""Colours of what was logged, of the prediction as it is, and of the one with the correction."""
SHOWN_S = 4.0
"""How much of a log is drawn [s]."""

Lines = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Time, logged, before, after; (t,) each."""


def draw_diagnosis(diagnosis: Diagnosis, path: Path, top: int = 3) -> Path | None:
    """Draw the best causes, one below the other; None where there is none.

    Args:
        diagnosis: what was found.
        path: of the picture.
        top: at most so many.
    """
    findings = diagnosis.findings[:top]
    if not findings:
        return None
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(findings), 1, figsize=(10, 2.7 * len(findings) + 0.4), squeeze=False)
    for place, (axis, finding) in enumerate(zip(axes[:, 0], findings, strict=True)):
        label, (time, logged, before, after) = _lines(diagnosis.evidence, finding)
        axis.plot(time, logged, color=LOGGED, linewidth=2.4, label="logged")
        axis.plot(time, before, color=BEFORE, linewidth=1.1, label="predicted, as it is")
        axis.plot(time, after, color=AFTER, linewidth=1.4, linestyle=(0, (3, 2)), label="predicted, corrected")
        low, high = min(logged.min(), after.min()), max(logged.max(), after.max())
        room = 0.6 * max(high - low, 1e-3)
        axis.set_ylim(low - room, high + room)
        axis.set_ylabel(label, fontsize=8)
        cause = finding.cause
        text = cause.text if len(cause.text) <= 70 else cause.text[:66] + " ..."
        title = f"{place + 1}. {cause.name} ({cause.side}): {text}. Explains {finding.share:.0%}"
        axis.set_title(title, loc="left", fontsize=9)
        axis.grid(alpha=0.25)
    axes[0, 0].legend(loc="upper right", fontsize=8, ncols=3)
    axes[-1, 0].set_xlabel("time [s]")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def _lines(evidence: Evidence, finding: Finding) -> tuple[str, Lines]:
    """What to draw of a finding: the number in the channel that it helps most, that it helps most."""
    gains = {name: was - finding.after[name] for name, was in finding.before.items()}
    channel = max(gains, key=gains.__getitem__)
    correction = finding.cause.correction
    draw: dict[str, Any] = {
        NETWORK: _network, MOTION: _motion, JOINT_RATES: _joint_rates, BASE_RATES: _base_rates,
    }  # fmt: skip
    label, time, logged, before, after = draw[channel](evidence, correction)
    shown = time <= time[0] + SHOWN_S
    return label, (time[shown], logged[shown], before[shown], after[shown])


def _network(evidence: Evidence, correction: Correction) -> tuple[Any, ...]:
    logged, before, after = evidence.action, evidence.answers(NOTHING), evidence.answers(correction)
    at = _helped(logged, before, logged, after)
    name = evidence.contract.joint_positions.joints[at]
    return f"answer for\n{name} [1]", evidence.felt.time, logged[:, at], before[:, at], after[:, at]


def _motion(evidence: Evidence, correction: Correction) -> tuple[Any, ...]:
    assert evidence.replay is not None
    (before, logged), (after, mended) = evidence.motion(NOTHING), evidence.motion(correction)
    at = _helped(logged, before, mended, after)
    name = evidence.contract.robot.joint_names[at]  # type: ignore[union-attr]
    starts = evidence.replay.segments * evidence.segment
    rows = starts[:, None] + np.arange(logged.shape[1])
    time = np.append(evidence.felt.time, np.nan)[np.minimum(rows, len(evidence.felt.time))]

    def flat(values: np.ndarray) -> np.ndarray:
        return values[..., at].ravel()

    shifted = flat(logged) + flat(after) - flat(mended)  # drawn beside the log, whose own numbers may be corrected
    return f"{name}\n[rad or m]", time.ravel(), flat(logged), flat(before), shifted


def _joint_rates(evidence: Evidence, correction: Correction) -> tuple[Any, ...]:
    felt = evidence.felt
    mended = correction.read(felt) if correction.read else felt
    step = np.diff(felt.time)[:, None]
    logged, true = np.diff(felt.pos, axis=0) / step, np.diff(mended.pos, axis=0) / step
    before, after = 0.5 * (felt.vel[1:] + felt.vel[:-1]), 0.5 * (mended.vel[1:] + mended.vel[:-1])
    at = _helped(logged, before, true, after)
    name = evidence.contract.robot.joint_names[at]  # type: ignore[union-attr]
    return f"velocity of\n{name} [rad/s]", felt.time[1:], logged[:, at], before[:, at], after[:, at]


def _base_rates(evidence: Evidence, correction: Correction) -> tuple[Any, ...]:
    felt = evidence.felt
    mended = correction.read(felt) if correction.read else felt
    step = np.diff(felt.time)[:, None]
    wrong, true = turns(felt.quat) / step, turns(mended.quat) / step
    logged = 0.5 * (mended.gyro[1:] + mended.gyro[:-1])
    before = wrong + logged - 0.5 * (felt.gyro[1:] + felt.gyro[:-1])
    at = _helped(logged, before, logged, true)
    label = f"angular velocity\n{'xyz'[at]} [rad/s]"
    return label, felt.time[1:], logged[:, at], before[:, at], true[:, at]


def _helped(logged: np.ndarray, before: np.ndarray, mended: np.ndarray, after: np.ndarray) -> int:
    """The column whose squared error goes down most."""
    down = (before - logged) ** 2 - (after - mended) ** 2
    return int(down.reshape(-1, down.shape[-1]).sum(axis=0).argmax())
