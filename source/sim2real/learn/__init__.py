"""Training: from a dataset of labelled depth frames to the weights of a policy.

``TrainCfg`` says how, :func:`train` does it and leaves a run folder: a checkpoint per epoch, ``policy.pt`` for the
export, curves for TensorBoard, ``metrics.json`` and a picture of the confusion matrix. A killed run goes on where its
last epoch ended and arrives at the same weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim2real.learn.config import PRESETS, TrainCfg
from sim2real.learn.errors import LearnError

if TYPE_CHECKING:
    from sim2real.learn.avoidance import TrainResult, train
    from sim2real.learn.checkpoint import Policy, load_policy, save_policy
    from sim2real.learn.resnet import ResNet18, load_pretrained

__all__ = [
    "PRESETS",
    "LearnError",
    "Policy",
    "ResNet18",
    "TrainCfg",
    "TrainResult",
    "load_policy",
    "load_pretrained",
    "save_policy",
    "train",
]

_LAZY = {
    "Policy": "checkpoint",
    "load_policy": "checkpoint",
    "save_policy": "checkpoint",
    "ResNet18": "resnet",
    "load_pretrained": "resnet",
    "TrainResult": "avoidance",
    "train": "avoidance",
}


def __getattr__(name: str) -> Any:
    """Load what needs torch only when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
