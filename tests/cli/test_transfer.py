"""The verb transfer: a robot that does not fit is told by name before an engine starts, and nothing is written."""

import dataclasses
from xml.etree import ElementTree

import pytest

from evaluate.policies import go2_contract, write_bundle
from evaluate.robots import digest
from sim2real.cli.main import main
from sim2real_tasks.robots.vendor import vendor_urdf


def refused(capsys, out, *words):
    """What the verb says as it refuses."""
    assert main(["transfer", *map(str, words), "--out", str(out)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and "Traceback" not in err and not out.exists()
    return err


def bundle_of(folder, **changes):
    """A Go2's bundle with something else in its robot."""
    contract = go2_contract()
    return write_bundle(folder, dataclasses.replace(contract, robot=dataclasses.replace(contract.robot, **changes)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("bundle") / "go2", go2_contract())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engines", "newton,gazebo"], "unknown engine 'gazebo'; allowed: newton, physx, mujoco, dart"),
        (["--engines", ""], "no engine to play in"),
        (["--engines", "dart", "--curves", "mujoco,dart"], "curves in mujoco, which are not among the engines"),
        (["--episodes", "0"], "0 episodes"),
        (["--episode-s", "-3"], "episode_s is -3"),
        (["--batch", "0"], "batch is 0"),
        (["--spec", "no_such_spec"], "no_such_spec"),
        (["--urdf", "{tmp}/none.urdf"], "No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(words, said, bundle, tmp_path, capsys):
    words = [word.format(tmp=tmp_path) for word in words]
    assert said in refused(capsys, tmp_path / "out", bundle, *words)


def test_a_wrong_joint_map_is_refused(bundle, tmp_path, capsys):
    """A joint of another name; one URDF for another robot's bundle."""
    joints = go2_contract().robot.joints
    renamed = tuple(dataclasses.replace(joint, name=joint.name.replace("FL_hip_joint", "FL_hip")) for joint in joints)
    contract = go2_contract()
    terms = tuple(
        dataclasses.replace(term, joints=tuple(joint.name for joint in renamed)) if term.joints else term
        for term in contract.state.terms
    )
    robot = dataclasses.replace(contract.robot, joints=renamed)
    changed = dataclasses.replace(
        contract,
        robot=robot,
        observation=dataclasses.replace(contract.observation, terms=terms),
        action=dataclasses.replace(contract.action, joints=robot.joint_names),
    )
    other = write_bundle(tmp_path / "renamed", changed)
    said = refused(capsys, tmp_path / "out", other, "--engines", "mujoco,dart")
    assert "it has not the joints of the contract's robot 'go2'" in said
    assert "only in the contract: FL_hip; only in the URDF: FL_hip_joint" in said
    panda = vendor_urdf("panda_description/urdf/panda.urdf")
    assert "another description than the one" in refused(capsys, tmp_path / "out", bundle, "--urdf", panda)


def test_a_missing_mesh_is_refused(bundle, tmp_path, capsys):
    """The right URDF in a folder without its meshes."""
    alone = tmp_path / "go2.urdf"
    alone.write_bytes(vendor_urdf(go2_contract().robot.urdf).read_bytes())
    said = refused(capsys, tmp_path / "out", bundle, "--urdf", alone)
    assert "collision meshes are missing: base: package://" in said and "or mend the paths" in said


def test_an_inertia_that_no_body_has_is_refused(tmp_path, capsys):
    """Of a link that moves: named, with what is wrong."""
    tree = ElementTree.parse(vendor_urdf(go2_contract().robot.urdf))
    inertia = next(link for link in tree.getroot() if link.get("name") == "FL_calf").find("inertial/inertia")
    inertia.attrib.update(ixx="3", iyy="1", izz="1", ixy="0", ixz="0", iyz="0")
    broken = tmp_path / "broken.urdf"
    tree.write(broken)
    bundle = bundle_of(tmp_path / "bundle", urdf_sha256=digest(broken))
    said = refused(capsys, tmp_path / "out", bundle, "--urdf", broken)
    assert "no body can have the moments of inertia of FL_calf" in said and "Mend the URDF" in said
