"""Files of a run: ``checkpoint.pt`` to go on with, ``policy.pt`` to export. Written beside and renamed, never half."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from sim2real.contract import DepthPreprocess
from sim2real.learn.errors import LearnError
from sim2real.learn.resnet import ResNet18

CHECKPOINT_FILE = "checkpoint.pt"
POLICY_FILE = "policy.pt"
_FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy:
    """A trained network and what the contract has to say about it."""

    model: ResNet18
    """The network, on the CPU, in evaluation mode."""
    classes: tuple[str, ...]
    """Names of its outputs, in order."""
    preprocess: DepthPreprocess
    """From frames to its inputs."""
    task: str
    """The task that it was trained for."""
    dataset_hash: str
    """Hash of the training sets."""
    spec_hash: str
    """Hash of the randomization spec."""
    camera: Mapping[str, Any] = field(default_factory=dict)
    """The camera of the training frames."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """The training configuration, for the record."""


def write_atomically(path: Path, data: Any) -> None:
    """Save with torch into a temporary file beside and rename: a reader sees the old file or the new one.

    Raises:
        LearnError: the disk does not take it; the old file stays.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        with open(beside, "wb") as file:
            torch.save(data, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        raise LearnError(
            f"{path}: cannot be written ({error}). Free some space and run the same command again; it goes on after "
            "the last epoch that was saved."
        ) from None


def read(path: Path, what: str) -> dict[str, Any]:
    """Load a file that ``write_atomically`` wrote; tensors and plain values only.

    Raises:
        LearnError: it cannot be read.
    """
    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise LearnError(f"{path}: there is no {what}. Give the folder or file that 'sim2real train' wrote.") from None
    except Exception as error:  # noqa: BLE001  torch raises a dozen kinds for a damaged file
        raise LearnError(f"{path}: not a {what}: {str(error).splitlines()[0]}") from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise LearnError(f"{path}: not a {what} of this version (format {_FORMAT}). Train again.")
    return data


def write_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Save everything that the next epoch depends on."""
    write_atomically(folder / CHECKPOINT_FILE, {"format": _FORMAT, **state})


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state after the last finished epoch, or None."""
    path = folder / CHECKPOINT_FILE
    return read(path, "checkpoint") if path.exists() else None


def save_policy(path: Path, policy: Policy) -> None:
    """Save a policy for the export."""
    model = policy.model
    write_atomically(
        path,
        {
            "format": _FORMAT,
            "state_dict": {name: value.detach().cpu() for name, value in model.state_dict().items()},
            "arch": {
                "num_classes": model.fc.out_features,
                "in_channels": model.conv1.in_channels,
                "width": model.conv1.out_channels,
            },
            "classes": list(policy.classes),
            "preprocess": asdict(policy.preprocess),
            "task": policy.task,
            "dataset_hash": policy.dataset_hash,
            "spec_hash": policy.spec_hash,
            "camera": dict(policy.camera),
            "train": {k: list(v) if isinstance(v, tuple) else v for k, v in policy.train.items()},
        },
    )


def load_policy(path: str | Path) -> Policy:
    """Load what :func:`save_policy` wrote.

    Args:
        path: ``policy.pt`` or the run folder that holds it.

    Raises:
        LearnError: it is missing, damaged, or something else.
    """
    path = Path(path)
    path = path / POLICY_FILE if path.is_dir() else path
    data = read(path, "trained policy")
    try:
        model = ResNet18(**data["arch"])
        model.load_state_dict(data["state_dict"])
        return Policy(
            model=model.eval(),
            classes=tuple(data["classes"]),
            preprocess=DepthPreprocess(**data["preprocess"]),
            **{name: data[name] for name in ("task", "dataset_hash", "spec_hash", "camera", "train")},
        )
    except (KeyError, TypeError, RuntimeError) as error:
        raise LearnError(f"{path}: not a trained policy of this version ({error}). Train again.") from None
