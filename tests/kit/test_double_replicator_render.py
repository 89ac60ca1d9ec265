"""The ray-caster of the stand-in: its pictures agree with the geometry of the stage, and with each other."""

import numpy as np
import pytest

from kit.replicator_scene import SIZE, build, finish, step
from kit_double.replicator import _surfaces

WIDTH, HEIGHT = SIZE


def attached(scene, *names, **keywords):
    """Annotators on the scene's product, by name."""
    made = {name: scene.rep.annotators.get(name, **keywords) for name in names}
    for annotator in made.values():
        annotator.attach(scene.product)
    return made


def give_back(kit, scene, annotators=()):
    for annotator in annotators:
        annotator.detach()
    finish(kit, scene.rep)
    scene.product.destroy()


@pytest.fixture
def scene(kit_51):
    made = build(kit_51)
    yield made
    for annotator in list(_state(kit_51).annotators.attached):
        annotator.detach()
    give_back(kit_51, made)


def _state(kit):
    return kit.state["omni.replicator.core"]


def test_planar_depth_ray_length_and_parameters_agree(kit_51, scene):
    depth, ray, params = attached(scene, "distance_to_image_plane", "distance_to_camera", "camera_params").values()
    with pytest.raises(Exception, match="before the first orchestrator step"):
        depth.get_data()
    step(kit_51, scene.rep)
    plane, length, camera = depth.get_data(), ray.get_data(), params.get_data()
    assert plane.shape == length.shape == (HEIGHT, WIDTH) and plane.dtype == np.float32
    assert tuple(camera["renderProductResolution"]) == SIZE
    assert plane[HEIGHT // 2, WIDTH // 2] == pytest.approx(2.5, abs=1e-5)  # the cube's face lies at x = 0.5
    focal = WIDTH * camera["cameraFocalLength"] / camera["cameraAperture"][0]
    u = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / focal
    v = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / focal
    slope = np.sqrt(1 + u[None] ** 2 + v[:, None] ** 2)
    seen = np.isfinite(plane)
    np.testing.assert_allclose(length[seen], (plane * slope)[seen], rtol=1e-5)
    # Back into the world: every point lies on the floor or on the cube.
    points = np.stack([u[None] * plane, -v[:, None] * plane, -plane], axis=-1)[seen]
    view = np.asarray(camera["cameraViewTransform"]).reshape(4, 4)
    world = np.c_[points, np.ones(len(points))] @ np.linalg.inv(view)
    on_floor = abs(world[:, 2]) < 1e-4
    on_face = (abs(world[:, 0] - 0.5) < 1e-4) & (abs(world[:, 1]) <= 0.5 + 1e-4)
    assert (on_floor | on_face).all() and on_floor.any() and on_face.any()
    assert np.isinf(plane[0]).all()  # the sky


@pytest.mark.parametrize(("background", "value"), [("inf", np.inf), ("zero", 0.0)])
def test_the_background_is_infinite_or_zero(kit_51, scene, background, value):
    _state(kit_51).background = background
    depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
    step(kit_51, scene.rep)
    assert (depth.get_data()[0] == value).all()


def test_depth_is_in_metres_in_any_unit(kit_51):
    from pxr import UsdGeom

    found = []
    for unit in (1.0, 0.01):
        scene = build(kit_51)
        UsdGeom.SetStageMetersPerUnit(scene.stage, unit)
        depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
        step(kit_51, scene.rep)
        found.append(depth.get_data().copy())
        give_back(kit_51, scene, [depth])
    np.testing.assert_allclose(found[1], found[0] * 0.01, rtol=1e-6)


def test_labels_instances_boxes_and_normals_name_the_same_cube(kit_51, scene):
    names = ("semantic_segmentation", "instance_id_segmentation", "bounding_box_2d_tight", "bounding_box_3d", "normals")
    found = attached(scene, *names)
    step(kit_51, scene.rep)
    data = {name: one.get_data() for name, one in found.items()}
    ids = data["semantic_segmentation"]["info"]["idToLabels"]
    cube = next(int(i) for i, labels in ids.items() if labels.get("class") == "cube")
    mask = data["semantic_segmentation"]["data"] == cube
    assert 50 < mask.sum() < mask.size / 2
    path = {int(i): p for i, p in data["instance_id_segmentation"]["info"]["idToLabels"].items()}
    assert {path[i] for i in np.unique(data["instance_id_segmentation"]["data"][mask])} == {"/Cube"}
    box = data["bounding_box_2d_tight"]["data"]
    rows, columns = np.nonzero(mask)
    assert box.shape == (1,)
    assert [box[0][k] for k in ("x_min", "y_min", "x_max", "y_max")] == [
        columns.min(), rows.min(), columns.max(), rows.max()
    ]  # fmt: skip
    assert data["bounding_box_2d_tight"]["info"]["primPaths"] == ["/Cube"]
    np.testing.assert_allclose(data["bounding_box_3d"]["data"][0]["z_max"], 0.5)
    np.testing.assert_allclose(data["normals"][mask][:, :3], np.tile([1.0, 0.0, 0.0], (mask.sum(), 1)), atol=1e-6)


def test_colourized_segments_use_the_colours_that_they_name(kit_51, scene):
    coloured = attached(scene, "semantic_segmentation", init_params={"colorize": True})["semantic_segmentation"]
    step(kit_51, scene.rep)
    data = coloured.get_data()
    named = {tuple(int(c) for c in key.strip("()").split(",")) for key in data["info"]["idToLabels"]}
    assert {tuple(map(int, c)) for c in np.unique(data["data"].reshape(-1, 4), axis=0)} == named


def test_the_picture_answers_to_lights_colours_and_visibility(kit_51, scene):
    rgb = attached(scene, "rgb")["rgb"]
    modify, create = scene.rep.functional.modify, scene.rep.functional.create
    middle = (HEIGHT // 2, WIDTH // 2)

    def pixel():
        step(kit_51, scene.rep)
        picture = rgb.get_data()
        assert picture.shape == (HEIGHT, WIDTH, 4) and picture.dtype == np.uint8
        return picture[middle][:3].astype(int)

    grey = pixel()
    modify.attribute(scene.stage.GetPrimAtPath("/DomeLight"), "inputs:intensity", 200.0)
    dark = pixel()
    assert (dark < grey).all()
    lamp = create.sphere_light(position=(2.0, 0.0, 0.5), intensity=30000.0, radius=0.1, exposure=0.0,
                               color_temperature=3000, enable_color_temperature=True)  # fmt: skip
    warm = pixel()
    assert (warm > dark).all() and warm[0] > warm[2]
    modify.visibility(lamp, False)
    np.testing.assert_array_equal(pixel(), dark)
    red = create.material("OmniPBR.mdl", diffuse_color_constant=(1.0, 0.0, 0.0))
    modify.material(scene.cube, red)
    assert pixel()[0] > 0 and pixel()[1] == 0
    modify.visibility(scene.cube, False)
    assert (pixel() != red).any()


def test_arrays_are_views_until_they_are_copied(kit_51, scene):
    depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
    step(kit_51, scene.rep)
    view, copy = depth.get_data(), depth.get_data(do_array_copy=True)
    before = copy.copy()
    scene.rep.functional.modify.pose(scene.cube, position_value=(-5.0, 0.0, 0.5))
    step(kit_51, scene.rep)
    assert not np.array_equal(view, before)  # what was kept without a copy is another frame's
    np.testing.assert_array_equal(copy, before)
    on_device = depth.get_data(device="cuda")
    np.testing.assert_array_equal(on_device.numpy(), depth.get_data())


def test_a_step_that_waits_for_no_render_leaves_the_earlier_frame(kit_51, scene):
    depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
    step(kit_51, scene.rep)
    before = depth.get_data(do_array_copy=True)
    scene.rep.functional.modify.visibility(scene.cube, False)
    step(kit_51, scene.rep, wait_for_render=False)
    np.testing.assert_array_equal(depth.get_data(), before)
    step(kit_51, scene.rep)
    assert not np.array_equal(depth.get_data(), before)


def test_a_disabled_product_keeps_its_frame(kit_51, scene):
    depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
    step(kit_51, scene.rep)
    before = depth.get_data(do_array_copy=True)
    scene.product.hydra_texture.set_updates_enabled(False)
    scene.rep.functional.modify.visibility(scene.cube, False)
    step(kit_51, scene.rep)
    np.testing.assert_array_equal(depth.get_data(), before)


def test_cameras_of_both_styles_see_the_same(kit_51, scene):
    camera = scene.rep.create.camera(position=(3.0, 0.0, 0.5), look_at=(0.0, 0.0, 0.5), clipping_range=(0.01, 100.0))
    other = scene.rep.create.render_product(camera, SIZE)
    pair = [scene.rep.annotators.get("distance_to_image_plane") for _ in range(2)]
    for annotator, product in zip(pair, (scene.product, other), strict=True):
        annotator.attach(product)
    step(kit_51, scene.rep)
    np.testing.assert_allclose(pair[0].get_data(), pair[1].get_data(), rtol=1e-5)
    pair[1].detach()
    other.destroy()


@pytest.mark.parametrize("shape", ["sphere", "cube", "cone", "cylinder"])
def test_the_exact_shape_and_its_facets_agree(kit_51, scene, shape):
    """A mesh is met as its exact shape; USD's own prim too; its triangles differ by no more than a facet."""
    from pxr import UsdGeom

    create, modify = scene.rep.functional.create, scene.rep.functional.modify
    modify.visibility(scene.cube, False)
    depth = attached(scene, "distance_to_image_plane")["distance_to_image_plane"]
    found = []
    for kind in ("mesh", "prim", "triangles"):
        prim = getattr(create, shape)(
            position=(0.0, 0.1, 0.6),
            rotation=(20.0, 0.0, 30.0),
            scale=0.8,
            as_mesh=kind != "prim",
            name=f"{shape}_{kind}",
        )
        if kind == "triangles":
            prim.ClearCustomData()
            assert prim.IsA(UsdGeom.Mesh)
        step(kit_51, scene.rep)
        found.append(depth.get_data(do_array_copy=True))
        modify.visibility(prim, False)
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)
    both = np.isfinite(found[0]) & np.isfinite(found[2])
    assert both.sum() > 500
    assert (abs(found[2][both] - found[0][both]) < 0.02).mean() > 0.97


def test_surfaces_are_met_where_algebra_says():
    down = np.array([[0.0, 0.0, -1.0], [0.3, 0.0, -1.0], [2.0, 0.0, -0.1]])
    eye = np.array([0.0, 0.0, 4.0])
    cases = {
        "sphere": (_surfaces.sphere(eye, down, 0.01, 1.0), 3.0),
        "box": (_surfaces.box(eye, down, 0.01, np.ones(3)), 3.0),
        "cylinder": (_surfaces.cylinder(eye, down, 0.01, 1.0, 1.5), 2.5),
        "cone": (_surfaces.cone(eye, down, 0.01, 1.0, 1.0), 3.0),
        "capsule": (_surfaces.capsule(eye, down, 0.01, 1.0, 1.0), 2.0),
        "plane": (_surfaces.flat(eye, down, 0.01, lambda p: abs(p[:, 0]) < 1), 4.0),
        "triangles": (_surfaces.triangles(eye, down, 0.01, np.array([[[-3, -3, 0], [3, -3, 0], [0, 3, 0.0]]])), 4.0),
    }
    for name, ((distance, normal), first) in cases.items():
        assert distance[0] == pytest.approx(first), name
        assert np.isinf(distance[2]), name
        hit = np.isfinite(distance)
        assert (np.linalg.norm(normal[hit], axis=1) > 0).all(), name
    inside = _surfaces.box(np.zeros(3), down, 0.01, np.ones(3))[0]
    assert inside[0] == 1.0
