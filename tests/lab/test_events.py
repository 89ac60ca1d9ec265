"""Three lines on a stock Isaac Lab task: what was drawn is what the solver holds and where worlds start."""

import numpy as np
import pytest
import torch

import sim2real.lab
from engine_env import ENGINES
from lab.lab_env import act, expected, open_task, properties, state
from sim2real.errors import Sim2RealError


@pytest.fixture(scope="module", params=ENGINES)
def task(request):
    """The stock velocity task with our events, on each engine."""
    with open_task("Robot", request.param) as opened:
        yield opened


def some(env, *ids):
    return torch.tensor(ids, dtype=torch.int32, device=env.device)


def body(env, name):
    return env.scene["robot"].body_names.index(name)


def test_draws_are_the_numbers_of_numpy(task):
    """Every term, bit for bit: reset terms in the episode of their world, startup terms in episode 0."""
    env, found = task
    episode = found.episodes.numpy()
    for name in found.drawn_terms:
        if found.moves(name):
            continue
        at = 0 if found.randomizer.terms[name].term.when == "startup" else episode
        assert np.array_equal(found.values(name).numpy(), expected(found, name, at)), name


def test_the_solver_holds_what_was_drawn(task):
    """Mass and inertia by one factor, the centre of mass moved, each rotor's armature and each gain scaled."""
    env, found = task
    base = body(env, "base")
    now, nominal = properties(found), {name: found.engine.nominal(name) for name in found.randomizer.quantities}
    factor = found.values("base_mass").numpy()[:, 0]
    elements = [element.name for element in found.engine.elements.body]
    base = elements.index("base")
    np.testing.assert_allclose(now["body_mass"][:, base], nominal["body_mass"][:, base] * factor, rtol=1e-6)
    np.testing.assert_allclose(
        now["body_inertia"][:, base], nominal["body_inertia"][:, base] * factor, rtol=1e-5, atol=1e-7
    )
    moved = nominal["body_com"][:, base] + found.values("base_com").numpy()[:, 0]
    np.testing.assert_allclose(now["body_com"][:, base], moved, atol=1e-7)
    others = [i for i in range(len(elements)) if i != base]
    for name in ("body_mass", "body_com"):
        np.testing.assert_allclose(now[name][:, others], nominal[name][:, others], rtol=1e-6, atol=1e-9)
    labels = list(found.randomizer.terms["rotor"].labels)
    joints = [labels.index(f"robot/{element.name}") for element in found.engine.elements.joint]
    for name, term in (("joint_armature", "rotor"), ("actuator_kp", "stiffness")):
        drawn = found.values(term).numpy()[:, joints]
        np.testing.assert_allclose(now[name], nominal[name] * drawn, rtol=1e-6)
        assert drawn.std() > 0.02


def test_worlds_start_where_the_spec_says(task):
    """Root and joints are the default state and the draws of the episode that begins; the robot leans by the draw."""
    env, found = task
    env.reset()
    pose, velocity, position, speed = state(env)
    data = env.scene["robot"].data
    default = data.default_root_pose.torch.numpy()
    np.testing.assert_allclose(pose[:, :3], default[:, :3] + found.values("place").numpy()[:, 0], atol=1e-5)
    quaternion = reference_attitude(found.values("heading").numpy()[:, 0, 0], found.values("lean").numpy()[:, 0])
    sign = np.sign((quaternion * pose[:, 3:]).sum(-1, keepdims=True))
    np.testing.assert_allclose(pose[:, 3:] * sign, quaternion, atol=2e-6)
    np.testing.assert_allclose(velocity[:, :3], found.values("glide").numpy()[:, 0], atol=1e-5)
    np.testing.assert_allclose(velocity[:, 3:], found.values("spin").numpy()[:, 0], atol=1e-5)
    names = list(data.joint_names)
    order = [list(found.randomizer.terms["pose"].labels).index(f"robot/{name}") for name in names]
    scaled = data.default_joint_pos.torch.numpy() * found.values("pose").numpy()[:, order, 0]
    np.testing.assert_allclose(position, scaled, atol=1e-6)
    np.testing.assert_allclose(speed, found.values("wiggle").numpy()[:, order, 0], atol=1e-6)


def reference_attitude(heading, lean):
    """Quaternions x, y, z, w of: turned about the vertical by `heading`, then about the robot's own axes by `lean`."""

    def about(axis, angle):
        q = np.zeros((len(angle), 4))
        q[:, axis], q[:, 3] = np.sin(angle / 2), np.cos(angle / 2)
        return q

    def times(a, b):
        v = a[:, 3:] * b[:, :3] + b[:, 3:] * a[:, :3] + np.cross(a[:, :3], b[:, :3])
        return np.concatenate((v, a[:, 3:] * b[:, 3:] - (a[:, :3] * b[:, :3]).sum(-1, keepdims=True)), -1)

    tilt = times(about(1, lean[:, 1].astype(float)), about(0, lean[:, 0].astype(float)))
    return times(about(2, heading.astype(float)), tilt)


def test_a_reset_touches_its_worlds_only(task):
    """Worlds 1 and 4 begin a new episode; the others keep every bit of property and state."""
    env, found = task
    env.reset()
    before, was = properties(found), state(env)
    episodes = found.episodes.clone().numpy()
    env._reset_idx(some(env, 4, 1))
    after, now = properties(found), state(env)
    touched, others = [1, 4], [0, 2, 3, 5]
    for name in before:
        assert np.array_equal(before[name][others], after[name][others]), name
    for one, other in zip(was, now, strict=True):
        assert np.array_equal(one[others], other[others])
        assert not np.array_equal(one[touched], other[touched])
    assert np.array_equal(found.episodes.numpy() - episodes, [0, 1, 0, 0, 1, 0])
    assert not np.array_equal(before["body_mass"][touched], after["body_mass"][touched])
    assert np.array_equal(before["actuator_kp"], after["actuator_kp"])  # drawn at startup, once


def test_many_resets_do_not_drift(task):
    """After many episodes the solver holds nominal values and the last draws, as after one."""
    env, found = task
    for _ in range(200):
        env._reset_idx(slice(None))
    test_the_solver_holds_what_was_drawn(task)
    test_draws_are_the_numbers_of_numpy(task)


def test_a_kick_changes_the_velocity_of_its_worlds_only(task):
    """By the drawn vector, horizontally, where the term fired; the rest keeps its bits; all get one in time."""
    env, found = task
    env.reset()
    kicked = np.zeros(env.num_envs, bool)
    for _ in range(8):
        was = state(env)
        found.step()
        now = state(env)
        fired = found.randomizer.fired("shove").numpy().astype(bool)
        drawn = found.randomizer.vectors("shove").numpy()[:, 0]
        for one, other in zip(was, now, strict=True):
            assert np.array_equal(one[~fired], other[~fired])
        np.testing.assert_allclose(now[1][fired, :3] - was[1][fired, :3], drawn[fired], atol=1e-5)
        assert np.array_equal(now[1][:, 3:], was[1][:, 3:])
        length = np.linalg.norm(drawn[fired], axis=-1)
        assert np.all(drawn[fired, 2] == 0.0) and np.all((length > 0.099) & (length < 1.001))
        kicked |= fired
    assert kicked.all()  # 0.14 s at most are seven steps


def test_the_critic_is_told_the_draws(task):
    """A column for every number that varies, in [-1, 1], the mass among them; the policy's group holds them."""
    env, found = task
    observation = act(env)[0]["policy"]
    names = found.randomizer.normalised_names
    columns = sim2real.lab.drawn(env)
    assert columns.shape == (env.num_envs, len(names)) and columns.abs().max() <= 1.0
    out = torch.full_like(columns, 9.0)
    assert sim2real.lab.drawn(env, out=out) is out and torch.equal(out, columns)
    assert torch.equal(observation[:, -len(names) :], columns)
    mass = found.values("base_mass").numpy()[:, 0, 0]
    low, high = np.log(0.8), np.log(1.25)
    position = {True: (np.log(mass) - low) / (high - low), False: (mass - 0.8) / 0.45}
    column = columns[:, names.index("base_mass")].numpy()
    assert any(np.allclose(column, 2 * share - 1, atol=1e-5) for share in position.values())


def test_the_configuration_holds_the_whole_spec(task):
    """What a training writes down is enough to make the spec again."""
    from sim2real.spec import parse_spec

    env, found = task
    written = env.cfg.to_dict()["events"]["sim2real_startup"]["params"]["settings"]["spec"]
    assert parse_spec(written).digest == found.spec.digest


def test_an_environment_without_a_spec_says_so():
    """The error names the line that is missing."""

    class Bare:
        @property
        def unwrapped(self):
            return self

    with pytest.raises(Sim2RealError, match=r"cfg.events = sim2real.lab.events\("):
        sim2real.lab.randomization_of(Bare())
