"""A policy that remembers, from the training over the bundle into every engine, as a user does it."""

import json

import numpy as np
import pytest
import torch

from engine_env import ENGINES, HAS_PHYSX
from sim2real.cli.main import main
from sim2real.contract import Rollout, read_manifest
from sim2real.deploy import JointPolicyRuntime
from sim2real.evaluate.engines.mujoco_player import MujocoPlayer
from sim2real.evaluate.transfer_plan import Episode, TransferTask
from sim2real.evaluate.transfer_rollout import play
from sim2real.learn.ppo import RunCfg, train
from sim2real.learn.ppo.playing import Run, opened

TASK = "Sim2Real-Reach-Panda"
ROBOTS = 5


def exported(folder, kind, physics):
    """One iteration of training, and the bundle of it."""
    words = ["train", TASK, "--network", kind, "--memory", "24", "--physics", physics, "--num-envs", "4"]
    assert main([*words, "--iterations", "1", "--device", "cpu", "--out", str(folder / "run")]) == 0
    assert main(["export", str(folder / "run"), "--num-envs", str(ROBOTS)]) == 0
    return folder / "run" / "bundle"


@pytest.fixture(scope="module")
def gru(tmp_path_factory):
    """Trained in one engine."""
    return exported(tmp_path_factory.mktemp("gru"), "gru", "ovphysx" if HAS_PHYSX else "newton_mjwarp")


def test_the_bundle_holds_whole_episodes_of_a_memory(gru, capsys):
    """State in and out, golden vectors that cross the end of an episode, parity over all of them."""
    runtime = JointPolicyRuntime(gru, num_envs=2)
    (state,) = runtime.contract.memory
    assert (state.input, state.output, state.layers, state.size) == ("h_in", "h_out", 1, 24)
    parity = json.loads((gru / "parity.json").read_text())
    assert parity["frames"] == parity["steps"] * ROBOTS >= 1024 and parity["whole_episodes"] == ROBOTS
    golden = Rollout.from_bytes((gru / "golden.npz").read_bytes(), "golden")
    assert golden.fresh.size >= 1024 and golden.fresh[1:].any(axis=0).all()
    assert read_manifest(gru).contract.task == TASK


def test_the_runtime_does_in_the_environment_what_the_trained_network_does(gru):
    """Over ends of episodes that come at another time for each robot; and a forgotten reset would be seen."""
    from sim2real.lab.policy_contract import robot_state

    run = Run.read(gru.parent)

    def short(task):
        task.episode_length_s = 0.4

    with opened(run, num_envs=3, prepare=short) as (venv, policy), torch.inference_mode():
        env = venv.unwrapped
        runtime, forgetful = JointPolicyRuntime(gru, num_envs=3), JointPolicyRuntime(gru, num_envs=3)
        obs, ends, worst, lost = venv.get_observations(), np.zeros(3, int), 0.0, 0.0
        env.episode_length_buf[:] = torch.tensor([0, 4, 8])
        for _ in range(30):
            output, state = policy(obs), robot_state(env)
            runtime.step(state)
            forgetful.step(state)
            worst = max(worst, float(np.abs(runtime.memory["h_in"] - policy.get_hidden_state().numpy()).max()))
            lost = max(lost, float(np.abs(forgetful.memory["h_in"] - policy.get_hidden_state().numpy()).max()))
            np.testing.assert_allclose(runtime.last_action, output.numpy(), atol=1e-4)
            obs, _, dones, _ = venv.step(output)
            policy.reset(dones)
            runtime.reset(dones.bool().numpy())
            ends += dones.bool().numpy()
    assert (ends >= 2).all() and worst < 1e-4 < 1e-2 < lost


def test_transfer_begins_every_batch_with_an_empty_memory(gru):
    """Four episodes in one batch and in two batches of the same policy are the same episodes, in MuJoCo."""
    contract = read_manifest(gru).contract
    task = TransferTask.of(contract, seed=3, episode_s=0.6)
    episodes = [Episode(number) for number in range(4)]
    player = MujocoPlayer(contract.robot, contract.run.physics_dt_s, contract.run.decimation, 2)
    try:
        policy = JointPolicyRuntime(gru, num_envs=2)
        first = play(player, policy, task, episodes[:2])
        assert np.abs(policy.memory["h_in"]).max() > 0.0
        then = play(player, policy, task, episodes[2:])
        alone = play(player, JointPolicyRuntime(gru, num_envs=2), task, episodes[2:])
        assert then == alone and then != first
    finally:
        player.close()


@pytest.mark.slow
@pytest.mark.parametrize("physics", ENGINES)
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_every_engine_plays_what_was_trained_in_each(tmp_path, capsys, kind, physics):
    """`train`, `export`, `play` in the other engine, `transfer` in all four."""
    bundle = exported(tmp_path, kind, physics)
    assert [state.input for state in read_manifest(bundle).contract.memory] == ["h_in", "c_in"][: 1 + (kind == "lstm")]
    capsys.readouterr()
    for engine in ("newton_mjwarp", *(("ovphysx",) if HAS_PHYSX else ())):
        words = ["play", str(bundle.parent), "--headless", "--physics", engine, "--episodes", "2", "--json"]
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out)["episodes"] == 2
    engines = ["newton", "mujoco", "dart", *(("physx",) if HAS_PHYSX else ())]
    words = ["transfer", str(bundle), "--engines", ",".join(engines), "--episodes", "3", "--episode-s", "1"]
    assert main([*words, "--curve-episodes", "0", "--out", str(tmp_path / "transfer")]) == 0
    said = capsys.readouterr().err
    assert all(f"{engine}: 3 of 3 episodes" in said for engine in engines)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_student_remembers_what_its_teacher_is_told(tmp_path, kind):
    """Distilled over ends of episodes, and exported with its memory; it goes on where it was."""
    engine = {"task": TASK, "physics": ENGINES[0], "num_envs": 4}
    train(RunCfg(out=tmp_path / "teacher", privileged=True, iterations=1, **engine))
    student = {"out": tmp_path / "student", "teacher": tmp_path / "teacher", "network": kind, "memory": 8, **engine}
    train(RunCfg(iterations=2, **student))
    assert train(RunCfg(iterations=3, **student)).iterations == 3
    assert main(["export", str(tmp_path / "student"), "--num-envs", str(ROBOTS)]) == 0
    memory = read_manifest(tmp_path / "student" / "bundle").contract.memory
    assert [state.size for state in memory] == [8] * (1 + (kind == "lstm"))


def test_going_on_takes_the_same_network(tmp_path):
    """Another network in the folder is refused by name; half a configuration too."""
    from sim2real.learn import LearnError
    from sim2real.learn.ppo.record import Record, facts_of

    def cfg(**changes):
        return RunCfg(task=TASK, out=tmp_path, **changes)

    Record(tmp_path, facts_of(cfg(network="gru"), 4, None, 1), {}, None)
    with pytest.raises(LearnError, match="a run with network gru, and this one has None"):
        Record(tmp_path, facts_of(cfg(), 4, None, 1), {}, None)
    with pytest.raises(LearnError, match="a run with memory 256, and this one has 8"):
        Record(tmp_path, facts_of(cfg(network="gru", memory=8), 4, None, 1), {}, None)
    for changes, said in (
        ({"network": "rnn"}, "network is 'rnn'; give one of gru, lstm"),
        ({"memory": 8}, "give 'network' too"),
        ({"network": "gru", "memory": 0}, "memory is 0; give 1 to 4096"),
    ):
        with pytest.raises(LearnError, match=said):
            cfg(**changes)


def test_worlds_that_would_not_be_learned_from_are_refused(tmp_path):
    """rsl_rl deals whole worlds to its four mini-batches and drops the rest; nothing is written."""
    from sim2real.learn import LearnError
    from sim2real.learn.ppo.agents import agent_of, check_batches, remembering

    plain, agent = agent_of(TASK, "cpu", 1), remembering(agent_of(TASK, "cpu", 1), "lstm", 8)
    check_batches(plain, 6)
    check_batches(agent, 8)
    for count, said in ((6, "give a multiple of 4, such as 4"), (3, "such as 4")):
        with pytest.raises(LearnError, match=said):
            check_batches(agent, count)
    plain.algorithm.symmetry_cfg = object()
    assert remembering(plain, "gru", 8).algorithm.symmetry_cfg is None  # rsl_rl refuses both together
    with pytest.raises(LearnError, match="actor is a RNNModel; 'network' is for tasks whose actor is MLPModel"):
        remembering(agent, "gru", 8)
    with pytest.raises(LearnError, match="give a multiple of 4"):
        train(RunCfg(task=TASK, out=tmp_path / "run", network="gru", num_envs=6, physics="newton_mjwarp"))
    assert not (tmp_path / "run").exists()
