"""The real generator on the real engines: a frame is a function of the spec and its number, whatever happens."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
import torch

from engine_env import HAS_PHYSX
from sim2real.datasets import DatasetError, DatasetWriter, DepthDataset, read_manifest
from sim2real.datasets.check import check_dataset
from sim2real.datasets.generate import GenerateCfg, describe, generate, open_renderer, render_chunks
from sim2real.spec import load_spec
from sim2real_tasks.avoidance import camera, geometry, layout
from sim2real_tasks.avoidance.frames import draw_frames
from sim2real_tasks.avoidance.gap_follower import FORWARD, LEFT, RIGHT, label

FRAMES = 160
"""Three chunks, the last one short."""


def cfg_of(out, **changes):
    """A small dataset."""
    return GenerateCfg(**{"out": out, "frames": FRAMES, "size": 32, "num_envs": 32, **changes})


def tree(folder):
    """Every file with its bytes, but for locks."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "lock" not in path.name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The set made in one go by 32 environments; not to be changed."""
    out = tmp_path_factory.mktemp("generated") / "set"
    done = []
    result = generate(cfg_of(out), progress=lambda frames, total: done.append((frames, total)))
    assert result.frames == FRAMES and result.frames_per_second > 0
    assert done[0] == (0, FRAMES) and done[-1] == (FRAMES, FRAMES) and done == sorted(done)
    return out


@pytest.fixture(scope="module")
def drawn(whole):
    """Poses, scenes' obstacles and cameras of its frames, from its records and the spec."""
    data = DepthDataset(whole)
    records = [data[i].record for i in range(len(data))]
    scenes = np.array([record["scene"] for record in records])
    obstacles = layout.draw_layouts(load_spec("avoidance"), scenes)
    away = np.where(obstacles.used[..., None], obstacles.pose, obstacles.pose + np.float32(100.0))
    pose = torch.tensor([record["pose"] for record in records], dtype=torch.float64)
    return records, pose, torch.from_numpy(away.astype(np.float64))


def test_the_set_is_whole(whole):
    """The checker finds nothing wrong; all classes and both splits are there."""
    report = check_dataset(whole)
    assert report.ok, report
    data = DepthDataset(whole)
    assert len(data) == FRAMES
    assert min(data.class_counts().values()) > 0.05 * FRAMES
    assert len(DepthDataset(whole, split="val")) % 4 == 0 < len(DepthDataset(whole, split="val"))


def test_the_batch_does_not_matter(whole, tmp_path):
    """64 environments instead of 32: every file has the same bytes."""
    generate(cfg_of(tmp_path / "set", num_envs=64))
    assert tree(tmp_path / "set") == tree(whole)


def test_shards_do_not_matter(whole, tmp_path):
    """Three machines, last first: the same bytes, each making its own part."""
    made = [generate(cfg_of(tmp_path / "set", shard=(i, 3), num_envs=20)).frames for i in (2, 0, 1)]
    assert made == [32, 64, 64]
    assert tree(tmp_path / "set") == tree(whole)


def test_a_finished_set_is_left_alone(whole):
    """No engine starts and no file changes."""
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.png")}
    result = generate(cfg_of(whole))
    assert (result.frames, result.frames_per_second) == (0, None)
    assert before == {path: path.stat().st_mtime_ns for path in whole.rglob("*.png")}


def test_kill_9_and_resume_is_as_if_nothing_had_happened(tmp_path):
    """The real command, killed with at least one chunk committed and at least one missing, then run again."""
    frames = 640
    words = [sys.executable, "-m", "sim2real.cli.main", "generate", "--size", "32", "--frames", str(frames)]
    words += ["--num-envs", "8", "--out", str(tmp_path / "killed")]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    marks = tmp_path / "killed" / "frames"
    deadline = time.monotonic() + 120
    while not list(marks.glob("*.json")) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    output = child.communicate()[0].decode()
    assert child.returncode == -signal.SIGKILL, output
    cfg = cfg_of(tmp_path / "killed", frames=frames, num_envs=64)
    with DatasetWriter(cfg.out, describe(cfg)) as writer:
        missing = writer.pending()
        assert 0 < len(missing) < writer.manifest.chunks
        left = sum(len(writer.manifest.chunk_range(chunk)) for chunk in missing)
    assert generate(cfg).frames == left
    generate(cfg_of(tmp_path / "whole", frames=frames, num_envs=64))
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


def test_a_shorter_set_is_the_beginning_of_a_longer_one(whole, tmp_path):
    """Frame i does not know how many follow."""
    generate(cfg_of(tmp_path / "set", frames=64))
    short, long = tree(tmp_path / "set"), tree(whole)
    images = [name for name in short if name.endswith(".png")]
    assert len(images) == 128 and all(short[name] == long[name] for name in images)


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"size": 48}, ["camera.width", "camera.focal_px"]),
        ({"spec": "avoidance_nominal"}, ["spec.digest", "spec line"]),
        ({"frames": 320}, ["frames"]),
        ({"colour": False}, ["colour"]),
        ({"physics": "ovphysx"}, ["physics"]),
    ],
)
def test_another_set_does_not_go_into_the_folder(whole, change, keys):
    """The error names the keys that differ, and nothing changes."""
    if change.get("physics") == "ovphysx" and not HAS_PHYSX:
        pytest.skip("the extra [physx] is not installed")
    before = tree(whole)
    with pytest.raises(DatasetError, match="in use by another dataset; nothing was changed") as error:
        generate(cfg_of(whole, **change))
    assert all(key in str(error.value) for key in keys)
    assert tree(whole) == before


def test_another_seed_does_not_go_into_the_folder(whole, tmp_path):
    """The seed is part of the spec; it is named."""
    text = load_spec("avoidance").with_seed(8).to_yaml()
    (tmp_path / "other.yaml").write_text(text)
    with pytest.raises(DatasetError, match=r"seed: the folder has 7, this run has 8"):
        generate(cfg_of(whole, spec=str(tmp_path / "other.yaml")))


def test_every_frame_is_taken_from_free_ground(drawn):
    """By exact clearance; every even frame is taken near something."""
    _, pose, obstacles = drawn
    room = geometry.clearance(pose, obstacles).numpy()
    assert room.min() > 0.02
    assert (room[::2] < 0.5).mean() > 0.95 > (room[1::2] < 0.5).mean()


def test_labels_agree_with_the_world(drawn):
    """What was labelled from depth holds in the plane: a robot told to go ahead has room for half a metre, one told to
    turn mostly has not.
    """
    records, pose, obstacles = drawn
    heading = torch.stack((torch.cos(pose[:, 2]), torch.sin(pose[:, 2]), torch.zeros(len(pose))), -1)
    ahead = torch.stack([geometry.clearance(pose + heading * s, obstacles) for s in np.linspace(0, 0.5, 26)]).amin(0)
    label_of = np.array([record["label"] for record in records])
    free = ahead.numpy() > 0
    assert free[label_of == FORWARD].mean() > 0.97
    assert free[label_of != FORWARD].mean() < 0.5


def test_labels_are_the_gap_followers_on_the_clean_image(whole, drawn):
    """Rendered again, without noise, each frame gets the label and the margin of its record; the stored depth is the
    noisy one.
    """
    records, _, _ = drawn
    data = DepthDataset(whole)
    noise = []
    with open_renderer(cfg_of(whole)) as renderer:
        for first in range(0, FRAMES, 32):
            draws = draw_frames(renderer.spec, np.arange(first, first + 32))
            raw = renderer.render(draws)
            clean = camera.develop(raw, draws.cameras, renderer.env.focal_min).clean
            labels, margins = label(clean, **camera.intrinsics(draws.cameras, 32))
            kept = records[first : first + 32]
            assert labels.tolist() == [record["label"] for record in kept]
            np.testing.assert_allclose(margins, [record["margin"] for record in kept], atol=1e-6)
            np.testing.assert_array_equal(draws.pose, np.float32([record["pose"] for record in kept]))
            for row, index in enumerate(draws.index):
                stored = data[int(index)].depth_m
                seen = (stored > 0) & (clean[row] > 0)
                if seen.any():  # nose to a wall, all is nearer than the camera can see
                    noise.append(np.median(np.abs(stored - clean[row])[seen] / clean[row][seen]))
    assert {FORWARD, LEFT, RIGHT} == {record["label"] for record in records}
    assert len(noise) > 0.9 * FRAMES and 1e-4 < np.median(noise) < 0.03


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_engines_agree_on_what_is_seen(whole, tmp_path):
    """Scenes are placed, never stepped: on PhysX the set has the same records, labels and depth.

    Here to the last pixel; one in ten thousand may turn at an edge with the last bit of a pose.
    """
    generate(cfg_of(tmp_path / "set", physics="ovphysx"))
    here, there = DepthDataset(whole), DepthDataset(tmp_path / "set")
    apart = []
    for i in range(FRAMES):
        a, b = here[i], there[i]
        for key in ("scene", "split", "pose", "camera", "depth"):
            assert a.record[key] == b.record[key]
        apart.append(np.abs(a.depth_m - b.depth_m) > 0.0015)
    same = np.mean([here[i].record["label"] == there[i].record["label"] for i in range(FRAMES)])
    assert np.mean(apart) < 1e-4 and same == 1.0


def test_memory_does_not_grow_with_the_frames(tmp_path):
    """What is held at a time is the same for 16 chunks, two blocks of drawn scenes, and for 72: a few batches more or
    less, as the threads happen to run, and never a share of the set.
    """
    peak = {}
    with open_renderer(cfg_of(tmp_path, num_envs=64)) as renderer:
        for chunks in (16, 72):
            cfg = cfg_of(tmp_path / str(chunks), frames=64 * chunks)
            tracemalloc.start()
            with DatasetWriter(cfg.out, describe(cfg), durable=False) as writer:
                render_chunks(renderer, writer, writer.pending())
            peak[chunks] = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert writer.peak_in_flight <= writer.max_in_flight
    more = 64 * 56 * 32 * 32 * (2 + 3)  # what 56 more chunks weigh [bytes]
    assert peak[72] - peak[16] < 0.25 * more, peak


def test_a_manifest_says_what_decides_the_bytes(whole):
    """Engine, device, versions and spec are in it; the batch and the shard are not."""
    manifest = read_manifest(whole)
    assert (manifest.physics, manifest.device, manifest.seed) == ("newton_mjwarp", "cpu", 7)
    assert {"newton", "warp-lang", "numpy", "isaaclab"} <= set(manifest.versions)
    assert manifest.labels == ("forward", "left", "right")
    assert "num_envs" not in manifest.to_json() and "shard" not in manifest.to_json()
