"""The torch side: batches equal the reader's frames and go through the contract's preprocessing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sim2real.contract import DepthPreprocess  # noqa: E402
from sim2real.datasets import DatasetError, DepthDataset, Sample  # noqa: E402
from sim2real.datasets.torch_dataset import NO_LABEL, as_torch, collate  # noqa: E402

torch.set_num_threads(1)


def test_batches_equal_the_frames(whole):
    """Depth in metres with a channel axis, labels and indices of the same frames, colour on request."""
    source = DepthDataset(whole[0], "train")
    loader = torch.utils.data.DataLoader(as_torch(source, colour=True), batch_size=32, collate_fn=collate)
    batches = list(loader)
    assert [len(batch["label"]) for batch in batches] == [32, 32, 16]
    assert batches[0]["depth"].shape == (32, 1, 24, 32) and batches[0]["depth"].dtype == torch.float32
    assert batches[0]["colour"].shape == (32, 3, 24, 32) and batches[0]["colour"].dtype == torch.uint8
    assert torch.cat([b["index"] for b in batches]).tolist() == source.indices.tolist()
    assert torch.cat([b["label"] for b in batches]).tolist() == source.labels.tolist()
    depth = torch.cat([b["depth"] for b in batches]).numpy()
    colour = torch.cat([b["colour"] for b in batches]).numpy()
    for row in (0, 41, 79):
        assert np.array_equal(depth[row, 0], source[row].depth_m)
        assert np.array_equal(colour[row].transpose(1, 2, 0), source[row].colour)


def test_worker_processes_give_the_same_batches(whole):
    """Loading in other processes changes nothing."""
    data = as_torch(DepthDataset(whole[0], "val"))
    here = torch.utils.data.DataLoader(data, batch_size=8, collate_fn=collate)
    there = torch.utils.data.DataLoader(
        data, batch_size=8, collate_fn=collate, num_workers=1, multiprocessing_context="spawn"
    )
    assert all(torch.equal(a["depth"], b["depth"]) for a, b in zip(here, there, strict=True))


def test_preprocessing_is_the_contracts(whole):
    """With the contract's preprocessing a sample is exactly what the deployed policy would see of that frame."""
    source = DepthDataset(whole[0])
    preprocess = DepthPreprocess(width=16, height=16, near_m=0.1, far_m=4.0)
    item = as_torch(source, preprocess.apply)[7]
    assert item["depth"].shape == (1, 16, 16)
    assert np.array_equal(item["depth"].numpy()[None], preprocess.apply(source[7].depth_m[None]))
    assert 0 < float(item["depth"].max()) <= 1


class Pictures:
    """A user's own source: two frames of different size, without labels and colour."""

    def __len__(self):
        return 2

    def __getitem__(self, position):
        shape = (4, 4 + position)
        return Sample(index=position, depth_m=np.ones(shape, np.float32), colour=None, label=None, record={})


def test_frames_without_label_or_of_different_sizes():
    """A missing label is the ignored class; different sizes and missing colour are clear errors."""
    data = as_torch(Pictures())
    assert int(data[0]["label"]) == NO_LABEL
    with pytest.raises(DatasetError, match="frames 0 and 1 differ in depth size"):
        collate([data[0], data[1]])
    with pytest.raises(DatasetError, match="frame 0 has no colour image"):
        as_torch(Pictures(), colour=True)[0]
