"""What a training run reports: the confusion matrix, its picture, and ``metrics.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Count frames by label (rows) and prediction (columns); int64 (classes, classes)."""
    cells = np.asarray(labels) * classes + np.asarray(predictions)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def accuracies(confusion: np.ndarray, classes: Sequence[str]) -> tuple[float, dict[str, float | None]]:
    """The share of right answers, over all frames and per class; None for a class that has no frames."""
    totals = confusion.sum(axis=1)
    right = np.diag(confusion)
    per_class = {name: float(right[i] / totals[i]) if totals[i] else None for i, name in enumerate(classes)}
    return float(right.sum() / max(1, totals.sum())), per_class


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON beside and rename."""
    beside = path.with_name(f".{path.name}.partial")
    beside.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(beside, path)


def write_confusion_picture(path: Path, confusion: np.ndarray, classes: Sequence[str], title: str) -> None:
    """Write the confusion matrix as a PNG: shares of each label in colour, counts in figures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    figure = Figure(figsize=(4.6, 4.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0)
    for row in range(len(classes)):
        for column in range(len(classes)):
            axes.text(
                column,
                row,
                f"{share[row, column]:.1%}\n{confusion[row, column]}",
                ha="center",
                va="center",
                color="white" if share[row, column] > 0.5 else "black",
            )
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("answer of the network")
    axes.set_ylabel("label")
    axes.set_title(title)
    figure.colorbar(image, ax=axes, label="share of the label")
    figure.savefig(path)
