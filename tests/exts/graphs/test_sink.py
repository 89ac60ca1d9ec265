"""Rendered frames become a dataset: noise, split, record, resume, the same bytes in any order and on any shard."""

from __future__ import annotations

import numpy as np
import pytest

from exts.graphs.graph_stages import demo, planner_of, spec_of
from sim2real.datasets import CameraInfo, DatasetWriter, DepthDataset, Manifest
from sim2real.datasets.check import check_dataset
from sim2real.spec import load_spec

pytestmark = pytest.mark.usefixtures("bare_package")
SIZE = (24, 32)


def manifest_of(planner, frames=10, chunk=4):
    """The manifest of a small set."""
    return Manifest(
        task="stage",
        frames=frames,
        seed=planner.spec.seed,
        spec_yaml=planner.spec.to_yaml(),
        spec_digest=planner.spec.digest,
        camera=CameraInfo(width=SIZE[1], height=SIZE[0], focal_px=16.0, near_m=0.01, far_m=100.0),
        code_version="0",
        chunk=chunk,
    )


def rendered(frame):
    """Depth [m] and RGBA of a frame that nobody rendered."""
    rng = np.random.default_rng(frame)
    depth = rng.uniform(0.5, 4.0, SIZE).astype(np.float32)
    depth[0, 0] = np.inf
    return depth, rng.integers(0, 256, (*SIZE, 4), np.uint8)


def made(planner, folder, frames=range(10), shard=(0, 1), of=rendered):
    """A set whose frames are taken in this order."""
    from sim2real_studio.graphs.sink import FrameSink

    with DatasetWriter(folder, manifest_of(planner), shard, durable=False) as store:
        sink = FrameSink(store, planner)
        todo = set(sink.pending())
        for frame in frames:
            if frame in todo:
                sink.take(planner.plan(frame), *of(frame))
        store.flush()
        return sink


def content(folder):
    """Every file of a set by its name."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.[pj]*")) if p.is_file()}


@pytest.fixture
def planner(tmp_path):
    """The preset on the demo stage."""
    return planner_of(demo(), tmp_path / "textures")


def test_a_set_is_sound_and_tells_what_was_drawn(planner, tmp_path):
    """The checker accepts it; a record holds the plan, the split and the depth camera."""
    from sim2real_studio.graphs.sink import link_pictures

    sink = made(planner, tmp_path / "set")
    assert sink.done == 10 and link_pictures(tmp_path, "set") and link_pictures(tmp_path, "set")
    assert check_dataset(tmp_path / "set").ok
    sample = DepthDataset(tmp_path / "set")[5]
    assert sample.record["stage"] == planner.plan(5).record()
    assert set(sample.record["depth"]) >= {"scale", "hole_rate", "disparity_std_px"}
    splits = {DepthDataset(tmp_path / "set")[k].record["split"] for k in range(10)}
    assert splits <= {"train", "val"}
    for name, kind in (("rgb", "colour"), ("depth", "depth")):
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == [f"{k:06d}.png" for k in range(10)]
        assert (tmp_path / name).resolve() == tmp_path / "set" / kind
    np.testing.assert_array_equal(sample.colour, rendered(5)[1][..., :3])


def test_noise_is_that_of_the_library(planner, tmp_path):
    """The depth on disk is the stereo camera's, by the frame's own draws and focal length; nothing seen is 0."""
    from sim2real.datasets import depth_to_mm, mm_to_depth
    from sim2real.draws import Draws
    from sim2real.vision import depth_noise, draw_depth_params, luminance, noise_key

    made(planner, tmp_path / "set")
    camera = planner.contents.camera
    for frame in (0, 7):
        depth, colour = rendered(frame)
        light = luminance(np.ascontiguousarray(colour[None, ..., :3]))
        params = draw_depth_params(load_spec("stage").vision["depth"], Draws(7), [frame])
        focal = SIZE[1] * planner.plan(frame).camera.focal_length / camera.aperture
        noisy = depth_noise(depth[None], light, params, noise_key(7), [frame], image_focal_px=focal)[0]
        found = DepthDataset(tmp_path / "set")[frame].depth_m
        np.testing.assert_array_equal(found, mm_to_depth(depth_to_mm(noisy)))
        assert found[0, 0] == 0.0 and (found[1:] != depth[1:]).any()


def test_a_warp_buffer_gives_the_same_as_an_array(planner, tmp_path):
    """Depth as (h, w), as (h, w, 1), as a Warp array; the buffer may be used again right away."""
    import warp as wp

    def as_warp(frame):
        depth, colour = rendered(frame)
        return wp.array(depth, device="cpu"), wp.array(colour, device="cpu")

    def with_axis(frame):
        depth, colour = rendered(frame)
        return depth[..., None], colour

    shared = np.empty(SIZE, np.float32)

    def reused(frame):
        depth, colour = rendered(frame)
        shared[:] = depth
        return shared, colour

    plain = content_of(planner, tmp_path / "plain", rendered)
    for name, of in (("warp", as_warp), ("axis", with_axis), ("reused", reused)):
        assert content_of(planner, tmp_path / name, of) == plain


def content_of(planner, folder, of):
    """The files of a set whose buffers come like this."""
    made(planner, folder, of=of)
    return content(folder)


def test_order_shards_and_resumes_change_no_byte(planner, tmp_path):
    """Backwards, in three parts, or stopped in a chunk and taken up again: the same files."""
    made(planner, tmp_path / "whole")
    whole = content(tmp_path / "whole")
    made(planner, tmp_path / "backwards", range(9, -1, -1))
    for shard in range(3):
        made(planner, tmp_path / "shards", shard=(shard, 3))
    made(planner, tmp_path / "stopped", range(6))
    assert len(content(tmp_path / "stopped")) < len(whole)
    made(planner, tmp_path / "stopped")
    for name in ("backwards", "shards", "stopped"):
        assert content(tmp_path / name) == whole


def test_a_spec_without_a_depth_camera_keeps_clean_depth(tmp_path):
    """To the millimetre; and without a split everything is for training."""
    planner = planner_of(demo(), tmp_path / "t", spec_of("light: {temperature_K: 4000}"))
    made(planner, tmp_path / "set")
    sample = DepthDataset(tmp_path / "set")[3]
    clean = np.where(np.isfinite(rendered(3)[0]), rendered(3)[0], 0.0)
    np.testing.assert_allclose(sample.depth_m, clean, atol=0.00051)
    assert sample.record["split"] == "train" and "depth" not in sample.record


def test_pictures_get_what_is_not_on_the_stage(tmp_path):
    """Noise and occlusion are put on in image space; light is not put on twice."""
    from sim2real.draws import Draws
    from sim2real.vision import draw_picture_params, picture_key, randomize_pictures

    spec = spec_of(
        "light: {intensity: 2}, colour: {noise_std: 0.05}, occlusion: {chance: 1, height: 0.3, width: 0.3, black: 1}"
    )
    planner = planner_of(demo(), tmp_path / "t", spec)
    made(planner, tmp_path / "set")
    vision = {kind: spec.vision[kind] for kind in ("colour", "occlusion")}
    clean = np.ascontiguousarray(rendered(4)[1][None, ..., :3])
    expected = randomize_pictures(clean, draw_picture_params(vision, Draws(7), [4]), picture_key(7), [4])[0]
    np.testing.assert_array_equal(DepthDataset(tmp_path / "set")[4].colour, expected)
    assert (expected == 0).all(-1).mean() > 0.05


def test_a_picture_of_another_size_is_refused(planner, tmp_path):
    """By the dataset's writer, which says both sizes."""
    from sim2real.datasets import DatasetError

    def large(frame):
        return np.ones((48, 64), np.float32), np.zeros((48, 64, 3), np.uint8)

    with pytest.raises(DatasetError, match=r"\(4, 24, 32\)"):
        made(planner, tmp_path / "set", of=large)
