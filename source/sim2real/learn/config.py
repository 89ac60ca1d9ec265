"""How to train: one frozen dataclass and its named presets. Imports nothing heavy, so the command line can list it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from sim2real.learn.errors import LearnError


@dataclass(frozen=True, kw_only=True)
class TrainCfg:
    """How to train the avoidance classifier."""

    preset: str = "default"
    """Name of the preset that the values started from; for the record."""
    optimizer: str = "adamw"
    """``adamw`` (decoupled weight decay) or ``adam``."""
    learning_rate: float = 2e-3
    """Learning rate; the peak of it under ``onecycle``."""
    weight_decay: float = 1e-2
    """Weight decay."""
    schedule: str = "onecycle"
    """``onecycle`` (warm up, then anneal to nothing over all steps) or ``constant``."""
    batch_size: int = 64
    """Frames per step."""
    epochs: int = 8
    """Passes over the training set."""
    label_smoothing: float = 0.02
    """Probability that is spread over the other classes."""
    flip: bool = True
    """Mirror half of the frames left to right, and their labels with them."""
    noise_std: float = 0.005
    """Standard deviation of the noise on valid pixels, in units of the network's input (1 = far)."""
    balanced: bool = True
    """Show each class equally often; off: each frame once per epoch."""
    ema_decay: float = 0.99
    """Decay per step of the running mean of the weights, which is what is evaluated and exported; 0: no mean."""
    batchnorm_frames: int = 512
    """Frames that the statistics of the batch normalisation are measured on before each evaluation. The running
    statistics of training lag behind fast-moving weights and can ruin an evaluation that the weights do not deserve."""
    width: int = 64
    """Channels of the first stage; 64 is ResNet18 as published."""
    size: int = 96
    """Rows and columns of the network's input [pixels]."""
    near_m: float = 0.1
    """Near limit of the network's input [m]."""
    far_m: float = 4.0
    """Far limit of the network's input [m]."""
    resize: str = "nearest"
    """How frames of another size are resized: ``nearest`` or ``area``."""
    classes: tuple[str, ...] = ("forward", "left", "right")
    """Names of the classes, by label."""
    mirrored: tuple[int, ...] = (0, 2, 1)
    """The label that each label becomes in a mirrored frame."""
    seed: int = 7
    """Seed of the initial weights, the order and the augmentation."""

    def __post_init__(self) -> None:
        """Check the values. Raises: LearnError."""
        for name, allowed in (("optimizer", ("adamw", "adam")), ("schedule", ("onecycle", "constant"))):
            if getattr(self, name) not in allowed:
                raise LearnError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}.")
        for name in ("learning_rate", "batch_size", "epochs", "width", "size", "batchnorm_frames"):
            if not getattr(self, name) > 0:
                raise LearnError(f"{name} is {getattr(self, name)!r}; it must be more than 0.")
        if self.batch_size < 2:
            raise LearnError("batch_size is 1; batch normalisation needs at least 2.")
        for name in ("label_smoothing", "ema_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise LearnError(f"{name} is {getattr(self, name)!r}; it must be at least 0 and below 1.")
        for name in ("weight_decay", "noise_std"):
            if not getattr(self, name) >= 0.0:
                raise LearnError(f"{name} is {getattr(self, name)!r}; it must be at least 0.")
        if sorted(self.mirrored) != list(range(len(self.classes))):
            raise LearnError(f"mirrored is {self.mirrored}; it must name each label of {self.classes} once.")

    @classmethod
    def make(cls, preset: str = "default", **changes: Any) -> TrainCfg:
        """A preset with some values changed; a change to None is none.

        Raises:
            LearnError: unknown preset or field, or a value that is not allowed.
        """
        if preset not in PRESETS:
            raise LearnError(f"unknown training preset {preset!r}; presets: {', '.join(PRESETS)}.")
        changes = {name: value for name, value in changes.items() if value is not None}
        names = [field.name for field in fields(cls)]
        unknown = sorted(set(changes) - set(names))
        if unknown:
            raise LearnError(f"unknown training setting {', '.join(unknown)}; settings: {', '.join(names)}.")
        return replace(PRESETS[preset], **changes)


PRESETS: dict[str, TrainCfg] = {
    "default": TrainCfg(),
    "seed": TrainCfg(
        preset="seed",
        optimizer="adam",
        learning_rate=1e-3,
        weight_decay=0.0,
        schedule="constant",
        batch_size=32,
        epochs=10,
        label_smoothing=0.0,
        flip=False,
        noise_std=0.0,
        ema_decay=0.0,
    ),
}
"""``default``: ours. ``seed``: plain Adam as in the course that the lab comes from, with the same safe evaluation."""
