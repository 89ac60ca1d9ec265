"""Writing: the bytes depend on the frames alone; what is committed survives everything."""

import ctypes
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim2real
from sim2real.datasets import DatasetError, DatasetWriter, parse_shard, storage
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


def test_ctrl_c_of_a_real_process(synth, tmp_path):
    """SIGINT leaves whole chunks, no lock and no temporary file."""
    arguments = [sys.executable, str(PROGRAM), str(tmp_path / "set"), "4000", "0/1"]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, env=ENVIRONMENT)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "set" / "frames").glob("*.json"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    report = check_dataset(tmp_path / "set")
    assert 0 < report.frames_checked < 4000
    assert {fault.problem.split(":")[0] for fault in report.faults} == {"not finished"}


def test_a_waiting_renderer_is_freed_when_the_writer_stops(synth, tmp_path, monkeypatch):
    """A thread that waits for room does not hang when another one stops the writer by an exception."""
    gate = threading.Event()
    publish = storage.publish
    monkeypatch.setattr(storage, "publish", lambda *args: (gate.wait(30), publish(*args)))
    man, told = synth.manifest(), []

    def render():
        try:
            for chunk in range(man.chunks):
                writer.write_chunk(chunk, synth.chunk_frames(man, chunk))
        except DatasetError as error:
            told.append(str(error))

    with pytest.raises(KeyboardInterrupt), DatasetWriter(tmp_path, man, workers=1) as writer:
        renderer = threading.Thread(target=render)
        renderer.start()
        while writer.peak_in_flight < writer.max_in_flight:
            time.sleep(0.005)
        threading.Timer(0.2, gate.set).start()
        raise KeyboardInterrupt
    renderer.join(30)
    assert not renderer.is_alive() and "closed" in told[0]


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
