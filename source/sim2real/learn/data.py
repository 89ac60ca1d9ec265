"""Frames for training: read once, preprocessed by the contract, kept as half floats in memory or in a mapped file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sim2real.contract import DepthPreprocess
from sim2real.learn.errors import LearnError

IN_MEMORY_BYTES = 2 * 1024**3
"""Above this, frames go to a mapped file in the run folder instead of memory [bytes]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """Preprocessed frames and their labels."""

    inputs: np.ndarray
    """float16 (n, 1, height, width) in [0, 1]: the network's inputs."""
    labels: torch.Tensor
    """int64 (n,): the label of each frame."""

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """float32 (len(rows), 1, height, width): some of the frames."""
        return torch.from_numpy(self.inputs[rows.numpy()].astype(np.float32))


def load_frames(
    folders: Sequence[Path], split: str, preprocess: DepthPreprocess, spill: Path, classes: Sequence[str]
) -> Frames:
    """Read and preprocess one split of some datasets; the split goes by scene, which the reader checks.

    Args:
        folders: dataset folders.
        split: ``train`` or ``val``.
        preprocess: from frames to inputs.
        spill: the file that holds the frames when they are too many for memory.
        classes: names of the labels.

    Raises:
        LearnError: no frames, frames without a label, or labels of other classes.
        DatasetError: a dataset is unfinished or damaged.
    """
    from sim2real.datasets import DepthDataset

    sets = [DepthDataset(folder, split=split) for folder in folders]
    for one in sets:
        if one.manifest.labels != tuple(classes):
            raise LearnError(
                f"{one.directory} has the labels {', '.join(one.manifest.labels) or 'none'}; "
                f"this training is for {', '.join(classes)}."
            )
        if len(one) and not (0 <= one.labels.min() and one.labels.max() < len(classes)):
            bad = one.indices[(one.labels < 0) | (one.labels >= len(classes))]
            raise LearnError(f"{one.directory}: frame {bad[0]} has no label ({len(bad)} such frames in '{split}').")
    count = sum(len(one) for one in sets)
    if count == 0:
        raise LearnError(
            f"no frames in split '{split}' of {', '.join(map(str, folders))}. Generate more frames: "
            "the split is drawn per scene, and a few scenes may all fall on one side."
        )
    shape = (count, 1, preprocess.height, preprocess.width)
    if 2 * int(np.prod(shape)) < IN_MEMORY_BYTES:
        inputs = np.empty(shape, np.float16)
    else:
        inputs = np.lib.format.open_memmap(spill, mode="w+", dtype=np.float16, shape=shape)
    row = 0
    for one in sets:
        for first in range(0, len(one), 64):
            positions = range(first, min(first + 64, len(one)))
            inputs[row : row + len(positions)] = preprocess.apply(one.depth_mm(positions))
            row += len(positions)
    return Frames(inputs=inputs, labels=torch.from_numpy(np.concatenate([one.labels for one in sets])))


def balanced_order(labels: torch.Tensor, classes: int, generator: torch.Generator) -> torch.Tensor:
    """Rows of one epoch, as many as there are frames, with every class equally often.

    A class with too few frames repeats whole shuffles of them, so that no frame is shown twice before each is shown
    once; a class with too many shows another part of them in each epoch.

    Args:
        labels: (n,) labels.
        classes: number of classes.
        generator: source of the shuffles.

    Returns:
        int64 (n,), rounded down to a multiple of ``classes``, at least ``classes``.
    """
    quota = max(1, len(labels) // classes)
    parts = []
    for label in range(classes):
        rows = torch.nonzero(labels == label).flatten()
        shuffles = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-quota // len(rows)))]
        parts.append(torch.cat(shuffles)[:quota])
    order = torch.cat(parts)
    return order[torch.randperm(len(order), generator=generator)]


def augment(
    inputs: torch.Tensor,
    labels: torch.Tensor,
    flip: bool,
    mirrored: torch.Tensor,
    noise_std: float,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mirror half of the frames with their labels, and add noise to valid pixels only."""
    if flip:
        chosen = torch.rand(len(inputs), generator=generator) < 0.5
        inputs = torch.where(chosen[:, None, None, None], inputs.flip(-1), inputs)
        labels = torch.where(chosen, mirrored[labels], labels)
    if noise_std > 0.0:
        noise = torch.randn(inputs.shape, generator=generator) * noise_std
        inputs = torch.where(inputs > 0.0, (inputs + noise).clamp(1e-3, 1.0), inputs)
    return inputs, labels


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """What the contract has to know about the training sets."""

    dataset_hash: str
    """SHA-256 over every manifest and record (the records hold the hashes of the frames)."""
    spec_hash: str
    """SHA-256 of the randomization spec; over all of them when there is more than one."""
    task: str
    """The task that the frames were made for."""
    camera: dict[str, Any] = field(default_factory=dict)
    """The camera of the first dataset."""


def dataset_facts(folders: Sequence[Path]) -> DatasetFacts:
    """Read what the contract has to know about some datasets.

    Raises:
        LearnError: they are for different tasks.
        DatasetError: a folder is no dataset.
    """
    from sim2real.datasets import read_manifest

    digest = hashlib.sha256()
    manifests = [read_manifest(folder) for folder in folders]
    for folder in folders:
        for file in [Path(folder) / "dataset.json", *sorted((Path(folder) / "frames").glob("*.json"))]:
            digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    tasks = sorted({manifest.task for manifest in manifests})
    if len(tasks) > 1:
        raise LearnError(f"the datasets are for different tasks: {', '.join(tasks)}. Train one policy per task.")
    specs = sorted({manifest.spec_digest for manifest in manifests})
    single = len(specs) == 1 and re.fullmatch(r"[0-9a-f]{64}", specs[0])
    return DatasetFacts(
        dataset_hash=digest.hexdigest(),
        spec_hash=specs[0] if single else hashlib.sha256("\n".join(specs).encode()).hexdigest(),
        task=tasks[0],
        camera=asdict(manifests[0].camera),
    )
