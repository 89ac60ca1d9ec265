"""Conditions from a spec: the same in every engine, by name; what cannot be played is listed."""

import dataclasses

import numpy as np
import pytest

from evaluate.policies import go2_contract, write_bundle
from evaluate.robots import go2, panda
from evaluate.test_transfer_rollout import Scripted, Stand, snapshot
from sim2real.contract import read_manifest
from sim2real.evaluate.engines.dart_player import DartPlayer
from sim2real.evaluate.engines.mujoco_player import MujocoPlayer
from sim2real.evaluate.engines.player import Conditions, LinkChanges, RobotMismatch
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.transfer_plan import Episode, TransferTask
from sim2real.evaluate.transfer_report import TransferReport, summary_lines
from sim2real.evaluate.transfer_rollout import play
from sim2real.evaluate.transfer_run import EnginesCfg, run_engine
from sim2real.evaluate.transfer_spec import read_spec, rigid_heads
from sim2real_tasks.robots.vendor import vendor_urdf

TEXT = """
schema: 1
seed: 7
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {uniform: [1.2, 1.4]}, when: reset, keep: density}
  legs: {target: body.mass, select: ".*_(thigh|calf)", op: scale, dist: {uniform: [0.8, 0.9]}, each: body,
         keep: density}
  load: {target: body.payload, select: base, unit: kg, dist: {uniform: [1, 3]}, when: reset}
  com: {target: body.com, select: base, unit: m, dist: {uniform: [[0.01, -0.02, 0.0], [0.03, 0.02, 0.01]]}, when: reset}
  feet: {target: shape.friction, select: ".*_foot", against: ground, op: set, dist: {uniform: [0.3, 0.5]}, when: reset}
  strength: {target: actuator.strength, select: ".*", dist: {uniform: [0.7, 0.9]}, when: reset, each: joint}
  kp: {target: actuator.kp, select: ".*_calf_joint", op: scale, dist: {uniform: [1.1, 1.3]}, when: reset, each: joint}
  zero: {target: joint.zero_offset, select: ".*", unit: rad, dist: {uniform: [0.05, 0.1]}, when: reset, each: joint}
  push: {target: body.velocity_kick, select: base, unit: m/s, dist: {uniform: [0, 1]}, direction: horizontal,
         when: {interval_s: [5, 9]}}
  start: {target: root.yaw, op: add, unit: deg, dist: {uniform: [-9, 9]}, when: reset}
signals:
  command: {latency: {uniform: [10, 30], unit: ms}, dropout: 0.01}
  joint_vel: {unit: rad/s, white: 0.5, bias: {uniform: [1, 2]}}
  joint_pos: {unit: rad, quantum: 0.01}
  projected_gravity: {white: 0.1}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def spec(written):
    return read_spec(written, go2(), 50.0)


def test_what_cannot_be_played_is_listed_with_its_reason(spec):
    assert set(spec.terms) == {"base_mass", "legs", "load", "com", "feet", "strength", "kp", "zero"}
    said = dict(line.split(": ", 1) for line in spec.left_out)
    assert set(said) == {"push", "start", "signals.command", "signals.projected_gravity"}
    assert "body.velocity_kick" in said["push"] and "start is drawn" in said["start"]
    assert said["signals.command"] == "dropout" and said["signals.projected_gravity"] == "white"


def test_draws_go_by_number_and_name(spec):
    """In any order and company; a robot whose joints come in another order gets the same for each name."""
    many, alone = spec.values(3, [5, 0, 9]), spec.values(3, [9])
    for name in ("friction", "latency_s", "drives"):
        np.testing.assert_array_equal(many[name][2], alone[name][0])
    np.testing.assert_array_equal(many["links"].mass[2], alone["links"].mass[0])
    turned = dataclasses.replace(spec, joints=spec.joints[::-1]).values(3, [9])
    np.testing.assert_array_equal(turned["drives"][0], alone["drives"][0, ::-1])
    wide = spec.values(3, range(400))
    assert 0.3 <= wide["friction"].min() < 0.31 and 0.49 < wide["friction"].max() <= 0.5
    assert 0.01 <= wide["latency_s"].min() < 0.011 and 0.029 < wide["latency_s"].max() <= 0.03
    calf, hip = spec.joints.index("FL_calf_joint"), spec.joints.index("FL_hip_joint")
    assert (wide["drives"][:, hip, 0] <= 0.9).all() and (wide["drives"][:, hip, 0] == wide["drives"][:, hip, 2]).all()
    ratio = wide["drives"][:, calf, 0] / wide["drives"][:, calf, 1]
    assert 1.1 <= ratio.min() and ratio.max() <= 1.3 and len(set(wide["drives"][0, :, 2])) == 12


def test_the_engines_hold_the_same_masses(spec):
    """Masses, centres of mass and gains of every link and joint, by name; and all is gone after a nominal reset."""
    robot, numbers = go2(), [0, 1]
    conditions = dataclasses.replace(Conditions.nominal(2, 12), **spec.values(3, numbers))
    one, other = (kind(robot, 0.005, 4, 2) for kind in (MujocoPlayer, DartPlayer))
    bare = one.mass.copy()
    for player in (one, other):
        player.reset(conditions)
    np.testing.assert_allclose(one.mass, other.mass, rtol=1e-5)
    assert (one.mass > bare + 1.5).all()
    for world in range(2):
        bodies = {body.getName(): body for body in other._worlds[world]._links}
        model = one._models[world]
        for name in one.link_names:
            np.testing.assert_allclose(model.body(name).ipos, bodies[name].getLocalCOM(), atol=1e-6)
            np.testing.assert_allclose(model.body(name).mass, bodies[name].getMass(), rtol=1e-5)
        np.testing.assert_array_equal(one._driven[world].kp, other._driven[world].kp)
    gain = one._models[0].actuator_gainprm[:, 0] / one.drives.kp
    np.testing.assert_allclose(gain, conditions.drives[0, :, 0])
    for player in (one, other):
        player.reset(Conditions.nominal(2, 12))
        np.testing.assert_allclose(player.mass, bare, rtol=1e-5)
    np.testing.assert_array_equal(one._models[0].body_ipos, one.model.body_ipos)


def test_a_load_beside_the_middle_is_felt():
    """A load that is moved forwards takes weight off the rear legs and pitches the robot, in both."""
    robot = go2()
    names = ("base",)
    shift = LinkChanges(names=names, mass=np.ones((2, 1)), load=np.full((2, 1), 3.0), com=np.zeros((2, 1, 3)))
    shift.com[1, 0, 0] = 0.1
    conditions = dataclasses.replace(Conditions.nominal(2, 12), links=shift)
    pose = np.array([joint.default_pos for joint in robot.joints])
    rear = [i for i, joint in enumerate(robot.joints) if joint.name.startswith("R") and "calf" in joint.name]
    for kind in (MujocoPlayer, DartPlayer):
        player = kind(robot, 0.005, 4, 2)
        player.reset(conditions)
        for _ in range(60):
            seen = player.step(np.tile(pose, (2, 1)))
        pitch = 2.0 * seen.base_quat_xyzw[:, 1]
        assert pitch[1] > pitch[0] + 0.05
        efforts = np.abs(seen.joint_effort[:, rear]).mean(axis=1)
        assert efforts[1] < 0.5 * efforts[0]


def test_links_that_are_tied_share_a_draw():
    heads = rigid_heads(vendor_urdf(panda().urdf), dataclasses.replace(panda(), joints=panda().joints[:7]))
    assert heads["panda_hand"] == heads["panda_leftfinger"] == heads["panda_link7"] == "panda_link7"
    assert heads["panda_link3"] == "panda_link3"
    free = rigid_heads(vendor_urdf(panda().urdf), panda())
    assert free["panda_leftfinger"] == "panda_leftfinger"


def test_a_link_that_an_engine_has_not_is_named():
    change = LinkChanges(names=("tail",), mass=np.full((1, 1), 2.0), load=np.zeros((1, 1)), com=np.zeros((1, 1, 3)))
    with pytest.raises(RobotMismatch, match="not links of their own in 'dart': tail; it has: base"):
        change.on(("base",), "dart")


def test_sensors_tell_what_the_spec_says(spec):
    """Noise of its size, a bias that stays, a grid; of an episode the same alone and among others."""
    numbers = list(range(300))
    state = {"joint_vel": np.zeros((300, 12)), "joint_pos": np.full((300, 12), 0.1234)}
    told = [spec.felt(3, numbers, step, state) for step in (0, 1)]
    velocity = np.stack([t["joint_vel"] for t in told])
    noise = (velocity[0] - velocity[1]) / np.sqrt(2)
    assert noise.std() == pytest.approx(0.5, rel=0.03) and np.abs(noise.mean()) < 0.03
    bias = velocity.mean(axis=0)
    assert bias.mean() == pytest.approx(1.5, abs=0.03)
    np.testing.assert_allclose(told[0]["joint_pos"], 0.12)
    alone = spec.felt(3, [7], 1, {name: value[:1] for name, value in state.items()})
    np.testing.assert_array_equal(alone["joint_vel"][0], velocity[1, 7])


def test_an_encoder_that_is_off_moves_the_joint(spec):
    """Read too far forward, sent too far back; nothing of it, and no noise, outside of drawn episodes."""
    contract = go2_contract()
    task = dataclasses.replace(TransferTask.of(contract, 3, episode_s=0.06), spec=spec)
    sent = []

    class Player(Scripted):
        def step(self, targets, active=None):
            sent.append(targets.copy())
            return super().step(targets, active)

    policy = Stand(contract)
    play(Player(contract, [snapshot(2, 12)] * 4), policy, task, [Episode(4), Episode(4, "nominal")])
    zero = spec.zero_offset(3, [4])[0]
    assert 0.05 <= zero.min() < zero.max() <= 0.1
    pose = np.array(contract.joint_positions.offset)
    for targets in sent:
        np.testing.assert_allclose(targets, [pose - zero, pose])
    np.testing.assert_allclose(policy.felt[0].joint_pos[0], np.round(zero / 0.01) * 0.01)
    assert not policy.felt[0].joint_pos[1].any() and not policy.felt[0].joint_vel[1].any()
    conditions = task.conditions([Episode(4), Episode(4, "friction=0.2")])
    assert conditions.friction[0] != 0.2 == conditions.friction[1]
    assert (conditions.drives[1] == 1.0).all() and not conditions.links.load[1].any() and conditions.links.load.any()
    assert (conditions.mass == 1.0).all() and conditions.latency_s[1] == 0.0 < conditions.latency_s[0]


def test_mistakes_are_named(written, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(TEXT.replace('select: ".*_calf_joint"', 'select: "knee"'))
    with pytest.raises(EvaluationError, match="terms.kp: select 'knee' fits none of FL_hip_joint"):
        read_spec(str(wrong), go2(), 50.0)
    wrong.write_text(TEXT.replace("[10, 30], unit: ms", "[900, 950], unit: ms"))
    late = read_spec(str(wrong), go2(), 50.0)
    with pytest.raises(EvaluationError, match="players delay by up to 0.5 s"):
        late.values(3, [0])


def test_a_run_says_what_was_played(written, tmp_path):
    """Through the configuration of a side process to the report; a table of other conditions is not mixed in."""
    bundle = write_bundle(tmp_path / "bundle", go2_contract())
    cfg = EnginesCfg(
        bundle=bundle, out=tmp_path / "out", engines=("mujoco",), episodes=1, curve_episodes=0, episode_s=0.1,
        spec=written,
    )  # fmt: skip
    table = run_engine(EnginesCfg.from_json(cfg.to_json()), "mujoco")
    (played,) = list(table)
    assert 0.3 <= played.conditions["friction"] <= 0.5
    contract = read_manifest(bundle).contract
    report = TransferReport.of(contract, cfg.task(contract), {"mujoco": list(table)})
    assert any("not played: push" in line for line in summary_lines(report))
    assert len(report.to_json()["not_played"]) == 4
    with pytest.raises(EvaluationError, match="another run: spec differ"):
        dataclasses.replace(cfg, spec=None).table("mujoco", contract)
