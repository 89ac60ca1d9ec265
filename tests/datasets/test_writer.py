"""Writing: the bytes depend on the frames alone; what is committed survives everything."""

import ctypes
import dataclasses
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim2real
from sim2real.datasets import CameraInfo, DatasetError, DatasetWriter, Frames, parse_shard, storage
from sim2real.datasets.check import check_dataset

PROGRAM = Path(__file__).with_name("synthetic.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(sim2real.__file__).parents[1])}


@settings(max_examples=8, deadline=None)
@given(shards=st.integers(1, 5), workers=st.integers(1, 3), seed=st.integers(0, 99))
def test_bytes_do_not_depend_on_shards_threads_or_order(synth, whole, tmp_path_factory, shards, workers, seed):
    """Any number of shards, any number of threads and any order of chunks give the same folder, byte for byte."""
    folder = tmp_path_factory.mktemp("sharded")
    shuffle = random.Random(seed)
    for index in shuffle.sample(range(shards), shards):
        synth.write(
            folder,
            synth.manifest(),
            (index, shards),
            order=lambda chunks: shuffle.sample(chunks, len(chunks)),
            workers=workers,
            durable=False,
        )
    assert synth.tree(folder) == whole[1]


def test_shards_of_separate_machines_merge_into_the_same_folder(synth, whole, tmp_path):
    """The union of three folders, written apart, is what one machine writes; their common files are equal."""
    merged = {}
    for index in range(3):
        synth.write(tmp_path / str(index), synth.manifest(), (index, 3))
        part = synth.tree(tmp_path / str(index))
        assert all(merged.get(name, data) == data for name, data in part.items())
        merged |= part
    assert merged == whole[1]


def test_arrays_may_be_reused_after_handing_over(synth, whole, tmp_path):
    """The renderer's buffers are copied: overwriting them at once changes nothing."""
    man = synth.manifest()
    with DatasetWriter(tmp_path / "set", man) as writer:
        for chunk in writer.pending():
            frames = synth.chunk_frames(man, chunk)
            writer.write_chunk(chunk, frames)
            frames.depth_mm[:], frames.colour[:] = 1, 2
    assert synth.tree(tmp_path / "set") == whole[1]


@pytest.mark.parametrize("shard", ["0/1", "1/2"])
def test_kill_and_resume_is_byte_identical(synth, tmp_path, shard):
    """A process killed by SIGKILL at several moments, then resumed, ends with the bytes of an uninterrupted run."""
    frames, folder = 1500, tmp_path / "killed"
    arguments = [sys.executable, str(PROGRAM), str(folder), str(frames), shard]
    kills = 0
    for chunks_to_see in (1, 20, 45):
        process = subprocess.Popen(arguments, stderr=subprocess.PIPE, env=ENVIRONMENT)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(list((folder / "frames").glob("*.json"))) >= chunks_to_see:
                process.send_signal(signal.SIGKILL)
                break
        process.wait(60)
        process.stderr.close()
        kills += process.returncode == -signal.SIGKILL
        left = [p.name for p in folder.iterdir() if p.suffix == ".lock"]
        assert left, "a killed writer leaves its lock file, without a holder"
    assert kills == 3, "the writer was never killed in the middle; make the set longer"
    report = check_dataset(folder)
    assert report.frames_checked > 0
    assert not [fault for fault in report.faults if "hash" in fault.problem or "decode" in fault.problem]

    subprocess.run(arguments, check=True, timeout=120, env=ENVIRONMENT)
    straight = tmp_path / "straight"
    synth.write(straight, synth.manifest(frames), parse_shard(shard), durable=False)
    assert synth.tree(folder) == synth.tree(straight)


def test_killed_shards_can_be_finished_by_one_writer(synth, whole, tmp_path):
    """Half-written images, temporary files and dead locks of other shards leave no trace in the finished folder."""
    folder = tmp_path / "set"
    synth.write(folder, synth.manifest(), (1, 3))
    (folder / "depth" / "000000.png").write_bytes(b"half")
    (folder / "depth" / "000001.png.tmp").write_bytes(b"half")
    (folder / "frames" / "000000.json.tmp").write_bytes(b"[")
    (folder / ".shard-0-of-3.lock").write_text("process 1\n")
    (folder / "dataset.json.123.tmp").write_text("{")
    synth.write(folder, synth.manifest())
    assert synth.tree(folder) == whole[1]


def test_interrupt_keeps_what_is_committed(synth, whole, tmp_path):
    """Ctrl-C in the middle leaves whole chunks and a folder that another run finishes to the same bytes."""
    folder, man = tmp_path / "set", synth.manifest()
    with pytest.raises(KeyboardInterrupt), DatasetWriter(folder, man) as writer:
        for chunk in writer.pending():
            if chunk == 5:
                raise KeyboardInterrupt
            writer.write_chunk(chunk, synth.chunk_frames(man, chunk))
    assert not list(folder.glob(".shard*"))
    report = check_dataset(folder)
    assert {fault.problem.split(":")[0] for fault in report.faults} == {"not finished"}
    synth.write(folder, man)
    assert synth.tree(folder) == whole[1]


def test_memory_is_bounded_when_the_disk_is_slow(synth, tmp_path, monkeypatch):
    """With a disk that does not move, the writer takes in its few chunks and then makes the renderer wait."""
    gate = threading.Event()
    publish = storage.publish

    def slow_publish(*args):
        gate.wait(30)
        publish(*args)

    monkeypatch.setattr(storage, "publish", slow_publish)
    man = synth.manifest(frames=160)
    with DatasetWriter(tmp_path / "set", man, workers=2) as writer:

        def render():
            for chunk in writer.pending():
                writer.write_chunk(chunk, synth.chunk_frames(man, chunk))

        renderer = threading.Thread(target=render)
        renderer.start()
        deadline = time.monotonic() + 10
        while len(writer.owned()) - len(writer.pending()) < writer.max_in_flight and time.monotonic() < deadline:
            time.sleep(0.01)
        renderer.join(0.3)
        assert renderer.is_alive(), "the renderer has to wait for the disk"
        assert len(writer.owned()) - len(writer.pending()) == writer.max_in_flight == 3
        gate.set()
        renderer.join(30)
    assert writer.peak_in_flight == 3
    assert check_dataset(tmp_path / "set").ok


def test_full_disk_is_a_clear_error_and_keeps_what_was_done(synth, whole, tmp_path):
    """On a real file system of 256 KiB: the error says what to do, what is committed is valid, a resume finishes."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)]
    if os.name != "posix" or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root; the injected errors below cover the rest")
    try:
        with pytest.raises(DatasetError, match=r"disk is full.*of 100 frames are complete and stay valid"):
            synth.write(mount / "set", synth.manifest())
        report = check_dataset(mount / "set")
        assert 0 < report.frames_checked < 100
        assert {fault.problem.split(":")[0] for fault in report.faults} == {"not finished"}
        subprocess.run(["mount", "-o", "remount,size=8m", str(mount)], check=True)
        synth.write(mount / "set", synth.manifest())
        assert synth.tree(mount / "set") == whole[1]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("syncfs", [True, False])
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_full_disk_at_every_kind_of_call(synth, whole, tmp_path, monkeypatch, call, syncfs):
    """ENOSPC from write, fsync or rename, at many moments, never leaves a committed chunk without its images."""
    real = getattr(os, call)
    if not syncfs:
        monkeypatch.setattr(storage, "_syncfs", None)
    for fail_at in (1, 2, 7) if (call, syncfs) == ("fsync", True) else (1, 7, 16, 17, 18, 60):
        folder, count = tmp_path / f"{fail_at}", iter(range(1, 10**9))
        DatasetWriter(folder, synth.manifest()).close()

        def fail(*args, real=real, count=count, fail_at=fail_at):
            if next(count) >= fail_at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(storage.os, call, fail)
            with pytest.raises(DatasetError, match="disk is full"):
                synth.write(folder, synth.manifest(), workers=1)
        report = check_dataset(folder)
        assert {fault.problem.split(":")[0] for fault in report.faults} == {"not finished"}
        synth.write(folder, synth.manifest())
        assert synth.tree(folder) == whole[1]


@pytest.mark.parametrize("code, full", [(errno.ENOSPC, True), (errno.EIO, False), (errno.ENOSYS, None)])
def test_failure_while_flushing_the_file_system(synth, tmp_path, monkeypatch, code, full):
    """A full or broken disk that shows only when flushing is an error, too; a kernel without syncfs is none."""

    def syncfs(handle):
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(storage, "_syncfs", syncfs)
    man = synth.manifest(frames=16)
    if full is None:
        synth.write(tmp_path, man)
        assert check_dataset(tmp_path).ok
        return
    with pytest.raises(DatasetError, match="disk is full" if full else "Input/output error.*0 of 16 frames"):
        synth.write(tmp_path, man)
    assert {fault.problem.split(":")[0] for fault in check_dataset(tmp_path).faults} == {"not finished"}


def test_other_failures_of_a_worker_reach_the_caller(synth, tmp_path, monkeypatch):
    """A missing permission is told as such and not as a full disk; the chunk can be given again."""
    real = storage.write_temp
    monkeypatch.setattr(storage, "write_temp", lambda *args: (_ for _ in ()).throw(PermissionError(13, "denied")))
    man = synth.manifest()
    monkeypatch.setattr(storage, "create_manifest_file", lambda d, text: (d / "dataset.json").write_text(text))
    writer = DatasetWriter(tmp_path / "set", man)
    writer.write_chunk(0, synth.chunk_frames(man, 0))
    with pytest.raises(DatasetError, match="writing chunk 0 .* failed: .*denied.* 0 of 100 frames"):
        writer.flush()
    assert 0 in writer.pending()
    with pytest.raises(DatasetError, match="denied"):
        writer.close()
    monkeypatch.setattr(storage, "write_temp", real)
    synth.write(tmp_path / "set", man)
    assert check_dataset(tmp_path / "set").ok


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
