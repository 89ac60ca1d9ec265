"""Capture in the stand-in for Replicator: the orchestrator, writers, backends and augmentations."""

import json

import numpy as np
import pytest
from PIL import Image

import kit_double
from kit.replicator_scene import SIZE, build, collector, finish, new_stage, step

WIDTH, HEIGHT = SIZE
FILES = {
    "bounding_box_2d_tight_0000.npy", "bounding_box_2d_tight_labels_0000.json",
    "bounding_box_2d_tight_prim_paths_0000.json", "camera_params_0000.json", "distance_to_camera_0000.npy",
    "distance_to_camera_0000.png", "distance_to_image_plane_0000.npy", "distance_to_image_plane_0000.png",
    "instance_segmentation_0000.png", "instance_segmentation_mapping_0000.json",
    "instance_segmentation_semantics_mapping_0000.json", "metadata.txt", "normals_0000.png", "pointcloud_0000.npy",
    "pointcloud_instance_0000.npy", "pointcloud_normals_0000.npy", "pointcloud_rgb_0000.npy",
    "pointcloud_semantic_0000.npy", "rgb_0000.png", "semantic_segmentation_0000.png",
    "semantic_segmentation_labels_0000.json",
}  # fmt: skip
ASKED = {
    name: True
    for name in ("rgb", "distance_to_camera", "distance_to_image_plane", "colorize_depth", "normals", "camera_params",
                 "semantic_segmentation", "instance_segmentation", "bounding_box_2d_tight", "pointcloud")
}  # fmt: skip


def basic_writer(rep, folder, **asked):
    backend = rep.backends.get("DiskBackend")
    backend.initialize(output_dir=str(folder))
    writer = rep.writers.get("BasicWriter")
    writer.initialize(backend=backend, **(asked or {"rgb": True}))
    return writer


def picture(path):
    with Image.open(path) as image:
        return np.array(image)


def names_below(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_basic_writer_writes_the_files_that_replicator_writes(kit, tmp_path):
    scene = build(kit)
    writer = basic_writer(scene.rep, tmp_path, **ASKED)
    writer.attach([scene.product])
    step(kit, scene.rep)
    assert names_below(tmp_path) == set()  # nobody waited for them
    finish(kit, scene.rep)
    assert names_below(tmp_path) == FILES
    depth = np.load(tmp_path / "distance_to_image_plane_0000.npy")
    assert depth.shape == (HEIGHT, WIDTH) and depth.dtype == np.float32
    with Image.open(tmp_path / "rgb_0000.png") as picture:
        assert picture.size == SIZE
    params = json.loads((tmp_path / "camera_params_0000.json").read_text())
    assert params["renderProductResolution"] == list(SIZE) and len(params["cameraViewTransform"]) == 16
    assert {"class": "cube"} in json.loads((tmp_path / "semantic_segmentation_labels_0000.json").read_text()).values()
    assert np.load(tmp_path / "pointcloud_0000.npy").shape[1] == 3
    writer.detach()
    scene.product.destroy()


def test_frames_are_numbered_and_a_new_writer_begins_again(kit_51, tmp_path):
    scene = build(kit_51)
    for expected in ({"rgb_000000.png", "rgb_000001.png", "metadata.txt"},) * 2:
        writer = basic_writer(scene.rep, tmp_path, rgb=True, frame_padding=6)
        writer.attach(scene.product)
        for _ in range(2):
            step(kit_51, scene.rep)
        finish(kit_51, scene.rep)
        assert names_below(tmp_path) == expected
        assert writer.num_written == 2
        writer.detach()
    fresh = scene.rep.backends.get("DiskBackend")
    fresh.initialize(output_dir=str(tmp_path), overwrite=False)
    assert fresh.output_dir == f"{tmp_path}_0001"
    scene.product.destroy()


@pytest.mark.parametrize("common", [False, True])
def test_several_products_have_folders_of_their_own(kit_51, tmp_path, common):
    scene = build(kit_51)
    second = scene.rep.create.render_product("/Eye", SIZE, name="other")
    writer = basic_writer(scene.rep, tmp_path, rgb=True, distance_to_camera=True, use_common_output_dir=common)
    writer.attach([scene.product, second])
    step(kit_51, scene.rep)
    finish(kit_51, scene.rep)
    wanted = {f"{a}/{rp}_{a}_0000" if common else f"{rp}/{a}/{a}_0000"
              for rp in ("view", "other") for a in ("rgb", "distance_to_camera")}  # fmt: skip
    assert {name.rpartition(".")[0] for name in names_below(tmp_path) - {"metadata.txt"}} == wanted
    writer.detach()
    for product in (scene.product, second):
        product.destroy()


@pytest.mark.parametrize("structure", ["annotator", "renderProduct", "legacy"])
def test_payloads_in_the_three_structures(kit_51, structure):
    scene = build(kit_51)
    writer = collector(scene.rep, structure)
    writer.attach([scene.product])
    step(kit_51, scene.rep)
    step(kit_51, scene.rep)
    data, later = writer.frames
    if structure == "annotator":
        depth = data["annotators"]["distance_to_image_plane"]["view"]["data"]
        assert data["annotators"]["camera"] == {"view": "/Eye"} and set(data["annotators"]) > {"rgb", "resolution"}
    elif structure == "renderProduct":
        depth = data["renderProducts"]["view"]["distance_to_image_plane"]["data"]
    else:
        depth = data["distance_to_image_plane"]
        assert data["rp_view"] == {"camera": "/Eye", "resolution": list(SIZE)}
    assert depth.shape == (HEIGHT, WIDTH)
    assert later["reference_time"] > data["reference_time"]
    writer.detach()
    step(kit_51, scene.rep)
    assert len(writer.frames) == 2
    scene.rep.writers.unregister_writer("Collector")
    finish(kit_51, scene.rep)
    scene.product.destroy()


def test_what_a_writer_raises_is_only_logged(kit_51):
    scene = build(kit_51)

    class Broken(scene.rep.Writer):
        def __init__(self):
            self.annotators = ["rgb"]

        def write(self, data):
            raise OSError("disk full")

    scene.rep.writers.register_writer(Broken)
    writer = scene.rep.writers.get("Broken")
    writer.initialize()
    writer.attach([scene.product])
    kit_51.expect_fault("the writer Broken raised OSError: disk full")
    step(kit_51, scene.rep)
    writer.detach()
    scene.rep.writers.unregister_writer("Broken")
    finish(kit_51, scene.rep)
    scene.product.destroy()


def test_writers_with_triggers_of_their_own(kit_51):
    scene = build(kit_51)
    rep = scene.rep
    writer = collector(rep, "annotator")
    writer.attach([scene.product], trigger=None)
    step(kit_51, rep)
    writer.schedule_write()
    step(kit_51, rep)
    step(kit_51, rep)
    assert len(writer.frames) == 1
    writer.detach()
    writer.attach([scene.product], trigger=rep.trigger.on_custom_event(event_name="shot"))
    step(kit_51, rep)
    rep.utils.send_og_event(event_name="shot")
    step(kit_51, rep)
    assert len(writer.frames) == 2
    with pytest.raises(ValueError, match="trigger"):
        writer.attach([scene.product], trigger=3)
    writer.detach()
    rep.writers.unregister_writer("Collector")
    finish(kit_51, rep)
    scene.product.destroy()


def test_capture_on_play_writes_every_update(kit_51):
    import omni.timeline

    scene = build(kit_51)
    writer = collector(scene.rep, "annotator")
    writer.attach([scene.product])
    timeline = omni.timeline.get_timeline_interface()
    timeline.play()
    kit_51.tick(3)
    assert writer.frames == []  # the scene switched it off
    scene.rep.orchestrator.set_capture_on_play(True)
    kit_51.tick(3)
    assert len(writer.frames) == 3
    timeline.stop()
    kit_51.tick(2)
    assert len(writer.frames) == 3
    scene.rep.orchestrator.set_capture_on_play(False)
    writer.detach()
    scene.rep.writers.unregister_writer("Collector")
    scene.product.destroy()


def test_a_script_runs_to_a_number_of_frames(tmp_path):
    with kit_double.installed("6.0", gui=False) as kit:
        scene = build(kit)
        rep, states = scene.rep, []
        held = rep.orchestrator.register_status_callback(states.append)
        writer = basic_writer(rep, tmp_path, rgb=True)
        writer.attach([scene.product])
        rep.orchestrator.step(rt_subframes=4, delta_time=0.0)
        rep.orchestrator.wait_until_complete()
        assert "rgb_0000.png" in names_below(tmp_path)
        rep.orchestrator.run_until_complete(num_frames=5)
        assert writer.num_written == 6
        rep.orchestrator.run_until_complete()  # the number is sticky
        assert writer.num_written == 11
        assert states[-1] is rep.orchestrator.Status.STOPPED and rep.orchestrator.Status.STEPPED in states
        held.unregister()
        count = len(states)
        rep.orchestrator.step()
        assert len(states) == count
        rep.orchestrator.wait_until_complete()
        writer.detach()
        scene.product.destroy()


def test_subframes_cost_updates(kit_51):
    scene = build(kit_51)
    step(kit_51, scene.rep)
    before = kit_51.ticks
    step(kit_51, scene.rep, rt_subframes=2)
    few, before = kit_51.ticks - before, kit_51.ticks
    step(kit_51, scene.rep, rt_subframes=20)
    assert kit_51.ticks - before == few + 18
    finish(kit_51, scene.rep)
    scene.product.destroy()


def test_pictures_keep_sixteen_bits_in_two_dimensions(kit, tmp_path):
    new_stage(kit)
    import omni.replicator.core as rep

    depth = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    rep.functional.write_image(path=str(tmp_path / "a.png"), data=depth)
    np.testing.assert_array_equal(picture(tmp_path / "a.png"), depth)
    rep.functional.write_image(path=str(tmp_path / "b.png"), data=depth[..., None])
    assert picture(tmp_path / "b.png").dtype == np.uint8
    with pytest.raises(TypeError, match="no picture"):
        rep.functional.write_image(path=str(tmp_path / "c.png"), data=depth.astype(np.float32))
    with pytest.raises(ValueError, match="relative"):
        rep.functional.write_np(path="depth.npy", data=depth)
    with pytest.raises(Exception, match="backend_instance is None"):
        rep.functional.write_json(path=str(tmp_path / "d.json"), data={})
    rep.functional.write_np(path=str(tmp_path / "e.npy"), data=depth)
    np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), depth)


def test_writes_that_nobody_awaits_are_a_leak(tmp_path):
    with (
        pytest.raises(AssertionError, match="1 scheduled writes were never awaited"),
        kit_double.installed("5.1") as kit,
    ):
        new_stage(kit)
        import omni.replicator.core as rep

        backend = rep.backends.get("DiskBackend")
        backend.initialize(output_dir=str(tmp_path))
        with pytest.raises(TypeError):
            backend.schedule(rep.functional.write_json, wrong=1)
        backend.schedule(rep.functional.write_json, data={"a": 1}, path="sub/a.json")
