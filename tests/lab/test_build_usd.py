"""Robots of other sizes: what a layer changes, against the same robot's own USD."""

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdPhysics

from sim2real.lab.build_usd import BuildError, LinkChange, Robot, scaled_inertia
from sim2real_tasks.robots.go2 import go2_usd
from sim2real_tasks.robots.rover import rover_usd


@pytest.fixture(scope="module")
def go2():
    """The Go2's links."""
    return Robot(str(go2_usd()))


@pytest.fixture(scope="module")
def rover():
    """The rover's links."""
    return Robot(str(rover_usd()))


def opened(robot, changes, tmp_path):
    """The robot with some links changed, as a spawner would open it: through a reference."""
    path = tmp_path / f"robot_{len(list(tmp_path.iterdir()))}.usda"  # USD keeps files that it has read
    path.write_text(robot.layer(changes))
    stage = Usd.Stage.CreateInMemory()
    stage.DefinePrim("/Robot").GetReferences().AddReference(str(path))
    return stage


def body(stage, name):
    """A body by its name."""
    return next(p for p in stage.Traverse() if p.GetName() == name and p.HasAPI(UsdPhysics.RigidBodyAPI))


def position(stage, name):
    """Where a body stands."""
    return np.array(UsdGeom.XformCache().GetLocalToWorldTransform(body(stage, name)).ExtractTranslation())


def inertia_of(prim):
    """Inertia about the centre of mass in the body frame."""
    from pxr import Gf

    api = UsdPhysics.MassAPI(prim)
    axes = np.array(Gf.Matrix3d(Gf.Quatd(api.GetPrincipalAxesAttr().Get()))).T
    return axes @ np.diag(np.array(api.GetDiagonalInertiaAttr().Get(), float)) @ axes.T


def points(stage, prim):
    """A mesh's points in the frame of its parent."""
    mesh = UsdGeom.Mesh(prim)
    matrix = np.array(mesh.GetLocalTransformation())
    return np.array(mesh.GetPointsAttr().Get(), float) @ matrix[:3, :3] + matrix[3, :3]


def test_nothing_changed_changes_nothing(go2, tmp_path):
    """Factors of one leave every number as it was."""
    stage = opened(go2, {name: LinkChange(density=True) for name in go2.links}, tmp_path)
    nominal = opened(go2, {}, tmp_path)
    for name, prim in go2.links.items():
        np.testing.assert_array_equal(position(stage, name), position(nominal, name))
        assert UsdPhysics.MassAPI(body(stage, name)).GetMassAttr().Get() == UsdPhysics.MassAPI(prim).GetMassAttr().Get()


def test_a_longer_thigh_moves_what_hangs_on_it(go2, tmp_path):
    """The calf's joint and body move along the thigh, the foot with them; other legs stay."""
    stage, nominal = opened(go2, {"FL_thigh": LinkChange(stretch=1.1)}, tmp_path), opened(go2, {}, tmp_path)
    down = np.array([0.0, 0.0, -0.0213])
    for name in ("FL_calf", "FL_foot"):
        np.testing.assert_allclose(position(stage, name) - position(nominal, name), down, atol=1e-7)
    for name in ("FL_thigh", "FL_hip", "FR_calf", "base"):
        np.testing.assert_array_equal(position(stage, name), position(nominal, name))
    joint = next(p for p in stage.Traverse() if p.GetName() == "FL_calf_joint")
    np.testing.assert_allclose(joint.GetAttribute("physics:localPos0").Get(), (0, 0, -0.2343), atol=1e-7)


def test_mass_and_meshes_stretch_with_the_link(go2, tmp_path):
    """The thigh's points, its centre of mass and its second moments follow; its mass stays."""
    stage, nominal = opened(go2, {"FL_thigh": LinkChange(stretch=1.2)}, tmp_path), opened(go2, {}, tmp_path)
    new, old = body(stage, "FL_thigh"), body(nominal, "FL_thigh")
    factors = np.array([1.0, 1.0, 1.2])
    for name in ("thigh", "thigh_convex"):
        pair = [points(s, p.GetChild(name)) for s, p in ((stage, new), (nominal, old))]
        np.testing.assert_allclose(pair[0], pair[1] * factors, atol=1e-6)
    mass = [UsdPhysics.MassAPI(p) for p in (new, old)]
    assert mass[0].GetMassAttr().Get() == mass[1].GetMassAttr().Get()
    np.testing.assert_allclose(
        mass[0].GetCenterOfMassAttr().Get(), np.array(mass[1].GetCenterOfMassAttr().Get()) * factors, rtol=1e-6
    )
    inertia = [inertia_of(p) for p in (new, old)]
    moments = [0.5 * np.trace(i) * np.eye(3) - i for i in inertia]
    np.testing.assert_allclose(moments[0], moments[1] * np.outer(factors, factors), rtol=1e-4, atol=1e-8)
    whole = np.array(new.GetAttribute("newton:inertia").Get())  # Newton's reading is PhysX's
    np.testing.assert_allclose(whole, inertia[0][[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]], rtol=1e-4, atol=1e-8)


def test_density_scales_mass_by_volume_and_inertia_by_the_fifth_power(go2, tmp_path):
    """And without it only the geometry changes."""
    nominal = opened(go2, {}, tmp_path)
    for density in (True, False):
        change = LinkChange(size=(1.2, 1.2, 1.2), density=density)
        stage = opened(go2, {"FL_foot": change}, tmp_path)
        new, old = body(stage, "FL_foot"), body(nominal, "FL_foot")
        pair = [points(s, p.GetChild("foot_convex")) for s, p in ((stage, new), (nominal, old))]
        np.testing.assert_allclose(pair[0], 1.2 * pair[1], atol=1e-7)
        mass = [UsdPhysics.MassAPI(p).GetMassAttr().Get() for p in (new, old)]
        assert mass[0] / mass[1] == pytest.approx(1.2**3 if density else 1.0, rel=1e-6)
        power = 1.2**5 if density else 1.0
        np.testing.assert_allclose(inertia_of(new), power * inertia_of(old), rtol=1e-5, atol=1e-12)
        np.testing.assert_array_equal(position(stage, "FL_foot"), position(nominal, "FL_foot"))


def test_inertia_of_a_stretched_box_is_that_of_the_longer_box():
    """Against the formula of a box, for mass that stays and for density that stays."""

    def box(mass, sides):
        x, y, z = np.square(sides)
        return mass / 12 * np.diag([y + z, x + z, x + y])

    sides, factors = np.array([0.3, 0.2, 0.1]), np.array([1.5, 0.8, 1.1])
    for grown in (1.0, factors.prod()):
        found = scaled_inertia(4.0, box(4.0, sides), factors, grown)
        np.testing.assert_allclose(found, box(4.0 * grown, sides * factors), rtol=1e-12, atol=1e-15)


def test_round_shapes_stay_round(rover, tmp_path):
    """A wheel grows by its radius; the base's length is across it, and its casters keep their size."""
    stage = opened(rover, {"left_wheel": LinkChange(size=(1.2, 1.2, 1.2)), "base": LinkChange(stretch=1.1)}, tmp_path)
    wheel, base = body(stage, "left_wheel"), body(stage, "base")
    assert wheel.GetChild("sphere").GetAttribute("radius").Get() == pytest.approx(0.084)
    assert base.GetChild("sphere").GetAttribute("radius").Get() == pytest.approx(0.025)
    np.testing.assert_allclose(
        base.GetChild("box_1").GetAttribute("xformOp:scale").Get(), (0.32, 0.242, 0.1), rtol=1e-6
    )
    np.testing.assert_allclose(position(stage, "left_wheel"), (0, 0.165, 0), atol=1e-9)
    with pytest.raises(BuildError, match="round and cannot have"):
        rover.layer({"left_wheel": LinkChange(size=(1.2, 1.0, 1.0))})


def test_axes_and_ends(go2):
    """A leg's links lie along their own axes; what carries nothing has no length."""
    found = {name: go2.axis(name) for name in ("base", "FL_hip", "FL_thigh", "FL_calf", "FL_foot")}
    assert found == {"base": 0, "FL_hip": 1, "FL_thigh": 2, "FL_calf": 2, "FL_foot": None}


def test_written_once(go2, monkeypatch, tmp_path):
    """The same change is the same file, another change another; the cache is where the user says."""
    monkeypatch.setenv("SIM2REAL_CACHE", str(tmp_path))
    first = go2.write({"FL_thigh": LinkChange(stretch=1.05)})
    assert first.startswith(str(tmp_path)) and go2.write({"FL_thigh": LinkChange(stretch=1.05)}) == first
    assert go2.write({"FL_thigh": LinkChange(stretch=1.06)}) != first


def test_a_missing_file_is_named():
    """Nucleus paths and typos."""
    with pytest.raises(BuildError, match="omniverse://x.usd' is no file on this machine"):
        Robot("omniverse://x.usd")
