"""A training by reinforcement learning on the real engines: what it leaves, how it goes on, what it refuses."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from engine_env import ENGINES
from sim2real.errors import Sim2RealError
from sim2real.learn.ppo import RunCfg, train
from sim2real.learn.ppo.playing import Run, in_browser, opened, play
from sim2real.learn.ppo.saving import checkpoints_in

TASK = "Sim2Real-Velocity-Flat-Go2"
STAGES = """
schema: 1
stages:
  - {name: perfect, at_most: 1, gate: {metric: progress, above: 2}}
  - {name: noise, noise: 1, iterations: 1}
  - {name: all, noise: 1, delay: 1, physics: 1}
"""
SPEC = """
schema: 1
seed: 3
terms:
  base_mass: {target: body.mass, select: base, op: scale, dist: {uniform: [0.8, 1.2]}, keep: density}
  start_yaw: {target: root.yaw, op: add, unit: deg, dist: {uniform: [-180, 180]}}
  start_joints: {target: joint.position, select: ".*", op: scale, dist: {uniform: [0.5, 1.5]}, each: joint}
  push:
    {target: body.velocity_kick, select: base, unit: m/s, dist: {uniform: [[-0.5, -0.5, 0], [0.5, 0.5, 0]]},
     when: {interval_s: [0.1, 0.2]}}
signals:
  command: {latency: {uniform: [0, 40], unit: ms}}
  joint_pos: {unit: rad, white: 0.01}
  wheel_speed: {unit: rad/s, white: 0.1}
"""


def cfg(folder, **changes):
    """Eight robots, checkpoints at every second iteration."""
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "stages.yaml").write_text(STAGES)
    settings = {
        "task": TASK, "out": folder / "run", "spec": str(folder / "spec.yaml"), "num_envs": 8, "iterations": 3,
        "save_every": 2, "curriculum": str(folder / "stages.yaml"),
    }  # fmt: skip
    return RunCfg(**{**settings, **changes})


@pytest.fixture(scope="module", params=ENGINES)
def trained(request, tmp_path_factory):
    """Three iterations in stages, and two more after a resume."""
    folder = tmp_path_factory.mktemp("trained")
    first = train(cfg(folder, physics=request.param))
    kept = torch.load(first.checkpoint, weights_only=False)
    again = train(cfg(folder, physics=request.param, iterations=5))
    return folder, request.param, first, kept, again


def test_a_run_leaves_what_it_was_made_from(trained):
    """Command, versions, machine, digest, time; the curve without a gap or a double; its picture."""
    folder, physics, first, _, again = trained
    run, facts = folder / "run", json.loads((folder / "run" / "run.json").read_text())
    assert (first.iterations, again.iterations) == (3, 5)
    assert facts["physics"] == physics and facts["num_envs"] == 8 and len(facts["sessions"]) == 2
    assert facts["versions"]["rsl-rl-lib"] and facts["hours"] > 0 and len(facts["spec_digest"]) == 64
    rows = json.loads((run / "curves.json").read_text())["rows"]
    steps = json.loads((run / "agent.json").read_text())["num_steps_per_env"] * 8
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["env_steps"] for row in rows] == [steps * k for k in range(1, 6)]
    assert [row["stage"] for row in rows] == [0, 1, 2, 2, 2]
    assert (run / "curves.png").stat().st_size > 5000 and not (run / "git").exists()
    assert list(checkpoints_in(run)) == [3, 4, 5] and not list(run.glob(".*partial*"))


def test_a_resumed_run_goes_on_with_everything_that_counts(trained):
    """Episode counters, signals' episodes, normalisers and the optimiser are further on than they were, not new."""
    _, _, _, kept, again = trained
    now = torch.load(again.checkpoint, weights_only=False)
    assert now["infos"]["sim2real"]["digest"] == kept["infos"]["sim2real"]["digest"]
    assert now["infos"]["sim2real"]["steps"] == kept["infos"]["sim2real"]["steps"] + 2 * 24
    assert now["infos"]["training"]["stages"]["number"] == 2
    for place, resets in kept["infos"]["training"]["env"]["signals"].items():
        assert (now["infos"]["training"]["env"]["signals"][place] > resets).all()
    count = [name for name in kept["actor_state_dict"] if name.endswith("count")]
    assert count and all(now["actor_state_dict"][name] > kept["actor_state_dict"][name] for name in count)
    first, last = (entry["optimizer_state_dict"]["state"][0]["step"] for entry in (kept, now))
    assert last > first


def test_another_run_is_refused_in_its_folder(trained, capsys):
    """By what differs, with what to do."""
    folder, physics, *_ = trained
    for changes, said in (({"num_envs": 4}, "num_envs 8, and this one has 4"), ({"seed": 8}, "seed 7")):
        with pytest.raises(Sim2RealError, match=said):
            train(cfg(folder, physics=physics, **changes))


def test_its_policy_plays_and_is_filmed(trained):
    """Every environment plays as many episodes; the first robot's first one becomes a film, of its spec'd task."""
    from PIL import Image

    from sim2real.pipeline.film_run import Tape

    folder, physics, *_ = trained
    run = Run.read(folder / "run")

    def short(task):
        task.episode_length_s = 0.4

    with opened(run, physics, num_envs=4, prepare=short) as (venv, policy):
        tape = Tape(run, venv, policy)
        played = play(run, venv, policy, 6, physics, tape)
        with Image.open(tape.save(folder / "films" / "go2.webp")) as film:
            assert film.size == (400, 260) and 1 <= film.n_frames <= 5
    assert played.episodes == 8 and played.iteration == 5
    assert played.failures <= 1.0 and 1 <= played.length <= 20


def test_levels_take_the_errors_of_signals_away_and_give_them_back(tmp_path):
    """At 0 the policy's joint positions are the critic's true ones; at 1 they are not. Masses follow likewise."""
    from sim2real.lab import randomization_of
    from sim2real.lab.apply import apply_spec
    from sim2real.lab.launch import make_env
    from sim2real.lab.levels import add_levels, levels_of
    from sim2real.spec import parse_spec

    said = []

    def prepare(task):
        said.append(apply_spec(task, parse_spec(SPEC)))
        add_levels(task)
        task.episode_length_s = 0.1
        for group in (task.observations.policy, task.observations.critic):
            group.concatenate_terms = False

    with make_env(TASK, "newton_mjwarp", prepare=prepare, **{"scene.num_envs": 4}) as env:
        levels, action = levels_of(env), torch.zeros(4, 12)
        differs = []
        for level in (0.0, 1.0):
            levels.set(physics=level, noise=level, delay=level)
            env.reset()
            for _ in range(8):  # past the end of an episode
                obs = env.step(action)[0]
            differs.append((obs["policy"]["joint_pos"] - obs["critic"]["joint_pos"]).abs().amax(1))
            found = randomization_of(env)
            base = [element.name for element in found.engine.elements.body].index("base")
            factor = found.engine.read("body_mass")[:, base, 0] / found.engine.nominal("body_mass")[:, base, 0]
            assert (abs(factor - 1.0) < 1e-6).all() == (level == 0.0)
    assert (differs[0] < 1e-6).all() and (differs[1] > 1e-4).all()
    assert said[0].signals == ("command", "joint_pos") and "wheel_speed" in said[0].left_out[0]
    assert "events.reset_base" in said[0].removed and "the noise of policy.joint_pos" in said[0].removed
    assert said[0].privileged == "critic"


LOOKING = {
    "type": "ViewerCameraMessage", "wxyz": [1, 0, 0, 0], "position": [3, 3, 3], "fov": 0.8, "near": 0.01, "far": 100.0,
    "image_height": 240, "image_width": 320, "look_at": [0, 0, 0], "up_direction": [0, 0, 1],
}  # fmt: skip
"""What a browser says of its view."""

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from learn.test_rl_training import cfg
from sim2real.learn.ppo import train
rename = os.replace
def killing(source, target):
    if Path(target).name == "model_3.pt":
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
os.replace = killing
settings = dict(spec=None, curriculum=None, save_every=1, iterations=4, physics="newton_mjwarp", num_envs=4)
train(cfg(Path({folder!r}), **settings))
"""


@pytest.mark.slow
def test_a_killed_run_loses_only_what_was_not_saved(tmp_path):
    """Killed as the third checkpoint was written but not yet there: it goes on after the second, the curve whole."""
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run([sys.executable, "-c", KILLED.format(tests=tests, folder=str(tmp_path))], capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert list(checkpoints_in(tmp_path / "run")) == [1, 2]
    settings = {"spec": None, "curriculum": None, "physics": "newton_mjwarp", "num_envs": 4}
    result = train(cfg(tmp_path, iterations=4, **settings))
    rows = json.loads((tmp_path / "run" / "curves.json").read_text())["rows"]
    assert result.iterations == 4 and [row["iteration"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_student_learns_what_a_teacher_that_sees_everything_does(tmp_path):
    """The student sees less; it comes nearer to its teacher; its run goes on and plays like any other."""
    from sim2real.learn import LearnError

    engine = {"physics": "newton_mjwarp", "curriculum": None, "num_envs": 4, "iterations": 1}
    train(cfg(tmp_path, **engine, out=tmp_path / "teacher", privileged=True))
    settings = {**engine, "out": tmp_path / "student", "teacher": tmp_path / "teacher"}
    train(cfg(tmp_path, **{**settings, "iterations": 3}))
    result = train(cfg(tmp_path, **{**settings, "iterations": 4}))
    rows = json.loads((tmp_path / "student" / "curves.json").read_text())["rows"]
    losses = [row["losses"]["behavior"] for row in rows]
    assert result.iterations == 4 and len(losses) == 4 and losses[-1] < losses[0]
    student, teacher = Run.read(tmp_path / "student"), Run.read(tmp_path / "teacher")
    assert student.agent["obs_groups"] == {"student": ["policy"], "teacher": ["critic"]}
    widths = [
        torch.load(run.checkpoint, weights_only=False)[key]["mlp.0.weight"].shape[1]
        for run, key in ((student, "student_state_dict"), (teacher, "actor_state_dict"))
    ]
    assert widths[0] < widths[1]

    def short(task):
        task.episode_length_s = 0.2

    with opened(student, num_envs=2, prepare=short) as (venv, policy):
        assert play(student, venv, policy, 2).episodes == 2
    with pytest.raises(LearnError, match="cannot teach here.*--privileged"):
        train(cfg(tmp_path, **{**settings, "out": tmp_path / "other", "spec": None}))


@pytest.mark.slow
def test_a_browser_sees_the_robots(tmp_path):
    """The page and the scene behind it come from this machine's own address; another server's port is refused."""
    import contextlib
    import socket
    import urllib.request

    import msgspec
    import viser
    import zstandard
    from websockets.sync.client import connect

    settings = {"physics": "newton_mjwarp", "curriculum": None, "num_envs": 2, "iterations": 1}
    train(cfg(tmp_path, **settings))
    run = Run.read(tmp_path / "run")
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        place.listen()
        with pytest.raises(Sim2RealError, match=f"port {port} cannot be used"):
            in_browser(port)
    with opened(run, num_envs=2, prepare=in_browser(port)) as (venv, policy):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as page:
            assert b"<html" in page.read(2000).lower()
        said, obs = b"", venv.get_observations()
        with connect(f"ws://127.0.0.1:{port}", subprotocols=[f"viser-v{viser.__version__}"], max_size=None) as client:
            client.send(msgspec.msgpack.encode(LOOKING))  # robots are drawn for those who look
            with torch.inference_mode():
                for _ in range(50):
                    obs, *_ = venv.step(policy(obs))
                    with contextlib.suppress(TimeoutError):
                        said += zstandard.decompress(client.recv(timeout=1)[16:])  # sizes stand before
                    if b"/model/shapes/" in said:
                        break
    assert b"Isaac Lab" in said and b"/model/shapes/" in said


@pytest.mark.slow
@pytest.mark.skipif(len(ENGINES) < 2, reason="one engine alone")
def test_a_policy_is_tried_in_both_engines_beside_its_training(tmp_path):
    """A line for each engine, and what the policy loses in the other one."""
    settings = {"curriculum": None, "num_envs": 4, "iterations": 2, "try_every": 2, "try_episodes": 1}
    train(cfg(tmp_path, **settings, physics="ovphysx", try_in=("newton_mjwarp",)))
    lines = [json.loads(line) for line in (tmp_path / "run" / "tries.jsonl").read_text().splitlines()]
    assert [(line["iteration"], line["physics"]) for line in lines] == [(2, "ovphysx"), (2, "newton_mjwarp")]
    assert lines[1]["gap"] == pytest.approx(lines[0]["reward"] - lines[1]["reward"])
    assert not (tmp_path / "run" / "tries").exists()
