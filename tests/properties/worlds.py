"""Environments with the spec of these tests, and everything that their solvers hold, as NumPy arrays by world."""

import contextlib
import dataclasses
import re

import numpy as np
import warp as wp

import sim2real.lab
from properties.specs import whole
from sim2real.draws import Draws
from sim2real.engines.engine import Rows
from sim2real.engines.quantities import QUANTITIES
from sim2real.lab import randomization_of
from sim2real.lab.launch import make_env
from sim2real_tasks.velocity import TASK

MANY, FEW = 64, 16
"""Worlds of the large and of the small environments."""


@contextlib.contextmanager
def open_worlds(physics, num_envs, spec=None, **settings):
    """Isaac Lab's velocity task on the Go2 with a spec's events, reset once, and what the spec does in it."""
    events = sim2real.lab.events(whole() if spec is None else spec, **settings)
    with make_env(TASK, physics, **{"scene.num_envs": num_envs, "events": events}) as env:
        env.reset()
        yield env, randomization_of(env)


def rows_of(*worlds, padded=0):
    """Worlds by number, and so many entries that mean none."""
    index = np.array([*worlds, *[-1] * padded], np.int32)
    return Rows(index=wp.array(index, dtype=wp.int32, device="cpu"), n=len(index))


def held(found):
    """What the solver holds of everything that the spec changes, by quantity."""
    return {name: found.engine.read(name).copy() for name in found.randomizer.quantities}


def drawn(found):
    """The present draws by term."""
    return {name: found.values(name).numpy().copy() for name in found.drawn_terms}


def starts(env):
    """Where the robots stand in their environments, and their joints."""
    data = env.scene["robot"].data
    pose = data.root_link_pose_w.torch.clone()
    pose[:, :3] -= env.scene.env_origins
    return {"pose": pose.numpy(), "joints": data.joint_pos.torch.clone().numpy()}


def snapshot(env, found):
    """Draws, properties, starts and counters; and of the properties, the nominal values and their elements' names."""
    engine = found.engine
    return {
        "nominal": {name: engine.nominal(name) for name in found.randomizer.quantities},
        "names": {
            name: [element.name for element in engine.elements.of(QUANTITIES[name].kind)]
            for name in found.randomizer.quantities
        },
        "draws": drawn(found),
        "held": held(found),
        "starts": starts(env),
        "counters": {"episode": found.episodes.clone().numpy(), "edge": found.randomizer.boundary.numpy().copy()},
    }


def same_worlds(one, other, mine=slice(None), theirs=slice(None), place=5e-6):
    """The worlds `mine` of one snapshot are the worlds `theirs` of the other: all bits of draws, properties and
    counters; of starts, what the place of an environment leaves of them in single precision [m].
    """
    for part in ("draws", "held", "counters"):
        assert one[part].keys() == other[part].keys()
        for name, values in one[part].items():
            left, right = values[mine], other[part][name][theirs]
            if name == "body_position":  # the root's is where its environment stands
                left, right = left[:, 1:], right[:, 1:]
            np.testing.assert_array_equal(left, right, err_msg=f"{part}: {name}")
    for name, values in one["starts"].items():
        np.testing.assert_allclose(values[mine], other["starts"][name][theirs], atol=place, err_msg=name)


def expected(found, name, worlds, episode):
    """NumPy's draws of a term, (worlds, count, dim), from its name, its distribution and the spec's seed alone."""
    term, count = found.randomizer.terms[name].term, found.randomizer.terms[name].count
    values = Draws(found.spec.seed).sample(name, term.dist, np.asarray(worlds), episode, 0, count)
    return values.reshape(len(worlds), count, term.dist.dim)


def numbers(found, kind, pattern):
    """Numbers of the robot's elements whose names end so, and the names."""
    elements = [(i, e) for i, e in enumerate(found.engine.elements.of(kind)) if e.asset == "robot"]
    chosen = [(i, e.name) for i, e in elements if e.name.endswith(pattern)]
    return [i for i, _ in chosen], [name for _, name in chosen]


def arrays_of(env):
    """Copies of every array that the solver of an environment has, by name, and the world of each of their rows, -1
    for what belongs to none.
    """
    return newton_arrays(env) if "newton" in env.sim.physics_manager.__module__ else physx_arrays(env)


def newton_arrays(env):
    """Newton's model and its custom attributes, MuJoCo Warp's model and data, Newton's actuators."""
    from sim2real.lab.bind import newton_solver

    model, solver = env.sim.physics_manager.get_model(), newton_solver(env)
    roots = {"model": model, "model.mujoco": model.mujoco, "mjw": solver.mjw_model, "mjw_data": solver.mjw_data}
    roots |= {f"mjw.{name}": getattr(solver.mjw_model, name) for name in ("opt", "stat")}
    for i, actuator in enumerate(model.actuators):
        for part in (actuator.drive, *(actuator.clamping or ())):
            roots[f"actuator {i}: {type(part).__name__}"] = part
    dofs = np.diff(model.joint_qd_start.numpy())
    by_length = {env.num_envs + 1: np.append(np.arange(env.num_envs), -1)}  # gravity: each world's, then nobody's
    for world in (model.body_world, model.joint_world, model.shape_world):
        by_length.setdefault(len(world), world.numpy())
    by_length.setdefault(int(dofs.sum()), np.repeat(model.joint_world.numpy(), dofs))
    found = {}
    for root, holder in roots.items():
        for name, array in vars_of(holder).items():
            if not isinstance(array, wp.array) or not array.size:
                continue
            rows = array.shape[0]
            n = env.num_envs
            by_world = np.repeat(np.arange(n), rows // n) if rows % n == 0 else np.full(rows, -1)
            world = by_length.get(rows, by_world)
            found[f"{root}.{name}"] = (bits(array.numpy()), world)
    return found


def physx_arrays(env):
    """PhysX's tensors of the robot, Isaac Lab's copies of its properties, and its actuators' arrays."""
    from isaaclab_ov import tensor_types
    from isaaclab_ov.sim.views.ovphysx_view import OvPhysxView

    from sim2real.lab.physx_scene import find_bodies

    robot, n = env.scene["robot"], env.num_envs
    paths = [world + body.path for world in env.scene.env_prim_paths for body in find_bodies(env)]
    bodies = OvPhysxView(env.sim.physics_manager.get_physx_instance(), prim_paths=paths, device=env.device)
    found = {}
    for kind, view in (("ARTICULATION", robot.root_view), ("RIGID_BODY", bodies)):
        for tensor in (t for t in tensor_types.TensorType if t.name.startswith(kind) and not CONTROL.search(t.name)):
            if view.try_binding_for(tensor) is not None:
                values = view.get_attribute(tensor).numpy()
                found[f"tensor.{tensor.name.lower()}"] = (bits(values), np.repeat(np.arange(n), len(values) // n))
    bodies.close()
    for i, actuator in enumerate(robot.actuators.values()):
        for part in (actuator.drive, *(actuator.clamping or ())):
            for name, array in vars_of(part).items():
                if isinstance(array, wp.array) and array.size and array.shape[0] % n == 0:
                    world = np.repeat(np.arange(n), array.shape[0] // n)
                    found[f"actuator {i}: {type(part).__name__}.{name}"] = (bits(array.numpy()), world)
    for name in COPIES:
        found[f"data.{name}"] = (bits(getattr(robot.data, name).torch.numpy()), np.arange(n))
    return found


CONTROL = re.compile("WRENCH|FORCE$|TARGET|TENDON")
"""Tensors of PhysX that are commands, which cannot be read, or of parts that the robot has not."""
STATE = re.compile(r"mjw_data\.|tensor\..*_(root|link|dof|body)_(pose|velocity|acceleration|position)$")
"""Arrays that hold where things are, and not what they are."""
DERIVED = re.compile(r"tensor\..*_(jacobian|mass_matrix|mass_center_\w+|centroidal_momentum)$")
"""Tensors that follow from both, when they are asked for."""


COPIES = (
    "body_mass", "body_inertia", "body_com_pose_b", "joint_armature", "joint_friction_coeff", "joint_pos_limits",
    "joint_dynamic_friction_coeff", "joint_viscous_friction_coeff", "joint_stiffness", "joint_damping",
    "joint_effort_limits", "joint_vel_limits", "soft_joint_pos_limits",
)  # fmt: skip
"""What Isaac Lab keeps of PhysX's properties."""


def vars_of(holder):
    """Attributes by name."""
    if dataclasses.is_dataclass(holder):
        return {field.name: getattr(holder, field.name) for field in dataclasses.fields(holder)}
    return dict(vars(holder))


def bits(values):
    """A copy of an array as rows of bytes, so that equal means equal bits."""
    values = np.ascontiguousarray(values)
    return values.reshape(values.shape[0], -1).view(np.uint8).copy()


def changed_worlds(before, after):
    """By the name of each array that changed, the worlds whose rows did."""
    found = {}
    for name, (values, world) in before.items():
        assert after[name][0].shape == values.shape, name
        rows = (after[name][0] != values).any(1)
        if rows.any():
            found[name] = set(world[rows].tolist())
    assert before.keys() == after.keys()
    return found
