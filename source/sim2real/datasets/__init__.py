"""Synthetic datasets: writing (sharded, resumable), reading, checking.

A dataset is a folder of plain PNG and JSON files that any tool opens. Writing needs numpy alone, reading also Pillow;
torch only appears in :mod:`sim2real.datasets.torch_dataset`.
"""

from sim2real.datasets.layout import depth_to_mm, mm_to_depth
from sim2real.datasets.manifest import CameraInfo, DatasetError, Manifest, read_manifest
from sim2real.datasets.reader import DepthDataset, FrameSource, Sample
from sim2real.datasets.writer import DatasetWriter, Frames, parse_shard

__all__ = [
    "CameraInfo",
    "DatasetError",
    "DatasetWriter",
    "DepthDataset",
    "FrameSource",
    "Frames",
    "Manifest",
    "Sample",
    "depth_to_mm",
    "mm_to_depth",
    "parse_shard",
    "read_manifest",
]
