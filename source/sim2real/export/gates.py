"""What a network of lower precision must hold on held-out data, for choices and for joint targets.

A choice is the same or another; a joint target is off by some amount. How much is too much depends on how far that
joint moves at all, so errors of targets are taken relative to the spread of the float network's own targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a network of lower precision must hold on held-out frames to be kept."""

    agreement: float = 0.99
    """Smallest share of frames with the float network's choice."""
    accuracy_drop: float = 0.01
    """Largest loss of accuracy against the float network, as a share of the frames."""

    def measure(self, logits: np.ndarray, float_logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        """Score outputs (n, classes) against the float network's and the labels (n,).

        Returns:
            Measures, ``passes``, and ``order``, by which the best comes first.
        """
        choice = float_logits.argmax(1)
        agreement = float((logits.argmax(1) == choice).mean())
        accuracy = float((logits.argmax(1) == labels).mean())
        drop = float((choice == labels).mean()) - accuracy
        rmse = float(np.sqrt(np.mean((logits - float_logits) ** 2)))
        return {
            "top1_agreement": agreement,
            "accuracy": accuracy,
            "accuracy_drop": drop,
            "max_abs_error": float(np.abs(logits - float_logits).max()),
            "rmse": rmse,
            "passes": agreement >= self.agreement and drop <= self.accuracy_drop,
            "order": (-agreement, rmse),
        }

    def said(self, measured: dict[str, Any], frames: int) -> str:
        """What was measured beside what was wanted, in words."""
        return (
            f"agrees with float on {measured['top1_agreement']:.2%} of {frames} held-out frames (at least "
            f"{self.agreement:.2%} wanted) and loses {measured['accuracy_drop']:.2%} accuracy (at most "
            f"{self.accuracy_drop:.2%} wanted)"
        )


@dataclass(frozen=True, kw_only=True)
class TargetGate:
    """What a network of lower precision must hold on held-out decisions to be kept."""

    relative_rmse: float = 0.05
    """Largest root mean square error of a joint's target, relative to the standard deviation of that target."""
    relative_max: float = 0.5
    """Largest single error, relative likewise."""

    def measure(self, targets: np.ndarray, float_targets: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
        """Score joint targets (n, joints) against the float network's.

        A joint that hardly moves is measured by a hundredth of the spread of the one that moves most.

        Returns:
            Measures of the worst joint, ``passes``, and ``order``, by which the best comes first.
        """
        error = np.abs(targets.astype(np.float64) - float_targets)
        spread = float_targets.astype(np.float64).std(axis=0)
        spread = np.maximum(spread, max(1e-6, 0.01 * float(spread.max())))
        rmse = np.sqrt((error**2).mean(axis=0)) / spread
        most = error.max(axis=0) / spread
        finite = bool(np.isfinite(targets).all())
        worst = int(rmse.argmax())
        return {
            "relative_rmse": float(rmse[worst]) if finite else None,
            "relative_max": float(most.max()) if finite else None,
            "worst_joint": names[worst],
            "max_abs_error": float(error.max()) if finite else None,
            "passes": finite and bool(rmse[worst] <= self.relative_rmse and most.max() <= self.relative_max),
            "order": (float(rmse[worst]) if finite else float("inf"),),
        }

    def said(self, measured: dict[str, Any], frames: int) -> str:
        """What was measured beside what was wanted, in words."""
        if measured["relative_rmse"] is None:
            return f"gives what is no number on {frames} held-out decisions"
        return (
            f"is off by {measured['relative_rmse']:.2%} of the spread of {measured['worst_joint']} on {frames} "
            f"held-out decisions (at most {self.relative_rmse:.2%} wanted), once by "
            f"{measured['relative_max']:.2%} (at most {self.relative_max:.2%} wanted)"
        )
