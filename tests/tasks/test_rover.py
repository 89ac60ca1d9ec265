"""The rover: its constants are its URDF's, and its USD says what both engines must know."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from sim2real_tasks.avoidance import camera
from sim2real_tasks.robots import rover
from sim2real_tasks.robots.convert import RobotAssetError, UrdfCfg, convert_urdf

CFG = UrdfCfg(urdf=rover.URDF, drives={".*_wheel_joint": 2.0}, friction={".*_wheel/.*": 1.0, "base/.*": 0.2})


@pytest.fixture(scope="module")
def urdf():
    """The robot description's root element."""
    return ElementTree.parse(rover.URDF).getroot()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of this test's own."""
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path))
    return tmp_path / "robots"


def numbers(element, path, attribute):
    """An attribute's numbers."""
    return [float(word) for word in element.find(path).get(attribute).split()]


def test_constants_restate_the_urdf(urdf):
    """Wheel radius and track, base box, motor limits."""
    for joint, sign in zip(rover.WHEEL_JOINTS, (1, -1), strict=True):
        element = urdf.find(f"joint[@name='{joint}']")
        assert element.get("type") == "continuous"
        assert numbers(element, "origin", "xyz") == [0, sign * rover.TRACK / 2, 0]
        assert numbers(element, "axis", "xyz") == [0, 1, 0]
        assert numbers(element, "limit", "effort") == [rover.WHEEL_EFFORT_MAX]
        assert numbers(element, "limit", "velocity") == [rover.WHEEL_SPEED_MAX]
        wheel = urdf.find(f"link[@name='{element.find('child').get('link')}']")
        assert numbers(wheel, "collision/geometry/sphere", "radius") == [rover.WHEEL_RADIUS]
        assert numbers(wheel, "visual/geometry/cylinder", "radius") == [rover.WHEEL_RADIUS]
    size = numbers(urdf, "link[@name='base']/collision/geometry/box", "size")
    assert size[:2] == [2 * rover.BASE_HALF_LENGTH, 2 * rover.BASE_HALF_WIDTH]


def test_casters_clear_the_floor_by_three_millimetres(urdf):
    """The wheels carry the weight; in the plane the casters are under the base."""
    spheres = [c for c in urdf.findall("link[@name='base']/collision") if c.find("geometry/sphere") is not None]
    assert len(spheres) == 2
    for sphere in spheres:
        x, y, z = numbers(sphere, "origin", "xyz")
        radius = numbers(sphere, "geometry/sphere", "radius")[0]
        assert rover.WHEEL_RADIUS + z - radius == pytest.approx(0.003)
        assert abs(x) + radius < rover.BASE_HALF_LENGTH and abs(y) + radius < rover.BASE_HALF_WIDTH


def test_the_camera_is_in_front_on_top_and_in_its_own_frame(urdf):
    """It sits on the base, does not look at it, and its height is that over the wheels' ground."""
    x, y, z = rover.CAMERA_POSITION
    box = urdf.find("link[@name='base']/collision")
    top = numbers(box, "origin", "xyz")[2] + numbers(box, "geometry/box", "size")[2] / 2
    # The top's front edge, seen from the camera a centimetre low and back, is below the widest image.
    down = np.arctan2(z - 0.01 - top, rover.BASE_HALF_LENGTH - (x - 0.01))
    assert y == 0 and down > np.arctan(np.tan(camera.HORIZONTAL_FOV / 2) / 0.9) + np.deg2rad(2)
    assert rover.CAMERA_HEIGHT == pytest.approx(rover.WHEEL_RADIUS + z)


def test_inertias_are_physical_and_those_of_uniform_bodies(urdf):
    """Positive masses, triangle inequality, and the principal moments of a solid box and of solid cylinders."""
    mass = {}
    for link in urdf.findall("link"):
        mass[link.get("name")] = m = numbers(link, "inertial/mass", "value")[0]
        inertia = link.find("inertial/inertia")
        i = {key: float(inertia.get(key)) for key in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")}
        matrix = np.array(
            [[i["ixx"], i["ixy"], i["ixz"]], [i["ixy"], i["iyy"], i["iyz"]], [i["ixz"], i["iyz"], i["izz"]]]
        )
        moments = np.linalg.eigvalsh(matrix)
        assert m > 0 and moments[0] > 0 and moments[0] + moments[1] > moments[2]
        if link.get("name") == "base":
            sx, sy, sz = numbers(link, "collision/geometry/box", "size")
            wanted = np.array([sy**2 + sz**2, sx**2 + sz**2, sx**2 + sy**2]) * m / 12
        else:
            r = numbers(link, "visual/geometry/cylinder", "radius")[0]
            length = numbers(link, "visual/geometry/cylinder", "length")[0]
            side = m * (3 * r**2 + length**2) / 12
            wanted = np.array([side, m * r**2 / 2, side])
        np.testing.assert_allclose([i["ixx"], i["iyy"], i["izz"]], wanted, rtol=0.01)
    assert mass == {"base": 7.8, "left_wheel": 0.6, "right_wheel": 0.6}


def test_wheel_speeds_invert_the_kinematics():
    """Mean rim speed is the body's speed, their difference over the track its turn rate; limits are not reached."""
    left, right = rover.wheel_speeds(0.6, 1.2)
    rim = np.array([left, right]) * rover.WHEEL_RADIUS
    assert rim.mean() == pytest.approx(0.6)
    assert (rim[1] - rim[0]) / rover.TRACK == pytest.approx(1.2)
    assert max(left, right) < rover.WHEEL_SPEED_MAX


def test_usd_has_a_free_base_drives_and_materials(cache):
    """What the converter does not do: no joint to the world, a force drive per wheel, friction combined by maximum."""
    from pxr import Usd, UsdPhysics, UsdShade

    path = rover.rover_usd()
    assert path.parent == cache and [p.name for p in cache.iterdir()] == [path.name]
    stage = Usd.Stage.Open(str(path))
    prims = list(stage.Traverse())
    assert not [p for p in prims if p.IsA(UsdPhysics.FixedJoint) or p.GetName() == "root_joint"]
    assert len([p for p in prims if p.HasAPI(UsdPhysics.ArticulationRootAPI)]) == 1
    joints = [p for p in prims if p.IsA(UsdPhysics.RevoluteJoint)]
    assert sorted(j.GetName() for j in joints) == sorted(rover.WHEEL_JOINTS)
    for joint in joints:
        drive = UsdPhysics.DriveAPI.Get(joint, "angular")
        assert drive and drive.GetTypeAttr().Get() == "force"
        assert drive.GetMaxForceAttr().Get() == rover.WHEEL_EFFORT_MAX
    bodies = {p.GetName(): p for p in prims if p.HasAPI(UsdPhysics.RigidBodyAPI)}
    masses = {name: UsdPhysics.MassAPI(p).GetMassAttr().Get() for name, p in bodies.items()}
    assert masses == pytest.approx({"base": 7.8, "left_wheel": 0.6, "right_wheel": 0.6})
    friction = {}
    for prim in (p for p in prims if p.HasAPI(UsdPhysics.CollisionAPI)):
        material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")[0].GetPrim()
        assert material and material.GetAttribute("physxMaterial:frictionCombineMode").Get() == "max"
        api = UsdPhysics.MaterialAPI(material)
        assert api.GetDynamicFrictionAttr().Get() == api.GetStaticFrictionAttr().Get()
        friction[f"{prim.GetParent().GetName()}/{prim.GetName()}"] = api.GetDynamicFrictionAttr().Get()
    wheels = {name: mu for name, mu in friction.items() if "_wheel/" in name}
    casters = {name: mu for name, mu in friction.items() if name.startswith("base/sphere")}
    assert list(wheels.values()) == [1.0, 1.0]
    assert list(casters.values()) == pytest.approx([0.01, 0.01])
    assert len(friction) == 5


def test_a_second_conversion_does_nothing(cache, monkeypatch):
    """Same path, same file, and the converter is not even called."""
    path = convert_urdf(CFG)
    before = path.stat()
    monkeypatch.setattr("sim2real_tasks.robots.convert._convert", None)
    assert convert_urdf(CFG) == path
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_name_changes_with_everything_that_decides(tmp_path, monkeypatch):
    """URDF bytes, base, efforts, frictions and their order, and the recipe's number are all in the hash."""
    other = tmp_path / "rover.urdf"
    other.write_bytes(rover.URDF.read_bytes() + b"<!-- -->")
    changed = [
        dataclasses.replace(CFG, urdf=other),
        dataclasses.replace(CFG, floating_base=False),
        dataclasses.replace(CFG, drives={".*_wheel_joint": 3.0}),
        dataclasses.replace(CFG, friction={**CFG.friction, "base/.*": 0.3}),
        dataclasses.replace(CFG, friction=dict(reversed(CFG.friction.items()))),
    ]
    digests = {cfg.digest() for cfg in (CFG, *changed)}
    monkeypatch.setattr("sim2real_tasks.robots.convert.RECIPE", 99)
    assert len({*digests, CFG.digest()}) == len(changed) + 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drives": {"no_such_joint": 1.0}}, r"drives \['no_such_joint'\] match no joint"),
        (
            {"friction": {**CFG.friction, "no_such_link/.*": 1.0}},
            r"friction patterns \['no_such_link/\.\*'\] match no collider",
        ),
        ({"friction": {"base/.*": 0.2}}, "no friction pattern matches the collider 'left_wheel/sphere'; add one"),
    ],
)
def test_patterns_and_parts_have_to_match(cache, change, message):
    """The pattern that matches nothing, or the part that nothing matches, is named; the cache stays empty."""
    with pytest.raises(RobotAssetError, match=message):
        convert_urdf(dataclasses.replace(CFG, **change))
    assert not list(cache.iterdir())


def test_missing_and_broken_urdfs_are_errors(cache, tmp_path):
    """The file is named; nothing is left in the cache."""
    with pytest.raises(RobotAssetError, match="no URDF at .*nowhere.urdf"):
        convert_urdf(UrdfCfg(urdf=tmp_path / "nowhere.urdf"))
    (tmp_path / "broken.urdf").write_text("<robot name='r'><link")
    with pytest.raises(RobotAssetError, match="broken.urdf cannot be converted"):
        convert_urdf(UrdfCfg(urdf=tmp_path / "broken.urdf"))
    assert not list(cache.iterdir())


def test_a_kill_half_way_leaves_nothing_that_is_taken_for_whole(cache, tmp_path):
    """Killed between conversion and post step, the cache holds no USD under a final name; the next start makes it."""
    code = (
        "import time, pathlib, sim2real_tasks.robots.convert as c\n"
        "from sim2real_tasks.robots import rover\n"
        f"def stop(*_): pathlib.Path({str(tmp_path / 'here')!r}).touch(); time.sleep(60)\n"
        "c._add_drives = stop\n"
        "rover.rover_usd()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "SIM2REAL_CACHE": str(tmp_path)})
    for _ in range(1200):
        if (tmp_path / "here").exists() or child.poll() is not None:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert (tmp_path / "here").exists() and list(cache.rglob("robot.usda")) and not list(cache.glob("*.usda"))
    path = rover.rover_usd()
    assert "PhysicsDriveAPI:angular" in path.read_text()
