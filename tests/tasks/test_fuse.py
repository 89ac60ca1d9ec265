"""Links that become part of their parents: MuJoCo's own fusing is the reference."""

import re
import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sim2real_tasks.robots.convert import RobotAssetError, UrdfCfg, convert_urdf
from sim2real_tasks.robots.fuse import freeze_joints, fuse_links
from sim2real_tasks.robots.vendor import vendor_urdf

URDF = """
<robot name="arm">
  <link name="base"><inertial><origin xyz="0 0 0.1"/><mass value="2"/>
    <inertia ixx="0.02" ixy="0" ixz="0" iyy="0.03" iyz="0" izz="0.01"/></inertial></link>
  <joint name="hinge" type="revolute"><parent link="base"/><child link="upper"/><origin xyz="0 0 0.2"/>
    <axis xyz="0 1 0"/><limit effort="1" velocity="1" lower="-1" upper="1"/></joint>
  <link name="upper"><inertial><origin xyz="0.1 0 0"/><mass value="1.5"/>
    <inertia ixx="0.004" ixy="0.0005" ixz="0" iyy="0.006" iyz="0.0002" izz="0.005"/></inertial></link>
  <joint name="weld" type="fixed"><parent link="upper"/><child link="bracket"/>
    <origin xyz="0.2 -0.1 0.05" rpy="0.4 1.5707963267948966 -0.7"/></joint>
  <link name="bracket"><inertial><origin xyz="0.01 0.02 0.03"/><mass value="0.4"/>
    <inertia ixx="0.001" ixy="0" ixz="0.0001" iyy="0.0012" iyz="0" izz="0.0009"/></inertial></link>
  <joint name="tip_weld" type="fixed"><parent link="bracket"/><child link="tip"/><origin xyz="0 0.1 0"/></joint>
  <link name="tip"><collision><origin xyz="0 0 0.02" rpy="0 0 1"/>
    <geometry><box size="0.02 0.02 0.02"/></geometry></collision></link>
</robot>
"""
"""A bracket at an angle, straight up in pitch, and a tip that has a collider but no mass."""


def world_inertia(text, fuse_by_mujoco):
    """Return mass, centre of mass and inertia about it of `upper`, and its colliders' places, as MuJoCo compiles it."""
    spec = mujoco.MjSpec.from_string(text)
    spec.compiler.fusestatic = fuse_by_mujoco
    spec.compiler.inertiafromgeom = mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_FALSE
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    body = model.body("upper").id
    turn = data.ximat[body].reshape(3, 3)
    inertia = turn @ np.diag(model.body_inertia[body]) @ turn.T
    return model.body_mass[body], data.xipos[body], inertia, data.geom_xpos, data.geom_xmat


def test_a_fused_link_weighs_and_lies_as_mujoco_fuses_it():
    """Mass, centre, inertia and colliders; nothing else moves."""
    root = ElementTree.fromstring(URDF)
    assert fuse_links(root, "bracket") == ["tip", "bracket"]
    assert [link.get("name") for link in root.iter("link")] == ["base", "upper", "bracket", "tip"]
    assert all(len(link) == 0 for link in root.iter("link") if link.get("name") in ("bracket", "tip"))
    ours = world_inertia(ElementTree.tostring(root, encoding="unicode"), True)
    wanted = world_inertia(URDF, True)
    for value, reference in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(value, reference, atol=1e-8)


def test_an_inertia_given_in_turned_axes_is_turned():
    """MuJoCo leaves these angles out, so the same inertia in the link's own axes is the reference."""
    turn = Rotation.from_euler("xyz", (-0.5, 0.2, 1.0)).as_matrix()
    own = turn @ np.diag([0.001, 0.0012, 0.0009]) @ turn.T
    turned, straight = ElementTree.fromstring(URDF), ElementTree.fromstring(URDF)
    for root, rpy, inertia in ((turned, "-0.5 0.2 1.0", np.diag([0.001, 0.0012, 0.0009])), (straight, "0 0 0", own)):
        inertial = root.find("link[@name='bracket']/inertial")
        inertial.find("origin").set("rpy", rpy)
        for row, column in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
            key = "i" + "xyz"[row] + "xyz"[column]
            inertial.find("inertia").set(key, repr(float(inertia[row, column])))
        fuse_links(root, "bracket")
    values = [
        np.array([float(value) for value in root.find("link[@name='upper']/inertial/inertia").attrib.values()])
        for root in (turned, straight)
    ]
    np.testing.assert_allclose(values[0], values[1], atol=1e-15)


def test_only_what_is_named_or_has_no_mass_is_fused():
    """A collider without a mass would be weighed by each engine in its own way."""
    root = ElementTree.fromstring(URDF)
    assert fuse_links(root) == ["tip"]
    assert len(root.find("link[@name='bracket']").findall("collision")) == 1
    root = ElementTree.fromstring(URDF)
    assert fuse_links(root, "upper") == ["tip"], "a hinge is no weld"


def test_frozen_joints_are_fixed_and_their_links_can_be_fused():
    """The hinge becomes a weld, at its zero."""
    root = ElementTree.fromstring(URDF)
    assert freeze_joints(root, "hin.*") == ["hinge"]
    hinge = root.find("joint[@name='hinge']")
    assert hinge.get("type") == "fixed" and hinge.find("axis") is None and hinge.find("limit") is None
    assert fuse_links(root, ".*") == ["tip", "bracket", "upper"]
    assert float(root.find("link[@name='base']/inertial/mass").get("value")) == pytest.approx(3.9)


@pytest.mark.parametrize("change", [{"fuse": "none_such"}, {"freeze": "none_such"}])
def test_a_pattern_that_matches_nothing_is_refused(change):
    """With its name, before anything is written."""
    cfg = UrdfCfg(urdf=vendor_urdf("ur_description/urdf/ur5_robot.urdf"), **change)
    with pytest.raises(RobotAssetError, match=f"{next(iter(change))} 'none_such' matches no"):
        convert_urdf(cfg)


def test_a_fixed_base_is_the_articulations_and_not_a_constraint():
    """The root lies above the base; with it on the base PhysX lets a fixed arm float on a joint."""
    from pxr import Usd, UsdPhysics

    from sim2real_tasks.robots.panda import panda_usd
    from sim2real_tasks.robots.ur5 import ur5_usd

    for make in (panda_usd, ur5_usd):
        stage = Usd.Stage.Open(str(make()))
        roots = [prim for prim in stage.Traverse() if "PhysicsArticulationRootAPI" in prim.GetAppliedSchemas()]
        assert roots == [stage.GetDefaultPrim()]
        bodies = [prim for prim in stage.Traverse() if prim.HasAPI(UsdPhysics.RigidBodyAPI)]
        assert all(UsdPhysics.MassAPI(prim).GetMassAttr().Get() > 0 for prim in bodies)


def test_a_robot_is_converted_after_a_stage_was_opened(tmp_path):
    """USD reads its schemas once; a fresh process has them."""
    import subprocess
    import sys

    urdf = tmp_path / "arm.urdf"
    urdf.write_text(re.sub(r'<link name="base">', '<link name="base"><!-- anew -->', URDF))
    code = (
        "from pxr import Usd; Usd.SchemaRegistry().FindAppliedAPIPrimDefinition('PhysicsMassAPI')\n"
        "import pathlib; from sim2real_tasks.robots import convert\n"
        f"cfg = convert.UrdfCfg(urdf=pathlib.Path({str(urdf)!r}), floating_base=False, friction={{'.*': 0.5}})\n"
        "print(convert._schemas_are_known(), convert.convert_urdf(cfg).is_file())"
    )
    environment = {"SIM2REAL_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["False", "True"], done.stderr
