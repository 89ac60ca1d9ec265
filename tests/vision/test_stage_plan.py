"""Plans of a stage: pure functions of (spec, stage, frame), in range, and the same draws as everywhere else."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim2real.draws import Draws
from sim2real.spec import load_spec, parse_spec
from sim2real.vision import VisionError, draw_picture_params
from sim2real.vision.light import NOMINAL_LX
from sim2real.vision.stage_plan import StagePlanner
from sim2real.vision.stage_plan_contents import Lamp, StageCamera, StageContents, Thing
from sim2real.vision.stage_plan_poses import CAMERA_AXES, look_at, matrix_from_rpy, rpy_from_matrix, split_matrix
from sim2real.vision.stage_plan_textures import TextureSet


def at(x, y, z, rpy=(0.0, 0.0, 0.0)):
    """A transform as nested tuples."""
    m = np.eye(4)
    m[:3, :3], m[:3, 3] = matrix_from_rpy(rpy), (x, y, z)
    return tuple(tuple(float(v) for v in row) for row in m)


LEVEL = tuple(tuple(row) for row in np.block([[CAMERA_AXES, np.array([[0.0], [0.0], [0.4]])], [np.eye(4)[3]]]).tolist())
"""A camera that looks along +x, 0.4 m above the floor."""


def contents(num_lamps=2, num_objects=3, **changes):
    """A small stage."""
    things = tuple(Thing(path=f"/World/obstacles/o{k}", local=at(1.0 + k, 0.0, 0.2)) for k in range(num_objects))
    filled = {
        "lamps": tuple(Lamp(path=f"/World/lamp{k}", intensity=1000.0, local=at(0.0, k, 3.0)) for k in range(num_lamps)),
        "surfaces": (*(thing.path for thing in things), "/World/arena/floor"),
        "objects": things,
        "camera": StageCamera(path="/World/camera", focal_length=20.0, aperture=20.0, local=LEVEL),
        "dome": "/World/dome",
        "dome_intensity": 400.0,
    }
    return StageContents(**(filled | changes))


def textures(tmp_path, count=10):
    """A set of empty files: a planner only names them."""
    return TextureSet(folder=tmp_path, names=tuple(f"t{k}.png" for k in range(count)))


@pytest.fixture
def planner(tmp_path):
    """The preset's plans for the small stage."""
    found = textures(tmp_path)
    return StagePlanner(load_spec("stage"), contents(), surfaces=found, sky=found)


def spec(text: str):
    """A spec with this vision section."""
    return parse_spec(f"schema: 1\nseed: 7\nvision: {{{text}}}\n")


def test_a_plan_depends_on_its_frame_alone(planner, tmp_path):
    """One by one, many at once, backwards, by another planner: the same."""
    frames = [0, 63, 64, 9999, 4_000_000_000]
    found = textures(tmp_path)
    other = StagePlanner(load_spec("stage"), contents(), surfaces=found, sky=found)
    assert planner.plans(frames) == tuple(other.plan(frame) for frame in frames)
    assert planner.plans(frames[::-1])[::-1] == planner.plans(frames)
    assert len(set(planner.plans(range(100)))) == 100


def test_another_seed_gives_other_scenes(planner, tmp_path):
    """Everything drawn differs; what the spec leaves alone does not."""
    found = textures(tmp_path)
    other = StagePlanner(load_spec("stage").with_seed(8), contents(), surfaces=found, sky=found)
    one, two = planner.plan(3), other.plan(3)
    assert one.lamps != two.lamps and one.camera != two.camera and one.objects != two.objects
    assert [lamp.path for lamp in one.lamps] == [lamp.path for lamp in two.lamps]


def test_values_are_plain(planner):
    """Python's own floats, booleans and texts: Kit's bindings refuse NumPy's, and JSON can hold them."""

    def walk(value):
        if isinstance(value, dict):
            for entry in value.values():
                walk(entry)
        elif isinstance(value, list):
            for entry in value:
                walk(entry)
        else:
            assert type(value) in (float, int, bool, str), value

    record = planner.plan(5).record()
    walk(record)
    assert json.loads(json.dumps(record)) == record
    assert set(record) == {"lamps", "dome", "surfaces", "objects", "distractors", "camera"}


def test_everything_lies_in_its_range(planner):
    """Over many frames each range is kept and reached: nothing is drawn from elsewhere, nothing is stuck."""
    plans = planner.plans(range(600))
    lamp = np.array([[x.intensity, x.temperature_K, *x.position] for p in plans for x in p.lamps])
    share = np.array([p.dome.intensity for p in plans])
    assert 1000.0 * 0.4 * 0.4 <= lamp[:, 0].min() < 300.0 and 2200.0 < lamp[:, 0].max() <= 1000.0 * 4.0 * 0.8
    assert 3000.0 <= lamp[:, 1].min() < 3100.0 and 6900.0 < lamp[:, 1].max() <= 7000.0
    moved = lamp[:, 2:] - np.array([[0.0, 0.0, 3.0], [0.0, 1.0, 3.0]] * 600)
    assert (np.abs(moved) <= 2.0 + 1e-6).all() and (moved.min(0) < -1.95).all() and (moved.max(0) > 1.95).all()
    assert 400.0 * 0.4 * 0.2 <= share.min() and share.max() <= 400.0 * 4.0 * 0.6
    focal = np.array([p.camera.focal_length for p in plans]) / 20.0
    assert 0.9 <= focal.min() < 0.905 and 1.095 < focal.max() <= 1.1
    surfaces = [s for p in plans for s in p.surfaces]
    assert 0.65 < np.mean([s.texture != "" for s in surfaces]) < 0.75
    assert {s.metallic for s in surfaces} == {0.0, 1.0}
    assert all(0.5 <= s.tiling <= 4.0 and 0.1 <= s.roughness <= 1.0 for s in surfaces)
    assert len({s.texture for s in surfaces}) == 11
    scale = np.array([x.scale for p in plans for x in p.objects])
    assert 0.7 <= scale.min() and scale.max() <= 1.3 and np.ptp(scale, axis=1).max() < 1e-9
    assert 0.8 < np.mean([x.visible for p in plans for x in p.objects]) < 0.9
    counts = [sum(d.visible for d in p.distractors) for p in plans]
    assert set(counts) == set(range(7))
    assert all(len(p.distractors) == 6 for p in plans)
    seen = np.mean([[d.visible for d in p.distractors] for p in plans], axis=0)
    assert seen.min() > 0.4 and seen.max() < 0.6, "each shape has the same chance"


def test_light_is_what_pictures_are_lit_by():
    """The first lamp's draws are those of image-space randomization; ambient light moves from lamps to the dome."""
    given = spec(
        "light: {illuminance_lx: {uniform: [200, 2000]}, temperature_K: {uniform: [3000, 7000]}, "
        "ambient: {uniform: [0, 1]}}"
    )
    ids = np.arange(20)
    plans = StagePlanner(given, contents()).plans(ids)
    params = draw_picture_params(given.vision, Draws(7), ids)
    lux = Draws(7).sample("vision.light.illuminance_lx", given.vision["light"].overrides["illuminance_lx"], ids)[:, 0]
    strength = lux.astype(np.float64) / NOMINAL_LX
    ambient = params.ambient.astype(np.float64)
    np.testing.assert_allclose([p.lamps[0].intensity for p in plans], 1000.0 * strength * (1 - ambient), rtol=1e-12)
    np.testing.assert_allclose([p.dome.intensity for p in plans], 400.0 * strength * ambient, rtol=1e-12)
    assert all(p.dome.temperature_K == p.lamps[0].temperature_K != p.lamps[1].temperature_K for p in plans)


def test_elements_do_not_depend_on_their_number():
    """A lamp more changes no draw of the lamps before it."""
    given = spec("light: {intensity: {uniform: [0.5, 2]}}")
    few, many = (StagePlanner(given, contents(num_lamps=n)).plan(9).lamps for n in (2, 5))
    assert few == many[:2]


def test_the_camera_moves_as_the_rovers_camera_does():
    """Terms on the camera are drawn from the streams, and applied in the frame, of the avoidance lab's camera."""
    lab = load_spec("avoidance")
    ids = np.arange(50)
    plans = StagePlanner(lab, contents(num_lamps=0)).plans(ids)
    draws = Draws(lab.seed)
    for i, plan in enumerate(plans):
        offset, turn = (
            draws.sample(name, lab.terms[name].dist, ids)[i, 0] for name in ("camera_position", "camera_rotation")
        )
        np.testing.assert_allclose(plan.camera.position, np.array([0, 0, 0.4]) + offset, atol=1e-9)
        np.testing.assert_allclose(
            matrix_from_rpy(np.radians(plan.camera.rotation_deg)), matrix_from_rpy(turn) @ CAMERA_AXES, atol=1e-9
        )
    focal = draws.sample("focal_length", lab.terms["focal_length"].dist, ids)[:, 0]
    np.testing.assert_allclose([p.camera.focal_length for p in plans], 20.0 * focal.astype(np.float64), rtol=1e-12)


def test_the_camera_looks_where_it_should():
    """From a drawn place to a drawn point, upright; also under a parent that is elsewhere, and in centimetres."""
    text = "stage: {camera: {position: {uniform: [[-2, -1, 0.2], [-1, 1, 1]]}, look_at: [1, 0, 0.5]}}"
    parent = np.asarray(at(0.5, 2.0, 0.0, (0.1, -0.2, 1.3)))
    moved = StageCamera(
        path="/c", focal_length=20.0, aperture=20.0, local=LEVEL, parent=at(0.5, 2, 0, (0.1, -0.2, 1.3))
    )
    for metres, camera in ((1.0, contents().camera), (1.0, moved), (0.01, moved)):
        planner = StagePlanner(spec(text), contents(camera=camera, metres_per_unit=metres))
        for plan in planner.plans(range(20)):
            pose = np.eye(4)
            pose[:3, :3] = matrix_from_rpy(np.radians(plan.camera.rotation_deg))
            pose[:3, 3] = plan.camera.position
            pose = (np.eye(4) if camera is not moved else parent) @ pose
            eye = pose[:3, 3] * metres
            assert (np.array([-2, -1, 0.2]) - 1e-9 <= eye).all() and (eye <= np.array([-1, 1, 1]) + 1e-9).all()
            forward = np.array([1, 0, 0.5]) - eye
            np.testing.assert_allclose(-pose[:3, 2], forward / np.linalg.norm(forward), atol=1e-9)
            assert abs(pose[2, 0]) < 1e-9 and pose[2, 1] > 0.0, "the horizon is level, and up is up"


def test_objects_move_from_where_they_stand():
    """Offset in metres, turn before their own, size as a factor: always from the nominal pose."""
    thing = Thing(path="/o", local=at(100.0, 0.0, 20.0, (0.0, 0.0, 0.3)))
    text = "stage: {objects: {select: '/o', position: [0.1, -0.2, 0], rotation: [0, 0, 0.5], scale: 2}}"
    stage = StageContents(objects=(thing,), metres_per_unit=0.01)
    for frame in (0, 1, 0):
        (pose,) = StagePlanner(spec(text), stage).plan(frame).objects
        np.testing.assert_allclose(pose.position, (110.0, -20.0, 20.0))
        np.testing.assert_allclose(pose.rotation_deg, (0.0, 0.0, np.degrees(0.8)), atol=1e-9)
        assert pose.scale == pytest.approx((2.0, 2.0, 2.0)) and pose.visible


def test_what_a_spec_does_not_say_is_left_alone():
    """An empty vision section plans nothing; a kind alone plans its own."""
    empty = StagePlanner(parse_spec("schema: 1\nseed: 7\n"), contents()).plan(0)
    assert empty.record() == {}
    only = StagePlanner(spec("light: {temperature_K: 4000}"), contents()).plan(0)
    assert set(only.record()) == {"lamps"} and only.lamps[0].intensity is None and only.lamps[0].position is None
    sun, lamp = Lamp(path="/sun", intensity=3.0, local=None), Lamp(path="/lamp", intensity=3.0)
    distant = StageContents(lamps=(sun, lamp))
    moved = StagePlanner(spec("stage: {lights: {position: [1, 0, 0]}}"), distant).plan(0).lamps
    assert moved[0].position is None and moved[1].position == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "changes", "said"),
    [
        ("light: {intensity: 2}", {"lamps": ()}, "the stage has none; add a light"),
        ("stage: {lights: {position: [0, 0, 1]}}", {"lamps": (Lamp(path="/s", intensity=1.0, local=None),)}, "a place"),
        ("stage: {materials: {select: '/a.*', roughness: 1}}", {"surfaces": ()}, "select '/a.*' matches nothing"),
        ("stage: {objects: {select: '/a.*', scale: 1}}", {"objects": ()}, "select '/a.*' matches nothing"),
        ("stage: {camera: {roll: 1}}", {"camera": None}, "name the stage's camera"),
        ("stage: {dome: {textures: '/skies'}}", {}, "textures '/skies' were not given"),
        ("stage: {materials: {select: '.*', textures: d}}", {}, "textures 'd' were not given"),
        ("texture: {colour: 1}", {}, "say which by vision.stage.materials"),
    ],
)
def test_a_stage_that_lacks_what_the_spec_needs_is_refused(text, changes, said):
    """At once, with what is missing, and never by doing nothing."""
    with pytest.raises(VisionError, match=said.replace("*", r"\*")):
        StagePlanner(spec(text), contents(**changes))


def test_rotations_go_there_and_back():
    """Angles to a matrix and back, gimbal lock included; a mirrored size keeps a proper rotation."""
    rng = np.random.default_rng(0)
    rpy = rng.uniform(-np.pi, np.pi, (200, 3))
    rpy[:4, 1] = (np.pi / 2, -np.pi / 2, np.pi / 2, -np.pi / 2)
    matrices = matrix_from_rpy(rpy)
    np.testing.assert_allclose(matrix_from_rpy(rpy_from_matrix(matrices)), matrices, atol=1e-7)
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0)
    place, rotation, size = split_matrix(np.array(at(1, 2, 3, (0.1, 0.2, 0.3))) @ np.diag([-2.0, 3.0, 4.0, 1.0]))
    assert place.tolist() == [1.0, 2.0, 3.0] and size == pytest.approx([-2.0, 3.0, 4.0])
    np.testing.assert_allclose(rotation, matrix_from_rpy((0.1, 0.2, 0.3)), atol=1e-12)


def test_a_camera_may_look_straight_down():
    """Without a horizon it is still a rotation, looking down."""
    turn = look_at(np.array([[0.0, 0.0, 2.0]]), np.array([[0.0, 0.0, 0.0]]), (0.0, 0.0, 1.0))[0]
    np.testing.assert_allclose(turn.T @ turn, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(-turn[:, 2], (0.0, 0.0, -1.0), atol=1e-12)
