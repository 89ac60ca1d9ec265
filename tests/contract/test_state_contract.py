"""The contract of a policy that moves joints: exact through JSON, strict when read, of one piece."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.state_contracts import make
from sim2real.contract import Contract, ContractError

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(gain=st.floats(0, 1e6), pos=FINITE, scale=FINITE, clip=st.tuples(FINITE, st.floats(0, 1e6)), seed=st.integers(0))
@settings(max_examples=100, deadline=None)
def test_json_keeps_every_bit(gain, pos, scale, clip, seed):
    """Any numbers come back equal, and the hash with them; both kinds of contract go through one reader."""
    contract = make(history=2)
    robot = replace(contract.robot, joints=(replace(contract.robot.joints[0], kp=gain, default_pos=pos),) * 1)
    robot = replace(robot, joints=(*robot.joints, *contract.robot.joints[1:]))
    action = replace(contract.action, scale=(scale,), raw_clip=(clip[0], clip[0] + clip[1]))
    contract = replace(contract, robot=robot, action=action, run=replace(contract.run, seed=seed))
    again = Contract.from_json(contract.canonical())
    assert again == contract and again.sha256 == contract.sha256
    assert again.robot.joints[0].kp.hex() == float(gain).hex()


def edit(path, value):
    """A contract's JSON with one value changed, or (`del`) removed."""
    data = make().to_dict()
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    if value == "del":
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["observation", "terms", 0, "kind"], "smell", "gyro.kind is 'smell'; it must be one of base_lin_vel"),
        (["observation", "terms", 0, "size"], 4, "gyro.size is 4; it must be 3 for base_ang_vel"),
        (["observation", "terms", 0, "unit"], "deg/s", "gyro.unit is 'deg/s'; it must be one of 'rad/s'"),
        (["observation", "terms", 0, "scale"], [1, 2], "gyro.scale is .*; it must be a list of 1 or 3 numbers"),
        (["observation", "terms", 0, "history"], 0, "gyro.history is 0; it must be an integer of at least 1"),
        (["observation", "terms", 0, "noise"], 1, r"observation.terms\[0\]: unknown key 'noise'"),
        (["observation", "terms", 0, "joints"], ["hip"], "gyro.joints is .*; it must be the names of 0 joints"),
        (["observation", "terms", 2, "command"], "pose", "wanted takes the velocity_command 'pose'; the commands are"),
        (["observation", "terms", 2, "command"], None, "wanted.command is None"),
        (["observation", "terms", 3, "joints"], ["hip", "hip", "knee"], "angles.joints .*each once"),
        (["observation", "terms", 3, "joints"], ["hip", "wing", "knee"], r"angles: joints is \['wing'\]; .*hip, knee"),
        (["observation", "terms", 3, "clip"], [1, -1], "angles.clip is .*low <= high"),
        (["observation", "terms", 3, "clip"], [1], "angles.clip is"),
        (["observation", "terms", 5, "size"], 2, "last.size is 2; it must be 3, as the action's"),
        (["observation", "terms"], [], "observation.terms is .*one or more terms"),
        (["observation", "terms"], {}, "observation.terms is 'dict'; it must be a list of objects"),
        (["observation", "commands", 0, "ranges"], {"x": [1]}, "base_velocity.ranges.x is"),
        (["observation", "commands", 0, "body"], "hand", "base_velocity.body is 'hand'; it must be null"),
        (["observation", "commands", 0, "heading_stiffness"], -1, "heading_stiffness is -1"),
        (["observation", "layout"], "mixed", "observation.layout is 'mixed'"),
        (["observation", "history_order"], "any", "observation.history_order is 'any'"),
        (["observation", "normalizer"], "outside", "observation.normalizer is 'outside'; it must be 'inside'"),
        (["action", "joints"], ["knee", "wing", "hip"], r"action: joints is \['wing'\]"),
        (["action", "offset"], [0], "action.offset is"),
        (["action", "clip"], [[0, 1]], "action.clip is .*a list of 3 ranges or nulls"),
        (["robot"], None, "robot and run must be given"),
        (["robot", "urdf"], "/opt/robots/a.urdf", "robot.urdf is .*below the folder of robots"),
        (["robot", "urdf"], "../a.urdf", "robot.urdf is"),
        (["robot", "urdf_sha256"], "x", "robot.urdf_sha256 is 'x'"),
        (["robot", "joints", 0, "kp"], -1, "hip.kp is -1; it must be a number of 0 or more"),
        (["robot", "joints", 0, "kp"], "25", "hip.kp is '25'"),
        (["robot", "joints", 0, "drive"], "hydraulic", "hip.drive is 'hydraulic'"),
        (["robot", "joints", 0, "drive"], "dc_motor", "two numbers, for a dc_motor alone"),
        (["robot", "joints", 0, "motor"], {"voltage": 1}, "hip.motor is .*given for a motor alone"),
        (["robot", "joints", 0, "default_pos"], "del", r"robot.joints\[0\]: missing key 'default_pos'"),
        (["run", "decimation"], 5, "rate_hz is 50.0; it must be 40, the rate of training"),
        (["run", "physics_dt_s"], 0, "run.physics_dt_s is 0"),
        (["run", "hours"], -1, "run.hours is -1"),
        (["run"], {}, "run: missing key 'physics'"),
        (["latency_s"], [-0.1, 0.1], "latency_s is"),
        (["task"], "../x y", "task is '../x y'"),
    ],
)
def test_reading_is_strict_and_says_where(path, value, message):
    """Each fault names the source, the key, what came and what is allowed."""
    with pytest.raises(ContractError, match=message) as caught:
        Contract.from_json(edit(path, value), "robot.json")
    assert str(caught.value).startswith("robot.json: ")


def test_a_time_major_observation_has_one_history():
    """Terms of unlike histories cannot be cut into samples."""
    contract = make(history=2, layout="time_major")
    terms = (replace(contract.state.terms[0], history=3), *contract.state.terms[1:])
    with pytest.raises(ContractError, match="history is .*'gyro': 3.*equal under 'time_major'"):
        replace(contract.observation, terms=terms)


def test_every_field_counts():
    """A change anywhere is another contract with another hash."""
    one = make()
    joints = (replace(one.robot.joints[0], armature=math.nextafter(0.01, 1)), *one.robot.joints[1:])
    others = (
        replace(one, robot=replace(one.robot, joints=joints)),
        replace(one, run=replace(one.run, seed=8)),
        replace(one, latency_s=(0.0, 0.02)),
        replace(one, action=replace(one.action, joints=("hip", "knee", "ankle"))),
        make(history=2),
    )
    assert len({one.sha256, *(other.sha256 for other in others)}) == 1 + len(others)


def test_the_sizes_add_up():
    """Seventeen numbers a sample, three samples."""
    assert make().state.size == 17 and make(history=3).state.size == 51
    assert make().robot.joint("knee").default_pos == -0.2
    with pytest.raises(ContractError, match="joint is 'wing'; it must be one of hip, knee, ankle"):
        make().robot.joint("wing")
