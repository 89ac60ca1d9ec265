"""The rollout: against a strict scripted environment, and eight scenes in real PhysX."""

import types

import numpy as np
import pytest
import torch

from engine_env import HAS_PHYSX, open_env
from sim2real.evaluate.episodes import EpisodeTable, EvaluationError
from sim2real.evaluate.policies import AlwaysForwardPolicy, GapFollowerPolicy
from sim2real.evaluate.rollout import FILM_EVERY, rollout


class ScriptedEnv:
    """Plays scripted episodes: scene -> (outcome, ticks). Refuses what a real environment would choke on."""

    num_envs, step_dt = 3, 0.1

    def __init__(self, script):
        self.script, self.observe, self.commands, self.played = script, "noisy", [], []
        self.randomization = types.SimpleNamespace(digest="d" * 64, seed=5)
        self.active, self.finished, self.images = np.zeros(3, bool), None, None
        self.scene, self.tick = np.full(3, -1), np.zeros(3, int)
        self.pose = torch.zeros(3, 3)
        self.obstacle_pose = torch.zeros(3, 12, 3)
        self.obstacle_used = torch.zeros(3, 12, dtype=torch.bool)

    def play(self, scenes):
        """Take the scenes."""
        self.queue = list(scenes)
        assert self.queue, "nothing to play"
        self.played += self.queue
        for i in range(3):
            self._next(i)
        self._look()

    def camera_of(self):
        """No camera is needed here."""
        return {"fx": np.ones(3)}

    def _next(self, i):
        self.active[i] = bool(self.queue)
        if self.queue:
            self.scene[i], self.tick[i] = self.queue.pop(0), 0
            self.pose[i] = torch.tensor([0.5, 0.0, 0.0])
            self.obstacle_used[i] = torch.arange(12) < 2 + self.scene[i] % 5
            self.obstacle_pose[i] = float(self.scene[i])

    def _look(self):
        depth = np.zeros((3, 4, 4), np.float32) + self.scene[:, None, None].astype(np.float32)
        self.images = types.SimpleNamespace(clean=depth, noisy=depth.copy(), colour=None)

    def step(self, command):
        """One tick."""
        assert isinstance(command, torch.Tensor) and command.shape == (3, 2) and command.dtype == torch.float32
        assert self.active.any(), "stepped with nothing to do"
        assert not command[torch.from_numpy(~self.active)].any(), "an idle environment was commanded"
        self.commands.append(command.clone())
        done = []
        for i in np.flatnonzero(self.active):
            self.tick[i] += 1
            self.pose[i, 0] += 0.06
            if self.tick[i] >= self.script[int(self.scene[i])][1]:
                done.append(i)
        ids = np.array(done, int)
        self.finished = types.SimpleNamespace(
            env_ids=ids,
            scene=self.scene[ids].copy(),
            outcome=tuple(self.script[int(k)][0] for k in self.scene[ids]),
            time=self.tick[ids] * 0.1,
            pose=self.pose[ids].numpy().copy(),
            clearance=np.where([self.script[int(k)][0] == "collision" for k in self.scene[ids]], -0.001, 0.1),
            at_wall=self.scene[ids] % 2 == 1,
        )
        for i in ids:
            self._next(i)
        self._look()


class ScriptedPolicy:
    """Answers with a function of the scene that it sees, and notes which rows it is asked about."""

    name, observe, digest = "float", "noisy", "p" * 64

    def __init__(self, answer=lambda scenes: np.zeros(len(scenes), np.int64)):
        self.answer, self.asked = answer, []

    def act(self, images, cameras, rows):
        """One class per row."""
        self.asked.append(rows.tolist())
        return self.answer(images.noisy[rows, 0, 0].astype(int))


SCRIPT = {
    10: ("success", 20),
    11: ("collision", 5),
    12: ("timeout", 30),
    13: ("success", 9),
    14: ("collision", 17),
    15: ("success", 1),
    16: ("success", 12),
}


def drive(env, scenes=tuple(SCRIPT), table=None, policy=None, **options):
    """Roll out; the table and the films."""
    films = []
    table = EpisodeTable() if table is None else table
    rollout(env, policy or ScriptedPolicy(), scenes, table, "ovphysx", on_film=films.append, **options)
    return table, films


def test_each_scene_is_driven_once_and_written_down():
    """Outcome, time, distance, path, clearance, wall and identity of every scene are those of the script."""
    table, _ = drive(ScriptedEnv(SCRIPT))
    assert {result.scene: result.outcome for result in table} == {k: v[0] for k, v in SCRIPT.items()}
    for result in table:
        outcome, ticks = SCRIPT[result.scene]
        assert result.time_s == pytest.approx(0.1 * ticks)
        assert len(result.path) == ticks + 1 and result.path[0] == (0.5, 0.0, 0.0)
        assert result.distance_m == pytest.approx(0.06 * ticks, abs=1e-3)
        assert result.wall_contact == (outcome == "collision" and result.scene % 2 == 1)
        assert result.min_clearance_m == (-0.001 if outcome == "collision" else 0.1)
        identity = (result.engine, result.policy, result.policy_digest, result.spec_digest, result.seed)
        assert identity == ("ovphysx", "float", "p" * 64, "d" * 64, 5)


def test_idle_rows_are_not_asked():
    """Once the scenes run out, the policy is asked about fewer rows, and in the end about one."""
    policy = ScriptedPolicy()
    drive(ScriptedEnv(SCRIPT), policy=policy)
    counts = [len(rows) for rows in policy.asked]
    assert counts[0] == 3 and counts[-1] == 1 and all(a >= b for a, b in zip(counts, counts[1:], strict=False))
    alone = ScriptedPolicy()
    drive(ScriptedEnv(SCRIPT), scenes=[10], policy=alone)
    assert alone.asked == [[0]] * 20


def test_progress_counts_every_episode():
    """From what is there to all, one call whenever something ends."""
    said = []
    drive(ScriptedEnv(SCRIPT), progress=lambda done, total: said.append((done, total)))
    assert said[0] == (0, 7) and said[-1] == (7, 7)
    assert sorted(said) == said and len(set(said)) == len(said)


def test_resume_drives_the_missing_scenes_alone(tmp_path):
    """Stopped after some episodes, the next run plays the rest; a third run plays nothing and does not touch the
    environment.
    """
    path, identity = tmp_path / "float.jsonl", {"engine": "ovphysx", "policy": "float", "seed": 5}
    drive(ScriptedEnv(SCRIPT), [11, 13, 15], EpisodeTable.open(path, **identity))
    before = path.read_bytes()
    env = ScriptedEnv(SCRIPT)
    table, _ = drive(env, table=EpisodeTable.open(path, **identity))
    assert env.played == [10, 12, 14, 16] and len(table) == 7
    assert path.read_bytes().startswith(before)
    drive(None, table=EpisodeTable.open(path, **identity))


def test_what_was_finished_survives_a_crash(tmp_path):
    """The policy fails half way: the episodes that had ended are on disk."""
    path = tmp_path / "float.jsonl"
    policy = ScriptedPolicy()

    def crash(scenes):
        if len(policy.asked) > 12:
            raise RuntimeError("lost")
        return np.zeros(len(scenes), np.int64)

    policy.answer = crash
    with pytest.raises(RuntimeError, match="lost"):
        drive(ScriptedEnv(SCRIPT), table=EpisodeTable.open(path, engine="ovphysx"), policy=policy)
    assert {result.scene for result in EpisodeTable.open(path)} == {11}


@pytest.mark.parametrize(("key", "value"), [("seed", 6), ("engine", "newton_mjwarp"), ("policy_digest", "q" * 64)])
def test_a_table_of_another_run_is_refused(tmp_path, key, value):
    """The field and both values are named; the file stays as it is."""
    path = tmp_path / "float.jsonl"
    drive(ScriptedEnv(SCRIPT), [11], EpisodeTable.open(path))
    before = path.read_bytes()
    with pytest.raises(EvaluationError, match=f"has {key} .*but .* is for"):
        EpisodeTable.open(path, **{key: value})
    assert path.read_bytes() == before


def test_the_first_episode_of_each_ending_is_filmed():
    """A film has a picture every few ticks, the whole path, and the obstacles that stood in its own scene."""
    table, films = drive(ScriptedEnv(SCRIPT))
    assert sorted(film.outcome for film in films) == ["collision", "success", "timeout"]
    for film in films:
        ticks = SCRIPT[film.scene][1]
        assert len(film.frames) == -(-ticks // FILM_EVERY) and len(film.path) == ticks + 1
        assert film.kinds.tolist() == list(range(2 + film.scene % 5))
        assert (film.obstacles == film.scene).all()
        assert {float(frame["depth_m"].max()) for frame in film.frames} == {float(film.scene)}
        assert film.outcome == table[film.scene].outcome
    assert next(film.scene for film in films if film.outcome == "collision") == 11


def test_a_policy_that_sees_nothing_is_not_filmed():
    """There are no pictures, so there is no film; the environment is told not to render."""
    env = ScriptedEnv(SCRIPT)
    policy = AlwaysForwardPolicy()
    _, films = drive(env, policy=policy)
    assert films == [] and env.observe == "nothing"


def test_a_turn_does_not_outlive_its_episode():
    """The controller's latch is forgotten when an environment takes the next scene: the turn of scene 20 is not seen
    in the scenes after it.
    """
    script = {20: ("timeout", 4), **{k: ("success", 6) for k in range(21, 27)}}
    env = ScriptedEnv(script)
    drive(env, list(script), policy=ScriptedPolicy(lambda scenes: np.where(scenes == 20, 1, 0)))
    turned = np.array([(command[:, 1] > 1.0).any().item() for command in env.commands])
    assert turned.tolist() == [True] * 4 + [False] * (len(turned) - 4)
    assert (env.commands[4][0] == torch.tensor([0.6, 0.0])).all()


def test_another_rate_is_refused():
    """A controller that counts in other ticks than the environment's would hold its heading for the wrong time."""
    from sim2real.deploy.steering import SteeringParams

    with pytest.raises(EvaluationError, match="20 times a second and the environment 10 times"):
        drive(ScriptedEnv(SCRIPT), steering=SteeringParams(rate_hz=20.0))


@pytest.mark.skipif(not HAS_PHYSX, reason="the extra [physx] is not installed")
def test_the_gap_follower_crosses_real_scenes_that_blind_driving_does_not(tmp_path):
    """Eight scenes at 96 px in PhysX, four at a time: the ceiling arrives, and its paths stay clear; always-forward
    does not. A second run continues a table without driving anything.
    """
    tables = {}
    with open_env("ovphysx", num_envs=4, set_image_size=96) as env:
        for policy in (GapFollowerPolicy(), AlwaysForwardPolicy()):
            tables[policy.name] = table = EpisodeTable.open(tmp_path / f"{policy.name}.jsonl", engine="ovphysx")
            rollout(env, policy, range(8), table, "ovphysx")
            assert len(table) == 8
    follower, blind = tables["gap_follower"], tables["always_forward"]
    assert follower.summary().counts["success"] >= 7, follower.summary()
    assert blind.summary().counts["success"] <= 2, blind.summary()
    for result in follower:
        if result.success:
            assert result.min_clearance_m > 0.002 and result.path[-1][0] > 8.2
            assert 7.7 < result.distance_m < 20 and result.time_s == pytest.approx(0.1 * (len(result.path) - 1))
    assert [result.path[0] for result in follower] == [result.path[0] for result in blind]
    rollout(None, GapFollowerPolicy(), range(8), EpisodeTable.open(tmp_path / "gap_follower.jsonl"), "ovphysx")
