"""Runs of stages, with real processes: resumed, refused, failed, stopped, killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim2real.cli.main import load, make_parser
from sim2real.cli.verbs import find_verb
from sim2real.pipeline import demo, matrix
from sim2real.pipeline.stages import PipelineError, Run, Stage

DONE = Stage(name="quick", argv=("--version",))
"""A stage that succeeds at once."""
FAILS = Stage(name="broken", argv=("check", "no such folder"))
"""A stage that fails as a user's mistake does."""
SETTINGS = {"frames": 100, "seed": 5}


def state(folder):
    """What the folder's state says."""
    return json.loads((folder / "state.json").read_text())


def waiting_stage(folder: Path) -> Stage:
    """A stage that waits for ever: it reads the manifest of a dataset that is a pipe nobody writes to."""
    folder.mkdir()
    os.mkfifo(folder / "dataset.json")
    return Stage(name="waits", argv=("check", str(folder)))


@contextlib.contextmanager
def performing(folder: Path, stages: list[Stage]):
    """A process group of its own that performs the stages; nothing of it is left behind."""
    code = (
        "import sys; from pathlib import Path; from sim2real.pipeline.stages import Run, Stage\n"
        f"run = Run.open(Path({str(folder)!r}), {SETTINGS!r})\n"
        "try: run.perform([" + ", ".join(f"Stage(name={s.name!r}, argv={s.argv!r})" for s in stages) + "])\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def wait_for(child, text):
    """Read the child's output up to a line that holds the text."""
    seen = ""
    for line in child.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} was never said:\n{seen}")


def test_stages_run_in_order_and_are_not_run_again(tmp_path, capfd):
    """Each says its number and how to run it alone; the second time all are done before, and no time is added."""
    stages = [DONE, Stage(name="again", argv=("--version",))]
    Run.open(tmp_path / "run", SETTINGS).perform(stages)
    out = capfd.readouterr().out
    assert out.count("sim2real 0.") == 2
    assert out.index("[1/2] quick: ./sim2real.sh --version") < out.index("[2/2] again")
    first = state(tmp_path / "run")
    assert first["finished"] == ["quick", "again"] and all(first["seconds"][name] > 0 for name in first["finished"])
    Run.open(tmp_path / "run", SETTINGS).perform(stages)
    assert capfd.readouterr().out.count("done before") == 2
    assert state(tmp_path / "run") == first


def test_a_failing_stage_stops_the_run_and_keeps_the_finished(tmp_path, capfd):
    """The error names the stage, its code and how to run it alone; no later stage starts; a repeat goes on there."""
    stages = [DONE, FAILS, Stage(name="never", argv=("--version",))]
    for _ in range(2):
        with pytest.raises(
            PipelineError, match=r"stage 'broken' failed \(exit code 2\).*Alone: .*check 'no such folder'"
        ):
            Run.open(tmp_path / "run", SETTINGS).perform(stages)
        assert state(tmp_path / "run")["finished"] == ["quick"]
    captured = capfd.readouterr()
    assert "no such folder does not exist" in captured.err
    assert captured.out.count("quick: done before") == 1 and "never" not in captured.out
    once = state(tmp_path / "run")["seconds"]["broken"]
    with pytest.raises(PipelineError):
        Run.open(tmp_path / "run", SETTINGS).perform(stages)
    assert state(tmp_path / "run")["seconds"]["broken"] > once


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 6}, "seed: there 5, now 6"),
        ({"episodes": 3}, "episodes: there None, now 3"),
        ({"frames": "100"}, "frames: there 100, now '100'"),
    ],
)
def test_other_settings_are_refused(tmp_path, change, said):
    """The key and both values are named, and the state is as it was; the same settings are welcome, tuples included."""
    settings = {**SETTINGS, "engines": ("a", "b")}
    Run.open(tmp_path, settings)
    before = (tmp_path / "state.json").read_bytes()
    with pytest.raises(PipelineError) as error:
        Run.open(tmp_path, {**settings, **change})
    assert said in str(error.value) and "nothing was changed" in str(error.value)
    assert (tmp_path / "state.json").read_bytes() == before
    assert Run.open(tmp_path, settings).finished == []


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"settings": {}}', '{"settings": 1, "seconds": 2}'])
def test_a_damaged_state_is_an_error(tmp_path, content):
    """Whatever stands in the file, the error names it and what to do."""
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(PipelineError, match="state.json is damaged .*remove .* or choose another folder"):
        Run.open(tmp_path, SETTINGS)


def test_ctrl_c_ends_stage_and_run_and_the_state_goes_on(tmp_path):
    """The signal that a terminal sends to the whole group: code 130, finished stages kept, the stopped one is not."""
    stages = [DONE, waiting_stage(tmp_path / "pipe")]
    with performing(tmp_path / "run", stages) as child:
        wait_for(child, "waits:")
        time.sleep(2.0)  # the stage's own start
        os.killpg(child.pid, signal.SIGINT)
        rest = child.communicate(timeout=30)[0]
        assert child.returncode == 130, rest
    assert state(tmp_path / "run")["finished"] == ["quick"]
    assert state(tmp_path / "run")["seconds"]["waits"] > 0


def test_killed_half_way_the_state_is_whole(tmp_path, capfd):
    """Kill -9 during a stage: what was finished is known; torn leftovers of a write are not read; the run goes on."""
    waits = waiting_stage(tmp_path / "pipe")
    with performing(tmp_path / "run", [DONE, waits]) as child:
        wait_for(child, "waits:")
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    (tmp_path / "run" / "state.json.tmp").write_text('{"settings": {"fra')
    assert state(tmp_path / "run")["finished"] == ["quick"]
    Run.open(tmp_path / "run", SETTINGS).perform([DONE, Stage(name="waits", argv=("--version",))])
    assert state(tmp_path / "run")["finished"] == ["quick", "waits"]
    assert "quick: done before" in capfd.readouterr().out
    assert not (tmp_path / "run" / "state.json.tmp").exists()


def parse(stage: Stage):
    """The stage's arguments as its verb's parser reads them."""
    verb = find_verb(stage.argv[0])
    assert verb is not None, stage
    return make_parser(verb, load(verb), "sim2real").parse_args(list(stage.argv[1:]))


@pytest.mark.parametrize("changes", [{}, demo.QUICK, {"physics_train": "ovphysx", "physics_test": "newton_mjwarp"}])
def test_the_demos_stages_are_commands_that_exist(tmp_path, changes):
    """Every stage is read by its verb's own parser, and carries the run's numbers and folders."""
    cfg = demo.DemoCfg(out=tmp_path, **changes)
    stages = demo.stages(cfg)
    args = {stage.name: parse(stage) for stage in stages}
    assert list(args) == ["generate", "check", "preview", "train", "export", "evaluate"]
    assert (args["generate"].frames, args["generate"].size) == (cfg.frames, cfg.size)
    assert (args["generate"].physics, args["evaluate"].physics) == (cfg.physics_train, cfg.physics_test)
    assert args["train"].epochs == cfg.epochs
    assert (args["evaluate"].episodes, args["evaluate"].int8_episodes) == (cfg.episodes, cfg.int8_episodes)
    assert args["evaluate"].baseline_episodes == cfg.baseline_episodes and args["evaluate"].seed == cfg.seed
    paths = {name: {key: str(value) for key, value in vars(found).items()} for name, found in args.items()}
    data, training, bundle = (paths[name]["out"] for name in ("generate", "train", "export"))
    assert paths["evaluate"]["bundle"] == bundle and paths["export"]["policy"] == training
    assert all(data in paths[name]["data"] for name in ("train", "export", "evaluate"))
    assert all(str(tmp_path) in found["out"] for found in paths.values() if "out" in found)


def test_the_matrix_stages_are_commands_that_exist(tmp_path):
    """Four policies and eight drives; each drive runs where its policy was not trained, on the bundle made before."""
    cfg = matrix.MatrixCfg(out=tmp_path)
    stages = matrix.stages(cfg)
    assert len({stage.name for stage in stages}) == len(stages) == 4 * 3 + 8
    made = {}
    for stage in stages:
        args = parse(stage)
        if stage.argv[0] == "generate":
            made[args.out.parent] = args.physics
        elif stage.argv[0] == "evaluate":
            assert made[args.bundle.parent] != args.physics
            assert args.seed == cfg.seed and args.episodes > 0 and args.int8_episodes > 0
    assert sorted(made.values()) == ["newton_mjwarp"] * 2 + ["ovphysx"] * 2


def test_fresh_removes_a_run_and_nothing_else(tmp_path):
    """A folder that no run began is not removed."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.png").touch()
    with pytest.raises(PipelineError, match="is not a run of the demo; nothing was removed"):
        demo.run_demo(demo.DemoCfg(out=tmp_path / "photos"), "", fresh=True)
    assert (tmp_path / "photos" / "me.png").exists()
