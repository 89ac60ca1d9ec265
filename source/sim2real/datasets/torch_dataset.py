"""The torch side of reading: a ``Dataset`` over any frame source, and its collate function.

The only module of the package that imports torch. The preprocessing is handed in (``DepthPreprocess.apply`` of the
contract, for instance), so that training sees exactly what the robot will.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from sim2real.datasets.manifest import DatasetError
from sim2real.datasets.reader import FrameSource

NO_LABEL = -1
"""Label of a frame that has none; ``cross_entropy(ignore_index=NO_LABEL)`` skips it."""

Preprocess = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Depth (n, height, width) [m] to network input (n, 1, height', width')."""


class TorchDepthDataset(Dataset[dict[str, Any]]):
    """Samples as tensors: ``depth`` float32 (1, h, w), ``label`` int64, ``index`` int64, and ``colour`` on request.

    Args:
        source: a :class:`~sim2real.datasets.DepthDataset`, a ``ReplicatorDataset``, or any other frame source.
        preprocess: turns metres into the network's input; None gives metres.
        colour: also give ``colour`` as uint8 (3, h, w).
    """

    def __init__(self, source: FrameSource, preprocess: Preprocess | None = None, *, colour: bool = False) -> None:
        self.source, self.preprocess, self.colour = source, preprocess, colour

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, position: int) -> dict[str, torch.Tensor]:
        """One frame; raises DatasetError when a file is damaged, or colour was asked for and the frame has none."""
        sample = self.source[int(position)]
        depth = sample.depth_m[None]
        if self.preprocess is not None:
            depth = np.asarray(self.preprocess(depth), np.float32)[0]
        item = {
            "depth": torch.from_numpy(np.ascontiguousarray(depth)),
            "label": torch.tensor(NO_LABEL if sample.label is None else sample.label, dtype=torch.int64),
            "index": torch.tensor(sample.index, dtype=torch.int64),
        }
        if self.colour:
            if sample.colour is None:
                raise DatasetError(f"frame {sample.index} has no colour image; ask for depth alone (colour=False).")
            item["colour"] = torch.from_numpy(np.ascontiguousarray(sample.colour.transpose(2, 0, 1)).copy())
        return item


def as_torch(source: FrameSource, preprocess: Preprocess | None = None, *, colour: bool = False) -> TorchDepthDataset:
    """A torch ``Dataset`` over a frame source; see :class:`TorchDepthDataset`."""
    return TorchDepthDataset(source, preprocess, colour=colour)


def collate(items: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack samples into a batch: depth (n, 1, h, w), label (n,), index (n,), colour (n, 3, h, w) where asked for.

    Raises:
        DatasetError: images of different sizes; the message names the frames.
    """
    first = items[0]
    for item in items:
        for kind in ("depth", "colour"):
            if kind in first and item[kind].shape != first[kind].shape:
                raise DatasetError(
                    f"frames {int(first['index'])} and {int(item['index'])} differ in {kind} size: "
                    f"{tuple(first[kind].shape)} and {tuple(item[kind].shape)}. Give a preprocess that resizes."
                )
    return {key: torch.stack([item[key] for item in items]) for key in first}
