"""The whole test: bundle to tables to report, in side processes, resumed; films; and what is refused."""

import dataclasses
import io
import json
import re

import numpy as np
import pytest

from evaluate.policies import go2_contract, panda_contract, write_bundle
from sim2real.cli.main import main
from sim2real.contract import read_manifest
from sim2real.deploy import JointPolicyRuntime
from sim2real.errors import Sim2RealError
from sim2real.evaluate.engines.player import Conditions, EngineUnavailable
from sim2real.evaluate.episodes import EvaluationError
from sim2real.evaluate.log import read_log
from sim2real.evaluate.transfer_film import film, frames_of, stick_film, strip
from sim2real.evaluate.transfer_plan import Episode, TransferTask
from sim2real.evaluate.transfer_rollout import play
from sim2real.evaluate.transfer_run import EnginesCfg, EpisodeLog, open_player, run_all, run_engine


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """A Go2 that is asked to stand and does nothing else."""
    return write_bundle(tmp_path_factory.mktemp("go2") / "bundle", go2_contract())


@pytest.fixture(scope="module")
def transferred(standing, tmp_path_factory):
    """The verb, once, small: output folder."""
    out = tmp_path_factory.mktemp("transfer")
    words = ["--engines", "mujoco,dart", "--episodes", "2", "--curve-episodes", "1", "--episode-s", "0.6"]
    assert main(["transfer", str(standing), *words, "--out", str(out)]) == 0
    return out


def test_standing_is_success_everywhere(transferred):
    report = json.loads((transferred / "report.json").read_text())
    assert [(r["engine"], r["success"], r["falls"]) for r in report["engines"]] == [
        ("mujoco", 1.0, 0),
        ("dart", 1.0, 0),
    ]
    assert report["trained_in"] == "newton" and report["verdict"]["level"] == "good"
    assert {len(curve["mujoco"]) for curve in report["curves"].values()} == {7, 6}
    one, other = ((transferred / f"episodes-{e}.jsonl").read_text().splitlines() for e in ("mujoco", "dart"))
    assert len(other) == 3 and len(one) == 3 + 22
    drawn = [[json.loads(line)["conditions"] for line in lines[1:3]] for lines in (one, other)]
    assert drawn[0] == drawn[1]


def test_the_page_is_whole_and_says_what_the_json_says(transferred):
    page = (transferred / "report.html").read_text()
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    for said in ("Transfers: trained in Newton", "100.0", "MuJoCo Warp", "What matters most", "DART: success"):
        assert said in page
    assert page.count("data:image/webp") == 2
    assert all((transferred / f"film-{engine}.png").stat().st_size > 2000 for engine in ("mujoco", "dart"))


def test_logs_of_the_filmed_episode_are_for_diagnose(standing, transferred, capsys):
    """As a robot would log them: 0.6 s at 50 Hz, what was felt, asked, answered and sent; the network answers alike."""
    for engine in ("mujoco", "dart"):
        log = read_log(transferred / f"log-{engine}.npz")
        robot = read_manifest(standing).contract.robot
        assert len(log) == 30 and log.step_s == pytest.approx(0.02) and log.joint_names == robot.joint_names
        default = [joint.default_pos for joint in robot.joints]
        np.testing.assert_allclose(log.targets, np.tile(default, (30, 1)), atol=1e-6)
        with np.load(transferred / f"film-{engine}.npz") as film:  # the film has what came of each decision
            np.testing.assert_allclose(log.joint_pos[1:], film["joint_pos"][:-1], atol=1e-6)
    words = [str(transferred / "log-dart.npz"), "--no-replay", "--out", str(transferred / "why")]
    assert main(["diagnose", str(standing), *words]) == 0
    assert "network      error   0.000%" in capsys.readouterr().out


@pytest.mark.parametrize(("fallen_at", "rows"), [(25, 25), (5, None)])
def test_a_robot_that_falls_is_logged_to_its_fall(fallen_at, rows, standing, tmp_path):
    """No row after the fall, and no file where there are too few to look at."""
    task = TransferTask.of(read_manifest(standing).contract, episode_s=0.6)
    policy = JointPolicyRuntime(standing, 1)
    log = EpisodeLog(0, policy, task.step_s)

    def listen(step, seen, felt, targets, alive):
        log(step, seen, felt, targets, alive & (step < fallen_at))

    play(open_player("mujoco", task, 1), policy, task, [Episode(0, "nominal")], listen=listen)
    log.save(tmp_path / "log.npz")
    assert (tmp_path / "log.npz").exists() == (rows is not None)
    assert rows is None or len(read_log(tmp_path / "log.npz")) == rows


def test_the_same_command_plays_nothing_twice(standing, transferred, monkeypatch):
    cfg = EnginesCfg(
        bundle=standing, out=transferred, engines=("mujoco", "dart"), episodes=2, curve_episodes=1, episode_s=0.6
    )
    before = {path: path.read_bytes() for path in transferred.glob("*.jsonl")}
    monkeypatch.setattr("subprocess.Popen", None)  # no process is needed
    assert {engine: len(table) for engine, table in run_all(cfg).items()} == {"mujoco": 24, "dart": 2}
    assert before == {path: path.read_bytes() for path in transferred.glob("*.jsonl")}
    other = dataclasses.replace(cfg, seed=5)
    with pytest.raises(EvaluationError, match="another run: seed differ"):
        run_all(other)


def test_a_run_that_was_killed_ends_alike(standing, tmp_path):
    def cfg(name):
        return EnginesCfg(
            bundle=standing,
            out=tmp_path / name,
            engines=("mujoco",),
            episodes=3,
            curve_episodes=0,
            episode_s=0.4,
            batch=1,
        )

    def kill(engine, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_engine(cfg("killed"), "mujoco", kill)
    killed = cfg("killed").table_path("mujoco")
    assert len(killed.read_text().splitlines()) == 2
    run_engine(cfg("killed"), "mujoco")
    run_engine(cfg("whole"), "mujoco")
    assert killed.read_bytes() == cfg("whole").table_path("mujoco").read_bytes()


@pytest.mark.parametrize("engine", ["mujoco", "dart"])
def test_an_arm_holds_the_pose_that_it_is_asked_for(engine, tmp_path):
    """The command is where the hand is in the default pose, to the millimetre; episodes start beside it."""
    hand = (0.3894, 0.0, 0.4578)
    ranges = {f"pos_{axis}": (v, v) for axis, v in zip("xyz", hand, strict=True)}
    contract = panda_contract({**ranges, "roll": (np.pi, np.pi)})
    bundle = write_bundle(tmp_path / "bundle", contract)
    task = TransferTask.of(contract, episode_s=3.0)
    player = open_player(engine, task, 2)
    seen = player.reset(Conditions.nominal(2, 9))
    place = seen.links[0, player.link_names.index("panda_hand")]
    np.testing.assert_allclose(place, hand, atol=1e-3)
    played = play(player, JointPolicyRuntime(bundle, 2), task, [Episode(0, "nominal"), Episode(1, "friction=0.2")])
    for episode in played:
        assert episode.outcome == "success" and episode.error < 0.005 and episode.time_s == 3.0
    assert played[0].error == pytest.approx(played[1].error, abs=2e-3)  # friction means nothing to an arm in the air


def test_films_are_drawn_with_and_without_graphics(standing, transferred):
    from PIL import Image

    poses = transferred / "film-dart.npz"
    _, chosen = frames_of(poses)
    for content in (film(standing, poses), stick_film(poses)):
        with Image.open(io.BytesIO(content)) as animation:
            assert animation.n_frames == len(chosen) > 3 and animation.size == (400, 260)
            first = np.asarray(animation.convert("RGB"), float)
        assert first.std() > 3.0  # something is there
    assert strip(film(standing, poses), 3).size == (600, 130)


def test_errors_of_a_side_process_come_back(tmp_path):
    bundle = write_bundle(tmp_path / "b", go2_contract())
    (bundle / "golden.npz").write_bytes(b"nothing")
    cfg = EnginesCfg(bundle=bundle, out=tmp_path / "out", engines=("dart",), curve_engines=(), episodes=1)
    with pytest.raises(EvaluationError, match="golden.npz"):
        run_all(cfg)


def test_what_makes_no_sense_is_refused(standing, tmp_path, capsys):
    with pytest.raises(EngineUnavailable, match="unknown engine 'gazebo'"):
        EnginesCfg(bundle=standing, out=tmp_path, engines=("gazebo",))
    with pytest.raises(EvaluationError, match="curves in dart, which are not among the engines"):
        EnginesCfg(bundle=standing, out=tmp_path, engines=("mujoco",), curve_engines=("dart",))
    with pytest.raises(EvaluationError, match="0 episodes"):
        EnginesCfg(bundle=standing, out=tmp_path, engines=("mujoco",), episodes=0)
    with pytest.raises(EvaluationError, match="no engine to play in"):
        EnginesCfg(bundle=standing, out=tmp_path, engines=())
    assert main(["transfer", str(tmp_path / "nothing")]) == 2
    assert "contract.json" in capsys.readouterr().err
    cfg = EnginesCfg(bundle=standing, out=tmp_path, engines=("mujoco",), episodes=7)
    assert EnginesCfg.from_json(cfg.to_json()) == cfg


def test_a_policy_that_sees_is_another_verbs(tmp_path):
    from contract.test_schema import make as make_depth

    with pytest.raises(Sim2RealError, match="takes depth; wanted is the robot's state"):
        TransferTask.of(make_depth())


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["newton", "physx"])
def test_isaac_labs_engines_play_the_same_robot(engine, standing):
    """Mass, places of links, weight on the ground and a step response, beside MuJoCo's."""
    contract = read_manifest(standing).contract
    task = TransferTask.of(contract, episode_s=1.0)
    default = np.array([joint.default_pos for joint in contract.robot.joints])
    conditions = Conditions.nominal(4, 12)
    conditions.mass[1], conditions.yaw[2], conditions.strength[3] = 1.2, 1.5, 0.8
    conditions.joint_offset[3] = np.linspace(-0.2, 0.2, 12)
    player = open_player(engine, task, 4)
    other = open_player("mujoco", task, 4)
    try:
        seen, known = player.reset(conditions), other.reset(conditions)
        np.testing.assert_allclose(player.mass, other.mass, rtol=1e-5)
        columns = [player.link_names.index(n) for n in other.link_names if n in player.link_names]
        shared = [other.link_names.index(n) for n in other.link_names if n in player.link_names]
        assert len(shared) >= 29
        np.testing.assert_allclose(seen.links[:, columns], known.links[:, shared], atol=1e-4)
        for _ in range(4):  # in the air: the drives alone move the joints
            wanted = default + 0.2
            one, two = player.step(np.tile(wanted, (4, 1))), other.step(np.tile(wanted, (4, 1)))
        moved = two.joint_pos - (default + conditions.joint_offset)
        assert np.abs(moved).max() > 0.15
        assert np.abs(one.joint_pos - two.joint_pos).max() < 0.05
        for _ in range(120):
            one = player.step(np.tile(default, (4, 1)))
        assert (one.base_pos[:, 2] > 0.2).all()
        np.testing.assert_allclose(player.ground_force()[:, 2], 9.81 * player.mass, rtol=0.05)
        again = player.reset(conditions)
        np.testing.assert_allclose(again.joint_pos, seen.joint_pos, atol=1e-5)
    finally:
        player.close()
