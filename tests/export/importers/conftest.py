"""A small robot, and what rsl_rl's own exporters wrote."""

import pytest

from export.importers.artefacts import NAMES, actor, runner

LEG = """<robot name="leg"><link name="base"/><link name="a"/><link name="b"/><link name="c"/>
{joints}</robot>"""
JOINT = """<joint name="{name}" type="revolute"><parent link="{parent}"/><child link="{child}"/><axis xyz="0 1 0"/>
<limit lower="-1.5" upper="2.5" effort="23.5" velocity="30"/></joint>"""


@pytest.fixture(scope="session")
def leg(tmp_path_factory):
    """The description of a leg with three joints."""
    links = ("base", "a", "b", "c")
    joints = [JOINT.format(name=n, parent=p, child=c) for n, p, c in zip(NAMES, links, links[1:], strict=False)]
    path = tmp_path_factory.mktemp("robots") / "leg.urdf"
    path.write_text(LEG.format(joints="\n".join(joints)))
    return path


@pytest.fixture(scope="session")
def rsl_onnx(tmp_path_factory):
    """``policy.onnx`` with its weights beside it, as rsl_rl's runner writes it, and the actor."""
    folder, model = tmp_path_factory.mktemp("exported"), actor()
    runner(model).export_policy_to_onnx(str(folder))
    return folder / "policy.onnx", model


@pytest.fixture(scope="session")
def rsl_jit(tmp_path_factory):
    """``policy.pt``, as rsl_rl's runner writes it, and the actor."""
    folder, model = tmp_path_factory.mktemp("exported"), actor(seed=1)
    runner(model).export_policy_to_jit(str(folder))
    return folder / "policy.pt", model


@pytest.fixture(scope="session")
def gru_onnx(tmp_path_factory):
    """A recurrent ``policy.onnx``, as rsl_rl's runner writes it, and the actor."""
    folder, model = tmp_path_factory.mktemp("exported"), actor(rnn="gru")
    runner(model).export_policy_to_onnx(str(folder))
    return folder / "policy.onnx", model
