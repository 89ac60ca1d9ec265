"""The Go2's velocity task: local assets, the same joints on both engines, a robot that stands on its feet."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch

from engine_env import ENGINES
from sim2real.lab.launch import make_env
from sim2real_tasks.robots import go2
from sim2real_tasks.robots.convert import RobotAssetError, UrdfCfg, mesh_files
from sim2real_tasks.robots.rover import rover_usd
from sim2real_tasks.robots.vendor import vendor_urdf
from sim2real_tasks.velocity import TASK

NUM_ENVS = 8
FEET = ("FL_foot", "FR_foot", "RL_foot", "RR_foot")
NOMINAL = {"seed": 0, "scene.num_envs": NUM_ENVS, "events.add_base_mass": None, "events.base_com": None}
"""Changes that leave the robot as its URDF says."""


@pytest.fixture(scope="module")
def urdf():
    """The vendor's description."""
    return ElementTree.parse(vendor_urdf("go2_description/urdf/go2.urdf")).getroot()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """Eight robots as their URDF says."""
    with make_env(TASK, request.param, **NOMINAL) as env:
        yield env


@pytest.fixture
def env(engine):
    """The same, after a reset."""
    engine.reset()
    return engine


def step(env, action, count):
    """Step and return the observations."""
    for _ in range(count):
        observation, _, terminated, _, _ = env.step(action)
        assert not terminated.any()
    return observation["policy"]


def test_joints_and_bodies_come_leg_by_leg_on_every_engine(env):
    """Names in the order that a policy sees."""
    robot = env.scene["robot"]
    assert tuple(robot.joint_names) == go2.JOINTS
    assert robot.body_names[0] == "base" and len(robot.body_names) == 17
    assert [name for name in robot.body_names if name.endswith("foot")] == list(FEET)
    assert [name.partition("_")[0] for name in robot.body_names[1:]] == [leg[:2] for leg in FEET for _ in range(4)]


def test_it_stands_still_on_its_feet_for_two_seconds(env):
    """Without an action: every number finite, upright, at one height, and the feet carry the whole weight."""
    observation = step(env, torch.zeros(NUM_ENVS, 12), 100)
    data = env.scene["robot"].data
    assert torch.isfinite(observation).all()
    height = data.root_pos_w.torch[:, 2]
    assert (height > 0.2).all() and (height < 0.35).all()
    assert (data.projected_gravity_b.torch[:, 2] < -0.95).all()
    sensor = env.scene["contact_forces"]
    feet = sensor.find_sensors(list(FEET))[0]
    forces = torch.zeros_like(sensor.data.net_forces_w.torch)
    for _ in range(25):
        step(env, torch.zeros(NUM_ENVS, 12), 1)
        forces += sensor.data.net_forces_w.torch / 25
    weight = data.body_mass.torch.sum(1) * 9.81
    np.testing.assert_allclose(forces[:, feet, 2].sum(1), weight, rtol=0.05)


def test_it_is_asked_for_the_height_of_its_start_pose(env):
    """The base above the lowest point of a foot, legs as they are at the start and without a load."""
    from sim2real_tasks.velocity.go2_cfg import STANDING_HEIGHT

    robot = env.scene["robot"]
    feet = robot.find_bodies(list(FEET))[0]
    robot.write_joint_position_to_sim_index(position=robot.data.default_joint_pos.torch)
    env.sim.forward()
    env.scene.update(0.0)
    data = robot.data
    legs = data.root_pos_w.torch[:, 2] - data.body_pos_w.torch[:, feet, 2].mean(1)
    assert env.cfg.rewards.base_height_l2.params["target_height"] == STANDING_HEIGHT
    np.testing.assert_allclose(legs + 0.022, STANDING_HEIGHT, atol=0.02)  # a foot is a ball of 22 mm


def test_an_action_moves_its_own_joint(env):
    """In the air, action k moves joint k and hardly another, whatever order the engine keeps."""
    robot = env.scene["robot"]
    start = robot.data.default_root_pose.torch.clone()
    start[:, :3] += env.scene.env_origins + torch.tensor([0.0, 0.0, 1.0])
    for first in (0, 12 - NUM_ENVS):
        before = robot.data.default_joint_pos.torch.clone()
        robot.write_root_pose_to_sim_index(root_pose=start)
        robot.write_root_velocity_to_sim_index(root_velocity=torch.zeros(NUM_ENVS, 6))
        robot.write_joint_position_to_sim_index(position=before)
        robot.write_joint_velocity_to_sim_index(velocity=torch.zeros(NUM_ENVS, 12))
        action = torch.zeros(NUM_ENVS, 12)
        action[torch.arange(NUM_ENVS), torch.arange(NUM_ENVS) + first] = 1.0
        step(env, action, 6)
        moved = (robot.data.joint_pos.torch - before).abs()
        assert moved.argmax(1).tolist() == [number + first for number in range(NUM_ENVS)]
        assert (moved.sort(1).values[:, -1] > 4 * moved.sort(1).values[:, -2]).all()


def test_the_engine_holds_the_descriptions_masses_and_the_rotors_armature(env, urdf):
    """Masses of all 29 links, a rotor's with that of the link that it is fixed to, and armature, as read back."""
    robot = env.scene["robot"]
    mass = {link.get("name"): float(link.find("inertial/mass").get("value")) for link in urdf.iter("link")}
    fixed = {}
    for joint in urdf.iter("joint"):
        if joint.find("child") is not None and joint.find("child").get("link").endswith("_rotor"):
            parent, rotor = joint.find("parent").get("link"), joint.find("child").get("link")
            fixed[parent] = fixed.get(parent, 0.0) + mass[rotor]
    assert len([name for name in mass if name.endswith("_rotor")]) == 12 and set(fixed) <= set(robot.body_names)
    wanted = [mass[name] + fixed.get(name, 0.0) for name in robot.body_names]
    np.testing.assert_allclose(robot.data.body_mass.torch.cpu(), [wanted] * NUM_ENVS, rtol=1e-6)
    armature = robot.data.joint_armature.torch.cpu().numpy()
    np.testing.assert_allclose(armature.reshape(NUM_ENVS, 4, 3)[..., :2], 0.0044814, rtol=1e-4)
    np.testing.assert_allclose(armature.reshape(NUM_ENVS, 4, 3)[..., 2], 0.0164666, rtol=1e-4)


def test_the_feet_decide_the_friction(env):
    """The ground is below every foot's range and a pair takes the maximum: what a foot has is what there is."""
    from isaaclab.sim import get_current_stage
    from pxr import Usd, UsdGeom, UsdPhysics, UsdShade

    stage = get_current_stage()
    found = {"robot": set(), "ground": set()}
    prims = Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())
    for prim in (prim for prim in prims if prim.HasAPI(UsdPhysics.CollisionAPI)):
        assert prim.IsA(UsdGeom.Gprim)
        material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")[0].GetPrim()
        mode = material.GetAttribute("physxMaterial:frictionCombineMode").Get()
        key = "ground" if str(prim.GetPath()).startswith("/World/ground") else "robot"
        found[key].add((mode, round(UsdPhysics.MaterialAPI(material).GetDynamicFrictionAttr().Get(), 6)))
    assert found == {"robot": {("max", go2.FRICTION)}, "ground": {("max", 0.05)}}


def texts(value, path="cfg", seen=None):
    """Every string of a configuration with where it stands."""
    seen = set() if seen is None else seen
    if isinstance(value, str):
        yield path, value
    elif id(value) not in seen:
        seen.add(id(value))
        items = value.items() if isinstance(value, dict) else vars(value).items() if hasattr(value, "__dict__") else ()
        if isinstance(value, list | tuple):
            items = enumerate(value)
        for name, child in items:
            yield from texts(child, f"{path}.{name}", seen)


def test_nothing_is_fetched():
    """No name of a server is left in what makes the scene; play mode needs no terrain."""
    from sim2real_tasks.velocity.go2_cfg import Go2FlatEnvCfg

    cfg = Go2FlatEnvCfg()
    cfg.play_mode()
    assert cfg.scene.num_envs == 50 and not cfg.observations.policy.enable_corruption and cfg.events.push_robot is None
    assert not cfg.commands.base_velocity.debug_vis
    assert not cfg.scene.contact_forces.debug_vis
    remote = [path for path, text in texts(cfg.scene, "scene") if "://" in text or "Nucleus" in text]
    assert [path for path in remote if "visualizer_cfg" not in path] == []
    assert str(go2.go2_usd()) in dict(texts(cfg.scene)).values()


def test_the_task_trains_with_an_agent_whose_critic_knows_more(monkeypatch):
    """Registered with a PPO configuration of ours, by a name that resolves; the actor sees what the robot has."""
    monkeypatch.setattr("sys.argv", ["train"])
    import gymnasium
    from isaaclab_tasks.utils.hydra import resolve_task_config

    kwargs = gymnasium.spec(TASK).kwargs
    assert kwargs["default_agent"] == "rsl_rl"
    _, agent = resolve_task_config(TASK, "rsl_rl_cfg_entry_point")
    assert agent.experiment_name == "go2_flat"
    assert agent.obs_groups == {"actor": ["policy"], "critic": ["critic"]}
    assert agent.actor.obs_normalization and agent.critic.obs_normalization


def test_constants_restate_the_description(urdf):
    """Efforts, and the rotors' inertia about the axis that they turn."""
    import re

    for joint in go2.JOINTS:
        limit = float(urdf.find(f"joint[@name='{joint}']/limit").get("effort"))
        assert [value for pattern, value in go2.EFFORT.items() if re.fullmatch(pattern, joint)] == [limit]
        rotor = urdf.find(f"link[@name='{joint.removesuffix('_joint')}_rotor']/inertial/inertia")
        axis = {"1 0 0": "ixx", "0 1 0": "iyy"}[urdf.find(f"joint[@name='{joint}']/axis").get("xyz")]
        assert float(rotor.get(axis)) == go2.ROTOR_INERTIA


@pytest.mark.parametrize("make", [go2.go2_usd, rover_usd])
def test_a_usd_refers_to_nothing_outside_the_robot(make):
    """A reference to its default prim brings everything along, and needs no other file."""
    from pxr import Sdf

    layer = Sdf.Layer.FindOrOpen(str(make()))
    assert not layer.GetExternalReferences()
    assert [prim.name for prim in layer.rootPrims] == [layer.defaultPrim]


def test_the_name_changes_with_a_mesh(tmp_path):
    """A mesh is found by either way of naming it, and its bytes are in the hash."""
    (tmp_path / "pkg" / "meshes").mkdir(parents=True)
    (tmp_path / "pkg" / "urdf").mkdir()
    mesh, urdf = tmp_path / "pkg" / "meshes" / "a.stl", tmp_path / "pkg" / "urdf" / "a.urdf"
    mesh.write_bytes(b"one")
    names = ("package://pkg/meshes/a.stl", "../meshes/a.stl", "package://other/pkg/meshes/a.stl", "nowhere.stl")
    for name in names[:3]:
        urdf.write_text(f'<robot><mesh filename="{name}"/></robot>')
        assert [path.resolve() for path in mesh_files(urdf)] == [mesh]
    before = UrdfCfg(urdf=urdf).digest()
    mesh.write_bytes(b"two")
    assert UrdfCfg(urdf=urdf).digest() != before
    urdf.write_text(f'<robot><mesh filename="{names[3]}"/></robot>')
    assert mesh_files(urdf) == []


def test_all_meshes_of_the_go2_are_found(urdf):
    """Nine of each leg's and the body's files, as often as they are used, each once."""
    named = {mesh.get("filename").rpartition("/")[2] for mesh in urdf.iter("mesh")}
    assert {path.name for path in mesh_files(vendor_urdf("go2_description/urdf/go2.urdf"))} == named


def test_a_description_that_is_not_there_is_named(monkeypatch):
    """The package or the file in it."""
    with pytest.raises(RobotAssetError, match="'example-robot-data' has no description 'no/such.urdf'"):
        vendor_urdf("no/such.urdf")
    monkeypatch.setattr("sim2real_tasks.robots.vendor.PACKAGE", "no-such-package")
    with pytest.raises(RobotAssetError, match=r"'no-such-package', which is not installed: run ./sim2real.sh setup"):
        vendor_urdf("go2_description/urdf/go2.urdf")
