"""Two processes that train one policy, for real: on a CPU, over Gloo, started by torchrun as a user starts them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from sim2real.errors import Sim2RealError
from sim2real.learn import LearnError
from sim2real.learn.ppo import RunCfg, train
from sim2real.learn.ppo.ranks import Ranks
from sim2real.learn.ppo.saving import checkpoints_in

TASK = "Sim2Real-Reach-Panda"
SPEC = """
schema: 1
seed: 3
terms:
  mass: {target: body.mass, select: ".*", op: scale, dist: {uniform: [0.8, 1.2]}, each: body, keep: density}
  start: {target: joint.position, select: "panda_joint[1-7]", op: add, unit: rad, dist: {uniform: [-0.1, 0.1]}}
signals:
  joint_pos: {unit: rad, white: 0.01}
curriculum:
  adr: {metric: survival, grow: 0.75, shrink: 0.4, step: 0.2, episodes: 2, terms: {mass: {start: [0.95, 1.05]}}}
"""
WORKER = """
import sys
from pathlib import Path
import numpy as np
from sim2real.lab import randomization_of
from sim2real.learn.ppo import RunCfg, loop

class Watched(loop.Training):
    def run(self):
        found = randomization_of(self.env)
        begun = dict(masses=found.engine.read("body_mass"), resets=found.randomizer.resets.numpy().copy(),
                     random=loop_random())
        result = super().run()
        weights = np.concatenate([p.detach().numpy().ravel() for p in self.runner.alg.actor.state_dict().values()])
        log = found.curriculum.log()
        np.savez(out / f"{result.iterations}-{self.ranks.rank}.npz", **begun, weights=weights, end=loop_random(),
                 high=log["mass/high"], low=log["mass/low"])
        return result

def loop_random():
    import torch
    return torch.get_rng_state().numpy()

loop.Training = Watched
task, out = sys.argv[1], Path(sys.argv[2])
for iterations in map(int, sys.argv[3:]):
    loop.train(RunCfg(task=task, out=out / "run", spec=str(out / "spec.yaml"), physics="newton_mjwarp", num_envs=4,
                      iterations=iterations, save_every=1))
"""


def torchrun(*words, **options):
    """Two processes of a script or module."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *words]
    settings = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}, "capture_output": True, "text": True, "timeout": 900}
    return subprocess.run(command, **{**settings, **options})


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two ranks of four robots: two iterations, and one more after a resume; what each rank held."""
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "worker.py").write_text(WORKER)
    done = torchrun(str(folder / "worker.py"), TASK, str(folder), "2", "3")
    assert done.returncode == 0, done.stderr
    return folder, {path.stem: dict(np.load(path)) for path in folder.glob("*.npz")}


def test_two_ranks_have_the_worlds_that_one_would_have(pair):
    """Rank 0's and rank 1's robots, one after the other, are the eight robots of a process alone."""
    from sim2real.lab import randomization_of
    from sim2real.lab.apply import apply_spec
    from sim2real.lab.launch import make_env
    from sim2real.learn.ppo.envs import TrainingEnv

    folder, held = pair
    both = np.concatenate([held["2-0"]["masses"], held["2-1"]["masses"]])

    def prepare(task):
        apply_spec(task, str(folder / "spec.yaml"), steps_per_iteration=24)

    with make_env(TASK, "newton_mjwarp", prepare=prepare, **{"scene.num_envs": 8, "seed": 99}) as env:
        TrainingEnv(env)  # resets it, as a training does
        alone = randomization_of(env).engine.read("body_mass")
    np.testing.assert_array_equal(both, alone)
    assert len(np.unique(both[:, -3])) > 2


def test_the_ranks_learn_one_policy_and_one_curriculum(pair):
    """Equal weights, normalisers and bounds after every session, though each explored on its own."""
    _, held = pair
    for iterations in (2, 3):
        first, second = held[f"{iterations}-0"], held[f"{iterations}-1"]
        for name in ("weights", "high", "low"):
            np.testing.assert_array_equal(first[name], second[name])
        assert (first["end"] != second["end"]).any()
    assert (held["2-0"]["weights"] != held["3-0"]["weights"]).any()


def test_a_checkpoint_holds_every_rank(pair):
    """A resumed rank begins with its own generators and counters; the folder was written once."""
    folder, held = pair
    run = folder / "run"
    assert list(checkpoints_in(run)) == [1, 2, 3] and len(list(run.glob("events*"))) == 2
    facts = json.loads((run / "run.json").read_text())
    assert (facts["ranks"], facts["num_envs"], len(facts["sessions"])) == (2, 4, 2)
    rows = json.loads((run / "curves.json").read_text())["rows"]
    assert [row["iteration"] for row in rows] == [1, 2, 3]
    assert [row["env_steps"] for row in rows] == [24 * 8 * k for k in (1, 2, 3)]
    data = torch.load(run / "model_2.pt", weights_only=False)
    count = next(value for name, value in data["actor_state_dict"].items() if name.endswith("count"))
    assert int(count) == 2 * 24 * 8  # of both
    other = data["infos"]["training"]["others"][0]
    for rank, state, drawn in (
        (0, data["infos"]["training"], data["infos"]["sim2real"]),
        (1, other, other["sim2real"]),
    ):
        assert drawn["first_world"] == 4 * rank
        np.testing.assert_array_equal(held[f"3-{rank}"]["random"], state["random"]["torch"].numpy())
        assert (held[f"3-{rank}"]["resets"] == drawn["randomizer"]["worlds"]["resets"] + 1).all()


def test_another_number_of_ranks_is_refused(pair):
    """With both numbers, before anything of the run is written over."""
    folder, _ = pair
    before = (folder / "run" / "run.json").read_text()
    settings = {"task": TASK, "out": folder / "run", "spec": str(folder / "spec.yaml"), "physics": "newton_mjwarp"}
    with pytest.raises(LearnError, match="a run with ranks 2, and this one has 1"):
        train(RunCfg(**settings, num_envs=4, iterations=4))
    assert (folder / "run" / "run.json").read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize("who", ["rank", "torchrun"])
def test_a_rank_that_is_killed_leaves_a_good_checkpoint(tmp_path, who):
    """SIGKILL to rank 1 ends the others with a clear line; Ctrl-C ends them with a checkpoint; both go on after it."""
    (tmp_path / "spec.yaml").write_text(SPEC)
    words = ["train", "reach/panda", "--spec", str(tmp_path / "spec.yaml"), "--physics", "newton_mjwarp", "--device"]
    words += ["cpu", "--num-envs", "4", "--save-every", "2", "--out", str(tmp_path / "run"), "--ranks", "2"]
    command = [sys.executable, "-m", "sim2real.cli.main", *words, "--iterations"]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([*command, "10000"], stdout=log, stderr=log, start_new_session=True)
        while not checkpoints_in(tmp_path / "run"):
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)
        if who == "rank":
            os.kill(rank_of(process.pid, 1), signal.SIGKILL)
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(300) != 0
    said = (tmp_path / "log").read_text()
    assert ("lost another rank" if who == "rank" else "stopping after this iteration") in said, said
    last = max(checkpoints_in(tmp_path / "run"))
    again = subprocess.run([*command, str(last + 1)], capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    rows = json.loads((tmp_path / "run" / "curves.json").read_text())["rows"]
    assert [row["iteration"] for row in rows] == list(range(1, last + 2))


def rank_of(parent: int, rank: int) -> int:
    """The process id of a rank below torchrun."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if f"\0RANK={rank}\0" in "\0" + Path(f"/proc/{child}/environ").read_text():
            return int(child)
    raise AssertionError(f"torchrun has no rank {rank}")


def test_rsl_rl_still_wants_a_gpu_for_each_rank(monkeypatch):
    """Why the process group is made here; once this fails, ranks on a CPU could be left to rsl_rl."""
    from rsl_rl.runners import OnPolicyRunner

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="does not match expected device"):
        OnPolicyRunner(None, {}, device="cpu")


@pytest.mark.parametrize(
    "said, device, error",
    [
        ({"RANK": "2", "WORLD_SIZE": "2"}, "cpu", "RANK=2, WORLD_SIZE=2"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "cpu", "start the processes with torchrun"),
        ({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}, "cuda:0", "each of 4 ranks has its own GPU"),
    ],
)
def test_what_makes_no_sense_is_said(monkeypatch, said, device, error):
    """What the environment says, or a certain GPU for all."""
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Sim2RealError, match=error):
        Ranks.here().device(device)


def test_a_rank_takes_the_gpu_of_its_machine(monkeypatch):
    """The second machine's second process of four has GPU 1; alone, the device is what was asked for."""
    for name, value in {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    ranks = Ranks.here()
    assert (ranks.device("cuda"), ranks.device("cuda:1"), ranks.device("cpu")) == ("cuda:1", "cuda:1", "cpu")
    assert Ranks().device("cuda:3") == "cuda:3" and Ranks().first and not ranks.first


def test_ranks_that_cannot_meet_say_so(monkeypatch):
    """Numbers, and no address."""
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(LearnError, match="cannot meet: .*MASTER_ADDR"), Ranks(rank=1, count=2).joined("cpu"):
        raise AssertionError("they met")
