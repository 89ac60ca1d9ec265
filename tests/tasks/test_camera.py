"""The camera's draws, its pose on the robot, and its focal length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.spec import load_spec
from sim2real_tasks.avoidance import camera
from sim2real_tasks.robots.rover import CAMERA_HEIGHT, CAMERA_POSITION, WHEEL_RADIUS

Rotation = pytest.importorskip("scipy.spatial.transform").Rotation
ANGLES = st.floats(-3.1, 3.1)


def cameras(position=(0.0, 0.0, 0.0), rotation=(0.0, 0.0, 0.0), focal=1.0):
    """One camera."""
    return camera.CameraDraw(
        position=np.array([position], np.float32),
        rotation=np.array([rotation], np.float32),
        focal_scale=np.array([focal], np.float32),
    )


@settings(deadline=None)
@given(st.tuples(ANGLES, ANGLES, ANGLES))
def test_quaternions_are_scipys(rpy):
    """Roll, pitch, yaw about fixed axes in this order, scalar last, unit length."""
    found = camera.quaternion_from_rpy(np.array([rpy]))[0]
    wanted = Rotation.from_euler("xyz", rpy).as_quat()
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-6)
    assert abs(found @ wanted) == pytest.approx(1.0, abs=1e-6)


def test_a_nominal_camera_sits_on_its_mount_and_looks_ahead():
    """At the origin it is where the mount is; identity rotation is x forward, z up."""
    position, quaternion = camera.camera_world_poses(np.array([[0.0, 0.0, WHEEL_RADIUS, 0.0]]), cameras())
    np.testing.assert_allclose(position, [[CAMERA_POSITION[0], CAMERA_POSITION[1], CAMERA_HEIGHT]], atol=1e-6)
    np.testing.assert_allclose(quaternion, [[0, 0, 0, 1]], atol=1e-7)


@settings(deadline=None)
@given(
    st.tuples(st.floats(-9, 9), st.floats(-2, 2), ANGLES),
    st.tuples(*[st.floats(-0.05, 0.05)] * 3),
    st.tuples(*[st.floats(-0.2, 0.2)] * 3),
)
def test_world_pose_is_body_times_mount(base, shift, turn):
    """Rotation matrices multiplied by scipy give the same camera."""
    x, y, yaw = base
    position, quaternion = camera.camera_world_poses(np.array([[x, y, WHEEL_RADIUS, yaw]]), cameras(shift, turn))
    body = Rotation.from_euler("z", yaw)
    wanted = body.apply(np.array(CAMERA_POSITION) + shift) + [x, y, WHEEL_RADIUS]
    np.testing.assert_allclose(position[0], wanted, atol=2e-6)
    offset = Rotation.from_quat(quaternion[0]).inv() * (body * Rotation.from_euler("xyz", turn))
    assert offset.magnitude() < 2e-6


def test_positive_pitch_looks_down():
    """The spec's signs: pitch to the ground, yaw to the left, roll to the right."""

    def ahead(turn, axis=(1, 0, 0)):
        _, quaternion = camera.camera_world_poses(np.zeros((1, 4)), cameras(rotation=turn))
        return Rotation.from_quat(quaternion[0]).apply(axis)

    assert ahead((0, 0.1, 0))[2] == pytest.approx(-np.sin(0.1), abs=1e-6)
    assert ahead((0, 0, 0.1))[1] == pytest.approx(np.sin(0.1), abs=1e-6)
    assert ahead((0.1, 0, 0), axis=(0, 0, 1))[1] == pytest.approx(-np.sin(0.1), abs=1e-6)


def test_focal_length_is_the_data_sheets_field_of_view():
    """Half the image at half of 87 degrees; proportional to the size."""
    assert 48 / camera.nominal_focal_px(96) == pytest.approx(np.tan(np.deg2rad(43.5)))
    assert camera.nominal_focal_px(224) == pytest.approx(224 / 96 * camera.nominal_focal_px(96))


@pytest.mark.parametrize(
    ("spec", "bounds"), [("avoidance", (0.9, 1.1)), ("avoidance_nominal", (1, 1)), ("avoidance_outside", (1.12, 1.2))]
)
def test_focal_bounds_hold_every_draw(spec, bounds):
    """The renderer is opened as wide as the widest draw, and no draw is wider; the range is used."""
    loaded = load_spec(spec)
    assert camera.focal_scale_bounds(loaded) == pytest.approx(bounds)
    drawn = camera.draw_cameras(loaded, np.arange(2000)).focal_scale
    low, high = np.float32(bounds[0]), np.float32(bounds[1])
    assert low <= drawn.min() and drawn.max() <= high
    assert np.ptp(drawn) == pytest.approx(high - low, rel=0.02)


def test_a_camera_depends_on_its_number_alone():
    """Any batch, any order; another episode and another seed are other cameras."""
    spec = load_spec("avoidance")
    numbers = np.arange(100, 164)
    batch = camera.draw_cameras(spec, numbers, 3)
    backwards = camera.draw_cameras(spec, numbers[::-1], 3)[np.arange(64)[::-1]]
    alone = camera.draw_cameras(spec, np.array([117]), 3)
    others = camera.draw_cameras(spec, numbers, 4), camera.draw_cameras(spec.with_seed(8), numbers, 3)
    for name in ("position", "rotation", "focal_scale"):
        values = getattr(batch, name)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(getattr(backwards, name), values)
        np.testing.assert_array_equal(getattr(alone, name)[0], values[17])
        assert all((getattr(other, name) != values).all() for other in others)


def test_draws_fill_the_specs_ranges_in_metres_and_radians():
    """Centimetres and degrees of the file arrive converted, each axis over its whole range."""
    drawn = camera.draw_cameras(load_spec("avoidance"), np.arange(4000))
    for values, limit in ((drawn.position, 0.01), (drawn.rotation, np.deg2rad(2.0))):
        assert (np.abs(values) <= limit * 1.0001).all()
        np.testing.assert_allclose(values.max(0), limit, rtol=0.01)
        np.testing.assert_allclose(values.min(0), -limit, rtol=0.01)


def test_what_the_spec_leaves_out_is_nominal():
    """Without camera terms every camera is exactly the nominal one."""
    drawn = camera.draw_cameras(load_spec("avoidance_nominal"), np.arange(5))
    assert not drawn.position.any() and not drawn.rotation.any() and (drawn.focal_scale == 1).all()
    known = camera.intrinsics(drawn, 96)
    np.testing.assert_allclose(known["fx"], camera.nominal_focal_px(96))
    np.testing.assert_allclose(known["camera_position"], np.tile([0, 0, CAMERA_HEIGHT], (5, 1)), atol=1e-6)
