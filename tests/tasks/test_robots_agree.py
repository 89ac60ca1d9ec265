"""Each robot is the same robot on Newton, on PhysX and in native MuJoCo: by name, from one URDF."""

import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from sim2real.lab.launch import make_env
from sim2real_tasks.robots.vendor import vendor_urdf
from tasks.robots_table import ROBOTS

N = 2
DRIVES = ("actuator_kp", "actuator_kd", "actuator_effort_limit", "joint_armature", "joint_damping", "joint_friction")
"""What is read of each joint's drive."""
FOUND = {}
"""What was measured, by robot and engine: the second engine is compared with the first."""


def description(robot):
    """Return native MuJoCo's model of the vendor's URDF, every link a body of its own."""
    root = ElementTree.parse(vendor_urdf(robot.urdf)).getroot()
    for link in root.iter("link"):  # geometry would only weigh here, where a link has no mass
        for element in [*link.findall("visual"), *link.findall("collision")]:
            link.remove(element)
        inertia = link.find("inertial/inertia")
        if inertia is not None and not possible(inertia):
            # Cameras and the hatch of the ANYmal; they ride on its base, which MuJoCo makes the world.
            inertia.attrib |= {"ixx": "1e-9", "iyy": "1e-9", "izz": "1e-9", "ixy": "0", "ixz": "0", "iyz": "0"}
    ElementTree.SubElement(ElementTree.SubElement(root, "mujoco"), "compiler", {"fusestatic": "false"})
    spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding="unicode"))
    spec.compiler.boundmass, spec.compiler.boundinertia = 1e-9, 1e-12
    return spec.compile()


def possible(inertia):
    """Return whether a body can have this inertia, or has none."""
    xx, yy, zz, xy, xz, yz = (float(inertia.get(key)) for key in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz"))
    moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return moments.max() == 0 or (moments.min() > 0 and 2 * moments.max() <= moments.sum() * (1 + 1e-6))


def together(model, data, name, bodies):
    """Return mass, centre and inertia, in the axes of body `name`, of all links that move with it."""
    own = []
    for link in range(1, model.nbody):
        body = link
        while body and model.body(body).name not in bodies:
            body = int(model.body_parentid[body])
        if body and model.body(body).name == name:
            own.append(link)
    mass = model.body_mass[own].sum()
    centre = (model.body_mass[own, None] * data.xipos[own]).sum(0) / mass
    inertia = np.zeros((3, 3))
    for link in own:
        turn, arm = data.ximat[link].reshape(3, 3), data.xipos[link] - centre
        inertia += turn @ np.diag(model.body_inertia[link]) @ turn.T
        inertia += model.body_mass[link] * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    axes = data.body(name).xmat.reshape(3, 3)
    return mass, axes.T @ (centre - data.body(name).xpos), axes.T @ inertia @ axes


def placed(env, joints):
    """Put every robot at rest, its base at the origin of its world and a metre up, joints at `joints` (num_joints)."""
    robot = env.scene["robot"]
    pose = torch.zeros(N, 7)
    pose[:, :3] = env.scene.env_origins
    pose[:, 6] = 1.0
    if not robot.is_fixed_base:
        pose[:, 2] += 1.0
        robot.write_root_pose_to_sim_index(root_pose=pose)
        robot.write_root_velocity_to_sim_index(root_velocity=torch.zeros(N, 6))
    robot.write_joint_position_to_sim_index(position=joints.expand(N, -1).contiguous())
    robot.write_joint_velocity_to_sim_index(velocity=torch.zeros(N, joints.shape[-1]))
    robot.update(0.0)
    return robot.data


def measure(env):
    """Return all facts of a robot, by name, and how its joints answer an action."""
    robot = env.scene["robot"]
    data = robot.data
    joints, bodies = list(robot.joint_names), list(robot.body_names)
    facts = {
        "joints": joints,
        "bodies": bodies,
        "fixed": bool(robot.is_fixed_base),
        "default": data.default_joint_pos.torch[0].numpy().copy(),
        "limits": data.joint_pos_limits.torch[0].numpy().copy(),
        "mass": data.body_mass.torch[0].numpy().copy(),
        "com": data.body_com_pos_b.torch[0].numpy().copy(),
        "inertia": data.body_inertia.torch[0].numpy().copy(),
    }
    facts |= drives(env, joints)
    generator = torch.Generator().manual_seed(3)
    pose = data.default_joint_pos.torch[:1] + 0.2 * torch.rand(1, len(joints), generator=generator)
    state = placed(env, pose)
    facts["pose"] = pose[0].numpy().copy()
    facts["place"] = (state.body_pos_w.torch[0] - state.root_pos_w.torch[0]).numpy().copy()
    facts["moved"] = answers(env)
    return facts


def drives(env, joints):
    """Return what the engine's solver or actuators hold of each joint's drive, in the order of `joints`."""
    engine = sim2real.lab.engine_of(env)
    at = [[element.name for element in engine.elements.joint].index(name) for name in joints]
    return {key: np.array(engine.read(key)[0, :, 0])[at] for key in DRIVES}


def answers(env):
    """Return how far each joint goes in five steps when its own action is one, in the air, (num_joints, num_joints)."""
    robot = env.scene["robot"]
    default = robot.data.default_joint_pos.torch[:1].clone()
    count, moved = default.shape[1], []
    for first in range(0, count, N):
        placed(env, default)
        action = torch.zeros(N, count)
        wanted = [min(first + k, count - 1) for k in range(N)]
        action[torch.arange(N), wanted] = 0.4
        for _ in range(5):
            env.step(action)
        moved.append((robot.data.joint_pos.torch - default)[: count - first].numpy().copy())
    return np.concatenate(moved)


@pytest.fixture(scope="module", params=list(ROBOTS))
def robot_name(request):
    """One robot after another."""
    return request.param


@pytest.fixture(scope="module", params=ENGINES)
def facts(request, robot_name):
    """One engine after the other."""
    events = ("add_base_mass", "base_com", "push_robot", "base_external_force_torque")
    changes = {"scene.num_envs": N, "seed": 0}
    with make_env(
        ROBOTS[robot_name].task,
        request.param,
        prepare=lambda cfg: [setattr(cfg.events, name, None) for name in events if hasattr(cfg.events, name)],
        **changes,
    ) as env:
        for term in list(env.termination_manager.active_terms):
            if term != "time_out":
                env.termination_manager.get_term_cfg(term).params["threshold"] = 1e9
        env.reset()
        FOUND[robot_name, request.param] = measure(env)
    return FOUND[robot_name, request.param]


def test_it_is_the_vendors_robot(facts, robot_name):
    """Joints in the task's order; limits, masses, inertias and places of bodies as native MuJoCo reads the URDF."""
    robot = ROBOTS[robot_name]
    assert tuple(facts["joints"]) == robot.joints
    assert facts["fixed"] == robot.fixed
    model = description(robot)
    root = ElementTree.parse(vendor_urdf(robot.urdf)).getroot()
    data = mujoco.MjData(model)
    for name, value, limits in zip(facts["joints"], facts["pose"], facts["limits"], strict=True):
        joint = model.joint(name)
        np.testing.assert_allclose(limits, joint.range, atol=1e-5)
        effort = float(root.find(f"joint[@name='{name}']/limit").get("effort"))
        assert facts["actuator_effort_limit"][facts["joints"].index(name)] == pytest.approx(effort), name
        data.qpos[joint.qposadr[0]] = value
    mujoco.mj_kinematics(model, data)
    base = facts["bodies"][0]
    origin = data.body(base).xpos if base in [model.body(i).name for i in range(model.nbody)] else np.zeros(3)
    for at, name in list(enumerate(facts["bodies"]))[1:]:
        mass, com, inertia = together(model, data, name, facts["bodies"])
        np.testing.assert_allclose(facts["mass"][at], mass, rtol=1e-5)
        np.testing.assert_allclose(facts["com"][at], com, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(
            facts["inertia"][at].reshape(3, 3), inertia, atol=1e-3 * np.trace(inertia), err_msg=name
        )
        np.testing.assert_allclose(facts["place"][at], data.body(name).xpos - origin, atol=2e-5, err_msg=name)


def test_every_action_moves_its_own_joint_its_own_way(facts):
    """A positive action makes its joint's position grow, and no other's as much."""
    moved = facts["moved"]
    own = np.diag(moved)
    assert (own > 0).all(), [facts["joints"][i] for i in np.flatnonzero(own <= 0)]
    assert (np.abs(moved).argmax(1) == np.arange(len(moved))).all()


def test_both_engines_hold_the_same_robot(facts, robot_name):
    """Order, default pose, limits, armature, masses, places; and joints answer alike."""
    if len(both := [found for (name, _), found in FOUND.items() if name == robot_name]) < 2:
        pytest.skip("the other engine comes next, or is not installed")
    first, second = both
    for key in ("joints", "bodies", "fixed"):
        assert first[key] == second[key]
    for key in ("default", "limits", "mass", "com", "inertia", *DRIVES):
        np.testing.assert_allclose(first[key], second[key], rtol=1e-5, atol=1e-6, err_msg=key)
    np.testing.assert_allclose(first["place"], second["place"], atol=2e-5)
    answer = np.abs(np.diag(first["moved"]) - np.diag(second["moved"]))
    assert (answer < 0.15 * np.diag(first["moved"]) + 0.005).all(), dict(zip(first["joints"], answer, strict=True))
