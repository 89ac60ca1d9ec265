"""A reset of some worlds changes those worlds only: every other row of every array of the solver keeps its bits."""

import numpy as np
import pytest
import torch

from properties.worlds import MANY, STATE, arrays_of, changed_worlds, held, rows_of, starts

SOME = (3, 17, 18, 40, 63)
OTHERS = [world for world in range(MANY) if world not in SOME]
MOVED = {
    "newton_mjwarp": {
        "model.body_mass", "model.body_inv_mass", "model.body_inertia", "model.body_inv_inertia", "model.body_com",
        "model.joint_friction", "model.joint_damping", "model.joint_armature", "model.joint_limit_lower",
        "model.joint_limit_upper", "model.shape_material_mu", "model.shape_material_ke", "model.joint_X_p",
        "mjw.body_mass", "mjw.body_ipos", "mjw.body_iquat", "mjw.body_inertia", "mjw.body_subtreemass", "mjw.body_pos",
        "mjw.body_invweight0", "mjw.dof_invweight0", "mjw.dof_armature", "mjw.dof_frictionloss", "mjw.dof_damping",
        "mjw.jnt_range", "mjw.jnt_solref", "mjw.geom_friction", "mjw.geom_solref", "mjw.opt.gravity",
        "mjw.stat.meaninertia",
    },
    "ovphysx": {
        "tensor.rigid_body_mass", "tensor.rigid_body_inertia", "tensor.rigid_body_com_pose",
        "tensor.rigid_body_shape_friction_and_restitution", "tensor.articulation_body_mass",
        "tensor.articulation_body_inertia", "tensor.articulation_body_com_pose",
        "tensor.articulation_dof_friction_properties", "tensor.articulation_dof_armature",
        "tensor.articulation_dof_limit", "data.body_mass", "data.body_inertia", "data.body_com_pose_b",
        "data.joint_armature", "data.joint_pos_limits", "data.joint_viscous_friction_coeff",
    },
}  # fmt: skip
"""Arrays that the spec's terms must reach, so that this compares what it means to."""


@pytest.fixture
def settled(place):
    """The environment after a whole reset and two steps of physics."""
    env, found = place
    env.reset()
    for _ in range(2):
        env.step(torch.zeros(MANY, 12))
    return env, found


def test_properties_of_other_worlds_keep_their_bits(settled):
    """The randomizer alone. What holds the state keeps every bit in all worlds; on PhysX, which keeps a pose by its
    centre of mass, the pose of a link whose centre moved is rounded anew.
    """
    env, found = settled
    before = arrays_of(env)
    found.randomizer.reset(rows_of(*SOME, padded=3))
    after = arrays_of(env)
    changed = changed_worlds(before, after)
    for name in filter(STATE.match, changed):
        assert name.startswith("tensor.") and name.endswith("_pose"), name
        one, other = (arrays[name][0].view(np.float32) for arrays in (before, after))
        np.testing.assert_allclose(one, other, atol=2e-6, err_msg=name)
    assert MOVED[found.engine.name] - changed.keys() == set()
    assert {name: worlds for name, worlds in changed.items() if not worlds <= set(SOME)} == {}
    for name in ("model.body_mass", "tensor.rigid_body_mass"):
        if name in changed:
            assert changed[name] == set(SOME)


def test_an_episode_of_other_worlds_keeps_its_bits(settled):
    """The reset event, starts included: also where the other robots are."""
    env, found = settled
    before, values, was = arrays_of(env), held(found), starts(env)
    episodes = found.episodes.clone().numpy()
    found.reset(torch.tensor(SOME, dtype=torch.int32))
    changed = changed_worlds(before, arrays_of(env))
    assert {name: worlds for name, worlds in changed.items() if not worlds <= set(SOME)} == {}
    assert MOVED[found.engine.name] - changed.keys() == set()
    now, later = starts(env), held(found)
    for one, other in ((was, now), (values, later)):
        for name, array in one.items():
            np.testing.assert_array_equal(array[OTHERS], other[name][OTHERS], err_msg=name)
    for name in was:
        assert (was[name][list(SOME)] != now[name][list(SOME)]).any(1).all(), name
    assert np.flatnonzero(found.episodes.numpy() - episodes).tolist() == list(SOME)


def test_no_world_at_all(settled):
    """A list of entries that mean none changes nothing anywhere."""
    env, found = settled
    before = arrays_of(env)
    found.randomizer.reset(rows_of(padded=4))
    assert changed_worlds(before, arrays_of(env)) == {}
