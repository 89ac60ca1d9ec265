"""Episodes and their measures: drawn by number, the same for every engine, one batch or many, whole or killed."""

import dataclasses
import json
import math

import numpy as np
import pytest

from evaluate.policies import go2_contract, panda_contract, write_bundle
from sim2real.contract import ContractError, RobotState
from sim2real.deploy import JointPolicyRuntime
from sim2real.evaluate.engines.mujoco_player import MujocoPlayer
from sim2real.evaluate.engines.player import Conditions, Snapshot
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.transfer_plan import FACTORS, Episode, TransferTask, heading_of, quat_from_euler
from sim2real.evaluate.transfer_rollout import PlayedEpisode, level_velocity, play
from sim2real.evaluate.transfer_run import EnginesCfg
from sim2real.evaluate.transfer_table import PlayedTable

WIDE = {"lin_vel_x": (-1.0, 1.0), "lin_vel_y": (-0.5, 0.5), "ang_vel_z": (-1.0, 1.0), "heading": (-3.0, 3.0)}


def task(contract=None, **changes):
    return TransferTask.of(contract or go2_contract(), seed=3, **changes)


class Stand:
    """A policy that wants the default pose, and remembers what it felt."""

    def __init__(self, contract):
        self.joint_names = contract.joint_positions.joints
        self._pose = np.array(contract.joint_positions.offset)
        self.felt = []

    def reset(self, rows=None):
        self.felt = []

    def step(self, state: RobotState):
        self.felt.append(state)
        return np.tile(self._pose, (len(state.joint_pos), 1))


class Scripted:
    """A player whose robots are told where to be: measures against numbers that are known."""

    engine = "mujoco"

    def __init__(self, contract, snapshots, mass=10.0):
        self.robot, self._snapshots = contract.robot, snapshots
        self.joint_names = contract.robot.joint_names
        self.num_worlds = len(snapshots[0].base_pos)
        self.link_names = (contract.robot.base_link, "panda_hand")
        self.mass = np.full(self.num_worlds, mass)

    def reset(self, conditions: Conditions):
        self._at = 0
        return self._snapshots[0]

    def step(self, targets, active=None):
        self._at += 1
        return self._snapshots[min(self._at, len(self._snapshots) - 1)]


def snapshot(count, joints, **given):
    zeros = {"base_pos": 3, "base_lin_vel": 3, "base_ang_vel": 3, "joint_pos": joints, "joint_vel": joints}
    values = {name: np.zeros((count, width)) for name, width in (zeros | {"joint_effort": joints}).items()}
    level = np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))
    values |= {"base_quat_xyzw": level, "tool_quat_xyzw": level, "energy": np.zeros(count)}
    values |= {"links": np.zeros((count, 2, 3))}
    values["base_pos"][:, 2] = 0.3
    return Snapshot(**(values | given))


def test_an_episode_is_its_number():
    """In any order and company, under any variant: the same start and commands."""
    one = task(go2_contract(WIDE, heading=0.5))
    numbers = [Episode(5), Episode(0), Episode(5, "friction=0.2"), Episode(5, "nominal")]
    many, alone = one.conditions(numbers), one.conditions([Episode(5)])
    for field in dataclasses.fields(Conditions):
        if field.name not in ("drives", "links"):  # of a spec
            np.testing.assert_array_equal(getattr(many, field.name)[0], getattr(alone, field.name)[0])
    assert many.drives is None and many.links is None
    for row in (2, 3):
        np.testing.assert_array_equal(many.joint_offset[row], alone.joint_offset[0])
        assert many.yaw[row] == alone.yaw[0] != many.yaw[1]
    assert (many.friction[2], many.mass[2], many.latency_s[2]) == (0.2, 1.0, 0.0)
    assert (many.friction[3], many.strength[3]) == (0.8, 1.0)
    assert alone.friction[0] not in (0.2, 0.8)
    np.testing.assert_array_equal(one.wanted(numbers, 0)[2], one.wanted([Episode(5)], 499)[0])
    assert (one.wanted(numbers, 0)[0] != one.wanted(numbers, 500)[0]).any()
    other = dataclasses.replace(one, seed=4).conditions(numbers)
    assert other.yaw[0] != many.yaw[0]


def test_draws_fill_their_ranges():
    one = task(go2_contract(WIDE, heading=0.5))
    episodes = [Episode(n) for n in range(2000)]
    conditions = one.conditions(episodes)
    for name, (_, (low, high), _, _) in FACTORS.items():
        values = getattr(conditions, name)
        assert values.min() >= low and values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    assert np.abs(conditions.joint_offset).max() == pytest.approx(0.1, rel=0.01)
    wanted = one.wanted(episodes, 0)
    np.testing.assert_allclose(wanted.min(axis=0), [-1, -0.5, -1, -3], rtol=0.02)
    np.testing.assert_allclose(wanted.max(axis=0), [1, 0.5, 1, 3], rtol=0.02)


def test_a_heading_is_turned_to():
    one = task(go2_contract(WIDE, heading=0.5))
    seen = snapshot(2, 12, base_quat_xyzw=quat_from_euler(np.array([[0.0, 0.0, 3.0], [0.3, 0.0, 1.0]])))
    np.testing.assert_allclose(heading_of(seen.base_quat_xyzw), [3.0, 1.0], atol=1e-9)
    wanted = np.array([[0.2, 0.1, 9.0, -3.0], [0.2, 0.1, 9.0, -2.0]])
    now = one.command_now(wanted, seen)
    np.testing.assert_allclose(now[:, :2], [[0.2, 0.1]] * 2)
    np.testing.assert_allclose(now[:, 2], [0.5 * (2 * math.pi - 6.0), -1.0])  # the short way; within the range


def test_the_velocity_is_measured_along_the_heading():
    """Pitched by 90 degrees about y and headed along +y, body axes say little; the world's plane does."""
    quat = quat_from_euler(np.array([[0.0, 0.4, math.pi / 2]]))
    forwards = np.array([[math.cos(0.4), 0.0, math.sin(0.4)]])  # horizontal, in the body's frame
    seen = snapshot(1, 12, base_quat_xyzw=quat, base_lin_vel=0.7 * forwards)
    np.testing.assert_allclose(level_velocity(seen), [[0.7, 0.0]], atol=1e-9)


def test_measures_of_a_walk_that_is_known():
    """0.4 m/s where 0.5 was asked, 3 J a step; the second robot falls half-way, the third becomes no number."""
    ask = {"lin_vel_x": (0.5, 0.5), "lin_vel_y": (0.0, 0.0), "ang_vel_z": (0.0, 0.0)}
    contract = go2_contract(ask)
    one = task(contract, episode_s=4.0)
    steps = 200
    fast = 0.995 * 30.1 * np.eye(12)[0]  # the first hip, at its limit
    rows = []
    for k in range(steps + 1):
        links = np.zeros((3, 2, 3))
        links[:, 0, 0] = 0.4 * 0.02 * k
        velocity = np.tile([0.4, 0.0, 0.0], (3, 1))
        pos = np.tile([0.0, 0.0, 0.3], (3, 1))
        pos[1, 2] = 0.3 if k <= 100 else 0.05
        if k > 50:
            velocity[2] = np.nan
        rows.append(
            snapshot(
                3, 12, links=links, base_lin_vel=velocity, base_pos=pos, energy=np.full(3, 3.0 if k else 0.0),
                joint_vel=np.tile(fast if k % 4 == 0 else 0.98 * fast, (3, 1)),
            )
        )  # fmt: skip
    walked, fell, broke = play(Scripted(contract, rows), Stand(contract), one, [Episode(n) for n in range(3)])
    assert (walked.outcome, fell.outcome, broke.outcome) == ("success", "fall", "diverged")
    assert (walked.time_s, fell.time_s, broke.time_s) == (4.0, 2.02, 1.0)
    assert walked.error == pytest.approx(0.1)
    assert walked.energy_j == pytest.approx(600.0) and fell.energy_j == pytest.approx(303.0)
    assert walked.distance_m == pytest.approx(1.6)
    assert walked.cost_of_transport == pytest.approx(600 / (9.81 * 10 * 1.6), rel=1e-5)
    assert walked.action_rate == 0.0 and walked.at_speed_limit == 0.25
    perfect = (2 * math.exp(-0.04) + 1) / 3
    assert walked.score == pytest.approx(perfect, rel=1e-5)
    assert fell.score == pytest.approx(perfect * 101 / 200, rel=1e-5)


def test_a_reach_counts_by_the_last_second_of_each_target():
    """3 cm off when it matters, far off before; the angle is a known turn about z."""
    ranges = {"pos_x": (0.4, 0.4), "pos_y": (0.1, 0.1), "pos_z": (0.5, 0.5), "yaw": (0.5, 0.5)}
    contract = panda_contract(ranges)
    one = task(contract, episode_s=3.0)
    rows = [snapshot(1, 9, base_pos=np.zeros((1, 3)))]
    for k in range(90):
        links = np.zeros((1, 2, 3))
        links[0, 1] = [0.4, 0.1, 0.53] if k % 45 >= 15 else [0.9, 0.1, 0.5]
        turned = quat_from_euler(np.array([[0.0, 0.0, 0.2]]))
        rows.append(snapshot(1, 9, links=links, base_pos=np.zeros((1, 3)), tool_quat_xyzw=turned))
    (played,) = play(Scripted(contract, rows), Stand(contract), one, [Episode(0)])
    assert played.outcome == "success"
    assert played.error == pytest.approx(0.03, rel=1e-5)
    assert played.turn_error == pytest.approx(0.3, rel=1e-5)
    assert played.cost_of_transport is None


def test_a_policy_feels_what_its_contract_names(tmp_path):
    """Run by the robot's runtime in MuJoCo: the same episodes one by one and in a batch end with the same numbers."""
    contract = go2_contract(WIDE, heading=0.5)
    rng = np.random.default_rng(0)
    bundle = write_bundle(tmp_path / "b", contract, 0.02 * rng.normal(size=(contract.state.size, 12)))
    one = task(contract, episode_s=1.0)
    batch = play(
        MujocoPlayer(contract.robot, 0.005, 4, 3), JointPolicyRuntime(bundle, 3), one, [Episode(n) for n in (4, 1, 2)]
    )
    alone = play(MujocoPlayer(contract.robot, 0.005, 4, 1), JointPolicyRuntime(bundle, 1), one, [Episode(1)])
    assert alone[0].outcome == batch[1].outcome
    assert alone[0].error == pytest.approx(batch[1].error, rel=1e-3)
    assert alone[0].action_rate > 0.02


def test_policies_of_another_kind_are_refused():
    contract = go2_contract()
    blind = dataclasses.replace(contract.observation, terms=contract.observation.terms[:2], commands=())
    with pytest.raises(ContractError, match="takes 0 commands"):
        task(dataclasses.replace(contract, observation=blind))
    with pytest.raises(ValueError, match="no condition 'wind'"):
        Episode(0, "wind=3").overrides()


def test_a_height_scan_tells_flat_ground(tmp_path):
    """Of the scanner's link, in the engines that are flat; Isaac Lab's scenes of such tasks are not."""
    contract = go2_contract()
    shared = {"kind": "height_scan", "size": 5, "unit": "m", "offset": (0.5,)}
    scan = dataclasses.replace(contract.observation.terms[0], name="scan", sensor={"link": "base"}, **shared)
    rough = dataclasses.replace(contract.observation, terms=(*contract.observation.terms, scan))
    contract = dataclasses.replace(contract, observation=rough)
    one, policy = task(contract, episode_s=0.04), Stand(contract)
    player = MujocoPlayer(contract.robot, 0.005, 4, 2)
    places = []
    play(player, policy, one, [Episode(0), Episode(1)], lambda step, seen, command: places.append(seen.base_pos[:, 2]))
    assert [state.height_scan.shape for state in policy.felt] == [(2, 5)] * 2
    np.testing.assert_allclose(policy.felt[0].height_scan, 0.4)  # where it starts
    np.testing.assert_allclose(policy.felt[1].height_scan, places[0][:, None] * np.ones(5))
    cfg = EnginesCfg(bundle=tmp_path, out=tmp_path, engines=("mujoco", "newton"))
    with pytest.raises(EvaluationError, match="scene in newton is not flat. Give --engines mujoco,dart"):
        cfg.task(contract)


def played(number, variant="drawn", outcome="success"):
    return PlayedEpisode(
        number=number, variant=variant, outcome=outcome, time_s=1.0, score=0.5, error=0.1, turn_error=0.1,
        energy_j=1.0, distance_m=1.0, cost_of_transport=None, action_rate=0.0,
        at_speed_limit=0.0, conditions={"mass": 1.0},
    )  # fmt: skip


def test_a_table_keeps_what_it_was_given(tmp_path):
    path = tmp_path / "deep" / "episodes.jsonl"
    table = PlayedTable(path, {"engine": "dart", "rules": {"a": 1.5}})
    table.append([played(1), played(0, "nominal")])
    table.append([played(0)])
    again = PlayedTable(path, {"engine": "dart", "rules": {"a": 1.5}})
    assert list(again) == list(table) and len(again) == 3
    wanted = [Episode(0), Episode(3), Episode(1), Episode(0, "nominal")]
    assert again.missing(wanted) == [Episode(3)]
    with pytest.raises(EvaluationError, match="another run: engine differ"):
        PlayedTable(path, {"engine": "mujoco", "rules": {"a": 1.5}})


def test_a_table_that_was_killed_goes_on(tmp_path):
    """At every byte where the file could have been cut, whole lines stay and the rest is played again."""
    path = tmp_path / "episodes.jsonl"
    whole = PlayedTable(path, {"engine": "dart"})
    whole.append([played(n) for n in range(3)])
    data = path.read_bytes()
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        lines = data[:cut].count(b"\n")
        if lines == 0 and cut:
            table = PlayedTable(path, {"engine": "dart"})
            assert len(table) == 0
        else:
            table = PlayedTable(path, {"engine": "dart"})
            assert len(table) == max(0, lines - 1)
        table.append([played(n) for n in range(len(table), 3)])
        assert path.read_bytes() == data


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "episodes.jsonl"
    PlayedTable(path, {"engine": "dart"}).append([played(n) for n in range(3)])
    lines = path.read_text().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), "outcome": "flew"})
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(EvaluationError, match="line 3 is damaged"):
        PlayedTable(path, {"engine": "dart"})
