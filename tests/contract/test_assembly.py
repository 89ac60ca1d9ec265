"""The assembly: order, scale, clip and history of each term against a plain reference; rows and names do not matter."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.state_contracts import JOINTS, make
from sim2real.contract import (
    ActionMapper,
    ClassAction,
    Command,
    ContractError,
    DepthObservation,
    DepthPreprocess,
    JointPositionAction,
    ObservationAssembler,
    ObservationTerm,
    RobotState,
    StateObservation,
)

ROBOTS = 4


def draw(rng, names=JOINTS, robots=ROBOTS):
    """A state with everything the terms ask for; angles far enough to be clipped."""
    quat = rng.normal(size=(robots, 4))
    return RobotState(
        joint_names=names,
        joint_pos=rng.normal(size=(robots, len(names))) * 2,
        joint_vel=rng.normal(size=(robots, len(names))) * 5,
        base_quat_xyzw=quat / np.linalg.norm(quat, axis=1, keepdims=True),
        base_ang_vel=rng.normal(size=(robots, 3)),
        commands={"base_velocity": rng.normal(size=(robots, 3)), "unused": np.zeros((robots, 1))},
        last_action=rng.normal(size=(robots, 3)),
    )


def turned_down(quat):
    """The unit vector downwards in the body's frame, by a rotation matrix."""
    x, y, z, w = quat
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return rotation.T @ [0.0, 0.0, -1.0]


def reference(state, row):
    """The samples of one robot, term by term, in double precision."""
    pos, vel = (
        dict(zip(state.joint_names, state.joint_pos[row], strict=True)),
        dict(zip(state.joint_names, state.joint_vel[row], strict=True)),
    )
    return [
        state.base_ang_vel[row] * 0.25,
        turned_down(state.base_quat_xyzw[row]),
        state.commands["base_velocity"][row] * [2.0, 2.0, 0.25],
        np.clip([pos["ankle"] - 0.3, pos["hip"] - 0.1, pos["knee"] + 0.2], -1.0, 1.0),
        np.array([vel["knee"], vel["hip"]]) * 0.05,
        state.last_action[row],
    ]


@pytest.mark.parametrize("layout", ["term_major", "time_major"])
@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
@pytest.mark.parametrize("history", [1, 3])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), resets=st.lists(st.integers(0, 2**ROBOTS - 1), min_size=2, max_size=7))
def test_it_builds_what_the_reference_builds(layout, order, history, seed, resets):
    """Over several decisions, with robots that start anew at any of them."""
    assembler = ObservationAssembler(make(history, layout, order), ROBOTS)
    rng, memory = np.random.default_rng(seed), [deque(maxlen=history) for _ in range(ROBOTS)]
    for mask in resets:
        rows = [row for row in range(ROBOTS) if mask >> row & 1]
        assembler.reset(rows)
        state = draw(rng)
        found = assembler(state)
        assert found.dtype == np.float32 and found.shape == (ROBOTS, assembler.size)
        for row, kept in enumerate(memory):
            if row in rows or not kept:
                kept.extend([reference(state, row)] * history)
            else:
                kept.append(reference(state, row))
            samples = list(kept) if order == "oldest_first" else list(kept)[::-1]
            parts = samples if layout == "time_major" else list(zip(*samples, strict=True))
            wanted = np.concatenate([np.ravel(piece) for part in parts for piece in part])
            np.testing.assert_allclose(found[row], wanted, atol=2e-6)


@given(order=st.permutations([*JOINTS, "tail", "ear"]), seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_states_joints_does_not_matter(order, seed):
    """Any order, and joints that no term asks for, give the same bits."""
    rng = np.random.default_rng(seed)
    state = draw(rng, (*JOINTS, "tail", "ear"))
    columns = [state.joint_names.index(name) for name in order]
    shuffled = replace(
        state, joint_names=tuple(order), joint_pos=state.joint_pos[:, columns], joint_vel=state.joint_vel[:, columns]
    )
    one, other = ObservationAssembler(make(), ROBOTS), ObservationAssembler(make(), ROBOTS)
    np.testing.assert_array_equal(one(state), other(shuffled))


def test_a_robot_is_not_touched_by_the_others_reset_or_number():
    """Row 2 of four robots, among which one starts anew, is bit-equal to the same robot alone."""
    together, alone = ObservationAssembler(make(3), ROBOTS), ObservationAssembler(make(3), 1)
    rng = np.random.default_rng(0)
    for step in range(6):
        if step == 3:
            together.reset([0])
        state = draw(rng)
        row = RobotState(
            joint_names=state.joint_names,
            commands={name: values[2] for name, values in state.commands.items()},
            **{
                name: getattr(state, name)[2]
                for name in ("joint_pos", "joint_vel", "base_quat_xyzw", "base_ang_vel", "last_action")
            },
        )
        np.testing.assert_array_equal(together(state)[2], alone(row)[0])


def test_what_was_returned_is_not_written_to_again():
    """An observation that was kept stays what it was; the state is left alone."""
    assembler, state = ObservationAssembler(make(2), ROBOTS), draw(np.random.default_rng(1))
    before = state.joint_pos.copy()
    first = assembler(state)
    copy = first.copy()
    assembler(draw(np.random.default_rng(2)))
    np.testing.assert_array_equal(first, copy)
    np.testing.assert_array_equal(state.joint_pos, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_ang_vel": None}, r"observation 'gyro' needs base_ang_vel \[rad/s\], which the state does not give"),
        ({"commands": {}}, "observation 'wanted' needs the command 'base_velocity'; given: none"),
        (
            {"joint_names": ("hip", "knee", "toe")},
            "'angles' needs the joints ankle, .*it has: hip, knee, toe",
        ),
        ({"joint_names": ("hip", "hip", "knee")}, "joint_names has hip more than once"),
        (
            {"joint_pos": np.zeros((ROBOTS, 4))},
            r"joint_pos is float64 of shape \(4, 4\); it must be .*\(4, 3\)",
        ),
        ({"joint_pos": np.zeros((2, 3))}, r"joint_pos is float64 of shape \(2, 3\)"),
        ({"joint_pos": np.full((ROBOTS, 3), "x")}, "joint_pos is <U1 of shape"),
        ({"base_ang_vel": np.full((ROBOTS, 3), np.nan)}, "base_ang_vel of robot 0, 1, 2, 3 is not finite"),
        ({"base_quat_xyzw": np.full((ROBOTS, 4), 2.0)}, "base_quat_xyzw of robot 0 has length 4; it must be 1"),
        ({"last_action": None}, "observation 'last' needs last_action"),
    ],
)
def test_a_state_that_lacks_something_is_refused_and_nothing_is_remembered(changes, message):
    """What is missing and who needs it; the next good state is still the first of the episode."""
    assembler, untouched = ObservationAssembler(make(3), ROBOTS), ObservationAssembler(make(3), ROBOTS)
    rng = np.random.default_rng(5)
    first, second = draw(rng), draw(rng)
    assembler(first), untouched(first)
    with pytest.raises(ContractError, match=message):
        assembler(replace(second, **changes))
    np.testing.assert_array_equal(assembler(second), untouched(second))


def scan(**changes):
    """A contract whose only term is a height scan."""
    values = {"name": "ground", "kind": "height_scan", "size": 4, "unit": "m", "offset": (0.5,), "clip": (-1, 1)}
    return make(observation=StateObservation(terms=(ObservationTerm(**{**values, **changes}),)))


def test_a_height_scan_and_a_base_velocity_are_terms_too():
    """Offset before clip before scale; the velocity goes through as it is."""
    depth = np.array([[0.3, 0.6, 3.0, -3.0]])
    assembler = ObservationAssembler(scan(scale=(2.0,)))
    np.testing.assert_allclose(assembler(RobotState(height_scan=depth)), [[-0.4, 0.2, 2.0, -2.0]], atol=1e-6)
    velocity = scan(name="speed", kind="base_lin_vel", size=3, unit="m/s", offset=(0.0,), clip=None)
    state = RobotState(base_lin_vel=[0.1, 0.2, 0.3])
    np.testing.assert_allclose(ObservationAssembler(velocity)(state), [[0.1, 0.2, 0.3]], atol=1e-7)


@pytest.mark.parametrize("side", [(0.0, 0.0, 0.0, 1.0), (0.0, -1.0, 0.0, 0.0)])
def test_both_quaternions_of_one_turn_are_seen_alike(side):
    """On the side that the policy knows; a hand that points down has no real part to tell them apart by."""
    reach = StateObservation(
        terms=(
            ObservationTerm(name="goal", kind="pose_command", size=7, unit="m, quaternion xyzw", command="hand_pose"),
        ),
        commands=(
            Command(
                name="hand_pose", kind="pose_command", ranges={"pos_x": (0, 1)}, body="hand", side_xyzw=side
            ),
        ),
    )  # fmt: skip
    turn = np.array([0.1, -0.9, 0.1, 0.4]) / np.linalg.norm([0.1, -0.9, 0.1, 0.4])
    seen = [
        ObservationAssembler(make(observation=reach))(RobotState(commands={"hand_pose": [[1, 2, 3, *(sign * turn)]]}))
        for sign in (1, -1)
    ]
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_allclose(seen[0], [[1, 2, 3, *turn]], atol=1e-7)
    with pytest.raises(ContractError, match="side_xyzw"):
        replace(reach.commands[0], side_xyzw=(0.0, 0.0, 0.0, 0.5))


def test_targets_are_clipped_output_times_scale_plus_offset():
    """By hand, in the order of the outputs, and by name."""
    mapper = ActionMapper(make())
    np.testing.assert_allclose(mapper.targets([[1.0, 2.0, -1.0]]), [[0.3, 0.6, 0.2]], atol=1e-6)
    np.testing.assert_array_equal(mapper.raw([[50.0, -50.0, 1.0]]), [[10.0, -10.0, 1.0]])
    assert mapper.by_name(np.ones((2, 3)))["hip"] == pytest.approx([0.35, 0.35])
    clipped = JointPositionAction(
        joints=("knee", "hip"), scale=(1.0,), offset=(0.0, 0.5), clip=((-0.1, 0.1), None), raw_clip=None
    )
    terms = make().state.terms[:2]
    mapper = ActionMapper(make(action=clipped, observation=StateObservation(terms=terms)))
    np.testing.assert_allclose(mapper.targets([5.0, 5.0]), [[0.1, 5.5]])


@pytest.mark.parametrize("output", [np.ones((2, 4)), [[1.0, np.nan, 0.0]], np.ones((1, 2, 3))])
def test_an_output_that_is_none_is_refused(output):
    """Another length, no number, another shape."""
    with pytest.raises(ContractError, match="output"):
        ActionMapper(make()).targets(output)


def test_a_policy_that_sees_has_no_assembly():
    """And a classifier moves no joints."""
    sees = make(
        observation=DepthObservation(preprocess=DepthPreprocess(width=4, height=4, near_m=0.1, far_m=1.0)),
        action=ClassAction(names=("left", "right")),
        robot=None,
        run=None,
        dataset_hash="a" * 64,
    )
    with pytest.raises(ContractError, match="takes depth; wanted is the robot's state"):
        ObservationAssembler(sees)
    with pytest.raises(ContractError, match="gives class; wanted is joint targets"):
        ActionMapper(sees)
    with pytest.raises(ContractError, match="num_envs is 0; it must be at least 1"):
        ObservationAssembler(make(), 0)
