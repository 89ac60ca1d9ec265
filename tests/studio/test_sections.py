"""Sections: found by their files, complete, and on good terms with the command line that does their work."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import sim2real_tasks
from sim2real.cli.main import load, make_parser
from sim2real.cli.verbs import find_verb
from sim2real.datasets import CameraInfo, DatasetWriter, Frames, Manifest
from sim2real.learn.ppo import RunCfg
from sim2real.studio import Curve, FileLink, Panel, Picture, StudioError, Table, Text, catalogue, discover
from sim2real.studio import section as section_module
from sim2real.studio.sections.transfer import ENGINES, ROVER_ENGINES

ROOT = Path(__file__).parents[2]
KEYS = ["robot", "physics", "visual", "dataset", "train", "export", "transfer"]


@pytest.fixture
def panel(tmp_path: Path):
    """A panel of an empty workspace."""
    made = Panel(tmp_path, ["/bin/true"])
    yield made
    made.close()


def parsed(argv: list[str]) -> argparse.Namespace:
    """What the verb's own parser makes of a command; it refuses what the verb does not know."""
    verb = find_verb(argv[0])
    assert verb is not None, argv[0]
    return make_parser(verb, load(verb), "sim2real").parse_args(argv[1:])


def command_of(panel: Panel, key: str) -> argparse.Namespace:
    """An action's command, parsed by its verb."""
    assert panel.why_not(key) is None, panel.why_not(key)
    action = panel._action(key)
    assert action.argv is not None
    return parsed(action.argv(panel.values, panel.workspace))


def shown(panel: Panel, key: str) -> list:
    """What a section shows."""
    panel.outputs(key)
    assert panel.settle(60)
    return panel.outputs(key)


def test_sections_come_in_the_order_of_the_work(panel: Panel):
    """One file each, found by looking."""
    keys = [section.key for section in panel.sections]
    assert [key for key in keys if key in KEYS] == KEYS
    files = {path.stem for path in Path(section_module.__file__).parent.glob("sections/*.py")} - {"__init__"}
    assert len(files) == len(keys)


def test_a_new_section_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Dropped into the folder it is there; one that is no section, or takes another's key, is named."""
    import sim2real.studio.sections as package

    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    text = (
        "from sim2real.studio.section import Section\n"
        "ORDER = 55\n"
        "SECTION = Section(key={key!r}, title='Deploy', help='-', fields=lambda values: ())\n"
    )
    (tmp_path / "deploy_a.py").write_text(text.format(key="deploy"))
    keys = [section.key for section in discover()]
    assert keys.index("train") < keys.index("deploy") < keys.index("export")
    (tmp_path / "deploy_b.py").write_text(text.format(key="deploy"))
    with pytest.raises(StudioError, match="deploy_b: 'deploy' is the key of two"):
        discover()
    (tmp_path / "deploy_b.py").write_text("ORDER = 1\n")
    monkeypatch.delitem(__import__("sys").modules, "sim2real.studio.sections.deploy_b")
    with pytest.raises(StudioError, match="deploy_b has no ORDER and SECTION"):
        discover()


@pytest.mark.parametrize("task", catalogue.TASKS)
def test_every_field_is_complete(panel: Panel, task: str):
    """Label, tooltip, a kind, a default that it takes itself, a key of its section's; whatever is chosen."""
    assert panel.set("robot.task", task) is None
    keys = set()
    for section in panel.sections:
        assert section.title and section.help
        for field in panel.values.fields(section.key).values():
            assert field.key.startswith(f"{section.key}.") and field.key not in keys
            keys.add(field.key)
            assert field.label and len(field.help) > 10, field.key
            assert field.check(field.default) == field.default, field.key
            assert field.kind != "choice" or len(set(field.choices)) == len(field.choices) > 0
        for action in section.actions:
            assert action.key.startswith(f"{section.key}.") and action.label and action.help


def test_names_are_those_of_the_tasks():
    """The panel knows them without loading what they name; the lists are the same."""
    assert set(catalogue.TASKS) | {"velocity", "reach"} == set(sim2real_tasks.TASKS)
    assert set(catalogue.SPEC_OF_TASK) == set(catalogue.TASKS)
    assert set(catalogue.SPEC_OF_TASK.values()) <= set(catalogue.specs())
    assert RunCfg.physics in catalogue.PHYSICS


def test_cards_are_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A robot of one's own has the name under which its task is registered."""
    from sim2real_tasks import own

    monkeypatch.setenv("SIM2REAL_ROBOTS", str(tmp_path))
    (tmp_path / "my_dog.yaml").write_text("kind: velocity\n")
    (tmp_path / "my_arm.yaml").write_text("# an arm\nkind: 'reach'\n")
    (tmp_path / "no_robot.yaml").write_text("kind: boat\n")
    assert catalogue.card_tasks() == [own.task_name("my_arm", "reach"), own.task_name("my_dog", "velocity")]
    assert set(catalogue.card_tasks()) <= set(catalogue.tasks())


def test_training_takes_every_setting(panel: Panel):
    """Each field arrives at the verb as what it is."""
    panel.set("robot.device", "cpu")
    values = {
        "num_envs": 64, "iterations": 20, "seed": 3, "save_every": 5, "curriculum": "progressive", "privileged": True,
        "teacher": "runs/t", "start": "runs/s", "ranks": 2, "out": "runs/x",
    }  # fmt: skip
    for name, value in values.items():
        assert panel.set(f"train.{name}", value) is None, name
    args = vars(command_of(panel, "train.start"))
    inside = {name: str(panel.workspace.path(values[name])) for name in ("teacher", "start", "out")}
    wanted = {**values, **inside, "task": "go2", "spec": "go2", "physics": "newton_mjwarp", "device": "cpu"}
    assert {name: args[name] for name in wanted} == wanted
    panel.set("train.randomize", False)
    assert command_of(panel, "train.start").spec is None


def test_the_defaults_of_training_are_the_tools(panel: Panel):
    """What is left empty is not said."""
    args = vars(command_of(panel, "train.start"))
    assert all(args[name] is None for name in ("num_envs", "iterations", "seed", "save_every", "curriculum", "ranks"))


def test_the_edited_spec_is_what_runs(panel: Panel):
    """Training, transfer and inspection get the file of what acts now."""
    from sim2real.spec import load_spec

    panel.set("physics.terms.base_mass.range", "0.5 1.5")
    for key in ("train.start", "robot.inspect"):
        assert load_spec(command_of(panel, key).spec) == panel.values.document.spec


def test_isaac_sims_engine_is_left_to_isaac_sim(panel: Panel):
    """Outside of it nothing starts that cannot run, and the way to it is told."""
    panel.set("robot.physics", "isaacsim_physx")
    for key in ("train.start", "dataset.generate"):
        assert "Isaac Sim" in str(panel.why_not(key))


def test_a_dataset_is_generated_from_the_panels_spec(panel: Panel):
    """Where it has an arena; else from the preset that has one."""
    assert command_of(panel, "dataset.generate").spec == "avoidance"
    panel.set("robot.task", "avoidance")
    for name, value in {"frames": 50, "size": 32, "colour": False, "part": "2/8", "num_envs": 5}.items():
        assert panel.set(f"dataset.{name}", value) is None
    args = command_of(panel, "dataset.generate")
    assert (args.frames, args.size, args.colour, args.shard, args.num_envs) == (50, 32, False, "2/8", 5)
    panel.set("dataset.part", "8/8")
    assert "the last of 8 is 7/8" in str(panel.why_not("dataset.generate"))
    assert "such as 0/1" in str(panel.set("dataset.part", "half"))


def write_set(folder: Path) -> None:
    """Twenty frames of a wall."""
    camera = CameraInfo(width=24, height=16, focal_px=12.0, near_m=0.1, far_m=10.0)
    manifest = Manifest(
        task="avoidance", frames=20, seed=7, spec_yaml="x", spec_digest="0" * 64, camera=camera, code_version="1",
        labels=("forward", "left"), chunk=10,
    )  # fmt: skip
    with DatasetWriter(folder, manifest) as writer:
        for chunk in range(manifest.chunks):
            index = manifest.chunk_range(chunk)
            writer.write_chunk(
                chunk,
                Frames(
                    depth_mm=np.full((len(index), 16, 24), 2000, np.uint16),
                    records=[{"scene": i, "split": "train", "label": i % 2} for i in index],
                    colour=np.zeros((len(index), 16, 24, 3), np.uint8),
                ),
            )


def test_a_dataset_is_shown(panel: Panel):
    """Counts, labels and frames of what is on disk; before there is one, that there is none."""
    assert isinstance(shown(panel, "dataset")[0], Text) and "no dataset" in str(panel.why_not("dataset.check"))
    write_set(panel.workspace.root / "mine")
    panel.set("dataset.out", "mine")
    table, depth, colour = shown(panel, "dataset")
    assert isinstance(table, Table) and ("Frames", "20 of 20") in table.rows and ("Label 'left'", "10") in table.rows
    assert isinstance(depth, Picture) and isinstance(colour, Picture) and not colour.pixels[:16, :24].any()
    assert command_of(panel, "dataset.check").directory == str(panel.workspace.path("mine"))


def test_the_classifier_is_trained_on_the_set(panel: Panel):
    """The avoidance task has other settings: a dataset, epochs; those of engines are out of sight."""
    panel.set("robot.task", "avoidance")
    assert "no dataset" in str(panel.why_not("train.start"))
    write_set(panel.workspace.root / "mine")
    panel.set("dataset.out", "mine")
    panel.set("train.epochs", 2)
    args = command_of(panel, "train.start")
    assert (args.data, args.epochs, args.task) == ([str(panel.workspace.path("mine"))], 2, None)
    assert not {"train.num_envs", "train.ranks"} & {field.key for field in panel.fields("train")}


def test_curves_are_shown_while_a_run_goes(panel: Panel):
    """Reward and length of every iteration, the bounds of ranges that grow, the newest numbers."""
    folder = panel.workspace.root / "runs" / "train" / "go2"
    folder.mkdir(parents=True)
    rows = [
        {"iteration": i, "env_steps": 96 * i, "reward": 0.1 * i if i > 1 else None, "episode_length": 5.0 * i,
         "log": {"Metrics/success_rate": 0.5, "Curriculum/ranges/base_mass/low": 1.0 - 0.01 * i,
                 "Curriculum/ranges/base_mass/high": 1.0 + 0.01 * i, "Curriculum/ranges/entropy": 0.1}}
        for i in range(1, 4)
    ]  # fmt: skip
    (folder / "curves.json").write_text(json.dumps({"unit": "env_steps", "rows": rows}))
    reward, length, table = shown(panel, "train")
    assert reward.series[0].x == (96.0, 192.0, 288.0) and np.isnan(reward.series[0].y[0])
    assert length.series[0].y == (5.0, 10.0, 15.0) and ("success rate", "0.500") in table.rows
    (bounds,) = [o for o in shown(panel, "physics") if isinstance(o, Curve)]
    assert bounds.title == "Bounds of base_mass" and bounds.series[0].y == (0.99, 0.98, 0.97)
    (folder / "curves.json").write_text('{"rows": [')  # being written
    panel.set("train.seed", 1)
    assert isinstance(shown(panel, "train")[0], Text)


def test_a_bundle_is_exported_and_built_in_one_click(panel: Panel):
    """With a Jetson's address the same button builds there; without, nothing of it is said."""
    assert "train first" in str(panel.why_not("export.start"))
    run = panel.workspace.root / "runs" / "train" / "go2"
    run.mkdir(parents=True)
    (run / "model_2.pt").touch()
    args = command_of(panel, "export.start")
    assert (args.run, args.out, args.jetson) == (str(run), str(run / "bundle"), None)
    panel.set("export.jetson", "nvidia@192.168.1.100")
    panel.set("export.power_mode", "MAXN")
    panel.set("export.precisions", "fp16,int8")
    panel.set("export.host_key", "SHA256:" + "a" * 43)
    args = command_of(panel, "export.start")
    assert (args.jetson, args.power_mode, args.precisions) == ("nvidia@192.168.1.100", "MAXN", "fp16,int8")
    assert args.accept_new_host_key == "SHA256:" + "a" * 43
    assert "no bundle" in str(panel.why_not("export.build"))


@pytest.mark.parametrize("address", ["192.168.1.100", "-oProxyCommand=x@y", "a b@c", "a@-x", "a@b;c", "@", "a@b c"])
def test_what_is_no_address_is_refused(panel: Panel, address: str):
    """Nothing that ssh could take for an option or a shell for a command."""
    assert "such as nvidia@192.168.1.100" in str(panel.set("export.jetson", address))


def test_a_shipped_bundle_shows_parity_and_latency(panel: Panel):
    """Of every precision that was proven here, and of the engines of every device."""
    folder = panel.workspace.root / "policy"
    shutil.copytree(ROOT / "policies" / "panda_reach_plain", folder)
    record = {
        "device": {"gpu": "Orin", "tensorrt": "10.3.0"},
        "chosen": "fp16",
        "parity": {"fp16": {"status": "pass", "max_abs_error": 1e-3}, "int8": {"status": "not_run", "reason": "no"}},
        "latency": {"fp16": {"p50": 1.5, "p99": 1.9}, "unit": "ms"},
    }
    (folder / "engines" / "orin").mkdir(parents=True)
    (folder / "engines" / "orin" / "record.json").write_text(json.dumps(record))
    panel.set("robot.task", "panda")
    panel.set("export.out", "policy")
    here, there = shown(panel, "export")
    assert [row[0] for row in here.rows] == ["float", "fp16", "int8"] and all(float(row[3]) > 0 for row in here.rows)
    assert there.title == "Orin, TensorRT 10.3.0"
    assert there.rows == (
        ("fp16 (chosen)", "largest error 0.001", "pass", "1.5", "1.9"), ("int8", "no", "not_run", "", ""),
    )  # fmt: skip
    assert command_of(panel, "export.benchmark").jetson is None
    panel.set("export.jetson", "nvidia@jetson")
    assert command_of(panel, "export.build").source == str(folder)
    assert command_of(panel, "export.benchmark").jetson == "nvidia@jetson"


def test_transfer_plays_the_bundle(panel: Panel):
    """In the engines that are on, with the panel's spec where asked."""
    from sim2real.evaluate.engines.player import ENGINES as KNOWN

    assert set(ENGINES) == set(KNOWN)
    shutil.copytree(ROOT / "policies" / "panda_reach_plain", panel.workspace.root / "policy")
    panel.set("robot.task", "panda")
    assert "export first" in str(panel.why_not("transfer.start"))
    panel.set("transfer.bundle", "policy")
    for engine in ("newton", "physx"):
        panel.set(f"transfer.{engine}", False)
    panel.set("transfer.episodes", 5)
    panel.set("transfer.curve_episodes", 0)
    panel.set("transfer.randomize", True)
    args = command_of(panel, "transfer.start")
    assert (args.engines, args.episodes, args.curve_episodes, args.spec) == ("mujoco,dart", 5, 0, "panda")
    for engine in ENGINES:
        panel.set(f"transfer.{engine}", False)
    assert "at least one engine" in str(panel.why_not("transfer.start"))


def test_the_rover_is_driven(panel: Panel):
    """The avoidance policy is tested by the verb that drives it."""
    panel.set("robot.task", "avoidance")
    folder = panel.workspace.root / "runs" / "train" / "avoidance" / "bundle"
    folder.mkdir(parents=True)
    (folder / "contract.json").write_text("{}")
    panel.set("transfer.moving", 2)
    for engine in ROVER_ENGINES:
        assert panel.set("transfer.engine", engine) is None
        args = command_of(panel, "transfer.start")
        assert (args.physics, args.moving, str(args.bundle)) == (engine, 2, str(folder))


REPORT = {
    "verdict": {"level": "moderate", "sentence": "Transfers in part.", "notes": ["play more"]},
    "engines": [
        {"engine": "physx", "episodes": 100, "success": 1.0, "success_ci": [0.963, 1.0], "gap": None, "level": "good",
         "same_family": True},
        {"engine": "newton", "episodes": 100, "success": 0.84, "success_ci": [0.756, 0.899], "level": "moderate",
         "gap": {"value": 0.16, "low": 0.09, "high": 0.244}, "same_family": False},
    ],
    "curves": {"latency_s": {"mujoco": [[0.0, 1.0, 0.8, 1.0], [0.02, 0.5, 0.3, 0.7]]}},
}  # fmt: skip


def test_the_report_is_read(panel: Panel):
    """Verdict, a row for each engine, the curves, and the way to the page."""
    folder = panel.workspace.root / "runs" / "transfer" / "go2"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(REPORT))
    (folder / "report.html").write_text("<html>")
    verdict, table, curve, link = shown(panel, "transfer")
    assert verdict == Text(title="Verdict", lines=("Transfers in part.", "play more"), mark="warn")
    assert table.rows[1] == ("Newton", "100", "84.0% (75.6% to 89.9%)", "+16.0 (+9.0 to +24.4) points", "moderate")
    assert table.marks == ("good", "warn")
    assert curve.series[0].y == (1.0, 0.5)
    assert link == FileLink(label="Open the report", path="runs/transfer/go2/report.html")
