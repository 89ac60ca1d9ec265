"""Writing: whatever does not fit is refused at once, by name, and nothing is changed."""

import dataclasses
import os

import numpy as np
import pytest

from sim2real.datasets import CameraInfo, DatasetError, DatasetWriter, Frames, parse_shard
from sim2real.datasets.check import check_dataset


@pytest.mark.parametrize(
    "first, second, collide",
    [
        ((0, 1), (0, 1), True),
        ((0, 1), (2, 3), True),
        ((0, 2), (2, 4), True),
        ((0, 3), (1, 3), False),
        ((0, 2), (1, 4), False),
    ],
)
def test_overlapping_writers_exclude_each_other(synth, tmp_path, first, second, collide):
    """Two writers whose chunks overlap cannot be open at once, whatever their shard counts; others can."""
    man = synth.manifest()
    with DatasetWriter(tmp_path, man, first):
        if collide:
            with pytest.raises(DatasetError, match=rf"process {os.getpid()} \(shard {first[0]}/{first[1]}\)"):
                DatasetWriter(tmp_path, man, second)
        else:
            DatasetWriter(tmp_path, man, second).close()
    DatasetWriter(tmp_path, man, second).close()
    assert not list(tmp_path.glob(".shard*"))


CAMERA = CameraInfo(width=32, height=24, focal_px=31, near_m=0.1, far_m=8)


@pytest.mark.parametrize("changes, words", [
    ({"seed": 8}, "seed: the folder has 7, this run has 8"),
    ({"frames": 200}, "frames: the folder has 100, this run has 200"),
    ({"camera": CAMERA}, "camera.focal_px: the folder has 30.0, this run has 31.0"),
    ({"versions": {"warp": "2"}}, "versions.warp: the folder has None, this run has '2'"),
    ({"spec_digest": "cd", "spec_yaml": "schema: 1\nseed: 8\n"}, "spec line 2: the folder has 'seed: 7'"),
    ({"options": {"margin": 0.2}}, "options.margin"),
])  # fmt: skip
def test_folder_in_use_by_another_dataset(synth, whole, changes, words):
    """The error names each differing key with both values, says what to do, and nothing is changed."""
    with pytest.raises(DatasetError) as caught:
        DatasetWriter(whole[0], synth.manifest(**changes))
    assert words in str(caught.value) and "another --out folder" in str(caught.value)
    assert synth.tree(whole[0]) == whole[1]


def test_encoder_version_decides_whether_a_folder_can_be_continued(synth, whole, monkeypatch):
    """Another zlib may write other bytes: continuing is refused with the version that differs."""
    monkeypatch.setattr("zlib.ZLIB_RUNTIME_VERSION", "9.9")
    with pytest.raises(DatasetError, match=r"versions\.zlib: the folder has '.*', this run has '9\.9'"):
        DatasetWriter(whole[0], synth.manifest())


def test_foreign_folder_is_refused(synth, tmp_path):
    """A folder with somebody's files is left alone."""
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DatasetError, match=r"not a dataset \(it holds thesis.tex\).*Nothing was changed"):
        DatasetWriter(tmp_path, synth.manifest())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("shard", [(3, 3), (-1, 2), (0, 0)])
def test_shard_out_of_range(synth, tmp_path, shard):
    """Shards count from 0 and the message says so."""
    with pytest.raises(DatasetError, match="shards count from 0"):
        DatasetWriter(tmp_path / "set", synth.manifest(), shard)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("text", ["3", "1/", "a/b", "1/2/3", "-1/3", ""])
def test_shard_text_is_checked(text):
    """What is not i/n is an error that quotes what came."""
    with pytest.raises(DatasetError, match="i/n"):
        parse_shard(text)


def test_shard_text_is_read():
    """i/n becomes two numbers; i = n is out of range."""
    assert parse_shard("2/8") == (2, 8)
    with pytest.raises(DatasetError, match="0/8 to 7/8"):
        parse_shard("8/8")


def with_record(frames, **changes):
    """The chunk with its second record changed."""
    records = [dict(record) for record in frames.records]
    records[1] |= changes
    return dataclasses.replace(frames, records=records)


@pytest.mark.parametrize("change, words", [
    (lambda f: dataclasses.replace(f, depth_mm=f.depth_mm.astype(np.int32)), r"depth_mm of chunk 0: got int32"),
    (lambda f: dataclasses.replace(f, depth_mm=f.depth_mm[:, :-1]), r"\(8, 23, 32\); allowed: uint16 \(8, 24, 32\)"),
    (lambda f: dataclasses.replace(f, colour=None), "colour of chunk 0: got NoneType"),
    (lambda f: dataclasses.replace(f, colour=f.colour[:7]), r"colour of chunk 0: got uint8 \(7, 24, 32, 3\)"),
    (lambda f: dataclasses.replace(f, records=f.records[:7]), "got 7; allowed: 8"),
    (lambda f: with_record(f, label=3), "frame 1: label: got 3; allowed: 0 forward, 1 left, 2 right"),
    (lambda f: with_record(f, label=1.0), "label: got 1.0"),
    (lambda f: with_record(f, label=True), "label: got True"),
    (lambda f: with_record(f, split="test"), "split: got 'test'; allowed: train, val"),
    (lambda f: with_record(f, split="train"), "scene 0 is in 'val' and in 'train'"),
    (lambda f: with_record(f, scene=-1), "scene: got -1"),
    (lambda f: with_record(f, index=7), "index 7; this place in the chunk has 1"),
    (lambda f: with_record(f, margin=float("nan")), "frame 1.margin: got nan"),
    (lambda f: with_record(f, pose={"x": object()}), "frame 1.pose.x: a object cannot be stored"),
    (lambda f: with_record(f, sha256={}), "the writer fills that in"),
])  # fmt: skip
def test_content_that_does_not_fit_is_refused_at_once(synth, tmp_path, change, words):
    """A wrong array or record is told to the caller before anything is queued."""
    man = synth.manifest()
    with DatasetWriter(tmp_path / "set", man) as writer:
        with pytest.raises(DatasetError, match=words):
            writer.write_chunk(0, change(synth.chunk_frames(man, 0)))
        assert 0 in writer.pending() and writer.peak_in_flight == 0


def test_chunks_that_are_not_mine_to_write(synth, tmp_path):
    """Foreign, finished and missing chunks are refused, and so is a closed writer."""
    man = synth.manifest()
    with DatasetWriter(tmp_path / "set", man, (1, 3)) as writer:
        with pytest.raises(DatasetError, match="belongs to shard 0/3"):
            writer.write_chunk(0, synth.chunk_frames(man, 0))
        writer.write_chunk(1, synth.chunk_frames(man, 1))
        writer.flush()
        assert writer.done_frames == 8 and 1 not in writer.pending()
        with pytest.raises(DatasetError, match="written already"):
            writer.write_chunk(1, synth.chunk_frames(man, 1))
        with pytest.raises(DatasetError, match="chunks 0 to 12"):
            writer.write_chunk(13, synth.chunk_frames(man, 12))
    with pytest.raises(DatasetError, match="closed"):
        writer.write_chunk(4, synth.chunk_frames(man, 4))


def test_more_shards_than_chunks(synth, tmp_path):
    """A shard without a chunk has nothing to do and does no harm."""
    with DatasetWriter(tmp_path, synth.manifest(frames=8), (4, 5)) as writer:
        assert writer.pending() == []


def test_depth_only(synth, tmp_path):
    """A dataset without colour has no colour folder, and refuses colour."""
    man = synth.manifest(frames=8, colour=False)
    synth.write(tmp_path, man)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dataset.json", "depth", "frames"]
    assert check_dataset(tmp_path).ok
    (tmp_path / "frames" / "000000.json").unlink()
    with DatasetWriter(tmp_path, man) as writer, pytest.raises(DatasetError, match="colour=False"):
        frames = synth.chunk_frames(synth.manifest(), 0)
        writer.write_chunk(0, Frames(depth_mm=frames.depth_mm, colour=frames.colour, records=frames.records))
