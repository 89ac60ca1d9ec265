"""Reading: what was written comes back, and nothing damaged passes."""

import json
import pickle
import shutil

import numpy as np
import pytest

from sim2real.datasets import DatasetError, DatasetWriter, DepthDataset, FrameSource


@pytest.fixture
def copy(whole, tmp_path):
    """A dataset that a test may damage."""
    shutil.copytree(whole[0], tmp_path / "set")
    return tmp_path / "set"


def edit_record(folder, index, chunk=8, **changes):
    """Change one committed record."""
    path = folder / "frames" / f"{index // chunk:06d}.json"
    records = json.loads(path.read_text())
    records[index % chunk] |= changes
    path.write_text(json.dumps(records))


def test_everything_comes_back(synth, whole):
    """Depth to the millimetre, colour bit by bit, label, and the record with exact numbers."""
    data = DepthDataset(whole[0])
    assert isinstance(data, FrameSource) and len(data) == 100
    for index, sample in enumerate(data):
        depth, colour, record = synth.frame(index)
        assert sample.index == index and sample.label == record["label"]
        assert sample.depth_m.dtype == np.float32
        assert np.array_equal(np.rint(sample.depth_m * 1000).astype(np.uint16), depth)
        assert np.array_equal(sample.colour, colour)
        assert np.array_equal(np.float32(sample.record["pose"]), record["pose"])
        assert np.float32(sample.record["margin"]) == record["margin"] and sample.record["scene"] == record["scene"]


def test_splits_share_no_scene_and_cover_everything(whole):
    """Train and val are disjoint in scenes and together are the dataset."""
    train, val = (DepthDataset(whole[0], split) for split in ("train", "val"))
    assert not set(train.scenes) & set(val.scenes)
    assert sorted([*train.indices, *val.indices]) == list(range(100))
    assert {sample.record["split"] for sample in val} == {"val"}
    assert sum(train.class_counts().values()) == len(train) == int((train.labels >= 0).sum())


def test_bulk_reading_equals_reading_one_by_one(whole):
    """``depth_mm`` gives the same pixels, in the order asked for."""
    val = DepthDataset(whole[0], "val")
    rows = [3, 0, 17, 3]
    bulk = val.depth_mm(rows)
    assert bulk.dtype == np.uint16
    assert all(np.array_equal(bulk[i] / np.float32(1000), val[row].depth_m) for i, row in enumerate(rows))
    assert val.depth_mm().shape == (len(val), 24, 32)


def test_positions(whole):
    """Negative positions count from the end; others out of range are an IndexError, so that iteration ends."""
    data = DepthDataset(whole[0])
    assert data[-1].index == 99
    with pytest.raises(IndexError):
        data[100]
    assert pickle.loads(pickle.dumps(data))[5].index == 5


def test_unknown_split(whole):
    """The error lists the splits that there are."""
    with pytest.raises(DatasetError, match="got 'test'; .* has: train, val"):
        DepthDataset(whole[0], "test")


def test_unfinished_dataset(synth, tmp_path):
    """An unfinished set is not read by mistake; on request, its finished chunks are."""
    man = synth.manifest()
    with DatasetWriter(tmp_path, man) as writer:
        for chunk in (0, 4):
            writer.write_chunk(chunk, synth.chunk_frames(man, chunk))
    with pytest.raises(DatasetError, match="2 of 13 chunks are there.*allow_incomplete"):
        DepthDataset(tmp_path)
    part = DepthDataset(tmp_path, allow_incomplete=True)
    assert part.indices.tolist() == [*range(8), *range(32, 40)] and part[8].index == 32


def test_scene_in_two_splits_is_refused(copy):
    """A leak from training into validation is found at opening, across chunks too."""
    edit_record(copy, 0, scene=24)
    with pytest.raises(DatasetError, match="scene 24 is in two splits"):
        DepthDataset(copy)


@pytest.mark.parametrize("damage, words", [
    (lambda data: data[:100], "does not decode"),
    (lambda data: b"", "is empty"),
    (lambda data: b"<html>404</html>", "no image format recognised"),
    (lambda data: data[:-14] + bytes([data[-14] ^ 1]) + data[-13:], "decode|hash differs"),
])  # fmt: skip
def test_damaged_image_names_the_file(copy, damage, words):
    """A damaged image is never returned; the error names the file and the way to mend it."""
    path = copy / "depth" / "000042.png"
    path.write_bytes(damage(path.read_bytes()))
    data = DepthDataset(copy)
    with pytest.raises(DatasetError, match=words) as caught:
        data[42]
    assert str(path) in str(caught.value) and "frames/000005.json" in str(caught.value)
    assert data[41].index == 41


def test_missing_and_exchanged_images(copy):
    """A missing file and a valid image of another frame are both found."""
    (copy / "colour" / "000003.png").unlink()
    shutil.copy(copy / "depth" / "000008.png", copy / "depth" / "000009.png")
    data = DepthDataset(copy)
    with pytest.raises(DatasetError, match="000003.png is missing"):
        data[3]
    with pytest.raises(DatasetError, match="000009.png has changed since it was written"):
        data[9]
    assert np.array_equal(DepthDataset(copy, verify=False)[9].depth_m, data[8].depth_m)


def test_mending_a_chunk(synth, copy, whole):
    """What the error tells to do works: delete the chunk's record file, write again, and all is as before."""
    (copy / "depth" / "000042.png").write_bytes(b"")
    (copy / "frames" / "000005.json").unlink()
    synth.write(copy, synth.manifest())
    assert synth.tree(copy) == whole[1]


@pytest.mark.parametrize("text, words", [
    ("[", "cannot be read"), ("[]", "has 0 records; this chunk has 8"), ("{}", "has dict records"),
    (json.dumps([{"index": i} for i in range(8)]), "lacks its hashes"),
])  # fmt: skip
def test_damaged_record_file(copy, text, words):
    """A damaged record file is named with what is wrong in it."""
    (copy / "frames" / "000002.json").write_text(text)
    with pytest.raises(DatasetError, match=words) as caught:
        DepthDataset(copy)
    assert "frames/000002.json" in str(caught.value)


def test_edited_label_out_of_range(copy):
    """Records are checked against the manifest when they are read."""
    edit_record(copy, 17, label=5)
    with pytest.raises(DatasetError, match="frame 17: label: got 5; allowed: 0 forward, 1 left, 2 right"):
        DepthDataset(copy)
