"""The stream of a scene: what is written is read, what is cut off ends it, meshes are those of the stage."""

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sim2real.pipeline.scene_meshes import GREY, fan, meshes_of
from sim2real.pipeline.scene_stream import Message, read_message, write_message

ARRAYS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.sampled_from((np.float32, np.int32, np.uint8)).flatmap(
        lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    ),
    max_size=4,
)


@given(st.lists(st.tuples(st.sampled_from(("scene", "frame", "error")), ARRAYS), max_size=3))
def test_what_is_written_is_read(messages):
    """Any arrays, bit for bit, one message after the other."""
    stream = io.BytesIO()
    for kind, arrays in messages:
        write_message(stream, Message(kind=kind, facts={"text": "ä", "n": len(arrays)}, arrays=arrays))
    stream.seek(0)
    for kind, arrays in messages:
        found = read_message(stream)
        assert found.kind == kind and found.facts == {"text": "ä", "n": len(arrays)}
        assert list(found.arrays) == list(arrays)
        for name, array in arrays.items():
            assert found.arrays[name].dtype == array.dtype and found.arrays[name].shape == array.shape
            assert found.arrays[name].tobytes() == array.tobytes()
    assert read_message(stream) is None


def test_stream_that_is_cut_off_ends():
    """At any byte, as when the engine is killed."""
    stream = io.BytesIO()
    write_message(stream, Message(kind="frame", facts={"time_s": 1.0}, arrays={"poses": np.ones((2, 7), np.float32)}))
    content = stream.getvalue()
    for length in range(len(content)):
        assert read_message(io.BytesIO(content[:length])) is None
    assert read_message(io.BytesIO(content)) is not None


def test_what_is_no_stream_is_refused():
    """A line that a library printed is not taken for gigabytes of numbers."""
    with pytest.raises(ValueError, match="no stream"):
        read_message(io.BytesIO(b"Warp 1.17.0 initialized"))


@given(st.lists(st.integers(3, 6), min_size=1, max_size=6))
def test_fans_cover_polygons(counts):
    """n corners make n - 2 triangles, of that polygon's corners, with its first corner and its direction."""
    indices = np.arange(sum(counts)) * 3
    faces = fan(np.array(counts), indices)
    assert len(faces) == sum(count - 2 for count in counts)
    begins = np.cumsum(counts) - counts
    polygons = [list(indices[b : b + n]) for b, n in zip(begins, counts, strict=True)]
    expected = {(p[0], p[k], p[k + 1]) for p in polygons for k in range(1, len(p) - 1)}
    assert {tuple(face) for face in faces.tolist()} == expected


def volume(mesh):
    """Signed volume [m³]: positive where faces look outwards."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(float) for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_meshes_are_given_in_the_frame_of_their_body():
    """Shapes of every kind; turned, moved and scaled; a wall that no body carries; what only collides is left out."""
    pytest.importorskip("pxr", reason="the light installation has no USD")
    from pxr import Gf, Usd, UsdGeom

    stage = Usd.Stage.CreateInMemory()
    env = UsdGeom.Xform.Define(stage, "/World/envs/env_0")
    env.AddTranslateOp().Set(Gf.Vec3d(5, 5, 0))
    base = UsdGeom.Xform.Define(stage, "/World/envs/env_0/Robot/base")
    base.AddTranslateOp().Set(Gf.Vec3d(0, 0, 1))
    base.AddRotateZOp().Set(90)
    box = UsdGeom.Cube.Define(stage, "/World/envs/env_0/Robot/base/box")
    box.CreateSizeAttr(1.0)
    box.AddTranslateOp().Set(Gf.Vec3d(0.5, 0, 0))
    box.AddScaleOp().Set(Gf.Vec3f(0.2, 0.4, 0.6))
    box.CreateDisplayColorAttr([Gf.Vec3f(1.0, 0.0, 0.0)])
    for axis, name in zip("XYZ", ("cx", "cy", "cz"), strict=True):
        tube = UsdGeom.Cylinder.Define(stage, f"/World/envs/env_0/Robot/base/{name}")
        tube.CreateAxisAttr(axis)
        tube.CreateHeightAttr(2.0)
        tube.CreateRadiusAttr(0.1)
    ball = UsdGeom.Sphere.Define(stage, "/World/envs/env_0/Robot/base/ball")
    ball.CreateRadiusAttr(0.3)
    pill = UsdGeom.Capsule.Define(stage, "/World/envs/env_0/Robot/base/pill")
    pill.CreateHeightAttr(1.0)
    pill.CreateRadiusAttr(0.25)
    pill.CreateAxisAttr("Z")
    UsdGeom.Sphere.Define(stage, "/World/envs/env_0/Robot/base/collider").CreatePurposeAttr("guide")
    UsdGeom.Sphere.Define(stage, "/World/envs/env_0/Robot/base/hidden").CreateVisibilityAttr("invisible")
    wall = UsdGeom.Cube.Define(stage, "/World/envs/env_0/wall")
    wall.CreateSizeAttr(2.0)
    wall.AddTranslateOp().Set(Gf.Vec3d(3, 0, 1))

    found = {mesh.name: mesh for mesh in meshes_of(stage, {"/World/envs/env_0/Robot/base": 4})}
    assert set(found) == {"box", "cx", "cy", "cz", "ball", "pill", "wall"}
    assert {name: mesh.body for name, mesh in found.items() if mesh.body != 4} == {"wall": -1}
    ends = {name: np.stack((mesh.vertices.min(0), mesh.vertices.max(0))) for name, mesh in found.items()}
    assert np.allclose(ends["box"], [[0.4, -0.2, -0.3], [0.6, 0.2, 0.3]], atol=1e-6)
    assert np.allclose(ends["wall"], [[2, -1, 0], [4, 1, 2]], atol=1e-6)
    for i, name in enumerate(("cx", "cy", "cz")):
        assert np.allclose(np.ptp(ends[name], axis=0)[i], 2.0)
        assert np.allclose(np.delete(np.ptp(ends[name], axis=0), i), 0.2, atol=0.01)
    assert np.allclose(ends["pill"][:, 2], [-0.75, 0.75], atol=1e-6)
    assert np.allclose(ends["ball"], [[-0.3] * 3, [0.3] * 3], atol=0.01)
    assert all(volume(mesh) > 0 for mesh in found.values())
    assert volume(found["box"]) == pytest.approx(0.2 * 0.4 * 0.6)
    assert found["box"].colour == (1.0, 0.0, 0.0) and found["wall"].colour == GREY


def test_process_tells_why_it_cannot_start():
    """As a message of the stream, with exit code 2."""
    command = [sys.executable, "-m", "sim2real.pipeline.scene_stream", "go2", "--worlds", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        message = read_message(process.stdout)
        assert message.kind == "error" and "1 to 64" in message.facts["text"]
        assert read_message(process.stdout) is None
        assert process.wait() == 2


@pytest.mark.slow
def test_running_environment_is_streamed():
    """The rover: bodies where the stage has them, cameras with pictures, time that goes on; it ends with its reader."""
    command = [sys.executable, "-m", "sim2real.pipeline.scene_stream", "avoidance", "--spec", "avoidance"]
    command += ["--worlds", "2"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        scene = read_message(process.stdout)
        frames = [read_message(process.stdout) for _ in range(4)]
        assert scene.kind == "scene" and scene.facts["worlds"] == 2
        bodies = {mesh["body"] for mesh in scene.facts["meshes"]}
        assert -1 in bodies and len(bodies) > 13  # walls; obstacles and the rover's parts
        first, last = frames[0].arrays, frames[-1].arrays
        assert first["poses"].shape[0] == 2 and first["poses"].shape[1] > max(bodies)
        assert np.allclose(np.linalg.norm(first["poses"][..., 3:], axis=-1), 1.0, atol=1e-3)
        assert first["picture.camera"].shape == (2, 96, 96, 3)
        assert not np.array_equal(first["picture.camera"][0], first["picture.camera"][1])
        assert frames[-1].facts["time_s"] > frames[0].facts["time_s"]
        moved = np.abs(last["poses"][..., :3] - first["poses"][..., :3]).max(axis=(0, 2))
        assert 0.01 < moved.max() < 1.0 and moved.min() == 0.0  # the rover drives, obstacles stand
        process.stdin.close()
        assert process.wait(60) == 0
